// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// Sweeping deletes what follows from policies that already give nothing. It goes by names as well as by the ledger:
// somebody may have made a role, a group or an alias under an identity's name, and that goes, too (see
// TestADestroyTakesAlongWhatWasMadeByHandAndNothingElse). All of it may be repeated, and what is not there is no error.
//
// Logins go before entities: OpenBao makes an entity for whoever logs in and has none.

// sweeper deletes what follows from the policies.
type sweeper struct {
	*server
	store    *policies
	creds    *credentials
	certs    *certificates
	entities *entities
	adopter  *adopter
	notes    *notes
}

// sweepCredential revokes the certificates of a credential, and removes its alias and its roles, with which its secret
// ids go. Certificates are revoked in the engine only; pushSwept tells the auth method of all at once.
func (s *sweeper) sweepCredential(ctx context.Context, c *access.Credential, items []ledger.Item) error {
	for _, i := range items {
		if i.Serial == "" || !i.Until.After(s.now()) {
			continue
		}
		if err := s.certs.revokeSerial(ctx, i.Serial); err != nil && !errors.Is(err, access.ErrUnsupported) {
			return err
		}
	}
	if c.Kind() == access.Certificate {
		if err := s.certs.revokeUnknown(ctx, c.IdentityID); err != nil && !errors.Is(err, access.ErrUnsupported) {
			return err
		}
	}
	return s.sweepLogin(ctx, c)
}

