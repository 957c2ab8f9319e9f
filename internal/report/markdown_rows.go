// SPDX-License-Identifier: MPL-2.0

package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// writeSummary writes the figures, the counts, what is not known, and what the report is made of.
func (m *markdown) writeSummary(r *Report) {
	m.heading(2, "Summary")
	var rows [][]string
	for _, f := range r.figures() {
		meaning := f.Meaning
		switch {
		case f.Unknown != "":
			meaning = "not known: " + f.Unknown
		case f.Partly != "":
			meaning += "; at least: " + f.Partly
		}
		var of []string
		for _, one := range f.Of {
			of = append(of, one.Text)
		}
		rows = append(rows, []string{f.Name, f.Number(), meaning, lines(of)})
	}
	m.table([]string{"Identities", "Count", "Meaning", "Which"}, rows)
	s, reviewed := r.summarize(), r.countReviews()
	m.table([]string{"Last rehearsal of a cut", "Reviews in the period", "Cuts by hand in the period"}, [][]string{{
		r.rehearsal(), fmt.Sprintf("%d of %d", len(reviewed.Done), reviewed.Of()), r.recorded(r.byHand()),
	}})
	rows = nil
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
	count("Ended, and not removed from the configuration yet", len(s.Past))
	count("Ends within 30 days", len(s.Soon30))
	count("Ends within 90 days", len(s.Soon90))
	m.table([]string{"Objects", "Count"}, rows)
	m.list("What this report does not know", r.unknowns())
	var sources []string
	for _, source := range r.sources() {
		text := source.Describe()
		if source.SHA256 != "" {
			text += "; included, SHA-256 " + source.SHA256
		}
		sources = append(sources, text)
	}
	m.list("What this report holds", sources)
}

// notChecked is how many items have a flag that nobody looked for.
const notChecked = "not checked"

// writePartner writes what one partner holds, with a row for each identity, and how it is cut by hand.
func (m *markdown) writePartner(r *Report, p *partner, n *notes) {
	m.heading(2, p.Title())
	agreement := []string{"none is known", ""}
	if a := p.Agreement; a != nil {
		agreement = []string{a.Reference, moment(a.EndsAt.Time)}
		if p.Over(r) {
			agreement[1] += " (ended)"
		}
	}
	networks, everywhere := p.Networks()
	if everywhere {
		networks = append(networks, "any network")
	}
	last := "none is known"
	if !p.RehearsedAt.IsZero() {
		last = moment(p.RehearsedAt) + ", " + p.took()
	}
	m.table([]string{"Agreement", "Ends (UTC)", "Contact", "Networks", "Subcontractors", "Last rehearsal",
		"How to cut it by hand"}, [][]string{
		append(agreement, p.Contact, lines(networks), lines(holders(p.Subcontractors)), last, lines(p.Steps)),
	})
	if len(p.Holdings) == 0 {
		m.paragraph("Holds nothing.")
		return
	}
	rows := make([][]string, 0, len(p.Holdings))
	for _, h := range p.Holdings {
		rows = append(rows, r.textRow(h, n))
	}
	m.table([]string{"Identity", "Owner", "Stands", "Ends (UTC)", "Reviewed", "Last used", "Credentials", "Grants",
		"Remarks"}, rows)
}

// textRow returns the row of an identity.
func (r *Report) textRow(h *holding, n *notes) []string {
	name := []string{h.Holder}
	owner := ""
	reviewed := ""
	used := ""
	stands := []string{string(h.Standing)}
	var says []string
	if i := h.Identity; i != nil {
		if i.Purpose != "" {
			name = append(name, i.Purpose)
		}
		if i.Parent != "" {
			name = append(name, "subcontractor of "+i.Parent)
		}
		if len(i.Ceiling) > 0 {
			name = append(name, "at most "+strings.Join(i.Ceiling, ", "))
		}
		owner, used = ownerText(i), r.lastUsed(i)
		reviewed = moment(i.ReviewedAt)
		if review := reviewOf(i); review.By != "" {
			reviewed += " by " + review.By
		}
		if !i.ReviewDueAt.IsZero() {
			reviewed += "\ndue " + date(i.ReviewDueAt)
		}
		stands = append(stands, troubles(i)...)
		says = texts(phrases(n, i))
		if h.Standing == Undeclared {
			says = append(says, i.Revocation...)
		}
	} else {
		says = []string{"Its identity is gone, or not shown."}
	}
	if len(r.included) > 0 {
		name = append(name, "in "+r.label(h.System))
	}
	return []string{lines(name), owner, lines(stands), moment(h.EndsAt()), reviewed, used,
		r.textParts(h, h.Credentials, n), r.textParts(h, h.Grants, n), lines(says)}
}

// ownerText returns an item's owner, and says if they have left.
func ownerText(i *inventory.Item) string {
	if i.OwnerLeft {
		return i.Owner + " (left)"
	}
	return i.Owner
}

// texts returns phrases as text: a note by its number, which is said once below all tables.
func texts(all []phrase) []string {
	var said []string
	for _, p := range all {
		said = append(said, p.String())
	}
	return said
}

// textParts returns the credentials or grants of an identity, one below the other.
func (r *Report) textParts(h *holding, items []*inventory.Item, n *notes) string {
	var all []string
	for _, i := range items {
		v := r.viewPart(h, i, nil, n)
		parts := []string{v.Name}
		if v.Reach != "" {
			parts = []string{v.Reach}
		}
		add := func(name, value string) {
			if value != "" {
				parts = append(parts, name+value)
			}
		}
		add("", v.Status)
		if v.Over {
			add("", "ended")
		}
		add("", strings.Join(v.Flags, ", "))
		add("issuer ", i.Issuer)
		add("subject ", i.Subject)
		add("audience ", strings.Join(i.Audiences, ", "))
		add("key ", i.Fingerprint)
		if i.Type == access.TypeCredential {
			networks := "any network"
			if len(i.Networks) > 0 {
				networks = strings.Join(i.Networks, ", ")
			}
			add("from ", networks)
		}
		add("", v.Purpose)
		add("ends ", v.Ends.Text)
		add("rotates ", v.Rotates.Text)
		add("last used ", v.LastUsed)
		add("reviewed ", v.Review)
		if v.Owner != "" {
			add("owner ", ownerText(i))
		}
		add("", strings.Join(texts(v.Remarks), "; "))
		all = append(all, strings.Join(parts, "; "))
	}
	return lines(all)
}

// list writes sentences as a table of one column: only in a cell can nothing of theirs break out.
func (m *markdown) list(title string, sentences []string) {
	m.table([]string{title}, single(sentences))
}

// single returns a row of one cell for each sentence.
func single(sentences []string) [][]string {
	rows := make([][]string, 0, len(sentences))
	for _, s := range sentences {
		rows = append(rows, []string{s})
	}
	return rows
}
