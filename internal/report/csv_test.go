package report

import (
	"encoding/csv"
	"strings"
	"testing"
)

func TestCSV(t *testing.T) { golden(t, "report.csv", sample().CSV()) }

func TestCSVReadBack(t *testing.T) {
	r := sample()
	rows := readCSV(t, r.CSV())
	if len(rows) != 1+len(r.Inventory.Items) {
		t.Fatalf("%d rows of %d items", len(rows), len(r.Inventory.Items))
	}
	for n, row := range rows[1:] {
		if row[3] != r.Inventory.Items[n].ID {
			t.Errorf("row %d is of %q, not of %q", n, row[3], r.Inventory.Items[n].ID)
		}
	}
}

func TestCSVHostile(t *testing.T) {
	for _, value := range hostile {
		rows := readCSV(t, hostileReport(value).CSV())
		if len(rows) != 2 || len(rows[1]) != len(columns) {
			t.Fatalf("%q breaks the table", value)
		}
		for _, cell := range rows[1] {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") {
				t.Errorf("%q is a formula: %q", value, cell)
			}
		}
	}
}

func readCSV(t *testing.T, text string) [][]string {
	t.Helper()
	if strings.Count(text, "\n") != strings.Count(text, "\r\n") {
		t.Error("not every line ends in CR LF")
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
