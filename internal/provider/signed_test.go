// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// desk is a lab whose system has a floor that asks for signatures, and somebody who decides, with a key of the real
// ssh-keygen: the kind whose signatures are longest.
type desk struct {
	*lab
	key      string
	security *lab
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{lab: newLab(t), key: filepath.Join(t.TempDir(), "key")}
	keygen := realtool.Find(t, "ssh-keygen")
	if out, err := exec.Command(keygen, "-q", "-t", "rsa", "-b", "3072", "-N", "", "-f",
		d.key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	d.env = append(d.env, "PATH="+filepath.Dir(keygen)+":"+os.Getenv("PATH"))
	return d
}

// asks has security set the floor of the example, with the decider's key as it says.
func (d *desk) asks(more string) {
	d.t.Helper()
	line, err := os.ReadFile(d.key + ".pub")
	if err != nil {
		d.t.Fatal(err)
	}
	if d.security == nil {
		d.security = newLab(d.t)
		d.security.directory = d.directory
	}
	d.security.passes(d.clock().Sub(d.security.clock()))()
	d.security.put("ciso.pub", string(line))
	floor := strings.Replace(signedExample(d.t, "floor.tf"), `file("${path.module}/ciso.pub")`,
		`file("${path.module}/ciso.pub")`+more, 1)
	d.security.write("\nprovider \"partner\" {\n  environment = \"prod\"\n  stack = \"security\"\n}\n" + floor)
	d.security.must("apply", "-auto-approve")
}

func signedExample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "signed", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var commandLineToSign = regexp.MustCompile(`(?m)^ *(printf '%s\\n' .* \| ssh-keygen -Y sign -n partner-access -f KEY)$`)

// refusesFor plans a configuration, which a rule has to refuse with a text, and returns what the rule said.
func (d *desk) refusesFor(what, rule, text, says string) string {
	d.t.Helper()
	said := d.refuses(text)
	for _, s := range said {
		if s.Severity == "error" && s.rule() == rule && strings.Contains(s.Detail, says) {
			return s.Detail
		}
	}
	d.t.Errorf("%s: %s does not say %q; it says %v", what, rule, says, said)
	return ""
}

// signsWhatIsPrinted runs the command that an error prints, in a shell, with the decider's key, and returns the
// signature as an argument.
func (d *desk) signsWhatIsPrinted(detail string) string {
	d.t.Helper()
	found := commandLineToSign.FindStringSubmatch(detail)
	if found == nil {
		d.t.Fatalf("no command to sign with in:\n%s", detail)
	}
	cmd := exec.Command("sh", "-c", strings.TrimSuffix(found[1], "KEY")+d.key)
	cmd.Env = d.env
	out, err := cmd.Output()
	if err != nil {
		d.t.Fatal(err)
	}
	return fmt.Sprintf("%q", string(out))
}

// signs signs a file as the page says.
func (d *desk) signs(command string) {
	d.t.Helper()
	_ = os.Remove(filepath.Join(d.folder, "reviews", "ciso.csv.sig"))
	cmd := exec.Command("sh", "-c", strings.Replace(command, "~/.ssh/id_ed25519", d.key, 1))
	cmd.Dir, cmd.Env = d.folder, d.env
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%v: %s", err, out)
	}
}

const dailyID = "acme/prod/orders-etl/daily"

func (d *desk) endOf(id string) string {
	d.t.Helper()
	r, err := d.system().Get(d.t.Context(), access.Ref{Type: access.TypeGrant, ID: id})
	if err != nil {
		d.t.Fatal(err)
	}
	return access.At(r.EndsAt).String()
}

