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
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// ModifyPlan decides what the resource will be, puts it into the portfolio, and evaluates the rules. It decides nothing
// by the clock: a moment that passes between plan and apply would break the apply.
func (g *governed[M, P]) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	short := unchangedIn(ctx)
	if g.session == nil {
		return
	}
	ctx, leave := g.traffic.enter(ctx)
	defer leave()
	if req.Plan.Raw.IsNull() && short == nil {
		g.planRemoval(ctx, req, resp)
		return
	}
	plan, state, ok := g.planned(ctx, req, short != nil, &resp.Diagnostics)
	if !ok {
		return
	}
	if err := g.load(ctx); err != nil {
		resp.Diagnostics.AddError("Cannot read the access system", sentence(err)+". Without it nothing can be planned.")
		return
	}
	k := keptIn(ctx, req.Private, &resp.Diagnostics)
	ref := access.Ref{Type: g.kind}
	if state != nil {
		ref.ID = P(state).common().ID.ValueString()
	}
	if k.History.UID != "" {
		if err := g.belongs(k.System, g.locate(ctx), true); err != nil {
			failed(&resp.Diagnostics, "plan", ref, err)
			return
		}
	} else {
		g.announce(ctx, &resp.Diagnostics)
	}
	if short != nil && k.Adopt != "" {
		short.moved = true
		return
	}
	config := req.Config.Raw
	if short != nil {
		config = short.config
	}
	P(plan).complete(g.session, state, given(config))
	if k.Adopt != "" {
		if !g.explainAdoption(ctx, plan, state, k.Adopt, &resp.Diagnostics) {
			return
		}
		state = nil // what nobody declared is judged as new access
	}
	if state != nil {
		for _, name := range P(plan).replaced(state) {
			resp.RequiresReplace.Append(path.Root(name))
		}
		P(plan).settle(state)
	}
	if k.Lost && state != nil {
		resp.RequiresReplace.Append(path.Root("drift"))
	}
	o, unknown, ok := objectOf[M, P](plan, &resp.Diagnostics)
	if !ok {
		return
	}
	replaces := len(resp.RequiresReplace) > 0
	if k.Damaged && (replaces || state == nil) { // what takes its place is new access
		k.History, k.Applied = access.History{}, nil
	}
	nowhere := short == nil && !replaces && g.seek(ctx, o, unknown)
	m := g.remember(ctx, o.Ref(), state, &k, req.Private, resp.Private, &resp.Diagnostics)
	c := g.compute(plan, state, o, unknown, k, replaces, &resp.Diagnostics)
	if seen, is := g.withheld(o.Ref(), k, state == nil); is {
		keep(ctx, resp.Private, seen, &resp.Diagnostics) // Terraform revokes it by what is planned
	}
	if state == nil {
		knownBy(resp.Identity, P(plan).common().ID) // also of what takes another's place, where Terraform hands in that one's
	}
	switch {
	case short != nil:
		if short.moved = !reflect.DeepEqual(plan, state); short.moved {
			return
		}
	case state == nil || !reflect.DeepEqual(plan, state) || !req.Plan.Raw.Equal(req.State.Raw):
		write(ctx, &resp.Plan.Raw, resp.Plan.Schema, plan, &resp.Diagnostics)
	}
	if replaces {
		explainReplacement(o, &resp.Diagnostics)
		if ref != o.Ref() {
			g.leave(ctx, ref, &resp.Diagnostics)
		}
		return // Terraform asks again, for the object that takes this one's place.
	}
	g.compareClocks(&resp.Diagnostics)
	explainReissue(c, k, &resp.Diagnostics)
	explainReach(c, &resp.Diagnostics)
	explainLeft(o.Ref(), k, &resp.Diagnostics)
	s, ok := g.subject(ctx, c, k, m, state == nil, &resp.Diagnostics)
	if !ok {
		return
	}
	s.Nowhere = nowhere
	explainTakeover(g.stack, c, s.History, &resp.Diagnostics)
	taken := false
	if state == nil {
		taken = g.explainTaking(ctx, s, &resp.Diagnostics)
		g.foretellHold(ctx, s, &resp.Diagnostics)
	}
	if state == nil && s.Before != nil && !s.Adopted { // it is tainted
		explainReplacement(o, &resp.Diagnostics)
	}
	if s.Adopted && !taken {
		resp.Diagnostics.AddWarning("This adopts "+o.Ref().String(), fmt.Sprintf("This stack made it on %s, and the state does not know it at this address: "+
			"creating it takes it up again, with its history and what was issued. If the block was renamed, write a moved block as well: without "+
			"one, what stands under it may be revoked with the old address, and is created again by the next apply. If another workspace, or a pipeline with a "+
			"state of its own, declares it too: both are the stack %q, and each undoes what the other changes. Give one of them another stack.", access.At(s.History.CreatedAt), g.stack))
	}
	refuseBeforeRules(g.session, s, &resp.Diagnostics)
	g.refuseUnfurnished(ctx, s, &resp.Diagnostics)
	phase := guardrail.Plan
	if g.isApplying() {
		phase = guardrail.Apply // Terraform asks again just before it makes the change
	}
	g.judge(ctx, s, phase, &resp.Diagnostics)
}

