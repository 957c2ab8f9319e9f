// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// handmade is access as people made it: an AppRole with a policy of its own, and an entity with another one,
// in a group with a third.
type handmade struct {
	st             *stage
	name, native   string
	mount, role    string
	roleID, secret string
}

// byHand makes it on a mount that is there once for all of them.
func (st *stage) byHand(t testing.TB, name string) handmade {
	t.Helper()
	return st.byHandAt(t, "legacy", name)
}

func (st *stage) byHandAt(t testing.TB, mount, name string) handmade {
	t.Helper()
	if !st.there(t, "sys/auth/"+mount+"/tune") {
		st.admin(t, "POST", "sys/auth/"+mount, map[string]any{"type": "approle"})
	}
	h := handmade{st: st, name: name, mount: mount, role: "auth/" + mount + "/role/acme-" + name}
	for _, by := range []string{"role", "entity", "group"} {
		text := fmt.Sprintf(`path "orders/%s/%s/*" { capabilities = ["read"] }`, name, by)
		st.admin(t, "POST", "sys/policies/acl/legacy-"+name+"-"+by, map[string]any{"policy": text})
	}
	st.admin(t, "POST", h.role, map[string]any{"token_policies": []string{"legacy-" + name + "-role"},
		"token_period": 3600})
	h.roleID = st.admin(t, "GET", h.role+"/role-id", nil)["role_id"].(string)
	h.secret = st.admin(t, "POST", h.role+"/secret-id", map[string]any{})["secret_id"].(string)
	number := st.admin(t, "POST", "identity/entity",
		map[string]any{"name": "acme-" + name, "policies": []string{"legacy-" + name + "-entity"}})["id"]
	h.native = entityFolder + number.(string)
	st.admin(t, "POST", "identity/entity-alias",
		map[string]any{"name": h.roleID, "canonical_id": number, "mount_accessor": st.accessor(t, mount)})
	st.admin(t, "POST", "identity/group",
		map[string]any{
			"name":              "everybody-" + name,
			"policies":          []string{"legacy-" + name + "-group"},
			"member_entity_ids": []any{number},
		})
	return h
}

func (st *stage) accessor(t testing.TB, mount string) any {
	t.Helper()
	return st.admin(t, "GET", "sys/auth", nil)[mount+"/"].(map[string]any)["accessor"]
}

func (h handmade) login(t testing.TB) string {
	t.Helper()
	return h.st.post(t, nil, "auth/"+h.mount+"/login", map[string]any{"role_id": h.roleID, "secret_id": h.secret})
}

// reach is where below orders/NAME a token may read.
func (h handmade) reach(t testing.TB, token string) (found []string) {
	t.Helper()
	for _, folder := range []string{"role", "entity", "group", "granted"} {
		if token != "" && h.st.may(t, token, "read", "orders/"+h.name+"/"+folder+"/1") {
			found = append(found, folder)
		}
	}
	return found
}

func (h handmade) claims(t testing.TB, when, token string, want ...string) {
	t.Helper()
	if got := h.reach(t, token); !slices.Equal(got, want) {
		t.Errorf("%s: reaches %v, should reach %v", when, got, want)
	}
}

func adopting(native string) func(*access.Change) {
	return func(c *access.Change) { c.Adopt = native }
}

func grantedTo(name string) *access.Grant {
	return grantOf(name, func(g *access.Grant) { g.Resource = access.Pattern("orders/" + name + "/granted/*") })
}

