// Package openbao is the access system on an OpenBao cluster. OpenBao enforces every end: the paths of a policy expire at
// their second, a CEL role refuses a token of the partner's issuer after the end, a certificate and a secret id end by
// themselves. Nothing of it needs this provider.
//
// The truth about an identity is the head of its ACL policy (see document.go); entity, aliases and roles follow from it, and
// are made anew by whoever changes the identity next, where a process died in between.
package openbao

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// Mounts are where the engines and auth methods are mounted, without auth/ before the latter.
type Mounts struct {
	AppRole, Cert, PKI string
	// JWT is the auth method of each OIDC issuer. Issuers that it does not name have one of their own, see jwtMount.
	JWT map[string]string
}

// DefaultMounts are the mounts where a configuration names no others.
func DefaultMounts() Mounts {
	return Mounts{AppRole: "partner-approle", Cert: "partner-cert", PKI: "partner-pki"}
}

// Options are what a System may be told. Client is needed.
type Options struct {
	Client *client.Client
	Mounts Mounts
	// Bootstrap lets it make the mounts that it misses, with what belongs into them.
	Bootstrap bool
	// Session is how long a login lasts. Default: 10 minutes.
	Session time.Duration
	// Stack is whose identities are read ahead in bundles. Empty: nobody's.
	Stack string
	// PartnerAddress is where partners find OpenBao. Default: where the client does.
	PartnerAddress string
	// Fresh is for how long at least one reading serves: a plan of thousands takes a minute, in which it asks for everything
	// three times. What this process changes is read again at once. Default: as long as is said at listingShare.
	Fresh time.Duration
}

// System is an access system on one namespace of OpenBao. It may be used concurrently, also by several processes.
type System struct {
	options Options
	client  *client.Client

	probing sync.Mutex // held while the server is looked at, or a mount is made
	found   *site

	trusting sync.Mutex        // held while the configuration of an issuer's auth method is read
	trusts   map[string]trust  // by mount
	signers  map[string]string // certificates of authorities, by their serials

	loading sync.Mutex // held while one caller reads everything for all

	bundling sync.Mutex // held while the workflow is looked at, or installed
	bundler  bundler
	offered  bool // it was tried to install it

	surveyed sync.Mutex                   // guards what follows
	approles map[string]map[string]string // AppRoles by their ids, by mount
	claims   map[string]access.IdentityID // which entity is adopted as what
	own      *string                      // the entity of this provider's login
	factors  []enforcement                // who is asked for a second factor; nil: not read yet

	mu      sync.Mutex // guards what follows
	seen    *snapshot
	system  string            // its id, as it was read last
	issuers map[string]string // the auth methods of issuers that the configuration does not name, as learnIssuers found them
	floors  map[access.IdentityID]floor
	changes map[access.IdentityID]*sync.Mutex
}

var _ access.System = (*System)(nil)

// Open returns the System behind a client. It makes no request yet.
func Open(o Options) *System {
	if o.Session <= 0 {
		o.Session = 10 * time.Minute
	}
	defaults := DefaultMounts()
	for _, m := range []struct {
		mount    *string
		fallback string
	}{{&o.Mounts.AppRole, defaults.AppRole}, {&o.Mounts.Cert, defaults.Cert}, {&o.Mounts.PKI, defaults.PKI}} {
		if *m.mount == "" {
			*m.mount = m.fallback
		}
	}
	return &System{
		options: o, client: o.Client, floors: map[access.IdentityID]floor{}, changes: map[access.IdentityID]*sync.Mutex{},
		approles: map[string]map[string]string{}, claims: map[string]access.IdentityID{},
		trusts: map[string]trust{}, signers: map[string]string{},
	}
}

// Enter looks at the server for the first time, with a short patience: what is wrong with the way there, or with the login, is
// known before anything is asked for.
func (s *System) Enter(ctx context.Context) error {
	return s.client.Enter(ctx, func(ctx context.Context) error {
		_, err := s.site(ctx)
		return err
	})
}

// Address is where OpenBao is asked.
func (s *System) Address() string { return s.client.Address() }

// Now is the server's time: that of this machine, moved by how far the server's clock is from it where that is more than
// a second.
func (s *System) Now(ctx context.Context) (time.Time, error) {
	if _, known := s.client.Skew(); !known {
		if _, err := s.site(ctx); err != nil {
			return time.Time{}, fmt.Errorf("what time is it: %w", err)
		}
	}
	return s.now(), nil
}

func (s *System) now() time.Time {
	skew, _ := s.client.Skew()
	return access.WallClock().Add(skew)
}

