// SPDX-License-Identifier: MPL-2.0

package report

import (
	"crypto/sha1" //nolint:gosec // what RFC 9562 prescribes
	"encoding/hex"
	"strings"
)

// namespace is this project's own: the UUIDv5 of its address in the namespace of URLs (RFC 9562, 6.6), so that no other
// program makes the same UUIDs.
var namespace = uuid5([16]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30,
	0xc8},
	"https://github.com/partner-access/terraform-provider-partner")

// uuid names something by its parts, so that the same thing has the same name in every report. The parts are joined by
// what none of them holds.
func uuid(parts ...string) string {
	u := uuid5(namespace, strings.Join(parts, "\x00"))
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// uuid5 returns a UUID of RFC 9562's version 5. SHA-1 is what it prescribes, and nothing rests on it
// being hard to collide.
func uuid5(space [16]byte, name string) [16]byte {
	sum := sha1.Sum(append(space[:], name...)) //nolint:gosec // as above
	var u [16]byte
	copy(u[:], sum[:])
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return u
}