func TestWhatIsAdoptedLogsInAsBeforeAndMayDoWhatIsGranted(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "etl")
	before := h.login(t)
	h.claims(t, "by hand", before, "role", "entity", "group")
	all := st.everything(t)
	what, err := st.open().Adoption(t.Context(), idOf("etl"), h.native)
	if err != nil {
		t.Fatal(err)
	}
	want := access.Adoption{
		Logins: []string{h.role}, Policies: []string{"default", "legacy-etl-entity", "legacy-etl-role"},
		Groups: []string{"everybody-etl"},
	}
	want.Revocation = what.Revocation
	want.Sessions = what.Sessions
	if fmt.Sprint(*what) != fmt.Sprint(want) {
		t.Errorf("adopting would be %+v, want %+v", *what, want)
	}
	if after := st.everything(t); !maps.Equal(all, after) {
		t.Error("a look changed something")
	}

	identity := st.put(t, identityOf("etl"), adopting(h.native))
	if identity.AdoptedFrom != h.native || len(identity.Adopted) != 1 {
		t.Errorf("it is adopted from %q, and left is %q", identity.AdoptedFrom, identity.Adopted)
	}
	h.claims(t, "a session of before", before)
	h.claims(t, "adopted", h.login(t))
	st.put(t, grantedTo("etl"))
	h.claims(t, "with a grant", h.login(t), "granted")
	now := st.get(t, idOf("etl").Ref())
	if len(now.Drift) > 0 ||
		len(now.Adopted) != 1 ||
		!strings.Contains(now.Adopted[0], h.role) ||
		!now.UseUnknown {
		t.Errorf("drift %q, left %q, use unknown %v", now.Drift, now.Adopted, now.UseUnknown)
	}
	_, strays, err := st.open().Survey(t.Context(), nil)
	ours := func(s access.Stray) bool { return strings.Contains(fmt.Sprint(s.NativeID, s.Names), "acme") }
	if err != nil || slices.ContainsFunc(strays, ours) {
		t.Errorf("the inventory still names %v, %v", strays, err)
	}

	// It is renewed as often as one likes, and ends with the role.
	st.put(t, identityOf("etl", func(i *access.Identity) { i.Purpose = "Nightly order feed of the ERP" }),
		known(identity))
	h.claims(t, "after a change", h.login(t), "granted")
	st.admin(t, "DELETE", h.role, nil)
	if now := st.get(t, idOf("etl").Ref()); len(now.Drift)+len(now.Adopted) > 0 {
		t.Errorf("the role is gone, and there is drift %q, left %q", now.Drift, now.Adopted)
	}
	st.put(t, identityOf("etl"), known(identity))
	if aliases := st.admin(t, "GET", entityPath(idOf("etl")), nil)["aliases"]; len(aliases.([]any)) > 0 {
		t.Errorf("the alias of a role that is gone is left: %v", aliases)
	}
}

func TestADestroyTakesAlongWhatWasAdopted(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "etl")
	r := st.put(t, identityOf("etl"), adopting(h.native))
	st.put(t, grantedTo("etl"))
	token := h.login(t)
	st.drop(t, r)
	h.claims(t, "a session", token)
	if h.login(t) != "" || st.there(t, h.role) || st.there(t, h.native) {
		t.Error("the old login is left")
	}
	if left := st.traces(t, idOf("etl")); len(left) > 0 {
		t.Errorf("there is still %v", left)
	}
}

func TestTheOldLoginEndsWithTheGrantAndIsCutWithTheIdentity(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "etl")
	r := st.put(t, identityOf("etl"), adopting(h.native))
	end := in(6 * time.Second)
	st.put(t, grantOf("etl", func(g *access.Grant) { g.Resource, g.ExpiresAt = "orders/etl/granted/*", end }))
	token := h.login(t)
	h.claims(t, "before the end", token, "granted")
	st.put(t, identityOf("etl", suspended), known(r))
	h.claims(t, "suspended", token)
	if h.login(t) != "" {
		t.Error("it logs in, suspended")
	}
	st.put(t, identityOf("etl"), known(r))
	token = h.login(t)
	h.claims(t, "given back", token, "granted")
	time.Sleep(time.Until(end.Time)) // the second that it is about
	h.claims(t, "after the end", token)
	h.claims(t, "a login after the end", h.login(t))
}

// A declared credential comes and goes beside the old login, which ends the sessions and keeps that.
func TestACredentialStandsBesideTheOldLogin(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "etl")
	r := st.put(t, identityOf("etl"), adopting(h.native))
	st.put(t, grantedTo("etl"))
	for _, kind := range kinds {
		c := st.credentialOf("etl", kind)
		made := st.put(t, c)
		h.claims(t, "beside "+string(kind), h.login(t), "granted")
		h.claims(t, string(kind), st.session(t, st.holder(c, made)), "granted")
		st.drop(t, made)
		h.claims(t, "without "+string(kind), h.login(t), "granted")
	}
	st.drop(t, r)
}

// An entity has one alias on a mount: where the old login is on ours, a declared secret takes its place.
func TestASecretTakesThePlaceOfAnOldLoginOnTheSameMount(t *testing.T) {
	st := startStage(t)
	h := st.byHandAt(t, "partner-approle", "etl")
	r := st.put(t, identityOf("etl"), adopting(h.native))
	st.put(t, grantedTo("etl"))
	h.claims(t, "adopted", h.login(t), "granted")
	c := st.credentialOf("etl", access.Secret)
	made := st.put(t, c)
	h.claims(t, "the secret", st.session(t, st.holder(c, made)), "granted")
	h.claims(t, "the old login", h.login(t))
	st.put(t, c, known(made), issuing(access.IssueReplace)) // which ends the sessions, and moves the aliases
	h.goesWith(t, r)
}

