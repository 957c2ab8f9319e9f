// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// A lease does not say as whom it was asked for, but it goes with the token that asked, and a token says whose it is.
// So if privileged access is removed, the partner's tokens are revoked, and with them what was leased to them and to
// nobody else: credentials of a database or a cloud, certificates of a role that leases them (see
// TestWhatWasLeasedToAPartnerGoesWithItsPrivilegedGrant). To revoke by the path of a grant would end others' leases,
// too.
//
// It needs a right that no shipped policy has, see Sessions. Without it, tokens and leases end when the session would
// have, which nothing prolongs once the entity is gone.

// leases ends what was leased to a partner.
type leases struct {
	entities *entities
	scout    *scout
	sessions *sessions
}

// endLeased revokes the tokens of those who lose privileged access, and notes whose it has revoked. What fails stops no
// removal: the tokens give nothing any more.
func (le *leases) endLeased(ctx context.Context, l ledger.Ledger, victims []*ledger.Entry) {
	reach, err := le.scout.Reaching(ctx, time.Time{})
	if err != nil {
		return
	}
	var of []access.IdentityID
	for _, v := range victims {
		holder := v.Object.Holder()
		if !slices.Contains(of, holder) && losesPrivileged(l, v, reach) {
			of = append(of, holder)
		}
	}
	for _, id := range of {
		e, err := le.entities.readEntity(ctx, id)
		if err != nil || e == nil || le.sessions.revokeTokens(ctx, e.ID) != nil {
			continue
		}
		le.sessions.ending.Lock()
		le.sessions.ended[id] = true
		le.sessions.ending.Unlock()
	}
}

// losesPrivileged reports whether what goes is a privileged grant, or what such a grant was used with. What nobody
// knows counts as privileged.
func losesPrivileged(l ledger.Ledger, v *ledger.Entry, reach access.Reaching) bool {
	for _, e := range append([]*ledger.Entry{v}, l.Under(v.Object.Holder())...) {
		g, ok := e.Object.(*access.Grant)
		if !ok ||
			g.IdentityID != v.Object.Holder() ||
			(v.Ref().Type == access.TypeGrant && e.Ref() != v.Ref()) {
			continue
		}
		if r := reach(g.Resource, g.Actions); r.Privileged != "" ||
			r.System != "" ||
			r.Unknown != "" {
			return true
		}
	}
	return false
}

// revokeTokens revokes the tokens of an entity, and with each what was leased to it. One that has ended meanwhile is no
// error.
func (s *sessions) revokeTokens(ctx context.Context, entity string) error {
	accessors, err := s.accessors(ctx)
	if err != nil {
		return err
	}
	owners, err := s.owners(ctx, accessors)
	if err != nil {
		return err
	}
	for n, owner := range owners {
		if owner != entity {
			continue
		}
		err := s.client.Put(ctx, "auth/token/revoke-accessor", map[string]any{"accessor": accessors[n]}, nil)
		if err != nil && !client.Said(err, "invalid accessor") {
			return err
		}
	}
	return nil
}

// hasEnded reports whether this process has revoked the tokens of an identity.
func (s *sessions) hasEnded(id access.IdentityID) bool {
	s.ending.Lock()
	defer s.ending.Unlock()
	return s.ended[id]
}
