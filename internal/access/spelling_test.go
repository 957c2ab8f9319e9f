// SPDX-License-Identifier: MPL-2.0

package access

import (
	"strings"
	"testing"
)

// What people write almost right is refused with what to write.
func TestMomentsSayWhatToWrite(t *testing.T) {
	for text, says := range map[string]string{
		"2027-02-19T24:00:00Z":      "24:00 does not exist: write 2027-02-20T00:00:00Z",
		"2027-12-31T24:00:00+01:00": "write 2028-01-01T00:00:00+01:00",
		"2027-02-29T00:00:00Z":      "February 2027 has 28 days",
		"2027-04-31T00:00:00Z":      "April 2027 has 30 days",
		"2027-13-01T00:00:00Z":      "no month 13",
		"2027-01-01T25:00:00Z":      "hours are 00 to 23",
		"2027-01-01T24:00:01Z":      "hours are 00 to 23",
		"2027-06-30T23:59:60Z":      "seconds are 00 to 59",
		"2027-03-31":                "write 2027-03-31T00:00:00Z",
		"2027-03-31T10:00:00":       "write 2027-03-31T10:00:00Z",
		"2027-03-31 10:00:00Z":      "write 2027-03-31T10:00:00Z",
		"2027-03-31T10:00Z":         "write 2027-03-31T10:00:00Z",
		"2027-03-31T10:00:00+0100":  "write 2027-03-31T10:00:00+01:00",
		"2027-03-31T5:00:00Z":       "write 2027-03-31T05:00:00Z",
		"2027-03-31T05:00:00,5Z":    "RFC 3339",
		"2027-03-31T05:00:00+24:00": "RFC 3339",
		"31.03.2027":                "RFC 3339",
		"":                          "RFC 3339",
	} {
		if m, err := ParseMoment(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v; want %q", text, m, err, says)
		}
	}
	small, err := ParseMoment("2027-02-20t00:00:00z")
	large, errLarge := ParseMoment("2027-02-20T00:00:00Z")
	if err != nil ||
		errLarge != nil ||
		!small.Equal(large.Time) ||
		small.String() != "2027-02-20t00:00:00z" {
		t.Errorf("small letters: %v, %v, %v", small, err, errLarge)
	}
}

func TestNetworksSayWhatToWrite(t *testing.T) {
	for text, says := range map[string]string{
		"203.0.113.7":                 "write 203.0.113.7/32",
		"2001:db8::7":                 "write 2001:db8::7/128",
		"203.0.113.0/255.255.255.0":   "write 203.0.113.0/24",
		"203.0.113.7/255.255.255.128": "write 203.0.113.0/25",
		"203.0.113.7/24":              "write 203.0.113.0/24",
		"203.0.113.*":                 "write 203.0.113.0/24",
		"10.*.*.*":                    "write 10.0.0.0/8",
		"203.0.113.0/24\n":            "write 203.0.113.0/24",
		"2001:DB8::/48":               "write 2001:db8::/48",
		"::ffff:203.0.113.7":          "write 203.0.113.7/32",
		"203.0.113.0/255.0.255.0":     "is not a network",
		"10.*.0.*":                    "is not a network",
		"anywhere":                    "is not a network",
	} {
		if n, err := ParseNetwork(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v; want %q", text, n, err, says)
		}
	}
}
