// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// The report of a configuration that was applied, changed and cut says so, in each form.
func TestTheReportTellsWhatThereIsAndWhatWasChanged(t *testing.T) {
	c := newCLI(t)
	config := func(suspended string) string {
		return `
provider "partner" {
  environment = "prod"
  partners    = { acme = { kind = "vendor", domains = ["acme.test"], contact = "noc@acme.test", agreement = { reference = "MSA-2026-014", ends_at = "2027-09-30T00:00:00Z" } } }
}
resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly <b>order</b> feed into ACME's ERP"
  expires_at = "2027-06-30T00:00:00Z"
  suspended  = ` + suspended + `
}
resource "partner_credential" "orders" {
  identity_id = partner_identity.orders.id
  owner       = "jane.doe@example.com"
  expires_at  = "2027-03-31T00:00:00Z"
  federated   = { issuer = "https://login.acme.test", subject = "svc-orders", audiences = ["orders.example.com"] }
}
locals { ids = [partner_identity.orders.id, partner_credential.orders.id] }
data "partner_report" "all" { ids = toset(local.ids) }
data "partner_report" "globex" { partner = "globex" }
output "all" { value = data.partner_report.all }
output "globex" { value = data.partner_report.globex.csv }
`
	}
	c.write(config("false"))
	c.must("apply", "-auto-approve")
	c.write(config("true"))
	c.must("apply", "-auto-approve")
	c.must("apply", "-auto-approve") // it is of the moment of the plan: what an apply changes is in the next one
	var all map[string]string
	text := c.must("output", "-json", "all")
	var loose map[string]any
	if err := json.Unmarshal([]byte(text), &loose); err != nil {
		t.Fatal(err)
	}
	all = map[string]string{}
	for form, v := range loose {
		all[form], _ = v.(string)
	}
	for form, want := range map[string][]string{
		"html": {"<!doctype html>", "Partner access in prod", "acme/prod/orders-etl", "jane.doe@example.com",
			"MSA-2026-014", "noc@acme.test", "https://login.acme.test", "svc-orders",
			"not known: nobody looked for them", "Nightly &lt;b&gt;order&lt;/b&gt; feed", "suspended"},
		"markdown": {"# Partner access in prod", "acme/prod/orders-etl", "suspended", "| Suspended | 1 |", "2 of 2",
			"| Undeclared | ? |", "| Owner left | ? |"},
		"json":     {`"judged": 2`, `"place": "`, `"suspended": true`, "cut.sh"},
		"calendar": {"BEGIN:VCALENDAR", "20270630T000000Z", "20270930T000000Z", "END:VCALENDAR"},
		"oscal":    {`"assessment-results"`, "acme/prod/orders-etl"},
	} {
		for _, w := range want {
			if !strings.Contains(all[form], w) {
				t.Errorf("%q is not in the %s:\n%.3000s", w, form, all[form])
			}
		}
	}
	rows, err := csv.NewReader(strings.NewReader(all["csv"])).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	var document struct{ Items []any }
	if err := json.Unmarshal([]byte(all["json"]), &document); err != nil ||
		(len(document.Items) == 0 && !strings.Contains(all["json"], "orders-etl")) {
		t.Errorf("%v in %.500s", err, all["json"])
	}
	if rows := strings.Count(strings.TrimSpace(c.must("output", "-raw", "globex")), "\n"); rows != 0 {
		t.Errorf("another partner's report has %d rows", rows)
	}
}

// One report holds several environments: it says which, and refuses one that it holds already.
func TestAReportIncludesOthers(t *testing.T) {
	thorough(t)
	t.Parallel()
	const configuration = `
provider "partner" {
  environment = "%[1]s"
}
resource "partner_identity" "orders" {
  partner     = "acme"
  environment = "%[1]s"
  name        = "orders-etl"
  owner       = "%[2]s"
  purpose     = "Nightly order feed into ACME's ERP"
  expires_at  = "2027-06-30T00:00:00Z"
}
data "partner_report" "all" {
  depends_on = [partner_identity.orders]
  %[3]s
}
output "json" { value = data.partner_report.all.json }
output "markdown" { value = data.partner_report.all.markdown }
`
	other, hub := newCLI(t), newCLI(t)
	other.write(fmt.Sprintf(configuration, "test", "jane.doe@example.com", ""))
	other.must("apply", "-auto-approve")
	hub.file("test.json", other.must("output", "-raw", "json"))
	hub.write(fmt.Sprintf(configuration, "prod", "bob@example.com", `include = [file("test.json")]`))
	hub.must("apply", "-auto-approve")
	text := strings.ReplaceAll(hub.must("output", "-raw", "markdown"), `\`, "")
	for _, want := range []string{"prod (embedded), test (embedded)", "acme/prod/orders-etl", "acme/test/orders-etl",
		"included, SHA-256", "| In force, cannot act | 2 |"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%.3000s", want, text)
		}
	}
	hub.write(fmt.Sprintf(configuration, "prod", "bob@example.com", `include = [file("test.json")]
  owner = "Bob@example.com"`))
	hub.must("apply", "-auto-approve")
	text = strings.ReplaceAll(hub.must("output", "-raw", "markdown"), `\`, "")
	if !strings.Contains(text, "acme/prod/orders-etl") ||
		strings.Contains(text, "acme/test/orders-etl") ||
		!strings.Contains(text, "Bob@example.com owns something") {
		t.Errorf("the report of an owner:\n%.3000s", text)
	}
	hub.file("prod.json", hub.must("output", "-raw", "json"))
	hub.write(fmt.Sprintf(configuration, "prod", "bob@example.com", `include = [file("prod.json")]`))
	if out, err := hub.try("plan"); err == nil ||
		!strings.Contains(out, "Cannot include a report") ||
		!strings.Contains(out, "already holds prod (embedded)") {
		t.Error(out)
	}
}
