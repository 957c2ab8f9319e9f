package openbao

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// snapshot is everything at one moment, read by one listing; and what was asked about single identities since.
type snapshot struct {
	documents map[access.IdentityID]*document
	ledger    ledger.Ledger
	foreign   map[access.IdentityID]bool // where a policy of somebody else stands
	rehearsed map[string]time.Time       // by partner
	system    string                     // the id of the system; "" where it has none yet, or it was lost
	holds     ledger.Holds               // what was cut by hand, by the marks
	stones    ledger.Tombstones
	begun     time.Time
	goodUntil time.Time

	mu      sync.Mutex
	natives map[access.IdentityID]*native // read ahead in bundles, or since, one by one
}

func (s *snapshot) refs() []access.Ref {
	return slices.SortedFunc(maps.Keys(s.ledger), ledger.CompareRefs)
}

// store is what stands in the policies: it reads all of them at once, and remembers what this process wrote since.
type store struct {
	*server
	// ahead reads what follows from the policies of a stack together with them.
	ahead func(ctx context.Context, snap *snapshot, stack string) error

	loading sync.Mutex // held while one caller reads everything for all

	mu     sync.Mutex // guards what follows
	seen   *snapshot
	system string // its id, as it was read last
	floors map[access.IdentityID]floor
}

// floor is the least that is known of a policy, from this process' own writes: a standby may answer with less.
type floor struct {
	document *document // nil: it was removed
	at       time.Time
}

// behind says whether what was read is older than what was written. What was removed a moment ago and is there is so on a
// cluster: later it was made anew.
func (f floor) behind(d *document, cluster bool) bool {
	if f.document == nil {
		return cluster && d != nil && access.WallClock().Sub(f.at) < staleness
	}
	return d == nil || d.version < f.document.version
}

// with is the snapshot with one policy as it was just written, or without it. What was read about its identity is not
// known any more.
func (s *snapshot) with(id access.IdentityID, d *document) *snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.copied()
	if old := next.documents[id]; old != nil {
		for ref := range old.entries {
			delete(next.ledger, ref)
		}
	}
	delete(next.natives, id)
	delete(next.documents, id)
	if d != nil {
		next.documents[id] = d
		maps.Copy(next.ledger, d.entries)
	}
	return next
}

// copied is a copy that may be changed, but for what is rehearsed, held and remembered. The lock is held.
func (s *snapshot) copied() *snapshot {
	return &snapshot{
		documents: maps.Clone(s.documents), ledger: maps.Clone(s.ledger), foreign: s.foreign, rehearsed: s.rehearsed, system: s.system, holds: s.holds, stones: s.stones,
		begun: s.begun, goodUntil: s.goodUntil, natives: maps.Clone(s.natives),
	}
}

// A listing serves all reads for so many times as long as it took: reads then spend at most that part of their time on
// listings, be they few and the listing quick, or thousands and the listing slow.
const listingShare = 20

// staleness is for how long the answer of a standby may be old, with a margin; measured are 0.1 s.
const staleness = 2 * time.Second

// view is the last snapshot, while it is good, else a new one.
func (s *store) view(ctx context.Context) (*snapshot, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if snap := s.current(time.Time{}); snap != nil {
		return snap, nil
	}
	return s.load(ctx)
}

// current is the snapshot where it is good, and was begun after a moment.
func (s *store) current(after time.Time) *snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || access.WallClock().After(s.seen.goodUntil) || s.seen.begun.Before(after) {
		return nil
	}
	return s.seen
}

// load reads everything. Callers that come together share one reading that began after they came.
func (s *store) load(ctx context.Context) (*snapshot, error) {
	came := access.WallClock()
	s.loading.Lock()
	defer s.loading.Unlock()
	if snap := s.current(came); snap != nil {
		return snap, nil
	}
	at, err := s.site(ctx)
	if err != nil {
		return nil, err
	}
	for {
		snap, err := s.listing(ctx)
		if err != nil {
			return nil, err
		}
		if old := s.behind(snap, at.cluster); old != "" { // by what was written before it was asked
			if access.WallClock().Sub(came) < staleness {
				if err := pause(ctx, 50*time.Millisecond); err != nil {
					return nil, err
				}
				continue
			}
			return nil, fmt.Errorf("%w: OpenBao answers with an old %s", access.ErrUnavailable, old)
		}
		if err := s.ahead(ctx, snap, s.options.Stack); err != nil {
			return nil, err
		}
		snap.goodUntil = access.WallClock().Add(max(s.options.Fresh, listingShare*access.WallClock().Sub(snap.begun)))
		return s.keep(snap), nil
	}
}

// keep remembers a snapshot, with what this process wrote while it was read.
func (s *store) keep(snap *snapshot) *snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, f := range s.floors {
		if f.at.After(snap.begun) && (f.document == nil || f.behind(snap.documents[id], false)) {
			snap = snap.with(id, f.document)
		}
	}
	s.seen = snap
	s.system = snap.system
	return snap
}

// reload is a snapshot that can be believed to have no more of an identity: on a cluster, one that is younger than the
// staleness of its standbys. Elsewhere it is the one that there is.
func (s *store) reload(ctx context.Context, id access.IdentityID) (*snapshot, error) {
	at, err := s.site(ctx)
	if err != nil {
		return nil, err
	}
	snap, err := s.view(ctx)
	if err != nil || !at.cluster {
		return snap, err
	}
	for deadline := access.WallClock().Add(staleness); access.WallClock().Before(deadline); {
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
		d, err := s.fetch(ctx, id)
		if err != nil {
			return nil, err
		}
		if d != nil {
			return s.load(ctx)
		}
	}
	return snap, nil
}

