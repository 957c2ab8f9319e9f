// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// answering is an answer that no server gave, as AWS would give it.
func answering(r *http.Request, status int, text string) *http.Response {
	a := between(r, status, text)
	a.Header.Set("X-Amzn-Requestid", "4442587fb7d0a2f9")
	return a
}

// between is an answer of somebody in between.
func between(r *http.Request, status int, text string) *http.Response {
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{},
		Body:       io.NopCloser(strings.NewReader(text)),
		Request:    r,
	}
}

// formOf returns what a request asks IAM or STS; an empty form where it is another request.
func formOf(r *http.Request) url.Values {
	if r.Method != http.MethodPost || r.GetBody == nil {
		return url.Values{}
	}
	body, err := r.GetBody()
	if err != nil {
		return url.Values{}
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return url.Values{}
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return url.Values{}
	}
	return form
}

// actionOf returns the action of IAM or STS that a request asks for; "" where it is another request.
func actionOf(r *http.Request) string { return formOf(r).Get("Action") }

// forbidding is a handle that may not do some actions of IAM.
func (l *lab) forbidding(actions ...string) *System {
	return l.open(func(o *Options) {
		under := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if asked := actionOf(r); slices.ContainsFunc(actions,
				func(a string) bool { return strings.HasPrefix(asked, a) }) {
				const denied = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not " +
					"authorized</Message></Error></ErrorResponse>"
				return answering(r, http.StatusForbidden, denied), nil
			}
			return under.RoundTrip(r)
		})
	})
}

// A stolen key ends also where no other can be made, as where the account has all the users that it may have.
func TestAStolenKeyEndsAlsoWhereNoOtherCanBeMade(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"CreateUser", "CreateAccessKey"} {
		l := startLab(t, ministack(t), access.Secret)
		s, k := l.newShop(t, l.open(), time.Hour), &keys{}
		s.put(s.identity())
		s.put(s.grant("daily", s.end))
		r := s.put(s.key(s.end), sealing(k))
		holder := l.as(k.newest())
		if !l.may(t, holder, "read", s.file("daily")) {
			t.Fatal("the partner does not read")
		}
		s.System = l.forbidding(action)
		stolen := s.key(s.end)
		anew := func(c *access.Change) { c.Issue = access.IssueReplace }
		if _, err := s.Put(t.Context(),
			access.Change{
				Object: stolen,
				Stack:  "partners",
				UID:    r.UID,
				EndsAt: s.end,
				Issue:  access.IssueReplace,
				Seal:   k.seal,
			}); err == nil || !l.may(t, holder, "read", s.file("daily")) {
			t.Errorf("%s: what only replaces takes away, and gives nothing: %v", action, err)
		}
		stolen.RevokeIssuedBefore = access.At(r.Issued.At.Add(time.Second))
		after := s.put(stolen, sealing(k), knowing(r.UID), anew)
		if after.Issued != nil ||
			!strings.Contains(strings.Join(after.Drift, " "), "nothing could be issued in its place") ||
			l.may(t, holder, "read", s.file("daily")) {
			t.Errorf("%s: issued %+v, drift %q, or the stolen key reads", action, after.Issued, after.Drift)
		}
	}
}

// Less is never refused because something may not be read, and it acts.
func TestLessActsWhereNothingOfAPrincipalMayBeRead(t *testing.T) {
	t.Parallel()
	cloud := ministack(t)
	for n, c := range []struct {
		name string
		less func(t *testing.T, s shop, uids map[access.Ref]string)
	}{
		{"suspend", func(t *testing.T, s shop, uids map[access.Ref]string) {
			s.put(s.identity(func(i *access.Identity) { i.Suspended = true }), knowing(uids[s.id.Ref()]))
		}},
		{"remove the grant", func(t *testing.T, s shop, uids map[access.Ref]string) {
			ref := s.grant("daily", s.end).Ref()
			if _, err := s.Delete(t.Context(), ref, uids[ref]); err != nil {
				t.Fatal(err)
			}
		}},
		{"remove the identity", func(t *testing.T, s shop, uids map[access.Ref]string) {
			if _, err := s.Delete(t.Context(), s.id.Ref(), uids[s.id.Ref()]); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := startLab(t, cloud.In("40000000000"+string(rune('0'+n))), access.Federated)
			s, k := l.newShop(t, l.open(), time.Hour), &keys{}
			uids := map[access.Ref]string{}
			trust := s.account("", "", s.end)
			trust.Federated = &access.FederatedTrust{
				Issuer:    "https://login.acme.test",
				Subject:   "etl",
				Audiences: []string{"sts"},
			}
			for _, o := range []access.Object{s.identity(), s.grant("daily", s.end), trust, s.key(s.end)} {
				uids[o.Ref()] = s.put(o, sealing(k)).UID
			}
			session := l.withToken(t, trust, ecKey(t))
			holder := l.as(k.newest())
			for _, in := range []*account{session, holder} {
				if !l.may(t, in, "read", s.file("daily")) {
					t.Fatal("the partner does not read")
				}
			}
			s.System = l.forbidding("GetRole", "GetUser", "GetAcc", "GetOpenID", "ListRolePolicies", "ListUserPolicies",
				"ListAttached", "ListGroups", "ListAccessKeys", "ListOpenID", "Tag", "Untag")
			for _, o := range []access.Object{s.identity(), trust, s.key(s.end)} {
				if _, err := s.Get(t.Context(), o.Ref()); err != nil {
					t.Errorf("the plan cannot read %s: %v", o.Ref(), err)
				}
			}
			if said := s.drift(s.key(s.end)); !strings.Contains(said, "Cannot tell") {
				t.Errorf("it says %q", said)
			}
			c.less(t, s, uids)
			for _, in := range []*account{session, holder} {
				if l.may(t, in, "read", s.file("daily")) {
					t.Error("the partner reads")
				}
			}
		})
	}
}

