// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// halves is a system that changes things in two steps, and whose survey tells of a step that is missing.
type halves struct {
	mute
	half   atomic.Bool
	begun  chan string   // by each call, when it has begun
	goesOn chan struct{} // for each call
}

func (h *halves) change() {
	h.half.Store(true)
	h.begun <- "change"
	<-h.goesOn
	h.half.Store(false)
}

func (h *halves) Put(_ context.Context, change access.Change) (*access.Record, error) {
	h.change()
	return &access.Record{Object: change.Object}, nil
}

func (h *halves) Delete(context.Context, access.Ref, string) ([]access.Ref, error) {
	h.change()
	return nil, nil
}

func (*halves) ID(context.Context) (string, error) { return "here", nil }

func (*halves) Now(context.Context) (time.Time, error) { return time.Now(), nil }

func (h *halves) Survey(context.Context, []string) (_ []*access.Record, strays []access.Stray, _ error) {
	if h.half.Load() {
		strays = []access.Stray{{
			NativeID: "entity/acme",
			Kind:     "entity",
			Names:    []string{"acme"},
			Why:      "nobody declared it",
		}}
	}
	h.begun <- "survey"
	<-h.goesOn
	return nil, strays, nil
}

// An inventory without depends_on is read beside the changes of the same apply, and told half a change as drift and
// what the other half had just made as made by hand.
func TestAnInventoryIsNotTakenInTheMiddleOfAChange(t *testing.T) {
	t.Parallel()
	ctx, object := t.Context(), issuedCredential(access.Secret)
	for name, change := range map[string]func(access.System) error{
		"Put":    func(s access.System) error { _, err := s.Put(ctx, access.Change{Object: object}); return err },
		"Delete": func(s access.System) error { _, err := s.Delete(ctx, object.Ref(), "uid"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &halves{begun: make(chan string), goesOn: make(chan struct{})}
			s := newSession(h, guardrail.Settings{}, "partners")
			done := make(chan error, 2)
			changes := func() { done <- change(s.system) }
			takes := func() {
				var diags diag.Diagnostics
				taken, ok := s.takeStock(ctx, &diags)
				if !ok || len(taken.Items) > 0 {
					t.Errorf("the inventory tells of %+v %v", taken, diags)
				}
				done <- nil
			}
			for first, both := range map[string][]func(){"change": {changes, takes}, "survey": {takes, changes}} {
				s.restock()
				go both[0]()
				if begun := <-h.begun; begun != first {
					t.Fatalf("%s began, and not %s", begun, first)
				}
				go both[1]()
				select {
				case second := <-h.begun:
					t.Errorf("%s began in the middle of %s", second, first)
					h.goesOn <- struct{}{}
				case <-time.After(50 * time.Millisecond):
					h.goesOn <- struct{}{}
					<-h.begun
				}
				h.goesOn <- struct{}{}
				for range both {
					if err := <-done; err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
}
