// SPDX-License-Identifier: MPL-2.0

// Package guardrail holds the rules that partner access is judged by before it exists: one table, the catalogue, of
// pure checks, and the portfolio, all access that one plan leaves in place, which they are evaluated over.
//
// A finding is an error only where the plan creates access or widens it. Everything else is at most a warning: less
// access is never refused.
package guardrail
