// SPDX-License-Identifier: MPL-2.0

package ledger

import "github.com/partner-access/terraform-provider-partner/internal/access"

// asked is all that decides what becomes of what is issued for a credential: seven facts, and nothing that has to be
// looked up.
type asked struct {
	mode access.Issue
	// waits: nothing may be issued, because its identity or the credential itself is cut, or because the caller says
	// so.
	waits bool
	// ended: the credential's own end has come.
	ended bool
	// creates: the caller knows of no uid. What stands under the id is adopted, if it is of any use.
	creates bool
	// otherRequest: the change asks for another key, recipient or workload.
	otherRequest bool
	// newest is how it stands with what was issued last, and was not revoked by this change.
	newest standing
	// lost: the caller names another one than that, so the answer that told it never arrived.
	lost bool
}

// standing is how it stands with what was issued last.
type standing int

const (
	none standing = iota
	over          // it has ended by itself
	inForce
)

// act is what is done about what is issued.
type act int

const (
	leave       act = iota
	retireOld       // what an IssueBeside left beside the newest ends
	makeDue         // the newest is due from now on: it is issued anew when that may be
	revokeAll       // nothing is issued, and nothing stays
	issueAfter      // a new one, and the old one works for the overlap
	issueBeside     // a new one, and the old one keeps its end
	issueAlone      // a new one, and the old one is revoked
)

// verdict is what is done, and why. The reason is for people who read the table: nobody is told it.
type verdict struct {
	do  act
	why string
}

// decide reads the table: the first row that fits says what becomes of what is issued. Items that are condemned are
// gone by then. The order is the order of what counts more: that nothing is issued which may not be (waits, ended),
// then that nothing is taken from a partner which it was not asked for (keeps), then what was asked.
//
// TestTheTableOfWhatIsIssuedReadsAsSentences has a sentence for each case.
func (a asked) decide() verdict {
	keeps := a.mode == access.IssueKeep || a.asksAgain()
	for _, row := range []struct {
		fits bool
		do   act
		why  string
	}{
		{a.mode == access.IssueRetire, retireOld, "a new one is in place: the old ones end"},

		{a.waits && keeps, leave, "nothing is issued while it is cut, and nothing was asked for"},
		{a.waits && a.mode == access.IssueReplace, leave,
			"nothing is issued while it is cut, and what there was is condemned"},
		{a.waits, makeDue, "nothing is issued while it is cut: the rotation waits"},

		{keeps && a.newest == inForce, leave, "what was issued is in force"},
		{keeps && a.newest == over && !a.creates, leave, "what was issued has ended, and only a rotation issues anew"},
		{keeps && a.ended, leave, "its end has come: nothing is issued for it"},
		{a.ended, revokeAll, "its end has come: what was to be replaced is not"},

		{keeps && a.newest == none, issueAfter, "nothing is issued for it"},
		{keeps, issueAfter, "what is adopted has ended"},
		{a.mode == access.IssueOverlap, issueAfter, "it is rotated, with overlap"},
		{a.mode == access.IssueBeside, issueBeside,
			"it is made anew, and whether the old one is to end is not known yet"},
	} {
		if row.fits {
			return verdict{row.do, row.why}
		}
	}
	return verdict{issueAlone, "it is replaced at once"}
}

// asksAgain reports whether a rotation was done, and its answer lost: the caller rotates again, and a second rotation
// would revoke what the partner holds. What is asked for another request is none of that.
func (a asked) asksAgain() bool {
	return a.mode == access.IssueOverlap && a.lost && a.newest != none && !a.otherRequest
}

// flaw is what decides whether one item is revoked, whatever else becomes of its credential.
type flaw struct {
	// stolen: it was issued before the moment up to which all is revoked.
	stolen bool
	// outlives: it is fixed, and ends after what it is for.
	outlives bool
}

// condemns returns why an item is revoked at once, before anything is issued; "" if it is not. A rotation to another
// key does not condemn the old one, which has its overlap.
func (a asked) condemns(i flaw) (why string) {
	for _, row := range []struct {
		fits bool
		why  string
	}{
		{i.stolen, "all that was issued before a moment is revoked"},
		{i.outlives, "it would outlive what it is for, and its end cannot be moved"},
		{a.mode == access.IssueKeep && a.otherRequest, "it was issued for another request"},
		{a.mode == access.IssueReplace && a.waits, "it is replaced, and while it is cut by nothing"},
	} {
		if row.fits {
			return row.why
		}
	}
	return ""
}
