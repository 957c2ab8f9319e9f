// SPDX-License-Identifier: MPL-2.0

package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/golden"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

func TestJSON(t *testing.T) {
	text, err := sample().JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/report.json", text)
}

func TestJSONIsAsTheSchemaHasIt(t *testing.T) {
	empty := &Report{Inventory: &inventory.Inventory{At: now}}
	ofOne := portfolio()
	ofOne.Narrow("oscorp", "")
	for _, r := range []*Report{sample(), empty, ofOne} {
		text, err := r.JSON()
		if err != nil {
			t.Fatal(err)
		}
		root := schema(t)
		for _, problem := range violations(root, root, decode(t, text), "$") {
			t.Error(problem)
		}
	}
}

// The check itself has to be able to fail.
func TestTheSchemaRefusesWhatIsNone(t *testing.T) {
	root := schema(t)
	text, err := hostileReport("x").JSON()
	if err != nil {
		t.Fatal(err)
	}
	if len(violations(root, root, decode(t, text), "$")) == 0 {
		t.Error("a type and a flag that are none went through")
	}
}

func TestJSONHostile(t *testing.T) {
	for _, value := range hostile {
		text, err := hostileReport(value).JSON()
		if err != nil {
			t.Fatal(err)
		}
		if title := decode(t, text).(map[string]any)["title"]; title != string([]rune(value)) {
			t.Errorf("%q became %q", value, title)
		}
	}
}

// schema is the published one.
func schema(t *testing.T) any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "schemas", "report.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, string(text))
}

// Whoever follows a schema's id finds it in the tree at that place.
func TestEachSchemaStandsWhereItsIDSays(t *testing.T) {
	const tree = "https://raw.githubusercontent.com/partner-access/terraform-provider-partner/main/schemas/"
	files, err := filepath.Glob(filepath.Join("..", "..", "schemas", "*.json"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if id := decode(t, string(text)).(map[string]any)["$id"]; id != tree+filepath.Base(file) {
			t.Errorf("%s says that it is %v", file, id)
		}
	}
	if SchemaID != tree+"report.v1.json" {
		t.Errorf("the provider names %s", SchemaID)
	}
}

func decode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// violations is as much of JSON Schema as report.v1.json uses, and stricter in one thing: a property that is
// not in the schema is refused, since nobody could rely on it.
func violations(root, schema, value any, at string) []string {
	s := schema.(map[string]any)
	if ref, ok := s["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/$defs/")
		return violations(root, root.(map[string]any)["$defs"].(map[string]any)[name], value, at)
	}
	if want, ok := s["const"]; ok && !reflect.DeepEqual(want, value) {
		return []string{fmt.Sprintf("%s: %v is not %v", at, value, want)}
	}
	if want, ok := s["enum"].([]any); ok && !slices.Contains(want, value) {
		return []string{fmt.Sprintf("%s: %v is none of %v", at, value, want)}
	}
	var all []string
	switch s["type"] {
	case "object":
		object, ok := value.(map[string]any)
		if !ok {
			return []string{at + ": no object"}
		}
		all = objectViolations(root, s, object, at)
	case "array":
		list, ok := value.([]any)
		if !ok {
			return []string{at + ": no array"}
		}
		for n, v := range list {
			all = append(all, violations(root, s["items"], v, fmt.Sprintf("%s[%d]", at, n))...)
		}
	case "string":
		all = stringViolations(s, value, at)
	case "integer", "number":
		if n, ok := value.(float64); !ok ||
			n < 0 ||
			(s["type"] == "integer" && n != float64(int64(n))) {
			all = append(all, fmt.Sprintf("%s: %v is no %s", at, value, s["type"]))
		}
	}
	return all
}

func objectViolations(root any, s, object map[string]any, at string) []string {
	var all []string
	properties, _ := s["properties"].(map[string]any)
	for _, name := range asList(s["required"]) {
		if _, ok := object[name.(string)]; !ok {
			all = append(all, at+": has no "+name.(string))
		}
	}
	for name, v := range object {
		schema, ok := properties[name]
		if !ok {
			schema, ok = s["additionalProperties"]
		}
		if !ok {
			all = append(all, at+"."+name+" is not in the schema")
			continue
		}
		all = append(all, violations(root, schema, v, at+"."+name)...)
	}
	return all
}

func stringViolations(s map[string]any, value any, at string) []string {
	text, ok := value.(string)
	if !ok {
		return []string{at + ": no string"}
	}
	if s["format"] == "date-time" {
		if parsed, err := time.Parse(time.RFC3339, text); err != nil ||
			parsed.IsZero() ||
			!strings.HasSuffix(text, "Z") {
			return []string{at + ": no moment in UTC: " + text}
		}
	}
	return nil
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}