func TestABundleTellsWhatIsLeftFromBeforeAdoptions(t *testing.T) {
	st := startStage(t)
	var all []handmade
	for n := range 2 * worthwhile {
		h := st.byHand(t, fmt.Sprintf("etl-%d", n))
		st.put(t, identityOf(h.name), adopting(h.native))
		all = append(all, h)
	}
	for _, h := range all[:worthwhile] {
		st.admin(t, "DELETE", h.role, nil)
	}
	c := st.away(t, 0)
	records, _, err := Open(Options{Client: c, Session: time.Minute}).Survey(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, r := range records {
		left += len(r.Adopted)
		if len(r.Drift) > 0 {
			t.Errorf("%s: drift %q", r.Object.Ref(), r.Drift)
		}
	}
	if left != worthwhile || c.Requests() > 3*worthwhile {
		t.Errorf("%d logins are left, by %d requests", left, c.Requests())
	}
}

func TestWhatSomebodyGivesAnAdoptedRoleIsDriftAndIsTakenBack(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "etl")
	r := st.put(t, identityOf("etl"), adopting(h.native))
	st.admin(t, "POST", h.role, map[string]any{"token_policies": []string{"legacy-etl-role"}})
	if now := st.get(t, idOf("etl").Ref()); len(now.Drift) != 1 || !strings.Contains(now.Drift[0], "legacy-etl-role") {
		t.Errorf("drift %q", now.Drift)
	}
	st.put(t, identityOf("etl"), known(r))
	h.claims(t, "applied", h.login(t))
}

func TestWhatWasCutByHandStaysCutWhenItIsAdopted(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "etl")
	st.admin(t, "POST", h.native, map[string]any{"disabled": true})
	r := st.put(t, identityOf("etl"), adopting(h.native))
	st.put(t, grantedTo("etl"))
	if now := st.get(t, idOf("etl").Ref()); !now.Held || h.login(t) != "" {
		t.Errorf("held %v, and it logs in", now.Held)
	}
	st.put(t, identityOf("etl", func(i *access.Identity) { i.HoldReleased = "INC-7" }), known(r)) // notes it
	st.put(t, identityOf("etl", func(i *access.Identity) { i.HoldReleased = "INC-8" }), known(r))
	h.claims(t, "released", h.login(t), "granted")
	// Once the partner has used INC-9, that counts for nobody of it again.
	for _, c := range []struct {
		name, release string
		restores      bool
	}{{"other", "INC-9", true}, {"third", "INC-9", false}} {
		name, h := c.name, st.byHand(t, c.name)
		st.admin(t, "POST", h.native, map[string]any{"disabled": true})
		what, err := st.open().Adoption(t.Context(), idOf(name), h.native)
		if err != nil || slices.Contains(what.Spent, c.release) == c.restores {
			t.Errorf("%s: adopting would be %+v, %v", c.release, what, err)
		}
		released := func(i *access.Identity) { i.HoldReleased = c.release }
		r := st.put(t, identityOf(name, released), adopting(h.native))
		st.put(t, grantedTo(name))
		again := st.put(t, identityOf(name, released, func(i *access.Identity) { i.Purpose = "Another" }), known(r))
		if r.Held == c.restores || again.Held == c.restores || (h.login(t) != "") != c.restores {
			t.Errorf("%s: held %v, and after another change %v", c.release, r.Held, again.Held)
		}
	}
}

