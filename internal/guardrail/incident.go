// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// incidentRules returns the rule about what was cut by hand in the system. See internal/system/ledger for what a hold
// is.
func incidentRules() []Rule {
	return []Rule{{
		Slug: "incident/reopened", Title: "What was cut by hand would be restored",
		Level: Deny, Fixed: true, On: everything, Reads: []string{"hold_released", "suspended"},
		Why: "Whoever cut it in the middle of an incident did so for a reason that the configuration does not know.",
		Remedy: "When the incident is closed, set hold_released on the identity to a value never used before, such " +
			"as the incident's number.",
		Precedent: Precedent{
			"When tokens of Salesloft Drift were stolen in August 2025, they were all revoked and Salesforce took " +
				"the application out of its marketplace, until further notice and pending the investigation.",
			"https://cloud.google.com/blog/topics/threat-intelligence/data-theft-salesforce-instances-via-salesloft-drift",
		},
		Controls: []Control{NHI1, IR4, AC23, PCI825},
		own:      reopened,
	}}
}

// reopened finds an identity that was cut by hand and that the plan does not release, or releases by a clock or ahead
// of any cut. Only a value of hold_released that was never applied before releases a hold, and only of what is cut now.
// Without one the cut stays, and the finding is a warning, unless the plan means to give the access back.
func reopened(c *Context, s *Subject) []problem {
	i := s.identity()
	if i == nil { // anything else stays cut, by itself or with its identity
		return nil
	}
	if c.releasedByClock(s, i) {
		return []problem{{attribute: "hold_released",
			text: say("%s: hold_released is %s, within %s of now (%s): that is a clock's, and no person's",
				s, shown(i.HoldReleased), length(automatic), moment(c.Now)), cause: entered}}
	}
	if c.releasesNothing(s, i) {
		return []problem{{attribute: "hold_released",
			text: say("%s: hold_released is %s, and nothing of %s is cut by hand: a release that is written ahead, "+
				"as by a clock or a counter, would lift a cut that nobody has made yet", s, shown(i.HoldReleased),
				i.ID.Partner),
			fix: "Leave hold_released as it was. When something is cut, and the incident is closed, set it to a " +
				"value never used before.", cause: entered}}
	}
	if !s.Held {
		return nil
	}
	before := s.identityBefore()
	why := "not set"
	if i.HoldReleased != "" {
		appliedBefore := slices.Contains(s.Released, i.HoldReleased) ||
			(before != nil && before.HoldReleased == i.HoldReleased)
		if !appliedBefore {
			return nil
		}
		why = say("%s, which was applied before", shown(i.HoldReleased))
	}
	cause := standing
	// else it comes into being cut: nothing is restored, and a destroy, which plans all first, goes through
	if !s.created() {
		cause = enteredIf(givesBack(before, i))
	}
	return []problem{{
		attribute: "hold_released",
		text:      say("%s was cut by hand in the system and stays cut: hold_released is %s", s, why),
		cause:     cause,
	}}
}

// givesBack reports whether a plan means to give back an identity that was cut: it lifts the suspension, or
// names another release.
func givesBack(before, i *access.Identity) bool {
	if before == nil {
		return i.HoldReleased != ""
	}
	lifted := before.Suspended && !i.Suspended
	return lifted || (i.HoldReleased != "" && i.HoldReleased != before.HoldReleased)
}

// releasesNothing reports whether a release is newly written to an identity while nothing of its partner is cut by
// hand. A configuration that writes another one each night, or at each commit, is refused when there is nothing to
// release, so that none stands there when something is cut.
func (c *Context) releasesNothing(s *Subject, i *access.Identity) bool {
	before := s.identityBefore()
	if before == nil ||
		s.created() ||
		i.HoldReleased == "" ||
		before.HoldReleased == i.HoldReleased ||
		s.Held {
		return false
	}
	return !c.view.cut[i.ID.Partner]
}

// releasedByClock reports whether a release is newly the moment of its plan, as plantimestamp() writes it: each night's
// would lift what was cut by day.
func (c *Context) releasedByClock(s *Subject, i *access.Identity) bool {
	if before := s.identityBefore(); before != nil && before.HoldReleased == i.HoldReleased {
		return false
	}
	at, err := time.Parse(time.RFC3339, i.HoldReleased)
	return err == nil && at.Sub(c.Now).Abs() <= automatic
}
