// SPDX-License-Identifier: MPL-2.0

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

// An alias says that whoever logs in on a mount under a name is an entity. An entity has at most one alias on a mount
// (internal/vault/identity/store_aliases.go, handleAliasCreate), and names of aliases are the same in capitals.

// onMount returns the aliases of an entity on an auth method. It goes by the path and not by the accessor: another
// process may have made the mount after this one looked. An alias of a mount that was made anew has no path any more.
func (e *entity) onMount(mount string) (found []alias) {
	if e == nil {
		return nil
	}
	for _, a := range e.Aliases {
		if a.Path == "auth/"+mount+"/" {
			found = append(found, a)
		}
	}
	return found
}

// has reports whether an entity has an alias on the same mount, under the same name.
func (e *entity) has(w alias) bool {
	return e != nil &&
		slices.ContainsFunc(e.Aliases,
			func(a alias) bool { return a.Accessor == w.Accessor && strings.EqualFold(a.Name, w.Name) })
}

// login is an auth method, without auth/ before it, and the name that somebody has who logs in there, in small letters.
type login struct{ mount, name string }

// logins returns where and as whom the credentials of an identity log in, and what it has adopted. If a credential
// needs the mount of an adopted login, that makes room: an entity has one alias there.
func (es *entities) logins(l ledger.Ledger, id access.IdentityID) map[login]bool {
	all, mounts := map[login]bool{}, map[string]bool{}
	for _, e := range l {
		if c, ok := e.Credential(); ok && c.IdentityID == id && !e.Removed() {
			all[login{es.creds.mountOf(c), es.creds.aliasName(c)}], mounts[es.creds.mountOf(c)] = true, true
		}
	}
	if i, e := l.Identity(id); i != nil {
		for _, a := range e.Adopted.Left() {
			if !mounts[a.Mount] {
				all[loginAs(a)] = true
			}
		}
	}
	return all
}

// strangers returns an entity's aliases that belong neither to a credential of the identity nor to what it adopted.
func (es *entities) strangers(l ledger.Ledger, id access.IdentityID, there *entity) (strangers []alias) {
	ours := es.logins(l, id)
	for _, a := range there.Aliases {
		if !ours[loginOf(a)] {
			strangers = append(strangers, a)
		}
	}
	return strangers
}

// loginOf returns the login that an alias is of.
func loginOf(a alias) login {
	return login{strings.TrimSuffix(strings.TrimPrefix(a.Path, "auth/"), "/"), strings.ToLower(a.Name)}
}

// settleAlias makes whoever logs in on a mount under a name be the entity. An alias of another entity moves: OpenBao
// updates one that has this mount and name.
func (es *entities) settleAlias(ctx context.Context, entityID, accessor, name string) error {
	at, err := es.lookOnce(ctx)
	if err != nil {
		return err
	}
	return es.settled(ctx, at, func() error {
		return es.client.Put(ctx, "identity/entity-alias",
			map[string]any{"name": name, "canonical_id": entityID, "mount_accessor": accessor}, nil)
	})
}

// overtaken reports whether an alias could not be made because another process replaced the entity, or made it,
// meanwhile.
func overtaken(err error) bool {
	gone := client.Said(err, "invalid canonical ID") || client.Said(err, "is not associated with an entity")
	return gone ||
		client.Said(err, "lias already exists") ||
		client.Said(err, "already has an alias")
}

// aliasesOf returns the aliases that an identity should have, on the mounts as they are now: another process may have
// made some. A mount that is gone has none.
func (es *entities) aliasesOf(ctx context.Context, l ledger.Ledger, id access.IdentityID) (all []alias, err error) {
	var mounts map[string]mounted
	if err := es.client.Get(ctx, "sys/auth", &mounts); err != nil {
		return nil, err
	}
	for x := range es.logins(l, id) {
		if m, there := mounts[x.mount+"/"]; there {
			all = append(all, alias{Name: x.name, Accessor: m.Accessor})
		}
	}
	return all, nil
}

