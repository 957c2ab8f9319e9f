// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// meddler is what an administrator has to meddle with: one complete identity.
type meddler struct {
	*stage
	t    *testing.T
	name string
	complete
}

func (h *meddler) do(method, path string, body any) map[string]any {
	h.t.Helper()
	return h.admin(h.t, method, path, body)
}

// edit changes the text of the policy.
func (h *meddler) edit(old, replacement string) {
	h.t.Helper()
	path := "sys/policies/acl/" + store.NameOf(idOf(h.name))
	text, _ := h.do("GET", path, nil)["policy"].(string)
	head, body, _ := strings.Cut(text, "path ")
	changed := strings.ReplaceAll("path "+body, old, replacement)
	if changed == "path "+body {
		h.t.Fatalf("the policy has no %q:\n%s", old, text)
	}
	h.do("POST", path, map[string]any{"policy": head + changed})
}

func (h *meddler) entity() map[string]any { return h.do("GET", entityPath(idOf(h.name)), nil) }
func (h *meddler) role() string           { return roleOf(idOf(h.name)) }

func (h *meddler) alias(kind string) map[string]any {
	aliases, _ := h.entity()["aliases"].([]any)
	for _, a := range aliases {
		if a := a.(map[string]any); a["mount_type"] == kind {
			return a
		}
	}
	h.t.Fatalf("there is no alias of %s", kind)
	return nil
}

func (h *meddler) object(of access.Type, kind access.Kind) *access.Record {
	switch of {
	case access.TypeIdentity:
		return h.identity
	case access.TypeGrant:
		return h.grant
	}
	return h.credentials[kind]
}

