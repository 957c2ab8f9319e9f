// SPDX-License-Identifier: MPL-2.0

package material

import (
	"cmp"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var errPrivate = errors.New("it holds a private key, which is exposed now: remove it, and ask the partner for what " +
	"belongs to a new one")

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// lines returns those of a text, without byte order mark, quotes around it all, line ends of Windows, and around each
// line white space and the marks that a mail sets before what it quotes, or before hyphens where it is signed.
func lines(text string) []string {
	all := strings.Split(lineEnds.Replace(unquoted(text)), "\n")
	for i, l := range all {
		l = strings.TrimRight(strings.TrimLeft(l, "> \t\v\f"), " \t\v\f")
		if strings.HasPrefix(l, "- --") { // of a signed mail (RFC 9580, 7.2)
			l = l[2:]
		}
		all[i] = l
	}
	return all
}

// quotes are those that people and editors set around a text.
var quotes = []string{`""`, `''`, "``", "“”", "„“", "‘’", "«»"}

// unquoted returns a text without byte order mark and without quotes around it all.
func unquoted(text string) string {
	text = strings.TrimPrefix(text, "\ufeff")
	inner := strings.TrimSpace(text)
	for _, q := range quotes {
		opening, size := utf8.DecodeRuneInString(q)
		if rest, ok := strings.CutPrefix(inner, string(opening)); ok {
			if between, ok := strings.CutSuffix(rest, q[size:]); ok {
				return between
			}
		}
	}
	return text
}

// onOneLine is a PEM block without headers, whose line ends may be lost, as in a variable of the environment.
var onOneLine = regexp.MustCompile(`-----BEGIN ([A-Za-z0-9 ]{1,60})-----([A-Za-z0-9+/=\s]*)-----END ([A-Za-z0-9 ]{1,60})-----`)

// blocks returns the PEM blocks in a text, whatever stands around them.
func blocks(text string) (all []*pem.Block) {
	rest := []byte(onOneLine.ReplaceAllStringFunc(strings.Join(lines(text), "\n"), func(block string) string {
		parts := onOneLine.FindStringSubmatch(block)
		name := strings.ToUpper(parts[1])
		if strings.TrimPrefix(name, "NEW ") != strings.TrimPrefix(strings.ToUpper(parts[3]), "NEW ") {
			return block
		}
		body := strings.TrimRight(strings.Join(strings.Fields(parts[2]), ""), "=")
		return fmt.Sprintf("\n-----BEGIN %s-----\n%s%s\n-----END %s-----\n", name, body, "==="[:(4-len(body)%4)%4],
			name)
	}))
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
			return fmt.Sprintf("characters stand in it that nobody sees, such as %s, as web pages and mails leave "+
				"them: copy it as plain text", Named(c))
		}
	}
	switch zeros := strings.Count(text, "\x00"); {
	case zeros > len(text)/3:
		return "it is written in UTF-16, as by > of PowerShell: save it as UTF-8"
	case zeros > 0 && strings.HasPrefix(text, "0"):
		return "it is no text, but DER: have it written in PEM"
	case strings.Contains(text, "\ufffd"):
		return "it was read in a wrong encoding, and characters were lost: save it as UTF-8"
	case strings.Contains(text, `\n`):
		return `its line ends are written as \n: read it with file("..."), or write replace(..., "\\n", "\n")`
	}
	return ""
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
		return brokenBlock(joined)
	case mangled.MatchString(joined):
		return "its lines BEGIN and END are not as PEM has them, -----BEGIN ...----- with five hyphens on either " +
			"side: copy it as plain text, or ask the partner for the file"
	case ends.MatchString(joined):
		return "its first line is missing, -----BEGIN " + ends.FindStringSubmatch(joined)[1] +
			"-----: ask the partner for the whole file"
	}
	if is := cmp.Or(encoded(joined), elsewhere(joined)); is != "" {
		return is
	}
	return keyOnALine(lines(text))
}

// keyOnALine says which key of one line is among the lines; "" where none is.
func keyOnALine(lines []string) string {
	for _, l := range lines {
		if algorithm, _, _ := strings.Cut(l, " "); isAlgorithm(algorithm) {
			return "it is an SSH public key"
		}
		if strings.HasPrefix(strings.ToLower(l), "age1") {
			return "it is an age recipient"
		}
	}
	return ""
}

var (
	mangled = regexp.MustCompile(`(?i)\bBEGIN\s+[A-Z0-9 ]*(REQUEST|CERTIFICATE|KEY)\b`)
	ends    = regexp.MustCompile(`-----END ([A-Z0-9 ]{1,60})-----`)
)

// softBreak is a line end of quoted-printable (RFC 2045, 6.7), which base64 has at its end only.
var softBreak = regexp.MustCompile(`=\n+[A-Za-z0-9+/]{12}`)

// firstMarked and lastMarked are the lines of a block where something stands before each: the + of a
// diff, the number of a line.
var (
	firstMarked = regexp.MustCompile(`(?m)^[^\s-].{0,11}?-----BEGIN `)
	lastMarked  = regexp.MustCompile(`(?m)^([^\s-].{0,11}?)-----END `)
)

// listed says that a block of PEM stands in a list or a diff; "" where it does not.
func listed(text string) string {
	joined := strings.Join(lines(text), "\n")
	if before := lastMarked.FindStringSubmatch(joined); before != nil && firstMarked.MatchString(joined) {
		return fmt.Sprintf("before each of its lines stands something, as in a list or a diff, such as %q: write the "+
			"PEM block alone, or ask the partner for the file", before[1])
	}
	return ""
}

// brokenBlock says what is wrong with a block of PEM that nothing can be decoded from.
func brokenBlock(text string) string {
	at := pemHeader.FindStringSubmatchIndex(text)
	name, body := text[at[2]:at[3]], text[at[1]:]
	if strings.HasPrefix(name, "PGP ") {
		return kindOfBlock(name)
	}
	if why := listed(text); why != "" {
		return why
	}
	if strings.Contains(body, "=3D") || softBreak.MatchString(body) {
		return "its PEM block " + name +
			" is in quoted-printable, as mails are sent: save it from the mail program as text, or ask the partner " +
			"for the file"
	}
	end := strings.Index(body, "-----END")
	if end >= 0 && !strings.Contains(body[:end], ": ") {
		for _, c := range body[:end] {
			if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", c) &&
				!unicode.IsSpace(c) {
				return fmt.Sprintf("its PEM block %s has %q in it, where nothing but base64 belongs: copy it as "+
					"plain text, or ask the partner for the file", name, c)
			}
		}
	}
	return "its PEM block " + name + " is damaged or cut off: ask the partner for the whole file"
}

// kindOfBlock says what a block of PEM is.
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
	if strings.ContainsRune("AEIOX", rune(name[0])) || strings.HasPrefix(name, "SSH") {
		return "it is an " + name
	}
	return "it is a " + name
}
