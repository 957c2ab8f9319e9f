// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A plan says of the computed values what is known: what the arguments and the system decide. What only the change
// itself decides, such as when it was made, stays unknown. A plan is to be read: the first plan of four objects was 173
// lines, and most of them said (known after apply) of what was known. See TestAPlanCanBeRead.
//
// Terraform holds a provider to its plan: a value that was known at plan must be the same after the apply. So a value
// is only planned if nothing that happens in between can change it.

// staysActive reports whether what is active is so after a change of its end: a later one takes nothing away, unless
// its identity is cut. Then its status is planned as it is.
func (c change) staysActive() bool {
	return c.stateStatus == access.StatusActive &&
		c.endsKnown &&
		c.ends.After(c.stateEnds) &&
		!c.cut
}

// begin marks the computed values of a new object as unknown, and says those that are known before it is made.
func (t *terms) begin(c change) {
	unknownAll(&t.Status, &t.EndsAt, &t.History, &t.Drift)
	if c.fresh {
		t.Drift = types.SetNull(types.StringType)
	}
}

// words returns what the system says of an object by its arguments; nil if those that it needs are not known yet.
func (s *session) words(o access.Object, unknown map[string]bool) *access.Words {
	c, isCredential := o.(*access.Credential)
	if hasAny(unknown, "partner", "environment", "name", "identity_id", "resource", "federated") ||
		(isCredential && c.Kind() == "") {
		return nil
	}
	w := s.system.Capabilities().Words(o)
	return &w
}

// compute sets the computed values of the plan: known if the arguments decide them, kept if nothing moves them. It
// returns the change that the plan makes, by which everything after it decides.
//
//	              a creation                           a change
//	id            known if its arguments are           kept
//	status        unknown                              unknown if the end moves and may change it
//	ends_at       known if the ends above are          known if the ends above are
//	history       unknown                              unknown if it extends; known if it only adds a review
//	drift         null if the system has nothing       unknown if there is some that an apply repairs
//	what is said  known if the system can (Words)      kept, but login if the trust changes
//	what is       null if the kind never has it,       unknown if it is issued anew (reissue)
//	  issued      else unknown
func (g *governed[M, P]) compute(plan, state *M, o access.Object, unknown map[string]bool, k kept,
	replaces bool) change {
	c := change{after: o, unknown: unknown, fixed: g.isFixed(o), words: g.words(o, unknown)}
	c.ends, c.endsKnown = g.end(o, unknown)
	if state == nil || replaces {
		g.computeNew(plan, &c, k)
		return c
	}
	if c.before = g.before(o.Ref(), state); c.before == nil {
		c.before, c.untold = o, true // the rules judge it as created
	}
	t, s := P(plan).common(), P(state).common()
	c.stateStatus, c.stateEnds, c.cut = s.Status.ValueString(), k.askedEnd(s), g.cut(o, k)
	g.computeEnd(t, &c, k)
	computeHistory(t, c, k)
	// an end that moves, in either direction, may change expiring, expired and active
	if (!t.EndsAt.Equal(s.EndsAt) || access.Extends(c.before, c.after, time.Time{})) && !c.staysActive() {
		unknownAll(&t.Status)
	}
	// what is left from before an adoption is in drift as well, and no apply removes it
	if len(s.Drift.Elements()) > len(k.Adopted) {
		unknownAll(&t.Drift)
	}
	P(plan).move(c, k)
	return c
}

// nameless reports whether it is not known yet what an object is called, so that nobody can look for it.
func nameless(unknown map[string]bool) bool {
	return hasAny(unknown, "partner", "environment", "name", "identity_id")
}

// computeNew sets what is known of an object before it is made. It is fresh if the system holds nothing under its id,
// and nothing is adopted: then there is no drift, and no last use.
//
// The end is planned unless what the system issues decides it (isCapped): that is known once it is issued.
func (g *governed[M, P]) computeNew(plan *M, c *change, k kept) {
	t := P(plan).common()
	_, held := g.portfolio.Holds(c.after.Ref())
	c.fresh = !held && k.Adopt == "" && !nameless(c.unknown)
	t.begin(*c)
	P(plan).move(change{after: c.after, unknown: c.unknown, fresh: c.fresh, words: c.words}, kept{})
	if t.ID = types.StringUnknown(); !nameless(c.unknown) {
		t.ID = types.StringValue(c.after.Ref().ID)
	}
	if c.endsKnown && !g.isCapped(c.after) {
		t.EndsAt = timeValue(c.ends)
	}
}

// computeEnd sets when a change lets an object end. If that is not known yet, the change goes by the end that it had,
// and the plan shows it as unknown only if an argument of the object itself is the reason.
func (g *governed[M, P]) computeEnd(t *terms, c *change, k kept) {
	switch {
	case c.endsKnown && !c.ends.Equal(c.stateEnds):
		// a change that does not extend it does not move a cap
		t.EndsAt = timeValue(access.Earliest(c.ends, k.cap(*c)))
	case c.endsKnown:
	default:
		c.ends = c.stateEnds
		if hasAny(c.unknown, "expires_at", "waivers", "agreement", "parent_id") {
			t.EndsAt = types.StringUnknown()
		}
	}
	if credential, ok := c.after.(*access.Credential); ok && g.isCapped(credential) {
		if _, anew, _ := reissue(*c, k); anew {
			unknownAll(&t.EndsAt)
		}
	}
}

// computeHistory sets what a change adds to the history: when an extension was made is known after it, a review is
// known before.
func computeHistory(t *terms, c change, k kept) {
	if access.Extends(c.before, c.after, time.Time{}) {
		unknownAll(&t.History)
	} else if r := c.after.Common().Review; r != nil &&
		k.History.UID != "" &&
		r.At.After(k.History.ReviewedAt) {
		reviewed := k.History
		reviewed.ReviewedAt = r.At.Time
		t.History = types.StringValue(access.HistoryLine(reviewed))
	}
}
