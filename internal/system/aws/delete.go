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

// remover removes objects: it marks them removed in the pages first, so that none is lost, and forgets them once
// IAM has nothing of them.
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

// Delete revokes an object of a uid, and verifies that nothing of it remains.
func (rm *remover) Delete(ctx context.Context, ref access.Ref, uid string) ([]access.Ref, error) {
	swept, err := rm.deleting(ctx, ref, uid)
	if err != nil {
		return nil, fmt.Errorf("delete %s: %w", ref, err)
	}
	return swept, nil
}

func (rm *remover) deleting(ctx context.Context, ref access.Ref, uid string) ([]access.Ref, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
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

// strike marks what is to go in the pages, the object's own first. From then on nobody makes more of it.
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
		p := f.Pages[id]
		if p == nil ||
			!slices.ContainsFunc(victims, func(v *ledger.Entry) bool {
				return v.Object.Holder() == id && !v.Removed()
			}) {
			continue
		}
		if id != holder {
			if err := rm.lookout.heedIfSeen(ctx, f, id); err != nil {
				return nil, err
			}
		}
		written, err := rm.store.Write(context.WithoutCancel(ctx), store.Drafted(p, d))
		if err != nil {
			return nil, err
		}
		f.Pages[id] = written
	}
	return victims, nil
}

// finish removes what IAM has of what was struck of an identity, and then forgets it.
func (rm *remover) finish(ctx context.Context, id access.IdentityID, victims []*ledger.Entry) error {
	f := &family{Pages: map[access.IdentityID]*page{}, Removing: true}
	holds, err := rm.store.Marks(ctx)
	if err != nil {
		return err
	}
	f.Holds = holds
	if err := rm.store.Climb(ctx, f, id, declaredParent); err != nil {
		return err
	}
	p, err := rm.aligner.realize(ctx, f, f.Pages[id])
	if err != nil && !errors.Is(err, client.ErrNobody) { // all that gives something was brought in line
		return err
	}
	f.Pages[id] = p
	for _, v := range victims {
		if v.Object.Holder() != id {
			continue
		}
		if err := rm.at.movedKeys(ctx, store.AdoptedOf(id), keysOfLogins(v.Adopted)); err != nil {
			return err
		}
	}
	now, err := rm.store.Now(ctx)
	if err != nil {
		return err
	}
	d := f.Draft(now, &issuer{keymaker: rm.keymaker, ctx: ctx, family: f})
	var refs []access.Ref
	for _, v := range victims {
		if e := p.Entries[v.Ref()]; e != nil && e.Removed() && e.History.UID == v.History.UID {
			refs = append(refs, v.Ref())
		}
	}
	if len(refs) == 0 { // somebody else was here, or it was made anew
		return nil
	}
	d.Forget(refs...)
	next := store.Drafted(p, d)
	next.Stone = next.Stone.Pruned(now, f.Holds.Any(id.Partner))
	_, err = rm.store.Write(ctx, next)
	return err
}

// declaredParent returns the identity above one, also where the removal of this was begun.
func declaredParent(p *page) access.IdentityID {
	if e := p.Entries[p.ID.Ref()]; e != nil {
		if i, ok := e.Object.(*access.Identity); ok {
			return i.ParentID
		}
	}
	return access.IdentityID{}
}

// distrustAll removes the trust in issuers that nobody needs any more. It gives nobody anything, so that what fails is
// left to the next removal, and is no harm to this one.
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

// clear removes what there is under the name of an object whose page cannot be read or does not know it, and with
// an identity its page. What was cut by hand stays so. A grant cannot be told from others then: the identity
// gives nothing any more.
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

// clearLost removes what IAM has of an object that no page knows; notFound where there is nothing.
func (rm *remover) clearLost(ctx context.Context, ref access.Ref, p *page, notFound error) error {
	if err := rm.finder.lost(ctx, ref, p); errors.Is(err, access.ErrNotFound) {
		return notFound
	} else if !errors.Is(err, access.ErrDamaged) {
		return err
	}
	return rm.clear(ctx, ref, p)
}
