// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// The same on OpenBao, with the shipped policies: security's login sets the floor, and that of those who
// declare access only reads it.
func TestAFloorInOpenBaoIsOutOfReachOfWhoDeclaresAccess(t *testing.T) {
	slow(t)
	t.Parallel()
	k := newKitCluster(t)
	text, err := os.ReadFile("../../examples/openbao/policies/floor.hcl")
	if err != nil {
		t.Fatal(err)
	}
	k.must("POST", "partners/sys/policies/acl/partner-floor", map[string]any{"policy": string(text)})
	s := &floorSite{
		t: t, security: newCLI(t), partner: k.cli, began: time.Now(),
		system: `openbao = { namespace = "partners" }`, journal: `journal = { path = "journal.jsonl" }`,
	}
	login := func(c *cli, policies ...string) {
		c.env = append(c.env, "BAO_ADDR="+k.bao.Address, "BAO_CACERT="+k.bao.CAFile,
			"BAO_TOKEN="+k.tokenIn(policies...))
	}
	login(s.security, "partner-plan", "partner-floor")
	s.sets(companyFloor)
	s.declares(`guardrails = { max_lifetime = { grant = "8000h" } }`, false, "daily")
	s.refused("looser than the floor", "8000h is more than 2208h", "set by ciso@example.com")
	s.declares("", false, "daily", "weekly 100")
	s.refused("expiry/too-long", "92 days")
	s.declares("", false, "daily")
	s.applies()

	// Who declares access, and says that he is security.
	thief := newCLI(t)
	login(thief, "partner-plan", "partner-apply")
	thief.write(s.providerOf("security", "") +
		"resource \"partner_floor\" \"mine\" {\n  set_by = \"me@example.com\"\n}\n")
	if out, err := thief.try("apply", "-auto-approve", "-no-color"); err == nil ||
		!strings.Contains(out, "Cannot set the floor") ||
		!strings.Contains(out, "permission denied") {
		t.Errorf("the partners' login sets the floor: %v\n%s", err, out)
	}

	k.must("DELETE", "partners/sys/policies/acl/partner-access-floor", nil)
	s.declares("", false, "daily", "weekly")
	s.refused("Cannot tell what the floor says", "is gone: somebody removed it")
	s.declares("", true)
	s.applies() // less
	s.sets(companyFloor)
	s.declares("", true, "weekly")
	s.applies()
	s.sets("")
	s.declares(`guardrails = { max_lifetime = { grant = "8000h" } }`, true, "weekly")
	s.partner.must("plan", "-detailed-exitcode", "-no-color")
}
