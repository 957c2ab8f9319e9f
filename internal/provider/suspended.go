// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// Who is cut, and how they come back. Access is cut by the declaration (suspended) or by hand in the system (held).
// Nothing is issued for whoever is cut, and no plan restores what was cut by hand: only hold_released does, with a
// value that was never used, and only for a cut that its plan had seen. See TestNoPlanRestoresWhatWasCutByHand and
// TestAPlanReleasesNoCutThatCameAfterIt.

// cut reports whether an object's identity, or one above it, is suspended by what this plan leaves in place, or was cut
// by hand. Nothing is issued for it then: whoever is cut gets no new secret. See TestWhoIsCut.
//
// An identity that stands deeper than one above it allows is cut as well. A circle of parents ends the walk; rules
// refuse it.
func (s *session) cut(o access.Object, k kept) bool {
	if k.Held {
		return true
	}
	next, met := o.Holder(), map[access.IdentityID]bool{}
	for depth := int64(0); next != (access.IdentityID{}) && !met[next]; depth++ {
		met[next] = true
		found, _, _ := s.portfolio.Find(next.Ref())
		i, ok := found.Object.(*access.Identity)
		if !ok {
			return false // it has not arrived yet; the system knows, and issues nothing either
		}
		if i.Suspended || depth > i.Levels() {
			return true
		}
		next = i.ParentID
	}
	return false
}

// explainWaiting says what becomes of a change that would issue anew, under an identity that is cut. What was asked for
// is not forgotten: the system marks what was issued as due.
func explainWaiting(ref access.Ref, issue access.Issue, why string, diags *diag.Diagnostics) {
	detail := fmt.Sprintf("%s should be issued anew, because %s. But its identity is suspended or held, so nothing is "+
		"issued for now. ", ref, why)
	if issue == access.IssueReplace {
		detail += "What the partner holds is revoked now, and stays revoked. "
	}
	diags.AddWarning("The partner's credential waits for its identity", detail+"It is issued by the first apply after "+
		"the identity is restored.")
}

// takesAnotherProof reports whether a credential that is not held gets another key or workload: that may have been cut
// by hand elsewhere, under another identity. See TestAPlanSaysThatAWorkloadWasCutElsewhere.
func takesAnotherProof(s guardrail.Subject) bool {
	before, was := s.Before.(*access.Credential)
	after, is := s.Object.(*access.Credential)
	return was && is && !s.Held && before.Key() != after.Key()
}

// foretellHold warns that what is to be made will let nobody in: something of its partner was cut by hand, and stays
// cut. The apply says so in any case, but the plan is where somebody decides. See TestAPlanSaysWhatWillBeHeld.
func (s *session) foretellHold(ctx context.Context, subject guardrail.Subject, diags *diag.Diagnostics) {
	o := subject.Object
	warden, able := access.As[access.Warden](s.system)
	if !able || hasAny(subject.Unknown, "partner", "environment", "name", "identity_id", "parent_id", "hold_released") {
		return
	}
	holds, err := warden.WouldHold(ctx, o)
	if err != nil {
		failed(diags, "plan", o.Ref(), err)
		return
	}
	if !holds {
		return
	}
	why := "Something of this partner was cut by hand in the system, so anything new of it is cut as well"
	switch o.Ref().Type {
	case access.TypeCredential:
		why = fmt.Sprintf("One of these was cut by hand in the system: this credential, its identity %s, an identity "+
			"above that, or any credential with the same key or workload", o.Holder())
	case access.TypeGrant:
		why = fmt.Sprintf("Its identity %s, or one above it, was cut by hand in the system", o.Holder())
	}
	diags.AddWarning(o.Ref().String()+" will be held", why+". It will be created, but lets nobody in. When the "+
		"incident is closed, set the identity's hold_released to a value that was never used before, such as the "+
		"incident's number, in an apply after this one: a release counts only for what was held before.")
}

