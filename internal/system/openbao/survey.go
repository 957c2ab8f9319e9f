// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// surveyor looks at everything, also at what nobody declared.
type surveyor struct {
	*server
	store    *policies
	creds    *credentials
	certs    *certificates
	entities *entities
	adopter  *adopter
	observer *observer
}

// Survey returns everything, of every stack, with all that a look at each identity tells; and what stands on the mounts
// of partner access, or bears a partner's name elsewhere, and is declared by nobody. OpenBao's own means to name an
// owner is the metadata of an entity: what logs in as one that has an owner is that owner's.
func (s *surveyor) Survey(ctx context.Context, partners []string) ([]*access.Record, []access.Stray, error) {
	snap, err := s.store.Load(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("survey: %w", err)
	}
	err = s.observer.bundle(ctx, snap, "")
	var records []*access.Record
	if err == nil {
		records, err = s.observer.observeAll(ctx, snap)
	}
	var strays []access.Stray
	if err == nil {
		strays, err = s.strays(ctx, snap, partners)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("survey: %w", err)
	}
	return records, strays, nil
}

// observeAll looks at everything. What is asked about one identity serves all of its objects.
func (ob *observer) observeAll(ctx context.Context, snap *snapshot) ([]*access.Record, error) {
	refs := snap.Refs()
	records := make([]*access.Record, len(refs))
	errs := make([]error, len(refs))
	var all errgroup.Group
	all.SetLimit(lookers)
	for n, ref := range refs {
		all.Go(func() error {
			e := snap.Ledger[ref]
			if records[n], errs[n] = ob.record(snap.Ledger, e); errs[n] == nil {
				errs[n] = ob.observe(ctx, snap, e, records[n])
			}
			return nil // the first in order is told, not the first in time
		})
	}
	_ = all.Wait()
	for n, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", refs[n], err)
		}
	}
	return records, nil
}

// surveying is what is found out on the way.
type surveying struct {
	*surveyor
	ctx      context.Context
	snap     *snapshot
	partners map[string]bool
	mounts   map[string]mounted         // the auth methods
	entities map[string]*entity         // by id; those of the listing know their name and aliases only
	owned    map[string]bool            // "MOUNT NAME": the alias of an entity that has an owner, or is governed
	roles    map[string]map[string]bool // by auth mount, the roles that are declared
	adopted  map[string]bool            // the paths of logins that were adopted; true: the role there is still the one
	found    []access.Stray
}

// strays looks at everything in an order: each look uses what those before it have noted, mounts before entities,
// entities before aliases.
func (s *surveyor) strays(ctx context.Context, snap *snapshot, partners []string) ([]access.Stray, error) {
	sv := &surveying{
		surveyor: s,
		ctx:      ctx,
		snap:     snap,
		partners: map[string]bool{},
		owned:    map[string]bool{},
		roles:    map[string]map[string]bool{},
		adopted:  map[string]bool{},
	}
	for _, p := range partners {
		sv.partners[p] = true
	}
	for id := range snap.Documents {
		sv.partners[id.Partner] = true
	}
	sv.expect()
	for _, look := range []func() error{sv.listMounts, sv.listEntities, sv.listAliases, sv.lookAtEntities,
		sv.lookAtMounts, sv.lookAtGroups, sv.lookAtPolicies, sv.lookAtAuthority} {
		if err := look(); err != nil {
			return nil, err
		}
	}
	order.Sort(sv.found, func(a, b access.Stray) int { return strings.Compare(a.NativeID, b.NativeID) })
	return sv.found, nil
}

