// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"maps"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Waivers: one rule set aside for one object, for a while, by somebody else than its owner. Here they are judged
// themselves; where one hides a finding is evaluation.add, which asks only whether it has ended. A waiver that a rule
// here refuses may thus still hide, but the plan that brings it in is refused.

const unusedWaiver = "waiver/unused"

// waiverRules returns the rules about waivers. All but waiver/unused are fixed, so that no waiver silences them.
func waiverRules() []Rule {
	reads := []string{"waivers"}
	return []Rule{{
		Slug: "waiver/unknown-rule", Title: "The waiver names no rule",
		Level: Deny, Fixed: true, On: everything, Reads: reads,
		Why:    "A waiver of a rule that does not exist has no effect, and its reader cannot tell.",
		Remedy: "Correct the slug, or remove the waiver.",
		Precedent: Precedent{
			"The server of Kubernetes used to drop fields that it did not know, so that a mistyped one silently did " +
				"nothing. It has since learned to warn of them or to refuse them.",
			"https://kubernetes.io/blog/2023/04/24/openapi-v3-field-validation-ga/",
		},
		Controls: []Control{PRAA05, AC6},
		own:      waivers(waiverUnknown),
	}, {
		Slug: "waiver/fixed-rule", Title: "The waiver names a rule that cannot be waived",
		Level: Deny, Fixed: true, On: everything, Reads: reads,
		Why:    "Fixed rules are what the provider is for.",
		Remedy: "Remove the waiver and meet the rule.",
		Precedent: Precedent{
			"RFC 6797 (section 12.1): if a site demands secure transport and that fails, the browser offers no way " +
				"to continue.",
			"https://www.rfc-editor.org/rfc/rfc6797.html#section-12.1",
		},
		Controls: []Control{PRAA05, AC6},
		own:      waivers(waiverFixed),
	}, {
		Slug: "waiver/expired", Title: "The waiver has ended",
		Level: Deny, Fixed: true, On: everything, Reads: reads,
		Why:    "The exception was granted for a time that is over.",
		Remedy: "Remove the waiver and meet the rule, or have it approved anew.",
		Precedent: Precedent{
			"In 2015 the US Office of Personnel Management extended authorizations of its systems that had run out. " +
				"At the end of 2016 its inspector general still found at least 18 major systems without a valid one.",
			"https://oversight.garden/reports/opm/4A-CI-00-16-039",
		},
		Controls: []Control{PRAA05, AC22, ISO518},
		own:      waivers(waiverExpired),
	}, {
		Slug: "waiver/too-long", Title: "The waiver lasts too long",
		Level: Deny, Fixed: true, On: everything, Reads: reads,
		Why:    "An exception without a near end is a rule.",
		Remedy: "Set until to 90 days from now or earlier.",
		Precedent: Precedent{
			"In 2016 Mozilla let a payment processor have nine more certificates with the banned SHA-1, none of them " +
				"for longer than 90 days.",
			"https://blog.mozilla.org/security/2016/02/24/payment-processors-still-using-weak-crypto/",
		},
		Controls: []Control{PRAA05, AC22, ISO518},
		own:      waivers(waiverTooLong),
	}, {
		Slug: "waiver/self-approved", Title: "The waiver was approved by its own beneficiary, or by nobody",
		Level: Deny, Fixed: true, On: everything, Reads: reads, Needs: []string{"owner"}, ReadsAbove: hosts,
		Why:    "Whoever answers for access must not exempt it from the rules.",
		Remedy: "Have it approved by somebody else of our own people, and name their address in approver.",
		Precedent: Precedent{
			"At Barings one man ran both the trading and the settlement of its Singapore office, and so approved his " +
				"own trades. The bank collapsed in 1995.",
			"https://www.gov.uk/government/publications/report-into-the-collapse-of-barings-bank",
		},
		Controls: []Control{AC5, PRAA05, ISO518},
		own:      waivers(waiverSelfApproved), above: waiverByHost, up: toHosts, each: true,
	}, {
		Slug: unusedWaiver, Title: "The waiver hides nothing",
		Level: Warn, On: everything, Reads: reads,
		Why:    "A waiver that is not needed may one day hide what nobody meant it to hide.",
		Remedy: "Remove the waiver; it can be given again when it is needed.",
		Precedent: Precedent{
			"ESLint reports comments that disable a rule where there is nothing to report, so that they do not " +
				"suppress future errors unexpectedly.",
			"https://eslint.org/docs/latest/use/command-line-interface#--report-unused-disable-directives",
		},
		Controls: []Control{PRAA05, ISO518},
		own:      waivers(waiverUnused), last: true,
	}}
}

