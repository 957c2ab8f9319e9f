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
			"identity_id": "partner_identity.orders.id", "resource": `"ssh/deploy"`, "actions": `["login-forward"]`, "owner": `"jane.doe@example.com"`,
			"purpose": `"Deploy the order feed"`, "expires_at": `"2026-12-20T00:00:00Z"`,
		}, nil)
	tightened := w.providerBlock(tightened...)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.providers(),
		Steps: []resource.TestStep{
			{Config: w.providerBlock() + blocks},
			{PreConfig: w.passes(30 * day), Config: tightened + blocks, PlanOnly: true, ExpectNonEmptyPlan: true}, // the secret is due
			{PreConfig: w.passes(200 * day), Config: tightened + blocks, PlanOnly: true},                          // all has ended
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
	blocks := identity(args{"expires_at": end.AddDate(0, 0, 90).Format(`"2006-01-02T15:04:05Z"`)}) + grant(args{"expires_at": end.Format(`"2006-01-02T15:04:05Z"`)})
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
		if strings.Contains(string(text), "orders-etl") && filepath.Base(name) != "sums" { // which tells what was removed
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
