// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

func TestFunctions(t *testing.T) {
	newerCLI(t, "1.8.0", "1.12.0") // without a block of the provider
	t.Parallel()
	w := newWorld(t)
	output := func(expression string) string {
		return "terraform {\n  required_providers {\n    partner = { source = \"hashicorp/partner\" }\n  " +
			"}\n}\noutput \"o\" { value = " + expression + " }\n"
	}
	is := func(expression string, want knownvalue.Check) resource.TestStep {
		return resource.TestStep{Config: output(expression),
			ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownOutputValue("o", want)}}
	}
	fails := func(expression, want string) resource.TestStep {
		return resource.TestStep{Config: output(expression), ExpectError: says(want)}
	}
	w.run(
		is(`provider::partner::covers("a/*", "a/b/+")`, knownvalue.Bool(true)),
		is(`provider::partner::covers("a/*", "a")`, knownvalue.Bool(false)),
		resource.TestStep{Config: output(`provider::partner::covers("a//b", "a")`),
			ExpectError: regexp.MustCompile(`(?s)empty\s+segment.*the\s+end,\s+such\s+as\s+"a/b"\.(\s|$)`)},
		is(`provider::partner::earliest("2027-03-31T00:00:00Z", null, "2027-03-31T01:00:00+02:00")`,
			text("2027-03-31T01:00:00+02:00")),
		fails(`provider::partner::earliest(null)`, "at least one moment"),
		fails(`provider::partner::earliest("tomorrow")`, "RFC 3339"),
		is(`provider::partner::explain("expiry/too-long")`,
			knownvalue.StringRegexp(regexp.MustCompile(`^expiry/too-long \(deny\): .*Controls: `))),
		fails(`provider::partner::explain("expiry/to-long")`, "expiry/too-long"),
	)
}

// A module's own test can expect a refusal: findings are collected, and read after all resources.
func TestFindingsAreCollectedForTestsOfModules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	collect := w.providerBlock(`guardrails = { enforcement = "collect" }`)
	after := "locals { ids = [partner_identity.orders.id, partner_grant.orders.id] }\ndata \"partner_guardrails\" " +
		"\"all\" { ids = local.ids }\n" +
		"output \"rules\" { value = [for f in data.partner_guardrails.all.findings : f.rule if f.level == \"deny\"] }\n"
	bad := identity(args{"owner": `"tbd@example.com"`}) + grant(args{"actions": `["*"]`})
	w.run(
		resource.TestStep{Config: collect + bad + after,
			ExpectError: says("Nothing can be changed while findings are collected")},
	)
	_ = w.nothingRemains(nil)
	c := newCLI(t)
	c.write(`provider "partner" {
  environment = "prod"
  guardrails  = { enforcement = "collect" }
}
` + bad + `locals { ids = [partner_identity.orders.id, partner_grant.orders.id] }
data "partner_guardrails" "all" { ids = local.ids }
output "rules" {
  value = data.partner_guardrails.all.findings
  precondition {
    condition     = length([for f in data.partner_guardrails.all.findings : f if f.level == "deny"]) == 0
    error_message = join(" ", sort([for f in data.partner_guardrails.all.findings : f.rule if f.level == "deny"]))
  }
}
`)
	c.file("refusals.tftest.hcl", "run \"refuses\" {\n  command = plan\n  expect_failures = [output.rules]\n}\n")
	out := c.must("test", "-no-color")
	if !regexp.MustCompile(`1 passed, 0 failed`).MatchString(out) {
		t.Error(out)
	}
	out, _ = c.try("plan", "-no-color")
	if !regexp.MustCompile(`owner/placeholder scope/wildcard-action`).MatchString(out) {
		t.Error(out)
	}
}
