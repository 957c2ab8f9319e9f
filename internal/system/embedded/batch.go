// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// process does a batch under the lock, and leaves the answers in its tasks. If somebody cuts by hand between the draft
// and its commit, it is drafted anew, with that cut, up to a hundred times.
func (le *leader) process(batch []*task) {
	if batch = acts(batch); len(batch) == 0 {
		return
	}
	next, err := le.change(batch)
	for tries := 0; errors.Is(err, errCutMeanwhile) && tries < 100; tries++ {
		next, err = le.change(batch)
	}
	if err != nil {
		le.again(batch, err)
		return
	}
	next = le.bury(next, batch)
	for _, t := range batch {
		if t.view = next; t.err == nil && t.put != nil {
			t.record, t.err = next.placed(t.put)
		}
	}
}

// change drafts a batch and commits it. Where somebody cuts by hand meanwhile, it is errCutMeanwhile,
// and nothing was changed. Each task is tried by itself: one that is refused leaves the draft as it was, and the others
// go on.
func (le *leader) change(batch []*task) (*book, error) {
	base, err := le.committer.base()
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(batch, func(t *task) bool { return t.kind != taskLoad }) {
		if err := cmp.Or(le.unblock(), le.committer.refuseForeign(base)); err != nil {
			return nil, err
		}
	}
	d := draftOn(base, le.now(), issuer{le.keyring})
	for _, t := range batch {
		t.put, t.victims, t.swept = nil, nil, nil
		t.err = d.Try(func() error { return le.enter(d, t) })
	}
	return le.committer.commit(base, d, scope{publish: true, changes: slices.ContainsFunc(batch, (*task).changes)})
}

// changes reports whether a task changes something, or was asked to.
func (t *task) changes() bool { return t.kind != taskLoad && t.err == nil }

// acts does what is no change of the ledger, before anything of that is read. It returns the other tasks.
func acts(batch []*task) (others []*task) {
	for _, t := range batch {
		if t.kind == taskAlone {
			t.err = t.act()
			continue
		}
		others = append(others, t)
	}
	return others
}

// again answers a batch whose commit failed. Where nothing was changed, each of several is tried alone, so that the one
// that cannot be published does not fail the others.
func (le *leader) again(batch []*task, err error) {
	live := slices.DeleteFunc(slices.Clone(batch), func(t *task) bool { return t.err != nil })
	if f := (*failure)(nil); len(live) < 2 || (errors.As(err, &f) && f.outcome != nothingChanged) {
		answerUnanswered(live, err)
		return
	}
	for _, t := range live {
		le.process([]*task{t})
	}
}

// place puts an object into a draft. One that comes back after it was cut by hand is put on hold.
func (le *leader) place(d *draft, t *task) (err error) {
	if err := d.refuse(t.change); err != nil {
		return err
	}
	if err := le.judgeAgain(d.base, t.change); err != nil {
		return err
	}
	if t.put, err = d.Place(t.change); err != nil || !t.put.Hold {
		return err
	}
	return le.holdNew(d, t.change.Object.Ref().ID)
}

// enter makes the change of one task in a draft.
func (le *leader) enter(d *draft, t *task) (err error) {
	switch t.kind {
	case taskPut:
		err = le.place(d, t)
	case taskDelete:
		t.victims, err = d.strike(t.ref, t.uid)
	case taskToken:
		err = le.keyring.signToken(d, &t.request)
	case taskRevoke:
		err = d.revokeToken(t.request.token)
	case taskRemember:
		d.remember(t.rehearsed)
	case taskFloor:
		err = d.lay(t.floor)
	case taskLoad, taskAlone:
	}
	return err
}

// judgeAgain lets a change be judged by what somebody else has made of the ledger since it was judged. The leader holds
// the lock, so nothing comes between.
func (le *leader) judgeAgain(base *book, change access.Change) error {
	others := le.cache.changed()
	if change.Again == nil || change.Seen == others {
		return nil
	}
	records, err := base.records()
	if err != nil {
		return err
	}
	// a log that cannot be read is told by who asks for it, and stops nothing here
	_ = le.notes.tellUse(base.Ledger, records...)
	return change.Again(records, others)
}

// holdNew holds what is new while something of its partner, or that it comes from, was cut by hand.
func (le *leader) holdNew(d *draft, scope string) error {
	file := filepath.Join(le.paths.holds(), holdFile(scope))
	last := d.Holds[scope]
	err := le.disk.Mkdir(le.paths.holds(), publicDir)
	if err == nil {
		err = le.disk.Write(file, nil, publicFile)
	}
	if err == nil {
		d.Holds, err = le.paths.readHolds()
	}
	if err == nil && !d.Holds[scope].After(last) { // the clock went back since it was held, and perhaps released
		const kept = 2 * time.Second // by every file system: FAT keeps every other second
		d.Holds[scope] = last.Truncate(kept).Add(kept)
		err = os.Chtimes(file, time.Time{}, d.Holds[scope])
	}
	return fail(err, nothingChanged)
}
