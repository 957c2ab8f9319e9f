package material

import (
	"bytes"
	"crypto/x509"
	encoding "encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var (
	// A header as it is, or as word processors, mails and URLs make it.
	pemPrivate = regexp.MustCompile(`(?i)(-{4,5} ?BEGIN[ +][A-Z0-9 +]{0,40}(PRIVATE|SECRET)[ +]KEY|[-–—−]{2,5} ?BEGIN[ +][A-Z0-9 +]{0,40}PRIVATE[ +]KEY[A-Z +]{0,6} ?[-–—−]{2})`)
	jwkType    = regexp.MustCompile(`"kty"\s*:`)
	jwkPrivate = regexp.MustCompile(`"(d|k|p)"\s*:\s*"[A-Za-z0-9_=-]{16,}"`)
	// What openssl prints of a key (openssl pkey -text), what age's plugins, minisign, signify and BIND write, and .NET's XML.
	otherPrivate = regexp.MustCompile(`(?i)(priv(ate ?exponent)?:\s*([0-9a-f]{2}:){8}|AGE-PLUGIN-[A-Z0-9+._-]{1,30}-1[A-Z0-9]{6}|untrusted comment: .{0,40}secret key|Private-key-format: v|<RSAKeyValue>(?s:.*)<D>)`)
	static       = regexp.MustCompile(`(?i)-----BEGIN OpenVPN (tls-crypt-v2 )?(Static|client|server) key`)
	unescape     = strings.NewReplacer(`\\n`, "\n", `\n`, "\n", `\\r`, "", `\r`, "", `\"`, `"`, `\/`, "/", "&#10;", "\n", "&#xA;", "\n", "\x00", "", "\r", "", "%0A", "\n", "%0a", "\n", "%20", " ", "%2B", "+", "%2b", "+", "%2F", "/", "%2f", "/", "%3D", "=", "%3d", "=")
)

// HoldsPrivateKey reports whether a text holds private key material in any of its usual forms: PEM of every sort, encrypted
// or not, OpenSSH, SSH2, PGP and PuTTY files, age identities, JSON Web Keys, PKCS DER and PKCS #12, also with escaped line ends,
// and also as base64 or hexadecimal of one of these.
func HoldsPrivateKey(text string) bool {
	if len(text) < 16 {
		return false
	}
	if strings.ContainsAny(text, "\\\r%\x00&") {
		if private(text, 2) { // bytes of OpenSSH have zeros that mean something
			return true
		}
		text = unescape.Replace(text)
	}
	return private(seen(text), 2)
}

// seen is the text as a person sees it: one kind of space, and nothing invisible.
func seen(text string) string {
	ascii := func(r rune) bool { return r < utf8.RuneSelf }
	if strings.IndexFunc(text, func(r rune) bool { return !ascii(r) }) < 0 {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case ascii(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
}

func private(text string, depth int) bool {
	upper := upperASCII(text)
	switch {
	case strings.Contains(upper, "BEGIN") && strings.Contains(upper, "KEY") && (pemPrivate.MatchString(text) || static.MatchString(text)),
		hinted(upper) && otherPrivate.MatchString(text),
		strings.Contains(upper, "PUTTY-USER-KEY-FILE"), strings.Contains(upper, "PRIVATE-LINES:"),
		strings.Contains(upper, "AGE-SECRET-KEY-"), strings.Contains(text, "openssh-key-v1\x00"),
		strings.Contains(text, "kty") && jwkType.MatchString(text) && jwkPrivate.MatchString(text):
		return true
	}
	return depth > 0 && len(text) >= 48 && encodedPrivate(text, depth-1)
}

// hinted reports whether the slower look is worth it.
func hinted(upper string) bool {
	for _, word := range []string{"PRIV", "AGE-PLUGIN-", "SECRET KEY", "<RSAKEYVALUE>"} {
		if strings.Contains(upper, word) {
			return true
		}
	}
	return false
}

// upperASCII is the text in capitals. What is no letter of ASCII stays, in bytes that are no text too.
func upperASCII(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// encodedPrivate looks into whatever in the text is long enough to be base64 or hexadecimal of a key.
func encodedPrivate(text string, depth int) bool {
	for _, r := range runs(text) {
		for start := range 4 { // what stands before it may have shifted it
			if b := unbase64(r.letters[start:]); private(string(b), depth) {
				return true
			}
		}
		for _, start := range r.words {
			word := r.letters[start:]
			if (word[0] == 'M' || word[0] == '/' || word[0] == '_') && derPrivate(unbase64(word)) {
				return true
			}
			if b := unhex(word); len(b) > 0 && (private(string(b), depth) || derPrivate(b)) {
				return true
			}
		}
	}
	return false
}

var urlSafe = strings.NewReplacer("-", "+", "_", "/")

// unbase64 decodes as much of either alphabet as makes whole bytes.
func unbase64(letters string) []byte {
	if len(letters)%4 == 1 {
		letters = letters[:len(letters)-1]
	}
	b, err := base64.RawStdEncoding.DecodeString(urlSafe.Replace(letters))
	if err != nil {
		return nil
	}
	return b
}

// unhex decodes the hexadecimal that the letters begin with.
func unhex(letters string) []byte {
	end := 0
	for end < len(letters) && strings.IndexByte("0123456789abcdefABCDEF", letters[end]) >= 0 {
		end++
	}
	if end < 48 {
		return nil
	}
	b, _ := hex.DecodeString(letters[:end&^1])
	return b
}

// run is a stretch of base64 letters in a text, white space left out, and where in it words begin.
type run struct {
	letters string
	words   []int
}

// runs are those of 48 letters or more. The dashes of PEM end one.
func runs(text string) []run {
	var all []run
	var words []int
	letters, apart := make([]byte, 0, len(text)), true
	flush := func() {
		if len(letters) >= 48 {
			all = append(all, run{string(letters), slices.Clone(words)})
		}
		letters, words, apart = letters[:0], words[:0], true
	}
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '-' && i+1 < len(text) && text[i+1] == '-':
			flush()
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/', c == '_', c == '-':
			if apart {
				words, apart = append(words, len(letters)), false
			}
			letters = append(letters, c)
		case c == '\n', c == '\t', c == ' ':
			apart = true
		default:
			flush()
		}
	}
	flush()
	return all
}

// derPrivate says whether the bytes begin with a private key in DER.
func derPrivate(b []byte) bool {
	var whole, fields cryptobyte.String
	input := cryptobyte.String(b)
	if bytes.HasPrefix(b, javaStore) {
		return true
	}
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
	if store(fields) {
		return true
	}
	if _, err := x509.ParsePKCS8PrivateKey(whole); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PrivateKey(whole); err == nil {
		return true
	}
	_, err := x509.ParseECPrivateKey(whole)
	return err == nil
}

// javaStore is what a Java key store begins with whose first entry is a private key.
var javaStore = []byte{0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1}

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