// cutAt returns when an identity was cut last, with its partner or one of its credentials, whether that was lifted
// since or not; zero if the system does not say. The state keeps it, so a release that is planned says by itself what
// it had seen.
func (s *session) cutAt(ctx context.Context, o access.Object) (last time.Time) {
	i, is := o.(*access.Identity)
	lister, able := access.As[access.HoldLister](s.system)
	if !is || !able {
		return last
	}
	holds, err := lister.Holds(ctx)
	if err != nil {
		// the change will say what is wrong
		return last
	}
	for scope, at := range holds {
		if scope == i.ID.Partner ||
			scope == i.ID.String() ||
			strings.HasPrefix(scope, i.ID.String()+"/") {
			last = access.Latest(last, at)
		}
	}
	return last
}

// refuseUnseenCut refuses a release of what was not held at its plan, and is now: somebody cut it since, and the system
// may not say when. If it says, it compares that itself, as it makes the change (Change.Cuts). It reports whether it
// refused; that is said. It asks the system, and only for a release.
func (s *session) refuseUnseenCut(ctx context.Context, c change, k kept, diags *diag.Diagnostics) (refused bool) {
	after, is := c.after.(*access.Identity)
	before, was := c.before.(*access.Identity)
	if !is ||
		!was ||
		k.Held ||
		after.HoldReleased == "" ||
		after.HoldReleased == before.HoldReleased {
		return false
	}
	now, err := s.system.Get(ctx, after.Ref())
	if err != nil {
		failed(diags, "change", after.Ref(), err)
		return true
	}
	if now.Held {
		explainUnseenCut(after, access.ErrCutSince, diags)
	}
	return now.Held
}

// refuseUnseenSpace refuses a new release with white space that nobody sees: a used one would look the same and be
// another. One that was applied stands there, and must not be in the way of what takes access away, such as a destroy.
// See TestUnseenSpaceInAReleaseIsRefusedWhereItIsNew.
func refuseUnseenSpace(s guardrail.Subject, diags *diag.Diagnostics) {
	i, ok := s.Object.(*access.Identity)
	if !ok || hasAny(s.Unknown, "hold_released") {
		return
	}
	plain := strings.Join(strings.Fields(i.HoldReleased), " ")
	if was, ok := s.Before.(*access.Identity); plain == i.HoldReleased || (ok && was.HoldReleased == i.HoldReleased) {
		return
	}
	diags.AddAttributeError(path.Root("hold_released"), "White space in a release",
		fmt.Sprintf("%s: hold_released = %q has white space that nobody sees: write %q.",
			i.Ref(), i.HoldReleased, plain))
}

// explainUnseenCut says why a release is refused that would lift a cut which came after its plan: whoever decided on
// the release did not know of that cut.
func explainUnseenCut(o access.Object, why error, diags *diag.Diagnostics) {
	diags.AddAttributeError(path.Root("hold_released"), "Cut by hand after this plan",
		fmt.Sprintf("%s: %s, and this plan does not know of that. It stays cut. If the incident is closed, plan "+
			"again: the next plan restores it.", o.Ref(), why))
}

// tellHeld warns of an identity that is held after its change: it is new, or the change used up a release that gave
// nothing back. See TestAReleaseThatGivesNothingBackIsTold.
func tellHeld(before, after access.Object, diags *diag.Diagnostics) {
	is, ok := after.(*access.Identity)
	was, had := before.(*access.Identity)
	switch {
	case !ok:
	case !had:
		diags.AddWarning(is.Ref().String()+" is held", "Something of this partner was cut by hand in the system, so "+
			"anything new of it is cut as well. When the incident is closed, set hold_released to a value that was "+
			"never used before, in an apply after this one.")
	case is.HoldReleased != "" && is.HoldReleased != was.HoldReleased:
		diags.AddAttributeWarning(path.Root("hold_released"), is.Ref().String()+" is still held",
			fmt.Sprintf("hold_released = %q is used up and gave nothing back: the identity, or one above it, was cut "+
				"by hand and stays cut. When the incident is closed, set hold_released to a value that was never "+
				"used before, in an apply after this one.", is.HoldReleased))
	}
}
