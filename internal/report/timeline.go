// SPDX-License-Identifier: MPL-2.0

package report

import (
	"fmt"
	"time"
)

// The drawing beside each row: the life of an identity on one scale of time for the whole page. It is words and
// percentages only; the template (timeline.html) makes the picture of it.

// A timeline shows no more than this on either side of today: one access that is years old would
// leave the others no room.
const (
	monthsBack  = 12
	monthsAhead = 18
)

// scale is what part of the time the drawings show. It is the same in all rows, so that they can be compared. It spans
// two weeks at least.
type scale struct{ from, to time.Time }

// axis is the scale of the drawings, for the head of each table.
type axis struct {
	Ticks []tick
	Today string
	Text  string
}

// tick is a vertical line. X is a part of the width.
type tick struct{ X, Text string }

// bar is the life of one identity, from its creation to its end.
type bar struct {
	Title, State string
	X, Width     string
	// Review, Agreement and Today are where these are; "" for nowhere on the drawing.
	Review, Agreement, Today string
	// Before and After say that the bar goes on beyond the drawing, or that nobody knows where it begins or ends.
	Before, After bool
}

// newScale spans all that is drawn, and a little beyond it on both sides.
func (r *Report) newScale() scale {
	now := r.now()
	s := scale{from: now.AddDate(0, 0, -7), to: now.AddDate(0, 0, 7)}
	for _, h := range r.holdings() {
		if i := h.Identity; i != nil {
			s.reach(i.CreatedAt)
			s.reach(i.ReviewedAt)
		}
		s.reach(h.EndsAt())
	}
	if first := now.AddDate(0, -monthsBack, 0); s.from.Before(first) {
		s.from = first
	}
	if last := now.AddDate(0, monthsAhead, 0); s.to.After(last) {
		s.to = last
	}
	margin := s.to.Sub(s.from) / 40
	return scale{from: s.from.Add(-margin), to: s.to.Add(margin)}
}

// reach widens the scale to hold a moment.
func (s *scale) reach(t time.Time) {
	switch {
	case t.IsZero():
	case t.Before(s.from):
		s.from = t
	case t.After(s.to):
		s.to = t
	}
}

func (s scale) holds(t time.Time) bool { return !t.Before(s.from) && !t.After(s.to) }

// share returns where a moment is, from 0 to 100. A moment beyond the scale is at its edge.
func (s scale) share(t time.Time) float64 {
	return min(100, max(0, 100*t.Sub(s.from).Seconds()/s.to.Sub(s.from).Seconds()))
}

// at returns where a moment is drawn, "" if it is not on the drawing.
func (s scale) at(t time.Time) string {
	if t.IsZero() || !s.holds(t) {
		return ""
	}
	return percent(s.share(t))
}

func percent(share float64) string { return fmt.Sprintf("%.2f%%", share) }

// steps are how far apart the ticks may be, the closest first, and what their texts look like then.
var steps = []struct {
	months, days int
	form         string
}{{0, 7, "2 Jan"}, {0, 14, "2 Jan"}, {1, 0, "Jan 06"}, {2, 0, "Jan 06"}, {3, 0, "Jan 06"}, {6, 0, "Jan 06"},
	{12, 0, "2006"}}

// drawAxis draws the beginnings of weeks, months or years: as many as have room. The closest step whose texts do not
// run into each other is taken.
func (s scale) drawAxis(now time.Time) *axis {
	const room, last = 28, 76 // in parts of the width: what a text takes, and where it would be cut off
	a := &axis{Today: s.at(now), Text: "Life, " + s.from.Format("Jan 2006") + " to " + s.to.Format("Jan 2006")}
	for _, step := range steps {
		t := s.first(step.months)
		if 100*t.AddDate(0, step.months, step.days).Sub(t).Seconds()/s.to.Sub(s.from).Seconds() < room {
			continue
		}
		for ; !t.After(s.to); t = t.AddDate(0, step.months, step.days) {
			if share := s.share(t); s.holds(t) && share < last {
				a.Ticks = append(a.Ticks, tick{X: percent(share), Text: t.Format(step.form)})
			}
		}
		break
	}
	return a
}

// first returns a moment before the scale at which a step of so many months begins: with 3, the first of January, April
// and so on; with none, midnight.
func (s scale) first(months int) time.Time {
	y, m, d := s.from.UTC().Date()
	if months == 0 {
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(y, m-(m-1)%time.Month(months), 1, 0, 0, 0, 0, time.UTC)
}

// drawBar draws a holding. What is cut is drawn as such, whatever its end.
func (s scale) drawBar(p *partner, h *holding, now time.Time) *bar {
	end := h.EndsAt()
	b := &bar{
		State:  state(end, now),
		Title:  lifeOf(h),
		Today:  s.at(now),
		After:  end.IsZero() || end.After(s.to),
		Before: true,
	}
	if h.Standing == Held || h.Standing == Suspended {
		b.State = "cut"
	}
	from, to := 0.0, 100.0
	if i := h.Identity; i != nil {
		b.Before = i.CreatedAt.IsZero() || i.CreatedAt.Before(s.from)
		if !b.Before {
			from = s.share(i.CreatedAt)
		}
		b.Review = s.at(i.ReviewedAt)
	}
	if !b.After {
		to = s.share(end)
	}
	if p.Agreement != nil {
		b.Agreement = s.at(p.Agreement.EndsAt.Time)
	}
	// What is shorter than can be seen is drawn as long as can be.
	b.X, b.Width = percent(from), percent(max(0.8, to-from))
	return b
}

// lifeOf says in words what is drawn.
func lifeOf(h *holding) string {
	begin := "created at an unknown time"
	if i := h.Identity; i != nil && !i.CreatedAt.IsZero() {
		begin = "created " + date(i.CreatedAt)
	}
	if h.EndsAt().IsZero() {
		return begin + ", no end"
	}
	return begin + ", ends " + date(h.EndsAt())
}
