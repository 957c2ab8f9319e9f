// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

func TestWhatWeDidNotMakeIsRefusedAndLeftAsItIs(t *testing.T) {
	st := startStage(t)
	for name, c := range map[string]struct {
		path string
		body map[string]any
	}{
		"a policy of the name": {"sys/policies/acl/partner/acme/prod/%s",
			map[string]any{"policy": `path "orders/*" { capabilities = ["read"] }`}},
		"an entity of the name": {"identity/entity/name/partner/acme/prod/%s",
			map[string]any{"metadata": map[string]string{"made": "by hand"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of := slug(name)
			path := fmt.Sprintf(c.path, of)
			st.admin(t, "POST", path, c.body)
			before := st.traces(t, idOf(of))
			if err := st.tryPut(t, identityOf(of)); !errors.Is(err, access.ErrForeign) {
				t.Errorf("put answers %v", err)
			}
			if err := st.tryPut(t, grantOf(of)); err == nil {
				t.Error("a grant was put under it")
			}
			if _, err := st.open().Get(t.Context(), idOf(of).Ref()); !errors.Is(err, access.ErrNotFound) {
				t.Errorf("get answers %v", err)
			}
			if _, err := st.open().Delete(t.Context(), idOf(of).Ref(), "any"); err == nil {
				t.Error("it was deleted")
			}
			if after := st.traces(t, idOf(of)); strings.Join(before, "\n") != strings.Join(after, "\n") {
				t.Errorf("%q became %q", before, after)
			}
		})
	}
}

func (st *stage) tryPut(t testing.TB, o access.Object) error {
	t.Helper()
	_, err := st.open().Put(t.Context(), st.change(o))
	return err
}

func TestADestroyTakesAlongWhatWasMadeByHandAndNothingElse(t *testing.T) {
	st := startStage(t)
	all := st.complete(t, "etl", kinds...)
	others := map[string]complete{}
	for _, name := range []string{"etl2", "etl-b", "et"} {
		others[name] = st.complete(t, name, kinds...)
	}
	s := st.open() // it has seen the mounts before the next one is made
	if _, err := s.Get(t.Context(), all.identity.Object.Ref()); err != nil {
		t.Fatal(err)
	}

	other := usualJWT("https://login.other.test")
	st.admin(t, "POST", "sys/auth/"+other, map[string]any{"type": "jwt"})
	cel := st.admin(t, "GET", "auth/"+usualJWT(issuerURL)+"/cel/role/acme.prod.etl", nil)
	st.admin(t, "POST", "auth/"+other+"/cel/role/acme.prod.etl", map[string]any{"cel_program": cel["cel_program"]})
	mounts := st.admin(t, "GET", "sys/auth", nil)
	accessor := func(mount string) any { return mounts[mount+"/"].(map[string]any)["accessor"] }
	entity := st.admin(t, "GET", "identity/entity/name/partner/acme/prod/etl", nil)
	st.admin(t, "POST", "identity/entity-alias",
		map[string]any{
			"name":           "partner/acme/prod/etl",
			"mount_accessor": accessor(other),
			"canonical_id":   entity["id"],
		})
	evil := st.admin(t, "POST", "identity/entity", map[string]any{"name": "evil", "policies": []string{"default"}})
	st.admin(t, "POST", "identity/entity-alias",
		map[string]any{
			"name":           "partner/acme/prod/etl",
			"mount_accessor": accessor("partner-approle"),
			"canonical_id":   evil["id"],
		})
	for _, extra := range []string{"partner/acme/prod/etl/extra", "partner/acme/prod/etl/extra/more"} {
		st.admin(t, "POST", "sys/policies/acl/"+extra,
			map[string]any{"policy": `path "orders/*" { capabilities = ["read"] }`})
		st.admin(t, "POST", "identity/group",
			map[string]any{"name": extra, "policies": []string{extra}, "member_entity_ids": []any{entity["id"]}})
	}
	st.admin(t, "POST", "auth/partner-approle/role/acme.prod.etl/secret-id", map[string]any{})

	before := st.everything(t)
	maps.DeleteFunc(before, func(item, text string) bool { return mentions(item+" "+text, "etl") })
	if _, err := s.Delete(t.Context(), all.identity.Object.Ref(), all.identity.UID); err != nil {
		t.Fatal(err)
	}
	after := st.everything(t)
	for item, text := range after {
		if !strings.HasSuffix(item, store.TombstoneName) &&
			mentions(item+" "+text, "etl") &&
			!strings.Contains(item, "identity/entity/id/"+evil["id"].(string)) {
			t.Errorf("left: %s %s", item, text)
		}
	}
	for item := range before {
		if _, there := after[item]; !there {
			t.Errorf("gone as well: %s", item)
		}
	}
	for name, c := range others {
		for _, kind := range kinds {
			if !st.reads(t, st.session(t, c.holders[kind]), name) {
				t.Errorf("%s of %s does not work any more", kind, name)
			}
		}
	}
}

// mentions says whether a text names an identity, and not one whose name begins or ends alike.
func mentions(text, name string) bool {
	for _, spelled := range []string{"acme/prod/" + name, "acme.prod." + name} {
		for rest := text; ; {
			_, after, found := strings.Cut(rest, spelled)
			if !found {
				break
			}
			if after == "" || !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-", rune(after[0])) {
				return true
			}
			rest = after
		}
	}
	return false
}

// startStageOf is a stage of its own for a subtest that breaks more than it can name.
func startStageOf(t *testing.T, like *stage) *stage {
	t.Helper()
	return &stage{lab: startLab(t), key: like.key, csr: like.csr}
}

func TestTheLongestIDsWorkForAllKinds(t *testing.T) {
	st := startStage(t)
	long := func(letter string) string { return strings.Repeat(letter, 63) }
	id := access.IdentityID{Partner: long("p"), Environment: long("e"), Name: long("n")}
	st.admin(t, "POST", "orders/"+id.Name+"/1", map[string]any{"a": "b"})
	i := identityOf(id.Name, func(i *access.Identity) { i.ID = id })
	r := st.put(t, i)
	st.put(t, grantOf(id.Name, func(g *access.Grant) { g.IdentityID, g.Name = id, long("g") }))
	for _, kind := range kinds {
		c := st.credentialOf(id.Name, kind, func(c *access.Credential) { c.IdentityID = id })
		p := st.holder(c, st.put(t, c))
		if !st.reads(t, st.session(t, p), id.Name) {
			t.Errorf("%s does not work", kind)
		}
		if drift := st.get(t, c.Ref()).Drift; len(drift) > 0 {
			t.Errorf("%s: %q", kind, drift)
		}
	}
	st.drop(t, r)
	if left := st.traces(t, id); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
