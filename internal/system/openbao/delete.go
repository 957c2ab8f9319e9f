package openbao

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// Delete revokes an object, asks OpenBao whether anything of it is left, and then forgets it.
func (s *System) Delete(ctx context.Context, ref access.Ref, uid string) ([]access.Ref, error) {
	swept, err := s.remove(ctx, ref, uid)
	if err != nil {
		return nil, fmt.Errorf("delete %s: %w", ref, err)
	}
	return swept, nil
}

func (s *System) remove(ctx context.Context, ref access.Ref, uid string) (swept []access.Ref, err error) {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	ctx, cancel, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	defer s.alone(holder)()
	var victims []*ledger.Entry
	var f *family
	err = again(ctx, func() error {
		victims, f, err = s.strike(ctx, ref, holder, uid)
		return err
	})
	if errors.Is(err, access.ErrNotFound) {
		return s.clear(ctx, ref, holder, uid)
	}
	if err != nil {
		return nil, err
	}
	defer s.reread(f)
	if err := s.sweep(ctx, f, ref, holder, victims); err != nil {
		return nil, err
	}
	for _, v := range victims[1:] {
		swept = append(swept, v.Ref())
	}
	return swept, nil
}

// strike writes the policies without what is to go. From then on it gives no access, whatever happens next.
func (s *System) strike(ctx context.Context, ref access.Ref, holder access.IdentityID, uid string) ([]*ledger.Entry, *family, error) {
	var object access.Object = &access.Identity{ID: holder}
	if ref.Type != access.TypeIdentity {
		object = &access.Grant{IdentityID: holder}
	}
	f, err := s.family(ctx, object)
	if err != nil {
		return nil, nil, err
	}
	if d := f.documents[holder]; d != nil && ref.Type == access.TypeIdentity {
		if err := s.above(ctx, f, &access.Grant{IdentityID: holder}); err != nil {
			return nil, nil, err
		}
	}
	d := f.draft(s.now(), &issuer{system: s, ctx: ctx})
	victims, err := d.Strike(ref, uid)
	if err != nil {
		return nil, nil, err
	}
	d.Settle()
	for _, v := range victims { // a hold is not of the entity, which goes
		if v.Ref().Type != access.TypeIdentity || v.Removed() { // an entity may be disabled by who began the removal
			continue
		}
		there, err := s.readEntity(ctx, v.Object.Holder())
		if err == nil {
			err = s.keepHold(ctx, f.ledger(), v, there)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if err := s.writeOwn(ctx, f, d, holder); err != nil {
		return nil, nil, err
	}
	return victims, f, s.writeOthers(ctx, f, d, holder)
}

// sweep removes what follows from the policies, then what the policies remember of it.
func (s *System) sweep(ctx context.Context, f *family, ref access.Ref, holder access.IdentityID, victims []*ledger.Entry) error {
	if err := s.sweepAll(ctx, f, victims); err != nil {
		return err
	}
	if ref.Type != access.TypeIdentity { // what a change before this one did not finish
		if err := s.bury(ctx, f, f.ledger(), []access.IdentityID{holder}); err != nil {
			return err
		}
	}
	if err := s.verify(ctx, victims); err != nil {
		return err
	}
	return s.forget(ctx, f, ref, holder, victims)
}

// sweepAll removes what OpenBao holds of entries, the first of which is what all is about.
func (s *System) sweepAll(ctx context.Context, f *family, victims []*ledger.Entry) error {
	certificates, serials := false, []string(nil)
	for _, v := range victims {
		if c, ok := v.Credential(); ok {
			certificates = certificates || c.Kind() == access.Certificate
			for _, i := range v.Issued {
				if i.Serial != "" && i.Until.After(s.now()) {
					serials = append(serials, i.Serial)
				}
			}
			if err := s.sweepCredential(ctx, c, v.Issued); err != nil {
				return err
			}
		}
	}
	if certificates {
		if err := s.pushRevoked(ctx, serials...); err != nil && !away(err) {
			return err
		}
	}
	for _, v := range victims {
		if i, ok := v.Object.(*access.Identity); ok {
			if err := s.sweepIdentity(ctx, i.ID); err != nil {
				return err
			}
			if err := s.sweepAdopted(ctx, v.Adopted); err != nil {
				return err
			}
		}
	}
	if _, ok := victims[0].Credential(); ok {
		return s.cutSessions(ctx, f.ledger(), victims[0].Object.Holder())
	}
	return nil
}

// finishRemoval ends what is left of an object whose removal was begun, before it is made again: what was issued for the
// old one, and its sessions, are not to live on with the new one.
func (s *System) finishRemoval(ctx context.Context, f *family, change access.Change) error {
	e := f.ledger()[change.Object.Ref()]
	if e == nil || !e.Removed() || change.UID == "" && change.Stack != e.History.Stack || change.UID != "" && change.UID != e.History.UID {
		return nil
	}
	victims := []*ledger.Entry{e}
	if _, isIdentity := change.Object.(*access.Identity); isIdentity {
		victims = append(victims, f.ledger().Under(e.Object.Holder())...)
	}
	return s.sweepAll(ctx, f, victims)
}

// verify asks whether anything is left of what was swept. On a cluster "gone" is believed only from the second answer on.
func (s *System) verify(ctx context.Context, victims []*ledger.Entry) error {
	at, err := s.site(ctx)
	if err != nil {
		return err
	}
	for begun := access.WallClock(); ; {
		remains, err := s.remains(ctx, victims)
		if err != nil {
			return err
		}
		waited := access.WallClock().Sub(begun)
		switch {
		case len(remains) == 0 && (!at.cluster || waited > staleness/4):
			return nil
		case len(remains) > 0 && (!at.cluster || waited > staleness):
			return fmt.Errorf("%w: %s", access.ErrRemains, strings.Join(remains, ", "))
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// remains names what is still there of what was swept.
func (s *System) remains(ctx context.Context, victims []*ledger.Entry) (found []string, err error) {
	ask := func(path string) error {
		err := s.client.Get(ctx, path, nil)
		if err == nil {
			found = append(found, path)
		}
		if errors.Is(err, access.ErrUnsupported) {
			return nil // the mount itself is gone
		}
		if strings.HasPrefix(path, tokenRoles) && errors.Is(err, access.ErrNotPermitted) {
			return nil
		}
		return gone(err)
	}
	var mounts map[string]mounted
	if _, isIdentity := victims[0].Object.(*access.Identity); isIdentity {
		if err := s.client.Get(ctx, "sys/auth", &mounts); err != nil {
			return nil, err
		}
	}
	for _, v := range victims {
		switch o := v.Object.(type) {
		case *access.Identity:
			if err := ask(entityPath(o.ID)); err != nil {
				return nil, err
			}
			others, err := s.policiesBelow(ctx, o.ID)
			if err != nil {
				return nil, err
			}
			adopted, err := s.adoptedRemains(ctx, v.Adopted)
			if err != nil {
				return nil, err
			}
			found = append(append(found, others...), adopted...)
			for _, path := range append(s.rolesOf(o.ID, mounts), "identity/entity/name/"+asideOf(o.ID)) {
				if err := ask(path); err != nil {
					return nil, err
				}
			}
		case *access.Credential:
			for _, path := range s.rolePaths(o) {
				if err := ask(path); err != nil {
					return nil, err
				}
			}
		}
	}
	return found, nil
}

// forget takes what was proven to be gone out of the policies, and remembers what has to outlive it.
func (s *System) forget(ctx context.Context, f *family, ref access.Ref, holder access.IdentityID, victims []*ledger.Entry) error {
	if ref.Type != access.TypeIdentity {
		return again(ctx, func() error { return s.forgetBelow(ctx, holder, victims) })
	}
	parting := f.draft(s.now(), &issuer{system: s, ctx: ctx}).Parting(victims...)
	err := again(ctx, func() error { return s.forgetIdentities(ctx, victims, parting) })
	if err == nil {
		s.pruneStones(ctx)
	}
	return err
}

// forgetIdentities removes the policies of identities.
func (s *System) forgetIdentities(ctx context.Context, victims []*ledger.Entry, parting map[access.IdentityID][]access.Former) error {
	for _, v := range slices.Backward(victims) {
		if i, ok := v.Object.(*access.Identity); ok {
			if err := s.remember(ctx, v, s.now(), parting[i.ID]...); err != nil {
				return err
			}
			if err := s.eraseStruck(ctx, i.ID, v.History.UID); err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetBelow takes credentials and grants out of the policy of their identity.
func (s *System) forgetBelow(ctx context.Context, holder access.IdentityID, victims []*ledger.Entry) error {
	f, err := s.family(ctx, &access.Grant{IdentityID: holder})
	if err != nil {
		return err
	}
	d := f.draft(s.now(), &issuer{system: s, ctx: ctx})
	for _, v := range victims {
		if e := d.Ledger[v.Ref()]; e != nil && e.Removed() && e.History.UID == v.History.UID {
			d.Bury(v.Ref())
		}
	}
	if f.documents[holder] == nil { // its identity was removed meanwhile
		return nil
	}
	return s.writeOwn(ctx, f, d, holder)
}

// eraseStruck removes an identity's policy, where its removal was not overtaken by a creation.
func (s *System) eraseStruck(ctx context.Context, id access.IdentityID, uid string) error {
	d, err := s.fetch(ctx, id)
	if errors.Is(err, access.ErrForeign) {
		return s.erase(ctx, id)
	}
	if err != nil || d == nil {
		return err
	}
	if e := d.entries[id.Ref()]; e != nil && (!e.Removed() || e.History.UID != uid) {
		return nil
	}
	return s.erase(ctx, id)
}
