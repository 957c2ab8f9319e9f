// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Desk is who changes things, for whom, and who hears of what went wrong with the journal.
type Desk struct {
	// Stack is the configuration that changes are made for.
	Stack string
	// Actor says who makes them. It is asked once, at the first change.
	Actor func() Actor
	// Clock measures how long a revocation takes. Default: the clock of this machine.
	Clock access.Clock
	// Warn hears of what did not stop a change: a line that could not be written after it, or what a process left
	// unfinished that died. It gets the context of the change.
	Warn func(ctx context.Context, summary, detail string)
}

// Govern puts a journal before a system: nothing is changed whose intent is not on disk. After a change the
// journal says what came of it; where it cannot, the change stands and Warn hears of it, since an error
// would lose what was issued.
//
// Reading does not touch the journal. What else the system can do is found with [access.As].
func Govern(inner access.System, j *Journal, d Desk) access.System {
	if d.Clock == nil {
		d.Clock = access.WallClock
	}
	d.Actor = sync.OnceValue(d.Actor)
	j.notary, _ = access.As[access.Notary](inner)
	g := &governed{System: inner, journal: j, desk: d, seen: map[access.Ref]access.Record{}}
	if issuer, able := access.As[access.TokenIssuer](inner); able {
		return &issuing{governed: g, issuer: issuer}
	}
	return g
}

// governed is a system with a journal before it.
type governed struct {
	access.System
	journal *Journal
	desk    Desk

	asking sync.Mutex // held while one caller asks for all
	asked  atomic.Bool

	mu   sync.Mutex                   // guards seen
	seen map[access.Ref]access.Record // what callers were told: it says what a change changes, without asking again

	told cutsTold
}

// Unwrap returns the system behind the journal.
func (g *governed) Unwrap() access.System { return g.System }

// Get asks the system.
func (g *governed) Get(ctx context.Context, ref access.Ref) (*access.Record, error) {
	r, err := g.System.Get(ctx, ref)
	if err == nil {
		g.see(r)
	}
	return r, err
}

// List asks the system.
func (g *governed) List(ctx context.Context) ([]*access.Record, error) {
	records, err := g.System.List(ctx)
	if err == nil {
		g.asked.Store(true)
		g.see(records...)
	}
	return records, err
}

// issuedAnew reports whether what a record has issued is not what was issued before.
func issuedAnew(before, r *access.Record) bool {
	if r.Issued == nil || before == nil || before.Issued == nil {
		return r.Issued != nil
	}
	return !before.Issued.At.Equal(r.Issued.At) || before.Issued.Name() != r.Issued.Name()
}

// Put changes one object, with a line before and one after.
func (g *governed) Put(ctx context.Context, change access.Change) (*access.Record, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("put %s: %w", change.Object.Ref(), context.Cause(ctx))
	}
	before := g.before(ctx, change.Object.Ref())
	l := g.line(verbOf(before, change), change.Object.Ref())
	l.Stack, l.UID, l.Owner, l.EndsAt = change.Stack, change.UID, change.Object.Common().Owner, change.EndsAt.UTC()
	l.Before, l.After = given(before), declared(change.Object, change.EndsAt)
	l.After.AdoptedFrom = change.Adopt
	if l.Verb == Create || l.Verb == Renew {
		l.Review = g.review(change.Object)
	}
	if err := g.intend(ctx, l); err != nil {
		return nil, err
	}
	asked := g.desk.Clock()
	r, err := g.System.Put(ctx, change)
	if err != nil {
		g.failed(ctx, l, err)
		return nil, err
	}
	if l.Verb == Suspend {
		l = g.refused(l, asked)
	}
	l.UID, l.EndsAt, l.Before, l.After = r.UID, r.EndsAt.UTC(), nil, given(r)
	if issuedAnew(before, r) {
		l.Serial = r.Issued.Name()
	}
	g.see(r)
	g.done(ctx, l)
	return r, nil
}

// Delete revokes an object, with a line before and one after.
func (g *governed) Delete(ctx context.Context, ref access.Ref, uid string) ([]access.Ref, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("delete %s: %w", ref, context.Cause(ctx))
	}
	l := g.line(Revoke, ref)
	l.UID = uid
	if before := g.before(ctx, ref); before != nil && before.UID == uid {
		l.Owner, l.EndsAt, l.Before = before.Object.Common().Owner, before.EndsAt.UTC(), given(before)
		if before.Issued != nil {
			l.Serial = before.Issued.Name()
		}
	}
	if err := g.intend(ctx, l); err != nil {
		return nil, err
	}
	asked := g.desk.Clock()
	swept, err := g.System.Delete(ctx, ref, uid)
	if err != nil && !errors.Is(err, access.ErrNotFound) {
		g.failed(ctx, l, err)
		return swept, err
	}
	// Both say the same of this uid: the system was asked, and has nothing of it.
	l = g.refused(l, asked)
	l.Before = nil
	l.Swept, l.SweptBefore = g.swept(swept)
	g.done(ctx, l)
	g.forget(append(swept, ref)...)
	return swept, err
}

