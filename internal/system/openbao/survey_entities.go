// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"maps"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// Entities that nobody declared: those that bear a partner's name, those that OpenBao made for a login that somebody
// set up by hand, and those of ours whose policy is gone.

// listEntities reads all entities of the namespace in one listing, with their aliases.
func (sv *surveying) listEntities() error {
	var all struct {
		Entities map[string]*entity `json:"key_info"`
	}
	err := client.Gone(sv.client.List(sv.ctx, "identity/entity/id", &all))
	sv.entities = all.Entities
	for id, e := range sv.entities {
		e.ID = id
	}
	return err
}

// listAliases notes by which AppRole an alias was logged in with: it is named by the role's id, and the entity that
// OpenBao made for it by nothing that one knows.
func (sv *surveying) listAliases() error {
	var all struct {
		Aliases map[string]alias `json:"key_info"`
	}
	err := client.Gone(sv.client.List(sv.ctx, "identity/entity-alias/id", &all))
	for _, e := range sv.entities {
		for n, a := range e.Aliases {
			e.Aliases[n].Metadata = all.Aliases[a.ID].Metadata
		}
	}
	return err
}

// governed says whether an entity is that of a declaration, or one that is being replaced.
func (sv *surveying) governed(e *entity) bool {
	_, ok := holderIn(sv.snap, e)
	return ok
}

// lookAtEntities reads those that may be partners', and keeps those without an owner.
func (sv *surveying) lookAtEntities() error {
	own, err := sv.adopter.ownEntity(sv.ctx)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(sv.entities)) {
		e := sv.entities[id]
		declared := sv.governed(e)
		governed := declared
		if names, mayBe := sv.namesOf(e); !governed && mayBe {
			if governed, err = sv.lookAtEntity(id, e, names, own); err != nil {
				return err
			}
		}
		if governed {
			sv.own(e, declared)
		}
	}
	return nil
}

// namesOf returns what an entity is called, by itself and by its aliases, and whether it may be a partner's
// by that or by a mount.
func (sv *surveying) namesOf(e *entity) (names []string, mayBePartners bool) {
	names = []string{e.Name}
	ours := strings.HasPrefix(e.Name, store.Prefix)
	for _, a := range e.Aliases {
		names = append(names, a.Name)
		if role := a.Metadata["role_name"]; role != "" {
			names = append(names, role)
		}
		ours = ours || sv.partnerMount(strings.TrimSuffix(strings.TrimPrefix(a.Path, "auth/"), "/"))
	}
	return names, ours || sv.bears(names...)
}

// lookAtEntity reads an entity that may be a partner's, and reports whether somebody owns it. One without an owner is a
// stray, and the survey says whether it can be adopted.
func (sv *surveying) lookAtEntity(id string, e *entity, names []string, own string) (governed bool, err error) {
	full := new(entity)
	if err := client.Gone(sv.client.Get(sv.ctx, entityFolder+id, full)); err != nil {
		return false, err
	}
	e.Metadata = full.Metadata
	e.Policies = full.Policies
	e.Disabled = full.Disabled
	if e.Metadata["owner"] != "" && !sv.lost(full) {
		return true, nil
	}
	sv.add("entity", entityFolder+id, entityWhy(e), names...)
	stray := &sv.found[len(sv.found)-1]
	stray.Policies, stray.Adoptable = e.Policies, true
	if not := sv.adopter.unadoptable(full, access.IdentityID{}, own); not != "" {
		stray.Adoptable = false
		stray.Why = stray.Why + ". It cannot be adopted: " + not
	}
	return false, nil
}

// own notes the logins and roles of an entity that somebody owns, which are no strays then. What a declared entity
// logged in by may be another one since: which of its roles are ours is known.
func (sv *surveying) own(e *entity, declared bool) {
	for _, a := range e.Aliases {
		sv.owned[a.Path+" "+a.Name] = true
		if role := a.Metadata["role_name"]; role != "" && (!declared || !sv.remade(a.Path+"role/"+role)) {
			sv.owned[a.Path+" "+role] = true
		}
	}
}

// lost says whether an entity is that of an identity whose policy is gone, or is another's text.
func (sv *surveying) lost(e *entity) bool {
	id, named := store.IDIn(e.Name)
	return named &&
		strings.HasPrefix(e.Name, store.Prefix) &&
		sv.snap.Documents[id] == nil &&
		e.Metadata["managed_by"] == "terraform-provider-partner"
}

// entityWhy says why an entity that nobody declared is told, and what to do about it.
func entityWhy(e *entity) string {
	switch {
	case e.Metadata["managed_by"] == "terraform-provider-partner":
		return "its record, the policy with its name, is gone: destroy it in the stack " + e.Metadata["stack"] +
			", or remove what has its name"
	case len(e.Aliases) == 0:
		return "it has no owner, and nobody can log in as it any more"
	case len(e.Policies) == 0:
		return "it has no owner and no end, and logs in"
	}
	return "it has no owner and no end, and may do what its policies say: " + strings.Join(e.Policies, ", ")
}
