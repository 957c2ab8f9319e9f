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

// Settled repeats what may fail on a standby for as long as it has not heard of what was just written.
func (s *Store[N]) settled(ctx context.Context, ask func() error) error {
	cluster, err := s.Cluster(ctx)
	if err != nil {
		return err
	}
	return Settled(ctx, cluster, ask)
}

// Settled repeats what may fail on a standby for as long as it has not heard of what was just written.
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

// Rounds is how often a change is tried that others come in the way of.
const Rounds = 30

// Again tries a change until nobody comes in its way.
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
