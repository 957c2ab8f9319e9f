// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// meanwhile is what this apply knows of the changes that others make while it lasts: another configuration may give the
// same key to another partner after this one was judged, and before it is put in force.
type meanwhile struct {
	mark atomic.Uint64 // of the last change of others that the portfolio has taken in, where the system says so

	mu     sync.Mutex
	looked time.Time     // when everything was listed last
	took   time.Duration // how long that took
}

// listAll lists everything, and notes when.
func (s *session) listAll(ctx context.Context) ([]*access.Record, error) {
	begun := access.WallClock()
	records, err := s.system.List(ctx)
	s.meanwhile.looked, s.took = begun, access.WallClock().Sub(begun)
	return records, err
}

// meet takes in what others have changed, where the system does not have each change judged under a lock. Listings
// take at most a twentieth of the time, so what others change within a second, or within twenty times what a
// listing takes, may be missed.
func (s *session) meet(ctx context.Context) error {
	if s.system.Capabilities().Exclusive {
		return nil
	}
	s.meanwhile.mu.Lock()
	defer s.meanwhile.mu.Unlock()
	if access.WallClock().Sub(s.meanwhile.looked) < max(fresh, 20*s.took) {
		return nil
	}
	records, err := s.listAll(ctx)
	if err == nil {
		s.portfolio.Meanwhile(records)
	}
	return err
}

// refusedMeanwhile is what the rules find in a change once somebody else has changed the system.
type refusedMeanwhile struct{ diag.Diagnostics }

func (refusedMeanwhile) Error() string {
	return "another configuration has changed the system since the plan was made, and the rules now refuse the " +
		"change: plan again, and correct what the plan names"
}

// again judges a change once more, by all that the system holds at a moment.
func (s *session) again(ref access.Ref, now time.Time) func([]*access.Record, uint64) error {
	return func(records []*access.Record, mark uint64) error {
		s.portfolio.Meanwhile(records)
		s.mark.Store(mark)
		planned, _, _ := s.portfolio.Find(ref)
		var found diag.Diagnostics
		s.raise(&found, s.portfolio.Evaluate(ref, planned.Nonce, guardrail.Apply, now))
		if found.HasError() {
			return refusedMeanwhile{found.Errors()}
		}
		return nil
	}
}
