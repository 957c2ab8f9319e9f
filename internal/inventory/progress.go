// SPDX-License-Identifier: MPL-2.0

package inventory

import "github.com/partner-access/terraform-provider-partner/internal/access"

// Progress is how far the review of partners' access is: of identities, credentials and grants, each by itself.
type Progress struct {
	// Of is how many are in force, Reviewed of how many of them the newest review, or the creation, still counts, and
	// Overdue of how many it does not any more. Lapsed is how many have ended by themselves and are still held. Signed
	// is how many of those in force have a review of their own that is signed.
	Of, Reviewed, Overdue, Lapsed, Signed int
}

// Progress returns how far the review of what is declared is. Where reviews are not asked for,
// everything counts as reviewed.
func (inv *Inventory) Progress() Progress {
	var p Progress
	for n := range inv.Items {
		i := &inv.Items[n]
		if i.ID == "" || access.IsShadow(i.Partner) || i.Has(Ungoverned) {
			continue
		}
		if !inv.At.Before(i.EndsAt) {
			p.Lapsed++
			continue
		}
		p.Of++
		if inv.overdue(i) {
			p.Overdue++
		} else {
			p.Reviewed++
		}
		if i.Signed["review"] != "" {
			p.Signed++
		}
	}
	return p
}

// overdue reports whether the newest review of an item does not count any more.
func (inv *Inventory) overdue(i *Item) bool {
	due := i.ReviewDueAt // of another system's report it is all that is known
	if due.IsZero() {
		due = i.ReviewDue(inv.ReviewEvery)
	}
	return !due.IsZero() && !due.After(inv.At)
}
