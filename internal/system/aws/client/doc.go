// SPDX-License-Identifier: MPL-2.0

// Package client sends signed requests to AWS, and reads its answers: S3, STS and the protocol of IAM. It knows nothing
// of partners.
//
// A request is sent again while AWS is busy or cannot be reached, for as long as patience lasts, but for one that must
// be done at most once. Who waits in vain spares the others that: each service has one memory of its outages
// (access.Outages).
//
// An answer is believed only if it can be AWS's. A page for people, as a firewall sends it with any status, is no
// answer, or it would be taken for an object that is gone. An empty or unreadable answer to a removal is no success.
package client