func TestWhatCannotBeAdoptedIsLeftAsItIs(t *testing.T) {
	st := startStage(t)
	st.put(t, identityOf("there")) // the first change gives the system its id
	none := entityFolder + "00000000-0000-0000-0000-000000000000"
	for name, c := range map[string]struct {
		make func(h handmade, id access.IdentityID) (native string)
		want error
		says string
	}{
		"nothing is there": {func(handmade, access.IdentityID) string { return none }, access.ErrNotFound, ""},
		"no entity": {func(h handmade, _ access.IdentityID) string { return h.role }, access.ErrUnsupported,
			"only an entity"},
		"a path that climbs": {func(handmade, access.IdentityID) string { return entityFolder + "../x" },
			access.ErrUnsupported, "only an entity"},
		"it is declared": {func(h handmade, id access.IdentityID) string {
			st.put(t, &access.Identity{ID: id, Terms: terms(time.Hour), Purpose: "Feed"})
			return h.native
		}, access.ErrGoverned, ""},
		"it is adopted": {func(h handmade, _ access.IdentityID) string {
			st.put(t, identityOf("other"), adopting(h.native))
			return h.native
		}, access.ErrGoverned, "other"},
		"somebody answers": {func(h handmade, _ access.IdentityID) string {
			st.admin(t, "POST", h.native, map[string]any{"metadata": map[string]string{"owner": "bob@example.com"}})
			return h.native
		}, access.ErrUnsupported, "bob@example.com"},
		"a governed entity": {func(h handmade, _ access.IdentityID) string {
			st.put(t, identityOf("third"))
			return entityFolder + st.admin(t, "GET", entityPath(idOf("third")), nil)["id"].(string)
		}, access.ErrUnsupported, "owns it"},
		"it has our name": {func(h handmade, id access.IdentityID) string {
			st.admin(t, "POST", h.native, map[string]any{"name": store.NameOf(id)})
			return h.native
		}, access.ErrUnsupported, "Rename it"},
		"it has our name in capitals": {func(h handmade, id access.IdentityID) string {
			st.admin(t, "POST", h.native, map[string]any{"name": strings.ToUpper(store.NameOf(id))})
			return h.native
		}, access.ErrUnsupported, "Rename it"},
		"a local mount": {func(_ handmade, id access.IdentityID) string {
			st.admin(t, "POST", "sys/auth/near", map[string]any{"type": "approle", "local": true})
			return st.byHandAt(t, "near", "near-"+id.Name).native
		}, access.ErrUnsupported, "a local mount"},
		"a second factor": {func(h handmade, _ access.IdentityID) string {
			st.secondFactor(t, h.name, map[string]any{"identity_entity_ids": []string{strings.TrimPrefix(h.native,
				entityFolder)}})
			return h.native
		}, access.ErrUnsupported, "second factor"},
		"a second factor by a group": {func(h handmade, _ access.IdentityID) string {
			st.secondFactor(t, h.name, map[string]any{"identity_group_ids": st.admin(t, "GET", h.native,
				nil)["direct_group_ids"]})
			return h.native
		}, access.ErrUnsupported, "second factor"},
		"a shared method": {func(h handmade, _ access.IdentityID) string {
			st.alias(t, h, usualJWT(issuerURL), "svc-shared")
			return h.native
		}, access.ErrUnsupported, "may admit others"},
		"no secret is asked": {func(h handmade, _ access.IdentityID) string {
			st.admin(t, "POST", h.role, map[string]any{"bind_secret_id": false, "token_bound_cidrs": "127.0.0.1/32"})
			return h.native
		}, access.ErrUnsupported, "lets in everybody who knows its role_id"},
		"another one's AppRole": {func(h handmade, _ access.IdentityID) string {
			st.complete(t, "fourth", access.Secret)
			st.alias(t, h, "partner-approle", store.NameOf(idOf("fourth")))
			return h.native
		}, access.ErrGoverned, "fourth"},
	} {
		t.Run(name, func(t *testing.T) {
			h, id := st.byHand(t, slug(name)), idOf(slug(name))
			native := c.make(h, id)
			before := st.everything(t)
			_, err := st.open().Adoption(t.Context(), id, native)
			_, put := st.open().Put(t.Context(), st.change(identityOf(slug(name)), adopting(native)))
			for _, err := range []error{err, put} {
				if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
					t.Errorf("it answers %v", err)
				}
			}
			if after := st.everything(t); !maps.Equal(before, after) {
				t.Error("something was changed")
			}
		})
	}
}

// alias lets somebody else be the entity, too.
func (st *stage) alias(t testing.TB, h handmade, mount, name string) {
	t.Helper()
	number := strings.TrimPrefix(h.native, entityFolder)
	st.admin(t, "POST", "identity/entity-alias",
		map[string]any{"name": name, "canonical_id": number, "mount_accessor": st.accessor(t, mount)})
}

// goesWith is an adopted login that is all that is left from before, and goes with the identity.
func (h handmade) goesWith(t testing.TB, r *access.Record) {
	t.Helper()
	if now := h.st.get(t, r.Object.Ref()); len(now.Drift) > 0 || len(now.Adopted) != 1 {
		t.Errorf("drift %q, left %q", now.Drift, now.Adopted)
	}
	h.st.drop(t, r)
	if h.st.there(t, h.role) {
		t.Error("the old role is left")
	}
}

// withoutAliases takes all logins away from an entity.
func (st *stage) withoutAliases(t testing.TB, entity string) {
	t.Helper()
	for _, a := range st.admin(t, "GET", entity, nil)["aliases"].([]any) {
		st.admin(t, "DELETE", fmt.Sprint("identity/entity-alias/id/", a.(map[string]any)["id"]), nil)
	}
}

