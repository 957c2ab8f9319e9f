// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/seal"
)

// Whether a change issues a credential anew, what becomes of the old one, and what the plan says of that. A reissue is
// the change that a partner feels: it has to install what it is handed. So it is decided in one table, and by what is
// declared, never by the way there: a renewal, another spelling and an import issue nothing. See TestWhatReissues,
// TestOnlyWhatIsNamedReissues, TestARenewalDoesNotRotate and TestAnotherSpellingIssuesAndRevokesNothing.

// Why a rotation issues anew that nobody asked for: by the clock, and because the system holds nothing any more that
// was issued. Unlike the other reasons, these two wait without a word if the identity is cut.
const (
	due  = "its rotation is due"
	lost = "what was issued for it was revoked, or is gone from the system"
)

// reissue decides whether a change issues a credential anew, what becomes of the old one, and why. Both the plan and
// the apply ask it, with the same values, so that the one does what the other said.
//
// Only what is named here reissues. A renewal does not: what ends by its rotation anyway follows then, and only what
// would end at the old end is issued anew. What is fixed cannot be shortened: at a due rotation and at a later end the
// old one keeps its own end, in every other case it is revoked. A secret that is not fixed lives for the overlap.
//
// Under an identity that is cut nothing is issued (anew is false): a rotation waits without a word, what is asked for
// waits for the identity, and what is to be revoked is revoked. why is empty if nothing is asked for.
func reissue(c change, k kept) (issue access.Issue, anew bool, why string) {
	issue, why = wanted(c, k)
	if c.cut && (why == due || why == lost) {
		return access.IssueKeep, false, ""
	}
	return issue, why != "" && !c.cut, why
}

// wanted returns what a change asks for, whether or not its identity is cut. It asks for nothing if why is empty: a
// creation issues for the first time, and trust in a workload has nothing that is issued.
func wanted(c change, k kept) (issue access.Issue, why string) {
	after := c.after.(*access.Credential)
	if c.before == nil || !after.Kind().Issues() {
		return access.IssueKeep, ""
	}
	return reasonsOf(c, k, c.before.(*access.Credential), after).decide()
}

// reasons is all that may issue a credential anew by itself. It is plain data, so that a table of tests can name each
// case.
type reasons struct {
	// stolen is the moment since when nothing counts that was issued before, if the change says so and what is in force
	// is older; otherRequest names what it is asked for with, if that is another key, request or recipient. Both are
	// empty if not.
	stolen, otherRequest string
	// triggered: somebody changed rotation.trigger, which means nothing else.
	triggered bool
	// secret: it may be sealed anew beside the old one. fixed: its end cannot be moved.
	secret, fixed bool
	// due: its rotation has come, and the state says so. woken: it had come before the credential ended, and this
	// change ends it later, so that it gives access again.
	due, woken bool
	// sooner: it is to end before what was issued. later: it is to end later than it was asked to. Both only if its end
	// is known.
	sooner, later bool
	// nothing: the system holds nothing that was issued. toTheEnd: what was issued lasts until the end that it had.
	nothing, toTheEnd bool
	// ends is when it is to end, until is when what was issued does; zero: nothing was issued, or it is not known.
	ends, until time.Time
}

// reasonsOf returns what may issue a credential anew, of a change to it and of what the state knows of it.
func reasonsOf(c change, k kept, before, after *access.Credential) reasons {
	r := reasons{
		otherRequest: access.OtherRequest(before, after), triggered: !maps.Equal(trigger(before), trigger(after)),
		secret: after.Kind().Sealed(), fixed: c.fixed, due: c.stateStatus == "due",
		sooner: c.endsKnown && c.ends.Before(k.IssuedUntil), later: c.endsKnown && c.ends.After(c.stateEnds),
		nothing: k.IssuedUntil.IsZero(), toTheEnd: !k.IssuedUntil.Before(c.stateEnds), ends: c.ends,
		until: k.IssuedUntil,
	}
	if after.RevokeIssuedBefore.After(k.IssuedAt) && !after.RevokeIssuedBefore.Equal(before.RevokeIssuedBefore.Time) {
		r.stolen = after.RevokeIssuedBefore.String()
	}
	// what has ended shows as expired, whatever is due; the private part remembers it
	r.woken = c.stateStatus == "expired" && k.Due && r.later
	return r
}

