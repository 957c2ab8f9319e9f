// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/rand"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// This file is what happens when Terraform plans a governed resource: begin reads what it handed in, decide says what
// object the configuration makes of the state's, compute (computed.go) says what is known of the rest, writePlan writes
// it, and plan_judge.go explains it and has the rules judge it.
//
// Terraform plans each resource at plan, and once more just before it applies it, in another process
// (managedResourceExecute in Terraform's node_resource_apply_instance.go: "Make a new diff"). The two plans must not
// differ in anything known, or Terraform refuses the apply. So nothing here is decided by the clock: what a moment
// changes, the reading decides, and the state keeps (governed_read.go).

// planCall is one call of Terraform's to plan a resource: what it handed in, and what was decided so far.
type planCall[M any] struct {
	req  resource.ModifyPlanRequest
	resp *resource.ModifyPlanResponse
	// short is set if Terraform proposes the state as it is (server.go). Then req and resp have no values, and the call
	// answers in short.moved whether the plan would change something after all. Nil on the whole way.
	short *unchanged
	// plan is what will be, completed step by step; state is what is. state is nil if new access is made: a creation,
	// an adoption, the second call of a replacement, or a tainted resource, of which Terraform hands in nothing.
	plan, state *M
	// kept is the private part of the state; zero if there is none.
	kept kept
	// was is what the state's id means, which differs from the object's if that takes its place.
	was access.Ref
	// object is what the plan makes of it, and unknown names those of its arguments whose values are not known yet:
	// these have the zero value in object.
	object  access.Object
	unknown map[string]bool
	// replaces says that another object takes the state's place. Terraform then calls again, with no state.
	replaces bool
}

// ModifyPlan decides what the resource will be, puts it into the portfolio, and evaluates the rules.
//
// The order matters in three places. seek comes before anything is compared, because it may wait for what the object
// hangs on, and compute reads that one's end from the portfolio. remember comes before compute, because a replacement
// is planned in two calls, of which only the private part tells the second one of the first. And the plan is written
// before it is judged: if the rules refuse it, Terraform drops it.
//
// On the short way nothing is sought: what does not change was judged against what it hangs on when it was made.
func (g *governed[M, P]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest,
	resp *resource.ModifyPlanResponse) {
	p := &planCall[M]{req: req, resp: resp, short: unchangedIn(ctx)}
	diags := &resp.Diagnostics
	if g.session == nil {
		return
	}
	ctx, leave := g.traffic.enter(ctx)
	defer leave()
	if req.Plan.Raw.IsNull() && p.short == nil {
		g.planRemoval(ctx, req, resp)
		return
	}
	if !g.begin(ctx, p) || !g.decide(ctx, p) {
		return
	}
	nowhere := p.short == nil && !p.replaces && g.seek(ctx, p.object, p.unknown, diags)
	m := g.remember(ctx, p.object.Ref(), p.state, &p.kept, req.Private, resp.Private, diags)
	c := g.compute(p.plan, p.state, p.object, p.unknown, p.kept, p.replaces)
	if !g.writePlan(ctx, p) {
		return
	}
	if p.replaces {
		explainReplacement(p.object, diags)
		if p.was != p.object.Ref() {
			g.leave(ctx, p.was, diags)
		}
		return // Terraform asks again, for the object that takes this one's place.
	}
	g.explainChange(c, p.kept, diags)
	if s, ok := g.subject(ctx, c, p.kept, m, p.state == nil, diags); ok {
		s.Nowhere = nowhere
		g.judgePlan(ctx, s, c, p.state == nil, diags)
	}
}

// begin reads what the call was handed, loads the portfolio (once in a walk), and refuses a state that belongs to
// another access system: what that one holds is not here, and would be planned as new. It reports false if there is
// nothing more to do, which an error says, or the whole way decides.
func (g *governed[M, P]) begin(ctx context.Context, p *planCall[M]) (ok bool) {
	diags := &p.resp.Diagnostics
	if p.plan, p.state, ok = g.planned(ctx, p.req, p.short != nil, diags); !ok {
		return false
	}
	if err := g.load(ctx); err != nil {
		diags.AddError("Cannot read the access system", sentence(err)+". Nothing was planned.")
		return false
	}
	p.kept = keptIn(ctx, p.req.Private, diags)
	p.was = access.Ref{Type: g.kind}
	if p.state != nil {
		p.kept = p.kept.of(P(p.state).common())
		p.was.ID = P(p.state).common().ID.ValueString()
	}
	// A state without a uid means nothing in the system yet: it is created, imported, or was never told. If no system
	// is there either, the apply makes one, and somebody should notice if that is a wrong directory or namespace.
	if p.kept.History.UID == "" {
		g.announce(ctx, diags)
	} else if err := g.isHome(ctx, p.was, p.kept, g.locate(ctx)); err != nil {
		failed(diags, "plan", p.was, err)
		return false
	}
	// an adoption always moves something, so only the whole way can plan it
	if p.short != nil && p.kept.Adopt != "" {
		p.short.moved = true
		return false
	}
	return true
}

