package provider

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// cut says whether an object's identity, or one above it, is suspended by what this plan leaves in place, or was cut by
// hand. Nothing is issued for it then: whoever is cut gets no new secret.
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
		if i.Suspended || depth > 0 && (i.Subcontractors == nil || !i.Subcontractors.Allowed || i.Subcontractors.MaxDepth < depth) {
			return true
		}
		next = i.ParentID
	}
	return false
}

// explainWaiting says what becomes of a change that would issue anew, under an identity that is cut.
func explainWaiting(ref access.Ref, issue access.Issue, why string, diags *diag.Diagnostics) {
	detail := fmt.Sprintf("%s is to be issued anew, because %s. Its identity is suspended or held: nothing is issued for it meanwhile. ", ref, why)
	if issue == access.IssueReplace {
		detail += "What the partner holds is revoked now, and stays so. "
	}
	diags.AddWarning("The partner's credential waits for its identity", detail+"With the first plan after the identity is given back, it is issued.")
}
