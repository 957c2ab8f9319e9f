package guardrail

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

var (
	pemPrivate = regexp.MustCompile(`(?i)-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY`)
	jwkType    = regexp.MustCompile(`"kty"\s*:`)
	jwkPrivate = regexp.MustCompile(`"(d|k)"\s*:\s*"[A-Za-z0-9_=-]{16,}"`)
	unescape   = strings.NewReplacer(`\\n`, "\n", `\n`, "\n", `\\r`, "", `\r`, "", `\"`, `"`, "\r", "", "%0A", "\n", "%0a", "\n", "%20", " ", "%2B", "+", "%2b", "+", "%2F", "/", "%2f", "/", "%3D", "=", "%3d", "=")
)

// PrivateKey says whether one of the values holds private key material in any of its usual forms: PEM of every sort,
// OpenSSH, SSH2 and PuTTY files, age identities, JSON Web Keys, PKCS DER, also with escaped line ends, and also as
// base64 or hexadecimal of one of these.
func PrivateKey(values ...string) bool {
	for _, v := range values {
		if len(v) < 16 {
			continue
		}
		if strings.ContainsAny(v, "\\\r%") {
			v = unescape.Replace(v)
		}
		if private(v, 2) {
			return true
		}
	}
	return false
}

func private(text string, depth int) bool {
	upper := upperASCII(text)
	switch {
	case strings.Contains(upper, "PRIVATE KEY") && pemPrivate.MatchString(text),
		strings.Contains(upper, "PUTTY-USER-KEY-FILE"), strings.Contains(upper, "PRIVATE-LINES:"),
		strings.Contains(upper, "AGE-SECRET-KEY-"), strings.Contains(text, "openssh-key-v1\x00"),
		strings.Contains(text, "kty") && jwkType.MatchString(text) && jwkPrivate.MatchString(text):
		return true
	}
	return depth > 0 && len(text) >= 48 && encodedPrivate(text, depth-1)
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
			if word[0] == 'M' && derPrivate(unbase64(word)) {
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
	if len(b) < 40 || !input.ReadASN1Element(&whole, asn1.SEQUENCE) {
		return false
	}
	// All of them begin with a version, which requests and certificates do not.
	if sequence := whole; !sequence.ReadASN1(&fields, asn1.SEQUENCE) || !fields.PeekASN1Tag(asn1.INTEGER) {
		return false
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

// texts are all arguments of an object that a person could write a key into.
func texts(o access.Object) []string {
	terms := o.Common()
	all := []string{terms.Owner}
	if r := terms.Review; r != nil {
		all = append(all, r.By, r.Reason)
	}
	for slug, w := range terms.Waivers {
		all = append(all, slug, w.Reason, w.Approver)
	}
	switch o := o.(type) {
	case *access.Identity:
		all = append(all, o.Purpose, o.Contact, o.HoldReleased)
		if o.Agreement != nil {
			all = append(all, o.Agreement.Reference)
		}
		for _, p := range o.Ceiling {
			all = append(all, string(p))
		}
	case *access.Grant:
		all = append(append(all, string(o.Resource), o.Purpose), o.Actions...)
	case *access.Credential:
		all = append(all, credentialTexts(o)...)
	}
	return all
}

func credentialTexts(c *access.Credential) []string {
	var all []string
	switch c.Kind() {
	case access.Federated:
		all = append([]string{c.Federated.Issuer, c.Federated.Subject}, c.Federated.Audiences...)
	case access.Certificate:
		all = []string{c.Certificate.CSR}
	case access.SSHCertificate:
		all = []string{c.SSHCertificate.PublicKey}
	case access.Secret:
		all = []string{c.Secret.Recipient}
	}
	if c.Rotation != nil {
		for k, v := range c.Rotation.Trigger {
			all = append(all, k, v)
		}
	}
	return all
}
