package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"time"
)

// Version is that of the JSON's form. It rises when a field is removed or means something else; new fields do not raise it.
const Version = 1

// Schema is the JSON Schema of what JSON returns.
//
//go:embed schema.json
var Schema string

// JSON is the whole report for a program, as [Schema] has it.
func (r *Report) JSON() (string, error) { return encode(r.document()) }

// encode writes what people can read too. Marks of HTML stay as they are: nothing reads this as a page.
func encode(v any) (string, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return out.String(), err
}

type document struct {
	Version  int                  `json:"version"`
	Title    string               `json:"title"`
	System   string               `json:"system"`
	At       time.Time            `json:"at"`
	From     time.Time            `json:"from,omitzero"`
	To       time.Time            `json:"to,omitzero"`
	Summary  documentSummary      `json:"summary"`
	Partners []documentPartner    `json:"partners"`
	Changes  map[string][]applied `json:"changes"`
	Gaps     []string             `json:"gaps"`
	Findings []documentFinding    `json:"findings"`
}

type documentSummary struct {
	Partners     int            `json:"partners"`
	Identities   int            `json:"identities"`
	Credentials  int            `json:"credentials"`
	Grants       int            `json:"grants"`
	Attention    map[string]int `json:"attention"`
	NotChecked   []string       `json:"not_checked,omitempty"`
	PastEnd      int            `json:"past_end"`
	EndsIn30Days int            `json:"ends_in_30_days"`
	EndsIn90Days int            `json:"ends_in_90_days"`
}

type documentPartner struct {
	Partner   string             `json:"partner"` // "" where no partner is known
	Kind      string             `json:"kind,omitempty"`
	Agreement *documentAgreement `json:"agreement,omitempty"`
	Items     []documentItem     `json:"items"`
}

type documentAgreement struct {
	Reference string    `json:"reference"`
	EndsAt    time.Time `json:"ends_at,omitzero"`
}

type documentReview struct {
	At     time.Time `json:"at,omitzero"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

type documentWaiver struct {
	Reason   string    `json:"reason"`
	Approver string    `json:"approver"`
	Until    time.Time `json:"until,omitzero"`
}

type documentFinding struct {
	Rule     string   `json:"rule"`
	Level    string   `json:"level"`
	Type     string   `json:"type,omitempty"`
	ID       string   `json:"id,omitempty"`
	Problem  string   `json:"problem"`
	Fix      string   `json:"fix,omitempty"`
	Controls []string `json:"controls,omitempty"`
}

func (r *Report) document() document {
	d := document{
		Version: Version, Title: r.Title, System: r.Inventory.System, At: r.Inventory.At.UTC(), From: r.From.UTC(), To: r.To.UTC(),
		Summary: countsOf(r.summary()), Partners: []documentPartner{}, Changes: map[string][]applied{},
		Gaps: append([]string{}, r.Gaps...), Findings: []documentFinding{},
	}
	for _, p := range r.partners() {
		d.Partners = append(d.Partners, partnerOf(p))
	}
	for _, g := range r.groups() {
		d.Changes[g.Slug] = appliedOf(g.Changes)
	}
	for _, f := range r.Findings {
		d.Findings = append(d.Findings, documentFinding(f))
	}
	return d
}

func countsOf(s summary) documentSummary {
	d := documentSummary{
		Partners: s.Partners, Identities: s.Identities, Credentials: s.Credentials, Grants: s.Grants, Attention: map[string]int{},
		PastEnd: len(s.Past), EndsIn30Days: len(s.Soon30), EndsIn90Days: len(s.Soon90),
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

func partnerOf(p *partner) documentPartner {
	d := documentPartner{Partner: p.Name, Kind: p.Kind, Items: []documentItem{}}
	if a := p.Agreement; a != nil {
		d.Agreement = &documentAgreement{Reference: a.Reference, EndsAt: a.EndsAt.UTC()}
	}
	for _, i := range p.Items {
		d.Items = append(d.Items, itemOf(i))
	}
	return d
}