// The page is removed by hand: nothing says that it is destroyed before it is.
func TestWhatAPageOfThatIsGoneGaveIsFoundAndRemoved(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	trust := s.account("arn:aws:iam::444455556666:role/etl", "", s.end)
	uid := s.put(trust).UID
	s.put(s.key(s.end), sealing(k))
	other := s
	other.id.Name = "etl-2"
	other.put(other.identity())
	other.put(other.key(s.end), sealing(k))
	l.must(t, "PutUserPolicy", naming(store.UserOf(s.id, 1), "PolicyName", holdPolicy, "PolicyDocument", holding))
	if err := s.store.Remove(t.Context(), store.KeyOf(s.id), ""); err != nil {
		t.Fatal(err)
	}
	fresh := l.open(func(o *Options) { o.Fresh = time.Hour })
	for _, o := range []access.Object{s.identity(), s.grant("daily", s.end), trust, s.key(s.end)} {
		var damaged *access.DamagedError
		if _, err := fresh.Get(t.Context(), o.Ref()); !errors.As(err, &damaged) || len(damaged.Left) == 0 {
			t.Errorf("get %s answers %v", o.Ref(), err)
		} else if o.Ref() == trust.Ref() && damaged.UID != uid {
			t.Errorf("what is left is of %q", damaged.UID)
		}
	}
	if _, err := fresh.Delete(t.Context(), trust.Ref(), uid); err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.Delete(t.Context(), s.id.Ref(), i.UID); err != nil {
		t.Fatal(err)
	}
	all, err := fresh.reader.all(t.Context())
	if err != nil || len(all) != 1 || all[0].Name != store.UserOf(other.id, 1).Name {
		t.Errorf("left is %v, %v", all, err)
	}
	if _, err := fresh.Delete(t.Context(), s.id.Ref(), i.UID); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("the second removal answers %v", err)
	}
	s.System = l.open()
	if r := s.put(s.identity()); !r.Held {
		t.Error("what was cut by hand comes back with a new identity")
	}
}

