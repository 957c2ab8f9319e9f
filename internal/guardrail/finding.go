// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"cmp"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// Finding is what one rule has to say of one subject.
type Finding struct {
	Rule Rule
	// Level is what it comes to here: Deny stops the plan, Warn shows.
	Level Level
	// Subject is the object whose plan shows the finding.
	Subject access.Ref
	// Attribute is where in the subject it is: an argument, or a path into one (review.by,
	// waivers["expiry/too-long"].until); "" for the whole.
	Attribute string
	// Problem says what was seen, naming the objects and both values, without a full stop.
	Problem string
	// Fix says what to write instead, as sentences.
	Fix string
	// Paste is a block to write, as whole lines; "" for most.
	Paste string
	// Passing: at apply, it may be settled by a change of the same run that is still to come.
	Passing bool
}

// Summary returns the slug and title of the rule.
func (f Finding) Summary() string {
	return f.Rule.Slug + ": " + strings.ToLower(f.Rule.Title[:1]) + f.Rule.Title[1:]
}

// Detail returns what was seen, why it matters, how to fix it, and the controls that it serves.
func (f Finding) Detail() string {
	controls := make([]string, len(f.Rule.Controls))
	for i, c := range f.Rule.Controls {
		controls[i] = string(c)
	}
	problem := f.Problem
	if problem != "" {
		problem = strings.ToUpper(problem[:1]) + problem[1:]
	}
	paste := ""
	if f.Paste != "" {
		paste = "\n\n" + f.Paste
	}
	return problem + ". " + f.Rule.Why + " " + f.Fix + paste + "\nControls: " + strings.Join(controls, ", ") + "."
}

// sortFindings sorts the gravest first, and what is equally grave by rule, attribute and text, so that the same plan
// prints the same.
func sortFindings(findings []Finding) {
	order.Sort(findings, func(a, b Finding) int {
		return cmp.Or(
			-cmp.Compare(a.Level, b.Level),
			strings.Compare(a.Rule.Slug, b.Rule.Slug),
			strings.Compare(a.Attribute, b.Attribute),
			strings.Compare(a.Problem, b.Problem),
		)
	})
}
