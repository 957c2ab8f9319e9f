// SPDX-License-Identifier: MPL-2.0

// Command rulesdoc writes the templates of the guardrail pages from the catalogue: one page for each family of rules,
// and the table of all rules into templates/guides/guardrails.md.tmpl, between two marks. It also writes the catalogue
// that examples/policy reads.
//
// `make generate` runs it before tfplugindocs, in the folder of this file.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

//go:generate go run . ../../templates/guides

const (
	begin = "<!-- The table is written by tools/rulesdoc. -->\n"
	end   = "<!-- End of the table. -->\n"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("rulesdoc: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: rulesdoc FOLDER-OF-GUIDES")
	}
	if err := write(os.Args[1], guardrail.Catalogue()); err != nil {
		log.Fatal(err)
	}
}

// write replaces the pages of a folder. A family that is gone takes its page along.
func write(folder string, rules []guardrail.Rule) error {
	old, err := filepath.Glob(filepath.Join(folder, "guardrails-*.md.tmpl"))
	if err != nil {
		return err
	}
	pages := map[string][]byte{}
	for family, members := range families(rules) {
		pages[filepath.Join(folder, "guardrails-"+family+".md.tmpl")] = page(filepath.Join(folder, "..", ".."), family,
			members)
	}
	for _, path := range old {
		if _, stays := pages[path]; !stays {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	catalogue := filepath.Join(folder, "..", "..", "examples", "policy", "catalogue.json")
	if pages[catalogue], err = forPolicies(rules); err != nil {
		return err
	}
	overview := filepath.Join(folder, "guardrails.md.tmpl")
	if pages[overview], err = withTable(overview, rules); err != nil {
		return err
	}
	pages[filepath.Join(folder, "controls.md.tmpl")] = controlsPage(rules)
	for path, text := range pages {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// forPolicies returns what the policies of examples/policy have to know of the catalogue.
func forPolicies(rules []guardrail.Rule) ([]byte, error) {
	type row struct {
		Level      string   `json:"level"`
		Fixed      bool     `json:"fixed"`
		Reads      []string `json:"reads"`
		ReadsAbove []string `json:"reads_above"`
		Silences   []string `json:"silences"`
		Remedy     string   `json:"remedy"`
	}
	rows := map[string]row{}
	for _, r := range rules {
		rows[r.Slug] = row{r.Level.String(), r.Fixed, append([]string{}, r.Reads...),
			append([]string{}, r.ReadsAbove...), append([]string{}, r.Silences...), r.Remedy}
	}
	var b bytes.Buffer
	text := json.NewEncoder(&b)
	text.SetEscapeHTML(false)
	text.SetIndent("", "  ")
	err := text.Encode(map[string]any{"catalogue": rows})
	return b.Bytes(), err
}

func families(rules []guardrail.Rule) map[string][]guardrail.Rule {
	out := map[string][]guardrail.Rule{}
	for _, r := range rules {
		out[family(r)] = append(out[family(r)], r)
	}
	return out
}

func family(r guardrail.Rule) string {
	name, _, _ := strings.Cut(r.Slug, "/")
	return name
}

// page returns one family's page. The root is the repository's, where the examples are.
func page(root, family string, rules []guardrail.Rule) []byte {
	var b bytes.Buffer
	title := "Guardrails: " + family
	fmt.Fprintf(&b, "---\npage_title: %q\nsubcategory: \"5 Guardrails\"\ndescription: |-\n  The rules of the family "+
		"%s: what each refuses, why, what to write instead, and how to waive it.\n---\n\n", title, family)
	fmt.Fprintf(&b, "# %s\n\n", title)
	levels(&b, root, rules)
	b.WriteString("The [guide to guardrails](guardrails.md) says what levels and waivers mean, and when a finding is " +
		"an error.\n")
	for _, r := range rules {
		section(&b, r)
		example(&b, root, r)
		setAside(&b, r)
	}
	return b.Bytes()
}

// levels shows the settings of a page's rules at their defaults. Where all are fixed there is nothing to set: it
// shows what they accept.
func levels(b *bytes.Buffer, root string, all []guardrail.Rule) {
	rules := slices.DeleteFunc(slices.Clone(all), func(r guardrail.Rule) bool { return r.Fixed })
	if len(rules) == 0 {
		accepted(b, root, all)
		return
	}
	longest := 0
	for _, r := range rules {
		longest = max(longest, len(r.Slug))
	}
	b.WriteString("```hcl\nprovider \"partner\" {\n  environment = \"prod\"\n\n  guardrails = {\n    levels = { # " +
		"the defaults; write only what differs\n")
	for _, r := range rules {
		fmt.Fprintf(b, "      %-*s = %q\n", longest+2, fmt.Sprintf("%q", r.Slug), r.Level)
	}
	b.WriteString("    }\n  }\n}\n```\n\n")
}

// accepted shows the first example of a page that its rules accept.
func accepted(b *bytes.Buffer, root string, rules []guardrail.Rule) {
	for _, r := range rules {
		path := "examples/refused/" + strings.ReplaceAll(r.Slug, "/", "--") + ".fixed.tf"
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(path))); err == nil {
			fmt.Fprintf(b, "{{tffile %q}}\n\nThis is accepted. No setting lowers a rule of this page, and no waiver "+
				"sets it aside.\n\n", path)
			return
		}
	}
}

// controlsPage returns the page that names the rules of each control.
func controlsPage(rules []guardrail.Rule) []byte {
	serve := map[guardrail.Control][]string{}
	for _, r := range rules {
		for _, c := range r.Controls {
			anchor := strings.ReplaceAll(r.Slug, "/", "")
			serve[c] = append(serve[c], fmt.Sprintf("[`%s`](guardrails-%s.md#%s)", r.Slug, family(r), anchor))
		}
	}
	var b bytes.Buffer
	b.WriteString("---\npage_title: \"Controls\"\nsubcategory: \"6 Trust\"\ndescription: |-\n  Which rules serve " +
		"which control of OWASP NHI, NIST CSF, ISO 27001, CSA CCM, CIS and PCI DSS.\n---\n\n# Controls\n\n")
	b.WriteString("{{tffile \"examples/data-sources/partner_guardrails/data-source.tf\"}}\n\n")
	b.WriteString("The rules see only a part of each control. If they find nothing, the control may still not be " +
		"met. The [report](report.md) shows the findings by control.\n\n| Control | Rules |\n|---|---|\n")
	for _, c := range slices.Sorted(maps.Keys(serve)) {
		fmt.Fprintf(&b, "| %s | %s |\n", c, strings.Join(serve[c], ", "))
	}
	return b.Bytes()
}

func section(b *bytes.Buffer, r guardrail.Rule) {
	fmt.Fprintf(b, "\n## %s\n\n%s. %s\n\n**Precedent:** %s ([%s](%s))\n\n**Instead:** %s\n\n",
		r.Slug, r.Title, r.Why, r.Precedent.Text, publisher(r.Precedent.Source), r.Precedent.Source, r.Remedy)
	fmt.Fprintf(b, "- Level: %s\n- Judges: %s\n", level(r), strings.Join(judged(r), ", "))
	if read := arguments(r); read != "" {
		fmt.Fprintf(b, "- Reads: %s\n", read)
	}
	if len(r.Silences) > 0 {
		fmt.Fprintf(b, "- If it speaks, these rules say nothing about the same argument: %s\n",
			strings.Join(quoted(r.Silences), ", "))
	}
	fmt.Fprintf(b, "- Controls: %s\n", strings.Join(controls(r), ", "))
}

// publisher returns the host of a page, as people name it.
func publisher(page string) string {
	_, host, _ := strings.Cut(page, "https://")
	host, _, _ = strings.Cut(host, "/")
	return strings.TrimPrefix(host, "www.")
}

// example shows what the rule refuses, what it says, and how it is repaired, in the files that the tests compare with.
// Some rules have none.
func example(b *bytes.Buffer, root string, r guardrail.Rule) {
	name := "examples/refused/" + strings.ReplaceAll(r.Slug, "/", "--")
	what := "This is refused:"
	if r.Level < guardrail.Deny {
		what = "This gets a warning:"
	}
	for _, file := range []struct{ path, before, shown string }{
		{name + ".before.tf", "What is there:", "{{tffile %q}}"},
		{name + ".tf", what, "{{tffile %q}}"},
		{"internal/provider/testdata/guardrail/" + r.Slug + ".txt", "It says:", "{{codefile \"text\" %q}}"},
		{name + ".fixed.tf", "This is accepted:", "{{tffile %q}}"},
	} {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(file.path))); err == nil {
			fmt.Fprintf(b, "\n%s\n\n"+file.shown+"\n", file.before, file.path)
		}
	}
}

