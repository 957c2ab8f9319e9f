// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"fmt"
	"testing"
)

func TestADenyThatLeavesNothingOfWhatIsGrantedIsACut(t *testing.T) {
	t.Parallel()
	granted := document(
		Statement{
			Effect:   allow,
			Action:   Texts{"s3:GetObject", "s3:PutObject"},
			Resource: Texts{"arn:aws:s3:::shop/acme/*"},
		},
		Statement{Effect: allow, Action: Texts{"s3:ListBucket"}, Resource: Texts{"arn:aws:s3:::shop"}},
	)
	for says, want := range map[string]bool{
		`"Action":"s3:*","Resource":"*"`:                                              true,
		`"Action":["S3:Get*","s3:put*","s3:List*"],"Resource":["arn:aws:s3:::shop*"]`: true,
		`"NotAction":"iam:*","Resource":"*"`:                                          true,
		`"Action":"*","Resource":["arn:aws:s3:::shop","arn:aws:s3:::shop/*"]`:         true,
		// it lists
		`"Action":"s3:*","Resource":"arn:aws:s3:::shop/*"`:                                  false,
		`"Action":"s3:*","Resource":["arn:aws:s3:::shop","arn:aws:s3:::shop/acme/daily/*"]`: false,
		// it writes
		`"Action":["s3:GetObject","s3:ListBucket"],"Resource":"*"`:                            false,
		`"NotAction":"s3:Get*","Resource":"*"`:                                                false,
		`"Action":"s3:*","NotResource":"arn:aws:s3:::shop/acme/*"`:                            false,
		`"Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}`: false,
		`"Action":"sqs:*","Resource":"*"},{"Effect":"Allow","Action":"s3:*","Resource":"*"`:   false,
		// as it may be: that wildcard is not read
		`"Action":["s3:*Object"],"Resource":"*"},{"Effect":"Deny","Action":"s3:List*","Resource":"*"`: false,
	} {
		text := fmt.Sprintf(`{"Statement":[{"Effect":"Deny",%s}]}`, says)
		if is := Denies(text, granted); is != want {
			t.Errorf("%s: %v", text, is)
		}
		if Denies(text, Document{}) {
			t.Errorf("%s: denies all of nothing", text)
		}
	}
}

func TestATrustInNobodyButTheCompanyItselfIsClosed(t *testing.T) {
	t.Parallel()
	const own = "111122223333"
	for says, want := range map[string]bool{
		`{"AWS":"arn:aws:iam::111122223333:root"}`: true, `{"AWS":"111122223333"}`: true,
		`{"AWS":["arn:aws:iam::111122223333:user/ann","111122223333"]}`: true,
		`{"AWS":"arn:aws:iam::444455556666:root"}`:                      false,
		`{"AWS":["111122223333","444455556666"]}`:                       false,
		`"*"`: false, `{"AWS":"*"}`: false,
		`{"AWS":"AROAEXAMPLE"}`: false,
		`{"AWS":"111122223333","Federated":"arn:aws:iam::111122223333:oidc-provider/login.acme.test"}`: false,
	} {
		text := fmt.Sprintf(`{"Statement":[{"Effect":"Allow","Principal":%s,"Action":"sts:AssumeRole"}]}`, says)
		if is := LetsNobodyIn(text, own); is != want {
			t.Errorf("%s: %v", text, is)
		}
		if LetsNobodyIn(text, "") {
			t.Errorf("%s: closed where nobody can tell whose account it is", text)
		}
	}
}
