// SPDX-License-Identifier: MPL-2.0

package access

import "strings"

// HasWord reports whether a word of lower case letters, digits and hyphens stands in a text, in any case, with no
// letter or digit beside it.
func HasWord(text, word string) bool {
	text = strings.ToLower(text)
	inside := func(c byte) bool { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') }
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return false
		}
		at += from
		end := at + len(word)
		if (at == 0 || !inside(text[at-1])) && (end == len(text) || !inside(text[end])) {
			return true
		}
		from = at + 1
	}
}
