// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// networks returns a credential's networks as OpenBao takes them; an empty list for none, which takes away what
// somebody set.
func networks(c *access.Credential) []string {
	all := []string{}
	for _, n := range c.AllowedCIDRs {
		all = append(all, n.String())
	}
	return all
}

// role is something that OpenBao keeps for a credential: what may log in, or what may be signed. Its body has every
// field that decides: OpenBao keeps those that a write leaves out.
type role struct {
	path string
	body map[string]any
}

// rotatesBefore returns when what ends at a moment is due for rotation; zero if it is never. at is its issue, until its
// end, and asked the end that was asked for. If it ends earlier than asked, as under a mount's cap, so is the rotation,
// so that the partner has the overlap all the same. What lasts until the end of its credential is followed by nothing.
func rotatesBefore(c *access.Credential, at, until, asked time.Time) time.Time {
	due := c.RotatesAt(at)
	if due.IsZero() || !until.Before(asked.Add(-slack)) {
		return due
	}
	latest := until.Add(-c.Rotation.Overlap.Duration)
	if half := at.Add(until.Sub(at) / 2).Truncate(time.Second); latest.Before(half) {
		latest = half // it lives hardly longer than the overlap
	}
	return access.Earliest(due, latest)
}

// slack is what may pass between the moment at which a life is counted, and the one at which OpenBao begins to count
// it.
const slack = 5 * time.Second
