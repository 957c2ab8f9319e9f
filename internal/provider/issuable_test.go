// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// A weak key passed the plan where credential/weak-key was waived or set to warn, and the apply failed
// after the identity was made, each time. The authority follows the rule and its waiver; what no gateway
// takes at all the plan refuses.
func TestTheAuthorityFollowsTheWaiverThatThePlanHonours(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	waived := args{"waivers": `{ "credential/weak-key" = { reason = "The printers are replaced in January", approver = "ciso@example.com", until = "2027-01-31T00:00:00Z" } }`}
	for file, c := range map[string]struct{ kind, argument, says string }{
		"rsa1024.csr": {"certificate", "csr", ""},
		"p224.csr":    {"certificate", "csr", ""},
		"rsa1024.pub": {"ssh_certificate", "public_key", ""},
		"dsa.pub":     {"ssh_certificate", "public_key", "kind of key is not supported"},
		"md5.csr":     {"certificate", "csr", ""}, // the authority takes nothing of it but the key
	} {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "guardrail", "testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			asks := args{c.kind: fmt.Sprintf("{ %s = %q }", c.argument, text), "waivers": waived["waivers"]}
			warned := args{c.kind: asks[c.kind]}
			says := regexp.MustCompile(`(?is)` + strings.ReplaceAll(c.says, " ", `\s+`) +
				`.*No\s+waiver\s+and\s+no\s+setting`)
			steps := []resource.TestStep{
				{Config: w.config(identity(nil), credential(c.kind, asks)), PlanOnly: true, ExpectError: says},
				{
					Config: w.providerBlock(`guardrails = { levels = { "credential/weak-key" = "warn" } }`) +
						identity(nil) + credential(c.kind, warned),
					PlanOnly:    true,
					ExpectError: says,
				},
			}
			if c.says == "" {
				steps[0].PlanOnly, steps[0].ExpectError = false, nil
				steps[1].PlanOnly, steps[1].ExpectError = false, nil // what a level lets through is signed, too
			}
			resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.providers(), Steps: steps})
		})
	}
}
