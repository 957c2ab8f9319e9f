// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// One round of a change (see changer): decide, write, follow. decide and write work on a proposal, which is thrown away
// if another process changed the policy meanwhile; what is written becomes a putting, from which another round goes on.

// putting is a change whose policy is written.
type putting struct {
	// ledger is the family's after the change.
	ledger ledger.Ledger
	placed *ledger.Placed
	// held: it was cut by hand, and stays so.
	held bool
	// without is why what takes away was done, and nothing was issued in the place of what was revoked; nil: all was
	// done.
	without error
}

// proposal is one round of a change, on what is there now.
type proposal struct {
	change access.Change
	issuer *issuer
	family *family
	draft  *ledger.Draft
	placed *ledger.Placed
	// adopted is what the identity takes over, or took over before; nil: nothing.
	adopted *ledger.Adopted
	// hold is the entity that the identity begins to take over, if it was cut by hand; otherwise nil.
	hold *entity
	// before is what the policies said before the round writes them.
	before ledger.Ledger
	// standings are the entities that the change has to bring in line; nil for a credential or a grant.
	standings map[access.IdentityID]standing
	// found is what was not as it had been left, of all rounds.
	found *finds
	// without says why nothing is issued in the place of what is revoked.
	without error
}

// id returns whose policy the change is about.
func (a *proposal) id() access.IdentityID { return a.change.Object.Holder() }

// tryPut makes a change on what is there now: it decides, writes the policies, and brings in line what follows from
// them. Once the policy is written, it returns a putting also with an error. It begins by taking back what the round
// before issued: somebody else may have revoked it, and its policy lost.
func (ch *changer) tryPut(ctx context.Context, change access.Change, is *issuer, found *finds) (*putting, error) {
	if err := is.takeBack(); err != nil { // of the round before: somebody else may have revoked it
		return nil, err
	}
	f, err := ch.writer.familyOf(ctx, change.Object)
	if err != nil {
		return nil, err
	}
	defer ch.store.Outdate(f.documents)
	a := &proposal{change: change, issuer: is, family: f, found: found}
	if err := ch.decide(ctx, a); err != nil {
		return nil, err
	}
	p, err := ch.write(ctx, a)
	if err != nil {
		return p, err
	}
	return p, ch.follow(ctx, a)
}

// decide makes the draft that write puts down. It writes no policy, so nobody has more access than before. What it
// makes beside them opens nothing until the policy says so: a mount, a mark, and what is issued, which is taken back if
// no policy comes to hold it.
//
// The order matters: what stands against the change is looked at before anything is made, and what OpenBao holds is
// looked at before anything is issued, which would be found as well.
func (ch *changer) decide(ctx context.Context, a *proposal) error {
	if err := a.family.refuse(a.change); err != nil {
		return err
	}
	if err := ch.sweeper.finishRemoval(ctx, a.family, a.change); err != nil {
		return err
	}
	if err := ch.mountFor(ctx, a); err != nil {
		return err
	}
	adopted, begins, err := ch.adopter.adopting(ctx, a.family, a.change)
	if err != nil {
		return err
	}
	c, _ := a.change.Object.(*access.Credential)
	secrets, err := ch.secrets.inventoryOf(ctx, a.family.documents[a.id()], c)
	if err != nil {
		return err
	}
	if c != nil { // before anything is issued, which would be found as well
		ch.observer.met(ctx, a.family, c.Ref(), nil, a.found)
	}
	a.adopted, a.issuer.before, a.draft = adopted, a.family.ledger(), a.family.draft(ch.now(), a.issuer)
	secrets.forget(a.draft)
	if err := ch.placeObject(ctx, a); err != nil {
		return err
	}
	if begins {
		a.family.dead = append(a.family.dead, begun(a.id(), adopted))
		if a.hold, err = ch.entities.heldBefore(ctx, a.placed.Entry.Object.(*access.Identity), a.adopted); err != nil {
			return err
		}
	}
	a.draft.Settle()
	a.family.outdate(a.draft, a.change, ch.options.Session)
	a.family.dead = append(a.family.dead, secrets.unknown...)
	for _, serial := range a.issuer.unknown {
		a.family.dead = append(a.family.dead, store.Lost{ID: a.id(), Kind: access.Certificate, Serial: serial})
	}
	if a.standings, err = ch.standingsOf(ctx, a); err != nil {
		return err
	}
	a.change.Object = a.placed.Entry.Object // its sets in order, as it is read later
	if c == nil {
		// Compared is what was just read.
		ch.observer.met(ctx, a.family, a.change.Object.Ref(), entitiesOf(a.standings), a.found)
	}
	return nil
}

// mountFor sees to it that what a credential logs in by is there, before anything is issued. If it is gone from under a
// credential that used it, the change waits with issuing: what is declared can be made less all the same.
func (ch *changer) mountFor(ctx context.Context, a *proposal) error {
	c, ok := a.change.Object.(*access.Credential)
	if !ok {
		return nil
	}
	known := ch.logsIn(a.family, c)
	_, _, err := ch.creds.aliasOf(ctx, c, known)
	if known && away(err) { // what is declared can be made less, and nothing is issued
		a.change.Wait = true
		return nil
	}
	return err
}

