// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// planCall is one call to plan: what it was handed, and what was decided so far.
type planCall[M any] struct {
	req  resource.ModifyPlanRequest
	resp *resource.ModifyPlanResponse
	// short is set where nothing seems to move: it answers that, or asks for the whole way. Else it is nil.
	short       *unchanged
	plan, state *M // state is nil where new access is made
	kept        kept
	was         access.Ref // the state's
	object      access.Object
	unknown     map[string]bool // arguments of object
	replaces    bool            // another object takes its place
}

// ModifyPlan decides what the resource will be, puts it into the portfolio, and evaluates the rules. It decides nothing
// by the clock: a moment that passes between plan and apply would break the apply.
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
	g.compareClocks(diags)
	explainReissue(c, p.kept, diags)
	explainReach(c, diags)
	explainLeft(p.object.Ref(), p.kept, diags)
	s, ok := g.subject(ctx, c, p.kept, m, p.state == nil, diags)
	if !ok {
		return
	}
	s.Nowhere = nowhere
	explainTakeover(g.stack, c, s.History, diags)
	switch {
	case p.state == nil:
		g.explainNew(ctx, s, diags)
	case takesAnotherProof(s):
		g.foretellHold(ctx, s, diags)
	}
	refuseBeforeRules(g.session, s, diags)
	g.refuseUnfurnished(ctx, s, diags)
	g.judge(ctx, s, g.phase(), diags)
}

// begin reads what the call was handed, and looks whether the state belongs to the system that is there.
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
	if p.kept.History.UID == "" {
		g.announce(ctx, diags)
	} else if err := g.isHome(ctx, p.was, p.kept, g.locate(ctx)); err != nil {
		failed(diags, "plan", p.was, err)
		return false
	}
	if p.short != nil && p.kept.Adopt != "" {
		p.short.moved = true
		return false
	}
	return true
}

// decide says what object the configuration makes of the state's, and whether it takes that one's place.
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
		for _, name := range P(p.plan).replaced(p.state) {
			p.resp.RequiresReplace.Append(path.Root(name))
		}
		P(p.plan).keepWriting(p.state)
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

// writePlan writes what is computed into the plan. It reports false where the short way has to
// give way to the whole one.
func (g *governed[M, P]) writePlan(ctx context.Context, p *planCall[M]) bool {
	diags := &p.resp.Diagnostics
	if seen, ok := g.withheld(p.object.Ref(), p.kept, p.state == nil); ok {
		keep(ctx, p.resp.Private, seen, diags) // Terraform revokes it by what is planned
	}
	if p.state == nil {
		// also of what takes another's place, where Terraform hands in that one's
		knownBy(p.resp.Identity, P(p.plan).common().ID)
	}
	moved := !reflect.DeepEqual(p.plan, p.state)
	if p.short != nil {
		p.short.moved = moved
		return !moved
	}
	if p.state == nil || moved || !p.req.Plan.Raw.Equal(p.req.State.Raw) {
		write(ctx, &p.resp.Plan.Raw, attributesOf(p.resp.Plan.Schema), p.plan, diags)
	}
	return true
}

// explainNew says what becomes of what stands under the id of an object that is created.
func (g *governed[M, P]) explainNew(ctx context.Context, s guardrail.Subject, diags *diag.Diagnostics) {
	taken := g.explainTaking(ctx, s, diags)
	g.foretellHold(ctx, s, diags)
	switch {
	case s.Before != nil && !s.Adopted: // it is tainted
		explainReplacement(s.Object, diags)
	case s.Adopted && !taken:
		diags.AddWarning("This adopts "+s.Object.Ref().String(), fmt.Sprintf("This stack created it on %s, but the "+
			"state does not have it at this address. The apply takes it up again, with its history and what was "+
			"issued. If you renamed the block, also write a moved block: otherwise what depends on it may be revoked "+
			"with the old address, and only the next apply creates it again. If another workspace, or a pipeline "+
			"with its own state, also declares it: both are the stack %q, and each undoes the other's changes. Give "+
			"one of them another stack.", access.At(s.History.CreatedAt), g.stack))
	}
}

