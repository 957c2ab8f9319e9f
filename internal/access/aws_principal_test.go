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
		if err != nil ||
			p.String() != text ||
			p.Whole() != whole ||
			p.Account != "444455556666" {
			t.Errorf("%s: %+v, %v", text, p, err)
		}
	}
	for _, text := range []string{
		"", "*", "444455556666", "arn:aws:iam::*:root", "arn:aws:iam::44445555666:root",
		"arn:aws:iam::444455556666:role/", "arn:aws:iam::444455556666:role/*",
		"arn:aws:iam::444455556666:role/a//b", "arn:aws:iam::444455556666:role/a/", "arn:aws:iam::444455556666:group/a",
		"arn:aws:iam::444455556666:root ",
		"arn:aws:sts::444455556666:assumed-role/a/b", "arn:aws:iam:eu-west-1:444455556666:root",
		"arn:aws:iam::444455556666:role/${aws:username}",
	} {
		if p, err := ParseAWSPrincipal(text); err == nil {
			t.Errorf("%q is read as %s", text, p)
		}
	}
}

// What is no principal is told what it is, and what to write.
func TestWhatIsNoPrincipalIsToldWhatToWrite(t *testing.T) {
	for text, says := range map[string]string{
		"444455556666": "write arn:aws:iam::444455556666:role/NAME " +
			"for one role of the account, or arn:aws:iam::444455556666:root for all of it",
		"4444-5555-6666":                           "write arn:aws:iam::444455556666:role/NAME",
		"arn:aws:iam::4444-5555-6666:role/etl":     "write arn:aws:iam::444455556666:role/etl",
		"arn:aws:iam::444455556666:role/etl\n":     "write arn:aws:iam::444455556666:role/etl",
		`"arn:aws:iam::444455556666:role/etl"`:     "write arn:aws:iam::444455556666:role/etl",
		"arn:aws:iam::444455556666:role/etl\u200b": "write arn:aws:iam::444455556666:role/etl",
		"ARN:AWS:IAM::444455556666:role/Etl": "in small letters, " +
			"arn:aws:iam::444455556666:role/Etl",
		"arn:aws:sts::444455556666:assumed-role/etl/i-0123456789abc": "a session of a role, write the role itself, " +
			"arn:aws:iam::444455556666:role/etl,",
		"arn:aws-cn:sts::444455556666:federated-user/jane": "write the user itself, " +
			"arn:aws-cn:iam::444455556666:user/jane",
		"arn:aws:iam::444455556666:instance-profile/etl": "nobody comes in as instance profile, " +
			"but as a role",
		"arn:aws:iam::444455556666:group/etl":                         "nobody comes in as group",
		"arn:aws:lambda:eu-west-1:444455556666:function:etl":          "the role that it runs as",
		"arn:aws:ec2:eu-west-1:444455556666:instance/i-0123456789abc": "the role that it runs as",
		"AROAEXAMPLEID1234567":                                        "a unique id",
		"acme-etl":                                                    "write arn:aws:iam::ACCOUNT:role/NAME",
		"arn:aws:iam:::role/etl":                                      "write arn:aws:iam::ACCOUNT:role/NAME",
	} {
		if _, err := ParseAWSPrincipal(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want it to say %q", text, err, says)
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
		"an issuer": {Federated: &FederatedTrust{
			Issuer:    "https://login.acme.test",
			Subject:   "etl",
			Audiences: []string{"x"},
		}},
	} {
		if !Widened(before, after, "federated") || SameTrust(before, after) {
			t.Errorf("%s is the same", name)
		}
	}
	if same := trust("arn:aws:iam::444455556666:role/etl", "one"); Widened(before, same, "federated") ||
		!SameTrust(before, same) {
		t.Error("the same is another")
	}
}

func TestAnAccountOfAWSIsNamedLikeAnIssuer(t *testing.T) {
	issuer, subject, audiences := (&FederatedTrust{AWSPrincipal: "arn:aws:iam::444455556666:role/etl",
		ExternalID: "one"}).Named()
	if issuer != "AWS account 444455556666" ||
		subject != "arn:aws:iam::444455556666:role/etl" ||
		!slices.Equal(audiences, []string{"one"}) {
		t.Errorf("%q, %q, %q", issuer, subject, audiences)
	}
	issuer, subject, audiences = (&FederatedTrust{
		Issuer:    "https://login.acme.test",
		Subject:   "etl",
		Audiences: []string{"b", "a"},
	}).Named()
	if issuer != "https://login.acme.test" ||
		subject != "etl" ||
		!slices.Equal(audiences, []string{"a", "b"}) {
		t.Errorf("%q, %q, %q", issuer, subject, audiences)
	}
}
