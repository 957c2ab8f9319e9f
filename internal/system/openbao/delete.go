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
	return again(ctx, func() error { return s.forgetAll(ctx, ref, holder, victims) })
}

// sweepAll removes what OpenBao holds of entries, the first of which is what all is about.
func (s *System) sweepAll(ctx context.Context, f *family, victims []*ledger.Entry) error {
	certificates := false
	for _, v := range victims {
		if c, ok := v.Credential(); ok {
			certificates = certificates || c.Kind() == access.Certificate
			if err := s.sweepCredential(ctx, c, v.Issued); err != nil {
				return err
			}
		}
	}
	if certificates {
		if err := s.pushCRL(ctx); err != nil && !errors.Is(err, access.ErrUnsupported) {
			return err
		}
	}
	for _, v := range victims {
		if i, ok := v.Object.(*access.Identity); ok {
			if err := s.sweepIdentity(ctx, i.ID); err != nil {
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

// sweepCredential removes a credential's roles and alias, and ends what was issued.
func (s *System) sweepCredential(ctx context.Context, c *access.Credential, items []ledger.Item) error {
	for _, i := range items {
		if i.Serial == "" || !i.Until.After(s.now()) {
			continue
		}
		if err := s.revokeSerial(ctx, i.Serial); err != nil && !errors.Is(err, access.ErrUnsupported) {
			return err
		}
	}
	if c.Kind() == access.Certificate {
		if err := s.revokeUnknown(ctx, c.IdentityID); err != nil && !errors.Is(err, access.ErrUnsupported) {
			return err
		}
	}
	return s.sweepLogin(ctx, c)
}

// sweepLogin removes the roles that a credential logs in by, and its alias.
func (s *System) sweepLogin(ctx context.Context, c *access.Credential) error {
	for _, path := range s.rolePaths(c) {
		if err := s.client.Delete(ctx, path); gone(err) != nil && !errors.Is(err, access.ErrUnsupported) {
			return err
		}
	}
	e, err := s.readEntity(ctx, c.IdentityID)
	if err != nil {
		return err
	}
	for _, a := range e.onMount(s.mountOf(c)) {
		if err := s.client.Delete(ctx, "identity/entity-alias/id/"+a.ID); err != nil {
			return err
		}
	}
	return nil
}

func (s *System) mountOf(c *access.Credential) string {
	switch c.Kind() {
	case access.Federated:
		return s.jwtMount(c.Federated.Issuer)
	case access.Certificate:
		return s.options.Mounts.Cert
	}
	return s.options.Mounts.AppRole
}

func (s *System) rolePaths(c *access.Credential) []string {
	name := roleOf(c.IdentityID)
	switch c.Kind() {
	case access.Federated:
		return []string{"auth/" + s.jwtMount(c.Federated.Issuer) + "/cel/role/" + name}
	case access.Certificate:
		return []string{"auth/" + s.options.Mounts.Cert + "/certs/" + name, s.options.Mounts.PKI + "/roles/" + name}
	}
	return []string{s.appRole(c.IdentityID)}
}

// sweepIdentity removes an identity's entity, with its aliases and memberships, and whatever else stands under its name,
// also where somebody made it by hand.
func (s *System) sweepIdentity(ctx context.Context, id access.IdentityID) error {
	e, err := s.readEntity(ctx, id)
	if err != nil {
		return err
	}
	if e != nil {
		if err := s.client.Put(ctx, "identity/entity/id/"+e.ID, map[string]any{"disabled": true}, nil); err != nil {
			return err
		}
	}
	var mounts map[string]mounted // as they are now: another process may have made some
	if err := s.client.Get(ctx, "sys/auth", &mounts); err != nil {
		return err
	}
	if err := s.sweepByHand(ctx, id, mounts); err != nil {
		return err
	}
	if err := s.sweepAliases(ctx, id, mounts); err != nil {
		return err
	}
	for _, name := range []string{nameOf(id), asideOf(id)} {
		if err := s.client.Delete(ctx, "identity/entity/name/"+name); err != nil {
			return err
		}
	}
	return s.sweepGroups(ctx, id)
}

// sweepByHand removes the roles of an identity's name on every mount of ours, and policies below its own.
func (s *System) sweepByHand(ctx context.Context, id access.IdentityID, mounts map[string]mounted) error {
	if err := s.revokeUnknown(ctx, id); err != nil && !errors.Is(err, access.ErrUnsupported) {
		return err
	}
	paths := append(s.rolesOf(id, mounts), s.options.Mounts.PKI+"/roles/"+roleOf(id))
	others, err := s.policiesBelow(ctx, id)
	if err != nil {
		return err
	}
	for _, name := range others {
		paths = append(paths, "sys/policies/acl/"+name)
	}
	for _, path := range paths {
		if err := s.client.Delete(ctx, path); gone(err) != nil && !errors.Is(err, access.ErrUnsupported) {
			return err
		}
	}
	return nil
}

// rolesOf are the roles that an identity may have on all auth methods of ours.
func (s *System) rolesOf(id access.IdentityID, mounts map[string]mounted) (paths []string) {
	for mount, m := range mounts {
		mount = strings.TrimSuffix(mount, "/")
		switch {
		case mount == s.options.Mounts.AppRole:
			paths = append(paths, s.appRole(id))
		case mount == s.options.Mounts.Cert:
			paths = append(paths, "auth/"+mount+"/certs/"+roleOf(id))
		case m.Type == "jwt" && s.ours(mount):
			paths = append(paths, "auth/"+mount+"/cel/role/"+roleOf(id), "auth/"+mount+"/role/"+roleOf(id))
		}
	}
	return paths
}

// sweepAliases removes the aliases of an identity's name on every mount of ours, of whatever entity: somebody may have moved
// one, or logged in after its entity was gone, which makes another.
func (s *System) sweepAliases(ctx context.Context, id access.IdentityID, mounts map[string]mounted) error {
	for mount, m := range mounts {
		mount = strings.TrimSuffix(mount, "/")
		name := nameOf(id)
		switch {
		case mount == s.options.Mounts.Cert:
			name = id.CommonName()
		case mount != s.options.Mounts.AppRole && (m.Type != "jwt" || !s.ours(mount)):
			continue
		}
		var holder entity
		if err := s.client.Put(ctx, "identity/lookup/entity", map[string]any{"alias_name": name, "alias_mount_accessor": m.Accessor}, &holder); gone(err) != nil {
			return err
		}
		rest := 0
		for _, a := range holder.Aliases {
			if a.Accessor != m.Accessor || !strings.EqualFold(a.Name, name) {
				rest++
				continue
			}
			if err := s.client.Delete(ctx, "identity/entity-alias/id/"+a.ID); err != nil {
				return err
			}
		}
		// OpenBao itself made the entity, for the login.
		if holder.ID != "" && rest == 0 && len(holder.Policies) == 0 && len(holder.Groups) == 0 && strings.HasPrefix(holder.Name, "entity_") {
			if err := s.client.Delete(ctx, "identity/entity/id/"+holder.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// ours says whether an auth method is one of an issuer that partners come from.
func (s *System) ours(mount string) bool {
	if strings.HasPrefix(mount, "partner-jwt-") {
		return true
	}
	for _, named := range s.options.Mounts.JWT {
		if named == mount {
			return true
		}
	}
	return false
}

// policiesBelow are policies under an identity's name that are not its own.
func (s *System) policiesBelow(ctx context.Context, id access.IdentityID) ([]string, error) {
	var all struct {
		Policies map[string]policyAnswer `json:"key_info"`
	}
	if err := s.client.List(ctx, "sys/policies/detailed/acl/"+nameOf(id), &all); gone(err) != nil {
		return nil, err
	}
	var names []string
	for name := range all.Policies {
		if strings.HasPrefix(name, nameOf(id)+"/") {
			names = append(names, name)
		}
	}
	return names, nil
}

// sweepGroups removes groups of an identity's name.
func (s *System) sweepGroups(ctx context.Context, id access.IdentityID) error {
	var all struct {
		Groups map[string]struct {
			Name string `json:"name"`
		} `json:"key_info"`
	}
	if err := s.client.List(ctx, "identity/group/id", &all); gone(err) != nil {
		return err
	}
	for groupID, g := range all.Groups {
		if g.Name == nameOf(id) || strings.HasPrefix(g.Name, nameOf(id)+"/") {
			if err := s.client.Delete(ctx, "identity/group/id/"+groupID); err != nil {
				return err
			}
		}
	}
	return nil
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
			found = append(found, others...)
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

// forgetAll takes what was proven to be gone out of the policies.
func (s *System) forgetAll(ctx context.Context, ref access.Ref, holder access.IdentityID, victims []*ledger.Entry) error {
	if ref.Type == access.TypeIdentity {
		for _, v := range slices.Backward(victims) {
			if i, ok := v.Object.(*access.Identity); ok {
				if err := s.eraseStruck(ctx, i.ID, v.History.UID); err != nil {
					return err
				}
			}
		}
		return nil
	}
	f, err := s.family(ctx, &access.Grant{IdentityID: holder})
	if err != nil {
		return err
	}
	d := f.draft(s.now(), &issuer{system: s, ctx: ctx})
	for _, v := range victims {
		if e := d.Ledger[v.Ref()]; e != nil && e.Removed() && e.History.UID == v.History.UID {
			d.Forget(v.Ref())
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
	if err != nil || d == nil {
		return err
	}
	if e := d.entries[id.Ref()]; e != nil && (!e.Removed() || e.History.UID != uid) {
		return nil
	}
	return s.erase(ctx, id)
}