// expect notes which roles the declarations need.
func (sv *surveying) expect() {
	for _, e := range sv.snap.Ledger {
		for _, l := range e.Adopted.Left() {
			n := sv.snap.Known(e.Object.Holder())
			sv.adopted[l.NativeID] = sv.adopted[l.NativeID] ||
				n == nil ||
				roleAmong(n.roles, l) != nil
		}
		c, ok := e.Credential()
		if !ok || e.Removed() {
			continue
		}
		mount := sv.creds.mountOf(c)
		if sv.roles[mount] == nil {
			sv.roles[mount] = map[string]bool{}
		}
		sv.roles[mount][roleOf(c.IdentityID)] = true
	}
}

func (sv *surveying) listMounts() error { return sv.client.Get(sv.ctx, "sys/auth", &sv.mounts) }

// partnerMount says whether an auth method is one of partner access.
func (sv *surveying) partnerMount(mount string) bool {
	return mount == sv.options.Mounts.AppRole || mount == sv.options.Mounts.Cert || sv.ours(mount)
}

// bears says whether one of the names is, as a word, a partner's.
func (sv *surveying) bears(names ...string) bool {
	for _, name := range names {
		for partner := range sv.partners {
			if access.HasWord(name, partner) {
				return true
			}
		}
	}
	return false
}

// add notes a stray that a path removes.
func (sv *surveying) add(kind, path, why string, names ...string) {
	sv.found = append(sv.found, access.Stray{
		NativeID:   path,
		Kind:       kind,
		Names:      names,
		Why:        why,
		Revocation: []string{sv.ownShell().remove(path)},
	})
}

// list reads names; none where there are none, or where the mount has no such list.
func (sv *surveying) list(path string) ([]string, error) {
	var all struct {
		Keys []string `json:"keys"`
	}
	err := sv.client.List(sv.ctx, path, &all)
	if errors.Is(err, access.ErrUnsupported) {
		return nil, nil
	}
	return all.Keys, client.Gone(err)
}

// lists are what an auth method of each type lets log in by name, below its mount.
var lists = map[string]map[string]string{
	"approle":    {"role": "AppRole"},
	"cert":       {"certs": "certificate role"},
	"jwt":        {"role": "JWT role", "cel/role": "CEL role"},
	"oidc":       {"role": "JWT role", "cel/role": "CEL role"},
	"kubernetes": {"role": "Kubernetes role"},
	"ldap":       {"users": "LDAP user", "groups": "LDAP group"},
	"radius":     {"users": "RADIUS user"},
	"userpass":   {"users": "user"},
	"token":      {"roles": "token role"},
}

// lookAtMounts finds the roles that nobody declared, and mounts of issuers that nobody comes from.
func (sv *surveying) lookAtMounts() error {
	for _, path := range slices.Sorted(maps.Keys(sv.mounts)) {
		mount, m := strings.TrimSuffix(path, "/"), sv.mounts[path]
		for _, below := range slices.Sorted(maps.Keys(lists[m.Type])) {
			names, err := sv.list("auth/" + mount + "/" + below)
			if err != nil {
				return err
			}
			for _, name := range names {
				sv.noteRole(mount, below, lists[m.Type][below], name)
			}
		}
		if m.Type == "jwt" &&
			len(sv.roles[mount]) == 0 &&
			strings.HasPrefix(mount, jwtPrefix) &&
			!sv.configured(mount) {
			sv.add("auth method", "sys/auth/"+mount, "it trusts an issuer that no declared credential uses", mount)
		}
	}
	return nil
}

// remade says whether a role has the place of one that was adopted, and is another one.
func (sv *surveying) remade(path string) bool {
	same, was := sv.adopted[path]
	return was && !same
}

// noteRole adds a role by which a partner may log in, and which nobody declared, adopted or owns.
func (sv *surveying) noteRole(mount, below, kind, name string) {
	path := "auth/" + mount + "/" + below + "/" + name
	declared := (sv.roles[mount][name] && below != "role") || (sv.roles[mount][name] && kind == "AppRole")
	partners := sv.partnerMount(mount) || sv.bears(name) || sv.remade(path)
	if declared ||
		sv.adopted[path] ||
		sv.owned["auth/"+mount+"/ "+name] ||
		!partners {
		return
	}
	why := "it lets people in, but no declaration says who answers for it and when it ends"
	sv.add(kind, path, why, name)
}

