// SPDX-License-Identifier: MPL-2.0

package worksheet

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

const day24 = 24 * time.Hour

func held(edit func(*access.Record)) []*access.Record {
	var all []*access.Record
	for _, o := range []access.Object{identity, credential, daily} {
		var copied access.Object
		switch o := o.(type) {
		case *access.Identity:
			c := *o
			copied = &c
		case *access.Credential:
			c := *o
			copied = &c
		case *access.Grant:
			c := *o
			copied = &c
		}
		copied.Common().Owner, copied.Common().ExpiresAt = "jane@example.com", access.At(at.Add(60*day24))
		r := &access.Record{Object: copied, EndsAt: at.Add(60 * day24)}
		r.CreatedAt = at.Add(-80 * day24)
		r.UID = "u"
		r.Stack = "partners"
		edit(r)
		all = append(all, r)
	}
	return all
}

func rowsOf(o Options, edit func(*access.Record)) []Row {
	records := held(edit)
	o.ReviewEvery = 90 * day24
	inv := inventory.Build(records, nil, at, inventory.Options{System: "embedded", ReviewEvery: o.ReviewEvery})
	return Build(inv, records, o)
}

func TestAWorksheetHasWhatIsDue(t *testing.T) {
	asIs := func(*access.Record) {}
	for name, c := range map[string]struct {
		o    Options
		edit func(*access.Record)
		want int
	}{
		"everything":          {Options{}, asIs, 3},
		"due in ten days":     {Options{DueWithin: 10 * day24}, asIs, 3},
		"due later than that": {Options{DueWithin: 9 * day24}, asIs, 0},
		"reviewed since": {Options{DueWithin: 50 * day24},
			func(r *access.Record) { r.ReviewedAt = at.Add(-day24) }, 0},
		"reviewed since, but it ends": {Options{DueWithin: 60 * day24},
			func(r *access.Record) { r.ReviewedAt = at.Add(-day24) }, 3},
		"another owner's":                     {Options{Owner: "bob@example.com"}, asIs, 0},
		"the owner's, in another spelling":    {Options{Owner: "Jane@Example.com"}, asIs, 3},
		"another partner's":                   {Options{Partner: "globex"}, asIs, 0},
		"what has ended is not to be decided": {Options{}, func(r *access.Record) { r.EndsAt = at }, 0},
	} {
		if rows := rowsOf(c.o, c.edit); len(rows) != c.want {
			t.Errorf("%s: %d rows, want %d", name, len(rows), c.want)
		}
	}
}

func TestAWorksheetSaysWhetherAccessIsWiderThanWhatWasReviewed(t *testing.T) {
	const ref = "grant acme/prod/orders/daily"
	reviewed := func(digest string) func(*access.Record) {
		return func(r *access.Record) {
			r.ReviewedAt = at.Add(-30 * day24)
			r.Object.Common().Review = &access.Review{
				At:       access.At(r.ReviewedAt),
				Decision: access.DecisionKeep,
				Access:   digest,
			}
		}
	}
	asIs := func(*access.Record) {}
	for name, c := range map[string]struct {
		o    Options
		edit func(*access.Record)
		want string
	}{
		"no journal":                       {Options{}, asIs, "not known"},
		"a journal that begins too late":   {Options{Since: at.Add(-day24)}, asIs, "not known"},
		"a journal that has nothing of it": {Options{Since: at.Add(-90 * day24)}, asIs, "no"},
		"a journal that has changes of its stack": {Options{Since: at.Add(-90 * day24),
			Stacks: map[string]bool{"partners": true}}, asIs, "no"},
		"another stack's journal": {Options{Since: at.Add(-90 * day24),
			Stacks: map[string]bool{"others": true}}, asIs, "not known"},
		"widened": {Options{Since: at.Add(-90 * day24),
			Widened: map[string]time.Time{ref: at.Add(-3 * day24)}}, asIs, "on 2026-11-25"},
		"decided on just this":      {Options{}, reviewed(access.Digest(daily)), "no"},
		"decided on something else": {Options{}, reviewed("v1-other"), "changed"},
	} {
		for _, r := range rowsOf(c.o, c.edit) {
			if r.Type == access.TypeGrant && r.Widened != c.want {
				t.Errorf("%s: %q, want %q", name, r.Widened, c.want)
			}
		}
	}
}

