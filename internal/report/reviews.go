// SPDX-License-Identifier: MPL-2.0

package report

import "fmt"

// reviews are the reviews of a period: which of the identities in force somebody looked at.
type reviews struct {
	Done, Missing []*holding
	// New are those that were created in the period: their creation was looked at in the plan.
	New []*holding
}

// Of returns how many identities were there to be reviewed.
func (v reviews) Of() int { return len(v.Done) + len(v.Missing) }

// countReviews tells of each declared identity in force whether it was reviewed within the period.
func (r *Report) countReviews() reviews {
	var v reviews
	for _, h := range r.holdings() {
		i := h.Identity
		switch {
		case i == nil || h.Standing == Undeclared || h.Standing == Ended:
		case !i.ReviewedAt.IsZero() && r.within(i.ReviewedAt):
			v.Done = append(v.Done, h)
		// In a period without a beginning, everything would be new, and nothing would be left to review.
		case !i.CreatedAt.IsZero() && r.within(i.CreatedAt) && !r.From.IsZero():
			v.New = append(v.New, h)
		default:
			v.Missing = append(v.Missing, h)
		}
	}
	return v
}

// progress returns how far the review is; nil where nobody says how long a review counts.
func (r *Report) progress() *documentProgress {
	if r.Inventory.ReviewEvery == 0 {
		return nil
	}
	p := documentProgress(r.Inventory.Progress())
	return &p
}

// Progress says how far the review is, in a sentence; "" where nobody says how long a review counts.
func (r *Report) Progress() string {
	p := r.progress()
	if p == nil {
		return ""
	}
	text := fmt.Sprintf("%d of %d identities, credentials and grants in force were reviewed or created within the "+
		"time that a review counts; overdue: %d; ended by themselves: %d.",
		p.Reviewed, p.Of, p.Overdue, p.Lapsed)
	if p.Signed > 0 {
		text += fmt.Sprintf(" A review of their own that is signed: %d of %d.", p.Signed, p.Of)
	}
	return text
}
