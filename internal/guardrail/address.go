// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"strings"
	"unicode"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// within reports whether a domain is one of the others, or below one of them, label by label.
func within(domain string, others []string) bool {
	domain = strings.ToLower(domain)
	for _, o := range others {
		if o = strings.ToLower(o); domain == o || o != "" && strings.HasSuffix(domain, "."+o) {
			return true
		}
	}
	return false
}

// isReachedBy reports whether an address is one of those in a contact, which may have a name or a telephone number beside it.
func isReachedBy(address, contact string) bool {
	among := strings.FieldsFunc(contact, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("<>()[]\"',;:|/", r) })
	return contact != "" && access.SameAddress(contact, address) || slices.ContainsFunc(among, func(word string) bool {
		return strings.Contains(word, "@") && access.SameAddress(strings.Trim(word, "."), address)
	})
}

// outsider says why an address is not one of our own people's: "" where it is, or where it is no address at all.
func (c *Context) outsider(text, partner, contact string) string {
	a, ok := access.ParseAddress(text)
	registered := c.Settings.Partners[partner]
	switch {
	case isReachedBy(text, contact), isReachedBy(text, registered.Contact):
		return say("which is the contact of the partner %s itself", partner)
	case !ok:
		return ""
	case within(a.Domain, registered.Domains):
		return say("whose domain %s belongs to the partner %s itself", a.Domain, partner)
	case len(c.Settings.OwnerDomains) > 0 && !within(a.Domain, c.Settings.OwnerDomains):
		return say("whose domain %s is not in owner_domains (%s)", a.Domain, strings.Join(c.Settings.OwnerDomains, ", "))
	}
	return ""
}

// contact returns the partner's contact that an identity names; "" on others.
func (s *Subject) contact() string {
	if i := s.identity(); i != nil {
		return i.Contact
	}
	return ""
}
