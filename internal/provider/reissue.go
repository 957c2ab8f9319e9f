package provider

import (
	"cmp"
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/seal"
)

// Why a rotation issues anew that nobody asked for: by the clock, and where the system holds nothing any more that was issued.
const (
	due  = "its rotation is due"
	lost = "what was issued for it is gone from the system, or revoked"
)

// reissue decides whether a change issues a credential anew, what becomes of the old one, and why. Both the plan and
// the apply ask it, with the same values, so that the one does what the other said.
//
// Only what is named here reissues. A renewal does not: what ends by its rotation anyway follows then, and only what would
// end at the old end is issued anew. What is fixed cannot be shortened: at a due rotation and at a later end the old one
// keeps its own end, in every other case it is revoked. A secret that is not lives for the overlap.
//
// Under an identity that is cut nothing is issued (anew is false): a rotation waits without a word, what is asked for
// waits for the identity, and what is to be revoked is revoked.
func reissue(c change, k kept) (issue access.Issue, anew bool, why string) {
	issue, why = wanted(c, k)
	if c.cut && (why == due || why == lost) {
		return access.IssueKeep, false, ""
	}
	return issue, why != "" && !c.cut, why
}

// wanted is what a change asks for, whether or not its identity is cut. It asks for nothing where why is empty.
func wanted(c change, k kept) (issue access.Issue, why string) {
	after := c.after.(*access.Credential)
	if c.before == nil || after.Kind() == access.Federated {
		return access.IssueKeep, ""
	}
	before := c.before.(*access.Credential)
	isDue := c.stateStatus == "due"
	atOnce := access.IssueOverlap
	if after.Kind() != access.Secret || c.fixed && !isDue {
		atOnce = access.IssueReplace
	}
	switch {
	case after.RevokeIssuedBefore.After(k.IssuedAt) && !after.RevokeIssuedBefore.Equal(before.RevokeIssuedBefore.Time):
		return access.IssueReplace, "all that was issued before " + after.RevokeIssuedBefore.String() + " is revoked"
	case access.OtherRequest(before, after) != "":
		return atOnce, "it is asked for with " + access.OtherRequest(before, after)
	case !maps.Equal(trigger(before), trigger(after)):
		return atOnce, "rotation.trigger changed"
	case c.fixed && c.endsKnown && !k.IssuedUntil.IsZero() && c.ends.Before(k.IssuedUntil):
		return access.IssueReplace, fmt.Sprintf("it ends on %s, and what was issued until %s cannot be shortened", access.At(c.ends), access.At(k.IssuedUntil))
	case c.fixed && c.endsKnown && c.ends.After(c.stateEnds) && !k.IssuedUntil.Before(c.stateEnds):
		return access.IssueOverlap, fmt.Sprintf("it ends later, and what was issued ends on %s and cannot be prolonged", access.At(k.IssuedUntil))
	case c.fixed && c.endsKnown && c.ends.After(c.stateEnds) && k.IssuedUntil.IsZero():
		return access.IssueOverlap, "it ends later"
	case isDue && k.IssuedUntil.IsZero():
		return access.IssueOverlap, lost
	case isDue, c.stateStatus == "expired" && k.Due && c.endsKnown && c.ends.After(c.stateEnds):
		return access.IssueOverlap, due
	}
	return access.IssueKeep, ""
}

// ages says whether a change gives a rotation to what was issued without one. That is then due by its age: an apply that adds
// a rotation issues nothing, the next plan does where the time has come.
func ages(before, after *access.Credential, k kept) bool {
	return before.Rotation == nil && after.Rotation != nil && after.Kind() != access.Federated && !k.IssuedAt.IsZero()
}

func trigger(c *access.Credential) map[string]string {
	if c.Rotation == nil {
		return nil
	}
	return c.Rotation.Trigger
}

// issuedIn names what a state knows to be issued: by its serial, or where it has none its fingerprint.
func issuedIn(state any) string {
	if m, ok := state.(*credentialModel); ok && m != nil {
		return cmp.Or(m.Serial.ValueString(), m.Fingerprint.ValueString())
	}
	return ""
}

// unfinished is the error of a change that was to issue anew with overlap: it says that the old one works.
func unfinished(err error, put access.Change) error {
	if put.Issue != access.IssueOverlap || put.Wait {
		return err
	}
	return fmt.Errorf("%w. The rotation did not come to its end: what the partner holds works on, for the overlap at least. Apply again: "+
		"what was issued already is told then, and nothing is issued twice", err)
}

