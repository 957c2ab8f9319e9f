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

// Delete revokes an object of a uid, and verifies that nothing of it remains.
func (s *System) Delete(ctx context.Context, ref access.Ref, uid string) ([]access.Ref, error) {
	swept, err := s.deleting(ctx, ref, uid)
	if err != nil {
		return nil, fmt.Errorf("delete %s: %w", ref, err)
	}
	return swept, nil
}

func (s *System) deleting(ctx context.Context, ref access.Ref, uid string) ([]access.Ref, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	defer s.turn(holder)()
	if err := s.atHome(ctx); err != nil {
		return nil, err
	}
	there, err := s.store.fetch(ctx, holder)
	if err != nil {
		return nil, err
	}
	if there.damage != nil {
		return nil, s.clear(ctx, ref, there)
	}
	var victims []*ledger.Entry
	err = again(ctx, func() (err error) { victims, err = s.strike(ctx, ref, holder, uid); return err })
	if errors.Is(err, access.ErrNotFound) {
		return nil, s.clearLost(ctx, ref, there, err)
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
		if err := again(ctx, func() error { return s.finish(ctx, id, victims) }); err != nil {
			return nil, err
		}
	}
	s.distrustAll(ctx, victims)
	return swept, nil
}

// strike marks what is to go in the pages, the object's own first. From then on nobody makes more of it.
func (s *System) strike(ctx context.Context, ref access.Ref, holder access.IdentityID, uid string) ([]*ledger.Entry, error) {
	bare, err := access.Bare(ref)
	if err != nil {
		return nil, err
	}
	f, err := s.familyOf(ctx, bare)
	if err != nil {
		return nil, err
	}
	if err := f.pages[holder].broken(s.store.where(keyOf(holder))); err != nil {
		return nil, err
	}
	if err := s.heedIfSeen(ctx, f, holder); err != nil {
		return nil, err
	}
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	d := f.draft(now, &issuer{System: s, ctx: ctx, family: f})
	victims, err := d.Strike(ref, uid)
	if err != nil {
		return nil, err
	}
	for _, id := range append([]access.IdentityID{holder}, f.below(holder)...) {
		p := f.pages[id]
		if p == nil || !slices.ContainsFunc(victims, func(v *ledger.Entry) bool { return v.Object.Holder() == id && !v.Removed() }) {
			continue
		}
		if id != holder {
			if err := s.heedIfSeen(ctx, f, id); err != nil {
				return nil, err
			}
		}
		written, err := s.store.write(context.WithoutCancel(ctx), drafted(p, d))
		if err != nil {
			return nil, err
		}
		f.pages[id] = written
	}
	return victims, nil
}

// heedIfSeen looks whether an identity was cut by hand before something of it is removed. What may not be read stops no removal.
func (s *System) heedIfSeen(ctx context.Context, f *family, id access.IdentityID) error {
	err := cmp.Or(s.heed(ctx, f, id), s.heedCuts(ctx, f, id))
	if errors.Is(err, access.ErrNotPermitted) {
		return nil
	}
	return err
}

// finish removes what IAM has of what was struck of an identity, and then forgets it.
func (s *System) finish(ctx context.Context, id access.IdentityID, victims []*ledger.Entry) error {
	f := &family{pages: map[access.IdentityID]*page{}, removing: true}
	holds, err := s.store.marks(ctx)
	if err != nil {
		return err
	}
	f.holds = holds
	if err := s.climb(ctx, f, id, declaredParent); err != nil {
		return err
	}
	p, err := s.realize(ctx, f, f.pages[id])
	if err != nil && !errors.Is(err, errNobody) { // all that gives something was brought in line
		return err
	}
	f.pages[id] = p
	for _, v := range victims {
		if v.Object.Holder() != id {
			continue
		}
		if err := s.movedKeys(ctx, adoptedOf(id), keysOfLogins(v.Adopted)); err != nil {
			return err
		}
	}
	now, err := s.Now(ctx)
	if err != nil {
		return err
	}
	d := f.draft(now, &issuer{System: s, ctx: ctx, family: f})
	var refs []access.Ref
	for _, v := range victims {
		if e := p.entries[v.Ref()]; e != nil && e.Removed() && e.History.UID == v.History.UID {
			refs = append(refs, v.Ref())
		}
	}
	if len(refs) == 0 { // somebody else was here, or it was made anew
		return nil
	}
	d.Forget(refs...)
	next := drafted(p, d)
	next.stone = next.stone.Pruned(now, f.holds.Any(id.Partner))
	_, err = s.store.write(ctx, next)
	return err
}

// declaredParent returns the identity above one, also where the removal of this was begun.
func declaredParent(p *page) access.IdentityID {
	if e := p.entries[p.id.Ref()]; e != nil {
		if i, ok := e.Object.(*access.Identity); ok {
			return i.ParentID
		}
	}
	return access.IdentityID{}
}

// distrustAll removes the trust in issuers that nobody needs any more. It gives nobody anything, so that what fails is left to the next
// removal, and is no harm to this one.
func (s *System) distrustAll(ctx context.Context, victims []*ledger.Entry) {
	done := map[string]bool{}
	for _, v := range victims {
		c, ok := v.Credential()
		if ok && c.Federated != nil && !c.Federated.Account() && !done[c.Federated.Issuer] {
			done[c.Federated.Issuer] = true
			_ = s.distrust(ctx, c.Federated.Issuer)
		}
	}
}
