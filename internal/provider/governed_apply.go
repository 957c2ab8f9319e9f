// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Creating and changing a governed resource: an apply judges the change once more, makes it, reads the end back that
// the system enforces, and only then writes the state.

// apply runs the rules once more, changes the system, and reads back what it enforces. It reports false if the change
// failed, or what was given had to be revoked again; whether a change that failed was made, its error says.
//
// The steps, and what is true if the process dies after each:
//
//  1. admit judges the change, by what the system holds now. Nothing has changed.
//  2. refuseUnseenCut asks whether somebody cut it by hand since the plan. Nothing has changed.
//  3. follow waits until this run has made or changed what the object hangs on, so that its end is the new one.
//  4. order says what to ask for, including what is issued. Nothing has changed.
//  5. put passes the journal, which has the intent on disk before the system is asked. A process that dies here leaves
//     an intent without an outcome; the next run takes up what was made, and is told what was issued (retell.go).
//  6. readBack compares the ends, and revokes what would end too late.
//
// The mark is read before anything is judged: what others change after that, the system judges once more
// (Change.Again).
func (g *governed[M, P]) apply(ctx context.Context, plan, state *M, k kept, diags *diag.Diagnostics) (observed, bool) {
	o, unknown, ok := objectOf[M, P](plan, diags)
	if !ok {
		return observed{}, false
	}
	if state != nil {
		ctx = insisting(ctx, g.before(o.Ref(), state), o)
	}
	mark := g.mark.Load()
	c, ok := g.admit(ctx, o, state, k, diags)
	if !ok || g.refuseUnseenCut(ctx, c, k, diags) {
		return observed{}, false
	}
	g.follow(ctx, o)
	put, ok := g.order(ctx, &c, unknown, state, k, diags)
	if !ok {
		return observed{}, false
	}
	defer g.restock()
	ctx, put.Seen = warned(ctx, diags), mark
	rec, err := g.put(ctx, &put, c, state, k, diags)
	if err != nil {
		unmade(diags, k.act(state != nil), put, err)
		return observed{}, false
	}
	g.finished(o.Ref())
	g.made(rec.System, diags)
	// a system that has lost its id keeps the one that the state knows
	rec.System = cmp.Or(rec.System, k.System)
	if rec.Held {
		tellHeld(c.before, o, diags)
	}
	seen, err := g.observe(ctx, rec)
	if err != nil {
		failed(diags, "read the clock for", o.Ref(), err)
	}
	// Something was issued by this change if it asked for that, or if it created the object. What was taken up again
	// keeps what was issued for it before.
	mine, _, _ := g.portfolio.Find(o.Ref())
	return seen, g.readBack(ctx, seen, c.ends, put.Issue != access.IssueKeep || (state == nil && !mine.Adopted), diags)
}

// insisting returns a context in which less access is asked for even if the system was found to be away a moment ago.
func insisting(ctx context.Context, before, after access.Object) context.Context {
	if before != nil && before.Ref() == after.Ref() && access.Lessens(before, after) {
		return access.Insisting(ctx)
	}
	return ctx
}

// admit decides whether a change may be made: in this run (it does not only collect findings), on this system (it is
// the state's own), and by the rules. It returns what the change is, without its end, which is not known before follow.
//
// It notes that this walk is an apply, which Terraform does not say: from here on, plans are judged as of an apply.
func (g *governed[M, P]) admit(ctx context.Context, o access.Object, state *M, k kept,
	diags *diag.Diagnostics) (c change, ok bool) {
	if g.refusesChanges(diags) {
		return c, false
	}
	g.applies()
	if err := g.load(ctx); err != nil {
		failed(diags, "read", o.Ref(), err)
		return c, false
	}
	if k.History.UID != "" {
		if err := g.isHome(ctx, o.Ref(), k, g.locate(ctx)); err != nil {
			failed(diags, "change", o.Ref(), err)
			return c, false
		}
	}
	c = change{after: o, endsKnown: true, fixed: g.isFixed(o)}
	if state != nil {
		c.before = g.before(o.Ref(), state)
		c.stateStatus, c.stateEnds = P(state).common().Status.ValueString(), k.askedEnd(P(state).common())
	}
	return c, g.judgeAtApply(ctx, c, k, diags)
}

