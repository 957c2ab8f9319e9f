// SPDX-License-Identifier: MPL-2.0

package material

import "bytes"

// The tags of DER that keys are made of.
const (
	derInteger, derOctets, derID, derSequence = 0x02, 0x04, 0x06, 0x30
)

// cutDER is DER, also of which the end is missing: whoever pastes the first line of a key has pasted a key.
type cutDER []byte

// is reports whether an element of the tag begins here.
func (d cutDER) is(tag byte) bool { return len(d) > 0 && d[0] == tag }

// open returns what is in the element that begins here, how long that is where nothing is missing, and what follows.
func (d cutDER) open(tag byte) (in cutDER, length int, rest cutDER, ok bool) {
	if len(d) < 2 || d[0] != tag {
		return nil, 0, nil, false
	}
	length, d = int(d[1]), d[2:]
	if length >= 0x80 {
		digits := length & 0x7f
		if digits == 0 || digits > 3 || len(d) < digits {
			return nil, 0, nil, false
		}
		length = 0
		for _, digit := range d[:digits] {
			length = length<<8 | int(digit)
		}
		d = d[digits:]
	}
	there := min(length, len(d))
	return d[:there], length, d[there:], true
}

// version reads the small number that all structures of keys but one begin with.
func (d cutDER) version() (n byte, rest cutDER, ok bool) {
	in, length, rest, ok := d.open(derInteger)
	if !ok || length != 1 || len(in) != 1 {
		return 0, nil, false
	}
	return in[0], rest, true
}

// named reports whether a sequence begins here with an object identifier that begins as one of
// these does; none: with any.
func (d cutDER) named(with ...[]byte) (rest cutDER, ok bool) {
	sequence, _, rest, ok := d.open(derSequence)
	if !ok {
		return nil, false
	}
	id, length, _, ok := sequence.open(derID)
	if !ok || length < 3 || length > 20 || len(id) < min(length, 8) {
		return nil, false
	}
	for _, prefix := range with {
		if bytes.HasPrefix(id, prefix) {
			return rest, true
		}
	}
	return rest, len(with) == 0
}

// Object identifiers of PKCS: #5 and #12, by which keys are encrypted, and #7, in which a PKCS #12 file has its data.
var (
	ofPKCS5  = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 5}
	ofPKCS12 = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 12}
	ofPKCS7  = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 7}
)

// derPrivate reports whether the bytes begin with a private key in DER.
func derPrivate(b []byte) bool {
	fields, length, _, ok := cutDER(b).open(derSequence)
	if !ok || len(b) < 32 || length < 32 {
		return false
	}
	if fields.is(derSequence) { // EncryptedPrivateKeyInfo (RFC 5208, 6): an algorithm of PKCS #5 or #12, and octets
		_, ok := fields.named(ofPKCS5, ofPKCS12)
		return ok
	}
	return versioned(fields, length)
}

// versioned reports whether the fields are of a private key in the clear, or of a PKCS #12 file. All of these begin
// with a version, which requests and certificates do not.
func versioned(fields cutDER, length int) bool {
	version, rest, ok := fields.version()
	if !ok {
		return false
	}
	switch version {
	case 0:
		return pkcs8(rest) || pkcs1(rest, length)
	case 1:
		return pkcs8(rest) || pkcs1(rest, length) || sec1(rest)
	case 3: // PKCS #12 (RFC 7292, 4): version 3, and data that is signed or not
		_, ok := rest.named(ofPKCS7)
		return ok
	}
	return false
}

// pkcs8 reports whether what follows the version is of a PrivateKeyInfo (RFC 5958, 2), whatever the
// algorithm: that, and octets.
func pkcs8(d cutDER) bool {
	rest, ok := d.named()
	return ok && (rest.is(derOctets) || len(rest) == 0)
}

// pkcs1 reports whether what follows the version is of an RSA key (RFC 8017, A.1.2) or of OpenSSL's form of a DSA key:
// at least five numbers, the first of them a long one.
func pkcs1(d cutDER, whole int) bool {
	for n := range 5 {
		_, length, rest, ok := d.open(derInteger)
		switch {
		case !ok, n == 0 && (length < 32 || 2*length > whole):
			return false
		case len(rest) == 0:
			return true
		}
		d = rest
	}
	return true
}

// sec1 reports whether what follows the version is of an ECPrivateKey (RFC 5915, 3), of whatever curve: octets.
func sec1(d cutDER) bool {
	_, length, _, ok := d.open(derOctets)
	return ok && length >= 16 && length <= 72
}
