// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// changer changes one object at a time: it decides on what is there now, writes the page, and lets IAM follow.
type changer struct {
	at       *account
	store    *pages
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

// proposal is one round of a put, on what is there now. If somebody else writes a page of the family meanwhile, it is
// thrown away, and the next round begins anew.
type proposal struct {
	// family is what was read, placed what the draft made of the change.
	family *family
	draft  *ledger.Draft
	placed *ledger.Placed
	// adopted is what its identity adopts or has adopted; nil for nothing, and if something else is changed. cut:
	// somebody cut it by hand.
	adopted *ledger.Adopted
	cut     bool
	// without is why nothing is issued in the place of what is revoked; nil if something is, or nothing was asked for.
	without error
}

// putting makes the change by writing the page, as often as somebody else comes between, and then lets IAM follow. The
// page is the moment of decision: before it, a change that fails or is stopped takes back what it has made; after it,
// the change is carried out to its end.
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
	if err := ch.store.Identify(ctx); err != nil {
		return nil, err
	}
	var a *proposal
	err := store.Again(ctx, func() (err error) { a, err = ch.propose(ctx, change); return err })
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // it is written
	if err := ch.follow(ctx, change.Object, a); err != nil {
		return nil, err
	}
	return ch.answerTo(ctx, a)
}