// decide is the table: the first row that fits says what becomes of what was issued, and why. The rows stand in the
// order of what they take away: theft first, which leaves nothing in force, then what somebody asked for, then what the
// ends demand, and last what the clock does. So a stolen key whose rotation is due is revoked, and not kept for an
// overlap.
func (r reasons) decide() (issue access.Issue, why string) {
	atOnce := access.IssueReplace
	// two secrets can work side by side; what is fixed would work on to its own end
	if r.secret && (!r.fixed || r.due) {
		atOnce = access.IssueOverlap
	}
	for _, row := range []struct {
		fits  bool
		issue access.Issue
		why   string
	}{
		{r.stolen != "", access.IssueReplace, "everything issued before {stolen} is revoked"},
		{r.otherRequest != "", atOnce, "it now has {request}"},
		{r.triggered, atOnce, "rotation.trigger changed"},
		{r.fixed && r.sooner, access.IssueReplace,
			"it ends on {ends}, and what was issued until {until} cannot be shortened"},
		{r.fixed &&
			r.later &&
			r.toTheEnd, access.IssueOverlap, "it ends later, and what was issued until {until} cannot be prolonged"},
		{r.fixed && r.later && r.nothing, access.IssueOverlap, "it ends later"},
		{r.due && r.nothing, access.IssueOverlap, lost},
		{r.due || r.woken, access.IssueOverlap, due},
	} {
		if row.fits {
			return row.issue, r.say(row.why)
		}
	}
	return access.IssueKeep, ""
}

// say fills in what a row leaves open, such as {until}.
func (r reasons) say(why string) string {
	return strings.NewReplacer("{stolen}", r.stolen, "{request}", r.otherRequest, "{ends}", access.At(r.ends).String(),
		"{until}", access.At(r.until).String()).Replace(why)
}

// ages reports whether a change gives a rotation to what was issued without one, or one that is more frequent. That is
// then due by its age: such an apply issues nothing, the first plan after it does if the time has come. See
// TestARotationThatIsAddedLaterComesDue.
func ages(before, after *access.Credential, k kept) bool {
	if after.Rotation == nil || !after.Kind().Issues() || k.IssuedAt.IsZero() {
		return false
	}
	return before.Rotation == nil || after.Rotation.Every.Duration < before.Rotation.Every.Duration
}

// trigger returns the values of rotation.trigger; nil if there is no rotation.
func trigger(c *access.Credential) map[string]string {
	if c.Rotation == nil {
		return nil
	}
	return c.Rotation.Trigger
}

// unfinished returns the error of a change that was to issue anew with overlap. It says that the old one works, which
// is what whoever is called at night has to know first. See TestARotationWhoseAnswerWasLostIsToldLater.
func unfinished(err error, put access.Change) error {
	if put.Issue != access.IssueOverlap || put.Wait {
		return err
	}
	return fmt.Errorf("%w. The rotation is unfinished: what the partner holds still works, at least for the overlap. "+
		"Apply again: Terraform then learns what was already issued, and nothing is issued twice", err)
}

// explainReissue says what a reissue means for the partner: until when the old one works, and what to hand over. Of a
// rotation that comes by itself later, it says when.
func explainReissue(c change, k kept, diags *diag.Diagnostics) {
	credential, ok := c.after.(*access.Credential)
	if !ok || c.before == nil || !credential.Kind().Issues() {
		return
	}
	ref := c.after.Ref()
	issue, anew, why := reissue(c, k)
	until, overlaps := overlapsUntil(c, k)
	switch {
	// it issues nothing, but the clock will, from a moment on that has to be told
	case why == "" && ages(c.before.(*access.Credential), credential, k):
		diags.AddWarning("The partner's credential will be rotated",
			fmt.Sprintf("The rotation of %s changes. What the partner holds was issued on %s, so it is due from %s "+
				"on: the first apply after that issues it anew, with overlap.%s", ref, access.At(k.IssuedAt),
				access.At(credential.RotatesAt(k.IssuedAt)), endsUnrotated(c, credential)))
	// nothing happens to what the partner holds
	case why == "":
	// its identity is cut
	case !anew:
		explainWaiting(ref, issue, why, diags)
	// nothing is in force that could work beside the new one
	case k.IssuedUntil.IsZero() || k.Over:
		diags.AddWarning("The partner's credential is issued anew", fmt.Sprintf("%s is issued anew, because %s. The "+
			"partner has nothing that works: hand over the new %s at once.", ref, why, handedOver(credential.Kind())))
	// what is in force stops working
	case issue == access.IssueReplace || !overlaps:
		diags.AddWarning("The partner's credential is replaced without overlap",
			fmt.Sprintf("%s is issued anew, because %s. What the partner holds stops working in the same apply: hand "+
				"over the new one at once.", ref, why))
	default:
		diags.AddWarning("The partner's credential is rotated, with overlap",
			fmt.Sprintf("%s is issued anew, because %s. What the partner holds works beside the new one %s: hand "+
				"over the new %s before that.%s", ref, why, until, handedOver(credential.Kind()), endsOlder(k)))
	}
}

