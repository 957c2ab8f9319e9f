// SPDX-License-Identifier: MPL-2.0

package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// The numbers of the first page, and what each counts. A number that nobody can know is a question mark, and one that
// only part of the systems can tell says that it is the least: 0 always means that somebody looked and found none (see
// TestUnknownNeverReadsZero).

// figure is a number on the first page, and what it is of.
type figure struct {
	// Slug is for machines, Name for people, and Meaning says more of it.
	Slug, Name, Meaning string
	Of                  []reference
	// Unknown says why there is no number, "" if there is one.
	Unknown string
	// Partly says that the number is the least that it can be, and why.
	Partly string
}

// reference names something that may have a row. Text is shown in any case; what was removed has no row to lead to.
type reference struct {
	Holding *holding // nil if it has none
	Text    string
}

// Number returns how many there are: "?" if that is not known.
func (f figure) Number() string {
	if f.Unknown != "" {
		return "?"
	}
	return strconv.Itoa(len(f.Of))
}

// Grave says whether somebody has to act on it.
func (f figure) Grave() bool {
	return len(f.Of) > 0 && (f.Slug == "undeclared" ||
		f.Slug == "due-for-review" ||
		f.Slug == "owner-left")
}

// figures returns what a reader is told first, in the order in which an auditor asks.
func (r *Report) figures() []figure {
	undeclared := figure{
		Slug:    "undeclared",
		Name:    "Undeclared",
		Meaning: "logins that nobody declared; they may act as well",
	}
	undeclared.Unknown, undeclared.Partly = r.unsearched()
	ownerLeft := figure{Slug: "owner-left", Name: "Owner left", Meaning: "identities of which an owner is gone"}
	ownerLeft.Unknown, ownerLeft.Partly = r.partly(func(s Source) bool { return s.OwnersUnknown },
		"nobody said who is there")
	ended := figure{
		Slug:    "ended",
		Name:    "Ended in this period",
		Meaning: "by themselves, or because somebody cut them",
		Partly:  r.unread(),
	}
	all := []figure{
		{Slug: "can-act", Name: "Can act now", Meaning: "identities with a credential and a grant in force"},
		undeclared,
		{Slug: "held", Name: "Held", Meaning: "cut by hand, and not given back"},
		{Slug: "suspended", Name: "Suspended", Meaning: "cut for a time by their declaration"},
		{Slug: "cannot-act", Name: "In force, cannot act", Meaning: "without a credential, or without a grant"},
		ended,
		{Slug: "due-for-review", Name: "Due for review", Meaning: "now, or within 30 days"},
		ownerLeft,
	}
	by := r.references()
	for n := range all {
		f := &all[n]
		f.Of = by[f.Slug]
		if len(f.Of) == 0 && f.Partly != "" { // at least none is not known either
			f.Unknown, f.Partly = f.Partly, ""
		}
	}
	return all
}

// references returns what each figure counts, by its slug. An identity may be counted in several: what it can do is one
// question, whether it is due for review another.
func (r *Report) references() map[string][]reference {
	by := map[string][]reference{}
	add := func(slug string, h *holding, text string) { by[slug] = append(by[slug], reference{h, text}) }
	held := r.holdings()
	for _, h := range held {
		if h.Standing != Ended {
			add(h.Standing.Slug(), h, h.Holder)
		} else if r.passed(h.EndsAt()) {
			add("ended", h, h.Holder+" ended by itself on "+date(h.EndsAt()))
		}
		if due, ok := r.reviewDue(h); ok {
			add("due-for-review", h, h.Holder+" "+due)
		}
		if owners := h.left(); len(owners) > 0 {
			add("owner-left", h, h.Holder+": "+strings.Join(owners, ", ")+" left")
		}
	}
	for _, c := range r.cuts(held) {
		add("ended", nil, c.ID+" was cut on "+date(c.Asked)+" by "+c.Actor.Name+refusal(c))
	}
	return by
}

// unread says of which systems no journal was read, "" if each was.
func (r *Report) unread() string {
	unknown, partly := r.partly(func(s Source) bool { return s.Since.IsZero() }, "no journal was read")
	return unknown + partly
}

// recorded returns how many there are by the journal: "?" for none if not every journal was read. A number over 0
// stands as it is: it is the least.
func (r *Report) recorded(n int) string {
	if n == 0 && r.unread() != "" {
		return "?"
	}
	return strconv.Itoa(n)
}

