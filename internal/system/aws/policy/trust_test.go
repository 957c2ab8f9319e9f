// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// trusts says whether a role's trust lets a session begin.
func trusts(t *testing.T, d Document, principal, action string, at time.Time, context map[string]string) bool {
	var p struct {
		Statement []struct{ Principal map[string]string }
	}
	if err := json.Unmarshal([]byte(d.JSON()), &p); err != nil {
		t.Fatal(err)
	}
	for _, named := range p.Statement[0].Principal {
		if named == principal {
			return iamAllows(t, iamRead(t, d.JSON()), request{action: action, now: at, context: context})
		}
	}
	return false
}

func TestARoleTrustsOneWorkloadOfOneIssuerUntilItsEnd(t *testing.T) {
	const provider, web = "arn:aws:iam::111122223333:oidc-provider/login.acme.test/a", "sts:AssumeRoleWithWebIdentity"
	d := TrustOIDC(provider, access.FederatedTrust{
		Issuer:    "https://login.acme.test/a/",
		Subject:   "etl",
		Audiences: []string{"two", "one", "one"},
	}, noon, nil)
	token := func(sub, aud string) map[string]string {
		return map[string]string{"login.acme.test/a:sub": sub, "login.acme.test/a:aud": aud}
	}
	for says, c := range map[string]struct {
		principal, action string
		at                time.Time
		context           map[string]string
		want              bool
	}{
		"the workload":            {provider, web, noon.Add(-1), token("etl", "one"), true},
		"with another audience":   {provider, web, noon.Add(-1), token("etl", "three"), false},
		"another workload":        {provider, web, noon.Add(-1), token("etl2", "one"), false},
		"a wildcard as a subject": {provider, web, noon.Add(-1), token("*", "one"), false},
		"at its end":              {provider, web, noon, token("etl", "one"), false},
		"without a token":         {provider, "sts:AssumeRole", noon.Add(-1), nil, false},
		"of another issuer":       {provider + "b", web, noon.Add(-1), token("etl", "one"), false},
	} {
		if is := trusts(t, d, c.principal, c.action, c.at, c.context); is != c.want {
			t.Errorf("%s: %v", says, is)
		}
	}
}