// remember carries the block's nonce, and what is known of what it replaces, over to the second call of a replacement,
// and takes them up there. A first call has a nonce of its own, whatever its state says.
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

// planned reads the plan and the state. Most plans change nothing: then one of them is read for both.
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

// explainTakeover warns where a change takes an object over from the stack that made it.
func explainTakeover(stack string, c change, h access.History, diags *diag.Diagnostics) {
	if c.before == nil || h.Stack == "" || h.Stack == stack {
		return
	}
	before, _ := access.Declaration(c.before)
	after, _ := access.Declaration(c.after)
	if !bytes.Equal(before, after) {
		diags.AddWarning("This takes "+c.after.Ref().String()+" over from another stack",
			fmt.Sprintf("The stack %q created it. After this change, the stack %q owns it. If %q is still in use, "+
				"remove it there.", h.Stack, stack, h.Stack))
	}
}

// judge puts a subject into the portfolio and reports what the rules find.
func (g *governed[M, P]) judge(ctx context.Context, s guardrail.Subject, phase guardrail.Phase,
	diags *diag.Diagnostics) bool {
	now, err := g.system.Now(ctx)
	if err != nil {
		failed(diags, "read the clock for", s.Object.Ref(), err)
		return false
	}
	ref := s.Object.Ref()
	if err := g.catchUp(ctx, s.Object, phase); err != nil && s.Gives(phase) {
		failed(diags, "judge", ref, err)
		return false
	}
	g.refuseUnderFloor(ctx, s, phase, diags)
	refuseAhead(s, now, diags)
	refuseUnseenSpace(s, diags)
	s.Gone = s.Gone && s.Object.Common().ExpiresAt.After(now) // else nothing comes of it
	var findings []guardrail.Finding
	g.traffic.until(ctx, func() bool { // what is in its way may still leave in this run
		g.portfolio.Put(s)
		findings = g.portfolio.Evaluate(ref, s.Nonce, phase, now)
		return !slices.ContainsFunc(findings,
			func(f guardrail.Finding) bool { return f.Passing && f.Level == guardrail.Deny })
	})
	g.record(ref, findings)
	if !g.collects {
		g.raise(diags, findings)
	}
	// at apply the system itself refuses keys, and no trust
	if !diags.HasError() && (phase == guardrail.Plan || isAccount(s.Object)) {
		refuseUnissuable(g.session, s, diags)
	}
	if !diags.HasError() {
		refuseOverfull(g.session, s, phase, diags)
	}
	return !diags.HasError()
}

// catchUp reads again what this run or others may have changed since the portfolio was loaded: what a grant reaches,
// what is held, and what was removed.
func (g *governed[M, P]) catchUp(ctx context.Context, o access.Object, phase guardrail.Phase) error {
	if grant, ok := o.(*access.Grant); ok && g.isApplying() {
		if err := g.scoutAgain(ctx, grant); err != nil {
			return err
		}
	}
	if phase != guardrail.Apply {
		return nil
	}
	if err := g.meet(ctx); err != nil || g.kind == access.TypeIdentity {
		return err
	}
	return g.recall(ctx)
}

// refuseAhead refuses to revoke what is issued before a moment that is still to come: each apply until then would issue
// anew, and revoke what it issued. Clocks may differ a little.
func refuseAhead(s guardrail.Subject, now time.Time, diags *diag.Diagnostics) {
	c, ok := s.Object.(*access.Credential)
	if !ok ||
		hasAny(s.Unknown, "revoke_issued_before") ||
		!c.RevokeIssuedBefore.After(now.Add(tolerableSkew)) {
		return
	}
	if was, ok := s.Before.(*access.Credential); ok && was.RevokeIssuedBefore.Equal(c.RevokeIssuedBefore.Time) {
		return // it stands there, and must not be in the way of what takes access away
	}
	diags.AddAttributeError(path.Root("revoke_issued_before"), "The moment is in the future",
		fmt.Sprintf("%s: revoke_issued_before is %s, and it is now %s. Everything issued until then would be revoked "+
			"as well, and the partner would have nothing that works. Write the moment of the theft, or %s for "+
			"everything issued until now.", c.Ref(), c.RevokeIssuedBefore, access.At(now),
			access.At(now.Truncate(time.Second))))
}

