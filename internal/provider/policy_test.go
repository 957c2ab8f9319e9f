// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// The policies of examples/policy judge the plans of other pipelines. They say of each example what the guardrails say,
// but for what the guide says they cannot see.
func TestPoliciesGiveTheGuardrailsVerdict(t *testing.T) {
	thorough(t)
	opa := realtool.Find(t, "opa")
	seen := policyTable(t)
	judged := policyCases(t)
	policies := policyVerdicts(t, opa, judged)
	for _, name := range slices.Sorted(maps.Keys(judged)) {
		want, got := judged[name].found, anywhere(policies[name])
		for _, v := range slices.Sorted(maps.Keys(got)) {
			if !want[v] {
				t.Errorf("%s: the policies say %s, and the guardrails do not", name, v)
			}
		}
		for _, v := range slices.Sorted(maps.Keys(want)) {
			rule, _, _ := strings.Cut(v, " ")
			own := name == "refused/"+strings.ReplaceAll(rule, "/", "--")
			switch {
			case got[v] && seen[rule] == "no":
				t.Errorf("%s: the policies say %s, which the guide says they cannot see", name, v)
			case !got[v] && (seen[rule] == "yes" || (own && seen[rule] == "partly")):
				t.Errorf("%s: the guardrails say %s, and the policies do not: %v", name, v,
					slices.Sorted(maps.Keys(got)))
			}
		}
	}
}

// anywhere are "rule level", of "rule level address".
func anywhere(verdicts map[string]bool) map[string]bool {
	all := map[string]bool{}
	for v := range verdicts {
		rule, rest, _ := strings.Cut(v, " ")
		level, _, _ := strings.Cut(rest, " ")
		all[rule+" "+level] = true
	}
	return all
}

// What a configuration allows itself, the pipeline that checks it refuses, by the commands of the guide.
func TestThePoliciesJudgeAPlanOfAPipeline(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	block := blocksOf(t, "docs/guides/policies.md")
	c.file("settings.json", block("{"))
	if err := os.CopyFS(filepath.Join(c.folder, "examples", "policy"),
		os.DirFS(filepath.Join("..", "..", "examples", "policy"))); err != nil {
		t.Fatal(err)
	}
	judge := "PATH=" + filepath.Dir(realtool.Find(t, "opa")) + ":$PATH\n" +
		strings.TrimSpace(block("terraform plan -out=plan")) + " && echo passed || echo refused"
	for owner, says := range map[string][]string{
		"jane.doe@example.com":       {"passed"},
		"jane.doe@elsewhere.example": {"owner/external", "partner_identity.orders", "refused"},
	} {
		changed := quarter()
		changed["owner"] = strconv.Quote(owner)
		c.write("provider \"partner\" {\n  environment = \"prod\"\n}\n" + identity(changed))
		out := shell(t, c.folder, c.env, judge)
		for _, want := range says {
			if !strings.Contains(out, want) {
				t.Errorf("%s: nothing says %s\n%s", owner, want, tail(out))
			}
		}
	}
}

// policyTable is the table of the guide: whether a rule is seen in a plan.
func policyTable(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "templates", "guides", "policies.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+/[a-z0-9-]+)` \\| (yes|partly|no) \\| (.*) \\|$").
		FindAllStringSubmatch(string(page), -1) {
		seen[row[1]] = row[2]
		if row[2] != "yes" && row[3] == "" {
			t.Errorf("the guide does not say what is not seen of %s", row[1])
		}
	}
	for _, rule := range guardrail.Catalogue() {
		if seen[rule.Slug] == "" {
			t.Errorf("the guide does not say whether policies see %s", rule.Slug)
		}
	}
	return seen
}

// policyCase is the plan of an example, and what the guardrails found in it: as "rule level", and
// each as "rule level id".
type policyCase struct {
	Plan     map[string]any `json:"plan"`
	Settings map[string]any `json:"settings"`
	found    map[string]bool
	each     map[string]bool
}

// policyCases plans all examples.
func policyCases(t *testing.T) map[string]policyCase {
	t.Helper()
	var mu sync.Mutex
	cases := map[string]policyCase{}
	t.Run("plans", func(t *testing.T) {
		for _, folder := range []string{"refused", "accepted"} {
			files := examples(t, folder)
			for file, text := range files {
				name := strings.TrimSuffix(file, ".tf")
				if strings.HasSuffix(name, ".before") || strings.HasPrefix(name, "credential--private-key") {
					continue // no plan holds a private key: it is refused before any is made
				}
				t.Run(folder+"/"+name, func(t *testing.T) {
					t.Parallel()
					l := newLab(t)
					if before := files[strings.TrimSuffix(name, ".fixed")+".before.tf"]; before != "" {
						l.begin(before)
					}
					l.trait = comment(text, "system")
					c := l.collected(text)
					mu.Lock()
					defer mu.Unlock()
					cases[folder+"/"+name] = c
				})
			}
		}
	})
	return cases
}

