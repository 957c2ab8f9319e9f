// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// Reading. One listing returns all policies with their text (LIST sys/policies/detailed/acl/partner, since OpenBao
// 2.6), so a plan of thousands of identities begins with one request. Callers share it for a while; a write of this
// process is put into it at once.
//
// A standby may answer with what was there some tenths of a second ago. Each policy that this process wrote has a
// floor: an answer that is older is asked for again, up to Staleness, and never believed. What others wrote has no
// floor, so it may be seen late; check-and-set then tells, and the change is made again.

// Options are what a Store is told. All but Fresh are needed.
type Options struct {
	// Client sends the requests.
	Client *client.Client
	// Fresh is for how long at least one reading serves; 0: only as long as listingShare says.
	Fresh time.Duration
	// Cluster reports whether others may answer, from a state that is a little old.
	Cluster func(context.Context) (bool, error)
	// Now is the server's time.
	Now func() time.Time
	// Namespace returns what names the namespace, and no other one; "" if that is not known.
	Namespace func(context.Context) (string, error)
}

// New returns a Store that has read nothing yet.
func New[N any](o Options) *Store[N] {
	return &Store[N]{Options: o, floors: map[access.IdentityID]floor{}}
}

// Store is what stands in the policies: it reads all of them at once, and remembers what this process wrote since. It
// may be used concurrently; other processes are met at check-and-set. N is as in Snapshot.
type Store[N any] struct {
	Options
	// Ahead reads what follows from the policies of a new snapshot, before anybody sees that. It is set before the
	// first use.
	Ahead func(ctx context.Context, snap *Snapshot[N]) error

	// loading is held while one caller reads everything for all.
	loading sync.Mutex

	// mu guards what follows. Whoever needs a snapshot's lock as well takes this one first.
	mu sync.Mutex
	// seen is the last snapshot; nil: the next read asks for everything.
	seen *Snapshot[N]
	// system is the system's id, as it was read or made last; "" if there is none.
	system string
	// floors are what this process wrote, until somebody else changes it.
	floors map[access.IdentityID]floor
}

// floor is the least that is known of a policy, from this process' own writes.
type floor struct {
	// document is what was written; nil: the policy was removed.
	document *Document
	// at is when OpenBao had answered, by this machine's clock.
	at time.Time
}

// behind reports whether what was read is older than what was written; d is nil if nothing was read.
//
// What was removed and is there again is a standby's delay for as long as one may last; later, and on a single server,
// somebody made it anew. Versions do not tell, since a policy that is made anew begins at 1.
func (f floor) behind(d *Document, cluster bool) bool {
	if f.document == nil {
		return cluster && d != nil && access.WallClock().Sub(f.at) < Staleness
	}
	return d == nil || d.Version < f.document.Version
}

// listingShare is for how many times as long as a listing took it serves all reads. So they spend at most that part of
// their time on listings, be they few and the listing quick, or thousands and the listing slow.
const listingShare = 20

// Staleness is for how long the answer of a standby may be old, with a margin: 0.1 s was measured.
const Staleness = 2 * time.Second

// View returns the last snapshot while it is good, otherwise a new one. Its policies may be as old as GoodUntil allows,
// but for what this process wrote: what a decision rests on is fetched.
func (s *Store[N]) View(ctx context.Context) (*Snapshot[N], error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if snap := s.current(time.Time{}); snap != nil {
		return snap, nil
	}
	return s.Load(ctx)
}

// current returns the last snapshot if it is good and was begun no earlier than a moment; otherwise nil.
func (s *Store[N]) current(after time.Time) *Snapshot[N] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || access.WallClock().After(s.seen.GoodUntil) || s.seen.begun.Before(after) {
		return nil
	}
	return s.seen
}

