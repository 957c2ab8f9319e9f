// SPDX-License-Identifier: MPL-2.0

package access

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"regexp"
	"strings"
)

var (
	// several are addresses and networks in one text.
	several = regexp.MustCompile(`[,;|]|[0-9a-fA-F]\s+[0-9a-fA-F]`)
	// ofFour are numbers as IPv4 has them, some of them with zeros before them, which some programs read as octal.
	ofFour  = regexp.MustCompile(`^(\d{1,4})\.(\d{1,4})\.(\d{1,4})\.(\d{1,4})(/\d{1,3})?$`)
	port    = regexp.MustCompile(`^([0-9.]+(?:/\d+)?|\[[0-9a-fA-F:.]+\](?:/\d+)?):\d+$`)
	address = regexp.MustCompile(`^[a-z]+://(\[[0-9a-fA-F:.]+\]|[0-9.]+)(?::\d+)?(?:/.*)?$`)
	words   = regexp.MustCompile(`(?i)^(\*|any|all|anywhere|everywhere|0/0|0\.0\.0\.0|::|0\.0\.0\.0/0+)$`)
	letters = regexp.MustCompile(`(\.)[xX](\.|$)`) // the last numbers, whatever they are
	slashes = regexp.MustCompile(`\s*/\s*`)
	label   = regexp.MustCompile(`(?i)^[a-z]{2,}[46]?[:=]`)
	netmask = regexp.MustCompile(`^(\S+)\s+(?:netmask\s+|mask\s+)?(\d+\.\d+\.\d+\.\d+)$`)
)

// meantNetworks says what to write for a text that is no network, where one can tell what is meant; else what a
// network of IPv6 is. The guesses stand in the order of how sure they are: a network inside a text says more than
// that its numbers look odd.
func meantNetworks(text string) string {
	plain := strings.TrimFunc(text, func(c rune) bool {
		return c <= ' ' ||
			c > '~' ||
			strings.ContainsRune("\"'`", c)
	})
	plain, _, _ = strings.Cut(plain, "#")
	plain = slashes.ReplaceAllString(strings.TrimSpace(plain), "/")
	return cmp.Or(serverMeant(plain), everywhereMeant(plain), rangeMeant(plain), maskMeant(plain), portMeant(plain),
		oneMeant(plain), sixMeant(plain),
		numbersMeant(plain), severalMeant(plain), nameMeant(plain), " or 2001:db8::/48")
}

func serverMeant(plain string) string {
	host := address.FindStringSubmatch(plain)
	if host == nil {
		return ""
	}
	if m, ok := meantNetwork(host[1]); ok {
		return ", but an address of a server: write " + m.String() + " if it is meant"
	}
	return ""
}

func everywhereMeant(plain string) string {
	if words.MatchString(plain) {
		return ": write 0.0.0.0/0 for all addresses of IPv4 and ::/0 for those of IPv6"
	}
	return ""
}

func rangeMeant(plain string) string {
	if first, last, ok := ends(plain); ok {
		return betweenSaid(first, last)
	}
	return ""
}

func maskMeant(plain string) string {
	mask := netmask.FindStringSubmatch(plain)
	if mask == nil {
		return ""
	}
	if m, ok := masked(mask[1], mask[2]); ok {
		return ": write " + m.String()
	}
	return ""
}

func portMeant(plain string) string {
	with := port.FindStringSubmatch(plain)
	if with == nil {
		return ""
	}
	if m, ok := meantNetwork(with[1]); ok {
		return ", which has no port: write " + m.String()
	}
	return ""
}

// denial is a word that turns the rest into its opposite.
var denial = regexp.MustCompile(`(?i)\b(not?|except|without|but|deny|drop|reject|block|exclude|excluding)\b`)

func oneMeant(plain string) string {
	if m, ok := among(plain); ok && !denial.MatchString(plain) {
		return ": write " + m.String()
	}
	return ""
}

func sixMeant(plain string) string {
	switch {
	case strings.Contains(plain, ":::"), strings.Count(plain, "::") > 1 && !several.MatchString(plain):
		return ": an address has one :: at most"
	case overlong.MatchString(plain):
		return ": the size of a network goes up to 128 in IPv6"
	}
	return ""
}

func numbersMeant(plain string) string {
	parts := ofFour.FindStringSubmatch(plain)
	switch {
	case parts == nil:
		return ""
	case zeros(parts[1:5]) || strings.HasPrefix(parts[5], "/0"):
		return ": numbers with a zero before them mean different things to different programs, write them without"
	}
	return ": its numbers go to 255, and a network's size to 32"
}

func severalMeant(plain string) string {
	if several.MatchString(plain) && strings.Count(plain, ".")+strings.Count(plain, ":") > 3 {
		return ": there are several in one text, write each as one of its own"
	}
	return ""
}

func nameMeant(plain string) string {
	host := strings.TrimPrefix(strings.TrimPrefix(plain, "https://"), "http://")
	if host != plain || named.MatchString(plain) {
		return ": names are not looked up, since whoever has the name would have the access: write the addresses"
	}
	return ""
}

// overlong is a network of IPv6 whose size has three digits.
var overlong = regexp.MustCompile(`^[0-9a-fA-F]*:[0-9a-fA-F:.]*/\d{3,}$`)

