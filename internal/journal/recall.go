// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Past is what a journal tells of one object of a partner, from its creation to its end.
type Past struct {
	Type, ID, UID string
	// Spans are what it gave, one after the other: each change begins another one.
	Spans []Span
	// Words are on whose review it was created and renewed.
	Words []Word
	// Cuts are when it was cut: suspended, revoked, or by hand.
	Cuts []Cutting
	// Removed is when it was removed; zero where it is still there.
	Removed time.Time
}

// Span is what an object gave from one moment to another.
type Span struct {
	// From is zero where it was there before the journal began. To is when it was cut, changed, or ended by itself; an
	// end that is still to come where nothing of these happened.
	From, To time.Time
	// Given is what it gave. Of a line of version 1 it has only owner and end.
	Given Given
}

// Word is a review on which something was created or renewed.
type Word struct {
	At   time.Time
	Verb Verb
	Review
}

// Cutting is a cut as the journal tells of it.
type Cutting struct {
	Verb Verb
	// At is when it was asked for, by By; of a cut by hand, when it was made, or else found.
	At time.Time
	By string
	// Refused is when the system was first seen to refuse, Seconds how long after the request; of a cut by
	// hand nobody measured that.
	Refused time.Time
	Seconds float64
}

// recollection is what is known while the lines are read.
type recollection struct {
	intents map[string]Line
	open    map[string]*Past
	all     []*Past
	doubts  []string
}

// Recall says what the lines of a journal tell of each object that they name: what it could reach, from when to when,
// on whose review, and how fast it was refused. Doubts are sentences about what they do not tell.
func Recall(lines []Line) (pasts []*Past, doubts []string) {
	r := &recollection{intents: map[string]Line{}, open: map[string]*Past{}}
	for _, l := range lines {
		if l.Type != string(tokenType) && l.Type != string(floorType) {
			r.read(l)
		}
	}
	for _, l := range lines {
		if l.Phase == Intent && r.intents[l.Change].Seq == l.Seq {
			r.doubt(l, "has an intent but no outcome: look into the system")
		}
	}
	for _, p := range r.all {
		for i := range p.Spans {
			p.Spans[i].endByItself()
		}
	}
	return r.all, r.doubts
}

// endByItself ends a span with what it gave, if nothing cut or changed it before.
func (s *Span) endByItself() {
	end := s.Given.EndsAt
	if s.To.IsZero() || (!end.IsZero() && end.Before(s.To)) {
		s.To = end
	}
}

func (r *recollection) doubt(l Line, why string) {
	r.doubts = append(r.doubts, fmt.Sprintf("Line %d, %s of %s %s, %s.", l.Seq, l.Verb, l.Type, l.ID, why))
}

// read takes in the next line. An intent waits for its outcome, by the change's id; an outcome without one tells its
// own part, and a doubt.
func (r *recollection) read(l Line) {
	switch l.Phase {
	case Intent:
		r.intents[l.Change] = l
		return
	case Found:
		r.found(l)
		return
	}
	intent, told := r.intents[l.Change]
	delete(r.intents, l.Change)
	if l.Phase == Failed {
		return
	}
	if !told {
		intent = l
		r.doubt(l, "has no intent before it")
	}
	switch l.Verb {
	case Rehearse:
	case Revoke:
		r.revoked(intent, l)
	default:
		r.changed(intent, l)
	}
}

// past returns the object of a name that is there, made known by what it gave before the first line that
// the journal has of it.
func (r *recollection) past(kind, id, uid string, before *Given) *Past {
	key := kind + " " + id
	p := r.open[key]
	if p == nil {
		p = &Past{Type: kind, ID: id, UID: uid}
		r.open[key], r.all = p, append(r.all, p)
		if before != nil {
			p.Spans = append(p.Spans, Span{Given: *before})
		}
	}
	return p
}

