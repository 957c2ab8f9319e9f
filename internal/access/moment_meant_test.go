// SPDX-License-Identifier: MPL-2.0

package access

import (
	"strings"
	"testing"
)

// Moments as people write them: each is refused, since its end could be read in two ways, and told what to write.
func TestMomentsAsTheyAreSent(t *testing.T) {
	for text, says := range map[string]string{
		"2027-02-30":                               "February 2027 has 28 days",
		"2027-02-30 10:00":                         "February 2027 has 28 days",
		"2027-13-01":                               "no month 13",
		"2027-02-19T24:00Z":                        "24:00 does not exist: write 2027-02-20T00:00:00Z",
		"2027-02-19 24:00":                         "write 2027-02-20T00:00:00Z",
		"2027-02-19T24:00:00":                      "write 2027-02-20T00:00:00Z",
		"2027-02-19T24:00:00.000Z":                 "write 2027-02-20T00:00:00Z",
		"20270219T000000Z":                         "write 2027-02-19T00:00:00Z",
		"20270219":                                 "write 2027-02-19T00:00:00Z",
		"20270219T1530+0100":                       "write 2027-02-19T15:30:00+01:00",
		"2027-2-9T00:00:00Z":                       "write 2027-02-09T00:00:00Z",
		"2027-2-9":                                 "write 2027-02-09T00:00:00Z",
		"2027-02-09T0:00:00Z":                      "write 2027-02-09T00:00:00Z",
		"2027-02-09T00:00:00 Z":                    "write 2027-02-09T00:00:00Z",
		"2027-02-09 00:00:00 UTC":                  "write 2027-02-09T00:00:00Z",
		"2027-02-09T00:00:00GMT":                   "write 2027-02-09T00:00:00Z",
		"2027-02-09T00:00:00,5Z":                   "write 2027-02-09T00:00:00.5Z",
		"2027-02-09T00:00:00.12345678901Z":         "write 2027-02-09T00:00:00.123456789Z",
		"2027-02-09T00:00:00+01":                   "write 2027-02-09T00:00:00+01:00",
		"2027-02-09T00:00:00+1:00":                 "write 2027-02-09T00:00:00+01:00",
		"2027-02-09 00:00:00 -0330":                "write 2027-02-09T00:00:00-03:30",
		"2027-02-09T00:00:00+01:00[Europe/Berlin]": "write 2027-02-09T00:00:00+01:00",
		"2027-02-09T00":                            "write 2027-02-09T00:00:00Z",
		"2027-02-09Z":                              "write 2027-02-09T00:00:00Z",
		"2027/02/09":                               "write 2027-02-09T00:00:00Z",
		"2027.02.09 8:05":                          "write 2027-02-09T08:05:00Z",
		"2027\u201102\u201109T00:00:00Z":           "write 2027-02-09T00:00:00Z",
		"2027-02-09T00:00:00Z\u200b":               "write 2027-02-09T00:00:00Z",
		"\"2027-02-09T00:00:00Z\"":                 "write 2027-02-09T00:00:00Z",
		" 2027-02-09T00:00:00Z\n":                  "write 2027-02-09T00:00:00Z",
		"10000-01-01T00:00:00Z":                    "four digits",
		"+10000-01-01T00:00:00Z":                   "four digits",
		"9999-12-31T23:59:59-10:00":                "not in the years 1970 to 9999",
		"0001-01-01T00:00:00+10:00":                "not in the years 1970 to 9999",
		"0001-01-01T00:00:00Z":                     "not in the years 1970 to 9999",
		"0001-01-01T00:00:00.000000001Z":           "not in the years 1970 to 9999",
		"1970-01-01T00:00:00+00:01":                "not in the years 1970 to 9999",
		"0000-06-01T00:00:00Z":                     "not in the years 1970 to 9999",
		"2027-06-30T23:59:60Z":                     "leap second is inserted: write 2027-06-30T23:59:59Z",
		"2027-06-30t18:59:60.5-05:00":              "write 2027-06-30T18:59:59-05:00",
		"2027-02-09T00:00:61Z":                     "seconds are 00 to 59",
		"2027-02-09T00:00:00.Z":                    "write 2027-02-09T00:00:00Z",
		"2027-02-09T153000Z":                       "write 2027-02-09T15:30:00Z",
		"2027-02-09 00:00:00 +0100 CET":            "write 2027-02-09T00:00:00+01:00",
		"2027-02-09 00:00:00 +0000 UTC":            "write 2027-02-09T00:00:00+00:00",
		"2027-02-09 12:00 pm":                      "hours from 00 to 23",
		"2027-02-09T03:15:00 P.M.":                 "hours from 00 to 23",
		"2027-02-09T00:00:00 CET":                  "its distance from UTC",
		"2027-02-09 00:00 Europe/Berlin":           "its distance from UTC",
		"2027-02-09T10.20.30Z":                     "write 2027-02-09T10:20:30Z",
		"2027-W13-3":                               "the month and the day of it",
		"2027W133T00:00:00Z":                       "the month and the day of it",
		"2027-w13":                                 "the month and the day of it",
		"2027-090T00:00:00Z":                       "the month and the day of it",
		"2027090":                                  "the month and the day of it",
		"2027-02":                                  "the day as well",
		"2027-2":                                   "the day as well",
		"Feb 9, 2027":                              "write 2027-02-09T00:00:00Z",
		"90d":                                      "a length of time",
		"+90d":                                     "a length of time",
		"in 90 days":                               "a length of time",
		"P90D":                                     "a length of time",
		"forever":                                  "access has an end",
		"Unlimited":                                "access has an end",
		"none":                                     "access has an end",
		"2027-03-31T00:00:00+24:00":                "RFC 3339",
		"31.03.2027":                               "2027-MM-DDT00:00:00Z",
		"03/31/2027":                               "the year first",
		"31-03-2027 10:00":                         "the year first",
		"31 March 2027":                            "write 2027-03-31T00:00:00Z",
		"March 31, 2027":                           "write 2027-03-31T00:00:00Z",
		"Wed, 31 Mar 2027 00:00:00 GMT":            "write 2027-03-31T00:00:00Z",
		"Wed Mar 31 00:00:00 UTC 2027":             "write 2027-03-31T00:00:00Z",
		"1806451200":                               "write 2027-03-31T00:00:00Z",
		"1806451200000":                            "write 2027-03-31T00:00:00Z",
		"2027":                                     "such as 2027-03-31T00:00:00Z",
		"never":                                    "access has an end",
		"720h":                                     "a length of time",
	} {
		m, err := ParseMoment(text)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v; want %q", text, m, err, says)
			continue
		}
		if _, to, ok := strings.Cut(err.Error(), ": write 2"); ok {
			if _, err := ParseMoment("2" + to); err != nil {
				t.Errorf("%q: what is to be written is refused: %v", text, err)
			}
		}
	}
	for _, text := range []string{"2027-03-31T00:00:00.123456789Z", "2027-03-31t00:00:00+14:00",
		"2027-03-31T00:00:00-00:00", "2028-02-29T00:00:00z", "9999-12-31T23:59:59Z"} {
		if _, err := ParseMoment(text); err != nil {
			t.Error(err)
		}
	}
}

