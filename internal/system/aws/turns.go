// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// turns lets no two changes of one identity run side by side in this process.
type turns struct {
	mu sync.Mutex
	// changes has a lock for each identity that was changed, and keeps it: there are as many as a run has identities.
	changes map[access.IdentityID]*sync.Mutex
}

// turn waits until no other change of an identity is under way in this process, and returns what lets the next one go.
// Those of other processes are found by the ETags; within one, waiting costs less than drafting again.
func (t *turns) turn(id access.IdentityID) (done func()) {
	t.mu.Lock()
	mine := t.changes[id]
	if mine == nil {
		mine = &sync.Mutex{}
		t.changes[id] = mine
	}
	t.mu.Unlock()
	mine.Lock()
	return mine.Unlock
}
