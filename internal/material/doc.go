// SPDX-License-Identifier: MPL-2.0

// Package material reads what partners hand in: certificate requests, SSH keys, recipients, and the names of
// issuers. There is one parser for each format, which validation, the rules, both systems and whoever signs use:
// what one of them accepts all accept, and two spellings of one key are one key. Networks and moments have
// theirs in package access.
//
// A parser takes what is clear: a byte order mark, indentation, text around the one thing that it looks for.
// Otherwise its error says what was seen and what to write, and never repeats what it was given: that may be a
// private key, handed in by mistake.
package material
