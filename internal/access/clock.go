// SPDX-License-Identifier: MPL-2.0

package access

import (
	"context"
	"fmt"
	"time"
)

// Clock tells the present moment. It is the one place where time comes in, so that a test can move it.
type Clock func() time.Time

// Late is how far the clock of a gateway may be behind without harm: what it is to believe begins that much before it
// is made. To one that is later, a new revocation list is not valid yet, and it refuses everybody.
const Late = 10 * time.Minute

// WallClock returns the clock of this machine, in UTC.
func WallClock() time.Time { return time.Now().UTC() }

// Pause waits. It returns ErrUnavailable where the context ends before.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}
