// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// The blocks of the guides that are about OpenBao, against a real one: what only parses may open nothing.
func TestTheBlocksAboutOpenBaoAreApplied(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	guide := blocksOf(t, "docs/guides/openbao.md")
	inventory := blocksOf(t, "docs/guides/inventory.md")
	bao := realtool.StartBao(t)
	c := &cluster{cli: newCLI(t), bao: bao}
	c.as(bao.RootToken)
	c.env = append(c.env, "BAO_ADDR=") // the block has it
	c.must("POST", "sys/mounts/orders", map[string]any{"type": "kv"})
	c.must("POST", "sys/mounts/secret", map[string]any{"type": "kv", "options": map[string]any{"version": "2"}})
	c.legacyMount()
	h := c.byHand("acme-nightly")

	provider := strings.Replace(guide(`provider "partner" {`), "https://bao.example.com:8200", bao.Address, 1)
	ends := time.Now().UTC().AddDate(0, 0, 40).Format("2006-01-02T00:00:00Z")
	const rest = "  identity_id = partner_identity.nightly.id\n  owner = \"jane.doe@example.com\"\n  purpose = " +
		"\"Read the values\"\n  expires_at = \"2027-02-28T00:00:00Z\"\n"
	values := strings.ReplaceAll(guide(`resource "partner_grant" "values" {`), "  # ...\n", rest)
	adopted := regexp.MustCompile(`identity/entity/id/[0-9a-f-]{36}`).ReplaceAllString(inventory("import {"), h.native)
	c.write(regexp.MustCompile(`"2027-\d\d-\d\dT00:00:00Z"`).ReplaceAllString(provider+adopted+values, `"`+ends+`"`))
	c.cli.must("apply", "-auto-approve", "-no-color")
	c.cli.must("plan", "-detailed-exitcode", "-no-color")
	for _, may := range []struct {
		method, path string
		let          bool
	}{
		{"GET", "orders/acme/files", true}, {"GET", "secret/data/acme/feed", true},
		{"LIST", "secret/metadata/acme/daily", true},
		{"LIST", "secret/metadata/globex/daily", false}, {"GET", "secret/data/globex/feed", false},
	} {
		c.may("the partner", h.login(), may.method, may.path, may.let)
	}
}
