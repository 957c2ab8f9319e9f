// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// model is what the three resources have in common: a model of one of them, M, as Terraform sees it.
type model[M any] interface {
	*M
	// common are the attributes that all resources share.
	common() *terms
	// complete fills in what is not given and has a default, from the provider's configuration and
	// the state (nil: none).
	complete(s *session, state *M, given func(names ...string) bool)
	// object reads the arguments.
	object(r *reader) access.Object
	// keepWriting keeps the state's writing of what means the same, and the state's computed values.
	keepWriting(state *M)
	// move marks the computed values that this change moves beyond those of all resources.
	move(c change, kept kept)
	// declare writes the arguments of an object read from the system.
	declare(o access.Object)
	// observe writes the computed values: all, or those that the plan left unknown.
	observe(seen observed, all extent)
	// replaced names the arguments whose change makes another object of it.
	replaced(state *M) []string
	// release is the value by which it asks to lift a hold; null for none.
	release() types.String
	// issued names what the state knows to be issued, by its serial, else its fingerprint; "" for nothing. knows
	// reports whether the state was told what was issued.
	issued() string
	knows(*access.Issued) bool
	// restore gives a plan back what the state knows of what was issued, where the plan expected something new and
	// nothing was issued: the identity was suspended in between, perhaps by another stack.
	restore(state *M, seen observed)
}

// change is a planned change from one object to another.
type change struct {
	before, after   access.Object
	stateStatus     string
	stateEnds, ends time.Time
	unknown         map[string]bool
	endsKnown       bool
	// fixed: the system cannot move the end of what it issued for this kind of credential.
	fixed bool
	// cut: the identity is suspended or held, and nothing is issued for it.
	cut bool
	// fresh: it is made anew, and the system holds nothing of it that the change takes up.
	fresh bool
	// words are what the system says of it, where its arguments are known enough for that.
	words *access.Words
	// untold: neither the state nor the system says what it was.
	untold bool
}

// governed is the life of a resource: one for identities, credentials and grants.
type governed[M any, P model[M]] struct {
	configured
	kind access.Type
}

func (g *governed[M, P]) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + string(g.kind)
}

// objectOf reads a model's object, and says what is wrong with its arguments.
func objectOf[M any, P model[M]](m *M, diags *diag.Diagnostics) (access.Object, map[string]bool, bool) {
	r := &reader{}
	o := P(m).object(r)
	for _, f := range r.faults {
		diags.AddAttributeError(path.Root(f.attribute), "Not a value that "+f.attribute+" can have",
			sentence(f.err)+".")
	}
	return o, r.unknown, len(r.faults) == 0
}

// claimed returns the object that a state's attributes make; nil where they make none, as when somebody edited them.
func claimed[M any, P model[M]](state *M) access.Object {
	var faults diag.Diagnostics
	if o, _, ok := objectOf[M, P](state, &faults); ok {
		return o
	}
	return nil
}

// before returns what a change begins with by the state, or, where that cannot be read, by the system;
// nil where neither says.
func (g *governed[M, P]) before(ref access.Ref, state *M) access.Object {
	if o := claimed[M, P](state); o != nil {
		return o
	}
	live, _ := g.portfolio.Holds(ref)
	return live.Object
}

// Create puts a new object in force, or adopts what its own stack left behind.
func (g *governed[M, P]) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	ctx, leave := g.traffic.enter(ctx)
	defer leave()
	plan, ok := read[M](ctx, req.Plan, &resp.Diagnostics)
	if !ok {
		return
	}
	rec, ok := g.apply(ctx, plan, nil, kept{}, &resp.Diagnostics)
	if !ok {
		return
	}
	knownBy(resp.Identity, types.StringValue(rec.Object.Ref().ID))
	g.finish(ctx, plan, rec, &resp.State, resp.Private, &resp.Diagnostics)
}

// Update changes an object in place.
func (g *governed[M, P]) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	ctx, leave := g.traffic.enter(ctx)
	defer leave()
	plan, ok := read[M](ctx, req.Plan, &resp.Diagnostics)
	if !ok {
		return
	}
	state, ok := read[M](ctx, req.State, &resp.Diagnostics)
	if !ok {
		return
	}
	k := keptIn(ctx, req.Private, &resp.Diagnostics).of(P(state).common())
	if k.Adopt != "" {
		state = nil // nothing was declared yet
	}
	rec, ok := g.apply(ctx, plan, state, k, &resp.Diagnostics)
	if !ok {
		return
	}
	if state != nil {
		P(plan).restore(state, rec)
	}
	stillKnownBy(resp.Identity, P(plan).common().ID)
	g.finish(ctx, plan, rec, &resp.State, resp.Private, &resp.Diagnostics)
}

