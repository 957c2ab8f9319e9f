// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded"
)

// unlocked is a system whose changes do not exclude each other.
type unlocked struct {
	access.System
	listed int
}

func (u *unlocked) Capabilities() access.Capabilities {
	c := u.System.Capabilities()
	c.Exclusive = false
	return c
}

func (u *unlocked) List(ctx context.Context) ([]*access.Record, error) {
	u.listed++
	return u.System.List(ctx)
}

// Where the system has nothing judged under a lock, an apply lists everything again once the last listing is old: many changes of one
// moment share one.
func TestALongApplyMeetsWhatOthersMakeMeanwhile(t *testing.T) {
	t.Parallel()
	system := &unlocked{System: embedded.Open(filepath.Join(t.TempDir(), "x"), embedded.Options{})}
	s := newSession(system, guardrail.Defaults(), "partners")
	if err := s.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	bolt := &access.Identity{ID: access.IdentityID{Partner: "bolt", Environment: "prod", Name: "feed"}, Purpose: "Feed"}
	bolt.Owner, bolt.ExpiresAt = "jane.doe@example.com", access.At(time.Now().AddDate(0, 1, 0))
	r, err := system.Put(t.Context(), access.Change{Object: bolt, Stack: "other", EndsAt: bolt.ExpiresAt.Time})
	if err != nil {
		t.Fatal(err)
	}
	meets := func() bool {
		for range 10 {
			if err := s.meet(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		_, held := s.portfolio.Holds(bolt.Ref())
		live, _, _ := s.portfolio.Find(bolt.Ref())
		return held && live.History.UID == r.UID
	}
	if meets() || system.listed != 1 {
		t.Errorf("within a moment everything was listed %d times", system.listed)
	}
	s.meanwhile.looked = s.meanwhile.looked.Add(-time.Minute)
	if !meets() || system.listed != 2 {
		t.Errorf("a minute later it was listed %d times, and the identity is not known", system.listed)
	}
}