// lookAtGroups finds groups that bear a partner's name. One that a governed identity is in is drift of that.
func (sv *surveying) lookAtGroups() error {
	var all struct {
		Groups map[string]struct {
			Name string `json:"name"`
		} `json:"key_info"`
	}
	if err := sv.client.List(sv.ctx, "identity/group/id", &all); client.Gone(err) != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(all.Groups)) {
		name := all.Groups[id].Name
		if !strings.HasPrefix(name, store.Prefix) && !sv.bears(name) {
			continue
		}
		var full struct {
			Metadata map[string]string `json:"metadata"`
			Policies []string          `json:"policies"`
		}
		if err := sv.client.Get(sv.ctx, "identity/group/id/"+id, &full); client.Gone(err) != nil {
			return err
		}
		if full.Metadata["owner"] == "" {
			sv.add("group", "identity/group/id/"+id,
				"it has no owner, and gives its members what its policies say: "+strings.Join(full.Policies, ", "),
				name)
			sv.found[len(sv.found)-1].Policies = full.Policies
		}
	}
	return nil
}

// lookAtPolicies finds policies below our prefix that are of no declaration.
func (sv *surveying) lookAtPolicies() error {
	all, err := sv.store.List(sv.ctx, strings.TrimSuffix(store.Prefix, "/"))
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		id, err := access.ParseIdentityID(strings.TrimPrefix(name, store.Prefix))
		if store.IsBeside(name, all[name].Policy) {
			continue
		}
		if strings.HasPrefix(name, store.Prefix) && (err != nil || sv.snap.Documents[id] == nil) {
			sv.add("policy", "sys/policies/acl/"+name, "it is among the partners' policies, but is not declared", name)
		}
	}
	return nil
}

// lookAtAuthority finds what the authority for partners signed, or would sign, past the declarations.
func (sv *surveying) lookAtAuthority() error {
	mount := sv.options.Mounts.PKI
	names, err := sv.list(mount + "/roles")
	if err != nil {
		return err
	}
	known := map[string]bool{}
	expected := sv.roles[sv.options.Mounts.Cert]
	for _, e := range sv.snap.Ledger {
		for _, i := range e.Issued {
			known[i.Serial] = true
		}
	}
	for _, name := range names {
		if !expected[name] {
			sv.add("signing role", mount+"/roles/"+name, "it issues certificates that nobody declared", name)
		}
	}
	if len(names) == 0 { // also where there is no authority
		return nil
	}
	return sv.lookAtCertificates(mount, known)
}

// lookAtCertificates adds the certificates of our authority that somebody signed by hand: neither the ledger knows
// them, nor are they authorities, revoked, or over.
func (sv *surveying) lookAtCertificates(mount string, known map[string]bool) error {
	signed, err := sv.certs.allSigned(sv.ctx)
	if err != nil {
		return err
	}
	revoked, err := sv.list(mount + "/certs/revoked")
	if err != nil {
		return err
	}
	own, err := sv.certs.authorities(sv.ctx)
	if err != nil {
		return err
	}
	for _, serial := range slices.Sorted(maps.Keys(signed)) {
		c := signed[serial]
		if own[serial] != "" ||
			known[serial] ||
			!c.NotAfter.After(sv.now()) ||
			slices.Contains(revoked, serial) {
			continue
		}
		sv.add("certificate", mount+"/cert/"+serial,
			fmt.Sprintf("it was signed by hand for %s, and works until %s", c.CommonName, access.At(c.NotAfter)),
			c.CommonName)
		stray := &sv.found[len(sv.found)-1]
		stray.CreatedAt, stray.Revocation = c.NotBefore, []string{sv.ownShell().revoke(mount, serial)}
	}
	return nil
}
