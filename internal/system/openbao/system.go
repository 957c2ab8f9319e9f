// Package openbao is the access system on an OpenBao cluster. OpenBao enforces every end: the paths of a policy expire at
// their second, a CEL role refuses a token of the partner's issuer after the end, a certificate and a secret id end by
// themselves. Nothing of it needs this provider.
//
// The truth about an identity is the head of its ACL policy (see document.go); entity, aliases and roles follow from it, and
// are made anew by whoever changes the identity next, where a process died in between.
package openbao

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
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
//
// It is the sum of its parts. Each part knows those that stand before it here, and none that stand after it.
type System struct {
	*server // where OpenBao is, and what is mounted there

	// What stands in policies, and what follows from it.
	store    *policies
	bundler  *bundler
	mounts   *mounting
	certs    *certificates
	secrets  *secrets
	fed      *federation
	entities *entities
	words    *wording
	turns    *turns

	// What access.System and its further interfaces ask for.
	*credentials
	*adopter
	*observer
	*remover
	*changer
	*tokens
	*rehearsals
	*surveyor
	*scout
	*sessions
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
	return assemble(&server{options: o, client: o.Client})
}

// assemble puts the parts together, each on those that it stands on.
func assemble(at *server) *System {
	s := &System{server: at, turns: &turns{changes: map[access.IdentityID]*sync.Mutex{}}}
	s.store = store.New[native](store.Options{Client: at.client, Fresh: at.options.Fresh, Cluster: at.cluster, Now: at.now})
	s.bundler = &bundler{server: at, store: s.store}
	s.mounts = &mounting{server: at, store: s.store}
	s.certs = &certificates{server: at, store: s.store, mounts: s.mounts, signers: map[string]string{}}
	s.secrets = &secrets{server: at, mounts: s.mounts}
	s.fed = &federation{server: at, mounts: s.mounts, trusts: map[string]trust{}}
	s.credentials = &credentials{server: at, mounts: s.mounts, store: s.store, certs: s.certs, secrets: s.secrets, fed: s.fed}
	s.mounts.mountedAt = s.mountOf
	s.entities = &entities{server: at, store: s.store, creds: s.credentials}
	s.words = &wording{server: at, creds: s.credentials}
	s.adopter = &adopter{
		server: at, store: s.store, creds: s.credentials, entities: s.entities,
		approles: map[string]map[string]string{}, claims: map[string]access.IdentityID{},
	}
	s.observer = &observer{
		server: at, store: s.store, bundler: s.bundler, creds: s.credentials, certs: s.certs, secrets: s.secrets, fed: s.fed,
		entities: s.entities, adopter: s.adopter, words: s.words,
	}
	s.store.Ahead = func(ctx context.Context, snap *snapshot) error { return s.bundle(ctx, snap, at.options.Stack) }
	sweeper := &sweeper{server: at, store: s.store, creds: s.credentials, certs: s.certs, entities: s.entities, adopter: s.adopter}
	writer := &writer{server: at, store: s.store, creds: s.credentials, certs: s.certs, entities: s.entities, adopter: s.adopter}
	s.remover = &remover{
		server: at, store: s.store, creds: s.credentials, entities: s.entities, adopter: s.adopter, certs: s.certs,
		observer: s.observer, sweeper: sweeper, writer: writer, turns: s.turns,
	}
	s.changer = &changer{
		server: at, store: s.store, bundler: s.bundler, creds: s.credentials, certs: s.certs, secrets: s.secrets, fed: s.fed,
		entities: s.entities, adopter: s.adopter, observer: s.observer, sweeper: sweeper, writer: writer, turns: s.turns,
	}
	s.tokens = &tokens{server: at, store: s.store, entities: s.entities, observer: s.observer, turns: s.turns}
	s.rehearsals = &rehearsals{server: at, store: s.store, words: s.words, tokens: s.tokens}
	s.surveyor = &surveyor{
		server: at, store: s.store, creds: s.credentials, certs: s.certs, entities: s.entities, adopter: s.adopter, observer: s.observer,
	}
	s.scout = &scout{server: at, store: s.store}
	s.sessions = &sessions{server: at}
	return s
}

