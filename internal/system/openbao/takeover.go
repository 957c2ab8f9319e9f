// SPDX-License-Identifier: MPL-2.0

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
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// Taking over what is adopted. The order, and why nobody can do more at any moment, is at the top of adoption.go; this
// file has what step 1 claims, and steps 3 to 5. All may be repeated: a step looks at what is there, and what is done
// already is no error.

// adopting returns what a change lets its identity take over, or what is left of what it took over before; nil for
// nothing. A login whose role somebody removed, or gave to another entity, is forgotten: no apply gives it back. fresh
// says that the taking over begins with this change.
func (ad *adopter) adopting(ctx context.Context, f *family, change access.Change) (adopted *ledger.Adopted, fresh bool,
	err error) {
	id := change.Object.Holder()
	if change.Object.Ref() != id.Ref() {
		return nil, false, nil
	}
	e := f.ledger()[id.Ref()]
	switch {
	case e == nil || e.Removed():
		adopted, err = ad.beginAdoption(ctx, id, change.Adopt)
		return adopted, adopted != nil, err
	case change.Adopt != "" && (e.Adopted == nil || e.Adopted.From != change.Adopt):
		return nil, false, fmt.Errorf("%s: %w", id, access.ErrGoverned)
	case e.Adopted == nil:
		return nil, false, nil
	}
	adopted, err = ad.stillAdopted(ctx, f, id, e.Adopted)
	return adopted, false, err
}

// beginAdoption claims an entity for an identity that is created, and returns what it logs in by; nil if nothing is to
// be adopted.
func (ad *adopter) beginAdoption(ctx context.Context, id access.IdentityID, native string) (*ledger.Adopted, error) {
	if native == "" {
		return nil, nil
	}
	if err := ad.claim(native, id); err != nil {
		return nil, err
	}
	found, err := ad.legacyAt(ctx, id, native)
	if err != nil {
		return nil, err
	}
	return &ledger.Adopted{From: native, Logins: found.logins}, nil
}

// stillAdopted returns what is left of what an identity took over: logins whose role is there, and whose alias nobody
// gave away. An entity that is still being taken over has its aliases elsewhere, so these say nothing then.
func (ad *adopter) stillAdopted(ctx context.Context, f *family, id access.IdentityID,
	before *ledger.Adopted) (*ledger.Adopted, error) {
	there, err := ad.entities.readEntity(ctx, id)
	if err != nil {
		return nil, err
	}
	left := &ledger.Adopted{From: before.From, Released: before.Released}
	logins := ad.entities.logins(f.ledger(), id)
	settled := there != nil && !takesOver(f.documents[id])
	for _, l := range before.Logins {
		role, err := ad.readLogin(ctx, l)
		if err != nil {
			return nil, err
		}
		givenAway := settled && logins[loginAs(l)] && !there.logsIn(l)
		if role != nil && !givenAway {
			left.Logins = append(left.Logins, l)
		}
	}
	return left, nil
}

