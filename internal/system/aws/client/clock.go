// SPDX-License-Identifier: MPL-2.0

package client

import (
	"net/http"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// clock is that of a service, as an answer told it.
type clock struct {
	// ahead is by how much it is ahead of this machine's; negative if it is behind.
	ahead time.Duration
	// told is when that was told, by this machine's clock.
	told time.Time
}

// nearlyEqual is within how much two clocks are taken for one: a Date header tells whole seconds, and the answer took a
// while.
const nearlyEqual = 2 * time.Second

// learn notes what time it is at a service, from the Date of its answer. A date that cannot be read changes nothing.
func (c *Client) learn(service, date string) {
	there, err := http.ParseTime(date)
	if err != nil {
		return
	}
	here := access.WallClock()
	ahead := there.Sub(here)
	if ahead.Abs() <= nearlyEqual {
		ahead = 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clocks[service] = clock{ahead, here}
}

// off returns by how much the clock of a service is ahead of this machine's; 0 before its first answer.
func (c *Client) off(service string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clocks[service].ahead
}

// S3Time returns the time at S3, in UTC; false if S3 told it more than a minute ago, or never. It is the time of the
// access system, since S3 also dates the marks of what was cut, and both are compared.
func (c *Client) S3Time() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	here, there := access.WallClock(), c.clocks["s3"]
	return here.Add(there.ahead).UTC(), !there.told.IsZero() && here.Sub(there.told) < time.Minute
}
