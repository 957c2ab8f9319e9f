// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// The model of a life knows what ledgers decide: what is issued, superseded, kept and revoked by each change. It is
// written anew here, and shares no code with package ledger, or both would be wrong together.

// item is one thing that was issued, as the model has it.
type item struct {
	probe      Probe
	until      time.Time // its own end; zero: only with its credential
	superseded bool
}

// end returns when what was issued ends: by itself, or with what it hangs on.
func (i item) end(of time.Time) time.Time { return access.Earliest(i.until, of) }

// life is one random life of a partner's access: an identity, one that hangs on it, and what that one has. After every
// step the enforcement is asked with all that the partner ever held, and answers what the model says.
type life struct {
	*world
	model
	dice *rand.Rand
	name string
	// own: the system's clock moves by itself, and around an end no answer is judged.
	own      bool
	done     []string
	gone     []Probe // what was revoked
	sessions []func(action, path string) bool
	// answered counts what was asked: how often it was admitted, refused, and refused or admitted
	// through an older session.
	answered *[3]atomic.Int64
}

// Lives lets so many random lives pass, so many of them at once on one store. To repeat them: the seed, as printed.
func Lives(t *testing.T, lives, atOnce int, seed uint64, open func(t *testing.T, clock *Clock) Harness) {
	t.Logf("seed %d", seed)
	w := newWorld(t, newPartner(t), open)
	next := make(chan int)
	var all sync.WaitGroup
	var answered [3]atomic.Int64
	for range atOnce {
		all.Go(func() {
			for n := range next {
				l := &life{
					world: &world{TB: t, test: t, Harness: w.Harness, partner: w.partner, origin: w.origin},
					model: model{},
					dice:  rand.New(rand.NewPCG(seed, uint64(n))), name: fmt.Sprintf("life-%d", n),
					own: w.ModelUnit > 0, answered: &answered,
				}
				l.live(14)
			}
		})
	}
	for n := range lives {
		if t.Failed() {
			break
		}
		next <- n
	}
	close(next)
	all.Wait()
	t.Logf("%d lives: admitted %d times, refused %d times, and asked %d times with sessions of before", lives,
		answered[0].Load(), answered[1].Load(), answered[2].Load())
	// Where time is real, a busy machine asks less before things end.
	if few := int64(lives); !t.Failed() && (answered[0].Load() < few || answered[1].Load() < few) {
		t.Error("too little was asked")
	}
}

// live lives a life of random steps, and asks the enforcement after each one. It is finished by removing the top
// identity.
func (l *life) live(steps int) {
	l.origin = l.now().Truncate(time.Second)
	top := l.identity(l.name+"-top", 40, allowing(1))
	l.put("create", top, false, access.IssueKeep)
	l.complete()
	for range steps {
		l.settle()
		l.step()
		l.complete()
		l.ask()
		if l.test.Failed() {
			return
		}
	}
	l.destroy(top.Ref())
	l.ask()
}

// refs returns those of the life.
func (l *life) topRef() access.Ref { return id(l.name + "-top").Ref() }
func (l *life) subRef() access.Ref { return id(l.name + "-sub").Ref() }

// complete declares now and then what is missing, as a configuration does that still has the block.
func (l *life) complete() {
	sub := l.name + "-sub"
	l.settle()
	if l.model[l.subRef()] == nil {
		l.put("create", l.child(sub, l.name+"-top", 30), false, access.IssueKeep)
	}
	for _, grant := range []string{"daily", "weekly"} {
		l.settle()
		if g := l.grant(sub, grant, 4+l.dice.IntN(20)); l.model[g.Ref()] == nil && l.dice.IntN(3) > 0 {
			l.put("create", g, false, access.IssueKeep)
		}
	}
	for _, kind := range l.Proves {
		l.settle()
		if c := l.credential(sub, kind, 4+l.dice.IntN(20)); l.model[c.Ref()] == nil && l.dice.IntN(3) > 0 {
			if kind.Issues() {
				l.rotating(4, 3)(c)
			}
			l.put("create", c, false, access.IssueKeep)
		}
	}
}

