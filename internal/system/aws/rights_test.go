// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// operator makes a user with some of the policies that examples/ ships, and nothing else, and returns its login.
// Ministack knows IAM's principals by their names alone, without their paths, the taking on of a role on no resource,
// and not what boundary a request asks for: package policy judges these.
func (l *lab) operator(t testing.TB, account string, policies ...string) aws.Credentials {
	t.Helper()
	p := principal{Kind: store.User, Name: "operator-" + strings.Join(policies, "-")}
	if err := l.admin.Ask(t.Context(), "CreateUser", naming(p), nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range policies {
		text, err := os.ReadFile("../../../examples/aws/policies/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		own := strings.NewReplacer("example-partner-access", l.bucket("ledger"),
			"arn:aws:iam::*:role/partner/rehearsal-*", "*", ":role/partner/*", ":role/partner.*", ":user/partner/*",
			":user/partner.*",
			`"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/partner-boundary"`,
			`"aws:PrincipalAccount": "`+account+`"`).Replace(string(text))
		if err := l.admin.putInline(t.Context(), p, name, own); err != nil {
			t.Fatal(err)
		}
	}
	var out struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	if err := l.admin.Ask(t.Context(), "CreateAccessKey", naming(p), &out); err != nil {
		t.Fatal(err)
	}
	return aws.Credentials{AccessKeyID: out.ID, SecretAccessKey: out.Secret}
}

// asked counts what a login asked for, and what was refused.
type asked struct {
	mu      sync.Mutex
	refused []string
}

func (a *asked) carry(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusForbidden {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.refused = append(a.refused, r.Method+" "+r.URL.Path)
	}
	return resp, err
}

// openAs opens the system with a login of an operator's.
func (l *lab) openAs(t testing.TB, login aws.Credentials, boundary string) (*System, *asked) {
	t.Helper()
	a := &asked{}
	return l.open(func(o *Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(login.AccessKeyID, login.SecretAccessKey, "")
		o.Boundary, o.Transport = boundary, carrier(a.carry)
	}), a
}

func TestTheShippedRightsAreEnoughForALifeAndForNothingElse(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real IAM")
	}
	t.Parallel()
	const account = "111122223333"
	l := startLab(t, ministack(t), access.Federated, access.Secret)
	boundary := l.boundary(t, account)
	applying, told := l.openAs(t, l.operator(t, account, "plan", "apply"), boundary)
	s := l.newShop(t, applying, time.Hour)
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	c := s.put(s.account("arn:aws:iam::444455556666:role/acme-etl", "", s.end))
	s.put(s.account("arn:aws:iam::444455556666:role/acme-etl", "of-the-vendor", s.end), knowing(c.UID))
	partner, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key := &access.Credential{
		IdentityID: s.id,
		Terms:      s.terms(s.end),
		Secret:     &access.SecretRequest{Recipient: partner.Recipient().String()},
	}
	sealing := func(c *access.Change) { c.Seal = func([]byte) (string, error) { return "sealed", nil } }
	k := s.put(key, sealing)
	s.put(s.identity(func(i *access.Identity) { i.Suspended = true }), knowing(i.UID))
	s.put(s.identity(), knowing(i.UID))
	s.put(key, sealing, knowing(k.UID), func(c *access.Change) { c.Issue = access.IssueReplace })

	planning, seen := l.openAs(t, l.operator(t, account, "plan"), boundary)
	if records, _, err := planning.Survey(t.Context(), []string{"acme"}); err != nil || len(records) != 4 {
		t.Errorf("a plan sees %d records: %v", len(records), err)
	}
	if planning.reporter.latestReport(t.Context()) == nil {
		t.Error("a plan gets no credential report")
	}
	if len(seen.refused) > 0 {
		t.Errorf("a plan was refused %v", seen.refused)
	}
	if _, err := planning.Delete(t.Context(), i.Object.Ref(), i.UID); err == nil {
		t.Error("who may plan may remove")
	}
	if _, err := applying.Delete(t.Context(), i.Object.Ref(), i.UID); err != nil {
		t.Errorf("remove: %v", err)
	}
	if len(told.refused) > 0 {
		t.Errorf("an apply was refused %v", told.refused)
	}
}

// boundary makes the boundary that examples/ ships, and returns its ARN.
func (l *lab) boundary(t testing.TB, account string) string {
	t.Helper()
	text, err := os.ReadFile("../../../examples/aws/policies/boundary.json")
	if err != nil {
		t.Fatal(err)
	}
	own := strings.ReplaceAll(string(text), "example-partner-access", l.bucket("ledger"))
	if err := l.admin.Ask(t.Context(), "CreatePolicy",
		map[string]string{"PolicyName": "partner-boundary", "PolicyDocument": own}, nil); err != nil {
		t.Fatal(err)
	}
	return "arn:aws:iam::" + account + ":policy/partner-boundary"
}
