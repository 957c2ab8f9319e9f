// SPDX-License-Identifier: MPL-2.0

package worksheet

import (
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// table is what a sheet holds: named columns, and the lines below them.
type table struct {
	// at is where each column is, by its name.
	at map[string]int
	// width is how many columns have a name.
	width int
	lines []line
	// twice is a column of ours that has the name of another one; "" where none has.
	twice string
}

// line is one line of a sheet, with the number that a spreadsheet shows beside it.
type line struct {
	row   int
	cells []string
}

// cell returns the text of a column, without the spaces around it.
func (t *table) cell(l line, column string) string {
	at, has := t.at[column]
	if !has || at >= len(l.cells) {
		return ""
	}
	return l.cells[at]
}

// needed are the columns that a filled worksheet must have.
var needed = []string{columnID, columnAccess, columnDecision, columnUntil, columnReason}

// asCSV says how a spreadsheet saves what can be read.
const asCSV = `save it as "CSV UTF-8" (Excel), or as "Text CSV" in the character set UTF-8 (LibreOffice)`

// readTable reads a sheet. An error is a sentence about the whole of it, with its row where it has one.
func readTable(text string) (*table, Mistake, bool) {
	text, problem := plain(text)
	if problem != "" {
		return nil, Mistake{Problem: problem}, false
	}
	if first, rest, _ := strings.Cut(text, "\n"); len(first) == len("sep=,") && strings.EqualFold(first[:4], "sep=") {
		text = rest // Excel's own line, which it does not count
	}
	t, wrong, ok := separated(text)
	if !ok {
		return nil, wrong, false
	}
	for _, column := range needed {
		if _, has := t.at[column]; !has {
			return nil, Mistake{Column: column,
				Problem: "there is no such column: put it back, with its name in the first row"}, false
		}
	}
	if t.twice != "" {
		return nil, Mistake{Column: t.twice,
				Problem: "two columns have this name, and nobody knows which one somebody filled in: leave " +
					"one of them"},
			false
	}
	return t, Mistake{}, true
}

// separated returns the table that a text is with the one separator that makes it one. Where none does, the mistake is
// that of the first separator that cannot even split it, if there is one.
func separated(text string) (found *table, first Mistake, ok bool) {
	for _, separator := range ",;\t|" {
		lines, wrong, ok := split(text, separator)
		if !ok && first == (Mistake{}) {
			first = wrong
		}
		if !ok {
			continue
		}
		t := named(lines)
		if t == nil {
			continue
		}
		if found != nil {
			return nil, Mistake{Problem: "it is one table with one separator between its cells, and another one with " +
				"another: nobody knows which one somebody filled in; " + asCSV}, false
		}
		found = t
	}
	if found != nil {
		return found, Mistake{}, true
	}
	if first == (Mistake{}) {
		first.Problem = "no row names the columns " + strings.Join(needed, ", ") +
			": the first row of the worksheet is missing, or it is no table with commas, semicolons or tabs " +
			"between its cells"
	}
	return nil, first, false
}

// raw returns the bytes of a sheet as it lies in its file.
func raw(text string) []byte {
	if decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err == nil && len(decoded) > 0 {
		return decoded
	}
	return []byte(text)
}

// plain returns a sheet's text, with ends of lines of one kind and without a byte order mark; or a problem. What
// Terraform's file() cannot read comes by filebase64().
func plain(text string) (string, string) {
	text = string(raw(text))
	switch {
	case strings.TrimSpace(strings.TrimPrefix(text, bom)) == "":
		return "", "it is empty"
	case strings.HasPrefix(text, "PK\x03\x04"):
		return "", "it is a workbook (.xlsx or .ods): " + asCSV
	case strings.ContainsRune(text, 0):
		return "", "it is UTF-16, which Excel calls Unicode Text: " + asCSV
	case !utf8.ValidString(text):
		return "", "it is not UTF-8: " + asCSV
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(text, bom)), ""
}

// split reads the lines of a text, with a separator. Rows are counted as spreadsheets do: a cell of several lines is in
// one row, and an empty line is one.
func split(text string, separator rune) ([]line, Mistake, bool) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = separator, -1
	var lines []line
	row, end := 0, 0
	for {
		cells, err := r.Read()
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			return nil, Mistake{Row: row + wrong.StartLine - end, Problem: misquoted(wrong)}, false
		}
		if err != nil {
			return lines, Mistake{}, true
		}
		start, _ := r.FieldPos(0)
		row += start - end
		last, _ := r.FieldPos(len(cells) - 1)
		end = last + strings.Count(cells[len(cells)-1], "\n")
		for n := range cells {
			cells[n] = strings.TrimFunc(cells[n], func(r rune) bool {
				return unicode.IsSpace(r) ||
					r == '\u200b' ||
					r == '\ufeff'
			})
		}
		lines = append(lines, line{row, cells})
	}
}

// misquoted says what is wrong with a sheet that cannot be split into cells.
func misquoted(err *csv.ParseError) string {
	seen := "a quotation mark opens a cell and none closes it, or text follows the one that does"
	if errors.Is(err, csv.ErrBareQuote) {
		seen = "a quotation mark stands in a cell that does not begin with one"
	}
	return seen + ": nothing of the sheet is taken. Save it anew as CSV in the spreadsheet, or write \"\" for each " +
		"quotation mark in a cell, and one more around the cell"
}

// headings are how many rows somebody may have put above the names of the columns.
const headings = 10

// named finds the row that names the columns; nil where none does.
func named(lines []line) *table {
	for n, l := range lines[:min(len(lines), headings)] {
		t := &table{at: map[string]int{}, lines: lines[n+1:]}
		for at, name := range l.cells {
			name = strings.ToLower(name)
			if name == "" {
				continue
			}
			t.width = at + 1
			if _, twice := t.at[name]; !twice {
				t.at[name] = at
			} else if name == columnEdition || slices.Contains(needed, name) {
				t.twice = name
			}
		}
		if _, has := t.at[columnID]; has && len(l.cells) > 1 {
			return t
		}
	}
	return nil
}

// beside says what stands in a line where no column has a name.
func (t *table) beside(l line) string {
	for at := t.width; at < len(l.cells); at++ {
		if l.cells[at] != "" {
			return fmt.Sprintf("%s stands in column %d, which has no name: a separator within a cell may have moved "+
				"the cells; put the text into one cell", quoted(l.cells[at]), at+1)
		}
	}
	return ""
}