// setAside says how to waive the rule, and what its level can be. The tests plan what it shows.
func setAside(b *bytes.Buffer, r guardrail.Rule) {
	b.WriteString("\n**To waive it:** ")
	if r.Fixed {
		b.WriteString("You cannot. The rule is fixed: no setting lowers it, and no waiver sets it aside.\n")
		return
	}
	if r.Level == guardrail.Deny {
		fmt.Fprintf(b, "`levels = { %q = \"warn\" }` in the provider's `guardrails` turns it into a warning "+
			"everywhere. ", r.Slug)
	} else {
		fmt.Fprintf(b, "It only warns, unless `levels = { %q = \"deny\" }` in the provider's `guardrails` raises it. "+
			"`\"off\"` silences it everywhere. ", r.Slug)
	}
	where := "on the resource"
	if r.Pairs() {
		where = "on one of the resources that it compares"
	}
	fmt.Fprintf(b, "A waiver %s sets it aside for 90 days at most; somebody other than the owner approves it.", where)
	if family(r) == "expiry" {
		b.WriteString(" It buys time but exempts nothing: the access ends at the waiver's `until` at the latest.")
	}
	if r.Bounded() {
		b.WriteString(" Neither goes [beyond what no setting can raise](guardrails.md#what-no-setting-can-raise).")
	}
	fmt.Fprintf(b, "\n\n```hcl\n  waivers = {\n    %q = {\n      reason   = \"The partner moves to its new gateway "+
		"in January\"\n      approver = \"ciso@example.com\"\n      until    = \"2027-01-31T00:00:00Z\"\n    "+
		"}\n  }\n```\n", r.Slug)
}

