// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// Whoever has to act at night does not look up what we call a cut: they do what AWS's console offers. The next apply
// brought the role, its trust and the key back, and took the denies away.
func TestWhatSomebodyCutByAWSsOwnMeansStaysCut(t *testing.T) {
	t.Parallel()
	cloud := ministack(t)
	r := func(s shop) principal { return store.RoleOf(s.id) }
	u := func(s shop) principal { return store.UserOf(s.id, 1) }
	const denyAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["*"],"Resource":["*"]}]}`
	for n, c := range []struct {
		name string
		of   func(shop) principal
		cut  func(l *lab, t testing.TB, p principal)
	}{
		{"the role removed", r, func(l *lab, t testing.TB, p principal) {
			for _, name := range []string{endPolicy, grantsPolicy} {
				l.must(t, "DeleteRolePolicy", naming(p, "PolicyName", name))
			}
			l.must(t, "DeleteRole", naming(p))
		}},
		{"the trust closed", r, func(l *lab, t testing.TB, p principal) {
			const nobody = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
			l.must(t, "UpdateAssumeRolePolicy", naming(p, "PolicyDocument", nobody))
		}},
		{"AWSDenyAll", r, func(l *lab, t testing.TB, p principal) {
			l.must(t, "AttachRolePolicy", naming(p, "PolicyArn", "arn:aws:iam::aws:policy/AWSDenyAll"))
		}},
		{"a deny of one's own", r, func(l *lab, t testing.TB, p principal) {
			l.must(t, "PutRolePolicy", naming(p, "PolicyName", "incident-7", "PolicyDocument", denyAll))
		}},
		{"the grants made a deny", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "PutUserPolicy", naming(p, "PolicyName", grantsPolicy, "PolicyDocument", denyAll))
		}},
		{"a deny of the company's", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "CreatePolicy", map[string]string{"PolicyName": "quarantine", "PolicyDocument": denyAll})
			l.must(t, "AttachUserPolicy", naming(p, "PolicyArn", "arn:aws:iam::"+l.cloud.Access+":policy/quarantine"))
		}},
		{"the key removed", u, func(l *lab, t testing.TB, p principal) {
			keys, err := l.open().at.keysOf(t.Context(), p)
			if err != nil || len(keys) != 1 {
				t.Fatal(keys, err)
			}
			l.must(t, "DeleteAccessKey", naming(p, "AccessKeyId", keys[0].ID))
		}},
		{"a deny with an empty condition", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "PutUserPolicy", naming(p, "PolicyName", "incident-7", "PolicyDocument",
				strings.Replace(denyAll, `"Resource":["*"]`, `"Resource":["*"],"Condition":{}`, 1)))
		}},
		{"a deny of all services", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "PutUserPolicy", naming(p, "PolicyName", "incident-7", "PolicyDocument",
				strings.Replace(denyAll, `"Action":["*"]`, `"Action":["*:*"]`, 1)))
		}},
		{"a group that denies", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "CreateGroup", map[string]string{"GroupName": "quarantine"})
			l.must(t, "PutGroupPolicy", map[string]string{
				"GroupName":      "quarantine",
				"PolicyName":     "none",
				"PolicyDocument": denyAll,
			})
			l.must(t, "AddUserToGroup", naming(p, "GroupName", "quarantine"))
		}},
		{"a boundary that denies", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "CreatePolicy", map[string]string{"PolicyName": "quarantine", "PolicyDocument": denyAll})
			l.must(t, "PutUserPermissionsBoundary",
				naming(p, "PermissionsBoundary", "arn:aws:iam::"+l.cloud.Access+":policy/quarantine"))
		}},
		{"a deny beside the trust", r, func(l *lab, t testing.TB, p principal) {
			const more = `{"Effect":"Deny","Principal":"*","Action":"sts:Assume*"},`
			d, err := l.admin.describe(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			l.must(t, "UpdateAssumeRolePolicy",
				naming(p, "PolicyDocument", strings.Replace(d.Trust, `"Statement":[`, `"Statement":[`+more, 1)))
		}},
		{"the grants of a key removed", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "DeleteUserPolicy", naming(p, "PolicyName", grantsPolicy))
		}},
		{"the grants of a role removed", r, func(l *lab, t testing.TB, p principal) {
			l.must(t, "DeleteRolePolicy", naming(p, "PolicyName", grantsPolicy))
		}},
		{"a deny of all that it is granted", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "PutUserPolicy", naming(p, "PolicyName", "incident-7", "PolicyDocument",
				strings.Replace(denyAll, `"Action":["*"]`, `"Action":["s3:*","sqs:*"]`, 1)))
		}},
		{"a deny of all but one's own password", u, func(l *lab, t testing.TB, p principal) {
			l.must(t, "PutUserPolicy", naming(p, "PolicyName", "incident-7", "PolicyDocument",
				strings.Replace(denyAll, `"Action":["*"]`, `"NotAction":"iam:ChangePassword"`, 1)))
		}},
		{"the trust given to one's own account", r, func(l *lab, t testing.TB, p principal) {
			const own = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"sts:AssumeRole"}]}`
			l.must(t, "UpdateAssumeRolePolicy", naming(p, "PolicyDocument", fmt.Sprintf(own, l.cloud.Access)))
		}},
		{"the user removed", u, func(l *lab, t testing.TB, p principal) {
			if err := l.open().cutter.destroy(t.Context(), access.IdentityID{}, p); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := startLab(t, cloud.In(fmt.Sprintf("6000000000%02d", n)), access.Federated)
			v := l.newVendor(t, "444455556666", "acme-etl-"+strconv.Itoa(n))
			s, k := l.newShop(t, l.open(), time.Hour), &keys{}
			i := s.put(s.identity())
			s.put(s.grant("daily", s.end))
			p := c.of(s)
			o := access.Object(s.account(v.principal("acme-etl-"+strconv.Itoa(n)), "", s.end))
			if p.Kind == store.User {
				o = s.key(s.end)
			}
			made := s.put(o, sealing(k))
			reads := func() bool {
				var session *account
				if p.Kind == store.Role {
					session = l.assume(t, v.as, made.Login["role_arn"], made.Login["external_id"])
				} else {
					session = l.as(k.newest())
				}
				return session != nil && l.may(t, session, "read", s.file("daily"))
			}
			if !reads() {
				t.Fatal("the partner does not come in")
			}
			c.cut(l, t, p)
			if now, err := s.Get(t.Context(), o.Ref()); err != nil ||
				!now.Held ||
				len(now.Drift) == 0 {
				t.Errorf("the plan says %+v, %v", now, err)
			}
			if r := s.put(o, sealing(k), knowing(made.UID)); !r.Held {
				t.Error("the first apply does not say that it is held")
			}
			s.put(s.grant("weekly", s.end))
			r := s.put(o, sealing(k), knowing(made.UID), func(c *access.Change) { c.Issue = access.IssueOverlap })
			if !r.Held || reads() {
				t.Fatalf("after the next apply: held %v, and in is %v", r.Held, reads())
			}
			if _, err := s.Delete(t.Context(), o.Ref(), made.UID); err != nil {
				t.Fatal(err)
			}
			if made = s.put(o, sealing(k)); !made.Held || reads() {
				t.Fatalf("created anew: held %v, and in is %v", made.Held, reads())
			}
			s.put(s.identity(func(i *access.Identity) { i.HoldReleased = "INC-7" }), knowing(i.UID))
			if r := s.put(o, sealing(k), knowing(made.UID)); r.Held || !reads() {
				t.Errorf("released: held %v, and in is %v", r.Held, reads())
			}
		})
	}
}