// planRemoval refuses to plan that what is kept in another system is revoked. A system that cannot be asked stops no removal
// here: it is asked again when it is to revoke.
func (g *governed[M, P]) planRemoval(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	k := keptIn(ctx, req.Private, &resp.Diagnostics)
	there := g.locate(ctx)
	if k.History.UID == "" || there.err != nil {
		return
	}
	state, ok := read[M](ctx, req.State, &resp.Diagnostics)
	if !ok {
		return
	}
	ref := access.Ref{Type: g.kind, ID: P(state).common().ID.ValueString()}
	if err := g.belongs(k.System, there, true); err != nil {
		failed(&resp.Diagnostics, "plan to revoke", ref, err)
		return
	}
	g.explainRemoval(ctx, ref, &resp.Diagnostics)
	g.leave(ctx, ref, &resp.Diagnostics)
}

// explainRemoval names the subcontractors that go with an identity, whoever declared them. Where the system cannot be read, the
// removal says it when it is made.
func (s *session) explainRemoval(ctx context.Context, ref access.Ref, diags *diag.Diagnostics) {
	id, err := access.ParseIdentityID(ref.ID)
	if ref.Type != access.TypeIdentity || err != nil || s.load(ctx) != nil {
		return
	}
	var below []string
	for _, sub := range s.portfolio.Below(id) {
		below = append(below, fmt.Sprintf("%s (stack %q, owner %s)", sub.Object.Ref(), sub.History.Stack, sub.Object.Common().Owner))
	}
	if len(below) > 0 {
		diags.AddWarning("Subcontractors go with "+ref.String(), "They hang on it, and are revoked with it, with all that is under them: "+strings.Join(below, ", ")+
			". To keep one, hang it elsewhere first.")
	}
}

// remember carries the block's nonce, and what is known of what it replaces, over to the second call of a replacement, and
// takes them up there. A first call has a nonce of its own, whatever its state says.
func (g *governed[M, P]) remember(ctx context.Context, ref access.Ref, state *M, k *kept, was, next keeper, diags *diag.Diagnostics) memo {
	m := memo{Nonce: rand.Text(), UID: k.History.UID}
	if state == nil {
		m = memoIn(ctx, was, diags)
		if len(m.Applied) > 0 {
			k.told, _ = access.ParseDeclaration(g.kind, m.Applied)
		}
	} else if live, is := g.portfolio.Holds(ref); is {
		if k.told = k.claims(g.kind, claimed[M, P](state), live.History); k.told != nil {
			m.Applied, _ = access.Declaration(k.told)
		}
	}
	m.keep(ctx, next, diags)
	return m
}

