// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	inTree = "https://raw.githubusercontent.com/partner-access/terraform-provider-partner/main/"
	atHub  = "https://github.com/partner-access/terraform-provider-partner/"
)

// Each link of the README and of the docs leads somewhere: to a file of this tree, and to a heading of it where it names one.
// Links to other sites are not asked for: a test that needs the network is red by chance.
func TestEachLinkLeadsSomewhere(t *testing.T) {
	root := filepath.Join("..", "..")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*", "*.md"))
	if err != nil || len(pages) < 40 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "DESIGN.md", "SECURITY.md", filepath.Join("docs", "index.md")} {
		pages = append(pages, filepath.Join(root, name))
	}
	links := 0
	for _, page := range pages {
		text := pageText(t, page)
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			target, own := located(page, root, link[1])
			if !own {
				continue
			}
			links++
			file, heading, _ := strings.Cut(target, "#")
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %s leads nowhere", page, link[1])
			} else if heading != "" && strings.HasSuffix(file, ".md") && !headings(t, file)[heading] {
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

// headings are the anchors of a page: of its headings, as the registry and GitHub make them, and those that it names itself.
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
		if strings.HasPrefix(filepath.Base(page), "guardrails") && !strings.Contains(text, `subcategory: "5 Guardrails"`) {
			t.Errorf("%s is not with the guardrails", page)
		}
	}
}

// startsOtherwise are the guides that begin with something better than an example.
var startsOtherwise = map[string]string{
	"getting-started": "it is an example from end to end, whose first step is a heading",
	"performance":     "it is figures",
	"task-review":     "its first step is a heading",
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
		starts := found && !strings.Contains(before, "\n## ") && !strings.Contains(before, "\n|") && len(strings.Fields(before)) <= 90
		if _, otherwise := startsOtherwise[name]; starts == otherwise {
			t.Errorf("%s begins with an example: %v; it is in the list of those that do not: %v", name, starts, otherwise)
		}
	}
}
