// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded"
)

// closed is a system whose login may not look whether there is a floor.
type closed struct{ access.System }

func (closed) Floor(context.Context) (*access.FloorRecord, error) { return nil, access.ErrNotPermitted }
func (closed) SetFloor(context.Context, access.Floor, string, int64) (*access.FloorRecord, error) {
	return nil, access.ErrNotPermitted
}

func (closed) LiftFloor(context.Context, string, int64) (*access.FloorRecord, error) {
	return nil, access.ErrNotPermitted
}

// A floor that a newer version wrote is not read as a weaker one.
func TestAFloorThatThisVersionCannotKeepToIsAnError(t *testing.T) {
	t.Parallel()
	for what, f := range map[string]access.Floor{
		"an unknown rule":        {SetBy: "ciso@example.com", Levels: map[string]string{"scope/tomorrow": "deny"}},
		"an unknown level":       {SetBy: "ciso@example.com", Levels: map[string]string{"scope/overlap": "block"}},
		"an unknown unwaivable":  {SetBy: "ciso@example.com", Unwaivable: []string{"scope/tomorrow"}},
		"an unknown signed kind": {SetBy: "ciso@example.com", RequireSigned: []string{"tomorrow"}},
	} {
		system := embedded.Open(filepath.Join(t.TempDir(), "x"), embedded.Options{})
		if _, err := system.SetFloor(t.Context(), f, "security", 0); err != nil {
			t.Fatal(err)
		}
		s := newSession(system, guardrail.Defaults(), "partners")
		footing, err := s.stand(t.Context())
		if summary, detail := s.belowFloor(footing); err != nil ||
			summary == "" ||
			!strings.Contains(detail, "needs a newer version of the provider") {
			t.Errorf("%s: %v, %s: %s", what, err, summary, detail)
		}
	}
	for _, text := range []string{`{"generation": 1, "tomorrow": 1}`, `{"floor": {"max_tomorrow": "1h"}}`,
		`{"floor": {"max_grants": "few"}}`} {
		if err := access.ParseFloor([]byte(text), &access.FloorRecord{}); !errors.Is(err, access.ErrNewerFloor) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWhatIsKnownOfAFloor(t *testing.T) {
	t.Parallel()
	system := embedded.Open(filepath.Join(t.TempDir(), "x"), embedded.Options{})
	written := guardrail.Defaults()
	written.Environment = "prod"
	written.Written = map[string]bool{"max_grants": true}
	written.MaxGrants = 9
	says := func(s access.System) (string, string) {
		session := newSession(s, written, "partners")
		footing, err := session.stand(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		summary, _ := session.belowFloor(footing)
		return summary, session.floorInAWord(t.Context())
	}
	if refused, word := says(system); refused != "" || word != "no floor" {
		t.Errorf("without one: %s, %s", refused, word)
	}
	if refused, word := says(closed{system}); refused != "Cannot tell whether there is a floor" ||
		word != "a floor that could not be read" {
		t.Errorf("where it may not be read: %s, %s", refused, word)
	}
	if _, err := system.SetFloor(t.Context(), access.Floor{SetBy: "ciso@example.com", MaxGrants: 5}, "security",
		0); err != nil {
		t.Fatal(err)
	}
	if refused, word := says(system); !strings.Contains(refused, "looser") ||
		!strings.HasPrefix(word, "floor 1 set by ciso@example.com on ") {
		t.Errorf("under it: %s, %s", refused, word)
	}
	// A walk looks once, and the next one anew: what an apply judges by is the floor of then.
	session := newSession(system, written, "partners")
	if got := session.inForce(t.Context()).MaxGrants; got != 5 {
		t.Errorf("in force are %d grants", got)
	}
	if _, err := system.SetFloor(t.Context(), access.Floor{SetBy: "ciso@example.com", MaxGrants: 2}, "security",
		1); err != nil {
		t.Fatal(err)
	}
	if before, now := session.inForce(t.Context()).MaxGrants,
		newSession(system, written, "partners").inForce(t.Context()).MaxGrants; before != 5 || now != 2 {
		t.Errorf("in the walk %d, in the next %d", before, now)
	}
	if origins := session.inForce(t.Context()).Origins(written); origins["max_grants"] != "floor" ||
		origins["review_every"] != "default" {
		t.Errorf("from where: %v", origins)
	}
	if _, err := system.LiftFloor(t.Context(), "security", 2); err != nil {
		t.Fatal(err)
	}
	if refused, word := says(system); refused != "" || word != "no floor" {
		t.Errorf("lifted: %s, %s", refused, word)
	}
}
