// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// shell runs a block of a page as a reader does, in a folder, with terraform and what else it takes on the PATH.
func shell(t *testing.T, folder string, env []string, text string) string {
	t.Helper()
	bin := t.TempDir()
	if err := os.Symlink(os.Getenv(commandLine), filepath.Join(bin, "terraform")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-ec", text)
	cmd.Dir = folder
	cmd.Env = append(slices.Clone(env), "PATH="+bin+":"+os.Getenv("PATH"), "TF_CLI_ARGS=-no-color",
		"TF_CLI_ARGS_apply=-auto-approve", "TF_CLI_ARGS_destroy=-auto-approve")
	var out, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s\n%v\n%s%s", text, err, tail(out.String()), tail(failed.String()))
	}
	return out.String()
}

func tail(text string) string { return text[max(0, len(text)-3000):] }

// targets are made by make, or are tests that are there.
func targets(t *testing.T, commands string) {
	t.Helper()
	root := filepath.Join("..", "..")
	for line := range strings.Lines(commands) {
		command, _, _ := strings.Cut(line, "#")
		switch words := strings.Fields(command); {
		case len(words) > 1 && words[0] == "make":
			shell(t, root, os.Environ(), "make -n "+strings.Join(words[1:], " "))
		case len(words) == 5 &&
			words[0] == "go" &&
			words[1] == "test" &&
			words[3] == "-run":
			shell(t, root, os.Environ(), "grep -rq 'func Test.*"+words[4]+"' "+words[2])
		default:
			t.Errorf("neither a target nor a test: %q", line)
		}
	}
}

func TestTheReadmeIsRun(t *testing.T) {
	needTerraform(t)
	t.Parallel()
	block := blocksOf(t, "README.md")
	targets(t, block("make demo"))
	targets(t, block("make test-fast"))

	l := newLab(t)
	_, csr := newCSR()
	l.put("acme/orders-etl.csr", csr)
	access := block(`provider "partner" {`)
	l.write("\n" + access)
	l.must("apply", "-auto-approve")
	l.must("plan", "-detailed-exitcode")
	// What it prints of a refusal is what a plan says.
	var said strings.Builder
	for _, d := range l.refuses("\n" + strings.Replace(access, `["read", "list"]`, `["*"]`, 1)) {
		said.WriteString("Error: " + d.Summary + " " + strings.Join(strings.Fields(d.Detail), " ") + "\n")
	}
	for line := range strings.Lines(block("Error: scope/wildcard-action")) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "Grant acme/prod/orders-etl/orders-acme-daily-502f3354: ")
		if !strings.Contains(said.String(), line) {
			t.Errorf("the plan does not say %q:\n%s", line, said.String())
		}
	}
	// Whoever has a secret there instead, with the same rotation, is not refused.
	l.write("\n" + strings.Replace(access, `certificate   = { csr = file("acme/orders-etl.csr") }`,
		`secret        = { recipient = "`+partnerAgeKey.Recipient().String()+`" }`, 1))
	l.must("plan")
}

