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
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// Entities. Each identity has one of its own, as which all of its credentials log in, and which has the identity's
// policy alone. OpenBao asks at every request whether the token's entity is there and enabled
// (internal/vault/request_handling.go, CheckToken), so disabling it cuts and deleting it ends every session, of
// whatever credential.
//
// An entity can be cut by hand with one command, and that has to outlive everything that happens to the entity: its
// metadata says who disabled it, and a mark (store/mark.go) says it once the entity goes.

// entities makes, reads and replaces what OpenBao knows partners as.
type entities struct {
	*server
	store *policies
	creds *credentials
}

// held reports whether an entity was cut by hand: it is disabled, and nothing of ours says that a declaration or a mark
// did it. nil is not held.
func (e *entity) held() bool {
	return e != nil &&
		e.Disabled &&
		e.Metadata[cutBy] != byDeclaration &&
		e.Metadata[cutBy] != byMark
}

// readEntity reads an identity's entity; nil if there is none.
func (es *entities) readEntity(ctx context.Context, id access.IdentityID) (*entity, error) {
	e := new(entity)
	err := es.client.Get(ctx, entityPath(id), e)
	if errors.Is(err, access.ErrNotFound) {
		return nil, nil
	}
	return e, err
}

const (
	// longestValue is the most bytes that a value of an entity's metadata can have
	// (internal/vault/identity/store_structs.go, metaValueMaxLength).
	longestValue = 512
	// cutBy is the field that says who disabled an entity, if we know it. Whoever does it by hand leaves it as it was.
	cutBy = "cut_by"
	// byDeclaration: the declaration suspends it, or a removal has begun.
	byDeclaration = "declaration"
	// byHand: this entity was made or put aside while another one of the identity was held.
	byHand = "hand"
	// byMark: a mark says that what it is, or hangs on, was cut by hand.
	byMark = "mark"
	// released is the field with the last release of a hold that reached the entity.
	released = "hold_released"
)

// metadata returns what tells a person, or an audit log, what an entity is about. The truth is in the policy.
func metadata(i *access.Identity, e *ledger.Entry, stands ledger.Standing) map[string]string {
	all := map[string]string{
		"managed_by": "terraform-provider-partner", "uid": e.History.UID, "stack": e.History.Stack,
		"partner": i.ID.Partner, "environment": i.ID.Environment,
		"owner": i.Owner, "purpose": i.Purpose, "expires_at": access.At(stands.End).String(),
	}
	if last := lastRelease(e); last != "" {
		all[released] = last
	}
	if stands.Cut() {
		all[cutBy] = byDeclaration
	}
	for name, value := range all {
		all[name] = clipped(value)
	}
	return all
}

// clipped returns as much of a value as metadata can hold, in whole characters.
func clipped(value string) string {
	if len(value) <= longestValue {
		return value
	}
	cut := longestValue
	for cut > 0 && value[cut]&0xc0 == 0x80 { // not within a character
		cut--
	}
	return value[:cut]
}

// lastRelease returns the release that was applied to an identity last; "" if none was.
func lastRelease(e *ledger.Entry) string {
	if e == nil || len(e.History.Released) == 0 {
		return ""
	}
	return e.History.Released[len(e.History.Released)-1]
}

// stays reports whether an entity that was cut by hand stays so. before is the identity's entry, declared the release
// that it declares. A release that is in the ledger was used before and lifts nothing, unless a process noted it there
// and died before it enabled the entity: then the entity's metadata does not have it yet (see
// TestADeadProcessLeavesNoHoldBehind).
func stays(before *ledger.Entry, declared string, e *entity) bool {
	if !e.held() || declared == "" || lastRelease(before) != declared {
		return e.held()
	}
	return e.Metadata[released] == clipped(declared)
}

// findHold returns the entity that shows that an identity without one was cut by hand: the one put aside, or the one
// that it was adopted from; otherwise nil.
func (es *entities) findHold(ctx context.Context, i *access.Identity, e *ledger.Entry) (*entity, error) {
	hold, err := es.heldAside(ctx, i.ID)
	if err != nil || hold != nil {
		return hold, err
	}
	return es.heldBefore(ctx, i, e.Adopted)
}

