// SPDX-License-Identifier: MPL-2.0

package report

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// The report for programs, and for other reports: what is included elsewhere is read back from this form (include.go),
// so whatever a report is to tell of an included system has to be here (see TestAnIncludedReportLosesNothing). Lists
// that the schema demands are written as [] when they are empty, never as null. What stands below a partner is in
// json_item.go.

// Version is that of the JSON's form. It rises when a field is removed or means something else; new fields do not raise
// it. A reader of another version refuses the report (parseDocument).
const Version = 1

// SchemaID names the JSON Schema of what JSON returns. It is schemas/report.v1.json of the repository.
const SchemaID = "https://raw.githubusercontent.com/partner-access/terraform-provider-partner/main/schemas/report.v1.json"

// JSON returns the whole report for a program, as [SchemaID] has it.
func (r *Report) JSON() (string, error) { return encode(r.toDocument()) }

// encode writes what people can read too. Marks of HTML stay as they are: nothing reads this as a page.
func encode(v any) (string, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return out.String(), err
}

// document is the report as JSON, as [SchemaID] describes it. Moments are in UTC, and a zero one is left out.
type document struct {
	Version   int                  `json:"version"`
	Title     string               `json:"title"`
	System    string               `json:"system"`
	At        time.Time            `json:"at"`
	From      time.Time            `json:"from,omitzero"`
	To        time.Time            `json:"to,omitzero"`
	Partner   string               `json:"partner,omitempty"`
	Owner     string               `json:"owner,omitempty"`
	Sources   []documentSource     `json:"sources"`
	Unknown   []string             `json:"unknown"`
	Summary   documentSummary      `json:"summary"`
	Partners  []documentPartner    `json:"partners"`
	Former    *former              `json:"former,omitempty"`
	Changes   map[string][]applied `json:"changes"`
	Gaps      []string             `json:"gaps"`
	Findings  []documentFinding    `json:"findings"`
	Standards []documentStandard   `json:"standards"`
	Departed  documentDeparted     `json:"departed"`
	Reviews   documentReviews      `json:"reviews"`
}

// documentSummary has the numbers of the first page. Attention counts by flag what was looked for, and NotChecked names
// the flags that were not.
type documentSummary struct {
	Partners     int                       `json:"partners"`
	Identities   int                       `json:"identities"`
	Credentials  int                       `json:"credentials"`
	Grants       int                       `json:"grants"`
	Figures      map[string]documentFigure `json:"figures"`
	Rehearsal    string                    `json:"rehearsal"`
	Attention    map[string]int            `json:"attention"`
	NotChecked   []string                  `json:"not_checked,omitempty"`
	PastEnd      int                       `json:"past_end"`
	EndsIn30Days int                       `json:"ends_in_30_days"`
	EndsIn90Days int                       `json:"ends_in_90_days"`
}

// documentFigure is a number of the first page. It has no count if that is not known.
type documentFigure struct {
	Count   *int     `json:"count,omitempty"`
	Of      []string `json:"of"`
	Unknown string   `json:"unknown,omitempty"`
	Partly  string   `json:"partly,omitempty"`
}

// documentSource is a system that was looked at. It holds what Source does; Label is what rows call it, and what names
// it in Source of findings, changes and items.
type documentSource struct {
	System      string    `json:"system"`
	ID          string    `json:"id,omitempty"`
	Place       string    `json:"place,omitempty"`
	Environment string    `json:"environment,omitempty"`
	Floor       string    `json:"floor,omitempty"`
	Label       string    `json:"label"`
	At          time.Time `json:"at"`
	From        time.Time `json:"from,omitzero"`
	To          time.Time `json:"to,omitzero"`
	Since       time.Time `json:"journal_since,omitzero"`
	Stacks      []string  `json:"stacks"`
	Objects     int       `json:"objects"`
	Judged      int       `json:"judged"`
	Unchecked   []string  `json:"unchecked"`
	UseUnknown  int       `json:"use_unknown"`
	NoOwners    bool      `json:"owners_unknown,omitempty"`
	SHA256      string    `json:"sha256,omitempty"`
}