// put writes a file beside an example.
func (l *lab) put(name, text string) {
	l.t.Helper()
	path := filepath.Join(l.folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// fresh moves the ends of an example that is planned by the time of this machine.
func fresh(text string) string {
	return strings.NewReplacer("2027-03-31T", time.Now().AddDate(0, 0, 120).Format("2006-01-02T"), "2027-02-28T",
		time.Now().AddDate(0, 0, 90).Format("2006-01-02T")).Replace(text)
}

// newcomersFolder is the folder of somebody who has a clean checkout and nothing else, and has followed the pages to
// the end by scripts/newcomer. It runs every block of theirs that is listed as run by this test.
func newcomersFolder(t *testing.T, env []string) string {
	t.Helper()
	root := filepath.Join("..", "..")
	folder := filepath.Join(t.TempDir(), "access")
	if err := exec.Command("git", "-C", root, "rev-parse", "HEAD").Run(); err != nil {
		t.Skip("it needs a commit to check out: ", err)
	}
	checkout := filepath.Join(t.TempDir(), "terraform-provider-partner")
	shell(t, root, os.Environ(), "git clone -q . '"+checkout+"'")
	said := shell(t, checkout, env, "scripts/newcomer '"+folder+"' 2>&1")
	for _, page := range []string{"README.md", "docs/guides/getting-started.md"} {
		for begins, by := range runBy[page] {
			if by == t.Name() && !strings.Contains(said, "newcomer: "+page+": "+begins) {
				t.Errorf("scripts/newcomer runs no block of %s that begins %q", page, begins)
			}
		}
	}
	return folder
}

func TestGettingStartedIsRun(t *testing.T) {
	if brief() {
		t.Skip("it runs what a newcomer types, one command after the other")
	}
	needTerraform(t)
	for _, program := range []string{"age", "opa", "openssl", "ssh-keygen", "jq"} {
		realtool.Find(t, program)
	}
	t.Parallel()
	c := newCLI(t)
	c.folder = newcomersFolder(t, c.env)
	run := func(text string) string { return shell(t, c.folder, c.env, text) }
	started := blocksOf(t, "docs/guides/getting-started.md")
	life := blocksOf(t, "docs/guides/lifecycle.md")

	apply := started("terraform apply")
	sealed := started("terraform output -raw sealed_key")
	decide := started(`printf '{"credential"`)
	decides := func(want string) {
		t.Helper()
		if out := run(decide); !strings.Contains(out, `"value": `+want) {
			t.Errorf("OPA does not say %s:\n%s", want, tail(out))
		}
	}
	run(apply)
	run(blocksOf(t, "docs/guides/guardrails.md")("terraform destroy -refresh=false"))
	run(apply)
	run(sealed)
	decides("true")
	run(blocksOf(t, "docs/guides/embedded.md")("sh .partner/prod/publish/cut.sh"))
	decides("false")

	run("terraform state rm partner_grant.daily partner_credential.key partner_identity.orders")
	run(life("terraform import"))
	if out := run("terraform plan"); regexp.MustCompile(`# partner_\S+ (will|must) be`).MatchString(out) {
		t.Errorf("the plan after the imports:\n%s", tail(out))
	}

	run(life("terraform destroy"))

	journal := blocksOf(t, "docs/guides/journal.md")
	prod := filepath.Join(c.folder, ".partner", "prod")
	if out := shell(t, prod, c.env, journal("jq -r 'select(.phase")); strings.Count(out, "acme/prod/orders-etl") < 4 {
		t.Errorf("jq finds too few revocations:\n%s", out)
	}
	if out := shell(t, prod, c.env,
		journal("jq -r 'select((.id")); !regexp.MustCompile(`\tcreate\tacme/prod/\S+\t.*"resource":"orders/acme`).
		MatchString(out) {
		t.Errorf("jq does not tell what the partner could reach:\n%s", out)
	}
	shell(t, prod, c.env, journal("mkdir evidence"))
	if _, err := os.Stat(filepath.Join(prod, "evidence", "journal.jsonl.head")); err != nil {
		t.Error(err)
	}
}

func TestFragmentsOfTheGuidesAreTaken(t *testing.T) {
	slow(t)
	needTerraform(t)
	t.Parallel()
	embedded := blocksOf(t, "docs/guides/embedded.md")
	guardrails := blocksOf(t, "docs/guides/guardrails.md")
	inventory := blocksOf(t, "docs/guides/inventory.md")
	journal := blocksOf(t, "docs/guides/journal.md")
	life := blocksOf(t, "docs/guides/lifecycle.md")
	rotation := blocksOf(t, "docs/guides/rotation.md")

	ends := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(`"2006-01-02T00:00:00Z"`) }
	for _, provider := range []string{
		embedded("provider \"partner\" {\n  environment = \"prod\"\n  embedded    = { directory"),
		embedded("provider \"partner\" {\n  environment = \"prod\"\n  embedded    = { sshd"),
		journal(`provider "partner" {`), guardrails(`provider "partner" {`),
		"provider \"partner\" {\n  environment = \"prod\"\n  " + embedded("embedded = { use_logs") + "}\n",
		"provider \"partner\" {\n  environment = \"prod\"\n  " + embedded("embedded = { publication_life") + "}\n",
	} {
		c := newCLI(t)
		for _, folder := range []string{"/srv/partner", "/var/log/partner"} {
			here := filepath.Join(c.folder, filepath.Base(filepath.Dir(folder)))
			if err := os.MkdirAll(here, 0o700); err != nil {
				t.Fatal(err)
			}
			provider = strings.ReplaceAll(provider, folder, here)
		}
		c.write(provider + identity(args{"expires_at": ends(60)}) + grant(args{"expires_at": ends(40)}))
		c.must("apply", "-auto-approve", "-no-color")
		c.must("plan", "-detailed-exitcode", "-no-color")
	}

	l := newLab(t)
	applied := func(text string) {
		t.Helper()
		l.write(text)
		l.must("apply", "-auto-approve")
		l.must("plan", "-detailed-exitcode")
	}
	applied(identity(args{"expires_at": `"2027-05-31T00:00:00Z"`}) + life(`resource "partner_grant" "daily" {`))
	for _, fragment := range []string{life("rotation = {"), life("revoke_issued_before"), rotation("rotation = {"),
		rotation("revoke_issued_before")} {
		name, value, _ := strings.Cut(fragment, " = ")
		applied(identity(nil) + grant(nil) + credential("secret", args{name: strings.TrimSpace(value)}))
	}
	l.write(identity(nil) + "data \"partner_inventory\" \"all\" {}\n" + inventory(`output "import_blocks" {`))
	l.must("apply", "-auto-approve") // the output changes with what is there
	migration := strings.Replace(guardrails(`resource "partner_identity" "migration`), "  # ...\n", `
  partner    = "acme"
  name       = "migration"
  owner      = "jane.doe@example.com"
  purpose    = "Move the order files to the new ERP"
  expires_at = "2028-06-30T00:00:00Z"
`, 1)
	applied(migration)

	rule, ok := guardrail.Lookup("expiry/outlives-agreement")
	printed, _, _ := strings.Cut(guardrails("Error: expiry/outlives-agreement"), "\n")
	if !ok || !strings.EqualFold(printed, "Error: expiry/outlives-agreement: "+rule.Title) {
		t.Errorf("the rule's title is %q; printed is %q", rule.Title, printed)
	}
	var used map[string]any
	if err := json.Unmarshal([]byte(embedded(`{"time": "2027-01-01T03:00:00Z"`)), &used); err != nil || len(used) != 4 {
		t.Errorf("the line of a use log: %v, %v", used, err)
	}
	sameKeys(t, journal(`{"schema":2`), "journal-line-v2.md")
	sameKeys(t,
		`{"schema":1,"seq":7,"time":"","phase":"done","verb":"revoke","change":"","refused":"","seconds":0.008,"previous":"","hash":""}`,
		"journal-line-v1.md")

	speed := blocksOf(t, "CONTRIBUTING.md")
	targets(t, speed("make bench"))
	targets(t, speed("make test-fast"))
	for command, benchmark := range map[string]string{speed("go test ./internal/system"): "Plan",
		speed("PARTNER_VAULT_PROVIDER="): "BesideVault"} {
		folder := regexp.MustCompile(`\./internal/\S+`).FindString(command)
		if out := shell(t, filepath.Join("..", ".."), os.Environ(),
			"grep -rl 'func Benchmark.*"+benchmark+"' "+folder); out == "" ||
			!strings.Contains(command, "-bench "+benchmark+" ") {
			t.Errorf("no benchmark runs by %s", command)
		}
	}
}

// A reader who copies the block at the head of a page has changed nothing: its levels are those of a
// provider block without it.
func TestTheLevelsOnTheRulesPagesAreTheDefaults(t *testing.T) {
	needTerraform(t)
	t.Parallel()
	shown := map[string]string{}
	setting := regexp.MustCompile(`(?m)^ +"([a-z0-9-]+/[a-z0-9-]+)" += "(\w+)"$`)
	c := newCLI(t)
	for _, b := range publishedBlocks(t) {
		if !strings.HasPrefix(b.page, "docs/guides/guardrails-") || !strings.HasPrefix(b.text, "provider") {
			continue
		}
		for _, found := range setting.FindAllStringSubmatch(b.text, -1) {
			shown[found[1]] = found[2]
		}
		c.write(b.text)
		c.must("validate", "-no-color")
	}
	for _, rule := range guardrail.Catalogue() {
		if level, ok := shown[rule.Slug]; ok == rule.Fixed || (ok && level != rule.Level.String()) {
			t.Errorf("%s is shown as %q; it is %s, fixed: %v", rule.Slug, level, rule.Level, rule.Fixed)
		}
	}
}

// sameKeys compares the keys of printed lines of a journal with those of a page with a schema.
func sameKeys(t *testing.T, lines, page string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", page))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range regexp.MustCompile(`"(\w+)":`).FindAllStringSubmatch(lines, -1) {
		if !strings.Contains(string(text), `"`+key[1]+`": {`) {
			t.Errorf("a printed line of the journal has %s, which the schema has not", key[1])
		}
	}
}

