// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// System is an access system in one account of AWS. It may be used concurrently, also by several processes.
type System struct {
	*client
	*floors
	store *store

	mu          sync.Mutex
	turns       map[access.IdentityID]*sync.Mutex
	issuers     map[string]string          // the ARN of the trust in an issuer, by its URL
	issuersSeen map[string]seenIssuer      // by its URL
	missing     map[string]time.Time       // when it was looked for last, and not found
	uses        map[string]use             // by the id of the key
	asked       map[access.IdentityID]bool // who was asked for what it would adopt

	reporting   sync.Mutex // held while one caller reads the credential report for all
	report      *credentialReport
	reportAsked time.Time // when it was read last, also where there was none

	details  sync.Mutex // held while one caller lists all principals for all
	judging  sync.Mutex // held while it is tried how a cloud judges
	judges   bool       // the ledger says that it judges as AWS does
	trusting sync.Mutex // held while the trust in an issuer is made or removed
}

// What access asks of a system, and what it may be asked beside that.
var (
	_ access.System     = (*System)(nil)
	_ access.Adopter    = (*System)(nil)
	_ access.Examiner   = (*System)(nil)
	_ access.Floored    = (*System)(nil)
	_ access.HoldLister = (*System)(nil)
	_ access.Rehearser  = (*System)(nil)
	_ access.Rememberer = (*System)(nil)
	_ access.Stager     = (*System)(nil)
	_ access.Surveyor   = (*System)(nil)
	_ access.Warden     = (*System)(nil)
)

// Open returns the System in an account. It makes no request yet, and looks for no login.
func Open(o Options) (*System, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.Patience <= 0 {
		o.Patience = 15 * time.Second
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 16
	}
	name, prefix, err := parseLedger(o.Ledger)
	if err != nil {
		return nil, err
	}
	c := newClient(o)
	st := newStore(c, name, prefix)
	return &System{client: c, floors: newFloors(st), store: st, turns: map[access.IdentityID]*sync.Mutex{}, issuers: map[string]string{}, issuersSeen: map[string]seenIssuer{}, missing: map[string]time.Time{}, asked: map[access.IdentityID]bool{}, uses: map[string]use{}}, nil
}

// turn waits until no other change of an identity is under way in this process. Those of other processes are found by the ETags.
func (s *System) turn(id access.IdentityID) (done func()) {
	s.mu.Lock()
	mine := s.turns[id]
	if mine == nil {
		mine = &sync.Mutex{}
		s.turns[id] = mine
	}
	s.mu.Unlock()
	mine.Lock()
	return mine.Unlock
}
