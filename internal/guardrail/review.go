// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// automatic is how near to now a review is a clock's and no person's.
const automatic = 60 * time.Second

// openings are the arguments whose change opens access further.
var openings = []string{
	"expires_at", "ceiling", "agreement", "parent_id", "subcontractors", "suspended", "federated", "rotation",
	"allowed_cidrs", "resource", "actions",
}

// reviewRules returns the rules about who looked, and when. What a signature or a worksheet adds is in signed.go and
// decision.go.
func reviewRules() []Rule {
	return []Rule{{
		Slug: "review/overdue", Title: "Nobody has looked at the access for too long",
		Level: Deny, On: everything, Reads: openings, Needs: []string{"review"}, NeedsAbove: []string{"review"},
		Why:    "Access that nobody looks at outlives its reason, and widening it builds on what nobody knows.",
		Remedy: "Look whether the partner still needs it, and record it: review = { at, by, reason }.",
		Precedent: Precedent{
			"CIS Control 5.5: service accounts are reviewed at least quarterly, to validate that all active ones are " +
				"authorized.",
			"https://www.cisecurity.org/controls/account-management",
		},
		Controls: []Control{PCI724, PRAA05, CIS55, IAM08},
		own:      identityAlone(reviewOverdue), above: reviewOverdue, up: toIdentity,
	}, {
		Slug: "review/future", Title: "The review lies in the future",
		Level: Deny, Fixed: true, On: everything, Reads: []string{"review"}, Silences: []string{"review/automatic"},
		Why:    "A review in the future means that nobody has looked yet.",
		Remedy: "Set review.at to the moment at which somebody looked.",
		Precedent: Precedent{
			"Auditors of Deloitte Canada set back the clocks of their computers, so that their sign-offs bore " +
				"earlier dates than the real ones. The PCAOB fined the firm in 2021.",
			"https://www.complianceweek.com/accounting-and-auditing/pcaob-fines-deloitte-canada-350k-for-quality-control-failures/30885.article",
		},
		Controls: []Control{PCI724, IAM08, ISO518},
		own:      reviewFuture,
	}, {
		Slug: "review/automatic", Title: "The review is a clock's, not a person's",
		Level: Deny, On: everything, Reads: []string{"review"},
		Why:    "A review that is dated by plantimestamp() says that somebody looked when nobody did.",
		Remedy: "Write the moment at which somebody looked as a fixed date, such as \"2026-11-20T00:00:00Z\".",
		Precedent: Precedent{
			"Five US mortgage servicers settled for 25 billion dollars in 2012, among other things for " +
				"\"robo-signing\": people had signed in bulk for what they had not looked at.",
			"https://www.justice.gov/opa/pr/federal-government-and-state-attorneys-general-reach-25-billion-agreement-five-largest",
		},
		Controls: []Control{PCI724, IAM08, ISO518},
		own:      reviewAutomatic,
	}, {
		Slug: "review/by-partner", Title: "The reviewer is not one of our own people",
		Level: Deny, On: everything, Reads: []string{"review"}, ReadsAbove: hosts,
		Why:    "A partner that reviews its own access will find that it needs it.",
		Remedy: "Have one of your own people look, and name them in review.by with an address in owner_domains.",
		Precedent: Precedent{
			"In 2015 Facebook had Cambridge Analytica certify by itself that it had deleted its data. In 2018 " +
				"Facebook was told that, contrary to the certificate, not all of it was.",
			"https://about.fb.com/news/2018/03/suspending-cambridge-analytica/",
		},
		Controls: []Control{AC5, PCI724, ISO522, IAM08},
		own:      reviewByPartner, above: reviewByContact, up: toHosts, each: true,
	}}
}

// reviewOverdue finds access at which nobody has looked for longer than review_every. The creation counts as a look,
// and so do the object's own reviews and its identity's. If reviews have to be signed, the history's last look counts
// only as far as it extended something, since an unsigned one could not.
func reviewOverdue(c *Context, s, upper *Subject) []problem {
	seen := s.History.CreatedAt
	if seen.IsZero() {
		return nil
	}
	looked := "created"
	standing := slices.DeleteFunc(reviews(s, upper), func(r *access.Review) bool { return !c.counts(r) })
	lately := []time.Time{s.History.ReviewedAt}
	if c.asks(access.SignedReview) { // whether that one was signed, the history does not say
		lately = []time.Time{s.History.RenewedAt, s.History.ReviewUsedAt}
	}
	for _, r := range append(lately, access.NewestReview(standing...)) {
		if r.After(seen) {
			seen, looked = r, "last reviewed"
		}
	}
	age := c.Now.Sub(seen)
	if age <= c.Settings.ReviewEvery {
		return nil
	}
	return two("review", "review",
		say("%s was %s on %s, %s ago; review_every is %s", s, looked, date(seen), length(age),
			length(c.Settings.ReviewEvery)), "")
}

// reviewFuture finds a review that is dated after now.
func reviewFuture(c *Context, s *Subject) []problem {
	r := s.terms().Review
	if r == nil || !r.At.After(c.Now) {
		return nil
	}
	return one("review.at", say("%s: review.at is %s, and it is now %s", s, moment(r.At.Time), moment(c.Now)), "")
}

// reviewAutomatic finds a review that is dated at the moment of the plan, as plantimestamp() writes it. A person who
// looked needs longer than that to write it down.
func reviewAutomatic(c *Context, s *Subject) []problem {
	r := s.terms().Review
	if r == nil || r.At.IsZero() || r.At.Sub(c.Now).Abs() > automatic {
		return nil
	}
	return one("review.at", say("%s: review.at is %s, within %s of now (%s)", s, moment(r.At.Time), length(automatic),
		moment(c.Now)), "")
}

// reviewByPartner finds a reviewer who is not one of our own people, by what the object says of the partner and by
// owner_domains. Who stands above it, reviewByContact looks at.
func reviewByPartner(c *Context, s *Subject) []problem {
	r := s.terms().Review
	if r == nil {
		return nil
	}
	why := c.outsiderTo(r.By, s)
	if _, ok := access.ParseAddress(r.By); why == "" && !ok && len(c.Settings.OwnerDomains) > 0 {
		why = "which is no address in owner_domains (" + strings.Join(c.Settings.OwnerDomains, ", ") + ")"
	}
	if why == "" {
		return nil
	}
	return []problem{{
		attribute: "review.by",
		cause:     c.broughtIn(r.By, s),
		text:      say("%s was reviewed by %s, %s", s, shown(r.By), why),
	}}
}

// reviewByContact finds a reviewer who is a contact of an identity above the object.
func reviewByContact(c *Context, lower, _ *Subject) []problem {
	r := lower.terms().Review
	if r == nil {
		return nil
	}
	return c.besideOf(r.By, lower).problems("review.by", "%s was reviewed by %s, %s", lower, shown(r.By))
}