// step lets one thing happen.
func (l *life) step() {
	switch o := l.some(); l.dice.IntN(11) {
	case 0, 1:
		l.rotate(access.IssueOverlap)
	case 2:
		l.rotate(access.IssueReplace)
	case 3:
		o.Common().ExpiresAt = l.in(4 + l.dice.IntN(25))
		l.put("move the end of", o, false,
			[]access.Issue{access.IssueKeep, access.IssueKeep, l.ofLaterEnd(o)}[l.dice.IntN(3)])
	case 4:
		l.narrowOrWiden()
	case 5, 6:
		l.suspendOrResume()
	case 7:
		l.put("adopt", o, true, access.IssueKeep)
	case 8:
		if o.Ref() != l.topRef() {
			l.destroy(o.Ref())
		}
	default:
		l.done = append(l.done, "wait")
		l.pass(1 + l.dice.IntN(3)*l.dice.IntN(2))
	}
}

// some returns one of the objects that are there, to change it.
func (l *life) some() access.Object {
	all := l.sorted()
	return l.copyOf(all[l.dice.IntN(len(all))])
}

func (l *life) sorted() []access.Ref { return order.Sorted(maps.Keys(l.model), compare) }

// copyOf returns a copy of an object as the model has it, to be changed.
func (l *life) copyOf(ref access.Ref) access.Object {
	o, err := access.ParseDeclaration(ref.Type, []byte(l.declaration(l.model[ref].object)))
	if err != nil {
		l.Fatal(err)
	}
	return o
}

// ofLaterEnd returns how a later end is put: where what was issued is fixed, with a new one.
func (l *life) ofLaterEnd(o access.Object) access.Issue {
	if c, ok := o.(*access.Credential); ok && l.fixed(c.Kind()) {
		return access.IssueOverlap
	}
	return access.IssueKeep
}

// rotate asks for a random credential to be issued anew, in one of the ways. It leaves alone what ends too soon to be
// asked about.
func (l *life) rotate(issue access.Issue) {
	refs := l.sorted()
	for _, n := range l.dice.Perm(len(refs)) {
		ref, e := refs[n], l.model[refs[n]]
		if c, ok := e.object.(*access.Credential); ok &&
			c.Kind().Issues() &&
			l.end(e).After(l.now().Add(2*l.Unit)) {
			l.put([]string{"keep", "rotate", "replace"}[issue], l.copyOf(ref), false, issue)
			return
		}
	}
}

// narrowOrWiden changes a random grant: one action or two, the whole folder or a part of it.
func (l *life) narrowOrWiden() {
	refs := l.sorted()
	for _, n := range l.dice.Perm(len(refs)) {
		if g, ok := l.copyOf(refs[n]).(*access.Grant); ok {
			whole := access.Pattern(l.Place + "orders/acme/" + g.Name + "/*")
			switch {
			case len(g.Actions) == 1:
				g.Actions = []string{"read", "list"}
			case g.Resource != whole:
				g.Resource = whole
			case l.dice.IntN(2) == 0:
				g.Actions = []string{"read"}
			default:
				g.Resource = access.Pattern(l.Place + "orders/acme/" + g.Name + "/archive/*")
			}
			l.put("narrow or widen", g, false, access.IssueKeep)
			return
		}
	}
}

// suspendOrResume suspends an identity or lets it go on, or takes away or gives back its right to have subcontractors.
func (l *life) suspendOrResume() {
	i := l.copyOf([]access.Ref{l.topRef(), l.subRef()}[l.dice.IntN(2)]).(*access.Identity)
	if i.Subcontractors != nil && l.dice.IntN(3) == 0 {
		i.Subcontractors.Allowed = !i.Subcontractors.Allowed
	} else {
		i.Suspended = !i.Suspended
	}
	l.put("suspend or resume", i, false, access.IssueKeep)
}