// passed reports whether a moment is behind us, and in the period.
func (r *Report) passed(t time.Time) bool { return !t.After(r.now()) && r.within(t) }

// unsearched says of what nobody declared whether nobody looked for it anywhere, or not everywhere.
func (r *Report) unsearched() (unknown, partly string) {
	return r.partly(func(s Source) bool { return s.unchecked(inventory.Ungoverned) }, "nobody looked for them")
}

// partly says whether something is unknown of all sources, or of some. One of the two is "" and both are if all sources
// know. The second one names the systems that do not.
func (r *Report) partly(unknownOf func(Source) bool, why string) (unknown, partly string) {
	var not []string
	all := r.sources()
	for _, s := range all {
		if unknownOf(s) {
			not = append(not, s.Label())
		}
	}
	switch len(not) {
	case 0:
		return "", ""
	case len(all):
		return why, ""
	}
	return "", why + " in " + strings.Join(not, ", ")
}

// soon is how far ahead a review or an end is announced.
const soon = 30

// reviewDue says when an identity in force has to be reviewed, if that is soon or has passed.
func (r *Report) reviewDue(h *holding) (string, bool) {
	i := h.Identity
	if i == nil ||
		i.ReviewDueAt.IsZero() ||
		h.Standing == Ended ||
		i.ReviewDueAt.After(r.now().AddDate(0, 0, soon)) {
		return "", false
	}
	if !i.ReviewDueAt.After(r.now()) {
		return "has been due since " + date(i.ReviewDueAt), true
	}
	return "is due on " + date(i.ReviewDueAt), true
}

// left returns the owners of anything in the holding who left.
func (h *holding) left() []string {
	var all []string
	seen := map[string]bool{}
	for _, i := range h.Items() {
		if i.OwnerLeft && !seen[i.Owner] {
			seen[i.Owner] = true
			all = append(all, i.Owner)
		}
	}
	return all
}

// cuts returns the identities that were removed in the period and are not there any more, each by its last removal.
// What was removed and made again under its id is there, so it did not end.
func (r *Report) cuts(held []*holding) []*change {
	there := map[string]bool{}
	for _, h := range held {
		there[h.System+" "+h.Holder] = true
	}
	last := map[string]*change{}
	var removed []string
	for _, c := range r.changes() {
		// Two systems may hold an identity of one id, and each has to cut it.
		of := c.Source + " " + c.ID
		if c.sort() != cut || c.Type != string(access.TypeIdentity) || there[of] {
			continue
		}
		if last[of] == nil {
			removed = append(removed, of)
		}
		last[of] = c
	}
	all := make([]*change, 0, len(removed))
	for _, of := range removed {
		all = append(all, last[of])
	}
	return all
}

// refusal says for a cut how long it took until the partner was refused; "" if nobody measured that.
func refusal(c *change) string {
	if c.Refusal() == "" {
		return ""
	}
	return ", refused after " + c.Refusal() + " s"
}

// rehearsal says when a cut was last rehearsed, and how long it took. Partners that hold nothing, and shadows, are not
// among those that could have been rehearsed.
func (r *Report) rehearsal() string {
	var last *partner
	tried, all := 0, 0
	for _, p := range r.partners() {
		if p.Name == "" || len(p.Items) == 0 || access.IsShadow(p.Name) {
			continue
		}
		all++
		if p.RehearsedAt.IsZero() {
			continue
		}
		tried++
		if last == nil || p.RehearsedAt.After(last.RehearsedAt) {
			last = p
		}
	}
	if last == nil {
		return "None is known."
	}
	return fmt.Sprintf("%s, of %s: %s. %d of %d partners were rehearsed.", moment(last.RehearsedAt), last.Name,
		last.took(), tried, all)
}

// took returns how long the last rehearsed cut took.
func (p *partner) took() string {
	if p.Seconds == 0 {
		return "the seconds are not known"
	}
	return "refused after " + strconv.FormatFloat(p.Seconds, 'f', 2, 64) + " s"
}

// byHand returns the cuts that were made by hand in the period.
func (r *Report) byHand() (n int) {
	for _, c := range r.changes() {
		if c.Phase == journal.Found && c.Verb == journal.Cut {
			n++
		}
	}
	return n
}
