// SPDX-License-Identifier: MPL-2.0

package material

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"regexp"
	"strings"
	"unicode/utf8"
)

// body reports whether a text is nothing but base64 of DER, as it stands between the lines of PEM.
func body(text string) ([]byte, bool) {
	b, ok := fromBase64(text)
	return b, ok && b[0] == 0x30
}

// fromBase64 decodes a text that is nothing but base64, in whichever of its alphabets, and long
// enough not to be a word.
func fromBase64(text string) ([]byte, bool) {
	text = strings.TrimRight(strings.Join(strings.Fields(unquoted(text)), ""), "=")
	text = strings.NewReplacer("-", "+", "_", "/").Replace(text)
	b, err := base64.RawStdEncoding.DecodeString(text)
	return b, err == nil && len(b) > 40 && !strings.Contains(text, "+++++") // hyphens of PEM
}

// pkcs12 is how a file of PKCS #12 begins behind its length (RFC 7292, 4): version 3, and then an OID of PKCS #7.
var pkcs12 = []byte{0x02, 0x01, 0x03, 0x30}

// keyStore reports whether bytes begin as a key store of Java's (JKS, JCEKS) or of PKCS #12.
func keyStore(b []byte) bool {
	return bytes.HasPrefix(b, []byte{0xfe, 0xed, 0xfe, 0xed}) || bytes.HasPrefix(b, []byte{0xce, 0xce, 0xce, 0xce}) ||
		(b[0] == 0x30 && bytes.Contains(b[:32], pkcs12))
}

// encoded says what a text is that is base64 of something; "" where it is not.
func encoded(text string) string {
	b, ok := fromBase64(text)
	if !ok {
		return ""
	}
	if _, err := x509.ParseCertificate(b); err == nil {
		return "it is the base64 text of a CERTIFICATE"
	}
	if _, err := x509.ParsePKIXPublicKey(b); err == nil {
		return "it is the base64 text of a public key"
	}
	if keyStore(b) {
		return "its base64 text is of a key store (PKCS #12 or Java's), which is made for private keys: ask the " +
			"partner for what is public, and for another key if one is in it"
	}
	switch {
	case HoldsPrivateKey(string(b)):
		return "its base64 text holds a private key, which is exposed now: remove it, and ask the partner for what " +
			"belongs to a new one"
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}), bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		return "its base64 text is of a file in UTF-16, as by > of PowerShell: save that as UTF-8, and write " +
			"file(\"...\")"
	case utf8.Valid(b):
		return "its base64 text is of a text file: write file(\"...\") for filebase64(\"...\"), or base64decode(...)"
	}
	return ""
}

var (
	address  = regexp.MustCompile(`^((https?|ftps?|s3|git|ssh)://\S+|(github|gitlab|gh):[\w./-]+)$`)
	printed  = regexp.MustCompile(`^(\d+ )?(SHA256:[A-Za-z0-9+/]{43}|(MD5:)?([0-9a-f]{2}:){15}[0-9a-f]{2})( .*)?$`)
	fileName = regexp.MustCompile(`^(file\(.*\)|(~|\.{1,2})?[/\\]\S*|[A-Za-z]:\\.*|\S*\.(csr|req|p10|pem|pub|der|crt|cer|txt|age|key))$`)
)

// elsewhere says that a text only tells where the thing is; "" where it does not.
func elsewhere(text string) string {
	text = strings.TrimSpace(text)
	switch {
	case strings.Contains(text, "\n"):
		return ""
	case strings.HasPrefix(text, "SPKAC="):
		return "it is an SPKAC"
	case printed.MatchString(text):
		return "it is the fingerprint of a key"
	case address.MatchString(text):
		return "its text is an address, and nothing is fetched from there: save what is there, and write file(\"...\")"
	case fileName.MatchString(text):
		return "its text is the name of a file: write file(\"...\") for what is in it"
	case strings.HasPrefix(text, "{") && strings.Contains(text, `"kty"`):
		return "it is a JSON Web Key"
	}
	return ""
}
