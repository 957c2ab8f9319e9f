// SPDX-License-Identifier: MPL-2.0

// Package aws is the access system in an account of AWS. IAM enforces every end: each policy and each trust that
// is made here says until when it allows, to the second, and a deny of everything begins at that second. Nothing
// of it needs this provider.
//
// The truth about an identity is one object in S3 (see package store), written with If-None-Match and If-Match. For
// each thing that was issued there is one principal in IAM, so that each has an end of its own: a role for a federated
// workload or a partner's account, a user for each key. Principals follow from the ledger, and are brought in line by
// whoever changes the identity next, where a process died in between.
package aws
