// SPDX-License-Identifier: MPL-2.0

// Package policy turns what partners may do into the policies of AWS IAM: grants into Allow statements that end by
// themselves, ends and cuts into Deny statements, and trust into the documents of roles. It makes no request. Every
// document is made of typed parts, so no id, subject or path can become a part of a policy that it was not meant for
// (TestNoTextBecomesAPartOfAPolicy).
//
// It also reads what others wrote, in two ways. What declares something (Find) must not say more than was written, so
// what is not understood is told and not declared. What recognizes a cut (DeniesAll, Denies, LetsNobodyIn) must not see
// one that is none, so what is not understood denies nothing.
//
// The policies of a principal are four, and each has one reason:
//
//   - partner-grants allows what its identity is granted, each statement until its end
//   - partner-end denies everything from the principal's end on, and from networks that it may not come from
//   - partner-cut denies everything while the declaration suspends it
//   - partner-hold denies everything because somebody cut it by hand
//
// A deny wins over every allow (AWS IAM, policy evaluation logic), also over one that somebody attached, and in
// sessions that are open.
package policy