// addAliases gives aliases to an entity, which is made if there is none. What another process did first is no error:
// the next round of replace sees it.
func (es *entities) addAliases(ctx context.Context, l ledger.Ledger, id access.IdentityID, there *entity,
	aliases []alias) (err error) {
	entityID := there.id()
	if there == nil {
		if entityID, err = es.settleEntity(ctx, l, id, nil, nil); err != nil {
			return err
		}
	}
	for _, a := range aliases {
		if err := es.settleAlias(ctx, entityID, a.Accessor, a.Name); err != nil && !overtaken(err) {
			return err
		}
	}
	return nil
}

// holder returns the entity that holds an alias; one without an id if nobody does.
func (es *entities) holder(ctx context.Context, name, accessor string) (*entity, error) {
	e := new(entity)
	err := es.client.Put(ctx, "identity/lookup/entity",
		map[string]any{"alias_name": name, "alias_mount_accessor": accessor}, e)
	return e, client.Gone(err)
}

// astray says who holds the alias of a credential that is not at its identity's entity. Somebody may have merged the
// entity into another one, which moves its aliases (see TestDriftAfterAMergeSaysWhoHoldsTheAlias).
func (es *entities) astray(ctx context.Context, c *access.Credential) (string, error) {
	at, err := es.lookOnce(ctx)
	if err != nil {
		return "", err
	}
	accessor := es.methods(at)[es.creds.mountOf(c)+"/"].Accessor
	const lost = "The credential's alias does not belong to this entity: "
	if accessor == "" { // OpenBao takes no question without one
		return fmt.Sprintf("%sauth/%s is not mounted, so nobody can log in there.", lost, es.creds.mountOf(c)), nil
	}
	e, err := es.holder(ctx, es.creds.aliasName(c), accessor)
	switch {
	case errors.Is(err, access.ErrNotPermitted):
		return lost + "a login there is somebody else, or nobody. This provider's login may not look up who " +
			"(identity/lookup/entity).", nil
	case err != nil:
		return "", err
	case e.ID == "":
		return lost + "nobody has it, so a login there may do nothing.", nil
	}
	return fmt.Sprintf("%sthe entity %q has it (%s), as after a merge of entities. Until the next apply, a login "+
		"there is that entity, with its rights.", lost, e.Name, e.ID), nil
}

// logsIn reports whether an adopted login leads to the entity.
func (e *entity) logsIn(l ledger.Login) bool {
	return slices.ContainsFunc(e.Aliases, func(a alias) bool { return loginOf(a) == loginAs(l) })
}

// loginAs returns the login as it is compared.
func loginAs(l ledger.Login) login { return login{l.Mount, strings.ToLower(l.Name)} }

// tokenLogin returns the login by which a token for one run is bound to the entity.
func tokenLogin(id access.IdentityID) login { return login{"token", store.NameOf(id)} }

// deleteAlias deletes an alias: nobody is the entity any more by this login. Its open sessions go on, since a token
// names the entity and not the alias.
func (s *server) deleteAlias(ctx context.Context, a alias) error {
	return s.client.Delete(ctx, "identity/entity-alias/id/"+a.ID)
}

// onlyAlias gives an entity the alias of a mount, in the place of any other on that mount. It is ErrChanged if another
// process was first: then all is looked at again.
func (es *entities) onlyAlias(ctx context.Context, there *entity, accessor, name string) error {
	for _, a := range there.Aliases {
		if a.Accessor != accessor {
			continue
		}
		if strings.EqualFold(a.Name, name) {
			return nil
		}
		if err := es.deleteAlias(ctx, a); err != nil {
			return err
		}
	}
	err := es.settleAlias(ctx, there.ID, accessor, name)
	if overtaken(err) {
		return errors.Join(store.ErrChanged, err)
	}
	return err
}