// granted is one waiver of a subject, and the one that was last applied under the same slug.
type granted struct {
	slug string
	access.Waiver
	before access.Waiver
	// applied: there was one. The other arguments are of no consequence to it then.
	applied bool
}

// later reports whether the plan brings the waiver in, or moves its end to a later moment.
func (w granted) later() bool { return !w.applied || w.Until.After(w.before.Until.Time) }

// at returns a waiver's argument as a path: waivers["expiry/too-long"].until, or the whole of it.
func (w granted) at(argument string) string {
	if argument != "" {
		argument = "." + argument
	}
	return say("waivers[%q]%s", w.slug, argument)
}

// waivers makes a check of all waivers of a check of one, which names an argument of the waiver. A waiver that is
// removed or shortened is less than before, whatever the others are.
func waivers(check func(c *Context, s *Subject, w granted) (problem, bool)) func(c *Context, s *Subject) []problem {
	return func(c *Context, s *Subject) []problem {
		var found []problem
		given := s.terms().Waivers
		for _, slug := range slices.Sorted(maps.Keys(given)) {
			w := granted{slug: slug, Waiver: given[slug]}
			if s.Before != nil {
				w.before, w.applied = s.Before.Common().Waivers[slug]
			}
			if p, ok := check(c, s, w); ok {
				p.attribute = w.at(p.attribute)
				if s.created() {
					p.cause = byChange
				}
				found = append(found, p)
			}
		}
		return found
	}
}

// waiverUnknown finds a waiver of a rule that does not exist, and names the one whose slug is nearest.
func waiverUnknown(c *Context, s *Subject, w granted) (problem, bool) {
	if c.rule(w.slug) != nil {
		return problem{}, false
	}
	var slugs []string
	for _, r := range c.view.rules {
		slugs = append(slugs, r.Slug)
	}
	return problem{cause: enteredIf(!w.applied), text: say("%s waives %s, which is no rule", s, shown(w.slug)),
		fix: say("Write %s, if that is what is meant, or remove the waiver.",
			slices.MinFunc(slugs, func(a, b string) int { return distance(w.slug, a) - distance(w.slug, b) }))}, true
}

// waiverFixed finds a waiver of a rule that nobody can waive: it is fixed, or the floor says so.
func waiverFixed(c *Context, s *Subject, w granted) (problem, bool) {
	r := c.rule(w.slug)
	if r != nil && !r.Fixed && !c.Settings.waivable(r.Rule) {
		return problem{cause: enteredIf(!w.applied),
			text: say("%s waives %s, which the floor lets nobody waive (set by %s)", s, w.slug,
				c.Settings.Floor.SetBy)}, true
	}
	return problem{cause: enteredIf(!w.applied), text: say("%s waives %s, which is fixed", s, w.slug)},
		r != nil && r.Fixed
}

// waiverExpired finds a waiver that is over. It silences nothing any more.
func waiverExpired(c *Context, s *Subject, w granted) (problem, bool) {
	return problem{
			attribute: "until",
			cause:     enteredIf(w.later()),
			text: say("%s waives %s until %s, and it is now %s", s, shown(w.slug), date(w.Until.Time),
				moment(c.Now)),
		},
		!w.Until.After(c.Now)
}

// waiverTooLong finds a waiver that ends later than waivers may, counted from now.
func waiverTooLong(c *Context, s *Subject, w granted) (problem, bool) {
	most := c.Settings.waiverLimit()
	limit := c.Now.Add(most)
	return problem{attribute: "until", cause: enteredIf(w.later()),
		text: say("%s waives %s until %s, %s from now; %s is the most", s, shown(w.slug), date(w.Until.Time),
			beyond(w.Until.Sub(c.Now), most), length(most)),
		fix: say("Set until to %s or earlier.", moment(limit))}, w.Until.After(limit)
}