// secondFactor asks some for a second factor when they log in.
func (st *stage) secondFactor(t testing.TB, name string, whom map[string]any) {
	t.Helper()
	method := st.admin(t, "POST", "identity/mfa/method/totp",
		map[string]any{"method_name": name, "issuer": "bao", "period": 30})["method_id"]
	whom["mfa_method_ids"] = []any{method}
	st.admin(t, "POST", "identity/mfa/login-enforcement/"+name, whom)
}

func TestAUserIsAdoptedWithItsPassword(t *testing.T) {
	st := startStage(t)
	st.admin(t, "POST", "sys/auth/people", map[string]any{"type": "userpass"})
	st.admin(t, "POST", "auth/people/users/acme",
		map[string]any{"password": "a-password", "token_policies": []string{"legacy"}})
	login := func() string {
		return st.post(t, nil, "auth/people/login/acme", map[string]any{"password": "a-password"})
	}
	token := login()
	number := st.admin(t, "POST", "auth/token/lookup", map[string]any{"token": token})["entity_id"].(string)
	r := st.put(t, identityOf("etl"), adopting(entityFolder+number))
	st.put(t, grantOf("etl"))
	if now := login(); !st.reads(t, now, "etl") || st.reads(t, token, "etl") {
		t.Error("who logs in may not do what is granted, or a session of before goes on")
	}
	st.drop(t, r)
	if login() != "" || st.there(t, "auth/people/users/acme") {
		t.Error("the user is left")
	}
}

// OpenBao names an entity that it makes at a login by nothing, and its alias by the id of the AppRole.
func TestAnAppRoleThatWasOnlyUsedIsAdoptedByItsEntity(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "etl")
	st.admin(t, "DELETE", h.native, nil)
	st.session(t, st.complete(t, "fine", access.Secret).holders[access.Secret])
	h.claims(t, "by hand", h.login(t), "role")
	_, strays, err := st.open().Survey(t.Context(), []string{"acme"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range strays {
		if s.Adoptable && slices.Contains(s.Names, "acme-etl") {
			h.native = s.NativeID
		}
	}
	st.put(t, identityOf("etl"), adopting(h.native))
	st.put(t, grantedTo("etl"))
	h.claims(t, "adopted", h.login(t), "granted")
}

// For every request of an adoption that changes something: the process dies with it, before or after it is carried
// out. At no moment can the partner do more than before, and another process makes it whole, be it by the same
// change or by a destroy.
func TestWhereverAnAdoptionDiesTheNextOneFinishes(t *testing.T) {
	st := startStage(t)
	for _, how := range []string{"put", "destroy"} {
		for _, carriedOut := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, carried out %v", how, carriedOut), func(t *testing.T) {
				for death := int64(0); ; death++ {
					h := st.byHand(t, fmt.Sprintf("%s-%v-%d", how, carriedOut, death))
					old := h.login(t)
					var count atomic.Int64
					_, err := st.open(deathAt(death, &count, carriedOut)).Put(context.Background(),
						st.change(identityOf(h.name), adopting(h.native)))
					if err == nil {
						t.Logf("%d requests", count.Load())
						return
					}
					for _, token := range []string{old, h.login(t)} {
						if slices.Contains(h.reach(t, token), "granted") {
							t.Errorf("death %d: it reaches more than before", death)
						}
					}
					h.finishes(t, death, how)
				}
			})
		}
	}
}

// finishes makes an adoption whole, or undoes it, and claims that it is so.
func (h handmade) finishes(t *testing.T, death int64, how string) {
	t.Helper()
	st := h.st
	if how == "destroy" {
		if r, err := st.open().Get(t.Context(), idOf(h.name).Ref()); err == nil {
			st.drop(t, r)
			if h.login(t) != "" || st.there(t, h.native) || len(st.traces(t, idOf(h.name))) > 0 {
				t.Errorf("death %d: something is left", death)
			}
			return
		}
	}
	st.put(t, identityOf(h.name), adopting(h.native))
	st.put(t, grantedTo(h.name))
	h.claims(t, fmt.Sprintf("death %d", death), h.login(t), "granted")
	if now := st.get(t, idOf(h.name).Ref()); len(now.Drift) > 0 ||
		len(now.Adopted) != 1 ||
		st.there(t, h.native) {
		t.Errorf("death %d: drift %q, left %q", death, now.Drift, now.Adopted)
	}
}
