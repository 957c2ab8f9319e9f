// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// A mount without a longest life caps what is issued at 32 days: everything that tells an end tells that one.
func TestASecretThatTheMountEndsEarlierIsToldSoEverywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := &cluster{cli: newCLI(t), bao: realtool.StartBao(t)}
	c.as(c.bao.RootToken)
	c.must("POST", "sys/auth/partner-approle", map[string]any{"type": "approle"})
	c.must("POST", "sys/mounts/orders", map[string]any{"type": "kv"})
	_, recipient := newRecipient()
	config := func(days int, more string) {
		c.write(fmt.Sprintf(`
provider "partner" {
  environment = "prod"
  stack       = "partners"
  openbao     = {}
  journal     = { path = "journal.jsonl" }
  guardrails  = { levels = { "credential/no-rotation" = "off" } }
}
resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into ACME's ERP"
  expires_at = %q
}
resource "partner_credential" "orders" {
  identity_id = partner_identity.orders.id
  owner       = "jane.doe@example.com"
  expires_at  = %q
  secret      = { recipient = %q }
  %s
}
data "partner_inventory" "all" { depends_on = [partner_credential.orders] }
output "ends" { value = { for i in data.partner_inventory.all.items : i.type => i.ends_at } }
output "handover" {
  value     = provider::partner::handover(partner_identity.orders, [partner_credential.orders], [])
  sensitive = true
}
`, ahead(120), ahead(days), recipient, more))
	}
	config(84, "")
	said := strings.Join(strings.Fields(strings.NewReplacer("│", "").Replace(c.cli.must("apply", "-no-color",
		"-auto-approve"))), " ")
	if !strings.Contains(said, "An earlier end than declared") {
		t.Errorf("the apply does not say it:\n%s", said)
	}
	keys, _ := c.must("LIST", "auth/partner-approle/role/acme.prod.orders-etl/secret-id",
		nil)["data"].(map[string]any)["keys"].([]any)
	one := c.must("POST", "auth/partner-approle/role/acme.prod.orders-etl/secret-id-accessor/lookup",
		map[string]any{"secret_id_accessor": keys[0]})
	ends, err := time.Parse(time.RFC3339, fmt.Sprint(one["data"].(map[string]any)["expiration_time"]))
	if err != nil {
		t.Fatal(err)
	}
	want := access.At(ends.Truncate(time.Second)).String()
	tells := func(when string) {
		t.Helper()
		var inventory map[string]string
		var handover string
		c.output("ends", &inventory)
		c.output("handover", &handover)
		if got := c.attribute("partner_credential.orders", "ends_at"); got != want ||
			inventory["credential"] != want ||
			!strings.Contains(handover, "Ends on: "+want) {
			t.Errorf("%s: it ends on %s, and told are ends_at %s, inventory %s, handover\n%s", when, want, got,
				inventory["credential"], handover)
		}
	}
	tells("after the apply")
	c.cli.must("plan", "-detailed-exitcode")
	c.cli.must("apply", "-auto-approve")
	tells("after another")
	// A change that shortens it to later than it ends anyway moves nothing, and issues nothing.
	config(60, "")
	c.cli.must("apply", "-auto-approve")
	tells("after it was shortened")
	c.cli.must("plan", "-detailed-exitcode")
	config(20, "")
	c.cli.must("apply", "-auto-approve")
	want = ahead(20)
	tells("after it was shortened to before that")
	c.cli.must("plan", "-detailed-exitcode")
}

// ahead is the beginning of a day from now.
func ahead(days int) string {
	return access.At(time.Now().UTC().AddDate(0, 0, days).Truncate(24 * time.Hour)).String()
}
