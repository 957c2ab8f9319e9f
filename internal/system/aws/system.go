// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// System is an access system in one account of AWS. It may be used concurrently, also by several processes.
//
// It is the sum of its parts. Each part knows those that stand before it here, and none that stand after it. Those that
// access asks for are embedded; the others are fields, so that nobody reaches them from outside.
type System struct {
	// at is what IAM is asked and told; store is the ledger.
	at    *account
	store *pages

	// What IAM has, and what it has to have.
	reader   *reader
	issuers  *issuers
	compiler *compiler
	wording  *wording
	finder   *finder
	reporter *reporter

	// Who changes it.
	turns    *turns
	lookout  *lookout
	cutter   *cutter
	aligner  *aligner
	judge    *judge
	keymaker *keymaker

	// What access.System and its further interfaces ask for.
	*store.Floors[*native]
	*observer
	*surveyor
	*adopter
	*changer
	*remover
	*rehearsals
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
	return assemble(&account{
		Client: client.New(o.site()), options: settings{
			Ledger:   o.Ledger,
			Boundary: o.Boundary,
			Words:    o.Words,
			Fresh:    o.Fresh,
			judged:   o.judged,
		},
	}, name, prefix), nil
}

// assemble puts the parts together, each on those that it stands on. Nothing is replaced afterwards.
func assemble(at *account, bucket, prefix string) *System {
	s := &System{at: at, store: store.New[*native](store.Options{
		Client: at.Client, Bucket: bucket, Prefix: prefix, Address: at.options.Ledger, Fresh: at.options.Fresh,
		Account: at.accountNumber,
	}), turns: &turns{changes: map[access.IdentityID]*sync.Mutex{}}}
	s.reader = &reader{at: at, store: s.store}
	s.issuers = &issuers{
		at: at, store: s.store, reader: s.reader, arns: map[string]string{}, seen: map[string]seenIssuer{},
		missing: map[string]time.Time{},
	}
	s.compiler = &compiler{at: at, store: s.store, issuers: s.issuers}
	s.wording = &wording{at: at, store: s.store, compiler: s.compiler}
	s.finder = &finder{at: at, store: s.store, reader: s.reader}
	s.reporter = &reporter{at: at}
	s.lookout = &lookout{at: at, store: s.store, reader: s.reader, compiler: s.compiler, issuers: s.issuers}
	s.cutter = &cutter{at: at, store: s.store, reader: s.reader}
	s.aligner = &aligner{
		at: at, store: s.store, reader: s.reader, compiler: s.compiler, issuers: s.issuers, lookout: s.lookout,
		cutter: s.cutter,
	}
	s.judge = &judge{at: at, store: s.store, reader: s.reader, aligner: s.aligner, cutter: s.cutter}
	s.keymaker = &keymaker{at: at, store: s.store, lookout: s.lookout, aligner: s.aligner, cutter: s.cutter}
	s.Floors = store.NewFloors(s.store)
	s.observer = &observer{
		at: at, store: s.store, reader: s.reader, compiler: s.compiler, wording: s.wording, issuers: s.issuers,
		finder:   s.finder,
		reporter: s.reporter, uses: map[string]use{},
	}
	s.surveyor = &surveyor{at: at, store: s.store, reader: s.reader, observer: s.observer, wording: s.wording}
	s.adopter = &adopter{
		at:      at,
		store:   s.store,
		reader:  s.reader,
		wording: s.wording,
		asked:   map[access.IdentityID]bool{},
	}
	s.changer = &changer{
		at: at, store: s.store, turns: s.turns, issuers: s.issuers, compiler: s.compiler, wording: s.wording,
		lookout: s.lookout,
		adopter: s.adopter, judge: s.judge, keymaker: s.keymaker, aligner: s.aligner,
	}
	s.remover = &remover{
		at: at, store: s.store, turns: s.turns, reader: s.reader, issuers: s.issuers, finder: s.finder,
		lookout:  s.lookout,
		keymaker: s.keymaker, cutter: s.cutter, aligner: s.aligner,
	}
	s.rehearsals = &rehearsals{at: at, store: s.store}
	return s
}

// Enter finds out whose account it is.
func (s *System) Enter(ctx context.Context) error { return s.at.Enter(ctx) }

// Now returns the time at AWS, by the Date header of S3's last answer.
func (s *System) Now(ctx context.Context) (time.Time, error) { return s.store.Now(ctx) }
