// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// kinds are those that are offered.
var kinds = []access.Kind{access.Federated, access.Secret}

// Put creates or changes one object, and returns when IAM answers with it.
func (s *System) Put(ctx context.Context, change access.Change) (*access.Record, error) {
	ref := change.Object.Ref()
	r, err := s.putting(ctx, change)
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

func (s *System) putting(ctx context.Context, change access.Change) (*access.Record, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if c, ok := change.Object.(*access.Credential); ok && !slices.Contains(kinds, c.Kind()) {
		return nil, fmt.Errorf("%s: %w", refused(c.Kind()), access.ErrUnsupported)
	}
	id := change.Object.Holder()
	defer s.turn(id)()
	if err := s.Enter(ctx); err != nil {
		return nil, err
	}
	if err := s.store.identify(ctx); err != nil {
		return nil, err
	}
	var a *proposal
	err := again(ctx, func() (err error) { a, err = s.propose(ctx, change); return err })
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // it is written
	if err := s.follow(ctx, change.Object, a); err != nil {
		return nil, err
	}
	return s.answerTo(ctx, a)
}

// propose decides on what is there now, and writes the page. With that the change is made; what follows from it can be made by anybody.
func (s *System) propose(ctx context.Context, change access.Change) (*proposal, error) {
	id := change.Object.Holder()
	f, err := s.familyOf(ctx, change.Object)
	if err != nil {
		return nil, err
	}
	if err := s.mayChange(ctx, f, change); err != nil {
		return nil, err
	}
	if change.Cuts.Held { // then it was seen, and only the mark is of now
		change.Cuts.Last = access.Latest(change.Cuts.Last, f.heeded)
	}
	if err := s.beside(ctx, f, change); err != nil {
		return nil, err
	}
	adopted, held, err := s.adopting(ctx, f, change)
	if err != nil {
		return nil, err
	}
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	is := &issuer{System: s, ctx: ctx, family: f}
	a := &proposal{family: f, draft: f.draft(now, is), adopted: adopted, cut: held}
	err = s.write(ctx, a, change)
	if cannotIssue(err) && f.ledger().TakesAway(change) {
		if lost := is.takeBack(id); lost != nil {
			return nil, errors.Join(err, lost)
		}
		change.Wait = true
		a = &proposal{family: f, draft: f.draft(now, is), without: err}
		err = s.write(ctx, a, change)
	}
	if err != nil {
		return nil, errors.Join(err, is.takeBack(id))
	}
	return a, nil
}

// mayChange refuses a change of what cannot be read or is not ready. A page of another identity that cannot be read stops only what gives
// more, and so does IAM where it may not be asked what was cut by hand.
func (s *System) mayChange(ctx context.Context, f *family, change access.Change) error {
	id := change.Object.Holder()
	for _, p := range f.pages {
		err := p.broken(s.store.where(keyOf(p.id)))
		if err != nil && (p.id == id || !lessens(f.pages[id], change)) {
			return err
		}
	}
	if err := s.heed(ctx, f, id); err != nil && (!errors.Is(err, access.ErrNotPermitted) || gives(change.Object, f.pages[id])) {
		return err
	}
	if c, ok := change.Object.(*access.Credential); ok {
		if e := f.pages[id].entries[id.Ref()]; e != nil && len(e.Adopted.Left()) > 0 { // whose cut is that of its identity
			if err := s.heedCuts(ctx, f, id); err != nil && (!errors.Is(err, access.ErrNotPermitted) || gives(c, f.pages[id])) {
				return err
			}
		}
		return s.ready(ctx, f, c)
	}
	return nil
}

// write places the object and writes its page.
func (s *System) write(ctx context.Context, a *proposal, change access.Change) (err error) {
	f, id := a.family, change.Object.Holder()
	if a.placed, err = a.draft.Place(change); err != nil {
		return err
	}
	a.adopt()
	if a.placed.Hold { // while something of its partner is cut by hand, all that is new of it is
		if err := s.store.mark(context.WithoutCancel(ctx), change.Object.Ref().ID); err != nil {
			return err
		}
		if f.holds, err = s.store.marks(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		a.draft.Holds = f.holds
	}
	a.draft.Settle()
	next := drafted(f.pages[id], a.draft)
	next.lifting = next.lifting || a.placed.Lifts
	if g, ok := change.Object.(*access.Grant); ok && widens(f.pages[id], g) {
		if err := s.fits(a.draft.Ledger, next); err != nil {
			return err
		}
	}
	if err := context.Cause(ctx); err != nil && f.pages[id].etag == "" {
		return err
	}
	written, err := s.store.write(context.WithoutCancel(ctx), next)
	if err != nil {
		return err
	}
	f.pages[id] = written
	return s.spend(context.WithoutCancel(ctx), f, change.Object)
}

// lessens reports whether a change only takes away: then it matters to nobody that what is above it cannot be read.
func lessens(p *page, change access.Change) bool {
	e := p.entries[change.Object.Ref()]
	return e != nil && !e.Removed() && change.Issue == access.IssueKeep && access.Narrows(e.Object, change.Object)
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
func (s *System) ready(ctx context.Context, f *family, c *access.Credential) error {
	p := f.pages[c.IdentityID]
	e := p.entries[c.Ref()]
	if e == nil || e.Removed() {
		if err := s.fits(f.ledger(), p, c); err != nil {
			return err
		}
		if err := s.judged(ctx); err != nil {
			return err
		}
	} else if before, ok := e.Credential(); ok && c.Federated != nil && before.Federated != nil {
		more := func(a string) bool { return !slices.Contains(before.Federated.Audiences, a) }
		if before.Federated.Issuer == c.Federated.Issuer && !slices.ContainsFunc(c.Federated.Audiences, more) {
			return nil // less is not refused because IAM does not tell whom the account trusts
		}
		if err := s.heedTrust(ctx, f, before); err != nil {
			return err
		}
	}
	if c.Federated != nil && !c.Federated.Account() && p.identity() != nil {
		return s.trustIssuer(ctx, f, *c.Federated)
	}
	return nil
}

// heed looks whether somebody cut an identity by hand, and marks that beside the page: so it outlives the principals. What a release has
// yet to take away is no new cut.
func (s *System) heed(ctx context.Context, f *family, id access.IdentityID) error {
	p := f.pages[id]
	if p.lifting {
		return nil
	}
	held, err := s.heldByHand(ctx, p)
	if err != nil || !held {
		return err
	}
	e := p.entries[id.Ref()]
	if e != nil && f.holds.Holding(e) { // it is known
		return nil
	}
	if err := s.store.mark(context.WithoutCancel(ctx), id.String()); err != nil {
		return err
	}
	f.holds, err = s.store.marks(ctx)
	f.heeded = f.holds[id.String()]
	return err
}

// gives reports whether a change may make a principal that bears no cut of before.
func gives(o access.Object, p *page) bool {
	c, is := o.(*access.Credential)
	return is && (c.Secret != nil || p.entries[c.Ref()] == nil)
}

// heldByHand reports whether a principal of an identity was cut by hand.
func (s *System) heldByHand(ctx context.Context, p *page) (bool, error) {
	for _, x := range p.principals {
		text, err := s.inlineText(ctx, x, holdPolicy)
		if err == nil && cuts(text) {
			return true, nil
		}
		if gone(err) != nil {
			return false, err
		}
	}
	return false, nil
}

// follow brings in line what follows from a page that was written. Whoever changes it meanwhile, or what is above it, may not have seen
// this change: it looks again, and the last one to look sees all.
func (s *System) follow(ctx context.Context, o access.Object, a *proposal) error {
	id, f := o.Holder(), a.family
	defer func() { a.family.holds = f.holds }() // what was found to be cut on the way
	return again(ctx, func() error {
		if o.Ref().Type == access.TypeIdentity { // whoever hung on it meanwhile follows as well
			now, err := s.familyOf(ctx, o)
			if err != nil {
				return err
			}
			f = now
		}
		err := s.alignAll(ctx, f, id)
		if errors.Is(err, errChanged) && o.Ref().Type != access.TypeIdentity {
			f = &family{pages: map[access.IdentityID]*page{}, holds: f.holds, making: f.making}
			if failed := s.above(ctx, f, id); failed != nil {
				return failed
			}
		}
		return err
	})
}

// alignAll brings the principals of an identity, and of all that hang on it, in line with their pages. errChanged where one of these is
// another one by then: what was written last may be of before.
func (s *System) alignAll(ctx context.Context, f *family, id access.IdentityID) error {
	var late error
	for _, one := range append([]access.IdentityID{id}, f.below(id)...) {
		p := f.pages[one]
		if p == nil || p.damage != nil {
			continue
		}
		aligned, err := s.realize(ctx, f, p)
		if err != nil && !errors.Is(err, access.ErrRemains) {
			return err
		}
		f.pages[one], late = aligned, cmp.Or(late, err) // a key that lives on elsewhere keeps nothing from the others
	}
	return cmp.Or(s.same(ctx, f, id), late)
}

// same says errChanged where a page that something was brought in line with is another one now.
func (s *System) same(ctx context.Context, f *family, id access.IdentityID) error {
	if len(f.pages[id].principals) == 0 && len(f.below(id)) == 0 {
		return nil
	}
	for n := 0; id != (access.IdentityID{}) && n <= len(f.pages); n++ {
		p := f.pages[id]
		if p == nil {
			return nil
		}
		if now, err := s.store.fetch(ctx, id); err != nil {
			return err
		} else if now.etag != p.etag {
			return errChanged
		}
		id = parentOf(p)
	}
	return nil
}

// answerTo returns what a put says: what was issued is told in it, and only in it.
func (s *System) answerTo(ctx context.Context, a *proposal) (*access.Record, error) {
	e := a.placed.Entry
	if now := a.draft.Ledger[e.Ref()]; now != nil {
		e = now
	}
	r, err := s.record(ctx, a.draft.Ledger, e)
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
