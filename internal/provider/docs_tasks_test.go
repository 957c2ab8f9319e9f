// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// An empty folder, and what the pages of the tasks print, in their order: it ends with a folder that holds no access. A
// newcomer's path from a clean checkout is scripts/newcomer, of TestGettingStartedIsRun.
func TestTheTasksAreRunInOrder(t *testing.T) {
	needTerraform(t)
	slow(t)
	realtool.Find(t, "openssl")
	t.Parallel()
	n := newcomer{T: t, cli: newCLI(t)}
	n.onboards()
	n.usesAndShares()
	n.renews()
	n.suspendsAndReplaces()
	n.losesTheState()
	n.cutsByHand()
	n.offboards()
}

// newcomer follows the pages of the tasks.
type newcomer struct {
	*testing.T
	cli *cli
	// config is main.tf.
	config string
}

func (n *newcomer) block(page, begins string) string {
	return blocksOf(n.T, "docs/guides/"+page+".md")(begins)
}

func (n *newcomer) example(name string) string {
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "tasks", name))
	if err != nil {
		n.Fatal(err)
	}
	agreements := strings.NewReplacer("2027-06-30T", time.Now().AddDate(0, 0, 200).Format("2006-01-02T"), "2027-12-31T",
		time.Now().AddDate(0, 0, 300).Format("2006-01-02T"))
	return agreements.Replace(fresh(string(text)))
}

func (n *newcomer) run(text string) string { return shell(n.T, n.cli.folder, n.cli.env, text) }

// edits changes main.tf: old stands in it once, or is the first one.
func (n *newcomer) edits(old, text string) {
	n.Helper()
	if !strings.Contains(n.config, old) {
		n.Fatalf("main.tf has no %q", old)
	}
	n.config = strings.Replace(n.config, old, text, 1)
	n.cli.file("main.tf", n.config)
}

// prints compares what came with a block of the page: each of its lines, however it is wrapped, and on any day.
func (n *newcomer) prints(out, page, begins string) {
	n.Helper()
	for line := range strings.Lines(n.block(page, begins)) {
		line = strings.NewReplacer("2027-02-28", inDays(90), "2027-03-20", inDays(110)).Replace(line)
		if !strings.Contains(flowing(out), flowing(line)) {
			n.Errorf("%s prints %q:\n%s", page, line, tail(out))
		}
	}
}

func inDays(days int) string { return time.Now().AddDate(0, 0, days).Format(time.DateOnly) }

// refused runs a plan that has to fail, and returns what it says.
func (n *newcomer) refused() string {
	n.Helper()
	out, err := n.cli.try("plan", "-no-color")
	if err == nil {
		n.Errorf("the plan is not refused:\n%s", tail(out))
	}
	return out
}

// applied applies, and compares how that ends with the page.
func (n *newcomer) applied(page, begins string) {
	n.Helper()
	n.prints(n.cli.must("apply", "-auto-approve", "-no-color"), page, begins)
}

// admitted asks whether a certificate is good, as a gateway does, and returns the answer.
func (n *newcomer) admitted(want bool) string {
	n.Helper()
	check := strings.TrimPrefix(n.block("task-onboard", "terraform output -raw certificate"),
		"terraform output -raw certificate >etl.pem\n")
	out := n.run("if " + strings.TrimSpace(check) + " 2>&1; then :; else echo REFUSED; fi")
	if strings.Contains(out, "etl.pem: OK") != want || strings.Contains(out, "REFUSED") == want {
		n.Errorf("admitted is not %v: %s", want, out)
	}
	return out
}

func (n *newcomer) onboards() {
	n.config = n.example("onboard.tf")
	n.cli.file("main.tf", n.config)
	n.run(n.block("task-onboard", "openssl req"))
	out := n.run(n.block("task-onboard", "terraform apply"))
	n.prints(out, "task-onboard", "Apply complete!")
	if !strings.Contains(out, "orders/acme/daily/*") || !strings.Contains(out, "BEGIN CERTIFICATE") {
		n.Errorf("the handover lacks something:\n%s", tail(out))
	}
	n.prints(n.run(n.block("task-onboard", "terraform output -raw certificate")), "task-onboard", "etl.pem: OK")
	n.run(n.block("performance", "GOGC=400"))
	for _, page := range []string{"choosing-a-system", "hardening"} {
		other := newCLI(n.T)
		other.file("owners.json", `["jane.doe@example.com"]`)
		other.write(n.block(page, `provider "partner" {`))
		other.must("validate")
	}
	n.run(strings.Replace(n.block("upgrades", "terraform version"), "plan", "plan -input=false", 1))
}

