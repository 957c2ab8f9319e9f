// SPDX-License-Identifier: MPL-2.0

package worksheet

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

var (
	orders = access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders"}
	at     = time.Date(2026, 11, 28, 15, 0, 0, 0, time.UTC)

	identity   = &access.Identity{ID: orders, Ceiling: []access.Pattern{"orders/acme/*"}}
	credential = &access.Credential{IdentityID: orders,
		Federated: &access.FederatedTrust{
			Issuer:    "https://login.acme.test",
			Subject:   "etl",
			Audiences: []string{"orders"},
		}}
	daily = &access.Grant{
		IdentityID: orders,
		Name:       "daily",
		Resource:   "orders/acme/daily/*",
		Actions:    []string{"read", "list"},
	}
)

// digestI, digestC and digestG stand for the digests of the three objects in the tests' texts.
func filled(text string) string {
	return strings.NewReplacer("digestI", access.Digest(identity), "digestC", access.Digest(credential), "digestG",
		access.Digest(daily)).Replace(text)
}

func wide(text string, order func(uint16) [2]byte, mark bool) string {
	units := utf16.Encode([]rune(text))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	var out []byte
	for _, u := range units {
		b := order(u)
		out = append(out, b[0], b[1])
	}
	return string(out)
}

func little(u uint16) [2]byte { return [2]byte{byte(u), byte(u >> 8)} }

const head = "id,access,decision,until,reason\n"

