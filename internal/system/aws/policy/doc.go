// SPDX-License-Identifier: MPL-2.0

// Package policy turns what partners may do into the policies of AWS IAM: grants into Allow statements that end
// by themselves, ends and cuts into Deny statements, and trust into the documents of roles. It makes no
// request. Every document is made of typed parts, so that no id, subject or path can become a part of a policy
// that it was not meant for.
package policy
