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

// tryPut makes a change on what is there now. It returns a putting also with an error, once the policy is written.
func (ch *changer) tryPut(ctx context.Context, change access.Change, is *issuer) (*putting, error) {
	if err := is.takeBack(); err != nil { // of the round before: somebody else may have revoked it
		return nil, err
	}
	id := change.Object.Holder()
	f, err := ch.writer.family(ctx, change.Object)
	if err != nil {
		return nil, err
	}
	defer ch.store.Outdate(f.documents)
	if err := f.refuse(change); err != nil {
		return nil, err
	}
	if err := ch.sweeper.finishRemoval(ctx, f, change); err != nil {
		return nil, err
	}
	c, isCredential := change.Object.(*access.Credential)
	if isCredential { // the mounts have to be there before anything is issued
		known := ch.logsIn(f, c)
		switch _, _, err := ch.creds.aliasOf(ctx, c, known); {
		case known && away(err): // what is declared can be made less, and nothing is issued
			change.Wait = true
		case err != nil:
			return nil, err
		}
	}
	adopted, fresh, err := ch.adopter.adopting(ctx, f, change)
	if err != nil {
		return nil, err
	}
	secrets, err := ch.secrets.inventory(ctx, f.documents[id], c)
	if err != nil {
		return nil, err
	}
	is.before = f.ledger()
	d := f.draft(ch.now(), is)
	secrets.forget(d)
	var placed *ledger.Placed
	if err := d.Try(func() (err error) { placed, err = d.Place(change); return err }); err != nil {
		return nil, err
	}
	if placed.Hold {
		if err := ch.store.Mark(ctx, id.String()); err != nil {
			return nil, err
		}
		marks, err := ch.store.Marks(ctx, d.Ledger, change.Object)
		if err != nil {
			return nil, err
		}
		maps.Copy(f.holds, marks)
		d.Holds = f.holds
	}
	note(d, placed, adopted)
	if fresh {
		f.dead = append(f.dead, begun(id, adopted))
	}
	d.Settle()
	f.outdate(d, change, ch.options.Session)
	f.dead = append(f.dead, secrets.unknown...)
	for _, serial := range is.unknown {
		f.dead = append(f.dead, store.Lost{ID: id, Kind: access.Certificate, Serial: serial})
	}
	entities, err := ch.standings(ctx, f, d, change, placed)
	if err != nil {
		return nil, err
	}
	change.Object = placed.Entry.Object // its sets in order, as it is read later
	before := f.ledger()
	p := &putting{ledger: d.Ledger, placed: placed, held: entities[id].held || d.Held(f.holds, placed.Entry.Object)}
	if err := ch.writer.writeOwn(ctx, f, d, id); err != nil {
		return nil, err
	}
	if change.Object.Ref() == id.Ref() {
		if _, more := f.stones[id].Noting(placed.Entry); more && len(placed.Entry.History.Released) > 0 {
			if err := ch.store.Remember(ctx, placed.Entry, time.Time{}); err != nil {
				return p, err
			}
		}
	}
	is.keep(d.Ledger[change.Object.Ref()].Issued)
	if takesOver(f.documents[id]) && entities[id].entity == nil { // else it was looked at before
		if err := ch.adopter.claimedAlone(ctx, id, adopted); err != nil {
			return nil, err
		}
	}
	if err := ch.writer.writeOthers(ctx, f, d, id); err != nil {
		return p, err
	}
	// Whoever changes what is above meanwhile did not see this object: look again, now that it is there.
	if err := ch.writer.sameAbove(ctx, f, d, id); err != nil {
		return p, err
	}
	return p, ch.realize(ctx, f, d, before, change, entities)
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
