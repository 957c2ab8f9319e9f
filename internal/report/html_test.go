// SPDX-License-Identifier: MPL-2.0

package report

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/golden"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

func TestHTML(t *testing.T) { golden.Compare(t, "testdata/report.html", html(t, sample())) }

// many is a partner with sixty accesses and one with a single one.
func many() *Report {
	r := sample()
	for n := range 60 {
		i := inventory.Item{Type: access.TypeGrant, ID: fmt.Sprintf("umbrella/prod/lab/results-%02d", n),
			Partner: "umbrella", Environment: "prod", Name: "lab",
			Owner: "team-lab", Resource: fmt.Sprintf("kv/data/a-rather-long-path/of/results/%02d", n),
			Actions: []string{"read"}, Status: "active",
			CreatedAt: day(-300 + 3*n), EndsAt: day(n*9 - 20), Flags: []inventory.Flag{inventory.Governed}}
		if n%4 == 0 {
			i.ReviewedAt = day(-n)
		}
		r.Inventory.Items = append(r.Inventory.Items, i)
	}
	r.Inventory.Items = append(r.Inventory.Items,
		inventory.Item{Type: access.TypeIdentity, ID: "hooli/prod/x", Partner: "hooli", Environment: "prod", Name: "x",
			Owner:     "team-x",
			CreatedAt: day(-1), EndsAt: day(2), Flags: []inventory.Flag{inventory.Governed, inventory.Expiring}})
	r.Parties["umbrella"] = Party{Agreement: &access.Agreement{Reference: "MSA-9", EndsAt: access.At(day(300))}}
	r.Parties["vandelay"] = Party{Agreement: &access.Agreement{Reference: "NDA-1", EndsAt: access.At(day(300))}}
	return r
}

func TestHTMLMany(t *testing.T) {
	page := html(t, many())
	golden.Compare(t, "testdata/many.html", page)
	for _, want := range []string{"Holds nothing.", "No partner known", `id="item-69"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestHTMLEmpty(t *testing.T) {
	page := html(t, &Report{Title: "Nothing", Inventory: &inventory.Inventory{System: "embedded", At: now}})
	if !strings.Contains(page, "This report holds no object.") {
		t.Error(page)
	}
}

// A hostile value may bring in neither an element nor an attribute: the page has those of a harmless one.
func TestHTMLHostile(t *testing.T) {
	harmless := strings.Join(elements(t, html(t, hostileReport("x"))), "\n")
	for _, value := range hostile {
		page := html(t, hostileReport(value))
		if got := strings.Join(elements(t, page), "\n"); got != harmless {
			t.Errorf("%q changes the page", value)
		}
		if strings.ContainsAny(page, "\u202e\u202c\u2066\u2069\r\x00\x07") {
			t.Errorf("%q is hidden on the page", value)
		}
	}
}

func TestHTMLIsSelfContained(t *testing.T) {
	page := html(t, many())
	for _, bad := range []string{"<script", "<link", "<img", "<iframe", "src=", "javascript:", "@import", "ZgotmplZ"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, url := range regexp.MustCompile(`(?:href="|url\()([^")]*)`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(url[1], "#") || !strings.Contains(page, `id="`+url[1][1:]+`"`) {
			t.Errorf("%q leads out of the page, or nowhere", url[1])
		}
	}
	for _, id := range regexp.MustCompile(` id="[^"]*"`).FindAllString(page, -1) {
		if strings.Count(page, id) != 1 {
			t.Errorf("%s is there twice", id)
		}
	}
}

func html(t *testing.T, r *Report) string {
	t.Helper()
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// elements are the page's elements and the names of their attributes, in order. What a value may rightly choose, its
// classes, is left out.
func elements(t *testing.T, page string) []string {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict = false
	d.AutoClose = xml.HTMLAutoClose
	d.Entity = xml.HTMLEntity
	var all []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			text := e.Name.Local
			for _, a := range e.Attr {
				text += " " + a.Name.Local
			}
			all = append(all, text)
		}
	}
}
