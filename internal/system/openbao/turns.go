package openbao

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// sideBySide does something so many times, a few at a time, and stops at the first error.
func sideBySide(times int, do func(n int) error) error {
	errs := make([]error, lookers)
	next := make(chan int)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var once sync.Once
	for worker := range lookers {
		wg.Go(func() {
			for n := range next {
				if errs[worker] = do(n); errs[worker] != nil {
					once.Do(func() { close(stop) })
					return
				}
			}
		})
	}
	for n := range times {
		select {
		case next <- n:
			continue
		case <-stop:
		}
		break
	}
	close(next)
	wg.Wait()
	return cmp.Or(errs...)
}

// lookers is how many identities are looked at side by side; the client has its own limit of requests.
const lookers = 10

// turns lets one change of an identity be made at a time.
type turns struct {
	turning sync.Mutex
	changes map[access.IdentityID]*sync.Mutex
}

// alone lets one change of an identity be made at a time in this process. Other processes are met at check-and-set.
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

// begin refuses what was cancelled before, and lets what begins now come to its end.
func begin(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if ctx.Err() != nil {
		return nil, nil, fmt.Errorf("%w before it was begun. Nothing was changed", context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishing)
	return ctx, cancel, nil
}
