// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// Observing: what OpenBao holds of an object beside the ledger. A plan reads each identity once, in a snapshot that
// serves all of its objects, and asks nothing for a grant. What was read ahead in bundles (ahead.go) is not read again.

// observer reads: what is declared, what OpenBao holds of it, and what differs. It changes nothing.
type observer struct {
	*server
	store    *policies
	bundler  *bundler
	creds    *credentials
	certs    *certificates
	secrets  *secrets
	fed      *federation
	entities *entities
	adopter  *adopter
	words    *wording
}

// observe adds to a record what OpenBao holds beside the ledger: what was cut by hand, when it was last used, and what
// differs from the declaration. A grant is observed by the policy alone: it is held if its identity's entity is, as far
// as that was read already. An entry whose removal was begun is left as it is.
func (ob *observer) observe(ctx context.Context, snap *snapshot, e *ledger.Entry, r *access.Record) error {
	if e.Removed() {
		return nil
	}
	id := e.Object.Holder()
	marked := snap.Ledger.Held(snap.Holds, e.Object)
	r.Held = marked
	if drift, err := edited(snap, id); err != nil {
		return err
	} else if drift != "" {
		r.Drift = append(r.Drift, drift)
	}
	if e.Ref().Type == access.TypeGrant {
		if n := snap.Known(id); n != nil && n.entity != nil { // asked for the identity already
			r.Held = marked || n.entity.held()
		}
		return nil
	}
	n, err := ob.nativeOf(ctx, snap, id)
	if err != nil {
		return err
	}
	r.Held = marked || n.entity.held()
	drift, err := ob.tampered(ctx, snap, e, n)
	if err != nil {
		return err
	}
	r.Drift = append(r.Drift, drift...)
	switch o := e.Object.(type) {
	case *access.Identity:
		ob.observeIdentity(snap, id, e, n, r)
	case *access.Credential:
		return ob.observeCredential(ctx, snap, o, e, n, r)
	}
	return nil
}

// observeIdentity adds what is told of an identity alone: sessions that a dead process left, a tombstone that cannot be
// read, and its logins from before an adoption.
func (ob *observer) observeIdentity(snap *snapshot, id access.IdentityID, e *ledger.Entry, n *native,
	r *access.Record) {
	if len(snap.Documents[id].Dead) > 0 {
		r.Drift = append(r.Drift, unfinished)
	}
	if snap.Tombstones[id].Damaged {
		r.Drift = append(r.Drift, fmt.Sprintf("Cannot read what is remembered of the identity: somebody changed the "+
			"policy %s. Until that is repaired, no release lifts a hold.",
			store.Prefix+id.String()+store.TombstoneName))
	}
	r.Adopted, _ = ob.adopter.left(snap, id, e, n)
	r.LastUsedAt, r.UseUnknown = ob.lastUsed(snap, id, n)
	r.UseUnknown = r.UseUnknown || len(r.Adopted) > 0 // OpenBao remembers no login by these
}

// observeCredential adds what is told of a credential alone: what is wrong around it, its last login, and whether what
// was issued is gone. What is gone reads as not issued, so that the plan says that the repair issues another one.
func (ob *observer) observeCredential(ctx context.Context, snap *snapshot, c *access.Credential, e *ledger.Entry,
	n *native, r *access.Record) error {
	drift, err := ob.around(ctx, snap, c, e, n)
	if err != nil {
		return err
	}
	r.Drift = append(r.Drift, drift...)
	r.LastUsedAt, r.UseUnknown = ob.lastLogin(c, n), c.Kind() == access.Certificate
	if newest, found := e.Newest(); found && !r.Held && ob.secrets.isMissing(c, newest, n) {
		r.Issued = nil // so that the plan says what the repair issues
	}
	return nil
}

// tampered says what OpenBao holds of an object beside its policy that is not as it was left, and is after its next
// change.
func (ob *observer) tampered(ctx context.Context, snap *snapshot, e *ledger.Entry, n *native) (drift []string,
	err error) {
	switch o := e.Object.(type) {
	case *access.Identity:
		_, adopted := ob.adopter.left(snap, o.ID, e, n)
		return append(ob.entityDrift(snap, o, e, n.entity), adopted...), nil
	case *access.Credential:
		return ob.credentialDrift(ctx, snap, o, e, n)
	}
	return nil, nil
}

