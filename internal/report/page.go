// SPDX-License-Identifier: MPL-2.0

package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// The page's content, before it is HTML. A value reaches the template as a string only, so html/template escapes it;
// the one thing that is trusted is our own style sheet (html.go).

// page is the report in the words of the page: all that is left to the template is where things stand.
type page struct {
	Style         template.CSS
	Title, System string
	At            point
	Period        string
	Filter        string
	Sources       []sourceView
	Figures       []figureView
	Rehearsal     string
	Unknown       []string
	Summary       summary
	Attention     []attentionView
	Ends          []attentionView
	// NeedAttention of All objects have a flag that somebody has to look at.
	NeedAttention, All int
	// Certain says that everything was looked at.
	Certain  bool
	Axis     *axis
	Partners []partnerView
	// Former is what a partner had, nil in a report of all.
	Former  *former
	Groups  []*groupView
	Reviews reviewsView
	ByHand  string
	Gaps    []string
	// Unread says of which systems no journal was read, "" if each was.
	Unread string
	// Doubts says what the journal does not know, "" where it knows all.
	Doubts      string
	Findings    []findingView
	Judged      string
	AllJudged   bool
	NoneJudged  bool
	Standards   []standardView
	Departed    string
	Notes       []string
	SHA256      string
	Signatories []string
}

// point is a moment: for people, for machines, and how far away it is. Text is "" for none.
type point struct{ Text, Machine, Away string }

// Day and Clock are the two parts between which a line may end.
func (p point) Day() string   { day, _, _ := strings.Cut(p.Text, " "); return day }
func (p point) Clock() string { _, clock, _ := strings.Cut(p.Text, " "); return clock }

// attentionView is how many items something is true of, and the ways to their rows. Unchecked says that nobody looked,
// so that no rows are no good news.
type attentionView struct {
	Name, Meaning string
	Rows          []link
	Unchecked     bool
}

// link is a text that leads to a row of the page; without an anchor it is only the text.
type link struct{ Anchor, Text string }

// figureView is a figure with the ways to the rows that it counts.
type figureView struct {
	figure
	Rows []link
}

// sourceView is one system that was looked at. SHA256 is "" for the report's own.
type sourceView struct{ Text, SHA256 string }

// groupView is a group of changes. Number is how many there are, or "?" if a journal was not read.
type groupView struct {
	*group
	Changes []changeView
	Number  string
	// Worrying says that somebody has to look into the changes.
	Worrying bool
}

// changeView is a change with its moments as the page shows them.
type changeView struct {
	*change
	When, Ends point
}

// reviewsView is how many of the identities in force were reviewed in the period, and which were not.
type reviewsView struct {
	Done, Of, New int
	Missing       []link
	// Progress says how far the review is; "" where that is not known.
	Progress string
}

// findingView is a finding with a way to the row that it is about.
type findingView struct {
	Finding
	Anchor string // of the row that it is about, "" where there is none
	Name   string // what links to it
}

// standardView is one standard, with a row for each of its controls that a rule serves.
type standardView struct {
	Name     string
	Controls []controlView
}

// controlView is a control, what was found that bears on it, and the ways to that.
type controlView struct {
	*control
	Verdict  string
	Findings []link
}

// signatories are who signs, in their order.
var signatories = []string{"Prepared by", "Reviewed by (owner of the register)", "Exceptions accepted by"}

// layOut returns what the template of the HTML page shows: texts and links that the template only places. It needs the
// report's JSON, since the page names the digest of that. No page can name its own.
func (r *Report) layOut() (*page, error) {
	text, err := r.JSON()
	if err != nil {
		return nil, err
	}
	s := r.summarize()
	p := &page{
		Title: r.Title, System: r.systems(), At: r.pointAt(r.now()), Period: r.period(), Summary: s, Gaps: r.Gaps,
		Filter: r.filter(), Unread: r.unread(),
		All: len(r.Inventory.Items), Rehearsal: r.rehearsal(), Unknown: r.unknowns(), ByHand: r.recorded(r.byHand()),
		Departed: r.decommissioned(),
		SHA256:   Digest(text), Signatories: signatories, Former: r.collectFormer(),
	}
	names := r.anchors()
	for _, s := range r.sources() {
		p.Sources = append(p.Sources, sourceView{s.Describe(), s.SHA256})
	}
	for _, f := range r.figures() {
		p.Figures = append(p.Figures, figureView{f, references(names, f.Of)})
	}
	for _, a := range s.Attention {
		p.Attention = append(p.Attention, attentionView{string(a.Flag), a.Meaning, links(names, a.Items), a.Unchecked})
	}
	p.Ends = []attentionView{
		{"ended", "and not removed from the configuration yet", links(names, s.Past), false},
		{"ends within 30 days", "", links(names, s.Soon30), false},
		{"ends within 90 days", "those within 30 days among them", links(names, s.Soon90), false},
	}
	r.fill(p, names)
	return p, nil
}

// fill brings in what is long: partners, changes and findings.
func (r *Report) fill(p *page, names map[*inventory.Item]string) {
	r.fillPartners(p, names)
	r.fillChanges(p, names)
	r.fillFindings(p, names)
}

// fillPartners fills in what each partner holds, on one scale of time for all.
func (r *Report) fillPartners(p *page, names map[*inventory.Item]string) {
	notes := r.newNotes()
	s := r.newScale()
	p.Axis = s.drawAxis(r.now())
	for n, held := range r.partners() {
		v := r.viewPartner(held, names, notes, s)
		v.Anchor = fmt.Sprintf("partner-%d", n+1)
		p.NeedAttention += v.NeedAttention
		p.Partners = append(p.Partners, v)
	}
	p.Notes = notes.Texts
}

