// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"maps"
	"slices"
)

// shelf finds past access: by its key, and by its partner and its reach. It has no lock of its own: shelves of a
// portfolio are guarded by the portfolio's.
type shelf struct {
	// keys is by the print of a key or workload (heldKey). It holds all partners, since whoever has a key is one party.
	keys map[string][]*entry
	// reach is by partner: what two partners reach in common is no continuation, but scope/foreign-partner's.
	reach map[string]*trie
}

// newShelf returns an empty shelf.
func newShelf() *shelf { return &shelf{map[string][]*entry{}, map[string]*trie{}} }

// add enters an entry under each of its keys, and a grant also under its pattern and under all that it reaches.
func (h *shelf) add(e *entry) {
	for _, k := range e.keys {
		h.keys[k.print] = append(h.keys[k.print], e)
	}
	if g := e.grant(); g != nil {
		if h.reach[e.holder.Partner] == nil {
			h.reach[e.holder.Partner] = &trie{}
		}
		h.reach[e.holder.Partner].add(g.Resource, e)
		for _, t := range targetsOf(&e.Subject) {
			h.reach[e.holder.Partner].add(placeOf(t), e)
		}
	}
}

// drop takes out what add entered. Keys and reach must be those of that time: a path of the trie that was never entered
// is not there to be left.
func (h *shelf) drop(e *entry) {
	is := func(o *entry) bool { return o == e }
	for _, k := range e.keys {
		h.keys[k.print] = slices.DeleteFunc(h.keys[k.print], is)
	}
	if g, reach := e.grant(), h.reach[e.holder.Partner]; g != nil && reach != nil {
		reach.drop(g.Resource, e)
		for _, t := range targetsOf(&e.Subject) {
			reach.drop(placeOf(t), e)
		}
	}
}

// of returns what has a key of the subject, or a reach of its partner that overlaps. The order is arbitrary, and the
// subject's own entry may be among them.
func (h *shelf) of(s *Subject) []*entry {
	found := map[*entry]bool{}
	for _, k := range s.keys {
		for _, e := range h.keys[k.print] {
			found[e] = true
		}
	}
	if g := s.grant(); g != nil && g.Resource != "" && h.reach[s.partner()] != nil {
		h.reach[s.partner()].overlapping(g.Resource, "", found)
		for _, t := range targetsOf(s) {
			h.reach[s.partner()].overlapping(placeOf(t), "", found)
		}
	}
	return slices.Collect(maps.Keys(found))
}
