package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// Markdown is the report as text for a ticket or a pull request. Every value stands in a cell or a heading, where
// nothing but a character with a meaning can break out; those are escaped.
func (r *Report) Markdown() string {
	var m markdown
	m.heading(1, r.Title)
	m.table([]string{"System", "At (UTC)", "Period (UTC)"}, [][]string{{r.Inventory.System, moment(r.Inventory.At), r.period()}})
	m.summary(r.summary())
	for _, p := range r.partners() {
		m.partner(p)
	}
	m.period(r)
	m.findings(r.Findings)
	return m.out.String()
}

// period is the period in words.
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

type markdown struct{ out strings.Builder }

func (m *markdown) summary(s summary) {
	m.heading(2, "Summary")
	var rows [][]string
	count := func(what string, n int) { rows = append(rows, []string{what, strconv.Itoa(n)}) }
	count("Partners", s.Partners)
	count("Identities", s.Identities)
	count("Credentials", s.Credentials)
	count("Grants", s.Grants)
	for _, a := range s.Attention {
		what := "Needs attention: " + string(a.Flag) + " (" + a.Meaning + ")"
		if a.Unchecked {
			rows = append(rows, []string{what, notChecked})
			continue
		}
		count(what, len(a.Items))
	}
	count("Past its end, and still there", len(s.Past))
	count("Ends within 30 days", len(s.Soon30))
	count("Ends within 90 days", len(s.Soon90))
	m.table([]string{"What", "Count"}, rows)
}

// notChecked is how many items have a flag that nobody looked for.
const notChecked = "not checked"

func (m *markdown) partner(p *partner) {
	m.heading(2, p.Title())
	if a := p.Agreement; a != nil {
		m.table([]string{"Agreement", "Ends (UTC)"}, [][]string{{a.Reference, moment(a.EndsAt.Time)}})
	}
	if len(p.Items) == 0 {
		m.paragraph("Holds nothing.")
		return
	}
	rows := make([][]string, 0, len(p.Items))
	for _, i := range p.Items {
		rows = append(rows, []string{
			label(i), kindOf(i), i.Owner, reach(i), i.Status, strings.Join(flagsOf(i), ", "), moment(i.EndsAt),
			moment(i.ReviewedAt), moment(i.LastUsedAt), i.EnforcedBy, lines(remarks(i)),
		})
	}
	m.table([]string{"Access", "Type", "Owner", "Reaches", "Status", "Flags", "Ends (UTC)", "Reviewed", "Last used", "Ended by", "Remarks"}, rows)
}

// kindOf is the type, and of a credential its kind.
func kindOf(i *inventory.Item) string {
	if i.Kind == "" {
		return string(i.Type)
	}
	return string(i.Type) + " (" + string(i.Kind) + ")"
}

// reach is what a grant allows, or what the grants of an identity may.
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

// remarks is what else is to be known: what is too much, what was set aside, and why it is here at all.
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

func (m *markdown) period(r *Report) {
	m.heading(2, "Period")
	for _, g := range r.groups() {
		m.heading(3, fmt.Sprintf("%s (%d)", g.Title, len(g.Changes)))
		rows := make([][]string, 0, len(g.Changes))
		for _, c := range g.Changes {
			rows = append(rows, []string{moment(c.Asked), string(c.Verb), c.Type, c.ID, c.Reach(), c.Who(), c.Word(), moment(c.EndsAt), c.Refusal(), lines(c.Swept), c.Result()})
		}
		m.table([]string{"Asked (UTC)", "Verb", "Type", "ID", "Reach", "By", "On whose review", "Ends (UTC)", "Seconds to refusal", "Took along", "Outcome"}, rows)
	}
	m.heading(3, fmt.Sprintf("Gaps (%d)", len(r.Gaps)))
	rows := make([][]string, 0, len(r.Gaps))
	for _, gap := range r.Gaps {
		rows = append(rows, []string{gap})
	}
	m.table([]string{"Where the journal cannot be relied on"}, rows)
}

func (m *markdown) findings(findings []Finding) {
	m.heading(2, "Findings")
	rows := make([][]string, 0, len(findings))
	for _, f := range findings {
		rows = append(rows, []string{f.Level, f.Rule, f.Type, f.ID, f.Problem, f.Fix, strings.Join(f.Controls, ", ")})
	}
	m.table([]string{"Level", "Rule", "Type", "ID", "Problem", "Fix", "Controls"}, rows)
}

func (m *markdown) heading(level int, text string) {
	m.paragraph(strings.Repeat("#", level) + " " + strings.ReplaceAll(escape(text), "\n", " "))
}

// paragraph writes text as it is.
func (m *markdown) paragraph(text string) {
	if m.out.Len() > 0 {
		m.out.WriteByte('\n')
	}
	m.out.WriteString(text + "\n")
}

// table writes cells, or that there are none.
func (m *markdown) table(head []string, rows [][]string) {
	if len(rows) == 0 {
		m.paragraph("None.")
		return
	}
	m.paragraph("| " + strings.Join(head, " | ") + " |")
	m.out.WriteString(strings.Repeat("| --- ", len(head)) + "|\n")
	for _, row := range rows {
		for _, cell := range row {
			m.out.WriteString("| " + strings.ReplaceAll(escape(cell), "\n", "<br>") + " ")
		}
		m.out.WriteString("|\n")
	}
}

// markup has a meaning in Markdown wherever it stands. The last two make links of bare addresses.
var markup = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "{", `\{`, "}", `\}`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`,
	"#", `\#`, "|", `\|`, "~", `\~`, "!", `\!`, "&", `\&`, "$", `\$`, "://", `:\/\/`, "www.", `www\.`)

// escape makes of a value text that means nothing but itself; ends of lines stay.
func escape(value string) string { return strings.TrimSpace(markup.Replace(visible(value))) }
