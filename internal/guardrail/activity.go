// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// activityRules returns the rules about use and drift: what the system tells of access that exists.
func activityRules() []Rule {
	on := []access.Type{access.TypeIdentity, access.TypeCredential}
	return []Rule{{
		Slug: "activity/dormant", Title: "The access is not used",
		Level: Warn, On: on, Reads: []string{"expected_use"}, NeedsAbove: []string{"expected_use"},
		Why: "If nobody uses the access, nobody notices a thief who does.",
		Remedy: "Ask the partner whether it is still needed; if it is used rarely, say how often in the identity's " +
			"expected_use.",
		Precedent: Precedent{
			"In 2021 intruders entered Colonial Pipeline through an old VPN profile that was no longer meant to be " +
				"in use, as its chief executive told the Senate.",
			"https://www.govinfo.gov/content/pkg/CHRG-117shrg46569/html/CHRG-117shrg46569.htm",
		},
		Controls: []Control{NHI1, CIS53, PCI826, AC23},
		own:      identityAlone(dormant), above: dormant, up: toIdentity,
	}, {
		Slug: "activity/unused-renewal", Title: "Unused access is renewed",
		Level: Deny, On: on, Reads: []string{"expires_at"}, Needs: []string{"expected_use"},
		NeedsAbove: []string{"expected_use"},
		Why:        "Renewing unused access keeps a way in that only an intruder would use.",
		Remedy:     "Let it end; if it is used rarely, say how often in the identity's expected_use.",
		Precedent: Precedent{
			"RFC 9700 (section 4.14.2) wants a refresh token, which renews access, to expire where the client has " +
				"not used it for some time.",
			"https://www.rfc-editor.org/rfc/rfc9700.html#section-4.14.2",
		},
		Controls: []Control{NHI1, CIS53, PCI826, AC23},
		own:      identityAlone(unusedRenewal), above: unusedRenewal, up: toIdentity,
	}, {
		Slug: "activity/not-logged", Title: "Nobody records the use",
		Level: Warn, On: identities, Reads: []string{"environment"},
		Why: "Without a record, nobody can investigate an incident, or notice that the access is unused.",
		Remedy: "Turn on the system's audit log, or collect the logs of the gateways that let the partner in and " +
			"lower this rule.",
		Precedent: Precedent{
			"The theft of mail from Exchange Online in 2023 came to light because one agency kept logs of each " +
				"access to a mail item and saw one that it could not explain.",
			"https://www.cisa.gov/news-events/cybersecurity-advisories/aa23-193a",
		},
		Controls: []Control{DECM06, AU12, PCI827, ISO815},
		own:      notLogged,
	}, {
		Slug: "activity/drift", Title: "The system holds more than was declared",
		Level: Warn, On: everything, Reads: []string{"expires_at"},
		Why:    "Nobody reviewed access that was given outside the configuration.",
		Remedy: "Apply, so that the system holds what is declared, and find out who changed it.",
		Precedent: Precedent{
			"The intruders of the SolarWinds campaign in 2020 added credentials of their own to applications that " +
				"existed already in their victims' Microsoft cloud.",
			"https://www.cisa.gov/news-events/cybersecurity-advisories/aa21-008a",
		},
		Controls: []Control{NHI5, SI4, CIS51, ISO522},
		own:      drifted,
	}}
}

// idle returns since when what exists is not seen used, for how long it surely was not, and for how long it may be.
// What is suspended cannot be used.
func idle(c *Context, s, upper *Subject) (since time.Time, unused, allowed time.Duration, ok bool) {
	if !c.Capabilities.KnowsLastUse || s.History.CreatedAt.IsZero() {
		return since, 0, 0, false
	}
	holder := s.identity()
	if upper != nil {
		holder = upper.identity()
	}
	allowed = c.Settings.DormantAfter
	since = s.History.CreatedAt
	if holder.ExpectedUse.Duration > 0 {
		allowed = holder.ExpectedUse.Duration
	}
	if s.LastUsedAt.After(since) {
		since = s.LastUsedAt
	}
	unused = c.Now.Sub(since)
	if s.UseUnknown { // it was not used before somebody ceased to look, and not since somebody looks again
		unused = s.Unseen.Since.Sub(since)
		if again := s.Unseen.Until; !again.IsZero() {
			unused = max(unused, c.Now.Sub(again))
		}
	}
	return since, unused, allowed, !holder.Suspended && c.Now.Sub(since) > allowed
}

// unused says in words since when the subject is not used, as far as that is known.
func (s *Subject) unused(since time.Time) string {
	text := say("was last used on %s", date(since))
	if s.LastUsedAt.IsZero() {
		text = say("was never used since it was created on %s", date(since))
	}
	if s.UseUnknown {
		text += say(" as far as is known (%s)", s.Unseen.Why)
	}
	return text
}

// dormant warns also where a log has stopped, so that nobody knows: that silence renews nothing unnoticed.
func dormant(c *Context, s, upper *Subject) []problem {
	since, unused, allowed, ok := idle(c, s, upper)
	if !ok || (unused <= allowed && s.Unseen.Why == "") {
		return nil
	}
	return two("", "", say("%s %s; unused for over %s is dormant", s, s.unused(since), length(allowed)), "")
}

// unusedRenewal finds an extension of what is surely not used. Where nobody knows, as of a log that stopped, it finds
// nothing: dormant warns then.
func unusedRenewal(c *Context, s, upper *Subject) []problem {
	since, unused, allowed, ok := idle(c, s, upper)
	if !ok || unused <= allowed || !s.extends() {
		return nil
	}
	return two("expires_at", "expected_use",
		say("%s %s, over %s ago, and %s", s, s.unused(since), length(allowed), s.moves()), "")
}

// notLogged warns once for each identity of a system that cannot tell who used what.
func notLogged(c *Context, s *Subject) []problem {
	if c.Capabilities.LogsUse {
		return nil
	}
	return one("", say("%s: %s keeps no audit log of its use", s, c.Capabilities.Name), "")
}

// drifted warns of what the system says is otherwise than declared, and of arguments that are wider there than what was
// last applied: somebody changed the ledger, or an older state is planned with.
func drifted(c *Context, s *Subject) []problem {
	what := slices.Sorted(slices.Values(s.Drift))
	if live := c.view.live[c.subject.ref]; live != nil && s.Before != nil {
		was := s.Before
		if s.Told != nil {
			was = s.Told
		}
		for _, a := range openings {
			if access.Widened(was, live.Object, a) {
				what = append(what, "the system holds a wider "+a+" than was last applied")
			}
		}
	}
	if len(what) == 0 {
		return nil
	}
	return one("", say("%s: %s", s, strings.TrimSuffix(strings.Join(what, "; "), ".")), "")
}
