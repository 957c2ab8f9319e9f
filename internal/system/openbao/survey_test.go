// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	stock "github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// neglected is a system that people worked on by hand.
type neglected struct {
	*stage
	t *testing.T
}

func (n neglected) do(method, path string, body any) map[string]any {
	n.t.Helper()
	return n.admin(n.t, method, path, body)
}

// neglects are 30 kinds of neglect: what somebody does by hand to the healthy access of a name, or beside it, and by
// which flag the inventory names what. The name stands for an identity, or is a part of a stray's id.
var neglects = map[string]struct {
	by   func(n neglected, name string)
	flag stock.Flag
	what string // of the inventory, with %s for the name; "" is the identity
}{
	"a policy widened": {func(n neglected, name string) {
		path := "sys/policies/acl/" + store.NameOf(idOf(name))
		text := n.do("GET", path, nil)["policy"].(string)
		n.do("POST", path, map[string]any{"policy": strings.Replace(text, `path "orders/`+name, `path "orders/+`, 1)})
	}, stock.Drifted, ""},
	"more policies at the entity": {func(n neglected, name string) {
		n.do("POST", entityPath(idOf(name)), map[string]any{"policies": []string{store.NameOf(idOf(name)), "default"}})
	}, stock.Drifted, ""},
	"a group that gives more": {func(n neglected, name string) {
		id := n.do("GET", entityPath(idOf(name)), nil)["id"]
		n.do("POST", "identity/group",
			map[string]any{
				"name":              "everybody-" + slug(name),
				"policies":          []string{"default"},
				"member_entity_ids": []any{id},
			})
	}, stock.Drifted, ""},
	"a forgotten secret id": {func(n neglected, name string) {
		n.do("POST", "auth/partner-approle/role/"+roleOf(idOf(name))+"/secret-id", map[string]any{})
	}, stock.Drifted, "acme/prod/%s/secret"},
	"sessions that last a day": {func(n neglected, name string) {
		n.do("POST", "auth/partner-approle/role/"+roleOf(idOf(name)),
			map[string]any{"token_ttl": 86400, "token_max_ttl": 86400, "token_explicit_max_ttl": 0})
	}, stock.Drifted, "acme/prod/%s/secret"},
	"tokens that are renewed for ever": {func(n neglected, name string) {
		n.do("POST", "auth/partner-approle/role/"+roleOf(idOf(name)), map[string]any{"token_period": 3600})
	}, stock.Drifted, "acme/prod/%s/secret"},
	"another owner at the entity": {func(n neglected, name string) {
		n.do("POST", entityPath(idOf(name)),
			map[string]any{"metadata": map[string]string{"owner": "somebody@example.com"}})
	}, stock.Drifted, ""},
	"a way in that was not declared": {func(n neglected, name string) {
		n.do("POST", "sys/auth/more-"+name, map[string]any{"type": "approle"})
		auth := n.do("GET", "sys/auth", nil)["more-"+name+"/"].(map[string]any)
		id := n.do("GET", entityPath(idOf(name)), nil)["id"]
		n.do("POST", "identity/entity-alias",
			map[string]any{"name": "mallory", "mount_accessor": auth["accessor"], "canonical_id": id})
	}, stock.Drifted, ""},
	"an entity that was deleted": {func(n neglected, name string) { n.do("DELETE", entityPath(idOf(name)), nil) },
		stock.Drifted, ""},
	"an owner who left": {func(n neglected, name string) {
		n.put(n.t, identityOf(name, func(i *access.Identity) { i.Owner = "gone@example.com" }),
			known(n.get(n.t, idOf(name).Ref())))
	}, stock.Orphaned, ""},
	"a child whose parent has ended": {func(n neglected, name string) {
		top := identityOf(name+"-top", allowing, func(i *access.Identity) { i.Terms = terms(2 * time.Second) })
		n.put(n.t, top)
		n.put(n.t, identityOf(name, childOf(name+"-top")), known(n.get(n.t, idOf(name).Ref())))
	}, stock.Orphaned, ""},
	"a key that was used long ago": {func(n neglected, name string) {
		c := n.credentialOf(name, access.Secret)
		r := n.put(n.t, c, known(n.get(n.t, c.Ref())), issuing(access.IssueReplace))
		n.session(n.t, n.holder(c, r))
	}, stock.Dormant, "acme/prod/%s/secret"},
	"a key that was never used": {func(neglected, string) {}, stock.Unused, "acme/prod/%s/secret"},
	"a credential that may do nothing": {func(n neglected, name string) {
		n.drop(n.t, n.get(n.t, grantOf(name).Ref()))
	}, stock.Unused, "acme/prod/%s/secret"},
	"a grant for nobody": {func(n neglected, name string) {
		n.drop(n.t, n.get(n.t, n.credentialOf(name, access.Secret).Ref()))
	}, stock.Unused, "acme/prod/%s/daily"},
	"an identity with nothing": {func(n neglected, name string) {
		n.drop(n.t, n.get(n.t, n.credentialOf(name, access.Secret).Ref()))
		n.drop(n.t, n.get(n.t, grantOf(name).Ref()))
	}, stock.Unused, ""},
	"access that ends soon": {func(n neglected, name string) {
		n.put(n.t, identityOf(name, func(i *access.Identity) { i.Terms = terms(20 * time.Minute) }),
			known(n.get(n.t, idOf(name).Ref())))
	}, stock.Expiring, ""},
	"an entity without an owner": {func(n neglected, name string) {
		n.do("POST", "identity/entity", map[string]any{"name": "acme-" + name, "policies": []string{"default"}})
	}, stock.Ungoverned, "identity/entity/id/"},
	"an entity where ours stand": {func(n neglected, name string) {
		n.do("POST", "identity/entity", map[string]any{"name": store.Prefix + "umbrella/prod/" + name})
	}, stock.Ungoverned, "identity/entity/id/"},
	"an AppRole without an end": {func(n neglected, name string) {
		n.do("POST", "auth/partner-approle/role/"+name, map[string]any{"token_policies": []string{"default"}})
	}, stock.Ungoverned, "auth/partner-approle/role/%s"},
	"an AppRole elsewhere, of a partner": {func(n neglected, name string) {
		n.do("POST", "sys/auth/legacy-"+name, map[string]any{"type": "approle"})
		n.do("POST", "auth/legacy-"+name+"/role/globex-nightly", map[string]any{"token_policies": []string{"default"}})
	}, stock.Ungoverned, "auth/legacy-%s/role/globex-nightly"},
	"a certificate role for all": {func(n neglected, name string) {
		ca := n.do("GET", "partner-pki/cert/ca", nil)["certificate"]
		n.do("POST", "auth/partner-cert/certs/"+name, map[string]any{"certificate": ca, "allowed_common_names": "*"})
	}, stock.Ungoverned, "auth/partner-cert/certs/%s"},
	"a JWT role without an end": {func(n neglected, name string) {
		n.do("POST", "auth/"+usualJWT(issuerURL)+"/role/"+name,
			map[string]any{"role_type": "jwt", "user_claim": "sub", "bound_audiences": []string{"x"}})
	}, stock.Ungoverned, "/role/%s"},
	"a user with a partner's name": {func(n neglected, name string) {
		n.do("POST", "sys/auth/people-"+name, map[string]any{"type": "userpass"})
		n.do("POST", "auth/people-"+name+"/users/acme-support", map[string]any{"password": "a-password"})
	}, stock.Ungoverned, "auth/people-%s/users/acme-support"},
	"a token role with a partner's name": {func(n neglected, name string) {
		n.do("POST", "auth/token/roles/acme-"+name, map[string]any{"orphan": true})
	}, stock.Ungoverned, "auth/token/roles/acme-%s"},
	"a signing role": {func(n neglected, name string) {
		n.do("POST", "partner-pki/roles/"+name, map[string]any{"allow_any_name": true})
	}, stock.Ungoverned, "partner-pki/roles/%s"},
	"a certificate signed by hand": {func(n neglected, name string) {
		n.do("POST", "partner-pki/roles/tool",
			map[string]any{"allow_any_name": true, "enforce_hostnames": false, "key_type": "any"})
		n.do("POST", "partner-pki/sign/tool", map[string]any{"csr": n.csr, "common_name": name, "ttl": "1h"})
	}, stock.Ungoverned, "partner-pki/cert/"},
	"a shared group of a partner": {func(n neglected, name string) {
		n.do("POST", "identity/group", map[string]any{"name": "acme-" + name, "policies": []string{"default"}})
	}, stock.Ungoverned, "identity/group/id/"},
	"a policy where ours stand": {func(n neglected, name string) {
		n.do("POST", "sys/policies/acl/partner/"+name,
			map[string]any{"policy": `path "orders/*" { capabilities = ["read"] }`})
	}, stock.Ungoverned, "sys/policies/acl/partner/%s"},
	"an issuer that nobody comes from": {func(n neglected, name string) {
		n.do("POST", "sys/auth/partner-jwt-"+name, map[string]any{"type": "jwt"})
	}, stock.Ungoverned, "sys/auth/partner-jwt-%s"},
}

