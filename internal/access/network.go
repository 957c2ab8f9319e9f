// SPDX-License-Identifier: MPL-2.0

package access

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// ParseNetwork reads a network in its one canonical form: no host bits, IPv6 in lower case and shortened, no zone.
func ParseNetwork(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is not a network such as 203.0.113.0/24%s", text, meantNetworks(text))
	case p.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q is an IPv4 network written as IPv6: write %s", text, unmapped(p))
	}
	if canonical := p.Masked().String(); canonical != text {
		return netip.Prefix{}, fmt.Errorf("%q is not a network in its canonical form: write %s", text, canonical)
	}
	return p, nil
}

// unmapped returns the IPv4 network that is written as IPv6. One that is wider than all of IPv4 is none.
func unmapped(p netip.Prefix) string {
	if p.Bits() < 96 {
		return "the IPv4 network that is meant"
	}
	return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked().String()
}

// NetworkCovers reports whether every address of the inner networks lies in the outer ones. No outer network means
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

// MergeNetworks returns the shortest list of networks that covers the same addresses, sorted: networks inside others
// are dropped, and two halves become their whole.
func MergeNetworks(networks []netip.Prefix) []netip.Prefix {
	sorted := slices.Clone(networks)
	order.Sort(sorted, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	var merged []netip.Prefix
	for _, next := range sorted {
		if n := len(merged); n > 0 &&
			merged[n-1].Bits() <= next.Bits() &&
			merged[n-1].Overlaps(next) {
			continue
		}
		merged = append(merged, next)
		for n := len(merged); n > 1; n = len(merged) {
			a, b := merged[n-2], merged[n-1]
			whole := netip.PrefixFrom(a.Addr(), a.Bits()-1)
			if a.Bits() != b.Bits() ||
				a.Bits() == 0 ||
				whole.Masked() != whole ||
				!whole.Contains(b.Addr()) {
				break
			}
			merged = append(merged[:n-2], whole)
		}
	}
	return merged
}
