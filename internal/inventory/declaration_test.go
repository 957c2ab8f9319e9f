// SPDX-License-Identifier: MPL-2.0

package inventory

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Whoever named a role, or wrote its policies, writes no line of a configuration.
func TestADeclarationIsBlocksWhateverSomebodyWrote(t *testing.T) {
	const evil = "x\"\n}\nresource \"evil\" \"evil\" {\n${file(\"/etc/passwd\")} %{ if true }"
	text := Build(nil, []access.Stray{{
		NativeID: "role/Acme.Legacy_" + evil, Names: []string{"acme"},
		Trusts: []access.FederatedTrust{{AWSPrincipal: evil, ExternalID: evil},
			{Issuer: evil, Subject: evil, Audiences: []string{evil}}},
		Grants: []access.Grant{{Resource: evil, Actions: []string{evil}}}, Unsaid: []string{evil, "\rmore"},
	}}, time.Now(), Options{Partners: []string{"acme"}}).Items[0].Declaration
	text = regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(text, "")
	said := regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	for _, value := range said.FindAllString(text, -1) {
		if left := strings.NewReplacer("$${", "", "%%{", "").Replace(value); strings.Contains(left, "${") ||
			strings.Contains(left, "%{") {
			t.Errorf("HCL would run %s", value)
		}
	}
	for _, line := range strings.Split(said.ReplaceAllString(text, `""`), "\n") {
		if strings.Contains(line, "evil") && !strings.Contains(line, " = partner_identity.role_") {
			t.Errorf("it has the line %s", line)
		}
	}
	if text := Build(nil, []access.Stray{{NativeID: "auth/userpass/users/acme"}}, time.Now(),
		Options{}).Items[0].Declaration; text != "" {
		t.Errorf("of what no system reads it says\n%s", text)
	}
}
