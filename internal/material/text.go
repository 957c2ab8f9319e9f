// SPDX-License-Identifier: MPL-2.0

package material

import (
	"fmt"
	"strings"
	"unicode"
)

// Flaw is a character in a text that nobody sees, or that changes how the rest is shown.
type Flaw struct {
	Character rune
	// At is the character's place, from 1 on.
	At int
}

// FlawIn finds the first control, format or otherwise invisible character of a text, and reports whether there is one.
// Line ends and tabs are fine, and so are the selectors that follow emoji; behind anything else they show nothing.
func FlawIn(text string) (Flaw, bool) {
	at, last := 0, ' '
	for place, c := range text {
		at++
		if selects := c == 0xfe0e || c == 0xfe0f; (selects && !emoji(last, text[place:])) ||
			(!selects && invisible(c)) {
			return Flaw{c, at}, true
		}
		last = c
	}
	return Flaw{}, false
}

// emoji reports whether a selector at the start of the rest changes how the character before it is shown: a symbol, or
// a mark or a digit in a frame.
func emoji(before rune, rest string) bool {
	return (before > '~' && unicode.In(before, unicode.So, unicode.Sm, unicode.Po, unicode.Pd)) ||
		strings.HasPrefix(rest, "\ufe0f\u20e3")
}

// invisible reports whether a character shows nothing where text is read, and so could hide in a key that looks right.
func invisible(c rune) bool {
	switch {
	case c == '\n', c == '\t':
		return false
	case c == 0x2800, c == 0x1d159: // a blank pattern of Braille, and a note without its head
		return true
	case c < 0x7f:
		return c < ' '
	case unicode.In(c, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
		return true
	}
	return unicode.In(c, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

var names = map[rune]string{
	0x00ad: "a soft hyphen", 0x180e: "a Mongolian vowel separator", 0x200b: "a zero-width space",
	0x200c: "a zero-width non-joiner", 0x200d: "a zero-width joiner",
	0x200e: "a left-to-right mark", 0x200f: "a right-to-left mark", 0x061c: "an Arabic letter mark",
	0x2028: "a line separator", 0x2029: "a paragraph separator",
	0x202a: "a left-to-right embedding", 0x202b: "a right-to-left embedding", 0x202c: "the end of an embedding",
	0x202d: "a left-to-right override",
	0x202e: "a right-to-left override", 0x2060: "a word joiner", 0x2066: "a left-to-right isolate",
	0x2067: "a right-to-left isolate",
	0x2068: "a first-strong isolate", 0x2069: "the end of an isolate", 0xfeff: "a byte order mark", 0x00: "a zero byte",
	0x0d: "a carriage return", 0x7f: "a delete",
	0x1b: "an escape", 0x85: "a next-line control", 0xa0: "a no-break space", ' ': "a space", '\n': "a line end",
	'\t': "a tab",
}

// Named returns a character in words, with its code point.
func Named(c rune) string {
	name, ok := names[c]
	switch {
	case ok:
	case unicode.Is(unicode.Cc, c):
		name = "a control character"
	case unicode.IsSpace(c):
		name = "a space"
	default:
		name = "an invisible character"
	}
	return fmt.Sprintf("%s (%U)", name, c)
}

// String says which character stands where.
func (f Flaw) String() string { return fmt.Sprintf("%s as its character %d", Named(f.Character), f.At) }

// several is the error of a text that has more than one of what it should have one of. It names them, so
// that one can be chosen.
func several(what string, names []string) error {
	const most = 4
	more := ""
	if rest := len(names) - most; rest > 0 {
		more = fmt.Sprintf(" and %d more", rest)
	}
	return fmt.Errorf("there are %d %s in it (%s%s): write one", len(names), what,
		strings.Join(names[:min(len(names), most)], ", "), more)
}
