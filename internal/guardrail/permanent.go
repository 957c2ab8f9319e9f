// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// expiryPermanent finds an extension of access that exists for over two years, a grant over one, if nobody but its
// owner has looked. A new name does not make it younger: what goes on from removed access began with that (goesOnFrom).
func expiryPermanent(c *Context, s, upper *Subject) []problem {
	years := 2
	if s.grant() != nil {
		years = 1
	}
	began := s.History.Began()
	if s.fresh() {
		began, _ = c.goesOnFrom(s)
	}
	lasts := s.extends() || s.fresh()
	if !lasts || began.IsZero() || !c.Now.After(began.AddDate(years, 0, 0)) {
		return nil
	}
	by := reviewedByOwnerAlone(s, upper)
	if by == "" {
		return nil // where nobody looked, expiry/rolling speaks, or expiry/relabelled
	}
	return two("expires_at", "review", say("%s exists since %s, over %s, and its renewal to %s is reviewed by %s",
		s, date(began), counted(years, "year"), date(s.terms().ExpiresAt.Time), by), "")
}

// reviewedByOwnerAlone returns by whom what lasts is reviewed, where that is its owner alone, or somebody whom no
// address tells from the owner; "" where somebody else looked, or nobody.
func reviewedByOwnerAlone(s, upper *Subject) (by string) {
	owner := s.terms().Owner
	for _, r := range reviews(s, upper) {
		if !s.fresh() && !s.History.Extendable(r.At.Time) {
			continue
		}
		own := func(address string) bool { return access.SameAddress(address, owner) }
		other := func(address string) bool {
			_, told := access.AddressIn(address)
			return told && !own(address)
		}
		switch named := addressesIn(r.By); {
		case !own(r.By) && slices.ContainsFunc(named, other): // a signature is by whom the whole text names
			return ""
		case own(r.By) || slices.ContainsFunc(named, own):
			by = say("its owner %s alone", shown(owner))
		default:
			by = say("%s, which is no e-mail address: it may be the owner %s", shown(r.By), shown(owner))
		}
	}
	return by
}
