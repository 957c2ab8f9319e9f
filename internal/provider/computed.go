// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A plan says of the computed values what is known: what the arguments and the system decide. What only the change
// itself decides, such as when it was made, stays unknown.

// staysActive reports whether what is active is so after a change of its end: a later one takes nothing away,
// unless its identity is cut.
func (c change) staysActive() bool {
	return c.stateStatus == access.StatusActive &&
		c.endsKnown &&
		c.ends.After(c.stateEnds) &&
		!c.cut
}

// begin marks the computed values of a new object, and says those that are known before it is made.
func (t *terms) begin(c change) {
	unknownAll(&t.Status, &t.EndsAt, &t.History, &t.Drift)
	if c.fresh {
		t.Drift = types.SetNull(types.StringType)
	}
}

// words returns what the system says of an object by its arguments; nil where these are not known yet.
func (s *session) words(o access.Object, unknown map[string]bool) *access.Words {
	c, isCredential := o.(*access.Credential)
	if hasAny(unknown, "partner", "environment", "name", "identity_id", "resource", "federated") ||
		(isCredential && c.Kind() == "") {
		return nil
	}
	w := s.system.Capabilities().Words(o)
	return &w
}

// compute sets the computed values of the plan: known where the arguments decide them, kept where nothing moves them.
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
	if (!t.EndsAt.Equal(s.EndsAt) || access.Extends(c.before, c.after, time.Time{})) && !c.staysActive() {
		unknownAll(&t.Status)
	}
	if len(s.Drift.Elements()) > len(k.Adopted) { // these no apply removes
		unknownAll(&t.Drift)
	}
	P(plan).move(c, k)
	return c
}

// nameless reports whether it is not known yet what an object is called.
func nameless(unknown map[string]bool) bool {
	return hasAny(unknown, "partner", "environment", "name", "identity_id")
}

// computeNew sets what is known of an object before it is made.
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

// computeEnd sets when a change lets an object end. Where that is not known yet, the change goes
// by the end that it had.
func (g *governed[M, P]) computeEnd(t *terms, c *change, k kept) {
	switch {
	case c.endsKnown && !c.ends.Equal(c.stateEnds):
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

// computeHistory sets what a change adds to the history: an extension tells when it was applied, a
// review is known before.
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
