// SPDX-License-Identifier: MPL-2.0

package inventory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// Offboarding is what goes with a partner.
type Offboarding struct {
	// Items are what would go, in the order in which it goes: what hangs on something before that, and with an identity
	// its credentials, then its grants, then itself. What nobody declared comes last.
	Items []Item
	// Records are of what is declared among them, in the same order.
	Records []*access.Record
	// Notes are what is shared with others or stands in the way, a sentence each.
	Notes []string
}

// Offboard says what goes with a partner. The inventory is of these records, and of the stack's configuration.
func (inv *Inventory) Offboard(partner, stack string, records []*access.Record) Offboarding {
	line := falling(partner, records)
	at := map[string]int{} // of an item, by type and id
	for n, i := range inv.Items {
		at[string(i.Type)+" "+i.ID] = n
	}
	taken := []*access.Record{}
	for _, r := range records {
		if _, falls := line[r.Object.Holder()]; falls {
			taken = append(taken, r)
		}
	}
	inner := []access.Type{access.TypeCredential, access.TypeGrant, access.TypeIdentity}
	order.Sort(taken, func(a, b *access.Record) int {
		x, y := a.Object.Holder(), b.Object.Holder()
		if line[x] != line[y] {
			return line[y] - line[x]
		}
		if c := x.Compare(y); c != 0 {
			return c
		}
		return slices.Index(inner, a.Object.Ref().Type) - slices.Index(inner, b.Object.Ref().Type)
	})
	out := Offboarding{Records: taken}
	for _, r := range taken {
		i := inv.Items[at[r.Object.Ref().String()]]
		out.Items = append(out.Items, i)
		out.note(partner, stack, r, i)
	}
	for _, i := range inv.Items {
		if i.Has(Ungoverned) && i.Partner == partner {
			out.Items = append(out.Items, i)
			out.Notes = append(out.Notes, fmt.Sprintf("%s was made by hand: a destroy does not remove it. %s.",
				i.NativeID, strings.TrimSuffix(i.Why, ".")))
		}
	}
	return out
}

// falling returns the identities that go with a partner: its own, and all that hangs on them, by how deep they hang.
func falling(partner string, records []*access.Record) map[access.IdentityID]int {
	parents := map[access.IdentityID]access.IdentityID{}
	for _, r := range records {
		if i, ok := r.Object.(*access.Identity); ok {
			parents[i.ID] = i.ParentID
		}
	}
	found := map[access.IdentityID]int{}
	for id := range parents {
		depth, falls := 0, id.Partner == partner
		for above := parents[id]; above != (access.IdentityID{}) && depth <= len(parents); above = parents[above] {
			depth++
			falls = falls || above.Partner == partner
		}
		if falls {
			found[id] = depth
		}
	}
	return found
}

// note says what is shared, or stands in the way.
func (o *Offboarding) note(partner, stack string, r *access.Record, i Item) {
	note := func(format string, values ...any) { o.Notes = append(o.Notes, fmt.Sprintf(format, values...)) }
	identity, isIdentity := r.Object.(*access.Identity)
	if isIdentity && i.Partner != partner {
		note("%s belongs to %s and hangs on %s: it goes with it.", i.ID, i.Partner, identity.ParentID)
	}
	if i.Stack != stack {
		note("%s %s belongs to the stack %q: remove it from that configuration, or its next apply creates it again.",
			i.Type, i.ID, i.Stack)
	}
	if isIdentity && r.Held {
		note("%s was already cut by hand.", i.ID)
	}
	for _, d := range i.Drift {
		note("%s %s: %s", i.Type, i.ID, d)
	}
}