// A denial of all that a credential had was weighed against what it was to have: where the first apply after it was
// that of a grant, the cut was none any more.
func TestAGrantUndoesNoCutThatNobodyHasAppliedYet(t *testing.T) {
	t.Parallel()
	cloud := ministack(t)
	for n, c := range []struct {
		name string
		gain func(s shop, daily *access.Grant)
	}{
		{"a new grant", func(s shop, _ *access.Grant) { s.put(s.grant("weekly", s.end)) }},
		{"a grant widened", func(s shop, daily *access.Grant) {
			daily.Resource = access.Pattern(s.place + "orders/acme/*")
			s.put(daily, knowing(s.uid(daily.Ref())))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := startLab(t, cloud.In(fmt.Sprintf("6500000000%02d", n)), access.Secret)
			s, k := l.newShop(t, l.open(), time.Hour), &keys{}
			i := s.put(s.identity())
			daily := s.grant("daily", s.end)
			daily.Actions = []string{"read"}
			s.put(daily)
			s.put(s.key(s.end), sealing(k))
			text :=
				fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"%sorders/acme/daily/*"}]}`, l.place())
			l.must(t, "PutUserPolicy", naming(store.UserOf(s.id, 1), "PolicyName", "incident-7", "PolicyDocument",
				text))
			held := func() bool {
				r, err := s.Get(t.Context(), s.key(s.end).Ref())
				if err != nil {
					t.Fatal(err)
				}
				return r.Held
			}
			if said := s.drift(s.key(s.end)); !held() ||
				!strings.Contains(said, `its policy "incident-7" denies all that it is granted`) {
				t.Errorf("the plan says %q", said)
			}
			c.gain(s, daily)
			if in := l.may(t, l.as(k.newest()), "read", s.file("weekly")); in || !held() {
				t.Errorf("after the grant: held %v, and in is %v", held(), in)
			}
			s.put(s.identity(func(i *access.Identity) { i.HoldReleased = "INC-7" }), knowing(i.UID))
			if in := l.may(t, l.as(k.newest()), "read", s.file("weekly")); !in || held() {
				t.Errorf("released: held %v, and in is %v", held(), in)
			}
		})
	}
}

// Who runs the printed steps once more, while a release of the first cut is on its way, is heeded: partner-hold bears
// no time, but the mark does.
func TestAReleaseLiftsNoCutThatCameAfterItsPlan(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t).In("640000000000"), access.Secret)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	s.put(s.key(s.end), sealing(k))
	cut := func() time.Time {
		l.must(t, "PutUserPolicy", naming(store.UserOf(s.id, 1), "PolicyName", holdPolicy, "PolicyDocument", holding))
		if err := s.store.Mark(t.Context(), s.id.String()); err != nil {
			t.Fatal(err)
		}
		holds, err := s.Holds(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return holds[s.id.String()]
	}
	release := func(seen time.Time) error {
		_, err := s.Put(t.Context(), access.Change{
			Object: s.identity(func(i *access.Identity) { i.HoldReleased = "INC-9" }), Stack: "partners", UID: i.UID,
			EndsAt: s.end,
			Cuts:   access.CutsSeen{Last: seen, Held: true},
		})
		return err
	}
	planned := cut()
	second := cut()
	// S3 tells whole seconds
	for deadline := time.Now().Add(5 * time.Second); !second.After(planned) && time.Now().Before(deadline); {
		second = cut()
	}
	if err := release(planned); !errors.Is(err, access.ErrCutSince) ||
		l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Errorf("a release of the first cut answers %v, or the partner reads", err)
	}
	if err := release(second); err != nil || !l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Errorf("a release of both answers %v, or the partner does not read", err)
	}
}

// A rotation gave back what somebody denied to the user before: the new user did not have that.
func TestARotationGivesBackNothingThatSomebodyDenied(t *testing.T) {
	t.Parallel()
	cloud := ministack(t)
	const some = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"%s*"}]}`
	for n, c := range []struct {
		name string
		deny func(l *lab, t testing.TB, u principal, text string)
	}{
		{"a policy of its own", func(l *lab, t testing.TB, u principal, text string) {
			l.must(t, "PutUserPolicy", naming(u, "PolicyName", "incident-7", "PolicyDocument", text))
		}},
		{"an attached policy", func(l *lab, t testing.TB, u principal, text string) {
			l.must(t, "CreatePolicy", map[string]string{"PolicyName": "quarantine", "PolicyDocument": text})
			l.must(t, "AttachUserPolicy", naming(u, "PolicyArn", "arn:aws:iam::"+l.cloud.Access+":policy/quarantine"))
		}},
		{"a group", func(l *lab, t testing.TB, u principal, text string) {
			l.must(t, "CreateGroup", map[string]string{"GroupName": "quarantine"})
			l.must(t, "PutGroupPolicy", map[string]string{
				"GroupName":      "quarantine",
				"PolicyName":     "some",
				"PolicyDocument": text,
			})
			l.must(t, "AddUserToGroup", naming(u, "GroupName", "quarantine"))
		}},
		{"two policies of one name", func(l *lab, t testing.TB, u principal, text string) {
			l.must(t, "PutUserPolicy", naming(u, "PolicyName", "incident-7", "PolicyDocument", text))
			l.must(t, "CreatePolicy", map[string]string{"PolicyName": "incident-7",
				"PolicyDocument": strings.Replace(text, "daily", "hourly", 1)})
			l.must(t, "AttachUserPolicy", naming(u, "PolicyArn", "arn:aws:iam::"+l.cloud.Access+":policy/incident-7"))
		}},
		{"an attached policy that is named as one of ours", func(l *lab, t testing.TB, u principal, text string) {
			l.must(t, "CreatePolicy", map[string]string{"PolicyName": grantsPolicy, "PolicyDocument": text})
			l.must(t, "AttachUserPolicy", naming(u, "PolicyArn",
				"arn:aws:iam::"+l.cloud.Access+":policy/"+grantsPolicy))
		}},
		{"a boundary", func(l *lab, t testing.TB, u principal, text string) {
			l.must(t, "CreatePolicy", map[string]string{"PolicyName": "narrow",
				"PolicyDocument": strings.NewReplacer("Deny", "Allow", "daily", "weekly").Replace(text)})
			l.must(t, "PutUserPermissionsBoundary",
				naming(u, "PermissionsBoundary", "arn:aws:iam::"+l.cloud.Access+":policy/narrow"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := startLab(t, cloud.In(fmt.Sprintf("6100000000%02d", n)), access.Secret)
			s, k := l.newShop(t, l.open(), time.Hour), &keys{}
			s.put(s.identity())
			s.put(s.grant("daily", s.end))
			s.put(s.grant("weekly", s.end))
			uid := s.put(s.key(s.end), sealing(k)).UID
			c.deny(l, t, store.UserOf(s.id, 1), fmt.Sprintf(some, l.place()+"orders/acme/daily/"))
			for range 2 { // and the next one
				r := s.put(s.key(s.end), sealing(k), knowing(uid),
					func(c *access.Change) { c.Issue = access.IssueReplace })
				holder := l.as(k.newest())
				if r.Held ||
					l.may(t, holder, "read", s.file("daily")) ||
					!l.may(t, holder, "read", s.file("weekly")) {
					t.Errorf("held %v; what was denied is read: %v; what was not: %v", r.Held,
						l.may(t, holder, "read", s.file("daily")), l.may(t, holder, "read", s.file("weekly")))
				}
			}
			s.System = l.forbidding("ListUserPolicies")
			if _, err := s.Put(t.Context(),
				access.Change{
					Object: s.key(s.end),
					Stack:  "partners",
					UID:    uid,
					EndsAt: s.end,
					Issue:  access.IssueOverlap,
					Seal:   k.seal,
				}); !errors.Is(err, access.ErrNotPermitted) {
				t.Errorf("where nobody can tell what was denied, a rotation answers %v", err)
			}
		})
	}
}

// Whoever finds an issuer stolen removes the account's trust in it, which cuts all its workloads. The next change of
// any of them made that trust anew, and let all of them in.
func TestAnIssuerThatSomebodyCutOffStaysSo(t *testing.T) {
	t.Parallel()
	cloud := ministack(t)
	for n, name := range []string{"the trust removed", "its audience removed"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := startLab(t, cloud.In(fmt.Sprintf("7000000000%02d", n)), access.Federated)
			key, without := ecKey(t), &atomic.Bool{} // this server removes no audience
			open := func() *System {
				return l.open(func(o *Options) {
					under := o.Transport
					o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
						action := actionOf(r)
						a, err := under.RoundTrip(r)
						if action == "AddClientIDToOpenIDConnectProvider" {
							without.Store(false)
						}
						if action != "GetOpenIDConnectProvider" || !without.Load() || err != nil {
							return a, err
						}
						text, err := io.ReadAll(a.Body)
						return answering(r, a.StatusCode,
							strings.ReplaceAll(string(text), "<member>orders</member>", "")), err
					})
				})
			}
			of := func(partner, name string) (s shop, i *access.Record, trust *access.Credential, in func() bool) {
				s = l.newShop(t, open(), time.Hour)
				s.id.Partner, s.id.Name = partner, name
				i = s.put(s.identity())
				s.put(s.grant("daily", s.end))
				trust = &access.Credential{IdentityID: s.id, Terms: s.terms(s.end), Federated: &access.FederatedTrust{
					Issuer: "https://login.acme.test", Subject: name, Audiences: []string{"orders"},
				}}
				s.put(trust)
				return s, i, trust, func() bool {
					session := l.withToken(t, trust, key)
					return session != nil && l.may(t, session, "read", s.file("daily"))
				}
			}
			one, i, trust, in := of("acme", "one")
			other, _, otherTrust, otherIn := of("globex", "other")
			if !in() || !otherIn() {
				t.Fatal("the workloads do not come in")
			}
			arn, err := one.issuers.findIssuer(t.Context(), trust.Federated.Issuer)
			if err != nil {
				t.Fatal(err)
			}
			if without.Store(n == 1); n == 0 {
				l.must(t, "DeleteOpenIDConnectProvider", map[string]string{"OpenIDConnectProviderArn": arn})
			}
			one.System, other.System = open(), open()
			if r, err := one.Get(t.Context(), trust.Ref()); err != nil ||
				!r.Held ||
				!strings.Contains(strings.Join(r.Drift, " "), "no longer trusts its issuer") {
				t.Errorf("the plan says %+v, %v", r, err)
			}
			one.System = open()
			one.put(one.grant("weekly", one.end))
			if in() || otherIn() {
				t.Error("after another change, they are in")
			}
			third, _, _, thirdIn := of("initech", "third")
			if r, err := third.Get(t.Context(), otherTrust.Ref()); err != nil ||
				!r.Held ||
				!thirdIn() ||
				otherIn() {
				t.Errorf("a new workload does not come in, or gives the others back: %+v, %v", r, err)
			}
			one.put(one.identity(func(i *access.Identity) { i.HoldReleased = "INC-7" }), knowing(i.UID))
			if r, err := open().Get(t.Context(), trust.Ref()); err != nil ||
				r.Held ||
				!in() ||
				otherIn() {
				t.Errorf("released, it is told as %+v, %v, or the other one is back", r, err)
			}
		})
	}
}

