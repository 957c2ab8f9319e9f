// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"maps"
	"sync"
)

// cache is the ledger as it was read last, and who changes it meanwhile. A plan of thousands of objects reads the
// ledger once, and the generation and the holds for each object.
type cache struct {
	*directory

	mu      sync.Mutex  // guards what follows
	leading bool        // the leader holds the lock: nobody else changes the ledger
	cached  *book       // good while the generation on disk is its own; never changed, only replaced
	latest  *generation // of the ledger when it was read or changed here last; nil before that
	others  uint64      // how often it was found changed by somebody else since
}

// current returns the cached ledger where it is still good, else nil. While the leader has the lock it is good without
// a look: nobody else can change it.
func (ca *cache) current() (*book, error) {
	ca.mu.Lock()
	l, leading := ca.cached, ca.leading
	ca.mu.Unlock()
	if l == nil || leading {
		return l, nil
	}
	g, err := ca.paths.readGeneration()
	if err != nil || g != l.raw || ca.byHand() {
		return nil, err
	}
	if h, err := ca.paths.readHolds(); err != nil || !maps.Equal(h, l.holds) {
		return nil, err
	}
	return l, nil
}

// last returns the ledger that was read last, whether it is still good or not; nil where none was.
func (ca *cache) last() *book {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	return ca.cached
}

// pin remembers the ledger as the one that cannot change, until the lock is released.
func (ca *cache) pin(l *book) {
	ca.mu.Lock()
	ca.cached, ca.leading = l, true
	ca.notice(l)
	ca.mu.Unlock()
}

// unpin says that others may change the ledger again.
func (ca *cache) unpin() {
	ca.mu.Lock()
	ca.leading = false
	ca.mu.Unlock()
}

// change remembers a ledger that was changed here. That is nobody else's change.
func (ca *cache) change(l *book) {
	ca.mu.Lock()
	ca.latest = &l.raw
	ca.cached = l
	ca.mu.Unlock()
}

// changed returns how often somebody else was found to have changed the ledger.
func (ca *cache) changed() uint64 {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	return ca.others
}

// keep remembers a ledger for the calls to come.
func (ca *cache) keep(l *book) {
	ca.mu.Lock()
	ca.cached = l
	ca.notice(l)
	ca.mu.Unlock()
}

// notice counts where somebody else has changed the ledger since it was read or changed here last. The caller holds mu.
func (ca *cache) notice(l *book) {
	if l == nil {
		return
	}
	if ca.latest != nil && *ca.latest != l.raw {
		ca.others++
	}
	ca.latest = &l.raw
}
