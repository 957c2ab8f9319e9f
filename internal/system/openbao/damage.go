package openbao

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

var _ access.Examiner = (*System)(nil)

// text is damage as a sentence.
func text(err error) string { return strings.ToUpper(err.Error()[:1]) + err.Error()[1:] + "." }

// Damaged are the policies whose ledger cannot be read.
func (ob *observer) Damaged(ctx context.Context) (all []access.Damage, err error) {
	snap, err := ob.store.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for damaged records: %w", err)
	}
	for id, d := range snap.Documents {
		if d.Damage != nil {
			all = append(all, access.Damage{Ref: id.Ref(), NativeID: "sys/policies/acl/" + store.NameOf(id), Why: d.Damage.Error()})
		}
	}
	slices.SortFunc(all, func(a, b access.Damage) int { return ledger.CompareRefs(a.Ref, b.Ref) })
	return all, nil
}

// refuse says why a change cannot be made where records are damaged: its identity gets nothing new, nor what is to hang on it.
// Less access is not refused, where the object's own record can be read.
func (f *family) refuse(c access.Change) error {
	id := c.Object.Holder()
	if err := f.foreign[id]; err != nil {
		return err
	}
	before := f.ledger()[c.Object.Ref()]
	if i, ok := c.Object.(*access.Identity); ok && i.ParentID != (access.IdentityID{}) {
		moves := before == nil || before.Removed() || before.Object.(*access.Identity).ParentID != i.ParentID
		if err := f.documents[i.ParentID].Broken(); err != nil && moves {
			return err
		}
	}
	if before != nil && !before.Removed() && access.Narrows(before.Object, c.Object) {
		return nil
	}
	return f.documents[id].Broken()
}

// lostRecord says what it means that the ledger has no object: its record cannot be read, or is gone and something of the
// object is still there, or there is none. It asks OpenBao only where nothing is known, so that no other reading costs more.
func (ob *observer) lostRecord(ctx context.Context, snap *snapshot, ref access.Ref) error {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return err
	}
	d := snap.Documents[holder]
	if err := d.Broken(); err != nil {
		return err
	}
	left, uid, err := ob.leftovers(ctx, d, ref, snap.Foreign[holder])
	if err != nil {
		return err
	}
	if len(left) == 0 {
		return access.ErrNotFound
	}
	return &access.DamagedError{Record: "the policy " + store.NameOf(holder), Left: left, UID: uid}
}

// leftovers are what OpenBao still has under an object's name, though no ledger holds it, and the uid that its entity bears.
func (ob *observer) leftovers(ctx context.Context, d *store.Document, ref access.Ref, foreign bool) (left []string, uid string, err error) {
	_, id, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, "", err
	}
	if ref.Type == access.TypeGrant {
		if d.Allows(ref.ID[strings.LastIndexByte(ref.ID, '/')+1:]) {
			left = append(left, "a path of its name")
		}
		return left, "", nil
	}
	at, err := ob.site(ctx)
	if err != nil {
		return nil, "", err
	}
	paths := ob.creds.rolesOf(id, at.auth)
	if ref.Type == access.TypeIdentity {
		e, err := ob.entities.readEntity(ctx, id)
		if err != nil {
			return nil, "", err
		}
		if e != nil && e.Metadata["managed_by"] == "terraform-provider-partner" {
			left, uid = append(left, entityPath(id)), e.Metadata["uid"]
			if foreign {
				left = append(left, "a policy of another text")
			}
		}
		paths = append(paths, ob.options.Mounts.PKI+"/roles/"+roleOf(id))
	} else {
		if paths, err = ob.rolesLeft(ctx, d, ref, id, at.auth); err != nil {
			return nil, "", err
		}
	}
	for _, path := range paths {
		if path == tokenRole(id) {
			continue
		}
		switch err := ob.client.Get(ctx, path, nil); {
		case err == nil:
			left = append(left, path)
		case client.Gone(err) != nil && !errors.Is(err, access.ErrUnsupported):
			return nil, "", err
		}
	}
	return left, uid, nil
}