// IAM may lag, so an audience that seems to be gone is looked for again. That one of them is there says
// nothing of the others.
func TestAnAudienceThatComesLateHidesNoCutOfAnother(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	var changing atomic.Bool
	late := map[string]*atomic.Int32{"daily": {}, "other": {}}
	open := func() *System {
		return l.open(func(o *Options) {
			under := o.Transport
			o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
				a, err := under.RoundTrip(r)
				if actionOf(r) != "GetOpenIDConnectProvider" || !changing.Load() || err != nil {
					return a, err
				}
				text, err := io.ReadAll(a.Body)
				for audience, asked := range late {
					if asked.Add(1) == 1 { // later it is there
						text = bytes.ReplaceAll(text, []byte("<member>"+audience+"</member>"), nil)
					}
				}
				return answering(r, a.StatusCode, strings.ReplaceAll(string(text), "<member>weekly</member>", "")), err
			})
		})
	}
	trusts := map[string]*access.Credential{}
	var s shop
	// this server adds no audience later
	for _, audiences := range []string{"daily weekly other", "daily", "weekly", "other"} {
		s = l.newShop(t, open(), time.Hour)
		s.id.Name = strings.ReplaceAll(audiences, " ", "-")
		s.put(s.identity())
		trusts[audiences] = &access.Credential{IdentityID: s.id, Terms: s.terms(s.end),
			Federated: &access.FederatedTrust{
				Issuer: "https://login.acme.test", Subject: s.id.Name, Audiences: strings.Fields(audiences),
			}}
		s.put(trusts[audiences])
	}
	changing.Store(true)
	s.System = open()
	s.put(s.grant("daily", s.end))
	changing.Store(false)
	for audiences, trust := range trusts {
		if r, err := open().Get(t.Context(), trust.Ref()); err != nil || r.Held != (audiences == "weekly") {
			t.Errorf("of %s: held %v, %v", audiences, r.Held, err)
		}
	}
}

