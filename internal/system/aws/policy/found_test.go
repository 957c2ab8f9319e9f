// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"fmt"
	"strings"
	"testing"
)

// What somebody wrote is declared as it is, or it is told: never a little wider.
func TestWhatSomebodyWroteIsFoundInTheWordsOfDeclarations(t *testing.T) {
	words, err := NewWords("eu-west-1", map[string][]string{"call": {"lambda:InvokeFunction"}})
	if err != nil {
		t.Fatal(err)
	}
	allowing := func(more string) string { return `{"Statement":[{"Effect":"Allow",` + more + `}]}` }
	trusting := func(more string) string { return allowing(`"Action":"sts:AssumeRole",` + more) }
	for _, c := range []struct {
		says, trust, policy string
		want                string // trusts, then grants
		unsaid              string
	}{
		{"read a folder", "", allowing(`"Action":"s3:GetObject","Resource":"arn:aws:s3:::exchange/acme/*"`),
			"[] [arn:aws:s3:::exchange/acme/* read]", ""},
		{"read and delete", "",
			allowing(`"Action":["s3:getobject","s3:DeleteObject"],"Resource":["arn:aws:s3:::exchange/acme/*"]`),
			"[] [arn:aws:s3:::exchange/acme/* delete read]", ""},
		{"list a folder", "",
			allowing(`"Action":"s3:ListBucket","Resource":"arn:aws:s3:::exchange","Condition":{"StringLike":{"s3:prefix":"acme/*"}}`),
			"[] [arn:aws:s3:::exchange/acme/* list]", ""},
		{"list a bucket", "", allowing(`"Action":"s3:ListBucket","Resource":"arn:aws:s3:::exchange"`), "[] []",
			"s3:ListBucket"},
		{"two statements on one folder", "",
			`{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::exchange/acme/*"},
			{"Effect":"Allow","Action":["s3:PutObject","s3:AbortMultipartUpload"],"Resource":"arn:aws:s3:::exchange/acme/*"}]}`, "[] [arn:aws:s3:::exchange/acme/* read write]", ""},
		{"half of a word", "", allowing(`"Action":"s3:PutObject","Resource":"arn:aws:s3:::exchange/acme/*"`), "[] []",
			"s3:PutObject"},
		{"more than words say", "", allowing(`"Action":"s3:*","Resource":"arn:aws:s3:::exchange/acme/*"`),
			"[] [arn:aws:s3:::exchange/acme/* delete list read write]", `"s3:*"`},
		{"a word of one's own", "",
			allowing(`"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:eu-west-1:111122223333:function:acme"`),
			"[] [arn:aws:lambda:eu-west-1:111122223333:function:acme call]", ""},
		{"everything", "", allowing(`"Action":"*","Resource":"*"`), "[] []", `"*" on "*"`},
		{"a wildcard in a name", "", allowing(`"Action":"s3:GetObject","Resource":"arn:aws:s3:::exchange-*/acme/*"`),
			"[] []", "exchange-*"},
		{"under a condition", "",
			allowing(`"Action":"s3:GetObject","Resource":"arn:aws:s3:::exchange/acme/*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`), "[] []", "SourceIp"},
		{"all but something", "", allowing(`"NotAction":"iam:*","Resource":"*"`), "[] []", "NotAction"},
		{"a denial", "", `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, "[] []",
			`a denial of ["*"] on ["*"]: what is declared here may give more`},
		{"a denial beside", "",
			`{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::exchange/acme/*"},
			{"Effect":"Deny","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::exchange/acme/pay/*"}]}`,
			"[] [arn:aws:s3:::exchange/acme/* read]",
			`a denial of ["s3:GetObject"] on ["arn:aws:s3:::exchange/acme/pay/*"]`},
		{"a denial of all but something", "", `{"Statement":{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}}`,
			"[] []", "a denial of all but what NotAction"},
		{"a denial under a condition", "",
			`{"Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}}`, "[] []", "203.0.113.0/24"},
		{"no policy", "", "{", "[] []", "cannot be read"},
		{"a folder under a condition more that is no text", "",
			allowing(`"Action":"s3:ListBucket","Resource":"arn:aws:s3:::exchange","Condition":{"StringLike":{"s3:prefix":"acme/*"},"Bool":{"aws:MultiFactorAuthPresent":true}}`),
			"[] []", "MultiFactorAuthPresent"},

		{"a role with an external id",
			trusting(`"Principal":{"AWS":"arn:aws:iam::444455556666:role/etl"},"Condition":{"StringEquals":{"sts:ExternalId":"x-1"}}`), "",
			"[arn:aws:iam::444455556666:role/etl x-1] []", ""},
		{"an account by its number", trusting(`"Principal":{"AWS":"444455556666"}`), "",
			"[arn:aws:iam::444455556666:root ] []", ""},
		{"from some networks",
			trusting(`"Principal":{"AWS":"444455556666"},"Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`),
			"", "[] []", "SourceIp"},
		{"with a second factor",
			trusting(`"Principal":{"AWS":"444455556666"},"Condition":{"StringEquals":{"sts:ExternalId":"x-1"},"Bool":{"aws:MultiFactorAuthPresent":true}}`), "", "[] []", "MultiFactorAuthPresent"},
		{"a workload at some hours",
			trusting(`"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/login.acme.test"},"Condition":{"StringEquals":{"login.acme.test:sub":"svc","login.acme.test:aud":"orders"},"Null":{"login.acme.test:amr":false}}`), "",
			"[] []", "amr"},
		{"all of an account but one",
			`{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"444455556666"}},
			{"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::444455556666:role/intern"}}]}`,
			"", "[arn:aws:iam::444455556666:root ] []",
			"a denial in the trust, of \"{\"AWS\":\"arn:aws:iam::444455556666:role/intern\"}\""},
		{"a trust that is none", "{", "", "[] []", "a trust that cannot be read"},
		{"everybody", trusting(`"Principal":"*"`), "", "[] []", `trust in "*"`},
		{"a workload",
			`{"Statement":{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/login.acme.test"},
			"Condition":{"StringEquals":{"login.acme.test:sub":"svc","login.acme.test:aud":"orders"}}}}`, "",
			"[https://login.acme.test svc orders] []", ""},
		{"every workload of an issuer",
			trusting(`"Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/login.acme.test"},"Condition":{"StringEquals":{"login.acme.test:aud":"orders"}}`), "",
			"[] []", "login.acme.test"},
		{"a service", trusting(`"Principal":{"Service":"ec2.amazonaws.com"}`), "", "[] []", ""},
	} {
		var policies []string
		if c.policy != "" {
			policies = []string{c.policy}
		}
		found := words.Find(c.trust, policies...)
		var trusts, grants []string
		for _, f := range found.Trusts {
			trusts = append(trusts, f.AWSPrincipal+f.Issuer,
				f.ExternalID+strings.Join(append([]string{f.Subject}, f.Audiences...), " "))
		}
		for _, g := range found.Grants {
			grants = append(grants, string(g.Resource), strings.Join(g.Actions, " "))
		}
		unsaid := strings.Join(found.Unsaid, "; ")
		if got := fmt.Sprint(trusts, " ", grants); got != c.want {
			t.Errorf("%s: %s, want %s", c.says, got, c.want)
		}
		if !strings.Contains(strings.ReplaceAll(unsaid, `\"`, `"`), c.unsaid) || (unsaid == "") != (c.unsaid == "") {
			t.Errorf("%s: untold is %q, want %q", c.says, unsaid, c.unsaid)
		}
	}
}
