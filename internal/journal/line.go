// SPDX-License-Identifier: MPL-2.0

// Package journal is the append-only record of what was changed: who, what, when it was asked for, when it was refused
// afterwards, and how many seconds lay between. Its lines are JSON, each chained to the one before by its hash.
package journal

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Phase says when a line was written.
type Phase string

// Each change has a line of intent before the system is asked, and one of what came of it. Where the second is missing,
// the process died between them, and what became of the change is in the system only. Found is no change: it is what a
// change met that somebody else did.
const (
	Intent Phase = "intent"
	Done   Phase = "done"
	Failed Phase = "failed"
	Found  Phase = "found"
)

// Verb is what a change does.
type Verb string

// The verbs.
const (
	Create   Verb = "create"
	Change   Verb = "change"   // neither of the others
	Renew    Verb = "renew"    // the end moves to a later moment
	Rotate   Verb = "rotate"   // a credential is issued anew
	Suspend  Verb = "suspend"  // live access is cut
	Resume   Verb = "resume"   // and let in again
	Revoke   Verb = "revoke"   // access is removed for good
	Token    Verb = "token"    // a just-in-time token is made
	Rehearse Verb = "rehearse" // an offboarding is tried on a shadow twin
	Cut      Verb = "cut"      // found: somebody cut access by hand
	Tamper   Verb = "tamper"   // found: something was not as it had been left
)

// The types of lines that are about no object: of a partner as a whole, of one token, of the system,
// of the journal itself.
const (
	partnerType access.Type = "partner"
	tokenType   access.Type = "token"
	systemType  access.Type = "system"
	journalType             = "journal"
)

// Line is one line of the journal, in the order in which its fields are written. Times are UTC.
// It never holds a secret.
type Line struct {
	// Schema is the version of this form.
	Schema int `json:"schema"`
	// Seq counts the lines from 1.
	Seq int64 `json:"seq"`
	// Time is when the line was written, by the clock of the machine.
	Time time.Time `json:"time"`
	// Phase and Verb say what this is; Change is the same on the lines of one change.
	Phase  Phase  `json:"phase"`
	Verb   Verb   `json:"verb"`
	Change string `json:"change"`
	// System, Stack and Actor say where, for which configuration, and by whom.
	System string `json:"system"`
	Stack  string `json:"stack"`
	Actor  Actor  `json:"actor"`
	// Type, ID and UID name the object; of a rehearsal, "partner" and its name. UID is empty while a create is only
	// intended. A token has the id of its identity.
	Type string `json:"type"`
	ID   string `json:"id"`
	UID  string `json:"uid,omitempty"`
	// Owner is who answers for it, EndsAt when it ends.
	Owner  string    `json:"owner,omitempty"`
	EndsAt time.Time `json:"ends_at,omitzero"`
	// Review is on whose word it was created or renewed.
	Review *Review `json:"review,omitempty"`
	// Before is what the object gave, as far as this process knew; After is what it is to give, on the line of the
	// outcome what it gives. An intent has both, but for a creation and a revocation; an outcome has After only.
	Before *Given `json:"before,omitempty"`
	After  *Given `json:"after,omitempty"`
	// Swept are what a revocation took along beside the object itself, as "type id"; SweptBefore is what
	// they gave, by the same.
	Swept       []string          `json:"swept,omitempty"`
	SweptBefore map[string]*Given `json:"swept_before,omitempty"`
	// Refused is when the system was first seen to refuse, or to have nothing left, after a revocation or suspension;
	// Seconds is how long after the request.
	Refused time.Time `json:"refused,omitzero"`
	Seconds float64   `json:"seconds,omitzero"`
	// Serial names what was issued or revoked.
	Serial string `json:"serial,omitempty"`
	// Generation names the state that the system was in after the change.
	Generation string `json:"generation,omitempty"`
	// Found says what somebody else did, FoundAt when, where that is known. Lines of version 1 have it on the
	// change that healed it.
	Found   []string  `json:"found,omitempty"`
	FoundAt time.Time `json:"found_at,omitzero"`
	// Error says why a change failed.
	Error string `json:"error,omitempty"`
	// Previous is the hash of the line before, "" on the first; Hash is this line's.
	Previous string `json:"previous"`
	Hash     string `json:"hash"`
}

// Actor is who made a change, as far as the machine can say: it is a claim, not a proof.
type Actor struct {
	// Name is a login name or the CI's name for whom it ran; Kind is user or ci; Run is the address or
	// number of the CI's run.
	Name string `json:"name"`
	Kind string `json:"kind"`
	Run  string `json:"run,omitempty"`
	Host string `json:"host,omitempty"`
}

// Review is evidence that somebody looked.
type Review struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	// Decision is what was decided in a worksheet, and Access the digest of the access that it was decided on.
	Decision string `json:"decision,omitempty"`
	Access   string `json:"access,omitempty"`
	// Signed is how it was signed; nil: it was not.
	Signed *Signed `json:"signed,omitempty"`
}

// Signed is how somebody signed a decision. The rules let no signature through that does not count, and who
// it is of is who decided.
type Signed struct {
	// Key is the fingerprint of the key, and Digest the SHA-256 of the worksheet that was signed, or of the
	// signature of a single decision.
	Key    string `json:"key"`
	Digest string `json:"digest"`
	// Worksheet: a whole one was signed.
	Worksheet bool `json:"worksheet,omitempty"`
}
