// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

// A state of this version may be one of another release, which had an argument more or less. It is read as it is.
func TestAStateOfAnotherReleaseIsRead(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.write(fmt.Sprintf(`
provider "partner" { environment = "prod" }

resource "partner_identity" "erp" {
  partner        = "acme"
  name           = "orders"
  owner          = "jane.doe@example.com"
  purpose        = "Nightly order feed of the ERP"
  expires_at     = %q
  subcontractors = { allowed = true }
}
`, access.At(time.Now().Add(20*day))))
	c.must("apply", "-auto-approve")
	edit := func(change func(attributes map[string]any)) {
		path := filepath.Join(c.folder, "terraform.tfstate")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var state map[string]any
		if err := json.Unmarshal(text, &state); err != nil {
			t.Fatal(err)
		}
		instance := state["resources"].([]any)[0].(map[string]any)["instances"].([]any)[0].(map[string]any)
		change(instance["attributes"].(map[string]any))
		if text, err = json.Marshal(state); err != nil {
			t.Fatal(err)
		}
		c.file("terraform.tfstate", string(text))
	}
	edit(func(attributes map[string]any) {
		attributes["colour"] = "green"
		attributes["subcontractors"].(map[string]any)["colour"] = "green"
		delete(attributes, "revocation")
		delete(attributes, "ceiling")
	})
	if out, err := c.try("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the plan is not empty: %v\n%s", err, out)
	}
	c.must("apply", "-auto-approve")
	for address, attributes := range c.state() {
		if _, ok := attributes["colour"]; ok || attributes["revocation"] == nil {
			t.Errorf("the state of %s was not mended: %v", address, attributes)
		}
	}
	edit(func(attributes map[string]any) { attributes["owner"] = []string{"jane.doe@example.com"} })
	if out, err := c.try("plan"); err == nil || !strings.Contains(flowing(out), "owner") {
		t.Errorf("an owner that is a list: %v\n%s", err, out)
	}
	edit(func(attributes map[string]any) { attributes["owner"] = "jane.doe@example.com" })
	c.must("destroy", "-auto-approve", "-refresh=false")
}

// A state of another version is the framework's to upgrade, or to refuse.
func TestAStateOfAnotherVersionIsNotTakenAsItIs(t *testing.T) {
	w := newWorld(t)
	server := provider.NewServer(provider.New("test", w.clock)())
	for _, version := range []int64{1, 7} {
		answer, err := server.UpgradeResourceState(t.Context(), &tfprotov6.UpgradeResourceStateRequest{
			TypeName: "partner_identity", Version: version,
			RawState: &tfprotov6.RawState{JSON: []byte(`{"id": "acme/prod/orders"}`)},
		})
		if err != nil || len(answer.Diagnostics) == 0 {
			t.Errorf("version %d: %+v, %v", version, answer, err)
		}
	}
}
