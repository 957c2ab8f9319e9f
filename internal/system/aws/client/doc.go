// SPDX-License-Identifier: MPL-2.0

// Package client sends signed requests to AWS, and reads its answers: S3, STS and the protocol of IAM. It
// knows nothing of partners.
//
// A request is sent again where AWS is busy or cannot be reached, for as long as patience lasts, but for one that must
// be done once at most. An answer is believed only where it can be AWS's: a page for people, as a firewall sends it
// with any status, is no answer, or it would be taken for an object that is gone.
package client