// What by and approver say, anybody could type. A floor asks for a signature: of the line that the error prints,
// or of a whole worksheet.
func TestDecisionsAreSigned(t *testing.T) {
	needTerraform(t)
	slow(t)
	t.Parallel()
	d := newDesk(t)
	declares := func(of args) string {
		usual := args{"name": `"daily"`, "expires_at": `"2027-01-31T00:00:00Z"`}
		for name, value := range of {
			usual[name] = value
		}
		return identity(nil) + grant(usual)
	}
	d.write(declares(nil))
	d.must("apply", "-auto-approve")
	d.passes(30 * day)()
	d.asks("")

	at := access.At(d.clock().Add(-time.Hour)).String()
	review := func(reason, signature string) string {
		return fmt.Sprintf(`{ at = %q, by = "ciso@example.com", reason = %q, signature = %s }`, at, reason, signature)
	}
	later := args{"expires_at": `"2027-02-15T00:00:00Z"`, "review": review("Still runs", "null")}
	printed := d.refusesFor("a review without a signature", "review/unsigned", declares(later), "is not signed")
	signature := d.signsWhatIsPrinted(printed)
	later["review"] = review("Still runs, honestly", signature)
	d.refusesFor("another reason", "review/unsigned", declares(later), "over another line")
	later["review"] = review("Still runs", signature)
	d.refusesFor("a later end", "review/unsigned",
		declares(args{"expires_at": `"2027-02-16T00:00:00Z"`, "review": later["review"]}), "over another line")
	d.write(declares(later))
	d.must("apply", "-auto-approve")
	d.must("plan", "-detailed-exitcode")
	if got := d.endOf(dailyID); got != "2027-02-15T00:00:00Z" {
		t.Errorf("it ends at %s", got)
	}
	d.write(declares(args{"expires_at": `"2027-01-20T00:00:00Z"`, "review": later["review"]}))
	d.must("apply", "-auto-approve") // less needs no signature
	d.refusesFor("the same review again", "review/unsigned", declares(later), "no review of its own that is signed")

	waived := args{"expires_at": `"2027-01-20T00:00:00Z"`, "review": later["review"], "resource": `"orders/*"`}
	waiver := func(signature string) string {
		return fmt.Sprintf(`{ "scope/wildcard-resource" = { reason = "Migration", approver = "ciso@example.com", until = "2027-01-15T00:00:00Z", signature = %s } }`, signature)
	}
	waived["waivers"] = waiver("null")
	waived["waivers"] = waiver(d.signsWhatIsPrinted(d.refusesFor("a waiver without a signature", "waiver/unsigned",
		declares(waived), "has not signed that")))
	d.write(declares(waived))
	d.must("apply", "-auto-approve")
	waived["actions"] = `["read", "list", "delete"]`
	d.refusesFor("wider under a signed waiver", "waiver/unsigned", declares(waived), "over another line")

	lines, err := os.ReadFile(filepath.Join(d.directory, "journal.jsonl"))
	if err != nil || !strings.Contains(string(lines), `"signed":{"key":"SHA256:`) {
		t.Error("the journal names no key", err)
	}
	d.asks(", revoked = true")
	waived["actions"] = `["read"]`
	warned := false
	for _, s := range d.refuses(declares(waived)) {
		warned = warned || (s.Severity == "warning" && strings.Contains(s.Detail, "which is revoked since"))
		if s.Severity == "error" {
			t.Errorf("less is refused after the key was revoked: %s\n%s", s.Summary, s.Detail)
		}
	}
	if !warned {
		t.Error("nobody is told that the key which signed is revoked")
	}
}