type policyAnswer struct {
	Policy   string    `json:"policy"`
	Version  int       `json:"version"`
	Modified time.Time `json:"modified"`
}

// listing reads all policies below our prefix.
func (s *store) listing(ctx context.Context) (*snapshot, error) {
	var answer struct {
		Policies map[string]policyAnswer `json:"key_info"`
	}
	snap := &snapshot{
		begun: access.WallClock(), documents: map[access.IdentityID]*document{}, ledger: ledger.Ledger{}, natives: map[access.IdentityID]*native{},
		rehearsed: map[string]time.Time{}, foreign: map[access.IdentityID]bool{}, holds: ledger.Holds{}, stones: ledger.Tombstones{},
	}
	err := s.client.List(ctx, "sys/policies/detailed/acl/"+strings.TrimSuffix(prefix, "/"), &answer)
	if err != nil && !errors.Is(err, access.ErrNotFound) {
		return nil, err
	}
	for name, p := range answer.Policies {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if name == systemName {
			snap.system = parseSystem(p.Policy)
			continue
		}
		if at := parseMemory(p.Policy); !at.IsZero() {
			if partner, is := memoryOf(name); is {
				snap.rehearsed[partner] = at
			}
			continue
		}
		if snap.beside(name, p) {
			continue
		}
		d, err := parseDocument(name, p.Policy, p.Version)
		if errors.Is(err, access.ErrForeign) {
			if id, named := idIn(name); named {
				snap.foreign[id] = true
			}
			continue // it is not ours
		}
		if err != nil {
			return nil, err
		}
		snap.documents[d.id] = d
		maps.Copy(snap.ledger, d.entries)
	}
	return snap, nil
}

// behind names a policy of which a snapshot has less than this process wrote.
func (s *store) behind(snap *snapshot, cluster bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, f := range s.floors {
		if f.at.Before(snap.begun) && f.behind(snap.documents[id], cluster) {
			return nameOf(id)
		}
	}
	return ""
}

// fetch reads the policy of one identity; nil where there is none.
func (s *store) fetch(ctx context.Context, id access.IdentityID) (*document, error) {
	at, err := s.site(ctx)
	if err != nil {
		return nil, err
	}
	cluster := at.cluster
	for begun := access.WallClock(); ; {
		var answer policyAnswer
		var d *document
		err := s.client.Get(ctx, "sys/policies/acl/"+nameOf(id), &answer)
		if err == nil {
			d, err = parseDocument(nameOf(id), answer.Policy, answer.Version)
		}
		if err != nil && !errors.Is(err, access.ErrNotFound) {
			return nil, err
		}
		s.mu.Lock()
		f, written := s.floors[id]
		s.mu.Unlock()
		if !written || !f.behind(d, cluster) || access.WallClock().Sub(begun) > staleness {
			s.learn(d)
			return d, nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// learn puts a policy that somebody else has written into the snapshot: who was refused because of it finds it there.
func (s *store) learn(d *document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || d == nil {
		return
	}
	if known := s.seen.documents[d.id]; known == nil || known.version < d.version {
		s.seen = s.seen.with(d.id, d)
	}
}

// write puts a policy in place of a version of it, 0 where there must be none. Somebody else's change in between is
// errChanged. An answer that was lost is no harm: what is there is compared.
func (s *store) write(ctx context.Context, id access.IdentityID, text string, version int) (*document, error) {
	cas := version
	if version == 0 {
		cas = -1
	}
	err := s.client.Put(ctx, "sys/policies/acl/"+nameOf(id), map[string]any{"policy": text, "cas": cas}, nil)
	var refused *client.Error
	if errors.As(err, &refused) && refused.Conflict() {
		s.lose(id)
		d, err := s.fetch(ctx, id)
		if err == nil && d != nil && d.text == text {
			s.wrote(id, d)
			return d, nil // it was ours: the answer had been lost
		}
		return nil, errors.Join(errChanged, err)
	}
	if err != nil {
		return nil, err
	}
	d, err := parseDocument(nameOf(id), text, version+1)
	if err == nil {
		s.wrote(id, d)
	}
	return d, err
}

// wrote remembers what was written, nil for what was removed.
func (s *store) wrote(id access.IdentityID, d *document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.floors[id] = floor{document: d, at: access.WallClock()}
	if s.seen != nil {
		s.seen = s.seen.with(id, d)
	}
}

// lose gives up what is known of a policy, and lets the next read ask for all.
func (s *store) lose(id access.IdentityID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.floors, id)
	s.seen = nil
}

// reread lets what follows from the policies of a family be asked again.
func (s *store) reread(f *family) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range f.documents {
		if s.seen != nil {
			s.seen = s.seen.with(id, s.seen.documents[id])
		}
	}
}

// erase removes the policy of an identity.
func (s *store) erase(ctx context.Context, id access.IdentityID) error {
	if err := s.client.Delete(ctx, "sys/policies/acl/"+nameOf(id)); err != nil {
		return err
	}
	s.wrote(id, nil)
	return nil
}
