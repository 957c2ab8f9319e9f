package access

import (
	"encoding/json"
	"fmt"
	"time"
)

// Moment is a point in time as somebody wrote it: compared as time, kept to the letter as text, so that a declaration
// is given back as it was written. The zero Moment is "none".
type Moment struct {
	time.Time
	text string
}

// ParseMoment reads an RFC 3339 moment. A date without time or zone is refused, since nobody could say when it ends.
func ParseMoment(text string) (Moment, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return Moment{}, fmt.Errorf("%q is not an RFC 3339 moment such as 2027-03-31T00:00:00Z", text)
	}
	return Moment{Time: t.UTC(), text: text}, nil
}

// At is t as a Moment, written in UTC to the second.
func At(t time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	t = t.UTC()
	return Moment{Time: t, text: t.Format(time.RFC3339)}
}

// String is the moment as it was written.
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
		return Span{}, fmt.Errorf("%q is not a duration such as 720h or 90m", text)
	}
	if d < 0 {
		return Span{}, fmt.Errorf("%q is negative", text)
	}
	return Span{Duration: d, text: text}, nil
}

// String is the span as it was written.
func (s Span) String() string { return s.text }

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

// Earliest is the earliest of the moments that are set; zero where none is.
func Earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
