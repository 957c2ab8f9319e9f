// SPDX-License-Identifier: MPL-2.0

package access

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// written is a moment as people write it: parts in the order of RFC 3339, with what they leave out or write otherwise.
var written = regexp.MustCompile(`^\+?(\d{4,})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T _]+(\d{1,2})(?:[:.h](\d{1,2}))?(?::(\d{1,2}))?([.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?)?(?:\[[A-Za-z_/+-]+\])?$`)

// compact is the basic form of ISO 8601.
var compact = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?)?(Z|[+-]\d{4})?$`)

var (
	european = regexp.MustCompile(`^(\d{1,2})[./-](\d{1,2})[./-](\d{4})(\s.*)?$`)
	seconds  = regexp.MustCompile(`^1\d{9}(\d{3})?$`)
	hyphens  = strings.NewReplacer("\u2010", "-", "\u2011", "-", "\u2012", "-", "\u2013", "-", "\u2014", "-", "\u2212", "-", "\u200b", "", "\ufeff", "", "\u00a0", " ")
)

// such is what is said where nobody can tell what is meant.
const such = " such as 2027-03-31T00:00:00Z"

// meantMoment says what to write for what is no RFC 3339 moment, where one can tell what is meant; else what one is like.
func meantMoment(text string) string {
	if text == "" {
		return such
	}
	plain := strings.ToUpper(strings.Trim(hyphens.Replace(text), " \t\r\n\"'`"))
	plain = compact.ReplaceAllString(plain, "$1-$2-$3 $4:$5:$6 $7")
	plain = strings.TrimSpace(strings.NewReplacer(" :: ", " ", ": ", " ", ":  ", " ").Replace(plain + " "))
	if p := written.FindStringSubmatch(plain); p != nil {
		return meantBy(p)
	}
	if p := european.FindStringSubmatch(plain); p != nil {
		return fmt.Sprintf("%s: write the year first, then month and day, %s-MM-DDT00:00:00Z", such, p[3])
	}
	if seconds.MatchString(plain) {
		n, _ := strconv.ParseInt(plain[:10], 10, 64)
		return ": write " + time.Unix(n, 0).UTC().Format(time.RFC3339)
	}
	for _, layout := range []string{time.RFC1123, time.RFC1123Z, time.RFC850, time.ANSIC, time.UnixDate, "2 January 2006", "January 2, 2006", "Jan 2 2006", "2 Jan 2006", "2-Jan-2006"} {
		if t, err := time.Parse(layout, strings.Trim(text, " \t\r\n")); err == nil {
			return ": write " + t.Format(time.RFC3339)
		}
	}
	return such
}

// meantBy puts the parts of a moment together as RFC 3339 has them.
func meantBy(p []string) string {
	if len(p[1]) > 4 {
		return ": years have four digits, and no access lasts that long"
	}
	full := func(s string) string { return strings.Repeat("0", 2-len(s)) + s }
	date := p[1] + "-" + full(p[2]) + "-" + full(p[3])
	clock := full(p[4]) + ":" + full(p[5]) + ":" + full(p[6])
	fraction := strings.Replace(p[7], ",", ".", 1)
	moment := date + "T" + clock + fraction[:min(len(fraction), 10)] + zoneOf(p[8])
	if !rfc3339.MatchString(moment) { // as with a zone that is none
		return such
	}
	m, err := ParseMoment(moment)
	if err != nil {
		_, why, _ := strings.Cut(err.Error(), " is no moment: ")
		return ": " + why
	}
	return ": write " + m.String()
}

// zoneOf returns a zone as RFC 3339 writes it: UTC where none is written.
func zoneOf(text string) string {
	if text == "" || text[0] != '+' && text[0] != '-' {
		return "Z"
	}
	digits := strings.ReplaceAll(text[1:], ":", "")
	if len(digits) <= 2 {
		digits += "00"
	}
	digits = strings.Repeat("0", 4-len(digits)) + digits
	return text[:1] + digits[:2] + ":" + digits[2:]
}

// counted is a length of time with a unit that Go has not, or in words.
var counted = regexp.MustCompile(`(?i)^\s*P?(\d{1,5})\s*(m|h|d|w|mo|y|hours?|days?|weeks?|months?|years?|minutes?|min)?\s*$`)

// meantSpan says what to write for what is no duration.
func meantSpan(text string) string {
	const like = " such as 720h or 90m"
	p := counted.FindStringSubmatch(text)
	if p == nil {
		return like
	}
	n, _ := strconv.Atoi(p[1])
	unit := strings.ToLower(p[2])
	switch {
	case unit == "":
		return like + ": write its unit"
	case strings.HasPrefix(unit, "h"):
		return fmt.Sprintf(": write %dh", n)
	case p[2] == "m" || strings.HasPrefix(unit, "min"):
		return fmt.Sprintf(": write %dm", n)
	case strings.HasPrefix(unit, "d"):
		return fmt.Sprintf(": write %dh", 24*n)
	case strings.HasPrefix(unit, "w"):
		return fmt.Sprintf(": write %dh", 7*24*n)
	}
	return like + ": months and years have no fixed length, write hours"
}
