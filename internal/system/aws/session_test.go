// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// takes asks STS for a session, and returns who holds it; nil where STS refuses.
func (l *lab) takes(t testing.TB, as *account, action string, more url.Values) *account {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2011-06-15"}, "DurationSeconds": {"129600"}}
	for name, values := range more {
		form[name] = values
	}
	a, err := as.SendOnce(t.Context(),
		client.Request{
			Service: "sts",
			Region:  region,
			Method:  http.MethodPost,
			URL:     l.cloud.STS + "/",
			Header:  client.OfForms(),
			Body:    []byte(form.Encode()),
		})
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		One session `xml:"GetSessionTokenResult>Credentials"`
		Two session `xml:"GetFederationTokenResult>Credentials"`
		Of  session `xml:"AssumeRoleResult>Credentials"`
	}
	if err := xml.Unmarshal(a.Body, &out); err != nil || a.Status != http.StatusOK {
		return nil
	}
	for _, got := range []session{out.One, out.Two, out.Of} {
		if got.ID != "" {
			return l.holding(got.login())
		}
	}
	return nil
}

// AWS gives whoever has a key a session of 36 hours, without asking what he may do, and to remove the key ends no
// session. It does what the key may, and ends with it.
func TestASessionThatAPartnerTakesWithItsKeyEndsWithTheKey(t *testing.T) {
	t.Parallel()
	cloud := ministack(t)
	everyone := url.Values{"Name": {"partner"}, "Policy": {everything}}
	l := startLab(t, cloud.In("620000000000"), access.Secret)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	i := s.put(s.identity())
	g := s.grant("daily", s.end)
	g.Actions = append(g.Actions, "write")
	s.put(g)
	c := s.key(s.end)
	uid := s.put(c, sealing(k)).UID
	key := l.as(k.newest())
	session := l.takes(t, key, "GetSessionToken", nil)
	if session == nil || !l.may(t, session, "read", s.file("daily")) {
		t.Fatal("the session does not read what the key may")
	}
	if l.may(t, session, "read", s.file("weekly")) {
		t.Error("the session may more than the key")
	}
	for name, as := range map[string]*account{"key": key, "session": session} {
		if fed := l.takes(t, as, "GetFederationToken", everyone); fed != nil {
			t.Errorf("the %s made a session that nobody granted", name)
		}
		if again := l.takes(t, as, "GetSessionToken", nil); name == "session" && again != nil {
			t.Error("a session made another one")
		}
	}
	keys, err := l.admin.keysOf(t.Context(), store.UserOf(s.id, 1))
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	l.must(t, "UpdateAccessKey", naming(store.UserOf(s.id, 1), "AccessKeyId", keys[0].ID, "Status", "Inactive"))
	const goesOn = "go on until the next apply"
	if in := l.may(t, session, "read", s.file("daily")); in != strings.Contains(s.drift(c), goesOn) {
		t.Errorf("after its key was deactivated, the session reads: %v, but the plan says %q", in, s.drift(c))
	}
	if r := s.put(c, sealing(k), knowing(uid)); !r.Held || l.may(t, session, "read", s.file("daily")) {
		t.Errorf("after the next apply: held %v, and the session reads: %v", r.Held,
			l.may(t, session, "read", s.file("daily")))
	}
	if said := s.drift(c); strings.Contains(said, goesOn) {
		t.Errorf("after the next apply the plan says %q", said)
	}
	s.put(s.identity(func(i *access.Identity) { i.HoldReleased = "INC-8" }), knowing(i.UID))
	s.put(c, sealing(k), knowing(uid), func(c *access.Change) { c.Issue = access.IssueReplace })
	if session = l.takes(t, l.as(k.newest()), "GetSessionToken", nil); session == nil {
		t.Fatal("the next key takes no session")
	}
	end := time.Now().Add(4 * time.Second).Truncate(time.Second)
	s.put(s.key(end), knowing(uid))
	l.endsAt(t, session, s.file("daily"), end)
}

// Whatever a partner asks for when it takes on its role, it may do what it is granted, and until the end.
func TestASessionOfARoleIsWhatWasDeclaredWhateverThePartnerAsksFor(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t).In("630000000000"), access.Federated)
	v := l.newVendor(t, "444455556666", "acme-chain")
	s := l.newShop(t, l.open(), time.Hour)
	s.put(s.identity())
	g := s.grant("daily", s.end)
	g.Actions = append(g.Actions, "write")
	s.put(g)
	c := s.put(s.account(v.principal("acme-chain"), "", s.end))
	ask := func(as *account, more url.Values) *account {
		form := url.Values{
			"RoleArn":         {c.Login["role_arn"]},
			"RoleSessionName": {"partner"},
			"ExternalId":      {c.Login["external_id"]},
			"DurationSeconds": {"3600"},
		}
		for name, values := range more {
			form[name] = values
		}
		return l.takes(t, as, "AssumeRole", form)
	}
	var last *account
	for says, more := range map[string]url.Values{
		"as usual": nil, "for twelve hours": {"DurationSeconds": {"43200"}},
		"with a policy that allows everything": {"Policy": {everything}},
		"with a policy of AWS's":               {"PolicyArns.member.1.arn": {"arn:aws:iam::aws:policy/AdministratorAccess"}},
		"with tags": {
			"Tags.member.1.Key":          {"partner:uid"},
			"Tags.member.1.Value":        {"another"},
			"TransitiveTagKeys.member.1": {"partner:uid"},
		},
		"as somebody": {"SourceIdentity": {"admin"}},
	} {
		got := ask(v.as, more)
		if says == "with tags" { // which its trust does not allow
			if got != nil {
				t.Error("with tags, the partner comes in")
			}
			continue
		}
		if got == nil {
			t.Fatalf("%s, the partner does not come in", says)
		}
		if last == nil || says == "for twelve hours" { // which this server gives, and AWS refuses
			last = got
		}
		if l.may(t, got, "read", s.file("weekly")) {
			t.Errorf("%s: it may more than was granted", says)
		}
		for name, chained := range map[string]*account{
			"itself": ask(got, nil), "a session": l.takes(t, got, "GetSessionToken", nil),
			"a federated user": l.takes(t, got, "GetFederationToken",
				url.Values{"Name": {"partner"}, "Policy": {everything}}),
		} {
			if chained != nil {
				t.Errorf("%s: it became %s", says, name)
			}
		}
	}
	end := time.Now().Add(4 * time.Second).Truncate(time.Second)
	s.put(s.account(v.principal("acme-chain"), "", end), knowing(c.UID))
	l.endsAt(t, last, s.file("daily"), end)
}
