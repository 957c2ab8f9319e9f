// SPDX-License-Identifier: MPL-2.0

package store

import (
	"maps"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// Shelf is everything at one moment.
type Shelf[N any] struct {
	Pages  map[access.IdentityID]*Page
	Ledger ledger.Ledger
	Stones ledger.Tombstones
	Holds  ledger.Holds
	spent  map[access.IdentityID][]string // the values of hold_released that were used
	System string
	floor  int64 // the newest generation of a floor that is remembered
	begun  time.Time
	// Rehearsed is when the cut of each partner was rehearsed last.
	Rehearsed map[string]time.Time

	memory memory[N]
}

// with returns the shelf with one page as it is now. What was read of its principals is not known any more.
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

func (h *Shelf[N]) add(p *Page) {
	p = h.spending(p)
	h.Pages[p.ID] = p
	maps.Copy(h.Ledger, p.Entries)
	if !p.Stone.Empty() {
		h.Stones[p.ID] = p.Stone
	}
}

// spending returns a page with what was used as it stands beside it.
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

// bury notes what was used by identities of which there is nothing else.
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
