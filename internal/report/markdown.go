// SPDX-License-Identifier: MPL-2.0

package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/shown"
)

// Markdown returns the report as text for a ticket or a pull request. Every value stands in a cell or a heading, where
// nothing but a character with a meaning can break out; those are escaped.
func (r *Report) Markdown() (string, error) {
	content, err := r.JSON()
	if err != nil {
		return "", err
	}
	var m markdown
	m.heading(1, r.Title)
	head := []string{"Holds", "At (UTC)", "Period (UTC)"}
	row := []string{r.systems(), moment(r.Inventory.At), r.period()}
	if only := r.filter(); only != "" {
		head, row = append(head, "Only"), append(row, only)
	}
	m.table(head, [][]string{row})
	m.writeSummary(r)
	n := r.newNotes()
	for _, p := range r.partners() {
		m.writePartner(r, p, n)
	}
	m.writeFormer(r.collectFormer())
	m.period(r)
	m.findings(r)
	m.standards(r)
	m.heading(2, "Notes")
	rows := make([][]string, 0, len(n.Texts))
	for number, text := range n.Texts {
		rows = append(rows, []string{strconv.Itoa(number + 1), text})
	}
	m.table([]string{"Note", "Says"}, rows)
	m.heading(2, "Sign-off")
	m.table([]string{"SHA-256 of the report's JSON"}, [][]string{{Digest(content)}})
	rows = nil
	for _, role := range signatories {
		rows = append(rows, []string{role, "", "", ""})
	}
	m.table([]string{"Role", "Name", "Date", "Signature"}, rows)
	return m.out.String(), nil
}

// period returns the period in words.
func (r *Report) period() string {
	from, to := moment(r.From), moment(r.To)
	switch {
	case from == "" && to == "":
		return "all that is recorded"
	case from == "":
		return "until " + to
	case to == "":
		return "since " + from
	}
	return from + " to " + to
}

// markdown is the text in the making. All but paragraph escape the values that they are given.
type markdown struct{ out strings.Builder }

// reach returns what a grant allows, or what the grants of an identity may.
func reach(i *inventory.Item) string {
	switch {
	case i.Resource != "" && len(i.Actions) > 0:
		return strings.Join(i.Actions, ", ") + " on " + i.Resource
	case i.Resource != "":
		return i.Resource
	case len(i.Ceiling) > 0:
		return "at most " + strings.Join(i.Ceiling, ", ")
	}
	return ""
}

// remarks returns what else is to be known: what is too much, what was set aside, and why it is here at all.
func remarks(i *inventory.Item) []string {
	var all []string
	all = append(all, i.Drift...)
	if i.Why != "" {
		all = append(all, i.Why)
	}
	for _, w := range waiversOf(i) {
		all = append(all, "Waived: "+w)
	}
	return all
}

// period writes what was changed in the period, group by group, with the reviews before and the gaps after it. A group
// without changes says so, or that no journal was read.
func (m *markdown) period(r *Report) {
	m.heading(2, "Period")
	v := r.countReviews()
	m.table([]string{"Reviewed in the period", "Not reviewed", "New in the period"}, [][]string{{
		fmt.Sprintf("%d of %d", len(v.Done), v.Of()), lines(holders(v.Missing)), strconv.Itoa(len(v.New)),
	}})
	if progress := r.Progress(); progress != "" {
		m.paragraph(progress)
	}
	none := noRows
	if unread := r.unread(); unread != "" {
		none = "Not known: " + shown.Markdown(unread) + "."
	}
	for _, g := range r.groups() {
		m.heading(3, fmt.Sprintf("%s (%s)", g.Title, r.recorded(len(g.Changes))))
		rows := make([][]string, 0, len(g.Changes))
		for _, c := range g.Changes {
			rows = append(rows, []string{
				moment(c.Asked), string(c.Verb), c.Type, c.ID, c.Source, lines(c.Differences()), c.Who(), c.Word(),
				moment(c.EndsAt), c.Refusal(), lines(c.Swept), c.Result(),
			})
		}
		m.rows([]string{"Asked (UTC)", "Verb", "Type", "ID", "In", "Before and after", "By", "On whose review",
			"Ends (UTC)", "Seconds to refusal", "Took along", "Outcome"}, rows, none)
	}
	m.heading(3, fmt.Sprintf("Gaps (%s)", r.recorded(len(r.Gaps))))
	m.rows([]string{"Where the journal cannot be relied on"}, single(r.Gaps), none)
}

// findings writes the findings, the gravest first. Without any, it says whether the rules were applied at all.
func (m *markdown) findings(r *Report) {
	m.heading(2, "Findings")
	judged, of := r.judged()
	m.table([]string{"Objects that the rules were applied to"}, [][]string{{fmt.Sprintf("%d of %d", judged, of)}})
	rows := make([][]string, 0, len(r.Findings))
	for _, f := range r.sorted() {
		rows = append(rows, []string{f.Level, f.Rule, f.Type, f.ID, f.Source, f.Problem, f.Fix,
			strings.Join(f.Controls, ", ")})
	}
	if judged == 0 && len(rows) == 0 {
		m.paragraph("Not checked.")
		return
	}
	m.table([]string{"Level", "Rule", "Type", "ID", "In", "Problem", "Fix", "Controls"}, rows)
}

// standards writes a table of controls, with the findings that bear on each. What a control without findings is called
// depends on how many sources were judged (Verdict).
func (m *markdown) standards(r *Report) {
	m.heading(2, "Findings by control")
	m.table([]string{"Ratio"}, [][]string{{r.decommissioned()}})
	judged, of := r.judged()
	var rows [][]string
	for _, s := range r.standards() {
		for _, c := range s.Controls {
			var where []string
			for _, f := range c.Findings {
				where = append(where, f.Rule+" on "+f.ID)
			}
			rows = append(rows, []string{s.Name, c.Name, strconv.Itoa(c.Rules), c.Verdict(judged, of), lines(where)})
		}
	}
	m.table([]string{"Standard", "Control", "Rules", "Findings", "Where"}, rows)
}

// heading writes a heading of one line, whatever the text holds.
func (m *markdown) heading(level int, text string) {
	m.paragraph(strings.Repeat("#", level) + " " + strings.ReplaceAll(shown.Markdown(text), "\n", " "))
}

// paragraph writes text as it is. Whoever calls it has to have escaped what is not our own.
func (m *markdown) paragraph(text string) {
	if m.out.Len() > 0 {
		m.out.WriteByte('\n')
	}
	m.out.WriteString(text + "\n")
}

// noRows stands in place of a table without rows.
const noRows = "None."

// table writes cells, or that there are none.
func (m *markdown) table(head []string, rows [][]string) { m.rows(head, rows, noRows) }

// rows writes cells, or what stands in place of none.
func (m *markdown) rows(head []string, rows [][]string, none string) {
	if len(rows) == 0 {
		m.paragraph(none)
		return
	}
	m.paragraph("| " + strings.Join(head, " | ") + " |")
	m.out.WriteString(strings.Repeat("| --- ", len(head)) + "|\n")
	for _, row := range rows {
		for _, cell := range row {
			m.out.WriteString("| " + strings.ReplaceAll(shown.Markdown(cell), "\n", "<br>") + " ")
		}
		m.out.WriteString("|\n")
	}
}