// rolesLeft are the roles of a credential that no ledger holds and that may yet let somebody in. While the identity stands, a
// role without an alias is what an attempt to issue left behind: nobody logs in by it as the identity.
func (ob *observer) rolesLeft(ctx context.Context, d *store.Document, ref access.Ref, id access.IdentityID, mounts map[string]mounted) (paths []string, err error) {
	paths = ob.creds.rolesOfKind(id, access.Kind(ref.ID[strings.LastIndexByte(ref.ID, '/')+1:]), mounts)
	if d.Identity() == nil {
		return paths, nil
	}
	e, err := ob.entities.readEntity(ctx, id)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(paths, func(path string) bool { return len(e.onMount(mountIn(path))) > 0 }) {
		return nil, nil
	}
	return paths, nil
}

// mountIn is the auth method of a role's path.
func mountIn(path string) string {
	mount, _, _ := strings.Cut(strings.TrimPrefix(path, "auth/"), "/")
	return mount
}

// rolesOfKind are the roles that a credential of a kind may have, wherever it logs in.
func (cs *credentials) rolesOfKind(id access.IdentityID, kind access.Kind, mounts map[string]mounted) (paths []string) {
	switch kind {
	case access.Secret:
		return []string{cs.secrets.appRole(id)}
	case access.Certificate:
		return []string{"auth/" + cs.options.Mounts.Cert + "/certs/" + roleOf(id), cs.options.Mounts.PKI + "/roles/" + roleOf(id)}
	case access.Federated:
		for mount, m := range mounts {
			if mount = strings.TrimSuffix(mount, "/"); m.Type == "jwt" && cs.ours(mount) {
				paths = append(paths, "auth/"+mount+"/cel/role/"+roleOf(id))
			}
		}
		slices.Sort(paths)
	case access.SSHCertificate:
	}
	return paths
}

// clear removes what stands under the name of an object that no ledger holds: its record is damaged, or was removed by hand.
// ErrNotFound where nothing does, or where what does is of another uid.
func (rm *remover) clear(ctx context.Context, ref access.Ref, holder access.IdentityID, uid string) ([]access.Ref, error) {
	own, err := access.Bare(ref)
	if err != nil {
		return nil, err
	}
	victims := []*ledger.Entry{{Object: own, History: access.History{UID: uid}}}
	var f *family
	err = store.Again(ctx, func() error {
		if f, err = rm.writer.family(ctx, own); err != nil {
			return err
		}
		d := f.documents[holder]
		if d != nil && d.Entries[ref] != nil {
			return access.ErrNotFound // it is of another uid
		}
		if d.Broken() == nil {
			left, other, err := rm.observer.leftovers(ctx, d, ref, f.foreign[holder] != nil)
			if err != nil {
				return err
			}
			if len(left) == 0 || other != "" && other != uid {
				return access.ErrNotFound
			}
		}
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
	return rm.clearRest(ctx, f, ref, holder, victims)
}

// closePolicies writes the policies without what is to go, or removes one that is not ours: from then on they give nothing.
func (rm *remover) closePolicies(ctx context.Context, f *family, ref access.Ref, holder access.IdentityID, below []*ledger.Entry) error {
	draft := f.draft(rm.now(), &issuer{by: rm.creds, ctx: ctx})
	draft.Mark(below)
	draft.Settle()
	switch d := f.documents[holder]; {
	case d != nil:
		mended := *d
		mended.Unread = slices.DeleteFunc(slices.Clone(d.Unread), func(l string) bool {
			return ref.Type != access.TypeIdentity && strings.Contains(l, `"`+ref.ID+`"`) && strings.Contains(l, `"`+string(ref.Type)+`"`)
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
func (rm *remover) clearRest(ctx context.Context, f *family, ref access.Ref, holder access.IdentityID, victims []*ledger.Entry) ([]access.Ref, error) {
	all := victims
	if ref.Type == access.TypeIdentity { // of what was issued only OpenBao knows
		signed, err := access.Bare(access.Ref{Type: access.TypeCredential, ID: holder.String() + "/" + string(access.Certificate)})
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

// clearLogins removes the roles and aliases of a credential of which only the kind is known.
func (s *sweeper) clearLogins(ctx context.Context, c *access.Credential) error {
	at, err := s.site(ctx)
	if err != nil {
		return err
	}
	e, err := s.entities.readEntity(ctx, c.IdentityID)
	if err != nil {
		return err
	}
	for _, path := range s.creds.rolesOfKind(c.IdentityID, c.Kind(), at.auth) {
		if err := s.client.Delete(ctx, path); client.Gone(err) != nil && !errors.Is(err, access.ErrUnsupported) {
			return err
		}
		for _, a := range e.onMount(mountIn(path)) {
			if err := s.client.Delete(ctx, "identity/entity-alias/id/"+a.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
