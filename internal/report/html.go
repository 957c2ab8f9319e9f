// SPDX-License-Identifier: MPL-2.0

package report

import (
	"embed"
	"html/template"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/shown"
)

//go:embed page.html timeline.html style.css
var files embed.FS

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"inc": func(n int) int { return n + 1 },
}).ParseFS(files, "page.html", "timeline.html"))

// HTML returns the report as one page that needs nothing else: it loads nothing, runs nothing and
// can be kept as evidence.
func (r *Report) HTML() (string, error) {
	style, err := files.ReadFile("style.css")
	if err != nil {
		return "", err
	}
	p, err := r.layOut()
	if err != nil {
		return "", err
	}
	p.Style = template.CSS(style) //nolint:gosec // the sheet is our own, embedded in the program
	var out strings.Builder
	if err := pageTemplate.Execute(&out, p); err != nil {
		return "", err
	}
	// The page's own text has nothing hidden in it, so that whatever has comes from a value, wherever it stands.
	return shown.Visible(out.String()), nil
}
