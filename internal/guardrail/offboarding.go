// SPDX-License-Identifier: MPL-2.0

package guardrail

import "time"

// rehearseEvery is how often the offboarding of a partner is rehearsed.
const rehearseEvery = 180 * day

// offboardingRules returns the rule about what is to work on the day a partner leaves.
func offboardingRules() []Rule {
	return []Rule{{
		Slug: "offboarding/rehearsal-overdue", Title: "The partner's offboarding was not rehearsed",
		Level: Warn, On: identities, Reads: []string{"partner"},
		Why:    "An offboarding that was never tried fails on the day it is needed.",
		Remedy: "Apply a partner_rehearsal for the partner.",
		Precedent: Precedent{
			"DORA Article 28(8): exit plans for what providers do are documented, sufficiently tested and reviewed " +
				"periodically.",
			"https://eur-lex.europa.eu/eli/reg/2022/2554/oj",
		},
		Controls: []Control{NHI1, GVSC10, CIS157, IR3},
		own:      rehearsalOverdue,
	}}
}

// rehearsalOverdue speaks on the first identity of a partner that arrives. It counts from the partner's oldest access
// if it was never rehearsed. Where rehearsals are not kept, and for a partner that is new, it finds nothing.
func rehearsalOverdue(c *Context, s *Subject) []problem {
	if c.Settings.Rehearsed == nil || c.subject.rank != 1 {
		return nil
	}
	from, what := s.History.CreatedAt, "onboarded"
	if first := c.view.onboarded[s.partner()]; first != nil && (from.IsZero() || first.History.CreatedAt.Before(from)) {
		from = first.History.CreatedAt
	}
	if last := c.Settings.Rehearsed[s.partner()]; last.After(from) {
		from, what = last, "last rehearsed"
	}
	if from.IsZero() || c.Now.Sub(from) <= rehearseEvery {
		return nil
	}
	return one("", say("the partner %s was %s on %s, %s ago; a rehearsal is due every %s", s.partner(), what,
		date(from), length(c.Now.Sub(from).Truncate(time.Second)), length(rehearseEvery)), "")
}
