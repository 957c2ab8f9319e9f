// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// expiryRules returns the rules about ends. They judge what is declared (expires_at) and, where access rests on
// something else, the end that the plan puts in force (Subject.end): expiry/soon and expiry/expired warn of the latter.
func expiryRules() []Rule {
	ends := []string{"expires_at"}
	return []Rule{{
		Slug: "expiry/unknown", Title: "The end is not known at plan",
		Level: Deny, Fixed: true, On: everything, Reads: ends, unready: true,
		Why:    "If the end is computed at apply, as timestamp() is, no reviewer can see when the access ends.",
		Remedy: "Write expires_at as a fixed moment, such as \"2027-03-31T00:00:00Z\".",
		Precedent: Precedent{
			"Terraform's own documentation says of timestamp() that its result cannot be predicted in planning, and " +
				"advises against it in arguments of resources.",
			"https://developer.hashicorp.com/terraform/language/functions/timestamp",
		},
		Controls: []Control{NHI7, AC22, PRAA05, ISO518},
		own:      expiryUnknown,
	}, {
		Slug: "expiry/indefinite", Title: "The access never ends",
		Level: Deny, Fixed: true, On: everything, Reads: ends,
		Silences: []string{"expiry/too-long", "expiry/cannot-be-enforced"},
		Why:      "An end that nobody will live to see is no end.",
		Remedy:   "Set expires_at to when the work is expected to be done; it can be renewed after a review.",
		Precedent: Precedent{
			"Microsoft's researchers published a link to a storage account in 2020 that was later set to end in " +
				"2051. Until it was revoked in 2023 it opened 38 terabytes of internal data.",
			"https://www.wiz.io/blog/38-terabytes-of-private-data-accidentally-exposed-by-microsoft-ai-researchers",
		},
		Controls: []Control{NHI1, NHI7, AC22, PCI827},
		own:      expiryIndefinite,
	}, {
		Slug: "expiry/past", Title: "The end has already passed",
		Level: Deny, Fixed: true, On: everything, Reads: ends, Silences: []string{"expiry/expired"},
		Why: "Access that ends before it begins is a mistake; an end that is moved into the past ends " +
			"access at once.",
		Remedy: "Set expires_at to a moment that is still to come, or remove the block.",
		Precedent: Precedent{
			"RFC 7519 (section 4.1.4): a token must not be accepted on or after the moment that its exp names. " +
				"Access that is issued with an end in the past works nowhere.",
			"https://www.rfc-editor.org/rfc/rfc7519.html#section-4.1.4",
		},
		Controls: []Control{NHI1, AC22, PCI825},
		own:      expiryPast,
	}, {
		Slug: "expiry/too-long", Title: "The access lives too long",
		Level: Deny, On: everything, Reads: ends,
		Why:    "The longer access runs without anybody deciding on it again, the likelier it outlives its reason.",
		Remedy: "Set expires_at earlier, and renew it after a review when it is still needed.",
		Precedent: Precedent{
			"In April 2025 the CA/Browser Forum decided to shorten the life of public TLS certificates from 398 days " +
				"to 47 by 2029, since what they say gets stale and revocation does not reach everybody.",
			"https://cabforum.org/2025/04/11/ballot-sc081v3-introduce-schedule-of-reducing-validity-and-data-reuse-periods/",
		},
		Controls: []Control{NHI7, AC22, PCI827, ISO518},
		own:      expiryTooLong, bounded: true,
	}, {
		Slug: "expiry/rolling", Title: "The access renews itself",
		Level: Deny, Fixed: true, On: everything, Reads: ends, Needs: []string{"review"},
		NeedsAbove: []string{"review"},
		Why:        "An end that moves on without anybody looking is no end.",
		Remedy: "Add a review = { at, by, reason } that is newer than the last extension, to this block or to its " +
			"identity's.",
		Precedent: Precedent{
			"PCI DSS 4.0.1, requirement 7.2.4: access, also of third parties, is reviewed at least every six months, " +
				"and management acknowledges that it remains appropriate.",
			"https://www.pcisecuritystandards.org/document_library/",
		},
		Controls: []Control{NHI1, PCI724, IAM08, ISO518},
		own:      identityAlone(expiryRolling), above: expiryRolling, up: toIdentity,
	}, {
		Slug: relabelled, Title: "The access goes on under a new name",
		Level: Deny, On: children, Reads: relabelledReads, Needs: []string{"expires_at", "review"},
		NeedsAbove: []string{"review"},
		Why:        "Access that ends under one name and goes on under the next never ends, and nobody has to look.",
		Remedy: "Check whether the partner still needs it, and record that: a review = { at, by, reason } from after " +
			"the old access ended.",
		Precedent: Precedent{
			"In 2006 the European Court of Justice decided (C-212/04, Adeneler) that fixed-term contracts of " +
				"employment do not cease to be successive because more than 20 working days lie between them: the " +
				"protection against endless renewal would be void.",
			"https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=CELEX:62004CJ0212",
		},
		Controls: []Control{NHI1, NHI7, PCI724, IAM08},
		above:    expiryRelabelled, up: toIdentity,
	}, {
		Slug: "expiry/permanent", Title: "Temporary access has become permanent",
		Level: Deny, On: everything, Reads: ends, Needs: []string{"owner", "review"}, NeedsAbove: []string{"review"},
		Why:    "If access is renewed year after year on its owner's word alone, nobody else has ever decided on it.",
		Remedy: "Have somebody other than the owner decide anew, and write their e-mail address in review.by.",
		Precedent: Precedent{
			"Drizly let an executive into its repositories in 2018 for a hackathon of one day, and nobody ended " +
				"that. In 2020 intruders came in through this account and took the data of 2.5 million customers.",
			"https://www.ftc.gov/system/files/ftc_gov/pdf/202-3185-Drizly-Complaint.pdf",
		},
		Controls: []Control{NHI7, AC5, PCI724, IAM08},
		own:      identityAlone(expiryPermanent), above: expiryPermanent, up: toIdentity,
	}, {
		Slug: "expiry/outlives-identity", Title: "The access outlives its identity",
		Level: Deny, Fixed: true, On: children, Reads: ends, ReadsAbove: ends,
		Why:    "Offboarding leaves behind access that is declared beyond the end of its identity.",
		Remedy: "Set expires_at to the identity's expires_at or earlier.",
		Precedent: Precedent{
			"In December 2021 a former employee of Block downloaded reports of Cash App that were still open to them " +
				"after their employment had ended. 8.2 million customers had to be told.",
			"https://techcrunch.com/2022/04/05/block-cash-app-data-breach/",
		},
		Controls: []Control{NHI1, AC23, PCI825, IAM07},
		above:    outlivesIdentity, up: toIdentity,
	}, {
		Slug: "expiry/outlives-agreement", Title: "The access outlives the agreement that it rests on",
		Level: Deny, On: identities, Reads: []string{"expires_at", "agreement"},
		Why:    "Without a contract the partner is bound to nothing, and nobody is answerable for what it does.",
		Remedy: "Set expires_at to the end of the agreement or earlier, or renew the agreement first.",
		Precedent: Precedent{
			"In 2000 a man who had left the contractor that installed the sewage controls of Maroochy Shire used its " +
				"equipment to release 800,000 litres of sewage.",
			"https://www.mitre.org/sites/default/files/pdf/08_1145.pdf",
		},
		Controls: []Control{NHI1, GVSC10, PS7, ISO520},
		own:      outlivesAgreement,
	}, {
		Slug: "expiry/outlives-parent", Title: "A subcontractor outlives the partner that it hangs on",
		Level: Deny, Fixed: true, On: identities, Reads: []string{"expires_at", "parent_id"}, ReadsAbove: ends,
		Why:    "A subcontractor has its reason from the partner above it, and loses it with that partner.",
		Remedy: "Set expires_at to the parent's expires_at or earlier.",
		Precedent: Precedent{
			"GDPR Article 28(3)(g) and (4): a processor deletes or returns all data when its services end, and whom " +
				"it engages is bound by the same duties.",
			"https://eur-lex.europa.eu/eli/reg/2016/679/oj",
		},
		Controls: []Control{NHI1, GVSC10, SA9, ISO521},
		above:    outlivesParent, up: toParent,
	}, {
		Slug: "expiry/cannot-be-enforced", Title: "The system could not end the access by itself",
		Level: Deny, Fixed: true, On: everything, Reads: ends,
		Why:    "If Terraform never ran again, the access would stay.",
		Remedy: "Choose an end, or a kind of credential, that the system ends by itself.",
		Precedent: Precedent{
			"The key that forged tokens for Exchange Online in 2023 was made in 2016 and due to be retired in 2021. " +
				"Retiring was manual, and had been stopped.",
			"https://www.cisa.gov/resources-tools/resources/cyber-safety-review-board-releases-report-microsoft-online-exchange-incident-summer-2023",
		},
		Controls: []Control{NHI1, AC22, AC23},
		own:      expiryCannotBeEnforced,
	}, {
		Slug: "expiry/soon", Title: "The access ends soon",
		Level: Warn, On: everything, Reads: ends,
		Why:    "What is still needed should be reviewed and renewed in time; what is not should be left to end.",
		Remedy: "If it is still needed, review it and set a later expires_at; if not, do nothing.",
		Precedent: Precedent{
			"In December 2018 a certificate in Ericsson's software expired, and the customers of O2 and SoftBank " +
				"were without mobile data.",
			"https://www.zdnet.com/article/ericsson-expired-certificate-caused-o2-and-softbank-outages/",
		},
		Controls: []Control{PRAA05, AC22, IAM08},
		own:      expirySoon,
	}, {
		Slug: "expiry/expired", Title: "The access has ended and is still declared",
		Level: Warn, On: everything, Reads: ends,
		Why:    "A block for access that has ended misleads whoever reads the configuration.",
		Remedy: "Remove the block, or review the access and set a later expires_at.",
		Precedent: Precedent{
			"In 2017 Equifax had a device that inspected its traffic, but the device's certificate had expired and " +
				"it inspected nothing: the theft was only seen when the certificate was replaced.",
			"https://www.gao.gov/products/gao-18-559",
		},
		Controls: []Control{NHI1, CIS51, AC23},
		own:      expiryExpired,
	}}
}