// apply runs the rules that had to wait, and then changes the system. Nothing is changed when it fails before.
func (g *governed[M, P]) apply(ctx context.Context, plan, state *M, k kept, diags *diag.Diagnostics) (observed, bool) {
	o, unknown, ok := objectOf[M, P](plan, diags)
	if !ok {
		return observed{}, false
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
	if refused := (refusedMeanwhile{}); errors.As(err, &refused) {
		diags.Append(refused.Diagnostics...)
		return observed{}, false
	}
	if errors.Is(err, access.ErrCutSince) {
		explainUnseenCut(o, err, diags)
		return observed{}, false
	}
	if err != nil {
		failed(diags, k.act(state != nil), o.Ref(), unfinished(err, put))
		return observed{}, false
	}
	g.finished(o.Ref())
	g.made(rec.System, diags)
	rec.System = cmp.Or(rec.System, k.System)
	if rec.Held {
		tellHeld(c.before, o, diags)
	}
	seen, err := g.observe(ctx, rec)
	if err != nil {
		failed(diags, "read the clock for", o.Ref(), err)
	}
	mine, _, _ := g.portfolio.Find(o.Ref())
	return seen, g.readBack(ctx, seen, c.ends, put.Issue != access.IssueKeep || (state == nil && !mine.Adopted), diags)
}

// put makes a change. What the system had removed after its end is brought back by extending it, and what the state
// means by a uid that is unknown here is looked for.
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

// act returns what a change does, in a word.
func (k kept) act(exists bool) string {
	switch {
	case k.Adopt != "":
		return "adopt"
	case exists:
		return "change"
	}
	return "create"
}

// admit looks whether a change may be made: in this run, on this system, by the rules. It returns what the change is.
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
// and with whether it is cut.
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
	since, spent := g.portfolio.Since(o.Ref(), now)
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

// finish writes state and private state: what was planned, and what the plan had left unknown.
func (g *governed[M, P]) finish(ctx context.Context, plan *M, seen observed, state *tfsdk.State, private keeper,
	diags *diag.Diagnostics) {
	P(plan).observe(seen, unknownOnly)
	write(ctx, &state.Raw, attributesOf(state.Schema), plan, diags)
	k := keptOf(seen)
	k.CutAt = g.cutAt(ctx, seen.Object)
	if k.tell(nil, seen.Object); claimed[M, P](plan) != nil {
		k.tell(nil, claimed[M, P](plan)) // as the state has it
	}
	keep(ctx, private, k, diags)
	diags.Append(private.SetKey(ctx, memoKey, nil)...)
}

// meant returns what a state means by its id. A state can be edited: if its id is none, its
// arguments say what is meant.
func (g *governed[M, P]) meant(state *M) access.Ref {
	ref := access.Ref{Type: g.kind, ID: P(state).common().ID.ValueString()}
	if _, _, err := access.ParseRef(ref.Type, ref.ID); err != nil {
		if o := claimed[M, P](state); o != nil {
			return o.Ref()
		}
	}
	return ref
}

// sayAnother warns that the system holds another object than a state means: that one goes on,
// whatever becomes of the state.
func sayAnother(ref access.Ref, rec *access.Record, uid string, diags *diag.Diagnostics) {
	diags.AddWarning("The state means another one: "+ref.String(),
		fmt.Sprintf("The state means the uid %q. The system holds the uid %q, of the stack %q, created on %s. This "+
			"state does not own that one, and leaves it in force. If you mean it, import it: terraform import "+
			"takes the id %s.", uid, rec.UID, rec.Stack, access.At(rec.CreatedAt), ref.ID))
}

// remove takes a resource out of the state.
func remove(ctx context.Context, resp *resource.ReadResponse) {
	resp.State.RemoveResource(ctx)
	if u := unchangedIn(ctx); u != nil {
		u.gone = true
	}
}

// ImportState takes an id, as text or as the resource's identity; Read does the rest.
func (g *governed[M, P]) ImportState(ctx context.Context, req resource.ImportStateRequest,
	resp *resource.ImportStateResponse) {
	if id, native, ok := strings.Cut(req.ID, "@"); ok && g.kind == access.TypeIdentity {
		g.importUngoverned(ctx, id, native, resp)
		return
	}
	id := req.ID
	if id == "" && req.Identity != nil {
		resp.Diagnostics.Append(req.Identity.GetAttribute(ctx, path.Root("id"), &id)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if _, _, err := access.ParseRef(g.kind, id); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("Cannot import a %s", g.kind), sentence(err)+".")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
}