func TestALedgerOfAnotherAccountIsRefusedByName(t *testing.T) {
	t.Parallel()
	cloud := ministack(t)
	l := startLab(t, cloud, access.Federated)
	s := l.newShop(t, l.open(), time.Hour)
	i := s.put(s.identity())
	text, _, err := s.store.Get(t.Context(), store.SystemKey, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.Place(t.Context(), store.SystemKey,
		[]byte(strings.Replace(string(text), l.cloud.Access, "999988887777", 1))); err != nil {
		t.Fatal(err)
	}
	strange := l.open()
	_, listed := strange.List(t.Context())
	_, told := strange.ID(t.Context())
	_, read := strange.Get(t.Context(), s.id.Ref())
	_, removed := strange.Delete(t.Context(), s.id.Ref(), i.UID)
	_, put := strange.Put(t.Context(),
		access.Change{Object: s.identity(), Stack: "partners", EndsAt: s.end, UID: i.UID})
	for what, err := range map[string]error{"list": listed, "id": told, "get": read, "delete": removed, "put": put} {
		if err == nil ||
			!strings.Contains(err.Error(), "999988887777") ||
			!strings.Contains(err.Error(), l.cloud.Access) {
			t.Errorf("%s answers %v", what, err)
		}
	}
}

func TestTwoLedgersInOneAccountDoNotTakeEachOthersPrincipals(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	s.put(s.identity())
	s.put(s.grant("daily", s.end))
	trust := s.account("arn:aws:iam::444455556666:role/etl", "", s.end)
	s.put(trust)
	s.put(s.key(s.end), sealing(k))
	other := s
	other.System = l.open(func(o *Options) { o.Ledger = "s3://" + l.bucket("ledger") + "/staging" })
	i := other.put(other.identity())
	for _, c := range []access.Object{s.account("arn:aws:iam::777788889999:role/etl", "", s.end), s.key(s.end)} {
		_, err := other.Put(t.Context(), access.Change{Object: c, Stack: "partners", EndsAt: s.end, Seal: k.seal})
		if !errors.Is(err, access.ErrForeign) ||
			!strings.Contains(err.Error(), s.store.SystemID()) ||
			!strings.Contains(err.Error(), other.store.SystemID()) {
			t.Errorf("put %s answers %v", c.Ref(), err)
		}
	}
	if _, err := other.Delete(t.Context(), s.id.Ref(), i.UID); err != nil {
		t.Fatal(err)
	}
	if said := s.drift(trust) + s.drift(s.key(s.end)); said != "" {
		t.Errorf("the first one says %q", said)
	}
	if !l.may(t, l.as(k.open[1]), "read", s.file("daily")) {
		t.Error("the key of the first does not read")
	}
}

// One page that may not be read, or is nonsense, is damage of its identity.
func TestNonsenseInAPageHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s := l.newShop(t, l.open(), time.Hour)
	i := s.put(s.identity())
	other := s
	other.id.Name = "other"
	o := other.put(other.identity())
	for name, text := range map[string]string{
		"no entry": `{"version":1,"identity":"acme/prod/etl","entries":[null]}`, "null": `null`, "a list": `[]`,
		"a newer one":         `{"version":99}`,
		"no object":           `{"version":1,"identity":"acme/prod/etl","entries":[{}]}`,
		"nobody's":            `{"version":1,"identity":"acme/prod/other"}`,
		"another's principal": `{"version":1,"identity":"acme/prod/etl","principals":[{"kind":"Role","name":"partner.acme.prod.other.federated","path":"/partner/acme/prod/"}]}`,
		"a key never issued":  `{"version":1,"identity":"acme/prod/etl","issued":1,"principals":[{"kind":"User","name":"partner.acme.prod.etl.secret.2","path":"/partner/acme/prod/"}]}`, "an administrator": `{"version":1,"identity":"acme/prod/etl","principals":[{"kind":"Role","name":"partner.x","path":"/partner/acme/prod/../../"}]}`,
	} {
		if err := s.store.Place(t.Context(), store.KeyOf(s.id), []byte(text)); err != nil {
			t.Fatal(err)
		}
		fresh := l.open()
		if _, err := fresh.Get(t.Context(), s.id.Ref()); !errors.Is(err, access.ErrDamaged) {
			t.Errorf("%s: get answers %v", name, err)
		}
		if all, err := fresh.List(t.Context()); err != nil || len(all) != 1 {
			t.Errorf("%s: listed are %d, %v", name, len(all), err)
		}
	}
	closed := l.open(func(o *Options) {
		under := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, store.KeyOf(s.id)) {
				return &http.Response{
					StatusCode: http.StatusForbidden,
					Header:     http.Header{},
					Body:       io.NopCloser(strings.NewReader("<Error><Code>AccessDenied</Code></Error>")),
					Request:    r,
				}, nil
			}
			return under.RoundTrip(r)
		})
	})
	if damaged, err := closed.Damaged(t.Context()); err != nil || len(damaged) != 1 {
		t.Errorf("damaged are %v, %v", damaged, err)
	}
	if _, err := closed.Delete(t.Context(), other.id.Ref(), o.UID); err != nil {
		t.Error(err)
	}
	grant := s.grant("daily", s.end)
	for _, ref := range []access.Ref{grant.Ref(), s.key(s.end).Ref(), s.id.Ref()} {
		if _, err := l.open().Delete(t.Context(), ref, i.UID); err != nil {
			t.Errorf("remove %s: %v", ref, err)
		}
	}
}

// The clock of this machine is twenty minutes slow: AWS would take no signature of it. Ends are
// told by the clock of AWS.
func TestAClockThatIsOffSignsByTheClockOfAWS(t *testing.T) {
	t.Parallel()
	const off = 20 * time.Minute
	l := startLab(t, ministack(t), access.Federated)
	system := l.open(func(o *Options) {
		under := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			there := time.Now().Add(off)
			signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
			if err != nil {
				return nil, err
			}
			resp := &http.Response{
				StatusCode: http.StatusForbidden,
				Header:     http.Header{},
				Body:       io.NopCloser(strings.NewReader("<Error><Code>RequestTimeTooSkewed</Code></Error>")),
				Request:    r,
			}
			if there.Sub(signed).Abs() < 5*time.Minute {
				if resp, err = under.RoundTrip(r); err != nil {
					return nil, err
				}
			}
			resp.Header.Set("Date", there.UTC().Format(http.TimeFormat))
			return resp, nil
		})
	})
	s := l.newShop(t, system, time.Hour)
	if ahead := time.Until(s.end); ahead < off+50*time.Minute {
		t.Errorf("an hour from now is %s from now", ahead)
	}
	s.put(s.identity())
}