// destroy removes an object, and keeps what its partner was given, to be asked about later (gone).
func (l *life) destroy(ref access.Ref) {
	l.done = append(l.done, "destroy "+ref.String())
	e := l.model[ref]
	if _, err := l.System.Delete(l.ctx(), ref, e.history.UID); err != nil && !errors.Is(err, access.ErrNotFound) {
		l.fail("delete %s: %v", ref, err)
	}
	for _, other := range l.sorted() {
		if below := l.model[other]; other == ref || (ref.Type == access.TypeIdentity && l.hangs(below.object, ref)) {
			for _, i := range below.items {
				l.gone = append(l.gone, i.probe)
			}
			defer delete(l.model, other) // what hangs on it is looked for through it
		}
	}
}

// put makes a change, and the same change of the model.
func (l *life) put(what string, o access.Object, adopt bool, issue access.Issue) {
	before := l.model[o.Ref()]
	edits := []func(*access.Change){issuing(issue)}
	if before != nil && !adopt {
		edits = append(edits, known(before.history.UID))
	}
	l.calm()
	l.done = append(l.done, fmt.Sprintf("%s %s, until %s", what, o.Ref(), o.Common().ExpiresAt))
	at := l.now()
	r, err := l.try(o, edits...)
	if err != nil {
		l.fail("%v", err)
		return
	}
	e := &expected{object: o, bound: o.Common().ExpiresAt.Time, history: r.History}
	l.model[o.Ref()] = e
	if c, ok := o.(*access.Credential); ok && c.Kind().Issues() {
		if before != nil {
			e.items = slices.Clone(before.items)
		}
		l.issue(e, c, asked{existed: before != nil, adopt: adopt, mode: issue, at: at}, r)
	}
	for _, other := range l.model {
		l.drop(other, func(i item, c *access.Credential) bool {
			return l.fixed(c.Kind()) && i.until.After(l.end(other))
		})
	}
	if !r.Asked().Equal(l.end(e)) || r.EndsAt.After(l.end(e)) || r.Suspended != l.model.cut(o) {
		l.fail("%s ends %s, suspended %v; the model says %s, %v", o.Ref(), r.Asked(), r.Suspended, l.end(e),
			l.model.cut(o))
	}
}

// drop takes away what was issued for an object.
func (l *life) drop(e *expected, which func(item, *access.Credential) bool) {
	c, ok := e.object.(*access.Credential)
	if !ok {
		return
	}
	e.items = slices.DeleteFunc(slices.Clone(e.items), func(i item) bool {
		revoked := which(i, c)
		if revoked {
			l.gone = append(l.gone, i.probe)
		}
		return revoked
	})
}

// asked is what a change asks of a credential at a moment: whether it existed, is taken over, and how to issue.
type asked struct {
	existed, adopt bool
	mode           access.Issue
	at             time.Time
}

// issue works out what becomes of what was issued: what has to go at once, then what makes room for a new
// one, then the new one.
func (l *life) issue(e *expected, c *access.Credential, a asked, r *access.Record) {
	end, waits := l.end(e), a.existed && l.model.cut(c)
	inForce := end.After(a.at)
	l.drop(e, func(i item, _ *access.Credential) bool {
		outlives := l.fixed(c.Kind()) && i.until.After(end)
		return outlives || (waits && a.mode == access.IssueReplace)
	})
	newest, kept := e.newest(end, a)
	anew := !waits && (a.mode != access.IssueKeep || !kept)
	if anew && (a.mode != access.IssueKeep || inForce) {
		l.supersede(e, c, a.mode, a.at)
		newest = -1
	}
	if anew && inForce {
		if r.Issued == nil || r.Issued.Text+r.Issued.Sealed == "" {
			l.fail("%s: nothing was issued: %+v", c.Ref(), r.Issued)
			return
		}
		newest = l.add(e, c, r.Issued)
	}
	l.tells(e, newest, end, r)
}