func TestEveryChangeByHandIsDriftAndIsRepairedByAPutOfTheSame(t *testing.T) {
	st := startStage(t)
	st.admin(t, "PUT", "sys/policies/acl/more",
		map[string]any{"policy": `path "orders/more/*" { capabilities = ["read"] }`})
	celPath := func(h *meddler) string { return "auth/" + usualJWT(issuerURL) + "/cel/role/" + h.role() }
	for name, c := range map[string]struct {
		meddle func(h *meddler)
		on     access.Type
		kind   access.Kind
	}{
		"a wider path":   {func(h *meddler) { h.edit("orders/"+h.name+"/*", "orders/*") }, access.TypeGrant, ""},
		"an action more": {func(h *meddler) { h.edit(`"list"`, `"list", "delete"`) }, access.TypeGrant, ""},
		"an end moved": {func(h *meddler) { h.edit(`  expiration   = "20`, `  expiration   = "21`) },
			access.TypeGrant, ""},
		"an end removed": {func(h *meddler) { h.edit("  expiration", "  # expiration") }, access.TypeGrant, ""},
		"an identity's text": {func(h *meddler) { h.edit("orders/"+h.name+"/*", "orders/*") }, access.TypeIdentity,
			""},
		"a credential's text": {func(h *meddler) { h.edit("orders/"+h.name+"/*", "orders/*") }, access.TypeCredential,
			access.Secret},
		"more policies": {func(h *meddler) {
			h.do("POST", entityPath(idOf(h.name)),
				map[string]any{"policies": []string{store.NameOf(idOf(h.name)), "more"}})
		}, access.TypeIdentity, ""},
		"no policy": {func(h *meddler) {
			h.do("POST", entityPath(idOf(h.name)), map[string]any{"policies": []string{}})
		}, access.TypeIdentity, ""},
		"other metadata": {func(h *meddler) {
			h.do("POST", entityPath(idOf(h.name)),
				map[string]any{"metadata": map[string]string{"owner": "somebody@example.com"}})
		}, access.TypeIdentity, ""},
		"a group": {func(h *meddler) {
			h.do("POST", "identity/group",
				map[string]any{
					"name":              "group-" + h.name,
					"policies":          []string{"more"},
					"member_entity_ids": []any{h.entity()["id"]},
				})
		}, access.TypeIdentity, ""},
		"a group of a group": {func(h *meddler) {
			inner := h.do("POST", "identity/group",
				map[string]any{"name": "inner-" + h.name, "member_entity_ids": []any{h.entity()["id"]}})
			h.do("POST", "identity/group",
				map[string]any{
					"name":             "outer-" + h.name,
					"policies":         []string{"more"},
					"member_group_ids": []any{inner["id"]},
				})
		}, access.TypeIdentity, ""},
		"no entity, for the identity": {func(h *meddler) { h.do("DELETE", entityPath(idOf(h.name)), nil) },
			access.TypeIdentity, ""},
		"no entity, for the credential": {func(h *meddler) { h.do("DELETE", entityPath(idOf(h.name)), nil) },
			access.TypeCredential, access.Certificate},
		"an alias at another entity": {func(h *meddler) {
			evil := h.do("POST", "identity/entity",
				map[string]any{"name": "evil-" + h.name, "policies": []string{"more"}})
			a := h.alias("approle")
			h.do("POST", "identity/entity-alias",
				map[string]any{"name": a["name"], "mount_accessor": a["mount_accessor"], "canonical_id": evil["id"]})
		}, access.TypeCredential, access.Secret},
		"an alias of another name": {func(h *meddler) {
			a := h.alias("cert")
			h.do("DELETE", "identity/entity-alias/id/"+a["id"].(string), nil)
			h.do("POST", "identity/entity-alias",
				map[string]any{
					"name":           "mallory",
					"mount_accessor": a["mount_accessor"],
					"canonical_id":   h.entity()["id"],
				})
		}, access.TypeCredential, access.Certificate},
		"a further alias": {func(h *meddler) {
			h.do("POST", "sys/auth/other-"+h.name, map[string]any{"type": "approle"})
			auth, _ := h.do("GET", "sys/auth", nil)["other-"+h.name+"/"].(map[string]any)
			h.do("POST", "identity/entity-alias",
				map[string]any{"name": "mallory", "mount_accessor": auth["accessor"], "canonical_id": h.entity()["id"]})
		}, access.TypeIdentity, ""},
		"a second secret id": {func(h *meddler) {
			h.do("POST", "auth/partner-approle/role/"+h.role()+"/secret-id", map[string]any{})
		}, access.TypeCredential, access.Secret},
		"no secret id": {func(h *meddler) {
			keys, _ := h.do("LIST", "auth/partner-approle/role/"+h.role()+"/secret-id", nil)["keys"].([]any)
			h.do("POST", "auth/partner-approle/role/"+h.role()+"/secret-id-accessor/destroy",
				map[string]any{"secret_id_accessor": keys[0]})
		}, access.TypeCredential, access.Secret},
		"longer tokens of the AppRole": {func(h *meddler) {
			h.do("POST", "auth/partner-approle/role/"+h.role(),
				map[string]any{"token_ttl": 86400, "token_max_ttl": 86400, "token_explicit_max_ttl": 0})
		}, access.TypeCredential, access.Secret},
		"periodic tokens of the AppRole": {func(h *meddler) {
			h.do("POST", "auth/partner-approle/role/"+h.role(), map[string]any{"token_period": 3600})
		}, access.TypeCredential, access.Secret},
		"policies of the AppRole": {func(h *meddler) {
			h.do("POST", "auth/partner-approle/role/"+h.role(), map[string]any{"token_policies": []string{"more"}})
		}, access.TypeCredential, access.Secret},
		"networks of the AppRole": {func(h *meddler) {
			h.do("POST", "auth/partner-approle/role/"+h.role(),
				map[string]any{"secret_id_bound_cidrs": []string{"10.0.0.0/8"}})
		}, access.TypeCredential, access.Secret},
		"an AppRole without a secret": {func(h *meddler) {
			h.do("POST", "auth/partner-approle/role/"+h.role(),
				map[string]any{"bind_secret_id": false, "token_bound_cidrs": []string{"127.0.0.0/8"}})
		}, access.TypeCredential, access.Secret},
		"another authority of the certificate": {func(h *meddler) {
			h.do("POST", "sys/mounts/pki-"+h.name, map[string]any{"type": "pki"})
			made := h.do("POST", "pki-"+h.name+"/root/generate/internal",
				map[string]any{"common_name": "Evil", "key_type": "ec", "key_bits": 256})
			role := h.do("GET", "auth/partner-cert/certs/"+h.role(), nil)
			h.do("POST", "auth/partner-cert/certs/"+h.role(),
				map[string]any{"certificate": role["certificate"].(string) + "\n" + made["certificate"].(string)})
		}, access.TypeCredential, access.Certificate},
		"names of the request": {func(h *meddler) {
			h.do("PATCH", "partner-pki/roles/"+h.role(),
				map[string]any{"use_csr_common_name": true, "use_csr_sans": true})
		}, access.TypeCredential, access.Certificate},
		"any name of the signing role": {func(h *meddler) {
			h.do("PATCH", "partner-pki/roles/"+h.role(), map[string]any{"allow_any_name": true})
		}, access.TypeCredential, access.Certificate},
		"authorities of the signing role": {func(h *meddler) {
			h.do("PATCH", "partner-pki/roles/"+h.role(),
				map[string]any{"key_usage": []string{"CertSign"}, "basic_constraints_valid_for_non_ca": true})
		}, access.TypeCredential, access.Certificate},
		"what the signing role does not keep": {func(h *meddler) {
			h.do("PATCH", "partner-pki/roles/"+h.role(), map[string]any{"no_store": true})
		}, access.TypeCredential, access.Certificate},
		"an end of the signing role": {func(h *meddler) {
			h.do("PATCH", "partner-pki/roles/"+h.role(), map[string]any{"not_after": "2090-12-31T23:59:59Z"})
		}, access.TypeCredential, access.Certificate},
		"a patient role": {func(h *meddler) {
			role := h.do("GET", celPath(h), nil)
			h.do("POST", celPath(h), map[string]any{
				"cel_program": role["cel_program"], "bound_audiences": role["bound_audiences"],
				"expiration_leeway": 86400, "clock_skew_leeway": 86400,
			})
		}, access.TypeCredential, access.Federated},
		"no AppRole": {func(h *meddler) { h.do("DELETE", "auth/partner-approle/role/"+h.role(), nil) },
			access.TypeCredential, access.Secret},
		"longer tokens of the certificate": {func(h *meddler) {
			h.do("POST", "auth/partner-cert/certs/"+h.role(),
				map[string]any{"token_ttl": 86400, "token_max_ttl": 86400, "token_explicit_max_ttl": 0})
		}, access.TypeCredential, access.Certificate},
		"more names of the certificate": {func(h *meddler) {
			h.do("POST", "auth/partner-cert/certs/"+h.role(), map[string]any{"allowed_common_names": []string{"*"}})
		}, access.TypeCredential, access.Certificate},
		"domains of the signing role": {func(h *meddler) {
			h.do("PATCH", "partner-pki/roles/"+h.role(), map[string]any{"allowed_domains": []string{"acme/prod/other"}})
		}, access.TypeCredential, access.Certificate},
		"more uses of the signing role": {func(h *meddler) {
			h.do("PATCH", "partner-pki/roles/"+h.role(),
				map[string]any{"ext_key_usage_oids": []string{"1.3.6.1.5.5.7.3.3"}})
		}, access.TypeCredential, access.Certificate},
		"a department of the signing role": {func(h *meddler) {
			h.do("PATCH", "partner-pki/roles/"+h.role(),
				map[string]any{"ou": []string{"admins"}, "policy_identifiers": []string{"1.2.3.4"}})
		}, access.TypeCredential, access.Certificate},
		"no end of the signing role": {func(h *meddler) {
			h.do("PATCH", "partner-pki/roles/"+h.role(), map[string]any{"not_after_bound": "permit"})
		}, access.TypeCredential, access.Certificate},
		"another program": {func(h *meddler) {
			role := h.do("GET", celPath(h), nil)
			program := role["cel_program"].(map[string]any)
			program["expression"] = "auth"
			h.do("POST", celPath(h), map[string]any{"cel_program": program, "bound_audiences": role["bound_audiences"]})
		}, access.TypeCredential, access.Federated},
		"another audience": {func(h *meddler) {
			role := h.do("GET", celPath(h), nil)
			h.do("POST", celPath(h), map[string]any{"cel_program": role["cel_program"],
				"bound_audiences": []string{"all"}})
		}, access.TypeCredential, access.Federated},
		"no program": {func(h *meddler) { h.do("DELETE", celPath(h), nil) }, access.TypeCredential, access.Federated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of := slug(name)
			h := &meddler{stage: st, t: t, name: of, complete: st.complete(t, of, kinds...)}
			r := h.object(c.on, c.kind)
			ref := r.Object.Ref()
			if drift := st.get(t, ref).Drift; len(drift) > 0 {
				t.Fatalf("it drifts from the beginning: %q", drift)
			}
			c.meddle(h)
			drift := st.get(t, ref).Drift
			if len(drift) == 0 {
				t.Error("it is not seen")
			}
			t.Logf("%q", drift)
			again := st.put(t, r.Object, known(r))
			if drift := st.get(t, ref).Drift; len(drift) > 0 {
				t.Errorf("a put of the same leaves %q", drift)
			}
			if of, ok := r.Object.(*access.Credential); ok {
				p := h.holders[of.Kind()]
				if again.Issued != nil && again.Issued.Sealed != "" {
					p = st.holder(of, again)
				}
				if !st.reads(t, st.session(t, p), h.name) {
					t.Error("what is repaired does not work")
				}
			}
		})
	}
}

