// SPDX-License-Identifier: MPL-2.0

package report

import (
	"encoding/json"
	"fmt"
	entities "html"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/golden"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// What a real browser sees: no width scrolls sideways, no text is cut off or too pale, and nothing is asked for from
// anywhere.
func TestThePageInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real browser")
	}
	chromium := realtool.Find(t, "chromium")
	for name, r := range map[string]*Report{
		"a few":     sample(),
		"many":      many(),
		"portfolio": portfolio(),
		"hostile":   hostileReport("<script>alert(1)</script>" + strings.Repeat("x", 200)),
	} {
		page := html(t, r)
		for scheme, flag := range map[string]string{"light": "preferredColorScheme=1",
			"dark": "preferredColorScheme=0"} {
			t.Run(name+", "+scheme, func(t *testing.T) {
				t.Parallel()
				for _, seen := range look(t, chromium, page, flag) {
					if len(seen.Problems) > 0 {
						t.Errorf("%d pixels wide: %s", seen.Width, strings.Join(seen.Problems, "\n"))
					}
					if seen.Dark != (scheme == "dark") || seen.Texts < 50 {
						t.Errorf("%d pixels wide: dark %v, %d texts: the browser did not look", seen.Width, seen.Dark,
							seen.Texts)
					}
				}
			})
		}
	}
}

// The check itself finds what it looks for.
func TestTheBrowserFindsWhatIsWrong(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real browser")
	}
	chromium := realtool.Find(t, "chromium")
	for want, body := range map[string]string{
		"scrolls sideways":   `<p style="width: 2000px">wide</p>`,
		"too pale":           `<p style="color: #aaa; background: #fff">pale</p>`,
		"cut off":            `<p style="width: 20px; overflow: hidden; white-space: nowrap">a text that is far too long</p>`,
		"asks for something": `<img src="http://127.0.0.1:9/x.png">`,
	} {
		page := "<!doctype html><html><body style='background: #fff; color: #000'>" + body + "</body></html>"
		var all []string
		for _, seen := range look(t, chromium, page, "preferredColorScheme=1") {
			all = append(all, seen.Problems...)
		}
		if !strings.Contains(strings.Join(all, "\n"), want) {
			t.Errorf("%q is not found in %s: %q", want, body, all)
		}
	}
}

// seen is what a page is like at a width.
type seen struct {
	Width, Texts int
	Dark         bool
	Problems     []string
}

// look opens a page in frames of three widths, and measures. The frame's own policy forbids scripts, so that the
// measuring one is beside it.
func look(t *testing.T, chromium, page, flag string) []seen {
	t.Helper()
	folder := t.TempDir()
	var frames strings.Builder
	for _, width := range []int{390, 900, 1400} {
		fmt.Fprintf(&frames, "<iframe width=%d height=3000 style='border:0' srcdoc=\"%s\"></iframe>\n", width,
			entities.EscapeString(page))
	}
	script, err := os.ReadFile("testdata/look.js")
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(folder, "look.html")
	text := "<!doctype html><html><body>" + frames.String() + "<pre id=said></pre><script>" + string(script) +
		"</script></body></html>"
	if err := os.WriteFile(outside, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out := browse(t, chromium, "--blink-settings="+flag, "--virtual-time-budget=10000", "--dump-dom", "file://"+outside)
	_, answer, _ := strings.Cut(out, `<pre id="said">`)
	answer, _, found := strings.Cut(answer, "</pre>")
	var all []seen
	if err := json.Unmarshal([]byte(entities.UnescapeString(answer)), &all); err != nil ||
		!found ||
		len(all) != 3 {
		t.Fatalf("chromium answered %.300q: %v", answer, err)
	}
	return all
}

// browse runs a browser that asks nobody for anything, and returns what it prints.
func browse(t *testing.T, chromium string, arguments ...string) string {
	t.Helper()
	cmd := exec.Command(chromium, append([]string{"--headless", "--no-sandbox", "--disable-gpu",
		"--disable-background-networking", "--disable-dev-shm-usage",
		"--user-data-dir=" + filepath.Join(t.TempDir(), "profile")}, arguments...)...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v: %s", err, said.String())
	}
	return string(out)
}

// A hundred objects are a report that somebody prints, signs and keeps: 109 of them were 197 pages once.
func TestThePortfolioPrintsOnFewPages(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real browser")
	}
	t.Parallel()
	chromium := realtool.Find(t, "chromium")
	r := portfolio()
	if objects := len(r.Inventory.Items); objects < 100 {
		t.Fatalf("the portfolio has %d objects only", objects)
	}
	pages := printed(t, chromium, html(t, r))
	t.Logf("%d objects on %d pages", len(r.Inventory.Items), pages)
	if pages < 5 || pages >= 20 {
		t.Errorf("%d objects are %d A4 pages", len(r.Inventory.Items), pages)
	}
}

// printed is how many pages a page is on paper.
func printed(t *testing.T, chromium, page string) int {
	t.Helper()
	folder := t.TempDir()
	source := filepath.Join(folder, "report.html")
	paper := filepath.Join(folder, "report.pdf")
	if err := os.WriteFile(source, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	browse(t, chromium, "--no-pdf-header-footer", "--print-to-pdf="+paper, "file://"+source)
	text, err := os.ReadFile(paper)
	if err != nil {
		t.Fatal(err)
	}
	pages := 0 // the root of the tree of pages counts all of them
	for _, count := range regexp.MustCompile(`/Type\s*/Pages\b[^>]*/Count (\d+)|/Count (\d+)[^>]*/Type\s*/Pages\b`).
		FindAllStringSubmatch(string(text), -1) {
		n, _ := strconv.Atoi(count[1] + count[2])
		pages = max(pages, n)
	}
	return pages
}

// The pictures of the docs are of this page. With -update they are taken anew: look at them.
func TestThePicturesOfTheReport(t *testing.T) {
	folder := filepath.Join("..", "..", "media")
	for name, shot := range map[string]struct {
		width, height int
		flag          string
	}{
		"report-390-dark.png":   {390, 1500, "preferredColorScheme=0"},
		"report-900-light.png":  {900, 1500, "preferredColorScheme=1"},
		"report-1400-light.png": {1400, 1500, "preferredColorScheme=1"},
	} {
		picture := filepath.Join(folder, name)
		if golden.Updating() {
			source := filepath.Join(t.TempDir(), "report.html")
			if err := os.WriteFile(source, []byte(html(t, portfolio())), 0o600); err != nil {
				t.Fatal(err)
			}
			browse(t, realtool.Find(t, "chromium"), "--hide-scrollbars", "--blink-settings="+shot.flag,
				fmt.Sprintf("--window-size=%d,%d", shot.width, shot.height),
				"--screenshot="+picture, "file://"+source)
		}
		file, err := os.Open(picture)
		if err != nil {
			t.Fatal(err)
		}
		size, err := png.DecodeConfig(file)
		if err != nil || size.Width != shot.width || size.Height != shot.height {
			t.Errorf("%s: %v, %v", name, size, err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
