package guardrail

import (
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func activityRules() []Rule {
	on := []access.Type{access.TypeIdentity, access.TypeCredential}
	return []Rule{{
		Slug: "activity/dormant", Title: "The access is not used",
		Level: Warn, On: on, Reads: []string{"expected_use"}, NeedsAbove: []string{"expected_use"},
		Why:      "What nobody uses nobody misses, but whoever finds its key.",
		Remedy:   "Ask the partner whether it is still needed; if it is used rarely, say how often in the identity's expected_use.",
		Controls: []Control{NHI1, CIS53, PCI826, AC23},
		own:      identityAlone(dormant), above: dormant, up: toIdentity,
	}, {
		Slug: "activity/unused-renewal", Title: "What is not used is renewed",
		Level: Deny, On: on, Reads: []string{"expires_at"}, Needs: []string{"expected_use"}, NeedsAbove: []string{"expected_use"},
		Why:      "Renewing what nobody uses keeps a way in for nobody but an intruder.",
		Remedy:   "Let it end; if it is used rarely, say how often in the identity's expected_use.",
		Controls: []Control{NHI1, CIS53, PCI826, AC23},
		own:      identityAlone(unusedRenewal), above: unusedRenewal, up: toIdentity,
	}, {
		Slug: "activity/not-logged", Title: "Nobody records the use",
		Level: Warn, On: identities, Reads: []string{"environment"},
		Why:      "What is not recorded cannot be looked into after an incident, and its disuse is not noticed.",
		Remedy:   "Turn on the system's audit log, or collect the logs of the gateways that let the partner in and lower this rule.",
		Controls: []Control{DECM06, AU12, PCI827, ISO815},
		own:      notLogged,
	}, {
		Slug: "activity/drift", Title: "The system holds more than was declared",
		Level: Warn, On: everything, Reads: []string{"expires_at"},
		Why:      "Access that was given past the configuration was reviewed by nobody.",
		Remedy:   "Apply, so that the system holds what is declared, and find out who changed it.",
		Controls: []Control{NHI5, SI4, CIS51, ISO522},
		own:      drifted,
	}}
}

// disuse is since when what exists is not used, if that is longer than it may be. What is suspended cannot be used.
func disuse(c *Context, s, upper *Subject) (since time.Time, allowed time.Duration, is bool) {
	if !c.Capabilities.KnowsLastUse || s.History.CreatedAt.IsZero() {
		return since, 0, false
	}
	holder := s.identity()
	if upper != nil {
		holder = upper.identity()
	}
	allowed, since = c.Settings.DormantAfter, s.History.CreatedAt
	if holder.ExpectedUse.Duration > 0 {
		allowed = holder.ExpectedUse.Duration
	}
	if s.LastUsedAt.After(since) {
		since = s.LastUsedAt
	}
	return since, allowed, !holder.Suspended && c.Now.Sub(since) > allowed
}

// unused says in words since when the subject is not used.
func (s *Subject) unused(since time.Time) string {
	if s.LastUsedAt.IsZero() {
		return say("was never used since it was created on %s", date(since))
	}
	return say("was last used on %s", date(since))
}

func dormant(c *Context, s, upper *Subject) []problem {
	since, allowed, is := disuse(c, s, upper)
	if !is {
		return nil
	}
	return two("", "", say("%s %s; unused for over %s is dormant", s, s.unused(since), length(allowed)), "")
}

func unusedRenewal(c *Context, s, upper *Subject) []problem {
	since, allowed, is := disuse(c, s, upper)
	if !is || !s.extends() {
		return nil
	}
	return two("expires_at", "expected_use", say("%s %s, over %s ago, and expires_at moves from %s to %s", s, s.unused(since), length(allowed),
		date(s.Before.Common().ExpiresAt.Time), date(s.terms().ExpiresAt.Time)), "")
}

func notLogged(c *Context, s *Subject) []problem {
	if c.Capabilities.LogsUse {
		return nil
	}
	return one("", say("%s: %s keeps no audit log of its use", s, c.Capabilities.Name), "")
}

func drifted(c *Context, s *Subject) []problem {
	what := slices.Sorted(slices.Values(s.Drift))
	if live := c.view.live[c.subject.ref]; live != nil && s.Before != nil {
		for _, a := range openings {
			if access.Widened(s.Before, live.Object, a) {
				what = append(what, "the system holds a wider "+a+" than was last applied")
			}
		}
	}
	if len(what) == 0 {
		return nil
	}
	return one("", say("%s: %s", s, strings.TrimSuffix(strings.Join(what, "; "), ".")), "")
}
