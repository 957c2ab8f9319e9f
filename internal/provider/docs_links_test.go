// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

const (
	inTree = "https://raw.githubusercontent.com/partner-access/terraform-provider-partner/main/"
	atHub  = "https://github.com/partner-access/terraform-provider-partner/"
)

// Each link of the README and of the docs leads somewhere: to a file of this tree, and to a heading of it where it
// names one. Links to other sites are not asked for: a test that needs the network is red by chance.
func TestEachLinkLeadsSomewhere(t *testing.T) {
	root := filepath.Join("..", "..")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*", "*.md"))
	if err != nil || len(pages) < 40 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "DESIGN.md", "SECURITY.md",
		filepath.Join("docs", "index.md")} {
		pages = append(pages, filepath.Join(root, name))
	}
	links := 0
	for _, page := range pages {
		text := pageText(t, page)
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(fenced.ReplaceAllString(text,
			""), -1) {
			target, own := located(page, root, link[1])
			if !own {
				continue
			}
			links++
			file, heading, _ := strings.Cut(target, "#")
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %s leads nowhere", page, link[1])
			} else if heading != "" &&
				strings.HasSuffix(file, ".md") &&
				!headings(t, file)[heading] {
				t.Errorf("%s: %s has no such heading", page, link[1])
			}
		}
	}
	if links < 100 {
		t.Errorf("only %d links were looked at", links)
	}
}

// located is the file of this tree that a link leads to, and whether it leads to one.
func located(page, root, link string) (file string, own bool) {
	switch {
	case strings.HasPrefix(link, inTree):
		return filepath.Join(root, strings.TrimPrefix(link, inTree)), true
	case strings.HasPrefix(link, atHub+"tree/main/"), strings.HasPrefix(link, atHub+"blob/main/"):
		return filepath.Join(root, link[len(atHub+"tree/main/"):]), true
	case strings.HasPrefix(link, "#"):
		return page + link, true
	case strings.Contains(link, "://"), strings.HasPrefix(link, "mailto:"):
		return "", false
	}
	return filepath.Join(filepath.Dir(page), link), true
}

// headings are the anchors of a page: of its headings, as the registry and GitHub make them, and
// those that it names itself.
func headings(t *testing.T, page string) map[string]bool {
	t.Helper()
	text := pageText(t, page)
	all := map[string]bool{}
	for _, h := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		anchor := regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(strings.ToLower(h[1]), "")
		all[strings.ReplaceAll(anchor, " ", "-")] = true
	}
	for _, a := range regexp.MustCompile(`<a id="([^"]+)"`).FindAllStringSubmatch(text, -1) {
		all[a[1]] = true
	}
	return all
}

func pageText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The registry groups the guides by their subcategory, and sorts these by name.
func TestEachGuideHasItsGroup(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "guides", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text := pageText(t, page)
		if !regexp.MustCompile(`(?m)^subcategory: "[1-7] \w`).MatchString(text) {
			t.Errorf("%s is in no group", page)
		}
		if strings.HasPrefix(filepath.Base(page), "guardrails") &&
			!strings.Contains(text, `subcategory: "5 Guardrails"`) {
			t.Errorf("%s is not with the guardrails", page)
		}
	}
}

// Who opens a page wants to see it work: each guide has its first example before any heading and any table.
func TestEachGuideStartsWithAnExample(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "guides", "*.md"))
	if err != nil || len(pages) < 40 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range pages {
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		_, body, _ := strings.Cut(pageText(t, page), "\n# ")
		before, _, found := strings.Cut(body, "\n```")
		starts := found &&
			!strings.Contains(before, "\n## ") &&
			!strings.Contains(before, "\n|") &&
			len(strings.Fields(before)) <= 90
		if !starts {
			t.Errorf("%s does not begin with an example", name)
		}
	}
}

// ofTheCLI are the errors of Terraform's own that pages name.
var ofTheCLI = []string{"Failed to query available provider packages", "Invalid function argument"}

// Whoever follows a task is told what to see if it works, and what to do if it does not.
func TestEachTaskSaysWhatToExpectAndWhatGoesWrong(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "guides", "task-*.md"))
	if err != nil || len(pages) < 11 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range append(pages, filepath.Join("..", "..", "docs", "guides", "getting-started.md")) {
		text := pageText(t, page)
		if !strings.Contains(text, "\n```text\n") {
			t.Errorf("%s does not show what to expect", page)
		}
		if !strings.Contains(text, goesWrong) {
			t.Errorf("%s does not say what to do if it does not work", page)
		}
	}
}

const goesWrong = "\n## If it does not work\n"

// What a guide calls an error is one: a rule, or words of the provider.
func TestEachErrorThatAGuideNamesIsOne(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "guides", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	source, named := sourceText(t), 0
	for _, page := range pages {
		_, wrong, _ := strings.Cut(pageText(t, page), goesWrong)
		wrong, _, _ = strings.Cut(wrong, "\n## ")
		for _, said := range regexp.MustCompile(`(?:^|[^*])\*([^*\n]+)\*(?:[^*]|$)`).
			FindAllStringSubmatch(fenced.ReplaceAllString(wrong, ""), -1) {
			named++
			_, rule := guardrail.Lookup(said[1])
			if !rule && !slices.Contains(ofTheCLI, said[1]) && !strings.Contains(source, said[1]) {
				t.Errorf("%s: nothing says %q", page, said[1])
			}
		}
	}
	if named < 40 {
		t.Errorf("only %d errors were looked at", named)
	}
}

// sourceText is all that the provider is made of, without its tests.
func sourceText(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("..", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go") {
			all.WriteString(pageText(t, file))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
