package access

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ParseNetwork reads a network in its one canonical form: no host bits, IPv6 in lower case and shortened, no zone.
func ParseNetwork(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		if meant, ok := meantNetwork(text); ok {
			return netip.Prefix{}, fmt.Errorf("%q is not a network such as 203.0.113.0/24: write %s", text, meant)
		}
		return netip.Prefix{}, fmt.Errorf("%q is not a network such as 203.0.113.0/24 or 2001:db8::/48", text)
	}
	if p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is an IPv4 network written as IPv6: write it as IPv4", text)
	}
	if canonical := p.Masked().String(); canonical != text {
		return netip.Prefix{}, fmt.Errorf("%q is not a network in its canonical form: write %s", text, canonical)
	}
	return p, nil
}

// meantNetwork is the network that somebody means who writes an address, a network mask, or asterisks.
func meantNetwork(text string) (meant netip.Prefix, ok bool) {
	text = strings.TrimSpace(text)
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), true
	}
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.WithZone("").Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	if host, mask, cut := strings.Cut(text, "/"); cut {
		a, err := netip.ParseAddr(strings.TrimSpace(host))
		m, errMask := netip.ParseAddr(strings.TrimSpace(mask))
		if err != nil || errMask != nil || !a.Is4() || !m.Is4() {
			return netip.Prefix{}, false
		}
		b := m.As4()
		bits := 0
		for v := binary.BigEndian.Uint32(b[:]); v&(1<<31) != 0; v <<= 1 {
			bits++
		}
		p := netip.PrefixFrom(a, bits).Masked()
		return p, binary.BigEndian.Uint32(b[:]) == uint32(0xffffffff)<<(32-bits) || bits == 0 && m == netip.IPv4Unspecified()
	}
	fixed := strings.TrimRight(text, ".*")
	stars := strings.Count(text, "*")
	if stars > 0 && strings.Count(text, ".") == 3 && strings.Count(fixed, ".") == 3-stars && strings.HasSuffix(text, strings.Repeat(".*", stars)) {
		p, err := netip.ParsePrefix(fmt.Sprintf("%s%s/%d", fixed, strings.Repeat(".0", stars), 32-8*stars))
		return p, err == nil
	}
	return netip.Prefix{}, false
}

// NetworkCovers says whether every address of the inner networks lies in the outer ones. No outer network means
// anywhere, and no inner one too.
func NetworkCovers(outer, inner []netip.Prefix) bool {
	if len(outer) == 0 {
		return true
	}
	if len(inner) == 0 {
		return false
	}
	merged := MergeNetworks(outer)
	return !slices.ContainsFunc(inner, func(in netip.Prefix) bool {
		return !slices.ContainsFunc(merged, func(out netip.Prefix) bool {
			return out.Bits() <= in.Bits() && out.Overlaps(in)
		})
	})
}

// MergeNetworks is the shortest list of networks that covers the same addresses, sorted: networks inside others are
// dropped, and two halves become their whole.
func MergeNetworks(networks []netip.Prefix) []netip.Prefix {
	sorted := slices.Clone(networks)
	slices.SortFunc(sorted, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	var merged []netip.Prefix
	for _, next := range sorted {
		if n := len(merged); n > 0 && merged[n-1].Bits() <= next.Bits() && merged[n-1].Overlaps(next) {
			continue
		}
		merged = append(merged, next)
		for n := len(merged); n > 1; n = len(merged) {
			a, b := merged[n-2], merged[n-1]
			whole := netip.PrefixFrom(a.Addr(), a.Bits()-1)
			if a.Bits() != b.Bits() || a.Bits() == 0 || whole.Masked() != whole || !whole.Contains(b.Addr()) {
				break
			}
			merged = append(merged[:n-2], whole)
		}
	}
	return merged
}
