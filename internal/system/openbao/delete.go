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
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// A removal has four steps: strike marks in the policies what is to go, so that it gives nothing from then on; sweep
// deletes what follows from them; verify asks OpenBao whether anything is left; forget takes it out of the policies. A
// process that dies on the way leaves the marks, and the same removal, or a new creation, goes on from them.

// remover removes objects.
type remover struct {
	*server
	store    *policies
	creds    *credentials
	certs    *certificates
	entities *entities
	adopter  *adopter
	observer *observer
	sweeper  *sweeper
	writer   *writer
	leases   *leases
	turns    *turns
	notes    *notes
}

// Delete revokes an object, verifies that nothing of it is left, and then forgets it. It returns what went with it: of
// an identity, its credentials, its grants and its subcontractors. It is ErrNotFound if there is nothing under this
// uid.
func (rm *remover) Delete(ctx context.Context, ref access.Ref, uid string) ([]access.Ref, error) {
	swept, err := rm.remove(ctx, ref, uid)
	if err != nil {
		return nil, fmt.Errorf("delete %s: %w", ref, err)
	}
	return swept, nil
}

// remove is Delete without its words. That the ledger has nothing of an object proves nothing of what OpenBao has:
// clear looks.
//
// It insists: also while the server seems away, what takes access away is sent. Changes of one identity take turns, and
// what is below it is covered by check-and-set.
func (rm *remover) remove(ctx context.Context, ref access.Ref, uid string) (swept []access.Ref, err error) {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	ctx, cancel, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	ctx = access.Insisting(ctx)
	defer rm.turns.alone(holder)()
	var victims []*ledger.Entry
	var f *family
	var found finds
	err = store.Again(ctx, func() error {
		victims, f, err = rm.strike(ctx, ref, holder, uid, &found)
		return err
	})
	if errors.Is(err, access.ErrNotFound) {
		return rm.clear(ctx, ref, holder, uid)
	}
	if err != nil {
		return nil, err
	}
	defer rm.store.Outdate(f.documents)
	if err := rm.sweep(ctx, f, ref, holder, victims); err != nil {
		return nil, err
	}
	rm.notes.note(found)
	for _, v := range victims[1:] {
		swept = append(swept, v.Ref())
	}
	return swept, nil
}

// keepHolds marks who was cut by hand among what is to go, since the entities that show it go too, and returns these.
// An entity of a removal that was begun before says nothing: that removal disabled it.
func (rm *remover) keepHolds(ctx context.Context, f *family, victims []*ledger.Entry) (map[access.IdentityID]*entity,
	error) {
	entities := map[access.IdentityID]*entity{}
	for _, v := range victims {
		if v.Ref().Type != access.TypeIdentity || v.Removed() { // an entity may be disabled by who began the removal
			continue
		}
		id := v.Object.Holder()
		there, err := rm.entities.readEntity(ctx, id)
		if err == nil {
			err = rm.entities.keepHold(ctx, f.ledger(), v, there)
		}
		if err != nil {
			return nil, err
		}
		entities[id] = there
	}
	return entities, nil
}

// strike writes the policies without what is to go, the object's own first. From then on it gives no access, whatever
// happens next. The bare identity names no parent, so what is above it is read by its document.
func (rm *remover) strike(ctx context.Context, ref access.Ref, holder access.IdentityID, uid string,
	found *finds) ([]*ledger.Entry, *family, error) {
	var object access.Object = &access.Identity{ID: holder}
	if ref.Type != access.TypeIdentity {
		object = &access.Grant{IdentityID: holder}
	}
	f, err := rm.writer.familyOf(ctx, object)
	if err != nil {
		return nil, nil, err
	}
	if d := f.documents[holder]; d != nil && ref.Type == access.TypeIdentity {
		if err := rm.writer.above(ctx, f, &access.Grant{IdentityID: holder}); err != nil {
			return nil, nil, err
		}
	}
	d := f.draft(rm.now(), &issuer{by: rm.creds, ctx: ctx})
	victims, err := d.Strike(ref, uid)
	if err != nil {
		return nil, nil, err
	}
	d.Settle()
	entities, err := rm.keepHolds(ctx, f, victims)
	if err != nil {
		return nil, nil, err
	}
	rm.observer.met(ctx, f, ref, entities, found)
	if err := rm.writer.writeOwn(ctx, f, d, holder); err != nil {
		return nil, nil, err
	}
	return victims, f, rm.writer.writeOthers(ctx, f, d, holder)
}

// sweep deletes what follows from the policies, then takes out what these remember of it. Tokens are revoked before the
// entity is deleted: afterwards, nobody could tell whose they were.
func (rm *remover) sweep(ctx context.Context, f *family, ref access.Ref, holder access.IdentityID,
	victims []*ledger.Entry) error {
	rm.leases.endLeased(ctx, f.ledger(), victims)
	if err := rm.sweeper.sweepAll(ctx, f, victims); err != nil {
		return err
	}
	if ref.Type != access.TypeIdentity { // what a change before this one did not finish
		if err := rm.writer.bury(ctx, f, f.ledger(), []access.IdentityID{holder}); err != nil {
			return err
		}
	}
	if err := rm.verify(ctx, victims); err != nil {
		return err
	}
	return rm.forget(ctx, f, ref, holder, victims)
}