// waiverSelfApproved finds a waiver that the owner approved, or somebody who could not own the access. If only a new
// owner makes the approver one, the plan brings that in.
func waiverSelfApproved(c *Context, s *Subject, w granted) (problem, bool) {
	p, by := approvedBy(s, w, c.beneficiary(w.Approver, s))
	if s.Before != nil && c.beneficiary(w.Approver, &Subject{Object: s.Before}) == "" {
		p.cause = entered
	}
	return p, by
}

// beneficiary says why an address may not exempt the subject, by what that says itself; "" where it may.
func (c *Context) beneficiary(approver string, s *Subject) string {
	if access.SameAddress(approver, s.terms().Owner) {
		return "who owns it"
	}
	return c.unfit(approver, s)
}

// waiverByHost judges approvers by what stands above an object, as the rule about owners does.
func waiverByHost(c *Context, lower, _ *Subject) []problem {
	if c.rule("owner/external").level < Deny {
		return nil
	}
	return waivers(func(c *Context, s *Subject, w granted) (problem, bool) {
		f := c.besideOf(w.Approver, s)
		p, by := approvedBy(s, w, f.why)
		p.cause, p.other, p.host = byChange, f.argument, f.host
		return p, by
	})(c, lower)
}

// approvedBy returns the problem of a waiver that was approved by somebody who may not; why is "" where they may.
func approvedBy(s *Subject, w granted, why string) (problem, bool) {
	return problem{attribute: "approver", cause: enteredIf(!w.applied || w.Approver != w.before.Approver),
		text: say("%s waives %s with the approval of %s, %s", s, shown(w.slug), shown(w.Approver), why)}, why != ""
}

// unfit says why an address could not own the subject: "" where the rules of owners would not refuse it.
func (c *Context) unfit(text string, s *Subject) string {
	terms := access.Terms{Owner: text}
	asked := &Subject{Object: &access.Identity{
		ID:       s.Object.Holder(),
		Terms:    terms,
		Contact:  s.contact(),
		ParentID: access.IdentityID{Partner: s.client()},
	}}
	for _, check := range []struct {
		slug, why string
		own       func(c *Context, s *Subject) []problem
	}{
		{"owner/missing", "which names nobody", ownerMissing},
		{"owner/not-an-address", "which is not one e-mail address", ownerNotAnAddress},
		{"owner/placeholder", "which is a placeholder", ownerPlaceholder},
		{"owner/external", "who is not one of our own people", ownerExternal},
		{"owner/departed", "who has left", ownerDeparted},
	} {
		if r := c.rule(check.slug); r.level == Deny && len(check.own(c, asked)) > 0 {
			return check.why
		}
	}
	return ""
}

// waiverUnused runs after all other rules. A waiver of a rule over two objects is not judged, since the other one may
// still arrive, and neither is one that another rule of waivers refuses.
func waiverUnused(c *Context, s *Subject, w granted) (problem, bool) {
	r := c.rule(w.slug)
	if r == nil ||
		!c.Settings.waivable(r.Rule) ||
		r.Pairs() ||
		r.Slug == unusedWaiver ||
		!w.Until.After(c.Now) ||
		c.hid[w.slug] {
		return problem{}, false
	}
	fix := ""
	if w.applied &&
		strings.HasPrefix(w.slug, "expiry/") &&
		w.Until.Before(s.terms().ExpiresAt.Time) {
		fix = "Let it end, or remove it together with a review: the access ends with the waiver, and later without it."
	}
	return problem{
		cause: enteredIf(!w.applied),
		text:  say("%s waives %s, which has nothing to say of it", s, w.slug),
		fix:   fix,
	}, true
}

// rule returns the rule of a slug, with its level; nil where there is none.
func (c *Context) rule(slug string) *ranked {
	rules := c.view.rules
	at, found := slices.BinarySearchFunc(rules, slug,
		func(r ranked, s string) int { return strings.Compare(r.Slug, s) })
	if !found {
		return nil
	}
	return &rules[at]
}