// Load reads everything. Callers that come together share one reading, which began after each of them came: so each
// sees what was there when it asked.
//
// A listing that lacks what this process wrote before is asked for again, up to Staleness; then it is ErrUnavailable,
// and nothing is decided on it.
func (s *Store[N]) Load(ctx context.Context) (*Snapshot[N], error) {
	came := access.WallClock()
	s.loading.Lock()
	defer s.loading.Unlock()
	if snap := s.current(came); snap != nil {
		return snap, nil
	}
	cluster, err := s.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	for {
		snap, err := s.Listing(ctx)
		if err != nil {
			return nil, err
		}
		if old := s.behind(snap, cluster); old != "" { // by what was written before it was asked
			if access.WallClock().Sub(came) < Staleness {
				if err := access.Pause(ctx, 50*time.Millisecond); err != nil {
					return nil, err
				}
				continue
			}
			return nil, fmt.Errorf("%w: OpenBao returns an old %s", access.ErrUnavailable, old)
		}
		if err := s.Ahead(ctx, snap); err != nil {
			return nil, err
		}
		snap.GoodUntil = access.WallClock().Add(max(s.Fresh, listingShare*access.WallClock().Sub(snap.begun)))
		return s.keep(snap), nil
	}
}

// keep makes a snapshot the last one, with what this process wrote while it was being read.
func (s *Store[N]) keep(snap *Snapshot[N]) *Snapshot[N] {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, f := range s.floors {
		if f.at.After(snap.begun) && (f.document == nil || f.behind(snap.Documents[id], false)) {
			snap = snap.with(id, f.document)
		}
	}
	s.seen = snap
	s.system = snap.System
	return snap
}

// Reload returns a snapshot that can be believed to lack an identity. On a single server that is the last one. On a
// cluster it asks for the policy until no standby can be behind, and reads everything anew once it is there. Before
// "not found" is believed, a state would otherwise lose what was just made.
func (s *Store[N]) Reload(ctx context.Context, id access.IdentityID) (*Snapshot[N], error) {
	cluster, err := s.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	snap, err := s.View(ctx)
	if err != nil || !cluster {
		return snap, err
	}
	for deadline := access.WallClock().Add(Staleness); access.WallClock().Before(deadline); {
		if err := access.Pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
		d, err := s.Fetch(ctx, id)
		if err != nil {
			return nil, err
		}
		if d != nil {
			return s.Load(ctx)
		}
	}
	return snap, nil
}

// List reads the policies whose names begin with a folder, however deep; none is no error. The folder has no slash at
// its end, so "partner/acme/prod/etl" also finds "partner/acme/prod/etl2": callers look at the names.
//
// OpenBao answers 200 with the name alone for a policy that it could not read, as past its max_request_duration
// (internal/vault/logical_system.go, handlePoliciesDetailedAclList). Such a one is asked for by itself: taken for none,
// its grants left the state (see TestAPolicyThatTheListingCouldNotReadIsNotGone).
func (s *Store[N]) List(ctx context.Context, folder string) (map[string]Policy, error) {
	var all struct {
		Names    []string          `json:"keys"`
		Policies map[string]Policy `json:"key_info"`
	}
	if err := s.Client.List(ctx, "sys/policies/detailed/acl/"+folder, &all); err != nil {
		return nil, client.Gone(err)
	}
	for _, name := range all.Names {
		if _, read := all.Policies[name]; read || !strings.HasPrefix(name, Prefix) {
			continue
		}
		p, there := s.single(ctx, name)
		if !there {
			continue
		}
		if all.Policies == nil {
			all.Policies = map[string]Policy{}
		}
		all.Policies[name] = p
	}
	return all.Policies, nil
}

// single reads a policy that the listing named and did not read; it may be gone since. One that cannot be read by
// itself either is there all the same. What it marks is held as if it had just been cut.
func (s *Store[N]) single(ctx context.Context, name string) (p Policy, there bool) {
	err := s.Client.Get(ctx, Folder+name, &p)
	if errors.Is(err, access.ErrNotFound) {
		return p, false
	}
	if err != nil {
		p = Policy{Unread: err, Modified: s.Now()}
	}
	return p, true
}