// changed takes in that an object was created or changed: what it gave until then ends, and what it gives from now on
// begins.
func (r *recollection) changed(intent, l Line) {
	if l.Verb == Create {
		delete(r.open, l.Type+" "+l.ID)
	}
	p := r.past(l.Type, l.ID, l.UID, intent.Before)
	p.UID = cmp.Or(l.UID, p.UID)
	p.ends(l.Time)
	p.Spans = append(p.Spans, Span{From: l.Time, Given: givenBy(l, l.After)})
	if review := cmp.Or(l.Review, intent.Review); review != nil && (l.Verb == Create || l.Verb == Renew) {
		p.Words = append(p.Words, Word{At: l.Time, Verb: l.Verb, Review: *review})
	}
	if l.Verb == Suspend {
		p.cut(intent, l)
	}
}

// revoked takes in a removal, with all that went with it.
func (r *recollection) revoked(intent, l Line) {
	before := givenBy(intent, intent.Before)
	r.remove(l.Type, l.ID, &before, intent, l)
	for _, name := range l.Swept {
		if kind, id, ok := strings.Cut(name, " "); ok {
			r.remove(kind, id, l.SweptBefore[name], intent, l)
		}
	}
}

// remove takes in that one object is gone. It ended when the partner was refused, if somebody measured that.
func (r *recollection) remove(kind, id string, before *Given, intent, l Line) {
	if r.open[kind+" "+id] == nil &&
		slices.ContainsFunc(r.all, func(p *Past) bool { return p.Type == kind && p.ID == id }) {
		return // it is gone already
	}
	p := r.past(kind, id, l.UID, before)
	p.cut(intent, l)
	p.ends(l.Refused)
	p.Removed = cmp.Or(l.Refused, l.Time)
	delete(r.open, kind+" "+id)
}

// found takes in a cut by hand, of all objects that it is of.
func (r *recollection) found(l Line) {
	if l.Verb != Cut {
		return
	}
	at := l.FoundAt
	if at.IsZero() {
		at = l.Time
	}
	for _, p := range r.open {
		if p.ID == l.ID || strings.HasPrefix(p.ID, l.ID+"/") {
			p.Cuts = append(p.Cuts, Cutting{Verb: Cut, At: at})
		}
	}
}

// givenBy returns what a line says that an object gave. A line of version 1 says when it ends and who answers for it.
func givenBy(l Line, g *Given) Given {
	if g != nil {
		return *g
	}
	return Given{Owner: l.Owner, EndsAt: l.EndsAt}
}

func (p *Past) ends(at time.Time) {
	if n := len(p.Spans); n > 0 {
		p.Spans[n-1].To = at
	}
}

// cut notes who cut an object, when, and how soon the partner was refused.
func (p *Past) cut(intent, l Line) {
	p.Cuts = append(p.Cuts, Cutting{
		Verb:    l.Verb,
		At:      intent.Time,
		By:      l.Actor.Name,
		Refused: l.Refused,
		Seconds: l.Seconds,
	})
}

// Reached says in words what a span gave to somebody: "read, list orders/acme/daily/*" of a grant, of a credential whom
// it let in, of an identity what its grants could lie in. Empty where the line does not tell.
func (g *Given) Reached() string {
	if g == nil {
		return ""
	}
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if g.Resource != "" {
		say("%s on %s", strings.Join(g.Actions, ", "), g.Resource)
	}
	if len(g.Ceiling) > 0 {
		say("within %s", strings.Join(g.Ceiling, ", "))
	}
	if t := g.Trust; t != nil && t.Issuer != "" {
		say("%s of %s for %s", t.Subject, t.Issuer, strings.Join(t.Audiences, ", "))
	} else if t != nil {
		say("key %s", t.Key)
	}
	if len(g.AllowedCIDRs) > 0 {
		say("from %s", strings.Join(g.AllowedCIDRs, ", "))
	}
	if g.Suspended {
		say("suspended")
	}
	if g.Held {
		say("cut by hand")
	}
	return strings.Join(parts, "; ")
}