// refuseUnfurnished says what a new credential needs and the system has not, at plan and not in the middle of an apply:
// each missing thing once, whoever needs it. What has vanished, or is there, is not refused: it only leaves.
func (s *session) refuseUnfurnished(ctx context.Context, subject guardrail.Subject, diags *diag.Diagnostics) {
	c, isCredential := subject.Object.(*access.Credential)
	furnished, needs := access.As[access.Furnished](s.system)
	if !isCredential ||
		!needs ||
		subject.Before != nil ||
		c.Kind() == "" ||
		hasAny(subject.Unknown, "federated") {
		return
	}
	lacks, err := furnished.Lacks(ctx, c)
	if err != nil {
		failed(diags, "plan", c.Ref(), err)
		return
	}
	for _, lack := range lacks {
		if !s.lacking(lack) {
			continue
		}
		summary := "The access system lacks what this needs"
		detail := strings.ToUpper(lack[:1]) + lack[1:] + "."
		if subject.Later {
			diags.AddWarning(summary, detail)
			continue
		}
		diags.AddError(summary, detail+s.wayOut())
	}
}

// refuseBeforeRules refuses what no rule is needed for: an id that another stack owns, what the system does not offer.
func refuseBeforeRules(s *session, subject guardrail.Subject, diags *diag.Diagnostics) {
	ref := subject.Object.Ref()
	if subject.Before == nil {
		if live, planned, ok := s.portfolio.Find(ref); ok &&
			!planned &&
			live.History.Stack != s.stack {
			failed(diags, "create", ref, &access.OtherStackError{Ref: ref, Stack: live.History.Stack})
		}
	}
	if grant, ok := subject.Object.(*access.Grant); ok && !hasAny(subject.Unknown, "resource", "actions") {
		if err := s.system.Capabilities().CheckGrant(grant); err != nil {
			diags.AddAttributeError(path.Root("resource"), "This system cannot grant this", sentence(err)+".")
		}
	}
}

// refuseOverfull refuses what is more than the system keeps for one identity, where the plan adds to it. What arrives
// last of an identity sees all of it.
func refuseOverfull(s *session, subject guardrail.Subject, phase guardrail.Phase, diags *diag.Diagnostics) {
	check := s.system.Capabilities().CheckWhole
	attribute := "resource"
	switch o := subject.Object.(type) {
	case *access.Credential:
		attribute = string(o.Kind())
	case *access.Identity:
		return
	}
	if check == nil || len(subject.Unknown) > 0 {
		return
	}
	whole := s.portfolio.Whole(subject.Object.Holder(), phase)
	if !whole.Grows {
		return
	}
	if err := check(whole.Credentials, whole.Grants); err != nil {
		diags.AddAttributeError(path.Root(attribute), "Too much for one identity",
			subject.Object.Ref().String()+": "+sentence(err)+". No waiver and no setting changes that.")
	}
}

// isAccount reports whether an object is trust in an account of AWS.
func isAccount(o access.Object) bool {
	c, ok := o.(*access.Credential)
	return ok && c.Federated.Account()
}

// judgeAtApply runs the rules just before a change, when everything is known.
func (g *governed[M, P]) judgeAtApply(ctx context.Context, c change, k kept, diags *diag.Diagnostics) bool {
	planned, isPlanned, ok := g.portfolio.Find(c.after.Ref())
	if !ok || !isPlanned {
		if planned, ok = g.subject(ctx, c, k, memo{Nonce: rand.Text(), UID: k.History.UID}, c.before == nil,
			diags); !ok {
			return false
		}
	}
	planned.Object = c.after
	planned.Unknown = nil
	planned.Later = false
	var found diag.Diagnostics
	fine := g.judge(ctx, planned, guardrail.Apply, &found)
	// What is no error was said when this was planned.
	diags.Append(found.Errors()...)
	return fine
}

func isNotFound(err error) bool { return errors.Is(err, access.ErrNotFound) }