// healthyKinds are what stands beside the neglect and is fine, ten of each: identities of two kinds of credentials that
// are used, and what others answer for.
func (n neglected) healthy() {
	for i := range 10 {
		for _, kind := range []access.Kind{access.Secret, access.Certificate} {
			name := fmt.Sprintf("fine-%s-%d", kind, i)
			p := n.complete(n.t, name, kind).holders[kind]
			n.session(n.t, p)
		}
		n.do("POST", "identity/entity",
			map[string]any{"name": fmt.Sprintf("globex-owned-%d", i),
				"metadata": map[string]string{"owner": "jane.doe@example.com"}})
	}
	n.do("POST", "identity/entity", map[string]any{"name": "robot-of-ours"})
	n.do("POST", "sys/auth/people", map[string]any{"type": "userpass"})
	n.do("POST", "auth/people/users/jane", map[string]any{"password": "a-password"})
	n.do("POST", "auth/token/roles/ci", map[string]any{"orphan": true})
}

// Each of 30 kinds of neglect is named by its flag, and none of 30 that are healthy has any.
func TestTheInventoryNamesThirtyKindsOfNeglect(t *testing.T) {
	if len(neglects) != 30 {
		t.Fatalf("there are %d kinds", len(neglects))
	}
	st := startStageAlone(t)
	n := neglected{st, t}
	n.healthy()
	for name, kind := range neglects {
		if kind.flag == stock.Ungoverned {
			kind.by(n, slug(name))
			continue
		}
		all := st.complete(t, slug(name), access.Secret)
		if kind.flag != stock.Unused {
			st.session(t, all.holders[access.Secret])
		}
		kind.by(n, slug(name))
	}
	time.Sleep(time.Until(in(3 * time.Second).Time)) // the parent's end, which is the second that it is about
	inv := st.inventory(t, 0, func(o *stock.Options) {
		o.DormantAfter = time.Hour // what is dormant by it is told by the clock below
	})
	for name, kind := range neglects {
		if kind.flag == stock.Dormant ||
			kind.flag == stock.Expiring ||
			name == "a key that was never used" {
			continue // with another clock, below
		}
		if !named(inv, slug(name), kind.what, kind.flag) {
			t.Errorf("%s: nothing %s is named", name, kind.flag)
		}
	}
	for _, i := range inv.Items {
		fine := strings.Contains(i.ID+strings.Join([]string{i.NativeID, i.Why}, " "), "fine-") ||
			strings.Contains(i.Why, "globex-owned") ||
			strings.Contains(i.Why, "robot-of-ours") || strings.HasSuffix(i.NativeID, "/jane") ||
			strings.HasSuffix(i.NativeID, "/ci")
		if fine && !slices.Equal(i.Flags, []stock.Flag{stock.Governed}) {
			t.Errorf("%s%s is fine, and flagged %q: %s %q", i.ID, i.NativeID, i.Flags, i.Why, i.Drift)
		}
	}
	later := st.inventory(t, 0, func(o *stock.Options) { o.DormantAfter = time.Nanosecond })
	soon := st.inventory(t, 16*time.Minute, func(*stock.Options) {})
	if name := "access that ends soon"; !named(soon, slug(name), "", stock.Expiring) {
		t.Errorf("%s is not named", name)
	}
	for _, name := range []string{"a key that was used long ago", "a key that was never used"} {
		if kind := neglects[name]; !named(later, slug(name), kind.what, kind.flag) {
			t.Errorf("%s: nothing %s is named", name, kind.flag)
		}
	}
}

