// SPDX-License-Identifier: MPL-2.0

package access

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Moment is a point in time as somebody wrote it: compared as time, kept to the letter as text, so that a declaration
// is given back as it was written. The zero Moment is "none".
type Moment struct {
	time.Time
	text string
}

// rfc3339 is what a moment is made of (RFC 3339, 5.6, which allows small letters). Go's parser takes more than that.
var rfc3339 = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)

// first is the first year that a moment can be in. The beginning of the year 1 is what Go calls no time at all: an end
// that somebody wrote so, to end access at once, would have been none.
const first = 1970

// ParseMoment reads an RFC 3339 moment. A date without time or zone is refused, since nobody could say when it ends.
func ParseMoment(text string) (Moment, error) {
	if parts := rfc3339.FindStringSubmatch(text); parts != nil {
		t, err := time.Parse(time.RFC3339, strings.ToUpper(text))
		if year := t.UTC().Year(); err == nil && year >= first && year <= 9999 {
			return Moment{Time: t.UTC(), text: text}, nil
		}
		if err == nil {
			return Moment{}, fmt.Errorf("%q is no moment of any access: in UTC it is not in the years %d to 9999", text,
				first)
		}
		return Moment{}, fmt.Errorf("%q is no moment: %s", text, noSuchMoment(parts))
	}
	return Moment{}, fmt.Errorf("%q is not an RFC 3339 moment%s", text, meantMoment(text))
}

// noSuchDay says why a day does not exist; "" where it does.
func noSuchDay(year, month, day int) string {
	if month < 1 || month > 12 {
		return fmt.Sprintf("there is no month %02d", month)
	}
	if last := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day(); day < 1 || day > last {
		return fmt.Sprintf("the day does not exist, %s %d has %d days", time.Month(month), year, last)
	}
	return ""
}

// noSuchMoment says why a moment that is well written does not exist.
func noSuchMoment(parts []string) string {
	var n [7]int
	for i := range n[1:] {
		n[i+1], _ = strconv.Atoi(parts[i+1])
	}
	year := n[1]
	month := n[2]
	day := n[3]
	hour := n[4]
	minute := n[5]
	second := n[6]
	if why := noSuchDay(year, month, day); why != "" {
		return why
	}
	switch {
	case hour == 24 && minute == 0 && second == 0:
		next := time.Date(year, time.Month(month), day+1, 0, 0, 0, 0, time.UTC)
		return "24:00 does not exist: write " + next.Format("2006-01-02T15:04:05") + strings.ToUpper(parts[8])
	case hour > 23:
		return "hours are 00 to 23"
	case minute > 59:
		return "minutes are 00 to 59"
	case second == 60:
		return "seconds are 00 to 59 here, also where a leap second is inserted: write " +
			strings.ToUpper(fmt.Sprintf("%s-%s-%sT%s:%s:59%s", parts[1], parts[2], parts[3], parts[4], parts[5],
				parts[8]))
	case second > 59:
		return "seconds are 00 to 59 here, also where a leap second is inserted"
	}
	return "write it as 2027-03-31T00:00:00Z"
}

// At returns t as a Moment, written in UTC to the second.
func At(t time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	t = t.UTC()
	return Moment{Time: t, text: t.Format(time.RFC3339)}
}

// String returns the moment as it was written.
func (m Moment) String() string { return m.text }

// MarshalJSON writes the text.
func (m Moment) MarshalJSON() ([]byte, error) { return json.Marshal(m.text) }

// UnmarshalJSON reads what MarshalJSON wrote; the empty text is the zero Moment.
func (m *Moment) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	if text == "" {
		*m = Moment{}
		return nil
	}
	parsed, err := ParseMoment(text)
	*m = parsed
	return err
}

// Span is a length of time as somebody wrote it, in Go's notation (720h, 90m). The zero Span is "none".
type Span struct {
	time.Duration
	text string
}

// ParseSpan reads a Go duration that is not negative.
func ParseSpan(text string) (Span, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return Span{}, fmt.Errorf("%q is not a duration%s", text, meantSpan(text))
	}
	if d < 0 {
		return Span{}, fmt.Errorf("%q is negative", text)
	}
	return Span{Duration: d, text: text}, nil
}

// String returns the span as it was written.
func (s Span) String() string { return s.text }

// Hours returns a length of time as configurations write it, without the parts that are zero: 720h, 1h30m.
func Hours(d time.Duration) string {
	text := d.String()
	if d%time.Minute == 0 && d != 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d%time.Hour == 0 && d != 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalJSON writes the text.
func (s Span) MarshalJSON() ([]byte, error) { return json.Marshal(s.text) }

// UnmarshalJSON reads what MarshalJSON wrote; the empty text is the zero Span.
func (s *Span) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	if text == "" {
		*s = Span{}
		return nil
	}
	parsed, err := ParseSpan(text)
	*s = parsed
	return err
}

// Earliest returns the earliest of the moments that are set; zero where none is.
func Earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// Latest returns the latest of the moments; zero where none is set.
func Latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
