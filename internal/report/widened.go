// SPDX-License-Identifier: MPL-2.0

package report

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// Widened returns when each object was widened last, by type and id, and since when the lines tell;
// zero: they tell of nothing.
func Widened(lines []journal.Line) (last map[string]time.Time, since time.Time) {
	last = map[string]time.Time{}
	if len(lines) == 0 {
		return last, since
	}
	r := &Report{Lines: lines}
	for _, c := range r.all() {
		if ref := c.Type + " " + c.ID; c.sort() == widened && c.Asked.After(last[ref]) {
			last[ref] = c.Asked
		}
	}
	return last, lines[0].Time
}
