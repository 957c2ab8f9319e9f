// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

// run runs printed steps in a shell, as somebody who may only cut.
func (st *stage) run(t testing.TB, steps ...string) {
	t.Helper()
	for _, step := range steps {
		st.bao.RunAs(t, st.bao.RootToken, "sh", "-ec", step)
	}
}

// victim is an identity with a secret, of a partner of its own.
type victim struct {
	*stage
	id                      access.IdentityID
	identity, grant, secret *access.Record
	holder                  systemtest.Probe
}

func (st *stage) victim(t testing.TB, partner string) *victim {
	t.Helper()
	v := &victim{stage: st, id: access.IdentityID{Partner: partner, Environment: "prod", Name: "etl"}}
	v.make(t, "")
	return v
}

func (v *victim) declared(release string) *access.Identity {
	return identityOf("etl", func(i *access.Identity) { i.ID, i.HoldReleased = v.id, release })
}

func (v *victim) credential() *access.Credential {
	return v.credentialOf("etl", access.Secret, func(c *access.Credential) { c.IdentityID = v.id })
}

// make creates all of it, as a configuration does that has the blocks. What a plan foretells of each comes true.
func (v *victim) make(t testing.TB, release string) {
	t.Helper()
	v.identity = v.foretold(t, v.declared(release))
	v.grant = v.foretold(t, grantOf("etl", func(g *access.Grant) { g.IdentityID = v.id }))
	v.secret = v.foretold(t, v.credential())
	v.holder = v.stage.holder(v.credential(), v.secret)
}

// in says whether the partner comes in and reads.
func (v *victim) in(t testing.TB) bool {
	t.Helper()
	token := v.login(t, v.holder)
	return token != "" && v.may(t, token, "read", "orders/etl/1")
}

// stays claims that the partner is out, and that all of it is told to be held.
func (v *victim) stays(t testing.TB, when string) {
	t.Helper()
	if v.in(t) {
		t.Errorf("%s: it comes in", when)
	}
	if r := v.get(t, v.secret.Object.Ref()); !r.Held {
		t.Errorf("%s: the credential is not held; drift: %q", when, r.Drift)
	}
}