// identityAlone returns a check of two, an object and its identity, on an identity by itself.
func identityAlone(check func(c *Context, s, upper *Subject) []problem) func(c *Context, s *Subject) []problem {
	return func(c *Context, s *Subject) []problem {
		if s.identity() == nil {
			return nil
		}
		return check(c, s, nil)
	}
}

// expiryUnknown finds an end that is not known at plan. It is the one rule of this family that looks before the end is
// known (Rule.unready); the others wait for it.
func expiryUnknown(_ *Context, s *Subject) []problem {
	if !s.Unknown["expires_at"] {
		return nil
	}
	return one("expires_at", say("%s: expires_at is not known at plan", s), "")
}

// endless reports whether a moment is one that people write for "never".
func endless(t time.Time) bool {
	year, month, _ := t.Date()
	return year == 9999 || year == 2999 || (year == 2099 && month == time.December && t.Day() == 31)
}

// expiryIndefinite finds an end that nobody means as one: more than five years ahead, or a day that people write for
// "never". No setting moves the five years, so max_lifetime cannot either.
func expiryIndefinite(c *Context, s *Subject) []problem {
	end := s.terms().ExpiresAt.Time
	if !end.After(c.Now.AddDate(5, 0, 0)) && !endless(end) {
		return nil
	}
	why := "which is what people write for never"
	if !endless(end) {
		why = "more than 5 years ahead"
	}
	return one("expires_at", say("%s: expires_at is %s, %s", s, date(end), why),
		say("Set expires_at to when the work is expected to be done, at the latest %s; it can be renewed "+
			"after a review.", moment(c.latest(s))))
}

