// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A floor's change is told before it and after it, with what it said and what it says.
func TestAChangeOfTheFloorIsTold(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	was := &access.FloorRecord{Floor: access.Floor{SetBy: "old@example.com", MaxGrants: 9}, Generation: 1}
	next := access.Floor{SetBy: "ciso@example.com", MaxGrants: 5, Shared: []access.Pattern{}}
	set := func(r *access.FloorRecord, err error) func() (*access.FloorRecord, error) {
		return func() (*access.FloorRecord, error) { return r, err }
	}
	failed := errors.New("no right")
	for _, got := range []error{
		Floored(t.Context(), o.System, nil, &next, set(&access.FloorRecord{Floor: next}, nil)),
		Floored(t.Context(), o.System, was, &next, set(&access.FloorRecord{Floor: next}, nil)),
		Floored(t.Context(), o.System, was, nil, set(&access.FloorRecord{Floor: was.Floor, LiftedAt: noon}, nil)),
	} {
		if got != nil {
			t.Error(got)
		}
	}
	if err := Floored(t.Context(), o.System, was, &next, set(nil, failed)); !errors.Is(err, failed) {
		t.Error(err)
	}
	floor := func(g *Given) []string {
		if g == nil {
			return []string{"-"}
		}
		return g.Floor
	}
	var told []string
	for _, l := range o.lines() {
		told = append(told, fmt.Sprint(l.Phase, " ", l.Verb, " ", l.Type, " ", l.ID, " ", l.Owner, " ", floor(l.Before),
			" ", floor(l.After), " ", l.Error))
	}
	is := "[max_grants: 5 shared: none set_by: ciso@example.com]"
	before := "[max_grants: 9 set_by: old@example.com]"
	want := []string{
		"intent change floor floor ciso@example.com [-] " + is + " ",
		"done change floor floor ciso@example.com [-] " + is + " ",
		"intent change floor floor ciso@example.com " + before + " " + is + " ",
		"done change floor floor ciso@example.com [-] " + is + " ",
		"intent change floor floor old@example.com " + before + " [] ",
		"done change floor floor old@example.com [-] [] ",
		"intent change floor floor ciso@example.com " + before + " " + is + " ",
		"failed change floor floor ciso@example.com [-] [-] no right",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told was %q", told)
	}
}
