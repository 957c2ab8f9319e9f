// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// reviews returns those that stand: the object's own and its identity's, unless that is of one row of a worksheet. What
// was decided to end nobody has decided to keep.
func reviews(s, upper *Subject) []*access.Review {
	standing := []*access.Review{s.terms().Review}
	if upper != nil && !upper.terms().Review.Own() {
		standing = append(standing, upper.terms().Review)
	}
	return slices.DeleteFunc(standing,
		func(r *access.Review) bool { return r == nil || r.Decision == access.DecisionEnd })
}

// expiryRolling finds an extension for which no review stands. One review is good for one extension: it has to be newer
// than the last extension and than the last review that was used (History.Extendable), and newer than a decision that
// ended the access. So a date that a function moves on with each plan is refused at its first move.
func expiryRolling(c *Context, s, upper *Subject) []problem {
	if !s.extends() {
		return nil
	}
	newest := access.NewestReview(reviews(s, upper)...)
	h := s.History
	ended := s.endedBy()
	if h.Extendable(newest) && newest.After(ended) {
		return nil
	}
	what := "no review stands for it"
	switch {
	case newest.IsZero():
	case !newest.After(ended):
		what = say("the newest review is of %s, and on %s somebody decided that it ends", date(newest), date(ended))
	case !newest.After(h.ReviewUsedAt):
		what = say("the newest review is of %s, and one of %s was already used", date(newest), date(h.ReviewUsedAt))
	case !h.RenewedAt.IsZero():
		what = say("the newest review is of %s, before the last extension on %s", date(newest), date(h.RenewedAt))
	default:
		what = say("the newest review is of %s, more than a week before the access was created on %s", date(newest),
			date(h.CreatedAt))
	}
	found := two("expires_at", "review", say("%s: %s, but %s", s, s.moves(), what), "")
	found[0].paste, found[0].cause = reviewBlock(c, s), entered
	return found
}

// endedBy returns when somebody decided that it ends, where it ended so; zero where nobody did.
func (s *Subject) endedBy() time.Time {
	if r := s.Before.Common().Review; r != nil && r.EndNow {
		return r.At.Time
	}
	return time.Time{}
}

// reviewBlock returns a review to paste. Its reason is empty, and refused so: that somebody looked is what
// nobody else can write.
func reviewBlock(c *Context, s *Subject) string {
	return say(`  review = {
    at     = %q # when they looked
    by     = %q # who looked
    reason = "" # why it is still needed
  }
`, moment(c.Now.Truncate(time.Minute)), s.terms().Owner)
}