func TestAnEntityThatIsEnabledThoughSuspendedIsDrift(t *testing.T) {
	st := startStage(t)
	i := identityOf("etl", suspended)
	r := st.put(t, i)
	if r := st.get(t, i.Ref()); len(r.Drift) > 0 || r.Held {
		t.Fatalf("held %v, drift %q", r.Held, r.Drift)
	}
	st.admin(t, "POST", entityPath(i.ID), map[string]any{"disabled": false})
	if drift := st.get(t, i.Ref()).Drift; len(drift) != 1 || !strings.Contains(drift[0], "enabled, but") {
		t.Errorf("drift: %q", drift)
	}
	st.put(t, i, known(r))
	if drift := st.get(t, i.Ref()).Drift; len(drift) > 0 ||
		st.admin(t, "GET", entityPath(i.ID), nil)["disabled"] != true {
		t.Errorf("after a put: %q", drift)
	}
}

func TestNothingDriftsThatNobodyTouched(t *testing.T) {
	st := startStage(t)
	odd := "Ünïcode 注文 🚚 \"quoted\" {{braces}} # \\ \t " + strings.Repeat("é", 400)
	networks := func(c *access.Credential) {
		c.AllowedCIDRs = prefixes("127.0.0.0/8", "10.1.2.3/32", "::1/128", "2001:db8::/32")
	}
	rotating := func(c *access.Credential) {
		c.Rotation = &access.Rotation{Every: span(t, "20m"), Overlap: span(t, "5m")}
	}
	for name, edit := range map[string]func(*access.Credential){
		"plain": func(*access.Credential) {}, "networks": networks, "rotating": rotating,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := []access.Object{
				identityOf(name, func(i *access.Identity) {
					i.Purpose, i.Owner, i.HoldReleased = odd, strings.Repeat("x", 600)+"@example.com", "ticket "+odd
				}),
				grantOf(name, func(g *access.Grant) { g.Purpose = odd }),
			}
			for _, kind := range kinds {
				objects = append(objects, st.credentialOf(name, kind, edit))
			}
			s := st.open()
			for _, o := range objects {
				st.put(t, o)
			}
			for _, round := range []string{"at first", "on a second read"} {
				for _, o := range objects {
					for by, s := range map[string]*System{"an old handle": s, "a new handle": st.open()} {
						r, err := s.Get(t.Context(), o.Ref())
						if err != nil || len(r.Drift) > 0 || r.Held {
							t.Errorf("%s, by %s: %s: %v, held %v, drift %q", round, by, o.Ref(), err, r.Held, r.Drift)
						}
					}
				}
			}
		})
	}
}

