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

// Two applies at once: another configuration may give the same key to another partner after this one was judged, and
// before it is put in force. In 4 of 6 runs, two stacks that were applied at the same time did. What the later one
// finds decides: the embedded system judges a change once more under its lock (again); OpenBao and S3 have no lock, so
// an apply lists everything anew from time to time (meet). See TestWhatAnotherApplyMakesMeanwhileIsMet.

// meanwhile is what this apply knows of the changes that others make while it lasts.
type meanwhile struct {
	// mark is of the last change of others that the portfolio has taken in, if the system says so (Change.Again); 0
	// before.
	mark atomic.Uint64

	// mu is held while everything is listed anew: calls that come together share one listing.
	mu sync.Mutex
	// looked is when everything was listed last, by this machine's clock, and took is how long that took.
	looked time.Time
	took   time.Duration
}

// listAll lists everything the system holds, and notes when: by the beginning of the listing, since what others change
// while it lasts may be in it or not. meet holds mu for that; load need not, because nobody meets before it has loaded.
func (s *session) listAll(ctx context.Context) ([]*access.Record, error) {
	begun := access.WallClock()
	records, err := s.system.List(ctx)
	s.meanwhile.looked, s.took = begun, access.WallClock().Sub(begun)
	return records, err
}

// meet takes in what others have changed, unless the system has each change judged under a lock. Listings take at most
// a twentieth of the time, so what others change within a second, or within twenty times what a listing takes, may be
// missed; it is then a warning of the next plan. See TestALongApplyMeetsWhatOthersMakeMeanwhile.
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

// refusedMeanwhile is what the rules find in a change once somebody else has changed the system. As an error, it passes
// the system and the journal; its diagnostics are what apply shows.
type refusedMeanwhile struct{ diag.Diagnostics }

func (refusedMeanwhile) Error() string {
	return "another configuration has changed the system since the plan was made, and the rules now refuse the " +
		"change: plan again, and correct what the plan names"
}

// again returns a function that judges a change once more, by all that the system holds at a moment. The system calls
// it under its lock, before it changes anything, and only if somebody else changed something since: see
// access.Change.Again.
//
// It judges by the time at which the change was ordered, so that both judgements go by one clock.
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