// planned reads the plan and the state. Most plans change nothing: then one of them is read for both.
func (g *governed[M, P]) planned(ctx context.Context, req resource.ModifyPlanRequest, unchanged bool, diags *diag.Diagnostics) (plan, state *M, ok bool) {
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

// compute sets the computed values of the plan: known where the arguments decide them, kept where nothing moves them.
func (g *governed[M, P]) compute(plan, state *M, o access.Object, unknown map[string]bool, k kept, replaces bool, diags *diag.Diagnostics) change {
	t := P(plan).common()
	c := change{after: o, unknown: unknown, fixed: g.isFixed(o), words: g.words(o, unknown)}
	c.ends, c.endsKnown = g.end(o, unknown)
	if state == nil || replaces {
		_, held := g.portfolio.Holds(o.Ref())
		c.fresh = !held && k.Adopt == "" && !hasAny(unknown, "partner", "environment", "name", "identity_id")
		t.begin(c)
		P(plan).move(change{after: o, unknown: unknown, fresh: c.fresh, words: c.words}, kept{})
		if hasAny(unknown, "partner", "environment", "name", "identity_id") {
			t.ID = types.StringUnknown()
		} else {
			t.ID = types.StringValue(o.Ref().ID)
		}
		if c.endsKnown && !g.isCapped(o) {
			t.EndsAt = timeValue(c.ends)
		}
		return c
	}
	if c.before = g.before(o.Ref(), state); c.before == nil {
		c.before, c.untold = o, true // the rules judge it as created
	}
	s := P(state).common()
	c.stateStatus, c.stateEnds, c.cut = s.Status.ValueString(), k.asked(s), g.cut(o, k)
	if !c.endsKnown {
		c.ends = c.stateEnds
		if hasAny(unknown, "expires_at", "waivers", "agreement", "parent_id") {
			t.EndsAt = types.StringUnknown()
		}
	} else if !c.ends.Equal(c.stateEnds) {
		t.EndsAt = timeValue(access.Earliest(c.ends, k.cap(c)))
	}
	if credential, ok := o.(*access.Credential); ok && g.isCapped(credential) {
		if _, anew, _ := reissue(c, k); anew {
			unknownAll(&t.EndsAt)
		}
	}
	if access.Extends(c.before, c.after) {
		unknownAll(&t.History) // it tells when it was applied
	} else if r := o.Common().Review; r != nil && k.History.UID != "" && r.At.After(k.History.ReviewedAt) {
		reviewed := k.History
		reviewed.ReviewedAt = r.At.Time
		t.History = types.StringValue(access.HistoryLine(reviewed))
	}
	if (!t.EndsAt.Equal(s.EndsAt) || access.Extends(c.before, c.after)) && !c.staysActive() {
		unknownAll(&t.Status)
	}
	if len(s.Drift.Elements()) > len(k.Adopted) { // these no apply removes
		unknownAll(&t.Drift)
	}
	P(plan).move(c, k)
	return c
}

// explainTakeover warns where a change takes an object over from the stack that made it.
func explainTakeover(stack string, c change, h access.History, diags *diag.Diagnostics) {
	if c.before == nil || h.Stack == "" || h.Stack == stack {
		return
	}
	before, _ := access.Declaration(c.before)
	after, _ := access.Declaration(c.after)
	if !bytes.Equal(before, after) {
		diags.AddWarning("This takes "+c.after.Ref().String()+" over from another stack", fmt.Sprintf("The stack %q made it. After this change the stack "+
			"%q owns it: if %q is still in use, remove it from there.", h.Stack, stack, h.Stack))
	}
}

// judge puts a subject into the portfolio and reports what the rules find.
func (g *governed[M, P]) judge(ctx context.Context, s guardrail.Subject, phase guardrail.Phase, diags *diag.Diagnostics) bool {
	now, err := g.system.Now(ctx)
	if err != nil {
		failed(diags, "read the clock for", s.Object.Ref(), err)
		return false
	}
	ref := s.Object.Ref()
	if grant, is := s.Object.(*access.Grant); is && g.isApplying() {
		if err := g.scoutAgain(ctx, grant); err != nil {
			failed(diags, "judge", ref, err)
			return false
		}
	}
	if phase == guardrail.Apply && ref.Type != access.TypeIdentity {
		if err := g.recall(ctx); err != nil { // this run may have removed something a moment ago
			failed(diags, "judge", ref, err)
			return false
		}
	}
	refuseAhead(s, now, diags)
	s.Gone = s.Gone && s.Object.Common().ExpiresAt.After(now) // else nothing comes of it
	var findings []guardrail.Finding
	g.traffic.until(ctx, func() bool { // what is in its way may still leave in this run
		g.portfolio.Put(s)
		findings = g.portfolio.Evaluate(ref, s.Nonce, phase, now)
		return !slices.ContainsFunc(findings, func(f guardrail.Finding) bool { return f.Passing && f.Level == guardrail.Deny })
	})
	g.record(ref, findings)
	if !g.collects {
		g.raise(diags, findings)
	}
	if phase == guardrail.Plan && !diags.HasError() {
		refuseUnissuable(g.session, s, diags)
	}
	return !diags.HasError()
}

// refuseAhead refuses to revoke what is issued before a moment that is still to come: each apply until then would issue anew, and
// revoke what it issued. Clocks may differ a little.
func refuseAhead(s guardrail.Subject, now time.Time, diags *diag.Diagnostics) {
	c, is := s.Object.(*access.Credential)
	if !is || hasAny(s.Unknown, "revoke_issued_before") || !c.RevokeIssuedBefore.After(now.Add(tolerableSkew)) {
		return
	}
	if was, is := s.Before.(*access.Credential); is && was.RevokeIssuedBefore.Equal(c.RevokeIssuedBefore.Time) {
		return // it stands there, and must not be in the way of what takes access away
	}
	diags.AddAttributeError(path.Root("revoke_issued_before"), "A moment that is still to come", fmt.Sprintf("%s: revoke_issued_before is %s, and it is now %s. "+
		"What is issued until then would be revoked as well, and the partner would have nothing that works. Write the moment of the theft, or %s for all that was "+
		"issued until now.", c.Ref(), c.RevokeIssuedBefore, access.At(now), access.At(now.Truncate(time.Second))))
}

// refuseUnfurnished says what a new credential needs and the system has not, at plan and not in the middle of an apply: each
// missing thing once, whoever needs it. What has vanished, or is there, is not refused: it only leaves.
func (s *session) refuseUnfurnished(ctx context.Context, subject guardrail.Subject, diags *diag.Diagnostics) {
	c, isCredential := subject.Object.(*access.Credential)
	furnished, needs := access.As[access.Furnished](s.system)
	if !isCredential || !needs || subject.Before != nil || c.Kind() == "" || hasAny(subject.Unknown, "federated") {
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
		summary, detail := "The access system lacks what is planned", strings.ToUpper(lack[:1])+lack[1:]+"."
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
		if live, planned, ok := s.portfolio.Find(ref); ok && !planned && live.History.Stack != s.stack {
			failed(diags, "create", ref, &access.OtherStackError{Ref: ref, Stack: live.History.Stack})
		}
	}
	if grant, ok := subject.Object.(*access.Grant); ok && !hasAny(subject.Unknown, "resource", "actions") {
		if err := s.system.Capabilities().CheckGrant(grant); err != nil {
			diags.AddAttributeError(path.Root("resource"), "Not something that this system can grant", sentence(err)+".")
		}
	}
}

// refuseUnissuable refuses a key or a request that the system could not sign, where it is a new one: what stands harms nobody.
// It speaks after the rules, which say why such a key is weak, and where a rule was waived or set to warn only.
func refuseUnissuable(s *session, subject guardrail.Subject, diags *diag.Diagnostics) {
	c, ok := subject.Object.(*access.Credential)
	if !ok || hasAny(subject.Unknown, "certificate", "ssh_certificate") {
		return
	}
	if was, ok := subject.Before.(*access.Credential); ok && reflect.DeepEqual(was.Certificate, c.Certificate) &&
		reflect.DeepEqual(was.SSHCertificate, c.SSHCertificate) {
		return
	}
	if err := s.system.Capabilities().CheckCredential(c); err != nil {
		diags.AddAttributeError(path.Root(string(c.Kind())), "Not something that this system can issue",
			sentence(err)+". No waiver and no setting changes that.")
	}
}

// judgeAtApply runs the rules just before a change, when everything is known.
func (g *governed[M, P]) judgeAtApply(ctx context.Context, c change, k kept, diags *diag.Diagnostics) bool {
	planned, isPlanned, ok := g.portfolio.Find(c.after.Ref())
	if !ok || !isPlanned {
		if planned, ok = g.subject(ctx, c, k, memo{Nonce: rand.Text(), UID: k.History.UID}, c.before == nil, diags); !ok {
			return false
		}
	}
	planned.Object, planned.Unknown, planned.Later = c.after, nil, false
	var found diag.Diagnostics
	fine := g.judge(ctx, planned, guardrail.Apply, &found)
	// What is no error was said when this was planned.
	diags.Append(found.Errors()...)
	return fine
}

func isNotFound(err error) bool { return errors.Is(err, access.ErrNotFound) }

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
