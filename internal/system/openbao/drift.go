// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// Drift: what OpenBao holds of an object and what the ledger says that it should. Two sorts are kept apart. What the
// next change of the object puts right is returned by edited, entityDrift and credentialDrift, and a plan proposes that
// change. What no change of it puts right, such as a mount that is bound to another issuer, is returned by around, and
// only warned of.
// Nothing here writes.

// edited says that a policy's text was changed by hand, or that its record is damaged; "" if it is what the ledger
// compiles to. It compares the paths only: the ledger's lines are the truth.
func edited(snap *snapshot, id access.IdentityID) (string, error) {
	d := snap.Documents[id]
	if damaged := d.Broken(); damaged != nil {
		return text(damaged), nil
	}
	want, err := store.Compile(snap.Ledger, d.Entries, id)
	if err != nil || d.Body == want {
		return "", err
	}
	return fmt.Sprintf("The policy %s differs from the declaration: somebody edited it, or a change above it was not "+
		"finished.", store.NameOf(id)), nil
}

// entityDrift says what an entity has that its identity was not declared with, or lacks. Metadata that only tells why
// an entity is disabled is not told twice.
func (ob *observer) entityDrift(snap *snapshot, i *access.Identity, e *ledger.Entry, there *entity) (drift []string) {
	if there == nil {
		return []string{fmt.Sprintf("The entity %s is missing: nobody can log in as it until the next apply.",
			store.NameOf(i.ID))}
	}
	stands := snap.Ledger.Standing(i.ID)
	marked := snap.Ledger.HeldIdentity(snap.Holds, i.ID)
	if text := disabledDrift(there, stands.Cut(), marked); text != "" {
		drift = append(drift, text)
	}
	drift = append(drift, rightsDrift(i.ID, there)...)
	want := metadata(i, e, stands)
	got := maps.Clone(there.Metadata)
	if there.held() || marked || there.Disabled != stands.Cut() { // said already
		delete(want, cutBy)
		delete(got, cutBy)
	}
	if !maps.Equal(want, got) {
		drift = append(drift, "The entity's metadata was changed.")
	}
	return append(drift, strangersDrift(i.ID, ob.entities.strangers(snap.Documents[i.ID].Entries, i.ID, there))...)
}

// disabledDrift says why an entity should be enabled or disabled and is not; "" if it is as it should be. One that
// somebody disabled by hand is held, which is no drift.
func disabledDrift(there *entity, cut, marked bool) string {
	switch {
	case !there.Disabled && marked:
		return "The entity is enabled, but the identity was cut by hand and not released."
	case !there.Disabled && cut:
		return "The entity is enabled, but the identity is suspended. Its policy allows nothing."
	case there.Disabled && !cut && !there.held() && !marked:
		return "The entity is disabled, but the identity is no longer suspended."
	}
	return ""
}

// strangersDrift says who else logs in as the entity of an identity.
func strangersDrift(id access.IdentityID, strangers []alias) (drift []string) {
	for _, a := range strangers {
		// a token is being given out, or whoever did it died: it opens nothing by itself
		if loginOf(a) == tokenLogin(id) {
			continue
		}
		where := a.Path
		if where == "" {
			where = "a mount that is gone, " + a.Accessor
		}
		drift = append(drift, fmt.Sprintf("A login as %q at %s also is this entity.", a.Name, where))
	}
	return drift
}

// rightsDrift says by what an entity has other rights than by its identity's policy alone: it should have that one
// policy and be in no group.
func rightsDrift(id access.IdentityID, there *entity) (drift []string) {
	if more := without(there.Policies, store.NameOf(id)); len(more) > 0 {
		drift = append(drift, "The entity has further policies: "+strings.Join(more, ", ")+".")
	}
	if !slices.Contains(there.Policies, store.NameOf(id)) {
		drift = append(drift, "The entity lacks its policy: no grant works.")
	}
	if len(there.Groups) > 0 {
		drift = append(drift, "The entity is in groups: "+strings.Join(there.Groups, ", ")+".")
	}
	return drift
}

// unfinished is said of an identity of which something is lost and may still live.
const unfinished = "Open sessions may still have what was revoked: the process that revoked it did not finish."

