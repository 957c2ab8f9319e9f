// SPDX-License-Identifier: MPL-2.0

package material

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	encoding "encoding/asn1"
	"encoding/binary"
	"io"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// firstLetters are those with which base64 begins of a file that is looked for here: DER, key stores, gzip, zlib, PGP.
const firstLetters = "M/_zHelx"

// beginnings are what files of keys begin with: Java's two key stores whose first entry is a private key, and a PKCS #12 file of which
// the length is not told.
var beginnings = [][]byte{
	{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1},
	{0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1},
	{0x30, 0x80, 2, 1, 3, 0x30, 0x80, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 7},
}

// binaryPrivate reports whether the bytes begin with a private key in a form that is no text.
func binaryPrivate(b []byte) bool {
	return slices.ContainsFunc(beginnings, func(with []byte) bool { return bytes.HasPrefix(b, with) }) || derPrivate(b) || pgpSecret(b)
}

// unzipped returns what bytes hold that gzip or zlib made; nil where neither did.
func unzipped(b []byte) []byte {
	var z io.Reader
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		z, err = zlib.NewReader(bytes.NewReader(b))
	}
	if err != nil {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(z, 64<<10)) // also of what is cut off
	return text
}

// pgpSecret reports whether the bytes begin with a secret key of OpenPGP (RFC 9580, 5.5.1.3): the tag of a packet, its length, a version,
// a moment and an algorithm, and where it ends another packet.
func pgpSecret(b []byte) bool {
	if len(b) < 40 {
		return false
	}
	var length int
	var body []byte
	switch {
	case b[0] == 0xc5 && b[1] < 192, b[0] == 0x94:
		length, body = int(b[1]), b[2:]
	case b[0] == 0xc5 && b[1] < 224:
		length, body = int(b[1]-192)<<8+int(b[2])+192, b[3:]
	case b[0] == 0x95:
		length, body = int(binary.BigEndian.Uint16(b[1:])), b[3:]
	default:
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

// pgpKey reports whether a version and an algorithm are ones in use, and what follows is of such a key (RFC 9580, 9.1): a curve's object
// identifier, or a number of as many bits as keys have.
func pgpKey(body []byte) bool {
	const rsa, elGamal, dsa, ecdh, ecdsa, eddsa, x25519, ed448 = 1, 16, 17, 18, 19, 22, 25, 28
	switch version, algorithm := body[0], body[5]; {
	case version == 6:
		return algorithm >= x25519 && algorithm <= ed448
	case version != 4:
		return false
	case algorithm == ecdh, algorithm == ecdsa, algorithm == eddsa:
		return body[6] >= 3 && body[6] <= 12 && (body[7] == 0x2b || body[7] == 0x2a)
	case algorithm == rsa, algorithm == elGamal, algorithm == dsa:
		bits := binary.BigEndian.Uint16(body[6:])
		return bits >= 512 && bits <= 16384 && (bits+1)%8 < 2
	}
	return false
}

// derPrivate reports whether the bytes begin with a private key in DER.
func derPrivate(b []byte) bool {
	var whole, fields cryptobyte.String
	input := cryptobyte.String(b)
	if len(b) < 40 || !input.ReadASN1Element(&whole, asn1.SEQUENCE) {
		return false
	}
	sequence := whole
	if !sequence.ReadASN1(&fields, asn1.SEQUENCE) {
		return false
	}
	if fields.PeekASN1Tag(asn1.SEQUENCE) {
		return encryptedPKCS8(fields)
	}
	// All others begin with a version, which requests and certificates do not.
	if !fields.PeekASN1Tag(asn1.INTEGER) {
		return false
	}
	return store(fields) || pkcs8(fields) || pkcs1(fields) || sec1(fields)
}

// pkcs8 reports whether the fields are those of a PrivateKeyInfo (RFC 5958, 2), whatever the algorithm: a version, an algorithm, and octets.
func pkcs8(fields cryptobyte.String) bool {
	var version int
	var algorithm cryptobyte.String
	var id encoding.ObjectIdentifier
	return fields.ReadASN1Integer(&version) && (version == 0 || version == 1) && fields.ReadASN1(&algorithm, asn1.SEQUENCE) &&
		algorithm.ReadASN1ObjectIdentifier(&id) && fields.PeekASN1Tag(asn1.OCTET_STRING)
}

// pkcs1 reports whether the fields are those of an RSA key (RFC 8017, A.1.2) or of OpenSSL's form of a DSA key: a version, and at least
// five numbers.
func pkcs1(fields cryptobyte.String) bool {
	var version int
	if !fields.ReadASN1Integer(&version) || version != 0 && version != 1 {
		return false
	}
	for range 5 {
		if !fields.SkipASN1(asn1.INTEGER) {
			return false
		}
	}
	return true
}

// sec1 reports whether the fields are those of an ECPrivateKey (RFC 5915, 3), of whatever curve: version 1, and octets.
func sec1(fields cryptobyte.String) bool {
	var version int
	var key cryptobyte.String
	return fields.ReadASN1Integer(&version) && version == 1 && fields.ReadASN1(&key, asn1.OCTET_STRING) && len(key) >= 16
}

// encryptedPKCS8 reports whether the fields are those of an EncryptedPrivateKeyInfo (RFC 5208, 6): an algorithm of PKCS #5 or
// #12, and octets.
func encryptedPKCS8(fields cryptobyte.String) bool {
	var algorithm cryptobyte.String
	var id encoding.ObjectIdentifier
	if !fields.ReadASN1(&algorithm, asn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&id) || !fields.PeekASN1Tag(asn1.OCTET_STRING) {
		return false
	}
	return begins(id, 1, 2, 840, 113549, 1, 5) || begins(id, 1, 2, 840, 113549, 1, 12)
}

// store reports whether the fields are those of a PKCS #12 file (RFC 7292, 4): version 3, and data that is signed or not.
func store(fields cryptobyte.String) bool {
	var version int
	var data cryptobyte.String
	var id encoding.ObjectIdentifier
	return fields.ReadASN1Integer(&version) && version == 3 && fields.ReadASN1(&data, asn1.SEQUENCE) && data.ReadASN1ObjectIdentifier(&id) &&
		begins(id, 1, 2, 840, 113549, 1, 7)
}

func begins(id encoding.ObjectIdentifier, with ...int) bool {
	return len(id) >= len(with) && slices.Equal(id[:len(with)], with)
}
