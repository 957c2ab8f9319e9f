// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// faultCases returns the cases about what fails: a context that ends, and a system that cannot be reached.
func faultCases() []contract {
	return []contract{
		{name: "what is cancelled before its start changes nothing", run: cancelledBefore},
		{name: "what is cancelled midway is done or not done, never half", run: cancelledMidway},
		{name: "what cannot be reached is unavailable, and never gone", run: unavailable},
	}
}

// cancelledBefore claims that a change whose context has ended already changes nothing, and that its error is never
// "not found": Terraform would drop the object from the state.
func cancelledBefore(w *world) {
	r := w.put(w.identity("etl", 40))
	ctx, cancel := context.WithCancel(w.ctx())
	cancel()
	g := w.grant("etl", "daily", 30)
	if _, err := w.System.Put(ctx, w.change(g)); err == nil || errors.Is(err, access.ErrNotFound) {
		w.Errorf("put answers %v", err)
	}
	w.gone(g.Ref())
	if _, err := w.System.Put(ctx, w.change(w.identity("etl", 30), known(r.UID))); err == nil ||
		errors.Is(err, access.ErrNotFound) {
		w.Errorf("put answers %v", err)
	}
	if _, err := w.System.Delete(ctx, r.Object.Ref(), r.UID); err == nil || errors.Is(err, access.ErrNotFound) {
		w.Errorf("delete answers %v", err)
	}
	w.same("after them", w.get(r.Object.Ref()), r)
}

// cancelledMidway ends the context of changes after 0 to 38 ms, and then the context of a secret while it is sealed,
// which is after its making and before its end. Whatever was answered holds: an error means that nothing is there, and
// success that all of it is.
func cancelledMidway(w *world) {
	w.put(w.identity("etl", 90))
	done, dropped := 0, 0
	for n := range 40 {
		ctx, cancel := context.WithTimeout(w.ctx(), time.Duration(n*n)*25*time.Microsecond)
		g := w.grant("etl", fmt.Sprintf("round-%d", n), 30)
		r, err := w.System.Put(ctx, w.change(g))
		if err == nil {
			done++
			w.same("what was done", w.get(g.Ref()), r)
		} else {
			dropped++
			if errors.Is(err, access.ErrNotFound) {
				w.Errorf("put answers %v", err)
			}
			w.gone(g.Ref())
		}
		cancel()
	}
	if !w.offers(access.Secret) {
		return
	}
	for range 5 {
		ctx, cancel := context.WithCancel(w.ctx())
		c := w.change(w.credential("etl", access.Secret, 30), func(c *access.Change) {
			c.Seal = func(secret []byte) (string, error) { defer cancel(); return w.seal(secret) }
		})
		r, err := w.System.Put(ctx, c)
		cancel()
		if err != nil {
			w.gone(c.Object.Ref())
			continue
		}
		h := w.holder(c.Object.(*access.Credential), r.Issued)
		w.same("what was done", w.get(c.Object.Ref()), r)
		w.put(w.grant("etl", "daily", 30))
		w.may("after a finished change", h, "daily")
		w.remove(r)
	}
	w.Logf("%d done, %d dropped", done, dropped)
}

// unavailable claims that nothing is taken for gone while the system cannot be reached, through the handle that worked
// before and through a new one, and that all is as it was once it is back.
func unavailable(w *world) {
	if w.Break == nil {
		w.Fatal("the harness cannot make the system unavailable: set Break")
	}
	i := w.put(w.identity("etl", 40))
	g := w.put(w.grant("etl", "daily", 30))
	repair := w.Break()
	for name, s := range map[string]access.System{"the handle": w.System, "a new handle": w.Second()} {
		_, get := s.Get(w.ctx(), i.Object.Ref())
		_, none := s.Get(w.ctx(), id("nobody").Ref())
		_, list := s.List(w.ctx())
		_, put := s.Put(w.ctx(), w.change(w.grant("etl", "weekly", 30)))
		_, update := s.Put(w.ctx(), w.change(w.grant("etl", "daily", 20), known(g.UID)))
		_, remove := s.Delete(w.ctx(), g.Object.Ref(), g.UID)
		for what, err := range map[string]error{
			"get":            get,
			"get of nothing": none,
			"list":           list,
			"put":            put,
			"update":         update,
			"delete":         remove,
		} {
			if !errors.Is(err, access.ErrUnavailable) ||
				errors.Is(err, access.ErrNotFound) ||
				errors.Is(err, access.ErrNoIdentity) {
				w.Errorf("%s: %s answers %v", name, what, err)
			}
		}
	}
	repair()
	for deadline := access.WallClock().Add(10 * time.Second); access.WallClock().Before(deadline) &&
		access.Pause(w.ctx(), 50*time.Millisecond) == nil; {
		if _, err := w.System.Get(w.ctx(), i.Object.Ref()); !errors.Is(err, access.ErrUnavailable) {
			break // until then it may be believed to be away
		}
	}
	w.same("after the repair", w.get(i.Object.Ref()), i)
	w.same("after the repair", w.get(g.Object.Ref()), g)
	w.gone(w.grant("etl", "weekly", 30).Ref())
}
