// SPDX-License-Identifier: MPL-2.0

package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

func TestAChangeOfTheFloorSaysWhatChanged(t *testing.T) {
	c := &change{Line: journal.Line{
		Verb: journal.Change, Type: "floor", ID: "floor",
		Before: &journal.Given{Floor: []string{"max_grants: 9", "shared: none", "set_by: ciso@example.com"}},
		After: &journal.Given{Floor: []string{"max_grants: 5", "levels.scope/overlap: deny",
			"set_by: ciso@example.com"}},
	}, Outcome: string(journal.Done)}
	want := []string{"floor max_grants: 9 → 5", "floor shared: none → not set",
		"floor levels.scope/overlap: not set → deny"}
	if got := c.Differences(); !slices.Equal(got, want) || c.sort() != other {
		t.Errorf("%q in %s", got, c.sort())
	}
	c.After = &journal.Given{}
	if got := c.Differences(); len(got) != 3 || got[0] != "floor max_grants: 9 → not set" {
		t.Errorf("lifted: %q", got)
	}
}

func TestTheReportSaysWhichFloorThereIs(t *testing.T) {
	for _, floor := range []string{"no floor", "floor 3 set by ciso@example.com"} {
		r := sample()
		r.Source.Floor = floor
		for name, text := range renderings(t, r) {
			if slices.Contains([]string{"html", "json", "md"}, name) && !strings.Contains(text, floor) {
				t.Errorf("%s does not say %q", name, floor)
			}
		}
	}
}
