// SPDX-License-Identifier: MPL-2.0

package material

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// A header as it is, or as word processors, mails and URLs make it.
	pemPrivate = regexp.MustCompile(`(?i)(-{4,5}\s?(BEGIN|END)[\s+][A-Z0-9\s+]{0,40}(PRIVATE|SECRET)[\s+]{1,3}KEY|[-\p{Pd}−]{2,5}\s?(BEGIN|END)[\s+][A-Z0-9\s+]{0,40}PRIVATE[\s+]{1,3}KEY[A-Z\s+]{0,6}[-\p{Pd}−]{2}|-{4,5}\s?BEGIN [A-Z ]{0,20}NKEY SEED)`)
	// A JSON Web Key, also as HCL, YAML or the query of a URL has its members.
	jwkType    = regexp.MustCompile(`(?i)\b(kty|crv)["']?\s*[:=]`)
	jwkPrivate = regexp.MustCompile(`(?i)(?:^|[\s{,"'?&:])(d|k|p|q|dp|dq|qi)["']?\s*[:=]>?\s*["']?[A-Z0-9_=+/-]{16,}`)
	// What openssl prints of a key (pkey -text, asn1parse), what WireGuard, Tailscale, libp2p, age's plugins, minisign,
	// signify, BIND, AWS, Tink, Nostr, BIP 32, PASERK, GnuPG's agent and SSH 1 write, OpenSSL's encrypted PEM of old
	// without its header, and .NET's XML.
	otherPrivate = regexp.MustCompile(`(?i)(priv(ate ?exponent)?:\s*([0-9a-f]{2}:){8}|\[HEX DUMP\]:0420[0-9a-f]{64}|` +
		`priv(ate)?[ _-]?key["']?\s*[:=]\s*["']?([a-z0-9+/]{43}=|(0x)?[0-9a-f]{64}|CAESQ|CAAS)|` +
		`AGE[-_\p{Pd}]\s?SECRET[-_\p{Pd}]\s?KEY[-_\p{Pd}]|AGE-PLUGIN-[A-Z0-9+._-]{1,30}-1[A-Z0-9]{6}|untrusted comment: .{0,40}secret key|` +
		`Private-key-format: v|Private-MAC:|\((\d+:)?(protected-)?private-key\s*\(|SSH PRIVATE KEY FILE FORMAT \d|DEK-Info: [A-Z]|` +
		`secret[ _-]?(access[ _-]?)?key["']?\s*[:=,]\s*["']?[a-z0-9+/]{40}\b|\b(AKIA|ASIA)[A-Z0-9]{16}["',;:\s]{1,5}[a-z0-9+/]{40}\b|` +
		`"ASYMMETRIC_PRIVATE"|\bnsec1[a-z0-9]{58}\b|\bxprv[a-z0-9]{100}|\bk[1-4]\.secret\.[a-z0-9_-]{40}|<RSAKeyValue[^>]{0,200}>(?s:.*)<D>)`)
	static = regexp.MustCompile(`(?i)-----BEGIN OpenVPN (tls-crypt-v2 )?(Static|client|server) key`)
	// A character by its number, or a sign of white space, as JSON and many languages write it,
	// however often it was quoted.
	escapes  = regexp.MustCompile(`\\+(?:u00([0-9a-fA-F]{2})|x([0-9a-fA-F]{2})|([nrt"'/]))`)
	percents = regexp.MustCompile(`%([0-9a-fA-F]{2})`)
)

// enough is how many letters of a word show what it is: with no limit, a long text would be decoded as
// often as it has words.
const enough = 1024

// deepest is how many encodings are undone, one inside the other.
const deepest = 4

// HoldsPrivateKey reports whether a text holds private key material in any of its usual forms: PEM of every sort,
// encrypted or not, OpenSSH, SSH2, PGP and PuTTY files, age identities, JSON Web Keys, PKCS DER and PKCS #12,
// also escaped as JSON, HTML or a URL do it, and also as base64, hexadecimal or gzip of one of these. The
// beginning of a key is enough.
func HoldsPrivateKey(text string) bool {
	if len(text) < 16 {
		return false
	}
	if dumped(text) || privateBytes(mailed(text), 1) {
		return true
	}
	if strings.ContainsAny(text, "\\\r%\x00&") {
		if private(text, deepest) { // bytes of OpenSSH have zeros that mean something
			return true
		}
		text = unescaped(text)
	}
	return private(seen(text), deepest)
}

// unescaped returns a text without what JSON, HTML and URLs do to it, also where one did it to the other.
func unescaped(text string) string {
	for range 3 {
		before := text
		text = strings.NewReplacer("\x00", "", "\r", "").Replace(text)
		text = escapes.ReplaceAllStringFunc(text, func(found string) string {
			parts := escapes.FindStringSubmatch(found)
			switch letter := parts[3]; letter {
			case "":
				return character(parts[1] + parts[2])
			case "n", "r", "t":
				return "\n"
			default:
				return letter
			}
		})
		text = percents.ReplaceAllStringFunc(text, func(found string) string { return character(found[1:]) })
		if text = html.UnescapeString(text); text == before {
			break
		}
	}
	return text
}

