// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"errors"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// model is what a simple mind expects of a system: a map.
type model map[access.Ref]*expected

// expected is one object as the model has it.
type expected struct {
	object  access.Object
	history access.History // its uid and moments are taken from the system
	bound   time.Time
	// issued is until when what was issued lives; zero where there is nothing.
	issued time.Time
	// items are what a life's partner was given, oldest first.
	items []item
}

// chain is the ids of the random identities, each hanging on the one before it.
var chain = [...]string{"one", "two", "three"}

// agreesWithModel makes random changes, and compares the system with the model after each one. It creates, changes,
// extends and removes under few ids, so that most changes meet something. rapid shortens a sequence that fails.
func agreesWithModel(w *world) {
	if w.ModelUnit > 0 {
		w.Unit = w.ModelUnit
	}
	rapid.Check(w.test, func(t *rapid.T) {
		for _, r := range w.list() { // what the round before left
			if _, err := w.System.Delete(w.ctx(), r.Object.Ref(), r.UID); err != nil &&
				!errors.Is(err, access.ErrNotFound) {
				t.Fatal(err)
			}
		}
		m := model{}
		w := &world{TB: t, test: w.test, Harness: w.Harness, partner: w.partner, origin: w.origin}
		t.Repeat(map[string]func(*rapid.T){
			"":         func(*rapid.T) { m.agree(w) },
			"identity": func(t *rapid.T) { m.put(w, drawIdentity(w, t), t) },
			"grant": func(t *rapid.T) {
				m.put(w, w.grant(rapid.SampledFrom(chain[:]).Draw(t, "of"),
					rapid.SampledFrom([]string{"a", "b"}).Draw(t, "grant"), units(t)), t)
			},
			"credential": func(t *rapid.T) {
				m.put(w, w.credential(rapid.SampledFrom(chain[:]).Draw(t, "of"),
					rapid.SampledFrom(w.System.Capabilities().Kinds).Draw(t, "kind"), units(t)), t)
			},
			"delete": func(t *rapid.T) { m.remove(w, t) },
			"wait": func(*rapid.T) {
				if w.ModelUnit == 0 { // else the system's own clock moves by itself
					w.Advance(time.Second)
				}
			},
		})
	})
}

// units returns an end far enough ahead not to come in a round, and never the same for two by chance alone.
func units(t *rapid.T) int { return rapid.IntRange(20, 60).Draw(t, "ends") }

// drawIdentity draws one of a chain of three, which may be suspended, or allow none below.
func drawIdentity(w *world, t *rapid.T) *access.Identity {
	n := rapid.IntRange(0, len(chain)-1).Draw(t, "identity")
	i := w.identity(chain[n], units(t), allowing(rapid.Int64Range(0, 2).Draw(t, "depth")))
	if n > 0 {
		i.ParentID = id(chain[n-1])
	}
	i.Suspended = rapid.IntRange(0, 4).Draw(t, "suspended") == 0
	i.Subcontractors.Allowed = rapid.IntRange(0, 4).Draw(t, "allowed") > 0
	return i
}

// refusal returns why a stack may not put an object; nil if it may.
func (m model) refusal(o access.Object, stack string) error {
	if before := m[o.Ref()]; before != nil && before.history.Stack != stack {
		return access.ErrOtherStack
	}
	if above := m.above(o); above != (access.IdentityID{}) && m[above.Ref()] == nil {
		return access.ErrNoIdentity
	}
	return nil
}

// follows takes over what goes on from before: the history, as package access continues it, and what was issued.
func (e *expected) follows(before *expected, r *access.Record, at time.Time) {
	e.history = before.history.Next(before.object, e.object, e.bound, at)
	e.issued = before.issued
	e.history.UID = r.UID
	if !r.RenewedAt.Before(e.history.RenewedAt) { // a system with a clock of its own was a moment later
		e.history.RenewedAt = r.RenewedAt
	}
}

// put puts an object as the model's owner of it knows it, or as somebody else, and expects what package access says.
func (m model) put(w *world, o access.Object, t *rapid.T) {
	before := m[o.Ref()]
	stack := rapid.SampledFrom([]string{ours, ours, ours, theirs}).Draw(t, "stack")
	uid := ""
	if before != nil && rapid.Bool().Draw(t, "knows the uid") {
		uid, stack = before.history.UID, before.history.Stack
	}
	at := w.now()
	r, err := w.try(o, by(stack), known(uid))
	if want := m.refusal(o, stack); want != nil {
		w.refused("put", err, want)
		return
	}
	if err != nil {
		w.Fatalf("put %s: %v", o.Ref(), err)
	}
	e := &expected{
		object:  o,
		bound:   o.Common().ExpiresAt.Time,
		history: access.History{UID: r.UID, Stack: stack, CreatedAt: r.CreatedAt},
	}
	if before != nil {
		e.follows(before, r, at)
		if (r.UID == before.history.UID) != (uid != "") {
			w.Errorf("uid %s became %s, known as %q", before.history.UID, r.UID, uid)
		}
	}
	m[o.Ref()] = e
	m.shorten(w)
	if c, ok := o.(*access.Credential); ok &&
		c.Kind().Issues() &&
		e.issued.IsZero() &&
		(before == nil || !m.cut(o)) {
		e.issued = m.end(e) // who is cut gets nothing new
	}
}

