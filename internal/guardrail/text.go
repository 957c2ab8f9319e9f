// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// How findings spell values. The same value reads the same in every rule, since people compare two of them in one
// sentence and search for what they have read.

// date returns a moment as a reader compares it: the day alone where it is midnight UTC. So 2027-03-31T00:00:00Z reads
// 2027-03-31, and any other moment is written to the second.
func date(t time.Time) string {
	t = t.UTC()
	if t.Truncate(day).Equal(t) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}

// moment returns a point in time as an argument is written. What is given as a limit is cut to the second before it.
// Rounded up, it would be over the limit, and pasting it would be refused once more.
func moment(t time.Time) string { return t.UTC().Truncate(time.Second).Format(time.RFC3339) }

// length returns a length of time in words: whole days where it has any. What is only just longer than a limit reads
// so. So 36 hours are "1 day", and 24 hours and a minute "just over 1 day".
func length(d time.Duration) string {
	if d < day {
		return access.Hours(d.Truncate(time.Second))
	}
	text := counted(int64(d/day), "day")
	if rest := d % day; rest > 0 && rest < time.Hour {
		return "just over " + text
	}
	return text
}

// between returns the length of time from one moment to another, also where a Duration could not hold it. A Duration
// ends after some 292 years, and people write ends of 9999.
func between(from, to time.Time) string {
	if days := (to.Unix() - from.Unix()) / int64(day/time.Second); days > 365 {
		return counted(days, "day")
	}
	return length(to.Sub(from))
}

// counted returns a number of things.
func counted[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.FormatInt(int64(n), 10) + " " + thing + "s"
}

// beyond returns a length that is over a limit, in words that show it: where the days are the limit's,
// with what is beside them.
func beyond(d, limit time.Duration) string {
	text := length(d)
	if text == length(limit) {
		text += " and " + access.Hours((d % day).Truncate(time.Minute))
	}
	return text
}

// list returns the words as a sentence says them.
func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return strings.Join(quoted, ", ")
}

// shown returns a value as a text shows it: quoted, control characters escaped, cut where it is long. Letters beyond
// ASCII are escaped as well: one that only looks like another is seen here.
func shown(value string) string {
	const most = 80
	if r := []rune(value); len(r) > most {
		value = string(r[:most]) + "..."
	}
	return strconv.QuoteToASCII(value)
}

func say(format string, values ...any) string { return fmt.Sprintf(format, values...) }