// What people and spreadsheets make of a worksheet is understood, or refused by row and column. Want is "ID DECISION
// UNTIL" of each decision, wrong begins each mistake.
func TestFilledWorksheetsAreUnderstoodOrRefused(t *testing.T) {
	const keepI = "acme/prod/orders keep 2027-03-31T00:00:00Z"
	for name, c := range map[string]struct {
		csv   string
		want  []string
		wrong []string
	}{
		"as it was made": {csv: head + "acme/prod/orders,digestI,keep,2027-03-31,Still needed\n",
			want: []string{keepI}},
		"a moment": {csv: head +
			"acme/prod/orders,digestI,keep,2027-03-31T00:00:00Z,Still needed\n", want: []string{keepI}},
		"nothing filled in":  {csv: head + "acme/prod/orders,digestI,,,\n"},
		"blanks for nothing": {csv: head + "acme/prod/orders,digestI, ,  ,\u00a0\n"},
		"all three decisions": {csv: head +
			"acme/prod/orders,digestI,keep,2027-03-31,A\nacme/prod/orders/federated,digestC,end,,B\nacme/prod/orders/daily,digestG,narrow,2027-01-31,C\n", want: []string{keepI, "acme/prod/orders/daily narrow 2027-01-31T00:00:00Z", "acme/prod/orders/federated end "}},
		"keep without a date": {csv: head + "acme/prod/orders,digestI,keep,,Still needed\n",
			want: []string{"acme/prod/orders keep "}},
		"capital letters and spaces": {csv: head + " acme/prod/orders ,digestI, KEEP ,2027-03-31,Still needed\n",
			want: []string{keepI}},
		"semicolons": {csv: strings.ReplaceAll(head, ",", ";") +
			"acme/prod/orders;digestI;keep;2027-03-31;Still needed, they say\n", want: []string{keepI}},
		"tabs": {csv: strings.ReplaceAll(head, ",", "\t") +
			"acme/prod/orders\tdigestI\tkeep\t2027-03-31\tStill needed; really, yes\n", want: []string{keepI}},
		"what Excel says it separates": {csv: "sep=;\n" + strings.ReplaceAll(head, ",", ";") +
			"acme/prod/orders;digestI;keep;2027-03-31;Yes\n", want: []string{keepI}},
		"Windows' ends of lines": {csv: strings.ReplaceAll(head+
			"acme/prod/orders,digestI,keep,2027-03-31,Yes\n", "\n", "\r\n"), want: []string{keepI}},
		"old ends of lines": {csv: strings.ReplaceAll(head+
			"acme/prod/orders,digestI,keep,2027-03-31,Yes\n", "\n", "\r"), want: []string{keepI}},
		"a byte order mark": {csv: bom + head + "acme/prod/orders,digestI,keep,2027-03-31,Yes\n",
			want: []string{keepI}},
		"in base64": {csv: base64.StdEncoding.EncodeToString([]byte(filled(bom + head +
			"acme/prod/orders,digestI,keep,2027-03-31,Yes\n"))), want: []string{keepI}},
		"columns moved and added": {csv: "Reason,My notes,DECISION,id,until,access\nYes,call " +
			"Bob,keep,acme/prod/orders,2027-03-31,digestI\n", want: []string{keepI}},
		"rows above the names": {csv: "Review of the fourth quarter,,,,\n,,,,\n" + head +
			"acme/prod/orders,digestI,keep,2027-03-31,Yes\n", want: []string{keepI}},
		"rows sorted and blank ones": {csv: head +
			",,,,\n\nacme/prod/orders,digestI,keep,2027-03-31,Yes\n,,,,\n", want: []string{keepI}},
		"cut off at the last filled": {csv: "id,access,decision,until,reason,flags\nacme/prod/orders,digestI,keep,2027-03-31,Yes\n", want: []string{keepI}},
		"a cell of several lines": {csv: head +
			"acme/prod/orders,digestI,keep,2027-03-31,\"Yes,\nsays \"\"Bob\"\"\"\n", want: []string{keepI}},
		"a reason in another alphabet": {csv: head + "acme/prod/orders,digestI,keep,2027-03-31,Нужно ещё\n",
			want: []string{keepI}},
		"a date of the United States": {csv: head + "acme/prod/orders,digestI,keep,3/31/2027,Yes\n",
			want: []string{keepI}},
		"a date of Germany": {csv: head + "acme/prod/orders,digestI,keep,31.03.2027,Yes\n",
			want: []string{keepI}},
		"a date of Britain": {csv: head + "acme/prod/orders,digestI,keep,31/3/2027,Yes\n",
			want: []string{keepI}},
		"a date of Sweden": {csv: head + "acme/prod/orders,digestI,keep,2027-3-31,Yes\n",
			want: []string{keepI}},
		"a date of Japan": {csv: head + "acme/prod/orders,digestI,keep,2027/03/31,Yes\n",
			want: []string{keepI}},
		"a date with its midnight": {csv: head + "acme/prod/orders,digestI,keep,2027-03-31 00:00:00,Yes\n",
			want: []string{keepI}},
		"a date whose month is a word": {csv: head + "acme/prod/orders,digestI,keep,31-Mar-2027,Yes\n",
			want: []string{keepI}},
		"a long date": {csv: head + "acme/prod/orders,digestI,keep,\"March 31, 2027\",Yes\n",
			want: []string{keepI}},
		"the same day and month": {csv: head + "acme/prod/orders,digestI,keep,03/03/2027,Yes\n",
			want: []string{"acme/prod/orders keep 2027-03-03T00:00:00Z"}},
		"a date that could be two": {csv: head + "acme/prod/orders,digestI,keep,01/02/2027,Yes\n",
			wrong: []string{`s.csv, row 2, column until: "01/02/2027" could be 2027-01-02 or 2027-02-01`}},
		"with dots as well": {csv: head + "acme/prod/orders,digestI,keep,1.2.2027,Yes\n",
			wrong: []string{`s.csv, row 2, column until: "1.2.2027" could be 2027-01-02 or 2027-02-01`}},
		"a year of two digits": {csv: head + "acme/prod/orders,digestI,keep,31-Mar-27,Yes\n",
			wrong: []string{`s.csv, row 2, column until: "31-Mar-27" has a year of two digits`}},
		"the number of a date": {csv: head + "acme/prod/orders,digestI,keep,46477,Yes\n",
			wrong: []string{`s.csv, row 2, column until: "46477" is a date as a spreadsheet counts it, in days; in Excel it would be 2027-03-31`}},
		"no date": {csv: head + "acme/prod/orders,digestI,keep,next spring,Yes\n",
			wrong: []string{`s.csv, row 2, column until: "next spring" is no date: write it as 2027-03-31`}},
		"a day that does not exist": {csv: head + "acme/prod/orders,digestI,keep,2027-02-30,Yes\n",
			wrong: []string{`s.csv, row 2, column until: "2027-02-30" is no date that exists`}},
		"a month that does not exist": {csv: head + "acme/prod/orders,digestI,keep,31.13.2027,Yes\n",
			wrong: []string{`s.csv, row 2, column until: "31.13.2027" is no date that exists`}},
		"a date that has passed": {csv: head + "acme/prod/orders,digestI,keep,2026-03-31,Yes\n",
			wrong: []string{`s.csv, row 2, column until: "2026-03-31" is not after the review`}},
		"until the moment of the review": {csv: head + "acme/prod/orders,digestI,keep,2026-11-28T15:00:00Z,Yes\n",
			wrong: []string{`s.csv, row 2, column until: "2026-11-28T15:00:00Z" is not after the review`}},
		"a day of none": {csv: head + "acme/prod/orders,digestI,keep,0/5/2027,Yes\n",
			wrong: []string{`s.csv, row 2, column until: "0/5/2027" is no date that exists`}},
		"marks that nobody sees": {csv: head +
			"acme/prod/orders\u200b,\ufeffdigestI,keep\u00a0,2027-03-31,Yes\n", want: []string{keepI}},
		"UTF-16 the other way round": {csv: base64.StdEncoding.EncodeToString([]byte(wide(head,
			func(u uint16) [2]byte { return [2]byte{byte(u >> 8), byte(u)} }, true))),
			wrong: []string{`s.csv: it is UTF-16`}},
		"rows below what Excel says": {csv: "SEP=;\n" + strings.ReplaceAll(head, ",", ";") +
			"acme/prod/orders;digestI;kept;2027-03-31;Yes\n",
			wrong: []string{`s.csv, row 2, column decision: "kept" is no decision`}},
		"a date beside an end": {csv: head + "acme/prod/orders,digestI,end,2027-03-31,Yes\n",
			wrong: []string{`s.csv, row 2, column until: "2027-03-31" stands beside the decision to end`}},
		"too narrow a column": {csv: head + "acme/prod/orders,digestI,keep,########,Yes\n",
			wrong: []string{`s.csv, row 2, column until: "########" is what a spreadsheet shows`}},
		"a formula": {csv: head + "acme/prod/orders,digestI,keep,=TODAY()+90,Yes\n",
			wrong: []string{`s.csv, row 2, column until: "=TODAY()+90" is a formula`}},
		"a formula for a reason": {csv: head +
			"acme/prod/orders,digestI,keep,2027-03-31,\"=HYPERLINK(\"\"http://x\"\")\"\n",
			wrong: []string{`s.csv, row 2, column reason: "=HYPERLINK`}},
		"a broken reference": {csv: head + "#REF!,digestI,keep,2027-03-31,Yes\n",
			wrong: []string{`s.csv, row 2, column id: "#REF!" is what a spreadsheet shows`}},
		"another word for keep": {csv: head + "acme/prod/orders,digestI,yes,2027-03-31,Yes\n",
			wrong: []string{`s.csv, row 2, column decision: "yes" is no decision`}},
		"a mark for keep": {csv: head + "acme/prod/orders,digestI,x,2027-03-31,Yes\n",
			wrong: []string{`s.csv, row 2, column decision: "x" is no decision`}},
		"a date without a decision": {csv: head + "acme/prod/orders,digestI,,2027-03-31,\n",
			wrong: []string{`s.csv, row 2, column decision: it is blank beside a date`}},
		"a reason without a decision": {csv: head + "acme/prod/orders,digestI,,,Ask Bob\n",
			wrong: []string{`s.csv, row 2, column decision: it is blank`}},
		"no reason": {csv: head + "acme/prod/orders,digestI,keep,2027-03-31,\n",
			wrong: []string{`s.csv, row 2, column reason: it is blank: write why it is to keep`}},
		"an edited id": {csv: head + "acme/prod/order,digestI,keep,2027-03-31,Yes\n",
			wrong: []string{`s.csv, row 2, column id: acme/prod/order is not the id that this row's access is of`}},
		"an id that is none": {csv: head + "ACME orders,digestI,keep,2027-03-31,Yes\n",
			wrong: []string{`s.csv, row 2, column id: "ACME orders" is no id`}},
		"a blank id": {csv: head + ",digestI,keep,2027-03-31,Yes\n",
			wrong: []string{`s.csv, row 2, column id: it is blank`}},
		"the access of another row": {csv: head + "acme/prod/orders,digestG,keep,2027-03-31,Yes\n",
			wrong: []string{`s.csv, row 2, column id: acme/prod/orders is not the id`}},
		"blank access": {csv: head + "acme/prod/orders,,keep,2027-03-31,Yes\n",
			wrong: []string{`s.csv, row 2, column access: it is blank`}},
		"edited access": {csv: head + "acme/prod/orders,abc,keep,2027-03-31,Yes\n",
			wrong: []string{`s.csv, row 2, column access: "abc" is none that a worksheet has`}},
		"two tables in one": {csv: "sep=;\nreason,id,access,decision,until,x;id;access;decision;until;reason\nYes,acme/prod/orders,digestI,keep,2027-03-31,x;acme/prod/orders;digestI;end;;No\n", wrong: []string{"s.csv: it is one table with one separator"}},
		"semicolons within cells": {csv: head +
			"acme/prod/orders,digestI,keep,2027-03-31,\"id;access;decision;until;reason\"\n", want: []string{keepI}},
		"a column twice":       {csv: "id,access,decision,until,Decision,reason\nacme/prod/orders,digestI,keep,2027-03-31,end,Yes\n", wrong: []string{"s.csv, column decision: two columns have this name"}},
		"notes in two columns": {csv: "id,access,decision,until,reason,notes,notes\nacme/prod/orders,digestI,keep,2027-03-31,Yes,a,b\n", want: []string{keepI}},
		"the same row twice": {csv: head +
			"acme/prod/orders,digestI,keep,2027-03-31,Yes\n\nacme/prod/orders,digestI,end,,No\n",
			wrong: []string{`s.csv, row 4, column id: acme/prod/orders is in s.csv, row 2 as well`}},
		"the same row three times": {csv: head +
			"acme/prod/orders,digestI,keep,,A\nacme/prod/orders,digestI,keep,,A\nacme/prod/orders,digestI,keep,,A\n",
			wrong: []string{`s.csv, row 3, column id`, `s.csv, row 4, column id`}},
		"a mistake among right ones": {
			csv: head +
				"acme/prod/orders,digestI,keep,2027-03-31,Yes\nacme/prod/orders/daily,digestG,kep,,Yes\nacme/prod/orders/federated,digestC,end,,No\n",
			want:  []string{keepI, "acme/prod/orders/federated end "},
			wrong: []string{`s.csv, row 3, column decision: "kep"`},
		},
		"rows are those of the sheet": {
			csv: head +
				"acme/prod/orders,digestI,keep,2027-03-31,\"one\ntwo\nthree\"\n\n\nacme/prod/orders/daily,digestG,kep,,Yes\n",
			want:  []string{keepI},
			wrong: []string{`s.csv, row 5, column decision`},
		},
		"text beyond the last column": {csv: head + "acme/prod/orders,digestI,keep,2027-03-31,Yes, as ever\n",
			wrong: []string{`s.csv, row 2: "as ever" stands in column 6, which has no name`}},
		"a column is missing": {csv: "id,access,decision,reason\nacme/prod/orders,digestI,keep,Yes\n",
			wrong: []string{`s.csv, column until: there is no such column`}},
		"the names are missing": {csv: "acme/prod/orders,digestI,keep,2027-03-31,Yes\n",
			wrong: []string{`s.csv: no row names the columns id, access, decision, until, reason`}},
		"another text": {csv: "Dear all,\nplease find attached the worksheet.\n",
			wrong: []string{`s.csv: no row names the columns`}},
		"nothing": {csv: bom + "\r\n", wrong: []string{`s.csv: it is empty`}},
		"UTF-16": {csv: base64.StdEncoding.EncodeToString([]byte(wide(head, little, true))),
			wrong: []string{`s.csv: it is UTF-16, which Excel calls Unicode Text: save it as "CSV UTF-8"`}},
		"UTF-16 without its mark": {csv: wide(head, little, false), wrong: []string{`s.csv: it is UTF-16`}},
		"another character set": {csv: base64.StdEncoding.EncodeToString([]byte(head +
			"a,b,keep,,n\xf6tig\n")), wrong: []string{`s.csv: it is not UTF-8`}},
		"a workbook": {csv: base64.StdEncoding.EncodeToString([]byte("PK\x03\x04 and so on")),
			wrong: []string{`s.csv: it is a workbook`}},
		"a quotation mark out of place": {csv: head +
			"acme/prod/orders,digestI,keep,2027-03-31,Yes\nacme/prod/orders/daily,digestG,keep,,the \"big\" one\n",
			wrong: []string{`s.csv, row 3: a quotation mark stands in a cell that does not begin with one: nothing of the sheet is taken. Save it anew`}},
		"a quotation mark after long cells": {csv: head +
			"acme/prod/orders,digestI,keep,,\"one\ntwo\nthree\"\n\nacme/prod/orders/daily,digestG,keep,,the " +
			"\"big\" one\n", wrong: []string{`s.csv, row 4: a quotation mark`}},
		"a quotation mark left open": {csv: head +
			"acme/prod/orders,digestI,keep,2027-03-31,\"Yes\nacme/prod/orders/daily,digestG,keep,,A\n",
			wrong: []string{`s.csv, row 2: a quotation mark opens a cell and none closes it`}},
	} {
		t.Run(name, func(t *testing.T) {
			decisions, mistakes := Read([]Sheet{{
				File: "s.csv",
				CSV:  filled(c.csv),
				By:   "jane@example.com",
				At:   access.At(at).String(),
			}}, nil)
			got := []string{}
			for id, d := range decisions {
				got = append(got, fmt.Sprintf("%s %s %s", id, d.Decision, d.Until))
				if d.By != "jane@example.com" ||
					!d.At.Equal(at) ||
					d.Reason == "" ||
					d.Access == "" {
					t.Errorf("%s: %+v", id, d)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("decided %q, want %q", got, c.want)
			}
			if len(mistakes) != len(c.wrong) {
				t.Fatalf("mistakes %v, want %d", mistakes, len(c.wrong))
			}
			for n, m := range mistakes {
				if !strings.HasPrefix(m.String(), c.wrong[n]) {
					t.Errorf("got  %s\nwant %s", m, c.wrong[n])
				}
			}
		})
	}
}

// Twenty people fill in twenty files, and one hands in the same row as another.
func TestARowInTwoSheetsCountsInNeither(t *testing.T) {
	row := filled(head + "acme/prod/orders,digestI,keep,2027-03-31,Yes\n")
	decisions, mistakes := Read([]Sheet{
		{File: "b.csv", CSV: row, By: "bob@example.com", At: "2026-11-28T15:00:00Z"},
		{File: "a.csv", CSV: row, By: "ann@example.com", At: "2026-11-28T15:00:00Z"},
	}, nil)
	if len(decisions) != 0 ||
		len(mistakes) != 1 ||
		!strings.Contains(mistakes[0].String(),
			"b.csv, row 2, column id: acme/prod/orders is in a.csv, row 2 as well") {
		t.Error(decisions, mistakes)
	}
}

func TestASheetSaysByWhomAndWhenItWasFilledIn(t *testing.T) {
	row := filled(head + "acme/prod/orders,digestI,keep,2027-03-31,Yes\n")
	for _, s := range []Sheet{{File: "a", CSV: row, By: " ", At: "2026-11-28T15:00:00Z"},
		{File: "a", CSV: row, By: "ann@example.com", At: "28.11.2026"}} {
		if decisions, mistakes := Read([]Sheet{s}, nil); len(decisions) != 0 || len(mistakes) != 1 {
			t.Error(s, decisions, mistakes)
		}
	}
}

// Somebody widens the access after the worksheet was made: what was decided on is not what is there. What was
// applied already is not void.
func TestADecisionOnOtherAccessThanTodaysIsVoid(t *testing.T) {
	wider := *daily
	wider.Actions = append([]string{"delete"}, daily.Actions...)
	sheet := []Sheet{{
		File: "s.csv",
		CSV:  filled(head + "acme/prod/orders/daily,digestG,keep,2027-03-31,Yes\n"),
		By:   "jane@example.com",
		At:   access.At(at).String(),
	}}
	for name, c := range map[string]struct {
		today []Now
		void  bool
	}{
		"the same": {[]Now{{ID: "acme/prod/orders/daily", Access: access.Digest(daily)}},
			false},
		"wider": {[]Now{{ID: "acme/prod/orders/daily", Access: access.Digest(&wider)}},
			true},
		"wider since an earlier review": {[]Now{{
			ID:         "acme/prod/orders/daily",
			Access:     access.Digest(&wider),
			ReviewedAt: at.Add(-time.Hour),
		}}, true},
		"wider, and it was applied before": {[]Now{{
			ID:         "acme/prod/orders/daily",
			Access:     access.Digest(&wider),
			ReviewedAt: at,
		}}, false},
		"gone": {[]Now{}, false},
	} {
		decisions, mistakes := Read(sheet, c.today)
		if exact, _ := Read([]Sheet{{
			File: "s.csv",
			CSV:  sheet[0].CSV,
			By:   "jane@example.com",
			At:   "2026-11-28T15:00:00.5Z",
		}}, c.today); (len(exact) == 0) != c.void {
			t.Errorf("%s: half a second counts", name) // the system tells moments to the second
		}
		if void := len(mistakes) == 1 && len(decisions) == 0; void != c.void {
			t.Errorf("%s: %v %v", name, decisions, mistakes)
		}
	}
}

// Whatever a file holds, it is read or refused, and nothing is decided that names no access.
func FuzzRead(f *testing.F) {
	f.Add(filled(head + "acme/prod/orders,digestI,keep,2027-03-31,Yes\n"))
	f.Add("sep=;\nid;access\n\"")
	f.Add(bom + "id\taccess\tdecision\tuntil\treason\r\n\t\t\t\t")
	f.Fuzz(func(t *testing.T, text string) {
		decisions, mistakes := Read([]Sheet{{File: "s", CSV: text, By: "a@example.com", At: "2026-11-28T15:00:00Z"}},
			nil)
		for id, d := range decisions {
			if column, problem := whose(id, d.Access); problem != "" || d.Reason == "" {
				t.Error(id, column, problem, d)
			}
		}
		for _, m := range mistakes {
			if m.Problem == "" || m.File == "" {
				t.Errorf("%+v", m)
			}
		}
	})
}
