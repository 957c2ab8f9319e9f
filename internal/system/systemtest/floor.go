// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"errors"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// floorCases returns the case about the floor: settings below which no configuration gets.
func floorCases() []contract {
	return []contract{
		{name: "a floor is set, changed by its stack alone, lifted, and remembered", run: floor},
	}
}

// floor sets, changes, takes up, lifts and sets again the floor of a system, through two handles. Its generation counts
// each of these, also the lifting, so that nobody who knows an older one changes it.
func floor(w *world) {
	system, able := access.As[access.Floored](w.System)
	if !able {
		w.Fatal("it holds no floor")
	}
	none, err := system.Floor(w.ctx())
	if none != nil || err != nil {
		w.Fatalf("before anything: %+v, %v", none, err)
	}
	second, _ := access.As[access.Floored](w.Second())
	r, err := w.setFloor(system, 9, "security", 0)
	if err != nil || r.Generation != 1 || r.System == "" || r.SetAt.IsZero() {
		w.Fatalf("set: %+v, %v", r, err)
	}
	holds := func(when string, want floorWanted) {
		w.Helper()
		w.holdsFloor(when, want, system, second)
	}
	holds("set", floorWanted{generation: 1, grants: 9, inForce: true})
	if got := w.put(w.identity("etl", 40)); got.System != r.System {
		w.Errorf("the floor is of the system %q, and what is put of %q", r.System, got.System)
	}
	w.keepsFloorFromOthers(second)
	if _, err := w.setFloor(second, 5, "security", 1); err != nil {
		w.Errorf("changed: %v", err)
	}
	holds("changed", floorWanted{generation: 2, grants: 5, inForce: true})
	var changed *access.FloorChangedError
	if _, err := w.setFloor(system, 7, "security", 1); !errors.As(err, &changed) || changed.Now != 2 {
		w.Errorf("changed by what knew another: %v", err)
	}
	if _, err := w.setFloor(system, 6, "security", 0); err != nil {
		w.Errorf("taken up by its own stack: %v", err)
	}
	holds("taken up", floorWanted{generation: 3, grants: 6, inForce: true})
	w.liftsFloor(system, second, holds)
}

// floorWanted is what is expected of a floor.
type floorWanted struct {
	generation int64
	grants     int
	inForce    bool
}

// setFloor sets a floor that allows a number of grants, by a stack that knows a generation; 0 for none.
func (w *world) setFloor(by access.Floored, grants int, stack string, known int64) (*access.FloorRecord, error) {
	return by.SetFloor(w.ctx(), access.Floor{SetBy: "ciso@example.com", MaxGrants: grants, Shared: []access.Pattern{}},
		stack, known)
}

// holdsFloor claims that every handle tells the same floor.
func (w *world) holdsFloor(when string, want floorWanted, systems ...access.Floored) {
	w.Helper()
	for _, s := range systems {
		r, err := s.Floor(w.ctx())
		if err != nil {
			w.Errorf("%s: %v", when, err)
			continue
		}
		got := floorWanted{r.Generation, r.Floor.MaxGrants, r.InForce()}
		if got != want || r.Floor.Shared == nil || r.Stack != "security" {
			w.Errorf("%s: %+v", when, r)
		}
	}
}

// keepsFloorFromOthers claims that another stack neither sets nor lifts it.
func (w *world) keepsFloorFromOthers(second access.Floored) {
	var other *access.FloorStackError
	if _, err := w.setFloor(second, 20, ours, 0); !errors.As(err, &other) || other.Stack != "security" {
		w.Errorf("set by another stack: %v", err)
	}
	if _, err := second.LiftFloor(w.ctx(), ours, 1); !errors.As(err, &other) {
		w.Errorf("lifted by another stack: %v", err)
	}
}

// liftsFloor claims that a floor of generation 3 is lifted, remembered, and set again.
func (w *world) liftsFloor(system, second access.Floored, holds func(string, floorWanted)) {
	if r, err := second.LiftFloor(w.ctx(), "security", 3); err != nil || r.InForce() {
		w.Errorf("lifted: %+v, %v", r, err)
	}
	holds("lifted", floorWanted{generation: 4, grants: 6})
	if _, err := second.LiftFloor(w.ctx(), "security", 4); err != nil {
		w.Errorf("lifted again: %v", err)
	}
	if r, err := w.setFloor(system, 8, "security", 0); err != nil || r.Generation != 5 {
		w.Errorf("set again: %+v, %v", r, err)
	}
	holds("set again", floorWanted{generation: 5, grants: 8, inForce: true})
}
