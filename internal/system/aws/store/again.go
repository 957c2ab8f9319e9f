// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
)

// Again tries a change until nobody comes in its way. Only client.ErrChanged is tried again, up to 60 times, which
// takes some three seconds; change must read anew what it decides on. Sixteen writers in two processes come through
// (TestSixteenWritersInTwoProcessesLoseNothingAndDoubleNothing).
func Again(ctx context.Context, change func() error) error {
	const rounds = 60
	for round := range rounds {
		err := change()
		if !errors.Is(err, client.ErrChanged) {
			return err
		}
		if err := access.Pause(ctx, time.Duration(min(round+1, 10))*5*time.Millisecond+
			rand.N(20*time.Millisecond)); err != nil { //nolint:gosec // spreads those who wait
			return err
		}
	}
	return fmt.Errorf("%w: %w", access.ErrUnavailable, client.ErrChanged)
}