// claimedAlone takes the claim of an identity back, with ErrGoverned, if another one claims the same entity:
// check-and-set tells nothing of two policies. Each looks once its own claim is written, so of two at least one sees
// the other (see TestOfTwoThatAdoptTheSameAtOnceOneTakesItsClaimBack).
func (ad *adopter) claimedAlone(ctx context.Context, id access.IdentityID, adopted *ledger.Adopted) error {
	if adopted == nil { // it is a change of something else of the identity
		return nil
	}
	for begun := access.WallClock(); ; {
		snap, err := ad.store.Listing(ctx)
		if err != nil {
			return err
		}
		for _, e := range snap.Ledger {
			if by := e.Object.Holder(); by != id &&
				e.Adopted != nil &&
				e.Adopted.From == adopted.From {
				return errors.Join(fmt.Errorf("being adopted as %s: %w", by, access.ErrGoverned),
					ad.store.Erase(ctx, id))
			}
		}
		if snap.Documents[id] != nil { // a standby that has heard of our claim has heard of all before it
			return nil
		}
		if access.WallClock().Sub(begun) > store.Staleness {
			return fmt.Errorf("%w: OpenBao's answer lacks %s, which was just written", access.ErrUnavailable,
				store.NameOf(id))
		}
		if err := access.Pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// claim lets one identity of this process adopt an entity. Other processes are met in the policies.
func (ad *adopter) claim(native string, id access.IdentityID) error {
	ad.surveyed.Lock()
	defer ad.surveyed.Unlock()
	if by, ok := ad.claims[native]; ok && by != id {
		return fmt.Errorf("being adopted as %s: %w", by, access.ErrGoverned)
	}
	ad.claims[native] = id
	return nil
}

// note writes into a draft what an identity takes over, and which release lifts what was cut by hand of it.
func note(d *ledger.Draft, placed *ledger.Placed, adopted *ledger.Adopted) {
	if adopted == nil {
		return
	}
	if i, is := placed.Entry.Object.(*access.Identity); is && placed.Unspent {
		adopted.Released = i.HoldReleased
	}
	changed := *placed.Entry
	changed.Adopted = adopted
	d.Set(&changed)
	placed.Entry = &changed
}

// begun returns the line that stands in the policy until all is taken over.
func begun(id access.IdentityID, adopted *ledger.Adopted) store.Lost {
	return store.Lost{ID: id, Entity: strings.TrimPrefix(adopted.From, entityFolder)}
}

// takesOver reports whether an identity has begun to take over an entity, and not come to the end.
func takesOver(d *store.Document) bool {
	return slices.ContainsFunc(d.Pending(), func(x store.Lost) bool { return x.Entity != "" })
}

// takeOver gives the aliases of an entity to an identity, and deletes it. If it is gone, all is done. number is its id.
func (ad *adopter) takeOver(ctx context.Context, l ledger.Ledger, id access.IdentityID, number string) error {
	i, e := l.Identity(id)
	if i == nil {
		return nil // its removal was begun, and takes all along
	}
	there, err := ad.entities.entityOf(ctx, l, id)
	if err != nil {
		return err
	}
	if err := ad.disarm(ctx, e.Adopted); err != nil {
		return err
	}
	old := new(entity)
	if err := ad.client.Get(ctx, entityFolder+number, old); err != nil {
		return client.Gone(err)
	}
	// It may have been cut by hand since the identity's own entity was made.
	if old.held() && !e.Adopted.Lifted(i) {
		if _, err := ad.entities.settleEntity(ctx, l, id, there, old); err != nil {
			return err
		}
	}
	if err := ad.moveAliases(ctx, l, id, old, there); err != nil {
		return err
	}
	return ad.client.Delete(ctx, entityFolder+number)
}

// moveAliases gives to an identity's entity those aliases of an adopted one that its declaration names.
func (ad *adopter) moveAliases(ctx context.Context, l ledger.Ledger, id access.IdentityID, from, to *entity) error {
	logins := ad.entities.logins(l, id)
	for _, a := range from.Aliases {
		if !logins[loginOf(a)] || to.has(a) {
			continue
		}
		if err := ad.entities.settleAlias(ctx, to.ID, a.Accessor, a.Name); err != nil && !overtaken(err) {
			return err
		}
	}
	return nil
}

// disarm takes from the roles of adopted logins what they give by themselves, so that all comes from the identity's
// policy.
func (ad *adopter) disarm(ctx context.Context, adopted *ledger.Adopted) error {
	for _, l := range adopted.Left() {
		role, err := ad.readLogin(ctx, l)
		if err != nil {
			return err
		}
		if role == nil || len(policiesOf(role)) == 0 {
			continue
		}
		// The empty text means no policies, and is what the shipped policy lets this provider write there.
		nothing := map[string]any{"token_policies": "", "token_no_default_policy": true}
		if err := ad.client.Put(ctx, l.NativeID, nothing, nil); err != nil {
			return err
		}
	}
	return nil
}

// sweepAdopted removes the logins that an identity has taken over, and the entity that it takes them over from. A role
// that was made anew under the same name is somebody else's.
func (ad *adopter) sweepAdopted(ctx context.Context, adopted *ledger.Adopted) error {
	if adopted == nil {
		return nil
	}
	for _, l := range adopted.Logins {
		role, err := ad.readLogin(ctx, l)
		if err != nil {
			return err
		}
		if role == nil {
			continue
		}
		if err := ifThere(ad.client.Delete(ctx, l.NativeID)); err != nil {
			return err
		}
	}
	return ad.client.Delete(ctx, adopted.From)
}

// adoptedRemains names what is left of what an identity has taken over.
func (ad *adopter) adoptedRemains(ctx context.Context, adopted *ledger.Adopted) (found []string, err error) {
	if adopted == nil {
		return nil, nil
	}
	for _, l := range adopted.Logins {
		role, err := ad.readLogin(ctx, l)
		if err != nil {
			return nil, err
		}
		if role != nil {
			found = append(found, l.NativeID)
		}
	}
	err = ad.client.Get(ctx, adopted.From, nil)
	if err == nil {
		found = append(found, adopted.From)
	}
	return found, client.Gone(err)
}

// left says which logins an identity has from before its adoption, and what they give beyond the declaration. The first
// is told apart, since no apply changes it; the second is drift.
func (ad *adopter) left(snap *snapshot, id access.IdentityID, e *ledger.Entry, n *native) (adopted, drift []string) {
	logins := ad.entities.logins(snap.Documents[id].Entries, id)
	for _, l := range e.Adopted.Left() {
		role := roleAmong(n.roles, l)
		if role == nil {
			continue
		}
		text := ad.undeclared(l)
		if role["bind_secret_id"] == false {
			text = l.NativeID + " no longer asks for a secret id: everybody who knows its role_id can log in. " + text
		}
		adopted = append(adopted, text)
		if more := policiesOf(role); len(more) > 0 {
			drift = append(drift, fmt.Sprintf("%s gives policies that are not declared: %s.", l.NativeID,
				strings.Join(more, ", ")))
		}
		if logins[loginAs(l)] && n.entity != nil && !n.entity.logsIn(l) {
			drift = append(drift, fmt.Sprintf("A login at %s no longer is this identity.", l.NativeID))
		}
	}
	return adopted, drift
}

// undeclared says of a login from before an adoption how it is to end.
func (s *server) undeclared(l ledger.Login) string {
	return ledger.Undeclared(l.NativeID, s.ownShell().remove(l.NativeID))
}

// adoptedPaths returns what is read to see what is left of the logins that an identity has adopted; e is nil for none.
func adoptedPaths(e *ledger.Entry) (paths []string) {
	if e == nil {
		return nil
	}
	for _, l := range e.Adopted.Left() {
		paths = append(paths, loginPaths(l)...)
	}
	return paths
}
