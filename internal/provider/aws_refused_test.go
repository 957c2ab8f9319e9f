// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// manyGrants are grants of one identity, each with an end of its own, so that no two of them are one statement.
func (a *account) manyGrants(n int) (text string) {
	for i := range n {
		end := `"` + time.Now().UTC().AddDate(0, 0, 40+i).Format(time.RFC3339) + `"`
		text += relabel(fmt.Sprintf("g%d", i),
			grant(args{"resource": fmt.Sprintf(`"arn:aws:s3:::exchange/acme/folder-%02d/*"`, i), "expires_at": end}))
	}
	return text
}

func TestWhatAWSCannotHoldOrEndIsRefusedAtPlan(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real STS")
	}
	t.Parallel()
	a := newAccount(t, realtool.StartMinistack(t))
	recipient, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key := credential("secret", a.ending(args{"secret": `{ recipient = "` + recipient.Recipient().String() + `" }`,
		"rotation": `{ every = "480h" }`}))
	on := func(arn, action string) string {
		return grant(a.ending(args{"resource": `"` + arn + `"`, "actions": `["` + action + `"]`}))
	}
	in := func(trust string) string {
		return credential("federated", a.ending(args{"federated": "{ " + trust + " }"}))
	}
	const at = "eu-west-1:111122223333:"
	register := func(accounts string) string {
		return strings.Replace(a.provider(), "  aws = {",
			"  partners = { acme = { aws_accounts = ["+accounts+"] } }\n  aws = {", 1)
	}
	for name, c := range map[string]struct{ provider, config, want string }{
		"who may do what": {"", on("arn:aws:iam::111122223333:role/acme", "read"),
			"scope/system-path"},
		"a segment that IAM has not": {"", on("arn:aws:s3:::exchange/+/daily", "read"), `contains \+`},
		"a path of another system":   {"", on("orders/acme/daily/*", "read"), "is not an ARN"},
		"a whole bucket": {"", on("arn:aws:s3:::exchange/*", "read"),
			"scope/wildcard-resource"},
		"a shell in a container": {"", on("arn:aws:ecs:"+at+"task/acme", "exec"),
			"expiry/cannot-be-enforced"},
		"a login to a database": {"", on("arn:aws:rds-db:"+at+"dbuser:db-A/acme", "connect"),
			"expiry/cannot-be-enforced"},
		"a word that nobody knows": {"", on("arn:aws:athena:"+at+"workgroup/acme", "query"),
			"aws.actions"},
		"every action": {"", on("arn:aws:s3:::exchange/acme/daily/*", "*"),
			"scope/wildcard-action"},
		"everybody in AWS": {"", in(`aws_principal = "*"`), "credential/open-trust"},
		"a whole account that says nothing": {"", in(`aws_principal = "arn:aws:iam::444455556666:root"`),
			"credential/open-trust"},
		"our own account": {"",
			in(`aws_principal = "arn:aws:iam::` + a.cloud.Access + `:role/etl"`), "your own account"},
		"an account that nobody listed": {register(`"777788889999"`),
			in(`aws_principal = "arn:aws:iam::444455556666:role/etl"`), "partner/unlisted-account"},
		"a subject that is replaced": {"",
			in(`issuer = "https://login.acme.test", subject = "$${aws:username}", audiences = ["a"]`),
			"has a placeholder in it"},
		"a certificate": {"", credential("certificate", a.ending(nil)), "Roles Anywhere"},
		"a principal of another partition": {"", in(`aws_principal = "arn:aws-cn:iam::444455556666:role/etl"`),
			"nobody can come from one into the other"},
		"the queue of another partition": {"", on("arn:aws:sqs:eusc-de-east-1:111122223333:acme", "send"),
			"is in aws-eusc"},
		"a token, which AWS has not": {"",
			"ephemeral \"partner_token\" \"acme\" {\n  identity_id = \"acme/prod/nobody\"\n}\n", "issues no tokens"},
		"a token of what the plan makes": {"",
			"ephemeral \"partner_token\" \"acme\" {\n  identity_id = partner_identity.orders.id\n}\n",
			"issues no tokens"},
		"more than AWS keeps for a user": {"", key + a.manyGrants(6), "has 4 of the identity's 6 grants"},
		"words that pass access on": {strings.Replace(a.provider(), "  aws = {",
			"  aws = {\n    actions = { share = [\"s3:PutBucketPolicy\"] }", 1), "", "passes access on"},
		"words that are everything of a service": {strings.Replace(a.provider(), "  aws = {",
			"  aws = {\n    actions = { every = [\"s3:*\"] }", 1), "", "is no action of AWS"},
	} {
		provider := c.provider
		if provider == "" {
			provider = a.provider()
		}
		a.write(provider + identity(a.ending(nil)) + c.config)
		out, err := a.try("plan", "-no-color")
		if want := regexp.MustCompile(c.want); err == nil || !want.MatchString(flowing(out)) {
			t.Errorf("%s: %v, want %q:\n%s", name, err, c.want, out)
		}
	}
	a.write(a.provider() + identity(a.ending(nil)) + key + a.manyGrants(4))
	if out, err := a.try("plan", "-no-color"); err != nil {
		t.Errorf("as many as fit: %v\n%s", err, out)
	}
}
