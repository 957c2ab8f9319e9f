// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// unhurried is a system of which no inventory is taken in the middle of a change: half a change looks like drift, or
// like something that somebody made by hand. Terraform reads a data source beside the changes of the same apply, unless
// it names them in depends_on. Changes do not wait for each other. See TestAnInventoryIsNotTakenInTheMiddleOfAChange.
//
// What another process changes meanwhile may still look so.
type unhurried struct {
	access.System
	changing sync.RWMutex // read-locked by each change, locked while an inventory is taken
}

// Unwrap returns the system itself, so that access.As finds what else it can do.
func (u *unhurried) Unwrap() access.System { return u.System }

// Put changes one object, once no inventory is being taken.
func (u *unhurried) Put(ctx context.Context, change access.Change) (*access.Record, error) {
	defer u.begin()()
	return u.System.Put(ctx, change)
}

// Delete revokes an object, once no inventory is being taken.
func (u *unhurried) Delete(ctx context.Context, ref access.Ref, uid string) ([]access.Ref, error) {
	defer u.begin()()
	return u.System.Delete(ctx, ref, uid)
}

// begin waits until no inventory is being taken, and has the next one wait until it is done: defer u.begin()().
func (u *unhurried) begin() (done func()) {
	u.changing.RLock()
	return u.changing.RUnlock
}

// still waits until what was begun is finished, and lets nothing else begin until it is left: defer u.still()().
func (u *unhurried) still() (leave func()) {
	u.changing.Lock()
	return u.changing.Unlock
}
