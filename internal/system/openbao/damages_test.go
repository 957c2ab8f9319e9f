// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"errors"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// One damage at a time was tried. A restore that went wrong, or a newer provider beside this one, makes many of them at
// once, and with them a mount is gone: each is still the harm of its own identity, and all of them can be destroyed.
func TestManyDamagesAtOnceHarmTheirOwnIdentitiesAlone(t *testing.T) {
	st := startStage(t)
	ctx := t.Context()
	raw := func(name, text string) { st.admin(t, "POST", store.Folder+name, map[string]any{"policy": text}) }
	all := map[string]*meddler{}
	make := func(name string, kinds ...access.Kind) *meddler {
		all[name] = &meddler{st, t, name, st.complete(t, name, kinds...)}
		return all[name]
	}
	line := func(h *meddler, r *access.Record, old, replacement string) {
		h.retell(func(text string) string {
			l := ledgerLine(text, r.Object.Ref())
			return strings.Replace(text, l, strings.Replace(l, old, replacement, 1), 1)
		})
	}
	bystander := make("bystander", access.Secret, access.Federated)
	session := st.session(t, bystander.holders[access.Secret])

	h := make("newer", access.Secret)
	line(h, h.identity, `"version":1`, `"version":7,"more":{"than":["this"]}`)
	line(h, h.grant, `"version":1`, `"version":7`)
	h = make("garbled", access.Certificate, access.Secret)
	line(h, h.grant, "{", "}")
	line(h, h.credentials[access.Secret], "{", "[")
	line(h, h.identity, `"history"`, `"histories"`)
	make("emptied", access.Federated)
	raw(store.NameOf(idOf("emptied")), "# ?")
	make("foreign", access.Secret)
	raw(store.NameOf(idOf("foreign")), `path "orders/*" { capabilities = ["read"] }`)
	h = make("deleted", access.Secret, access.Federated)
	h.do("DELETE", store.Folder+store.NameOf(idOf("deleted")), nil)
	h = make("unentitied", access.Certificate)
	line(h, h.identity, "{", "}")
	h.do("DELETE", entityPath(idOf("unentitied")), nil)

	above := identityOf("above", func(i *access.Identity) {
		i.Subcontractors = &access.Subcontractors{Allowed: true, MaxDepth: 1}
	})
	parent := st.put(t, above)
	below := st.put(t, identityOf("below", func(i *access.Identity) { i.ParentID = above.ID }))
	(&meddler{st, t, "above", complete{}}).retell(func(text string) string {
		return strings.Replace(text, `{`, `}`, 1)
	})

	make("forgetful", access.Secret)
	raw(store.Prefix+"acme/prod/forgetful"+store.TombstoneName, "# nothing that can be read")
	raw(store.Prefix+"acme/prod/newer"+store.TombstoneName,
		"# "+store.TombstoneTitle+"\n# "+store.TombstoneLine+`{"version":9,"identity":"acme/prod/newer"}`+"\n")
	raw(store.Prefix+"globex"+store.MarkName, "path \"orders/*\" { capabilities = [\"read\"] }")
	raw(store.Prefix+"nobody/knows/what/this/is", "# ?")
	raw(store.Prefix+"UPPER/Case/name", "# ?")
	st.admin(t, "DELETE", "partner-pki/root", nil)
	st.admin(t, "DELETE", "sys/auth/partner-cert", nil)

	if _, err := st.open().List(ctx); err != nil {
		t.Fatalf("list: %v", err)
	}
	if _, _, err := st.open().Survey(ctx, []string{"acme"}); err != nil {
		t.Errorf("survey: %v", err)
	}
	if damaged, err := st.open().Damaged(ctx); err != nil || len(damaged) < 4 {
		t.Errorf("damaged: %v, %v", damaged, err)
	}
	if !st.reads(t, session, "bystander") {
		t.Error("the bystander's session is cut")
	}
	for name, h := range all {
		r, err := st.open().Get(ctx, h.identity.Object.Ref())
		if err != nil && !errors.Is(err, access.ErrDamaged) {
			t.Errorf("%s is read as %v", name, err)
		}
		if harmed := err != nil || len(r.Drift) > 0; harmed != (name != "bystander") {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
	narrower := grantOf("bystander")
	narrower.Actions = []string{"read"}
	st.put(t, narrower, known(bystander.grant))
	suspended := identityOf("bystander")
	suspended.Suspended = true
	st.put(t, suspended, known(bystander.identity))
	if st.reads(t, session, "bystander") {
		t.Error("suspended, the bystander reads")
	}

	for name, h := range all {
		if _, err := st.open().Delete(ctx, h.identity.Object.Ref(), h.identity.UID); err != nil {
			t.Errorf("destroy of %s: %v", name, err)
			continue
		}
		var left []string
		for _, trace := range st.traces(t, idOf(name)) {
			if !strings.HasPrefix(trace, store.Folder+store.NameOf(idOf(name))+store.TombstoneName) {
				left = append(left, trace)
			}
		}
		if len(left) > 0 {
			t.Errorf("after the destroy of %s there is\n%s", name, strings.Join(left, "\n"))
		}
	}
	less := *below.Object.(*access.Identity)
	less.Suspended = true
	if r, err := st.open().Put(ctx, st.change(&less, known(below))); err != nil ||
		!r.Object.(*access.Identity).Suspended {
		t.Errorf("what hangs on a damaged one is not suspended: %v", err)
	}
	for _, r := range []*access.Record{below, parent} {
		if _, err := st.open().Delete(ctx, r.Object.Ref(), r.UID); err != nil {
			t.Errorf("destroy of %s: %v", r.Object.Ref(), err)
		}
	}
}
