// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"errors"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// ownerCases returns the cases about whose an object is. An object belongs to one stack, a Terraform configuration with
// a state of its own. What is created under an id that exists already is taken up if the same stack left it behind, as
// after terraform state rm or a lost state, and is refused if it is another stack's.
func ownerCases() []contract {
	return []contract{
		{name: "creating adopts what the own stack left behind", run: adopt},
		{name: "adopting keeps what was issued", run: adoptIssued},
		{name: "adopting with a later end counts a renewal", run: adoptLonger},
		{name: "another stack's is refused by name", run: otherStack},
		{name: "one id created by two stacks at once has one owner", run: race},
		{name: "what is created after a destroy is new", run: reborn},
	}
}

// adopt claims that taking up keeps the history (an extension would need a review otherwise), puts the new declaration
// in force, and gives a new uid: whoever still has the state of before can neither change nor remove it.
func adopt(w *world) {
	review := &access.Review{At: w.in(-9), By: "jane.doe@example.com", Reason: "Needed"}
	g := w.grant("etl", "daily", 20)
	g.Review = review
	w.put(w.identity("etl", 40))
	left := w.put(g)
	g.ExpiresAt = w.in(25)
	left = w.put(g, known(left.UID))
	w.pass(1)
	g.Purpose = "Read them again"
	adopted := w.put(g)
	if adopted.UID == left.UID {
		w.Error("the uid stayed")
	}
	history := adopted.History
	history.UID = left.UID
	if text(w, history) != text(w, left.History) {
		w.Errorf("history %+v, want %+v", history, left.History)
	}
	w.same("get", w.get(g.Ref()), adopted)
	if got := w.get(g.Ref()).Object.(*access.Grant).Purpose; got != g.Purpose {
		w.Errorf("the declaration is still of before: %q", got)
	}
	_, err := w.try(g, known(left.UID))
	w.refused("put with the uid of before", err, access.ErrNotFound)
	_, err = w.System.Delete(w.ctx(), g.Ref(), left.UID)
	w.refused("delete with the uid of before", err, access.ErrNotFound)
	w.same("after them", w.get(g.Ref()), adopted)
}

// adoptIssued claims that the partner's certificate or secret goes on: a lost state must not cut anybody off.
func adoptIssued(w *world) {
	w.put(w.identity("etl", 40))
	for _, kind := range w.System.Capabilities().Kinds {
		if !kind.Issues() {
			continue
		}
		c := w.credential("etl", kind, 30)
		left := w.put(c)
		w.pass(1)
		adopted := w.put(c)
		if adopted.UID == left.UID || adopted.Issued == nil {
			w.Errorf("%s adopted as %+v", kind, adopted)
			continue
		}
		if text(w, adopted.Issued) != text(w, left.Issued) {
			w.Errorf("%s: adopted %+v, want %+v", kind, adopted.Issued, left.Issued)
		}
	}
}

// adoptLonger claims that a later end is a renewal also if the object is taken up. Otherwise a state that is thrown
// away would be a way around reviews.
func adoptLonger(w *world) {
	w.put(w.identity("etl", 40))
	g := w.grant("etl", "daily", 20)
	left := w.put(g)
	w.pass(1)
	g.ExpiresAt = w.in(25)
	if r := w.put(g); r.Renewals != 1 || !r.CreatedAt.Equal(left.CreatedAt) {
		w.Errorf("history %+v", r.History)
	}
	w.ends(g.Ref(), g.ExpiresAt)
}

// otherStack claims that the refusal names the object and its stack, so that somebody knows whom to ask, and that
// nothing was changed. A grant may hang on another stack's identity.
func otherStack(w *world) {
	objects := []access.Object{w.identity("etl", 40), w.grant("etl", "daily", 30)}
	if w.offers(access.Federated) {
		objects = append(objects, w.credential("etl", access.Federated, 30))
	}
	for _, o := range objects {
		r := w.put(o, by(theirs))
		_, err := w.try(o)
		w.refused("put "+o.Ref().String(), err, access.ErrOtherStack)
		if other := (*access.OtherStackError)(nil); !errors.As(err, &other) ||
			other.Stack != theirs ||
			other.Ref != o.Ref() {
			w.Errorf("%v does not name %s of %s", err, o.Ref(), theirs)
		}
		w.same("after it", w.get(o.Ref()), r)
	}
	w.put(w.grant("etl", "weekly", 30)) // the identity of another stack takes our grant
}

// race has two stacks create the same id at once, through two handles. One of them owns it afterwards, and only that
// one was told so. It does so five times, for one time often ends without a race.
func race(w *world) {
	systems := []access.System{w.System, w.Second()}
	stacks := []string{ours, theirs}
	for _, name := range []string{"one", "two", "three", "four", "five"} {
		i := w.identity(name, 40)
		var answers [2]*access.Record
		var errs [2]error
		var wg sync.WaitGroup
		for n := range systems {
			wg.Go(func() { answers[n], errs[n] = systems[n].Put(w.ctx(), w.change(i, by(stacks[n]))) })
		}
		wg.Wait()
		r := w.get(i.Ref())
		for n := range systems {
			switch other := (*access.OtherStackError)(nil); {
			case r.Stack == stacks[n]:
				if errs[n] != nil || answers[n].UID != r.UID {
					w.Errorf("the owner %s was told %+v, %v", stacks[n], answers[n], errs[n])
				}
			case !errors.As(errs[n], &other) || other.Stack != r.Stack:
				w.Errorf("%s, who lost to %s, was told: %v", stacks[n], r.Stack, errs[n])
			}
		}
	}
}

// reborn claims that nothing of a removed object's history goes on in the next one under its id, which may be another
// stack's.
func reborn(w *world) {
	first := w.put(w.identity("etl", 40))
	i := w.identity("etl", 45)
	extended := w.put(i, known(first.UID))
	w.remove(extended)
	w.pass(1)
	before := w.now()
	second := w.put(i, by(theirs))
	w.between("created_at", second.CreatedAt, before)
	if second.UID == first.UID ||
		second.Renewals != 0 ||
		!second.RenewedAt.IsZero() ||
		second.Stack != theirs {
		w.Errorf("history %+v survived", second.History)
	}
}
