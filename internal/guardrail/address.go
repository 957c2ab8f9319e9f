// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// address is an e-mail address in its parts, in lower case: addresses are compared without case.
type address struct{ local, domain string }

// parseAddress reads exactly one address in ASCII, with a dotted domain. Quoted local parts and address literals, which
// no directory hands out, are none.
func parseAddress(text string) (address, bool) {
	local, domain, _ := strings.Cut(strings.ToLower(text), "@")
	if len(text) > 254 || len(local) > 64 || !validLocal(local) || !validDomain(domain) {
		return address{}, false
	}
	return address{local, domain}, true
}

func validLocal(local string) bool {
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.Trim(atom, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+/=?^_`{|}~-") != "" {
			return false
		}
	}
	return true
}

// validDomain reports whether the text is a domain of two labels or more, the last of which is no number.
func validDomain(domain string) bool {
	labels := strings.Split(strings.ToLower(domain), ".")
	if len(labels) < 2 || len(domain) > 253 || strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

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

// outsider says why an address is not one of our own people's: "" where it is, or where it is no address at all.
func (c *Context) outsider(text, partner, contact string) string {
	a, ok := parseAddress(text)
	registered := c.Settings.Partners[partner]
	switch {
	case contact != "" && access.SameAddress(text, contact), registered.Contact != "" && access.SameAddress(text, registered.Contact):
		return say("which is the contact of the partner %s itself", partner)
	case !ok:
		return ""
	case within(a.domain, registered.Domains):
		return say("whose domain %s belongs to the partner %s itself", a.domain, partner)
	case len(c.Settings.OwnerDomains) > 0 && !within(a.domain, c.Settings.OwnerDomains):
		return say("whose domain %s is not in owner_domains (%s)", a.domain, strings.Join(c.Settings.OwnerDomains, ", "))
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
