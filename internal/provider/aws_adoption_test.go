// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// undeclared is what the inventory says of one thing that nobody declared.
type undeclared struct {
	NativeID    string `json:"native_id"`
	Import      string `json:"import"`
	Declaration string `json:"declaration"`
	Revocation  []string
}

// ungoverned applies a configuration, and returns what the inventory then finds that nobody declared.
func (a *account) ungoverned(config string) (all []undeclared) {
	a.t.Helper()
	a.write(config + "data \"partner_inventory\" \"it\" { flags = [\"ungoverned\"] }\noutput \"found\" { value = " +
		"data.partner_inventory.it.items }\n")
	a.must("apply", "-auto-approve", "-no-color")
	if err := json.Unmarshal([]byte(a.must("output", "-no-color", "-json", "found")), &all); err != nil {
		a.t.Fatal(err)
	}
	return all
}

// What the inventory prints is pasted and filled in. The key of a user goes on under its declaration, a role's partner
// takes a new one, and when the old one is cut nothing ungoverned is left.
func TestWhatTheInventoryFindsOnAWSIsPastedAndApplied(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real IAM")
	}
	t.Parallel()
	a := newAccount(t, realtool.StartMinistack(t))
	ask := func(action string, in map[string]string, out any) {
		t.Helper()
		if !a.cloud.Ask(t, a.cloud.Root(), "iam", action, in, out) {
			t.Fatal(action)
		}
	}
	// ministack moves no users: the tests of package aws move one on another server
	const user = "partner.acme.prod.sftp.adopted"
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"arn:aws:s3:::exchange/acme/daily/*"},
		{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`
	ask("CreateUser", map[string]string{"UserName": user, "Path": "/partner/acme/prod/"}, nil)
	ask("PutUserPolicy", map[string]string{"UserName": user, "PolicyName": "sftp", "PolicyDocument": policy}, nil)
	var key struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	ask("CreateAccessKey", map[string]string{"UserName": user}, &key)
	old := realtool.CloudLogin{Access: key.ID, Secret: key.Secret}
	ask("CreateUser", map[string]string{"UserName": "acme-ftp"}, nil)
	ask("PutUserPolicy", map[string]string{"UserName": "acme-ftp", "PolicyName": "ftp", "PolicyDocument": policy}, nil)
	ask("CreateAccessKey", map[string]string{"UserName": "acme-ftp"}, nil)
	vendor, as := a.vendorLogin("444455556666")
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + vendor +
		`"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"acme-7"}}}]}`
	ask("CreateRole", map[string]string{"RoleName": "acme-legacy", "AssumeRolePolicyDocument": trust}, nil)
	ask("PutRolePolicy", map[string]string{"RoleName": "acme-legacy", "PolicyName": "read", "PolicyDocument": policy},
		nil)
	roleOf := func(name string) string { return "arn:aws:iam::" + a.cloud.Access + ":role/" + name }

	provider := strings.Replace(a.provider(), "  aws = {",
		`  partners = { acme = { kind = "vendor", domains = ["acme.test"], contact = "noc@acme.test", aws_accounts = ["444455556666"] } }
  aws = {`, 1)
	all := a.ungoverned(provider)
	if len(all) != 3 ||
		all[0].NativeID != "role/acme-legacy" ||
		all[0].Import != "" ||
		!strings.Contains(all[2].Import, "@user/partner/acme/prod/"+user) {
		t.Fatalf("the inventory finds %+v", all)
	}
	filled := func(text string) string {
		for argument, value := range map[string]string{
			"owner     ": "jane.doe@example.com",
			"purpose   ": "Nightly order feed of the ERP",
			"expires_at": strings.Trim(a.end, `"`),
		} {
			text = strings.ReplaceAll(text, argument+` = ""`, argument+` = "`+value+`"`)
		}
		return text
	}
	a.write(provider + strings.Replace(all[1].Import, "acme/ENVIRONMENT/NAME", "acme/prod/acme-ftp", 1) +
		filled(all[1].Declaration))
	if out, err := a.try("plan", "-no-color"); err == nil ||
		!regexp.MustCompile(`(?m)^.*aws iam tag-user.*aws iam update-user.*false; \}$`).MatchString(out) {
		t.Errorf("the command that moves a user is not on one line: %v\n%s", err, out)
	}
	pasted := all[0].Declaration + strings.Replace(all[2].Import, "acme/ENVIRONMENT/NAME", "acme/prod/sftp", 1) +
		strings.ReplaceAll(all[2].Declaration, `name       = "`+strings.ReplaceAll(user, ".", "-")+`"`, `name = "sftp"`)
	a.write(provider + pasted)
	if out, err := a.try("plan", "-no-color"); err == nil {
		t.Errorf("it is planned without owner, purpose and end:\n%s", out)
	}
	pasted = filled(pasted)
	left := a.ungoverned(provider + pasted)
	if !a.reads(old, "exchange/acme/daily/1.csv") || a.reads(old, "exchange/acme/weekly/1.csv") {
		t.Error("the key of the adopted user reads something else than is declared")
	}
	session, in := a.comesIn(as, roleOf("partner/acme/prod/partner.acme.prod.acme-legacy.federated"), "acme-7")
	if !in ||
		!a.reads(session, "exchange/acme/daily/1.csv") ||
		a.reads(session, "exchange/acme/weekly/1.csv") {
		t.Error("the vendor does not come in by the new role, or reads something else than is declared")
	}
	before, in := a.comesIn(as, roleOf("acme-legacy"), "acme-7")
	if !in || !a.reads(before, "exchange/acme/weekly/1.csv") || len(left) != 3 {
		t.Fatalf("the old role does not work before it is cut, or the inventory has lost it: %+v", left)
	}
	for _, u := range all[:2] {
		cut := exec.Command("sh", "-c", u.Revocation[0])
		cut.Env = append(append(os.Environ(), a.env...),
			"PATH="+filepath.Dir(realtool.Find(t, "aws"))+":"+os.Getenv("PATH"))
		if out, err := cut.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if a.reads(before, "exchange/acme/weekly/1.csv") {
		t.Error("the old role still reads")
	}
	if left := a.ungoverned(provider + pasted); len(left) > 0 {
		t.Errorf("the inventory still finds %+v", left)
	}
	a.must("destroy", "-auto-approve", "-no-color")
	if a.reads(old, "exchange/acme/daily/1.csv") {
		t.Error("the adopted key reads after the destroy")
	}
}