// What was cut is given back where it stands, and is no cut any more.
func TestAReleaseGivesBackWhatWasCutByAWSsOwnMeans(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	v := l.newVendor(t, "444455556666", "acme-etl")
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	trust := s.account(v.principal("acme-etl"), "", s.end)
	key := s.key(s.end)
	role, secret := s.put(trust), s.put(key, sealing(k))
	l.must(t, "AttachRolePolicy", naming(store.RoleOf(s.id), "PolicyArn", "arn:aws:iam::aws:policy/AWSDenyAll"))
	l.must(t, "PutRolePolicy", naming(store.RoleOf(s.id), "PolicyName", "AWSRevokeOlderSessions", "PolicyDocument",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["*"],"Resource":["*"],"Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-11-30T08:00:00Z"}}}]}`))
	l.must(t, "UpdateAccessKey", naming(store.UserOf(s.id, 1), "AccessKeyId", l.keyID(t, k), "Status", "Inactive"))
	s.put(s.identity(func(i *access.Identity) { i.HoldReleased = "INC-7" }), knowing(i.UID))
	for _, o := range []access.Object{trust, key} {
		if r, err := s.Get(t.Context(), o.Ref()); err != nil || r.Held {
			t.Errorf("%s: released, it is %+v, %v", o.Ref(), r, err)
		}
	}
	if session := l.assume(t, v.as, role.Login["role_arn"], role.Login["external_id"]); session == nil ||
		!l.may(t, session, "read", s.file("daily")) {
		t.Error("the role is not given back")
	}
	if said := s.drift(trust); !strings.Contains(said, "AWSRevokeOlderSessions") ||
		strings.Contains(said, "AWSDenyAll") {
		t.Errorf("what ends older sessions is gone, or what was released stays: %q", said)
	}
	r := s.put(key, sealing(k), knowing(secret.UID), func(c *access.Change) { c.Issue = access.IssueOverlap })
	if r.Held || !l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Errorf("a key that is issued after the release is held: %v", r.Held)
	}
}

// Who may not read a group cannot tell whether it gives something. A user stayed in one that gives everything, and the
// plan said that this takes access away.
func TestWhatMayNotBeReadIsToldSo(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Secret)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	s.put(s.identity())
	s.put(s.grant("daily", s.end))
	c := s.put(s.key(s.end), sealing(k))
	u := store.UserOf(s.id, 1)
	l.must(t, "CreateGroup", map[string]string{"GroupName": "Administrators"})
	l.must(t, "PutGroupPolicy", map[string]string{
		"GroupName":      "Administrators",
		"PolicyName":     "all",
		"PolicyDocument": everything,
	})
	l.must(t, "AddUserToGroup", naming(u, "GroupName", "Administrators"))
	l.must(t, "CreatePolicy", map[string]string{"PolicyName": "own", "PolicyDocument": holding})
	l.must(t, "AttachUserPolicy", naming(u, "PolicyArn", "arn:aws:iam::"+l.cloud.Access+":policy/own"))
	s.System = l.forbidding("ListGroupPolicies", "GetGroupPolicy", "GetPolicy")
	said := s.drift(s.key(s.end))
	if strings.Count(said, "What it says may not be read") != 2 || strings.Contains(said, "It takes access away") {
		t.Errorf("it says %q", said)
	}
	s.put(s.key(s.end), sealing(k), knowing(c.UID))
	if n, err := s.reader.look(t.Context(), u); err != nil ||
		len(n.Groups) > 0 ||
		len(n.attached) != 1 {
		t.Errorf("after the next apply, it has %+v, %v", n, err)
	}
}

// A policy of a group that is gone when it is read, or may not be listed, takes nothing from what the others deny.
func TestWhatAGroupDeniesCountsWhateverElseItSays(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Secret)
	u := principal{Kind: store.User, Name: "jane"}
	of := map[string]string{"GroupName": "quarantine"}
	l.must(t, "CreateUser", naming(u))
	l.must(t, "CreateGroup", of)
	l.must(t, "AddUserToGroup", naming(u, "GroupName", "quarantine"))
	for name, text := range map[string]string{"gone": everything, "none": holding} {
		l.must(t, "CreatePolicy", map[string]string{"PolicyName": name, "PolicyDocument": text})
		l.must(t, "AttachGroupPolicy",
			map[string]string{"GroupName": "quarantine",
				"PolicyArn": "arn:aws:iam::" + l.cloud.Access + ":policy/" + name})
	}
	s := l.open(func(o *Options) {
		under := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(formOf(r).Get("PolicyArn"), "/gone") {
				return coded(r, http.StatusNotFound, "NoSuchEntity"), nil
			}
			return under.RoundTrip(r)
		})
	})
	if n, err := s.reader.look(t.Context(), u); err != nil || deniedBy(n, policy.Document{}) == "" {
		t.Errorf("where one is gone, it is %+v, %v", n, err)
	}
	l.must(t, "PutGroupPolicy", map[string]string{
		"GroupName":      "quarantine",
		"PolicyName":     "none",
		"PolicyDocument": holding,
	})
	if n, err := l.forbidding("ListAttachedGroupPolicies").reader.look(t.Context(), u); err != nil ||
		deniedBy(n, policy.Document{}) == "" {
		t.Errorf("where what is attached may not be listed, it is %+v, %v", n, err)
	}
}

// A role that was cut, removed, and given to another identity or another partner, and a subcontractor that is hung on
// somebody else, came back.
func TestWhatWasCutStaysCutInAnotherPlace(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	v := l.newVendor(t, "444455556666", "acme-etl")
	s := l.newShop(t, l.open(), time.Hour)
	for n, id := range []access.IdentityID{{Partner: "acme", Environment: "prod", Name: "other"},
		{Partner: "initech", Environment: "prod", Name: "feed"}} {
		of, to := s, s
		of.id.Name = "cut-" + strconv.Itoa(n)
		to.id = id
		there := to.put(to.identity())
		to.put(to.grant("daily", s.end))
		of.put(of.identity())
		of.put(of.grant("daily", s.end))
		trust := of.account(v.principal("acme-etl"), "", s.end)
		again := to.account(v.principal("acme-etl"), "", s.end)
		made := of.put(trust)
		if err := of.store.Mark(t.Context(), trust.Ref().ID); err != nil { // the last of the printed steps
			t.Fatal(err)
		}
		if _, err := of.Delete(t.Context(), trust.Ref(), made.UID); err != nil {
			t.Fatal(err)
		}
		foretold, err := l.open().WouldHold(t.Context(), again)
		r := to.put(again)
		if session := l.assume(t, v.as, r.Login["role_arn"], r.Login["external_id"]); !r.Held ||
			!foretold ||
			err != nil ||
			(session != nil && l.may(t, session, "read", s.file("daily"))) {
			t.Errorf("%s: held %v, foretold %v, %v", id, r.Held, foretold, err)
		}
		to.put(to.identity(func(i *access.Identity) { i.HoldReleased = "INC-7" }), knowing(there.UID))
		if r := to.put(again, knowing(r.UID)); r.Held {
			t.Errorf("%s: released, it is held", id)
		}
	}
}

// A removal that died once the role was gone is no cut by hand.
func TestARemovalThatDiedIsNoCut(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	dying := l.open(func(o *Options) {
		under, dead := o.Transport, &atomic.Bool{}
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if dead.Load() {
				return nil, errors.New("dead")
			}
			if actionOf(r) == "DeleteRole" {
				dead.Store(true)
				_, _ = under.RoundTrip(r)
				return nil, errors.New("dead")
			}
			return under.RoundTrip(r)
		})
	})
	s := l.newShop(t, l.open(), time.Hour)
	s.put(s.identity())
	c := s.account("arn:aws:iam::444455556666:role/etl", "", s.end)
	uid := s.put(c).UID
	dying.at.Site.Patience = 0
	if _, err := dying.Delete(t.Context(), c.Ref(), uid); err == nil {
		t.Fatal("it did not die")
	}
	if n, err := s.reader.look(t.Context(), store.RoleOf(s.id)); err != nil || n.there {
		t.Fatalf("the role is there: %v", err)
	}
	if r := s.put(c); r.Held || s.drift(c) != "" {
		t.Errorf("made anew, it is held: %v, %s", r.Held, s.drift(c))
	}
}

// Whoever takes the boundary away lets policies give what they could not. It was put back by the next change of its
// credential, and told to nobody.
func TestABoundaryThatSomebodyTookAwayIsToldAndPutBack(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	boundary := l.boundary(t, l.cloud.Access)
	for _, fresh := range []time.Duration{0, time.Hour} {
		s := l.newShop(t, l.open(func(o *Options) { o.Boundary, o.Fresh = boundary, fresh }), time.Hour)
		k := &keys{}
		s.id.Name += strconv.Itoa(int(fresh.Hours()))
		s.put(s.identity())
		key := s.key(s.end)
		trust := s.account("arn:aws:iam::444455556666:role/etl", "", s.end)
		for _, o := range []access.Object{key, trust} {
			r := s.put(o, sealing(k))
			p := store.RoleOf(s.id)
			if o == key {
				p = store.UserOf(s.id, 1)
			}
			if said := s.drift(o); said != "" {
				t.Errorf("before: %s", said)
			}
			l.must(t, "Delete"+string(p.Kind)+"PermissionsBoundary", naming(p))
			planner := s
			planner.System = l.open(func(o *Options) { o.Boundary, o.Fresh = boundary, fresh })
			if said := planner.drift(o); !strings.Contains(said, "has no boundary") {
				t.Errorf("it says %q", said)
			}
			s.put(o, sealing(k), knowing(r.UID))
			if said := s.drift(o); said != "" {
				t.Errorf("after the next apply it says %q", said)
			}
		}
	}
}

// keyID returns the id of the newest key.
func (l *lab) keyID(t testing.TB, k *keys) string {
	t.Helper()
	login, err := l.as(k.newest()).Credentials(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return login.AccessKeyID
}
