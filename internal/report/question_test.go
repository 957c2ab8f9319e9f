// SPDX-License-Identifier: MPL-2.0

package report

import (
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/golden"
)

// questions are what an auditor asks, where the page answers, and what it answers of the portfolio. The place is the id
// of an element of the page; it holds the answer as text. The Markdown has the same words.
var questions = []struct {
	asks, place string
	html, text  []string
}{
	{"Who can act now?", "figure-can-act", []string{"22", "Can act now", "acme/prod/export"},
		[]string{"| Can act now | 22 |"}},
	{"What may act that nobody declared?", "figure-undeclared",
		[]string{"2", "auth/userpass/users/soylent-admin", "auth/token/role/legacy-vendor"},
		[]string{"| Undeclared | 2 |"}},
	{"Who is held?", "figure-held", []string{"3", "hooli/prod/billing"}, []string{"| Held | 3 |"}},
	{"Who is suspended?", "figure-suspended", []string{"2", "stark/prod/billing"}, []string{"| Suspended | 2 |"}},
	{"Who is in force and cannot act?", "figure-cannot-act", []string{"4", "wonka/prod/billing"},
		[]string{"| In force, cannot act | 4 |"}},
	{"What ended, and how?", "figure-ended",
		[]string{"6", "cyberdyne/prod/export ended by itself on 2027-02-09",
			"oscorp/prod/lab was cut on 2027-02-20 by alice, refused after 1.84 s"},
		[]string{"| Ended in this period | 6 |"}},
	{"What is due for review?", "figure-due-for-review", []string{"3", "massive/prod/export has been due since"},
		[]string{"| Due for review | 3 |"}},
	{"Whose owner left?", "figure-owner-left", []string{"3", "umbrella/prod/support: kim.left@example.com left"},
		[]string{"| Owner left | 3 |"}},
	{"When was a cut last rehearsed, and how fast was it?", "rehearsal",
		[]string{"2027-02-15 09:30, of acme: refused after 1.62 s", "4 of 12 partners were rehearsed"},
		[]string{"2027-02-15 09:30, of acme: refused after 1.62 s."}},
	{"What does the report not know?", "unknown",
		[]string{"26 objects of 105", "2 credentials", "1 change:", "1 gap of the journal",
			"namespaces were not looked at"}, []string{"What became of 1 change"}},
	{"Which systems were looked at?", "sources",
		[]string{"prod (openbao)", "namespace partners", "105 objects", "partners-emea, partners-prod"},
		[]string{"105 objects of the stacks"}},
	{"Who owns it, until when, and on whose review?", "acme/prod/export",
		[]string{"owner dana.owens@example.com", "2027-04-30", "by rae.visor@example.com", "Still needed for export",
			"review due"},
		[]string{"dana.owens@example.com", "2027-04-30 09:30"}},
	{"Whom does a credential trust, and from where?", "acme/prod/export",
		[]string{"https://login.acme.test", "svc-export", "203.0.113.0/28"}, []string{"svc-export"}},
	{"Whose key is it?", "acme/prod/support", []string{"SHA256:", "any network"}, []string{"SHA256:"}},
	{"What may it do?", "acme/prod/billing", []string{"list, read on secret/data/acme/billing/*", ">2027-04-01</time>"},
		[]string{"list, read on secret/data/acme/billing/"}},
	{"Which contract does it rest on, and whom do I call?", "partner acme",
		[]string{"MSA-2026-001", "noc@acme.test", "203.0.113.0/28", "soylent/prod/export"}, []string{"MSA-2026-001"}},
	{"How is a partner cut by hand?", "partner hooli", []string{"partner-hold-hooli"}, []string{"partner-hold-hooli"}},
	{"What outlives its agreement?", "partner wayne", []string{"flag past", "wayne/prod/support", "can act"},
		[]string{"(ended)"}},
	{"Is what ended a breach?", "cyberdyne/prod/export", []string{`<span class="stands ended">ended</span>`},
		[]string{"ended"}},
	{"What was created?", "group created", []string{"acme/prod/export/read-export", "read"},
		[]string{"### Created (1)"}},
	{"What was widened, and what was it before?", "group widened",
		[]string{"globex/prod/billing/read-billing", "actions: read → list, read",
			"resource: secret/data/globex/billing/2026/* → secret/data/globex/billing/*"},
		[]string{"actions: read → list, read"}},
	{"What was narrowed?", "group narrowed", []string{"allowed_cidrs: 203.0.113.0/24 → 203.0.113.32/28"},
		[]string{"### Narrowed (1)"}},
	{"What was renewed, and on whose review?", "group renewed",
		[]string{"2027-02-19 09:30 → 2027-04-30 09:30",
			"rae.visor@example.com, 2027-02-08 09:30: Still ships the nightly export"}, []string{"### Renewed (1)"}},
	{"What was issued anew?", "group rotated", []string{"trust: SHA256:old → SHA256:new", "4f:1a"},
		[]string{"### Rotated (1)"}},
	{"Who was suspended, and how fast?", "group suspended", []string{"suspended: none → yes", "refused after 0.94 s"},
		[]string{"0.94"}},
	{"How fast was a cut, and what went along?", "group cut",
		[]string{"refused after 1.84 s", "took along credential oscorp/prod/lab/secret"}, []string{"1.84"}},
	{"What was cut by hand?", "group found", []string{"hooli/prod/billing and hooli/prod/export were cut by hand"},
		[]string{"### Cuts by hand and tampering that were found (1)"}},
	{"What failed?", "group failed", []string{"503 sealed"}, []string{"### Failed (1)"}},
	{"What has no outcome?", "group missing", []string{"tyrell/prod/billing/read-billing", "ask the system"},
		[]string{"### Outcome missing (1)"}},
	{"Who made a change?", "group cut", []string{"alice (user)", "on laptop-7"}, []string{"alice"}},
	{"How many reviews were done, and which were not?", "reviews", []string{"28 of 31", "massive/prod/export"},
		[]string{"| 28 of 31 |"}},
	{"Where can the journal not be relied on?", "period", []string{"Line 41 was added by somebody else"},
		[]string{"### Gaps (1)"}},
	{"Which rules are broken?", "findings",
		[]string{"expiry/outlives-agreement", "The rules were applied to 79 of 105 objects"},
		[]string{"| 79 of 105 |"}},
	{"Which controls does that touch?", "controls",
		[]string{"OWASP NHI1", "NIST CSF 2.0 GV.SC-10", "CSA CCM v4 IAM-08", "ISO 27001 A.5.20", "2 of 3 (66 %)",
			"has not: wayne"}, []string{"2 of 3 (66 %)"}},
	{"Which data is this page of, and who signs it?", "sign-off",
		[]string{"SHA-256", "Prepared by", "Exceptions accepted by"}, []string{"## Sign-off"}},
}