// foretold makes an object, and claims that whether it is held was known before.
func (v *victim) foretold(t testing.TB, o access.Object) *access.Record {
	t.Helper()
	foretold, err := v.open().WouldHold(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	r := v.put(t, o)
	if held := v.get(t, o.Ref()).Held; held != foretold {
		t.Errorf("%s is held: %v, and it was foretold: %v", o.Ref(), held, foretold)
	}
	return r
}

// apply puts all that is declared, as a nightly apply that changes something.
func (v *victim) apply(t testing.TB, release string) {
	t.Helper()
	v.identity = v.put(t, v.declared(release), known(v.identity))
	v.secret = v.put(t, v.credential(), known(v.secret))
	if v.secret.Issued != nil && v.secret.Issued.Sealed != "" {
		v.holder = v.stage.holder(v.credential(), v.secret)
	}
}

// What was cut by hand with the printed step stays cut, whatever becomes of the objects, until a
// release that was never used.
func TestWhatWasCutByAPrintedStepDoesNotComeBack(t *testing.T) {
	st := startStage(t)
	identity := func(t *testing.T, v *victim) []string { return v.identity.Revocation[:1] }
	credential := func(t *testing.T, v *victim) []string { return v.secret.Revocation[:1] }
	partner := func(t *testing.T, v *victim) []string {
		return v.open().Capabilities().CutByHand(v.id.Partner, []*access.Record{v.identity, v.secret})
	}
	without := func(t *testing.T, v *victim) []string { // as people did before there were marks
		return []string{"bao write " + entityPath(v.id) + " disabled=true"}
	}
	replaced := func(t *testing.T, v *victim) { v.drop(t, v.identity); v.make(t, "") }
	for name, c := range map[string]struct {
		cut    func(*testing.T, *victim) []string
		before func(*testing.T, *victim)
		then   func(*testing.T, *victim)
	}{
		"an identity, replaced":              {cut: identity, then: replaced},
		"a partner, replaced":                {cut: partner, then: replaced},
		"an entity without a mark, replaced": {cut: without, then: replaced},
		"a credential, applied":              {cut: credential, then: func(*testing.T, *victim) {}},
		"a credential, replaced": {cut: credential,
			then: func(t *testing.T, v *victim) { v.drop(t, v.secret); v.secret = v.put(t, v.credential()) }},
		"a credential, replaced with all": {cut: credential, then: replaced},
		"a credential, its identity suspended": {cut: credential,
			then: func(t *testing.T, v *victim) { v.suspend(t); v.apply(t, "") }},
		"an identity, while it was suspended": {
			before: func(t *testing.T, v *victim) { v.suspend(t) }, cut: identity,
			then: func(t *testing.T, v *victim) { v.apply(t, "") },
		},
		"a partner, while it was suspended": {
			before: func(t *testing.T, v *victim) { v.suspend(t) }, cut: partner,
			then: func(t *testing.T, v *victim) { v.apply(t, "") },
		},
		"an identity, its policy removed by hand": {cut: identity, then: func(t *testing.T, v *victim) {
			v.admin(t, "DELETE", store.Folder+store.NameOf(v.id), nil)
			v.make(t, "")
		}},
		"an entity without a mark, its policy removed by hand": {cut: without, then: func(t *testing.T, v *victim) {
			v.admin(t, "DELETE", store.Folder+store.NameOf(v.id), nil)
			v.make(t, "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := st.victim(t, slug(name))
			if !v.in(t) {
				t.Fatal("it does not come in at first")
			}
			if c.before != nil {
				c.before(t, v)
			}
			st.run(t, c.cut(t, v)...)
			v.stays(t, "cut")
			v.apply(t, "")
			v.stays(t, "after an apply")
			c.then(t, v)
			v.apply(t, "")
			v.stays(t, "afterwards")
			v.apply(t, "INC-1")
			v.apply(t, "INC-1") // a credential that was cut alone comes with the next apply
			if !v.in(t) {
				t.Errorf("released, it does not come in: %+v", v.get(t, v.identity.Object.Ref()))
			}
			for _, r := range []*access.Record{v.identity, v.secret} {
				if now := v.get(t, r.Object.Ref()); now.Held || len(now.Drift) > 0 {
					t.Errorf("released, %s is held: %v, drift %q", r.Object.Ref(), now.Held, now.Drift)
				}
			}
			st.run(t, c.cut(t, v)...)
			v.drop(t, v.identity)
			v.make(t, "INC-1")
			v.apply(t, "INC-1")
			v.stays(t, "cut again, destroyed, and made anew with the release that was used")
			v.apply(t, "")
			v.apply(t, "INC-1")
			v.stays(t, "after the old release was taken out and put back")
			v.drop(t, v.identity)
		})
	}
}

func (v *victim) suspend(t testing.TB) {
	t.Helper()
	i := v.declared("")
	i.Suspended = true
	v.identity = v.put(t, i, known(v.identity))
}

// A partner that was cut gets no new identity that works, and the release of its old ones releases no new one.
func TestANewIdentityOfAHeldPartnerIsHeld(t *testing.T) {
	st := startStage(t)
	v := st.victim(t, "another")
	cut := v.open().Capabilities().CutByHand("another", []*access.Record{v.identity, v.secret})
	st.run(t, cut...)
	v.apply(t, "INC-1")
	v.apply(t, "INC-1")
	if !v.in(t) {
		t.Fatal("it was released, and does not come in")
	}
	for name, release := range map[string]string{"none": "", "used": "INC-1"} {
		t.Run(name, func(t *testing.T) {
			next := &victim{stage: st, id: access.IdentityID{
				Partner:     "another",
				Environment: "prod",
				Name:        "new-" + name,
			}}
			next.make(t, release)
			if !next.identity.Held {
				t.Error("the answer to its creation does not say that it is held")
			}
			next.stays(t, "made with "+name)
			next.apply(t, "INC-2-"+name)
			if !next.in(t) {
				t.Error("released with a new value, it does not come in")
			}
		})
	}
	if !v.in(t) {
		t.Error("who was released before is cut")
	}
}

// A rename makes a new identity: what was cut under the old id does not come back under another.
func TestWhatWasCutDoesNotComeBackUnderAnotherName(t *testing.T) {
	st := startStage(t)
	for name, cut := range map[string]func(*victim) []string{
		"an identity":  func(v *victim) []string { return v.identity.Revocation[:1] },
		"a credential": func(v *victim) []string { return v.secret.Revocation[:1] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := st.victim(t, slug(name)+"-renamed")
			bystander := &victim{stage: st,
				id: access.IdentityID{Partner: v.id.Partner, Environment: "prod", Name: "bystander"}}
			bystander.make(t, "")
			st.run(t, cut(v)...)
			v.drop(t, v.identity)
			next := &victim{stage: st, id: access.IdentityID{
				Partner:     v.id.Partner,
				Environment: "prod",
				Name:        "renamed",
			}}
			next.make(t, "")
			next.stays(t, "renamed")
			next.apply(t, "INC-1")
			next.apply(t, "INC-1")
			if !next.in(t) {
				t.Error("released, it does not come in")
			}
			bystander.drop(t, bystander.identity) // as -replace does
			bystander.make(t, "")
			if !bystander.in(t) {
				t.Error("another identity that was there already, and is made anew, is held")
			}
		})
	}
}

// Where an identity is not, the steps fail, say so, and make nothing: in another namespace a write
// by name made an entity.
func TestStepsFailWhereTheyCutNothing(t *testing.T) {
	st := startStage(t)
	v := st.victim(t, "elsewhere")
	steps := append(v.open().Capabilities().CutByHand("elsewhere", []*access.Record{v.identity, v.secret}),
		v.secret.Revocation...)
	v.drop(t, v.identity)
	for _, step := range steps {
		cmd := exec.Command("sh", "-c", step)
		cmd.Env = []string{"BAO_TOKEN=" + st.bao.RootToken, "BAO_CACERT=" + st.bao.CAFile, "PATH=" + pathWith(t),
			"HOME=" + t.TempDir()}
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "No value found") {
			t.Errorf("%s: %v: %s", step, err, out)
		}
	}
	if found := st.traces(t, v.id); len(found) > 0 {
		t.Errorf("they made %q", found)
	}
}

