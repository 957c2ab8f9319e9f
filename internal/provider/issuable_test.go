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

// A key that no authority signs passed the plan where credential/weak-key was waived or set to warn, and the apply failed after
// the identity was made, each time. Waived or not, the plan refuses it.
func TestWhatNoAuthoritySignsIsRefusedByThePlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	waived := args{"waivers": `{ "credential/weak-key" = { reason = "The printers are replaced in January", approver = "ciso@example.com", until = "2027-01-31T00:00:00Z" } }`}
	for file, c := range map[string]struct{ kind, argument, says string }{
		"rsa1024.csr": {"certificate", "csr", "the RSA key has 1024 bits: use 2048 or more"},
		"p224.csr":    {"certificate", "csr", "the curve P-224 is not supported"},
		"rsa1024.pub": {"ssh_certificate", "public_key", "the RSA key has 1024 bits: use 2048 or more"},
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
			says := regexp.MustCompile(`(?is)` + strings.ReplaceAll(c.says, " ", `\s+`) + `.*No\s+waiver\s+and\s+no\s+setting`)
			steps := []resource.TestStep{
				{Config: w.config(identity(nil), credential(c.kind, asks)), PlanOnly: true, ExpectError: says},
				{Config: w.providerBlock(`guardrails = { levels = { "credential/weak-key" = "warn" } }`) + identity(nil) + credential(c.kind, warned), PlanOnly: true, ExpectError: says},
			}
			if c.says == "" {
				steps = []resource.TestStep{{Config: w.config(identity(nil), credential(c.kind, asks))}}
			}
			resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.providers(), Steps: steps})
		})
	}
}