// order returns what the system is asked to do: until when, and what is issued. It completes the change with its end,
// and with whether its identity is cut.
//
// A creation is not issued anew by reissue, which compares with what was before, but by takingOver: something may stand
// under its id. With a state, Known tells the system what the state was told of, so that a rotation whose answer was
// lost is told and not made again, and Wait has it issue nothing for an identity that is cut.
func (g *governed[M, P]) order(ctx context.Context, c *change, unknown map[string]bool, state *M, k kept,
	diags *diag.Diagnostics) (put access.Change, ok bool) {
	o := c.after
	if c.ends, ok = g.end(o, unknown); !ok {
		failed(diags, k.act(state != nil), o.Ref(), fmt.Errorf("what %s hangs on: %w", o.Ref(), access.ErrNoIdentity))
		return put, false
	}
	now, err := g.system.Now(ctx)
	if err != nil {
		failed(diags, "read the clock for", o.Ref(), err)
		return put, false
	}
	// what it goes on from under another name, so that years add up and a review extends once
	since, spent := g.portfolio.Since(o.Ref(), now)
	// UID says which object is changed, and that nothing else under the id is; Again judges once more under the
	// system's lock; Cuts are what the plan had seen, so that a release lifts no later cut.
	put = access.Change{
		Object: o, Stack: g.stack, UID: k.History.UID, EndsAt: c.ends, Adopt: k.Adopt, Since: since, Spent: spent,
		Again: g.again(o.Ref(), now), Cuts: access.CutsSeen{Last: k.CutAt, Held: k.Held},
	}
	credential, ok := o.(*access.Credential)
	if !ok {
		return put, true
	}
	c.cut = g.cut(o, k)
	put.Issue, _, _ = reissue(*c, k)
	if state == nil {
		put.Issue = g.takingOver(ctx, credential)
	} else {
		put.Wait, put.Known = c.cut, P(state).issued()
	}
	put.Seal, ok = sealer(credential, diags)
	return put, ok
}

// unmade says why the system did not make a change: rules refuse it by now, somebody cut the identity by hand since its
// plan, or anything else.
func unmade(diags *diag.Diagnostics, act string, put access.Change, err error) {
	var refused refusedMeanwhile
	switch {
	case errors.As(err, &refused):
		diags.Append(refused.Diagnostics...)
	case errors.Is(err, access.ErrCutSince):
		explainUnseenCut(put.Object, err, diags)
	default:
		failed(diags, act, put.Object.Ref(), unfinished(err, put))
	}
}

// put makes a change, and once more if the system does not hold the uid that the state knows. Two such cases are no
// error:
//
//   - It had ended, and the system has removed it since. Then extending it creates it: the uid is left out.
//   - The state's uid is wrong, because somebody edited it. Then resolve says which one is meant, if it is this
//     stack's.
//
// Anything else that is not found was revoked since the plan, and the error says so.
func (g *governed[M, P]) put(ctx context.Context, put *access.Change, c change, state *M, k kept,
	diags *diag.Diagnostics) (*access.Record, error) {
	rec, err := g.system.Put(ctx, *put)
	if !isNotFound(err) {
		return rec, err
	}
	if c.stateStatus == access.StatusExpired {
		put.UID = ""
		return g.system.Put(ctx, *put)
	}
	if state == nil {
		return rec, err
	}
	is, ref, unclear := g.resolve(ctx, state, put.Object.Ref(), k, diags)
	if unclear != nil || ref != put.Object.Ref() {
		return rec, err
	}
	put.UID = is.UID
	return g.system.Put(ctx, *put)
}

// act returns what a change does, as the verb of an error's summary.
func (k kept) act(exists bool) string {
	switch {
	case k.Adopt != "":
		return "adopt"
	case exists:
		return "change"
	}
	return "create"
}

// finish writes the state and its private part: what was planned, and what the plan had left unknown. Known values of
// the plan stay, as Terraform demands; if the system says otherwise, the next reading shows it.
func (g *governed[M, P]) finish(ctx context.Context, plan *M, seen observed, state *tfsdk.State, private keeper,
	diags *diag.Diagnostics) {
	P(plan).observe(seen, unknownOnly)
	write(ctx, &state.Raw, attributesOf(state.Schema), plan, diags)
	k := keptOf(seen)
	k.CutAt = g.cutAt(ctx, seen.Object)
	// what is claimed later is what the state's own attributes make, which may spell the same otherwise
	if k.tell(nil, seen.Object); claimed[M, P](plan) != nil {
		k.tell(nil, claimed[M, P](plan)) // as the state has it
	}
	keep(ctx, private, k, diags)
	// the memo is the plan's, and every byte of a state counts
	diags.Append(private.SetKey(ctx, memoKey, nil)...)
}
