package report

import (
	"fmt"
	"strings"
	"unicode"
)

// visible returns text with nothing in it that a reader cannot see: what would turn the direction of the text, end a line in
// an unusual way or hide is written out as its code point. Otherwise a name could be shown as another's.
func visible(text string) string {
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
