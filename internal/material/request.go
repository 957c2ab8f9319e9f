// SPDX-License-Identifier: MPL-2.0

package material

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Request is a partner's certificate signing request (PKCS #10, RFC 2986), whose signature fits its key. Nothing but
// its key is of any interest.
type Request struct {
	PublicKey crypto.PublicKey
	// Info is the key as a SubjectPublicKeyInfo: the same for the same key.
	Info []byte
	// Digest is what the request is signed with where that is broken: SHA-1 or MD5; "" where it is not.
	Digest string
	der    []byte
}

// Fingerprint returns the SHA-256 of the key, as ssh-keygen writes one.
func (r Request) Fingerprint() string { return Fingerprint(r.Info) }

// PEM returns the request in its one spelling.
func (r Request) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: r.der}))
}

const askForRequest = "ask the partner for one with a key that is ECDSA P-256, Ed25519 or RSA of 3072 bits, signed " +
	"with SHA-256"

// ParseRequest reads the one request in a text. What stands around it does not matter, nor does what it says of names
// and attributes: these are not read.
func ParseRequest(text string) (Request, error) {
	if HoldsPrivateKey(text) {
		return Request{}, errPrivate
	}
	return requestIn(text, verified)
}

// KnownRequest reads a request that was parsed before, and does not check its signature again, which
// takes longer than all else.
func KnownRequest(text string) (Request, error) { return requestIn(text, unverified) }

// care is whether a request's signature is checked.
type care bool

const (
	verified   care = true
	unverified care = false
)

// requestIn returns the one certificate request in a text, whatever stands around it. It says what the text is instead
// if there is none: people hand in certificates, CMC requests of Windows, and requests that were cut off.
func requestIn(text string, how care) (Request, error) {
	var der [][]byte
	for _, b := range blocks(text) {
		is := func(other []byte) bool { return bytes.Equal(other, b.Bytes) }
		if strings.TrimPrefix(b.Type, "NEW ") == "CERTIFICATE REQUEST" && !slices.ContainsFunc(der, is) {
			der = append(der, b.Bytes)
		}
	}
	switch {
	case len(der) > 1:
		return Request{}, several("requests", requestNames(der))
	case len(der) == 0:
		return Request{}, noRequest(text)
	}
	if signedData(der[0]) {
		return Request{}, errors.New("it is a request of another kind (PKCS #7, as certreq writes it with " +
			"RequestType = CMC): ask the partner for PKCS #10")
	}
	r, err := parseRequest(der[0], how)
	if _, other := x509.ParseCertificate(der[0]); errors.Is(err, errCutOff) && other == nil {
		return Request{}, errors.New("it is called a request, and what is in it is a CERTIFICATE: ask the partner " +
			"for the request")
	}
	if why := listed(text); errors.Is(err, errCutOff) && why != "" { // the marks were read as base64
		return Request{}, errors.New(why)
	}
	return r, err
}

// requestNames are requests as their keys tell them from each other.
func requestNames(all [][]byte) (names []string) {
	for _, der := range all {
		name := "one that cannot be read"
		if r, err := parseRequest(der, unverified); err == nil {
			name = "of the key " + r.Fingerprint()
		}
		names = append(names, name)
	}
	return names
}

var errCutOff = errors.New("the request is cut off or damaged: ask the partner for the whole file")

// noRequest says what a text without a request is.
func noRequest(text string) error {
	const from = "write the request in PEM, from -----BEGIN CERTIFICATE REQUEST----- to its end"
	if why := odd(text); why != "" {
		return errors.New(why)
	}
	if b, ok := body(text); ok {
		if _, err := parseRequest(b, verified); err == nil {
			return errors.New("the base64 text of a request stands there without its BEGIN and END lines: " + from +
				", as openssl req -inform DER -in FILE writes it")
		}
	}
	for _, b := range blocks(text) {
		if _, err := parseRequest(b.Bytes, verified); err == nil {
			return fmt.Errorf("it is called a %s, and what is in it is a request: %s", b.Type, from)
		}
	}
	switch is := another(text); {
	case strings.HasPrefix(is, "its "), strings.HasPrefix(is, "before "):
		return errors.New(is)
	case is != "" && is != "it is empty":
		return errors.New(is + ", not a request: " + from)
	case is != "":
		return errors.New(is + ": " + from)
	}
	return errors.New("there is no request in it: " + from)
}

// signedData reports whether a block is PKCS #7, whatever its lines BEGIN and END say (RFC 5652, 3
// and 5.1; RFC 5272, 3.2).
func signedData(der []byte) bool {
	input := cryptobyte.String(der)
	content := cryptobyte.String(nil)
	id := asn1.ObjectIdentifier(nil)
	return input.ReadASN1(&content, casn1.SEQUENCE) &&
		content.ReadASN1ObjectIdentifier(&id) &&
		id.String() == "1.2.840.113549.1.7.2"
}

// cutRequest is a request cut into its parts (RFC 2986, 4.2): whole is without what is behind it, signed is what
// the signature is over.
type cutRequest struct {
	whole, signed, key, algorithm cryptobyte.String
	signature                     asn1.BitString
}

// cut cuts a request into its parts, and reports whether it has all of them.
func cut(der []byte) (c cutRequest, ok bool) {
	input := cryptobyte.String(der)
	if !input.ReadASN1Element(&c.whole, casn1.SEQUENCE) {
		return c, false
	}
	outer := c.whole
	inner := cryptobyte.String(nil)
	info := cryptobyte.String(nil)
	name := cryptobyte.String(nil)
	version := 0
	ok = outer.ReadASN1(&inner, casn1.SEQUENCE) &&
		inner.ReadASN1Element(&c.signed, casn1.SEQUENCE) && inner.ReadASN1(&c.algorithm, casn1.SEQUENCE) &&
		inner.ReadASN1BitString(&c.signature)
	if !ok {
		return c, false
	}
	fields := c.signed
	ok = fields.ReadASN1(&info, casn1.SEQUENCE) &&
		info.ReadASN1Integer(&version) && info.ReadASN1Element(&name, casn1.SEQUENCE) &&
		info.ReadASN1Element(&c.key, casn1.SEQUENCE)
	return c, ok
}

// parseRequest reads the key of a request and, if asked, checks that it was signed with it. Of the rest it
// reads only where it ends.
func parseRequest(der []byte, how care) (Request, error) {
	c, ok := cut(der)
	if !ok {
		return Request{}, errCutOff
	}
	public, err := x509.ParsePKIXPublicKey(c.key)
	if err != nil {
		return Request{}, fmt.Errorf("its key is %s, which is not supported: %s", kindOfKey(c.key), askForRequest)
	}
	r := Request{PublicKey: public, Info: c.key, der: c.whole}
	method, err := readMethod(c.algorithm)
	if err != nil {
		return Request{}, err
	}
	r.Digest = method.broken
	if how == unverified {
		return r, nil
	}
	if err := method.verify(public, c.signed, c.signature.RightAlign()); err != nil {
		return Request{}, err
	}
	return r, nil
}
