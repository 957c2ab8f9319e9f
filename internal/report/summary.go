// SPDX-License-Identifier: MPL-2.0

package report

import (
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// summary is what a reader is told first.
type summary struct {
	Partners, Identities, Credentials, Grants int
	// Attention are the items that need it, by flag, the worst flag first. A flag that nothing has is there with none.
	Attention []attention
	// Past are those whose end is behind them and that are still listed; Soon30 and Soon90 end within so many days,
	// where those of the first are in the second too.
	Past, Soon30, Soon90 []*inventory.Item
}

// attention is one flag and what has it.
type attention struct {
	Flag    inventory.Flag
	Meaning string
	Items   []*inventory.Item
	// Unchecked: nobody looked for it.
	Unchecked bool
}

// meanings are the flags that need attention, the worst first.
var meanings = []attention{
	{Flag: inventory.Ungoverned, Meaning: "nobody declared it: no owner, no end"},
	{Flag: inventory.Orphaned, Meaning: "its owner left, or what it hangs on is gone"},
	{Flag: inventory.Drifted, Meaning: "the system holds more than was declared"},
	{Flag: inventory.Expiring, Meaning: "it ends soon"},
	{Flag: inventory.Dormant, Meaning: "it was used, but not for a long time"},
	{Flag: inventory.Unused, Meaning: "nothing uses it"},
}

// summarize counts all objects that the report holds, included systems' among them. A flag is unchecked if nothing has
// it and one of the systems was not looked at for it.
func (r *Report) summarize() summary {
	var s summary
	held := map[string]bool{}
	for i := range r.Inventory.Items {
		item := &r.Inventory.Items[i]
		if item.Partner != "" {
			held[item.Partner] = true
		}
		s.count(item)
		s.end(item, r.now())
	}
	s.Partners = len(held)
	sources := r.sources()
	for _, a := range meanings {
		a.Items = having(r.Inventory, a.Flag)
		a.Unchecked = len(a.Items) == 0 && slices.ContainsFunc(sources, func(s Source) bool {
			return s.unchecked(a.Flag) || (a.Flag == inventory.Orphaned && s.OwnersUnknown)
		})
		s.Attention = append(s.Attention, a)
	}
	return s
}

func (s *summary) count(i *inventory.Item) {
	switch i.Type {
	case access.TypeIdentity:
		s.Identities++
	case access.TypeCredential:
		s.Credentials++
	case access.TypeGrant:
		s.Grants++
	}
}

// end notes an item by how near its end is: past, or within 30 days and 90 days. What has no end is in none.
func (s *summary) end(i *inventory.Item, now time.Time) {
	switch {
	case i.EndsAt.IsZero():
		return
	case !i.EndsAt.After(now):
		s.Past = append(s.Past, i)
		return
	case !i.EndsAt.After(now.AddDate(0, 0, 30)):
		s.Soon30 = append(s.Soon30, i)
	}
	// what ends within 30 days ends within 90 as well
	if !i.EndsAt.After(now.AddDate(0, 0, 90)) {
		s.Soon90 = append(s.Soon90, i)
	}
}

// having returns the items that have a flag, in the inventory's order.
func having(inv *inventory.Inventory, flag inventory.Flag) []*inventory.Item {
	var all []*inventory.Item
	for i := range inv.Items {
		if inv.Items[i].Has(flag) {
			all = append(all, &inv.Items[i])
		}
	}
	return all
}
