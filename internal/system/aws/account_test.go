// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// vendor is a partner with an account of his own, and a role in it.
type vendor struct {
	*lab
	account string
	as      *account
}

const vendorTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`
const vendorRights = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`

// newVendor makes a role in an account of a partner's, and takes it on as a user of that account.
func (l *lab) newVendor(t testing.TB, account, name string) vendor {
	t.Helper()
	root := l.holding(aws.Credentials{AccessKeyID: account, SecretAccessKey: "x"})
	r := principal{Kind: store.Role, Name: name}
	u := principal{Kind: store.User, Name: name + "-operator"}
	for action, in := range map[string]map[string]string{"CreateRole": naming(r, "AssumeRolePolicyDocument",
		vendorTrust), "CreateUser": naming(u)} {
		if err := root.Ask(t.Context(), action, in, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []principal{r, u} {
		if err := root.putInline(t.Context(), p, "assume", vendorRights); err != nil {
			t.Fatal(err)
		}
	}
	var out struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	if err := root.Ask(t.Context(), "CreateAccessKey", naming(u), &out); err != nil {
		t.Fatal(err)
	}
	as := l.assume(t, l.holding(aws.Credentials{AccessKeyID: out.ID, SecretAccessKey: out.Secret}),
		r.ARN("aws", account), "")
	if as == nil {
		t.Fatal("the vendor cannot take on his own role")
	}
	return vendor{l, account, as}
}

func (v vendor) principal(name string) string {
	return principal{Kind: store.Role, Name: name}.ARN("aws", v.account)
}

// shop is an identity with one grant, in the words of these tests.
type shop struct {
	*System
	t     testing.TB
	id    access.IdentityID
	end   time.Time
	place string
}

// file returns an object that a grant of a name reaches.
func (s shop) file(grant string) string { return s.place + "orders/acme/" + grant + "/1.csv" }

func (s shop) terms(end time.Time) access.Terms {
	return access.Terms{Owner: "jane.doe@example.com", ExpiresAt: access.At(end)}
}

func (s shop) put(o access.Object, edits ...func(*access.Change)) *access.Record {
	s.t.Helper()
	c := access.Change{Object: o, Stack: "partners", EndsAt: o.Common().ExpiresAt.Time}
	for _, edit := range edits {
		edit(&c)
	}
	r, err := s.Put(s.t.Context(), c)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// knowing is what its caller has just read, with all that was cut by hand.
func knowing(uid string) func(*access.Change) {
	return func(c *access.Change) {
		c.UID, c.Cuts = uid, access.CutsSeen{Last: time.Now().Add(time.Hour), Held: true}
	}
}

func (s shop) identity(edits ...func(*access.Identity)) *access.Identity {
	i := &access.Identity{ID: s.id, Terms: s.terms(s.end), Purpose: "Nightly order feed"}
	for _, edit := range edits {
		edit(i)
	}
	return i
}

func (s shop) grant(name string, end time.Time) *access.Grant {
	return &access.Grant{
		IdentityID: s.id, Name: name, Terms: s.terms(end),
		Resource: access.Pattern(s.place + "orders/acme/" + name + "/*"),
		Actions:  []string{"read", "list"}, Purpose: "Read the order files",
	}
}

func (s shop) account(principal, externalID string, end time.Time) *access.Credential {
	return &access.Credential{
		IdentityID: s.id, Terms: s.terms(end),
		Federated: &access.FederatedTrust{AWSPrincipal: principal, ExternalID: externalID},
	}
}

func (l *lab) newShop(t testing.TB, s *System, lasting time.Duration) shop {
	t.Helper()
	now, err := s.store.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return shop{s, t, access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"},
		now.Add(lasting).Truncate(time.Second), l.place()}
}

func TestAPartnersAccountComesInWithItsExternalIDAndNobodyElseDoes(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	v := l.newVendor(t, "444455556666", "acme-etl")
	other := l.newVendor(t, "777788889999", "acme-etl")
	system := l.open()
	s := l.newShop(t, system, time.Hour)
	daily := s.file("daily")
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	c := s.put(s.account(v.principal("acme-etl"), "", s.end))
	arn, told := c.Login["role_arn"], c.Login["external_id"]
	if arn == "" || len(told) != 32 {
		t.Fatalf("the partner is told %v", c.Login)
	}
	elsewhere := s
	elsewhere.System = l.open(func(o *Options) { o.Ledger = "s3://" + l.bucket("ledger") + "/staging" })
	if words := elsewhere.wording.words(c.Object); !words.Later || words.Login["external_id"] != "" {
		t.Errorf("before there is a system, the plan tells %+v", words)
	}
	elsewhere.put(s.identity())
	if words := elsewhere.wording.words(c.Object); words.Later ||
		len(words.Login["external_id"]) != 32 ||
		words.Login["external_id"] == told {
		t.Errorf("the same names come to the same external id in another ledger: %+v", words)
	}
	if l.assume(t, v.as, arn, "") != nil || l.assume(t, v.as, arn, told+"x") != nil {
		t.Error("the role is taken on without its external id")
	}
	if l.assume(t, other.as, arn, told) != nil {
		t.Error("another account's role of that name takes the role on")
	}
	session := l.assume(t, v.as, arn, told)
	if session == nil {
		t.Fatal("the partner does not come in")
	}
	for what, asked := range map[string]struct {
		action, path string
		want         bool
	}{
		"the granted": {"read", daily, true}, "another folder": {"read", s.file("weekly"), false},
		"another action": {"delete", daily, false},
		"the ledger":     {"read", "arn:aws:s3:::" + l.bucket("ledger") + "/prod/system.json", false},
	} {
		if got := l.may(t, session, asked.action, asked.path); got != asked.want {
			t.Errorf("%s: %v", what, got)
		}
	}
	for _, o := range []access.Object{c.Object, i.Object} { // this server tells no last use, which is not never
		if r, err := s.Get(t.Context(), o.Ref()); err != nil || !r.UseUnknown {
			t.Errorf("%s is told as never used: %v", o.Ref(), err)
		}
	}
	s.put(s.identity(func(i *access.Identity) { i.Suspended = true }), knowing(i.UID))
	if l.may(t, session, "read", daily) {
		t.Error("a session of before reads while the identity is suspended")
	}
	s.put(s.identity(), knowing(i.UID))
	if !l.may(t, session, "read", daily) {
		t.Error("what was given back does not work")
	}
	own := s.put(s.account(v.principal("acme-etl"), "from-the-vendor", s.end), knowing(c.UID))
	if l.assume(t, v.as, arn, told) != nil ||
		l.assume(t, v.as, arn, "from-the-vendor") == nil ||
		own.Login["external_id"] != "from-the-vendor" {
		t.Error("the vendor's own external id does not take the place of the one that was made")
	}
	if _, err := system.Delete(t.Context(), i.Object.Ref(), i.UID); err != nil {
		t.Fatal(err)
	}
	if l.may(t, session, "read", daily) || l.assume(t, v.as, arn, "from-the-vendor") != nil {
		t.Error("the partner is in after the destroy")
	}
	all, err := system.reader.all(t.Context())
	if err != nil || len(all) != 0 {
		t.Errorf("IAM still has %v, %v", all, err)
	}
}

// Nothing of the provider runs when the ends come: the system is not asked in between.
func TestEndsComeToTheSecondInALiveSession(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	v := l.newVendor(t, "444455556666", "acme-etl")
	s := l.newShop(t, l.open(), time.Hour)
	s.put(s.identity())
	grantEnd := time.Now().Add(6 * time.Second).Truncate(time.Second)
	credentialEnd := time.Now().Add(10 * time.Second).Truncate(time.Second)
	s.put(s.grant("daily", grantEnd))
	weekly := s.grant("weekly", s.end)
	weekly.Actions = append(weekly.Actions, "write")
	s.put(weekly)
	c := s.put(s.account(v.principal("acme-etl"), "", credentialEnd))
	session := l.assume(t, v.as, c.Login["role_arn"], c.Login["external_id"])
	if session == nil {
		t.Fatal("the partner does not come in")
	}
	if late := l.refusedAfter(t, session, s.file("daily"), grantEnd); late > time.Second {
		t.Errorf("the grant: the live session is refused only %s after the end", late)
	}
	l.endsAt(t, session, s.file("weekly"), credentialEnd)
	if l.assume(t, v.as, c.Login["role_arn"], c.Login["external_id"]) != nil {
		t.Error("the role is taken on after its end")
	}
}

// refusedAfter asks until it is refused, and returns how long after the end the last request began that was not: a busy
// machine may take long to answer. Refused before is a failure.
func (l *lab) refusedAfter(t testing.TB, c *account, path string, end time.Time) time.Duration {
	t.Helper()
	var last time.Time
	for {
		began := time.Now()
		if l.may(t, c, "read", path) {
			last = began
			if began.After(end.Add(5 * time.Second)) {
				t.Fatal("it is never refused")
			}
			time.Sleep(2 * time.Millisecond)
			continue
		}
		if time.Now().Before(end) {
			t.Fatalf("refused %s before the end", time.Until(end))
		}
		return last.Sub(end)
	}
}
