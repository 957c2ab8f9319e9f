// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Whose address is it? Owners, reviewers, approvers and deciders must be our own people, and what people write in these
// arguments is rarely a bare address: a name, a telephone number, two addresses in one text. A text is an outsider's if
// any address in it is.

// within reports whether a domain is one of the others, or below one of them, label by label. So mail.example.com is
// within example.com, and badexample.com is not. Upper and lower case are the same.
func within(domain string, others []string) bool {
	domain = strings.ToLower(domain)
	for _, o := range others {
		if o = strings.ToLower(o); domain == o || (o != "" && strings.HasSuffix(domain, "."+o)) {
			return true
		}
	}
	return false
}

// addressesIn returns the addresses in a text, which may have names or telephone numbers beside them.
func addressesIn(text string) []string {
	words := strings.FieldsFunc(text,
		func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("<>()[]\"',;:|/", r) })
	words = slices.DeleteFunc(words, func(word string) bool { return !strings.Contains(word, "@") })
	if address, one := access.AddressIn(text); one && len(words) == 1 { // also where a word ends within an address
		return []string{address}
	}
	return words
}

// isReachedBy reports whether a text names one of the addresses in a contact, or is what stands there.
func isReachedBy(text, contact string) bool {
	named := addressesIn(text)
	return (contact != "" && access.SameAddress(contact, text)) ||
		slices.ContainsFunc(addressesIn(contact), func(word string) bool {
			return slices.ContainsFunc(named, func(name string) bool { return access.SameAddress(word, name) })
		})
}

// outsider says why an address is not one of our own people's: "" where it is, or where it is no address at all.
func (c *Context) outsider(text, partner, contact string) string {
	registered := c.Settings.Partners[partner]
	if isReachedBy(text, contact) || isReachedBy(text, registered.Contact) {
		return say("which is the contact of the partner %s itself", partner)
	}
	for _, address := range addressesIn(text) {
		_, domain, _ := strings.Cut(strings.TrimRight(strings.ToLower(address), "."), "@")
		switch {
		case within(domain, registered.Domains):
			return say("whose domain %s belongs to the partner %s itself", domain, partner)
		case len(c.Settings.OwnerDomains) > 0 && !within(domain, c.Settings.OwnerDomains):
			return say("whose domain %s is not in owner_domains (%s)", domain,
				strings.Join(c.Settings.OwnerDomains, ", "))
		}
	}
	return ""
}

// outsiderTo says the same, also where an address is of the partner's whose subcontractor an identity is of.
func (c *Context) outsiderTo(text string, s *Subject) string {
	return cmp.Or(c.outsider(text, s.partner(), s.contact()), c.outsider(text, s.client(), ""))
}

// broughtIn returns what makes it an error that an address is an outsider's: also that it is one only since the plan
// hangs the identity elsewhere, or names another contact.
func (c *Context) broughtIn(text string, s *Subject) cause {
	if s.Before != nil &&
		c.outsiderTo(text, s) != "" &&
		c.outsiderTo(text, &Subject{Object: s.Before}) == "" {
		return entered
	}
	return byChange
}

// client returns the partner that an identity's own hangs on; "" on others.
func (s *Subject) client() string {
	if i := s.identity(); i != nil {
		return i.ParentID.Partner
	}
	return ""
}

// fault is why an address is not one of our own people's by an argument of an identity above an
// object; zero where it is.
type fault struct {
	host          *entry
	argument, why string
}

// problems returns a list of the fault as one of an argument of the lower object; none where there is no fault.
// The format ends with why.
func (f fault) problems(attribute, format string, values ...any) []problem {
	if f.why == "" {
		return nil
	}
	return []problem{{
		attribute: attribute,
		other:     f.argument,
		host:      f.host,
		text:      say(format, append(values, f.why)...),
	}}
}

// besideOf returns the fault of the nearest of those above an object; none where that was said before: of the object
// alone, or when what is at fault arrived.
func (c *Context) besideOf(text string, lower *Subject) fault {
	if c.outsiderTo(text, lower) != "" {
		return fault{}
	}
	above, _ := toHosts(c.view, entryOf(lower))
	f := c.outsiderBelow(text, above)
	if slices.Index(above, f.host) < slices.Index(above, c.subject) {
		return fault{}
	}
	return f
}

// outsiderBelow returns the fault of the first of those above an object, nearest first. What is not known
// of one says nothing yet.
func (c *Context) outsiderBelow(text string, above []*entry) fault {
	for _, up := range above {
		if isReachedBy(text, up.contact()) {
			return fault{up, "contact", say("which %s names as the contact of the partner itself", up)}
		}
		if why := c.outsider(text, up.client(), ""); why != "" {
			return fault{up, "parent_id", why}
		}
	}
	return fault{}
}

// contact returns the partner's contact that an identity names; "" on others.
func (s *Subject) contact() string {
	if i := s.identity(); i != nil {
		return i.Contact
	}
	return ""
}
