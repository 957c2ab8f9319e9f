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

// beside takes what stands beside the identities' policies into a snapshot, and reports whether that
// is what the policy is.
func (s *Snapshot[N]) beside(name string, p Policy) bool {
	switch name {
	case systemName:
		return true // Listing has read it
	case floorNoteName:
		s.Floor = parseFloorNote(p.Policy)
		return true
	}
	if at := parseMemory(p.Policy); !at.IsZero() {
		if partner, ok := memoryOf(name); ok {
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
	if err != nil { // no release lifts anything then, and nobody else is harmed
		stone = ledger.Tombstone{Damaged: true}
	}
	s.Tombstones[id] = stone
	return true
}

// Snapshot is everything at one moment, read by one listing; and what was asked about single identities since.
type Snapshot[N any] struct {
	Documents  map[access.IdentityID]*Document
	Ledger     ledger.Ledger
	Foreign    map[access.IdentityID]bool // where a policy of somebody else stands
	Rehearsed  map[string]time.Time       // by partner
	System     string                     // the id of the system; "" where it has none yet, or it was lost
	Floor      FloorNote
	Holds      ledger.Holds // what was cut by hand, by the marks
	Tombstones ledger.Tombstones
	begun      time.Time
	GoodUntil  time.Time

	mu      sync.Mutex
	natives map[access.IdentityID]*N // read ahead in bundles, or since, one by one
}

// SnapshotOf returns a snapshot of some policies alone, with the marks that concern them.
func SnapshotOf[N any](documents map[access.IdentityID]*Document, l ledger.Ledger, holds ledger.Holds) *Snapshot[N] {
	return &Snapshot[N]{Documents: documents, Ledger: l, Holds: holds, natives: map[access.IdentityID]*N{}}
}

// Refs returns what there is, in order.
func (s *Snapshot[N]) Refs() []access.Ref {
	return order.Sorted(maps.Keys(s.Ledger), ledger.CompareRefs)
}

// Known returns what was asked about an identity already.
func (s *Snapshot[N]) Known(id access.IdentityID) *N {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.natives[id]
}

// Note keeps what was found out about an identity.
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

// with returns the snapshot with one policy as it was just written, or without it. What was read about its identity
// is not known any more.
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

// copied returns a copy that may be changed, but for what is rehearsed, held and remembered. The lock is held.
func (s *Snapshot[N]) copied() *Snapshot[N] {
	return &Snapshot[N]{
		Documents: maps.Clone(s.Documents), Ledger: maps.Clone(s.Ledger), Foreign: s.Foreign, Rehearsed: s.Rehearsed,
		System: s.System, Floor: s.Floor, Holds: s.Holds, Tombstones: s.Tombstones,
		begun: s.begun, GoodUntil: s.GoodUntil, natives: maps.Clone(s.natives),
	}
}

// Policy is one as OpenBao returns it.
type Policy struct {
	Policy   string    `json:"policy"`
	Version  int       `json:"version"`
	Modified time.Time `json:"modified"`
}
