package inventory

import (
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Filter says which items are wanted; what is empty wants all.
type Filter struct {
	Partner, Environment, Owner string
	// ExpiresBefore wants what ends before a moment.
	ExpiresBefore time.Time
	// Flags wants what has one of them.
	Flags []Flag
}

// Filter is the inventory of the items that are wanted.
func (inv *Inventory) Filter(f Filter) *Inventory {
	out := &Inventory{System: inv.System, At: inv.At, Unchecked: inv.Unchecked}
	for _, i := range inv.Items {
		if f.wants(&i) {
			out.Items = append(out.Items, i)
		}
	}
	return out
}

func (f Filter) wants(i *Item) bool {
	switch {
	case f.Partner != "" && i.Partner != f.Partner,
		f.Environment != "" && i.Environment != f.Environment,
		f.Owner != "" && !access.SameAddress(i.Owner, f.Owner),
		!f.ExpiresBefore.IsZero() && (i.EndsAt.IsZero() || !i.EndsAt.Before(f.ExpiresBefore)):
		return false
	}
	return len(f.Flags) == 0 || slices.ContainsFunc(f.Flags, i.Has)
}

// Flags are all flags, in their order.
func Flags() []Flag {
	return []Flag{Governed, Ungoverned, Orphaned, Drifted, Dormant, Unused, Expiring}
}

// Checked reports whether it is known of a number of items that no other one has the flag. Where nobody looked for it, none is not
// known to be none.
func (inv *Inventory) Checked(f Flag, items int) bool {
	return items > 0 || !slices.Contains(inv.Unchecked, f)
}

// Count is how many items have each flag.
func (inv *Inventory) Count() map[Flag]int {
	count := map[Flag]int{}
	for _, f := range Flags() {
		count[f] = 0
	}
	for _, i := range inv.Items {
		for _, f := range i.Flags {
			count[f]++
		}
	}
	return count
}
