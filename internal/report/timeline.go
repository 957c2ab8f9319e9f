package report

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// The timeline's measures in pixels. Heights are fixed and widths are parts of the page's, so that text keeps its size on
// a phone.
const (
	headHeight = 52
	rowHeight  = 30
)

// The timeline shows no more than this on either side of today: one access that is years old would leave the others no room.
const (
	monthsBack  = 18
	monthsAhead = 24
)

// timeline is the drawing of what one partner holds, a bar each, from the day it was created to the day it ends.
type timeline struct {
	// ID is unlike that of any other drawing on the page.
	ID, Title        string
	Height           int
	Ticks            []tick
	Today, Agreement *tick
	Bars             []bar
}

// tick is a vertical line. X is a part of the width; what is at the right says its text to the left of it.
type tick struct {
	X, Text string
	Right   bool
	// Width is of the paper behind the text.
	Width int
}

type bar struct {
	Anchor, Label, Short, Type, End, State string
	X, Width                               string
	BandY, TextY, BarY, MidY               int
	// The widths are of the paper behind the texts, so that no line runs through them.
	LabelWidth, ShortWidth, EndWidth int
	// Review is where it was last reviewed, "" for nowhere on the drawing.
	Review string
	// Before and After say that the bar goes on beyond the drawing, or that nobody knows where it begins or ends.
	Before, After bool
}

// scale is what part of the time the drawing shows.
type scale struct{ from, to time.Time }

// newTimeline is nil where there is nothing to draw.
func newTimeline(p *partner, now time.Time, names map[*inventory.Item]string) *timeline {
	if len(p.Items) == 0 {
		return nil
	}
	s := newScale(p, now)
	t := &timeline{
		ID:     "timeline-" + names[p.Items[0]],
		Title:  fmt.Sprintf("Timeline of %s, %s to %s: %d drawn. The table below says the same.", p.Title(), date(s.from), date(s.to), len(p.Items)),
		Height: headHeight + rowHeight*len(p.Items) + 4,
		Ticks:  s.ticks(), Today: s.tick(now, "today"),
	}
	if a := p.Agreement; a != nil && !a.EndsAt.IsZero() && s.holds(a.EndsAt.Time) {
		t.Agreement = s.tick(a.EndsAt.Time, "agreement ends "+date(a.EndsAt.Time))
	}
	for n, i := range p.Items {
		b := s.bar(i, now, headHeight+rowHeight*n)
		b.Anchor = names[i]
		t.Bars = append(t.Bars, b)
	}
	return t
}

// newScale spans all that is drawn, and a little beyond it on both sides.
func newScale(p *partner, now time.Time) scale {
	s := scale{from: now.AddDate(0, 0, -7), to: now.AddDate(0, 0, 7)}
	for _, i := range p.Items {
		s.reach(i.CreatedAt)
		s.reach(i.ReviewedAt)
		s.reach(i.EndsAt)
	}
	if p.Agreement != nil {
		s.reach(p.Agreement.EndsAt.Time)
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

// share is where a moment is, from 0 to 100.
func (s scale) share(t time.Time) float64 {
	return min(100, max(0, 100*t.Sub(s.from).Seconds()/s.to.Sub(s.from).Seconds()))
}

func percent(share float64) string { return fmt.Sprintf("%.2f%%", share) }

func (s scale) tick(t time.Time, text string) *tick {
	share := s.share(t)
	return &tick{X: percent(share), Text: text, Right: share > 55, Width: textWidth(text)}
}

// steps are how far apart the ticks may be, the closest first, and what their texts look like then.
var steps = []struct {
	months, days int
	form         string
}{{0, 7, "2 Jan"}, {0, 14, "2 Jan"}, {1, 0, "Jan 2006"}, {2, 0, "Jan 2006"}, {3, 0, "Jan 2006"}, {6, 0, "Jan 2006"}, {12, 0, "2006"}}

// ticks are the beginnings of weeks, months or years: as many as have room on a phone.
func (s scale) ticks() []tick {
	const room, last = 18, 83 // in parts of the width: what a text takes, and where it would be cut off
	for _, step := range steps {
		t := s.first(step.months)
		if 100*t.AddDate(0, step.months, step.days).Sub(t).Seconds()/s.to.Sub(s.from).Seconds() < room {
			continue
		}
		var all []tick
		for ; !t.After(s.to); t = t.AddDate(0, step.months, step.days) {
			if share := s.share(t); s.holds(t) && share < last {
				all = append(all, tick{X: percent(share), Text: t.Format(step.form)})
			}
		}
		return all
	}
	return nil
}

// first is a moment before the scale at which a step of so many months begins: with 3, the first of January, April and
// so on; with none, midnight.
func (s scale) first(months int) time.Time {
	y, m, d := s.from.UTC().Date()
	if months == 0 {
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(y, m-(m-1)%time.Month(months), 1, 0, 0, 0, 0, time.UTC)
}

func (s scale) bar(i *inventory.Item, now time.Time, y int) bar {
	b := bar{
		Label: clip(label(i), 90), Short: short(i), Type: clip(string(i.Type), 12), State: state(i, now), End: endOf(i, now),
		BandY: y + 1, TextY: y + 12, BarY: y + 17, MidY: y + 21,
		Before: i.CreatedAt.IsZero() || i.CreatedAt.Before(s.from), After: i.EndsAt.IsZero() || i.EndsAt.After(s.to),
	}
	b.LabelWidth, b.ShortWidth, b.EndWidth = textWidth(b.Label+" "+b.Type), textWidth(b.Short+" "+b.Type), textWidth(b.End)
	from, to := 0.0, 100.0
	if !b.Before {
		from = s.share(i.CreatedAt)
	}
	if !b.After {
		to = s.share(i.EndsAt)
	}
	// What is shorter than can be seen is drawn as long as can be.
	b.X, b.Width = percent(from), percent(max(0.4, to-from))
	if !i.ReviewedAt.IsZero() && s.holds(i.ReviewedAt) {
		b.Review = percent(s.share(i.ReviewedAt))
	}
	return b
}

// endOf is the end in words, so that it need not be measured.
func endOf(i *inventory.Item, now time.Time) string {
	switch {
	case i.EndsAt.IsZero():
		return "no end"
	case !i.EndsAt.After(now):
		return "ended " + date(i.EndsAt)
	}
	return "ends " + date(i.EndsAt)
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// short is what a phone has room for: without the partner, whose section it is.
func short(i *inventory.Item) string { return clip(strings.TrimPrefix(label(i), i.Partner+"/"), 23) }

// clip leaves the middle of a text away, since names that begin alike differ at their ends; the table has all of it.
func clip(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	tail := (most - 1) / 2
	return string(runes[:most-1-tail]) + "…" + string(runes[len(runes)-tail:])
}

// textWidth is about how many pixels a text takes; nothing can measure it without a script.
func textWidth(text string) int { return utf8.RuneCountInString(text)*13/2 + 6 }
