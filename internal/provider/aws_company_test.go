// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// company puts the example of AWS into the folder of the CLI, with variables for the server of the test.
func (a *account) company(recipient *age.X25519Identity) {
	a.t.Helper()
	for _, name := range []string{"main.tf", "variables.tf", "outputs.tf"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "examples", "aws", name))
		if err != nil {
			a.t.Fatal(err)
		}
		a.file(name, string(text))
	}
	setup := exec.Command("./setup.sh") // what an administrator runs once
	setup.Dir = filepath.Join("..", "..", "examples", "aws")
	setup.Env = append(slices.Clone(a.env), "LEDGER_BUCKET=company-ledger", "AWS_ENDPOINT_URL="+a.cloud.IAM)
	for range 2 { // it can be run again
		if out, err := setup.CombinedOutput(); err != nil {
			a.t.Fatalf("%v\n%s", err, out)
		}
		setup = &exec.Cmd{Path: setup.Path, Args: setup.Args, Dir: setup.Dir, Env: setup.Env}
	}
	in100 := func(days int) string { return access.At(time.Now().Add(time.Duration(days) * 24 * time.Hour)).String() }
	variables, err := json.Marshal(map[string]any{
		"expires_at": in100(100), "agreements_end_at": in100(200), "region": "us-east-1",
		"ledger_bucket": "company-ledger", "exchange_bucket": "exchange",
		"boundary":         "arn:aws:iam::" + a.cloud.Access + ":policy/partner-boundary",
		"endpoints":        map[string]string{"iam": a.cloud.IAM, "sts": a.cloud.STS, "s3": a.cloud.S3},
		"globex_recipient": recipient.Recipient().String(), "globex_networks": []string{"127.0.0.0/24"},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	a.file("terraform.tfvars.json", string(variables))
	for _, path := range []string{"exchange/observant/exports/1.csv", "exchange/globex/invoices/1.pdf"} {
		if status, answer := a.cloud.Call(a.t, a.cloud.Root(), "s3", http.MethodPut, path,
			"x"); status != http.StatusOK {
			a.t.Fatalf("make %s: %d %s", path, status, answer)
		}
	}
}

// withToken takes on a role with a token of a partner's issuer. Ministack does not look who signed it.
func (a *account) withToken(role, issuer, subject, audience string) (session realtool.CloudLogin, is bool) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: issuer, Subject: subject, Audience: jwt.Audience{audience}, IssuedAt: jwt.NewNumericDate(time.Now()),
		Expiry: jwt.NewNumericDate(time.Now().Add(5 * time.Minute)),
	}).Serialize()
	if err != nil {
		a.t.Fatal(err)
	}
	var out struct {
		ID     string `xml:"AssumeRoleWithWebIdentityResult>Credentials>AccessKeyId"`
		Secret string `xml:"AssumeRoleWithWebIdentityResult>Credentials>SecretAccessKey"`
		Token  string `xml:"AssumeRoleWithWebIdentityResult>Credentials>SessionToken"`
	}
	in := map[string]string{"RoleArn": role, "RoleSessionName": "etl", "WebIdentityToken": token}
	is = a.cloud.Ask(a.t, a.cloud.Root(), "sts", "AssumeRoleWithWebIdentity", in, &out)
	return realtool.CloudLogin{Access: out.ID, Secret: out.Secret, Token: out.Token}, is
}

