// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// account is the CLI on a server that speaks as AWS does, with a bucket for the ledger and one that partners come for.
type account struct {
	*cli
	cloud *realtool.Cloud
	end   string // of all that is declared
}

// ending returns the usual end, with other arguments.
func (a *account) ending(more args) args {
	all := args{"expires_at": a.end}
	for name, value := range more {
		all[name] = value
	}
	return all
}

func newAccount(t *testing.T, cloud *realtool.Cloud) *account {
	t.Helper()
	a := &account{newCLI(t), cloud, quarter()["expires_at"]}
	for _, path := range []string{"ledger", "exchange", "exchange/acme/daily/1.csv", "exchange/acme/weekly/1.csv"} {
		if status, answer := cloud.Call(t, cloud.Root(), "s3", http.MethodPut, path,
			strings.Repeat("x", strings.Count(path, "/"))); status != http.StatusOK {
			t.Fatalf("make %s: %d %s", path, status, answer)
		}
	}
	a.env = append(a.env, "AWS_ACCESS_KEY_ID="+cloud.Access, "AWS_SECRET_ACCESS_KEY="+cloud.Secret,
		"AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true")
	return a
}

// provider is the provider's block.
func (a *account) provider() string {
	endpoints := `iam = "` + a.cloud.IAM + `", s3 = "` + a.cloud.S3 + `"`
	if a.cloud.STS != "" {
		endpoints += `, sts = "` + a.cloud.STS + `"`
	}
	return "provider \"partner\" {\n  environment = \"prod\"\n  stack = \"partners\"\n  journal = { path = " +
		"\"journal.jsonl\" }\n" +
		"  aws = {\n    ledger = \"s3://ledger/prod\"\n    endpoints = { " + endpoints + " }\n  }\n}\n"
}

// reads reports whether somebody may read an object.
func (a *account) reads(as realtool.CloudLogin, path string) bool {
	a.t.Helper()
	status, answer := a.cloud.Call(a.t, as, "s3", http.MethodGet, path, "")
	if status != http.StatusOK && status != http.StatusForbidden {
		a.t.Fatalf("read %s: %d %s", path, status, answer)
	}
	return status == http.StatusOK
}

// grant is the usual grant, in AWS's words.
func (a *account) grant() string {
	return grant(a.ending(args{"resource": `"arn:aws:s3:::exchange/acme/daily/*"`}))
}

// planIsEmpty claims that a plan changes nothing.
func (a *account) planIsEmpty(when string) {
	a.t.Helper()
	if out, err := a.try("plan", "-no-color", "-detailed-exitcode"); err != nil {
		a.t.Errorf("%s the plan changes something: %v\n%s", when, err, out)
	}
}