func TestSpansAsTheyAreSent(t *testing.T) {
	for text, says := range map[string]string{
		"30d": "write 720h", "30 days": "write 720h", "P30D": "write 720h", "2w": "write 336h", "720H": "write 720h",
		"720 h": "write 720h", "12h ": "write 12h",
		"90 minutes": "write 1h30m", "720": "write its unit", "P1M": "months and years", "1mo": "months and years",
		"1y": "months and years", "1h30": "such as 720h", "": "such as 720h",
		"PT24H": "write 24h", "PT90M": "write 1h30m", "P1DT2H": "write 26h", "P1W2D": "write 216h",
		"1h 30m": "write 1h30m", "1H30M": "write 1h30m", "30d12h": "write 732h",
		"1.5d": "write 36h", "3600 s": "write 1h", "3600 seconds": "write 1h", "720 hrs": "write 720h",
		"60 min.": "write 1h", "\"1h\"": "write 1h", "1h\u200b": "write 1h",
		"1 day and 2 hours": "write 26h", "1y6mo": "months and years", "P1Y6M": "months and years",
		"1 quarter": "months and years", "quarterly": "months and years",
		"1:30": "such as 720h", "99999999h": "too long", "2562048h": "too long", "99999999999999999999d": "too long",
		"never": "such as 720h", "-30d": "such as 720h",
	} {
		if d, err := ParseSpan(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v; want %q", text, d, err, says)
			continue
		}
		if _, to, ok := strings.Cut(says, "write "); ok && !strings.Contains(to, " ") {
			if _, err := ParseSpan(to); err != nil {
				t.Errorf("%q: what is to be written is refused: %v", text, err)
			}
		}
	}
}
