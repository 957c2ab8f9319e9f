// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// listing reads the inventory, and tells what it has of each item.
func listing(arguments string) string {
	return fmt.Sprintf(`
data "partner_inventory" "it" {
%s
}
output "flags" { value = { for i in data.partner_inventory.it.items : i.id => join(" ", i.flags) } }
output "owners" { value = distinct(data.partner_inventory.it.items[*].owner) }
output "import" { value = join("", data.partner_inventory.it.items[*].import) }
output "counts" { value = data.partner_inventory.it.counts }
`, arguments)
}

func outputs(output string, want map[string]string) statecheck.StateCheck {
	values := map[string]knownvalue.Check{}
	for k, v := range want {
		values[k] = knownvalue.StringExact(v)
	}
	return statecheck.ExpectKnownOutputValue(output, knownvalue.MapExact(values))
}

func TestTheInventoryTellsWhatEveryStackHolds(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	mine := []string{identity(nil), credential("federated", nil), grant(nil)}
	theirs := &access.Identity{
		ID:      access.IdentityID{Partner: "globex", Environment: "prod", Name: "lab"},
		Purpose: "Lab results of each night",
		Terms:   access.Terms{Owner: "bob@example.com", ExpiresAt: access.At(dawn.Add(20 * 24 * time.Hour))},
	}
	theirTerms := func() {
		_, err := w.system().Put(t.Context(),
			access.Change{Object: theirs, Stack: "labs", EndsAt: theirs.ExpiresAt.Time})
		if err != nil {
			t.Fatal(err)
		}
	}
	const orders, key, daily, lab = "acme/prod/orders-etl", "acme/prod/orders-etl/federated", "acme/prod/orders-etl/orders-acme-daily-f7a306fd", "globex/prod/lab"
	with := func(arguments string) string { return w.config(append(mine, listing(arguments))...) }
	w.run(
		resource.TestStep{Config: w.config(mine...)},
		resource.TestStep{PreConfig: theirTerms, Config: with(""), ConfigStateChecks: []statecheck.StateCheck{
			outputs("flags", map[string]string{
				orders: "governed",
				key:    "governed",
				daily:  "governed",
				lab:    "governed unused",
			}),
			statecheck.ExpectKnownValue("data.partner_inventory.it", tfjsonpath.New("system"),
				knownvalue.StringExact("embedded")),
			// Nobody looked for these: none is not known, and reads as such.
			statecheck.ExpectKnownValue("data.partner_inventory.it", tfjsonpath.New("not_checked"),
				knownvalue.ListExact([]knownvalue.Check{
					knownvalue.StringExact("ungoverned"), knownvalue.StringExact("dormant"),
				})),
			statecheck.ExpectKnownValue("data.partner_inventory.it", tfjsonpath.New("counts").AtMapKey("ungoverned"),
				knownvalue.Null()),
			statecheck.ExpectKnownValue("data.partner_inventory.it", tfjsonpath.New("counts").AtMapKey("dormant"),
				knownvalue.Null()),
			statecheck.ExpectKnownValue("data.partner_inventory.it", tfjsonpath.New("counts").AtMapKey("drifted"),
				knownvalue.Int64Exact(0)),
			statecheck.ExpectKnownValue("data.partner_inventory.it", tfjsonpath.New("at"),
				knownvalue.StringExact(access.At(dawn).String())),
			statecheck.ExpectKnownValue("data.partner_inventory.it",
				tfjsonpath.New("items").AtSliceIndex(3).AtMapKey("stack"), knownvalue.StringExact("labs")),
		}},
		resource.TestStep{Config: with(`partner = "acme"`), ConfigStateChecks: []statecheck.StateCheck{
			outputs("flags", map[string]string{orders: "governed", key: "governed", daily: "governed"}),
		}},
		resource.TestStep{Config: with(`owner = "Bob@example.com"`),
			ConfigStateChecks: []statecheck.StateCheck{outputs("flags", map[string]string{lab: "governed unused"})}},
		resource.TestStep{PreConfig: w.passes(16 * day), Config: with(`flags = ["expiring"]`),
			ConfigStateChecks: []statecheck.StateCheck{
				outputs("flags", map[string]string{lab: "governed unused expiring"}),
			}},
		resource.TestStep{Config: with(fmt.Sprintf("expires_before = %q", access.At(dawn.Add(21*24*time.Hour)))),
			ConfigStateChecks: []statecheck.StateCheck{
				outputs("flags", map[string]string{lab: "governed unused expiring"}),
			}},
	)
}