// inventory is what the provider would show in a while.
func (st *stage) inventory(t *testing.T, in time.Duration, edit func(*stock.Options)) *stock.Inventory {
	t.Helper()
	s := st.open()
	records, strays, err := s.Survey(t.Context(), []string{"globex"})
	if err != nil {
		t.Fatal(err)
	}
	now, err := s.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := stock.Options{
		System: "openbao", KnowsLastUse: true, WarnBefore: 25 * time.Minute, DormantAfter: time.Hour,
		Departed: func(owner string) bool { return owner == "gone@example.com" },
	}
	edit(&o)
	return stock.Build(records, strays, now.Add(in), o)
}

// named says whether an item that a neglect is about has its flag.
func named(inv *stock.Inventory, name, what string, flag stock.Flag) bool {
	if what == "" {
		what = "acme/prod/%s"
	}
	if strings.Contains(what, "%s") {
		what = fmt.Sprintf(what, name)
	}
	return slices.ContainsFunc(inv.Items, func(i stock.Item) bool {
		if flag != stock.Ungoverned {
			return i.ID == what && i.Has(flag)
		}
		return i.Has(flag) &&
			strings.Contains(i.NativeID, what) &&
			(strings.Contains(i.NativeID, name) || strings.Contains(i.Why, name))
	})
}

// The survey of a thousand identities asks a handful of times, whatever else stands there.
func TestTheInventoryOfThousandsIsAHandfulOfRequests(t *testing.T) {
	st := startStage(t)
	const identities = 750 // with a credential and two grants each: 3,000
	crowd(t, st.lab, identities)
	c := st.away(t, 0)
	begun := time.Now()
	records, strays, err := Open(Options{Client: c, Session: time.Minute, Stack: "nobody"}).Survey(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 4*identities || len(strays) > 0 {
		t.Errorf("%d records, and the strays %v", len(records), strays)
	}
	t.Logf("%d requests, %s", c.Requests(), time.Since(begun))
	if c.Requests() > 40 {
		t.Errorf("%d requests", c.Requests())
	}
}

// The serial is OpenBao's way to write it, also where it begins with a zero.
func TestTheAuthorityIsNoStray(t *testing.T) {
	st := startStage(t)
	st.complete(t, "etl", kinds...)
	ca := st.admin(t, "GET", "partner-pki/cert/ca", nil)["certificate"].(string)
	block, _ := pem.Decode([]byte(ca))
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		t.Fatal(err)
	}
	if _, strays, err := st.open().Survey(t.Context(), nil); err != nil || len(strays) > 0 {
		t.Errorf("%v, %v", strays, err)
	}
}
