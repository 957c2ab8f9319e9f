// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// How objects find each other: what stands above an object, what hangs on it, and how sure that is. Rules that compare
// what hangs on what ask here, and need not know how far the plan has come.

// sight is how sure what stands above an object is.
type sight int

const (
	// missing: nowhere, or on its way: it judges when it arrives.
	missing sight = iota
	// passing: the system alone holds it, for this stack: it may still arrive in this plan, and be another then.
	passing
	// firm: as the plan leaves it.
	firm
)

// view is the portfolio as it is seen at the arrival of one subject: what has a greater sequence than asOf has not
// arrived yet. Of two that arrive, the second judges both, so that nothing is said twice, and nothing depends on which
// it was. The portfolio's lock is held while a view is in use.
type view struct {
	*Portfolio
	asOf  int
	phase Phase
}

// at finds an identity, and says how sure that is. What has arrived stands in place of what the system holds. What
// another stack holds is firm, since no plan of ours moves it; what ours holds is firm only at apply, where nothing
// says that it will arrive.
func (v view) at(id access.IdentityID) (*entry, sight) {
	ref := id.Ref()
	if arrived := v.planned[ref]; len(arrived) > 0 {
		if arrived[0].seq > v.asOf {
			return nil, missing
		}
		return arrived[0], firm
	}
	e := v.live[ref]
	switch {
	case e == nil:
		return nil, missing
	case v.phase == Plan && e.stack == v.stack:
		return e, passing
	}
	return e, firm
}

// chain returns everything above an entry, nearest first, as far as it is seen, and how sure the least sure of it is.
// It stops before an identity comes again. Parents can form a circle in a configuration (delegation/cycle refuses it),
// so each identity is visited once.
func (v view) chain(e *entry) (above []*entry, seen sight) {
	seen = firm
	visited := map[access.IdentityID]bool{}
	if e.ref.Type == access.TypeIdentity {
		visited[e.holder] = true
	}
	for id := e.above(); id != (access.IdentityID{}) && !visited[id]; {
		visited[id] = true
		next, s := v.at(id)
		seen = min(seen, s)
		if next == nil {
			return above, missing
		}
		above = append(above, next)
		id = next.above()
	}
	return above, seen
}

// resolver finds the path from an entry to the one above it that a rule compares it with, which is the last of the
// path. The path is empty where there is none.
type resolver func(v view, lower *entry) (path []*entry, seen sight)

// toIdentity returns the way of a credential or grant to its identity.
func toIdentity(v view, lower *entry) ([]*entry, sight) {
	if lower.ref.Type == access.TypeIdentity {
		return nil, firm
	}
	return v.step(lower)
}

// toParent returns the way of an identity to its parent.
func toParent(v view, lower *entry) ([]*entry, sight) {
	if lower.ref.Type != access.TypeIdentity {
		return nil, firm
	}
	return v.step(lower)
}

// toHosts returns the way of an object to all that it hangs on, as far as that is seen and stays as it is. What may
// move cuts the way short and is not waited for: rules that go this way judge each one above by itself, and that one
// judges what is below when it arrives.
func toHosts(v view, lower *entry) ([]*entry, sight) {
	path, _ := v.chain(lower)
	if at := slices.IndexFunc(path, v.mayMove); at >= 0 {
		path = path[:at]
	}
	return path, firm
}

// step returns the way of one step from an entry to what it hangs on; none where that is nothing, or itself.
func (v view) step(lower *entry) ([]*entry, sight) {
	id := lower.above()
	if id == (access.IdentityID{}) || (id == lower.holder && lower.ref.Type == access.TypeIdentity) {
		return nil, firm
	}
	upper, seen := v.at(id)
	if upper == nil {
		return nil, missing
	}
	return []*entry{upper}, seen
}

// toTop returns the way of an identity to the one at the top of its chain.
func toTop(v view, lower *entry) ([]*entry, sight) {
	if lower.ref.Type != access.TypeIdentity || lower.above() == (access.IdentityID{}) {
		return nil, firm
	}
	path, seen := v.chain(lower)
	if len(path) > 0 && path[len(path)-1].above() != (access.IdentityID{}) {
		return nil, missing // incomplete, or a cycle
	}
	return path, seen
}

// toCeiling returns the way to the nearest parent with a ceiling. For a grant, its own identity is no parent. An
// identity without a ceiling limits nothing, so the way goes on above it. Only what is on the way up to the ceiling has
// to be certain; what stands above does not matter.
func toCeiling(v view, lower *entry) ([]*entry, sight) {
	if lower.ref.Type == access.TypeIdentity && lower.above() == (access.IdentityID{}) {
		return nil, firm
	}
	path, seen := v.chain(lower)
	for i, e := range path {
		if i == 0 && lower.ref.Type != access.TypeIdentity {
			continue
		}
		if len(e.identity().Ceiling) > 0 {
			return path[:i+1], v.weakest(path[:i+1])
		}
	}
	if seen == missing {
		return nil, missing
	}
	return nil, firm
}

// weakest returns how certain a path is: passing where an entry is on it that this plan may still move.
func (v view) weakest(path []*entry) sight {
	if slices.ContainsFunc(path, v.mayMove) {
		return passing
	}
	return firm
}

// mayMove reports whether the system alone holds an entry for our stack, since this plan may still move it.
func (v view) mayMove(e *entry) bool { return e.seq == 0 && v.phase == Plan && e.stack == v.stack }

// descendants returns the entries that hang on an identity, at any depth, planned before this view or live in other
// stacks. What the system alone holds for this stack is left out: it may still arrive, and judges then. What hangs on
// an identity that is only held is found all the same: the search goes through it.
func (v view) descendants(top *entry) []*entry {
	if top.ref.Type != access.TypeIdentity {
		return nil
	}
	var all []*entry
	queue := []access.IdentityID{top.holder}
	visited := map[access.IdentityID]bool{top.holder: true}
	enqueue := func(e *entry) {
		if e.ref.Type == access.TypeIdentity && !visited[e.holder] {
			visited[e.holder] = true
			queue = append(queue, e.holder)
		}
	}
	for len(queue) > 0 {
		f := v.families[queue[0]]
		queue = queue[1:]
		if f == nil {
			continue
		}
		for _, e := range f.planned {
			enqueue(e)
			if e.seq < v.asOf {
				all = append(all, e)
			}
		}
		for _, e := range f.live {
			enqueue(e)
			if e.stack != v.stack {
				all = append(all, e)
			}
		}
	}
	return all
}

// settled reports whether everything above the entry is seen as the plan leaves it.
func (v view) settled(e *entry) bool {
	_, seen := v.chain(e)
	return seen == firm
}

// hangsOn reports whether the identity of an entry is a certain one, or stands below it. It also counts an upper one
// that is named and not seen yet: partners that are related by their ids must not be taken for strangers.
func (v view) hangsOn(lower *entry, upper access.IdentityID) bool {
	if lower.holder == upper || lower.above() == upper {
		return true
	}
	above, _ := v.chain(lower)
	for _, e := range above {
		if e.holder == upper || e.above() == upper {
			return true
		}
	}
	return false
}

// finder finds the entries beside one that a rule compares it with. The order of what it returns does not matter.
type finder func(v view, e *entry) []*entry
