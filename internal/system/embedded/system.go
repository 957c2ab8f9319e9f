// SPDX-License-Identifier: MPL-2.0

// Package embedded is the access system that needs no server: one directory, which holds what exists (ledger/), the
// keys of the authorities (keys/), and what gateways read (publish/). sshd, nginx, OPA and the like enforce it.
//
// The ledger is the truth, and publish/ is derived from it. Every commit bumps ledger/generation.json before it touches
// an object, and writes publish/generation.json last; so where the two differ, whoever comes next knows that a commit did
// not finish, and finishes it. Where they agree, the ledger is whole and may be read without a lock. Both are signed, and what
// they do not sign is not believed.
package embedded

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// Options are what a System may be told. The zero value is good.
type Options struct {
	// Clock tells the time. Default: the clock of this machine.
	Clock access.Clock
	// Passphrase encrypts the keys at rest. Without one they lie there in the clear, readable by their owner only.
	Passphrase string
	// LockWait is how long a change waits for another process. Default: 30 s.
	LockWait time.Duration
	// PublicationLife is how long a publication is good for: the nextUpdate of the revocation list and the valid_until
	// of the policy data. Default: 180 days. It is a dead man's switch, and so a choice: when it has passed, gateways
	// refuse everybody, since nothing tells them apart from gateways that are fed an old copy. Every change and, in
	// the second half of its life, every plan publishes anew. A shorter life bounds how long a stale copy grants what
	// was revoked; a longer one lets Terraform rest for longer. What has an end ends on time either way.
	PublicationLife time.Duration
	// UseLogs are patterns of the files in which gateways log whom they let in: see use.go. None: nobody knows.
	UseLogs []string
	// SSHDZone is the zone that gateways' sshd runs in, where one is older than OpenSSH 9.1. Default: all read UTC.
	SSHDZone *time.Location
	// Environment is the environment that the directory is for.
	Environment string
	// Remembered is the newest generation that the journal tells of; nil: there is none.
	Remembered func(system string) int64
	// Accept is the number of an older generation that was put back on purpose; zero: none was.
	Accept int64
	// Command is what this process calls itself to another that waits for its lock. Default: terraform-provider-partner.
	Command string
}

// System is an access system on one directory. It may be used concurrently, also by several processes.
//
// It is the sum of its parts. Each part knows those that stand before it here, and none that stand after it.
type System struct {
	*directory // where it is, and its clock
	*notes     // what whoever runs it should hear of
	*signatures
	*keyring
	*gateways // what a rehearsal asks
	*observer
	*cache
	*publisher
	*committer
	*leader

	loading sync.Mutex // held while one caller reads the ledger for all
}

var _ access.System = (*System)(nil)

// Open returns the System on a directory. It touches nothing yet.
func Open(root string, o Options) *System {
	if o.Clock == nil {
		o.Clock = access.WallClock
	}
	if o.LockWait <= 0 {
		o.LockWait = 30 * time.Second
	}
	if o.PublicationLife <= 0 {
		o.PublicationLife = 180 * 24 * time.Hour
	}
	if o.Command == "" {
		o.Command = "terraform-provider-partner"
	}
	return assemble(&directory{options: o, paths: paths{root: root}})
}

// assemble puts the parts together, each on those that it stands on.
func assemble(at *directory) *System {
	s := &System{directory: at, notes: &notes{directory: at}, signatures: &signatures{directory: at}, gateways: &gateways{at}, cache: &cache{directory: at}}
	s.keyring = &keyring{directory: at, notes: s.notes, signatures: s.signatures}
	s.observer = &observer{directory: at, signatures: s.signatures}
	s.publisher = &publisher{directory: at, keyring: s.keyring, observer: s.observer}
	s.committer = &committer{
		directory: at, notes: s.notes, signatures: s.signatures, keyring: s.keyring, observer: s.observer, cache: s.cache, publisher: s.publisher,
	}
	s.leader = &leader{
		directory: at, notes: s.notes, keyring: s.keyring, observer: s.observer, cache: s.cache, committer: s.committer,
		lock: newLock(at.paths, at.options.Command),
	}
	return s
}

// Now returns the time of the clock that the System was given.
func (s *System) Now(context.Context) (time.Time, error) { return s.now(), nil }

// Get returns what the ledger holds under a reference. What is being removed is still there, until it is gone.
func (s *System) Get(ctx context.Context, ref access.Ref) (*access.Record, error) {
	l, err := s.view(ctx)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ref, err)
	}
	e, err := l.entry(ref)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ref, err)
	}
	r, err := l.record(e)
	if err == nil {
		err = s.tellUse(l.Ledger, r)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ref, err)
	}
	return r, nil
}

