// SPDX-License-Identifier: MPL-2.0

package report

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/golden"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

func TestOSCAL(t *testing.T) {
	text, err := sample().OSCAL()
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "testdata/report.oscal.json", text)
	checkOSCAL(t, text)
}

func TestOSCALEmpty(t *testing.T) {
	text, err := (&Report{Inventory: &inventory.Inventory{At: now}}).OSCAL()
	if err != nil {
		t.Fatal(err)
	}
	checkOSCAL(t, text)
}

func TestOSCALHostile(t *testing.T) {
	for _, value := range append(hostile, "", " ", "42", "-", "漢字") {
		text, err := hostileReport(value).OSCAL()
		if err != nil {
			t.Fatal(err)
		}
		checkOSCAL(t, text)
	}
}

// What OSCAL 1.1.2's schema has for the types that we use.
var (
	oscalUUID  = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	oscalToken = regexp.MustCompile(`^(\p{L}|_)(\p{L}|\p{N}|[.\-_])*$`)
	oscalText  = regexp.MustCompile(`^\S(.*\S)?$`)
	oscalTime  = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)
)

// shapes are what the fields' values have to look like, by the fields' names.
var shapes = map[string]*regexp.Regexp{
	"uuid": oscalUUID, "subject-uuid": oscalUUID, "observation-uuid": oscalUUID, "control-id": oscalToken,
	"target-id": oscalToken, "name": oscalToken,
	"value": oscalText, "version": oscalText, "start": oscalTime, "end": oscalTime, "collected": oscalTime,
	"last-modified": oscalTime,
}

// checkOSCAL looks at the shape of values, that no list is empty, that what is referred to is there, and that no two
// things have one UUID.
func checkOSCAL(t *testing.T, text string) {
	t.Helper()
	seen := map[string]int{}
	var references []string
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				walk(key, value)
			}
		case []any:
			if len(v) == 0 {
				t.Errorf("%s is empty", name)
			}
			for _, value := range v {
				walk("", value)
			}
		case string:
			if shape := shapes[name]; shape != nil && !shape.MatchString(v) {
				t.Errorf("%s is %q", name, v)
			}
			switch name {
			case "uuid":
				seen[v]++
			case "subject-uuid", "observation-uuid":
				references = append(references, v)
			case "href":
				references = append(references, strings.TrimPrefix(v, "#"))
			}
		}
	}
	var document any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	walk("", document)
	for id, n := range seen {
		if n > 1 {
			t.Errorf("%s is there %d times", id, n)
		}
	}
	for _, id := range references {
		if seen[id] == 0 {
			t.Errorf("%s is nowhere", id)
		}
	}
}
