// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// tightened are settings that break whatever was applied before them.
var tightened = []string{`guardrails = {
    owner_domains = ["elsewhere.test"]
    active_owners = ["nobody.there@elsewhere.test"]
    max_lifetime = { identity = "1h", credential = "1h", grant = "1h" }
    min_fixed_segments = 9
    max_grants = 1
    warn_before = "8000h"
    review_every = "1h"
    dormant_after = "1h"
    levels = { "expiry/soon" = "deny", "expiry/expired" = "deny", "credential/static-secret" = "deny", "credential/network" = "deny",
               "credential/count" = "deny", "activity/dormant" = "deny", "activity/drift" = "deny", "activity/not-logged" = "deny",
               "scope/accumulation" = "deny", "offboarding/rehearsal-overdue" = "deny", "waiver/unused" = "deny", "credential/rsa-2048" = "deny" }
  }`, `partners = { other = {} }`}

// terraform destroy plans everything first: a rule that errors on what is already there would block offboarding. Here
// every setting is tightened after the apply, and time has passed.
func TestWhatBreaksEveryRuleIsStillDestroyed(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	blocks := identity(args{"ceiling": `["orders/acme/*", "ssh/deploy"]`}) +
		credential("secret", args{"expires_at": `"2027-03-31T00:00:00Z"`}) + grant(nil) +
		block("partner_grant", "ssh", args{
			"identity_id": "partner_identity.orders.id", "resource": `"ssh/deploy"`, "actions": `["login-forward"]`,
			"owner":   `"jane.doe@example.com"`,
			"purpose": `"Deploy the order feed"`, "expires_at": `"2026-12-20T00:00:00Z"`,
		}, nil)
	tightened := w.providerBlock(tightened...)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.providers(),
		Steps: []resource.TestStep{
			{Config: w.providerBlock() + blocks},
			// the secret is due
			{PreConfig: w.passes(30 * day), Config: tightened + blocks, PlanOnly: true, ExpectNonEmptyPlan: true},
			// all has ended
			{PreConfig: w.passes(200 * day), Config: tightened + blocks, PlanOnly: true},
		},
		CheckDestroy: w.nothingRemains,
	})
}

// nothingRemains fails where the system still holds anything.
func (w *world) nothingRemains(*terraform.State) error {
	w.each(func(_ access.System, r *access.Record) { w.t.Errorf("%s remains", r.Object.Ref()) })
	return nil
}

// The real destroy, with its refresh and its full plan, and a resource that is tainted after its end: a replacement's
// second call looks like a create, and must not be refused as new access into the past.
func TestDestroyGoesThroughWhateverTheRulesSay(t *testing.T) {
	thorough(t)
	t.Parallel()
	c := newCLI(t)
	end := time.Now().UTC().Add(15 * time.Second).Truncate(time.Second)
	blocks := identity(args{"expires_at": end.AddDate(0, 0, 90).Format(`"2006-01-02T15:04:05Z"`)}) +
		grant(args{"expires_at": end.Format(`"2006-01-02T15:04:05Z"`)})
	settings := func(more ...string) string {
		return "provider \"partner\" {\n  environment = \"prod\"\n" + strings.Join(more, "\n") + "\n}\n"
	}
	c.write(settings() + blocks)
	c.must("apply", "-auto-approve", "-no-color")
	c.must("taint", theGrant)
	until(t, end)
	c.write(settings(tightened...) + blocks)
	out := c.must("destroy", "-auto-approve", "-no-color")
	if !strings.Contains(out, "Destroy complete! Resources: 2 destroyed") {
		t.Errorf("not all was destroyed:\n%s", out)
	}
	for name, text := range c.files(".partner", "prod", "ledger") {
		// which tells what was removed
		if strings.Contains(string(text), "orders-etl") && !strings.HasPrefix(filepath.Base(name), "ledger.sums") {
			t.Errorf("%s remains", name)
		}
	}
}

// until waits for a moment, by the real clock.
func until(t *testing.T, moment time.Time) {
	t.Helper()
	select {
	case <-time.After(time.Until(moment)):
	case <-t.Context().Done():
		t.Fatal("the test ended first")
	}
}

// Under each of twelve refusals of a first plan stood how to offboard what did not exist.
func TestTheWayOutIsSaidOnceAndOnlyWhereSomethingExists(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	config := func(days int, owner string) string {
		ends := time.Now().UTC().AddDate(0, 0, days).Format(`"2006-01-02T15:04:05Z"`)
		text := "provider \"partner\" {\n  environment = \"prod\"\n}\n"
		for _, name := range []string{"orders", "invoices", "stock"} {
			text += strings.Replace(identity(args{"name": `"` + name + `"`, "expires_at": ends, "owner": owner}),
				`"orders" {`, `"`+name+`" {`, 1)
		}
		return text
	}
	const jane = `"jane.doe@example.com"`
	said := func(when string, refusals, want int) {
		t.Helper()
		out, err := c.try("plan", "-no-color")
		flat := flowing(out)
		if got := strings.Count(flat, "Error: "); err == nil || got < refusals {
			t.Errorf("%s: %d refusals, want %d: %v\n%s", when, got, refusals, err, out)
		}
		if got := strings.Count(flat, "To offboard now"); got != want {
			t.Errorf("%s: it says %d times how to offboard, want %d:\n%s", when, got, want, out)
		}
		if want > 0 && !strings.Contains(flat, "terraform destroy -refresh=false -target=ADDRESS") {
			t.Errorf("%s: it does not say what of:\n%s", when, out)
		}
	}
	c.write(config(90, `"tbd"`))
	said("a first plan", 3, 0)
	c.write(config(90, jane))
	c.must("apply", "-auto-approve")
	c.write(config(120, jane))
	said("a renewal without a review", 3, 1)
	if out := c.must("destroy", "-auto-approve", "-refresh=false",
		"-target=partner_identity.stock"); !strings.Contains(out, "1 destroyed") {
		t.Errorf("the way out does not lead out:\n%s", out)
	}
}
