package openbao

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// standing is an entity as it was before a change, and whether it stays cut by hand.
type standing struct {
	entity *entity
	held   bool
}

func (x standing) hold() *entity {
	if x.held {
		return x.entity
	}
	return nil
}

// standings are the entities that a change of an identity has to bring in line: its own, and those of all that hangs on it.
func (ch *changer) standings(ctx context.Context, f *family, d *ledger.Draft, change access.Change, placed *ledger.Placed) (map[access.IdentityID]standing, error) {
	i, ok := change.Object.(*access.Identity)
	if !ok {
		return nil, nil
	}
	all := map[access.IdentityID]standing{}
	for ref, entry := range d.Ledger {
		id := entry.Object.Holder()
		if ref != id.Ref() || id != i.ID && !hangsOn(d.Ledger, id, i.ID) {
			continue
		}
		e, err := ch.entities.readEntity(ctx, id)
		if err != nil {
			return nil, err
		}
		released := ""
		if id == i.ID {
			released = i.HoldReleased
		}
		_, before := f.ledger().Identity(id)
		x := standing{e, stays(before, released, e)}
		if id == i.ID && placed.Lifts {
			x.held = false
		}
		if all[id] = x; x.held { // also where the entity is replaced
			if err := ch.entities.keepHold(ctx, d.Ledger, entry, e); err != nil {
				return nil, err
			}
		}
	}
	if f.documents[i.ID] != nil {
		return all, nil
	}
	// It is new. What stands under its name is not ours, or was left where somebody removed the policy by hand; or somebody
	// is creating it, which begins with the policy.
	e := all[i.ID].entity
	if e == nil {
		return all, nil
	}
	if e.Metadata["managed_by"] != "terraform-provider-partner" {
		return nil, fmt.Errorf("the entity %s is there already: %w", store.NameOf(i.ID), access.ErrForeign)
	}
	if now, err := ch.store.Fetch(ctx, i.ID); err != nil {
		return nil, err
	} else if now != nil {
		return nil, store.ErrChanged
	}
	all[i.ID] = standing{}
	return all, ch.sweeper.sweepIdentity(ctx, i.ID)
}

// realize brings what follows from the policies in line with them.
func (ch *changer) realize(ctx context.Context, f *family, d *ledger.Draft, before ledger.Ledger, change access.Change, entities map[access.IdentityID]standing) error {
	id := change.Object.Holder()
	lower := []access.IdentityID{id}
	switch o := change.Object.(type) {
	case *access.Identity:
		for _, other := range f.order() {
			if other != id && hangsOn(d.Ledger, other, id) {
				lower = append(lower, other)
			}
		}
		for _, x := range lower {
			there := entities[x]
			if i, _ := d.Identity(x); i == nil || x != id && there.entity == nil {
				continue
			}
			if _, err := ch.entities.settleEntity(ctx, d.Ledger, x, there.entity, there.hold()); err != nil {
				return err
			}
		}
		if !takesOver(f.documents[id]) { // else it comes with that
			if err := ch.adopter.disarm(ctx, d.Ledger[id.Ref()].Adopted); err != nil {
				return err
			}
		}
		if err := ch.entities.strip(ctx, d.Ledger, id, entities[id].entity); err != nil {
			return err
		}
		if err := ch.settleEnds(ctx, d.Ledger, before, f.holds, lower); err != nil {
			return err
		}
	case *access.Credential:
		if d.HeldAlone(f.holds, o) {
			if err := ch.creds.shut(ctx, o); err != nil {
				return err
			}
		} else if err := ch.realizeCredential(ctx, d.Ledger, o, before[o.Ref()] != nil); err != nil {
			return err
		}
		if err := ch.leaveIssuer(ctx, before, o); err != nil {
			return err
		}
	case *access.Grant:
		if err := ch.settleEnds(ctx, d.Ledger, before, f.holds, lower); err != nil {
			return err
		}
	}
	return ch.writer.bury(ctx, f, d.Ledger, lower)
}

// settleEnds writes the roles of credentials whose end was moved by a change above them, or of which the last certificate of
// an authority has ended.
func (ch *changer) settleEnds(ctx context.Context, l, before ledger.Ledger, holds ledger.Holds, of []access.IdentityID) error {
	for ref, e := range l {
		c, ok := e.Credential()
		was := before[ref]
		if !ok || e.Removed() || was == nil || c.Kind() == access.Secret || !slices.Contains(of, c.IdentityID) {
			continue
		}
		if l.HeldAlone(holds, c) {
			continue
		}
		left := signers(e.Issued)
		moved, rotated := !l.End(e).Equal(before.End(was)), len(left) > 0 && !slices.Equal(left, signers(was.Issued))
		if !moved && !rotated {
			continue
		}
		settle := ch.creds.settleEnd
		if rotated {
			settle = ch.creds.settleRoles
		}
		if err := settle(ctx, c, l.End(e), e.Issued); err != nil && !away(err) { // where its mount is gone, nobody logs in
			return err
		}
	}
	return nil
}

// settleEnd writes the end of a credential into its roles. A certificate's is in the role that signs, which needs no issuer.
func (cs *credentials) settleEnd(ctx context.Context, c *access.Credential, end time.Time, issued []ledger.Item) error {
	if c.Kind() != access.Certificate {
		return cs.settleRoles(ctx, c, end, issued)
	}
	signs := cs.certs.certificateRoles(c, end, "")[0]
	return cs.client.Put(ctx, signs.path, signs.body, nil)
}

// leaveIssuer removes the role that a credential had at another issuer, and the alias with it.
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

// realizeCredential lets who logs in with a credential be its identity. known: it was there before.
func (ch *changer) realizeCredential(ctx context.Context, l ledger.Ledger, c *access.Credential, known bool) error {
	accessor, name, err := ch.creds.aliasOf(ctx, c, true)
	if known && away(err) { // nobody logs in, which is drift
		return nil
	}
	if err != nil {
		return err
	}
	if err := ch.creds.settleRoles(ctx, c, l.End(l[c.Ref()]), l[c.Ref()].Issued); err != nil {
		return err
	}
	if c.Kind() == access.Certificate && known { // something may have been revoked by hand
		if err := ch.certs.pushRevoked(ctx); err != nil {
			return err
		}
	}
	there, err := ch.entities.readEntity(ctx, c.IdentityID)
	if err != nil {
		return err
	}
	if there == nil {
		there = &entity{}
		if there.ID, err = ch.entities.settleEntity(ctx, l, c.IdentityID, nil, nil); err != nil {
			return err
		}
	}
	for _, a := range there.Aliases {
		switch {
		case a.Accessor != accessor:
		case strings.EqualFold(a.Name, name):
			return nil
		default: // there can be only one
			if err := ch.client.Delete(ctx, "identity/entity-alias/id/"+a.ID); err != nil {
				return err
			}
		}
	}
	err = ch.entities.settleAlias(ctx, there.ID, accessor, name)
	if overtaken(err) {
		return errors.Join(store.ErrChanged, err)
	}
	return err
}