// documentStandard is a standard with those of its controls that a rule serves.
type documentStandard struct {
	Name     string            `json:"name"`
	Controls []documentControl `json:"controls"`
}

// documentControl has how many rules serve a control, how many findings bear on it, and what that means in words. No
// verdict says that it is met.
type documentControl struct {
	Name     string `json:"name"`
	Rules    int    `json:"rules"`
	Findings int    `json:"findings"`
	Verdict  string `json:"verdict"`
}

// documentDeparted are the partners that left, and those of them that can do nothing any more.
type documentDeparted struct {
	All   []string `json:"all"`
	Clean []string `json:"clean"`
}

// documentReviews are the identities that were reviewed in the period, and those that were not.
type documentReviews struct {
	Done    []string `json:"done"`
	Missing []string `json:"missing"`
	New     []string `json:"new"`
	// Progress counts all objects, by how long a review counts; nil where that is not known.
	Progress *documentProgress `json:"progress,omitempty"`
}

// documentProgress is how far the review of identities, credentials and grants is.
type documentProgress struct {
	Of       int `json:"of"`
	Reviewed int `json:"reviewed"`
	Overdue  int `json:"overdue"`
	Lapsed   int `json:"lapsed"`
	Signed   int `json:"signed,omitzero"`
}

// documentPartner is a partner with all that it holds.
type documentPartner struct {
	Partner        string             `json:"partner"` // "" where no partner is known
	Kind           string             `json:"kind,omitempty"`
	Contact        string             `json:"contact,omitempty"`
	Agreement      *documentAgreement `json:"agreement,omitempty"`
	Subcontractors []string           `json:"subcontractors,omitempty"`
	Steps          []string           `json:"steps,omitempty"`
	RehearsedAt    time.Time          `json:"rehearsed_at,omitzero"`
	Seconds        float64            `json:"seconds_to_refusal,omitzero"`
	Items          []documentItem     `json:"items"`
}

// documentAgreement is the contract that access rests on.
type documentAgreement struct {
	Reference string    `json:"reference"`
	EndsAt    time.Time `json:"ends_at,omitzero"`
}