// nativeOf returns what OpenBao holds of an identity beside its policy. It is read at most once for a snapshot, unless
// two ask at the same moment. The identity has a document in the snapshot.
func (ob *observer) nativeOf(ctx context.Context, snap *snapshot, id access.IdentityID) (*native, error) {
	if n := snap.Known(id); n != nil {
		return n, nil
	}
	n := &native{roles: map[string]map[string]any{}, secrets: map[string]secretID{}}
	var err error
	if n.entity, err = ob.entities.readEntity(ctx, id); err != nil {
		return nil, err
	}
	_, identity := snap.Documents[id].Entries.Identity(id)
	if err := ob.readRoles(ctx, adoptedPaths(identity), n); err != nil {
		return nil, err
	}
	for _, e := range snap.Documents[id].Below() {
		c, ok := e.Credential()
		if !ok || e.Removed() {
			continue
		}
		if err := ob.readRoles(ctx, ob.creds.rolePaths(c), n); err != nil {
			return nil, err
		}
		if c.Kind() != access.Secret {
			continue
		}
		if err := ob.secrets.readSecrets(ctx, c, e.Issued, n); err != nil {
			return nil, err
		}
	}
	snap.Note(id, n)
	return n, nil
}

// readRoles notes the role at each path; nil if there is none.
func (ob *observer) readRoles(ctx context.Context, paths []string, n *native) error {
	for _, path := range paths {
		var role map[string]any
		if err := ifThere(ob.client.Get(ctx, path, &role)); err != nil {
			return err
		}
		n.roles[path] = role
	}
	return nil
}

// readSecrets reads the secret ids of a credential, until all that was issued are there: a standby may not have heard
// yet of one. It asks again only on a cluster, and as long as a standby may lag behind. It also reads by which id the
// partner names its role; a login that may not read that misses only one sort of drift.
func (s *secrets) readSecrets(ctx context.Context, c *access.Credential, issued []ledger.Item, n *native) error {
	at, err := s.lookOnce(ctx)
	if err != nil {
		return err
	}
	var named map[string]any
	if err := ifThere(permitted(s.client.Get(ctx, s.roleID(c.IdentityID), &named))); err != nil {
		return err
	}
	n.roles[s.roleID(c.IdentityID)] = named
	for begun := access.WallClock(); ; {
		if err := s.readListed(ctx, c, n); err != nil {
			return err
		}
		misses := slices.ContainsFunc(issued, func(i ledger.Item) bool { return s.isMissing(c, i, n) })
		if !misses || !at.cluster || access.WallClock().Sub(begun) > store.Staleness {
			return nil
		}
		if err := access.Pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// readListed reads those secret ids that OpenBao lists now, each by its accessor.
func (s *secrets) readListed(ctx context.Context, c *access.Credential, n *native) error {
	all, err := s.accessors(ctx, c.IdentityID)
	if err != nil && !errors.Is(err, access.ErrUnsupported) {
		return err
	}
	for _, accessor := range all {
		one, err := s.readSecretID(ctx, c.IdentityID, accessor)
		if err != nil {
			return err
		}
		n.add(one)
	}
	return nil
}

// isMissing reports whether a secret id that was issued, and should work, is not there.
func (s *secrets) isMissing(c *access.Credential, i ledger.Item, n *native) bool {
	if c.Kind() != access.Secret || !i.Until.After(s.now()) {
		return false
	}
	_, there := n.secrets[i.Accessor]
	return !there
}

// add takes in a secret id. One that has ended since it was listed answers with nothing, and is left out.
func (n *native) add(one secretID) {
	if one.Accessor != "" {
		n.secrets[one.Accessor] = one
	}
}

// secretDrift says how the secret ids of a role differ from what is on record. It names them by their accessors, which
// log nobody in.
func (s *secrets) secretDrift(c *access.Credential, e *ledger.Entry, n *native) (drift []string) {
	ours := map[string]bool{}
	if told, ok := n.roles[s.roleID(c.IdentityID)]["role_id"]; ok && told != store.NameOf(c.IdentityID) {
		drift = append(drift, fmt.Sprintf("%s is %q instead of %q, which the partner was told: nobody can log in with "+
			"it until the next apply.",
			s.roleID(c.IdentityID), told, store.NameOf(c.IdentityID)))
	}
	for _, i := range e.Issued {
		ours[i.Accessor] = true
		switch missing := s.isMissing(c, i, n); {
		case missing && i.Superseded:
			drift = append(drift, "The older secret id, which should work beside the new one, is missing.")
		case missing:
			drift = append(drift, "The issued secret id is missing: nobody can log in with it. The next apply issues "+
				"another one.")
		}
	}
	for _, accessor := range slices.Sorted(maps.Keys(n.secrets)) {
		if !ours[accessor] {
			drift = append(drift, fmt.Sprintf("There is a secret id that is not on record, made by hand or by a "+
				"process that died: its accessor is %s. The next apply ends it.", accessor))
		}
	}
	return drift
}