func (n *newcomer) usesAndShares() {
	n.cli.file("globex.tf", n.example("second-partner.tf"))
	n.cli.must("apply", "-auto-approve")
	n.cli.file("initech.tf", n.example("subcontractor.tf"))
	n.prints(n.refused(), "task-subcontractor", "Error: delegation/not-allowed")
	n.edits(`  ceiling    = ["orders/acme/*"]`,
		"  ceiling    = [\"orders/acme/*\"]\n  "+n.block("task-subcontractor", "subcontractors = {"))
	n.applied("task-subcontractor", "Apply complete!")
	n.cli.must("plan", "-detailed-exitcode")
}

func (n *newcomer) renews() {
	at, grant, _ := strings.Cut(n.config, `resource "partner_grant" "daily"`)
	end := time.Now().AddDate(0, 0, 90).Format("2006-01-02T")
	later := time.Now().AddDate(0, 0, 110).Format("2006-01-02T")
	n.config = at + `resource "partner_grant" "daily"` + strings.Replace(grant, end, later, 1)
	n.cli.file("main.tf", n.config)
	n.prints(n.refused(), "task-renew", "Error: expiry/rolling:")
	review := strings.Replace(n.block("task-renew", "review = {"), "2026-11-20T09:00:00Z",
		time.Now().UTC().Add(-2*time.Minute).Format(time.RFC3339), 1)
	n.edits(`  purpose     = "Read the daily order files"`, "  purpose     = \"Read the daily order files\"\n  "+review)
	n.applied("task-renew", "Apply complete!")
	n.admitted(true)
}

func (n *newcomer) suspendsAndReplaces() {
	const name = `  name       = "orders-etl"`
	suspended := name + "\n  " + n.block("task-suspend", "suspended = true")
	n.edits(name, suspended)
	n.applied("task-suspend", "Apply complete!")
	n.prints(n.admitted(false), "task-suspend", "certificate revoked")
	n.edits(suspended, name)
	n.cli.must("apply", "-auto-approve")
	n.admitted(true)
	n.run(n.block("task-stolen-key", "openssl req"))
	n.edits(`certificate   = { csr = file("etl.csr") }`,
		strings.TrimSpace(n.block("task-stolen-key", "certificate = {")))
	n.prints(n.run(n.block("task-stolen-key", "terraform apply")), "task-stolen-key", "Warning: The partner's")
	n.admitted(false)
	n.run("terraform output -raw certificate >etl.pem")
	n.admitted(true)
}

func (n *newcomer) losesTheState() {
	n.prints(n.run(n.block("task-lost-state", "rm -f terraform.tfstate")), "task-lost-state", "Warning: This adopts")
	n.cli.must("plan", "-detailed-exitcode")
	n.admitted(true)
}

func (n *newcomer) cutsByHand() {
	n.prints(n.run(n.block("task-incident", "sh .partner/prod/publish/cut.sh")), "task-incident", "acme is cut")
	n.admitted(false)
	n.applied("task-incident", "Warning: incident/reopened")
	n.admitted(false)
	const name = `  name       = "orders-etl"`
	n.edits(name, name+"\n  "+n.block("task-incident", "hold_released = "))
	n.cli.must("apply", "-auto-approve")
	n.admitted(true)
}

func (n *newcomer) offboards() {
	n.prints(n.run(n.block("task-offboard", "rm globex.tf")), "task-offboard", "Apply complete!")
	n.prints(n.run(n.block("task-offboard", "terraform destroy")), "task-offboard", "Destroy complete!")
	n.admitted(false)
	if out := n.cli.must("state", "list"); strings.TrimSpace(out) != "" {
		n.Errorf("the state still holds %s", out)
	}
}
