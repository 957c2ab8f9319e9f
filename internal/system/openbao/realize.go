// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"fmt"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// Following. The policies are written, and decide; entities, aliases and roles are brought in line with them. Each of
// these steps looks at what is there and may be repeated, so a process that dies on the way leaves drift, which a plan
// shows and the next change of the identity puts right. None of them gives more than the policy allows.

// standing is an entity as it was before a change, nil for none, and whether it stays cut by hand.
type standing struct {
	entity *entity
	held   bool
}

// hold returns the entity if it stays cut by hand; otherwise nil.
func (x standing) hold() *entity {
	if x.held {
		return x.entity
	}
	return nil
}

// entitiesOf returns the entities of standings.
func entitiesOf(all map[access.IdentityID]standing) map[access.IdentityID]*entity {
	entities := map[access.IdentityID]*entity{}
	for id, x := range all {
		entities[id] = x.entity
	}
	return entities
}

// standingsOf reads the entities that a change of an identity has to bring in line: its own, and those of all that
// hangs on it. Who is held gets a mark here, before anything is written: the entity may be replaced.
//
// What stands under the name of a new identity is deleted, if it is left of one of ours; see deleteLeft.
func (ch *changer) standingsOf(ctx context.Context, a *proposal) (map[access.IdentityID]standing, error) {
	i, ok := a.change.Object.(*access.Identity)
	if !ok {
		return nil, nil
	}
	all := map[access.IdentityID]standing{}
	for ref, entry := range a.draft.Ledger {
		id := entry.Object.Holder()
		if ref != id.Ref() || (id != i.ID && !hangsOn(a.draft.Ledger, id, i.ID)) {
			continue
		}
		x, err := ch.standingOf(ctx, a, i, id)
		if err != nil {
			return nil, err
		}
		if all[id] = x; x.held { // also where the entity is replaced
			if err := ch.entities.keepHold(ctx, a.draft.Ledger, entry, x.entity); err != nil {
				return nil, err
			}
		}
	}
	if a.family.documents[i.ID] == nil && all[i.ID].entity != nil {
		if err := ch.deleteLeft(ctx, i.ID, all[i.ID].entity); err != nil {
			return nil, err
		}
		a.found.add(i.Ref(), withoutPolicy(i.ID, "the entity "+store.NameOf(i.ID)))
		all[i.ID] = standing{}
	}
	return all, nil
}

// standingOf reads the entity of the identity that is changed, or of one that hangs on it, and decides whether it stays
// held. It is ErrCutSince if a release would lift a cut that its caller has not seen.
func (ch *changer) standingOf(ctx context.Context, a *proposal, changed *access.Identity,
	id access.IdentityID) (standing, error) {
	e, err := ch.entities.readEntity(ctx, id)
	if err != nil {
		return standing{}, err
	}
	released := ""
	if id == changed.ID {
		released = changed.HoldReleased
	}
	_, before := a.family.ledger().Identity(id)
	lifts := id == changed.ID && a.placed.Lifts
	if lifts &&
		e.held() &&
		!a.change.Cuts.Held { // an entity that is disabled does not tell since when
		return standing{}, access.ErrCutSince
	}
	return standing{e, stays(before, released, e) && !lifts}, nil
}

// deleteLeft deletes what stands under the name of a new identity, and was left by one whose policy somebody removed by
// hand. It is ErrForeign if it is not ours, and ErrChanged if the policy is there by now: somebody is creating the
// identity, which begins with the policy.
func (ch *changer) deleteLeft(ctx context.Context, id access.IdentityID, left *entity) error {
	if left.Metadata["managed_by"] != "terraform-provider-partner" {
		return fmt.Errorf("the entity %s already exists: %w", store.NameOf(id), access.ErrForeign)
	}
	now, err := ch.store.Fetch(ctx, id)
	if err != nil {
		return err
	}
	if now != nil {
		return store.ErrChanged
	}
	return ch.sweeper.sweepIdentity(ctx, id)
}

// follow brings in line what follows from the policies: entities, aliases and roles, and what the policies say is to
// end. It changes no policy but by taking out what has ended. It may be repeated: whoever changes the identity next
// comes to the same end, if a process died on the way.
//
// What gives comes first and what is lost is ended last: a partner that rotates is never without what works.
func (ch *changer) follow(ctx context.Context, a *proposal) error {
	id, l := a.id(), a.draft.Ledger
	lower := []access.IdentityID{id}
	switch o := a.change.Object.(type) {
	case *access.Identity:
		for _, other := range a.family.order() {
			if other != id && hangsOn(l, other, id) {
				lower = append(lower, other)
			}
		}
		if err := ch.followIdentity(ctx, a, lower); err != nil {
			return err
		}
	case *access.Credential:
		if err := ch.followCredential(ctx, a, o); err != nil {
			return err
		}
	case *access.Grant:
		if err := ch.settleEnds(ctx, l, a.before, a.family.holds, lower); err != nil {
			return err
		}
	}
	return ch.writer.bury(ctx, a.family, l, lower)
}

