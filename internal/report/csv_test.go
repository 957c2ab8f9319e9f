// SPDX-License-Identifier: MPL-2.0

package report

import (
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/golden"
)

func TestTheCSVReadsAsItsGoldenFile(t *testing.T) {
	golden.Compare(t, "testdata/report.csv", sample().CSV())
}

func TestEveryRowOfTheCSVIsReadBack(t *testing.T) {
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

// beside are the columns that the schema of an item has elsewhere, or in another form, and what they hold.
var beside = map[string]string{
	"system": `{"type": "string"}`, "at": `{"type": "string", "format": "date-time"}`, "partner": `{"type": "string"}`,
	"waivers":   `{"type": "string"}`,
	"agreement": `{"type": "string"}`, "agreement_ends_at": `{"type": "string", "format": "date-time"}`,
	"reviewed_by": `{"type": "string"}`, "review_reason": `{"type": "string"}`,
}

// The table has the properties of the schema of an item, by name, and each cell holds what the schema says.
func TestCSVIsAsTheSchemaHasIt(t *testing.T) {
	root := schema(t)
	item := root.(map[string]any)["$defs"].(map[string]any)["item"].(map[string]any)
	properties := item["properties"].(map[string]any)
	for name := range properties {
		if name != "review" && !slices.Contains(columns, name) {
			t.Errorf("the table has no column %s", name)
		}
	}
	rows := readCSV(t, sample().CSV())
	for n, name := range rows[0] {
		schema, ok := properties[name].(map[string]any)
		if text, apart := beside[name]; apart {
			schema, ok = decode(t, text).(map[string]any), true
		}
		if !ok {
			t.Errorf("the schema has no %s", name)
			continue
		}
		for at, row := range rows[1:] {
			if row[n] == "" && !slices.Contains(asList(item["required"]), any(name)) {
				continue
			}
			for _, problem := range violations(root, schema, cellValue(schema, row[n]), name) {
				t.Errorf("row %d: %s", at+1, problem)
			}
		}
	}
}

// cellValue is what a cell says, as JSON would say it.
func cellValue(schema map[string]any, cell string) any {
	switch schema["type"] {
	case "array":
		var all []any
		for line := range strings.SplitSeq(cell, "\n") {
			all = append(all, line)
		}
		return all
	case "integer":
		if n, err := strconv.ParseFloat(cell, 64); err == nil {
			return n
		}
	}
	return cell
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