// settleEntity brings the entity of an identity in line with the ledger, and returns its id. there is that entity, nil
// for none. If it is held, as hold shows or one that is put aside, it stays disabled, whatever the ledger says. It
// writes nothing if nothing differs.
//
// If somebody ended the sessions meanwhile, there is another entity under the name, and that is brought in line.
func (es *entities) settleEntity(ctx context.Context, l ledger.Ledger, id access.IdentityID,
	there, hold *entity) (entityID string, err error) {
	i, e := l.Identity(id)
	if i == nil {
		return "", fmt.Errorf("%s: %w", id, access.ErrNoIdentity)
	}
	if there == nil && hold == nil {
		if hold, err = es.findHold(ctx, i, e); err != nil {
			return "", err
		}
	}
	known, disabled, err := es.wanted(ctx, l, i, e, hold)
	if err != nil {
		return "", err
	}
	want := map[string]any{"metadata": known, "policies": []string{store.NameOf(id)}, "disabled": disabled}
	if there != nil {
		if there.Disabled == disabled &&
			maps.Equal(there.Metadata, known) &&
			slices.Equal(there.Policies, []string{store.NameOf(id)}) {
			return there.ID, nil
		}
		err := es.client.Put(ctx, entityFolder+there.ID, want, nil)
		if !client.Said(err, "entity not found") { // else somebody ended the sessions meanwhile: there is another one
			return there.ID, err
		}
	}
	return es.makeEntity(ctx, id, want)
}

// entityOf returns the entity of an identity, which is made if there is none. A new one has an id only.
func (es *entities) entityOf(ctx context.Context, l ledger.Ledger, id access.IdentityID) (*entity, error) {
	there, err := es.readEntity(ctx, id)
	if err != nil || there != nil {
		return there, err
	}
	there = &entity{}
	there.ID, err = es.settleEntity(ctx, l, id, nil, nil)
	return there, err
}

// wanted returns the metadata that an entity is to have, and whether it is to be disabled. The metadata tells who cut
// it, so whoever reads the entity alone, or finds it put aside, knows a cut by hand from one that was declared. hold is
// an entity that shows a cut by hand; nil: the marks are asked for.
func (es *entities) wanted(ctx context.Context, l ledger.Ledger, i *access.Identity, e *ledger.Entry,
	hold *entity) (known map[string]string, disabled bool, err error) {
	stands := l.Standing(i.ID)
	known = metadata(i, e, stands)
	if hold != nil {
		known[cutBy] = byHand
		if e.Adopted != nil && e.Adopted.From == entityFolder+hold.ID { // no release of ours is on its way to it
			return known, true, nil
		}
		delete(known, released)
		if last := hold.Metadata[released]; last != "" {
			known[released] = last
		}
		return known, true, nil
	}
	if stands.Cut() {
		return known, true, nil
	}
	marks, err := es.store.Marks(ctx, l, i)
	if err != nil {
		return nil, false, err
	}
	if marked := l.HeldIdentity(marks, i.ID); marked {
		known[cutBy] = byMark
		return known, true, nil
	}
	return known, false, nil
}

// makeEntity creates an entity by its name, and returns its id. If it was made in the meantime, OpenBao updates it and
// answers without an id (internal/vault/identity/store_entities.go, "return 204"), so it is looked up: both are the
// same to us. On a standby that takes a moment.
func (es *entities) makeEntity(ctx context.Context, id access.IdentityID, want map[string]any) (entityID string,
	err error) {
	for round := range store.Rounds {
		if err := access.Pause(ctx, time.Duration(round)*10*time.Millisecond); err != nil {
			return "", err
		}
		var made entity
		if err := es.client.Put(ctx, entityPath(id), want, &made); err != nil || made.ID != "" {
			return made.ID, err
		}
		there, err := es.readEntity(ctx, id)
		if err != nil || there != nil {
			return there.id(), err
		}
	}
	return "", fmt.Errorf("%w: OpenBao created the entity %s, but does not find it", access.ErrUnavailable,
		store.NameOf(id))
}

// id returns the entity's id; "" for none.
func (e *entity) id() string {
	if e == nil {
		return ""
	}
	return e.ID
}

// strip takes from an entity what no declaration gave it: memberships in groups, and aliases of no credential. A group
// keeps its other members.
func (es *entities) strip(ctx context.Context, l ledger.Ledger, id access.IdentityID, there *entity) error {
	if there == nil {
		return nil
	}
	for _, a := range es.strangers(l, id, there) {
		if err := es.deleteAlias(ctx, a); err != nil {
			return err
		}
	}
	for _, groupID := range there.Direct {
		var group struct {
			Members []string `json:"member_entity_ids"`
		}
		path := "identity/group/id/" + groupID
		err := es.client.Get(ctx, path, &group)
		if err == nil {
			err = es.client.Put(ctx, path,
				map[string]any{"member_entity_ids": append([]string{}, without(group.Members, there.ID)...)}, nil)
		}
		if client.Gone(err) != nil {
			return err
		}
	}
	return nil
}