// aliasDrift says what is wrong with the alias by which a credential leads to its entity; "" if nothing is.
func (ob *observer) aliasDrift(ctx context.Context, c *access.Credential, there *entity) (string, error) {
	switch aliases := there.onMount(ob.creds.mountOf(c)); {
	case there == nil:
		return "The entity is missing: nobody can log in with the credential until the next apply.", nil
	case len(aliases) == 0:
		return ob.entities.astray(ctx, c)
	case !strings.EqualFold(aliases[0].Name, ob.creds.aliasName(c)):
		return fmt.Sprintf("The alias is %q instead of %q.", aliases[0].Name, ob.creds.aliasName(c)), nil
	}
	return "", nil
}

// credentialDrift says what differs in a credential's roles, alias and secret ids, and what was revoked past us. A
// credential that was cut by hand may have no login; beside that, nothing of it is compared until its release.
func (ob *observer) credentialDrift(ctx context.Context, snap *snapshot, c *access.Credential, e *ledger.Entry,
	n *native) (drift []string, err error) {
	if snap.Ledger.HeldAlone(snap.Holds, c) { // it may have no more than this
		if login := ob.creds.shutting(c); n.roles[login] != nil {
			drift = append(drift, login+" exists, but the credential was cut by hand and not released.")
		}
		return drift, nil
	}
	roles, err := ob.expected(ctx, snap, c, e)
	if err != nil {
		return nil, err
	}
	for _, want := range roles {
		drift = append(drift, roleDrift(want, n.roles[want.path])...)
	}
	if text, err := ob.aliasDrift(ctx, c, n.entity); err != nil {
		return nil, err
	} else if text != "" {
		drift = append(drift, text)
	}
	switch c.Kind() {
	case access.Secret:
		drift = append(drift, ob.secrets.secretDrift(c, e, n)...)
	case access.Certificate:
		common, err := ob.common(ctx, snap)
		if err != nil {
			return nil, err
		}
		drift = append(drift, common.revocations.unheardOf(ob.certs, c, e.Issued)...)
	}
	return drift, nil
}

// roleDrift names the fields of a role that are not what was declared; got is nil if the role is gone. Fields that a
// newer OpenBao returns beside them are not looked at.
func roleDrift(want role, got map[string]any) (drift []string) {
	if got == nil {
		return []string{want.path + " is missing: nobody can log in with it until the next apply."}
	}
	for _, field := range slices.Sorted(maps.Keys(want.body)) {
		if !alike(want.body[field], got[field]) {
			drift = append(drift, fmt.Sprintf("%s of %s differs from the declaration.", field, want.path))
		}
	}
	return drift
}

// around says what differs in that which a credential needs and does not consist of: its mount's issuer and keys, its
// authority, other lists of revoked certificates. No change of the credential puts that right.
func (ob *observer) around(ctx context.Context, snap *snapshot, c *access.Credential, e *ledger.Entry,
	n *native) (drift []string, err error) {
	if snap.Ledger.HeldAlone(snap.Holds, c) {
		return nil, nil
	}
	switch c.Kind() {
	case access.Federated:
		roles, err := ob.expected(ctx, snap, c, e)
		if err != nil {
			return nil, err
		}
		return ob.fed.trustDrift(ctx, c.Federated.Issuer, roles[0].body, n.roles[roles[0].path])
	case access.Certificate:
		common, err := ob.common(ctx, snap)
		if err != nil {
			return nil, err
		}
		if common.unable != "" {
			drift = append(drift, strings.ToUpper(common.unable[:1])+common.unable[1:]+".")
		}
		orphans, err := ob.certs.orphans(ctx, e.Issued, common.authority)
		return append(append(drift, common.revocations.drift(ob.certs, e.Issued)...), orphans...), err
	}
	return nil, nil
}

// expected returns the roles that a credential should have. It makes nothing: a plan only looks. If nobody knows the
// authority, what the role trusts is not compared.
func (ob *observer) expected(ctx context.Context, snap *snapshot, c *access.Credential, e *ledger.Entry) ([]role,
	error) {
	end := snap.Ledger.End(e)
	if c.Kind() != access.Certificate {
		return ob.creds.roles(ctx, c, end, e.Issued)
	}
	common, err := ob.common(ctx, snap)
	if err != nil {
		return nil, err
	}
	ca, err := ob.certs.trusted(ctx, e.Issued, common.authority)
	roles := ob.certs.certificateRoles(c, end, ca)
	if common.authority == "" { // nobody knows what belongs there
		for _, r := range roles {
			delete(r.body, "certificate")
		}
	}
	return roles, err
}

