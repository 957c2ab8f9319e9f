// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded"
)

// unlocked is a system whose changes do not exclude each other.
type unlocked struct {
	access.System
	listed int
	away   error // what a listing answers
}

func (u *unlocked) Capabilities() access.Capabilities {
	c := u.System.Capabilities()
	c.Exclusive = false
	return c
}

func (u *unlocked) List(ctx context.Context) ([]*access.Record, error) {
	u.listed++
	if u.away != nil {
		return nil, u.away
	}
	return u.System.List(ctx)
}

// Where the system has nothing judged under a lock, an apply lists everything again once the last listing is old: many
// changes of one moment share one.
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

// What takes access away waits for no listing of what others made: it is judged, and goes through, where
// the system does not list.
func TestLessAccessNeedsNoListingInTheMiddleOfAnApply(t *testing.T) {
	t.Parallel()
	system := &unlocked{System: embedded.Open(filepath.Join(t.TempDir(), "x"), embedded.Options{})}
	s := newSession(system, guardrail.Defaults(), "partners")
	if err := s.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	g := &governed[identityModel, *identityModel]{configured{s}, access.TypeIdentity}
	was := access.Identity{ID: access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"},
		Purpose: "Read the daily order files"}
	was.Owner, was.ExpiresAt = "jane.doe@example.com", access.At(time.Now().AddDate(0, 1, 0))
	suspended, longer := was, was
	suspended.Suspended = true
	longer.ExpiresAt = access.At(time.Now().AddDate(0, 2, 0))
	system.away = access.ErrUnavailable
	for _, c := range []struct {
		what string
		now  *access.Identity
		goes bool
	}{{"a suspension", &suspended, true}, {"a later end", &longer, false}} {
		s.meanwhile.looked = time.Time{}
		var diags diag.Diagnostics
		subject := guardrail.Subject{Object: c.now, Before: &was, Nonce: c.what, EndsAt: c.now.ExpiresAt.Time}
		if goes := g.judge(t.Context(), subject, guardrail.Apply, &diags); goes != c.goes {
			t.Errorf("%s goes through: %v, %v", c.what, goes, diags)
		}
	}
}
