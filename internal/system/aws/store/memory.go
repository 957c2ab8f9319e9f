// SPDX-License-Identifier: MPL-2.0

package store

import (
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// memory is what was asked of principals after a reading of the ledger. It goes with that reading, and what it has of a
// principal goes with each change of its page.
type memory[N any] struct {
	mu sync.Mutex
	// natives are the principals as they were read, by their handles.
	natives map[string]N
	// whole: the whole account was asked for at once, or that was tried.
	whole bool
	// unlisted: it cannot be asked for at once, since the login may not, or the cloud has no such action. Each
	// principal is asked for then.
	unlisted bool
	// all is what the whole account has, declared or not; nil if it was not asked for, or unlisted.
	all []N
}

// Native returns what was asked of a principal; the zero N if nothing was.
func (h *Shelf[N]) Native(p Principal) N {
	h.memory.mu.Lock()
	defer h.memory.mu.Unlock()
	return h.memory.natives[p.Handle()]
}

// SetNative keeps what was asked of a principal, for as long as the shelf serves.
func (h *Shelf[N]) SetNative(p Principal, n N) {
	h.memory.mu.Lock()
	defer h.memory.mu.Unlock()
	h.memory.natives[p.Handle()] = n
}

// SetAll keeps what the whole account has, and what of it is ours, by the principals' handles. What was asked of one by
// itself is newer, and stays.
func (h *Shelf[N]) SetAll(all []N, ours map[string]N, unlisted bool) {
	m := &h.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	for at, n := range ours {
		if _, known := m.natives[at]; !known {
			m.natives[at] = n
		}
	}
	m.whole, m.unlisted, m.all = true, unlisted, all
}

// Whole reports whether the whole account was asked for at once, or tried to be.
func (h *Shelf[N]) Whole() bool {
	h.memory.mu.Lock()
	defer h.memory.mu.Unlock()
	return h.memory.whole
}

// Unlisted reports whether the whole account could not be asked for at once.
func (h *Shelf[N]) Unlisted() bool {
	h.memory.mu.Lock()
	defer h.memory.mu.Unlock()
	return h.memory.unlisted
}

// All returns what the whole account has; nil if it was not asked for, or could not be.
func (h *Shelf[N]) All() []N {
	h.memory.mu.Lock()
	defer h.memory.mu.Unlock()
	return h.memory.all
}

// alone is what was asked of one principal by itself, and when, by this machine's clock.
type alone[N any] struct {
	native N
	asked  time.Time
}

// Recall returns a principal as it was asked for by itself, for as long as one reading serves; the zero N if it was
// not. So a new reading of the ledger does not ask for all of them again.
func (s *Store[N]) Recall(p Principal) (n N) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.alone[p.Handle()]
	if !ok || access.WallClock().Sub(known.asked) >= s.fresh {
		return n
	}
	return known.native
}

// Note notes what was asked of a principal, and returns it.
func (s *Store[N]) Note(p Principal, n N) N {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alone[p.Handle()] = alone[N]{n, access.WallClock()}
	return n
}

// Forget lets a principal be asked for again: something of it was just written.
func (s *Store[N]) Forget(p Principal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.alone, p.Handle())
	if s.seen != nil {
		s.seen.memory.mu.Lock()
		delete(s.seen.memory.natives, p.Handle())
		s.seen.memory.mu.Unlock()
	}
}
