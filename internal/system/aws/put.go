// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// changer changes one object at a time: it decides on what is there now, writes the page, and lets IAM follow.
type changer struct {
	at       *account
	store    *store
	turns    *turns
	issuers  *issuers
	compiler *compiler
	wording  *wording
	lookout  *lookout
	adopter  *adopter
	judge    *judge
	keymaker *keymaker
	aligner  *aligner
}

// Put creates or changes one object, and returns when IAM answers with it.
func (ch *changer) Put(ctx context.Context, change access.Change) (*access.Record, error) {
	ref := change.Object.Ref()
	r, err := ch.putting(ctx, change)
	if err != nil {
		return nil, fmt.Errorf("put %s: %w", ref, err)
	}
	return r, nil
}

// proposal is one round of a put, on what is there now.
type proposal struct {
	family *family
	draft  *ledger.Draft
	placed *ledger.Placed
	// adopted is what its identity adopts or has adopted; nil for nothing, and where something else is changed. cut: somebody cut it by hand.
	adopted *ledger.Adopted
	cut     bool
	// without says why nothing is issued in the place of what is revoked.
	without error
}

func (ch *changer) putting(ctx context.Context, change access.Change) (*access.Record, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if c, ok := change.Object.(*access.Credential); ok && !slices.Contains(kinds, c.Kind()) {
		return nil, fmt.Errorf("%s: %w", refused(c.Kind()), access.ErrUnsupported)
	}
	id := change.Object.Holder()
	defer ch.turns.turn(id)()
	if err := ch.at.Enter(ctx); err != nil {
		return nil, err
	}
	if err := ch.store.identify(ctx); err != nil {
		return nil, err
	}
	var a *proposal
	err := again(ctx, func() (err error) { a, err = ch.propose(ctx, change); return err })
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // it is written
	if err := ch.follow(ctx, change.Object, a); err != nil {
		return nil, err
	}
	return ch.answerTo(ctx, a)
}

// propose decides on what is there now, and writes the page. With that the change is made; what follows from it can be made by anybody.
func (ch *changer) propose(ctx context.Context, change access.Change) (*proposal, error) {
	id := change.Object.Holder()
	f, err := ch.store.familyOf(ctx, change.Object)
	if err != nil {
		return nil, err
	}
	if err := ch.mayChange(ctx, f, change); err != nil {
		return nil, err
	}
	if change.Cuts.Held { // then it was seen, and only the mark is of now
		change.Cuts.Last = access.Latest(change.Cuts.Last, f.heeded)
	}
	if err := ch.store.beside(ctx, f, change); err != nil {
		return nil, err
	}
	adopted, held, err := ch.adopter.adopting(ctx, f, change)
	if err != nil {
		return nil, err
	}
	now, err := ch.store.Now(ctx)
	if err != nil {
		return nil, err
	}
	is := &issuer{keymaker: ch.keymaker, ctx: ctx, family: f}
	a := &proposal{family: f, draft: f.draft(now, is), adopted: adopted, cut: held}
	err = ch.write(ctx, a, change)
	if cannotIssue(err) && f.ledger().TakesAway(change) {
		if lost := is.takeBack(id); lost != nil {
			return nil, errors.Join(err, lost)
		}
		change.Wait = true
		a = &proposal{family: f, draft: f.draft(now, is), without: err}
		err = ch.write(ctx, a, change)
	}
	if err != nil {
		return nil, errors.Join(err, is.takeBack(id))
	}
	return a, nil
}

// mayChange refuses a change of what cannot be read or is not ready. A page of another identity that cannot be read stops only what gives
// more, and so does IAM where it may not be asked what was cut by hand.
func (ch *changer) mayChange(ctx context.Context, f *family, change access.Change) error {
	id := change.Object.Holder()
	for _, p := range f.pages {
		err := p.broken(ch.store.where(keyOf(p.id)))
		if err != nil && (p.id == id || !lessens(f.pages[id], change)) {
			return err
		}
	}
	if err := ch.lookout.heed(ctx, f, id); err != nil && (!errors.Is(err, access.ErrNotPermitted) || gives(change.Object, f.pages[id])) {
		return err
	}
	if c, ok := change.Object.(*access.Credential); ok {
		if e := f.pages[id].entries[id.Ref()]; e != nil && len(e.Adopted.Left()) > 0 { // whose cut is that of its identity
			if err := ch.lookout.heedCuts(ctx, f, id); err != nil && (!errors.Is(err, access.ErrNotPermitted) || gives(c, f.pages[id])) {
				return err
			}
		}
		return ch.ready(ctx, f, c)
	}
	return nil
}

