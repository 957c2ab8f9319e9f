package provider

import (
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/seal"
)

// reissue decides whether a change issues a credential anew, what becomes of the old one, and why. Both the plan and
// the apply ask it, with the same values, so that the one does what the other said.
//
// Only what is named here reissues. What is fixed, a certificate that was signed, cannot be shortened: at a due rotation and
// at a later end the old one keeps its own end, in every other case it is revoked. A secret's old value lives for the
// overlap.
func reissue(c change, k kept) (issue access.Issue, anew bool, why string) {
	after := c.after.(*access.Credential)
	if c.before == nil || after.Kind() == access.Federated {
		return access.IssueKeep, false, ""
	}
	before := c.before.(*access.Credential)
	signed := after.Kind() != access.Secret
	atOnce := access.IssueOverlap
	if signed {
		atOnce = access.IssueReplace
	}
	switch {
	case after.RevokeIssuedBefore.After(k.IssuedAt) && !after.RevokeIssuedBefore.Equal(before.RevokeIssuedBefore.Time):
		return access.IssueReplace, true, "all that was issued before " + after.RevokeIssuedBefore.String() + " is revoked"
	case !access.SameRequest(before, after):
		return atOnce, true, "it is asked for with another key, recipient or network"
	case !maps.Equal(trigger(before), trigger(after)):
		return atOnce, true, "rotation.trigger changed"
	case c.fixed && c.endsKnown && !k.IssuedUntil.IsZero() && c.ends.Before(k.IssuedUntil):
		return access.IssueReplace, true, fmt.Sprintf("it ends on %s, and what was issued until %s cannot be shortened", access.At(c.ends), access.At(k.IssuedUntil))
	case c.fixed && c.endsKnown && c.ends.After(c.stateEnds):
		return access.IssueOverlap, true, "it ends later"
	case c.stateStatus == "due", c.stateStatus == "expired" && k.Due && c.endsKnown && c.ends.After(c.stateEnds):
		return access.IssueOverlap, true, "its rotation is due"
	}
	return access.IssueKeep, false, ""
}

func trigger(c *access.Credential) map[string]string {
	if c.Rotation == nil {
		return nil
	}
	return c.Rotation.Trigger
}

// explainReissue warns of what a reissue means for the partner, where the old one dies at once.
func explainReissue(c change, k kept, diags *diag.Diagnostics) {
	if credential, ok := c.after.(*access.Credential); !ok || c.before == nil || credential.Kind() == access.Federated {
		return
	}
	issue, anew, why := reissue(c, k)
	if anew && issue == access.IssueReplace {
		diags.AddWarning("The partner's credential is replaced without overlap", fmt.Sprintf("%s is issued anew, because %s. What the partner holds "+
			"stops working in the same apply: hand the new one over at once.", c.after.Ref(), why))
	}
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