// verify asks whether anything is left of what was swept, and returns ErrRemains with its names. On a cluster, "gone"
// is believed only after a while, since a standby may not have heard of what somebody else has just made, and "still
// there" is asked again as long as it may not have heard of the removal.
func (rm *remover) verify(ctx context.Context, victims []*ledger.Entry) error {
	at, err := rm.lookOnce(ctx)
	if err != nil {
		return err
	}
	for begun := access.WallClock(); ; {
		remains, err := rm.remains(ctx, victims)
		if err != nil {
			return err
		}
		waited := access.WallClock().Sub(begun)
		switch {
		case len(remains) == 0 && (!at.cluster || waited > store.Staleness/4):
			return nil
		case len(remains) > 0 && (!at.cluster || waited > store.Staleness):
			return fmt.Errorf("%w: %s", access.ErrRemains, strings.Join(remains, ", "))
		}
		if err := access.Pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// remains names what is still there of what was swept. The mounts are read for an identity only, whose roles may be on
// any of them.
func (rm *remover) remains(ctx context.Context, victims []*ledger.Entry) (found []string, err error) {
	var mounts map[string]mounted
	if _, isIdentity := victims[0].Object.(*access.Identity); isIdentity {
		if err := rm.client.Get(ctx, "sys/auth", &mounts); err != nil {
			return nil, err
		}
	}
	for _, v := range victims {
		var left []string
		switch o := v.Object.(type) {
		case *access.Identity:
			left, err = rm.identityRemains(ctx, o.ID, v.Adopted, mounts)
		case *access.Credential:
			left, err = rm.stillThere(ctx, rm.creds.rolePaths(o))
		}
		if err != nil {
			return nil, err
		}
		found = append(found, left...)
	}
	return found, nil
}

// identityRemains names what is still there of an identity: its entity, also one put aside, other policies, roles, and
// what it adopted.
func (rm *remover) identityRemains(ctx context.Context, id access.IdentityID, adopted *ledger.Adopted,
	mounts map[string]mounted) ([]string, error) {
	found, err := rm.stillThere(ctx, []string{entityPath(id)})
	if err != nil {
		return nil, err
	}
	others, err := rm.store.Below(ctx, id)
	if err != nil {
		return nil, err
	}
	legacy, err := rm.adopter.adoptedRemains(ctx, adopted)
	if err != nil {
		return nil, err
	}
	left, err := rm.stillThere(ctx, append(rm.creds.rolesOf(id, mounts), "identity/entity/name/"+asideOf(id)))
	return slices.Concat(found, others, legacy, left), err
}

// stillThere returns those of the paths at which something answers. A role for tokens that this login may not read lets
// nobody in: without its alias it admits nobody.
func (rm *remover) stillThere(ctx context.Context, paths []string) (found []string, err error) {
	for _, path := range paths {
		err := rm.client.Get(ctx, path, nil)
		if err == nil {
			found = append(found, path)
		}
		if strings.HasPrefix(path, tokenRoles) {
			err = permitted(err)
		}
		if err := ifThere(err); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// forget takes what was verified to be gone out of the policies, and remembers what has to outlive it. Old tombstones
// are pruned at the end.
func (rm *remover) forget(ctx context.Context, f *family, ref access.Ref, holder access.IdentityID,
	victims []*ledger.Entry) error {
	if ref.Type != access.TypeIdentity {
		return store.Again(ctx, func() error { return rm.forgetBelow(ctx, holder, victims) })
	}
	parting := f.draft(rm.now(), &issuer{by: rm.creds, ctx: ctx}).Parting(victims...)
	err := store.Again(ctx, func() error { return rm.forgetIdentities(ctx, victims, parting) })
	if err == nil {
		rm.store.Prune(ctx)
	}
	return err
}

// forgetIdentities removes the policies of identities, those that hang on others first. Each tombstone is written
// before its policy goes: a process that dies in between has forgotten nothing.
func (rm *remover) forgetIdentities(ctx context.Context, victims []*ledger.Entry,
	parting map[access.IdentityID][]access.Former) error {
	ended := ledger.Ended(victims, rm.now())
	for _, v := range slices.Backward(victims) {
		if i, ok := v.Object.(*access.Identity); ok {
			if err := rm.store.Remember(ctx, v.Taking(ended[i.ID], rm.now()), rm.now(), parting[i.ID]...); err != nil {
				return err
			}
			if err := rm.eraseStruck(ctx, i.ID, v.History.UID); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetBelow takes credentials and grants out of the policy of their identity, unless somebody made one anew
// meanwhile.
func (rm *remover) forgetBelow(ctx context.Context, holder access.IdentityID, victims []*ledger.Entry) error {
	f, err := rm.writer.familyOf(ctx, &access.Grant{IdentityID: holder})
	if err != nil {
		return err
	}
	d := f.draft(rm.now(), &issuer{by: rm.creds, ctx: ctx})
	for _, v := range victims {
		if e := d.Ledger[v.Ref()]; e != nil && e.Removed() && e.History.UID == v.History.UID {
			d.Forget(v.Ref())
		}
	}
	if f.documents[holder] == nil { // its identity was removed meanwhile
		return nil
	}
	return rm.writer.writeOwn(ctx, f, d, holder)
}

// eraseStruck removes an identity's policy, unless its removal was overtaken by a creation, which has another uid.
func (rm *remover) eraseStruck(ctx context.Context, id access.IdentityID, uid string) error {
	d, err := rm.store.Fetch(ctx, id)
	if errors.Is(err, access.ErrForeign) {
		return rm.store.Erase(ctx, id)
	}
	if err != nil || d == nil {
		return err
	}
	if e := d.Entries[id.Ref()]; e != nil && (!e.Removed() || e.History.UID != uid) {
		return nil
	}
	return rm.store.Erase(ctx, id)
}
