// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"errors"
	"maps"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// amend changes what is known of the marks and tombstones.
func (s *Store[N]) amend(change func(*Snapshot[N])) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		return
	}
	s.seen.mu.Lock()
	next := s.seen.copied()
	s.seen.mu.Unlock()
	next.Holds, next.Tombstones = maps.Clone(next.Holds), maps.Clone(next.Tombstones)
	change(next)
	s.seen = next
}

// Write puts a policy in place of a version of it, 0 where there must be none. Somebody else's change in between is
// errChanged. An answer that was lost is no harm: what is there is compared.
func (s *Store[N]) Write(ctx context.Context, id access.IdentityID, text string, version int) (*Document, error) {
	cas := version
	if version == 0 {
		cas = -1
	}
	err := s.Client.Put(ctx, Folder+NameOf(id), map[string]any{"policy": text, "cas": cas}, nil)
	var refused *client.Error
	if errors.As(err, &refused) && refused.Conflict() {
		s.lose(id)
		d, err := s.Fetch(ctx, id)
		if err == nil && d != nil && d.Text == text {
			s.wrote(id, d)
			return d, nil // it was ours: the answer had been lost
		}
		return nil, errors.Join(ErrChanged, err)
	}
	if err != nil {
		return nil, err
	}
	d, err := parseDocument(NameOf(id), text, version+1)
	if err == nil {
		s.wrote(id, d)
	}
	return d, err
}

// wrote remembers what was written, nil for what was removed.
func (s *Store[N]) wrote(id access.IdentityID, d *Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.floors[id] = floor{document: d, at: access.WallClock()}
	if s.seen != nil {
		s.seen = s.seen.with(id, d)
	}
}

// lose gives up what is known of a policy, and lets the next read ask for all.
func (s *Store[N]) lose(id access.IdentityID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.floors, id)
	s.seen = nil
}

// Outdate lets what follows from policies be asked again.
func (s *Store[N]) Outdate(of map[access.IdentityID]*Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range of {
		if s.seen != nil {
			s.seen = s.seen.with(id, s.seen.Documents[id])
		}
	}
}

// Erase removes the policy of an identity.
func (s *Store[N]) Erase(ctx context.Context, id access.IdentityID) error {
	if err := s.Client.Delete(ctx, Folder+NameOf(id)); err != nil {
		return err
	}
	s.wrote(id, nil)
	return nil
}

// OutdateOne lets an identity be asked about again, in what was read last.
func (s *Store[N]) OutdateOne(id access.IdentityID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen != nil {
		s.seen.Forget(id)
	}
}
