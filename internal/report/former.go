// SPDX-License-Identifier: MPL-2.0

package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/journal"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// What a partner had and has no more, for a report of one partner. After an offboarding, the system holds nothing of
// it, and an auditor asks all the same what it could do, until when, and on whose word. Only the journal can tell
// (journal.Recall).

// former is what a partner had and has no more, as the journal tells it.
type former struct {
	Objects []formerObject `json:"objects"`
	// Doubts are what the journal does not tell, a sentence each.
	Doubts []string `json:"doubts"`
}

// formerObject is one object that was removed.
type formerObject struct {
	Type    string       `json:"type"`
	ID      string       `json:"id"`
	UID     string       `json:"uid,omitempty"`
	Source  string       `json:"source,omitempty"`
	Removed time.Time    `json:"removed"`
	Gave    []formerSpan `json:"gave"`
	// Reviews are those on which it was created and renewed.
	Reviews []documentReview `json:"reviews"`
	Cuts    []formerCut      `json:"cuts"`
}

// formerSpan is what an object gave from one moment to another. From is zero where it was there
// before the journal began.
type formerSpan struct {
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`
	Reached string    `json:"reached,omitempty"`
	Owner   string    `json:"owner,omitempty"`
}

// formerCut is when an object was cut, and how soon that was seen to hold.
type formerCut struct {
	Verb    string    `json:"verb"`
	At      time.Time `json:"at"`
	By      string    `json:"by,omitempty"`
	Refused time.Time `json:"refused,omitzero"`
	Seconds float64   `json:"seconds_to_refusal,omitzero"`
}

// collectFormer returns what was removed of the partner that the report is of: after an offboarding only the journal
// tells. It is nil in a report of all partners, where the period has the removals.
func (r *Report) collectFormer() *former {
	if r.Partner == "" {
		return nil
	}
	pasts, doubts := journal.Recall(r.Lines)
	f := &former{Objects: []formerObject{}, Doubts: append([]string{}, doubts...)}
	for _, p := range pasts {
		if !p.Removed.IsZero() {
			f.Objects = append(f.Objects, formerOf(p))
		}
	}
	if unread := r.unread(); unread != "" {
		f.Doubts = append(f.Doubts, "All of it: "+unread+".")
	}
	f.Objects = append(f.Objects, r.formerly...)
	order.Sort(f.Objects, func(a, b formerObject) int {
		return cmp.Or(cmp.Compare(holderOf(a.ID), holderOf(b.ID)), a.Removed.Compare(b.Removed))
	})
	return f
}

// formerOf returns what a removed object gave, from when to when. Spans that follow each other and give the same are
// one: a renewal changes nothing that a reader of this list asks for.
func formerOf(p *journal.Past) formerObject {
	o := formerObject{
		Type:    p.Type,
		ID:      p.ID,
		UID:     p.UID,
		Removed: p.Removed.UTC(),
		Gave:    []formerSpan{},
		Reviews: []documentReview{},
		Cuts:    []formerCut{},
	}
	for _, s := range p.Spans {
		next := formerSpan{s.From.UTC(), s.To.UTC(), s.Given.Reached(), s.Given.Owner}
		if n := len(o.Gave) - 1; n >= 0 &&
			o.Gave[n].Reached == next.Reached &&
			o.Gave[n].Owner == next.Owner &&
			o.Gave[n].To.Equal(next.From) {
			o.Gave[n].To = next.To // a renewal gives nothing else
			continue
		}
		o.Gave = append(o.Gave, next)
	}
	for _, w := range p.Words {
		o.Reviews = append(o.Reviews, documentReview{w.Review.At.UTC(), w.By, w.Reason, keyOf(w.Signed)})
	}
	for _, c := range p.Cuts {
		o.Cuts = append(o.Cuts, formerCut{string(c.Verb), c.At.UTC(), c.By, c.Refused.UTC(), c.Seconds})
	}
	return o
}

// Spans returns a line for each span: what it gave, and from when to when.
func (o formerObject) Spans() (texts []string) {
	for _, s := range o.Gave {
		from := "before the journal began"
		if !s.From.IsZero() {
			from = moment(s.From)
		}
		texts = append(texts, fmt.Sprintf("%s (%s to %s)", cmp.Or(s.Reached, "not told"), from,
			cmp.Or(moment(s.To), "an end that the journal does not tell")))
	}
	return texts
}

// Words returns a line for each review on which it was created or renewed.
func (o formerObject) Words() (texts []string) {
	for _, v := range o.Reviews {
		texts = append(texts, v.By+", "+moment(v.At)+": "+v.Reason+signedText(v.SignedWith))
	}
	return texts
}

// Ends returns a line for each cut: how, when, by whom, and how soon it was seen to hold.
func (o formerObject) Ends() (texts []string) {
	for _, c := range o.Cuts {
		text := strings.TrimSpace(c.Verb + " " + moment(c.At))
		if c.By != "" {
			text += " by " + c.By
		}
		if !c.Refused.IsZero() {
			text += fmt.Sprintf(", refused after %.2f s", c.Seconds)
		}
		texts = append(texts, text)
	}
	return texts
}

// writeFormer writes what a partner had that is gone, and what the journal cannot tell of that. f is nil if the report
// is of no single partner.
func (m *markdown) writeFormer(f *former) {
	if f == nil {
		return
	}
	m.heading(2, "What it had")
	var rows [][]string
	for _, o := range f.Objects {
		rows = append(rows, []string{o.Type, o.ID, o.Source, lines(o.Spans()), lines(o.Words()), lines(o.Ends())})
	}
	m.table([]string{"Type", "ID", "In", "Gave, from when to when (UTC)", "On whose review", "Cut"}, rows)
	m.list("What the journal does not tell", f.Doubts)
}
