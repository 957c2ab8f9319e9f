// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// Somebody removed an AppRole, or a secret id, by hand. The next apply made it again with a new secret that nobody
// was told: the state, and what was handed over, had the dead one. The plan says that one is issued, and the state of
// that same apply has it.
func TestARepairThatIssuesAnewTellsItInTheSameApply(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	c := &cluster{cli: j.cli, bao: realtool.StartBao(t)}
	c.as(c.bao.RootToken)
	const address, role = "partner_credential.orders-secret", "auth/partner-approle/role/acme.prod.orders"
	j.write("provider \"partner\" {\n  environment = \"prod\"\n  stack       = \"partners\"\n  openbao = { bootstrap " +
		"= true }\n  journal = { path = \"journal.jsonl\" }\n}\n" +
		j.identity("orders", nil) + j.credential("orders", "secret",
		fmt.Sprintf("{ recipient = %q }", partnerRecipient), args{"allowed_cidrs": `["127.0.0.0/24"]`}))
	apply := func() string { return j.must("apply", "-no-color", "-input=false", "-auto-approve") }
	logsIn := func() bool {
		login, _ := j.state()[address]["login"].(map[string]any)
		secret := string(opened(t, j.attribute(address, "sealed_secret")))
		return c.login(fmt.Sprint(login["path"]), nil,
			map[string]any{"role_id": login["role_id"], "secret_id": secret}) != ""
	}
	apply()
	if !logsIn() {
		t.Fatal("the partner cannot log in at first")
	}
	for how, remove := range map[string]func(){
		"the AppRole": func() { c.must("DELETE", role, nil) },
		"the secret id": func() {
			keys, _ := c.must("LIST", role+"/secret-id", nil)["data"].(map[string]any)["keys"].([]any)
			c.must("POST", role+"/secret-id-accessor/destroy", map[string]any{"secret_id_accessor": keys[0]})
		},
	} {
		before := j.attribute(address, "fingerprint")
		remove()
		plan := j.must("plan", "-no-color", "-input=false")
		flat := strings.Join(strings.Fields(plan), " ")
		if !strings.Contains(flat, "fingerprint = (known after apply)") ||
			!strings.Contains(flat, "+ sealed_secret = (known after apply)") ||
			!strings.Contains(flat, "is issued anew, because what was issued for it was revoked, or is gone "+
				"from the system") {
			t.Errorf("%s: the plan does not say what is issued:\n%s", how, plan)
		}
		apply()
		if after := j.attribute(address, "fingerprint"); after == before || !logsIn() {
			t.Errorf("%s: the fingerprint was %s and is %s; or the state holds a secret that does not work", how,
				before, after)
		}
		if out, err := j.try("plan", "-no-color", "-input=false", "-detailed-exitcode"); err != nil {
			t.Errorf("%s: the next plan is not empty: %v\n%s", how, err, out)
		}
	}
	if n := strings.Count(string(j.files()["journal.jsonl"]), `"rotate"`); n != 4 { // an intent and an outcome each
		t.Errorf("the journal has %d lines of rotations, want 4", n)
	}
}