// A change above moves the ends below: their roles and metadata follow, and do not drift.
func TestNothingDriftsBelowWhatIsShortenedAndExtended(t *testing.T) {
	st := startStage(t)
	top := st.put(t, identityOf("top", allowing))
	child := identityOf("child", childOf("top"))
	objects := []access.Object{child, grantOf("child")}
	st.put(t, child)
	st.put(t, objects[1])
	for _, kind := range kinds {
		c := st.credentialOf("child", kind)
		st.put(t, c)
		objects = append(objects, c)
	}
	for _, end := range []time.Duration{30 * time.Minute, 90 * time.Minute} {
		st.put(t, identityOf("top", allowing, func(i *access.Identity) { i.Terms = terms(end) }), known(top))
		for _, o := range objects {
			if drift := st.get(t, o.Ref()).Drift; len(drift) > 0 {
				t.Errorf("%s, when what is above ends in %s: %q", o.Ref(), end, drift)
			}
		}
	}
}

func TestWhatWasCutByHandStaysCutUntilItIsReleased(t *testing.T) {
	st := startStage(t)
	all := st.complete(t, "etl", kinds...)
	release := func(value string) func(*access.Identity) {
		return func(i *access.Identity) { i.HoldReleased = value }
	}
	disable := func() { st.admin(t, "POST", entityPath(idOf("etl")), map[string]any{"disabled": true}) }
	held := func(when string, want bool) {
		t.Helper()
		for _, r := range append([]*access.Record{all.identity}, all.credentials[access.Federated],
			all.credentials[access.Certificate], all.credentials[access.Secret]) {
			if got := st.get(t, r.Object.Ref()); got.Held != want || len(got.Drift) > 0 {
				t.Errorf("%s: %s is held: %v, want %v; drift: %q", when, r.Object.Ref(), got.Held, want, got.Drift)
			}
		}
		if disabled := st.admin(t, "GET", entityPath(idOf("etl")), nil)["disabled"]; disabled != want {
			t.Errorf("%s: the entity is disabled: %v", when, disabled)
		}
		s := st.open()
		for range 2 {
			if _, err := s.Get(t.Context(), all.identity.Object.Ref()); err != nil {
				t.Fatal(err)
			}
		}
		if g, err := s.Get(t.Context(), all.grant.Object.Ref()); err != nil || g.Held != want {
			t.Logf("%s: the grant is held: %v (%v)", when, g.Held, err) // only where it costs no request
		}
	}
	put := func(edits ...func(*access.Identity)) { st.put(t, identityOf("etl", edits...), known(all.identity)) }

	held("at first", false)
	disable()
	held("disabled", true)
	put()
	held("after a put", true)
	secret := all.credentials[access.Secret]
	st.put(t, secret.Object, known(secret), issuing(access.IssueReplace))
	held("after a replacement, which makes the entity anew", true)
	put(suspended)
	put()
	held("after a suspension that came and went", true)
	put(release("ticket 1"))
	held("after a release", false)
	disable()
	held("disabled again", true)
	put(release("ticket 1"))
	held("after a release that was used already", true)
	put(release("ticket 2"))
	held("after a new release", false)
	disable()
	put(release("ticket 1"))
	held("after an old release", true)
}