// Enter looks at the server for the first time, with a short patience: what is wrong with the way there, or with the login, is
// known before anything is asked for.
func (s *server) Enter(ctx context.Context) error {
	return s.client.Enter(ctx, func(ctx context.Context) error {
		_, err := s.site(ctx)
		return err
	})
}

// Address is where OpenBao is asked.
func (s *server) Address() string { return s.client.Address() }

// Now is the server's time: that of this machine, moved by how far the server's clock is from it where that is more than
// a second.
func (s *server) Now(ctx context.Context) (time.Time, error) {
	if _, known := s.client.Skew(); !known {
		if _, err := s.site(ctx); err != nil {
			return time.Time{}, fmt.Errorf("what time is it: %w", err)
		}
	}
	return s.now(), nil
}

func (s *server) now() time.Time {
	skew, _ := s.client.Skew()
	return access.WallClock().Add(skew)
}

// Skew is how far the server's clock is ahead of this machine's; known after the first request.
func (s *server) Skew() (time.Duration, bool) { return s.client.Skew() }

// Get returns what OpenBao holds under a reference, with what differs from the declaration.
func (ob *observer) Get(ctx context.Context, ref access.Ref) (*access.Record, error) {
	r, err := ob.get(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ref, err)
	}
	return r, nil
}

func (ob *observer) get(ctx context.Context, ref access.Ref) (*access.Record, error) {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	snap, err := ob.store.View(ctx)
	if err != nil {
		return nil, err
	}
	e := snap.Ledger[ref]
	if e == nil {
		if snap, err = ob.store.Reload(ctx, holder); err != nil { // a standby may not have heard of it yet
			return nil, err
		}
		if e = snap.Ledger[ref]; e == nil {
			return nil, ob.lostRecord(ctx, snap, ref)
		}
	}
	for {
		r, err := ob.record(snap.Ledger, e)
		if err == nil {
			err = ob.observe(ctx, snap, e, r)
		}
		if err != nil || len(r.Drift) == 0 || !ob.store.MayBeStale(ctx, holder) {
			return r, err
		}
		if err := store.Pause(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
		snap.Forget(holder)
	}
}

// Formers returns what was removed within a year.
func (ob *observer) Formers(ctx context.Context) ([]access.Former, error) {
	snap, err := ob.store.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was removed: %w", err)
	}
	return ledger.Formers(snap.Ledger, snap.Tombstones, ob.now()), nil
}

// List returns everything that is held, of every stack, sorted by type and id. What differs from the declaration, and
// what was cut by hand, is in it where the server bundles requests (see bundle.go).
func (ob *observer) List(ctx context.Context) ([]*access.Record, error) {
	records, err := ob.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	return records, nil
}

func (ob *observer) list(ctx context.Context) ([]*access.Record, error) {
	look := ob.store.Load
	if ob.options.Fresh > 0 {
		look = ob.store.View
	}
	snap, err := look(ctx)
	if err != nil {
		return nil, err
	}
	var records []*access.Record
	for _, ref := range snap.Refs() {
		r, err := ob.record(snap.Ledger, snap.Ledger[ref])
		if err == nil {
			r.Held = snap.Ledger.Held(snap.Holds, r.Object)
		}
		if err == nil && snap.Known(snap.Ledger[ref].Object.Holder()) != nil {
			err = ob.observe(ctx, snap, snap.Ledger[ref], r)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ref, err)
		}
		records = append(records, r)
	}
	return records, nil
}

// record is what callers are told of an entry, in this system's words.
func (ob *observer) record(l ledger.Ledger, e *ledger.Entry) (*access.Record, error) {
	r, err := l.Record(e)
	if err == nil {
		r.Words, r.Revocation = ob.words.words(r.Object), ob.words.cutByHand(r.Object)
		r.System = ob.store.ID()
	}
	return r, err
}

// turns lets one change of an identity be made at a time.
type turns struct {
	turning sync.Mutex
	changes map[access.IdentityID]*sync.Mutex
}

// alone lets one change of an identity be made at a time in this process. Other processes are met at check-and-set.
func (t *turns) alone(id access.IdentityID) (release func()) {
	t.turning.Lock()
	one := t.changes[id]
	if one == nil {
		one = new(sync.Mutex)
		t.changes[id] = one
	}
	t.turning.Unlock()
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
