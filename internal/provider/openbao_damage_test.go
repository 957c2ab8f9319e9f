// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"strings"
	"testing"
)

// A fresh server without the mounts: the plan was fine, and the apply made identities and grants before it said what is
// missing, one mount at a time.
func TestMissingMountsAreFoundByThePlanAllAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	c.must("DELETE", "sys/auth/partner-approle", nil)
	c.must("DELETE", "sys/auth/partner-cert", nil)
	c.must("DELETE", "sys/auth/partner-jwt-acme", nil)
	c.must("DELETE", "sys/mounts/partner-pki", nil)
	out, err := c.try("plan", "-no-color")
	if err == nil {
		t.Fatalf("the plan passes:\n%s", out)
	}
	flat := strings.Join(strings.Fields(strings.NewReplacer("│", "", "\n", " ").Replace(out)), " ")
	for _, command := range []string{
		"bao auth enable -path=partner-approle", "bao auth enable -path=partner-cert",
		"bao auth enable -path=partner-jwt-acme",
		"bao secrets enable -path=partner-pki", "bao write partner-pki/root/generate/internal",
	} {
		if n := strings.Count(flat, command); n == 0 || n > 2 { // each provider configuration says it once
			t.Errorf("%q is said %d times in\n%s", command, n, out)
		}
	}
	if out, err := c.try("apply", "-auto-approve"); err == nil || len(c.left()) > 0 {
		t.Errorf("the apply made %v, and says\n%s", c.left(), out)
	}
}

// Somebody deletes a policy by hand, and the authority's root: the plan proposes to make that one anew, and the destroy
// leaves nothing of anybody.
func TestADeletedPolicyAndADeletedRootStopNobody(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	c.cli.must("apply", "-auto-approve")
	_, secret := c.initech()
	var logins map[string]map[string]string
	c.output("logins", &logins)
	at := logins["initech"]
	login := func() string {
		return c.login(at["path"], nil, map[string]any{"role_id": at["role_id"], "secret_id": secret})
	}
	policy := "sys/policies/acl/" + at["role_id"]
	c.must("DELETE", policy, nil)
	c.must("DELETE", "partner-pki/root", nil)
	c.as(c.plan)
	out, err := c.try("plan", "-no-color")
	if err != nil ||
		!strings.Contains(out, "must be replaced") ||
		!strings.Contains(out, "no default issuer") {
		t.Errorf("the plan: %v\n%s", err, out)
	}
	if login() == "" {
		t.Fatal("the secret should log in yet, to nothing")
	}
	c.as(c.apply)
	c.cli.must("destroy", "-auto-approve")
	if left := c.left(); len(left) > 0 {
		t.Errorf("after destroy there is %v", left)
	}
	if login() != "" {
		t.Error("after destroy the secret logs in")
	}
}
