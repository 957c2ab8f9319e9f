// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// The gateway's log says when the partner was last there: it stands in the state, and what nobody uses is not renewed.
func TestTheGatewaysLogDecidesWhatIsDormant(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	log := filepath.Join(t.TempDir(), "use.jsonl")
	writes := func(at time.Time, more ...time.Time) func() {
		return func() {
			text := fmt.Sprintf("{\"time\": %q, \"identity\": \"acme/prod/orders-etl\", \"kind\": \"federated\", "+
				"\"admitted\": true}\n", access.At(at))
			for _, refused := range more {
				text += fmt.Sprintf("{\"time\": %q, \"kind\": \"federated\", \"admitted\": false}\n",
					access.At(refused))
			}
			if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
				t.Error(err)
			}
		}
	}
	config := func(i args) string {
		return fmt.Sprintf("provider \"partner\" {\n  environment = \"prod\"\n  stack = \"partners\"\n  embedded = { "+
			"directory = %q, use_logs = [%q] }\n}\n", w.directory, log) +
			identity(i) + credential("federated", nil) + grant(nil)
	}
	var daily []time.Time
	for d := range 81 {
		daily = append(daily, dawn.Add(time.Duration(d)*24*time.Hour))
	}
	later := args{"expires_at": strconv.Quote("2027-05-31T00:00:00Z"), "review": review("2027-02-10T00:00:00Z")}
	used := dawn.Add(5 * 24 * time.Hour)
	w.run(
		resource.TestStep{PreConfig: writes(dawn.Add(-time.Hour)), Config: config(nil)},
		resource.TestStep{
			PreConfig:        func() { w.passes(10 * day)(); writes(used)() },
			Config:           config(nil),
			ConfigPlanChecks: emptyPlan(),
		},
		resource.TestStep{RefreshState: true,
			Check: resource.TestCheckResourceAttr(theIdentity, "last_used_at", access.At(used).String())},
		resource.TestStep{PreConfig: func() { w.passes(70 * day)(); writes(used, daily...)() }, Config: config(later),
			ExpectError: regexp.MustCompile("activity/unused-renewal")},
		// A log that stopped says nothing of what came after, nor one of which a part is lost: it
		// is no reason to refuse.
		resource.TestStep{
			PreConfig:          writes(used, daily[60:]...),
			Config:             config(later),
			PlanOnly:           true,
			ExpectNonEmptyPlan: true,
		},
		resource.TestStep{PreConfig: writes(used), Config: config(later)},
	)
}
