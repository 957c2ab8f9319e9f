// SPDX-License-Identifier: MPL-2.0

package report

import (
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// The rows of the page: partners, their identities, and what hangs on these. The text (markdown_rows.go) makes its
// cells from the same views where it can, so both say the same (see TestEachFormSaysTheSame).

// partnerView is one partner: who it is, its contract, how it is cut, and a row for each identity.
type partnerView struct {
	Anchor, Title, Contact string
	Agreement              string
	AgreementEnds          point
	AgreementOver          bool
	// Outlived says that something can act although the agreement has ended.
	Outlived       bool
	Networks       []string
	AnyNetwork     bool
	Subcontractors []link
	Steps          []string
	Rehearsed      point
	Took           string
	Holdings       []holdingView
	NeedAttention  int
}

// holdingView is the row of one identity.
type holdingView struct {
	Anchor, Label, Purpose, Owner, Parent, System string
	OwnerLeft                                     bool
	Standing                                      Standing
	Flags                                         []string
	Ends, Created, Renewed, Reviewed, ReviewDue   point
	ReviewedBy, ReviewReason                      string
	Renewals                                      int64
	Remarks                                       []phrase
	Ceiling                                       string
	Credentials, Grants                           []partView
	Kill                                          []string // of what nobody declared
	Import                                        string
	LastUsed                                      string
	Bar                                           *bar
}

// partView is a credential or a grant in the row of its identity.
type partView struct {
	Anchor, Name, Kind, Reach, Purpose, Owner string
	OwnerLeft                                 bool
	Item                                      *inventory.Item
	// Ends is "" if it is that of the identity.
	Ends, Rotates point
	// Review is its own, which need not be the identity's.
	Review   string
	Status   string
	Over     bool
	LastUsed string
	Flags    []string
	Remarks  []phrase
}

// viewPartner returns a partner as the page shows it.
func (r *Report) viewPartner(p *partner, names map[*inventory.Item]string, n *notes, s scale) partnerView {
	v := partnerView{
		Title:         p.Title(),
		Contact:       p.Contact,
		Steps:         p.Steps,
		Rehearsed:     r.pointAt(p.RehearsedAt),
		AgreementOver: p.Over(r),
		Outlived:      p.Over(r) && p.CanAct() > 0,
	}
	if !p.RehearsedAt.IsZero() {
		v.Took = p.took()
	}
	if a := p.Agreement; a != nil {
		v.Agreement, v.AgreementEnds = a.Reference, r.pointAt(a.EndsAt.Time)
	}
	v.Networks, v.AnyNetwork = p.Networks()
	for _, h := range p.Subcontractors {
		v.Subcontractors = append(v.Subcontractors, link{names[h.Items()[0]], h.Holder})
	}
	for _, i := range p.Items {
		if needsAttention(i) {
			v.NeedAttention++
		}
	}
	for _, h := range p.Holdings {
		v.Holdings = append(v.Holdings, r.viewHolding(p, h, names, n, s))
	}
	return v
}

// viewHolding returns the row of an identity and of what hangs on it. An identity that is gone or not shown has a row
// nevertheless, for the sake of what still hangs on it.
func (r *Report) viewHolding(p *partner, h *holding, names map[*inventory.Item]string, n *notes, s scale) holdingView {
	v := holdingView{
		Anchor:   names[h.Items()[0]],
		Label:    h.Holder,
		Standing: h.Standing,
		Ends:     r.pointAt(h.EndsAt()),
		Bar:      s.drawBar(p, h, r.now()),
	}
	if len(r.included) > 0 {
		v.System = r.label(h.System)
	}
	if i := h.Identity; i != nil {
		review := reviewOf(i)
		v.Purpose = i.Purpose
		v.Owner = i.Owner
		v.OwnerLeft = i.OwnerLeft
		v.Parent = i.Parent
		v.Flags, v.Ceiling, v.Renewals, v.Import = troubles(i), strings.Join(i.Ceiling, ", "), i.Renewals, i.Import
		v.Created, v.Renewed, v.Reviewed, v.ReviewDue = r.pointAt(i.CreatedAt), r.pointAt(i.RenewedAt),
			r.pointAt(i.ReviewedAt), r.pointAt(i.ReviewDueAt)
		v.ReviewedBy, v.ReviewReason, v.LastUsed = review.By, review.Reason, r.lastUsed(i)
		v.Remarks = phrases(n, i)
		if h.Standing == Undeclared {
			v.Kill = i.Revocation
			if reach := reach(i); reach != "" {
				v.Grants = []partView{{Name: reach}}
			}
		}
	} else {
		v.Remarks = []phrase{{Text: "Its identity is gone, or not shown."}}
		v.Anchor = "" // the row's parts have their own
	}
	for _, i := range h.Credentials {
		v.Credentials = append(v.Credentials, r.viewPart(h, i, names, n))
	}
	for _, i := range h.Grants {
		v.Grants = append(v.Grants, r.viewPart(h, i, names, n))
	}
	return v
}

// viewPart returns a credential or a grant in its identity's row. Its end is only shown if it is another than the
// row's.
func (r *Report) viewPart(h *holding, i *inventory.Item, names map[*inventory.Item]string, n *notes) partView {
	v := partView{
		Anchor: names[i], Name: strings.TrimPrefix(label(i), h.Holder+"/"), Kind: string(i.Kind), Reach: reach(i),
		Purpose: i.Purpose, Item: i,
		Rotates: r.pointAt(i.RotatesAt), Over: over(i, r.now()), LastUsed: r.lastUsed(i), Flags: troubles(i),
		Remarks: phrases(n, i),
	}
	if !i.EndsAt.Equal(h.EndsAt()) || i.EndsAt.IsZero() {
		v.Ends = r.pointAt(i.EndsAt)
	}
	if i.Status != access.StatusActive &&
		i.Status != access.StatusExpiring &&
		i.Status != access.StatusExpired {
		v.Status = i.Status
	}
	if review := i.Review; review != nil {
		v.Review = date(review.At.Time) + " by " + review.By + ": " + review.Reason + signedText(i.Signed["review"])
	}
	if h.Identity == nil ||
		!access.SameAddress(i.Owner, h.Identity.Owner) ||
		i.OwnerLeft != h.Identity.OwnerLeft {
		v.Owner, v.OwnerLeft = i.Owner, i.OwnerLeft
	}
	return v
}

// label returns what a system is called in a row.
func (r *Report) label(system string) string {
	if system == "" {
		return r.own().Label()
	}
	return system
}

// lastUsed says when it was last used: that the system does not see it is not never.
func (r *Report) lastUsed(i *inventory.Item) string {
	switch {
	case i.Type == access.TypeGrant:
		return ""
	case !i.LastUsedAt.IsZero() && i.UseUnknown:
		return date(i.LastUsedAt) + " or later"
	case !i.LastUsedAt.IsZero():
		return date(i.LastUsedAt)
	case i.UseUnknown:
		return "not known"
	}
	return "never"
}

// troubles returns the flags of an item that say more than that it is declared.
func troubles(i *inventory.Item) []string {
	var all []string
	for _, f := range flagsOf(i) {
		if f != string(inventory.Governed) {
			all = append(all, f)
		}
	}
	return all
}

// phrases returns what else is to be known of an item. What is long and said of several is a note; who ends it always
// is.
func phrases(n *notes, i *inventory.Item) []phrase {
	var all []phrase
	for _, text := range remarks(i) {
		all = append(all, n.shorten(text))
	}
	if number := n.number(enforced(i)); number > 0 {
		all = append(all, phrase{Text: enforced(i), Note: number})
	}
	return all
}

// enforced says who ends an item.
func enforced(i *inventory.Item) string {
	if i.EnforcedBy == "" {
		return ""
	}
	return "Ended by: " + i.EnforcedBy
}

// state says how an item's end stands: open (it has none), past, soon (within 30 days) or fine.
func state(end, now time.Time) string {
	switch {
	case end.IsZero():
		return "open"
	case !end.After(now):
		return "past"
	case !end.After(now.AddDate(0, 0, soon)):
		return "soon"
	}
	return "fine"
}
