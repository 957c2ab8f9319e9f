// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"fmt"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// crowdCases returns the cases about many writers at once, as of Terraform's parallel walk and of two pipelines.
func crowdCases() []contract {
	return []contract{
		{name: "sixteen concurrent writers lose nothing", run: crowd},
		{name: "concurrent changes and deletes agree on what is left", run: churn},
	}
}

const writers = 16

// handles returns as many handles as there are writers: on one half the first, on the other half a second.
func (w *world) handles() []access.System {
	second := w.Second()
	var all []access.System
	for n := range writers {
		all = append(all, []access.System{w.System, second}[n%2])
	}
	return all
}

// crowd has writers create objects of their own and on one identity that they share, through two handles at once. Each
// reads its own writes at once, and nothing is lost.
func crowd(w *world) {
	w.put(w.identity("shared", 90))
	var wg sync.WaitGroup
	for n, s := range w.handles() {
		wg.Go(func() {
			name := fmt.Sprintf("writer-%d", n)
			for _, o := range []access.Object{w.identity(name, 50), w.grant(name, "daily", 40),
				w.grant("shared", name, 40)} {
				r, err := s.Put(w.ctx(), w.change(o))
				if err != nil {
					w.Errorf("put %s: %v", o.Ref(), err)
					return
				}
				if got, err := s.Get(w.ctx(), o.Ref()); err != nil || got.UID != r.UID {
					w.Errorf("%s does not read its own write of %s: %+v, %v", name, o.Ref(), got, err)
				}
			}
		})
	}
	wg.Wait()
	for _, s := range []access.System{w.System, w.Second()} {
		all, err := s.List(w.ctx())
		if err != nil || len(all) != 1+3*writers {
			w.Errorf("%d of %d objects are there: %v", len(all), 1+3*writers, err)
		}
	}
}

// churn has writers create and remove a grant each on one identity, several times. What was removed last is gone, and
// what was created last is there.
func churn(w *world) {
	w.put(w.identity("shared", 90))
	var wg sync.WaitGroup
	for n, s := range w.handles() {
		wg.Go(func() {
			g := w.grant("shared", fmt.Sprintf("writer-%d", n), 40)
			for round := range 3 {
				r, err := s.Put(w.ctx(), w.change(g))
				if err == nil && (n+round)%2 == 0 {
					_, err = s.Delete(w.ctx(), g.Ref(), r.UID)
				}
				if err != nil {
					w.Errorf("%s, round %d: %v", g.Ref(), round, err)
				}
			}
		})
	}
	wg.Wait()
	for n := range writers {
		ref := w.grant("shared", fmt.Sprintf("writer-%d", n), 40).Ref()
		if deleted := n%2 == 0; deleted { // the last round is 2
			w.gone(ref)
		} else {
			w.get(ref)
		}
	}
}