// tellUse puts into records of a ledger when they were last used, where logs are read.
func (no *notes) tellUse(of ledger.Ledger, records ...*access.Record) error {
	if len(no.options.UseLogs) == 0 {
		return nil
	}
	now := no.now()
	u, err := no.used.latest(no.options.UseLogs, now)
	for _, r := range records {
		u.tell(r, of, now)
	}
	no.hearOfStopped(u, now)
	return err
}

// List returns everything that the ledger holds, of every stack, sorted by type and id.
func (s *System) List(ctx context.Context) ([]*access.Record, error) {
	l, err := s.view(ctx)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	records, err := l.records()
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	if err := s.tellUse(l.Ledger, records...); err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	order.Sort(records, func(a, b *access.Record) int { return ledger.CompareRefs(a.Object.Ref(), b.Object.Ref()) })
	return records, nil
}

// Formers returns what was removed within a year, and the uids that ended.
func (s *System) Formers(ctx context.Context) ([]access.Former, []access.Bygone, error) {
	l, err := s.view(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read what was removed: %w", err)
	}
	return ledger.Formers(l.Ledger, l.stones, s.now()), ledger.Bygones(l.Ledger, l.stones, s.now()), nil
}

// Whose says what has a uid, or had it.
func (s *System) Whose(ctx context.Context, _ access.Ref, uid string) (access.Ref, time.Time, error) {
	l, err := s.view(ctx)
	if err != nil {
		return access.Ref{}, time.Time{}, fmt.Errorf("look up the uid: %w", err)
	}
	return ledger.Whose(l.Ledger, l.stones, uid, s.now())
}

// Put creates or changes one object, and returns when a publication that contains it is in place.
func (s *System) Put(ctx context.Context, change access.Change) (*access.Record, error) {
	ref := change.Object.Ref()
	t := &task{kind: taskPut, change: change}
	if err := s.submit(ctx, t); err != nil {
		return nil, fmt.Errorf("put %s: %w", ref, err)
	}
	return t.record, nil
}

// Delete revokes an object, proves that the publication has nothing of it, and then forgets it.
func (s *System) Delete(ctx context.Context, ref access.Ref, uid string) ([]access.Ref, error) {
	l, err := s.view(ctx)
	if err == nil && !l.Has(ref, uid) && l.damaged[ref] == nil {
		err = access.ErrNotFound
	}
	t := &task{kind: taskDelete, ref: ref, uid: uid}
	if err == nil {
		err = s.submit(ctx, t)
	}
	if err != nil {
		return nil, fmt.Errorf("delete %s: %w", ref, err)
	}
	return t.swept, nil
}

// view returns the ledger as it is now. A healthy one is read without the lock and without a write.
func (s *System) view(ctx context.Context) (*book, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if l, err := s.current(); l != nil || err != nil {
		return l, err
	}
	s.loading.Lock()
	defer s.loading.Unlock()
	if l, err := s.current(); l != nil || err != nil {
		return l, err
	}
	l, settled, err := s.snapshot()
	if settled || err != nil {
		s.keep(l)
		return l, err
	}
	t := &task{kind: taskLoad}
	if err := s.submit(ctx, t); err != nil {
		if l != nil {
			s.keep(l) // the publication is whole and merely ages: who may not renew it may still read
			return l, nil
		}
		return nil, err
	}
	return t.view, nil
}

// snapshot reads the ledger without the lock: nil where a commit was at work meanwhile, or did not finish. It is settled
// when the publication needs nothing either, or nothing that a plan may do.
func (ob *observer) snapshot() (l *book, settled bool, err error) {
	h, err := ob.paths.readHolds()
	if err != nil {
		return nil, false, err
	}
	st, err := ob.signatures.readStanding()
	if err == nil && ob.dueOf(st.was, &book{generation: st.generation, holds: h, root: ob.paths.root}, false) == broken {
		return nil, false, nil
	}
	if err == nil {
		l, err = ob.paths.readLedger(st, h)
	}
	if err == nil {
		err = ob.inspect(l, st.was)
	}
	switch after, again := ob.paths.readGeneration(); {
	case again != nil:
		return nil, false, again
	case after != st.raw: // and if something went wrong, then because of that
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	l.inspectFolders(ob.paths)
	l.inspectKeys(ob.paths)
	l.tell()
	due := ob.dueOf(st.was, l, false)
	if due == broken && len(l.damaged) == 0 {
		return nil, false, nil
	}
	return l, due == notDue || due == tampered, nil // who may not publish without what is damaged may read the rest
}
