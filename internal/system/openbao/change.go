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

// changer creates and changes objects.
type changer struct {
	*server
	store    *policies
	bundler  *bundler
	creds    *credentials
	certs    *certificates
	secrets  *secrets
	fed      *federation
	entities *entities
	adopter  *adopter
	observer *observer
	sweeper  *sweeper
	writer   *writer
	turns    *turns
}

// Put creates or changes one object, and returns when OpenBao enforces it.
func (ch *changer) Put(ctx context.Context, change access.Change) (*access.Record, error) {
	ref := change.Object.Ref()
	r, err := ch.put(ctx, change)
	if err != nil {
		return nil, fmt.Errorf("put %s: %w", ref, err)
	}
	return r, nil
}

func (ch *changer) put(ctx context.Context, change access.Change) (*access.Record, error) {
	if _, _, err := access.ParseRef(change.Object.Ref().Type, change.Object.Ref().ID); err != nil {
		return nil, err
	}
	if c, ok := change.Object.(*access.Credential); ok && !slices.Contains(kinds, c.Kind()) {
		return nil, fmt.Errorf("%w: OpenBao's SSH engine cannot revoke, so ssh_certificate is not offered", access.ErrUnsupported)
	}
	ctx, cancel, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	if change.Object.Ref().Type == access.TypeIdentity && change.UID == "" {
		if err := ch.store.Identify(ctx); err != nil {
			return nil, err
		}
	}
	defer ch.turns.alone(change.Object.Holder())()
	is := &issuer{by: ch.creds, ctx: ctx}
	var p *putting
	err = store.Again(ctx, func() error {
		written, err := ch.tryPut(ctx, change, is)
		if written != nil { // another round goes on from what is written
			if p != nil {
				written.placed.Tell = written.placed.Tell || p.placed.Tell
			}
			p = written
			change.UID, change.Issue = p.placed.Entry.History.UID, access.IssueKeep
		}
		return err
	})
	if err = errors.Join(err, is.takeBack()); err != nil {
		if p != nil {
			err = fmt.Errorf("%w. The policy says already what is declared; apply again to finish what follows from it", err)
		}
		return nil, err
	}
	r, err := ch.answer(ctx, p, is)
	ch.bundler.offerBundles(ctx)
	return r, err
}

// putting is a put whose policy is written.
type putting struct {
	ledger ledger.Ledger
	placed *ledger.Placed
	// held: it was cut by hand, and stays so.
	held bool
}

// proposal is one round of a put, on what is there now.
type proposal struct {
	change  access.Change
	issuer  *issuer
	family  *family
	draft   *ledger.Draft
	placed  *ledger.Placed
	adopted *ledger.Adopted
	// before is what the policies said; standings are the entities that the change has to bring in line.
	before    ledger.Ledger
	standings map[access.IdentityID]standing
}

// id is whose policy the change is about.
func (a *proposal) id() access.IdentityID { return a.change.Object.Holder() }

// tryPut makes a change on what is there now: it decides, writes the policies, and brings in line what follows from them. It
// returns a putting also with an error, once the policy is written.
func (ch *changer) tryPut(ctx context.Context, change access.Change, is *issuer) (*putting, error) {
	if err := is.takeBack(); err != nil { // of the round before: somebody else may have revoked it
		return nil, err
	}
	f, err := ch.writer.family(ctx, change.Object)
	if err != nil {
		return nil, err
	}
	defer ch.store.Outdate(f.documents)
	a := &proposal{change: change, issuer: is, family: f}
	if err := ch.decide(ctx, a); err != nil {
		return nil, err
	}
	p, err := ch.write(ctx, a)
	if err != nil {
		return p, err
	}
	return p, ch.follow(ctx, a)
}

// decide makes the draft that write puts down. It writes no policy, so nobody has more access than before. What it makes
// beside them opens nothing until the policy says so: a mount, a mark, and what is issued, which is taken back where no policy
// comes to hold it.
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
	secrets, err := ch.secrets.inventory(ctx, a.family.documents[a.id()], c)
	if err != nil {
		return err
	}
	a.adopted, a.issuer.before, a.draft = adopted, a.family.ledger(), a.family.draft(ch.now(), a.issuer)
	secrets.forget(a.draft)
	if err := ch.placeObject(ctx, a); err != nil {
		return err
	}
	if begins {
		a.family.dead = append(a.family.dead, begun(a.id(), adopted))
	}
	a.draft.Settle()
	a.family.outdate(a.draft, a.change, ch.options.Session)
	a.family.dead = append(a.family.dead, secrets.unknown...)
	for _, serial := range a.issuer.unknown {
		a.family.dead = append(a.family.dead, store.Lost{ID: a.id(), Kind: access.Certificate, Serial: serial})
	}
	a.standings, err = ch.standingsOf(ctx, a)
	a.change.Object = a.placed.Entry.Object // its sets in order, as it is read later
	return err
}

