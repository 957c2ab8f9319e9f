// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// unusual are values that no example of the guardrails has, by the resource and the argument that they stand in: at the
// edges of rules, and written in other ways.
var unusual = map[string]map[string][]string{
	"identity": {
		"owner": {
			`"JANE.DOE@EXAMPLE.COM"`, `"jane.doe@sub.example.com"`, `"jane@example.com.evil.test"`,
			`"todo@example.com"`, `"no-reply@example.com"`,
			`"jané@example.com"`, `" "`, `"jane..doe@example.com"`, `"jane@example.com, joe@example.com"`,
			`"Jane <jane@example.com>"`, `"team-todo@example.com"`,
		},
		"purpose": {`"test"`, `"as discussed"`, `"INC-4711"`, `"夜間の注文フィード"`, `"access for acme"`, `"TODO: write"`,
			`"Test access for production"`},
		"expires_at": {
			`"2099-12-30T00:00:00Z"`, `"2031-11-24T12:00:00Z"`, `"2031-11-24T12:00:01Z"`, `"2027-11-25T12:00:00Z"`,
			`"2027-11-25T12:00:01Z"`, `"2028-11-24T12:00:00Z"`,
			`"2028-11-25T12:00:00Z"`, `"2027-11-25T14:00:00+02:00"`, `"2026-11-24T12:00:00Z"`, `"2026-11-24T12:00:01Z"`,
			`"1970-01-01T00:00:00Z"`, `"2263-01-01T00:00:00Z"`,
		},
		"review": {
			`{ at = "2026-11-24T12:00:00Z", by = "john.roe@example.com", reason = "The feed goes on" }`,
			`{ at = "2026-11-24T12:00:01Z", by = "john.roe@example.com", reason = "ok" }`,
			`{ at = "2026-11-20T09:00:00Z", by = "john@acme.test", reason = "The feed goes on" }`,
			`{ at = "2026-11-20T09:00:00Z", by = "john.roe", reason = "The feed goes on" }`,
		},
		"agreement": {`{ reference = "MSA-1", ends_at = "2027-03-31T00:00:00Z" }`,
			`{ reference = "MSA-1", ends_at = "2027-03-30T23:59:59Z" }`,
			`{ reference = "MSA-1", ends_at = "2027-03-31T01:00:00+02:00" }`},
	},
	"grant": {
		"expires_at": {`"2027-03-31T00:00:01Z"`, `"2027-03-31T01:00:00+02:00"`, `"2026-11-25T00:00:00Z"`},
		"actions": {`["read", "*"]`, `["all"]`, `["admin"]`,
			`["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]`},
		"waivers": {
			waiverOf("scope/overlap", "2026-11-24T12:00:00Z", "ciso@example.com"),
			waiverOf("scope/overlap", "2027-02-22T12:00:00Z", "ciso@example.com"),
			waiverOf("scope/overlap", "2027-02-22T12:00:01Z", "ciso@example.com"),
			waiverOf("scope/overlap", "2026-12-20T00:00:00Z", "JANE.DOE@example.com"),
			waiverOf("SCOPE/overlap", "2026-12-20T00:00:00Z", "ciso@example.com"),
			waiverOf("expiry/past", "2026-12-20T00:00:00Z", "ciso@elsewhere.test"),
		},
	},
	"secret": {
		"allowed_cidrs": {
			`["::/0"]`, `["10.0.0.0/8"]`, `["10.0.0.0/8", "10.1.0.0/16"]`, `["10.0.0.0/8", "192.0.2.1/32"]`,
			`["2001:db8::/32"]`, `["2001:db8::/31"]`, `["0.0.0.0/1", "128.0.0.0/1"]`,
		},
		"rotation": {`{ every = "672h", overlap = "48h" }`, `{ every = "673h", overlap = "48h" }`,
			`{ every = "24h", overlap = "24h" }`, `{ every = "4400h", overlap = "1h" }`, ``},
	},
	"federated": {"federated": {
		trustOf("https://*.acme.test", "svc"), trustOf("https://login.acme.test/a?b", "svc"),
		trustOf("https://u@login.acme.test", "svc"), trustOf("http://127.0.0.1.evil.test", "svc"),
		trustOf("http://localhost:8080", "svc"), trustOf("ftp://x.test", "svc"), trustOf("https://a.acme.test", "a?b"),
		trustOf("https://b.acme.test", "repo:acme/*"),
	}},
}

