// SPDX-License-Identifier: MPL-2.0

// Package client makes the few HTTP calls that governing access in OpenBao needs: read, list, write, delete, and the
// provider's own login.
//
// It stands on go-retryablehttp and not on OpenBao's api/v2. Measured with api/v2 2.7.1 and Go 1.26, stripped: a
// program that makes one call has 6.2 MB with go-retryablehttp and 7.3 MB with api/v2 (5.8 MB with net/http
// alone); the provider grows from 20.7 MB to 21.4 MB with this package and to 21.9 MB with the bare calls of
// api/v2, which brings ten more modules and 0.24 MB more to allocate at start-up, in a time that cannot be told
// apart (4 ms). So it is not the size alone: api/v2 repeats calls by rules of its own and follows redirects with
// the token, and what may be repeated, what an error may show, and what it must say about the state that was left
// behind are the point of this package.
//
// Callers should know three things about OpenBao. The answer of sys/health is 429 on a standby and 400 in a namespace:
// ask sys/seal-status for the version, and sys/leader for the leader. A standby answers from a state that is some
// tenths of a second old, and checks what it forwards against it: "not found" is to be asked again before it is
// believed. And what answers in PEM has a twin in JSON, such as PKI/cert/ca and PKI/cert/crl; only JSON is read here.
package client
