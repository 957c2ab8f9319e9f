// SPDX-License-Identifier: MPL-2.0

package guardrail

// knownAtPlan are the arguments that have to be known at plan: hold_released says that somebody decided.
var knownAtPlan = []string{"owner", "review", "resource", "actions", "hold_released"}

// planRules returns the rule about arguments that a reviewer of the plan must see. The end has a rule of its own,
// expiry/unknown.
func planRules() []Rule {
	return []Rule{{
		Slug: "plan/unknown", Title: "What a reviewer must see is not known at plan",
		Level: Deny, Fixed: true, On: everything, Reads: knownAtPlan,
		Why:    "Nobody can review a plan that does not say who answers for access and what it opens.",
		Remedy: "Write the value in the configuration, or take it from a variable, so that it is known at plan.",
		Precedent: Precedent{
			"NIST SP 800-53 CM-3 (b): proposed changes are reviewed, and approved or disapproved with explicit " +
				"consideration of their impact on security.",
			"https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final",
		},
		Controls: []Control{PRAA05, AC2, CIS55, ISO518},
		own:      unknownAtPlan,
		unready:  true,
	}}
}

// unknownAtPlan finds each argument of knownAtPlan that Terraform does not know yet.
func unknownAtPlan(_ *Context, s *Subject) []problem {
	var found []problem
	for _, a := range knownAtPlan {
		if s.Unknown[a] {
			found = append(found, problem{attribute: a, text: say("%s: %s is not known at plan", s, a)})
		}
	}
	return found
}
