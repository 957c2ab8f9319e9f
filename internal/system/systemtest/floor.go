// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"errors"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func floorCases() []contract {
	return []contract{
		{name: "a floor is set, changed by its stack alone, lifted, and remembered", run: floor},
	}
}

// floor is for systems that can hold one.
func floor(w *world) {
	system, able := access.As[access.Floored](w.System)
	if !able {
		return
	}
	none, err := system.Floor(w.ctx())
	if none != nil || err != nil {
		w.Fatalf("before anything: %+v, %v", none, err)
	}
	second, _ := access.As[access.Floored](w.Second())
	set := func(by access.Floored, grants int, stack string, known int64) (*access.FloorRecord, error) {
		return by.SetFloor(w.ctx(), access.Floor{SetBy: "ciso@example.com", MaxGrants: grants, Shared: []access.Pattern{}}, stack, known)
	}
	holds := func(when string, generation int64, grants int, inForce bool) {
		w.Helper()
		for _, s := range []access.Floored{system, second} {
			r, err := s.Floor(w.ctx())
			if err != nil || r.Generation != generation || r.Floor.MaxGrants != grants || r.Floor.Shared == nil || r.InForce() != inForce || r.Stack != "security" {
				w.Errorf("%s: %+v, %v", when, r, err)
			}
		}
	}
	r, err := set(system, 9, "security", 0)
	if err != nil || r.Generation != 1 || r.System == "" || r.SetAt.IsZero() {
		w.Fatalf("set: %+v, %v", r, err)
	}
	holds("set", 1, 9, true)
	if got := w.put(w.identity("etl", 40)); got.System != r.System {
		w.Errorf("the floor is of the system %q, and what is put of %q", r.System, got.System)
	}
	var other *access.FloorStackError
	if _, err := set(second, 20, ours, 0); !errors.As(err, &other) || other.Stack != "security" {
		w.Errorf("set by another stack: %v", err)
	}
	if _, err := second.LiftFloor(w.ctx(), ours, 1); !errors.As(err, &other) {
		w.Errorf("lifted by another stack: %v", err)
	}
	if _, err := set(second, 5, "security", 1); err != nil {
		w.Errorf("changed: %v", err)
	}
	holds("changed", 2, 5, true)
	var changed *access.FloorChangedError
	if _, err := set(system, 7, "security", 1); !errors.As(err, &changed) || changed.Now != 2 {
		w.Errorf("changed by what knew another: %v", err)
	}
	if _, err := set(system, 6, "security", 0); err != nil {
		w.Errorf("taken up by its own stack: %v", err)
	}
	holds("taken up", 3, 6, true)
	if r, err := second.LiftFloor(w.ctx(), "security", 3); err != nil || r.InForce() {
		w.Errorf("lifted: %+v, %v", r, err)
	}
	holds("lifted", 4, 6, false)
	if _, err := second.LiftFloor(w.ctx(), "security", 4); err != nil {
		w.Errorf("lifted again: %v", err)
	}
	if r, err := set(system, 8, "security", 0); err != nil || r.Generation != 5 {
		w.Errorf("set again: %+v, %v", r, err)
	}
	holds("set again", 5, 8, true)
}