// sweepLogin removes the roles that a credential logs in by, and its alias.
func (s *sweeper) sweepLogin(ctx context.Context, c *access.Credential) error {
	for _, path := range s.creds.rolePaths(c) {
		if err := ifThere(s.client.Delete(ctx, path)); err != nil {
			return err
		}
	}
	e, err := s.entities.readEntity(ctx, c.IdentityID)
	if err != nil {
		return err
	}
	for _, a := range e.onMount(s.creds.mountOf(c)) {
		if err := s.deleteAlias(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// sweepIdentity removes an identity's entity, with its aliases and memberships, and whatever else stands under its
// name, also what somebody made by hand. The entity is disabled first, so its sessions end even if what follows fails.
func (s *sweeper) sweepIdentity(ctx context.Context, id access.IdentityID) error {
	e, err := s.entities.readEntity(ctx, id)
	if err != nil {
		return err
	}
	if e != nil {
		change := map[string]any{"disabled": true}
		if !e.Disabled { // should this process die here, the next one is not to take it for a cut by hand
			known := map[string]string{cutBy: byDeclaration}
			maps.Copy(known, e.Metadata)
			change["metadata"] = known
		}
		if err := s.client.Put(ctx, entityFolder+e.ID, change, nil); err != nil {
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
	for _, name := range []string{store.NameOf(id), asideOf(id)} {
		if err := s.client.Delete(ctx, "identity/entity/name/"+name); err != nil {
			return err
		}
	}
	return s.sweepGroups(ctx, id)
}

// sweepByHand removes the roles of an identity's name on every mount of ours, and policies below its own.
func (s *sweeper) sweepByHand(ctx context.Context, id access.IdentityID, mounts map[string]mounted) error {
	if err := s.certs.revokeUnknown(ctx, id); err != nil && !errors.Is(err, access.ErrUnsupported) {
		return err
	}
	paths := append(s.creds.rolesOf(id, mounts), s.options.Mounts.PKI+"/roles/"+roleOf(id))
	policies, err := s.sweptPolicies(ctx, id)
	if err != nil {
		return err
	}
	for _, path := range append(paths, policies...) {
		err := s.client.Delete(ctx, path)
		if path == tokenRole(id) && errors.Is(err, access.ErrNotPermitted) {
			continue
		}
		if err := ifThere(err); err != nil {
			return err
		}
	}
	return nil
}

// sweptPolicies returns the paths of the policies below an identity's own that are to go. A mark stays, since it holds
// what was cut by hand, but loses whatever rights somebody wrote into it.
func (s *sweeper) sweptPolicies(ctx context.Context, id access.IdentityID) (paths []string, err error) {
	others, err := s.store.Below(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, name := range others {
		if scope, marks := store.ScopeOf(name); marks {
			if err := s.store.Mark(ctx, scope); err != nil {
				return nil, err
			}
			s.swept(id, "The mark "+name+" gave rights. It no longer does.")
			continue
		}
		paths = append(paths, store.Folder+name)
		s.swept(id, "The policy "+name+" was below the identity's, and nobody declared it.")
	}
	return paths, nil
}

// swept notes what somebody else made under an identity's name, and went with it.
func (s *sweeper) swept(id access.IdentityID, what string) {
	s.notes.note([]access.Healed{{Ref: id.Ref(), What: what}})
}

// sweepAliases removes the aliases of an identity's name on every mount of ours, of whatever entity: somebody may have
// moved one, or logged in after its entity was gone, which makes another entity.
func (s *sweeper) sweepAliases(ctx context.Context, id access.IdentityID, mounts map[string]mounted) error {
	for path, m := range mounts {
		name, mayBeOurs := s.aliasAt(id, strings.TrimSuffix(path, "/"), m)
		if !mayBeOurs {
			continue
		}
		holder, err := s.entities.holder(ctx, name, m.Accessor)
		if err != nil {
			return err
		}
		isOurs := func(a alias) bool { return a.Accessor == m.Accessor && strings.EqualFold(a.Name, name) }
		for _, a := range holder.Aliases {
			if !isOurs(a) {
				continue
			}
			if err := s.deleteAlias(ctx, a); err != nil {
				return err
			}
		}
		holder.Aliases = slices.DeleteFunc(holder.Aliases, isOurs)
		if holder.madeByLogin() {
			if err := s.client.Delete(ctx, entityFolder+holder.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// aliasAt returns the name that an identity's alias has on a mount, and whether there may be one.
func (s *sweeper) aliasAt(id access.IdentityID, mount string, m mounted) (name string, mayBe bool) {
	switch {
	case mount == s.options.Mounts.Cert:
		return id.CommonName(), true
	case mount == s.options.Mounts.AppRole, m.Type == "token":
		return store.NameOf(id), true
	}
	return store.NameOf(id), m.Type == "jwt" && s.ours(mount)
}

// madeByLogin reports whether OpenBao itself made an entity, for a login, and nothing hangs on it any more. Such a one
// is called entity_ and a random number (internal/vault/identity/store_util.go, generateName).
func (e *entity) madeByLogin() bool {
	return e.ID != "" &&
		strings.HasPrefix(e.Name, "entity_") &&
		len(e.Aliases)+len(e.Policies)+len(e.Groups) == 0
}

// sweepGroups removes groups of an identity's name, or below it: "partner/acme/prod/etl/x".
func (s *sweeper) sweepGroups(ctx context.Context, id access.IdentityID) error {
	var all struct {
		Groups map[string]struct {
			Name string `json:"name"`
		} `json:"key_info"`
	}
	if err := s.client.List(ctx, "identity/group/id", &all); client.Gone(err) != nil {
		return err
	}
	for groupID, g := range all.Groups {
		if g.Name == store.NameOf(id) || strings.HasPrefix(g.Name, store.NameOf(id)+"/") {
			if err := s.client.Delete(ctx, "identity/group/id/"+groupID); err != nil {
				return err
			}
			s.swept(id, "The group "+g.Name+" had the identity's name, and nobody declared it.")
		}
	}
	return nil
}

// clearLogins removes the roles and aliases of a credential of which only the kind is known.
func (s *sweeper) clearLogins(ctx context.Context, c *access.Credential) error {
	at, err := s.lookOnce(ctx)
	if err != nil {
		return err
	}
	e, err := s.entities.readEntity(ctx, c.IdentityID)
	if err != nil {
		return err
	}
	for _, path := range s.creds.rolesOfKind(c.IdentityID, c.Kind(), s.methods(at)) {
		if err := ifThere(s.client.Delete(ctx, path)); err != nil {
			return err
		}
		for _, a := range e.onMount(mountIn(path)) {
			if err := s.deleteAlias(ctx, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepAll removes what OpenBao holds of entries, the first of which is what all is about. All credentials go first,
// then one list of revoked certificates is pushed for them, then the identities. If a credential alone goes, its
// identity's sessions end last.
func (s *sweeper) sweepAll(ctx context.Context, f *family, victims []*ledger.Entry) error {
	for _, v := range victims {
		if c, ok := v.Credential(); ok {
			if err := s.sweepCredential(ctx, c, v.Issued); err != nil {
				return err
			}
		}
	}
	if err := s.pushSwept(ctx, victims); err != nil {
		return err
	}
	for _, v := range victims {
		i, ok := v.Object.(*access.Identity)
		if !ok {
			continue
		}
		if err := s.sweepIdentity(ctx, i.ID); err != nil {
			return err
		}
		if err := s.adopter.sweepAdopted(ctx, v.Adopted); err != nil {
			return err
		}
	}
	if _, ok := victims[0].Credential(); ok {
		return s.entities.cutSessions(ctx, f.ledger(), victims[0].Object.Holder())
	}
	return nil
}

// pushSwept makes the auth method refuse the certificates of what was swept, once for all of them. What has ended by
// itself needs no list.
func (s *sweeper) pushSwept(ctx context.Context, victims []*ledger.Entry) error {
	certificates, serials := false, []string(nil)
	for _, v := range victims {
		c, ok := v.Credential()
		if !ok {
			continue
		}
		certificates = certificates || c.Kind() == access.Certificate
		for _, i := range v.Issued {
			if i.Serial != "" && i.Until.After(s.now()) {
				serials = append(serials, i.Serial)
			}
		}
	}
	if !certificates {
		return nil
	}
	if err := s.certs.pushRevoked(ctx, serials...); err != nil && !away(err) {
		return err
	}
	return nil
}

// finishRemoval ends what is left of an object whose removal was begun, before it is made again: what was issued for
// the old one, and its sessions, are not to live on with the new one (see
// TestWhatIsMadeAgainAfterHalfARemovalDoesNotReviveTheOld). Another stack's, or one of another uid, is left alone.
func (s *sweeper) finishRemoval(ctx context.Context, f *family, change access.Change) error {
	e := f.ledger()[change.Object.Ref()]
	if e == nil ||
		!e.Removed() ||
		(change.UID == "" && change.Stack != e.History.Stack) ||
		(change.UID != "" && change.UID != e.History.UID) {
		return nil
	}
	victims := []*ledger.Entry{e}
	if _, isIdentity := change.Object.(*access.Identity); isIdentity {
		victims = append(victims, f.ledger().Under(e.Object.Holder())...)
	}
	return s.sweepAll(ctx, f, victims)
}
