// SPDX-License-Identifier: MPL-2.0

package access

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// written is a moment as people write it: parts in the order of RFC 3339, with what they leave out or write otherwise.
var written = regexp.MustCompile(`^\+?(\d{4,})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T _]+(\d{1,2})(?:[:.h](\d{1,2}))?(?::(\d{1,2}))?([.,]\d*)?)?\s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?(?: [A-Z]{3,5})?)?(?:\[[A-Za-z_/+-]+\])?$`)

// compact is the basic form of ISO 8601.
var compact = regexp.MustCompile(`^(\d{4})-?(\d{2})-?(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?)?(Z|[+-]\d{4})?$`)

// dotted finds a time of day with points between hours, minutes and seconds, so that the seconds are
// not read as a fraction.
var dotted = regexp.MustCompile(`([T ]\d{1,2})\.(\d{2})\.(\d{2})`)

var (
	european = regexp.MustCompile(`^(\d{1,2})[./-](\d{1,2})[./-](\d{4})(\s.*)?$`)
	seconds  = regexp.MustCompile(`^1\d{9}(\d{3})?$`)
	// halves are hours from 1 to 12, places are zones that some summer moves, and lengths say how long something lasts.
	halves = regexp.MustCompile(`\d ?[AP]\.?M\.?$`)
	places = regexp.MustCompile(`\d ?([A-Z]{2,5}|[A-Z]+/[A-Z_/]+)$`)
	// weeks are a week's day, or a year's day by its number (ISO 8601).
	weeks   = regexp.MustCompile(`^\d{4}-?(W\d{2}(-?\d)?|\d{3})(T.*)?$`)
	month   = regexp.MustCompile(`^\d{4}[-/.]\d{1,2}$`)
	lengths = regexp.MustCompile(`^(\+|IN |AFTER |FOR )?P?T?\d+ ?(D|H|M|W|Y|MIN|DAYS?|HOURS?|WEEKS?|MONTHS?|YEARS?)( FROM NOW)?$`)
	endless = regexp.MustCompile(`^(NEVER|FOREVER|NONE|NULL|NO|UNLIMITED|INFINITE|INFINITY|PERMANENT|ALWAYS|INDEFINITE|OPEN|∞)$`)
	hyphens = strings.NewReplacer("\u2010", "-", "\u2011", "-", "\u2012", "-", "\u2013", "-", "\u2014", "-", "\u2212",
		"-", "\u200b", "", "\ufeff", "", "\u00a0", " ")
)

// such is what is said where nobody can tell what is meant.
const such = " such as 2027-03-31T00:00:00Z"

// meantMoment says what to write for what is no RFC 3339 moment, where one can tell what is meant;
// else what one is like.
func meantMoment(text string) string {
	if text == "" {
		return such
	}
	plain := strings.ToUpper(strings.Trim(hyphens.Replace(text), " \t\r\n\"'`"))
	plain = compact.ReplaceAllString(plain, "$1-$2-$3 $4:$5:$6 $7")
	plain = dotted.ReplaceAllString(plain, "${1}:${2}:$3")
	plain = strings.TrimSpace(strings.NewReplacer(" :: ", " ", ": ", " ", ":  ", " ").Replace(plain + " "))
	if p := written.FindStringSubmatch(plain); p != nil {
		return meantBy(p)
	}
	if p := european.FindStringSubmatch(plain); p != nil {
		return fmt.Sprintf("%s: write the year first, then month and day, %s-MM-DDT00:00:00Z", such, p[3])
	}
	if said := unlikeMoment(plain); said != "" {
		return said
	}
	if seconds.MatchString(plain) {
		n, _ := strconv.ParseInt(plain[:10], 10, 64)
		return ": write " + time.Unix(n, 0).UTC().Format(time.RFC3339)
	}
	for _, layout := range []string{time.RFC1123, time.RFC1123Z, time.RFC850, time.ANSIC, time.UnixDate,
		"2 January 2006", "January 2, 2006", "Jan 2, 2006", "Jan 2 2006", "2 Jan 2006", "2-Jan-2006"} {
		if t, err := time.Parse(layout, strings.Trim(text, " \t\r\n")); err == nil {
			return ": write " + t.Format(time.RFC3339)
		}
	}
	return such
}