// decide says what object the configuration makes of the state's, and whether it takes that one's place. It asks the
// system only for an adoption.
func (g *governed[M, P]) decide(ctx context.Context, p *planCall[M]) (ok bool) {
	diags, config := &p.resp.Diagnostics, p.req.Config.Raw
	if p.short != nil {
		config = p.short.config
	}
	P(p.plan).complete(g.session, p.state, given(config))
	if p.kept.Adopt != "" {
		if !g.explainAdoption(ctx, p.plan, p.state, p.kept.Adopt, diags) {
			return false
		}
		p.state = nil // what nobody declared is judged as new access
	}
	if p.state != nil {
		// Terraform counts a path only if its value changes as well (getRequiredReplaces in
		// node_resource_abstract_instance.go), so each of these names an argument that does.
		for _, name := range P(p.plan).replaced(p.state) {
			p.resp.RequiresReplace.Append(path.Root(name))
		}
		P(p.plan).keepWriting(p.state)
		// The record is gone, and something of the object is left: replacing it removes what is left. There is no
		// argument that changed, but drift does, since no plan of a replacement keeps it.
		if p.kept.Lost {
			p.resp.RequiresReplace.Append(path.Root("drift"))
		}
	}
	if p.object, p.unknown, ok = objectOf[M, P](p.plan, diags); !ok {
		return false
	}
	p.replaces = len(p.resp.RequiresReplace) > 0
	if p.kept.Damaged && (p.replaces || p.state == nil) { // what takes its place is new access
		p.kept.History, p.kept.Applied = access.History{}, nil
	}
	return true
}

// writePlan writes what is computed into the plan, if that differs from the state. It reports false if the short way
// has to give way to the whole one.
func (g *governed[M, P]) writePlan(ctx context.Context, p *planCall[M]) bool {
	diags := &p.resp.Diagnostics
	// Of a tainted resource Terraform hands in no private part, and revokes it later by the one that is planned here:
	// without this, the deletion would not know which uid it means.
	if seen, ok := g.withheld(p.object.Ref(), p.kept, p.state == nil); ok {
		keep(ctx, p.resp.Private, seen, diags)
	}
	// also for what takes another one's place, since Terraform hands in the identity of that one
	if p.state == nil {
		knownBy(p.resp.Identity, P(p.plan).common().ID)
	}
	moved := !reflect.DeepEqual(p.plan, p.state)
	if p.short != nil {
		p.short.moved = moved
		return !moved
	}
	// If the plan is the state, and Terraform proposed that, writing it again would only cost time.
	if p.state == nil || moved || !p.req.Plan.Raw.Equal(p.req.State.Raw) {
		write(ctx, &p.resp.Plan.Raw, attributesOf(p.resp.Plan.Schema), p.plan, diags)
	}
	return true
}

// remember carries what the first call of a replacement knows over to the second one, and takes it up there.
//
// Terraform plans a replacement twice: with the state, and then with none, as a creation. It hands the planned private
// part of the first call to the second one (PriorPrivate), and drops the second one's warnings (plan in
// node_resource_abstract_instance.go, version 1.11.4). So the memo in there is all that tells the second call that it
// replaces something, and what. Without it, the same block would be two holders of one key.
//
// A first call gets a nonce of its own, whatever its state says: if two blocks declare one id, each has a nonce, and
// the portfolio tells them apart. was is the private part that Terraform handed in, next the one that is planned. It
// sets k.told to what was last applied, if the state is believed in that (see kept.claims).
func (g *governed[M, P]) remember(ctx context.Context, ref access.Ref, state *M, k *kept, was, next keeper,
	diags *diag.Diagnostics) memo {
	m := memo{Nonce: rand.Text(), UID: k.History.UID}
	if state == nil {
		m = memoIn(ctx, was, diags)
		if len(m.Applied) > 0 {
			k.told, _ = access.ParseDeclaration(g.kind, m.Applied)
		}
	} else if live, ok := g.portfolio.Holds(ref); ok {
		if k.told = k.claims(g.kind, claimed[M, P](state), live.History); k.told != nil {
			m.Applied, _ = access.Declaration(k.told)
		}
	}
	m.keep(ctx, next, diags)
	return m
}

// planned reads the plan and the state; state is nil if there is none. Most plans change nothing: then the state is
// read once, and a copy of it is the plan.
func (g *governed[M, P]) planned(ctx context.Context, req resource.ModifyPlanRequest, unchanged bool,
	diags *diag.Diagnostics) (plan, state *M, ok bool) {
	if unchanged {
		if state, ok = readState[M](ctx, req.State, diags); !ok {
			return nil, nil, false
		}
		same := *state
		return &same, state, true
	}
	if plan, ok = read[M](ctx, req.Plan, diags); !ok || req.State.Raw.IsNull() {
		return plan, nil, ok
	}
	state, ok = read[M](ctx, req.State, diags)
	return plan, state, ok
}