// write places the object and writes its page.
func (ch *changer) write(ctx context.Context, a *proposal, change access.Change) (err error) {
	f, id := a.family, change.Object.Holder()
	if a.placed, err = a.draft.Place(change); err != nil {
		return err
	}
	a.adopt()
	if a.placed.Hold { // while something of its partner is cut by hand, all that is new of it is
		if err := ch.store.mark(context.WithoutCancel(ctx), change.Object.Ref().ID); err != nil {
			return err
		}
		if f.holds, err = ch.store.marks(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		a.draft.Holds = f.holds
	}
	a.draft.Settle()
	next := drafted(f.pages[id], a.draft)
	next.lifting = next.lifting || a.placed.Lifts
	if g, ok := change.Object.(*access.Grant); ok && widens(f.pages[id], g) {
		if err := ch.compiler.fits(a.draft.Ledger, next); err != nil {
			return err
		}
	}
	if err := context.Cause(ctx); err != nil && f.pages[id].etag == "" {
		return err
	}
	written, err := ch.store.write(context.WithoutCancel(ctx), next)
	if err != nil {
		return err
	}
	f.pages[id] = written
	return ch.store.spend(context.WithoutCancel(ctx), f, change.Object)
}

// widens reports whether a grant gives more than before: less is never refused, though it may take more room.
func widens(p *page, g *access.Grant) bool {
	e := p.entries[g.Ref()]
	if e == nil || e.Removed() {
		return true
	}
	before, ok := e.Object.(*access.Grant)
	return !ok || before.Resource != g.Resource || g.ExpiresAt.After(before.ExpiresAt.Time) || slices.ContainsFunc(g.Actions, func(action string) bool { return !slices.Contains(before.Actions, action) })
}

// ready sees to it that a credential can be made, before anything is.
func (ch *changer) ready(ctx context.Context, f *family, c *access.Credential) error {
	p := f.pages[c.IdentityID]
	e := p.entries[c.Ref()]
	if e == nil || e.Removed() {
		if err := ch.compiler.fits(f.ledger(), p, c); err != nil {
			return err
		}
		if err := ch.judge.judged(ctx); err != nil {
			return err
		}
	} else if before, ok := e.Credential(); ok && c.Federated != nil && before.Federated != nil {
		more := func(a string) bool { return !slices.Contains(before.Federated.Audiences, a) }
		if before.Federated.Issuer == c.Federated.Issuer && !slices.ContainsFunc(c.Federated.Audiences, more) {
			return nil // less is not refused because IAM does not tell whom the account trusts
		}
		if err := ch.issuers.heedTrust(ctx, f, before); err != nil {
			return err
		}
	}
	if c.Federated != nil && !c.Federated.Account() && p.identity() != nil {
		return ch.issuers.trustIssuer(ctx, f, *c.Federated)
	}
	return nil
}

// gives reports whether a change may make a principal that bears no cut of before.
func gives(o access.Object, p *page) bool {
	c, is := o.(*access.Credential)
	return is && (c.Secret != nil || p.entries[c.Ref()] == nil)
}

// follow brings in line what follows from a page that was written. Whoever changes it meanwhile, or what is above it, may not have seen
// this change: it looks again, and the last one to look sees all.
func (ch *changer) follow(ctx context.Context, o access.Object, a *proposal) error {
	id, f := o.Holder(), a.family
	defer func() { a.family.holds = f.holds }() // what was found to be cut on the way
	return again(ctx, func() error {
		if o.Ref().Type == access.TypeIdentity { // whoever hung on it meanwhile follows as well
			now, err := ch.store.familyOf(ctx, o)
			if err != nil {
				return err
			}
			f = now
		}
		err := ch.aligner.alignAll(ctx, f, id)
		if errors.Is(err, errChanged) && o.Ref().Type != access.TypeIdentity {
			f = &family{pages: map[access.IdentityID]*page{}, holds: f.holds, making: f.making}
			if failed := ch.store.above(ctx, f, id); failed != nil {
				return failed
			}
		}
		return err
	})
}

// answerTo returns what a put says: what was issued is told in it, and only in it.
func (ch *changer) answerTo(ctx context.Context, a *proposal) (*access.Record, error) {
	e := a.placed.Entry
	if now := a.draft.Ledger[e.Ref()]; now != nil {
		e = now
	}
	r, err := ch.wording.record(ctx, a.draft.Ledger, e)
	if err != nil {
		return nil, err
	}
	r.Held = a.draft.Held(a.family.holds, r.Object)
	if a.without != nil {
		r.Drift = append(r.Drift, ledger.Without(a.without))
	}
	if r.Issued != nil && a.placed.Tell {
		i, _ := e.Newest()
		r.Issued.Sealed = i.Sealed
	}
	return r, nil
}

// adopt writes into a draft what its identity adopts. What was cut by hand stays so, but where the declaration releases it.
func (a *proposal) adopt() {
	if a.adopted == nil {
		return
	}
	changed := *a.placed.Entry
	changed.Adopted = a.adopted
	a.draft.Set(&changed)
	a.placed.Entry = &changed
	if a.cut {
		a.placed.Lifts = a.placed.Lifts || a.placed.Unspent
		a.placed.Hold = !a.placed.Lifts
	}
}
