// SPDX-License-Identifier: MPL-2.0

package material

import (
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"slices"
	"strings"
)

// firstLetters are those with which base64 begins of a file that is looked for here: DER, key stores, gzip, zlib, zip,
// bzip2, PGP, what SSH writes, minisign, KeePass, Windows' keys.
const firstLetters = "M/_zHelxUQARB"

// beginnings are what files of keys begin with: a PKCS #12 file of which the length is not told, what minisign
// (encrypted or not) and signify write below their comments, KeePass, and Windows' PVK and PRIVATEKEYBLOB.
var beginnings = [][]byte{
	{0x30, 0x80, 2, 1, 3, 0x30, 0x80, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 7},
	{0x03, 0xd9, 0xa2, 0x9a}, {0x1e, 0xf1, 0xb5, 0xb0, 0, 0, 0, 0}, {7, 2, 0, 0, 0, 0xa4, 0, 0, 'R', 'S', 'A', '2'},
	{7, 2, 0, 0, 0, 0x24, 0, 0, 'R', 'S', 'A', '2'},
	[]byte("EdScB2"), []byte("Ed\x00\x00B2"), []byte("EdBK\x00\x00"),
}

// javaStore reports whether the bytes begin as one of Java's two key stores whose first entry is a private key,
// of 255 entries or fewer.
func javaStore(b []byte) bool {
	return len(b) > 16 &&
		(bytes.HasPrefix(b, []byte{0xfe, 0xed, 0xfe, 0xed}) || bytes.HasPrefix(b, []byte{0xce, 0xce, 0xce, 0xce})) &&
		bytes.Equal(b[4:11], []byte{0, 0, 0, 2, 0, 0, 0}) && bytes.Equal(b[12:16], []byte{0, 0, 0, 1})
}

// binaryPrivate reports whether the bytes begin with a private key in a form that is no text.
func binaryPrivate(b []byte) bool {
	return slices.ContainsFunc(beginnings, func(with []byte) bool { return bytes.HasPrefix(b, with) }) ||
		javaStore(b) ||
		derPrivate(b) ||
		pgpSecret(b) ||
		sshPrivate(b) ||
		sshInside(b) ||
		ppkPrivate(b) ||
		seed(b)
}

// unzipped returns what bytes hold that gzip, zlib, zip or bzip2 made; nil where none did.
func unzipped(b []byte) []byte {
	if len(b) < 18 || strings.IndexByte("\x1f\x78BP", b[0]) < 0 {
		return nil
	}
	var z io.Reader
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		z, err = zlib.NewReader(bytes.NewReader(b))
	}
	const header = 30 // of the first file in a zip, before its name
	switch {
	case bytes.HasPrefix(b, []byte("BZh")):
		z, err = bzip2.NewReader(bytes.NewReader(b)), nil
	case bytes.HasPrefix(b, []byte("PK\x03\x04")) && len(b) > header && b[8] == 8:
		begin := header + int(binary.LittleEndian.Uint16(b[26:])) + int(binary.LittleEndian.Uint16(b[28:]))
		z = flate.NewReader(bytes.NewReader(b[min(begin, len(b)):]))
		err = nil
	}
	if err != nil {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(z, 64<<10)) // also of what is cut off
	return text
}

// pgpPacket reads the tag of a packet with a secret key, in the new form or in the old one, and its length (RFC 9580,
// 4.2). Of anything else the body is nil.
func pgpPacket(b []byte) (length int, body []byte) {
	switch {
	case b[0] == 0xc5 && b[1] < 192, b[0] == 0x94:
		return int(b[1]), b[2:]
	case b[0] == 0xc5 && b[1] < 224:
		return int(b[1]-192)<<8 + int(b[2]) + 192, b[3:]
	case b[0] == 0x95:
		return int(binary.BigEndian.Uint16(b[1:])), b[3:]
	}
	return 0, nil
}

// pgpSecret reports whether the bytes begin with a secret key of OpenPGP (RFC 9580, 5.5.1.3): the tag of a packet, its
// length, a version, a moment and an algorithm, and where it ends another packet.
func pgpSecret(b []byte) bool {
	if len(b) < 40 {
		return false
	}
	length, body := pgpPacket(b)
	if body == nil {
		return false
	}
	since1995 := binary.BigEndian.Uint32(body[1:]) > 0x30000000
	if length < 40 || length > len(body) || !since1995 || !pgpKey(body) {
		return false
	}
	return length == len(body) || bytes.IndexByte(pgpFollowing, body[length]) >= 0
}

// pgpFollowing are what may begin the packet behind a key: a name, a signature or another key.
var pgpFollowing = []byte{0xb4, 0x88, 0x89, 0x8a, 0x9c, 0x9d, 0xc2, 0xc7, 0xcd}

