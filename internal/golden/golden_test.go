// SPDX-License-Identifier: MPL-2.0

package golden_test

import (
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/golden"
)

func TestWhatHasChangedIsToldByLines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ was, now, want string }{
		"nothing":                     {"a\nb\n", "a\nb\n", ""},
		"all is new":                  {"", "a\nb\n", "+ a\n+ b\n"},
		"all is gone":                 {"a\nb\n", "", "- a\n- b\n"},
		"a line in the middle":        {"a\nb\nc\n", "a\nB\nc\n", "- b\n+ B\n"},
		"at both ends of what stays":  {"a\nb\nc\nd\n", "A\nb\nc\nD\n", "- a\n+ A\n- d\n+ D\n"},
		"one more of what was there":  {"a\na\n", "a\na\na\n", "+ a\n"},
		"a last line without its end": {"a\nb", "a\nc", "- b\n+ c\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := golden.Changed(c.was, c.now); got != c.want {
				t.Errorf("it tells %q, not %q", got, c.want)
			}
		})
	}
}

func TestMomentsStandAsWhatLiesBetween(t *testing.T) {
	t.Parallel()
	const text = "from 2026-12-01T12:00:01Z to 2026-12-01T15:04:59.5+01:00, never 0001-01-01T00:00:00Z"
	got := golden.Since(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC), text)
	if want := "from +0s to +2h0m0s, never 0001-01-01T00:00:00Z"; got != want {
		t.Errorf("it tells %q, not %q", got, want)
	}
}

func TestNamesStandForWhatDiffersFromRunToRun(t *testing.T) {
	t.Parallel()
	chances := []golden.Chance{
		golden.NewChance(`\b[0-9a-f]{8}\b`, "ID"), golden.NewChance(`(user|role)/ID`, "$1"),
	}
	if got := golden.Plain("role/0badcafe and 0badcaf", chances); got != "role and 0badcaf" {
		t.Errorf("it tells %q", got)
	}
}