func TestTheExampleOfATestedModuleIsRun(t *testing.T) {
	needTerraform(t)
	t.Parallel()
	l := newLab(t)
	if err := os.CopyFS(l.folder, os.DirFS("../../examples/tested-module")); err != nil {
		t.Fatal(err)
	}
	if out := shell(t, l.folder, l.env, "terraform test"); !strings.Contains(out, "0 failed") {
		t.Errorf("terraform test says\n%s", tail(out))
	}
}

// The examples of the reference refer to each other, or to what everybody has.
func TestTheReferencesExamplesAreApplied(t *testing.T) {
	slow(t)
	needTerraform(t)
	t.Parallel()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("..", "..", "examples", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return "\n" + string(text)
	}
	_, csr := newCSR()
	key, err := os.ReadFile("../../examples/partner-module/company/keys/acme/support.pub")
	if err != nil {
		t.Fatal(err)
	}
	support := strings.ReplaceAll(identity(args{
		"name":    `"support"`,
		"owner":   `"ops@example.com"`,
		"purpose": `"Collect diagnostics from the order hosts"`,
	}), `"orders" {`, `"support" {`)
	own := identity(nil) + grant(nil) + credential("federated", nil)
	begin := func(t *testing.T, text string) *lab {
		l := newLab(t)
		l.put("acme/orders-etl.csr", csr)
		l.put("acme/support.pub", string(key))
		l.put(".partner/empty", "")
		if err := os.Symlink(l.directory, filepath.Join(l.folder, ".partner", "prod")); err != nil {
			t.Fatal(err)
		}
		l.write(text)
		l.must("apply", "-auto-approve")
		return l
	}
	t.Run("resources and data sources", func(t *testing.T) {
		all := read("resources/partner_identity/resource.tf") + read("resources/partner_credential/resource.tf") +
			read("resources/partner_grant/resource.tf") + support +
			read("functions/covers/function.tf") + read("functions/explain/function.tf")
		for _, data := range []string{"guardrails", "inventory", "offboarding", "report", "review_worksheet"} {
			all += read("data-sources/partner_" + data + "/data-source.tf")
		}
		l := begin(t, all)
		if out := shell(t, l.folder, l.env,
			read("data-sources/partner_report/write.sh")+
				`grep -c "$(sha256sum report.json | cut -c1-64)" report.html`); !strings.HasSuffix(out, "\n1\n") {
			t.Errorf("the page does not name the JSON that was written:\n%s", tail(out))
		}
		for _, name := range []string{"partner_grant", "partner_credential", "partner_identity"} {
			var commands []string
			for line := range strings.Lines(read("resources/" + name + "/import.sh")) {
				// on OpenBao alone: TestWhatNobodyDeclaredIsAdoptedFromTheInventory
				if !strings.Contains(line, "@identity/entity") {
					commands = append(commands, line)
				}
			}
			address := regexp.MustCompile(`import (\S+)`).FindStringSubmatch(strings.Join(commands, ""))[1]
			shell(t, l.folder, l.env, "terraform state rm "+address+"\n"+strings.Join(commands, ""))
		}
		l.write(all + read("functions/verify_journal/function.tf"))
		l.must("apply", "-auto-approve")
	})
	t.Run("a worksheet", func(t *testing.T) {
		text := identity(args{"expires_at": `"2027-06-30T00:00:00Z"`}) + credential("federated", nil) +
			read("data-sources/partner_review_worksheet/data-source.tf") + read("functions/decisions/function.tf") +
			read("functions/worksheet_mistakes/function.tf")
		l := newLab(t)
		l.put("reviews/jane.csv", "id,access,decision,until,reason\n")
		l.write(text)
		l.must("apply", "-auto-approve")
		l.passes(80 * day)()
		l.must("apply", "-auto-approve") // for the output
		var sheet string
		l.output("worksheet", &sheet)
		filled := strings.NewReplacer("2026-11-20T09:00:00Z", "2027-02-10T09:00:00Z").Replace(text)
		l.put("reviews/jane.csv", strings.ReplaceAll(sheet, ",,,\r\n", ",keep,2027-06-30,The feed runs on\r\n"))
		l.write(filled)
		l.must("apply", "-auto-approve")
		r, err := l.system().Get(t.Context(), access.Ref{Type: access.TypeGrant, ID: "acme/prod/orders-etl/daily"})
		if err != nil || access.At(r.EndsAt).String() != "2027-06-30T00:00:00Z" {
			t.Errorf("the grant is %+v (%v)", r, err)
		}
	})
	t.Run("a floor", func(t *testing.T) {
		l := begin(t, read("resources/partner_floor/resource.tf"))
		if err := os.Remove(filepath.Join(l.folder, "terraform.tfstate")); err != nil {
			t.Fatal(err)
		}
		shell(t, l.folder, l.env, read("resources/partner_floor/import.sh"))
		l.must("plan", "-detailed-exitcode")
	})
	t.Run("the provider's", func(t *testing.T) {
		l := begin(t, own)
		l.write(read("provider/provider.tf") + own)
		if err := os.Remove(filepath.Join(l.folder, "around.tf")); err != nil {
			t.Fatal(err)
		}
		l.must("plan")
	})
	for name, text := range map[string]string{
		"earliest":  support + identity(nil) + read("functions/earliest/function.tf"),
		"rehearsal": own + read("resources/partner_rehearsal/resource.tf"),
		"handover": identity(nil) + read("resources/partner_grant/resource.tf") + support +
			strings.ReplaceAll(credential("certificate", nil), `"orders" {`, `"certificate" {`) +
			strings.ReplaceAll(credential("secret", nil), `"orders" {`, `"key" {`) +
			read("functions/handover/function.tf"),
	} {
		t.Run(name, func(t *testing.T) { begin(t, text).must("plan", "-detailed-exitcode") })
	}
	t.Run("a token", func(t *testing.T) {
		newerCLI(t, "1.10.0", "1.11.0")
		text := read("ephemeral-resources/partner_token/ephemeral-resource.tf")
		tried := strings.Replace(text, "curl --fail", `test -n "$TOKEN" && echo --fail`, 1)
		if tried == text {
			t.Fatal("the example asks the gateway in another way")
		}
		begin(t, strings.Replace(tried, `test -n "$TOKEN"`, `test -n \"$TOKEN\"`, 1))
	})
}
