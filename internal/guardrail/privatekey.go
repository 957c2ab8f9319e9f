package guardrail

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"

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
		if len(v) >= 16 && private(v, 2) {
			return true
		}
	}
	return false
}

func private(text string, depth int) bool {
	if strings.ContainsAny(text, "\\\r%") {
		text = unescape.Replace(text)
	}
	upper := strings.ToUpper(text)
	switch {
	case strings.Contains(upper, "PRIVATE KEY") && pemPrivate.MatchString(text),
		strings.Contains(upper, "PUTTY-USER-KEY-FILE"), strings.Contains(upper, "PRIVATE-LINES:"),
		strings.Contains(upper, "AGE-SECRET-KEY-"), strings.Contains(text, "openssh-key-v1\x00"),
		strings.Contains(text, "kty") && jwkType.MatchString(text) && jwkPrivate.MatchString(text):
		return true
	}
	return depth > 0 && encodedPrivate(text, depth-1)
}

// encodedPrivate looks into whatever in the text is long enough to be base64 or hexadecimal of a key.
func encodedPrivate(text string, depth int) bool {
	for _, run := range runs(text) {
		var decoded [][]byte
		if b, err := hex.DecodeString(run); err == nil {
			decoded = append(decoded, b)
		}
		for start := range 4 { // what stands before it may have shifted it
			decoded = append(decoded, unbase64(run[start:]))
		}
		for _, b := range decoded {
			if derPrivate(b) || private(string(b), depth) {
				return true
			}
		}
	}
	return false
}

var urlSafe = strings.NewReplacer("-", "+", "_", "/")

// unbase64 decodes as much of either alphabet as makes whole bytes.
func unbase64(run string) []byte {
	if len(run)%4 == 1 {
		run = run[:len(run)-1]
	}
	b, err := base64.RawStdEncoding.DecodeString(urlSafe.Replace(run))
	if err != nil {
		return nil
	}
	return b
}

// runs are the stretches of base64 or hexadecimal letters in a text, white space left out, of 48 letters or more.
func runs(text string) []string {
	var all []string
	var run strings.Builder
	flush := func() {
		if run.Len() >= 48 {
			all = append(all, run.String())
		}
		run.Reset()
	}
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/', c == '_', c == '-':
			run.WriteByte(c)
		case c == '\n', c == '\t', c == ' ':
		default:
			flush()
		}
	}
	flush()
	return all
}

func derPrivate(b []byte) bool {
	if len(b) < 40 || b[0] != 0x30 {
		return false
	}
	if _, err := x509.ParsePKCS8PrivateKey(b); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PrivateKey(b); err == nil {
		return true
	}
	_, err := x509.ParseECPrivateKey(b)
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
