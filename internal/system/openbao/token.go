// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// A token that is given out for one run is a service token of the identity's entity. All that it may do comes from the
// entity, hence from the identity's policy: its own policy is one that nobody makes. So it is cut when the entity is
// disabled or gone, and each of its paths expires as the policy says. It is a child of this provider's own login, and
// ends with that at the latest.
//
// OpenBao binds a token to an entity by a role that admits an alias on the token mount. Both are made for the one
// request and removed after it: a token goes on without them. What a process that died left is overwritten by the next,
// and swept with the identity.

// tokens gives out tokens for one run.
type tokens struct {
	*server
	store    *policies
	entities *entities
	observer *observer
	turns    *turns
}

// Token gives out a token that ends at a moment, or with its identity if that is earlier. It is ErrCut for an identity
// that is cut, ErrEnded for one that has ended, and ErrNoIdentity for none. Tokens of one identity are given out in
// turn, as they need the same role and alias.
func (ts *tokens) Token(ctx context.Context, id access.IdentityID, until time.Time) (access.Token, error) {
	ctx, cancel, err := begin(ctx)
	if err != nil {
		return access.Token{}, fmt.Errorf("a token of %s: %w", id, err)
	}
	defer cancel()
	defer ts.turns.alone(id)()
	var t access.Token
	err = store.Again(ctx, func() (err error) {
		t, err = ts.giveOut(ctx, id, until)
		return err
	})
	if err != nil {
		return access.Token{}, fmt.Errorf("a token of %s: %w", id, err)
	}
	return t, nil
}

// giveOut makes role and alias, the token, and removes the former again, also if the token was refused. It is
// ErrChanged if another process has removed them in between. A token whose role or alias could not be removed is
// revoked: a role that stays would let somebody else ask by it.
func (ts *tokens) giveOut(ctx context.Context, id access.IdentityID, until time.Time) (t access.Token, err error) {
	holder, until, err := ts.lively(ctx, id, until)
	if err != nil {
		return t, err
	}
	defer func() {
		if unmade := ts.unmake(ctx, id); unmade != nil && err == nil {
			err = errors.Join(unmade, ts.Revoke(ctx, t)) // no token whose traces stay
		}
	}()
	if err := ts.prepareToken(ctx, id, holder.ID); err != nil {
		return t, err
	}
	return ts.create(ctx, id, holder.ID, until)
}

// recordOf returns the record of an identity; ErrNoIdentity if there is none, or its removal was begun.
func (ts *tokens) recordOf(ctx context.Context, id access.IdentityID) (*access.Record, error) {
	r, err := ts.observer.get(ctx, id.Ref())
	if errors.Is(err, access.ErrNotFound) {
		return nil, access.ErrNoIdentity
	}
	if err != nil {
		return nil, err
	}
	snap, err := ts.store.View(ctx)
	if err != nil {
		return nil, err
	}
	if e := snap.Ledger[id.Ref()]; e != nil && e.Removed() {
		return nil, access.ErrNoIdentity
	}
	return r, nil
}

// lively returns the entity of an identity that may have a token, and when that has to end, in UTC and whole seconds.
func (ts *tokens) lively(ctx context.Context, id access.IdentityID, until time.Time) (*entity, time.Time, error) {
	r, err := ts.recordOf(ctx, id)
	if err != nil {
		return nil, until, err
	}
	if until = access.Earliest(until, r.EndsAt).UTC().Truncate(time.Second); until.Sub(ts.now()) < time.Second {
		return nil, until, access.ErrEnded
	}
	there, err := ts.entities.readEntity(ctx, id)
	switch {
	case err != nil:
		return nil, until, err
	case there == nil:
		return nil, until, fmt.Errorf("%w: its entity is missing until the next apply", access.ErrCut)
	case r.Suspended || r.Held || there.Disabled:
		return nil, until, access.ErrCut
	}
	return there, until, nil
}