// One signature of a worksheet proves all its rows, and nothing that a configuration says beside them.
func TestAWorksheetIsSignedAsAWhole(t *testing.T) {
	needTerraform(t)
	slow(t)
	t.Parallel()
	d := newDesk(t)
	example := signedExample(t, "worksheets.tf")
	block := blocksOf(t, "docs/guides/task-review.md")("ssh-keygen -Y sign")
	declares := func(edits ...string) string {
		return "\n" + strings.NewReplacer(edits...).Replace(example) + identity(nil) +
			"data \"partner_review_worksheet\" \"all\" {}\noutput \"csv\" { value = " +
			"data.partner_review_worksheet.all.csv }\n"
	}
	const review, end = `lookup(local.decisions, "acme/prod/orders-etl/daily", null)`, `coalesce(try(local.decisions["acme/prod/orders-etl/daily"].until, null), "2027-01-31T00:00:00Z")`
	d.write(declares())
	d.must("apply", "-auto-approve")
	d.passes(30 * day)()
	d.asks("")
	d.must("apply", "-refresh-only", "-auto-approve") // for the worksheet
	var sheet string
	d.output("csv", &sheet)
	filled := fillRow(t, sheet, dailyID, "keep", "2027-02-10", "The feed runs on")
	d.put("reviews/ciso.csv", filled)
	d.refusesFor("a sheet that nobody signed", "review/unsigned", declares(), "is not signed")
	d.signs(block)
	d.put("reviews/ciso.csv", strings.Replace(filled, "2027-02-10", "2027-02-11", 1))
	d.refusesFor("a sheet that was changed", "review/unsigned", declares(), "changed after it was signed")
	d.put("reviews/ciso.csv", strings.ReplaceAll(filled, "\r\n", "\n"))
	d.refusesFor("a sheet that git has rewritten", "review/unsigned", declares(), "with the line ends of Windows")
	d.put("reviews/ciso.csv", filled)
	d.refusesFor("a row that the configuration changes", "review/unsigned",
		declares(review, `merge(`+review+`, { until = "2027-02-20T00:00:00Z" })`, end, `"2027-02-20T00:00:00Z"`),
		"until is")
	d.refusesFor("another than the signer", "review/unsigned",
		declares(review, `merge(`+review+`, { by = "bob@example.com" })`), "signed it, and by is")
	d.refusesFor("a sheet that the provider has not", "review/unsigned", declares("worksheets  = local.sheets", ""),
		"is not among worksheets")
	d.write(declares())
	d.must("apply", "-auto-approve")
	if got := d.endOf(dailyID); got != "2027-02-10T00:00:00Z" {
		t.Errorf("it ends at %s", got)
	}
	d.must("apply", "-refresh-only", "-auto-approve") // the worksheet, which has it as reviewed now
	d.must("plan", "-detailed-exitcode")
	d.write(declares(end, `"2027-01-15T00:00:00Z"`, review, "null")) // less, and the review with it
	d.must("apply", "-auto-approve")
	d.refusesFor("an old sheet that is put back", "review/unsigned", declares(), "decided on another edition of it")
}