// remove removes a random object by its uid, and expects all that hangs on it to be named and gone.
func (m model) remove(w *world, t *rapid.T) {
	if len(m) == 0 {
		return
	}
	ref := rapid.SampledFrom(order.Sorted(maps.Keys(m), compare)).Draw(t, "delete")
	var want []access.Ref
	for other, e := range m {
		if other != ref && ref.Type == access.TypeIdentity && m.hangs(e.object, ref) {
			want = append(want, other)
		}
	}
	swept, err := w.System.Delete(w.ctx(), ref, m[ref].history.UID)
	if err != nil {
		w.Fatalf("delete %s: %v", ref, err)
	}
	delete(m, ref)
	for _, other := range want {
		delete(m, other)
	}
	order.Sort(swept, compare)
	if order.Sort(want, compare); !slices.Equal(swept, want) {
		w.Errorf("deleting %s swept %v, want %v", ref, swept, want)
	}
}

// above returns the identity that an object hangs on; zero where it hangs on none.
func (m model) above(o access.Object) access.IdentityID {
	if i, ok := o.(*access.Identity); ok {
		return i.ParentID
	}
	return o.Holder()
}

// line returns every identity above an object, the nearest first.
func (m model) line(o access.Object) []*access.Identity {
	var all []*access.Identity
	for up := m.above(o); up != (access.IdentityID{}); {
		i := m[up.Ref()].object.(*access.Identity)
		all, up = append(all, i), i.ParentID
	}
	return all
}

// hangs reports whether an object hangs on an identity, at any depth.
func (m model) hangs(o access.Object, on access.Ref) bool {
	return slices.ContainsFunc(m.line(o), func(i *access.Identity) bool { return i.Ref() == on })
}

// end returns the earliest end of an object and of all above it.
func (m model) end(e *expected) time.Time {
	end := e.bound
	for _, i := range m.line(e.object) {
		end = access.Earliest(end, m[i.Ref()].bound)
	}
	return end
}

// cut reports whether an object is suspended: its identity is, one above is, or one above does not
// let others hang so deep.
func (m model) cut(o access.Object) bool {
	line := m.line(o)
	if i, ok := o.(*access.Identity); ok {
		line = append([]*access.Identity{i}, line...)
	}
	for depth, i := range line {
		s := i.Subcontractors
		if i.Suspended || (depth > 0 && (!s.Allowed || s.MaxDepth < int64(depth))) {
			return true
		}
	}
	return false
}

// shorten takes away what is fixed and would outlive what is above it, and shortens the rest.
func (m model) shorten(w *world) {
	for _, e := range m {
		c, ok := e.object.(*access.Credential)
		if !ok || e.issued.IsZero() {
			continue
		}
		if !w.fixed(c.Kind()) {
			e.issued = m.end(e)
		} else if e.issued.After(m.end(e)) {
			e.issued = time.Time{}
		}
	}
}

// agree claims that the system has exactly what the model has.
func (m model) agree(w *world) {
	all := w.list()
	if len(all) != len(m) {
		w.Errorf("the system has %v, the model %v", w.refs(), order.Sorted(maps.Keys(m), compare))
	}
	for _, r := range all {
		ref := r.Object.Ref()
		e := m[ref]
		if e == nil {
			w.Errorf("%s should not be there", ref)
			continue
		}
		w.same(ref.String(), r, &access.Record{
			Object:    e.object,
			History:   e.history,
			EndsAt:    m.end(e),
			Suspended: m.cut(e.object),
		})
		if issued := r.Issued != nil; issued == e.issued.IsZero() {
			w.Errorf("%s: issued = %v, the model says until %s", ref, issued, e.issued)
		} else if issued && !r.Issued.Until.Equal(e.issued) {
			w.Errorf("%s: what was issued lives until %s, the model says %s", ref, r.Issued.Until, e.issued)
		} else if told := access.Earliest(e.issued, m.end(e)); issued && !r.EndsAt.Equal(told) {
			w.Errorf("%s: it is told to end on %s, and what was issued lets nobody in after %s", ref, r.EndsAt, told)
		}
	}
}