// latest returns the last end that expiry/too-long admits.
func (c *Context) latest(s *Subject) time.Time {
	return s.start(c.Now).Add(c.Settings.MaxLifetime[s.Object.Ref().Type])
}

// expiryPast finds an end that has passed, if this plan sets it. Access that ran out in the meantime is no mistake of
// the plan's: expiry/expired warns of that. Moving an end into the past is less access and goes through; then this is a
// warning.
func expiryPast(c *Context, s *Subject) []problem {
	end := s.terms().ExpiresAt.Time
	moved := s.created() || !s.Before.Common().ExpiresAt.Equal(end)
	if !moved || end.After(c.Now) {
		return nil
	}
	return one("expires_at", say("%s: expires_at is %s, and it is now %s: the access ends at once", s, date(end),
		moment(c.Now)), "")
}

// expiryTooLong compares the whole life, from when it began (Subject.start), with max_lifetime. So an extension counts
// from now, and what is only changed keeps the beginning that it had. Beyond hardLifetime neither a setting nor a
// waiver helps.
func expiryTooLong(c *Context, s *Subject) []problem {
	t := s.Object.Ref().Type
	start := s.start(c.Now)
	end := s.terms().ExpiresAt.Time
	most, life := c.Settings.MaxLifetime[t], end.Sub(start)
	if life <= most {
		return nil
	}
	hard := life > hardLifetime(t)
	text := say("%s: expires_at is %s, %s after %s; max_lifetime of %s %s is %s", s, date(end), beyond(life, most),
		moment(start), article(t), t, length(most))
	if hard {
		text += say(", and no configuration can raise it over %s", length(hardLifetime(t)))
	}
	return []problem{{attribute: "expires_at", text: text, hard: hard,
		fix: say("Set expires_at to %s or earlier, and renew it after a review when it is still needed.",
			moment(c.latest(s)))}}
}

// article returns the article before a type's name.
func article(t access.Type) string {
	if t == access.TypeIdentity {
		return "an"
	}
	return "a"
}

