// SPDX-License-Identifier: MPL-2.0

// Package store keeps what is declared in ACL policies of OpenBao, and knows nothing of what follows from it.
//
// An identity has one ACL policy. The head of its text, in comments, is the ledger of the identity: one line of JSON
// for each of its objects. The rest is compiled from it. So what was declared and what is enforced change together, by
// one write with check-and-set, and one listing returns both for all identities.
//
// Beside them stand policies of comments, which nobody has: what was cut by hand, what is remembered of identities that
// were removed, when partners were rehearsed, and which access system this is. The one listing reads them as well.
//
// On a cluster a standby may answer from a state that is a little old. What this process wrote is never taken back by
// such an answer: a floor for each policy says which version is the least.
//
// The parts of it, each in a file of its own:
//
//   - document.go reads the policy of one identity, and render.go writes it. Neither asks the server.
//   - snapshot.go is all of them at one moment, and store.go reads that, and single policies.
//   - write.go writes one policy by check-and-set, and notes that in the snapshot.
//   - mark.go, tombstone.go, rehearsed.go, system.go and floor.go are the policies of comments.
//   - retry.go waits for a standby, and for whoever came in between.
//
// Check-and-set is OpenBao's parameter cas of sys/policies/acl/NAME: the version that is there, or -1 for "there is
// none" (internal/vault/policy/policy_store.go, setPolicyInternal). A deleted policy begins again at version 1, so a
// version means something only while the policy stands.
package store
