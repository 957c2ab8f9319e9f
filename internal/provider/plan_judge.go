// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// This file is the second half of a plan: what the plan says of a change, and who may refuse it. The rules are in
// package guardrail; here is what comes before them, around them and after them. Each refusal is made at plan if it can
// be known there, and again at apply.
//
// Nothing here refuses to take access away: a refusal either looks at what is new in the change, or asks Gives whether
// the change gives more. See TestLessAccessIsNeverRefused and TestWhatBreaksEveryRuleIsStillDestroyed.

// explainChange warns of what a change means for the partner.
func (s *session) explainChange(c change, k kept, diags *diag.Diagnostics) {
	s.compareClocks(diags)
	explainReissue(c, k, diags)
	explainReach(c, diags)
	explainLeft(c.after.Ref(), k, diags)
}

// judgePlan explains what only the portfolio tells of a change, and has everything that may refuse a plan look at it.
// creates says that Terraform handed in no state.
func (g *governed[M, P]) judgePlan(ctx context.Context, s guardrail.Subject, c change, creates bool,
	diags *diag.Diagnostics) {
	explainTakeover(g.stack, c, s.History, diags)
	switch {
	case creates:
		g.explainNew(ctx, s, diags)
	case takesAnotherProof(s):
		g.foretellHold(ctx, s, diags)
	}
	refuseBeforeRules(g.session, s, diags)
	g.refuseUnfurnished(ctx, s, diags)
	g.judge(ctx, s, g.phase(), diags)
}

// explainNew says what becomes of what stands under the id of an object that is created: it is replaced (tainted),
// taken up again, or issued anew. What this stack left behind looks the same as a rename without a moved block, so the
// warning names both.
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

// judge puts a subject into the portfolio, reports what the rules find, and returns whether the change may go on.
//
// First comes what no rule needs to be asked for; then the rules; last what the system itself could not do, so that a
// rule can say why first. If others changed the system and it cannot be asked for that, a change that gives less goes
// on all the same.
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
	// what has ended in the meantime gives nothing, whether the system still has it or not
	s.Gone = s.Gone && s.Object.Common().ExpiresAt.After(now)
	var findings []guardrail.Finding
	// What is in the way may still leave in this run: such a finding is marked Passing, and only at apply. The call
	// waits until it is gone, or nothing else is in progress. The subject is put in anew each time, since the rules
	// compare it with what arrived before it. See TestAnApplyWaitsForWhatIsLeaving.
	g.traffic.until(ctx, func() bool {
		g.portfolio.Put(s)
		findings = g.portfolio.Evaluate(ref, s.Nonce, phase, now)
		return !slices.ContainsFunc(findings,
			func(f guardrail.Finding) bool { return f.Passing && f.Level == guardrail.Deny })
	})
	g.record(ref, findings)
	if !g.collects {
		g.raise(diags, findings)
	}
	// At apply, the system itself refuses a key that it cannot sign, before it changes anything. It does not look at
	// trust.
	if !diags.HasError() && (phase == guardrail.Plan || isAccount(s.Object)) {
		refuseUnissuable(g.session, s, diags)
	}
	if !diags.HasError() {
		refuseOverfull(g.session, s, phase, diags)
	}
	return !diags.HasError()
}

// judgeAtApply runs the rules just before a change, when everything is known. Terraform has planned the object in this
// process a moment ago, so the portfolio has it; what was unknown then is known now, and what was only warned of as
// later (Subject.Later) is judged.
//
// It reports errors alone: what is no error was said when it was planned.
func (g *governed[M, P]) judgeAtApply(ctx context.Context, c change, k kept, diags *diag.Diagnostics) bool {
	planned, isPlanned, ok := g.portfolio.Find(c.after.Ref())
	// Terraform never applies what it has not planned in this process; whoever else speaks the protocol is judged as
	// well. See TestAForgedPlanIsJudgedByItsApply.
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

// catchUp reads again what this run or others may have changed since the portfolio was loaded: what a grant reaches
// (also in a plan that an apply makes, since another resource of the run may have made the mount), and, just before the
// change, what others hold and what was removed.
func (g *governed[M, P]) catchUp(ctx context.Context, o access.Object, phase guardrail.Phase) error {
	if grant, ok := o.(*access.Grant); ok && g.isApplying() {
		if err := g.scoutAgain(ctx, grant); err != nil {
			return err
		}
	}
	if phase != guardrail.Apply {
		return nil
	}
	// an identity goes on from nothing by its key or reach, so nothing removed concerns it
	if err := g.meet(ctx); err != nil || g.kind == access.TypeIdentity {
		return err
	}
	return g.recall(ctx)
}

// refuseAhead refuses to revoke what is issued before a moment that is still to come: each apply until then would issue
// anew, and revoke what it issued. Clocks may differ by tolerableSkew. See TestNothingIsRevokedAheadOfTime.
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

// refuseBeforeRules refuses what no rule is needed for: an id that another stack owns, and a grant of an action that
// the system does not have there.
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

// refuseUnfurnished says what a new credential needs and the system does not have, such as a mount, at plan and not in
// the middle of an apply: the identity and the grants would be made before it failed. Each missing thing is said once
// in a walk, whoever needs it. See TestMissingMountsAreFoundByThePlanAllAtOnce.
//
// What is there is not refused, since it may be leaving. What has vanished is only warned of, since the plan with which
// a destroy begins proposes it anew.
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

// refuseOverfull refuses what is more than the system keeps for one identity (on AWS, a policy of 2,048 characters for
// a user), if the plan adds to it. It looks at the whole identity, so the resource that arrives last of it sees all.
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

// isAccount reports whether an object is trust in an account of AWS, which has no key that the system would look at.
func isAccount(o access.Object) bool {
	c, ok := o.(*access.Credential)
	return ok && c.Federated.Account()
}

// explainTakeover warns if a change takes an object over from the stack that made it. What does not change is left to
// that stack. See TestARenamedStackTakesOverWhatItChanges.
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

// isNotFound reports whether an error says that the system, which could be asked, does not hold something.
func isNotFound(err error) bool { return errors.Is(err, access.ErrNotFound) }
