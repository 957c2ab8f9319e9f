// SPDX-License-Identifier: MPL-2.0

package report

import (
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// What was changed in a period. A journal has two lines of a change, its intent and its outcome, and a reader wants
// one: so lines are put together by the name of their change, and the change is dated by when it was asked for. What it
// did is told from what was given before and after, and not only from its verb: an update may widen, narrow, or only
// renew.

// change is one change as the journal has it: what was intended, and what came of it.
type change struct {
	// Asked is when it was asked for.
	Asked time.Time
	// Line is the newest one: it knows most.
	journal.Line
	// Outcome is done, failed or missing.
	Outcome string
	// Source is the system in which it was made; "" is the report's own.
	Source string
}

// missing is the outcome of a change that the journal does not know the end of.
const missing = "missing"

// group is the changes of one sort.
type group struct {
	// Slug is for machines and links, Title for people.
	Slug, Title string
	Changes     []*change
}

// The groups of changes, by their slugs.
const (
	created   = "created"
	widened   = "widened"
	narrowed  = "narrowed"
	renewed   = "renewed"
	rotated   = "rotated"
	suspended = "suspended"
	cut       = "cut"
	rehearsed = "rehearsed"
	other     = "other"
	failed    = "failed"
	found     = "found"
)

// groups sorts the period's changes. What failed or has no outcome made no access and cut none, as far as is known, so
// that it is not counted among what did.
func (r *Report) groups() []*group {
	all := []*group{
		{Slug: found, Title: "Cuts by hand and tampering that were found"},
		{Slug: missing, Title: "Outcome missing"},
		{Slug: failed, Title: "Failed"},
		{Slug: created, Title: "Created"},
		{Slug: widened, Title: "Widened"},
		{Slug: narrowed, Title: "Narrowed"},
		{Slug: renewed, Title: "Renewed"},
		{Slug: rotated, Title: "Rotated"},
		{Slug: suspended, Title: "Suspended or given back"},
		{Slug: cut, Title: "Cut"},
		{Slug: rehearsed, Title: "Rehearsed"},
		{Slug: other, Title: "Other changes"},
	}
	for _, c := range r.changes() {
		slug := c.sort()
		for _, g := range all {
			if g.Slug == slug {
				g.Changes = append(g.Changes, c)
			}
		}
	}
	return all
}

// sort returns the slug of the change's group. What failed comes first: it has a verb as well, and did not do it.
func (c *change) sort() string {
	switch {
	case c.Phase == journal.Found:
		return found
	case c.Outcome == missing:
		return missing
	case c.Outcome == string(journal.Failed):
		return failed
	}
	if partner, _, _ := strings.Cut(c.ID, "/"); access.IsShadow(partner) { // a rehearsal's twin, which reached nothing
		return other
	}
	if c.Type == "token" && c.Verb == journal.Revoke { // at the end of its run
		return other
	}
	if slug, ok := sortOf[c.Verb]; ok {
		return slug
	}
	return c.direction()
}

// sortOf has the groups of verbs that say all about a change.
var sortOf = map[journal.Verb]string{
	journal.Create: created, journal.Token: created,
	journal.Revoke:  cut,
	journal.Suspend: suspended, journal.Resume: suspended,
	journal.Rehearse: rehearsed,
}

// direction returns the group of a change of what stays: it opens, or closes, or neither. Widening comes first, so that
// a change that widens and shortens is never shown as narrowing only.
func (c *change) direction() string {
	switch {
	case wider(c.Before, c.After):
		return widened
	case c.Verb == journal.Renew:
		return renewed
	case c.Verb == journal.Rotate:
		return rotated
	case c.Before != nil && c.After != nil && c.After.EndsAt.After(c.Before.EndsAt):
		return renewed
	case wider(c.After, c.Before), c.Before != nil &&
		c.After != nil &&
		c.After.EndsAt.Before(c.Before.EndsAt):
		return narrowed
	}
	return other
}

// changes returns those asked for within the period, in the order of the journal. An outcome that came after the period
// is taken along: the change is of the period, and its outcome is known.
func (r *Report) changes() []*change {
	var all []*change
	for _, c := range r.all() {
		if r.within(c.Asked) {
			all = append(all, c)
		}
	}
	return all
}

// all returns the changes of which the report knows, those of included reports among them, by when they were asked for.
// A line without a change's name stands for itself.
func (r *Report) all() []*change {
	known := map[string]*change{}
	var all []*change
	for _, l := range r.Lines {
		if l.Phase == journal.Found { // it has the name of the change that met it, and is none of its lines
			all = append(all, &change{Asked: l.Time, Line: l, Outcome: string(l.Phase)})
			continue
		}
		if c := known[l.Change]; c != nil && l.Change != "" {
			c.next(l)
			continue
		}
		c := &change{Asked: l.Time, Outcome: missing}
		c.next(l)
		known[l.Change] = c
		all = append(all, c)
	}
	if len(r.changed) == 0 {
		return all
	}
	all = append(all, r.changed...)
	order.Sort(all, func(x, y *change) int { return x.Asked.Compare(y.Asked) })
	return all
}

// next takes the change's next line in. What only an earlier line says is kept.
func (c *change) next(l journal.Line) {
	if l.Review == nil {
		l.Review = c.Review
	}
	if l.EndsAt.IsZero() {
		l.EndsAt = c.EndsAt
	}
	if l.Before == nil {
		l.Before = c.Before
	}
	if l.After == nil {
		l.After = c.After
	}
	c.Line = l
	if l.Phase == journal.Done || l.Phase == journal.Failed {
		c.Outcome = string(l.Phase)
	}
}

// within reports whether a moment is in the period: From is part of it and To is not, so two periods that follow each
// other share no change.
func (r *Report) within(t time.Time) bool {
	return (r.From.IsZero() || !t.Before(r.From)) && (r.To.IsZero() || t.Before(r.To))
}

// Refusal returns how many seconds lay between the request and the first refusal, "" where nothing was cut.
func (c *change) Refusal() string {
	if c.Refused.IsZero() && c.Seconds == 0 {
		return ""
	}
	return strconv.FormatFloat(c.Seconds, 'f', 2, 64)
}

// Result returns the outcome in words.
func (c *change) Result() string {
	switch {
	case c.Phase == journal.Found:
		return strings.Join(c.Found, " ")
	case c.Error != "":
		return c.Outcome + ": " + c.Error
	case c.Outcome == missing:
		return "missing: ask the system what became of it"
	}
	return c.Outcome
}

// Who returns who made the change, as the journal has it.
func (c *change) Who() string {
	who := c.Actor.Name
	if c.Actor.Kind != "" {
		who += " (" + c.Actor.Kind + ")"
	}
	return who
}

// Word returns on whose review the change was made, "" for none: "jane@example.com, 2026-07-01 09:00: keep, still
// needed", and with which key it was signed.
func (c *change) Word() string {
	if c.Review == nil {
		return ""
	}
	word := c.Review.By + ", " + moment(c.Review.At) + ": "
	if c.Review.Decision != "" {
		word += c.Review.Decision + ", "
	}
	return word + c.Review.Reason + signedText(keyOf(c.Review.Signed))
}

// Reach returns what the change gave or took away, or both with an arrow between them if it is another; "" if the
// journal does not tell.
func (c *change) Reach() string {
	before, after := c.Before.Reached(), c.After.Reached()
	switch {
	case before == "" || before == after:
		return after
	case after == "":
		return before
	}
	return before + " → " + after
}
