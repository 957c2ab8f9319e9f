// SPDX-License-Identifier: MPL-2.0

package report

import (
	"maps"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// How a report of all becomes one of a partner or an owner. The inventory says what is there; a journal also tells of
// what is gone, and whose that was can only be told from its lines: by the owner, or by the parent that they name.

// Narrow leaves only what belongs to a partner, with its subcontractors and its rehearsals, and only the identities of
// which an owner answers for something; "" leaves all. The beginning of the journal is kept first (Source.Since): the
// first line that is left does not tell when the journal begins.
func (r *Report) Narrow(partner, owner string) {
	if partner == "" && owner == "" {
		return
	}
	if r.Source.Since.IsZero() && len(r.Lines) > 0 {
		r.Source.Since = r.Lines[0].Time
	}
	before := map[string]bool{}
	for _, h := range r.holdings() {
		before[h.Holder] = true
	}
	r.Partner, r.Owner = partner, owner
	r.Inventory = r.Inventory.Whole(partner, owner)
	kept := map[string]bool{}
	partners := map[string]bool{partner: true}
	for _, h := range r.holdings() {
		kept[h.Holder], partners[h.Partner] = true, true
	}
	maps.DeleteFunc(r.Parties, func(name string, _ Party) bool { return !partners[name] })
	wanted := subtree{partner: partner, owner: owner, kept: kept, below: map[string]bool{}, known: before}
	r.Lines = only(r.Lines, wanted.line)
	r.changed = only(r.changed, func(c *change) bool { return wanted.line(c.Line) })
	r.formerly = only(r.formerly, func(o formerObject) bool { return wanted.line(journal.Line{ID: o.ID}) })
	r.Findings = only(r.Findings, func(f Finding) bool { return kept[holderOf(f.ID)] })
}

// only returns those of which something is true, in their order. It leaves the list that it was given as it is,
// since others may hold it.
func only[T any](all []T, wanted func(T) bool) (some []T) {
	for _, one := range all {
		if wanted(one) {
			some = append(some, one)
		}
	}
	return some
}

// subtree is what a narrowed report wants of a journal.
type subtree struct {
	partner, owner string
	// kept are the identities that are shown, known are all that are there, below those that hung on the partner.
	kept, known, below map[string]bool
}

// line reports whether a line is about what is wanted. An identity that is gone is told by its owner,
// and by what it hung on.
func (w *subtree) line(l journal.Line) bool {
	holder := holderOf(l.ID)
	if w.kept[holder] {
		return true
	}
	if w.owner != "" {
		return !w.known[holder] &&
			access.SameAddress(l.Owner, w.owner) &&
			(w.partner == "" || w.theirs(l, holder))
	}
	return w.theirs(l, holder)
}

// theirs reports whether a line is about the partner, or what hangs on it. An identity that once hung on it counts from
// that line on: below is filled in as lines are read, so they have to come in their order.
func (w *subtree) theirs(l journal.Line, holder string) bool {
	if name, _, _ := strings.Cut(holder, "/"); name == w.partner {
		return true
	}
	for _, g := range []*journal.Given{l.Before, l.After} {
		if g == nil || g.ParentID == "" {
			continue
		}
		if name, _, _ := strings.Cut(g.ParentID, "/"); name == w.partner ||
			w.below[g.ParentID] ||
			w.kept[g.ParentID] {
			w.below[holder] = true
		}
	}
	return w.below[holder]
}

// holderOf returns the id of the identity that an id names or belongs to. So acme/prod/etl/orders is of acme/prod/etl.
func holderOf(id string) string {
	parts := strings.SplitN(id, "/", 4)
	return strings.Join(parts[:min(len(parts), 3)], "/")
}