func TestARoleTrustsOnePrincipalThatTellsTheExternalIDUntilItsEnd(t *testing.T) {
	const vendor, hop = "arn:aws:iam::444455556666:role/acme/etl", "sts:AssumeRole"
	p, err := access.ParseAWSPrincipal(vendor)
	if err != nil {
		t.Fatal(err)
	}
	d := TrustAccount(p, "acme-7f3", noon, []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")})
	told := func(id, from string) map[string]string {
		return map[string]string{"sts:ExternalId": id, "aws:SourceIp": from}
	}
	for says, c := range map[string]struct {
		principal, action string
		at                time.Time
		context           map[string]string
		want              bool
	}{
		"the vendor's role":              {vendor, hop, noon.Add(-1), told("acme-7f3", "203.0.113.9"), true},
		"with the id of another company": {vendor, hop, noon.Add(-1), told("acme-7f4", "203.0.113.9"), false},
		"without an id": {vendor, hop, noon.Add(-1), map[string]string{"aws:SourceIp": "203.0.113.9"},
			false},
		"from elsewhere": {vendor, hop, noon.Add(-1), told("acme-7f3", "198.51.100.9"), false},
		"at its end":     {vendor, hop, noon, told("acme-7f3", "203.0.113.9"), false},
		"another role":   {vendor + "2", hop, noon.Add(-1), told("acme-7f3", "203.0.113.9"), false},
		"with tags of its own": {vendor, "sts:TagSession", noon.Add(-1), told("acme-7f3", "203.0.113.9"),
			false},
	} {
		if is := trusts(t, d, c.principal, c.action, c.at, c.context); is != c.want {
			t.Errorf("%s: %v", says, is)
		}
	}
	if trusts(t, NoTrust(), "*", hop, noon, nil) {
		t.Error("a role that is shut trusts somebody")
	}
}

func TestATrustIsRefusedThatIAMWouldReadAsMore(t *testing.T) {
	audiences := []string{"one"}
	for _, c := range []struct {
		says    string
		trust   access.FederatedTrust
		refused string
	}{
		{"a workload", access.FederatedTrust{Issuer: "https://login.acme.test", Subject: "etl", Audiences: audiences},
			""},
		{"a star in a subject, which IAM takes as it stands",
			access.FederatedTrust{Issuer: "https://login.acme.test", Subject: "repo:acme/*", Audiences: audiences}, ""},
		{"a variable as a subject", access.FederatedTrust{
			Issuer:    "https://login.acme.test",
			Subject:   "${login.acme.test:sub}",
			Audiences: audiences,
		}, "replaces"},
		{"a variable as an audience", access.FederatedTrust{
			Issuer:    "https://login.acme.test",
			Subject:   "etl",
			Audiences: []string{"${aws:username}"},
		}, "replaces"},
		{"an issuer in the clear", access.FederatedTrust{
			Issuer:    "http://127.0.0.1:8080",
			Subject:   "etl",
			Audiences: audiences,
		}, "only issuers with https"},
		{"an issuer with a port", access.FederatedTrust{
			Issuer:    "https://login.acme.test:8443",
			Subject:   "etl",
			Audiences: audiences,
		}, "port"},
		{"no audience", access.FederatedTrust{Issuer: "https://login.acme.test", Subject: "etl"}, "no audience"},
		{"more than a trust holds", access.FederatedTrust{
			Issuer:    "https://login.acme.test",
			Subject:   strings.Repeat("x", 1800),
			Audiences: audiences,
		}, "AWS allows 2048"},
		{"a role", access.FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:role/acme-etl"}, ""},
		{"a user, and its id", access.FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:user/etl",
			ExternalID: "a:b/c"}, ""},
		{"our own account", access.FederatedTrust{AWSPrincipal: "arn:aws:iam::111122223333:role/acme-etl"},
			"your own account"},
		{"another partition", access.FederatedTrust{AWSPrincipal: "arn:aws-us-gov:iam::444455556666:root"},
			"nobody can come from one into the other"},
		{"a service of AWS", access.FederatedTrust{AWSPrincipal: "lambda.amazonaws.com"},
			"a service of AWS is no partner"},
		{"a user by its unique id", access.FederatedTrust{AWSPrincipal: "AIDAEXAMPLEID1234567"}, "a unique id"},
		{"every account", access.FederatedTrust{AWSPrincipal: "arn:aws:iam::*:root"}, "no role"},
		{"root in capital letters", access.FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:Root"},
			"write arn:aws:iam::444455556666:root"},
		{"a name too long for a role",
			access.FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:role/" + strings.Repeat("x", 65)},
			"at most 64"},
		{"an id of one letter", access.FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:root", ExternalID: "a"},
			"external id"},
		{"an id with a wildcard", access.FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:root",
			ExternalID: "acme*"}, "external id"},
		{"an id with a variable", access.FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:root",
			ExternalID: "${aws:username}"}, "external id"},
		{"an id of 1225", access.FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:root",
			ExternalID: strings.Repeat("x", 1225)}, "external id"},
		{"an id of 1224", access.FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:root",
			ExternalID: strings.Repeat("x", 1224)}, ""},
		{"everybody", access.FederatedTrust{AWSPrincipal: "*"}, "no role"},
		{"every role", access.FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:role/*"}, "no role"},
		{"a path without a name", access.FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:role/acme/"}, "empty"},
		{"a session", access.FederatedTrust{AWSPrincipal: "arn:aws:sts::444455556666:assumed-role/acme/x"}, "no role"},
		{"an id that is none", access.FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:root", ExternalID: "a b"},
			"external id"},
	} {
		err := CheckTrust(&access.Credential{Federated: &c.trust}, "111122223333", PartitionOf("eu-west-1"))
		if (err == nil) != (c.refused == "") || (err != nil && !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s: %v, want %q", c.says, err, c.refused)
		}
	}
}

func TestNoTextBecomesAPartOfAPolicy(t *testing.T) {
	hostile := `etl"],"StringLike":{"login:sub":["*` + "\n<&>"
	d := TrustOIDC("arn:aws:iam::111122223333:oidc-provider/login.acme.test",
		access.FederatedTrust{Issuer: "https://login.acme.test", Subject: hostile, Audiences: []string{"one"}}, noon,
		nil)
	var back Document
	if err := json.Unmarshal([]byte(d.JSON()), &back); err != nil {
		t.Fatal(err)
	}
	if got := back.Statement[0].Condition["StringEquals"]["login.acme.test:sub"]; len(got) != 1 ||
		got[0] != hostile ||
		len(back.Statement[0].Condition) != 2 {
		t.Errorf("%q", back.Statement[0].Condition)
	}
}

func TestAPolicyIsTheSameHoweverIAMWritesIt(t *testing.T) {
	d := document(Statement{Effect: allow, Action: Texts{"s3:GetObject"}, Resource: Texts{"b", "a"}})
	for text, same := range map[string]bool{
		`{"Statement":[{"Resource":["b","a"],"Action":["s3:GetObject"],"Effect":"Allow"}],"Version":"2012-10-17"}`:                       true,
		"{\n \"Version\": \"2012-10-17\", \"Statement\": {\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":[\"b\",\"a\"]}}": true,
		`{"Statement":[{"Resource":["b"],"Action":["s3:GetObject"],"Effect":"Allow"}],"Version":"2012-10-17"}`:                           false,
		`{"Statement":[{"Resource":["b","a"],"Action":["s3:GetObject"],"Effect":"Deny"}],"Version":"2012-10-17"}`:                        false,
		`nothing`: false,
	} {
		if is := d.Is(text); is != same {
			t.Errorf("%s: %v", text, is)
		}
	}
	if size := d.Size(); size != len(strings.ReplaceAll(fmt.Sprint(d.JSON()), " ", "")) {
		t.Errorf("size %d", size)
	}
}