// propose decides on what is there now, and writes the page. With that the change is made; what follows from it can be
// made by anybody.
//
// What takes access away goes through even if nothing can be issued in its place: the draft is made again without that,
// and the answer says why (TestAStolenKeyEndsAlsoWhereNoOtherCanBeMade). What the first try made in IAM is taken back
// before.
func (ch *changer) propose(ctx context.Context, change access.Change) (*proposal, error) {
	id := change.Object.Holder()
	f, err := ch.store.FamilyOf(ctx, change.Object)
	if err != nil {
		return nil, err
	}
	if err := ch.mayChange(ctx, f, change); err != nil {
		return nil, err
	}
	// the plan saw that it was cut, and only the mark of that is of now: a release of it is none of a later cut
	if change.Cuts.Held {
		change.Cuts.Last = access.Latest(change.Cuts.Last, f.Heeded)
	}
	if err := ch.store.Beside(ctx, f, change); err != nil {
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
	a := &proposal{family: f, draft: f.Draft(now, is), adopted: adopted, cut: held}
	err = ch.write(ctx, a, change)
	if client.CannotIssue(err) && f.Ledger().TakesAway(change) {
		if lost := is.takeBack(id); lost != nil {
			return nil, errors.Join(err, lost)
		}
		change.Wait = true
		a = &proposal{family: f, draft: f.Draft(now, is), without: err}
		err = ch.write(ctx, a, change)
	}
	if err != nil {
		return nil, errors.Join(err, is.takeBack(id))
	}
	return a, nil
}

// mayChange refuses a change of what cannot be read or is not ready, and notices before it whether somebody cut the
// identity by hand. If IAM may not be asked for that, only what gives more is refused.
func (ch *changer) mayChange(ctx context.Context, f *family, change access.Change) error {
	id := change.Object.Holder()
	if err := ch.readable(f, change); err != nil {
		return err
	}
	unseen := func(err error) error {
		if errors.Is(err, access.ErrNotPermitted) && !gives(change.Object, f.Pages[id]) {
			return nil
		}
		return err
	}
	if err := unseen(ch.lookout.heed(ctx, f, id)); err != nil {
		return err
	}
	c, ok := change.Object.(*access.Credential)
	if !ok {
		return nil
	}
	if f.Pages[id].HasAdopted() { // the cut of an adopted user is one of its identity
		if err := unseen(ch.lookout.heedCuts(ctx, f, id)); err != nil {
			return err
		}
	}
	return ch.ready(ctx, f, c)
}

// readable returns an error if a page cannot be read that a change follows from: its own, or, if it gives more, any of
// those above and below it.
func (ch *changer) readable(f *family, change access.Change) error {
	id := change.Object.Holder()
	for _, p := range f.Pages {
		err := p.Broken(ch.store.Where(store.KeyOf(p.ID)))
		if err != nil && (p.ID == id || !store.Lessens(f.Pages[id], change)) {
			return err
		}
	}
	return nil
}

// write places the object and writes its page. The mark of a hold comes before the page, so that a process which dies
// in between leaves something held, and never something new that is not. A release is noted beside the page after it,
// since the page says it, too.
func (ch *changer) write(ctx context.Context, a *proposal, change access.Change) (err error) {
	f, id := a.family, change.Object.Holder()
	if a.placed, err = a.draft.Place(change); err != nil {
		return err
	}
	a.adopt()
	// while something of its partner is cut by hand, all that is new of it is
	if a.placed.Hold {
		if err := ch.store.Mark(context.WithoutCancel(ctx), change.Object.Ref().ID); err != nil {
			return err
		}
		if f.Holds, err = ch.store.Marks(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		a.draft.Holds = f.Holds
	}
	a.draft.Settle()
	next := store.Drafted(f.Pages[id], a.draft)
	next.Lifting = next.Lifting || a.placed.Lifts
	if g, ok := change.Object.(*access.Grant); ok && widens(f.Pages[id], g) {
		if err := ch.compiler.fits(a.draft.Ledger, next); err != nil {
			return err
		}
	}
	// a stop counts as long as nothing of the identity was written
	if err := context.Cause(ctx); err != nil && f.Pages[id].ETag == "" {
		return err
	}
	written, err := ch.store.Write(context.WithoutCancel(ctx), next)
	if err != nil {
		return err
	}
	f.Pages[id] = written
	return ch.store.Spend(context.WithoutCancel(ctx), f, change.Object)
}

// widens reports whether a grant gives more than before, by its own words: only then it has to fit. Less is never
// refused, though it may take more room.
func widens(p *page, g *access.Grant) bool {
	e := p.Entries[g.Ref()]
	if e == nil || e.Removed() {
		return true
	}
	before, ok := e.Object.(*access.Grant)
	return !ok ||
		before.Resource != g.Resource ||
		g.ExpiresAt.After(before.ExpiresAt.Time) ||
		slices.ContainsFunc(g.Actions, func(action string) bool { return !slices.Contains(before.Actions, action) })
}

// ready sees to it that a credential can be made, before anything is: what it needs fits, the cloud judges policies,
// and the account trusts its issuer.
func (ch *changer) ready(ctx context.Context, f *family, c *access.Credential) error {
	p := f.Pages[c.IdentityID]
	if e := p.Entries[c.Ref()]; e == nil || e.Removed() {
		if err := ch.readyNew(ctx, f, c); err != nil {
			return err
		}
	} else if before, ok := e.Credential(); ok && c.Federated != nil && before.Federated != nil {
		if narrowsTrust(before.Federated, c.Federated) {
			return nil // less is not refused because IAM does not tell whom the account trusts
		}
		if err := ch.issuers.heedTrust(ctx, f, before); err != nil {
			return err
		}
	}
	if c.Federated != nil && !c.Federated.Account() && p.Identity() != nil {
		return ch.issuers.trustIssuer(ctx, f, *c.Federated)
	}
	return nil
}

// readyNew sees to it that a new credential has room, and that the cloud judges what will end it.
func (ch *changer) readyNew(ctx context.Context, f *family, c *access.Credential) error {
	if err := ch.compiler.fits(f.Ledger(), f.Pages[c.IdentityID], c); err != nil {
		return err
	}
	return ch.judge.judged(ctx)
}

// narrowsTrust reports whether a trust is in the same issuer as before, for no audience more.
func narrowsTrust(before, after *access.FederatedTrust) bool {
	more := func(audience string) bool { return !slices.Contains(before.Audiences, audience) }
	return before.Issuer == after.Issuer && !slices.ContainsFunc(after.Audiences, more)
}

// gives reports whether a change may make a principal that bears no cut of before: a new role, or the next key.
func gives(o access.Object, p *page) bool {
	c, is := o.(*access.Credential)
	return is && (c.Secret != nil || p.Entries[c.Ref()] == nil)
}

// follow brings in line what follows from a page that was written. Whoever changes the page meanwhile, or one above it,
// may not have seen this change: it looks again, and the last one to look sees all (Store.Same). So of two processes
// that change one identity, whichever writes IAM last has read both changes.
func (ch *changer) follow(ctx context.Context, o access.Object, a *proposal) error {
	id, f := o.Holder(), a.family
	// what was found to be cut on the way is told in the answer
	defer func() { a.family.Holds = f.Holds }()
	return store.Again(ctx, func() error {
		if o.Ref().Type == access.TypeIdentity { // whoever hung on it meanwhile follows as well
			now, err := ch.store.FamilyOf(ctx, o)
			if err != nil {
				return err
			}
			f = now
		}
		err := ch.aligner.alignAll(ctx, f, id)
		if errors.Is(err, client.ErrChanged) && o.Ref().Type != access.TypeIdentity {
			f = &family{Pages: map[access.IdentityID]*page{}, Holds: f.Holds, Making: f.Making}
			if failed := ch.store.Above(ctx, f, id); failed != nil {
				return failed
			}
		}
		return err
	})
}

// answerTo returns what a put says: what was issued is told in it, and only in it. The entry is taken from the draft,
// since settling may have changed it.
func (ch *changer) answerTo(ctx context.Context, a *proposal) (*access.Record, error) {
	e := a.placed.Entry
	if now := a.draft.Ledger[e.Ref()]; now != nil {
		e = now
	}
	r, err := ch.wording.record(ctx, a.draft.Ledger, e)
	if err != nil {
		return nil, err
	}
	r.Held = a.draft.Held(a.family.Holds, r.Object)
	if a.without != nil {
		r.Drift = append(r.Drift, ledger.Without(a.without))
	}
	if r.Issued != nil && a.placed.Tell {
		i, _ := e.Newest()
		r.Issued.Sealed = i.Sealed
	}
	return r, nil
}

// adopt writes into a draft what its identity adopts. What was cut by hand stays so, unless the declaration releases it
// by a value that was not used before.
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
