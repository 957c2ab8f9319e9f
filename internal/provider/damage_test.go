// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// An emptied file of one identity stopped plan and destroy of everybody. It is drift of that identity: the others'
// removals go on, it gets nothing new, the inventory shows it, and it can be destroyed.
func TestAnEmptiedRecordStopsNobodyElse(t *testing.T) {
	slow(t)
	w := newWorld(t)
	others := args{"partner": `"globex"`, "name": `"feed"`}
	globex := strings.ReplaceAll(identity(others), `"orders"`, `"globex"`)
	feed := strings.ReplaceAll(grant(args{"identity_id": "partner_identity.globex.id",
		"resource": `"orders/globex/*"`}), `"orders" {`, `"globex" {`)
	more := strings.ReplaceAll(grant(args{"resource": `"orders/acme/more/*"`}), `"orders" {`, `"more" {`)
	record := filepath.Join(w.directory, "ledger/acme/prod/orders-etl/identity.json")
	empty := func() {
		if err := os.WriteFile(record, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (refs []string) {
		records, err := w.system().List(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			refs = append(refs, r.Object.Ref().String())
		}
		return refs
	}
	asked := `data "partner_inventory" "all" {}
output "damaged" { value = [for i in data.partner_inventory.all.items : i.native_id if i.native_id != null] }
`
	w.run(
		resource.TestStep{Config: w.config(identity(nil), grant(nil), globex, feed)},
		resource.TestStep{
			PreConfig: empty, Config: w.config(identity(nil), grant(nil), globex, more),
			ExpectError: regexp.MustCompile(`(?s)is\s+damaged.*gets\s+nothing\s+new`),
		},
		resource.TestStep{
			PreConfig: func() {
				if refs := left(); slices.ContainsFunc(refs,
					func(s string) bool {
						return strings.HasPrefix(s, "grant globex/") || strings.Contains(s, "more")
					}) {
					t.Errorf("the removal of globex' grant did not go on, or something new was granted: %v", refs)
				}
			},
			Config: w.config(globex), // acme leaves
			Check: func(s *terraform.State) error {
				if refs := left(); len(refs) != 1 {
					return errors.New("there should be globex alone: " + strings.Join(refs, ", "))
				}
				return nil
			},
		},
		resource.TestStep{Config: w.config(identity(nil), grant(nil))},
		resource.TestStep{
			PreConfig: empty, Config: w.config(identity(nil), grant(nil), asked),
			ExpectError: regexp.MustCompile(`is\s+damaged`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectKnownOutputValue("damaged",
					knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("ledger/acme/prod/orders-etl/identity.json")})),
			}},
		},
	)
	if refs := left(); len(refs) > 0 {
		t.Errorf("after the destroy there is %v", refs)
	}
	if damaged, err := w.system().(access.Examiner).Damaged(context.Background()); err != nil || len(damaged) > 0 {
		t.Errorf("after the destroy there is damaged %v %v", damaged, err)
	}
}
