// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// cases are the good and the bad ones of every rule.
func cases() map[string][]policy {
	all := map[string][]policy{}
	for _, family := range []map[string][]policy{ownerCases(), expiryCases(), reviewCases(), decisionCases(),
		signedCases(), scopeCases(), credentialCases()} {
		maps.Copy(all, family)
	}
	return all
}

func TestEveryRuleJudgesItsCases(t *testing.T) {
	for slug, policies := range cases() {
		rule, ok := Lookup(slug)
		if !ok {
			t.Errorf("%s has cases and is no rule", slug)
			continue
		}
		for _, p := range policies {
			t.Run(slug+"/"+p.name, func(t *testing.T) {
				level, found := p.found(t, slug, false)
				want := map[outcome]Level{shows: Warn, refuses: rule.Level}[p.want]
				if found != (p.want != silent) || (found && level != want) {
					t.Errorf("found %v at %s, want %v at %s; all findings:\n%s", found, level, p.want != silent, want,
						texted(build(p.parts...).findings()))
				}
			})
		}
	}
}

func texted(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s [%s] %s at %q\n%s\n", f.Level, f.Subject, f.Summary(), f.Attribute, f.Detail())
	}
	return b.String()
}

// limited are the rules with a limit, whose cases stand at exactly it.
var limited = strings.Fields(`expiry/indefinite expiry/past expiry/too-long expiry/rolling expiry/permanent expiry/outlives-identity
	expiry/outlives-agreement expiry/outlives-parent expiry/cannot-be-enforced expiry/soon expiry/expired review/overdue review/future
	review/automatic purpose/vague scope/wildcard-resource scope/privileged scope/outside-ceiling scope/exceeds-parent scope/foreign-partner
	scope/overlap scope/accumulation credential/no-rotation credential/weak-key credential/rsa-2048 credential/open-network credential/count
	expiry/relabelled delegation/depth review/decided-otherwise activity/dormant activity/unused-renewal offboarding/rehearsal-overdue waiver/expired waiver/too-long`)

func TestEveryRuleIsComplete(t *testing.T) {
	written := cases()
	seen := map[string]bool{}
	for _, r := range Catalogue() {
		if seen[r.Slug] {
			t.Errorf("%s stands twice in the table", r.Slug)
		}
		seen[r.Slug] = true
		family, name, _ := strings.Cut(r.Slug, "/")
		if family == "" ||
			name == "" ||
			strings.ToLower(r.Slug) != r.Slug ||
			strings.Contains(r.Slug, " ") {
			t.Errorf("%s is no slug of family/what-is-wrong", r.Slug)
		}
		if r.Title == "" ||
			strings.HasSuffix(r.Title, ".") ||
			r.Level == Off ||
			len(r.Controls) < 2 ||
			len(r.On) == 0 ||
			len(r.Reads) == 0 {
			t.Errorf("%s lacks a title, a level, controls, types or what it reads", r.Slug)
		}
		for _, text := range []string{r.Why, r.Remedy, r.Precedent.Text} {
			if len(text) < 20 ||
				!strings.HasSuffix(text, ".") ||
				strings.ToUpper(text[:1]) != text[:1] {
				t.Errorf("%s: %q is no sentence", r.Slug, text)
			}
		}
		if source, err := url.Parse(r.Precedent.Source); err != nil ||
			source.Scheme != "https" ||
			source.Host == "" {
			t.Errorf("%s: the source of its precedent is no https address: %q", r.Slug, r.Precedent.Source)
		}
		if (r.own == nil && r.above == nil && r.beside == nil) ||
			(r.above == nil) != (r.up == nil) ||
			(r.beside == nil) != (r.meet == nil) {
			t.Errorf("%s has no whole check", r.Slug)
		}
		for _, s := range r.Silences {
			if _, ok := Lookup(s); !ok {
				t.Errorf("%s silences %s, which is no rule", r.Slug, s)
			}
		}
		complete(t, r, written[r.Slug])
	}
}

func complete(t *testing.T, r Rule, policies []policy) {
	t.Helper()
	count := map[outcome]int{}
	names, edges := map[string]bool{}, 0
	for _, p := range policies {
		count[p.want]++
		if names[p.name] {
			t.Errorf("%s has two cases called %q", r.Slug, p.name)
		}
		names[p.name] = true
		if p.boundary {
			edges++
		}
	}
	if count[silent] < 3 || count[refuses] < 3 {
		t.Errorf("%s has %d good and %d bad cases; 3 of each are the least", r.Slug, count[silent], count[refuses])
	}
	if slices.Contains(limited, r.Slug) && edges == 0 {
		t.Errorf("%s has a limit and no case at exactly it", r.Slug)
	}
}

// What was decided of each rule is written to examples/policy/catalogue.json by `make generate` alone. So a rule that
// is lost, or changes its level unnoticed, fails here first, and then shows in the diff of that file.
func TestTheCatalogueIsWhatWasDecided(t *testing.T) {
	text, err := os.ReadFile("../../examples/policy/catalogue.json")
	if err != nil {
		t.Fatal(err)
	}
	type decision struct {
		Level string `json:"level"`
		Fixed bool   `json:"fixed"`
	}
	var decided struct {
		Catalogue map[string]decision `json:"catalogue"`
	}
	if err := json.Unmarshal(text, &decided); err != nil {
		t.Fatal(err)
	}
	is := map[string]decision{}
	for _, r := range Catalogue() {
		is[r.Slug] = decision{r.Level.String(), r.Fixed}
	}
	if !maps.Equal(is, decided.Catalogue) {
		t.Errorf("the catalogue is\n%v, and what was decided is\n%v\nIf it is meant, run make generate", is,
			decided.Catalogue)
	}
}

