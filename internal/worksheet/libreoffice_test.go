// SPDX-License-Identifier: MPL-2.0

package worksheet

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// The files are what LibreOffice 7.4 wrote: a worksheet of CSV, filled in with dates as people of a country type them,
// opened in that country's language and saved as CSV in several of its ways. It changes dates, quotes and separators,
// and what it writes is understood.
func TestWhatLibreOfficeWritesIsUnderstood(t *testing.T) {
	files, err := filepath.Glob("testdata/libreoffice-7.4/*.csv")
	if err != nil || len(files) != 7 {
		t.Fatal(files, err)
	}
	want := []string{
		`acme/prod/orders keep 2027-03-31T00:00:00Z: Still needed, "daily"; für März`,
		"acme/prod/orders/daily narrow 2027-01-31T00:00:00Z: Reads only",
		"acme/prod/orders/federated end : The feed moved",
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		decisions, mistakes := Read([]Sheet{{
			File: file,
			CSV:  string(text),
			By:   "jane@example.com",
			At:   access.At(at).String(),
		}}, nil)
		// somebody chose the system's character set: an umlaut is told from no other letter
		if filepath.Base(file) == "ansi.csv" {
			if len(decisions) != 0 ||
				len(mistakes) != 1 ||
				!strings.Contains(mistakes[0].String(), "it is not UTF-8") {
				t.Errorf("%s: %v, %v", file, decisions, mistakes)
			}
			continue
		}
		var got []string
		for id, d := range decisions {
			got = append(got, fmt.Sprintf("%s %s %s: %s", id, d.Decision, d.Until, d.Reason))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) || len(mistakes) > 0 {
			t.Errorf("%s: %q, %v", file, got, mistakes)
		}
	}
}
