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
package store
