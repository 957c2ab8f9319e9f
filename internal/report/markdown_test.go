package report

import (
	"regexp"
	"strings"
	"testing"
)

func TestMarkdown(t *testing.T) { golden(t, "report.md", sample().Markdown()) }

// Whatever a value is, the report has as many lines, and its tables as many cells, as with a harmless one.
func TestMarkdownHostile(t *testing.T) {
	harmless := shape(hostileReport("x").Markdown())
	for _, value := range hostile {
		text := hostileReport(value).Markdown()
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
