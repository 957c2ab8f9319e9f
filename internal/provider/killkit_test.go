// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// oddShell is the shell of somebody who works with other servers, too. An agent's address went before the one that the
// steps name: they cut there, or nowhere.
const oddShell = "set -u; export BAO_ADDR=https://127.0.0.1:1 BAO_AGENT_ADDR=https://127.0.0.1:1 " +
	"VAULT_AGENT_ADDR=https://127.0.0.1:1 BAO_NAMESPACE=elsewhere BAO_WRAP_TTL=5m VAULT_WRAP_TTL=5m " +
	"BAO_FORMAT=yaml; cd /\n"

// The state is lost and no provider is there: the steps alone cut each partner, by the hand of
// somebody who may only cut.
func TestTheKillKitCutsOnOpenBao(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	c.cli.must("apply", "-auto-approve")
	var kit map[string][]string
	c.output("kill_kit", &kit)
	prod := c.acme("prod")
	test := c.acme("test")
	globex := c.globex()
	initech, secret := c.initech()
	var logins map[string]map[string]string
	c.output("logins", &logins)
	mine := map[string]map[string]string{"acme": {prod: "orders/acme/prod/1.csv", test: "orders/acme/test/1.csv"},
		"initech": {initech: "stock/initech/levels/1"}}
	for _, sessions := range mine {
		for token, path := range sessions {
			c.may("before", token, "GET", path, true)
		}
	}
	c.may("before", globex, "POST", "invoices/globex/inbox/1.pdf", true)
	cut := c.token("partner-cut")
	for partner, steps := range kit {
		begun := time.Now()
		for _, step := range steps {
			c.bao.RunAs(t, cut, "sh", "-ec", oddShell+step)
		}
		for token, path := range mine[partner] {
			c.may(partner+" after the steps", token, "GET", path, false)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("%s: it took %s", partner, took)
		} else {
			t.Logf("%s: %d steps, %s from the first to the refusal", partner, len(steps), took)
		}
	}
	c.may("globex after the steps", globex, "POST", "invoices/globex/inbox/1.pdf", false)
	if token := c.login(logins["initech"]["path"], nil,
		map[string]any{"role_id": logins["initech"]["role_id"], "secret_id": secret}); token != "" {
		t.Error("initech's secret still logs in")
	}
	for name, token := range map[string]string{
		"ACME":         c.acme("prod"),
		"ACME in test": c.acme("test"),
		"Globex":       c.globex(),
	} {
		if token != "" {
			t.Errorf("%s still logs in", name)
		}
	}
	loseState(c.cli)
}

// The policy of plans is not enough to count sessions, and that fails nothing; with the one line
// more of the docs they are.
func TestLiveSessionsAreCountedWhereTheLoginMay(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	c.file("sessions.tf", `
data "partner_offboarding" "counted" {
  partner    = "acme"
  depends_on = [module.acme, module.acme_test]
}
output "counted" { value = data.partner_offboarding.counted }
`)
	c.cli.must("apply", "-auto-approve")
	for range 3 {
		if c.acme("prod") == "" || c.acme("test") == "" {
			t.Fatal("ACME cannot log in")
		}
	}
	counted := func() (sessions *int, notes string) {
		c.cli.must("apply", "-auto-approve")
		var out struct {
			Sessions *int
			Notes    []string
		}
		c.output("counted", &out)
		return out.Sessions, strings.Join(out.Notes, "\n")
	}
	const missing = "How many sessions are live is not known: not permitted: it needs list and sudo on " +
		"auth/token/accessors/."
	if sessions, notes := counted(); sessions != nil || !strings.Contains(notes, missing) {
		t.Errorf("without the right there are %v sessions: %s", sessions, notes)
	}
	page, err := os.ReadFile("../../templates/guides/inventory.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	_, policy, _ := strings.Cut(string(page), "```hcl\npath \"auth/token/accessors/")
	policy, _, _ = strings.Cut(policy, "```")
	c.must("POST", "sys/policies/acl/partner-sessions",
		map[string]any{"policy": "path \"auth/token/accessors/" + policy})
	c.as(c.token("partner-plan", "partner-apply", "partner-sessions"))
	if sessions, notes := counted(); sessions == nil ||
		*sessions != 6 ||
		strings.Contains(notes, "not known") {
		t.Errorf("with the right there are %v sessions, want 6: %s", sessions, notes)
	}
}

func TestTheKillKitCutsOnTheEmbeddedSystem(t *testing.T) {
	opa := realtool.Find(t, "opa")
	c := newCLI(t)
	const config = `
provider "partner" { environment = "prod" }
resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into ACME's ERP"
  expires_at = "2027-06-30T00:00:00Z"
}
resource "partner_credential" "orders" {
  identity_id = partner_identity.orders.id
  owner       = "jane.doe@example.com"
  expires_at  = "2027-03-31T00:00:00Z"
  federated   = { issuer = "https://login.acme.test", subject = "svc-orders", audiences = ["orders.example.com"] }
}
resource "partner_grant" "orders" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/daily/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = "2027-03-31T00:00:00Z"
}
`
	c.write(config)
	c.must("apply", "-auto-approve")
	c.write(config + `
data "partner_offboarding" "acme" { partner = "acme" }
output "kit" { value = data.partner_offboarding.acme }
`)
	c.must("apply", "-auto-approve")
	var kit struct {
		Items    []struct{ Type, ID string }
		Sessions *int
		Notes    []string
		Steps    []string
	}
	if err := json.Unmarshal([]byte(c.must("output", "-json", "kit")), &kit); err != nil {
		t.Fatal(err)
	}
	if len(kit.Items) != 3 ||
		kit.Items[0].Type != "credential" ||
		kit.Items[2].ID != "acme/prod/orders-etl" {
		t.Errorf("what goes is %+v", kit.Items)
	}
	if kit.Sessions != nil ||
		!slices.Contains(kit.Notes, "How many sessions are live is not known here: the access system embedded "+
			"counts none.") {
		t.Errorf("who is told of sessions that nobody knows: %v %q", kit.Sessions, kit.Notes)
	}
	loseState(c)
	published := filepath.Join(c.folder, ".partner", "prod", "publish", "policy")
	allows := func() bool {
		cmd := exec.Command(opa, "eval", "--format=raw", "--data", published, "--stdin-input", "data.partner.allow")
		cmd.Stdin =
			strings.NewReader(`{"credential": {"claims": {"iss": "https://login.acme.test", "sub": "svc-orders", "aud": "orders.example.com"}}, "action": "read", "path": "orders/acme/daily/1"}`)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("opa: %v: %s", err, out)
		}
		return strings.TrimSpace(string(out)) == "true"
	}
	if !allows() {
		t.Fatal("it is not allowed before")
	}
	for _, shell := range []string{"sh", "bash"} { // whoever is not sure runs them again, or another one does
		for _, step := range kit.Steps {
			cmd := exec.Command(shell, "-ec", step)
			cmd.Env, cmd.Dir = []string{"PATH=" + os.Getenv("PATH"), "TAR_OPTIONS=--exclude=data.json",
				"GZIP=-S .other", "CDPATH=/tmp"}, t.TempDir()
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %s: %v: %s", shell, step, err, out)
			}
		}
		if allows() {
			t.Errorf("it is allowed after the steps in %s", shell)
		}
	}
}
