// Package journal is the append-only record of what was changed: who, what, when it was asked for, when it was refused
// afterwards, and how many seconds lay between. Its lines are JSON, each chained to the one before by its hash.
package journal

import "time"

// Phase says when a line was written.
type Phase string

// Each change has a line of intent before the system is asked, and one of what came of it. Where the second is missing,
// the process died between them, and what became of the change is in the system only.
const (
	Intent Phase = "intent"
	Done   Phase = "done"
	Failed Phase = "failed"
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
)

// Line is one line of the journal, in the order in which its fields are written. Times are UTC. It never holds a secret.
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
	// Type, ID and UID name the object; of a rehearsal, "partner" and its name. UID is empty while a create is only intended.
	Type string `json:"type"`
	ID   string `json:"id"`
	UID  string `json:"uid,omitempty"`
	// Owner is who answers for it, EndsAt when it ends.
	Owner  string    `json:"owner,omitempty"`
	EndsAt time.Time `json:"ends_at,omitzero"`
	// Review is on whose word it was created or renewed.
	Review *Review `json:"review,omitempty"`
	// Swept are what a revocation took along beside the object itself, as "type id".
	Swept []string `json:"swept,omitempty"`
	// Refused is when the system was first seen to refuse, or to have nothing left, after a revocation or suspension;
	// Seconds is how long after the request.
	Refused time.Time `json:"refused,omitzero"`
	Seconds float64   `json:"seconds,omitzero"`
	// Serial names what was issued or revoked.
	Serial string `json:"serial,omitempty"`
	// Generation names the state that the system was in after the change, Found what was not as it had left it, and was healed.
	Generation string   `json:"generation,omitempty"`
	Found      []string `json:"found,omitempty"`
	// Error says why a change failed.
	Error string `json:"error,omitempty"`
	// Previous is the hash of the line before, "" on the first; Hash is this line's.
	Previous string `json:"previous"`
	Hash     string `json:"hash"`
}

// Actor is who made a change, as far as the machine can say: it is a claim, not a proof.
type Actor struct {
	// Name is a login name or the CI's name for whom it ran; Kind is user or ci; Run is the address or number of the CI's run.
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
}
