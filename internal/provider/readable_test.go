// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// orderFeed is the access of the guide "Getting started": an identity, a certificate, a sealed key and a grant; and as
// many grants more as are asked for.
func orderFeed(days, more int, review string) string {
	ends := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(`"2006-01-02T00:00:00Z"`) }
	relabel := func(block, label string) string { return strings.Replace(block, `"orders" {`, `"`+label+`" {`, 1) }
	all := []string{
		"provider \"partner\" {\n  environment = \"prod\"\n  guardrails  = { levels = { \"credential/static-secret\" " +
			"= \"off\" } }\n}\n",
		identity(args{"expires_at": ends(days + 30), "ceiling": `["orders/acme/*"]`, "review": review}),
		relabel(credential("certificate", args{"expires_at": ends(days)}), "certificate"),
		relabel(credential("secret", args{"expires_at": ends(days)}), "key"), grant(args{"expires_at": ends(days)}),
	}
	for n := range more {
		all = append(all, relabel(grant(args{"expires_at": ends(days),
			"resource": fmt.Sprintf(`"orders/acme/more-%d/*"`, n)}), fmt.Sprint("more", n)))
	}
	return strings.Join(all, "") + `
output "handover" {
  sensitive = true
  value = provider::partner::handover(
    partner_identity.orders, [partner_credential.certificate, partner_credential.key], [partner_grant.orders])
}

output "certificate" {
  sensitive = true
  value     = partner_credential.certificate.issued
}
`
}

// ofObjects is what a plan says of the objects: without Terraform's own frame, the outputs and the warnings.
func ofObjects(plan string) string {
	_, text, _ := strings.Cut(plan, "Terraform will perform the following actions:\n")
	text, _, _ = strings.Cut(text, "\nPlan: ")
	return strings.Trim(text, "\n")
}

// Whoever approves a plan has to read it. The first plan of four objects was 173 lines, the renewal of eleven 395 and
// their removal 606: unknown values that were known, certificates with their roots, names that stand in ids, and the
// text for the partner two or three times. A removal still prints what was issued, some 30 lines: marked as sensitive
// it would be hidden, and so would each output of it be refused.
func TestAPlanCanBeRead(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	short := func(what string, most int, unwanted []string, args ...string) {
		t.Helper()
		text := ofObjects(c.must(append([]string{"plan", "-no-color", "-input=false"}, args...)...))
		lines := strings.Count(text, "\n") + 1
		t.Logf("%s: %d lines", what, lines)
		if lines >= most {
			t.Errorf("%s has %d lines, want under %d:\n%s", what, lines, most, text)
		}
		for _, long := range unwanted {
			if strings.Contains(text, long) {
				t.Errorf("%s prints %q:\n%s", what, long, text)
			}
		}
	}
	long := []string{"BEGIN CERTIFICATE-", "BEGIN AGE", "# Access for"}
	c.write(orderFeed(60, 0, ""))
	short("the first plan of four objects", 100,
		append(long, "enforced_by = (known", "revocation  = (known", "login         = (known", "suspended",
			"last_used_at", "drift"))
	c.write(orderFeed(60, 7, ""))
	c.must("apply", "-auto-approve")
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(`"2006-01-02T15:04:05Z"`)
	c.write(orderFeed(70, 7, `{ at = `+yesterday+
		`, by = "joe@example.com", reason = "The feed runs until the new ERP is live" }`))
	short("the renewal of eleven objects", 120, append(long, "status"))
	c.must("apply", "-auto-approve")
	c.must("plan", "-detailed-exitcode")
	short("the removal of eleven objects", 250, []string{"# Access for"}, "-destroy")
}
