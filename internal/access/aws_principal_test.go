// SPDX-License-Identifier: MPL-2.0

package access

import (
	"slices"
	"strings"
	"testing"
)

func TestAPrincipalOfAWSIsOneRoleUserOrAccount(t *testing.T) {
	for text, whole := range map[string]bool{
		"arn:aws:iam::444455556666:root":                   true,
		"arn:aws-cn:iam::444455556666:root":                true,
		"arn:aws:iam::444455556666:role/acme-etl":          false,
		"arn:aws:iam::444455556666:role/vendors/acme.etl":  false,
		"arn:aws:iam::444455556666:user/acme@example.test": false,
	} {
		p, err := ParseAWSPrincipal(text)
		if err != nil || p.String() != text || p.Whole() != whole || p.Account != "444455556666" {
			t.Errorf("%s: %+v, %v", text, p, err)
		}
	}
	for _, text := range []string{
		"", "*", "444455556666", "arn:aws:iam::*:root", "arn:aws:iam::44445555666:root", "arn:aws:iam::444455556666:role/", "arn:aws:iam::444455556666:role/*",
		"arn:aws:iam::444455556666:role/a//b", "arn:aws:iam::444455556666:role/a/", "arn:aws:iam::444455556666:group/a", "arn:aws:iam::444455556666:root ",
		"arn:aws:sts::444455556666:assumed-role/a/b", "arn:aws:iam:eu-west-1:444455556666:root", "arn:aws:iam::444455556666:role/${aws:username}",
	} {
		if p, err := ParseAWSPrincipal(text); err == nil {
			t.Errorf("%q is read as %s", text, p)
		}
	}
}

func TestAnExternalIDIsWhatAWSTakes(t *testing.T) {
	for text, fine := range map[string]bool{
		"a1": true, "a:b/c=d,e.f@g+h-i_j": true, strings.Repeat("x", 1224): true,
		"a": false, "": false, "a b": false, "a*": false, strings.Repeat("x", 1225): false, "ü1": false,
	} {
		if err := CheckExternalID(text); (err == nil) != fine {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTrustInAnotherPrincipalOfAWSIsMoreAndSoIsAnotherID(t *testing.T) {
	trust := func(principal, id string) *Credential {
		return &Credential{Federated: &FederatedTrust{AWSPrincipal: principal, ExternalID: id}}
	}
	before := trust("arn:aws:iam::444455556666:role/etl", "one")
	for name, after := range map[string]*Credential{
		"another role": trust("arn:aws:iam::444455556666:role/other", "one"),
		"another id":   trust("arn:aws:iam::444455556666:role/etl", "two"),
		"an issuer":    {Federated: &FederatedTrust{Issuer: "https://login.acme.test", Subject: "etl", Audiences: []string{"x"}}},
	} {
		if !Widened(before, after, "federated") || SameTrust(before, after) {
			t.Errorf("%s is the same", name)
		}
	}
	if same := trust("arn:aws:iam::444455556666:role/etl", "one"); Widened(before, same, "federated") || !SameTrust(before, same) {
		t.Error("the same is another")
	}
}

func TestAnAccountOfAWSIsNamedLikeAnIssuer(t *testing.T) {
	issuer, subject, audiences := (&FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:role/etl", ExternalID: "one"}).Named()
	if issuer != "AWS account 444455556666" || subject != "arn:aws:iam::444455556666:role/etl" || !slices.Equal(audiences, []string{"one"}) {
		t.Errorf("%q, %q, %q", issuer, subject, audiences)
	}
	issuer, subject, audiences = (&FederatedTrust{Issuer: "https://login.acme.test", Subject: "etl", Audiences: []string{"b", "a"}}).Named()
	if issuer != "https://login.acme.test" || subject != "etl" || !slices.Equal(audiences, []string{"a", "b"}) {
		t.Errorf("%q, %q, %q", issuer, subject, audiences)
	}
}
