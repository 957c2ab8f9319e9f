// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

// cutting is what a case may use to cut: the stage, the name of the identity, and its objects.
type cutting struct {
	*stage
	name string
	complete
	kind   access.Kind
	parent *access.Record
}

func (c *cutting) credential() *access.Credential {
	return c.holders[c.kind].Credential
}

func suspended(i *access.Identity) { i.Suspended = true }

func childOf(parent string) func(*access.Identity) {
	return func(i *access.Identity) { i.ParentID = idOf(parent) }
}

func allowing(i *access.Identity) {
	i.Subcontractors = &access.Subcontractors{Allowed: true, MaxDepth: 1}
}

func TestATokenOfBeforeIsRefusedAtTheNextRequest(t *testing.T) {
	st := startStage(t)
	for name, c := range map[string]struct {
		cut func(*testing.T, *cutting)
		// back declares the access again; nil where it is gone for good. revived: the old tokens work again then.
		back    func(*testing.T, *cutting)
		revived bool
		kinds   []access.Kind // all when empty
	}{
		"suspension": {
			cut: func(t *testing.T, c *cutting) {
				c.put(t, identityOf(c.name, childOf(c.parent.Object.Holder().Name), suspended), known(c.identity))
			},
			back: func(t *testing.T, c *cutting) {
				c.put(t, identityOf(c.name, childOf(c.parent.Object.Holder().Name)), known(c.identity))
			},
			revived: true,
		},
		"suspension above": {
			cut: func(t *testing.T, c *cutting) {
				c.put(t, identityOf(c.parent.Object.Holder().Name, allowing, suspended), known(c.parent))
			},
			back: func(t *testing.T, c *cutting) {
				c.put(t, identityOf(c.parent.Object.Holder().Name, allowing), known(c.parent))
			},
			revived: true,
		},
		"no subcontractors": {
			cut: func(t *testing.T, c *cutting) {
				c.put(t, identityOf(c.parent.Object.Holder().Name), known(c.parent))
			},
			back: func(t *testing.T, c *cutting) {
				c.put(t, identityOf(c.parent.Object.Holder().Name, allowing), known(c.parent))
			},
			revived: true,
		},
		"no grant": {
			cut:     func(t *testing.T, c *cutting) { c.drop(t, c.grant) },
			back:    func(t *testing.T, c *cutting) { c.put(t, grantOf(c.name)) },
			revived: true,
		},
		"no credential": {cut: func(t *testing.T, c *cutting) { c.drop(t, c.credentials[c.kind]) }},
		"no identity":   {cut: func(t *testing.T, c *cutting) { c.drop(t, c.identity) }},
		"no parent":     {cut: func(t *testing.T, c *cutting) { c.drop(t, c.parent) }},
		"a replacement": {
			cut: func(t *testing.T, c *cutting) {
				r := c.put(t, c.credential(), known(c.credentials[c.kind]), issuing(access.IssueReplace))
				c.holders[c.kind] = c.holder(c.credential(), r)
			},
			back: func(*testing.T, *cutting) {},
		},
		"all before": {
			cut: func(t *testing.T, c *cutting) {
				time.Sleep(time.Until(c.credentials[c.kind].CreatedAt.Add(1100 * time.Millisecond)))
				again := *c.credential()
				again.RevokeIssuedBefore = in(0)
				r := c.put(t, &again, known(c.credentials[c.kind]))
				c.holders[c.kind] = c.holder(&again, r)
			},
			back: func(*testing.T, *cutting) {},
		},
		"other networks": {
			cut: func(t *testing.T, c *cutting) {
				again := *c.credential()
				again.AllowedCIDRs = prefixes("10.0.0.0/8")
				c.put(t, &again, known(c.credentials[c.kind]))
			},
		},
		"another subject": {
			cut: func(t *testing.T, c *cutting) {
				again := *c.credential()
				again.Federated = &access.FederatedTrust{
					Issuer:    issuerURL,
					Subject:   "somebody-else",
					Audiences: []string{"orders.example.com"},
				}
				c.put(t, &again, known(c.credentials[c.kind]))
			},
			kinds: []access.Kind{access.Federated},
		},
	} {
		if len(c.kinds) == 0 {
			c.kinds = kinds
		}
		for _, kind := range c.kinds {
			t.Run(name+" cuts "+string(kind), func(t *testing.T) {
				t.Parallel()
				of := slug(name + " " + string(kind))
				x := &cutting{stage: st, name: of, kind: kind}
				x.parent = st.put(t, identityOf(of+"-above", allowing))
				x.identity = st.put(t, identityOf(of, childOf(of+"-above")))
				x.grant = st.put(t, grantOf(of))
				credential := st.credentialOf(of, kind)
				r := st.put(t, credential)
				x.credentials = map[access.Kind]*access.Record{kind: r}
				x.holders = map[access.Kind]systemtest.Probe{kind: st.holder(credential, r)}

				tokens := st.tokens(t, x.holders[kind])
				c.cut(t, x)
				for what, token := range tokens {
					if st.reads(t, token, of) {
						t.Errorf("the %s token still reads", what)
					}
				}
				if c.back == nil {
					return
				}
				c.back(t, x)
				if !st.reads(t, st.session(t, x.holders[kind]), of) {
					t.Error("what is declared again does not work")
				}
				for what, token := range tokens {
					if got := st.reads(t, token, of); got != c.revived {
						t.Errorf("afterwards the %s token reads: %v, want %v", what, got, c.revived)
					}
				}
			})
		}
	}
}