func TestAKeyOnS3IsSealedRotatedAndDestroyed(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real S3")
	}
	t.Parallel()
	a := newAccount(t, realtool.StartVersityGW(t))
	a.env = append(a.env, "TF_LOG=TRACE", "TF_LOG_PATH="+filepath.Join(a.folder, "trace.log"))
	recipient, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key := func(trigger string) string {
		return credential("secret", a.ending(args{
			"secret":        `{ recipient = "` + recipient.Recipient().String() + `" }`,
			"rotation":      `{ every = "480h", overlap = "48h", trigger = { n = "` + trigger + `" } }`,
			"allowed_cidrs": `["127.0.0.0/8"]`,
		})) + "output \"sealed\" {\n  value     = partner_credential.orders.sealed_secret\n  sensitive = true\n}\n"
	}
	base := a.provider() + identity(a.ending(nil)) + a.grant()
	apply := func(text string) realtool.CloudLogin {
		t.Helper()
		a.write(text)
		a.must("apply", "-auto-approve", "-no-color")
		return a.opened("sealed", recipient)
	}
	a.env = append(a.env, "PATH="+filepath.Dir(realtool.Find(t, "aws"))+":"+os.Getenv("PATH"))
	first := apply(base + key("1") +
		"resource \"partner_rehearsal\" \"acme\" {\n  partner = \"acme\"\n  depends_on = " +
		"[partner_credential.orders]\n}\n" +
		"output \"rehearsal\" {\n  value = partner_rehearsal.acme\n}\n")
	var r rehearsed
	if a.output("rehearsal", &r); !slices.Equal(r.kinds(t), []string{"secret"}) {
		t.Errorf("the rehearsal tried %+v", r)
	}
	a.tellsOfRehearsals(filepath.Join(a.folder, "journal.jsonl"), "acme")
	if !a.reads(first, "exchange/acme/daily/1.csv") ||
		a.reads(first, "exchange/acme/weekly/1.csv") ||
		a.reads(first, "ledger/prod/system.json") {
		t.Error("the key reads something else than was granted")
	}
	a.planIsEmpty("after the apply")
	second := apply(base + key("2"))
	if first == second ||
		!a.reads(first, "exchange/acme/daily/1.csv") ||
		!a.reads(second, "exchange/acme/daily/1.csv") {
		t.Error("in the overlap not both keys read")
	}
	apply(a.provider() + identity(a.ending(args{"suspended": "true"})) + a.grant() + key("2"))
	if a.reads(first, "exchange/acme/daily/1.csv") || a.reads(second, "exchange/acme/daily/1.csv") {
		t.Error("a key reads while its identity is suspended")
	}
	apply(base + key("2"))
	if !a.reads(second, "exchange/acme/daily/1.csv") {
		t.Error("what was given back does not read")
	}
	kept := a.files()
	maps.Copy(kept, a.objects("ledger"))
	for _, there := range []string{"trace.log", "journal.jsonl", "terraform.tfstate",
		"s3://ledger/prod/identities/acme/prod/orders-etl.json"} {
		if len(kept[there]) == 0 {
			t.Errorf("%s is not there, so that nothing is shown of it", there)
		}
	}
	for name, text := range kept {
		for _, secret := range []string{first.Secret, second.Secret, a.cloud.Secret} {
			if strings.Contains(string(text), secret) ||
				strings.Contains(string(text), base64.StdEncoding.EncodeToString([]byte(secret))) {
				t.Errorf("%s has a key in the clear", name)
			}
		}
	}
	a.must("destroy", "-auto-approve", "-no-color")
	if a.reads(first, "exchange/acme/daily/1.csv") || a.reads(second, "exchange/acme/daily/1.csv") {
		t.Error("a key reads after the destroy")
	}
	var users struct {
		Names []string `xml:"ListUsersResult>Users>member>UserName"`
	}
	if a.cloud.Ask(t, a.cloud.Root(), "iam", "ListUsers", nil, &users); len(users.Names) != 0 {
		t.Errorf("IAM still has %v", users.Names)
	}
}

