// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// An auditor asks of a cluster what he asks of a directory: who can act, what was cut and what nobody declared, what
// changed and how soon it held, and what nobody looked at.
func TestTheReportTellsOfACluster(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	c.cli.must("apply", "-auto-approve")
	_, secret := c.initech()
	c.must("POST", "identity/entity/name/partner/acme/prod/orders-etl", map[string]any{"disabled": true}) // by hand
	c.must("POST", "identity/entity/name/globex-support", map[string]any{"policies": []string{"default"}})
	c.file("report.tf", `
data "partner_report" "all" {}
data "partner_report" "acme" { partner = "acme" }
output "report" {
  value = {
    html     = data.partner_report.all.html
    markdown = data.partner_report.all.markdown
    json     = data.partner_report.all.json
    acme     = data.partner_report.acme.markdown
  }
}
`)
	c.cli.must("apply", "-auto-approve") // it meets the cut, and writes that down
	c.cli.must("apply", "-auto-approve")
	var report struct{ HTML, Markdown, JSON, Acme string }
	c.output("report", &report)
	for form, is := range map[string]struct {
		text string
		want []string
	}{
		"page": {report.HTML, []string{
			"<!doctype html>", c.bao.Address, "acme/prod/orders-etl", "globex/prod/invoices", "initech/prod/", "held",
			"globex-support",
			"MSA-2026-014", "noc@acme.test", c.issuer, "bao write",
		}},
		"text": {report.Markdown, []string{"# Partner access in prod", "acme/prod/orders-etl", "| Held | 1 |",
			"| Undeclared | 1 |"}},
		"JSON":   {report.JSON, []string{`"place": "` + c.bao.Address, `"acme/test/orders-etl"`}},
		"ACME's": {report.Acme, []string{"acme/prod/orders-etl"}},
	} {
		for _, want := range is.want {
			if !strings.Contains(is.text, want) {
				t.Errorf("%q is not in the %s:\n%.6000s", want, form, is.text)
			}
		}
	}
	if strings.Contains(report.Acme, "initech") {
		t.Errorf("ACME's report tells of others:\n%s", report.Acme)
	}
	if all := report.HTML + report.Markdown + report.JSON; strings.Contains(all, secret) {
		t.Error("the secret is in the report")
	}
	var read map[string]any
	if err := json.Unmarshal([]byte(report.JSON), &read); err != nil {
		t.Error(err)
	}
}
