// SPDX-License-Identifier: MPL-2.0

package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// After an offboarding the system holds nothing of the partner. Its report says from the journal what it had, in every
// form, also from a report of another system that is included.
func TestAPartnersReportSaysWhatItHad(t *testing.T) {
	gone := func() *Report {
		r := portfolio()
		for n, l := range r.Lines {
			if l.Verb == journal.Revoke && l.Phase == journal.Done {
				r.Lines[n].SweptBefore = map[string]*journal.Given{"grant oscorp/prod/lab/read": {
					Owner:    owners[1],
					Resource: "secret/data/oscorp/lab/*",
					Actions:  []string{"list", "read"},
					EndsAt:   day(40),
				}}
			}
		}
		r.Narrow("oscorp", "")
		return r
	}
	want := []string{
		"identity oscorp/prod/lab: within secret/data/oscorp/* (2026-12-01 09:30 to 2027-02-20 09:30)",
		"credential oscorp/prod/lab/secret: ",
		"grant oscorp/prod/lab/read: list, read on secret/data/oscorp/lab/* (before the journal began to " +
			"2027-02-20 09:30)",
	}
	other := portfolio()
	other.Source = Source{ID: "other", Environment: "dr"}
	other.Narrow("globex", "")
	content, err := gone().JSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Include(content); err != nil {
		t.Fatal(err)
	}
	other.Narrow("oscorp", "")
	for name, r := range map[string]*Report{"its own": gone(), "included": other} {
		var got []string
		for _, o := range r.collectFormer().Objects {
			got = append(got, o.Type+" "+o.ID+": "+strings.Join(o.Spans(), "; "))
			if cuts := strings.Join(o.Ends(), "; "); cuts != "revoke 2027-02-20 09:30 by alice, refused after 1.84 s" {
				t.Errorf("%s: %s was cut: %q", name, o.ID, cuts)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s: it had %q", name, got)
		}
		page := html(t, r)
		md := strings.ReplaceAll(text(t, r), `\`, "")
		for _, form := range []string{page, md} {
			if !strings.Contains(form, "list, read on secret/data/oscorp/lab/* (before the journal began to "+
				"2027-02-20 09:30)") || !strings.Contains(form, "What it had") {
				t.Errorf("%s: a form does not say it", name)
			}
		}
	}
	if portfolio().collectFormer() != nil {
		t.Error("a report of all partners repeats what the period has")
	}
}