// A key that somebody made inactive is told by the plan, and so is one that he made. Neither a rotation nor another
// credential in its place gives access back.
func TestAKeyMadeInactiveByHandStaysCut(t *testing.T) {
	t.Parallel()
	cloud := ministack(t)
	for n, again := range []string{"rotation", "replacement"} {
		t.Run(again, func(t *testing.T) {
			t.Parallel()
			l := startLab(t, cloud.In("50000000000"+string(rune('0'+n))), access.Federated)
			s, k := l.newShop(t, l.open(), time.Hour), &keys{}
			i := s.put(s.identity())
			s.put(s.grant("daily", s.end))
			c := s.put(s.key(s.end), sealing(k))
			holder, err := l.as(k.newest()).Credentials(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			u := store.UserOf(s.id, 1)
			l.must(t, "UpdateAccessKey", naming(u, "AccessKeyId", holder.AccessKeyID, "Status", "Inactive"))
			l.must(t, "CreateAccessKey", naming(u))
			planner := s
			planner.System = l.open(func(o *Options) { o.Fresh = time.Hour })
			if said := planner.drift(s.key(s.end)); !strings.Contains(said, "2 access keys") ||
				!strings.Contains(said, "is inactive") {
				t.Errorf("the plan says %q", said)
			}
			var r *access.Record
			if again == "rotation" {
				r = s.put(s.key(s.end), sealing(k), knowing(c.UID),
					func(c *access.Change) { c.Issue = access.IssueOverlap })
			} else {
				if _, err := s.Delete(t.Context(), c.Object.Ref(), c.UID); err != nil {
					t.Fatal(err)
				}
				r = s.put(s.key(s.end), sealing(k))
			}
			if !r.Held || l.may(t, l.as(k.newest()), "read", s.file("daily")) {
				t.Fatalf("after a %s the partner is in: held %v, %d keys", again, r.Held, len(k.open))
			}
			s.put(s.identity(func(i *access.Identity) { i.HoldReleased = "CHG-1" }), knowing(i.UID))
			s.put(s.key(s.end), sealing(k), knowing(r.UID))
			if !l.may(t, l.as(k.newest()), "read", s.file("daily")) {
				t.Error("what was released does not work")
			}
		})
	}
}

// A partner removed his role: AWS writes its unique id where its name stood, and takes no trust in the name any more.
// What is removed is removed.
func TestLessActsWhereThePartnersRoleIsGone(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	v := l.newVendor(t, "444455556666", "acme-etl")
	system := l.open(func(o *Options) {
		under := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if body, err := io.ReadAll(r.Body); err != nil {
				return nil, err
			} else if r.Body = io.NopCloser(strings.NewReader(string(body))); l.gone.Load() &&
				strings.Contains(string(body), "Action=UpdateAssumeRolePolicy") &&
				strings.Contains(string(body), "acme-etl%22") {
				const invalid = "<ErrorResponse><Error><Code>MalformedPolicyDocument</Code><Message>Invalid " +
					"principal in policy</Message></Error></ErrorResponse>"
				return answering(r, http.StatusBadRequest, invalid), nil
			}
			return under.RoundTrip(r)
		})
	})
	s := l.newShop(t, system, time.Hour)
	i := s.put(s.identity())
	g := s.put(s.grant("daily", s.end))
	c := s.put(s.account(v.principal("acme-etl"), "", s.end))
	session := l.assume(t, v.as, c.Login["role_arn"], c.Login["external_id"])
	if session == nil || !l.may(t, session, "read", s.file("daily")) {
		t.Fatal("the partner does not come in")
	}
	l.must(t, "UpdateAssumeRolePolicy",
		naming(store.RoleOf(s.id), "PolicyDocument", strings.ReplaceAll(vendorTrust, "*", "AROAEXAMPLE")))
	l.gone.Store(true)
	if _, err := s.Delete(t.Context(), g.Object.Ref(), g.UID); err != nil {
		t.Errorf("remove the grant: %v", err)
	}
	if l.may(t, session, "read", s.file("daily")) {
		t.Error("the session reads what is not granted any more")
	}
	if _, err := s.Put(t.Context(),
		access.Change{
			Object: s.account(v.principal("acme-etl"), "", s.end),
			Stack:  "partners",
			EndsAt: s.end,
			UID:    c.UID,
		}); !errors.Is(err, client.ErrNobody) {
		t.Errorf("put answers %v", err)
	}
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); err != nil {
		t.Error(err)
	}
}