// Skew is how far the server's clock is ahead of this machine's; known after the first request.
func (s *System) Skew() (time.Duration, bool) { return s.client.Skew() }

// Get returns what OpenBao holds under a reference, with what differs from the declaration.
func (s *System) Get(ctx context.Context, ref access.Ref) (*access.Record, error) {
	r, err := s.get(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ref, err)
	}
	return r, nil
}

func (s *System) get(ctx context.Context, ref access.Ref) (*access.Record, error) {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	snap, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	e := snap.ledger[ref]
	if e == nil {
		if snap, err = s.reload(ctx, holder); err != nil { // a standby may not have heard of it yet
			return nil, err
		}
		if e = snap.ledger[ref]; e == nil {
			return nil, s.lostRecord(ctx, snap, ref)
		}
	}
	for {
		r, err := s.record(snap.ledger, e)
		if err == nil {
			err = s.observe(ctx, snap, e, r)
		}
		if err != nil || len(r.Drift) == 0 || !s.mayBeStale(holder) {
			return r, err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
		snap.mu.Lock()
		delete(snap.natives, holder)
		snap.mu.Unlock()
	}
}

// mayBeStale says whether what differs may merely be what a standby has not heard of yet: this process has just changed it.
func (s *System) mayBeStale(id access.IdentityID) bool {
	s.probing.Lock()
	cluster := s.found != nil && s.found.cluster
	s.probing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	f, written := s.floors[id]
	return cluster && written && access.WallClock().Sub(f.at) < staleness
}

// Formers returns what was removed within a year.
func (s *System) Formers(ctx context.Context) ([]access.Former, error) {
	snap, err := s.view(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was removed: %w", err)
	}
	return ledger.Formers(snap.ledger, snap.stones, s.now()), nil
}

// List returns everything that is held, of every stack, sorted by type and id. What differs from the declaration, and
// what was cut by hand, is in it where the server bundles requests (see bundle.go).
func (s *System) List(ctx context.Context) ([]*access.Record, error) {
	records, err := s.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	return records, nil
}

func (s *System) list(ctx context.Context) ([]*access.Record, error) {
	look := s.load
	if s.options.Fresh > 0 {
		look = s.view
	}
	snap, err := look(ctx)
	if err != nil {
		return nil, err
	}
	var records []*access.Record
	for _, ref := range snap.refs() {
		r, err := s.record(snap.ledger, snap.ledger[ref])
		if err == nil {
			r.Held = snap.ledger.Held(snap.holds, r.Object)
		}
		if err == nil && snap.known(snap.ledger[ref].Object.Holder()) != nil {
			err = s.observe(ctx, snap, snap.ledger[ref], r)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ref, err)
		}
		records = append(records, r)
	}
	return records, nil
}

// record is what callers are told of an entry, in this system's words.
func (s *System) record(l ledger.Ledger, e *ledger.Entry) (*access.Record, error) {
	r, err := l.Record(e)
	if err == nil {
		r.Words, r.Revocation = s.words(r.Object), s.cutByHand(r.Object)
		s.mu.Lock()
		r.System = s.system
		s.mu.Unlock()
	}
	return r, err
}

// alone lets one change of an identity be made at a time in this process. Other processes are met at check-and-set.
func (s *System) alone(id access.IdentityID) (release func()) {
	s.mu.Lock()
	one := s.changes[id]
	if one == nil {
		one = new(sync.Mutex)
		s.changes[id] = one
	}
	s.mu.Unlock()
	one.Lock()
	return one.Unlock
}

// finishing is how long a change that was begun may take, whatever becomes of its caller.
const finishing = 2 * time.Minute

// begin refuses what was cancelled before, and lets what begins now come to its end.
func begin(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if ctx.Err() != nil {
		return nil, nil, fmt.Errorf("%w before it was begun. Nothing was changed", context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishing)
	return ctx, cancel, nil
}

// errChanged: somebody else changed a policy that a change was made on. It is made again on what is there now.
var errChanged = errors.New("it was changed by somebody else at the same time")

// rounds is how often a change is tried that others come in the way of.
const rounds = 30

// again tries a change until nobody comes in its way.
func again(ctx context.Context, change func() error) error {
	for round := range rounds {
		err := change()
		if !errors.Is(err, errChanged) || round == rounds-1 {
			return err
		}
		if err := pause(ctx, time.Duration(round+1)*5*time.Millisecond+rand.N(10*time.Millisecond)); err != nil { //nolint:gosec // spreads those who wait
			return err
		}
	}
	return errChanged
}

// pause waits, unless the context ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", access.ErrUnavailable, ctx.Err())
	}
}
