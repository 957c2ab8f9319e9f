// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"errors"
	"maps"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// Writing. A policy is written over the version that was read, and the answer may be lost on its way: then the same
// write comes again, finds a later version and is refused. What is there is compared, and if it is this text, it was
// ours.

// amend changes what is known of the marks and tombstones, in a copy of the last snapshot.
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

// Write writes an identity's policy over a version of it, 0 if there must be none, and returns it as it stands now. Its
// error is ErrChanged if somebody else changed the policy in between: the caller decides again on what is there.
//
// With this the change is made: a snapshot shows it from here on, and no older answer takes it back.
func (s *Store[N]) Write(ctx context.Context, id access.IdentityID, text string, version int) (*Document, error) {
	err := s.put(ctx, NameOf(id), text, version)
	if lost(err) {
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

// put writes a policy over a version of it; 0: only if there is none.
func (s *Store[N]) put(ctx context.Context, name, text string, version int) error {
	if version == 0 {
		version = -1 // OpenBao's word for: there is none yet
	}
	return s.Client.Put(ctx, Folder+name, map[string]any{"policy": text, "cas": version}, nil)
}

// lost reports whether a write lost its check-and-set: another version is there than the one that it was to replace.
func lost(err error) bool {
	var refused *client.Error
	return errors.As(err, &refused) && refused.Conflict()
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

// lose gives up what is known of a policy that somebody else changed, and lets the next read ask for everything. The
// floor goes as well: its version may be of a policy that was removed and made anew.
func (s *Store[N]) lose(id access.IdentityID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.floors, id)
	s.seen = nil
}

// Outdate lets what follows from some policies be asked for again. A change does so when it is done, whatever became of
// it: what it wrote beside the policies is not known to the snapshot.
func (s *Store[N]) Outdate(of map[access.IdentityID]*Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range of {
		if s.seen != nil {
			s.seen = s.seen.with(id, s.seen.Documents[id])
		}
	}
}

// Erase removes the policy of an identity, whatever its version. One that is not there is no error.
func (s *Store[N]) Erase(ctx context.Context, id access.IdentityID) error {
	if err := s.Client.Delete(ctx, Folder+NameOf(id)); err != nil {
		return err
	}
	s.wrote(id, nil)
	return nil
}

// OutdateOne lets one identity be asked about again, in the last snapshot itself: the zero id for what is the same for
// all.
func (s *Store[N]) OutdateOne(id access.IdentityID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen != nil {
		s.seen.Forget(id)
	}
}
