// SPDX-License-Identifier: MPL-2.0

package report

import (
	"regexp"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/golden"
)

func TestTheMarkdownReadsAsItsGoldenFile(t *testing.T) {
	golden.Compare(t, "testdata/report.md", text(t, sample()))
}

// Whatever a value is, the report has as many lines, and its tables as many cells, as with a harmless one.
func TestNoValueBreaksTheMarkdown(t *testing.T) {
	harmless := shape(text(t, hostileReport("x")))
	for _, value := range hostile {
		text := text(t, hostileReport(value))
		if got := shape(text); got != harmless {
			t.Errorf("%q changes the shape:\n%s", value, text)
		}
		if bare := regexp.MustCompile("(^|[^\\\\])(<[^b]|`|https?://)").FindString(text); bare != "" {
			t.Errorf("%q: %q is not escaped", value, bare)
		}
	}
}

// shape is the text with everything but the bare pipes and heading marks taken away.
func shape(text string) string {
	text = regexp.MustCompile(`\\.`).ReplaceAllString(text, "")
	var out strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		mark, _, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(mark, "#") {
			mark = ""
		}
		out.WriteString(mark + strings.Repeat("|", strings.Count(line, "|")) + "\n")
	}
	return out.String()
}

func text(t *testing.T, r *Report) string {
	t.Helper()
	out, err := r.Markdown()
	if err != nil {
		t.Fatal(err)
	}
	return out
}