// declares is the head of a resource block, for its address.
var declares = regexp.MustCompile(`(?m)^resource "(partner_(?:identity|credential|grant))" "(\w+)" \{(\n  for_each +=)?`)

// collected plans an example with its findings collected, and reads the plan as a pipeline does.
func (l *lab) collected(text string) policyCase {
	l.t.Helper()
	collects := "enforcement = \"collect\""
	override := "provider \"partner\" {\n  guardrails = { " + collects + " }\n}\n"
	if strings.Contains(text, "  guardrails = {\n") {
		text = strings.Replace(text, "  guardrails = {\n", "  guardrails = {\n    "+collects+"\n", 1)
		override = ""
	}
	l.write(text)
	var ids []string
	for _, block := range declares.FindAllStringSubmatch(text, -1) {
		all := block[1] + "." + block[2]
		if block[3] != "" {
			all = "values(" + all + ")"
		}
		ids = append(ids, all+"[*].id")
	}
	findings := "locals {\n  ids = flatten([" + strings.Join(ids, ", ") + "])\n}\n" +
		"data \"partner_guardrails\" \"this\" {\n  ids = local.ids\n}\noutput \"findings\" {\n  value = " +
		"data.partner_guardrails.this.findings\n}\n"
	for name, text := range map[string]string{"zz_override.tf": override, "findings.tf": findings} {
		if err := os.WriteFile(filepath.Join(l.folder, name), []byte(text), 0o600); err != nil {
			l.t.Fatal(err)
		}
	}
	l.must("plan", "-out=plan")
	show := exec.Command(os.Getenv(commandLine), "show", "-json", "plan")
	show.Dir, show.Env = l.folder, l.env
	out, err := show.Output()
	c := policyCase{Settings: map[string]any{}, found: map[string]bool{}, each: map[string]bool{}}
	if err == nil {
		err = json.Unmarshal(out, &c.Plan)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	c.Plan["timestamp"] = l.clock().Format(time.RFC3339Nano)
	var read struct {
		Planned struct {
			Outputs struct {
				Findings struct {
					Value []struct{ Rule, Level, ID string } `json:"value"`
				} `json:"findings"`
			} `json:"outputs"`
		} `json:"planned_values"`
		Configuration struct {
			Providers map[string]struct {
				Expressions map[string]struct {
					Constant any `json:"constant_value"`
				} `json:"expressions"`
			} `json:"provider_config"`
		} `json:"configuration"`
	}
	if err := json.Unmarshal(out, &read); err != nil {
		l.t.Fatal(err)
	}
	for _, f := range read.Planned.Outputs.Findings.Value {
		c.found[f.Rule+" "+f.Level] = true
		c.each[f.Rule+" "+f.Level+" "+f.ID] = true
	}
	for name, e := range read.Configuration.Providers["partner"].Expressions {
		c.Settings[name] = e.Constant
	}
	return c
}

// policyVerdicts are what the policies say of each case, as "rule level address".
func policyVerdicts(t *testing.T, opa string, cases map[string]policyCase) map[string]map[string]bool {
	t.Helper()
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	query := exec.Command(opa, "eval", "--format=raw", "--stdin-input", "--strict-builtin-errors=false", "--data",
		filepath.Join("..", "..", "examples", "policy"),
		"{name: said | some name, c in input; plan := c.plan; settings := c.settings; said := data.partner.verdicts "+
			"with input as plan with data.settings as settings}")
	var failed bytes.Buffer
	query.Stdin, query.Stderr = bytes.NewReader(input), &failed
	out, err := query.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, failed.String())
	}
	var said map[string][]struct{ Rule, Level, Address, Msg string }
	if err := json.Unmarshal(out, &said); err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]map[string]bool{}
	for name, all := range said {
		verdicts[name] = map[string]bool{}
		for _, v := range all {
			verdicts[name][v.Rule+" "+v.Level+" "+v.Address] = true
			if v.Address == "" || !strings.Contains(v.Msg, v.Address) {
				t.Errorf("%s: %q does not say of which resource it is", name, v.Msg)
			}
		}
	}
	if len(verdicts) != len(cases) {
		t.Errorf("%d of %d plans were judged", len(verdicts), len(cases))
	}
	return verdicts
}
