// SPDX-License-Identifier: MPL-2.0

package access

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestNetworksThatAreNotCanonical(t *testing.T) {
	for _, text := range []string{"", "203.0.113.0", "203.0.113.7/24", "203.0.113.0/33", "2001:DB8::/32",
		"2001:db8:0::/32", "::ffff:203.0.113.0/120", "fe80::%eth0/64", "010.0.0.0/8"} {
		if p, err := ParseNetwork(text); err == nil {
			t.Errorf("ParseNetwork(%q) = %s, want an error", text, p)
		}
	}
	for _, text := range []string{"0.0.0.0/0", "203.0.113.0/24", "203.0.113.7/32", "2001:db8::/32", "::/0"} {
		if _, err := ParseNetwork(text); err != nil {
			t.Error(err)
		}
	}
}

// Networks within 192.0.2.0/24, so that all their addresses can be counted.
func networks() *rapid.Generator[[]netip.Prefix] {
	one := rapid.Custom(func(t *rapid.T) netip.Prefix {
		address := netip.AddrFrom4([4]byte{192, 0, 2, byte(rapid.IntRange(0, 255).Draw(t, "address"))})
		return netip.PrefixFrom(address, rapid.IntRange(24, 32).Draw(t, "bits")).Masked()
	})
	return rapid.SliceOfN(one, 1, 6)
}

func addresses(networks []netip.Prefix) (all [256]bool) {
	for i := range all {
		for _, n := range networks {
			all[i] = all[i] || n.Contains(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
		}
	}
	return all
}

func TestNetworksAgreeWithEnumeration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 100 {
			outer := networks().Draw(t, "outer")
			inner := networks().Draw(t, "inner")
			covers, in, out := true, addresses(inner), addresses(outer)
			for i := range in {
				covers = covers && (out[i] || !in[i])
			}
			if got := NetworkCovers(outer, inner); got != covers {
				t.Fatalf("%v covers %v = %v, enumeration says %v", outer, inner, got, covers)
			}
			merged := MergeNetworks(outer)
			if addresses(merged) != out {
				t.Fatalf("%v merged to %v covers other addresses", outer, merged)
			}
			size := 0
			for _, n := range merged {
				size += 1 << (32 - n.Bits())
			}
			want := 0
			for _, there := range out {
				if there {
					want++
				}
			}
			if size != want {
				t.Fatalf("%v merged to %v counts %d addresses, want %d", outer, merged, size, want)
			}
		}
	})
}

func TestNoNetworkMeansAnywhere(t *testing.T) {
	some := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	if !NetworkCovers(nil, some) || NetworkCovers(some, nil) || !NetworkCovers(nil, nil) {
		t.Error("no network must cover everything, and be covered by nothing else")
	}
}
