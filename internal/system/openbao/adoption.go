// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// What somebody made by hand is adopted as an entity: the partner goes on logging in as before, and from then on all
// that it may do comes from the identity's policy, which ends path by path. This file finds what can be adopted, and
// only reads; takeover.go does it.
//
// A token carries the policies of its role, nothing finds tokens by their entity, and those of a periodic role never
// end. So the old entity does not stay: a new one takes over its aliases, and every session of the old one ends with
// it. In this order nobody can do more than before at any moment:
//
//  1. The identity's policy is written, which claims the id. It says what is taken over, and allows nothing yet.
//  2. The new entity is made. Nobody logs in as it yet.
//  3. The roles lose their policies.
//  4. The aliases move.
//  5. The old entity is deleted, with its policies, memberships and sessions.
//
// A process that dies in between leaves a line in the policy, as with all that is lost: whoever changes the identity
// next goes on from there (see TestWhereverAnAdoptionDiesTheNextOneFinishes).

// adopter lets identities take over what somebody made by hand.
type adopter struct {
	*server
	store    *policies
	creds    *credentials
	entities *entities

	// surveyed guards what follows. It is held while this is read from the server, so each is read once in a process.
	surveyed sync.Mutex
	// approles are the paths of AppRoles by their role ids in small letters, by the mount's path.
	approles map[string]map[string]string
	// claims are the entities that this process adopts, and as which identity. None is ever taken back.
	claims map[string]access.IdentityID
	// own is the entity of this provider's login; nil: not read yet.
	own *string
	// factors are who is asked for a second factor; nil: not read yet.
	factors []enforcement
}

var (
	// entityNumber is how OpenBao numbers entities. A path is made of it, so nothing else may stand there.
	entityNumber = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	// roleName is what OpenBao takes as the name of a role or user, and what no path climbs by.
	roleName = regexp.MustCompile(`^\w([\w.@-]*\w)?$`)
)

// Adoption says what adopting an entity would do, for the plan: it changes nothing. native is
// "identity/entity/id/UUID". It is ErrUnsupported with the reason if that cannot be adopted, and ErrGoverned if it, or
// the id, is declared already.
func (ad *adopter) Adoption(ctx context.Context, id access.IdentityID, native string) (*access.Adoption, error) {
	found, err := ad.legacyAt(ctx, id, native)
	if err != nil {
		return nil, fmt.Errorf("adopt %s: %w", native, err)
	}
	a := &access.Adoption{
		Policies: found.policies, Held: found.Disabled, Spent: found.spent,
		Revocation: []string{ad.ownShell().remove(native)},
		Sessions:   "Open sessions end. The next login still works.",
	}
	for _, l := range found.logins {
		a.Logins = append(a.Logins, l.NativeID)
	}
	for _, groupID := range found.Direct {
		var group struct {
			Name string `json:"name"`
		}
		if err := ad.client.Get(ctx, "identity/group/id/"+groupID, &group); client.Gone(err) != nil {
			return nil, fmt.Errorf("adopt %s: %w", native, err)
		}
		a.Groups = append(a.Groups, group.Name)
	}
	return a, nil
}

// legacy is an entity that nobody declared, with the logins that lead to it.
type legacy struct {
	*entity
	logins []ledger.Login
	// policies are all that a partner has who logs in there: the entity's and those of each login's role, sorted. A
	// group's are not among them; the plan names the groups.
	policies []string
	// spent are the releases that were used for this partner before, which release nothing a second time.
	spent []string
}

// ungoverned returns ErrGoverned for an id that is declared, and for an entity that was adopted before.
func ungoverned(snap *snapshot, id access.IdentityID, native string) error {
	if i, _ := snap.Ledger.Identity(id); i != nil {
		return fmt.Errorf("%s: %w", id, access.ErrGoverned)
	}
	for _, e := range snap.Ledger {
		if e.Adopted != nil && e.Adopted.From == native {
			return fmt.Errorf("adopted as %s: %w", e.Object.Holder(), access.ErrGoverned)
		}
	}
	return nil
}

// legacyAt finds the entity that a native id names, with its logins, and checks all that stands against its adoption.
// It may be called again: a change repeats the checks of its plan, since somebody may have changed the entity in
// between.
func (ad *adopter) legacyAt(ctx context.Context, id access.IdentityID, native string) (*legacy, error) {
	number, isEntity := strings.CutPrefix(native, entityFolder)
	if !isEntity || !entityNumber.MatchString(number) {
		return nil, fmt.Errorf("%w: only an entity can be adopted, with the id that the inventory shows as %sUUID",
			access.ErrUnsupported, entityFolder)
	}
	snap, err := ad.store.View(ctx)
	if err != nil {
		return nil, err
	}
	if err := ungoverned(snap, id, native); err != nil {
		return nil, err
	}
	found := &legacy{entity: new(entity), spent: ledger.Spent(snap.Ledger, snap.Tombstones, id.Partner)}
	if err := ad.client.Get(ctx, native, found.entity); err != nil {
		return nil, err
	}
	own, err := ad.ownEntity(ctx)
	if err != nil {
		return nil, err
	}
	if why := ad.unadoptable(found.entity, id, own); why != "" {
		return nil, fmt.Errorf("%w: %s", access.ErrUnsupported, why)
	}
	if owner, ok := holderIn(snap, found.entity); ok {
		return nil, fmt.Errorf("it is the entity of %s: %w", owner, access.ErrGoverned)
	}
	if err := ad.findLogins(ctx, snap, found); err != nil {
		return nil, err
	}
	return found, ad.keepsSecondFactors(ctx, found)
}