// outlivesIdentity compares a credential or a grant with its identity, at expires_at. The system cuts what is below at
// the identity's end in any case; the rule keeps the declaration from promising more.
func outlivesIdentity(_ *Context, lower, upper *Subject) []problem {
	return outlives(lower, upper, "the access would be declared %s longer than its identity")
}

// outlivesParent compares an identity with the one above it.
func outlivesParent(_ *Context, lower, upper *Subject) []problem {
	return outlives(lower, upper, "the subcontractor would stay %s longer than the partner that it works for")
}

// outlives compares the declared ends of two objects, of which one hangs on the other. consequence has a %s for how
// much longer the lower one would last.
func outlives(lower, upper *Subject, consequence string) []problem {
	end := lower.terms().ExpiresAt.Time
	limit := upper.terms().ExpiresAt.Time
	if !end.After(limit) {
		return nil
	}
	text := say("%s: expires_at is %s but %s ends on %s: "+consequence, lower, date(end), upper, date(limit),
		length(end.Sub(limit)))
	fix := say("Set expires_at of %s to %s or earlier, or extend %s first.", lower, moment(limit), upper)
	return two("expires_at", "expires_at", text, fix)
}

// outlivesAgreement compares an identity with the agreement that ends first, its own or the register's. Agreements
// without an end bound nothing.
func outlivesAgreement(c *Context, s *Subject) []problem {
	end, first := s.terms().ExpiresAt.Time, c.agreement(s)
	if first == nil || !end.After(first.EndsAt.Time) {
		return nil
	}
	limit := first.EndsAt.Time
	return one("expires_at", say("%s: expires_at is %s but agreement %s ends on %s: the partner would keep access "+
		"for %s without a contract",
		s, date(end), first.Reference, date(limit), between(limit, end)),
		say("Set expires_at to %s or earlier, or renew the agreement first.", moment(limit)))
}

// agreement returns the one that ends first of those that an identity rests on: its own and the
// register's; nil: there is none.
func (c *Context) agreement(s *Subject) *access.Agreement {
	var first *access.Agreement
	for _, a := range []*access.Agreement{s.identity().Agreement, c.Settings.Partners[s.partner()].Agreement} {
		if a != nil && !a.EndsAt.IsZero() && (first == nil || a.EndsAt.Before(first.EndsAt.Time)) {
			first = a
		}
	}
	return first
}

// expiryCannotBeEnforced asks the system whether it could end this by itself, at the end that the plan puts in force.
func expiryCannotBeEnforced(c *Context, s *Subject) []problem {
	if c.Capabilities.CannotEnd == nil {
		return nil
	}
	why := c.Capabilities.CannotEnd(s.Object, s.end())
	if why == "" {
		return nil
	}
	return one("expires_at", say("%s would have to end on %s, but %s", s, date(s.end()), strings.TrimSuffix(why, ".")),
		"")
}

// expirySoon warns before the end in force: warn_before ahead, but not in the first three quarters of a life, so that
// what is made for a week is not announced from its first day on.
func expirySoon(c *Context, s *Subject) []problem {
	end := s.end()
	left := end.Sub(c.Now)
	if left <= 0 || left > min(c.Settings.WarnBefore, end.Sub(s.start(c.Now))/4) {
		return nil
	}
	return one("expires_at", say("%s ends on %s, in %s", s, date(end), length(left)), "")
}

// expiryExpired warns of what has ended and is still declared. If its own expires_at is still to come, something above
// it ended first, and restore says what.
func expiryExpired(c *Context, s *Subject) []problem {
	end := s.end()
	if end.After(c.Now) {
		return nil
	}
	text := say("%s ended on %s and is still declared", s, date(end))
	fix := ""
	if own := s.terms().ExpiresAt.Time; own.After(c.Now) {
		text += say(": its own expires_at is %s, but what it rests on ended earlier", date(own))
		fix = c.restore(s)
	}
	return one("expires_at", text, fix)
}

// restore says what to renew where access ended before its own expires_at.
func (c *Context) restore(s *Subject) string {
	_, waived := s.terms().Waivers[access.OutlivesAgreement]
	switch {
	case waived:
		return "Remove the block, or meet the rules that its waivers set aside."
	case s.identity() == nil:
		return "Remove the block, or renew what it rests on first: its identity, or the agreement."
	}
	a := c.agreement(s)
	if a == nil || a.EndsAt.After(c.Now) {
		return "Remove the block, or renew what it rests on first: the identity above it, or what its " +
			"waivers set aside."
	}
	where := "agreement.ends_at"
	if a != s.identity().Agreement {
		where = say("partners[%q].agreement.ends_at of the provider", s.partner())
	}
	return say("Renew agreement %s and set %s to its new end, or remove the block.", a.Reference, where)
}
