// SPDX-License-Identifier: MPL-2.0

package worksheet

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/signed"
)

// Sheet is a worksheet that somebody has filled in.
type Sheet struct {
	// File is its name, CSV its text, By who filled it in, and At when, as an RFC 3339 moment.
	File, CSV, By, At string
	// Signature is what By signed it with; "" where nobody did.
	Signature string
}

// Signed returns the sheet as what was signed: its bytes, and what was decided in it.
func (s Sheet) Signed() signed.Sheet {
	in := &reading{decisions: map[string]access.Review{}, editions: map[string]string{}, at: map[string]Mistake{}}
	in.sheet(s)
	out := signed.Sheet{File: s.File, Content: raw(s.CSV), Signature: s.Signature, Rows: map[string]signed.Row{}}
	for id, r := range in.decisions {
		out.Rows[id] = signed.Row{Review: r, Edition: in.editions[id]}
	}
	return out
}

// mark says in one line what the sheet was signed with; "" if nobody signed it.
func (s Sheet) mark() (string, error) {
	if s.Signature == "" {
		return "", nil
	}
	sheet := signed.Sheet{Content: raw(s.CSV), Signature: s.Signature}
	mark, err := sheet.Mark()
	if err != nil {
		return "", err
	}
	return mark.String(), nil
}

// Now is what a system holds of an object today.
type Now struct {
	ID string
	// Access is the digest of its access, ReviewedAt the newest review that was applied to it.
	Access     string
	ReviewedAt time.Time
}

// Mistake is what cannot be taken of a worksheet. Row is counted as spreadsheets do; 0 is the whole sheet. Column
// is "" for the whole row.
type Mistake struct {
	File    string
	Row     int
	Column  string
	Problem string
}

// String says where a mistake is, and what it is.
func (m Mistake) String() string {
	where := m.File
	if m.Row > 0 {
		where += fmt.Sprintf(", row %d", m.Row)
	}
	if m.Column != "" {
		where += ", column " + m.Column
	}
	return where + ": " + m.Problem
}

// Read returns the decisions of sheets, by the ids of what they are on, and what could not be taken. A blank decision
// is none. Of what has a mistake nothing is taken. Of what is held today, a decision on what has changed since is a
// mistake, unless it was applied.
func Read(sheets []Sheet, today []Now) (map[string]access.Review, []Mistake) {
	in := &reading{
		decisions: map[string]access.Review{},
		editions:  map[string]string{},
		at:        map[string]Mistake{},
		today:     map[string]Now{},
	}
	for _, n := range today {
		in.today[n.ID+" "+nameOf(n.Access)] = n
	}
	for _, s := range order.Sorted(slices.Values(sheets), func(a, b Sheet) int { return cmp.Compare(a.File, b.File) }) {
		in.sheet(s)
	}
	return in.decisions, in.mistakes
}

// reading is what was read of the sheets so far.
type reading struct {
	decisions map[string]access.Review
	// editions are which one of its id each decision was made on.
	editions map[string]string
	mistakes []Mistake
	// at is where each id was met first.
	at map[string]Mistake
	// today is what is held, by id and the part of its digest that is of the name; empty where nobody said.
	today map[string]Now
}

// sheet reads the decisions of a sheet. Of what is wrong with the whole of it, only the first is said.
func (in *reading) sheet(s Sheet) {
	wrong := func(m Mistake) {
		m.File = s.File
		in.mistakes = append(in.mistakes, m)
	}
	at, err := access.ParseMoment(s.At)
	if err != nil {
		wrong(Mistake{Problem: "at: " + err.Error()})
		return
	}
	if strings.TrimSpace(s.By) == "" {
		wrong(Mistake{Problem: "by is empty: write the address of whoever filled it in"})
		return
	}
	t, m, ok := readTable(s.CSV)
	if !ok {
		wrong(m)
		return
	}
	mark, err := s.mark()
	if err != nil {
		wrong(Mistake{Problem: "signature: " + err.Error()})
		return
	}
	for _, l := range t.lines {
		id, r, m := in.decide(t, l, access.Review{At: at, By: s.By, Signature: mark})
		m.Row = l.row
		if m.Problem == "" && r.Decision != "" {
			m.Column, m.Problem = in.twice(id, Mistake{File: s.File, Row: l.row})
		}
		if m.Problem != "" {
			wrong(m)
		} else if r.Decision != "" {
			in.decisions[id], in.editions[id] = r, t.cell(l, columnEdition)
		}
	}
}

// twice says where the same id was met before. Then neither is taken: nobody knows which one counts.
func (in *reading) twice(id string, here Mistake) (column, problem string) {
	first, met := in.at[id]
	if !met {
		in.at[id] = here
		return "", ""
	}
	delete(in.decisions, id)
	return columnID, fmt.Sprintf("%s is in %s, row %d as well: leave one of the two; neither is taken", id, first.File,
		first.Row)
}

