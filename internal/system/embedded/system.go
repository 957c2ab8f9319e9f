// SPDX-License-Identifier: MPL-2.0

// Package embedded is the access system that needs no server: one directory, which holds what exists (ledger/), the
// keys of the authorities (keys/), and what gateways read (publish/). sshd, nginx, OPA and the like enforce it.
//
// The ledger is the truth, and publish/ is derived from it. Every commit bumps ledger/generation.json before it touches
// an object, and writes publish/generation.json last; so where the two differ, whoever comes next knows that a commit
// did not finish, and finishes it. Where they agree, the ledger is whole and may be read without a lock. Both are
// signed, and what they do not sign is not believed.
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

// What access asks of a system, and what it may be asked beside that.
var (
	_ access.System      = (*System)(nil)
	_ access.Dated       = (*System)(nil)
	_ access.Examiner    = (*System)(nil)
	_ access.Floored     = (*System)(nil)
	_ access.Notary      = (*System)(nil)
	_ access.Noter       = (*System)(nil)
	_ access.Rehearser   = (*System)(nil)
	_ access.TokenIssuer = (*System)(nil)
	_ access.Warden      = (*System)(nil)
)

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
	s := &System{
		directory:  at,
		notes:      &notes{directory: at},
		signatures: &signatures{directory: at},
		gateways:   &gateways{at},
		cache:      &cache{directory: at},
	}
	s.keyring = &keyring{directory: at, notes: s.notes, signatures: s.signatures}
	s.observer = &observer{directory: at, signatures: s.signatures}
	s.publisher = &publisher{directory: at, keyring: s.keyring, observer: s.observer}
	s.committer = &committer{
		directory: at, notes: s.notes, signatures: s.signatures, keyring: s.keyring, observer: s.observer,
		cache: s.cache, publisher: s.publisher,
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
