// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// hosts are the arguments of an identity that say whose people are not our own.
var hosts = []string{"contact", "parent_id"}

// ownerRules returns the rules about who answers for access. Waivers and signatures are judged by them, too: who could
// not own access may not exempt it either (unfit).
func ownerRules() []Rule {
	return []Rule{{
		Slug: "owner/missing", Title: "Nobody owns the access",
		Level: Deny, Fixed: true, On: everything, Reads: []string{"owner"},
		Silences: []string{"owner/not-an-address", "owner/departed"},
		Why:      "If nobody owns the access, nobody ends it when the partner leaves.",
		Remedy:   "Set owner to the e-mail address of the one internal person or mailbox that answers for it.",
		Precedent: Precedent{
			"NIST SP 800-53 AC-2 (b): an account manager is assigned to every account.",
			"https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final",
		},
		Controls: []Control{NHI1, CIS55, ISO518, IAM03},
		own:      ownerMissing,
	}, {
		Slug: "owner/not-an-address", Title: "The owner is not one e-mail address",
		Level: Deny, On: everything, Reads: []string{"owner"}, Silences: []string{"owner/departed"},
		Why:    "A name or a team that cannot be written to cannot be asked whether the access is still needed.",
		Remedy: "Set owner to exactly one e-mail address, such as jane.doe@example.com.",
		Precedent: Precedent{
			"RFC 9116 gave websites a file for the contact of their security, because vulnerabilities were left " +
				"unreported where nobody could be reached.",
			"https://www.rfc-editor.org/rfc/rfc9116.html",
		},
		Controls: []Control{NHI1, CIS55, ISO518, IAM03},
		own:      ownerNotAnAddress,
	}, {
		Slug: "owner/placeholder", Title: "The owner is a placeholder",
		Level: Deny, On: everything, Reads: []string{"owner"}, Silences: []string{"owner/external"},
		Why:    "Nobody reads the mail of a placeholder, so nobody answers for the access.",
		Remedy: "Set owner to the address of the person or the team mailbox that answers for it.",
		Precedent: Precedent{
			"The owner of the domain donotreply.com received mail that banks and others had meant for nobody, " +
				"security reports among it.",
			"https://www.deutschlandfunk.de/das-digitale-logbuch-noreply-100.html",
		},
		Controls: []Control{NHI1, CIS55, ISO518, IAM03},
		own:      ownerPlaceholder,
	}, {
		Slug: "owner/external", Title: "The owner is not one of our own people",
		Level: Deny, On: everything, Reads: []string{"owner"}, ReadsAbove: hosts,
		Why:    "A partner that owns its own access decides alone how long it keeps it.",
		Remedy: "Set owner to an address in one of the owner_domains that is not the partner's.",
		Precedent: Precedent{
			"DORA Article 28(1): financial entities that use providers remain fully responsible themselves, " +
				"at all times.",
			"https://eur-lex.europa.eu/eli/reg/2022/2554/oj",
		},
		Controls: []Control{NHI3, PS7, ISO519, CIS55},
		own:      ownerExternal, above: ownerIsContact, up: toHosts, each: true,
	}, {
		Slug: "owner/departed", Title: "The owner has left",
		Level: Deny, On: everything, Reads: []string{"owner"},
		Why:    "Offboarding forgets access whose owner has left.",
		Remedy: "Set owner to somebody who is in active_owners.",
		Precedent: Precedent{
			"CISA warned in 2024 that the Russian SVR enters clouds through dormant accounts of people who have left " +
				"while their accounts remained.",
			"https://www.cisa.gov/news-events/cybersecurity-advisories/aa24-057a",
		},
		Controls: []Control{NHI1, CIS51, PCI825, IAM07},
		own:      ownerDeparted,
	}}
}

// ownerMissing finds a blank owner: spaces are nobody.
func ownerMissing(_ *Context, s *Subject) []problem {
	if strings.TrimSpace(s.terms().Owner) != "" {
		return nil
	}
	return one("owner", say("%s has the owner %s: blank", s, shown(s.terms().Owner)), "")
}

// ownerNotAnAddress finds an owner that is not exactly one address. If there is one in it ("Jane <jane@example.com>"),
// it says what to write.
func ownerNotAnAddress(_ *Context, s *Subject) []problem {
	if _, ok := access.ParseAddress(s.terms().Owner); ok {
		return nil
	}
	fix := ""
	if address, ok := access.AddressIn(s.terms().Owner); ok {
		fix = say("Write %q.", address)
	}
	return one("owner", say("%s has the owner %s, which is not exactly one e-mail address", s, shown(s.terms().Owner)),
		fix)
}

// placeholders are local parts that stand for nobody, without the marks and digits that people put into them.
var placeholders = strings.Fields(`
	noreply donotreply noresponse todo tbd tba tbc test tests tester testing testuser nobody noone someone anyone
	changeme replaceme fixme placeholder example sample dummy fake foobar asdf xxx none null nil undefined unknown
	unowned unassigned user username yourname firstnamelastname firstlast name temp tmp invalid blackhole devnull
`)

// joined takes the marks out of a local part.
var joined = strings.NewReplacer(".", "", "-", "", "_", "")

// ownerPlaceholder finds local parts that stand for nobody, without what people add to them: marks, digits, and what
// follows a plus. no-reply+acme7@ is noreply. The domain invalid (RFC 2606, section 2) is nobody's.
func ownerPlaceholder(_ *Context, s *Subject) []problem {
	a, ok := access.ParseAddress(s.terms().Owner)
	if !ok {
		return nil
	}
	name, _, _ := strings.Cut(a.Local, "+")
	name = strings.TrimRight(joined.Replace(name), "0123456789")
	if !slices.Contains(placeholders, name) && !within(a.Domain, []string{"invalid"}) {
		return nil
	}
	return one("owner", say("%s has the owner %s, which is a placeholder and not a person or a mailbox that is read", s,
		s.terms().Owner), "")
}

// ownerExternal finds an owner who is not one of our own people, by what the object itself says of the partner.
func ownerExternal(c *Context, s *Subject) []problem {
	owner := s.terms().Owner
	why := c.outsiderTo(owner, s)
	if why == "" {
		return nil
	}
	return []problem{{
		attribute: "owner",
		cause:     c.broughtIn(owner, s),
		text:      say("%s has the owner %s, %s", s, shown(owner), why),
	}}
}

// ownerIsContact finds an owner who is a contact of an identity above the object.
func ownerIsContact(c *Context, lower, _ *Subject) []problem {
	owner := lower.terms().Owner
	return c.besideOf(owner, lower).problems("owner", "%s has the owner %s, %s", lower, shown(owner))
}

// ownerDeparted finds an owner who is not in active_owners, if that is set.
func ownerDeparted(c *Context, s *Subject) []problem {
	owner := s.terms().Owner
	if !c.Settings.Departed(owner) {
		return nil
	}
	return one("owner", say("%s has the owner %s, who is not among the %d active_owners", s, shown(owner),
		len(c.Settings.ActiveOwners)), "")
}

// Departed reports whether an owner is not among the active ones, where these are known.
func (s Settings) Departed(owner string) bool {
	return len(s.ActiveOwners) > 0 &&
		!slices.ContainsFunc(s.ActiveOwners, func(a string) bool { return access.SameAddress(a, owner) })
}