// pgpKey reports whether a version and an algorithm are ones in use, and what follows is of such a key (RFC 9580, 9.1):
// a curve's object identifier, or a number of as many bits as keys have.
func pgpKey(body []byte) bool {
	const rsa, elGamal, dsa, ecdh, ecdsa, eddsa, x25519, ed448 = 1, 16, 17, 18, 19, 22, 25, 28
	switch version, algorithm := body[0], body[5]; {
	case version == 6:
		return algorithm >= x25519 && algorithm <= ed448
	case version != 4:
		return false
	case algorithm == ecdh, algorithm == ecdsa, algorithm == eddsa:
		return curveOID(body[6:])
	case algorithm == rsa, algorithm == elGamal, algorithm == dsa:
		bits := binary.BigEndian.Uint16(body[6:])
		return bits >= 512 && bits <= 16384 && (bits+1)%8 < 2
	}
	return false
}

// curveOID reports whether the bytes begin with the object identifier of a curve: its length, and 1.3 or
// 1.2 as its first byte.
func curveOID(b []byte) bool {
	return b[0] >= 3 && b[0] <= 12 && (b[1] == 0x2b || b[1] == 0x2a)
}

// publicParts is how many parts of what SSH writes are public, its name with them, by that name.
var publicParts = map[string]int{
	"ssh-rsa": 3, "ssh-dss": 5, "ssh-ed25519": 2, "ssh-ed448": 2, "ecdsa-sha2-nistp256": 3, "ecdsa-sha2-nistp384": 3,
	"ecdsa-sha2-nistp521": 3,
}

// sshPrivate reports whether the bytes begin with a private key as Dropbear's files and agents have it: the parts of
// the public key, and more. An Ed25519 key is one part of both halves there.
func sshPrivate(b []byte) bool {
	name, rest, ok := sshPart(b)
	public := publicParts[string(name)]
	if !ok || public == 0 {
		return false
	}
	for parts := 2; ; parts++ {
		var part []byte
		if part, rest, ok = sshPart(rest); !ok {
			return false
		}
		if n := len(part); public == 2 && (n == 64 || n == 114) {
			return true
		}
		if parts > public {
			return len(part) >= 16 && !sshName(part)
		}
	}
}

// sshInside reports whether somewhere in the bytes the numbers of a private key follow its name as OpenSSH's
// files have them: half of such a file has a whole key. In a certificate, which is public, a signature follows
// the key of the authority.
func sshInside(b []byte) bool {
	for name, private := range map[string]func(x, y, z []byte) bool{
		"ssh-ed25519": func(public, both, _ []byte) bool {
			return len(public) == 32 && len(both) == 64 && bytes.HasSuffix(both, public)
		},
		"ssh-rsa": func(n, e, d []byte) bool {
			return len(n) >= 96 &&
				len(e) <= 8 &&
				len(d) > len(n)/2 &&
				len(d) <= len(n)
		},
		"ecdsa-sha2-": func(curve, point, d []byte) bool {
			return len(curve) == 8 &&
				len(point) >= 65 &&
				len(d) > len(point)/2-4 &&
				len(d) <= len(point)/2+1
		},
	} {
		for _, rest := range bytes.Split(b, []byte(name))[1:] {
			if name == "ecdsa-sha2-" {
				rest = rest[min(len(rest), 8):] // the name of the curve
			}
			x, rest, _ := sshPart(rest)
			y, rest, _ := sshPart(rest)
			if z, _, _ := sshPart(rest); private(x, y, z) {
				return true
			}
		}
	}
	return false
}

// ppkPrivate reports whether the bytes are the private half of an RSA key as PuTTY's files have it: d, p,
// q, and the inverse of q.
func ppkPrivate(b []byte) bool {
	var sizes [4]int
	for i := range sizes {
		part, rest, ok := sshPart(b)
		if !ok {
			return false
		}
		sizes[i], b = len(part), rest
	}
	return sizes[0] >= 96 &&
		sizes[1] >= sizes[0]/2-2 &&
		sizes[1] <= sizes[0]/2+2 &&
		sizes[2] >= sizes[0]/2-2 &&
		sizes[2] <= sizes[0]/2+2 &&
		len(b) < 4
}

// seed reports whether the bytes are the seed of a key pair as NATS and Stellar write it in base32: a mark, 32
// bytes, and their CRC-16.
func seed(b []byte) bool {
	if n := len(b); n < 35 || n > 36 || b[0]&0xf8 != 0x90 {
		return false
	}
	data, crc := b[:len(b)-2], uint16(0)
	for _, c := range data {
		crc ^= uint16(c) << 8
		for range 8 {
			crc = crc<<1 ^ crc>>15*0x1021
		}
	}
	return crc == binary.LittleEndian.Uint16(b[len(data):])
}

// sshPart cuts off one part of what SSH writes: four bytes of its length, and so many bytes (RFC 4251, 5, string).
func sshPart(b []byte) (part, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) { //nolint:gosec // there are four
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}

// sshName reports whether a part is the name of the next public key, and no private number.
func sshName(part []byte) bool {
	return strings.HasPrefix(string(part), "ssh-") || strings.HasPrefix(string(part), "ecdsa-")
}
