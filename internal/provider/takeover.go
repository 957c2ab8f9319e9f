// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// A replacement with create_before_destroy (-replace, replace_triggered_by, a tainted resource) creates first, under
// the id that is taken, and deletes the old object then. At its creation nothing tells it from what this stack left
// behind: an answer that was lost, a state that was forgotten. So a creation issues anew if the old secret was told to
// a state, and leaves the old one alone; only the deletion of the old object, in the same apply, ends that. What no
// state was told is told now.
//
// A leaked key was replaced so, and the new object had the same secret: "1 added, 1 destroyed", and the key lived on.
// See TestAReplacedCredentialIsIssuedAnew, and for the other side TestALostStateIssuesNothingAnew.

// takingOver says what the creation of a credential issues if this stack holds one already under its id:
//
//   - IssueKeep if its identity is taken up as well: all of it was forgotten or renamed.
//   - IssueBeside if the journal says that what is in force was answered. Somebody has it, so a replacement must not
//     keep it, and what was only forgotten must not be cut.
//   - IssueKeep else: nobody was told, so what is there is the answer. If it is a replacement after all, and the
//     journal does not know, the deletion issues anew (retire).
func (s *session) takingOver(ctx context.Context, c *access.Credential) access.Issue {
	live, held := s.portfolio.Holds(c.Ref())
	if !held || live.History.Stack != s.stack || !c.Kind().Issues() {
		return access.IssueKeep
	}
	if s.takesUp(c.IdentityID) {
		return access.IssueKeep
	}
	rec, err := s.system.Get(ctx, c.Ref())
	if err != nil || rec.Issued == nil {
		return access.IssueKeep
	}
	if s.told.has(s.journal, rec) {
		return access.IssueBeside
	}
	s.keepsIssued(c.Ref())
	return access.IssueKeep
}

// takesUp reports whether this plan takes an identity up again that its stack left behind. What was issued under it is
// kept then.
func (s *session) takesUp(id access.IdentityID) bool {
	above, planned, _ := s.portfolio.Find(id.Ref())
	return planned && above.Adopted
}

// explainTaking says what becomes of what the partner holds if a credential is created under the id of one in force,
// and reports whether it did. It cannot tell a replacement from a state that forgot, so it says both.
func (s *session) explainTaking(ctx context.Context, subject guardrail.Subject, diags *diag.Diagnostics) bool {
	c, ok := subject.Object.(*access.Credential)
	if !ok || !subject.Adopted || !c.Kind().Issues() {
		return false
	}
	first := "as soon as the new one is created"
	if r := c.Rotation; r != nil && r.Overlap.Duration > 0 && !s.isFixed(c) {
		first = fmt.Sprintf("%s later", r.Overlap)
	}
	if s.takingOver(ctx, c) != access.IssueBeside {
		return false
	}
	diags.AddWarning("The partner's credential is issued anew",
		fmt.Sprintf("%s takes the id of a credential that is in force, so it is issued anew. If it replaces that "+
			"one, what the partner holds stops working in the same apply (with create_before_destroy, %s). If the "+
			"state only forgot that one, what the partner holds works until its own end; to keep it, import it "+
			"instead. Hand over the new %s.", c.Ref(), first, handedOver(c.Kind())))
	return true
}

// retire ends what a creation in this apply has left of the object that it replaced, once that is deleted. Before that
// nobody knows whether it will be: an apply that dies in between leaves both in force, and the old one ends by itself.
//
//	Create   uid 2 takes the id over from uid 1, and issues beside what uid 1 had: two work
//	Delete   uid 1 is not found; this apply made uid 2 (isDone), so it was replaced
//	retire   what was issued before ends, at once or after the overlap: one works
//
// The old one works for the rotation's overlap, if its end can be moved.
func (s *session) retire(ctx context.Context, ref access.Ref, diags *diag.Diagnostics) {
	rec, err := s.system.Get(ctx, ref)
	if err != nil || rec.Stack != s.stack {
		return // it was deleted as well
	}
	c, ok := rec.Object.(*access.Credential)
	if !ok || !c.Kind().Issues() || s.takesUp(rec.Object.Holder()) {
		return
	}
	put := access.Change{Object: c, Stack: s.stack, UID: rec.UID, EndsAt: rec.Asked(), Issue: access.IssueRetire}
	// The creation took it for one that was left behind, so the partner holds the very thing that was to be replaced.
	// It is issued anew now; Terraform has finished with the creation, so only a refresh can tell its state.
	if s.isKept(ref) {
		put.Issue = access.IssueOverlap
		if s.isFixed(c) {
			put.Issue = access.IssueReplace
		}
		if put.Seal, ok = sealer(c, diags); !ok {
			return
		}
		diags.AddWarning("Refresh to see the new credential: "+ref.String(),
			fmt.Sprintf("It was replaced with create_before_destroy, and the journal does not know what was issued "+
				"before, so it was issued anew when the old one was deleted. Run terraform apply -refresh-only, and "+
				"hand over the new %s at once.", handedOver(c.Kind())))
	}
	if _, err := s.system.Put(warned(ctx, diags), put); err != nil {
		failed(diags, "revoke what was issued before of", ref, err)
	}
}

// tellings are what the journal says was issued, and answered: by id, uid, and name of what was issued.
type tellings struct {
	once sync.Once
	all  map[[3]string]bool
}

// has reports whether what a record has in force was answered to whoever asked for it. The journal is read once in a
// walk; what cannot be read is not known, and counts as not answered.
func (t *tellings) has(j *journal.Journal, r *access.Record) bool {
	t.once.Do(func() {
		t.all = map[[3]string]bool{}
		if j == nil {
			return
		}
		lines, _, _ := j.Read() // what cannot be read is not known
		for _, l := range lines {
			if l.Phase == journal.Done && l.Type == string(access.TypeCredential) {
				t.all[[3]string{l.ID, l.UID, l.Serial}] = true
			}
		}
	})
	return t.all[[3]string{r.Object.Ref().ID, r.UID, r.Issued.Name()}]
}