// tokens are one of the login, one that it made, and a batch token.
func (st *stage) tokens(t testing.TB, p systemtest.Probe) map[string]string {
	t.Helper()
	name := p.Credential.IdentityID.Name
	own := st.session(t, p)
	tokens := map[string]string{"own": own}
	if p.Credential.Kind() != access.Federated {
		// A token's maker needs a right for it, that no grant gives: an administrator makes them so.
		st.admin(t, "PUT", "sys/policies/acl/maker-"+name,
			map[string]any{"policy": `path "auth/token/create" { capabilities = ["create", "update", "sudo"] }`})
		entity := st.admin(t, "GET", entityPath(idOf(name)), nil)
		st.admin(t, "POST", "identity/entity/id/"+entity["id"].(string),
			map[string]any{"policies": []string{store.NameOf(idOf(name)), "maker-" + name}})
		for _, kind := range []string{"service", "batch"} {
			status, answer := st.bao.Call(t, own, "POST", "auth/token/create",
				map[string]any{"type": kind, "ttl": "30s", "no_default_policy": true})
			auth, _ := answer["auth"].(map[string]any)
			token, _ := auth["client_token"].(string)
			if token == "" {
				t.Fatalf("no %s token: %d %v", kind, status, answer)
			}
			tokens[kind+" child"] = token
		}
		st.admin(t, "POST", "identity/entity/id/"+entity["id"].(string),
			map[string]any{"policies": []string{store.NameOf(idOf(name))}})
	}
	for what, token := range tokens {
		if !st.reads(t, token, name) {
			t.Fatalf("the %s token does not read from the beginning", what)
		}
	}
	return tokens
}

func TestDestroyingOneCredentialLeavesTheOthersAbleToLogIn(t *testing.T) {
	st := startStage(t)
	for _, gone := range kinds {
		t.Run(string(gone), func(t *testing.T) {
			t.Parallel()
			name := "without-" + string(gone)
			all := st.complete(t, name, kinds...)
			var others sync.WaitGroup
			dropped := make(chan struct{})
			for _, kind := range kinds {
				if kind == gone {
					continue
				}
				others.Go(func() { // the sessions of all end, and nobody else's login
					for done := false; !done; {
						select {
						case <-dropped:
							done = true
						default:
						}
						if st.login(t, all.holders[kind]) == "" {
							t.Errorf("%s is refused while it is destroyed", kind)
							return
						}
					}
				})
			}
			st.drop(t, all.credentials[gone])
			close(dropped)
			others.Wait()
			for _, kind := range kinds {
				token := st.login(t, all.holders[kind])
				if works := token != "" && st.reads(t, token, name); works != (kind != gone) {
					t.Errorf("%s works: %v", kind, works)
				}
				if kind == gone {
					continue
				}
				if drift := st.get(t, all.credentials[kind].Object.Ref()).Drift; len(drift) > 0 {
					t.Errorf("%s: %q", kind, drift)
				}
			}
		})
	}
}

// The parent's put reaches its children. It must not undo what somebody cut by hand there.
func TestAPutOfTheParentLeavesAHoldOfTheChildAlone(t *testing.T) {
	st := startStage(t)
	top := st.put(t, identityOf("top", allowing))
	child := identityOf("child", childOf("top"))
	st.put(t, child)
	st.admin(t, "POST", "identity/entity/name/partner/acme/prod/child", map[string]any{"disabled": true})
	for _, declared := range []*access.Identity{
		identityOf("top", allowing, suspended), identityOf("top", allowing), identityOf("top"),
		identityOf("top", allowing),
	} {
		st.put(t, declared, known(top))
	}
	if r := st.get(t, child.Ref()); !r.Held || r.Suspended || len(r.Drift) > 0 {
		t.Errorf("the child is held: %v, suspended: %v, drift: %q", r.Held, r.Suspended, r.Drift)
	}
}
