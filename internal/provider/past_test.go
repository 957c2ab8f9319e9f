//go:build unix

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// After a destroy neither the state nor the system tells what the partner had. The journal alone does, and where the cut by hand was.
func TestTheJournalAloneTellsOfADestroyedPartner(t *testing.T) {
	if testing.Short() {
		t.Skip("two lives with the real CLI")
	}
	for name, begin := range map[string]func(t *testing.T) (c *cli, provider, path string, cut func()){
		"embedded": func(t *testing.T) (*cli, string, string, func()) {
			c := newCLI(t)
			return c, `provider "partner" { environment = "prod" }`, filepath.Join(c.folder, ".partner", "prod", "journal.jsonl"), func() {
				if err := os.MkdirAll(filepath.Join(c.folder, ".partner", "prod", "hold", "acme"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
		},
		"OpenBao": func(t *testing.T) (*cli, string, string, func()) {
			c := &cluster{cli: newCLI(t), bao: realtool.StartBao(t)}
			c.as(c.bao.RootToken)
			c.must("POST", "sys/auth/partner-approle", map[string]any{"type": "approle"})
			c.must("POST", "sys/auth/partner-approle/tune", map[string]any{"max_lease_ttl": "8784h"})
			c.must("POST", "sys/mounts/orders", map[string]any{"type": "kv"})
			block := "provider \"partner\" {\n  environment = \"prod\"\n  stack = \"partners\"\n  openbao = {}\n  journal = { path = \"journal.jsonl\" }\n}"
			return c.cli, block, filepath.Join(c.folder, "journal.jsonl"), func() {
				c.must("PUT", "sys/policies/acl/partner/acme/held", map[string]any{"policy": "# Cut by hand."})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, provider, path, cut := begin(t)
			begun, ends := time.Now(), stamp(time.Now().Add(60*day))
			review := fmt.Sprintf(`{ at = %s, by = "john.roe@example.com", reason = "The feed runs until the new ERP is live" }`, stamp(begun.Add(-time.Hour)))
			config := func(actions string) {
				c.write(provider + "\n" + identity(args{"expires_at": ends, "review": review, "ceiling": `["orders/acme/*"]`}) +
					credential("secret", args{"expires_at": ends, "allowed_cidrs": `["203.0.113.0/24"]`}) + grant(args{"expires_at": ends, "actions": actions}))
			}
			config(`["read"]`)
			c.must("apply", "-no-color", "-auto-approve")
			config(`["list", "read"]`)
			c.must("apply", "-no-color", "-auto-approve")
			cut()
			c.must("destroy", "-no-color", "-auto-approve")
			lines := journalLines(t, path)
			for _, gone := range []string{"terraform.tfstate", "terraform.tfstate.backup", "main.tf"} {
				if err := os.Remove(filepath.Join(c.folder, gone)); err != nil {
					t.Fatal(err)
				}
			}
			pasts, doubts := journal.Recall(lines, "acme")
			if len(doubts) > 0 || len(pasts) != 3 {
				t.Fatalf("%d objects, and %q", len(pasts), doubts)
			}
			reached := map[string][]string{}
			for _, p := range pasts {
				for _, s := range p.Spans {
					reached[p.Type] = append(reached[p.Type], s.Given.Reached())
					if s.From.Before(begun.Add(-time.Second)) || s.To.Before(s.From) || s.To.After(time.Now()) || s.Given.EndsAt.IsZero() || s.Given.Owner == "" {
						t.Errorf("%s %s reached it from %v to %v, at the latest until %v", p.Type, p.ID, s.From, s.To, s.Given.EndsAt)
					}
				}
				if len(p.Words) != 1 || p.Words[0].By != "john.roe@example.com" || p.Words[0].Verb != journal.Create {
					t.Errorf("%s %s was made on the word of %+v", p.Type, p.ID, p.Words)
				}
				byHand := slices.IndexFunc(p.Cuts, func(c journal.Cutting) bool { return c.Verb == journal.Cut })
				last := p.Cuts[len(p.Cuts)-1]
				if byHand < 0 || p.Cuts[byHand].At.Before(begun.Add(-time.Second)) || last.Verb != journal.Revoke || last.Seconds <= 0 || last.Seconds > 30 || last.Refused.IsZero() {
					t.Errorf("%s %s was cut %+v", p.Type, p.ID, p.Cuts)
				}
			}
			print := reached["credential"][0]
			if got := strings.Join(reached["grant"], " then "); got != "read on orders/acme/daily/* then list, read on orders/acme/daily/*" ||
				reached["identity"][0] != "within orders/acme/*" || !strings.HasPrefix(print, "key SHA256:") || !strings.HasSuffix(print, "; from 203.0.113.0/24") {
				t.Errorf("it reached %q", reached)
			}
			for _, l := range lines {
				if l.Type == string(access.TypeCredential) && l.Phase == journal.Intent && l.Before == nil && l.After == nil {
					t.Errorf("a line says nothing: %+v", l)
				}
			}
		})
	}
}