func TestACompanyWithThreePartnersOnAWS(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real STS")
	}
	t.Parallel()
	a := newAccount(t, realtool.StartMinistack(t))
	recipient, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	a.company(recipient)
	a.file("handover.tf", `output "handover" {
  value     = provider::partner::handover(partner_identity.observant, [partner_credential.observant], [partner_grant.observant])
  sensitive = true
}
`)
	a.must("apply", "-auto-approve", "-no-color")
	a.planIsEmpty("after the apply")
	var logins map[string]map[string]string
	a.output("logins", &logins)

	var handover string
	a.output("handover", &handover)
	for _, part := range []string{"From your own AWS account", "`arn:aws:iam::444455556666:root`",
		logins["observant"]["role_arn"], "`example-7f3a91c2`"} {
		if !strings.Contains(handover, part) {
			t.Errorf("the handover does not tell Observant %q:\n%s", part, handover)
		}
	}

	_, vendor := a.vendorLogin("444455556666")
	_, stranger := a.vendorLogin("777788889999")
	observant, in := a.comesIn(vendor, logins["observant"]["role_arn"], logins["observant"]["external_id"])
	if !in || logins["observant"]["external_id"] != "example-7f3a91c2" {
		t.Fatalf("Observant does not come in by %v", logins["observant"])
	}
	if _, in := a.comesIn(vendor, logins["observant"]["role_arn"], "example-of-another"); in {
		t.Error("Observant comes in with the external id of another company")
	}
	if _, in := a.comesIn(stranger, logins["observant"]["role_arn"], "example-7f3a91c2"); in {
		t.Error("another account comes in as Observant")
	}
	acme, in := a.withToken(logins["acme"]["role_arn"], "https://login.acme.test", "svc-orders", "sts.amazonaws.com")
	if !in {
		t.Fatalf("ACME does not come in by %v", logins["acme"])
	}
	if _, in := a.withToken(logins["acme"]["role_arn"], "https://login.acme.test", "svc-other",
		"sts.amazonaws.com"); in {
		t.Error("another workload of ACME's comes in")
	}
	globex := a.opened("globex_key", recipient)
	for _, c := range []struct {
		who    string
		as     realtool.CloudLogin
		method string
		path   string
		may    bool
	}{
		{"Observant", observant, http.MethodGet, "exchange/observant/exports/1.csv", true},
		{"Observant", observant, http.MethodPut, "exchange/observant/exports/1.csv", false},
		{"Observant", observant, http.MethodGet, "exchange/acme/daily/1.csv", false},
		{"ACME", acme, http.MethodGet, "exchange/acme/daily/1.csv", true},
		{"ACME", acme, http.MethodGet, "exchange/acme/weekly/1.csv", false},
		{"Globex", globex, http.MethodPut, "exchange/globex/invoices/2.pdf", true},
		{"Globex", globex, http.MethodGet, "exchange/globex/invoices/1.pdf", false},
		{"Globex", globex, http.MethodGet, "company-ledger/prod/system.json", false},
	} {
		if status, answer := a.cloud.Call(t, c.as, "s3", c.method, c.path, "x"); (status == http.StatusOK) != c.may {
			t.Errorf("%s %s %s: %d %s", c.who, c.method, c.path, status, answer)
		}
	}
	var kit map[string][]string
	a.output("kill_kit", &kit)
	for _, step := range kit["observant"] {
		cut := exec.Command("sh", "-c", step)
		cut.Env = a.env
		if out, err := cut.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", step, err, out)
		}
	}
	if a.reads(observant, "exchange/observant/exports/1.csv") || !a.reads(acme, "exchange/acme/daily/1.csv") {
		t.Error("the printed steps do not cut Observant, and Observant alone")
	}

	a.must("destroy", "-auto-approve", "-no-color")
	for who, as := range map[string]realtool.CloudLogin{"Observant": observant, "ACME": acme, "Globex": globex} {
		if status, _ := a.cloud.Call(t, as, "s3", http.MethodGet, "exchange/acme/daily/1.csv",
			""); status == http.StatusOK {
			t.Errorf("%s is in after the destroy", who)
		}
	}
	var left struct {
		Roles []string `xml:"ListRolesResult>Roles>member>RoleName"`
		Users []string `xml:"ListUsersResult>Users>member>UserName"`
	}
	a.cloud.Ask(t, a.cloud.Root(), "iam", "ListRoles", map[string]string{"PathPrefix": "/partner/"}, &left)
	a.cloud.Ask(t, a.cloud.Root(), "iam", "ListUsers", map[string]string{"PathPrefix": "/partner/"}, &left)
	if len(left.Roles)+len(left.Users) > 0 {
		t.Errorf("after the destroy there is %v", left)
	}
}
