// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"reflect"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What a row of a worksheet decided, and what the plan does. A review that quotes a row has the digest of the access
// that was looked at (access.Digest), so a decision on other access is void here, whoever signed it. Who signed is
// signed.go's question.

// decided are the arguments that a digest of access is made of: what a decision of a worksheet was made on.
var decided = slices.Concat([]string{"ceiling", "parent_id", "subcontractors"}, kindArguments(),
	[]string{"allowed_cidrs", "resource", "actions"})

// decisionRules returns the rules that compare a row of a signed or unsigned worksheet, which the review quotes, with
// what the plan does.
func decisionRules() []Rule {
	return []Rule{{
		Slug: "review/void", Title: "The decision was made on other access",
		Level: Deny, Fixed: true, On: everything, Reads: []string{"review"},
		Needs: append([]string{"review"}, decided...),
		Why:   "Somebody looked at what was there then, and nobody has looked at what is there now.",
		Remedy: "Remove the review, and have it decided on in a new worksheet: partner_review_worksheet has what the " +
			"access allows today.",
		Precedent: Precedent{
			"GitHub can dismiss the approvals of a pull request when commits are pushed after them: nobody has " +
				"approved what is there then.",
			"https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches",
		},
		Controls: []Control{PCI724, IAM08, ISO518},
		own:      reviewVoid,
	}, {
		Slug: "review/decided-otherwise", Title: "The review decided otherwise",
		Level: Deny, Fixed: true, On: everything, Reads: []string{"review", "expires_at"}, Needs: decided,
		Why:    "A review that is not carried out has only been filed.",
		Remedy: "Do what was decided, or have it decided anew in a new worksheet.",
		Precedent: Precedent{
			"PCI DSS 4.0.1, requirement 7.2.4: a review of access, also of third parties, ends with any " +
				"inappropriate access being addressed.",
			"https://www.pcisecuritystandards.org/document_library/",
		},
		Controls: []Control{PCI724, IAM08, ISO518},
		own:      decidedOtherwise,
	}}
}

// applied reports whether a subject's review was applied by an earlier change.
func (s *Subject) applied() bool {
	return s.Before != nil && reflect.DeepEqual(s.Before.Common().Review, s.terms().Review)
}

// today returns the access that a decision must have been made on: what the system holds or, where the plan
// creates it, what it makes.
func (s *Subject) today() access.Object {
	if s.Before == nil || s.Gone {
		return s.Object
	}
	return s.Before
}

// reviewVoid finds a decision on other access than there is today, by its digest, and a plan that makes the access
// wider in the same step. A review that was applied before was judged then.
func reviewVoid(_ *Context, s *Subject) []problem {
	r := s.terms().Review
	if r == nil || r.Access == "" || s.applied() {
		return nil
	}
	var text string
	switch {
	case r.Access != access.Digest(s.today()):
		text = say("%s: the review of %s by %s decided on access %s, and there is %s today", s, date(r.At.Time),
			shown(r.By), shown(r.Access), access.Digest(s.today()))
	case s.Before != nil && slices.ContainsFunc(decided, s.widens):
		text = say("%s: the review of %s by %s decided on what there is today, and the same plan makes it wider", s,
			date(r.At.Time), shown(r.By))
	default:
		return nil
	}
	return []problem{{attribute: "review.access", text: text, cause: entered}}
}

// decidedOtherwise finds a plan that does something else than the review decided: keeps what was to end, ends what was
// not, leaves as wide what was to be narrowed, or lets it last longer than was said. Once applied, a decision goes on
// to bind every extension, but nothing that only takes away.
func decidedOtherwise(_ *Context, s *Subject) []problem {
	r := s.terms().Review
	if r == nil {
		return nil
	}
	moves := s.extends() || s.created()
	who := say("the review of %s by %s", date(r.At.Time), shown(r.By))
	var problems []problem
	switch {
	case r.EndNow || r.Decision == access.DecisionEnd:
		problems = endedOtherwise(s, r, who)
	case moves:
		problems = keptOtherwise(s, r, who)
	}
	for n := range problems {
		problems[n].cause = enteredIf(!s.applied() || moves)
	}
	return problems
}

// endedOtherwise compares what a review decided on the end of access with what the block says.
func endedOtherwise(s *Subject, r *access.Review, who string) []problem {
	switch {
	case r.Decision != access.DecisionEnd:
		return one("review.end", say("%s: review.end is true, but %s did not decide to end it", s, who),
			"Remove end, or remove the block.")
	case !r.EndNow:
		return one("review.decision", say("%s: %s decided that it ends (%s), and it is still declared", s, who,
			shown(r.Reason)),
			"Remove the block: what it gave is revoked then. Or let it end and stay declared, with end = "+
				"true in review.")
	}
	return nil
}

// keptOtherwise compares what a review decided on access that is to stay with what the plan
// creates, or makes last longer.
func keptOtherwise(s *Subject, r *access.Review, who string) []problem {
	switch expires := s.terms().ExpiresAt; {
	case r.Decision == access.DecisionNarrow &&
		s.Before != nil &&
		access.Digest(s.Object) == access.Digest(s.Before):
		return one("review.decision", say("%s: %s decided to keep it only if it is narrowed (%s), and the plan "+
			"leaves it as wide as it was", s, who, shown(r.Reason)),
			"Narrow it in this change, or leave expires_at as it is.")
	case r.Access != "" && r.Until.IsZero() && s.extends():
		return one("expires_at", say("%s: expires_at moves to %s, and %s gave no date", s, date(expires.Time), who),
			"Leave expires_at as it is, or have a date decided on.")
	case !r.Until.IsZero() && expires.After(r.Until.Time):
		return one("expires_at", say("%s: expires_at is %s, and %s decided to keep it until %s", s, date(expires.Time),
			who, date(r.Until.Time)),
			say("Set expires_at to %s or earlier.", moment(r.Until.Time)))
	}
	return nil
}
