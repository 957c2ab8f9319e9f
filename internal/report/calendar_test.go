// SPDX-License-Identifier: MPL-2.0

package report

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/partner-access/terraform-provider-partner/internal/golden"
)

func TestTheCalendarReadsAsItsGoldenFile(t *testing.T) {
	golden.Compare(t, "testdata/report.ics", sample().Calendar())
}

func TestNoValueBreaksTheCalendar(t *testing.T) {
	for _, value := range append(hostile, strings.Repeat("漢", 200), strings.Repeat("x", 74)+"é") {
		text := hostileReport(value).Calendar()
		checkLines(t, text)
		for line, times := range map[string]int{
			"BEGIN:VCALENDAR\r\n": 1,
			"END:VCALENDAR\r\n":   1,
			"BEGIN:VEVENT\r\n":    2,
			"END:VEVENT\r\n":      2,
		} {
			if n := strings.Count("\r\n"+text, "\r\n"+line); n != times {
				t.Errorf("%q: %d times %q, want %d", value, n, line, times)
			}
		}
	}
}

// checkLines looks at each line as it is sent, and at each as it is read once it is unfolded.
func checkLines(t *testing.T, text string) {
	t.Helper()
	if strings.Count(text, "\n") != strings.Count(text, "\r\n") ||
		strings.Count(text, "\r") != strings.Count(text, "\r\n") {
		t.Error("not every line ends in CR LF")
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if len(line) > 75 || !utf8.ValidString(line) {
			t.Errorf("%d octets: %q", len(line), line)
		}
	}
	property := regexp.MustCompile(`^[A-Z-]+:`)
	unfolded := strings.ReplaceAll(text, "\r\n ", "")
	for line := range strings.SplitSeq(strings.TrimSuffix(unfolded, "\r\n"), "\r\n") {
		if !property.MatchString(line) {
			t.Errorf("no property: %q", line)
		}
	}
}

func TestCalendarUID(t *testing.T) {
	uid := regexp.MustCompile(`UID:.*`)
	before, after := sample(), sample()
	after.Inventory.At, after.Inventory.Items[0].EndsAt = day(3), day(300)
	was := uid.FindAllString(before.Calendar(), -1)
	is := uid.FindAllString(after.Calendar(), -1)
	seen := map[string]bool{}
	for n := range was {
		if was[n] != is[n] || seen[was[n]] {
			t.Errorf("%s became %s, or is there twice", was[n], is[n])
		}
		seen[was[n]] = true
	}
}

// The value is that of Python's uuid.uuid5(uuid.NAMESPACE_URL, ...).
func TestUUID(t *testing.T) {
	if got := uuid("a",
		"b"); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).
		MatchString(got) || got != "f00a73d1-e63b-503b-9831-06097c172bf5" {
		t.Error(got)
	}
}
