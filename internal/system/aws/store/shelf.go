// SPDX-License-Identifier: MPL-2.0

package store

import (
	"maps"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// Shelf is everything as one reading has it. It is shared and never changed, but for its memory, which has a lock of
// its own: a write makes another one (see with).
type Shelf[N any] struct {
	// Pages are all that there are, also damaged ones.
	Pages map[access.IdentityID]*Page
	// Ledger has the entries of all pages, and Stones the tombstones: of pages, and of identities of which nothing but
	// a used release is left.
	Ledger ledger.Ledger
	Stones ledger.Tombstones
	// Holds are what was cut by hand, by the marks.
	Holds ledger.Holds
	// spent are the values of hold_released that were used, by the objects beside the pages.
	spent map[access.IdentityID][]string
	// System is the id of the system; "" if there is none yet, or nobody can tell.
	System string
	// floor is the newest generation of a floor that the ledger remembers; 0 for none.
	floor int64
	// begun is when the reading began, by this machine's clock: what was written later may be missing in it.
	begun time.Time
	// Rehearsed is when the cut of each partner was rehearsed last.
	Rehearsed map[string]time.Time

	memory memory[N]
}

// with returns the shelf with one page as it is now. What was read of its principals, before and now, is not known any
// more. If the page is the one that it has, it returns itself.
func (h *Shelf[N]) with(p *Page) *Shelf[N] {
	h.memory.mu.Lock()
	defer h.memory.mu.Unlock()
	next := &Shelf[N]{
		Pages: maps.Clone(h.Pages), Ledger: maps.Clone(h.Ledger), Stones: maps.Clone(h.Stones), Holds: h.Holds,
		spent: h.spent, System: h.System, floor: h.floor, begun: h.begun,
		Rehearsed: h.Rehearsed,
		memory:    memory[N]{natives: maps.Clone(h.memory.natives), whole: h.memory.whole, unlisted: h.memory.unlisted},
	}
	if old := next.Pages[p.ID]; old != nil {
		if old.ETag == p.ETag {
			return h
		}
		for ref := range old.Entries {
			delete(next.Ledger, ref)
		}
		for _, x := range old.Principals {
			delete(next.memory.natives, x.Handle())
		}
		delete(next.Pages, p.ID)
		delete(next.Stones, p.ID)
	}
	for _, x := range p.Principals {
		delete(next.memory.natives, x.Handle())
	}
	if p.ETag != "" {
		next.add(p)
	}
	next.bury()
	return next
}

// add puts a page on a shelf that is being made.
func (h *Shelf[N]) add(p *Page) {
	p = h.spending(p)
	h.Pages[p.ID] = p
	maps.Copy(h.Ledger, p.Entries)
	if !p.Stone.Empty() {
		h.Stones[p.ID] = p.Stone
	}
}

// spending returns a page whose identity has used what the objects beside it say, too. A page of before that somebody
// puts back, as from a backup, does not know of a release that was used since.
func (h *Shelf[N]) spending(p *Page) *Page {
	used := h.spent[p.ID]
	e := p.Entries[p.ID.Ref()]
	if len(used) == 0 || e == nil {
		return p
	}
	more := *e
	for _, value := range used {
		more.History = more.History.Releases(value)
	}
	if len(more.History.Released) == len(e.History.Released) {
		return p
	}
	next := p.Copied()
	next.Entries[p.ID.Ref()] = &more
	return next
}

// bury notes what was used by identities that have no entry: as a tombstone, which their successors of that id inherit.
func (h *Shelf[N]) bury() {
	for id, used := range h.spent {
		if h.Ledger[id.Ref()] != nil {
			continue
		}
		stone := h.Stones[id]
		for _, value := range used {
			if !slices.Contains(stone.Released, value) {
				stone.Released = append(slices.Clip(stone.Released), value)
			}
		}
		stone.Identity = id.String()
		h.Stones[id] = stone
	}
}