func pathWith(t testing.TB) string {
	t.Helper()
	bao := realtool.Find(t, "bao")
	return bao[:strings.LastIndexByte(bao, '/')] + ":/usr/bin:/bin"
}

// A subcontractor that is hung on somebody else, or on nobody, or made anew there, and a key that is given to another
// identity: what was cut by hand came back in another place.
func TestWhatWasCutStaysCutInAnotherPlace(t *testing.T) {
	st := startStage(t)
	hung := func(v *victim, on string) *access.Identity {
		i := v.declared("")
		if on != "" {
			i.ParentID = idOf(on)
		}
		return i
	}
	makeUnder := func(t *testing.T, v *victim, on string) {
		v.identity = v.put(t, hung(v, on))
		v.grant = v.put(t, grantOf("etl", func(g *access.Grant) { g.IdentityID = v.id }))
		v.secret = v.put(t, v.credential())
		v.holder = v.stage.holder(v.credential(), v.secret)
	}
	for name, then := range map[string]func(t *testing.T, v *victim, above *access.Record, other string){
		"hung on another": func(t *testing.T, v *victim, _ *access.Record, other string) {
			v.put(t, hung(v, other), known(v.identity))
		},
		"hung on nobody": func(t *testing.T, v *victim, _ *access.Record, _ string) {
			v.put(t, hung(v, ""), known(v.identity))
		},
		"made elsewhere": func(t *testing.T, v *victim, _ *access.Record, other string) {
			v.drop(t, v.identity)
			makeUnder(t, v, other)
		},
		"made elsewhere when its parent is gone": func(t *testing.T, v *victim, above *access.Record, other string) {
			v.drop(t, above)
			makeUnder(t, v, other)
		},
	} {
		t.Run(name, func(t *testing.T) {
			above, other := slug(name)+"-above", slug(name)+"-other"
			top := st.put(t, identityOf(above, allowing))
			st.put(t, identityOf(other, allowing))
			t.Parallel() // not sooner: what is made of a partner while anything of it is cut is held
			v := &victim{stage: st, id: access.IdentityID{
				Partner:     "sub-" + slug(name),
				Environment: "prod",
				Name:        "etl",
			}}
			makeUnder(t, v, above)
			if !v.in(t) {
				t.Fatal("it does not come in at first")
			}
			st.run(t, st.get(t, top.Object.Ref()).Revocation...)
			v.stays(t, "cut")
			then(t, v, top, other)
			v.stays(t, "in another place")
			i := hung(v, other)
			i.HoldReleased = "INC-" + slug(name)
			v.identity = v.get(t, v.id.Ref())
			v.put(t, i, known(v.identity))
			again := v.put(t, v.credential(), known(v.get(t, v.secret.Object.Ref())))
			if again.Issued != nil && again.Issued.Sealed != "" {
				v.holder = v.stage.holder(v.credential(), again)
			}
			if !v.in(t) {
				t.Errorf("released, it does not come in: %+v", v.get(t, v.id.Ref()))
			}
		})
	}
	for _, kind := range []access.Kind{access.Federated, access.Certificate} {
		t.Run("the key of a "+string(kind), func(t *testing.T) {
			name := "key-" + string(kind)
			all := st.complete(t, name, kind)
			by := st.put(t, identityOf(name+"-by"))
			st.put(t, grantOf(name+"-by"))
			t.Parallel() // not sooner, as above
			st.run(t, all.credentials[kind].Revocation[0])
			if r := st.put(t, all.credentials[kind].Object, known(all.credentials[kind])); !r.Held ||
				st.login(t, all.holders[kind]) != "" {
				t.Errorf("an apply of the same gives it back; held: %v", r.Held)
			}
			st.drop(t, all.credentials[kind])
			c := st.credentialOf(name, kind, func(c *access.Credential) { c.IdentityID = idOf(name + "-by") })
			foretold, err := st.open().WouldHold(t.Context(), c)
			r := st.put(t, c)
			if !r.Held ||
				!foretold ||
				err != nil ||
				st.login(t, st.holder(c, r)) != "" {
				t.Errorf("under another identity it is held: %v, foretold %v, %v", r.Held, foretold, err)
			}
			st.put(t, identityOf(name+"-by", func(i *access.Identity) { i.HoldReleased = "INC-" + name }), known(by))
			r = st.put(t, c, known(r))
			st.session(t, st.holder(c, r))
			if now := st.get(t, c.Ref()); now.Held || len(now.Drift) > 0 {
				t.Errorf("released, it is held: %v, drift %q", now.Held, now.Drift)
			}
		})
	}
}
