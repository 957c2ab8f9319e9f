// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// By what rules find others: what hangs on the same identity, who holds the same key, and what reaches the same paths.
// An entry is entered once it arrives, and taken out when it is replaced or removed. So a rule over two objects looks
// at few, also among thousands (see TestTheCostGrowsWithTheSize).

// familyOf returns what hangs on an identity, to be added to.
func (p *Portfolio) familyOf(id access.IdentityID) *family {
	f := p.families[id]
	if f == nil {
		f = &family{count: map[access.Type]int{}, elsewhere: map[access.Type]int{}}
		p.families[id] = f
	}
	return f
}

// above returns the identity that the entry hangs on; zero where it hangs on none.
func (e *entry) above() access.IdentityID {
	if i := e.identity(); i != nil {
		return i.ParentID
	}
	return e.holder
}

// index enters an entry under all by which rules look for others. What it enters, forget takes out. The caller holds
// the lock.
func (p *Portfolio) index(e *entry) {
	if id := e.above(); id != (access.IdentityID{}) {
		f := p.familyOf(id)
		if e.seq > 0 {
			f.planned = append(f.planned, e)
		} else {
			f.live = append(f.live, e)
			f.elsewhere[e.ref.Type] += p.foreign(e)
		}
	}
	for _, k := range e.keys {
		if p.keys[k.print] == nil {
			p.keys[k.print] = map[*entry]bool{}
		}
		p.keys[k.print][e] = true
	}
	for _, t := range p.territories(e) {
		t.trie.add(t.pattern, e)
	}
	if slices.ContainsFunc(e.reaches, func(r reached) bool { return r.nothing }) {
		p.nowhere[e] = true
	}
}

// foreign returns 1 for what another stack owns, else 0.
func (p *Portfolio) foreign(e *entry) int {
	if e.stack == p.stack {
		return 0
	}
	return 1
}

// forget takes an entry out of all that index entered it under. It has to see the same keys, reach and holder as index
// saw. The caller holds the lock.
func (p *Portfolio) forget(e *entry) {
	if id := e.above(); id != (access.IdentityID{}) {
		f := p.familyOf(id)
		if e.seq > 0 {
			f.planned = remove(f.planned, e)
		} else {
			f.live = remove(f.live, e)
			f.elsewhere[e.ref.Type] -= p.foreign(e)
		}
	}
	for _, k := range e.keys {
		delete(p.keys[k.print], e)
	}
	for _, t := range p.territories(e) {
		t.trie.drop(t.pattern, e)
	}
	delete(p.nowhere, e)
}

// remove takes e out of the entries. Their order says nothing.
func remove(entries []*entry, e *entry) []*entry {
	last := len(entries) - 1
	at := slices.Index(entries, e)
	entries[at] = entries[last]
	return entries[:last]
}

// territory is one place in an index: the trie, and the pattern under which an entry stands there.
type territory struct {
	trie    *trie
	pattern access.Pattern
}

// territories returns the patterns of an entry, and the index that each belongs to. Pattern and targets of one reach go
// into the same trie: common if all of the pattern lies where partners may meet, else open. The pattern itself is not
// in common, since two partners may meet there.
func (p *Portfolio) territories(e *entry) []territory {
	var all []territory
	if g := e.grant(); g != nil && g.Resource != "" {
		all = append(all, territory{&p.familyOf(g.IdentityID).grants, g.Resource})
	}
	for _, r := range e.reaches {
		meets := &p.open
		if p.shared(r.pattern) {
			meets = &p.common
		} else {
			all = append(all, territory{meets, r.pattern})
		}
		for _, t := range r.targets {
			all = append(all, territory{meets, placeOf(t)})
		}
	}
	return all
}

// shared reports whether all of a pattern lies where partners may meet.
func (p *Portfolio) shared(pattern access.Pattern) bool {
	if len(p.settings.Shared) == 0 {
		return false
	}
	_, outside := access.Outside(p.settings.Shared, pattern)
	return !outside
}