// mountFor sees to it that what a credential logs in by is there, before anything is issued.
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
func (ch *changer) placeObject(ctx context.Context, a *proposal) error {
	err := a.draft.Try(func() (err error) { a.placed, err = a.draft.Place(a.change); return err })
	if err != nil {
		return err
	}
	if a.placed.Hold {
		if err := ch.store.Mark(ctx, a.id().String()); err != nil {
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

// write puts the draft into the policies. The own one is first, by check-and-set on what was decided on: with it the change is
// made, and whoever comes next finishes it from what the policy says. The others only follow from it. A putting that it
// returns with an error is written.
func (ch *changer) write(ctx context.Context, a *proposal) (*putting, error) {
	id := a.id()
	a.before = a.family.ledger()
	p := &putting{ledger: a.draft.Ledger, placed: a.placed, held: a.standings[id].held || a.draft.Held(a.family.holds, a.placed.Entry.Object)}
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

// rememberReleases lets the releases of an identity outlive it: no tombstone is without one that its policy has.
func (ch *changer) rememberReleases(ctx context.Context, a *proposal) error {
	if a.change.Object.Ref() != a.id().Ref() || len(a.placed.Entry.History.Released) == 0 {
		return nil
	}
	if _, more := a.family.stones[a.id()].Noting(a.placed.Entry); !more {
		return nil
	}
	return ch.store.Remember(ctx, a.placed.Entry, time.Time{})
}

// logsIn says whether a credential has its way to log in already: it is there, and at the same issuer.
func (ch *changer) logsIn(f *family, c *access.Credential) bool {
	e := f.ledger()[c.Ref()]
	if e == nil || e.Removed() {
		return false
	}
	old, _ := e.Credential()
	return ch.creds.mountOf(old) == ch.creds.mountOf(c)
}

// writeOwn writes the policy that a change is about, if all that follow can be written as well.
func (w *writer) writeOwn(ctx context.Context, f *family, d *ledger.Draft, own access.IdentityID) error {
	for _, id := range f.order() {
		if _, err := f.text(d, id); err != nil {
			return err
		}
	}
	return w.writeOne(ctx, f, d, own)
}

// writeOthers writes the policies that follow from the own one.
func (w *writer) writeOthers(ctx context.Context, f *family, d *ledger.Draft, own access.IdentityID) error {
	for _, id := range f.order() {
		if id == own {
			continue
		}
		if err := w.writeOne(ctx, f, d, id); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) writeOne(ctx context.Context, f *family, d *ledger.Draft, id access.IdentityID) error {
	text, err := f.text(d, id)
	if err != nil {
		return err
	}
	version := 0
	if was := f.documents[id]; was != nil {
		if was.Text == text {
			return nil
		}
		version = was.Version
	}
	written, err := w.store.Write(ctx, id, text, version)
	if err == nil {
		f.documents[id] = written
	}
	return err
}

// sameAbove says errChanged where what is above an identity was changed since a family was read.
func (w *writer) sameAbove(ctx context.Context, f *family, d *ledger.Draft, own access.IdentityID) error {
	for id, was := range f.documents {
		if id == own || !hangsOn(d.Ledger, own, id) {
			continue
		}
		now, err := w.store.Fetch(ctx, id)
		if err != nil {
			return err
		}
		if now == nil || now.Version != was.Version {
			return store.ErrChanged
		}
	}
	return nil
}

// answer is what a put says: what was issued is told in it, and only in it.
func (ch *changer) answer(ctx context.Context, p *putting, is *issuer) (*access.Record, error) {
	e := p.placed.Entry
	if now := p.ledger[e.Ref()]; now != nil {
		e = now
	}
	r, err := ch.observer.record(p.ledger, e)
	if err == nil {
		r.Held = p.held
		for _, l := range e.Adopted.Left() {
			r.Adopted = append(r.Adopted, undeclared(l))
		}
	}
	if c, ok := e.Credential(); ok && err == nil && c.Kind() == access.Federated {
		r.Drift, err = ch.fed.trustDrift(ctx, c.Federated.Issuer, nil, nil) // no change of a credential repairs it
	}
	if err != nil || r.Issued == nil || !p.placed.Tell {
		return r, err
	}
	return r, ch.observer.tell(ctx, e, r, is.texts)
}

// tell adds what was given out to a record: the sealed secret, or the certificate, whose text may be known already.
func (ob *observer) tell(ctx context.Context, e *ledger.Entry, r *access.Record, known map[string]string) (err error) {
	i, _ := e.Newest()
	r.Issued.Sealed = i.Sealed
	if i.Serial != "" {
		if r.Issued.Text = known[i.Serial]; r.Issued.Text == "" {
			r.Issued.Text, err = ob.certs.text(ctx, i)
		}
	}
	return err
}

// Tell returns what was last issued for a credential, with what was given out.
func (ob *observer) Tell(ctx context.Context, ref access.Ref) (*access.Issued, error) {
	snap, err := ob.store.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was issued for %s: %w", ref, err)
	}
	e := snap.Ledger[ref]
	if e == nil {
		return nil, fmt.Errorf("read what was issued for %s: %w", ref, access.ErrNotFound)
	}
	r, err := ob.record(snap.Ledger, e)
	if err == nil && r.Issued == nil {
		err = access.ErrNotFound
	}
	if err == nil {
		err = ob.tell(ctx, e, r, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("read what was issued for %s: %w", ref, err)
	}
	return r.Issued, nil
}
