// SPDX-License-Identifier: MPL-2.0

package worksheet

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

var (
	yearFirst = regexp.MustCompile(`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]00:00(?::00)?(?:\.0+)?(?:Z| ?UTC)?)?$`)
	yearLast  = regexp.MustCompile(`^(\d{1,2})([-/.]) ?(\d{1,2})[-/.] ?(\d{4})(?: 0?0:00(?::00)?| 12:00:00 AM)?$`)
	shortYear = regexp.MustCompile(`^(\d{1,2})[-/.](\d{1,2}|[A-Za-z]{3,9})[-/.](\d{2})$`)
	serial    = regexp.MustCompile(`^[3-9]\d{4}([.,]\d+)?$`)
)

// withNames are the layouts of dates whose month is a word: nobody can misread these.
var withNames = []string{"2-Jan-2006", "2 Jan 2006", "2 January 2006", "January 2, 2006", "Jan 2, 2006",
	"January 2 2006", "Monday, January 2, 2006", "Monday, 2 January 2006", "2. January 2006"}

// parseUntil reads a date as people and spreadsheets write it, which means its first moment in UTC, or an RFC 3339
// moment. What could be two dates is refused, with both.
func parseUntil(text string) (access.Moment, string) {
	if m, err := access.ParseMoment(text); err == nil {
		return m, ""
	}
	if p := yearFirst.FindStringSubmatch(text); p != nil {
		return day(text, p[1], p[2], p[3])
	}
	if p := yearLast.FindStringSubmatch(text); p != nil {
		return yearAtEnd(text, p[1], p[3], p[4])
	}
	for _, layout := range withNames {
		if t, err := time.Parse(layout, text); err == nil {
			return access.At(t), ""
		}
	}
	switch {
	case shortYear.MatchString(text):
		return access.Moment{}, quoted(text) + " has a year of two digits: write the date as 2027-03-31"
	case serial.MatchString(text):
		whole, _ := strconv.Atoi(text[:5])
		is := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, whole)
		return access.Moment{}, fmt.Sprintf("%s is a date as a spreadsheet counts it, in days; in Excel it would be "+
			"%s: write it so", quoted(text), is.Format(time.DateOnly))
	}
	if _, err := access.ParseMoment(text); err != nil && strings.Contains(err.Error(), ": write ") {
		return access.Moment{}, quoted(text) + " is no date: " +
			err.Error()[strings.LastIndex(err.Error(), ": write ")+2:]
	}
	return access.Moment{}, quoted(text) + " is no date: write it as 2027-03-31"
}

// yearAtEnd reads a date that ends with its year. Which of the first two is the month is told only
// by one that is over 12.
func yearAtEnd(text, first, second, year string) (access.Moment, string) {
	a, _ := strconv.Atoi(first)
	b, _ := strconv.Atoi(second)
	switch {
	case a == 0, b == 0:
		return access.Moment{}, quoted(text) + " is no date that exists: write it as 2027-03-31"
	case a > 12 || a == b:
		return day(text, year, second, first)
	case b > 12:
		return day(text, year, first, second)
	}
	return access.Moment{}, fmt.Sprintf("%s could be %s-%02d-%02d or %s-%02d-%02d: write the one that is meant so",
		quoted(text), year, a, b, year, b, a)
}

// day returns the first moment of a day.
func day(text, year, month, dayOfMonth string) (access.Moment, string) {
	y, _ := strconv.Atoi(year)
	m, _ := strconv.Atoi(month)
	d, _ := strconv.Atoi(dayOfMonth)
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if y == 0 || t.Month() != time.Month(m) || t.Day() != d {
		return access.Moment{}, quoted(text) + " is no date that exists: write it as 2027-03-31"
	}
	return access.At(t), ""
}
