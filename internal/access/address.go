// SPDX-License-Identifier: MPL-2.0

package access

import "strings"

// SameAddress reports whether two texts are the address of one mailbox: whatever their case, whatever tag stands behind
// a plus, and whatever stands around the address.
func SameAddress(a, b string) bool { return mailbox(a) == mailbox(b) }

// mailbox returns an address without its tag, in lower case; what is no address is compared without case.
func mailbox(text string) string {
	text, _ = AddressIn(strings.ToLower(text))
	at := strings.LastIndex(text, "@")
	if at < 0 {
		return text
	}
	local, _, _ := strings.Cut(text[:at], "+")
	return local + text[at:]
}

// Address is an e-mail address in its parts, in lower case: addresses are compared without case.
type Address struct{ Local, Domain string }

// ParseAddress reads exactly one address in ASCII, with a dotted domain. Quoted local parts and address literals, which
// no directory hands out, are none.
func ParseAddress(text string) (Address, bool) {
	local, domain, _ := strings.Cut(strings.ToLower(text), "@")
	if len(text) > 254 ||
		len(local) > 64 ||
		!validLocal(local) ||
		!ValidDomain(domain) {
		return Address{}, false
	}
	return Address{local, domain}, true
}

// AddressIn returns the one address that a text holds as mail programs and pages copy it: with a name before it, as a
// link, with white space around, with a comment behind it, in quotes, or with a stop at its end. Where there is none,
// it returns the text without white space around.
func AddressIn(text string) (address string, ok bool) {
	address = strings.TrimSpace(text)
	if _, after, named := strings.Cut(address, "<"); named {
		address = after
	}
	if scheme := "mailto:"; len(address) > len(scheme) && strings.EqualFold(address[:len(scheme)], scheme) {
		address = address[len(scheme):]
	}
	address, _, _ = strings.Cut(address, "(")
	address = strings.TrimRight(strings.ReplaceAll(address, `"`, ""), ". >")
	if _, ok = ParseAddress(address); !ok {
		return strings.TrimSpace(text), false
	}
	return address, true
}

func validLocal(local string) bool {
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" ||
			strings.Trim(atom, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+/=?^_`{|}~-") !=
				"" {
			return false
		}
	}
	return true
}

// ValidDomain reports whether the text is a domain of two labels or more, the last of which is no number.
func ValidDomain(domain string) bool {
	labels := strings.Split(strings.ToLower(domain), ".")
	if len(labels) < 2 ||
		len(domain) > 253 ||
		strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return false
	}
	for _, l := range labels {
		if l == "" ||
			len(l) > 63 ||
			l[0] == '-' ||
			l[len(l)-1] == '-' ||
			strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}