// common returns what is the same for all certificates: the authority, why it does not sign, and what was revoked. It
// is read at most once for a snapshot, which keeps it under the zero id.
func (ob *observer) common(ctx context.Context, snap *snapshot) (*native, error) {
	nobody := access.IdentityID{}
	common := snap.Known(nobody)
	if common == nil {
		common = new(native)
		ca, err := ob.certs.signer(ctx)
		if client.Gone(err) != nil && !away(err) {
			return nil, err
		}
		common.authority = ca
		switch {
		case noIssuer(err):
			common.unable = withoutIssuer(ob.options.Mounts.PKI)
		case common.authority != "":
			if common.unable, err = ob.certs.unable(ctx, common.authority); err != nil {
				return nil, err
			}
		}
		if common.revocations, err = ob.certs.lookAtRevocations(ctx); err != nil {
			return nil, err
		}
		snap.Note(nobody, common)
	}
	return common, nil
}

// alike reports whether OpenBao returns what was written: numbers of any kind, an empty list for none, PEM with or
// without its last line end, a single address without its length. A value that asks for nothing is not returned by
// every version.
func alike(want, got any) bool {
	want, got = plain(want), plain(got)
	return reflect.DeepEqual(want, got) || (nothing(want) && nothing(got))
}

// nothing reports whether a value asks for nothing.
func nothing(v any) bool {
	return v == nil ||
		v == false ||
		v == "" ||
		v == 0.0
}

// plain returns a value as it looks after JSON, as each answer does, in the spelling that is compared.
func plain(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var p any
	if json.Unmarshal(text, &p) != nil {
		return nil
	}
	return tidied(p)
}

// tidied returns a value of JSON in the spelling that is compared: moments in UTC, networks of one address as OpenBao
// writes them (10.0.0.7 for 10.0.0.7/32), texts without white space around them, and nil for an empty list. It changes
// lists and maps in place.
func tidied(v any) any {
	switch v := v.(type) {
	case string:
		if moment, err := time.Parse(time.RFC3339, v); err == nil {
			return moment.UTC().Format(time.RFC3339)
		}
		if network, err := netip.ParsePrefix(v); err == nil && network.IsSingleIP() {
			return network.Addr().String() // OpenBao leaves out that it is one address
		}
		return strings.TrimSpace(v)
	case []any:
		if len(v) == 0 {
			return nil
		}
		for i := range v {
			v[i] = tidied(v[i])
		}
		return v
	case map[string]any:
		for k := range v {
			v[k] = tidied(v[k])
		}
		return v
	}
	return v
}

// lastLogin returns when a credential was last logged in with, in UTC and whole seconds; zero if it never was, or
// OpenBao does not remember. It remembers the uses of a secret id, since these are counted (countedUses), and the
// role's program notes each login in the alias of a federated one. Of certificates it remembers nothing.
func (ob *observer) lastLogin(c *access.Credential, n *native) (last time.Time) {
	switch c.Kind() {
	case access.Secret:
		for _, one := range n.secrets {
			if one.Updated.After(one.Created) && one.Updated.After(last) {
				last = one.Updated
			}
		}
	case access.Federated:
		if n.entity == nil {
			return last
		}
		for _, a := range n.entity.Aliases {
			if at, err := time.Parse(time.RFC3339Nano, a.Metadata["last_login"]); err == nil &&
				at.After(last) &&
				a.Name == store.NameOf(c.IdentityID) {
				last = at
			}
		}
	}
	return last.UTC().Truncate(time.Second)
}

// lastUsed returns when an identity was last logged in as, and whether it may have been since, by a certificate.
func (ob *observer) lastUsed(snap *snapshot, id access.IdentityID, n *native) (last time.Time, unknown bool) {
	for _, e := range snap.Documents[id].Below() {
		if c, ok := e.Credential(); ok {
			if at := ob.lastLogin(c, n); at.After(last) {
				last = at
			}
			unknown = unknown || c.Kind() == access.Certificate
		}
	}
	return last, unknown
}