// holderIn returns whose entity it is by its name, if that identity is declared. "~" ends the name of one that is being
// replaced.
func holderIn(s *snapshot, e *entity) (access.IdentityID, bool) {
	id, err := access.ParseIdentityID(strings.TrimSuffix(strings.TrimPrefix(e.Name, store.Prefix), "~"))
	return id, err == nil && strings.HasPrefix(e.Name, store.Prefix) && s.Documents[id] != nil
}

// unadoptable says why an entity cannot be adopted, as far as it shows; "" if it can. own is the entity of this
// provider's login.
//
// An AppRole and a user are of one login alone, so their policies can go. A role of any other method may admit several,
// and would change for the others, too. A local mount's alias stays with its entity: OpenBao answers "local aliases
// can't be moved between entities" (internal/vault/identity/store_aliases.go). An alias without a path is of a mount
// that is gone, and lets nobody in.
func (ad *adopter) unadoptable(e *entity, as access.IdentityID, own string) string {
	if e.ID == own {
		return "this provider is logged in as it, and would end its own session and rights. Write its owner into its " +
			"metadata instead"
	}
	if owner := e.Metadata["owner"]; owner != "" {
		return fmt.Sprintf("its metadata says that %s owns it", owner)
	}
	if strings.EqualFold(e.Name, store.NameOf(as)) {
		return fmt.Sprintf("it has the name that the identity's entity needs. Rename it first: bao write %s%s "+
			"name=legacy-%s", entityFolder, e.ID, as.Name)
	}
	for _, a := range e.Aliases {
		if a.Path != "" && a.Local {
			return fmt.Sprintf("%q logs in as it at %s, a local mount, and OpenBao cannot move such a login to "+
				"another entity. Declare new access, hand it over, and remove the entity: %s", a.Name, a.Path,
				ad.ownShell().remove(entityFolder+e.ID))
		}
		if a.Path != "" && a.Type != approle && a.Type != "userpass" {
			return fmt.Sprintf("%q logs in as it at %s: a role of the method %s may admit others, and removing its "+
				"policies would cut them off. Declare new access, hand it over, and remove the entity: %s", a.Name,
				a.Path, a.Type, ad.ownShell().remove(entityFolder+e.ID))
		}
	}
	return ""
}

// ownEntity returns the entity of this provider's own login; "" if it has none, as a root token, or may not look itself
// up.
func (ad *adopter) ownEntity(ctx context.Context) (string, error) {
	ad.surveyed.Lock()
	defer ad.surveyed.Unlock()
	if ad.own == nil {
		var token struct {
			Entity string `json:"entity_id"`
		}
		err := ad.client.Get(ctx, "auth/token/lookup-self", &token)
		if err != nil && !errors.Is(err, access.ErrNotPermitted) {
			return "", err
		}
		ad.own = &token.Entity
	}
	return *ad.own, nil
}

// findLogins finds the roles by which one logs in as an entity. An alias whose mount or role is gone lets nobody in. A
// role that needs no secret id is refused: its role id is no secret, so nobody can say who comes in by it.
func (ad *adopter) findLogins(ctx context.Context, snap *snapshot, found *legacy) error {
	taken := ad.declaredRoles(snap)
	found.policies = slices.Clone(found.Policies)
	for _, a := range found.Aliases {
		name, err := ad.roleOfAlias(ctx, a)
		if err != nil {
			return err
		}
		if name == "" {
			continue
		}
		l := ledger.Login{NativeID: name, Mount: loginOf(a).mount, Name: a.Name}
		if by, ok := taken[l.NativeID]; ok {
			return fmt.Errorf("%s is a login of %s: %w", l.NativeID, by, access.ErrGoverned)
		}
		role, err := ad.readLogin(ctx, l)
		if err != nil {
			return err
		}
		if role == nil {
			continue
		}
		if open := role["bind_secret_id"]; open == false {
			return fmt.Errorf("%w: %s lets in everybody who knows its role_id. Set bind_secret_id, and give the "+
				"partner a secret id",
				access.ErrUnsupported, l.NativeID)
		}
		found.logins, found.policies = append(found.logins, l), append(found.policies, policiesOf(role)...)
	}
	slices.Sort(found.policies)
	found.policies = slices.Compact(found.policies)
	return nil
}

