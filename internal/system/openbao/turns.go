// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// sideBySide does something so many times, a few at a time, and begins no more of it after the first error, which it
// returns. It waits for all that it began.
func sideBySide(times int, do func(n int) error) error {
	all, failed := errgroup.WithContext(context.Background()) // which is over with the first error, and cancels nothing
	all.SetLimit(lookers)
	for n := 0; n < times && failed.Err() == nil; n++ {
		all.Go(func() error { return do(n) })
	}
	return all.Wait()
}

// lookers is how many identities are looked at side by side; the client has its own limit of requests.
const lookers = 10

// turns lets one change of an identity be made at a time.
type turns struct {
	// turning guards changes, and is never held for long.
	turning sync.Mutex
	// changes has a lock for each identity that this process has changed; they stay to its end.
	changes map[access.IdentityID]*sync.Mutex
}

// alone lets one change of an identity be made at a time in this process, and returns what ends it. Other processes are
// met at check-and-set; without this, changes of one process would meet there, too, and do their work again.
func (t *turns) alone(id access.IdentityID) (release func()) {
	t.turning.Lock()
	one := t.changes[id]
	if one == nil {
		one = new(sync.Mutex)
		t.changes[id] = one
	}
	t.turning.Unlock()
	one.Lock()
	return one.Unlock
}

// finishing is how long a change that was begun may take, whatever becomes of its caller.
const finishing = 2 * time.Minute

// begin refuses what was cancelled before, and lets what begins now come to its end: half a change is worse than a late
// answer to an interrupt.
func begin(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if ctx.Err() != nil {
		return nil, nil, fmt.Errorf("%w before it began. Nothing was changed", context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishing)
	return ctx, cancel, nil
}
