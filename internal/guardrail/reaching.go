// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What a grant reaches, as the system says (access.Reach). The rules here know no mounts, engines, services or roles:
// each system's package does, and gives its reasons as texts. A system that says nothing of reach has grants that reach
// what their pattern covers.

// privilegedLife is how long what the system calls privileged may last.
const privilegedLife = 30 * day

// reachRules judge a grant by what the system says that it reaches.
func reachRules() []Rule {
	return []Rule{{
		Slug: "scope/system-path", Title: "The grant reaches the system's own administration",
		Level: Deny, Fixed: true, On: grants, Reads: []string{"resource", "actions", "expires_at"},
		Why: "Whoever reaches the administration of the access system, or passes access on, is bound by no " +
			"other rule.",
		Remedy: "Set resource to the data that the partner needs.",
		Precedent: Precedent{
			"In December 2024 a stolen key of BeyondTrust's remote support let intruders set passwords in the " +
				"service itself; the US Treasury was among the victims.",
			"https://www.beyondtrust.com/remote-support-saas-service-security-investigation",
		},
		Controls: []Control{NHI5, AC6, PRAA05},
		own:      systemPath,
	}, {
		Slug: "scope/privileged", Title: "Privileged access lasts too long",
		Level: Deny, On: grants, Reads: []string{"resource", "actions", "expires_at"},
		Why: "A right to issue, sign, export keys or open a terminal reaches further than its grant says, and " +
			"what it makes may outlast the grant.",
		Remedy: "Grant it for 30 days or less, or grant what is not privileged.",
		Precedent: Precedent{
			"In March 2011 somebody stole the account of a Comodo partner that could issue certificates, and within " +
				"hours issued nine for sites such as Google and Yahoo. Suspending the account was not enough: each " +
				"certificate had to be revoked.",
			"https://blog.mozilla.org/security/2011/03/25/comodo-certificate-issue-follow-up/",
		},
		Controls: []Control{NHI5, AC6, AC22, PCI827},
		own:      privileged,
	}, {
		Slug: "scope/unknown-engine", Title: "Nobody can tell what the grant opens",
		Level: Deny, On: grants, Reads: []string{"resource", "actions"},
		Why: "If the provider does not know what is data, a grant may give out access to other systems, or " +
			"administer what gives it out.",
		Remedy: "Set resource to the data that the partner needs; where that is only there, read what the engine " +
			"does on that path, and waive this with what was found as the reason.",
		Precedent: Precedent{
			"NIST SP 800-53 CM-7(5): what may run is allowed by exception, and everything else is denied.",
			"https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final",
		},
		Controls: []Control{NHI5, AC6, PRAA05, ISO518},
		own:      unknownEngine,
	}, {
		Slug: "scope/no-mount", Title: "The grant opens nothing that is there",
		Level: Deny, On: grants, Reads: []string{"resource"},
		Why: "One day it opens whatever somebody puts there, and nobody has judged that.",
		Remedy: "Set resource to a path at which the data are, or make the place before the grant. Where one run " +
			"makes both, lower this rule to warn: the apply refuses the grant while there is still nothing.",
		Precedent: Precedent{
			"Microsoft on dangling names: where a name still points at something in the cloud that was removed, " +
				"whoever makes one of that kind there takes over what is trusted under the name.",
			"https://learn.microsoft.com/en-us/azure/security/fundamentals/subdomain-takeover",
		},
		Controls: []Control{NHI5, AC6, PRAA05, ISO518},
		own:      noMount,
	}}
}

// reach returns what a system says of a grant.
func reach(c *access.Capabilities, g *access.Grant) access.Reach {
	if c.Reach == nil {
		return access.Reach{}
	}
	return c.Reach(g.Resource, g.Actions)
}

// reach returns what the system says of the grant that is judged. It is asked once, since five rules want to know.
func (c *Context) reach(s *Subject) access.Reach {
	if c.reached == nil {
		r := reach(c.Capabilities, s.grant())
		c.reached = &r
	}
	return *c.reached
}

// systemPath finds a grant of what administers access, or the system itself, as the system says.
func systemPath(c *Context, s *Subject) []problem {
	r := c.reach(s)
	return outOf(s, r.System, r.Instead)
}

// privileged finds a grant of what reaches further than it says, for longer than privilegedLife. The life counts from
// when it began, as in expiry/too-long.
func privileged(c *Context, s *Subject) []problem {
	g, start := s.grant(), s.start(c.Now)
	why := c.reach(s).Privileged
	if why == "" || g.ExpiresAt.Sub(start) <= privilegedLife {
		return nil
	}
	return one("expires_at", say("%s lasts until %s, %s from %s on, and is privileged (%s); %s is the most", s,
		date(g.ExpiresAt.Time),
		beyond(g.ExpiresAt.Sub(start), privilegedLife), moment(start), strings.TrimSuffix(why, "."),
		length(privilegedLife)),
		say("Set expires_at to %s or earlier, or grant what is not privileged.", moment(start.Add(privilegedLife))))
}

// unknownEngine finds a grant on something of which nobody knows what is data.
func unknownEngine(c *Context, s *Subject) []problem {
	r := c.reach(s)
	return outOf(s, r.Unknown, r.Instead)
}

// noMount finds a grant of what is not there. If the whole place is missing (Reach.Absent), an earlier step of the same
// apply may make it: where the rule is lowered to a warning, the apply then refuses what is still nothing.
func noMount(c *Context, s *Subject) []problem {
	r := c.reach(s)
	found := outOf(s, r.Nothing, r.Instead)
	for n := range found {
		found[n].settles = r.Absent
	}
	return found
}

// outOf returns a problem of a grant's resource, where the system says why.
func outOf(s *Subject, why, instead string) []problem {
	if why == "" {
		return nil
	}
	return one("resource", say("%s: resource %s: %s", s, s.grant().Resource, strings.TrimSuffix(why, ".")), instead)
}