func TestEachQuestionOfAnAuditorHasAPlace(t *testing.T) {
	page := html(t, portfolio())
	md := strings.ReplaceAll(text(t, portfolio()), `\`, "")
	for _, q := range questions {
		answer := place(t, page, q.place)
		for _, want := range q.html {
			if !strings.Contains(answer, want) {
				t.Errorf("%s %s does not say %q:\n%.1500s", q.asks, q.place, want, answer)
			}
		}
		for _, want := range q.text {
			if !strings.Contains(md, want) {
				t.Errorf("%s The Markdown does not say %q", q.asks, want)
			}
		}
	}
}

// place is a part of the page: a group of changes, a partner's block, an identity's row, or what an id names, up to
// the end of its element.
func place(t *testing.T, page, name string) string {
	t.Helper()
	begin, end := fmt.Sprintf("id=%q", name), "</section>"
	switch kind, rest, _ := strings.Cut(name, " "); {
	case kind == "group":
		begin = fmt.Sprintf(`<tbody class="group-%s">`, rest)
		end = "</tbody>"
	case kind == "partner":
		begin = fmt.Sprintf(`>%s (`, rest)
		_, page, _ = strings.Cut(page, `<section aria-labelledby="legend"`)
	case strings.HasPrefix(name, "figure-"):
		end = "<li id=\"figure"
	case strings.Contains(name, "/"):
		begin = fmt.Sprintf(`<div><span class="id">%s</span>`, name)
		end = "</tr>"
	case name == "unknown" || name == "sources":
		end = "</ul>"
	case name == "rehearsal" || name == "reviews":
		end = "</p>"
	}
	_, rest, found := strings.Cut(page, begin)
	if !found {
		t.Fatalf("the page has no %q", begin)
	}
	part, _, _ := strings.Cut(rest, end)
	return strings.ReplaceAll(part, "&#43;", "+")
}

// Page, text, table and JSON say the same of every identity.
func TestEachFormSaysTheSame(t *testing.T) {
	r := portfolio()
	page := html(t, r)
	md := strings.ReplaceAll(text(t, r), `\`, "")
	rows, err := csv.NewReader(strings.NewReader(r.CSV())).ReadAll()
	if err != nil || len(rows) != len(r.Inventory.Items)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	at := func(row []string, column string) string { return row[slices.Index(columns, column)] }
	table := map[string]int{}
	for _, row := range rows[1:] {
		if at(row, "type") == "identity" {
			table[at(row, "standing")]++
		}
	}
	document := r.toDocument()
	for _, f := range r.figures() {
		tile := regexp.MustCompile(`id="figure-` + f.Slug +
			`"[^>]*><b class="number-of">([^<]*)</b>`).FindStringSubmatch(page)
		if tile == nil ||
			tile[1] != f.Number() ||
			!strings.Contains(md, "| "+f.Name+" | "+f.Number()+" |") ||
			*document.Summary.Figures[f.Slug].Count != len(f.Of) {
			t.Errorf("%s: page %v, number %s", f.Slug, tile, f.Number())
		}
		if n, counted := table[f.Slug]; counted && f.Slug != "ended" && n != len(f.Of) {
			t.Errorf("%s: %d in the table, %d on the page", f.Slug, n, len(f.Of))
		}
	}
	for _, h := range r.holdings() {
		row := place(t, page, h.Holder)
		if !strings.Contains(row, ">"+string(h.Standing)+"<") || !strings.Contains(md, "| "+h.Holder) {
			t.Errorf("%s is not %s on the page, or not in the text", h.Holder, h.Standing)
		}
		for _, part := range h.Items() {
			if part.Resource != "" && (!strings.Contains(row, part.Resource) || !strings.Contains(md, part.Resource)) {
				t.Errorf("%s: %s is missing", h.Holder, part.Resource)
			}
		}
	}
}

// What repeats is said once: a sentence of every row made 197 pages of 109 objects.
func TestWhatRepeatsIsANote(t *testing.T) {
	page := html(t, portfolio())
	for _, sentence := range []string{"Ended by: OpenBao, at each request.", "Ended by: OpenBao, at the next login.",
		"Waived: review/overdue"} {
		if n := strings.Count(page, sentence); n != 1 {
			t.Errorf("%q stands %d times on the page", sentence, n)
		}
	}
}

func TestFindingsComeByGravity(t *testing.T) {
	last := 0
	for _, f := range portfolio().sorted() {
		if gravity(f.Level) < last {
			t.Errorf("%s of %s comes late", f.Level, f.Rule)
		}
		last = gravity(f.Level)
	}
}

// Whoever keeps the JSON can check that the page is of it.
func TestThePageNamesTheJSON(t *testing.T) {
	content, err := portfolio().JSON()
	if err != nil {
		t.Fatal(err)
	}
	if digest := Digest(content); !strings.Contains(html(t, portfolio()), digest) ||
		!strings.Contains(text(t, portfolio()), digest) {
		t.Errorf("%s is not on the page, or not in the text", digest)
	}
	golden.Compare(t, "testdata/portfolio.json", content)
}
