// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// settled is Settled, with what the server says of being a cluster.
func (s *Store[N]) settled(ctx context.Context, ask func() error) error {
	cluster, err := s.Cluster(ctx)
	if err != nil {
		return err
	}
	return Settled(ctx, cluster, ask)
}

// Settled repeats a request that may fail on a standby for as long as that has not heard of what was just written. On a
// single server it asks once. It returns the last error once Staleness is over; ask decides nothing about the time.
func Settled(ctx context.Context, cluster bool, ask func() error) error {
	for begun := access.WallClock(); ; {
		err := ask()
		if err == nil ||
			!cluster ||
			!client.Unheard(err) ||
			access.WallClock().Sub(begun) > Staleness {
			return err
		}
		if err := access.Pause(ctx, 30*time.Millisecond); err != nil {
			return err
		}
	}
}

// ErrChanged says that somebody else changed a policy that a change was made on. It is made again on what is there now.
var ErrChanged = errors.New("somebody else changed it at the same time")

// Rounds is how often a change is tried that others come in the way of. It also ends walks up a chain of
// subcontractors, which an edited policy may have made a circle.
const Rounds = 30

// Again makes a change until nobody comes in its way, and returns its error otherwise. change reads anew what it
// decides on: it is called up to Rounds times, and ends each lost round with ErrChanged.
//
// The pause grows by 5 ms a round, with some chance in it, so that two processes that collided are unlikely to do so
// again.
func Again(ctx context.Context, change func() error) error {
	for round := range Rounds {
		err := change()
		if !errors.Is(err, ErrChanged) || round == Rounds-1 {
			return err
		}
		if err := access.Pause(ctx, time.Duration(round+1)*5*time.Millisecond+
			rand.N(10*time.Millisecond)); err != nil { //nolint:gosec // spreads those who wait
			return err
		}
	}
	return ErrChanged
}
