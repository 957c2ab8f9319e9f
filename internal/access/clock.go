package access

import "time"

// Clock tells the present moment. It is the one place where time comes in, so that a test can move it.
type Clock func() time.Time

// WallClock returns the clock of this machine, in UTC.
func WallClock() time.Time { return time.Now().UTC() }
