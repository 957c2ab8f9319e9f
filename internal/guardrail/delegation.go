// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Subcontractors: chains of identities that hang on another partner's. Here it is judged whether there may be such a
// link, and how far it goes; what a link limits (ceiling, end) is in scope.go and expiry.go.

const unknownParentSlug = "delegation/unknown-parent"

// delegationRules returns the rules about subcontractors: identities that hang on another partner's.
func delegationRules() []Rule {
	parent := []string{"parent_id"}
	offer := []string{"subcontractors"}
	return []Rule{{
		Slug: "delegation/not-allowed", Title: "The identity allows no subcontractors",
		Level: Deny, Fixed: true, On: identities, Reads: parent, ReadsAbove: offer,
		Why:    "You decide whom a partner brings along, not the partner.",
		Remedy: "Set subcontractors = { allowed = true } on the parent, or remove parent_id.",
		Precedent: Precedent{
			"GDPR Article 28(2): a processor engages no other processor without the written authorisation of the " +
				"controller.",
			"https://eur-lex.europa.eu/eli/reg/2016/679/oj",
		},
		Controls: []Control{NHI3, SA9, GVSC05, ISO521},
		above:    delegationNotAllowed, up: toParent,
	}, {
		Slug: "delegation/depth", Title: "The chain of subcontractors is too deep",
		Level: Deny, Fixed: true, On: identities, Reads: parent, ReadsAbove: offer,
		Why: "The longer the chain, the less anybody knows who gets in at its end.",
		Remedy: "Hang it on an identity further up, or raise subcontractors.max_depth of the one that it is too " +
			"deep under.",
		Precedent: Precedent{
			"DORA Article 29(2): before they contract, financial entities assess whether long or complex chains of " +
				"subcontractors would keep them from monitoring what they outsource.",
			"https://eur-lex.europa.eu/eli/reg/2022/2554/oj",
		},
		Controls: []Control{NHI3, SA9, GVSC05, ISO521},
		above:    delegationDepth, up: toTop, each: true,
	}, {
		Slug: "delegation/cycle", Title: "The chain of subcontractors returns to itself",
		Level: Deny, Fixed: true, On: identities, Reads: parent,
		Why:    "In a circle nobody is at the top, so the end of one ends none of the others.",
		Remedy: "Remove parent_id from the identity that is the partner's own.",
		Precedent: Precedent{
			"GDPR Article 28(4): the first processor stays fully liable to the controller for those that it engages. " +
				"In a circle nobody is the first.",
			"https://eur-lex.europa.eu/eli/reg/2016/679/oj",
		},
		Controls: []Control{NHI3, SA9, ISO521},
		own:      delegationCycle,
	}, {
		Slug: unknownParentSlug, Title: "What the object hangs on does not exist",
		Level: Deny, Fixed: true, On: everything, Reads: []string{"parent_id", "identity_id"},
		Why:    "If access hangs on nothing, nothing ends it.",
		Remedy: "Refer to the identity's resource, as in partner_identity.main.id, or correct the id.",
		Precedent: Precedent{
			"AWS keeps the unique id of the principal that a policy of trust names, and not only its name: whoever " +
				"is created anew under the name of one that was deleted does not inherit its access.",
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html",
		},
		Controls: []Control{NHI1, PRAA01, IAM03},
		own:      unknownParent,
	}}
}

// delegationNotAllowed finds a subcontractor below an identity that allows none. The system cuts it for as long as that
// is so, whether or not a plan says it.
func delegationNotAllowed(_ *Context, lower, upper *Subject) []problem {
	if offer := upper.identity().Subcontractors; offer != nil && offer.Allowed {
		return nil
	}
	return two("parent_id", "subcontractors",
		say("%s hangs on %s, which allows no subcontractors: its access is cut for as long as that is so", lower,
			upper), "")
}

// delegationDepth counts the links below each identity above: each of them limits what hangs below it.
func delegationDepth(c *Context, lower, _ *Subject) []problem {
	above, _ := c.view.chain(entryOf(lower))
	for n, up := range above {
		offer, depth := up.identity().Subcontractors, int64(n+1)
		// where none are allowed, delegation/not-allowed speaks
		if offer == nil || !offer.Allowed || depth <= offer.MaxDepth {
			continue
		}
		return []problem{{attribute: "parent_id", other: "subcontractors", host: up,
			text: say("%s is %d deep under %s, whose max_depth is %d", lower, depth, up, offer.MaxDepth)}}
	}
	return nil
}

// delegationCycle follows the parents up from the subject until it comes back to it. A circle below which the subject
// hangs is not its own: visited ends that. If part of the way is only what the system holds now, and may yet change in
// this plan, it is judged when that arrives, unless this plan changed a parent on the way. The circle is told from its
// least id on, so that all its members say the same.
func delegationCycle(c *Context, s *Subject) []problem {
	self := c.subject
	circle := []string{self.ref.ID}
	certain := firm
	changed := self.enters([]string{"parent_id"}, c.Phase)
	visited := map[access.IdentityID]bool{}
	for id := self.above(); id != self.holder; {
		next, seen := c.view.at(id)
		if next == nil || visited[id] {
			return nil
		}
		visited[id] = true
		circle, certain = append(circle, next.ref.ID), min(certain, seen)
		changed = changed || next.enters([]string{"parent_id"}, c.Phase)
		id = next.above()
	}
	if certain == passing && !changed {
		return nil // it judges when it arrives
	}
	least := 0
	for i, id := range circle {
		if id < circle[least] {
			least = i
		}
	}
	ring := append(append(append([]string{}, circle[least:]...), circle[:least]...), circle[least])
	return []problem{{attribute: "parent_id", cause: enteredIf(changed && certain == firm),
		text: say("the chain of parents returns to itself: identity %s", strings.Join(ring, " hangs on "))}}
}

// unknownParent finds what hangs on an identity that is nowhere. At plan it may still arrive, so only who is sure that
// it does not (Subject.Nowhere) says so then.
func unknownParent(c *Context, s *Subject) []problem {
	id, attribute := s.Object.Holder(), "identity_id"
	if i := s.identity(); i != nil {
		id, attribute = i.ParentID, "parent_id"
	}
	if id == (access.IdentityID{}) ||
		(c.Phase == Plan && !s.Nowhere) ||
		!c.view.loaded ||
		c.view.live[id.Ref()] != nil ||
		len(c.view.planned[id.Ref()]) > 0 {
		return nil
	}
	return one(attribute, say("%s hangs on identity %s, which neither this configuration nor the system (%s) holds", s,
		id, c.Capabilities.Name), "")
}
