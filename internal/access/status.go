// SPDX-License-Identifier: MPL-2.0

package access

import "time"

// The statuses of an object, in the order in which the first that holds is its status.
const (
	StatusExpired   = "expired"
	StatusHeld      = "held" // cut by hand
	StatusSuspended = "suspended"
	StatusDue       = "due" // for rotation
	StatusExpiring  = "expiring"
	StatusActive    = "active"
)

// Status returns how an object stands at a moment. It counts as expiring warnBefore its end, or in the last quarter of
// its life where that is shorter.
func (r *Record) Status(now time.Time, warnBefore time.Duration) string {
	switch {
	case !now.Before(r.EndsAt):
		return StatusExpired
	case r.Held:
		return StatusHeld
	case r.Suspended:
		return StatusSuspended
	case r.Due(now):
		return StatusDue
	case !now.Before(r.expiring(warnBefore)):
		return StatusExpiring
	}
	return StatusActive
}

// Due reports whether a credential is to be issued anew: its rotation has come, or nothing that was issued is in force.
func (r *Record) Due(now time.Time) bool {
	c, ok := r.Object.(*Credential)
	if !ok || !c.Kind().Issues() {
		return false
	}
	return r.Issued == nil || (!r.Issued.RotatesAt.IsZero() && !now.Before(r.Issued.RotatesAt))
}

func (r *Record) expiring(warnBefore time.Duration) time.Time {
	start := r.CreatedAt
	if r.RenewedAt.After(start) {
		start = r.RenewedAt
	}
	return r.EndsAt.Add(-min(warnBefore, r.EndsAt.Sub(start)/4))
}
