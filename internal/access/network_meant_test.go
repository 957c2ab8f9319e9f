// SPDX-License-Identifier: MPL-2.0

package access

import (
	"net/netip"
	"strings"
	"testing"
)

// Networks as partners write them in mails: each is refused, and told what to write.
func TestNetworksAsTheyAreSent(t *testing.T) {
	const anywhere, zero, lots, name = "write 0.0.0.0/0", "zero before them", "several in one text", "names are not looked up"
	for text, says := range map[string]string{
		"203.0.113.0-203.0.113.255":         `it is a range, write "203.0.113.0/24"`,
		"203.0.113.8 - 203.0.113.15":        `it is a range, write "203.0.113.8/29"`,
		"203.0.113.10-20":                   `write "203.0.113.10/31", "203.0.113.12/30", "203.0.113.16/30", "203.0.113.20/32"`,
		"203.0.113.0–203.0.113.1":           `write "203.0.113.0/31"`,
		"2001:db8::-2001:db8::ffff":         `write "2001:db8::/112"`,
		"203.0.113.1-203.0.113.255":         `"203.0.113.128/25"`,
		"10.0.0.1-10.255.255.254":           "it is a range, and no few networks",
		"203.0.113.9-203.0.113.1":           "is not a network",
		"255.255.255.254-255.255.255.255":   `write "255.255.255.254/31"`,
		"::ffff:203.0.113.0/120":            "write 203.0.113.0/24",
		"::ffff:cb00:7100/120":              "write 203.0.113.0/24",
		"::ffff:0:0/90":                     "the IPv4 network that is meant",
		"203.0.113.007/32":                  zero,
		"010.0.0.0/8":                       zero,
		"203.0.113.0/024":                   zero,
		"256.1.1.1/32":                      "its numbers go to 255",
		"203.0.113.0/33":                    "size to 32",
		"203.0.113.0/24,198.51.100.0/24":    lots,
		"203.0.113.0/24 198.51.100.0/24":    lots,
		"203.0.113.7; 198.51.100.7":         lots,
		"2001:db8:1::/48 2001:db8:2::/48":   lots,
		"0/0":                               anywhere,
		"0.0.0.0":                           anywhere,
		"::":                                anywhere,
		"0.0.0.0/00":                        anywhere,
		"*":                                 anywhere,
		"Any":                               anywhere,
		"0.0.0.0/0.0.0.0":                   "write 0.0.0.0/0",
		"10/8":                              "write 10.0.0.0/8",
		"10.1/16":                           "write 10.1.0.0/16",
		"203.0.113/24":                      "write 203.0.113.0/24",
		"203.0.113.0\\24":                   "write 203.0.113.0/24",
		"203.0.113.0\uff0f24":               "write 203.0.113.0/24",
		"203.0.113.0/0.0.0.255":             "write 203.0.113.0/24",
		"203.0.113.0 255.255.255.0":         "write 203.0.113.0/24",
		"203.0.113.0 netmask 255.255.255.0": "write 203.0.113.0/24",
		"[2001:db8::7]":                     "write 2001:db8::7/128",
		"[2001:db8::]/48":                   "write 2001:db8::/48",
		"fe80::1%eth0/64":                   "write fe80::/64",
		"203.0.113.7:443":                   "no port: write 203.0.113.7/32",
		"203.0.113.0/24:443":                "no port: write 203.0.113.0/24",
		"[2001:db8::7]:443":                 "no port: write 2001:db8::7/128",
		"https://203.0.113.7":               "write 203.0.113.7/32",
		"https://[2001:db8::7]:8443/feed":   "write 2001:db8::7/128",
		"https://acme.test/":                name,
		"depot.acme.test":                   name,
		"localhost":                         name,
		"203.0.113.0/24 # the office":       "write 203.0.113.0/24",
		"203.0.113.0/24\u200b":              "write 203.0.113.0/24",
		"\"203.0.113.0/24\"":                "write 203.0.113.0/24",
		"203.0.113.0 /24":                   "write 203.0.113.0/24",
		"203.0.113.7 / 32":                  "write 203.0.113.7/32",
		"203.0.113.0/24,":                   "write 203.0.113.0/24",
		"203.0.113.7/":                      "write 203.0.113.7/32",
		"203.0.113.7 (office)":              "write 203.0.113.7/32",
		"host 203.0.113.7":                  "write 203.0.113.7/32",
		"ip4:203.0.113.0/24":                "write 203.0.113.0/24",
		"route6: 2001:db8::/48":             "write 2001:db8::/48",
		"['203.0.113.7']":                   "write 203.0.113.7/32",
		"203.0.113.7\n198.51.100.7":         lots,
		"203.0.113.7 and 2001:db8::7":       lots,
		"203.0.113.0 to 203.0.113.255":      `it is a range, write "203.0.113.0/24"`,
		"203.0.113.x":                       "write 203.0.113.0/24",
		"203.0.X.X":                         "write 203.0.0.0/16",
		"not 10.0.0.0/8":                    "or 2001:db8::/48",
		"all except 10.0.0.0/8":             "or 2001:db8::/48",
		"No 203.0.113.7 please":             "or 2001:db8::/48",
		"203.0.113.7 0.0.0.0":               "write 203.0.113.7/32",
		"203.0.113.7/0.0.0.0":               "write 203.0.113.7/32",
		"2001:db8/32":                       "write 2001:db8::/32",
		"2001:db8::/129":                    "up to 128",
		"2001:db8:::/48":                    "one ::",
		"203.0.113.0/-24":                   "or 2001:db8::/48",
		"203.0.113.0/255.0.255.0":           "or 2001:db8::/48",
		"1.2.3.4.5":                         "or 2001:db8::/48",
		"3405803776":                        "is not a network",
		"":                                  "is not a network",
	} {
		n, err := ParseNetwork(text)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v; want %q", text, n, err, says)
			continue
		}
		if _, written, _ := strings.Cut(err.Error(), ": write "); strings.Contains(written, "/") &&
			!strings.Contains(written, " ") {
			if _, err := ParseNetwork(written); err != nil {
				t.Errorf("%q: what is to be written is refused: %v", text, err)
			}
		}
	}
}

// A range is told as networks that cover its addresses and no other one.
func TestARangeIsItsNetworks(t *testing.T) {
	base := netip.MustParseAddr("203.0.113.0").As4()
	at := func(n int) netip.Addr { a := base; a[3] = byte(n); return netip.AddrFrom4(a) }
	for first := range 64 {
		for last := first; last < 64; last++ {
			text := betweenSaid(at(first), at(last))
			if _, list, ok := strings.Cut(text, "write \""); ok {
				var all []netip.Prefix
				for _, p := range strings.Split(strings.TrimSuffix(list, `"`), `", "`) {
					all = append(all, netip.MustParsePrefix(p))
				}
				for n := range 256 {
					in := false
					for _, p := range all {
						in = in || p.Contains(at(n))
					}
					if in != (n >= first && n <= last) {
						t.Fatalf("%d-%d: %s, and %d is in it: %v", first, last, text, n, in)
					}
				}
			}
		}
	}
}
