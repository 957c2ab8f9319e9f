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
	"maps"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
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
type System struct {
	options Options
	paths   paths
	disk    durable.Disk
	lock    *lock

	loading sync.Mutex // held while one caller reads the ledger for all

	mu      sync.Mutex // guards what follows
	queue   []*task
	healed  []access.Healed // what was found and made as it should be, for the journal
	notes   [][2]string     // what whoever runs it should hear of
	pending int             // changes submitted and not answered yet
	crowded time.Time       // when there were several of them, last
	took    time.Duration   // how long the last commit took
	trusted *policy.Witness // what the ledger is signed with, once it was read
	led     bool            // a leader is at work on the queue
	leading bool            // the leader holds the lock: nobody else changes the ledger
	notary  *policy.Signer  // the signing key, once a change has opened it
	cached  *book           // good while the generation on disk is its own; never changed, only replaced
	latest  *generation     // of the ledger when it was read or changed here last; nil before that
	others  uint64          // how often it was found changed by somebody else since

	used useLogs

	// The leader's own.
	newestSeen *int64 // what the journal told, once it was asked
	authority  *ca.Authority
	signer     *policy.Signer
	known      known
}

var _ access.System = (*System)(nil)

// Open returns the System on a directory. It touches nothing yet.
func Open(directory string, o Options) *System {
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
	p := paths{root: directory}
	return &System{options: o, paths: p, lock: newLock(p, o.Command)}
}

// Now returns the time of the clock that the System was given.
func (s *System) Now(context.Context) (time.Time, error) { return s.now(), nil }

func (s *System) now() time.Time { return s.options.Clock().UTC() }

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
func (s *System) tellUse(of ledger.Ledger, records ...*access.Record) error {
	if len(s.options.UseLogs) == 0 {
		return nil
	}
	now := s.now()
	u, err := s.used.latest(s.options.UseLogs, now)
	for _, r := range records {
		u.tell(r, of, now)
	}
	s.hearOfStopped(u, now)
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

// current returns the cached ledger where it is still good, else nil.
func (s *System) current() (*book, error) {
	s.mu.Lock()
	l, leading := s.cached, s.leading
	s.mu.Unlock()
	if l == nil || leading {
		return l, nil
	}
	g, err := s.paths.readGeneration()
	if err != nil || g != l.raw || s.byHand() {
		return nil, err
	}
	if h, err := s.paths.readHolds(); err != nil || !maps.Equal(h, l.holds) {
		return nil, err
	}
	return l, nil
}

// snapshot reads the ledger without the lock: nil where a commit was at work meanwhile, or did not finish. It is settled
// when the publication needs nothing either, or nothing that a plan may do.
func (s *System) snapshot() (l *book, settled bool, err error) {
	h, err := s.paths.readHolds()
	if err != nil {
		return nil, false, err
	}
	st, err := s.readStanding()
	if err == nil && s.dueOf(st.was, &book{generation: st.generation, holds: h, root: s.paths.root}, false) == broken {
		return nil, false, nil
	}
	if err == nil {
		l, err = s.paths.readLedger(st, h)
	}
	if err == nil {
		err = s.inspect(l, st.was)
	}
	switch after, again := s.paths.readGeneration(); {
	case again != nil:
		return nil, false, again
	case after != st.raw: // and if something went wrong, then because of that
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	l.inspectFolders(s.paths)
	l.inspectKeys(s.paths)
	l.tell()
	due := s.dueOf(st.was, l, false)
	if due == broken && len(l.damaged) == 0 {
		return nil, false, nil
	}
	return l, due == notDue || due == tampered, nil // who may not publish without what is damaged may read the rest
}

// keep remembers a ledger for the calls to come.
func (s *System) keep(l *book) {
	s.mu.Lock()
	s.cached = l
	s.notice(l)
	s.mu.Unlock()
}

// notice counts where somebody else has changed the ledger since it was read or changed here last. The caller holds mu.
func (s *System) notice(l *book) {
	if l == nil {
		return
	}
	if s.latest != nil && *s.latest != l.raw {
		s.others++
	}
	s.latest = &l.raw
}
