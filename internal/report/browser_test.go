package report

import (
	"encoding/json"
	"fmt"
	entities "html"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// What a real browser sees: no width scrolls sideways, no text is cut off or too pale, and nothing is asked for from
// anywhere.
func TestThePageInARealBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real browser")
	}
	chromium := realtool.Find(t, "chromium")
	for name, r := range map[string]*Report{"a few": sample(), "many": many(), "hostile": hostileReport("<script>alert(1)</script>" + strings.Repeat("x", 200))} {
		page := html(t, r)
		for scheme, flag := range map[string]string{"light": "preferredColorScheme=1", "dark": "preferredColorScheme=0"} {
			t.Run(name+", "+scheme, func(t *testing.T) {
				t.Parallel()
				for _, seen := range look(t, chromium, page, flag) {
					if len(seen.Problems) > 0 {
						t.Errorf("%d pixels wide: %s", seen.Width, strings.Join(seen.Problems, "\n"))
					}
					if seen.Dark != (scheme == "dark") || seen.Texts < 50 {
						t.Errorf("%d pixels wide: dark %v, %d texts: the browser did not look", seen.Width, seen.Dark, seen.Texts)
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

// look opens a page in frames of three widths, and measures. The frame's own policy forbids scripts, so that the measuring
// one is beside it.
func look(t *testing.T, chromium, page, flag string) []seen {
	t.Helper()
	folder := t.TempDir()
	var frames strings.Builder
	for _, width := range []int{360, 768, 1440} {
		fmt.Fprintf(&frames, "<iframe width=%d height=3000 style='border:0' srcdoc=\"%s\"></iframe>\n", width, entities.EscapeString(page))
	}
	script, err := os.ReadFile("testdata/look.js")
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(folder, "look.html")
	text := "<!doctype html><html><body>" + frames.String() + "<pre id=said></pre><script>" + string(script) + "</script></body></html>"
	if err := os.WriteFile(outside, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage",
		"--user-data-dir="+filepath.Join(folder, "profile"), "--blink-settings="+flag, "--virtual-time-budget=10000", "--dump-dom", "file://"+outside)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v: %s", err, said.String())
	}
	_, answer, _ := strings.Cut(string(out), `<pre id="said">`)
	answer, _, found := strings.Cut(answer, "</pre>")
	var all []seen
	if err := json.Unmarshal([]byte(entities.UnescapeString(answer)), &all); err != nil || !found || len(all) != 3 {
		t.Fatalf("chromium answered %.300q: %v\n%s", answer, err, said.String())
	}
	return all
}