func TestTheCatalogueCannotBeChanged(t *testing.T) {
	changed := Catalogue()
	changed[0].Level, changed[0].Controls[0] = Off, "nothing"
	changed[0].On[0] = access.TypeGrant
	if again := Catalogue()[0]; again.Level == Off || again.Controls[0] == "nothing" {
		t.Error("who changes the catalogue that it was given changes the rules")
	}
	if !slices.IsSortedFunc(Catalogue(), func(a, b Rule) int { return strings.Compare(a.Slug, b.Slug) }) {
		t.Error("the catalogue is not sorted")
	}
}

// Each rule is needed: switched off, one of its own bad cases is no longer found.
func TestEveryRuleIsMissedWhenItIsSwitchedOff(t *testing.T) {
	for slug, policies := range cases() {
		missed := 0
		for _, p := range policies {
			if p.want == silent {
				continue
			}
			_, on := p.found(t, slug, false)
			_, off := p.found(t, slug, true)
			if on && !off {
				missed++
			}
		}
		if missed == 0 {
			t.Errorf("%s is missed by none of its cases", slug)
		}
	}
}

// Where a finding points at, and what it advises, where the rule's own remedy would mislead.
func TestFindingsPointAtTheirCause(t *testing.T) {
	over := agreement(in(-1))
	registered := register(Partner{Agreement: &access.Agreement{Reference: "MSA-2", EndsAt: access.At(in(-1))}})
	ended := func(o access.Object) part { return plans(o, unchanged(), endsAt(in(-1))) }
	for name, want := range map[string]struct {
		slug, attribute, fix string
		parts                []part
	}{
		"an ended waiver": {"waiver/expired", `waivers["expiry/too-long"].until`,
			"have it approved anew", []part{waived("expiry/too-long", "ciso@example.com", in(-1))}},
		"a long waiver": {"waiver/too-long", `waivers["expiry/too-long"].until`,
			"2027-02-22T12:00:00Z", []part{waived("expiry/too-long", "ciso@example.com", in(200))}},
		"an approver": {"waiver/self-approved", `waivers["expiry/too-long"].approver`, "approver",
			[]part{waived("expiry/too-long", "CISO", in(30))}},
		"a mistyped slug": {"waiver/unknown-rule", `waivers["expiry/too.lang"]`, "expiry/too-long",
			[]part{waived("expiry/too.lang", "ciso@example.com", in(30))}},
		"a fixed rule": {"waiver/fixed-rule", `waivers["owner/missing"]`, "meet the rule",
			[]part{waived("owner/missing", "ciso@example.com", in(30))}},
		"everything": {"scope/wildcard-resource", "resource",
			`, or the partner's name among fewer, as in "acme/*"`, []part{reaches("*")}},
		"a folder": {"scope/wildcard-resource", "resource",
			`first wildcard, such as "orders/acme/*"`, []part{reaches("orders/*")}},
		"every login": {"scope/wildcard-resource", "resource", `"ssh/<login>"`,
			[]part{reaches("ssh/*")}},
		"its own end": {"expiry/expired", "expires_at", "later expires_at",
			[]part{ended(with(identity(etl), until(in(-1))))}},
		"its own agreement ended": {"expiry/expired", "expires_at",
			"Renew agreement MSA-1 and set agreement.ends_at ", []part{ended(identity(etl, over))}},
		"the register's agreement": {"expiry/expired", "expires_at",
			`Renew agreement MSA-2 and set partners["acme"].agreement.ends_at `,
			[]part{registered, ended(identity(etl))}},
		"the agreement, seen from a grant": {"expiry/expired", "expires_at", "its identity, or the agreement",
			[]part{ended(grant(etl, "daily"))}},
		"the parent ended": {"expiry/expired", "expires_at", "the identity above it",
			[]part{ended(identity(etl))}},
		"a waiver in place of an agreement": {"expiry/expired", "expires_at", "its waivers",
			[]part{ended(with(identity(etl, over), waives("expiry/outlives-agreement", "ciso@example.com", in(-1))))}},
	} {
		found := build(want.parts...).findings()
		fits := func(f Finding) bool {
			return f.Rule.Slug == want.slug &&
				f.Attribute == want.attribute &&
				strings.Contains(f.Fix, want.fix)
		}
		if !slices.ContainsFunc(found, fits) {
			t.Errorf("%s: no %s at %s that says %q:\n%s", name, want.slug, want.attribute, want.fix, texted(found))
		}
	}
}

// Every text that any case gives rise to reads as it should.
func TestFindingsReadAsSentences(t *testing.T) {
	for slug, policies := range cases() {
		for _, p := range policies {
			for _, f := range build(p.parts...).findings() {
				detail := strings.Replace(f.Detail(), f.Paste, "", 1)
				for _, flaw := range []string{"%!", "  ", "..", "\x00", "<nil>", " ,", "PRIVATE KEY-----",
					"AGE-SECRET"} {
					if strings.Contains(strings.ReplaceAll(detail, "...", ""), flaw) &&
						!strings.Contains(detail, "jane..doe") {
						t.Errorf("%s/%s: %q in %s", slug, p.name, flaw, detail)
					}
				}
				if f.Problem == "" ||
					f.Fix == "" ||
					strings.HasSuffix(f.Problem, ".") ||
					!strings.HasSuffix(f.Fix, ".") {
					t.Errorf("%s/%s: problem %q, fix %q", slug, p.name, f.Problem, f.Fix)
				}
			}
		}
	}
}
