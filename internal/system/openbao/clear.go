// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// unrecorded says why something can be under the name of an object that no ledger holds: its record is damaged, or is
// gone and something is left. ErrNotFound where there is nothing to clear, or only what is of another uid.
func (rm *remover) unrecorded(ctx context.Context, f *family, ref access.Ref, uid string) (string, error) {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return "", err
	}
	d := f.documents[holder]
	if d != nil && d.Entries[ref] != nil {
		return "", access.ErrNotFound // it is of another uid
	}
	if damage := d.Broken(); damage != nil {
		return text(damage), nil
	}
	left, other, err := rm.observer.leftovers(ctx, d, ref, f.foreign[holder] != nil)
	if err != nil {
		return "", err
	}
	if len(left) == 0 || (other != "" && other != uid) {
		return "", access.ErrNotFound
	}
	return withoutPolicy(holder, left...), nil
}

// clear removes what stands under the name of an object that no ledger holds: its record is damaged, or was removed by
// hand. ErrNotFound where nothing does, or where what does is of another uid.
func (rm *remover) clear(ctx context.Context, ref access.Ref, holder access.IdentityID, uid string) ([]access.Ref,
	error) {
	own, err := access.Bare(ref)
	if err != nil {
		return nil, err
	}
	victims := []*ledger.Entry{{Object: own, History: access.History{UID: uid}}}
	var f *family
	var found finds
	err = store.Again(ctx, func() error {
		if f, err = rm.writer.familyOf(ctx, own); err != nil {
			return err
		}
		what, err := rm.unrecorded(ctx, f, ref, uid)
		if err != nil {
			return err
		}
		found.add(ref, what)
		var below []*ledger.Entry
		if ref.Type == access.TypeIdentity {
			below = f.ledger().Under(holder)
		}
		victims = append(victims[:1:1], below...)
		return rm.closePolicies(ctx, f, ref, holder, below)
	})
	if err != nil {
		return nil, err
	}
	defer rm.store.Outdate(f.documents)
	swept, err := rm.clearRest(ctx, f, ref, holder, victims)
	if err == nil {
		rm.notes.note(found)
	}
	return swept, err
}

// closePolicies writes the policies without what is to go, or removes one that is not ours: from
// then on they give nothing.
func (rm *remover) closePolicies(ctx context.Context, f *family, ref access.Ref, holder access.IdentityID,
	below []*ledger.Entry) error {
	draft := f.draft(rm.now(), &issuer{by: rm.creds, ctx: ctx})
	draft.Mark(below)
	draft.Settle()
	switch d := f.documents[holder]; {
	case d != nil:
		mended := *d
		mended.Unread = slices.DeleteFunc(slices.Clone(d.Unread), func(l string) bool {
			return ref.Type != access.TypeIdentity &&
				strings.Contains(l, `"`+ref.ID+`"`) &&
				strings.Contains(l, `"`+string(ref.Type)+`"`)
		})
		f.documents[holder] = &mended
		if err := rm.writer.writeOwn(ctx, f, draft, holder); err != nil {
			return err
		}
	case f.foreign[holder] != nil && ref.Type == access.TypeIdentity:
		if err := rm.store.Erase(ctx, holder); err != nil {
			return err
		}
	}
	return rm.writer.writeOthers(ctx, f, draft, holder)
}

// clearRest removes what follows from the policies, and proves that it is gone.
func (rm *remover) clearRest(ctx context.Context, f *family, ref access.Ref, holder access.IdentityID,
	victims []*ledger.Entry) ([]access.Ref, error) {
	all := victims
	if ref.Type == access.TypeIdentity { // of what was issued only OpenBao knows
		signed, err := access.Bare(access.Ref{Type: access.TypeCredential,
			ID: holder.String() + "/" + string(access.Certificate)})
		if err != nil {
			return nil, err
		}
		all = append(slices.Clone(victims), &ledger.Entry{Object: signed})
	}
	if c, ok := victims[0].Object.(*access.Credential); ok {
		if err := rm.sweeper.clearLogins(ctx, c); err != nil {
			return nil, err
		}
	}
	if err := rm.sweeper.sweepAll(ctx, f, all); err != nil {
		return nil, err
	}
	if err := rm.verify(ctx, all); err != nil {
		return nil, err
	}
	if ref.Type == access.TypeIdentity {
		if err := rm.forget(ctx, f, ref, holder, victims); err != nil {
			return nil, err
		}
	}
	var swept []access.Ref
	for _, v := range victims[1:] {
		swept = append(swept, v.Ref())
	}
	return swept, nil
}