// newest returns which item is the newest, -1 for none, and whether it goes on: a takeover does not
// count on what has ended.
func (e *expected) newest(end time.Time, a asked) (n int, kept bool) {
	n = slices.IndexFunc(e.items, func(i item) bool { return !i.superseded })
	return n, n >= 0 && (!a.adopt || e.items[n].end(end).After(a.at))
}

// tells claims that a record tells what the model has as issued, with its end.
func (l *life) tells(e *expected, newest int, end time.Time, r *access.Record) {
	if (newest < 0) != (r.Issued == nil) || (r.Issued != nil && !r.Issued.Until.Equal(e.items[newest].end(end))) {
		l.fail("%s: issued is %+v, and the model has %+v", e.object.Ref(), r.Issued, e.items)
	}
}

// supersede ends what was issued in favour of a new one: each keeps its overlap, and of several that live
// on only the last does.
func (l *life) supersede(e *expected, c *access.Credential, mode access.Issue, at time.Time) {
	end := l.end(e)
	for n := range e.items {
		if i := &e.items[n]; !i.superseded && !l.fixed(c.Kind()) {
			i.until = access.Earliest(i.until, at.Add(c.Rotation.Overlap.Duration))
		}
		e.items[n].superseded = true
	}
	lives := func(i item) bool { return i.end(end).After(at) }
	excess := max(0, len(slices.DeleteFunc(slices.Clone(e.items), func(i item) bool { return !lives(i) }))-1)
	l.drop(e, func(i item, _ *access.Credential) bool {
		over := excess > 0 && lives(i)
		if over {
			excess--
		}
		return over || mode == access.IssueReplace || !lives(i)
	})
}

// add takes in what was issued, and returns where it stands.
func (l *life) add(e *expected, c *access.Credential, issued *access.Issued) int {
	i := item{probe: l.holder(c, issued), until: c.IssueLife(issued.At, time.Time{})}
	if l.fixed(c.Kind()) {
		i.until = c.IssueLife(issued.At, l.end(e))
	}
	e.items = append(e.items, i)
	return len(e.items) - 1
}

// ahead and behind are how near to an end a system whose clock moves by itself is not asked: where it is busy, it
// counts the lives of what it issues from some seconds before.
const ahead, behind = 7 * time.Second, 3 * time.Second

// near reports whether an end of the life's comes about now.
func (l *life) near(now time.Time) bool {
	if !l.own {
		return false
	}
	close := func(end time.Time) bool {
		return !end.IsZero() &&
			end.Sub(now) < ahead &&
			now.Sub(end) < behind
	}
	for _, e := range l.model {
		if close(e.bound) || slices.ContainsFunc(e.items, func(i item) bool { return close(i.until) }) {
			return true
		}
	}
	return false
}

// settle makes the ends of what comes next count from now, after an end that is about to come.
func (l *life) settle() {
	l.calm()
	l.origin = l.now().Truncate(time.Second)
}

// calm waits until no end comes while something is under way.
func (l *life) calm() {
	for n := 0; l.near(l.now()) && n < 100; n++ {
		time.Sleep(200 * time.Millisecond)
	}
}

// fail fails the test with what was done last, so that a reader can do it again.
func (l *life) fail(format string, args ...any) {
	l.test.Helper()
	l.test.Errorf("%s, after %s: "+format,
		append([]any{l.name, strings.Join(l.done[max(0, len(l.done)-12):], "; ")}, args...)...)
}

// said returns the model, for a failure.
func (l *life) said() string {
	var all []string
	for ref, e := range l.model {
		text := fmt.Sprintf("%s until %s, cut %v", ref, l.end(e).Format(time.TimeOnly), l.model.cut(e.object))
		for _, i := range e.items {
			text += " item until " + i.until.Format(time.TimeOnly)
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}