// fillChanges fills in what was changed in the period, what of that nobody can tell, and the reviews.
func (r *Report) fillChanges(p *page, names map[*inventory.Item]string) {
	unknown := 0
	for _, g := range r.groups() {
		p.Groups = append(p.Groups, r.viewGroup(g))
		if g.Slug == missing {
			unknown = len(g.Changes)
		}
	}
	p.Doubts = doubts(unknown, len(r.Gaps), p.Unread)
	reviewed := r.countReviews()
	p.Reviews = reviewsView{Done: len(reviewed.Done), Of: reviewed.Of(), New: len(reviewed.New), Progress: r.Progress()}
	for _, h := range reviewed.Missing {
		p.Reviews.Missing = append(p.Reviews.Missing, link{names[h.Items()[0]], h.Holder})
	}
}

// fillFindings brings in the findings, and each control with the findings that bear on it.
func (r *Report) fillFindings(p *page, names map[*inventory.Item]string) {
	anchors := map[string][]link{}
	for n, f := range r.sorted() {
		v := findingView{f, names[r.itemOf(f)], fmt.Sprintf("finding-%d", n+1)}
		p.Findings = append(p.Findings, v)
		for _, c := range f.Controls {
			anchors[c] = append(anchors[c], link{v.Name, f.Rule + " on " + f.ID})
		}
	}
	judged, of := r.judged()
	p.Certain = judged == of &&
		p.Unread == "" &&
		!slices.ContainsFunc(p.Attention, func(a attentionView) bool { return a.Unchecked })
	p.Judged = fmt.Sprintf("The rules were applied to %d of %d objects.", judged, of)
	p.AllJudged = judged == of
	p.NoneJudged = judged == 0
	for _, s := range r.standards() {
		v := standardView{Name: s.Name}
		for _, c := range s.Controls {
			v.Controls = append(v.Controls, controlView{c, c.Verdict(judged, of), anchors[c.Name]})
		}
		p.Standards = append(p.Standards, v)
	}
}

// systems returns the kinds of systems that the report holds.
func (r *Report) systems() string {
	var all []string
	for _, s := range r.sources() {
		all = append(all, s.Label())
	}
	return strings.Join(all, ", ")
}

// filter says whose access is shown, "" for all.
func (r *Report) filter() string {
	switch {
	case r.Partner != "" && r.Owner != "":
		return "access of " + r.Partner + " that " + r.Owner + " owns"
	case r.Partner != "":
		return "access of " + r.Partner + ", with its subcontractors"
	case r.Owner != "":
		return "access that " + r.Owner + " owns"
	}
	return ""
}

// anchors returns what the items' rows are called on the page. They count rather than spell: an id may hold anything.
// The same inventory gives the same names.
func (r *Report) anchors() map[*inventory.Item]string {
	names := map[*inventory.Item]string{}
	for i := range r.Inventory.Items {
		names[&r.Inventory.Items[i]] = fmt.Sprintf("item-%d", i+1)
	}
	return names
}

// links returns links to objects' places on the page.
func links(names map[*inventory.Item]string, items []*inventory.Item) []link {
	var all []link
	for _, i := range items {
		all = append(all, link{names[i], label(i)})
	}
	return all
}

// references returns links to what a figure counts. What has no place of its own on the page is text.
func references(names map[*inventory.Item]string, of []reference) []link {
	var all []link
	for _, one := range of {
		l := link{Text: one.Text}
		if one.Holding != nil {
			l.Anchor = names[one.Holding.Items()[0]]
		}
		all = append(all, l)
	}
	return all
}

// needsAttention reports whether an item has a flag other than that all is well.
func needsAttention(i *inventory.Item) bool {
	for _, a := range meanings {
		if i.Has(a.Flag) {
			return true
		}
	}
	return false
}

// viewGroup returns a group of changes as the page shows it. Changes that failed, whose outcome is missing, or that
// were found and not made by Terraform worry whoever reads it.
func (r *Report) viewGroup(g *group) *groupView {
	v := &groupView{group: g, Number: r.recorded(len(g.Changes)), Worrying: len(g.Changes) > 0 && (g.Slug == missing ||
		g.Slug == failed ||
		g.Slug == found)}
	for _, c := range g.Changes {
		v.Changes = append(v.Changes, changeView{c, r.pointAt(c.Asked), r.pointAt(c.EndsAt)})
	}
	return v
}

// pointAt returns a moment with its distance from the report's; empty for none.
func (r *Report) pointAt(t time.Time) point {
	if t.IsZero() {
		return point{}
	}
	return point{moment(t), stamp(t), away(t.Sub(r.now()))}
}

// away returns how far off something is, in whole days. Less than a day in either direction is "within a day".
func away(d time.Duration) string {
	days := int(d / (24 * time.Hour))
	switch {
	case days == 0:
		return "within a day"
	case days == 1:
		return "in 1 day"
	case days == -1:
		return "1 day ago"
	case days < 0:
		return fmt.Sprintf("%d days ago", -days)
	}
	return fmt.Sprintf("in %d days", days)
}

// doubts says in words what the journal does not know: changes, stretches of time, or whole systems.
func doubts(unknown, gaps int, unread string) string {
	var all []string
	if unread != "" {
		all = append(all, unread)
	}
	if unknown > 0 {
		all = append(all, fmt.Sprintf("changes without an outcome: %d", unknown))
	}
	if gaps > 0 {
		all = append(all, fmt.Sprintf("gaps: %d", gaps))
	}
	return strings.Join(all, ", ")
}