// objects are all objects of a bucket.
func (a *account) objects(bucket string) map[string][]byte {
	a.t.Helper()
	var listed struct {
		Keys []string `xml:"Contents>Key"`
	}
	_, answer := a.cloud.Call(a.t, a.cloud.Root(), "s3", http.MethodGet, bucket+"?list-type=2", "")
	if err := xml.Unmarshal(answer, &listed); err != nil {
		a.t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, key := range listed.Keys {
		_, all["s3://"+bucket+"/"+key] = a.cloud.Call(a.t, a.cloud.Root(), "s3", http.MethodGet, bucket+"/"+key, "")
	}
	return all
}

// opened is what a partner makes of what was sealed to him.
func (a *account) opened(output string, recipient age.Identity) realtool.CloudLogin {
	a.t.Helper()
	var sealed string
	if err := json.Unmarshal([]byte(a.must("output", "-no-color", "-json", output)), &sealed); err != nil {
		a.t.Fatal(err)
	}
	text, err := age.Decrypt(armor.NewReader(strings.NewReader(sealed)), recipient)
	if err != nil {
		a.t.Fatal(err)
	}
	clear, err := io.ReadAll(text)
	if err != nil {
		a.t.Fatal(err)
	}
	var login struct {
		Version                      int
		AccessKeyID, SecretAccessKey string
	}
	if err := json.Unmarshal(clear, &login); err != nil || login.Version != 1 {
		a.t.Fatalf("it is not what credential_process prints: %v", err)
	}
	return realtool.CloudLogin{Access: login.AccessKeyID, Secret: login.SecretAccessKey}
}

// vendorLogin makes a user in an account of a partner's, who may take roles on, and returns his ARN and login.
func (a *account) vendorLogin(number string) (arn string, as realtool.CloudLogin) {
	a.t.Helper()
	root := a.cloud.In(number).Root()
	const rights = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`
	var out struct {
		ID     string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		Secret string `xml:"CreateAccessKeyResult>AccessKey>SecretAccessKey"`
	}
	for _, ask := range []struct {
		action string
		in     map[string]string
	}{
		{"CreateUser", map[string]string{"UserName": "acme-etl"}},
		{"PutUserPolicy", map[string]string{"UserName": "acme-etl", "PolicyName": "assume", "PolicyDocument": rights}},
		{"CreateAccessKey", map[string]string{"UserName": "acme-etl"}},
	} {
		if !a.cloud.Ask(a.t, root, "iam", ask.action, ask.in, &out) {
			a.t.Fatal(ask.action)
		}
	}
	return "arn:aws:iam::" + number + ":user/acme-etl", realtool.CloudLogin{Access: out.ID, Secret: out.Secret}
}

// comesIn takes on a role, and returns the session; false where that is refused.
func (a *account) comesIn(as realtool.CloudLogin, role, externalID string) (session realtool.CloudLogin, is bool) {
	a.t.Helper()
	var out struct {
		ID     string `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Secret string `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token  string `xml:"AssumeRoleResult>Credentials>SessionToken"`
	}
	is = a.cloud.Ask(a.t, as, "sts", "AssumeRole",
		map[string]string{"RoleArn": role, "ExternalId": externalID, "RoleSessionName": "etl"}, &out)
	return realtool.CloudLogin{Access: out.ID, Secret: out.Secret, Token: out.Token}, is
}

func TestAVendorsAccountIsGovernedFromTheFirstApplyToTheDestroy(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real STS")
	}
	t.Parallel()
	a := newAccount(t, realtool.StartMinistack(t))
	arn, vendor := a.vendorLogin("444455556666")
	trust := a.ending(args{"federated": `{ aws_principal = "` + arn + `", external_id = "acme-7-example" }`})
	login := "output \"login\" { value = partner_credential.orders.login }\n"
	base := a.provider() + identity(a.ending(nil)) + credential("federated", trust) + login
	a.write(base + a.grant())
	a.must("apply", "-auto-approve", "-no-color")
	var told map[string]string
	a.output("login", &told)
	session, in := a.comesIn(vendor, told["role_arn"], told["external_id"])
	if !in ||
		told["external_id"] != "acme-7-example" ||
		!a.reads(session, "exchange/acme/daily/1.csv") ||
		a.reads(session, "exchange/acme/weekly/1.csv") {
		t.Fatalf("the vendor does not come in by %v", told)
	}
	if _, in := a.comesIn(vendor, told["role_arn"], "acme-8-example"); in {
		t.Error("the vendor comes in with another external id")
	}
	a.planIsEmpty("after the apply")

	role := told["role_arn"][strings.LastIndexByte(told["role_arn"], '/')+1:]
	const all = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	a.cloud.Ask(t, a.cloud.Root(), "iam", "PutRolePolicy",
		map[string]string{"RoleName": role, "PolicyName": "more", "PolicyDocument": all}, nil)
	if !a.reads(session, "exchange/acme/weekly/1.csv") {
		t.Fatal("what somebody else attached does not act, so that nothing is shown")
	}
	if out, err := a.try("plan", "-no-color", "-detailed-exitcode"); err == nil ||
		(!strings.Contains(out, `policy \"more\"`) && !strings.Contains(out, `policy "more"`)) {
		t.Errorf("the plan does not tell of what somebody attached: %v\n%s", err, out)
	}
	a.must("apply", "-auto-approve", "-no-color")
	if a.reads(session, "exchange/acme/weekly/1.csv") || !a.reads(session, "exchange/acme/daily/1.csv") {
		t.Error("the apply does not bring the role in line")
	}
	a.must("destroy", "-auto-approve", "-no-color")
	if _, in := a.comesIn(vendor, told["role_arn"], told["external_id"]); in ||
		a.reads(session, "exchange/acme/daily/1.csv") {
		t.Error("the vendor is in after the destroy")
	}
}

