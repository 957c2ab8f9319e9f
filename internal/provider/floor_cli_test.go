// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// floorSite is one access system with two configurations of it: security's, which has the floor, and that of
// those who declare access.
type floorSite struct {
	t                 *testing.T
	directory         string
	security, partner *cli
	began             time.Time
	system, journal   string // how a provider block names the system, and each configuration's journal
}

func newFloorSite(t *testing.T) *floorSite {
	t.Helper()
	s := &floorSite{
		t:         t,
		directory: filepath.Join(t.TempDir(), ".partner"),
		security:  newCLI(t),
		partner:   newCLI(t),
		began:     time.Now(),
	}
	s.system = fmt.Sprintf("embedded = { directory = %q }", s.directory)
	return s
}

func (s *floorSite) providerOf(stack, more string) string {
	return fmt.Sprintf("provider \"partner\" {\n  environment = \"prod\"\n  stack = %q\n  %s\n  %s\n  %s\n}\n", stack,
		s.system, s.journal, more)
}

// sets has security set a floor; "" removes it.
func (s *floorSite) sets(arguments string) string {
	s.t.Helper()
	text := s.providerOf("security", "")
	if arguments != "" {
		text += "resource \"partner_floor\" \"this\" {\n  set_by = \"ciso@example.com\"\n" + arguments + "\n}\n"
	}
	s.security.write(text)
	out := s.security.must("apply", "-auto-approve", "-no-color")
	if arguments != "" {
		s.security.must("plan", "-detailed-exitcode", "-no-color")
	}
	return out
}

func (s *floorSite) daysOn(days int) string {
	return fmt.Sprintf("%q", access.At(s.began.AddDate(0, 0, days)).String())
}

// declares writes what the partners' configuration declares: an identity, and a grant for each name.
func (s *floorSite) declares(more string, suspended bool, grants ...string) {
	edits := args{"expires_at": s.daysOn(180), "suspended": ""}
	if suspended {
		edits["suspended"] = "true"
	}
	text := s.providerOf("partners", more) + identity(edits)
	for _, name := range grants {
		name, days, _ := strings.Cut(name, " ")
		on := 60
		if days != "" {
			_, _ = fmt.Sscan(days, &on)
		}
		g := grant(args{
			"resource":   `"orders/acme/` + name + `/*"`,
			"expires_at": s.daysOn(on),
			"purpose":    `"Read the files of ` + name + `"`,
		})
		text += strings.ReplaceAll(g, `"orders" {`, `"`+name+`" {`)
	}
	s.partner.write(text)
}

func (s *floorSite) applies() string {
	s.t.Helper()
	return s.partner.must("apply", "-auto-approve", "-no-color")
}

// refused plans, which has to fail and say all of this.
func (s *floorSite) refused(says ...string) {
	s.t.Helper()
	s.fails([]string{"plan", "-no-color"}, says...)
}

// fails runs the partners' configuration, which has to fail and say all of this.
func (s *floorSite) fails(run []string, says ...string) {
	s.t.Helper()
	out, err := s.partner.try(run...)
	told := strings.Join(strings.Fields(strings.NewReplacer("│", " ", "╷", " ", "╵", " ").Replace(out)), " ")
	for _, text := range says {
		if err == nil || !strings.Contains(told, text) {
			s.t.Fatalf("%v, and it does not say %q:\n%s", err, text, out)
		}
	}
}

const companyFloor = `
  levels             = { "scope/overlap" = "deny", "scope/accumulation" = "deny" }
  unwaivable         = ["scope/overlap"]
  max_lifetime       = { grant = "2208h" }
  max_waiver         = "720h"
  min_fixed_segments = 2
  max_grants         = 8
  owner_domains      = ["example.com"]
  environments       = ["prod", "stage"]
  shared             = []
`

