// SPDX-License-Identifier: MPL-2.0

package store

import (
	"maps"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// A snapshot is not changed once others can see it, but for what was found out about single identities, which has a
// lock of its own. A write or a reading gives the Store another snapshot (with, copied, Store.amend), so whoever has
// the older one goes on with a consistent state.

// beside takes a policy that is not an identity's own into a snapshot, and reports whether it was one. It goes by the
// name: whatever somebody wrote into a mark, what it marks stays cut.
//
// A tombstone that cannot be read becomes a damaged one. Then no release lifts anything of this identity, and nobody
// else is harmed.
func (s *Snapshot[N]) beside(name string, p Policy) bool {
	switch name {
	case systemName:
		return true // Listing has read it
	case floorNoteName:
		s.Floor = parseFloorNote(p.Policy)
		return true
	}
	if partner, ok := memoryOf(name); ok {
		if at := parseMemory(p.Policy); !at.IsZero() {
			s.Rehearsed[partner] = at
		}
		return true
	}
	if scope, ok := ScopeOf(name); ok {
		s.Holds[scope] = p.Modified.UTC()
		return true
	}
	id, ok := stoneOf(name)
	if !ok {
		return false
	}
	stone, err := parseStone(name, p.Policy)
	if err != nil {
		stone = ledger.Tombstone{Damaged: true}
	}
	s.Tombstones[id] = stone
	return true
}

// take takes the policy of an identity into a snapshot: its own, a damaged one if that cannot be read, or a note that
// somebody else has the name.
func (s *Snapshot[N]) take(id access.IdentityID, p Policy) {
	if p.Unread != nil {
		s.Documents[id] = &Document{
			ID:     id,
			Damage: &access.DamagedError{Record: "the policy " + NameOf(id), Problem: p.Unread},
		}
		return
	}
	d, err := parseDocument(NameOf(id), p.Policy, p.Version)
	if err != nil {
		s.Foreign[id] = true
		return
	}
	s.Documents[id] = d
	maps.Copy(s.Ledger, d.Entries)
}

// Snapshot is everything at one moment, read by one listing; and what was asked about single identities since. N is
// what a system holds of an identity beside its policy, which this package only keeps.
type Snapshot[N any] struct {
	// Documents are the policies of this provider. A damaged one is among them.
	Documents map[access.IdentityID]*Document
	// Ledger has the entries of all of them.
	Ledger ledger.Ledger
	// Foreign are the identities under whose name a policy of somebody else stands.
	Foreign map[access.IdentityID]bool
	// Rehearsed is when each partner was rehearsed last, by its name.
	Rehearsed map[string]time.Time
	// System is the system's id; "" if it has none yet, or lost it.
	System string
	Floor  FloorNote
	// Holds are the marks: what was cut by hand, and when.
	Holds      ledger.Holds
	Tombstones ledger.Tombstones
	// begun is when the listing was asked for, by this machine's clock: what was written after that may be missing.
	begun time.Time
	// GoodUntil is how long it may answer further reads; see listingShare.
	GoodUntil time.Time

	mu sync.Mutex
	// natives are what was found out about identities, read ahead in bundles or one by one. mu guards it. What is the
	// same for all of them has the zero id.
	natives map[access.IdentityID]*N
}

// SnapshotOf returns a snapshot of some policies alone, with the marks that concern them. It is for comparing what a
// change has just read; the Store never hands it out.
func SnapshotOf[N any](documents map[access.IdentityID]*Document, l ledger.Ledger, holds ledger.Holds) *Snapshot[N] {
	return &Snapshot[N]{Documents: documents, Ledger: l, Holds: holds, natives: map[access.IdentityID]*N{}}
}

// Refs returns the references of all objects, sorted by type and id.
func (s *Snapshot[N]) Refs() []access.Ref {
	return order.Sorted(maps.Keys(s.Ledger), ledger.CompareRefs)
}

// Known returns what was asked about an identity already; nil if nothing was.
func (s *Snapshot[N]) Known(id access.IdentityID) *N {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.natives[id]
}

// Note keeps what was found out about an identity, for all who hold this snapshot.
func (s *Snapshot[N]) Note(id access.IdentityID, n *N) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.natives[id] = n
}

// Forget lets an identity be asked about again.
func (s *Snapshot[N]) Forget(id access.IdentityID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.natives, id)
}

// with returns a copy in which a policy is as it was just written; nil: in which it is gone. It forgets what was read
// about the identity, since that follows from the policy.
func (s *Snapshot[N]) with(id access.IdentityID, d *Document) *Snapshot[N] {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.copied()
	if old := next.Documents[id]; old != nil {
		for ref := range old.Entries {
			delete(next.Ledger, ref)
		}
	}
	delete(next.natives, id)
	delete(next.Documents, id)
	if d != nil {
		next.Documents[id] = d
		maps.Copy(next.Ledger, d.Entries)
	}
	return next
}

// copied returns a copy whose documents, ledger and natives may be changed; it shares all other maps, which Store.amend
// copies where it changes them. The lock is held.
func (s *Snapshot[N]) copied() *Snapshot[N] {
	return &Snapshot[N]{
		Documents: maps.Clone(s.Documents), Ledger: maps.Clone(s.Ledger), Foreign: s.Foreign, Rehearsed: s.Rehearsed,
		System: s.System, Floor: s.Floor, Holds: s.Holds, Tombstones: s.Tombstones,
		begun: s.begun, GoodUntil: s.GoodUntil, natives: maps.Clone(s.natives),
	}
}

// Policy is an ACL policy as OpenBao returns it (sys/policies/acl/NAME).
type Policy struct {
	Policy  string `json:"policy"`
	Version int    `json:"version"`
	// Modified is when it was last written, by the server's clock.
	Modified time.Time `json:"modified"`
	// Unread is why a policy that is there could not be read; nil for all others.
	Unread error `json:"-"`
}