// endsOlder says what becomes of the one before, if that works beside the one that is followed now: there are never
// three, since every key that still works is one more that can be lost.
func endsOlder(k kept) string {
	if k.Older.IsZero() {
		return ""
	}
	return fmt.Sprintf(" The one before that, which was to work until %s, stops working in the same apply: only two "+
		"work side by side. First ask the partner whether it has changed over.", access.At(k.Older))
}

// explainReplacement says what it means that a credential is destroyed and made anew: a tainted one, another kind or
// identity. Of a -replace Terraform tells the provider in a second call alone, and shows none of its warnings (see
// remember). See TestTheReplacementOfACredentialWarnsThatTheOldOneDies.
func explainReplacement(o access.Object, diags *diag.Diagnostics) {
	c, ok := o.(*access.Credential)
	if !ok || !c.Kind().Issues() || c.Kind() == "" {
		return
	}
	diags.AddWarning("The partner's credential is replaced without overlap",
		fmt.Sprintf("%s replaces one that is revoked: what the partner holds stops working in the same apply (with "+
			"create_before_destroy, after the overlap of its rotation at the latest). Hand over the new %s at once. "+
			"To issue it anew with overlap, change rotation.trigger instead. For a stolen key, set "+
			"revoke_issued_before.", c.Ref(), handedOver(c.Kind())))
}

// endsUnrotated says what becomes of what was issued if nobody rotates it. A secret whose end can be moved gets one by
// its new rotation, at least a day away: nobody is cut because somebody tidied up. What is fixed keeps its own end.
func endsUnrotated(c change, credential *access.Credential) string {
	if c.fixed {
		return ""
	}
	return fmt.Sprintf(" It ends by itself %s after that, or a day after this apply if that is later.",
		credential.Rotation.Overlap)
}

// overlapsUntil says until when an old one works beside the new one, and whether it does at all. What is fixed works
// until its own end, whatever overlap is declared; a secret works for the overlap, and not at all without one.
func overlapsUntil(c change, k kept) (until string, overlaps bool) {
	after := c.after.(*access.Credential)
	switch {
	case c.fixed:
		own := access.Earliest(k.IssuedUntil, c.ends)
		before := c.before.(*access.Credential)
		// Where it was issued to last no longer than until its rotation, nothing is left when that is due.
		return "until " + access.At(own).String(), c.stateStatus != "due" || own.After(before.RotatesAt(k.IssuedAt))
	case after.Rotation == nil || after.Rotation.Overlap.Duration == 0:
		return "", false
	}
	return fmt.Sprintf("for %s after the apply, until %s at the latest", after.Rotation.Overlap,
		access.At(access.Earliest(k.IssuedUntil, c.ends))), true
}

// handedOver names the attribute that has what the partner needs.
func handedOver(k access.Kind) string {
	if k.Sealed() {
		return "sealed_secret"
	}
	return "certificate (issued)"
}

// sealer returns what seals a new secret to the credential's recipient; nil for kinds without a secret. The system
// calls it before it changes anything: a secret that could not be sealed must never be in force.
func sealer(c *access.Credential, diags *diag.Diagnostics) (func([]byte) (string, error), bool) {
	if !c.Kind().Sealed() {
		return nil, true
	}
	to, err := seal.Parse(c.Secret.Recipient)
	if err != nil {
		diags.AddError("Cannot seal "+c.Ref().String(), sentence(err)+". Nothing was issued.")
		return nil, false
	}
	return to.Seal, true
}