// character returns the one with a number of two hexadecimal digits.
func character(digits string) string {
	n, err := strconv.ParseUint(digits, 16, 8)
	if err != nil {
		return ""
	}
	return string([]byte{byte(n)})
}

// seen returns the text as a person sees it: one kind of space, and nothing invisible.
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

// private reports whether a text holds a private key, as it stands there or up to depth encodings deep. A search for
// words comes before each regular expression, which takes longer, and nearly every text has none of the words.
func private(text string, depth int) bool {
	upper := upperASCII(text)
	switch {
	case armored(upper) && (pemPrivate.MatchString(text) || static.MatchString(text)),
		hinted(upper) && otherPrivate.MatchString(text),
		strings.Contains(upper, "PUTTY-USER-KEY-FILE"), strings.Contains(upper, "PRIVATE-LINES:"),
		strings.Contains(text, "openssh-key-v1\x00"),
		strings.Contains(upper, "CEVINGR XRL"), strings.Contains(upper, "YEK ETAVIRP"), // by ROT13, and backwards
		// RFC 7518, 6
		(strings.Contains(upper, "KTY") || strings.Contains(upper, "CRV")) &&
			jwkType.MatchString(text) &&
			jwkPrivate.MatchString(text):
		return true
	}
	return depth > 0 && len(text) >= 48 && encodedPrivate(text, depth-1)
}

// armored reports whether a text in capitals may have the lines of a key in PEM, whole or not.
func armored(upper string) bool {
	return strings.Contains(upper, "KEY") && (strings.Contains(upper, "BEGIN") || strings.Contains(upper, "END"))
}

// hinted reports whether the slower look is worth it.
func hinted(upper string) bool {
	for _, word := range []string{"PRIV", "AGE-PLUGIN-", "SECRET", "<RSAKEYVALUE", "[HEX DUMP]", "DEK-INFO", "AKIA",
		"ASIA", "NSEC1", "XPRV"} {
		if strings.Contains(upper, word) {
			return true
		}
	}
	return false
}

// upperASCII returns the text in capitals. What is no letter of ASCII stays, in bytes that are no text too.
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
			if privateBytes(unbase64(r.letters[start:]), depth) {
				return true
			}
		}
		for _, start := range r.words {
			if encodedWord(r.letters[start:min(start+enough, len(r.letters))], depth) {
				return true
			}
		}
	}
	return false
}

// encodedWord looks into one word as base64 of a key or of what is packed, and as hexadecimal or base32 of anything.
func encodedWord(word string, depth int) bool {
	if strings.IndexByte(firstLetters, word[0]) >= 0 {
		if b := unbase64(word); binaryPrivate(b) || privateBytes(unzipped(b), depth) {
			return true
		}
	}
	return privateBytes(unhex(word), depth) || privateBytes(unbase32(word), depth)
}

// privateBytes reports whether what was decoded is a private key, or a text that holds one, also as
// Windows encodes texts.
func privateBytes(b []byte, depth int) bool {
	if len(b) == 0 {
		return false
	}
	if binaryPrivate(b) || (depth > 0 && privateBytes(unzipped(b), depth-1)) {
		return true
	}
	return private(string(b), depth) ||
		(bytes.Count(b, []byte{0}) > len(b)/4 && private(string(bytes.ReplaceAll(b, []byte{0}, nil)), depth))
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
	letters = strings.TrimPrefix(letters, "0x")
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

// unbase32 decodes the base32 that the letters begin with, in either case.
func unbase32(letters string) []byte {
	end := 0
	for end < len(letters) &&
		strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz234567", letters[end]) >= 0 {
		end++
	}
	if end < 48 {
		return nil
	}
	letters = upperASCII(letters[:end])
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(letters)
	if err != nil { // what is behind it begins with letters, too
		b, _ = base32.StdEncoding.DecodeString(letters[:end-end%8])
	}
	return b
}

// run is a stretch of base64 letters in a text, white space and the signs of a list left out, and where in it words
// begin: also behind a sign that is a letter, too, as in a path.
type run struct {
	letters string
	words   []int
}

// runs returns those of 48 letters or more. The dashes of PEM end one.
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
		switch sign := strings.IndexByte("+/_-", c) >= 0; {
		case strings.HasPrefix(text[i:], "--"):
			flush()
		case sign, alphanumeric(c):
			if apart {
				words = append(words, len(letters))
			}
			letters, apart = append(letters, c), sign
		case strings.IndexByte("\n\t \"',;|()[]{}<>$*=", c) >= 0, c >= utf8.RuneSelf:
			apart = true
		default:
			flush()
		}
	}
	flush()
	return all
}

// alphanumeric reports whether a byte is a letter or a digit of ASCII.
func alphanumeric(c byte) bool {
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
}
