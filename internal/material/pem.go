package material

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

var errPrivate = errors.New("it holds a private key, which is exposed now: remove it, and ask the partner for what belongs to a new one")

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// lines are those of a text, without byte order mark, line ends of Windows and white space around each.
func lines(text string) []string {
	all := strings.Split(lineEnds.Replace(strings.TrimPrefix(text, "\ufeff")), "\n")
	for i, l := range all {
		all[i] = strings.Trim(l, " \t")
	}
	return all
}

// blocks are the PEM blocks in a text, whatever stands around them.
func blocks(text string) (all []*pem.Block) {
	rest := []byte(strings.Join(lines(text), "\n"))
	for {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return all
		}
		all = append(all, b)
	}
}

var pemHeader = regexp.MustCompile(`-----BEGIN ([A-Z0-9 ]{1,60})-----`)

// odd says what stands in the way of reading a text, where that is a matter of its spelling; "" where it is not.
func odd(text string) string {
	for _, c := range strings.TrimPrefix(text, "\ufeff") {
		if c > '~' && (invisible(c) || unicode.IsSpace(c)) {
			return fmt.Sprintf("characters stand in it that nobody sees, such as %s, as web pages and mails leave them: copy it as plain text", Named(c))
		}
	}
	if strings.Contains(text, `\n`) {
		return `its line ends are written as \n: read it with file("..."), or write replace(..., "\\n", "\n")`
	}
	return ""
}

// body reports whether a text is nothing but base64 of DER, as it stands between the lines of PEM.
func body(text string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(strings.TrimPrefix(text, "\ufeff")), ""))
	return b, err == nil && len(b) > 40 && b[0] == 0x30
}

// another says what a text is that is not what was asked for; "" where nobody can tell.
func another(text string) string {
	if all := blocks(text); len(all) > 0 {
		return kindOfBlock(all[0].Type)
	}
	joined := strings.Join(lines(text), "\n")
	switch {
	case strings.TrimSpace(joined) == "":
		return "it is empty"
	case strings.Contains(joined, "---- BEGIN SSH2 PUBLIC KEY"):
		return "it is an SSH public key in the format of RFC 4716 (PuTTY)"
	case pemHeader.MatchString(joined):
		name := pemHeader.FindStringSubmatch(joined)[1]
		if kind := kindOfBlock(name); strings.HasPrefix(name, "PGP ") {
			return kind
		}
		return "its PEM block " + name + " is damaged or cut off: ask the partner for the whole file"
	}
	for _, l := range lines(text) {
		if algorithm, _, _ := strings.Cut(l, " "); isAlgorithm(algorithm) {
			return "it is an SSH public key"
		}
		if strings.HasPrefix(strings.ToLower(l), "age1") {
			return "it is an age recipient"
		}
	}
	return ""
}

func kindOfBlock(name string) string {
	switch name {
	case "CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE":
		return "it is a CERTIFICATE"
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return "it is a CERTIFICATE REQUEST"
	case "PGP PUBLIC KEY BLOCK":
		return "it is a PGP public key"
	case "PUBLIC KEY", "RSA PUBLIC KEY":
		return "it is a public key in PEM (" + name + ")"
	}
	return "it is a " + name
}
