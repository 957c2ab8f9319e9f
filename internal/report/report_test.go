// SPDX-License-Identifier: MPL-2.0

package report

import (
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// renderings are all of them, by name.
func renderings(t *testing.T, r *Report) map[string]string {
	t.Helper()
	all := map[string]string{"csv": r.CSV(), "ics": r.Calendar()}
	for name, render := range map[string]func() (string, error){
		"html":  r.HTML,
		"json":  r.JSON,
		"oscal": r.OSCAL,
		"md":    r.Markdown,
	} {
		text, err := render()
		if err != nil {
			t.Fatal(err)
		}
		all[name] = text
	}
	return all
}

// Two who render the same have the same bytes, wherever they are: an auditor compares them by their hash.
func TestSameInputSameBytes(t *testing.T) {
	want := renderings(t, sample())
	for range 20 {
		for name, text := range renderings(t, elsewhere(sample())) {
			if text != want[name] {
				t.Fatalf("%s differs", name)
			}
		}
	}
}

// elsewhere is the same report with its moments written in another zone.
func elsewhere(r *Report) *Report {
	zone := time.FixedZone("far", 9*60*60)
	move := func(t *time.Time) {
		if !t.IsZero() {
			*t = t.In(zone)
		}
	}
	move(&r.From)
	move(&r.To)
	move(&r.Inventory.At)
	for n := range r.Inventory.Items {
		i := &r.Inventory.Items[n]
		for _, t := range []*time.Time{&i.ExpiresAt, &i.EndsAt, &i.RotatesAt, &i.CreatedAt, &i.RenewedAt, &i.ReviewedAt,
			&i.LastUsedAt} {
			move(t)
		}
	}
	for n := range r.Lines {
		move(&r.Lines[n].Time)
		move(&r.Lines[n].EndsAt)
		move(&r.Lines[n].Refused)
	}
	return r
}

func TestChangesOfThePeriod(t *testing.T) {
	want := map[string]int{"created": 1, "renewed": 1, "cut": 1, "failed": 1, "missing": 1, "found": 1}
	for _, g := range sample().groups() {
		if len(g.Changes) != want[g.Slug] {
			t.Errorf("%s: %d", g.Slug, len(g.Changes))
		}
		for _, c := range g.Changes {
			if c.ID == "before/the/period" {
				t.Error("a change from before the period")
			}
		}
	}
}

// A change is of the period in which it was asked for, also where what came of it was written later.
func TestOutcomeAfterThePeriod(t *testing.T) {
	r := sample()
	r.To = day(-9).Add(time.Second)
	done := changesIn(r, cut)
	if len(done) != 1 || done[0].Refusal() != "1.84" || done[0].Result() != "done" {
		t.Errorf("%+v", done)
	}
}

// changesIn are the changes of one group.
func changesIn(r *Report, slug string) []*change {
	for _, g := range r.groups() {
		if g.Slug == slug {
			return g.Changes
		}
	}
	return nil
}

func TestTheSummaryCountsTheSample(t *testing.T) {
	s := sample().summarize()
	if s.Partners != 3 ||
		s.Identities != 3 ||
		s.Credentials != 3 ||
		s.Grants != 2 {
		t.Errorf("%d partners, %d identities, %d credentials, %d grants", s.Partners, s.Identities, s.Credentials,
			s.Grants)
	}
	if len(s.Past) != 1 || len(s.Soon30) != 3 || len(s.Soon90) != 5 {
		t.Errorf("%d past, %d in 30 days, %d in 90", len(s.Past), len(s.Soon30), len(s.Soon90))
	}
}

func TestEndsAtTheEdge(t *testing.T) {
	for _, c := range []struct {
		end  time.Time
		want string
	}{{time.Time{}, "open"}, {now, "past"}, {now.Add(1), "soon"}, {day(30), "soon"}, {day(30).Add(1), "fine"}} {
		if got := state(c.end, now); got != c.want {
			t.Errorf("%v is %s, not %s", c.end, got, c.want)
		}
	}
}

// What nobody looked for is not counted as none, in any form: an auditor would take that for a result.
func TestWhatWasNotCheckedIsNotNone(t *testing.T) {
	r := sample()
	r.Inventory = &inventory.Inventory{
		System:    "embedded",
		At:        now,
		Unchecked: []inventory.Flag{inventory.Ungoverned, inventory.Drifted},
	}
	all := renderings(t, r)
	for form, wants := range map[string][]string{
		"md": {"| Needs attention: ungoverned (nobody declared it: no owner, no end) | not checked |",
			"| Needs attention: unused (nothing uses it) | 0 |"},
		"json": {`"not_checked": [`, `"unused": 0`},
		"html": {"nobody declared it: no owner, no end – not checked",
			"the system holds more than was declared – not checked"},
	} {
		for _, want := range wants {
			if !strings.Contains(all[form], want) {
				t.Errorf("%s: no %q", form, want)
			}
		}
	}
	if strings.Contains(all["json"], `"ungoverned": 0`) || strings.Contains(all["json"], `"drifted": 0`) {
		t.Error("it is none in JSON")
	}
}