// explainReissue says what a reissue means for the partner: until when the old one works, and what to hand over.
func explainReissue(c change, k kept, diags *diag.Diagnostics) {
	credential, ok := c.after.(*access.Credential)
	if !ok || c.before == nil || credential.Kind() == access.Federated {
		return
	}
	ref := c.after.Ref()
	issue, anew, why := reissue(c, k)
	until, overlaps := overlapsUntil(c, k)
	switch {
	case why == "" && ages(c.before.(*access.Credential), credential, k):
		diags.AddWarning("The partner's credential will be rotated", fmt.Sprintf("%s has a rotation now. What the partner holds was issued on %s, and so it "+
			"is due from %s on: the first plan after that issues it anew, with overlap.%s", ref, access.At(k.IssuedAt),
			access.At(credential.RotatesAt(k.IssuedAt)), endsUnrotated(c, credential)))
	case why == "":
	case !anew:
		explainWaiting(ref, issue, why, diags)
	case k.IssuedUntil.IsZero():
		diags.AddWarning("The partner's credential is issued anew", fmt.Sprintf("%s is issued anew, because %s. Nothing that the partner holds is in "+
			"force: hand the new %s over at once.", ref, why, handedOver(credential.Kind())))
	case issue == access.IssueReplace || !overlaps:
		diags.AddWarning("The partner's credential is replaced without overlap", fmt.Sprintf("%s is issued anew, because %s. What the partner holds "+
			"stops working in the same apply: hand the new one over at once.", ref, why))
	default:
		diags.AddWarning("The partner's credential is rotated, with overlap", fmt.Sprintf("%s is issued anew, because %s. What the partner holds works "+
			"beside the new one %s: hand the new %s over before.", ref, why, until, handedOver(credential.Kind())))
	}
}

// explainReplacement says what it means that a credential is destroyed and made anew: a tainted one, another kind or identity. Of
// a -replace Terraform tells the provider in a second call alone, and shows none of its warnings.
func explainReplacement(o access.Object, diags *diag.Diagnostics) {
	c, ok := o.(*access.Credential)
	if !ok || c.Kind() == access.Federated || c.Kind() == "" {
		return
	}
	diags.AddWarning("The partner's credential is replaced without overlap", fmt.Sprintf("The one whose place %s takes is revoked: what the partner holds stops "+
		"working in the same apply (with create_before_destroy after the overlap of its rotation at the latest). Hand the new %s over at once. To issue it anew with overlap, change rotation.trigger instead; for a stolen key, set "+
		"revoke_issued_before.", c.Ref(), handedOver(c.Kind())))
}

// endsUnrotated says what becomes of what was issued if nobody rotates it.
func endsUnrotated(c change, credential *access.Credential) string {
	if c.fixed {
		return ""
	}
	return fmt.Sprintf(" It ends by itself %s after that, or a day after this apply where that is later.", credential.Rotation.Overlap)
}

// overlapsUntil says until when an old one works beside the new one, and whether it does at all.
func overlapsUntil(c change, k kept) (until string, overlaps bool) {
	after := c.after.(*access.Credential)
	switch {
	case c.fixed:
		own, before := access.Earliest(k.IssuedUntil, c.ends), c.before.(*access.Credential)
		// Where it was issued to last no longer than until its rotation, nothing is left when that is due.
		return "until " + access.At(own).String(), c.stateStatus != "due" || own.After(before.RotatesAt(k.IssuedAt))
	case after.Rotation == nil || after.Rotation.Overlap.Duration == 0:
		return "", false
	}
	return fmt.Sprintf("for %s from the apply on, until %s at the latest", after.Rotation.Overlap, access.At(access.Earliest(k.IssuedUntil, c.ends))), true
}

// handedOver names the attribute that the partner needs.
func handedOver(k access.Kind) string {
	if k == access.Secret {
		return "sealed_secret"
	}
	return "certificate (issued)"
}

// sealer seals a new secret to the credential's recipient; nil for the other kinds.
func sealer(c *access.Credential, diags *diag.Diagnostics) (func([]byte) (string, error), bool) {
	if c.Kind() != access.Secret {
		return nil, true
	}
	to, err := seal.Parse(c.Secret.Recipient)
	if err != nil {
		diags.AddError("Cannot seal "+c.Ref().String(), sentence(err)+". Nothing was issued.")
		return nil, false
	}
	return to.Seal, true
}
