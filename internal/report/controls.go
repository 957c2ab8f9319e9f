// SPDX-License-Identifier: MPL-2.0

package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/journal"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// standards are those by whose controls the findings are shown, by how the names of their controls begin. The first
// prefix that fits counts, and the empty one fits all.
var standards = []struct{ prefix, name string }{
	{"OWASP NHI", "OWASP Non-Human Identities Top 10 2025"},
	{"NIST CSF 2.0 ", "NIST Cybersecurity Framework 2.0"},
	{"CSA CCM v4 ", "CSA Cloud Controls Matrix v4"},
	{"ISO 27001 ", "ISO/IEC 27001:2022, Annex A"},
	{"CIS v8 ", "CIS Controls v8"},
	{"PCI DSS ", "PCI DSS"},
	{"NIST 800-53 ", "NIST SP 800-53"},
	{"", "Other"},
}

// standard is one standard, with the controls that the rules serve.
type standard struct {
	Name     string
	Controls []*control
}

// control is a control of a standard, and what was found that touches it.
type control struct {
	Name string
	// Rules are how many rules serve it.
	Rules    int
	Findings []Finding
}

// Verdict says what was found. It never says that the control is satisfied: the rules see only a part of it.
func (c *control) Verdict(judged, of int) string {
	if len(c.Findings) > 0 {
		levels := map[string]int{}
		for _, f := range c.Findings {
			levels[f.Level]++
		}
		var texts []string
		for _, level := range order.Sorted(maps.Keys(levels),
			func(a, b string) int { return cmp.Or(gravity(a)-gravity(b), cmp.Compare(a, b)) }) {
			texts = append(texts, fmt.Sprintf("%d %s", levels[level], level))
		}
		return strings.Join(texts, ", ")
	}
	switch {
	case judged == 0:
		return "not checked"
	case judged < of:
		return fmt.Sprintf("none in %d of %d objects", judged, of)
	}
	return "none"
}

// gravity orders levels, the gravest first.
func gravity(level string) int {
	switch level {
	case "deny", "error":
		return 0
	case "warn", "warning":
		return 1
	}
	return 2
}

// sorted returns the findings, the gravest first. What is equally grave comes by rule and by object.
func (r *Report) sorted() []Finding {
	return order.Sorted(slices.Values(r.Findings), func(a, b Finding) int {
		return cmp.Or(gravity(a.Level)-gravity(b.Level), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.Type, b.Type))
	})
}

// standards returns the findings by the controls that their rules serve. Controls that a rule serves are there without
// findings, too, and standards without any control are not.
func (r *Report) standards() []standard {
	all := make([]standard, len(standards))
	known := map[string]*control{}
	get := func(name string) *control {
		if known[name] != nil {
			return known[name]
		}
		known[name] = &control{Name: name}
		for n, s := range standards {
			if strings.HasPrefix(name, s.prefix) {
				all[n].Controls = append(all[n].Controls, known[name])
				break
			}
		}
		return known[name]
	}
	for _, rule := range r.Rules {
		for _, name := range rule.Controls {
			get(name).Rules++
		}
	}
	for _, f := range r.sorted() {
		for _, name := range f.Controls {
			c := get(name)
			c.Findings = append(c.Findings, f)
		}
	}
	for n := range all {
		all[n].Name = standards[n].name
		order.Sort(all[n].Controls, func(a, b *control) int { return compareNumbers(a.Name, b.Name) })
	}
	return slices.DeleteFunc(all, func(s standard) bool { return len(s.Controls) == 0 })
}

// compareNumbers compares names so that 5.5 comes before 15.7. It compares part by part; a longer number is the greater
// one.
func compareNumbers(a, b string) int {
	split := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool {
			return r == '.' ||
				r == '-' ||
				r == ' ' ||
				r == '(' ||
				r == ')'
		})
	}
	x, y := split(a), split(b)
	for n := range min(len(x), len(y)) {
		if c := cmp.Or(cmp.Compare(len(digits(x[n])), len(digits(y[n]))), cmp.Compare(x[n], y[n])); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// digits returns text if it is a number, and "" otherwise.
func digits(text string) string {
	if strings.Trim(text, "0123456789") != "" {
		return ""
	}
	return text
}

// removed returns the partners of which something was removed in the period. One may be named several times.
func (r *Report) removed() (partners []string) {
	for _, c := range r.changes() {
		partner, _, ok := strings.Cut(c.ID, "/")
		if ok && c.Verb == journal.Revoke && c.sort() == cut {
			partners = append(partners, partner)
		}
	}
	return partners
}

// departed returns the partners that left: their agreement ended, or all that they had was removed in the period. Clean
// are those of them that can do nothing any more, as far as the report knows.
func (r *Report) departed() (clean, all []string) {
	left, there := map[string]bool{}, map[string]bool{}
	for _, p := range r.partners() {
		if p.Name != "" && p.Over(r) {
			left[p.Name] = p.CanAct() == 0
		}
		there[p.Name] = there[p.Name] || len(p.Items) > 0
	}
	for _, name := range r.removed() {
		if !there[name] {
			left[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		all = append(all, name)
		if left[name] {
			clean = append(clean, name)
		}
	}
	return clean, all
}

// decommissioned returns the ratio of CIS safeguard 15.7 in words.
func (r *Report) decommissioned() string {
	clean, all := r.departed()
	if len(all) == 0 {
		text := "CIS 15.7, securely decommissioned service providers: "
		if unread := r.unread(); unread != "" {
			return text + "not known: " + unread + "."
		}
		return text + "no partner left in the period."
	}
	text := fmt.Sprintf("CIS 15.7, securely decommissioned service providers: %d of %d (%d %%)", len(clean), len(all),
		100*len(clean)/len(all))
	var rest []string
	for _, name := range all {
		if !slices.Contains(clean, name) {
			rest = append(rest, name)
		}
	}
	if len(rest) > 0 {
		text += ". The agreement has ended and access has not: " + strings.Join(rest, ", ")
	}
	if unknown, _ := r.unsearched(); unknown != "" {
		text += ". Logins that nobody declared were not looked for"
	}
	return text + "."
}
