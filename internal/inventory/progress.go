// SPDX-License-Identifier: MPL-2.0

package inventory

import "github.com/partner-access/terraform-provider-partner/internal/access"

// Progress is how far the review of partners' access is: of identities, credentials and grants, each by itself.
type Progress struct {
	// Of is how many are in force, Reviewed of how many of them the newest review, or the creation, still counts, and Overdue of how many it
	// does not any more. Lapsed is how many have ended by themselves and are still held. Signed is how many of those in force have a review of their own
	// that is signed.
	Of, Reviewed, Overdue, Lapsed, Signed int
}

// Progress returns how far the review of what is declared is. Where reviews are not asked for, everything counts as reviewed.
func (inv *Inventory) Progress() Progress {
	var p Progress
	for n := range inv.Items {
		i := &inv.Items[n]
		due := i.ReviewDueAt // of another system's report it is all that is known
		if due.IsZero() {
			due = i.ReviewDue(inv.ReviewEvery)
		}
		switch {
		case i.ID == "" || access.IsShadow(i.Partner) || i.Has(Ungoverned):
		case !inv.At.Before(i.EndsAt):
			p.Lapsed++
		case !due.IsZero() && !due.After(inv.At):
			p.Of++
			p.Overdue++
		default:
			p.Of++
			p.Reviewed++
		}
		if i.Signed["review"] != "" && i.ID != "" && inv.At.Before(i.EndsAt) && !access.IsShadow(i.Partner) {
			p.Signed++
		}
	}
	return p
}
