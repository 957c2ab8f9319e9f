// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/provider"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded"
)

// dawn is when every world begins.
var dawn = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// world is an embedded system in a directory of its own, with a clock that the test moves.
type world struct {
	t         *testing.T
	directory string
	stack     string // "": partners

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	needTerraform(t)
	return &world{t: t, directory: filepath.Join(t.TempDir(), "partner"), now: dawn}
}

// brief reports whether a short run may also leave out what shows each CLI at work: CI is short on the CLIs
// of others, and keeps it.
func brief() bool { return testing.Short() && os.Getenv("CI") == "" }

// thorough is for a test that a short run leaves out: it goes through many plans and applies.
func thorough(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a short run leaves it out")
	}
}

// briefly are all of these, and in a short run the first of them.
func briefly(all ...string) []string {
	if testing.Short() {
		return all[:1]
	}
	return all
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// passes lets time pass, for a step's PreConfig.
func (w *world) passes(d time.Duration) func() {
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.now = w.now.Add(d)
	}
}

// providers are what plugin-testing runs in this process: the real provider, on the world's clock.
func (w *world) providers() map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"partner": served(provider.New("test", w.clock)),
	}
}

// served serves a provider as main does.
func served(newProvider func() frameworkprovider.Provider) func() (tfprotov6.ProviderServer, error) {
	return func() (tfprotov6.ProviderServer, error) { return provider.NewServer(newProvider()), nil }
}

// system is another handle on the same directory, as somebody else would have it.
func (w *world) system() access.System {
	return embedded.Open(w.directory, embedded.Options{Clock: w.clock, Environment: "prod", Command: "test"})
}

// run runs the steps with the real CLI.
func (w *world) run(steps ...resource.TestStep) {
	w.t.Helper()
	resource.UnitTest(w.t, resource.TestCase{ProtoV6ProviderFactories: w.providers(), Steps: steps})
}

// providerBlock is the provider block of the world, with more settings in it.
func (w *world) providerBlock(more ...string) string {
	return fmt.Sprintf("provider \"partner\" {\n  environment = \"prod\"\n  stack = \"partners\"\n  embedded = { "+
		"directory = %q }\n%s\n}\n",
		w.directory, strings.Join(more, "\n"))
}

// config is the provider block and resources.
func (w *world) config(blocks ...string) string {
	return w.providerBlock() + strings.Join(blocks, "\n")
}

// block is one resource block with its usual arguments, some of them replaced: "purpose" to another expression, or ""
// to leave it out.
func block(kind, label string, usual, replaced map[string]string) string {
	merged := map[string]string{}
	for k, v := range usual {
		merged[k] = v
	}
	for k, v := range replaced {
		merged[k] = v
	}
	var b strings.Builder
	fmt.Fprintf(&b, "resource %q %q {\n", kind, label)
	for k, v := range merged {
		if v != "" {
			fmt.Fprintf(&b, "  %s = %s\n", k, v)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

type args map[string]string

func identity(replaced args) string {
	return block("partner_identity", "orders", args{
		"partner": `"acme"`, "name": `"orders-etl"`, "owner": `"jane.doe@example.com"`,
		"purpose": `"Nightly order feed into the ERP"`, "expires_at": `"2027-03-31T00:00:00Z"`,
	}, replaced)
}

func grant(replaced args) string {
	return block("partner_grant", "orders", args{
		"identity_id": "partner_identity.orders.id", "resource": `"orders/acme/daily/*"`, "actions": `["read", "list"]`,
		"owner": `"jane.doe@example.com"`, "purpose": `"Read the daily order files"`,
		"expires_at": `"2027-02-28T00:00:00Z"`,
	}, replaced)
}

// credential is a credential of one kind, with rotation where the rules ask for it.
func credential(kind string, replaced args) string {
	usual := args{
		"identity_id": "partner_identity.orders.id", "owner": `"jane.doe@example.com"`,
		"expires_at":    `"2027-02-28T00:00:00Z"`,
		"allowed_cidrs": `["203.0.113.0/24"]`,
	}
	switch kind {
	case "federated":
		usual[kind] =
			`{ issuer = "https://login.acme.test", subject = "svc-orders", audiences = ["orders.example.com"] }`
		usual["allowed_cidrs"] = ""
	case "certificate":
		usual[kind] = fmt.Sprintf("{ csr = %q }", partnerCSR)
	case "ssh_certificate":
		usual[kind] = fmt.Sprintf("{ public_key = %q }", partnerSSHKey)
	case "secret":
		usual[kind] = fmt.Sprintf("{ recipient = %q }", partnerRecipient)
	}
	if kind != "federated" {
		usual["rotation"] = `{ every = "480h", overlap = "48h" }`
	}
	return block("partner_credential", "orders", usual, replaced)
}