// The policy of an identity is written first, so its suspension may be lifted, or its hold released, by a process that
// dies before the entity is enabled.
func TestADeadProcessLeavesNoHoldBehind(t *testing.T) {
	st := startStage(t)
	for name, before := range map[string]func(i *access.Identity) bool{
		"unsuspended": func(i *access.Identity) bool { i.Suspended = true; return false },
		"released":    func(*access.Identity) bool { return true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := identityOf(name)
			hand := before(i)
			r := st.put(t, i)
			if hand {
				st.admin(t, "POST", entityPath(i.ID), map[string]any{"disabled": true})
			}
			// used once by a partner
			i = identityOf(name, func(i *access.Identity) { i.HoldReleased = "ticket of " + name })
			dead := st.open(dyingWhen(false,
				func(_, path string) bool { return strings.Contains(path, "identity/entity/id/") }))
			if _, err := dead.Put(t.Context(), st.change(i, known(r))); err == nil {
				t.Fatal("it did not die")
			}
			st.put(t, i, known(r))
			if got := st.get(t, i.Ref()); got.Held ||
				len(got.Drift) > 0 ||
				st.admin(t, "GET", entityPath(i.ID), nil)["disabled"] != false {
				t.Errorf("held %v, drift %q", got.Held, got.Drift)
			}
		})
	}
}

// After somebody merged the entity into another one, the drift said "somebody else, or nobody".
func TestDriftAfterAMergeSaysWhoHoldsTheAlias(t *testing.T) {
	st := startStage(t)
	i := identityOf("merged")
	c := st.credentialOf("merged", access.Secret)
	st.put(t, i)
	st.put(t, c)
	into := st.admin(t, "POST", "identity/entity",
		map[string]any{"name": "finance-batch", "policies": []string{"more"}})
	ours := st.admin(t, "GET", entityPath(i.ID), nil)
	st.admin(t, "POST", "identity/entity/merge",
		map[string]any{"from_entity_ids": []any{ours["id"]}, "to_entity_id": into["id"]})
	st.admin(t, "POST", entityPath(i.ID), nil) // what is left of it by its name
	drift := strings.Join(st.get(t, c.Ref()).Drift, "\n")
	if !strings.Contains(drift, `the entity "finance-batch" has it`) {
		t.Errorf("the drift says: %s", drift)
	}
}
