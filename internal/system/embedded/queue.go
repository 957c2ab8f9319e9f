// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// Changes of one process queue up, and a leader does them in batches: one lock, one publication, all answered when it
// is in place. The leader is bound to no caller's context, so what was begun is finished whoever has gone.

// leader does the changes of one process.
type leader struct {
	*directory
	notes     *notes
	keyring   *keyring
	observer  *observer
	cache     *cache
	committer *committer
	lock      *lock

	mu      sync.Mutex // guards what follows
	queue   []*task
	pending int           // changes submitted and not answered yet
	crowded time.Time     // when there were several of them, last
	took    time.Duration // how long the last commit took
	led     bool          // a leader is at work on the queue
}

// A leader lets changes arrive before it takes the lock; other processes get their turn meanwhile. Where changes come
// one by one it waits little, for each waits for the one before it. Where several were under way at once lately, it
// waits for several times what a commit takes, since each commit publishes everything anew.
const (
	gatherLeast   = 2 * time.Millisecond
	gatherMost    = 100 * time.Millisecond
	gatherCommits = 6
	gatherMemory  = 500 * time.Millisecond
)

// gather returns how long the leader waits.
func (le *leader) gather() time.Duration {
	le.mu.Lock()
	defer le.mu.Unlock()
	if le.crowded.IsZero() || access.WallClock().Sub(le.crowded) > gatherMemory {
		return gatherLeast
	}
	return min(max(gatherCommits*le.took, gatherLeast), gatherMost)
}

// finishing is how long a caller waits for what was begun. Only a file system that hangs takes so long.
const finishing = 30 * time.Second

type taskKind int

const (
	taskLoad     taskKind = iota // read the ledger under the lock, and publish anew where that is due
	taskPut                      // create or change
	taskDelete                   // remove
	taskToken                    // give out a token
	taskRevoke                   // revoke one
	taskRemember                 // keep when a partner was rehearsed
	taskFloor                    // set or lift the floor
	taskAlone                    // do something that is no change of the ledger
)

// task is one caller's wish, and the answer.
type task struct {
	kind    taskKind
	change  access.Change
	ref     access.Ref
	uid     string
	request request
	// rehearsed is when a partner was rehearsed.
	rehearsed map[string]time.Time
	floor     func(*draft) (*access.FloorRecord, error)
	act       func() error

	ctx  context.Context
	done chan struct{} // closed when the answer is complete

	view    *book
	record  *access.Record
	swept   []access.Ref
	victims []*ledger.Entry // what a delete takes, as it was before
	put     *ledger.Placed
	err     error
}

// submit gets a task done. One whose context ends, or that waited too long for another process, before it was begun is
// dropped, and nothing of it was done.
func (le *leader) submit(ctx context.Context, t *task) error {
	if ctx.Err() != nil {
		return dropped(ctx)
	}
	t.ctx, t.done = ctx, make(chan struct{})
	le.mu.Lock()
	if le.pending++; le.pending > 1 {
		le.crowded = access.WallClock()
	}
	defer le.answered()
	le.queue = append(le.queue, t)
	if !le.led {
		le.led = true
		go le.lead()
	}
	le.mu.Unlock()

	wait := time.NewTimer(le.options.LockWait)
	defer wait.Stop()
	select {
	case <-t.done:
		return t.err
	case <-ctx.Done():
		if le.withdraw(t) {
			return dropped(ctx)
		}
	case <-wait.C:
		if le.withdraw(t) {
			return le.lock.busy(le.options.LockWait)
		}
	}
	return t.finish()
}

func (le *leader) answered() {
	le.mu.Lock()
	le.pending--
	le.mu.Unlock()
}

// finish waits for a task that was begun.
func (t *task) finish() error {
	limit := time.NewTimer(finishing)
	defer limit.Stop()
	select {
	case <-t.done:
		return t.err
	case <-limit.C:
		return fail(errors.New("the file system does not answer"), perhapsChanged)
	}
}

func dropped(ctx context.Context) error {
	return fmt.Errorf("%w before it began. %s", context.Cause(ctx), nothingChanged)
}

// withdraw takes a task out of the queue, and says whether it was still there.
func (le *leader) withdraw(t *task) bool {
	le.mu.Lock()
	defer le.mu.Unlock()
	i := slices.Index(le.queue, t)
	if i >= 0 {
		le.queue = slices.Delete(le.queue, i, i+1)
	}
	return i >= 0
}

// lead works until the queue is empty.
func (le *leader) lead() {
	for {
		time.Sleep(le.gather())
		locked, err := le.acquire()
		if err == nil && !locked {
			return
		}
		batch := le.take(err != nil)
		if err != nil {
			answer(batch, err)
			continue
		}
		started := access.WallClock()
		le.process(batch)
		le.mu.Lock()
		le.took = access.WallClock().Sub(started)
		le.mu.Unlock()
		le.cache.unpin()
		if err := le.lock.release(); err != nil {
			answerUnanswered(batch, fail(err, perhapsChanged))
		}
		answer(batch, nil)
	}
}

// acquire takes the lock, or gives up when nobody is left who waits for it.
func (le *leader) acquire() (locked bool, err error) {
	for {
		le.mu.Lock()
		idle := len(le.queue) == 0
		if idle {
			le.led = false
		}
		le.mu.Unlock()
		if idle {
			return false, nil
		}
		if err := le.prepare(); err != nil {
			return false, err
		}
		if locked, err := le.lock.try(le.now()); locked || err != nil {
			return locked, err
		}
		time.Sleep(time.Millisecond + rand.N(8*time.Millisecond)) //nolint:gosec // spreads those who wait
	}
}

// prepare makes the directories that the lock needs.
func (at *directory) prepare() error {
	err := at.disk.Mkdir(at.paths.root, publicDir)
	if err == nil {
		err = at.disk.Mkdir(at.paths.ledger(), privateDir)
	}
	return fail(err, nothingChanged)
}

// take takes the next batch: everything, or all of one kind, since what is put and what is removed do not mix. Tasks
// whose callers have gone are dropped.
func (le *leader) take(everything bool) []*task {
	le.mu.Lock()
	defer le.mu.Unlock()
	first := taskLoad
	for _, t := range le.queue {
		if first == taskLoad {
			first = t.kind
		}
	}
	var batch, rest []*task
	for _, t := range le.queue {
		switch {
		case t.ctx.Err() != nil:
			t.err = dropped(t.ctx)
			close(t.done)
		case everything || t.kind == first || t.kind == taskLoad:
			batch = append(batch, t)
		default:
			rest = append(rest, t)
		}
	}
	le.queue = rest
	return batch
}

// answer lets the callers go, with an error where there is one for all.
func answer(batch []*task, err error) {
	for _, t := range batch {
		if t.err == nil {
			t.err = err
		}
		close(t.done)
	}
}

// answerUnanswered gives an error to the tasks that have none yet.
func answerUnanswered(batch []*task, err error) {
	for _, t := range batch {
		if t.err == nil {
			t.err = err
		}
	}
}