// The life of a floor beside the configurations that stand on it.
func TestAFloorThatNoConfigurationLowers(t *testing.T) {
	slow(t)
	t.Parallel()
	s := newFloorSite(t)
	s.declares("", false, "daily 150")
	s.applies()

	// A plan that was saved before is judged by the floor of when it is applied.
	s.declares("", false, "daily 150", "weekly 100")
	s.partner.must("plan", "-out=saved", "-no-color")

	// It is set, also under access that is more than it lets: that is warned of, and stays.
	s.sets(companyFloor)
	s.fails([]string{"apply", "-no-color", "saved"}, "expiry/too-long", "92 days")
	s.declares("", false, "daily 150")
	if out := s.partner.must("plan", "-detailed-exitcode", "-no-color"); strings.Contains(out, "Error") {
		t.Error(out)
	}

	// What goes beyond it is refused by the rules, where the configuration says nothing of them.
	s.declares("", false, "daily 150", "weekly 100")
	s.refused("expiry/too-long", "92 days")

	page := blocksOf(t, "docs/guides/task-floor.md")
	heading, details, _ := strings.Cut(page("Error: The provider's configuration"), "\n\n")
	s.declares(page("guardrails = { max_lifetime"), false, "daily 150", "weekly")
	s.refused(heading, strings.Join(strings.Fields(details), " "))

	// What the configuration writes looser is named, with what the floor says and who set it.
	const loose = `guardrails = { max_lifetime = { grant = "8000h" }, levels = { "scope/overlap" = "off" }, shared = ["orders/+/x"], environments = ["dev"], owner_domains = ["example.org"], max_grants = 9, min_fixed_segments = 1 }`
	s.declares(loose, false, "daily 150", "weekly")
	s.refused("looser than the floor",
		"guardrails.max_lifetime.grant: 8000h is more than 2208h, which is the most by the floor, set by "+
			"ciso@example.com",
		`guardrails.levels["scope/overlap"]: off is below deny`, "guardrails.shared: orders/+/x is not within none",
		`guardrails.environments: "dev"`,
		`guardrails.owner_domains: "example.org"`, "guardrails.max_grants: 9",
		"guardrails.min_fixed_segments: 1 is less than 2", `by the stack "security"`)

	// Less goes through under it all the same: shorter, suspended, removed.
	s.declares(loose, true, "daily 30")
	s.applies()
	s.declares(loose, true)
	s.applies()

	// Other names for the same system, and other environments.
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(s.directory, link); err != nil {
		t.Fatal(err)
	}
	was := s.system
	s.system = fmt.Sprintf("embedded = { directory = %q }", link+"/../link/.")
	s.declares(`guardrails = { levels = { "scope/overlap" = "warn" } }`, true, "weekly")
	s.fails([]string{"plan", "-no-color", "-refresh=false"}, `guardrails.levels["scope/overlap"]: warn is below deny`)
	s.system = was
	s.declares("", true, "weekly")
	s.partner.env = append(s.partner.env, "PARTNER_ENVIRONMENT=dev")
	s.partner.write(strings.Replace(s.providerOf("partners", ""), `environment = "prod"`, "", 1) +
		identity(args{"expires_at": s.daysOn(180), "name": `"other"`}))
	s.refused(`environment: "dev" is none of prod, stage`)

	// Another stack does not change it.
	s.partner.write(s.providerOf("partners", "") +
		"resource \"partner_floor\" \"mine\" {\n  set_by = \"me@example.com\"\n}\n")
	s.refused(`The floor was set by the stack "security" (ciso@example.com)`)

	if out := s.sets("  max_grants = 8"); !strings.Contains(out, "The floor changes for every configuration") {
		t.Error("that it is loosened is not told:\n" + out)
	}
	s.sets("")
	s.declares(`guardrails = { max_lifetime = { grant = "8000h" } }`, true, "weekly 100")
	s.partner.must("plan", "-no-color")
	text, err := os.ReadFile(filepath.Join(s.directory, "journal.jsonl"))
	if err != nil ||
		strings.Count(string(text), `"type":"floor"`) != 6 ||
		!strings.Contains(string(text), "max_lifetime.grant: 2208h") {
		t.Errorf("the journal, %v:\n%s", err, text)
	}
}

// One that vanished is no system without one: whatever gives more is refused, whatever gives less goes through, and
// who set it repairs it.
func TestAFloorThatVanishedIsAnError(t *testing.T) {
	slow(t)
	t.Parallel()
	s := newFloorSite(t)
	s.sets(companyFloor)
	s.declares("", false, "daily")
	s.applies()
	if err := os.Remove(filepath.Join(s.directory, "ledger", "floor.json")); err != nil {
		t.Fatal(err)
	}
	s.declares("", false, "daily", "weekly")
	s.refused("Cannot tell what the floor says", "is gone: somebody removed it")
	s.declares("", true, "daily 30")
	s.applies()
	s.partner.must("destroy", "-auto-approve", "-no-color")
	s.declares("", false, "daily")
	s.refused("is gone: somebody removed it")
	s.sets(companyFloor)
	s.applies()
}
