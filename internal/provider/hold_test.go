package provider_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// Somebody cuts the partner at 3, and a pipeline runs at 4: nothing of its access comes back before somebody says so.
func TestNoPlanRestoresWhatWasCutByHand(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	config := func(i args, blocks ...string) string {
		return w.config(append([]string{identity(i), credential("federated", nil), grant(nil)}, blocks...)...)
	}
	cut := func() {
		cmd := exec.Command("sh", filepath.Join(w.directory, "publish", "cut.sh"), "acme")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	status := func(want string) []statecheck.StateCheck {
		return []statecheck.StateCheck{has(theIdentity, "status", text(want)), has(theKey, "status", text(want)), has(theGrant, "status", text(want))}
	}
	released := func(value string) args { return args{"hold_released": strconv.Quote(value)} }
	w.run(
		resource.TestStep{Config: config(nil), ConfigStateChecks: status("active")},
		resource.TestStep{PreConfig: cut, Config: config(nil), ConfigPlanChecks: emptyPlan(), ConfigStateChecks: status("held")},
		resource.TestStep{Config: config(args{"purpose": `"Nightly order feed of the ERP"`}), ConfigStateChecks: status("held")},
		resource.TestStep{Config: config(released("INC-7")), ConfigStateChecks: status("active")[:1]}, // the others are read anew by the next plan
		resource.TestStep{Config: config(released("INC-7")), ConfigPlanChecks: emptyPlan(), ConfigStateChecks: status("active")},
		resource.TestStep{PreConfig: func() {
			if err := os.Remove(filepath.Join(w.directory, "hold", "acme")); err != nil {
				t.Error(err)
			}
			cut()
		}, Config: config(released("INC-7")), ConfigPlanChecks: emptyPlan(), ConfigStateChecks: status("held")},
		resource.TestStep{Config: config(nil), ConfigStateChecks: status("held")},
		resource.TestStep{Config: config(released("INC-7")), ExpectError: regexp.MustCompile(`incident/reopened`)},
		resource.TestStep{Config: config(released("INC-8")), ConfigStateChecks: status("active")[:1]},
	)
}