// swept returns what went along with a removal, and what it gave, as far as this process knows.
func (g *governed) swept(refs []access.Ref) (names []string, gave map[string]*Given) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, ref := range refs {
		names = append(names, ref.String())
		if r, known := g.seen[ref]; known {
			if gave == nil {
				gave = map[string]*Given{}
			}
			gave[ref.String()] = given(&r)
		}
	}
	return names, gave
}

// Rehearsed makes the journal of a system tell of a rehearsal: a line before it, and one after it with when the last
// refusal was seen, and how long that took. What the rehearsal itself changes has lines of its own. Without a
// journal it is only done.
func Rehearsed(ctx context.Context, system access.System, partner string,
	rehearse func() (refused time.Time, seconds float64, err error)) error {
	g, kept := access.As[*governed](system)
	if !kept {
		_, _, err := rehearse()
		return err
	}
	l := g.line(Rehearse, access.Ref{Type: partnerType, ID: partner})
	if err := g.intend(ctx, l); err != nil {
		return err
	}
	refused, took, err := rehearse()
	if err != nil {
		g.failed(ctx, l, err)
		return err
	}
	l.Refused = refused.UTC().Truncate(time.Millisecond)
	l.Seconds = took
	g.done(ctx, l)
	return nil
}

// line returns what the lines of one change have in common.
func (g *governed) line(verb Verb, ref access.Ref) Line {
	return Line{
		Verb: verb, Change: rand.Text(), System: g.Capabilities().Name, Stack: g.desk.Stack, Actor: g.desk.Actor(),
		Type: string(ref.Type), ID: ref.ID,
	}
}

// refused says that the system was seen to refuse, now, what was asked to be cut at a moment.
func (g *governed) refused(l Line, asked time.Time) Line {
	now := g.desk.Clock()
	l.Refused, l.Seconds = now.UTC().Truncate(time.Millisecond), seconds(now.Sub(asked))
	return l
}

// intend writes the intent, without which nothing is changed.
func (g *governed) intend(ctx context.Context, l Line) error {
	l.Phase = Intent
	if err := g.append(ctx, append(g.cuts(ctx, l), l)...); err != nil {
		return fmt.Errorf("%w. Nothing was changed", err)
	}
	return nil
}

// done writes the outcome of a change that was made, together with what was found on the way. The change is not undone
// if that fails: the intent is in the journal, and nothing else is changed before the journal can be written again.
func (g *governed) done(ctx context.Context, l Line) {
	l.Phase = Done
	found := g.note(ctx, &l)
	found = append(found, g.cuts(ctx, l)...) // what only the change itself could see
	if err := g.append(ctx, append([]Line{l}, found...)...); err != nil {
		g.desk.Warn(ctx, fmt.Sprintf("The journal lacks the outcome of a change: %s of %s %s", l.Verb, l.Type, l.ID),
			fmt.Sprintf("The change was made, and nothing of it is lost. But the journal has only its intent (change "+
				"%s), not its outcome: %v. The provider makes no other change until it can write the journal again.",
				l.Change, err))
	}
}

// note writes into a line what the system noted, and lets whoever runs it hear of that. What was
// found has lines of its own.
func (g *governed) note(ctx context.Context, l *Line) (found []Line) {
	n, ok := access.As[access.Noter](g.System)
	if !ok {
		return nil
	}
	healed, warnings := n.Notes()
	l.Generation = n.Generation()
	for _, w := range warnings {
		g.desk.Warn(ctx, w[0], w[1])
	}
	return tampered(*l, healed)
}

// longestError is how much of an error the journal keeps. Errors hold no secrets; this is so that they hold no novels.
const longestError = 500

// failed writes that a change failed, and why.
func (g *governed) failed(ctx context.Context, l Line, cause error) {
	l.Phase, l.Error, l.Serial, l.Before, l.After = Failed, shorten(cause.Error(), longestError), "", nil, nil
	if err := g.append(ctx, l); err != nil {
		g.desk.Warn(ctx, fmt.Sprintf("The journal lacks the outcome of a change: %s of %s %s", l.Verb, l.Type, l.ID),
			fmt.Sprintf("The change failed: see the error beside this one. But the journal has only its intent "+
				"(change %s), not that it failed: %v.", l.Change, err))
	}
}

// append writes lines, and says so if the journal's end had to be repaired for that. If it fails, the next change tells
// the cuts again that these lines told.
func (g *governed) append(ctx context.Context, lines ...Line) error {
	healed, err := g.journal.Append(lines...)
	if healed != "" {
		g.desk.Warn(ctx, "The journal was repaired", healed)
	}
	if err != nil {
		g.told.untold()
	}
	return err
}

// see remembers what was read, as what a change will have changed.
func (g *governed) see(records ...*access.Record) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range records {
		g.seen[r.Object.Ref()] = *r
	}
}

// forget forgets what was removed.
func (g *governed) forget(refs ...access.Ref) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, ref := range refs {
		delete(g.seen, ref)
	}
}

// before returns what the system holds before a change, as far as this process knows, nil where nothing.
// Where nobody asked yet (destroy -refresh=false) one listing serves all changes; where that fails, the
// change shall not fail for it.
func (g *governed) before(ctx context.Context, ref access.Ref) *access.Record {
	g.asking.Lock()
	if !g.asked.Swap(true) {
		_, _ = g.List(ctx)
	}
	g.asking.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if r, ok := g.seen[ref]; ok {
		return &r
	}
	return nil
}
