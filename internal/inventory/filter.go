// SPDX-License-Identifier: MPL-2.0

package inventory

import (
	"slices"
	"strings"
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

// Filter returns the inventory of the items that are wanted.
func (inv *Inventory) Filter(f Filter) *Inventory {
	out := &Inventory{
		System:        inv.System,
		At:            inv.At,
		Unchecked:     inv.Unchecked,
		OwnersUnknown: inv.OwnersUnknown,
		ReviewEvery:   inv.ReviewEvery,
	}
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

// Holder names the identity that an item is or belongs to, by its id; "" if nobody declared it.
func (i *Item) Holder() string {
	if i.ID == "" {
		return ""
	}
	return strings.Join([]string{i.Partner, i.Environment, i.Name}, "/")
}

// Whole returns the identities of a partner with all that hangs on them, its subcontractors included, and what nobody
// declared of it; of these, the identities of which an owner answers for anything. What is empty wants all. An identity
// stays whole: a reader who saw a part of it would take that for all.
func (inv *Inventory) Whole(partner, owner string) *Inventory {
	parents, owned := inv.parents(), inv.ownedBy(owner)
	out := &Inventory{
		System:        inv.System,
		At:            inv.At,
		Unchecked:     inv.Unchecked,
		OwnersUnknown: inv.OwnersUnknown,
		ReviewEvery:   inv.ReviewEvery,
	}
	for n := range inv.Items {
		i := &inv.Items[n]
		theirs := partner == "" || i.Partner == partner || below(partner, i, parents)
		if theirs && (owner == "" || (i.ID != "" && owned[i.identity()])) {
			out.Items = append(out.Items, *i)
		}
	}
	return out
}

// identity names the identity that an item is or belongs to among those of all systems.
func (i *Item) identity() string { return i.System + " " + i.Holder() }

// parents returns the parent of each identity.
func (inv *Inventory) parents() map[string]string {
	parents := map[string]string{}
	for n := range inv.Items {
		if i := &inv.Items[n]; i.Type == access.TypeIdentity && i.ID != "" {
			parents[i.identity()] = i.Parent
		}
	}
	return parents
}

// ownedBy returns the identities of which an owner answers for anything.
func (inv *Inventory) ownedBy(owner string) map[string]bool {
	owned := map[string]bool{}
	for n := range inv.Items {
		if i := &inv.Items[n]; access.SameAddress(i.Owner, owner) {
			owned[i.identity()] = true
		}
	}
	return owned
}

// below reports whether an item's identity hangs on one of a partner, at any depth.
func below(partner string, i *Item, parents map[string]string) bool {
	holder := i.Holder()
	for range parents {
		holder = parents[i.System+" "+holder]
		if holder == "" {
			return false
		}
		if name, _, _ := strings.Cut(holder, "/"); name == partner {
			return true
		}
	}
	return false
}

// Flags returns all flags, in their order.
func Flags() []Flag {
	return []Flag{Governed, Ungoverned, Orphaned, Drifted, Dormant, Unused, Expiring}
}

// Checked reports whether it is known of a number of items that no other one has the flag. Where nobody looked for it,
// none is not known to be none.
func (inv *Inventory) Checked(f Flag, items int) bool {
	return items > 0 || !slices.Contains(inv.Unchecked, f)
}

// Count returns how many items have each flag.
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