// fillRow fills in one row of a worksheet, as a spreadsheet saves it.
func fillRow(t *testing.T, sheet, id string, values ...string) string {
	t.Helper()
	if raw, err := base64.StdEncoding.DecodeString(sheet); err == nil {
		sheet = string(raw)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(sheet, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r[0] == id {
			copy(r[len(r)-3:], values)
		}
	}
	var out strings.Builder
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return "\ufeff" + out.String()
}

// On OpenBao the same lines count: of what is to be created, of what is there, and once.
func TestDecisionsAreSignedOnOpenBao(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := &cluster{cli: newCLI(t), bao: realtool.StartBao(t)}
	security := newCLI(t)
	c.as(c.bao.RootToken)
	security.env = c.env
	c.must("POST", "sys/mounts/orders", map[string]any{"type": "kv"})
	d := &desk{lab: &lab{world: &world{t: t}, env: c.env}, key: filepath.Join(t.TempDir(), "key")}
	keygen := realtool.Find(t, "ssh-keygen")
	if out, err := exec.Command(keygen, "-q", "-t", "ecdsa", "-N", "", "-f", d.key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(d.key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	of := func(stack string) string {
		return fmt.Sprintf("provider \"partner\" {\n  environment = \"prod\"\n  stack = %q\n  openbao = {}\n  "+
			"journal = { path = \"journal.jsonl\" }\n}\n", stack)
	}
	security.file("ciso.pub", string(public))
	security.write(of("security") +
		strings.Replace(signedExample(t, "floor.tf"), "2027-10-31T00:00:00Z", ahead(300), 1))
	security.must("apply", "-no-color", "-auto-approve")
	declares := func(days int, waiver, review string) {
		c.write(of("partners") + identity(args{"expires_at": fmt.Sprintf("%q", ahead(120))}) + grant(args{
			"name": `"daily"`, "resource": `"orders/*"`, "expires_at": fmt.Sprintf("%q", ahead(days)), "review": review,
			"waivers": fmt.Sprintf(`{ "scope/wildcard-resource" = { reason = "Migration", approver = "ciso@example.com", until = %q, signature = %s } }`, ahead(30), waiver),
		}))
	}
	printed := func(says string) string {
		t.Helper()
		out, err := c.try("plan", "-json")
		for line := range strings.Lines(out) {
			var event struct{ Diagnostic *diagnostic }
			if json.Unmarshal([]byte(line), &event) == nil &&
				event.Diagnostic != nil &&
				strings.Contains(event.Diagnostic.Detail, says) {
				return event.Diagnostic.Detail
			}
		}
		t.Fatalf("%v, and nothing says %q:\n%s", err, says, out)
		return ""
	}
	declares(40, "null", "")
	waiver := d.signsWhatIsPrinted(printed("has not signed that"))
	declares(40, waiver, "")
	c.cli.must("apply", "-no-color", "-auto-approve")
	c.cli.must("plan", "-no-color", "-detailed-exitcode")
	review := func(signature string) string {
		return fmt.Sprintf(`{ at = %q, by = "ciso@example.com", reason = "Still runs", signature = %s }`,
			access.At(time.Now().Add(-time.Hour).Truncate(time.Hour)).String(), signature)
	}
	declares(60, waiver, review("null"))
	signature := d.signsWhatIsPrinted(printed("is not signed"))
	declares(61, waiver, review(signature))
	printed("over another line")
	declares(60, waiver, review(signature))
	c.cli.must("apply", "-no-color", "-auto-approve")
	c.cli.must("plan", "-no-color", "-detailed-exitcode")
	declares(61, waiver, review(signature))
	printed("no review of its own that is signed")
	declares(60, waiver, review(signature))
	c.cli.must("destroy", "-no-color", "-auto-approve")
	printed("does not count")
}

// What was cut by hand is given back by whoever may, by a signature for just this incident.
func TestTheLiftOfAHoldIsSigned(t *testing.T) {
	needTerraform(t)
	slow(t)
	t.Parallel()
	d := newDesk(t)
	lifts := func(value, signature string) string {
		return identity(args{
			"hold_released":           fmt.Sprintf("%q", value),
			"hold_released_by":        `"ciso@example.com"`,
			"hold_released_signature": signature,
		}) + grant(nil)
	}
	status := func() string {
		r, err := d.system().Get(t.Context(), access.Ref{Type: access.TypeIdentity, ID: "acme/prod/orders-etl"})
		if err != nil {
			t.Fatal(err)
		}
		return r.Status(d.clock(), 0)
	}
	d.write(identity(nil) + grant(nil))
	d.must("apply", "-auto-approve")
	d.asks("")
	if out, err := exec.Command("sh", filepath.Join(d.directory, "publish", "cut.sh"),
		"acme").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := status(); got != access.StatusHeld {
		t.Fatalf("after the cut it is %s", got)
	}
	signature := d.signsWhatIsPrinted(d.refusesFor("a lift without a signature", "incident/unsigned",
		lifts("INC-7", "null"), "has not signed that"))
	d.refusesFor("another incident", "incident/unsigned", lifts("INC-8", signature), "over another line")
	d.write(lifts("INC-7", signature))
	d.must("apply", "-auto-approve")
	if got := status(); got == access.StatusHeld {
		t.Error("it is still held")
	}
	d.must("plan", "-detailed-exitcode")
}
