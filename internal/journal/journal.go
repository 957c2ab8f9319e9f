// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
)

// Options are what a Journal may be told. The zero value is good.
type Options struct {
	// Clock tells the time. Default: the clock of this machine.
	Clock access.Clock
	// LockWait is how long a line waits for another process. Default: 30 s.
	LockWait time.Duration
	// DirMode is the mode of the directories that are missing above the journal. Default: 0700.
	DirMode fs.FileMode
}

// Journal is one journal on disk. It may be written concurrently, also by several processes.
type Journal struct {
	path    string
	options Options
	lock    *flock.Flock
	notary  access.Notary // nil where the system has no key of its own

	turn sync.Mutex // held by who writes for all that wait

	mu      sync.Mutex // guards waiting
	waiting []*entry
}

// entry is what is to be written together, and what came of it.
type entry struct {
	lines   []Line
	answer  error
	healed  string
	settled bool
}

// Open returns the Journal of a path. It touches nothing yet.
func Open(path string, o Options) *Journal {
	if o.Clock == nil {
		o.Clock = access.WallClock
	}
	if o.LockWait <= 0 {
		o.LockWait = 30 * time.Second
	}
	if o.DirMode == 0 {
		o.DirMode = privateDir
	}
	return &Journal{path: path, options: o, lock: flock.New(path+".lock", flock.SetPermissions(privateFile))}
}

// Path returns where the journal is.
func (j *Journal) Path() string { return j.path }

func (j *Journal) headPath() string { return j.path + ".head" }
func (j *Journal) tornPath() string { return j.path + ".torn" }

// Append writes lines, and returns when they will last. Place, time and hashes are given to them here. What
// comes together is made to last together. Where an earlier process left something unfinished, healed says
// what was done about it.
func (j *Journal) Append(lines ...Line) (healed string, err error) {
	e := &entry{lines: lines}
	j.mu.Lock()
	j.waiting = append(j.waiting, e)
	j.mu.Unlock()

	j.turn.Lock()
	defer j.turn.Unlock()
	if !e.settled {
		j.mu.Lock()
		batch := j.waiting
		j.waiting = nil
		j.mu.Unlock()
		note, err := j.write(batch)
		for i, other := range batch {
			other.answer, other.settled = j.fail(err), true
			if i == 0 {
				other.healed = note
			}
		}
	}
	return e.healed, e.answer
}

// write writes a batch under the lock: all of it, or nothing.
func (j *Journal) write(batch []*entry) (healed string, err error) {
	if err := (durable.Disk{}).Mkdir(filepath.Dir(j.path), j.options.DirMode); err != nil {
		return "", err
	}
	if err := j.take(); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, j.lock.Unlock()) }()
	head, err := j.head()
	if err != nil {
		return "", err
	}
	f, err := plain(j.path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	there, err := j.heal(f, head)
	if err != nil {
		return "", err
	}
	var lines []Line
	if there.found != "" {
		lines = append(lines, j.doubtful(batch[0].lines[0], there.found))
	}
	for _, e := range batch {
		lines = append(lines, e.lines...)
	}
	text, next, err := there.last.sealAll(lines, j.options.Clock())
	if err != nil {
		return there.healed, err
	}
	if err := j.commit(f, there.end, text, next); err != nil {
		return there.healed, errors.Join(err, f.Truncate(there.end))
	}
	return there.healed, nil
}

// sealAll returns lines as the journal has them, each one chained to the one before it, and the head after them.
func (h Head) sealAll(lines []Line, now time.Time) (text []byte, next Head, err error) {
	for _, l := range lines {
		var line []byte
		if line, h, err = h.seal(l, now); err != nil {
			return nil, Head{}, err
		}
		text = append(text, line...)
	}
	return text, h, nil
}

// doubtful returns a line that keeps what was found in the journal itself by whoever writes another line.
func (j *Journal) doubtful(by Line, found string) Line {
	return Line{
		Phase: Found, Verb: Tamper, Change: by.Change, System: by.System, Stack: by.Stack, Actor: by.Actor,
		Type: journalType, ID: filepath.Base(j.path), Found: []string{found},
	}
}

// commit makes the lines last before the head that counts on them.
func (j *Journal) commit(f *os.File, end int64, text []byte, next Head) error {
	if _, err := f.WriteAt(text, end); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := replace(j.headPath(), []byte(next.String())); err != nil {
		return err
	}
	j.stamp(f, next)
	return nil
}

// take takes the lock. The kernel frees it when its holder dies, however it dies.
func (j *Journal) take() error {
	if _, err := regular(j.lock.Path()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), j.options.LockWait)
	defer cancel()
	taken, err := j.lock.TryLockContext(ctx, 2*time.Millisecond)
	if errors.Is(err, context.DeadlineExceeded) || (err == nil && !taken) {
		return fmt.Errorf("after %s another process still has %s", j.options.LockWait, j.lock.Path())
	}
	return err
}

// begin writes the head of a journal that has none, if it has no line either.
func (j *Journal) begin(journal fs.FileInfo) error {
	if journal != nil && journal.Size() > 0 {
		return j.tampered("its head, " + filepath.Base(j.headPath()) +
			", is gone: nobody can tell whether lines are missing at the end")
	}
	if err := replace(j.headPath(), []byte(Head{}.String())); err != nil {
		return err
	}
	return durable.Disk{}.Sync(filepath.Dir(j.path))
}

// head reads where the journal should end. A new journal gets its head before its first line: so a journal without one
// is a journal whose head somebody removed.
func (j *Journal) head() (Head, error) {
	journal, err := regular(j.path)
	if err != nil {
		return Head{}, err
	}
	if _, err := regular(j.headPath()); err != nil {
		return Head{}, err
	}
	text, err := os.ReadFile(j.headPath())
	if errors.Is(err, fs.ErrNotExist) {
		return Head{}, j.begin(journal)
	}
	if err != nil {
		return Head{}, err
	}
	head, err := ParseHead(string(text))
	if err != nil {
		return Head{}, j.tampered("its head, " + filepath.Base(j.headPath()) + ", cannot be read: " + err.Error())
	}
	if journal == nil && head.Seq > 0 {
		return Head{}, j.tampered(fmt.Sprintf("it is gone, but its head says that %d lines were written", head.Seq))
	}
	return head, nil
}