// What is held stays held: through an apply, and through a destroy and an apply of the same names.
func TestWhatWasCutByHandInIAMStaysCut(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real STS")
	}
	t.Parallel()
	a := newAccount(t, realtool.StartMinistack(t))
	arn, vendor := a.vendorLogin("444455556666")
	trust := a.ending(args{"federated": `{ aws_principal = "` + arn + `", external_id = "acme-7-example" }`})
	text := func(replaced args) string {
		return a.provider() + identity(a.ending(replaced)) + credential("federated", trust) + a.grant() +
			"output \"login\" { value = partner_credential.orders.login }\n"
	}
	a.write(text(nil))
	a.must("apply", "-auto-approve", "-no-color")
	var told map[string]string
	a.output("login", &told)
	session, in := a.comesIn(vendor, told["role_arn"], told["external_id"])
	if !in || !a.reads(session, "exchange/acme/daily/1.csv") {
		t.Fatal("the vendor does not come in")
	}
	role := told["role_arn"][strings.LastIndexByte(told["role_arn"], '/')+1:]
	const hold = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`
	a.cloud.Ask(t, a.cloud.Root(), "iam", "PutRolePolicy",
		map[string]string{"RoleName": role, "PolicyName": "partner-hold", "PolicyDocument": hold}, nil)
	if a.reads(session, "exchange/acme/daily/1.csv") {
		t.Fatal("the cut does not act")
	}
	a.write(text(args{"purpose": `"Nightly order feed into the new ERP"`}))
	a.must("apply", "-auto-approve", "-no-color")
	if a.reads(session, "exchange/acme/daily/1.csv") {
		t.Error("an apply gives back what was cut by hand")
	}
	a.must("destroy", "-auto-approve", "-no-color")
	time.Sleep(time.Second) // a mark tells whole seconds
	if out, err := a.try("apply", "-auto-approve", "-no-color"); err == nil {
		if again, in := a.comesIn(vendor, told["role_arn"], told["external_id"]); in &&
			a.reads(again, "exchange/acme/daily/1.csv") {
			t.Errorf("what was cut by hand is back under its old name:\n%s", out)
		}
	}
	a.write(text(args{"hold_released": `"INC-7"`}))
	a.must("apply", "-auto-approve", "-no-color")
	if again, in := a.comesIn(vendor, told["role_arn"], told["external_id"]); !in ||
		!a.reads(again, "exchange/acme/daily/1.csv") {
		t.Error("what was released is not given back")
	}
}

// A way that does not lead to AWS is one error, which says what was not found, and nothing that is secret.
func TestAWayThatDoesNotLeadToAWSIsOneError(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real S3")
	}
	t.Parallel()
	a := newAccount(t, realtool.StartVersityGW(t))
	usual, env := a.provider(), a.env
	for what, c := range map[string]struct {
		from, to string
		env      []string
		says     string
	}{
		"a bucket that is not there": {"s3://ledger/prod", "s3://nowhere/prod", nil,
			"The ledger cannot be reached: s3://nowhere/prod"},
		"a key of somebody else": {"", "",
			[]string{"AWS_SECRET_ACCESS_KEY=quite-another-secret-of-forty-characters"}, "AWS refuses this login"},
		"no login at all": {"", "",
			[]string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "HOME=" + a.folder}, "AWS refuses this login"},
		"a ledger that is no place": {"s3://ledger/prod", "ledger", nil, "aws.ledger: "},
		"no region": {"", "", []string{"AWS_REGION=", "AWS_DEFAULT_REGION="},
			"Invalid aws configuration"},
		"a ledger that is silent": {`s3 = "` + a.cloud.S3, `s3 = "http://` + silent(t), nil, "no answer in time"},
		"authorities that are gone": {"", "", []string{"AWS_CA_BUNDLE=/nonexistent/ca.pem"},
			"file of AWS_CA_BUNDLE: open "},
		"an endpoint without TLS": {a.cloud.IAM, "http://iam.example.test", nil, "aws.endpoints.iam: "},
		"a word that passes access on": {"    ledger =", "    actions = { pass = [\"iam:PassRole\"] }\n    ledger =",
			nil, "Invalid aws configuration"},
	} {
		a.env = slices.Concat(env, c.env)
		a.write(strings.ReplaceAll(usual, c.from, c.to) + identity(a.ending(nil)))
		if c.from == "" {
			a.write(usual + identity(a.ending(nil)))
		}
		begun := time.Now()
		out, err := a.try("plan", "-no-color")
		if err == nil ||
			!strings.Contains(flowing(out), c.says) ||
			strings.Count(out, "Error: ") != 1 ||
			strings.Contains(out, "quite-another-secret") ||
			(what == "a ledger that is silent" && time.Since(begun) > time.Minute) {
			t.Errorf("%s: after %s: %v\n%s", what, time.Since(begun), err, out)
		}
	}
}
