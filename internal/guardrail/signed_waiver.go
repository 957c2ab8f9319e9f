// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/signed"
)

// Waivers and releases that are signed. Each is a line of its own: no worksheet has them.

// waiverStands reports whether a waiver was applied before and is the same, for access that this change makes no wider
// in what its rule reads.
func (c *Context) waiverStands(s *Subject, w granted) bool {
	if !w.applied ||
		s.Gone ||
		w.later() ||
		w.Approver != w.before.Approver ||
		w.Reason != w.before.Reason ||
		w.Signature != w.before.Signature {
		return false
	}
	reads := decided
	if r := c.rule(w.slug); r != nil {
		reads = slices.Concat(decided, r.Reads)
	}
	return !slices.ContainsFunc(reads, func(a string) bool { return !s.Unknown[a] && s.widens(a) })
}

// waiverUnsigned finds a waiver that is new or changed, or that allows wider access than before, and that nobody who
// may has signed.
func waiverUnsigned(c *Context, s *Subject, w granted) (problem, bool) {
	if c.waiverStands(s, w) {
		if why := c.revokedSince(w.Signature); w.Signature != "" && why != "" {
			return problem{attribute: "signature", cause: standing,
				text: say("%s: the waiver of %s by %s was signed with %s", s, shown(w.slug), shown(w.Approver), why),
				fix:  "Have it allowed again, and signed with a key that counts; or remove it."}, true
		}
		return problem{}, false
	}
	if w.Signature == "" && !c.asks(access.SignedWaiver) {
		return problem{}, false
	}
	line := signed.WaiverLine(c.lined(s), s.terms(), w.slug, w.Waiver)
	text, refused := c.allowed(s, line, w.Signature, w.Approver)
	return problem{attribute: "signature", cause: entered,
		text: say("%s waives %s until %s, and %s", s, shown(w.slug), date(w.Until.Time), text),
		fix:  signNow + " " + signHere, paste: command(line)}, refused
}

// allowed says why a line is not signed by who may: not at all, not so that it counts, by another than is named,
// or by one who may not.
func (c *Context) allowed(s *Subject, line, signature, by string) (why string, refused bool) {
	if signature == "" {
		return say("%s has not signed that", shown(by)), true
	}
	d, wrong := c.verified(line, signature)
	if wrong != "" {
		return "its signature does not count: " + wrong, true
	}
	if !access.SameAddress(d.Address, by) {
		return say("%s signed it, where %s is named", d.Address, shown(by)), true
	}
	if wrong = c.mayDecide(d, s); wrong != "" {
		return say("it is signed by %s, %s", d.Address, wrong), true
	}
	return "", false
}

// releaseUnsigned finds a release of a hold that is new and that nobody who may has signed. A signature is judged if
// there is one, also where none is asked for.
func releaseUnsigned(c *Context, s *Subject) []problem {
	i := s.identity()
	if i.HoldReleased == "" {
		return nil
	}
	if before := s.identityBefore(); before != nil &&
		!s.Gone &&
		before.HoldReleased == i.HoldReleased &&
		before.HoldReleasedBy == i.HoldReleasedBy && before.HoldReleasedSignature == i.HoldReleasedSignature {
		return nil
	}
	if i.HoldReleasedSignature == "" && !c.asks(access.SignedRelease) {
		return nil
	}
	line := signed.ReleaseLine(c.lined(s), i.HoldReleased, i.HoldReleasedBy)
	text, refused := c.allowed(s, line, i.HoldReleasedSignature, i.HoldReleasedBy)
	if !refused {
		return nil
	}
	return []problem{{attribute: "hold_released", cause: entered,
		text: say("%s: hold_released is %s, and %s", s, shown(i.HoldReleased), text),
		fix: "Name who lifts it in hold_released_by, and write as hold_released_signature what ssh-keygen " +
			"prints to them. " + signHere, paste: command(line)}}
}
