package report

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// page is the report in the words of the page: all that is left to the template is where things stand.
type page struct {
	Style              template.CSS
	Title, System      string
	At                 point
	Period             string
	Summary            summary
	Attention          []attentionView
	Ends               []attentionView
	NeedAttention, All int
	Partners           []partnerView
	Groups             []*groupView
	Gaps               []string
	// Doubts says what the journal does not know, "" where it knows all.
	Doubts   string
	Findings []findingView
}

// point is a moment: for people, for machines, and how far away it is. Text is "" for none.
type point struct{ Text, Machine, Away string }

// Day and Clock are the two parts between which a line may end.
func (p point) Day() string   { day, _, _ := strings.Cut(p.Text, " "); return day }
func (p point) Clock() string { _, clock, _ := strings.Cut(p.Text, " "); return clock }

// attentionView is how many items something is true of, and the ways to their rows.
type attentionView struct {
	Name, Meaning string
	Rows          []link
	Unchecked     bool
}

type link struct{ Anchor, Text string }

type partnerView struct {
	Anchor, Title string
	Agreement     string
	AgreementEnds point
	AgreementOver bool
	Rows          []rowView
	Timeline      *timeline
	NeedAttention int
}

type rowView struct {
	Anchor, Label, Kind, Reach       string
	Item                             *inventory.Item
	Flags                            []string
	Ends, Created, Renewed, Reviewed point
	LastUsed, Rotates                point
	ReviewedBy, ReviewReason         string
	Remarks                          []string
}

type groupView struct {
	*group
	Changes []changeView
	// Worrying says that somebody has to look into the changes.
	Worrying bool
}

type changeView struct {
	*change
	When, Ends point
}

type findingView struct {
	Finding
	Anchor string // of the row that it is about, "" where there is none
}

func (r *Report) page() *page {
	s := r.summary()
	p := &page{
		Title: r.Title, System: r.Inventory.System, At: r.point(r.now()), Period: r.period(), Summary: s, Gaps: r.Gaps,
		All: len(r.Inventory.Items),
	}
	names := r.anchors()
	for _, a := range s.Attention {
		p.Attention = append(p.Attention, attentionView{string(a.Flag), a.Meaning, links(names, a.Items), a.Unchecked})
	}
	p.Ends = []attentionView{
		{"past its end", "and still there", links(names, s.Past), false},
		{"ends within 30 days", "", links(names, s.Soon30), false},
		{"ends within 90 days", "those within 30 days among them", links(names, s.Soon90), false},
	}
	for n, held := range r.partners() {
		v := r.partnerView(held, names)
		v.Anchor = fmt.Sprintf("partner-%d", n+1)
		p.NeedAttention += v.NeedAttention
		p.Partners = append(p.Partners, v)
	}
	unknown := 0
	for _, g := range r.groups() {
		p.Groups = append(p.Groups, r.groupView(g))
		if g.Slug == missing {
			unknown = len(g.Changes)
		}
	}
	p.Doubts = doubts(unknown, len(r.Gaps))
	for _, f := range r.Findings {
		p.Findings = append(p.Findings, findingView{f, names[r.itemOf(f)]})
	}
	return p
}

// anchors are what the items' rows are called on the page. They count rather than spell: an id may hold anything.
func (r *Report) anchors() map[*inventory.Item]string {
	names := map[*inventory.Item]string{}
	for i := range r.Inventory.Items {
		names[&r.Inventory.Items[i]] = fmt.Sprintf("item-%d", i+1)
	}
	return names
}

func links(names map[*inventory.Item]string, items []*inventory.Item) []link {
	var all []link
	for _, i := range items {
		all = append(all, link{names[i], label(i)})
	}
	return all
}

func (r *Report) partnerView(p *partner, names map[*inventory.Item]string) partnerView {
	v := partnerView{Title: p.Title()}
	if a := p.Agreement; a != nil {
		v.Agreement, v.AgreementEnds = a.Reference, r.point(a.EndsAt.Time)
		v.AgreementOver = !a.EndsAt.IsZero() && !a.EndsAt.After(r.now())
	}
	for _, i := range p.Items {
		v.Rows = append(v.Rows, r.rowView(i, names[i]))
		if needsAttention(i) {
			v.NeedAttention++
		}
	}
	v.Timeline = newTimeline(p, r.now(), names)
	return v
}

// needsAttention says whether an item has a flag other than that all is well.
func needsAttention(i *inventory.Item) bool {
	for _, a := range meanings {
		if i.Has(a.Flag) {
			return true
		}
	}
	return false
}

func (r *Report) rowView(i *inventory.Item, anchor string) rowView {
	review := reviewOf(i)
	return rowView{
		Anchor: anchor, Label: label(i), Kind: kindOf(i), Reach: reach(i), Item: i, Flags: flagsOf(i),
		Ends: r.point(i.EndsAt), Created: r.point(i.CreatedAt), Renewed: r.point(i.RenewedAt), Reviewed: r.point(i.ReviewedAt),
		LastUsed: r.point(i.LastUsedAt), Rotates: r.point(i.RotatesAt),
		ReviewedBy: review.By, ReviewReason: review.Reason, Remarks: remarks(i),
	}
}

// state says how an item's end stands: open (it has none), past, soon (within 30 days) or fine.
func state(i *inventory.Item, now time.Time) string {
	switch {
	case i.EndsAt.IsZero():
		return "open"
	case !i.EndsAt.After(now):
		return "past"
	case !i.EndsAt.After(now.AddDate(0, 0, 30)):
		return "soon"
	}
	return "fine"
}

func (r *Report) groupView(g *group) *groupView {
	v := &groupView{group: g, Worrying: len(g.Changes) > 0 && (g.Slug == missing || g.Slug == "failed" || g.Slug == "found")}
	for _, c := range g.Changes {
		v.Changes = append(v.Changes, changeView{c, r.point(c.Asked), r.point(c.EndsAt)})
	}
	return v
}

func (r *Report) point(t time.Time) point {
	if t.IsZero() {
		return point{}
	}
	return point{moment(t), stamp(t), away(t.Sub(r.now()))}
}

// away is how far off something is, in whole days.
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

// doubts says in words how many changes and stretches of time the journal does not know enough about.
func doubts(unknown, gaps int) string {
	var all []string
	if unknown > 0 {
		all = append(all, fmt.Sprintf("changes without an outcome: %d", unknown))
	}
	if gaps > 0 {
		all = append(all, fmt.Sprintf("gaps: %d", gaps))
	}
	return strings.Join(all, ", ")
}