// among returns the one network that stands among words, brackets and commas. Where there are several, or something
// else with numbers in it, nobody can tell what is meant.
func among(text string) (found netip.Prefix, ok bool) {
	if m, is := meantNetwork(text); is {
		return m, true
	}
	for _, field := range strings.FieldsFunc(text,
		func(c rune) bool { return strings.ContainsRune(" \t\r\n,;|'\"()[]{}", c) }) {
		field = strings.TrimRight(field, "/.:")
		m, is := meantNetwork(field)
		if !is {
			m, is = meantNetwork(label.ReplaceAllString(field, ""))
		}
		switch {
		case is && ok, !is &&
			strings.ContainsAny(field, "0123456789") &&
			!label.MatchString(field+":"):
			return netip.Prefix{}, false
		case is:
			found, ok = m, true
		}
	}
	return found, ok
}

// zone is that of an address of IPv6.
var zone = regexp.MustCompile(`^([0-9a-fA-F:]+)%[^/\]]*`)

var named = regexp.MustCompile(`(?i)^[a-z0-9-]+(\.[a-z0-9-]+)*\.?[a-z][a-z0-9-]*\.?$`)

func zeros(parts []string) bool {
	for _, p := range parts {
		if len(p) > 1 && p[0] == '0' {
			return true
		}
	}
	return false
}

// meantNetwork returns the network that somebody means who writes an address, a network mask, brackets,
// asterisks, or too few numbers.
func meantNetwork(text string) (meant netip.Prefix, ok bool) {
	text = zone.ReplaceAllString(text, "$1")
	text = strings.NewReplacer("[", "", "]", "", "\\", "/", "\uff0f", "/").Replace(text)
	for letters.MatchString(text) {
		text = letters.ReplaceAllString(text, "$1*$2")
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), true
	}
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	host, size, cut := strings.Cut(text, "/")
	if !cut {
		return starred(text)
	}
	if short := strings.TrimRight(host, "."); strings.Trim(short, "0123456789.") == "" &&
		strings.Count(short, ".") < 3 &&
		!strings.Contains(size, ".") {
		p, err := netip.ParsePrefix(short + strings.Repeat(".0", 3-strings.Count(short, ".")) + "/" + size)
		return p.Masked(), err == nil
	}
	// of a prefix of IPv6
	if p, err := netip.ParsePrefix(host + "::/" + size); err == nil && !strings.Contains(host, "::") {
		return p.Masked(), true
	}
	return masked(host, size)
}

// masked returns a network of IPv4 that is written with its mask, or with what routers call the wildcard of it.
func masked(host, mask string) (netip.Prefix, bool) {
	a, err := netip.ParseAddr(strings.TrimSpace(host))
	m, errMask := netip.ParseAddr(strings.TrimSpace(mask))
	if err != nil || errMask != nil || !a.Is4() || !m.Is4() {
		return netip.Prefix{}, false
	}
	b := m.As4()
	set := binary.BigEndian.Uint32(b[:])
	if set&(1<<31) == 0 && (set != 0 || !a.IsUnspecified()) { // of one host the wildcard is 0.0.0.0
		set = ^set
	}
	size := bits.OnesCount32(set)
	return netip.PrefixFrom(a, size).Masked(), set == uint32(0xffffffff)<<(32-size)
}

// starred returns a network of IPv4 whose last numbers are asterisks.
func starred(text string) (netip.Prefix, bool) {
	fixed := strings.TrimRight(text, ".*")
	stars := strings.Count(text, "*")
	if stars == 0 ||
		strings.Count(text, ".") != 3 ||
		strings.Count(fixed, ".") != 3-stars ||
		!strings.HasSuffix(text, strings.Repeat(".*", stars)) {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(fmt.Sprintf("%s%s/%d", fixed, strings.Repeat(".0", stars), 32-8*stars))
	return p, err == nil
}

// ends returns the first and the last address of a range that is written with a hyphen, or three dots.
func ends(text string) (first, last netip.Addr, ok bool) {
	from, to, cut := strings.Cut(strings.NewReplacer("\u2013", "-", "\u2014", "-", "..", "-", " to ", "-", " ",
		"").Replace(text), "-")
	if !cut {
		return first, last, false
	}
	first, err := netip.ParseAddr(from)
	if err == nil && strings.Trim(to, "0123456789") == "" { // the last number alone
		to = from[:strings.LastIndexAny(from, ".:")+1] + to
	}
	last, errLast := netip.ParseAddr(to)
	return first, last, err == nil &&
		errLast == nil &&
		first.BitLen() == last.BitLen() &&
		!last.Less(first)
}

// betweenSaid says how a range is written as networks.
func betweenSaid(first, last netip.Addr) string {
	var all []string
	for a := first; a.IsValid() && !last.Less(a); {
		p := netip.PrefixFrom(a, a.BitLen())
		for p.Bits() > 0 {
			wider := netip.PrefixFrom(a, p.Bits()-1)
			if wider.Masked() != wider || last.Less(lastOf(wider)) {
				break
			}
			p = wider
		}
		if all = append(all, fmt.Sprintf("%q", p)); len(all) > 8 {
			return ": it is a range, and no few networks are that: write the networks that are meant"
		}
		a = lastOf(p).Next()
	}
	return ": it is a range, write " + strings.Join(all, ", ")
}

// lastOf returns the last address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