// MayBeStale reports whether what differs may merely be what a standby has not heard of yet: this process has just
// written the identity's policy. It reports no on an error, so a difference is then told.
func (s *Store[N]) MayBeStale(ctx context.Context, id access.IdentityID) bool {
	cluster, err := s.Cluster(ctx)
	if err != nil || !cluster {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, written := s.floors[id]
	return written && access.WallClock().Sub(f.at) < Staleness
}

// WroteAny reports whether this process wrote the policy of one of some identities, and did not remove it since.
func (s *Store[N]) WroteAny(ids []access.IdentityID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(ids, func(id access.IdentityID) bool { return s.floors[id].document != nil })
}

// Listing reads all policies below our prefix into a snapshot of its own, and remembers nothing. Load is for everybody;
// this is for who must see what is there at this moment.
func (s *Store[N]) Listing(ctx context.Context) (*Snapshot[N], error) {
	snap := &Snapshot[N]{
		begun: access.WallClock(), Documents: map[access.IdentityID]*Document{}, Ledger: ledger.Ledger{},
		natives:   map[access.IdentityID]*N{},
		Rehearsed: map[string]time.Time{}, Foreign: map[access.IdentityID]bool{}, Holds: ledger.Holds{},
		Tombstones: ledger.Tombstones{},
	}
	all, err := s.List(ctx, strings.TrimSuffix(Prefix, "/"))
	if err != nil {
		return nil, err
	}
	if snap.System, err = s.systemIn(ctx, all[systemName].Policy); err != nil {
		return nil, err
	}
	for name, p := range all {
		if !strings.HasPrefix(name, Prefix) || snap.beside(name, p) {
			continue
		}
		if id, ok := IDIn(name); ok {
			snap.take(id, p)
		}
	}
	return snap, nil
}

// behind names a policy of which a snapshot has less than this process had written when the listing was asked for; ""
// if there is none.
func (s *Store[N]) behind(snap *Snapshot[N], cluster bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, f := range s.floors {
		if f.at.Before(snap.begun) && f.behind(snap.Documents[id], cluster) {
			return NameOf(id)
		}
	}
	return ""
}

// Fetch reads the policy of one identity; nil if there is none, ErrForeign if it is somebody else's. On a cluster an
// answer that is behind our own writes is asked for again. After Staleness the answer is taken as it is: whoever writes
// on it is told by check-and-set.
func (s *Store[N]) Fetch(ctx context.Context, id access.IdentityID) (*Document, error) {
	cluster, err := s.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	for begun := access.WallClock(); ; {
		var answer Policy
		var d *Document
		err := s.Client.Get(ctx, Folder+NameOf(id), &answer)
		if err == nil {
			d, err = parseDocument(NameOf(id), answer.Policy, answer.Version)
		}
		if err != nil && !errors.Is(err, access.ErrNotFound) {
			return nil, err
		}
		s.mu.Lock()
		f, written := s.floors[id]
		s.mu.Unlock()
		if !written || !f.behind(d, cluster) || access.WallClock().Sub(begun) > Staleness {
			s.learn(d)
			return d, nil
		}
		if err := access.Pause(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// learn puts a newer policy that somebody else wrote into the snapshot, so whoever was refused because of it finds it
// there (see TestWhatAChangeRanIntoIsThereForTheNextRead).
func (s *Store[N]) learn(d *Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || d == nil {
		return
	}
	if known := s.seen.Documents[d.ID]; known == nil || known.Version < d.Version {
		s.seen = s.seen.with(d.ID, d)
	}
}

// Size returns how many identities' policies were seen, of all stacks; 0 if nothing was read yet.
func (s *Store[N]) Size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		return 0
	}
	return len(s.seen.Documents)
}

// Below returns the names of policies under an identity's name that are neither its own nor ours beside it: they give
// rights to whoever gets them, and nobody declared them.
func (s *Store[N]) Below(ctx context.Context, id access.IdentityID) ([]string, error) {
	all, err := s.List(ctx, NameOf(id))
	if err != nil {
		return nil, err
	}
	var names []string
	for name, p := range all {
		if strings.HasPrefix(name, NameOf(id)+"/") && !IsBeside(name, p.Policy) {
			names = append(names, name)
		}
	}
	return names, nil
}
