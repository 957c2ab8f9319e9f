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
	// strangers are the policies below our prefix that are not ours.
	strangers []string
	begun     time.Time
	goodUntil time.Time

	bundled bool // entities and roles were read ahead, in bundles
	mu      sync.Mutex
	natives map[access.IdentityID]*native
}

func (s *snapshot) refs() []access.Ref {
	return slices.SortedFunc(maps.Keys(s.ledger), ledger.CompareRefs)
}

// floor is the least that is known of a policy, from this process' own writes: a standby may answer with less.
type floor struct {
	version int
	gone    bool
}

// A listing serves all reads for so many times as long as it took: reads then spend at most that part of their time on
// listings, be they few and the listing quick, or thousands and the listing slow.
const listingShare = 20

// staleness is for how long the answer of a standby may be old, with a margin; measured are 0.1 s.
const staleness = 2 * time.Second

// view is the last snapshot, while it is good, else a new one.
func (s *System) view(ctx context.Context) (*snapshot, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if snap := s.current(time.Time{}); snap != nil {
		return snap, nil
	}
	return s.load(ctx)
}

// current is the snapshot where it is good, and was begun after a moment.
func (s *System) current(after time.Time) *snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || access.WallClock().After(s.seen.goodUntil) || s.seen.begun.Before(after) {
		return nil
	}
	return s.seen
}

// load reads everything. Callers that come together share one reading that began after they came.
func (s *System) load(ctx context.Context) (*snapshot, error) {
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
		if old := s.behind(snap); old != "" {
			if access.WallClock().Sub(came) < staleness {
				if err := pause(ctx, 50*time.Millisecond); err != nil {
					return nil, err
				}
				continue
			}
			return nil, fmt.Errorf("%w: OpenBao answers with an old %s", access.ErrUnavailable, old)
		}
		if err := s.bundle(ctx, at, snap); err != nil {
			return nil, err
		}
		snap.goodUntil = access.WallClock().Add(listingShare * access.WallClock().Sub(snap.begun))
		s.mu.Lock()
		s.seen = snap
		s.mu.Unlock()
		return snap, nil
	}
}

// reload is a snapshot that can be believed to have no more of an identity: on a cluster, one that is younger than the
// staleness of its standbys. Elsewhere it is the one that there is.
func (s *System) reload(ctx context.Context, id access.IdentityID) (*snapshot, error) {
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
	Policy  string `json:"policy"`
	Version int    `json:"version"`
}

// listing reads all policies below our prefix.
func (s *System) listing(ctx context.Context) (*snapshot, error) {
	var answer struct {
		Policies map[string]policyAnswer `json:"key_info"`
	}
	snap := &snapshot{
		begun: access.WallClock(), documents: map[access.IdentityID]*document{}, ledger: ledger.Ledger{}, natives: map[access.IdentityID]*native{},
	}
	err := s.client.List(ctx, "sys/policies/detailed/acl/"+strings.TrimSuffix(prefix, "/"), &answer)
	if err != nil && !errors.Is(err, access.ErrNotFound) {
		return nil, err
	}
	for name, p := range answer.Policies {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		d, err := parseDocument(name, p.Policy, p.Version)
		if errors.Is(err, access.ErrForeign) {
			snap.strangers = append(snap.strangers, name)
			continue
		}
		if err != nil {
			return nil, err
		}
		snap.documents[d.id] = d
		maps.Copy(snap.ledger, d.entries)
	}
	slices.Sort(snap.strangers)
	return snap, nil
}

// behind names a policy of which a snapshot has less than this process wrote.
func (s *System) behind(snap *snapshot) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, f := range s.floors {
		if d := snap.documents[id]; !f.gone && (d == nil || d.version < f.version) {
			if d == nil && f.version == 0 {
				continue
			}
			return nameOf(id)
		}
	}
	return ""
}

// fetch reads the policy of one identity; nil where there is none.
func (s *System) fetch(ctx context.Context, id access.IdentityID) (*document, error) {
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
		f := s.floors[id]
		s.mu.Unlock()
		if f.gone || d != nil && d.version >= f.version || d == nil && f.version == 0 || access.WallClock().Sub(begun) > staleness {
			return d, nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// write puts a policy in place of a version of it, 0 where there must be none. Somebody else's change in between is
// errChanged. An answer that was lost is no harm: what is there is compared.
func (s *System) write(ctx context.Context, id access.IdentityID, text string, version int) (*document, error) {
	cas := version
	if version == 0 {
		cas = -1
	}
	err := s.client.Put(ctx, "sys/policies/acl/"+nameOf(id), map[string]any{"policy": text, "cas": cas}, nil)
	var refused *client.Error
	if errors.As(err, &refused) && refused.Conflict() {
		s.raise(id, 0)
		d, err := s.fetch(ctx, id)
		if err == nil && d != nil && d.text == text {
			s.raise(id, d.version)
			return d, nil // it was ours: the answer had been lost
		}
		return nil, errors.Join(errChanged, err)
	}
	if err != nil {
		return nil, err
	}
	s.raise(id, version+1)
	return parseDocument(nameOf(id), text, version+1)
}

// raise remembers what was written, and lets the next read ask again.
func (s *System) raise(id access.IdentityID, version int) {
	s.mu.Lock()
	s.floors[id] = floor{version: version}
	s.seen = nil
	s.mu.Unlock()
}

// erase removes the policy of an identity.
func (s *System) erase(ctx context.Context, id access.IdentityID) error {
	if err := s.client.Delete(ctx, "sys/policies/acl/"+nameOf(id)); err != nil {
		return err
	}
	s.mu.Lock()
	s.floors[id] = floor{gone: true}
	s.seen = nil
	s.mu.Unlock()
	return nil
}
