// SPDX-License-Identifier: MPL-2.0

// Package shown makes texts that others have chosen safe to show: with nothing in them that a reader cannot see, as no
// formula of a spreadsheet, as no markup of Markdown, and as one word of a shell.
package shown

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible returns text with nothing in it that a reader cannot see: what would turn the direction of the text, end a
// line in an unusual way or hide is written out as its code point. Otherwise a name could be shown as another's.
func Visible(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\r\n", "\n")
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if hidden(r) {
			fmt.Fprintf(&out, "[U+%04X]", r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// hidden reports whether a rune has no shape of its own; Zl and Zp are line ends that only some programs know.
func hidden(r rune) bool {
	if r == '\n' || r == '\t' {
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// Inert keeps a spreadsheet from reading a cell as a formula: partners and systems choose some of these values. The
// wide forms are there because some spreadsheets read them as the narrow ones.
func Inert(cell string) string {
	first, _ := utf8.DecodeRuneInString(cell)
	if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return "'" + cell
	}
	return cell
}

// markup has a meaning in Markdown wherever it stands. The last two make links of bare addresses.
var markup = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "{", `\{`, "}", `\}`, "[", `\[`, "]",
	`\]`, "<", `\<`, ">", `\>`,
	"#", `\#`, "|", `\|`, "~", `\~`, "!", `\!`, "&", `\&`, "$", `\$`, "://", `:\/\/`, "www.", `www\.`)

// Markdown makes of a value text that means nothing but itself; ends of lines stay.
func Markdown(value string) string { return strings.TrimSpace(markup.Replace(Visible(value))) }

// oneWord is what a shell takes as it stands.
var oneWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=-]+$`)

// Word returns a text as one word of a shell.
func Word(text string) string {
	if oneWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
