// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// remover removes objects: it marks them removed in the pages first, so that none is lost, and forgets them once IAM
// has nothing of them.
type remover struct {
	at       *account
	store    *pages
	turns    *turns
	reader   *reader
	issuers  *issuers
	finder   *finder
	lookout  *lookout
	keymaker *keymaker
	cutter   *cutter
	aligner  *aligner
}

// Delete revokes an object of a uid, and verifies that nothing of it remains. It returns what went with it, of an
// identity everything under it. access.ErrNotFound if no page and nothing in IAM is of that uid; access.ErrRemains if
// something still works.
func (rm *remover) Delete(ctx context.Context, ref access.Ref, uid string) ([]access.Ref, error) {
	swept, err := rm.deleting(ctx, ref, uid)
	if err != nil {
		return nil, fmt.Errorf("delete %s: %w", ref, err)
	}
	return swept, nil
}

// deleting does that in three steps: it strikes in the pages, from the top; removes what IAM has and forgets, from the
// bottom; and gives up trust in issuers that nobody needs. From the second on it is not interrupted, since what was
// struck gives nothing any more.
func (rm *remover) deleting(ctx context.Context, ref access.Ref, uid string) ([]access.Ref, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	// a removal is tried also if AWS seems away
	ctx = access.Insisting(ctx)
	defer rm.turns.turn(holder)()
	if err := rm.finder.atHome(ctx); err != nil {
		return nil, err
	}
	there, err := rm.store.Fetch(ctx, holder)
	if err != nil {
		return nil, err
	}
	if there.Damage != nil {
		return nil, rm.clear(ctx, ref, there)
	}
	var victims []*ledger.Entry
	err = store.Again(ctx, func() (err error) { victims, err = rm.strike(ctx, ref, holder, uid); return err })
	if errors.Is(err, access.ErrNotFound) {
		return nil, rm.clearLost(ctx, ref, there, err)
	}
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	ids := []access.IdentityID{holder}
	var swept []access.Ref
	for _, v := range victims[1:] {
		swept = append(swept, v.Ref())
		if id := v.Object.Holder(); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, id := range slices.Backward(ids) {
		if err := store.Again(ctx, func() error { return rm.finish(ctx, id, victims) }); err != nil {
			return nil, err
		}
	}
	rm.distrustAll(ctx, victims)
	return swept, nil
}

// strike marks what is to go in the pages, the object's own first. From then on nobody makes more of it: whoever draws
// up a page below it finds that what it hangs on is gone. Before each page is written, cuts by hand are noticed, which
// the removal would hide.
func (rm *remover) strike(ctx context.Context, ref access.Ref, holder access.IdentityID, uid string) ([]*ledger.Entry,
	error) {
	bare, err := access.Bare(ref)
	if err != nil {
		return nil, err
	}
	f, err := rm.store.FamilyOf(ctx, bare)
	if err != nil {
		return nil, err
	}
	if err := f.Pages[holder].Broken(rm.store.Where(store.KeyOf(holder))); err != nil {
		return nil, err
	}
	if err := rm.lookout.heedIfSeen(ctx, f, holder); err != nil {
		return nil, err
	}
	now, err := rm.store.Now(ctx)
	if err != nil {
		return nil, err
	}
	d := f.Draft(now, &issuer{keymaker: rm.keymaker, ctx: ctx, family: f})
	victims, err := d.Strike(ref, uid)
	if err != nil {
		return nil, err
	}
	for _, id := range append([]access.IdentityID{holder}, f.Below(holder)...) {
		if f.Pages[id] == nil || !anyNewlyStruck(id, victims) {
			continue
		}
		if id != holder {
			if err := rm.lookout.heedIfSeen(ctx, f, id); err != nil {
				return nil, err
			}
		}
		written, err := rm.store.Write(context.WithoutCancel(ctx), store.Drafted(f.Pages[id], d))
		if err != nil {
			return nil, err
		}
		f.Pages[id] = written
	}
	return victims, nil
}

// anyNewlyStruck reports whether something of an identity is among what is struck, and was not before.
func anyNewlyStruck(id access.IdentityID, victims []*ledger.Entry) bool {
	return slices.ContainsFunc(victims, func(v *ledger.Entry) bool {
		return v.Object.Holder() == id && !v.Removed()
	})
}

// finish removes what IAM has of what was struck of an identity, and then forgets it. Each of its steps may have been
// done before, by a process that died: then it finds nothing to do, and goes on.
func (rm *remover) finish(ctx context.Context, id access.IdentityID, victims []*ledger.Entry) error {
	f, err := rm.struckFamily(ctx, id)
	if err != nil {
		return err
	}
	p, err := rm.aligner.realize(ctx, f, f.Pages[id])
	if err != nil && !errors.Is(err, client.ErrNobody) { // all that gives something was brought in line
		return err
	}
	f.Pages[id] = p
	if err := rm.keysGone(ctx, id, victims); err != nil {
		return err
	}
	now, err := rm.store.Now(ctx)
	if err != nil {
		return err
	}
	refs := struck(p, victims)
	if len(refs) == 0 { // somebody else was here, or it was made anew
		return nil
	}
	d := f.Draft(now, &issuer{keymaker: rm.keymaker, ctx: ctx, family: f})
	d.Forget(refs...)
	next := store.Drafted(p, d)
	next.Stone = next.Stone.Pruned(now, f.Holds.Any(id.Partner))
	_, err = rm.store.Write(ctx, next)
	return err
}

// struckFamily reads an identity and what is above it as it was declared, also where that was struck with it: what
// stays is held through it, and ends with it, until all of it is gone.
func (rm *remover) struckFamily(ctx context.Context, id access.IdentityID) (*family, error) {
	holds, err := rm.store.Marks(ctx)
	if err != nil {
		return nil, err
	}
	f := &family{Pages: map[access.IdentityID]*page{}, Holds: holds, Removing: true}
	return f, rm.store.Climb(ctx, f, id, declaredParent)
}

// keysGone returns an error if a key with which one of the struck identities adopted a user lives on elsewhere.
func (rm *remover) keysGone(ctx context.Context, id access.IdentityID, victims []*ledger.Entry) error {
	for _, v := range victims {
		if v.Object.Holder() != id {
			continue
		}
		if err := rm.at.movedKeys(ctx, store.AdoptedOf(id), keysOfLogins(v.Adopted)); err != nil {
			return err
		}
	}
	return nil
}

// struck returns what of the victims a page still has marked as removed. What was made anew under the name of one has
// another uid, and is left alone.
func struck(p *page, victims []*ledger.Entry) (refs []access.Ref) {
	for _, v := range victims {
		e := p.Entries[v.Ref()]
		if e != nil && e.Removed() && e.History.UID == v.History.UID {
			refs = append(refs, v.Ref())
		}
	}
	return refs
}

// declaredParent returns the identity above one, also if the removal of this one was begun.
func declaredParent(p *page) access.IdentityID {
	if e := p.Entries[p.ID.Ref()]; e != nil {
		if i, ok := e.Object.(*access.Identity); ok {
			return i.ParentID
		}
	}
	return access.IdentityID{}
}

// distrustAll removes the trust in issuers that nobody needs any more. It gives nobody anything, so what fails is left
// to the next removal, and is no harm to this one.
func (rm *remover) distrustAll(ctx context.Context, victims []*ledger.Entry) {
	done := map[string]bool{}
	for _, v := range victims {
		c, ok := v.Credential()
		if ok &&
			c.Federated != nil &&
			!c.Federated.Account() &&
			!done[c.Federated.Issuer] {
			done[c.Federated.Issuer] = true
			_ = rm.issuers.distrust(ctx, c.Federated.Issuer)
		}
	}
}

// clear removes what there is under the name of an object whose page cannot be read or does not know it, and with an
// identity its page. What was cut by hand stays so. A grant cannot be told from others then: the identity gives nothing
// any more, until its page is restored or it is removed.
func (rm *remover) clear(ctx context.Context, ref access.Ref, p *page) error {
	ctx = context.WithoutCancel(ctx)
	all, err := rm.finder.leftOf(ctx, p.ID)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(x left) bool { return !x.of(ref) })
	for _, x := range all {
		if text, err := rm.at.inlineText(ctx, x.principal, holdPolicy); err == nil && cuts(text) {
			if err := rm.store.Mark(ctx, p.ID.String()); err != nil {
				return err
			}
			break
		}
	}
	for _, x := range all {
		if ref.Type == access.TypeGrant {
			err = client.Gone(rm.at.putInline(ctx, x.principal, cutPolicy, policy.Cut().JSON()))
		} else {
			err = rm.cutter.destroy(ctx, p.ID, x.principal)
		}
		if err != nil {
			return err
		}
	}
	if ref.Type != access.TypeIdentity || p.Damage == nil {
		return nil
	}
	return rm.store.Discard(ctx, p)
}

// clearLost removes what IAM has of an object that no page knows; notFound if there is nothing.
func (rm *remover) clearLost(ctx context.Context, ref access.Ref, p *page, notFound error) error {
	if err := rm.finder.lost(ctx, ref, p); errors.Is(err, access.ErrNotFound) {
		return notFound
	} else if !errors.Is(err, access.ErrDamaged) {
		return err
	}
	return rm.clear(ctx, ref, p)
}