// prepareToken makes what OpenBao needs to bind a token to an entity: a role that admits the alias, and the alias.
func (ts *tokens) prepareToken(ctx context.Context, id access.IdentityID, entityID string) error {
	var mounts map[string]mounted
	if err := ts.client.Get(ctx, "sys/auth", &mounts); err != nil {
		return err
	}
	role := map[string]any{
		"allowed_entity_aliases": []string{store.NameOf(id)}, "allowed_policies": []string{noPolicy(id)},
		"orphan": false, "renewable": false,
		"token_no_default_policy": true, "token_type": "service",
		"token_explicit_max_ttl": access.LongestToken.String(),
	}
	if err := ts.client.Put(ctx, tokenRole(id), role, nil); err != nil {
		return err
	}
	return ts.entities.settleAlias(ctx, entityID, mounts["token/"].Accessor, store.NameOf(id))
}

// create asks for the token, once. OpenBao makes an entity of its own if the alias is missing (CreateOrFetchEntity in
// internal/vault/token_store.go, resolveEntityAlias): such a token is none of the identity's, could do nothing, and is
// revoked at once.
func (ts *tokens) create(ctx context.Context, id access.IdentityID, entityID string, until time.Time) (access.Token,
	error) {
	life := until.Sub(ts.now()).Truncate(time.Second)
	if life < time.Second {
		return access.Token{}, access.ErrEnded
	}
	var answer struct {
		Auth struct {
			Text     string `json:"client_token"`
			Accessor string `json:"accessor"`
			EntityID string `json:"entity_id"`
			Life     int64  `json:"lease_duration"`
		} `json:"auth"`
	}
	begun := ts.now()
	err := ts.client.PostOnce(ctx, "auth/token/create/"+tokenRoleName(id), map[string]any{
		"entity_alias": store.NameOf(id), "policies": []string{noPolicy(id)}, "ttl": life.String(),
		"explicit_max_ttl": life.String(),
		"renewable":        false, "no_default_policy": true, "type": "service", "display_name": "partner_token",
	}, &answer)
	if client.Said(err, "unknown role") || client.Said(err, "nvalid 'entity_alias'") {
		return access.Token{}, store.ErrChanged
	}
	if err != nil {
		return access.Token{}, err
	}
	t := access.Token{Identity: id, Text: answer.Auth.Text, Accessor: answer.Auth.Accessor}
	t.Until = begun.Add(time.Duration(answer.Auth.Life) * time.Second).UTC().Truncate(time.Second)
	if answer.Auth.EntityID == entityID {
		return t, nil
	}
	return access.Token{}, errors.Join(store.ErrChanged, ts.Revoke(ctx, t), ts.unbind(ctx, id, answer.Auth.EntityID))
}

// unbind deletes an entity that OpenBao itself made for a token. Another process may have moved its alias already.
func (ts *tokens) unbind(ctx context.Context, id access.IdentityID, entityID string) error {
	if entityID == "" {
		return nil
	}
	var stray entity
	if err := ts.client.Get(ctx, entityFolder+entityID, &stray); err != nil {
		return client.Gone(err)
	}
	if !strings.HasPrefix(stray.Name, "entity_") || len(stray.Policies) > 0 {
		return nil // it is the identity's own, made anew meanwhile
	}
	return ts.client.Delete(ctx, entityFolder+entityID)
}

// unmake removes role and alias: a token goes on without them.
func (ts *tokens) unmake(ctx context.Context, id access.IdentityID) error {
	if err := ts.client.Delete(ctx, tokenRole(id)); client.Gone(err) != nil {
		return err
	}
	there, err := ts.entities.readEntity(ctx, id)
	if err != nil || there == nil {
		return err
	}
	for _, a := range there.Aliases {
		if loginOf(a) != tokenLogin(id) {
			continue
		}
		if err := ts.deleteAlias(ctx, a); client.Gone(err) != nil {
			return err
		}
	}
	return nil
}

// Revoke ends a token by its accessor; one that has ended is no error. The zero Token is none.
func (ts *tokens) Revoke(ctx context.Context, t access.Token) error {
	if t.Accessor == "" {
		return nil
	}
	ctx, cancel, err := begin(ctx)
	if err != nil {
		return fmt.Errorf("revoke a token of %s: %w", t.Identity, err)
	}
	defer cancel()
	err = ts.client.Put(ctx, "auth/token/revoke-accessor", map[string]any{"accessor": t.Accessor}, nil)
	if client.Gone(err) != nil && !client.Said(err, "invalid accessor") {
		return fmt.Errorf("revoke a token of %s: %w", t.Identity, err)
	}
	return nil
}