func TestTheInventoryRefusesFiltersThatMeanNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for arguments, want := range map[string]string{
		`partner = "ACME Inc"`:         "partner",
		`expires_before = "next year"`: "RFC 3339",
		`flags = ["governd"]`:          "governd",
	} {
		w.run(resource.TestStep{
			Config:      w.config(listing(arguments)),
			PlanOnly:    true,
			ExpectError: regexp.MustCompile(want),
		})
	}
}

// The state is lost. What the inventory tells to import is imported beside the same configuration: the plan is empty
// then, and nothing was issued anew.
func TestALostStateIsImportedFromTheInventory(t *testing.T) {
	needTerraform(t)
	c := newCLI(t)
	identities := 125 // with a credential and two grants each
	if testing.Short() {
		identities = 5
	}
	var config strings.Builder
	const provider = "provider \"partner\" {\n  environment = \"prod\"\n  guardrails = { max_grants = 20 }\n}\n"
	config.WriteString(provider)
	for n := range identities {
		name := fmt.Sprintf("feed-%03d", n)
		id := "acme_prod_" + name
		_, csr := newCSR()
		fmt.Fprintf(&config, `
resource "partner_identity" %[1]q {
  partner = "acme"
  name = %[2]q
  owner = "jane.doe@example.com"
  purpose = "Nightly order feed number %[3]d"
  expires_at = "2027-06-30T00:00:00Z"
}
resource "partner_credential" "%[1]s_certificate" {
  identity_id = partner_identity.%[1]s.id
  owner = "jane.doe@example.com"
  expires_at = "2027-03-31T00:00:00Z"
  certificate = { csr = %[4]q }
  rotation = { every = "720h", overlap = "48h" }
}
`, id, name, n, csr)
		for _, way := range []string{"in", "out"} {
			fmt.Fprintf(&config, `
resource "partner_grant" "%[1]s_%[3]s" {
  identity_id = partner_identity.%[1]s.id
  name = %[3]q
  resource = "orders/acme/%[2]s/%[3]s/*"
  actions = ["read"]
  owner = "jane.doe@example.com"
  purpose = "Read the files of the feed"
  expires_at = "2027-03-31T00:00:00Z"
}
`, id, name, way)
		}
	}
	c.write(config.String())
	c.must("apply", "-auto-approve")
	before := serials(c)
	loseState(c)
	c.write(provider + listing(""))
	c.must("apply", "-auto-approve")
	var blocks string
	if err := json.Unmarshal([]byte(c.must("output", "-json", "import")), &blocks); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(blocks, "import {"); n != 4*identities {
		t.Fatalf("%d import blocks, want %d", n, 4*identities)
	}
	loseState(c)
	c.write(config.String() + blocks)
	out := c.must("apply", "-auto-approve")
	if want := strconv.Itoa(4*identities) + " imported, 0 added, 0 changed, 0 destroyed"; !strings.Contains(out, want) {
		t.Errorf("want %q:\n%s", want, out[max(0, len(out)-2000):])
	}
	c.write(config.String())
	c.must("plan", "-detailed-exitcode")
	if after := serials(c); len(after) != identities || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("something was issued anew")
	}
}

// serials are what the authority signed and the ledger holds, by identity.
func serials(c *cli) map[string]string {
	c.t.Helper()
	found := map[string]string{}
	for name, text := range c.files(".partner", "prod", "ledger") {
		var entry struct {
			ID     string
			Issued []struct{ Serial string }
		}
		if !strings.HasSuffix(name, "credential-certificate.json") {
			continue
		}
		if err := json.Unmarshal(text, &entry); err != nil {
			c.t.Fatal(err)
		}
		for _, i := range entry.Issued {
			found[entry.ID] += i.Serial + " "
		}
	}
	return found
}

func loseState(c *cli) {
	c.t.Helper()
	for _, name := range []string{"terraform.tfstate", "terraform.tfstate.backup"} {
		if err := os.Remove(filepath.Join(c.folder, name)); err != nil && !os.IsNotExist(err) {
			c.t.Fatal(err)
		}
	}
}
