// SPDX-License-Identifier: MPL-2.0

package report

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// Each form says how far the review is, and none says a number that nobody knows.
func TestAReportSaysHowFarTheReviewIs(t *testing.T) {
	item := func(name string, seen, ends time.Time) inventory.Item {
		return inventory.Item{
			Type:        access.TypeIdentity,
			ID:          "acme/prod/" + name,
			Partner:     "acme",
			Environment: "prod",
			Name:        name,
			CreatedAt:   seen,
			EndsAt:      ends,
			Status:      "active",
			Flags:       []inventory.Flag{inventory.Governed},
		}
	}
	r := &Report{Title: "Progress",
		Inventory: &inventory.Inventory{System: "embedded", At: now, ReviewEvery: 90 * 24 * time.Hour,
			Items: []inventory.Item{
				item("looked-at", day(-10), day(20)), item("forgotten", day(-100), day(20)),
				item("over", day(-100), day(-1)),
			}}}
	const says = "1 of 2 identities, credentials and grants in force were reviewed or created within the time that a " +
		"review counts; overdue: 1; ended by themselves: 1."
	forms := func() (all map[string]string) {
		all = map[string]string{}
		for name, form := range map[string]func() (string, error){
			"html":     r.HTML,
			"markdown": r.Markdown,
			"json":     r.JSON,
		} {
			text, err := form()
			if err != nil {
				t.Fatal(name, err)
			}
			all[name] = text
		}
		return all
	}
	all := forms()
	for _, name := range []string{"html", "markdown"} {
		if !strings.Contains(all[name], says) {
			t.Errorf("the %s does not say it", name)
		}
	}
	var read struct {
		Reviews struct{ Progress *documentProgress }
	}
	if err := json.Unmarshal([]byte(all["json"]), &read); err != nil ||
		read.Reviews.Progress == nil ||
		*read.Reviews.Progress != (documentProgress{Of: 2, Reviewed: 1, Overdue: 1, Lapsed: 1}) {
		t.Errorf("the JSON says %+v (%v)", read.Reviews.Progress, err)
	}
	root := schema(t)
	for _, problem := range violations(root, root, decode(t, all["json"]), "$") {
		t.Error(problem)
	}
	r.Inventory.ReviewEvery = 0
	for name, text := range forms() {
		if strings.Contains(text, "; overdue: ") || strings.Contains(text, `"progress"`) {
			t.Errorf("the %s says how far the review is, and nobody knows how long one counts", name)
		}
	}
}

// What was widened is told by what the lines say, before and after, whatever the verb is, and only of what was done.
func TestWidenedIsWhatTheLinesSay(t *testing.T) {
	given := func(actions ...string) *journal.Given {
		return &journal.Given{Resource: "orders/acme/*", Actions: actions}
	}
	line := func(n int, phase journal.Phase, change string, before, after *journal.Given) journal.Line {
		return journal.Line{
			Time:   day(n),
			Phase:  phase,
			Verb:   journal.Renew,
			Change: change,
			Type:   "grant",
			ID:     "acme/prod/orders/" + change[:1],
			Before: before,
			After:  after,
		}
	}
	last, since := Widened([]journal.Line{
		line(-9, journal.Intent, "a1", given("read"), given("read", "list")),
		line(-9, journal.Done, "a1", nil, given("read", "list")),
		line(-8, journal.Intent, "a2", given("read", "list"), given("read")),
		line(-8, journal.Done, "a2", nil, given("read")),
		line(-7, journal.Intent, "b1", given("read"), given("read", "list")), line(-7, journal.Failed, "b1", nil, nil),
	})
	if !since.Equal(day(-9)) || len(last) != 1 || !last["grant acme/prod/orders/a"].Equal(day(-9)) {
		t.Errorf("since %s: %v", since, last)
	}
	if last, since := Widened(nil); len(last) != 0 || !since.IsZero() {
		t.Errorf("no lines tell %v since %s", last, since)
	}
}

// Who reads a report sees what somebody signed, and with which key: on a row, in a change, in the count, and of
// another system's report too.
func TestAReportTellsSignedFromUnsigned(t *testing.T) {
	made := func() *Report {
		r := sample()
		for n := range r.Inventory.Items {
			if i := &r.Inventory.Items[n]; i.Type == access.TypeGrant && i.ID != "" {
				i.Review = &access.Review{At: access.At(day(-3)), By: "dana.reviewer", Reason: "Needed"}
				i.Signed = map[string]string{"review": "SHA256:item"}
			}
		}
		for n := range r.Lines {
			if l := &r.Lines[n]; l.Review != nil {
				l.Review = &journal.Review{
					At:     l.Review.At,
					By:     l.Review.By,
					Reason: l.Review.Reason,
					Signed: &journal.Signed{Key: "SHA256:line", Digest: "0"},
				}
			}
		}
		return r
	}
	text, err := made().Markdown()
	if err != nil ||
		!strings.Contains(text, "signed with SHA256:item") ||
		!strings.Contains(text, "signed with SHA256:line") {
		t.Error("Markdown does not say it", err)
	}
	if text, err = sample().Markdown(); err != nil || strings.Contains(text, "signed with") {
		t.Error("what nobody signed is called signed", err)
	}
	r := made()
	r.Source = Source{Environment: "test", ID: "other", Place: ".partner/test"}
	content, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	root := schema(t)
	for _, problem := range violations(root, root, decode(t, content), "$") {
		t.Error(problem)
	}
	all := sample()
	if err = all.Include(content); err == nil {
		text, err = all.Markdown()
	}
	if err != nil ||
		!strings.Contains(text, "signed with SHA256:item") ||
		!strings.Contains(text, "signed with SHA256:line") {
		t.Error("the report that includes it does not say it", err)
	}
}
