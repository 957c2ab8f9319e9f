// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// When new access renews past access, and what a review has to be to carry it. The question is whether somebody decided
// on an end that the new access goes beyond. Three answers differ by what became of the past access: it is still there
// (renewsBeside), it just left (takesUp), or it ended or was removed long enough ago that its return is a decision of
// its own (renews).

// decision is what makes past access last longer: when that was decided on last, and what a review has to be to decide
// anew. Without needed, the other fields mean nothing.
type decision struct {
	needed   bool
	suffices func(review time.Time) bool
	// past says what became of the past access, and fix what to write.
	past, fix string
}

// addReview ends what each decision says to write; its verb is the moment that the review has to be newer than.
const addReview = "add a review = { at, by, reason } that is newer than %s, to this block or to its identity's."

// justLeft reports whether past access leaves in this plan, or left so recently that it may have been an accident.
func (c *Context) justLeft(p *past) bool {
	return p.leaves || (!p.removedAt.IsZero() && c.Now.Sub(p.removedAt) <= accident)
}

// isAll reports whether past access that leaves, or just left, gave all that the subject does, for as long: the subject
// is that under another name, whatever went before it.
func (c *Context) isAll(s *Subject, p *past) bool {
	if !c.justLeft(p) || s.end().After(p.last()) {
		return false
	}
	g, was := s.grant(), p.grant()
	return g == nil || (was.Resource.Contains(g.Resource) && !access.Widened(was, g, "actions"))
}

// renews judges whether the subject makes past access last longer than was decided.
func (c *Context) renews(s *Subject, p *past) decision {
	end, was := s.end(), p.last()
	ended := !was.After(c.Now)
	since := func(moment time.Time, past string) decision {
		return decision{
			needed: s.anew() || end.After(was), suffices: func(review time.Time) bool { return review.After(moment) },
			past: past,
			fix:  say("Look whether the partner still needs it, and "+addReview, date(moment)),
		}
	}
	switch {
	case !c.gone(p):
		return c.renewsBeside(p, end)
	case c.justLeft(p) && (!ended || p.ref == s.Object.Ref()):
		return takesUp(p, end)
	case ended && (p.removedAt.IsZero() || !p.removedAt.Before(was)):
		return since(was, say("%s ended on %s", p, date(was)))
	}
	return since(p.removedAt, say("%s was removed on %s", p, date(p.removedAt)))
}

// renewsBeside judges what is to last beside access that stays: until it reaches where that one does for longer than
// access may live without anybody looking.
func (c *Context) renewsBeside(p *past, end time.Time) decision {
	was := p.last()
	last := access.Latest(p.History.CreatedAt, p.History.RenewedAt, p.History.ReviewedAt)
	most := c.Settings.MaxLifetime[p.ref.Type]
	return decision{
		needed:   end.After(was) && end.After(last.Add(most)),
		suffices: func(review time.Time) bool { return review.After(last) && !end.After(review.Add(most)) },
		past: say("%s gives that already, until %s, and nobody has looked at it since %s", p, date(was),
			date(last)),
		fix: say("Set expires_at to %s or earlier, or "+addReview, moment(access.Latest(was, last.Add(most))),
			date(access.Latest(last, end.Add(-most)))),
	}
}

// takesUp judges what takes up access that was just removed, or that this plan removes: it may last as
// long as that was to last.
func takesUp(p *past, end time.Time) decision {
	was := p.last()
	past := say("%s, which this plan removes, was to end on %s", p, date(was))
	if !p.leaves {
		past = say("%s, which was removed on %s, was to end on %s", p, date(p.removedAt), date(was))
	}
	return decision{
		needed: end.After(was), suffices: p.History.Extendable, past: past,
		fix: say("Set expires_at to %s or earlier, or "+addReview, moment(was), date(p.History.ExtendableFrom())),
	}
}
