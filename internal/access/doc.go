// SPDX-License-Identifier: MPL-2.0

// Package access is the language of partner access: identities, credentials and grants, the patterns and moments they
// are made of, where each ends, the history that an access system keeps of them, and the [System] interface behind
// which every access system stands.
//
// It imports nothing of this project but package material, and nothing of Terraform. All moments are compared in UTC.
//
// # Words
//
// Each word has this meaning, and is to have no other. Behind it stands where it is made; a test finds every place.
//
//   - identity: one partner's use case in one environment, which credentials prove and grants give to (access Identity)
//   - credential: how a partner proves to be an identity (access Credential)
//   - kind: one of the four ways to prove it; how they differ stands in one table (access Kind)
//   - grant: actions on the paths of one pattern (access Grant)
//   - object: an identity, a credential or a grant, as it is declared (access Object)
//   - pattern: a path of whole segments, in which some are open (access Pattern)
//   - moment: a point in time as somebody wrote it down (access Moment)
//   - owner: who inside the company answers for an object; a stack owns it as a configuration (access Terms)
//   - stack: the configuration that made an object, and alone may change it (access History)
//   - uid: what tells an object from the one that stood under its id before (access History)
//   - bound: the end that an object was given itself (ledger Entry)
//   - end: when access ends: the earliest of its bound and of all that it hangs on (access End)
//   - review: evidence that somebody looked; each extends once (access Review)
//   - decider: somebody whose signature makes a decision count (access Decider)
//   - edition: which object under an id, and how far its history has come: what a signature is of (access Edition)
//   - waiver: one rule set aside for one object, for a while (access Waiver)
//   - system: where access lives, and who ends it (access System)
//   - record: what a system tells of an object (access Record)
//   - entry: what a ledger holds of an object (ledger Entry)
//   - ledger: what a system remembers of what it was asked for (ledger Ledger)
//   - draft: a ledger in the making (ledger Draft)
//   - item: one thing that was issued for a credential (ledger Item)
//   - fixed: of an item, that only revoking ends it sooner; of a rule, that no setting lowers it (access Capabilities)
//   - suspended: cut by the declaration, of itself or of what is above it (access Record)
//   - held: cut by hand in the system; a hold is what says so (ledger Holds)
//   - release: to say in the declaration that a hold is over; what it takes away is lifted (access Identity)
//   - cut: given no access before its end: suspended, held, or hanging on what is gone or damaged (ledger Standing)
//   - tombstone: what is remembered of an identity after it was removed (ledger Tombstone)
//   - former: access that was removed, and from which other access may go on (access Former)
//   - drift: where a system differs from what was declared (access Record)
//   - stray: something that gives access, and that nobody declared (access Stray)
//   - adopt: to bring a stray under a declaration (access Adopter)
//   - shadow: a partner that is made for a rehearsal, and reaches nothing of anybody's (access ShadowPartner)
//   - rehearse: to cut a shadow of a partner, and see how soon it is refused (access Rehearser)
//   - floor: what no configuration of a system can loosen, kept in the system (access Floored)
//   - lift: to end a hold or the floor, on purpose and recorded (access Floored)
//   - finding: what a rule has seen (guardrail Finding)
//   - portfolio: all access that rules are judged by, live and planned (guardrail Portfolio)
//   - walk: one run of Terraform through its resources: a plan or an apply (provider walk)
//   - short way: the plan of what does not change, without the framework (provider unchanged)
//   - publication: what gateways of the embedded system are fed (embedded/policy Publication)
//   - journal: who changed what, when, before and after (journal Journal)
//
// Removing has six words:
//
//   - revoke: take access away, so that it is refused from now on (provider governed.revoke)
//   - delete: remove what a system has of its own for an object, such as a role (openbao/client Client.Delete)
//   - mark removed: note in the ledger that a removal was begun, so that none is lost (ledger Draft.Mark)
//   - verify: look whether anything is left of what was revoked (embedded leader.verify)
//   - forget: take out of the ledger what was verified to be gone (ledger Draft.Forget)
//   - roll back: undo what a change did that failed, and no ledger holds (ledger Draft.Try)
package access