// documentReview is evidence that somebody looked.
type documentReview struct {
	At     time.Time `json:"at,omitzero"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	// SignedWith is the fingerprint of the key that it was signed with; "" where it was not.
	SignedWith string `json:"signed_with,omitempty"`
}

// documentWaiver is one rule set aside for an object. SignedWith is as in documentReview.
type documentWaiver struct {
	Reason   string    `json:"reason"`
	Approver string    `json:"approver"`
	Until    time.Time `json:"until,omitzero"`

	SignedWith string `json:"signed_with,omitempty"`
}

// documentFinding is Finding with names for JSON: the two have the same fields in the same order, and are converted
// into each other.
type documentFinding struct {
	Rule     string   `json:"rule"`
	Level    string   `json:"level"`
	Type     string   `json:"type,omitempty"`
	ID       string   `json:"id,omitempty"`
	Problem  string   `json:"problem"`
	Fix      string   `json:"fix,omitempty"`
	Controls []string `json:"controls,omitempty"`
	Source   string   `json:"source,omitempty"`
}

// toDocument returns the report as JSON has it. The HTML page shows the digest of that, so whoever has both can see
// that they belong together.
func (r *Report) toDocument() document {
	clean, departed := r.departed()
	reviewed := r.countReviews()
	d := document{
		Version: Version, Title: r.Title, System: r.Inventory.System, At: r.Inventory.At.UTC(), From: r.From.UTC(),
		To:      r.To.UTC(),
		Partner: r.Partner, Owner: r.Owner, Unknown: r.unknowns(),
		Summary: r.counts(), Partners: []documentPartner{}, Former: r.collectFormer(), Changes: map[string][]applied{},
		Gaps: append([]string{}, r.Gaps...), Findings: []documentFinding{}, Standards: []documentStandard{},
		Departed: documentDeparted{All: append([]string{}, departed...), Clean: append([]string{}, clean...)},
		Reviews: documentReviews{
			Done:     holders(reviewed.Done),
			Missing:  holders(reviewed.Missing),
			New:      holders(reviewed.New),
			Progress: r.progress(),
		},
	}
	for _, s := range r.sources() {
		d.Sources = append(d.Sources, sourceOf(s))
	}
	standings := map[*inventory.Item]Standing{}
	for _, p := range r.partners() {
		for _, h := range p.Holdings {
			standings[h.Items()[0]] = h.Standing
		}
		d.Partners = append(d.Partners, partnerOf(p, standings))
	}
	for _, g := range r.groups() {
		d.Changes[g.Slug] = appliedOf(g.Changes)
	}
	for _, f := range r.sorted() {
		d.Findings = append(d.Findings, documentFinding(f))
	}
	judged, of := r.judged()
	for _, s := range r.standards() {
		one := documentStandard{Name: s.Name}
		for _, c := range s.Controls {
			one.Controls = append(one.Controls,
				documentControl{c.Name, c.Rules, len(c.Findings), c.Verdict(judged, of)})
		}
		d.Standards = append(d.Standards, one)
	}
	return d
}

// holders returns the names of holdings, and [] for none.
func holders(all []*holding) []string {
	ids := []string{}
	for _, h := range all {
		ids = append(ids, h.Holder)
	}
	return ids
}

// sourceOf returns a source as JSON has it.
func sourceOf(s Source) documentSource {
	d := documentSource{
		System: s.System, ID: s.ID, Place: s.Place, Environment: s.Environment, Floor: s.Floor, Label: s.Label(),
		At: s.At.UTC(), From: s.From.UTC(), To: s.To.UTC(),
		Since: s.Since.UTC(), Stacks: append([]string{}, s.Stacks...), Objects: s.Objects, Judged: s.Judged,
		Unchecked:  []string{},
		UseUnknown: s.UseUnknown, NoOwners: s.OwnersUnknown, SHA256: s.SHA256,
	}
	for _, f := range s.Unchecked {
		d.Unchecked = append(d.Unchecked, string(f))
	}
	return d
}

// counts returns the summary. A figure that is not known has no count, and says why; a flag that nobody checked is
// named as such, and not counted as none.
func (r *Report) counts() documentSummary {
	s := r.summarize()
	d := documentSummary{
		Partners: s.Partners, Identities: s.Identities, Credentials: s.Credentials, Grants: s.Grants,
		Attention: map[string]int{},
		Figures:   map[string]documentFigure{}, Rehearsal: r.rehearsal(),
		PastEnd: len(s.Past), EndsIn30Days: len(s.Soon30), EndsIn90Days: len(s.Soon90),
	}
	for _, f := range r.figures() {
		one := documentFigure{Of: []string{}, Unknown: f.Unknown, Partly: f.Partly}
		if f.Unknown == "" {
			n := len(f.Of)
			one.Count = &n
		}
		for _, of := range f.Of {
			one.Of = append(one.Of, of.Text)
		}
		d.Figures[f.Slug] = one
	}
	for _, a := range s.Attention {
		if a.Unchecked {
			d.NotChecked = append(d.NotChecked, string(a.Flag))
			continue
		}
		d.Attention[string(a.Flag)] = len(a.Items)
	}
	return d
}

// partnerOf returns a partner as JSON has it. Only the first item of a holding has a standing: it is the identity's, or
// of what is left without one.
func partnerOf(p *partner, standings map[*inventory.Item]Standing) documentPartner {
	d := documentPartner{
		Partner: p.Name, Kind: p.Kind, Contact: p.Contact, Subcontractors: holders(p.Subcontractors), Steps: p.Steps,
		RehearsedAt: p.RehearsedAt.UTC(), Seconds: p.Seconds, Items: []documentItem{},
	}
	if a := p.Agreement; a != nil {
		d.Agreement = &documentAgreement{Reference: a.Reference, EndsAt: a.EndsAt.UTC()}
	}
	for _, i := range p.Items {
		one := itemOf(i)
		one.Standing = standings[i].Slug()
		d.Items = append(d.Items, one)
	}
	return d
}