// What a partner chose is shown to people who open it with a spreadsheet. It must not run there, nor move their cells.
func TestAWorksheetRunsNothingInASpreadsheet(t *testing.T) {
	for _, odd := range []string{"=cmd|' /C calc'!A0", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "＝1", "a\nb",
		`say "no"`, "a,b;c", "\u202egnp"} {
		text := CSV([]Row{{ID: "acme/prod/orders", Type: access.TypeIdentity, For: odd, Owner: odd, Allows: odd}})
		if !strings.HasPrefix(text, bom) {
			t.Fatal("it is not marked as UTF-8")
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, bom))).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != len(columns) {
			t.Fatal(err, rows)
		}
		for n, cell := range rows[1] {
			if (cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r")) ||
				strings.HasPrefix(cell, "＝") ||
				strings.Contains(cell, "\u202e") {
				t.Errorf("%q: column %s is %q", odd, columns[n], cell)
			}
		}
	}
}

// The table that was written is the one that is read: filled in at its end, with whatever spreadsheet.
func TestWhatWasWrittenIsReadBack(t *testing.T) {
	text := CSV(rowsOf(Options{}, func(*access.Record) {}))
	for _, separator := range []string{",", ";", "\t"} {
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, bom))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for n := range rows[1:] {
			copy(rows[n+1][len(columns)-3:], []string{"keep", "31.03.2027", "Still needed, as \"ever\""})
		}
		var out strings.Builder
		w := csv.NewWriter(&out)
		w.Comma = rune(separator[0])
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		decisions, mistakes := Read([]Sheet{{
			File: "s.csv",
			CSV:  out.String(),
			By:   "jane@example.com",
			At:   "2026-11-28T15:00:00Z",
		}}, nil)
		if len(decisions) != 3 || len(mistakes) != 0 {
			t.Errorf("%q: %v, %v", separator, decisions, mistakes)
		}
	}
	if m := Markdown(rowsOf(Options{}, func(*access.Record) {}), at); strings.Count(m, "\n| acme") != 3 ||
		strings.Contains(m, "https://") {
		t.Error(m)
	}
}

// A row says what its reader has to know: what it is for, who left, what is cut, and whether anybody saw it used.
func TestARowSaysWhatItsReaderHasToKnow(t *testing.T) {
	records := held(func(r *access.Record) {
		switch o := r.Object.(type) {
		case *access.Identity:
			o.Purpose, r.LastUsedAt, r.Suspended = "Nightly order feed", at.Add(-3*day24), true
		case *access.Credential:
			r.UseUnknown, r.Held = true, true
		}
	})
	shadow := *identity
	shadow.ID.Partner = access.ShadowPartner("acme")
	records = append(records, &access.Record{Object: &shadow, EndsAt: at.Add(day24)})
	inv := inventory.Build(records, nil, at,
		inventory.Options{
			System:       "openbao",
			KnowsLastUse: true,
			ReviewEvery:  90 * day24,
			Departed:     func(string) bool { return true },
		})
	rows := Build(inv, records, Options{ReviewEvery: 90 * day24})
	if len(rows) != 3 {
		t.Fatalf("%d rows: a rehearsal's twin is nobody's to review", len(rows))
	}
	for n, want := range []Row{
		{
			ID:       "acme/prod/orders",
			For:      "Nightly order feed",
			LastUsed: "2026-11-25T15:00:00Z",
			Flags:    []string{"orphaned", "suspended", "owner left"},
		},
		{
			ID:       "acme/prod/orders/daily",
			For:      "Nightly order feed",
			LastUsed: "not known",
			Flags:    []string{"orphaned", "owner left"},
		},
		{
			ID:       "acme/prod/orders/federated",
			For:      "Nightly order feed",
			LastUsed: "not known",
			Flags:    []string{"orphaned", "held", "owner left"},
		},
	} {
		if r := rows[n]; r.ID != want.ID ||
			r.For != want.For ||
			r.LastUsed != want.LastUsed ||
			!slices.Equal(r.Flags, want.Flags) {
			t.Errorf("got  %+v\nwant %+v", r, want)
		}
	}
}