// cutSessions ends every session of an identity at once: another entity takes the place of its own, which is then
// deleted. A token is of the entity that it was issued for, and is refused at the next request once that is gone.
//
// The order is: put the old one aside under another name, make the new one with the aliases, delete the old one. So
// whoever of the identity logs in meanwhile is one of the two, and is let in. A process that dies in between leaves the
// old sessions open and nothing else; whoever does it again comes to the same end.
func (es *entities) cutSessions(ctx context.Context, l ledger.Ledger, id access.IdentityID) error {
	if i, _ := l.Identity(id); i == nil {
		return nil // its removal was begun, and takes the entity along
	}
	old, err := es.readEntity(ctx, id)
	if err != nil {
		return err
	}
	if old != nil {
		// else somebody else did
		if err := es.putAside(ctx, id, old); err != nil && !client.Said(err, "entity not found") {
			return err
		}
	}
	if err := es.replace(ctx, l, id, old); err != nil {
		return err
	}
	return es.client.Delete(ctx, "identity/entity/name/"+asideOf(id))
}

// putAside gives an entity another name. It goes on as it was until it is deleted, and keeps whether it was cut by
// hand, and by which release it was reached: the next one is made from that.
func (es *entities) putAside(ctx context.Context, id access.IdentityID, old *entity) error {
	if err := es.client.Delete(ctx, "identity/entity/name/"+asideOf(id)); err != nil { // of a process that died here
		return err
	}
	kept := map[string]string{cutBy: byDeclaration}
	if old.held() {
		kept[cutBy] = byHand
	}
	if last := old.Metadata[released]; last != "" {
		kept[released] = last
	}
	aside := map[string]any{"name": asideOf(id), "metadata": kept}
	return es.client.Put(ctx, entityFolder+old.ID, aside, nil)
}

// heldAside returns the entity that is put aside, if that was cut by hand; otherwise nil.
func (es *entities) heldAside(ctx context.Context, id access.IdentityID) (*entity, error) {
	e := new(entity)
	if err := es.client.Get(ctx, "identity/entity/name/"+asideOf(id), e); err != nil || !e.held() {
		return nil, client.Gone(err)
	}
	return e, nil
}

// replace makes an entity in the place of one that was put aside, with the aliases of the credentials. It looks again
// whether they are there: another process may have put aside the new one as well, and each deletes the one that it put
// aside.
func (es *entities) replace(ctx context.Context, l ledger.Ledger, id access.IdentityID, old *entity) error {
	aliases, err := es.aliasesOf(ctx, l, id)
	if err != nil {
		return err
	}
	for round := range store.Rounds {
		if err := access.Pause(ctx, time.Duration(round)*10*time.Millisecond); err != nil {
			return err
		}
		there, err := es.readEntity(ctx, id)
		if err != nil {
			return err
		}
		if there != nil &&
			old != nil &&
			there.ID == old.ID { // a standby has not heard of its new name
			continue
		}
		missing := slices.DeleteFunc(slices.Clone(aliases), there.has)
		if there != nil && len(missing) == 0 {
			return nil
		}
		if err := es.addAliases(ctx, l, id, there, missing); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: somebody keeps replacing the entity %s", access.ErrUnavailable, store.NameOf(id))
}

// keepHold lets a hold outlive an entity that somebody disabled without a mark: it writes the mark. l has the identity
// and all above it, e is its entry. A shadow needs none.
func (es *entities) keepHold(ctx context.Context, l ledger.Ledger, e *ledger.Entry, there *entity) error {
	id := e.Object.Holder()
	if !there.held() || access.IsShadow(id.Partner) {
		return nil
	}
	holds, err := es.store.Marks(ctx, l, e.Object)
	if err != nil || holds.Holding(e) {
		return err
	}
	return es.store.Mark(ctx, id.String())
}

// heldBefore returns the entity that an identity takes over, if that was cut by hand and no release lifts it; otherwise
// nil.
func (es *entities) heldBefore(ctx context.Context, i *access.Identity, adopted *ledger.Adopted) (*entity, error) {
	if adopted == nil || adopted.Lifted(i) {
		return nil, nil
	}
	e := new(entity)
	if err := es.client.Get(ctx, adopted.From, e); err != nil || !e.held() {
		return nil, client.Gone(err)
	}
	return e, nil
}
