// SPDX-License-Identifier: MPL-2.0

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

// After a destroy neither the state nor the system tells what the partner had. The journal alone does, and
// where the cut by hand was.
func TestTheJournalAloneTellsOfADestroyedPartner(t *testing.T) {
	if testing.Short() {
		t.Skip("two lives with the real CLI")
	}
	for name, begin := range map[string]func(t *testing.T) (c *cli, provider, path string, cut func()){
		"embedded": func(t *testing.T) (*cli, string, string, func()) {
			c := newCLI(t)
			return c, `provider "partner" { environment = "prod" }`,
				filepath.Join(c.folder, ".partner", "prod", "journal.jsonl"), func() {
					if err := os.MkdirAll(filepath.Join(c.folder, ".partner", "prod", "hold", "acme"),
						0o755); err != nil {
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
			block := "provider \"partner\" {\n  environment = \"prod\"\n  stack = \"partners\"\n  openbao = {}\n  " +
				"journal = { path = \"journal.jsonl\" }\n}"
			return c.cli, block, filepath.Join(c.folder, "journal.jsonl"), func() {
				c.must("PUT", "sys/policies/acl/partner/acme/held", map[string]any{"policy": "# Cut by hand."})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, provider, path, cut := begin(t)
			begun := time.Now()
			ends := stamp(time.Now().Add(60 * day))
			later := stamp(time.Now().Add(90 * day))
			word := func(by string, at time.Time) string {
				return fmt.Sprintf(`{ at = %s, by = %q, reason = "The feed runs until the new ERP is live" }`,
					stamp(at), by)
			}
			applies := func(ends, review, resource, actions, trigger string) {
				t.Helper()
				c.write(provider + "\n" + identity(args{
					"expires_at": ends,
					"review":     review,
					"ceiling":    `["orders/acme/*"]`,
				}) +
					credential("secret", args{
						"expires_at": ends, "allowed_cidrs": `["203.0.113.0/24"]`,
						"rotation": `{ every = "480h", overlap = "48h", trigger = { made = "` + trigger + `" } }`,
					}) + grant(args{"name": `"daily"`, "expires_at": ends, "resource": resource, "actions": actions}))
				c.must("apply", "-no-color", "-auto-approve")
			}
			first := word("john.roe@example.com", begun.Add(-time.Hour))
			second := word("mary.major@example.com", begun.Add(-time.Minute))
			const all, daily = `"orders/acme/*"`, `"orders/acme/daily/*"`
			applies(ends, first, daily, `["read"]`, "1")
			applies(ends, first, all, `["list", "read"]`, "1")
			applies(ends, first, daily, `["list", "read"]`, "1")
			applies(later, second, daily, `["list", "read"]`, "1")
			applies(later, second, daily, `["list", "read"]`, "2")
			cut()
			c.must("destroy", "-no-color", "-auto-approve")
			lines := journalLines(t, path)
			for _, gone := range []string{"terraform.tfstate", "terraform.tfstate.backup", "main.tf"} {
				if err := os.Remove(filepath.Join(c.folder, gone)); err != nil {
					t.Fatal(err)
				}
			}
			c.write(provider + `
data "partner_report" "acme" { partner = "acme" }
output "had" { value = jsondecode(data.partner_report.acme.json).former }
`)
			c.must("apply", "-no-color", "-auto-approve")
			var had struct {
				Objects []struct {
					Type    string
					Gave    []struct{ Reached string }
					Reviews []struct{ By string }
				}
				Doubts []string
			}
			c.output("had", &had)
			if len(had.Objects) != 3 || len(had.Doubts) > 0 {
				t.Errorf("the report of it says %+v", had)
			}
			for _, o := range had.Objects {
				if want := map[string]int{"identity": 1, "credential": 1, "grant": 3}[o.Type]; len(o.Gave) != want ||
					len(o.Reviews) != 2 ||
					o.Gave[0].Reached == "" {
					t.Errorf("the report says %+v", o)
				}
			}
			pasts, doubts := journal.Recall(lines)
			if len(doubts) > 0 || len(pasts) != 3 {
				t.Fatalf("%d objects, and %q", len(pasts), doubts)
			}
			reached := map[string][]string{}
			for _, p := range pasts {
				for _, s := range p.Spans {
					reached[p.Type] = append(reached[p.Type], s.Given.Reached())
					if s.From.Before(begun.Add(-time.Second)) ||
						s.To.Before(s.From) ||
						s.To.After(time.Now()) ||
						s.Given.EndsAt.IsZero() ||
						s.Given.Owner == "" {
						t.Errorf("%s %s reached it from %v to %v, at the latest until %v", p.Type, p.ID, s.From, s.To,
							s.Given.EndsAt)
					}
				}
				if len(p.Words) != 2 ||
					p.Words[0].By != "john.roe@example.com" ||
					p.Words[0].Verb != journal.Create ||
					p.Words[1].By != "mary.major@example.com" || p.Words[1].Verb != journal.Renew {
					t.Errorf("%s %s was made and renewed on the word of %+v", p.Type, p.ID, p.Words)
				}
				if was, is := p.Spans[0].Given.EndsAt, p.Spans[len(p.Spans)-1].Given.EndsAt; is.Sub(was) < 20*day {
					t.Errorf("%s %s was to end at %v, and later at %v", p.Type, p.ID, was, is)
				}
				byHand := slices.IndexFunc(p.Cuts, func(c journal.Cutting) bool { return c.Verb == journal.Cut })
				last := p.Cuts[len(p.Cuts)-1]
				if byHand < 0 ||
					p.Cuts[byHand].At.Before(begun.Add(-time.Second)) ||
					last.Verb != journal.Revoke ||
					last.Seconds <= 0 ||
					last.Seconds > 30 ||
					last.Refused.IsZero() {
					t.Errorf("%s %s was cut %+v", p.Type, p.ID, p.Cuts)
				}
			}
			print := reached["credential"][0]
			if got := strings.Join(slices.Compact(reached["grant"]),
				" then "); got != "read on orders/acme/daily/* then list, read on orders/acme/* then list, read on "+
				"orders/acme/daily/*" ||
				reached["identity"][0] != "within orders/acme/*" || !strings.HasPrefix(print, "key SHA256:") ||
				!strings.HasSuffix(print, "; from 203.0.113.0/24") {
				t.Errorf("it reached %q", reached)
			}
			serials := map[string]bool{}
			for _, l := range lines {
				if l.Phase == journal.Done &&
					l.Type == string(access.TypeCredential) &&
					l.Serial != "" {
					serials[l.Serial] = true
				}
				if l.Verb == journal.Tamper {
					t.Errorf("nobody tampered: %+v", l)
				}
			}
			if len(serials) != 2 {
				t.Errorf("two secrets were issued, and the journal knows %v", serials)
			}
			for _, l := range lines {
				if l.Type == string(access.TypeCredential) &&
					l.Phase == journal.Intent &&
					l.Before == nil &&
					l.After == nil {
					t.Errorf("a line says nothing: %+v", l)
				}
			}
		})
	}
}
