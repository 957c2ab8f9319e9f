// SPDX-License-Identifier: MPL-2.0

package access

import (
	"context"
	"strings"
	"sync"
	"time"
)

const (
	// outageShare is for which part of a request's patience others believe that a server is away, and do not ask.
	outageShare = 6
	// outageProven is how long requests that fail sooner than their patience must find a server away until that is
	// believed, and how long a request is then repeated.
	outageProven = 2 * time.Second
	// outageAnswer is how long a request waits for its answer in an outage: a server that is slow is not away.
	outageAnswer = 10 * time.Second
)

// Outages is what a process knows of one server: when it last answered, and whether anybody waited for it in vain
// since. Its methods may be called at the same time.
type Outages struct {
	mu       sync.Mutex
	answered time.Time
	current  *Outage
}

// Outage is one span without an answer. All who meet it share it: one error says why, and the others name that one.
type Outage struct {
	why    string
	begun  time.Time
	proven time.Time // when a request last found it so; zero before the first

	mu     sync.Mutex
	teller string
}

// Answered notes that the server answered: whatever outage there was is over.
func (o *Outages) Answered(at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answered, o.current = at, nil
}

// GaveUp notes that a request was given up without an answer: at its end, why, and whether it had used up its patience.
// It returns the outage, which nothing proves where the server has just answered others.
func (o *Outages) GaveUp(begun, at time.Time, why string, spent bool) *Outage {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.current == nil {
		o.current = &Outage{why: why, begun: at}
	}
	answers := o.answered.After(begun) && at.Sub(o.answered) < outageProven
	if !answers && (spent || at.Sub(o.current.begun) >= outageProven) {
		o.current.proven = at
	}
	return o.current
}

// Since returns the outage that a request found at a moment or later; nil where there is none.
func (o *Outages) Since(moment time.Time) *Outage {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.current == nil || o.current.proven.IsZero() || o.current.proven.Before(moment) {
		return nil
	}
	return o.current
}

type insisting struct{}

// Insisting returns a context whose requests are sent also where their server was found away a moment ago: one slow
// request may have found it so, and what takes access away is tried at least once.
func Insisting(ctx context.Context) context.Context { return context.WithValue(ctx, insisting{}, true) }

// Remembered returns the outage for which a request that begins now is not sent: one that was found so shortly before,
// by the patience of a request.
func (o *Outages) Remembered(ctx context.Context, now time.Time, patience time.Duration) *Outage {
	if ctx.Value(insisting{}) != nil {
		return nil
	}
	return o.Since(now.Add(-min(patience/outageShare, 5*time.Second)))
}

// Patience returns for how long a request that begins now is repeated: less than usual in an outage.
func (o *Outages) Patience(usual time.Duration) time.Duration { return o.atMost(usual, outageProven) }

// Wait returns for how long an attempt that begins now waits for its answer: less than usual in an outage.
func (o *Outages) Wait(usual time.Duration) time.Duration { return o.atMost(usual, outageAnswer) }

// atMost returns no more than so much in an outage, and what is usual otherwise.
func (o *Outages) atMost(usual, most time.Duration) time.Duration {
	if o.Since(time.Time{}) != nil {
		return min(usual, most)
	}
	return usual
}

// Error says what the request met that found out.
func (o *Outage) Error() string { return o.why }

// Met returns an error of somebody who met the outage; the error itself where there is none.
func (o *Outage) Met(err error) error {
	if o == nil {
		return err
	}
	return &met{err, o}
}

type met struct {
	error
	outage *Outage
}

// Unwrap gives both.
func (m *met) Unwrap() []error { return []error{m.error, m.outage} }

// Told returns a text of somebody who met the outage. The first says why; later ones name the first instead,
// and then what they left.
func (o *Outage) Told(text, by string) (told string, first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.teller == "" && strings.Contains(text, o.why) {
		o.teller = by
		return text, true
	}
	if o.teller == by {
		return text, false
	}
	before, left, met := strings.Cut(text, o.why)
	if !met || strings.ContainsAny(before, "\n.;") { // it says more than what was asked
		return strings.ReplaceAll(text, o.why, "for the same reason as "+o.teller), false
	}
	return "For the same reason as " + o.teller + strings.ReplaceAll(left, o.why, "for the same reason"), false
}