// placeObject puts the object into the draft, which issues, and marks what is new and to be held from the start.
//
// If nothing can be issued as things are, a change that takes something away is made without: what was stolen, or lasts
// too long, is revoked (see TestAStolenCertificateEndsAlsoWhereNothingSigns).
func (ch *changer) placeObject(ctx context.Context, a *proposal) error {
	place := func() (err error) { a.placed, err = a.draft.Place(a.change); return err }
	err := a.draft.Try(place)
	if cannotIssue(err) && a.family.ledger().TakesAway(a.change) {
		a.without, a.change.Wait = err, true
		err = a.draft.Try(place)
	}
	if err != nil {
		return err
	}
	if a.placed.Hold {
		if err := ch.store.Mark(ctx, a.change.Object.Ref().ID); err != nil {
			return err
		}
		marks, err := ch.store.Marks(ctx, a.draft.Ledger, a.change.Object)
		if err != nil {
			return err
		}
		maps.Copy(a.family.holds, marks)
		a.draft.Holds = a.family.holds
	}
	note(a.draft, a.placed, a.adopted)
	return nil
}

// cannotIssue reports whether nothing can be issued as things are here, and not only at this moment.
func cannotIssue(err error) bool {
	return away(err) || errors.Is(err, access.ErrNotPermitted)
}

// write puts the draft into the policies. The own one is first, by check-and-set on what was decided on: with it the
// change is made, and whoever comes next finishes it from what the policy says. The others only follow from it. A
// putting that it returns with an error is written.
//
// Two checks come after it, since they need the policy to be there: whether another identity claims the same entity,
// and whether somebody changed what is above without seeing this object.
func (ch *changer) write(ctx context.Context, a *proposal) (*putting, error) {
	id := a.id()
	a.before = a.family.ledger()
	p := &putting{ledger: a.draft.Ledger, placed: a.placed, without: a.without, held: a.standings[id].held ||
		a.hold != nil ||
		a.draft.Held(a.family.holds, a.placed.Entry.Object)}
	if err := ch.writer.writeOwn(ctx, a.family, a.draft, id); err != nil {
		return nil, err
	}
	if err := ch.rememberReleases(ctx, a); err != nil {
		return p, err
	}
	a.issuer.keep(a.draft.Ledger[a.change.Object.Ref()].Issued)
	if takesOver(a.family.documents[id]) && a.standings[id].entity == nil { // else it was looked at before
		if err := ch.adopter.claimedAlone(ctx, id, a.adopted); err != nil {
			return nil, err
		}
	}
	if err := ch.writer.writeOthers(ctx, a.family, a.draft, id); err != nil {
		return p, err
	}
	// Whoever changes what is above meanwhile did not see this object: look again, now that it is there.
	return p, ch.writer.sameAbove(ctx, a.family, a.draft, id)
}

// rememberReleases lets the releases of an identity outlive it: its policy never has one that its tombstone lacks for
// longer than this takes. A release must not release anything again after a destroy.
func (ch *changer) rememberReleases(ctx context.Context, a *proposal) error {
	if a.change.Object.Ref() != a.id().Ref() || len(a.placed.Entry.History.Released) == 0 {
		return nil
	}
	if _, more := a.family.stones[a.id()].Noting(a.placed.Entry); !more {
		return nil
	}
	return ch.store.Remember(ctx, a.placed.Entry, time.Time{})
}

// logsIn reports whether a credential has its way to log in already: it is there, and at the same issuer.
func (ch *changer) logsIn(f *family, c *access.Credential) bool {
	e := f.ledger()[c.Ref()]
	if e == nil || e.Removed() {
		return false
	}
	old, _ := e.Credential()
	return ch.creds.mountOf(old) == ch.creds.mountOf(c)
}

// answer returns what a change says: what was issued is told in it, and only in it.
func (ch *changer) answer(ctx context.Context, p *putting, is *issuer) (*access.Record, error) {
	e := p.placed.Entry
	if now := p.ledger[e.Ref()]; now != nil {
		e = now
	}
	r, err := ch.observer.record(p.ledger, e)
	if err == nil {
		r.Held = p.held
		for _, l := range e.Adopted.Left() {
			r.Adopted = append(r.Adopted, ch.undeclared(l))
		}
	}
	if c, ok := e.Credential(); ok && err == nil && c.Kind() == access.Federated {
		r.Drift, err = ch.fed.trustDrift(ctx, c.Federated.Issuer, nil, nil) // no change of a credential repairs it
	}
	if err == nil && p.without != nil {
		r.Drift = append(r.Drift, ledger.Without(p.without))
	}
	if err != nil || r.Issued == nil || !p.placed.Tell {
		return r, err
	}
	return r, ch.observer.tell(ctx, e, r, is.texts)
}
