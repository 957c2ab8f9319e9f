// SPDX-License-Identifier: MPL-2.0

// Package aws is the access system in an account of AWS. IAM enforces every end: each policy and each trust that is
// made here says until when it allows, to the second, and a deny of everything begins at that second. Nothing of it
// needs this provider.
//
// The truth about an identity is one object in S3 (see package store), written with If-None-Match and If-Match. For
// each thing that was issued there is one principal in IAM, so that each has an end of its own: a role for a federated
// workload or a partner's account, a user for each key. Principals follow from the ledger. Whoever changes the identity
// next brings them in line, if a process died in between.
//
// A change goes through these parts, in this order:
//
//   - changer and remover read the family of pages, decide on a ledger.Draft, and write the page
//   - lookout looks before that whether somebody cut anything by hand, and marks it
//   - issuer makes the user and the key of what is issued, before the page says that it is
//   - compiler says what each principal has to be; it asks nothing
//   - aligner makes it that: what takes away first, what gives last; cutter removes what nothing asks for
//   - observer reads all of it back, for plans; surveyor looks for what no page names
//
// Two facts of IAM shape all of it. It is eventually consistent, so what it says to be gone may be there, and what was
// just made may not be found. And anybody with the rights may change anything in it at any time: what only takes access
// away is left alone and counts as a cut, anything else is drift.
package aws