// unlikeMoment says what a text is that can be no one moment; "" where that cannot be told.
func unlikeMoment(text string) string {
	switch {
	case endless.MatchString(text):
		return ": access has an end, such as 2027-03-31T00:00:00Z"
	case lengths.MatchString(text):
		return ", but a length of time: write when it ends, such as 2027-03-31T00:00:00Z"
	case weeks.MatchString(text):
		return ": write the month and the day of it, such as 2027-03-31T00:00:00Z"
	case month.MatchString(text):
		return ": write the day as well, such as 2027-03-31T00:00:00Z"
	case halves.MatchString(text):
		return such + ": write hours from 00 to 23"
	case strings.HasPrefix(text, "20") && places.MatchString(text):
		return such + ": write of a zone its distance from UTC, such as +01:00, or Z for UTC"
	}
	return ""
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
	fraction = strings.TrimSuffix(fraction, ".")
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
	if text == "" || (text[0] != '+' && text[0] != '-') {
		return "Z"
	}
	text, _, _ = strings.Cut(text, " ") // Go writes the zone's name behind its distance
	digits := strings.ReplaceAll(text[1:], ":", "")
	if len(digits) <= 2 {
		digits += "00"
	}
	digits = strings.Repeat("0", 4-len(digits)) + digits
	return text[:1] + digits[:2] + ":" + digits[2:]
}

var (
	// counted are numbers and their units, one after the other; lengthy is one of them, and iso the form of ISO 8601.
	counted = regexp.MustCompile(`^(?:(?:\d+(?:\.\d+)?) ?[a-z]+\.?(?:[ ,]|and)*)+$`)
	lengthy = regexp.MustCompile(`(\d+(?:\.\d+)?) ?([a-z]+)`)
	iso     = regexp.MustCompile(`^p((?:\d+[ymwd])*)(?:t((?:\d+[hms])+))?$`)
	plainly = strings.NewReplacer("\u200b", "", "\ufeff", "", "\u00a0", " ")
)

// like shows what a duration looks like, and vague says why months are none.
const like, vague = " such as 720h or 90m", ": months and years have no fixed length, write hours"

// meantSpan says what to write for what is no duration.
func meantSpan(text string) string {
	plain := strings.ToLower(strings.Trim(plainly.Replace(text), " \t\r\n\"'`"))
	if p := iso.FindStringSubmatch(plain); p != nil && plain != "p" {
		plain = strings.ReplaceAll(p[1], "m", "mo") + p[2]
	}
	switch {
	case plain != "" && strings.Trim(plain, "0123456789") == "":
		return like + ": write its unit"
	case strings.HasSuffix(plain, "ly"), strings.HasSuffix(plain, "quarter"):
		return like + vague
	case !counted.MatchString(plain):
		return like
	}
	seconds, problem := secondsIn(plain)
	if problem == "" && seconds > math.MaxInt64/1e9 {
		problem = like + ": it is too long"
	}
	if problem != "" {
		return problem
	}
	return ": write " + Hours(time.Duration(seconds)*time.Second)
}

// secondsIn adds up numbers and their units.
func secondsIn(plain string) (sum float64, problem string) {
	for _, p := range lengthy.FindAllStringSubmatch(plain, -1) {
		n, _ := strconv.ParseFloat(p[1], 64)
		length, known := secondsOf[p[2]]
		if !known {
			return 0, like
		}
		if length == 0 {
			return 0, like + vague
		}
		sum += n * length
	}
	return sum, ""
}

// secondsOf has how many seconds a unit has; 0 where that differs, as with months.
var secondsOf = map[string]float64{
	"s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1,
	"m": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60,
	"h": 3600, "hr": 3600, "hrs": 3600, "hour": 3600, "hours": 3600,
	"d": 86400, "day": 86400, "days": 86400,
	"w": 7 * 86400, "week": 7 * 86400, "weeks": 7 * 86400,
	"mo": 0, "month": 0, "months": 0, "quarter": 0, "quarters": 0, "y": 0, "year": 0, "years": 0,
}
