// SPDX-License-Identifier: MPL-2.0

package access

import "strings"

// SameAddress reports whether two texts are the address of one mailbox: whatever their case, and whatever tag stands behind a plus.
func SameAddress(a, b string) bool { return mailbox(a) == mailbox(b) }

// mailbox returns an address without its tag, in lower case; what is no address is compared without case.
func mailbox(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	at := strings.LastIndex(text, "@")
	if at < 0 {
		return text
	}
	local, _, _ := strings.Cut(text[:at], "+")
	return local + text[at:]
}
