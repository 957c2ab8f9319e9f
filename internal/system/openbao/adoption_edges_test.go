// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// OpenBao takes no notice of capitals in the name of an alias. A role that was not found by them kept its policies, and
// let in with these after an adoption that said nobody could log in any more.
func TestALoginIsFoundHoweverItsAliasIsWritten(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "etl")
	h.roleID = "ACME-Nightly"
	st.admin(t, "POST", h.role+"/role-id", map[string]any{"role_id": h.roleID})
	st.withoutAliases(t, h.native)
	st.alias(t, h, h.mount, "acme-nightly")
	r := st.put(t, identityOf("etl"), adopting(h.native))
	h.claims(t, "adopted", h.login(t))
	st.put(t, grantedTo("etl"))
	h.claims(t, "with a grant", h.login(t), "granted")
	h.goesWith(t, r)
}

// It had the name of one that was adopted, and so no inventory named it.
func TestARoleThatTakesThePlaceOfAnAdoptedOneIsInTheInventory(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "etl")
	st.put(t, identityOf("etl"), adopting(h.native))
	h.login(t) // by which OpenBao notes the role's name
	named := func() bool {
		_, strays, err := st.open().Survey(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(strays, func(s access.Stray) bool { return s.NativeID == h.role })
	}
	if named() {
		t.Error("what was adopted is named as ungoverned")
	}
	st.admin(t, "DELETE", h.role, nil)
	st.admin(t, "POST", h.role, map[string]any{"token_policies": []string{"legacy-etl-role"}})
	if !named() {
		t.Error("another role of the same name is in no inventory")
	}
}

func TestACutByHandInTheMiddleOfAnAdoptionStays(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "etl")
	dies := dyingWhen(true, func(_, path string) bool { return strings.HasSuffix(path, h.role) })
	if _, err := st.open(dies).Put(context.Background(), st.change(identityOf("etl"), adopting(h.native))); err == nil {
		t.Fatal("it did not die")
	}
	st.admin(t, "POST", h.native, map[string]any{"disabled": true})
	r := st.put(t, identityOf("etl"), adopting(h.native))
	st.put(t, grantedTo("etl"))
	if now := st.get(t, idOf("etl").Ref()); !now.Held || h.login(t) != "" {
		t.Errorf("held %v, and it logs in", now.Held)
	}
	st.put(t, identityOf("etl", func(i *access.Identity) { i.HoldReleased = "INC-7" }), known(r))
	h.claims(t, "released", h.login(t), "granted")
}

// It would take its own policies, end its own session, and could neither go on nor be applied again.
func TestTheProvidersOwnLoginIsNotAdopted(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "pipeline")
	all := `path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }`
	st.admin(t, "POST", "sys/policies/acl/everything", map[string]any{"policy": all})
	st.admin(t, "POST", h.role, map[string]any{"token_policies": []string{"everything"}})
	s := st.open(func(o *client.Options) {
		o.Login = client.AppRole{Mount: h.mount, RoleID: h.roleID, SecretID: h.secret}
	})
	if _, err := s.Now(t.Context()); err != nil {
		t.Fatal(err)
	}
	st.put(t, identityOf("other")) // so that the access system is there
	before := st.everything(t)
	_, err := s.Adoption(t.Context(), idOf("pipeline"), h.native)
	_, put := s.Put(t.Context(), st.change(identityOf("pipeline"), adopting(h.native)))
	for _, err := range []error{err, put} {
		if !errors.Is(err, access.ErrUnsupported) || !strings.Contains(fmt.Sprint(err), "logged in as it") {
			t.Errorf("it answers %v", err)
		}
	}
	if after := st.everything(t); !maps.Equal(before, after) {
		t.Error("something was changed")
	}
	_, strays, err := s.Survey(t.Context(), []string{"acme"})
	if err != nil {
		t.Fatal(err)
	}
	for _, stray := range strays {
		if stray.NativeID == h.native && stray.Adoptable {
			t.Error("the inventory offers it")
		}
	}
}

// Both would have the same login, and the destroy of one would end the other's.
func TestOfTwoThatAdoptTheSameAtOnceOneTakesItsClaimBack(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "second")
	var once sync.Once
	overtaken := before("POST", "sys/policies/acl/"+store.NameOf(idOf("first")), func() {
		once.Do(func() { st.put(t, identityOf("second"), adopting(h.native)) })
	})
	_, err := st.open(overtaken).Put(t.Context(), st.change(identityOf("first"), adopting(h.native)))
	if !errors.Is(err, access.ErrGoverned) || !strings.Contains(fmt.Sprint(err), "acme/prod/second") {
		t.Errorf("it answers %v", err)
	}
	if left := st.traces(t, idOf("first")); len(left) > 0 {
		t.Errorf("there is still %v", left)
	}
	if r, err := st.open().Get(t.Context(), idOf("first").Ref()); err == nil {
		st.drop(t, r)
	}
	st.put(t, grantedTo("second"))
	h.claims(t, "adopted by the other", h.login(t), "granted")
}

// No apply gives it back, and so every plan had the same change again.
func TestALoginWhoseAliasWasTakenAwayIsForgotten(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "etl")
	r := st.put(t, identityOf("etl"), adopting(h.native))
	st.put(t, grantedTo("etl"))
	st.withoutAliases(t, entityPath(idOf("etl")))
	if now := st.get(t, idOf("etl").Ref()); len(now.Drift) != 1 {
		t.Errorf("drift %q", now.Drift)
	}
	st.put(t, identityOf("etl"), known(r))
	if now := st.get(t, idOf("etl").Ref()); len(now.Drift)+len(now.Adopted) > 0 {
		t.Errorf("after an apply there is drift %q, left %q", now.Drift, now.Adopted)
	}
	h.claims(t, "as nobody", h.login(t))
	_, strays, err := st.open().Survey(t.Context(), nil)
	if err != nil || !slices.ContainsFunc(strays, func(s access.Stray) bool { return s.NativeID == h.role }) {
		t.Errorf("the role is in no inventory: %v, %v", strays, err)
	}
}

func TestAnOldLoginThatAsksForNoSecretAnyMoreIsTold(t *testing.T) {
	st := startStage(t)
	h := st.byHand(t, "etl")
	st.put(t, identityOf("etl"), adopting(h.native))
	st.admin(t, "POST", h.role, map[string]any{"bind_secret_id": false, "token_bound_cidrs": "127.0.0.1/32"})
	if now := st.get(t, idOf("etl").Ref()); len(now.Drift) > 0 ||
		len(now.Adopted) != 1 ||
		!strings.Contains(now.Adopted[0], "no longer asks for a secret id") {
		t.Errorf("drift %q, left %q", now.Drift, now.Adopted)
	}
}
