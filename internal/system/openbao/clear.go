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

// A destroy of what no ledger holds. Somebody edited or deleted the policy, or a newer provider wrote it. The login,
// the entity or a path may be there all the same, and a destroy that said "done" on the ledger's word alone left a
// partner with its login. So what has the object's name is looked for, and removed by its name.

// unrecorded says why something can be under the name of an object that no ledger holds: its record is damaged, or is
// gone and something is left. It is ErrNotFound if there is nothing to clear, or only what is of another uid.
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

// clear removes what has the name of an object that no ledger holds, and returns what went with it. It is ErrNotFound
// if there is nothing, or only what is of another uid. The order is that of remove: policies first, then what follows
// from them, and a look whether it is gone.
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

// closePolicies writes the policies without what is to go, or removes one that is not ours. From then on they give
// nothing.
//
// A line of the object that could not be read goes as well; those of other objects stay, and so the identity goes on to
// be damaged by them.
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

// clearRest removes what follows from the policies, and proves that it is gone. Of an identity whose ledger is lost, it
// also looks for certificates of its name: only OpenBao knows what was signed.
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