func level(r guardrail.Rule) string {
	if r.Fixed {
		return r.Level.String() + ", fixed"
	}
	return r.Level.String()
}

func judged(r guardrail.Rule) []string {
	plural := map[access.Type]string{
		access.TypeIdentity:   "identities",
		access.TypeCredential: "credentials",
		access.TypeGrant:      "grants",
	}
	var out []string
	for _, t := range []access.Type{access.TypeIdentity, access.TypeCredential, access.TypeGrant} {
		if slices.Contains(r.On, t) {
			out = append(out, plural[t])
		}
	}
	return out
}

func arguments(r guardrail.Rule) string {
	out := strings.Join(quoted(r.Reads), ", ")
	if len(r.ReadsAbove) > 0 {
		above := strings.Join(quoted(r.ReadsAbove), ", ") + " of whatever is above it"
		if out == "" {
			return above
		}
		out += "; " + above
	}
	return out
}

func controls(r guardrail.Rule) []string {
	var out []string
	for _, c := range r.Controls {
		text := string(c)
		if formerly := c.Formerly(); formerly != "" {
			text += " (formerly " + formerly + ")"
		}
		out = append(out, text)
	}
	return out
}

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = "`" + n + "`"
	}
	return out
}

// withTable returns the overview with the table of all rules between its marks.
func withTable(path string, rules []guardrail.Rule) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	head, rest, found := bytes.Cut(text, []byte(begin))
	_, tail, closed := bytes.Cut(rest, []byte(end))
	if !found || !closed {
		return nil, fmt.Errorf("%s has no marks for the table: %s%s", path, begin, end)
	}
	return slices.Concat(head, []byte(begin), table(rules), []byte(end), tail), nil
}

func table(rules []guardrail.Rule) []byte {
	var b bytes.Buffer
	b.WriteString("\n| rule | level | it speaks when |\n|---|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| [`%s`](guardrails-%s.md#%s) | %s | %s |\n", r.Slug, family(r), anchor(r.Slug), level(r),
			lower(r.Title))
	}
	b.WriteString("\n")
	return b.Bytes()
}

// anchor returns what GitHub and the registry make of a heading.
func anchor(slug string) string { return strings.ReplaceAll(slug, "/", "") }

func lower(title string) string { return strings.ToLower(title[:1]) + title[1:] }
