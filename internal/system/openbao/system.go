// SPDX-License-Identifier: MPL-2.0

// Package openbao is the access system on an OpenBao cluster. OpenBao enforces every end: the paths of a policy expire
// at their second, a CEL role refuses a token of the partner's issuer after the end, a certificate and a secret id end
// by themselves. Nothing of it needs this provider.
//
// The truth about an identity is the head of its ACL policy (see package store); entity, aliases and roles follow from
// it, and are made anew by whoever changes the identity next, where a process died in between.
package openbao

import (
	"context"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// System is an access system on one namespace of OpenBao. It may be used concurrently, also by several processes.
//
// It is the sum of its parts, one type for each task, and what access.System and its further interfaces ask for is
// embedded. Each part knows those that stand before it here, and none that stand after it.
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
	*sessions
	*scout
	*remover
	*changer
	*tokens
	*rehearsals
	*floors
	*surveyor
	*notes
}

// What access asks of a system, and what it may be asked beside that.
var (
	_ access.System         = (*System)(nil)
	_ access.Adopter        = (*System)(nil)
	_ access.Examiner       = (*System)(nil)
	_ access.Floored        = (*System)(nil)
	_ access.Furnished      = (*System)(nil)
	_ access.Minter         = (*System)(nil)
	_ access.Noter          = (*System)(nil)
	_ access.Rehearser      = (*System)(nil)
	_ access.Scout          = (*System)(nil)
	_ access.SessionCounter = (*System)(nil)
	_ access.Surveyor       = (*System)(nil)
	_ access.TokenIssuer    = (*System)(nil)
	_ access.Warden         = (*System)(nil)
)

// Open returns the System behind a client. It makes no request yet, so it fails for nothing that the server would say.
func Open(o Options) *System {
	if o.Session <= 0 {
		o.Session = 10 * time.Minute
	}
	defaults := defaultMounts()
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

// assemble puts the parts together, each on those that it stands on. Two of them need what is made after them, and are
// given it here: mounting asks where a credential logs in, and the store reads ahead by the observer.
func assemble(at *server) *System {
	s := &System{server: at, notes: &notes{}, turns: &turns{changes: map[access.IdentityID]*sync.Mutex{}}}
	s.store = store.New[native](store.Options{
		Client:    at.client,
		Fresh:     at.options.Fresh,
		Cluster:   at.cluster,
		Now:       at.now,
		Namespace: at.namespace,
	})
	s.bundler = &bundler{server: at, store: s.store}
	s.mounts = &mounting{server: at, store: s.store}
	s.certs = &certificates{server: at, store: s.store, mounts: s.mounts, signers: map[string]string{}}
	s.secrets = &secrets{server: at, mounts: s.mounts}
	s.fed = &federation{server: at, mounts: s.mounts, trusts: map[string]trust{}}
	s.credentials = &credentials{
		server:  at,
		mounts:  s.mounts,
		store:   s.store,
		certs:   s.certs,
		secrets: s.secrets,
		fed:     s.fed,
	}
	s.mounts.mountedAt = s.mountOf
	s.entities = &entities{server: at, store: s.store, creds: s.credentials}
	s.words = &wording{server: at, creds: s.credentials}
	s.adopter = &adopter{
		server: at, store: s.store, creds: s.credentials, entities: s.entities,
		approles: map[string]map[string]string{}, claims: map[string]access.IdentityID{},
	}
	s.observer = &observer{
		server: at, store: s.store, bundler: s.bundler, creds: s.credentials, certs: s.certs, secrets: s.secrets,
		fed:      s.fed,
		entities: s.entities, adopter: s.adopter, words: s.words,
	}
	s.store.Ahead = func(ctx context.Context, snap *snapshot) error { return s.bundle(ctx, snap, at.options.Stack) }
	sweeper := &sweeper{
		server:   at,
		store:    s.store,
		creds:    s.credentials,
		certs:    s.certs,
		entities: s.entities,
		adopter:  s.adopter,
		notes:    s.notes,
	}
	writer := &writer{
		server:   at,
		store:    s.store,
		creds:    s.credentials,
		certs:    s.certs,
		entities: s.entities,
		adopter:  s.adopter,
	}
	s.sessions = &sessions{server: at, ended: map[access.IdentityID]bool{}}
	s.scout = &scout{server: at, store: s.store, sessions: s.sessions}
	s.remover = &remover{
		server: at, store: s.store, creds: s.credentials, entities: s.entities, adopter: s.adopter, certs: s.certs,
		observer: s.observer, sweeper: sweeper, writer: writer, turns: s.turns,
		leases: &leases{entities: s.entities, scout: s.scout, sessions: s.sessions}, notes: s.notes,
	}
	s.changer = &changer{
		server: at, store: s.store, bundler: s.bundler, creds: s.credentials, certs: s.certs, secrets: s.secrets,
		fed:      s.fed,
		entities: s.entities, adopter: s.adopter, observer: s.observer, sweeper: sweeper, writer: writer,
		turns: s.turns, notes: s.notes,
	}
	s.tokens = &tokens{server: at, store: s.store, entities: s.entities, observer: s.observer, turns: s.turns}
	s.rehearsals = &rehearsals{server: at, store: s.store, words: s.words, tokens: s.tokens}
	s.floors = &floors{server: at, store: s.store}
	s.surveyor = &surveyor{
		server: at, store: s.store, creds: s.credentials, certs: s.certs, entities: s.entities, adopter: s.adopter,
		observer: s.observer,
	}
	return s
}