func waiverOf(rule, until, approver string) string {
	return fmt.Sprintf("{ %q = { reason = \"The partner moves\", approver = %q, until = %q } }", rule, approver, until)
}

func trustOf(issuer, subject string) string {
	return fmt.Sprintf("{ issuer = %q, subject = %q, audiences = [\"orders.example.com\"] }", issuer, subject)
}

// The examples that the policies were written with are not all that there is. On values that none of them has, each
// resource gets the same verdicts from both, all in one plan. Of two resources that share something, either may be
// the one that is named.
func TestPoliciesJudgeWhatNoExampleHas(t *testing.T) {
	thorough(t)
	opa := realtool.Find(t, "opa")
	text, rows := unusualPlan()
	l := newLab(t)
	c := l.collected(text)
	judged := map[string]bool{}
	ids := idsIn(c.Plan)
	for v := range policyVerdicts(t, opa, map[string]policyCase{"unusual": c})["unusual"] {
		parts := strings.SplitN(v, " ", 3)
		judged[parts[0]+" "+parts[1]+" "+ids[parts[2]]] = true
	}
	if len(c.each) < rows/2 {
		t.Errorf("%d rows, and %d findings only", rows, len(c.each))
	}
	seen := policyTable(t)
	for _, v := range slices.Sorted(maps.Keys(judged)) {
		if !c.each[v] && !strings.HasPrefix(v, "separation/") {
			t.Errorf("the policies say %s, and the guardrails do not", v)
		}
	}
	for _, v := range slices.Sorted(maps.Keys(c.each)) {
		if rule, _, _ := strings.Cut(v, " "); !judged[v] &&
			(seen[rule] == "yes" || strings.HasPrefix(v, "delegation/")) {
			t.Errorf("the guardrails say %s, and the policies do not", v)
		}
	}
}

// unusualPlan declares an identity for each unusual value, and below it what else has the value.
// Names tell which it is.
func unusualPlan() (text string, rows int) {
	text = "\nprovider \"partner\" {\n  environment = \"prod\"\n  guardrails = {\n    owner_domains = " +
		"[\"example.com\"]\n  }\n}\n"
	for _, on := range slices.Sorted(maps.Keys(unusual)) {
		for _, argument := range slices.Sorted(maps.Keys(unusual[on])) {
			for n, value := range unusual[on][argument] {
				name := fmt.Sprintf("%s-%s-%d", on, strings.ReplaceAll(argument, "_", "-"), n)
				own := args{"partner": fmt.Sprintf("%q", name),
					"purpose": fmt.Sprintf("\"Nightly order feed of %s\"", name)}
				blocks := ""
				switch on {
				case "identity":
					own[argument] = value
				case "grant":
					blocks = grant(args{"resource": fmt.Sprintf("\"orders/%s/*\"", name), argument: value})
				default:
					blocks = credential(on, args{argument: value})
				}
				label := strings.ReplaceAll(name, "-", "_")
				blocks = strings.ReplaceAll(identity(own)+blocks, `"orders" {`, fmt.Sprintf("%q {", label))
				text += strings.ReplaceAll(blocks, "partner_identity.orders.id", "partner_identity."+label+".id")
				rows++
			}
		}
	}
	chain, found := chainPlan()
	return text + chain, rows + found
}

// chainPlan declares a chain that is deeper than the second one in it allows, and no deeper than the first one does.
func chainPlan() (text string, rows int) {
	parent := ""
	for n, most := range []int{3, 1, 1, 1} {
		label := fmt.Sprintf("chain_%d", n)
		own := args{
			"partner": fmt.Sprintf("\"chain-%d\"", n), "purpose": fmt.Sprintf("\"Nightly order feed of link %d\"", n),
			"subcontractors": fmt.Sprintf("{ allowed = true, max_depth = %d }", most),
		}
		if parent != "" {
			own["parent_id"] = "partner_identity." + parent + ".id"
		}
		text += strings.ReplaceAll(identity(own), `"orders" {`, fmt.Sprintf("%q {", label))
		parent = label
	}
	return text, 1
}

// idsIn are the ids of what a plan changes, by the addresses.
func idsIn(plan map[string]any) map[string]string {
	ids := map[string]string{}
	changes, _ := plan["resource_changes"].([]any)
	for _, one := range changes {
		resource, _ := one.(map[string]any)
		change, _ := resource["change"].(map[string]any)
		after, _ := change["after"].(map[string]any)
		ids[fmt.Sprint(resource["address"])] = fmt.Sprint(after["id"])
	}
	return ids
}