// declaredRoles returns the roles that the ledger knows, by their paths, and whose they are.
func (ad *adopter) declaredRoles(snap *snapshot) map[string]access.IdentityID {
	all := map[string]access.IdentityID{}
	for _, e := range snap.Ledger {
		if c, ok := e.Credential(); ok {
			for _, path := range ad.creds.rolePaths(c) {
				all[path] = c.IdentityID
			}
		}
		for _, l := range e.Adopted.Left() {
			all[l.NativeID] = e.Object.Holder()
		}
	}
	return all
}

// roleOfAlias returns the path of the role, or user, that an alias is of; "" if it is gone.
//
// OpenBao notes an AppRole's name in the alias at each login, and names the alias by the role id. So the noted name is
// believed only if the role still has that id. Aliases are the same in capitals, so whoever wrote one by hand need not
// have written it as the role has it (see TestALoginIsFoundHoweverItsAliasIsWritten).
func (ad *adopter) roleOfAlias(ctx context.Context, a alias) (path string, err error) {
	if a.Path == "" {
		return "", nil
	}
	if a.Type == "userpass" {
		if !roleName.MatchString(a.Name) {
			return "", fmt.Errorf("%w: %q is not the name of a user", access.ErrUnsupported, a.Name)
		}
		return a.Path + "users/" + a.Name, nil
	}
	if noted := a.Metadata["role_name"]; roleName.MatchString(noted) {
		path = a.Path + "role/" + noted
		if id, err := ad.roleID(ctx, path); err != nil || strings.EqualFold(id, a.Name) {
			return path, err
		}
	}
	byID, err := ad.appRoles(ctx, a.Path)
	return byID[strings.ToLower(a.Name)], err
}

// roleID returns the id of an AppRole; "" if it is gone.
func (ad *adopter) roleID(ctx context.Context, path string) (string, error) {
	var answer struct {
		ID string `json:"role_id"`
	}
	err := ad.client.Get(ctx, path+"/role-id", &answer)
	return answer.ID, client.Gone(err)
}

// appRoles returns the paths of all AppRoles of a mount, by their ids in small letters. It asks once for each role of
// the mount, so it is needed only if nobody has logged in yet by a login that is to be adopted.
func (ad *adopter) appRoles(ctx context.Context, mount string) (map[string]string, error) {
	ad.surveyed.Lock()
	defer ad.surveyed.Unlock()
	if known, ok := ad.approles[mount]; ok {
		return known, nil
	}
	var all struct {
		Keys []string `json:"keys"`
	}
	if err := ad.client.List(ctx, mount+"role", &all); client.Gone(err) != nil {
		return nil, err
	}
	byID := map[string]string{}
	for _, name := range all.Keys {
		path := mount + "role/" + name
		id, err := ad.roleID(ctx, path)
		if err != nil {
			return nil, err
		}
		byID[strings.ToLower(id)] = path
	}
	ad.approles[mount] = byID
	return byID, nil
}

// loginPaths returns what is read to know a login: its role, and for an AppRole also its id, which a role that was made
// anew under the same name does not have.
func loginPaths(l ledger.Login) []string {
	if strings.HasPrefix(l.NativeID, "auth/"+l.Mount+"/role/") {
		return []string{l.NativeID, l.NativeID + "/role-id"}
	}
	return []string{l.NativeID}
}

// roleAmong returns a login's role among what was read, by path; nil if it is gone, or another role has its name.
func roleAmong(read map[string]map[string]any, l ledger.Login) map[string]any {
	paths := loginPaths(l)
	if id, _ := read[paths[len(paths)-1]]["role_id"].(string); len(paths) > 1 && !strings.EqualFold(id, l.Name) {
		return nil
	}
	return read[paths[0]]
}

// readLogin returns the role of a login, as it is now; nil if it is gone.
func (ad *adopter) readLogin(ctx context.Context, l ledger.Login) (map[string]any, error) {
	read := map[string]map[string]any{}
	for _, path := range loginPaths(l) {
		var role map[string]any
		if err := ifThere(ad.client.Get(ctx, path, &role)); err != nil {
			return nil, err
		}
		read[path] = role
	}
	return roleAmong(read, l), nil
}

// policiesOf returns the policies that a role gives by itself. OpenBao adds "default" to every token unless the role
// says otherwise.
func policiesOf(role map[string]any) (names []string) {
	all, _ := role["token_policies"].([]any)
	for _, p := range all {
		names = append(names, fmt.Sprint(p))
	}
	if role["token_no_default_policy"] != true && !slices.Contains(names, "default") {
		names = append(names, "default")
	}
	return names
}