// followIdentity brings in line the entities of an identity and of what hangs on it, and the ends of all their
// credentials. An adoption that was not finished comes with what is lost (writer.bury), in its own order.
func (ch *changer) followIdentity(ctx context.Context, a *proposal, lower []access.IdentityID) error {
	id, l := a.id(), a.draft.Ledger
	for _, x := range lower {
		there := a.standings[x]
		if i, _ := a.draft.Identity(x); i == nil || (x != id && there.entity == nil) {
			continue
		}
		if _, err := ch.entities.settleEntity(ctx, l, x, there.entity, there.hold()); err != nil {
			return err
		}
	}
	if !takesOver(a.family.documents[id]) { // else it comes with that
		if err := ch.adopter.disarm(ctx, l[id.Ref()].Adopted); err != nil {
			return err
		}
	}
	if err := ch.entities.strip(ctx, l, id, a.standings[id].entity); err != nil {
		return err
	}
	return ch.settleEnds(ctx, l, a.before, a.family.holds, lower)
}

// followCredential lets in by a credential, or shuts it if it was cut by hand, and then leaves the issuer that it had.
func (ch *changer) followCredential(ctx context.Context, a *proposal, c *access.Credential) error {
	var err error
	if a.draft.HeldAlone(a.family.holds, c) {
		err = ch.creds.shut(ctx, c)
	} else {
		err = ch.realizeCredential(ctx, a.draft.Ledger, c, a.before[c.Ref()] != nil)
	}
	if err != nil {
		return err
	}
	return ch.leaveIssuer(ctx, a.before, c)
}

// settleEnds writes the roles of credentials whose end was moved by a change above them, or of which the last
// certificate of an authority has ended: that authority is trusted no more.
func (ch *changer) settleEnds(ctx context.Context, l, before ledger.Ledger, holds ledger.Holds,
	of []access.IdentityID) error {
	for ref, e := range l {
		c, ok := e.Credential()
		was := before[ref]
		if !ok ||
			e.Removed() ||
			was == nil ||
			!slices.Contains(of, c.IdentityID) {
			continue
		}
		// a secret's role has no end, and one that is held has none that lets in
		if c.Kind() == access.Secret || l.HeldAlone(holds, c) {
			continue
		}
		settle := ch.creds.settleEnd
		switch left := signers(e.Issued); {
		case len(left) > 0 && !slices.Equal(left, signers(was.Issued)):
			settle = ch.creds.settleRoles
		case l.End(e).Equal(before.End(was)):
			continue
		}
		// where its mount is gone, nobody logs in
		if err := settle(ctx, c, l.End(e), e.Issued); err != nil && !away(err) {
			return err
		}
	}
	return nil
}

// leaveIssuer removes the role that a credential had at another issuer, and the alias with it: who came from there is
// nobody (see TestWhoCameFromAnIssuerThatIsLeftIsNobody).
func (ch *changer) leaveIssuer(ctx context.Context, before ledger.Ledger, c *access.Credential) error {
	was := before[c.Ref()]
	if was == nil || c.Kind() != access.Federated {
		return nil
	}
	old := was.Object.(*access.Credential)
	if ch.creds.mountOf(old) == ch.creds.mountOf(c) {
		return nil
	}
	return ch.sweeper.sweepLogin(ctx, old)
}

// realizeCredential lets who logs in with a credential be its identity: first the roles, which say who may log in, then
// the alias, which says as whom. Without the alias, a login is an entity of its own, with no policy. known: it was
// there before.
func (ch *changer) realizeCredential(ctx context.Context, l ledger.Ledger, c *access.Credential, known bool) error {
	accessor, name, err := ch.creds.aliasOf(ctx, c, true)
	if known && away(err) { // nobody logs in, which is drift
		return nil
	}
	if err != nil {
		return err
	}
	// else that is drift
	if err := ch.creds.settleRoles(ctx, c, l.End(l[c.Ref()]), l[c.Ref()].Issued); err != nil && (!known || !away(err)) {
		return err
	}
	if c.Kind() == access.Certificate && known { // something may have been revoked by hand
		if err := ch.certs.pushRevoked(ctx); err != nil {
			return err
		}
	}
	there, err := ch.entities.entityOf(ctx, l, c.IdentityID)
	if err != nil {
		return err
	}
	return ch.entities.onlyAlias(ctx, there, accessor, name)
}
