// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What is re-issued, revoked and kept is decided in one table, and everything that a partner holds hangs on it. Each
// row here is a sentence; the tests of the systems hold that the draft does what was decided.
func TestTheTableOfWhatIsIssuedReadsAsSentences(t *testing.T) {
	const (
		keep, overlap, replace = access.IssueKeep, access.IssueOverlap, access.IssueReplace
		beside, retire         = access.IssueBeside, access.IssueRetire
	)
	for _, c := range []struct {
		sentence string
		asked    asked
		want     act
	}{
		{"a first credential is issued", asked{mode: keep, creates: true}, issueAfter},
		{"a renewal keeps what is in force", asked{mode: keep, newest: inForce}, leave},
		{"a renewal of what has ended by its rotation issues nothing by itself", asked{mode: keep, newest: over},
			leave},
		{"what was revoked before is issued again by the next change", asked{mode: keep}, issueAfter},
		{"another request is issued for, where the old one is condemned", asked{mode: keep, otherRequest: true},
			issueAfter},
		{"what is adopted in force stays", asked{mode: keep, creates: true, newest: inForce}, leave},
		{"what is adopted and has ended is issued anew", asked{mode: keep, creates: true, newest: over}, issueAfter},
		{"what is adopted after its end gets nothing", asked{mode: keep, creates: true, newest: over, ended: true},
			leave},
		{"a credential that has ended gets nothing", asked{mode: keep, ended: true}, leave},
		{"a credential that is made after its end gets nothing", asked{mode: keep, creates: true, ended: true}, leave},
		{"a rotation leaves the old one its overlap", asked{mode: overlap, newest: inForce}, issueAfter},
		{"a rotation of what has ended issues anew", asked{mode: overlap, newest: over}, issueAfter},
		{"a rotation of nothing issues", asked{mode: overlap}, issueAfter},
		{"a rotation whose answer was lost is not done twice", asked{mode: overlap, newest: inForce, lost: true},
			leave},
		{"what the caller does not know of is no rotation to another key",
			asked{mode: overlap, newest: inForce, lost: true, otherRequest: true}, issueAfter},
		{"a lost rotation that has ended since waits for the next one", asked{mode: overlap, newest: over, lost: true},
			leave},
		{"what the caller knows of and nobody holds any more is issued anew", asked{mode: overlap, lost: true},
			issueAfter},
		{"a rotation after the end revokes what there is", asked{mode: overlap, newest: over, ended: true}, revokeAll},
		{"a replacement revokes the old one", asked{mode: replace, newest: inForce}, issueAlone},
		{"a replacement is done though its last answer was lost", asked{mode: replace, newest: inForce, lost: true},
			issueAlone},
		{"a replacement of nothing issues", asked{mode: replace}, issueAlone},
		{"a replacement after the end revokes what there is", asked{mode: replace, newest: over, ended: true},
			revokeAll},
		{"create_before_destroy issues beside, and touches no end", asked{mode: beside, creates: true, newest: inForce},
			issueBeside},
		{"create_before_destroy after the end revokes what there is",
			asked{mode: beside, creates: true, newest: over, ended: true}, revokeAll},
		{"the destroy that follows ends what was left beside", asked{mode: retire, newest: inForce}, retireOld},
		{"it does so under an identity that is cut", asked{mode: retire, newest: inForce, waits: true}, retireOld},
		{"it does so after the end", asked{mode: retire, newest: over, ended: true}, retireOld},
		{"nothing new is issued under an identity that is cut", asked{mode: keep, creates: true, waits: true}, leave},
		{"a change under an identity that is cut keeps what is in force",
			asked{mode: keep, newest: inForce, waits: true}, leave},
		{"a rotation under an identity that is cut waits", asked{mode: overlap, newest: inForce, waits: true}, makeDue},
		{"a rotation that was done and lost does not become due again",
			asked{mode: overlap, newest: inForce, lost: true, waits: true}, leave},
		{"what is made anew under an identity that is cut waits",
			asked{mode: beside, creates: true, newest: inForce, waits: true}, makeDue},
		{"a replacement under an identity that is cut only revokes", asked{mode: replace, newest: inForce, waits: true},
			leave},
		{"a rotation under an identity that is cut waits also after the end",
			asked{mode: overlap, newest: over, ended: true, waits: true}, makeDue},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			if got := c.asked.decide(); got.do != c.want || (got.why == "" && got.do != issueAlone) {
				t.Errorf("it decides %d (%q), not %d", got.do, got.why, c.want)
			}
		})
	}
}

func TestAnItemIsCondemnedForOneOfFourReasons(t *testing.T) {
	for _, c := range []struct {
		sentence  string
		asked     asked
		flaw      flaw
		condemned bool
	}{
		{"what was issued before a theft goes, whatever is asked", asked{mode: access.IssueKeep}, flaw{stolen: true},
			true},
		{"it goes under an identity that is cut", asked{mode: access.IssueOverlap, waits: true}, flaw{stolen: true},
			true},
		{"what is fixed and would outlive its end goes", asked{mode: access.IssueOverlap}, flaw{outlives: true}, true},
		{"what was issued for another key goes", asked{mode: access.IssueKeep, otherRequest: true}, flaw{}, true},
		{"a rotation to another key leaves the old one its overlap",
			asked{mode: access.IssueOverlap, otherRequest: true}, flaw{}, false},
		{"a replacement revokes only once the new one is issued", asked{mode: access.IssueReplace}, flaw{}, false},
		{"where none is issued it revokes at once", asked{mode: access.IssueReplace, waits: true}, flaw{}, true},
		{"a renewal condemns nothing", asked{mode: access.IssueKeep}, flaw{}, false},
		{"being cut alone condemns nothing", asked{mode: access.IssueKeep, waits: true}, flaw{}, false},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			if why := c.asked.condemns(c.flaw); (why != "") != c.condemned {
				t.Errorf("condemned: %q", why)
			}
		})
	}
}

// Whatever is asked: nothing is issued that waits or has ended, and nobody is cut whose answer was lost.
func TestNoRowOfTheTableGivesWhatMayNotBeGiven(t *testing.T) {
	for mode := access.IssueKeep; mode <= access.IssueRetire; mode++ {
		for bits := range 3 << 5 {
			is := func(n int) bool { return bits>>n&1 == 1 }
			a := asked{
				mode:         mode,
				waits:        is(0),
				ended:        is(1),
				creates:      is(2),
				otherRequest: is(3),
				lost:         is(4),
				newest:       standing(bits >> 5),
			}
			do := a.decide().do
			if issues := do >= issueAfter; issues && (a.waits || a.ended) {
				t.Errorf("%+v issues", a)
			}
			if a.lost &&
				a.newest == inForce &&
				mode == access.IssueOverlap &&
				do != leave &&
				!a.ended &&
				!a.otherRequest {
				t.Errorf("%+v: the partner holds the one before, and it does %d", a, do)
			}
		}
	}
}
