// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// Every combination of expired things in the state plans empty, with warnings; can be imported, renewed and destroyed.
func TestExpiredIsNormal(t *testing.T) {
	thorough(t)
	for _, kind := range []string{"secret", "federated", "certificate", "ssh_certificate"} {
		for name, ended := range map[string]map[string]bool{
			"all":                      {theIdentity: true, theKey: true, theGrant: true},
			"the credential":           {theKey: true},
			"the grant":                {theGrant: true},
			"the credential and grant": {theKey: true, theGrant: true},
		} {
			t.Run(kind+", "+name, func(t *testing.T) {
				t.Parallel()
				expiredLife(newWorld(t), kind, ended)
			})
		}
	}
}

func expiredLife(w *world, kind string, ended map[string]bool) {
	w.t.Helper()
	const soon, late, later = "2026-12-04T00:00:00Z", "2027-02-28T00:00:00Z", "2027-03-31T00:00:00Z"
	ends := func(address, otherwise string) string {
		if ended[address] {
			return strconv.Quote(soon)
		}
		return strconv.Quote(otherwise)
	}
	declared := w.config(
		identity(args{"expires_at": ends(theIdentity, later)}),
		credential(kind, args{"expires_at": ends(theKey, late)}),
		grant(args{"expires_at": ends(theGrant, late)}),
	)
	reviewed := args{"review": review("2026-12-09T00:00:00Z"), "expires_at": strconv.Quote(later)}
	renewed := w.config(identity(reviewed), credential(kind, args{"expires_at": strconv.Quote(late)}),
		grant(args{"expires_at": strconv.Quote(late)}))
	var expired, active []statecheck.StateCheck
	for _, address := range []string{theIdentity, theKey, theGrant} {
		status := "active"
		if ended[address] {
			status = "expired"
		}
		expired, active = append(expired, has(address, "status", text(status))),
			append(active, has(address, "status", text("active")))
	}
	steps := []resource.TestStep{
		{Config: declared},
		{PreConfig: w.passes(16 * day), Config: declared, ConfigPlanChecks: emptyPlan(), ConfigStateChecks: expired},
	}
	for address, id := range map[string]string{
		theIdentity: "acme/prod/orders-etl", theKey: "acme/prod/orders-etl/" + kind,
		theGrant: "acme/prod/orders-etl/orders-acme-daily-f7a306fd",
	} {
		steps = append(steps, resource.TestStep{
			ResourceName: address, ImportState: true, ImportStateId: id, ImportStateVerify: true,
			// what was issued is told once; false, whether it is written or not
			ImportStateVerifyIgnore: []string{"sealed_secret", "issued", "suspended"},
		})
	}
	w.run(append(steps,
		resource.TestStep{Config: renewed, ConfigStateChecks: active},
		resource.TestStep{Config: renewed, ConfigPlanChecks: emptyPlan()},
		resource.TestStep{PreConfig: w.passes(200 * day), Config: renewed, ConfigPlanChecks: emptyPlan()},
	)...) // and then all of it is destroyed, expired as it is
	if left, err := w.system().List(w.t.Context()); err != nil || len(left) > 0 {
		w.t.Error(fmt.Sprint("after destroy: ", left, err))
	}
}