// decide reads the decision of one line; "" where there is none. A mistake has a problem.
func (in *reading) decide(t *table, l line, r access.Review) (id string, _ access.Review, _ Mistake) {
	id = t.cell(l, columnID)
	digest := t.cell(l, columnAccess)
	decision := t.cell(l, columnDecision)
	until := t.cell(l, columnUntil)
	reason := t.cell(l, columnReason)
	if problem := t.beside(l); problem != "" {
		return id, r, Mistake{Problem: problem}
	}
	if decision == "" && until == "" && reason == "" {
		return id, r, Mistake{}
	}
	for _, c := range []struct{ column, text string }{{columnID, id}, {columnAccess, digest},
		{columnDecision, decision}, {columnUntil, until}, {columnReason, reason}} {
		if problem := unfit(c.text); problem != "" {
			return id, r, Mistake{Column: c.column, Problem: problem}
		}
	}
	if column, problem := whose(id, digest); problem != "" {
		return id, r, Mistake{Column: column, Problem: problem}
	}
	r.Decision = access.Decision(strings.ToLower(decision))
	r.Access = digest
	r.Reason = reason
	if problem := noDecision(r.Decision, decision); problem != "" {
		return id, r, Mistake{Column: columnDecision, Problem: problem}
	}
	if reason == "" {
		return id, r, Mistake{Column: columnReason,
			Problem: "it is blank: write why it is to " + strings.ToLower(decision)}
	}
	if problem := setUntil(&r, until); problem != "" {
		return id, r, Mistake{Column: columnUntil, Problem: problem}
	}
	return id, r, in.stale(id, r)
}

// noDecision says what is wrong with a decision, which somebody wrote as text; "" where nothing is.
func noDecision(d access.Decision, text string) string {
	switch d {
	case access.DecisionKeep, access.DecisionNarrow, access.DecisionEnd:
		return ""
	case "":
		return "it is blank beside a date or a reason: write keep, narrow or end, or leave all three blank"
	}
	return quoted(text) + " is no decision: write keep, narrow or end, or leave it blank"
}

// setUntil reads until into a decision.
func setUntil(r *access.Review, text string) (problem string) {
	if text == "" {
		return ""
	}
	if r.Decision == access.DecisionEnd {
		return quoted(text) + " stands beside the decision to end: leave it blank, or write keep or narrow"
	}
	if r.Until, problem = parseUntil(text); problem != "" {
		return problem
	}
	if !r.Until.After(r.At.Time) {
		return fmt.Sprintf("%s is not after the review, which was at %s: write a later date, or end", quoted(text),
			r.At)
	}
	return ""
}

// unfit says what makes a text none that somebody has written: what a spreadsheet left there in its place.
func unfit(text string) string {
	switch {
	case strings.HasPrefix(text, "="):
		return quoted(text) + " is a formula: write its result"
	case strings.HasPrefix(text, "#") && (strings.HasSuffix(text, "!") ||
		strings.HasSuffix(text, "?") ||
		strings.HasSuffix(text, "#") ||
		text == "#N/A"):
		return quoted(text) + " is what a spreadsheet shows where it cannot show a value: write the value"
	}
	return ""
}

// whose says what is wrong with an id and the digest beside it: the digest tells whether it is of this id.
func whose(id, digest string) (column, problem string) {
	if id == "" {
		return columnID, "it is blank: put the id of the worksheet back"
	}
	is := false
	for _, t := range []access.Type{access.TypeIdentity, access.TypeCredential, access.TypeGrant} {
		ref, _, err := access.ParseRef(t, id)
		if is = is || err == nil; err == nil && access.DigestNames(digest, ref) {
			return "", ""
		}
	}
	switch {
	case !is:
		return columnID, quoted(id) + " is no id: put the id of the worksheet back"
	case digest == "":
		return columnAccess, "it is blank: copy the cell from the worksheet; it says what was looked at"
	case nameOf(digest) == "":
		return columnAccess, quoted(digest) + " is none that a worksheet has: copy the cell from the worksheet"
	}
	return columnID, fmt.Sprintf("%s is not the id that this row's access is of: id or access was edited, or moved "+
		"to another row; copy the row from the worksheet", id)
}

// nameOf returns the part of a digest that is of the object's name; "" where it is no digest.
func nameOf(digest string) string {
	parts := strings.Split(digest, "-")
	if len(parts) != 3 {
		return ""
	}
	return parts[1]
}

// stale says that what was decided on is not what is there today.
func (in *reading) stale(id string, r access.Review) Mistake {
	now, there := in.today[id+" "+nameOf(r.Access)]
	if !there || now.Access == r.Access || !r.At.Truncate(time.Second).After(now.ReviewedAt) {
		return Mistake{}
	}
	return Mistake{Column: columnAccess,
		Problem: fmt.Sprintf("the decision is void: what %s allows has changed since the worksheet was made; look at "+
			"it again in a new one", id)}
}

// longest is how much of a cell a mistake shows.
const longest = 60

func quoted(text string) string {
	if utf8.RuneCountInString(text) > longest {
		text = string([]rune(text)[:longest]) + "..."
	}
	return strconv.Quote(text)
}
