// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// Ledger is everything that exists, or a part of it that a change has to do with, by its reference. Once it is shared
// it is never changed.
type Ledger map[access.Ref]*Entry

// Has reports whether an object of a uid is there, also one whose removal was begun.
func (l Ledger) Has(ref access.Ref, uid string) bool {
	e, found := l[ref]
	return found && e.History.UID == uid
}

// Identity returns an identity that gives access or could, and its entry; nil if there is none. One whose removal was
// begun is none.
func (l Ledger) Identity(id access.IdentityID) (*access.Identity, *Entry) {
	e, found := l[id.Ref()]
	if !found || e.Removed() {
		return nil, nil
	}
	i, _ := e.Object.(*access.Identity)
	return i, e
}

// Standing is how an identity stands, with all above it. It knows of no hold.
type Standing struct {
	// End is the earliest of its own end and of all above it, as far as these could be followed.
	End time.Time
	// Suspended by its own declaration, by one above it, or because it hangs deeper than one above it allows.
	Suspended bool
	// Broken says why it cannot work at all: something above it is gone, cannot be read, or hangs on it. "" if it can.
	Broken string
}

// Cut reports whether the declarations give it no access. What was cut by hand is in [Holds].
func (s Standing) Cut() bool { return s.Suspended || s.Broken != "" }

// Standing walks from an identity to the top. It ends in a circle, too, which no draft makes: by then it has seen more
// than there is.
func (l Ledger) Standing(id access.IdentityID) Standing {
	var s Standing
	for depth := 0; ; depth++ {
		i, e := l.Identity(id)
		if i == nil || depth > len(l) {
			s.Broken = "the identity " + id.String() + " is not there"
			return s
		}
		s.End = access.Earliest(s.End, e.Bound)
		s.Suspended = s.Suspended || i.Suspended || int64(depth) > i.Levels()
		if i.ParentID == (access.IdentityID{}) {
			return s
		}
		id = i.ParentID
	}
}

// End returns when an object ends: the earliest of its own bound and of all above it.
func (l Ledger) End(e *Entry) time.Time {
	return access.Earliest(e.Bound, l.Standing(e.Object.Holder()).End)
}

// Under returns everything that hangs on an identity, however deep, sorted by type and id; not itself. What is being
// removed is among it.
func (l Ledger) Under(id access.IdentityID) []*Entry {
	taken := map[access.IdentityID]bool{id: true}
	for grown := true; grown; {
		grown = false
		for _, e := range l {
			i, ok := e.Object.(*access.Identity)
			if ok && !taken[i.ID] && taken[i.ParentID] {
				taken[i.ID], grown = true, true
			}
		}
	}
	var below []*Entry
	for ref, e := range l {
		if taken[e.Object.Holder()] && ref != id.Ref() {
			below = append(below, e)
		}
	}
	order.Sort(below, func(a, b *Entry) int { return CompareRefs(a.Ref(), b.Ref()) })
	return below
}

// WithSubcontractors returns an identity with those that give access by hanging on it, itself first: a cut by hand has
// to cut them as well. If it allows no subcontractors, whatever hangs on it gives none.
func (l Ledger) WithSubcontractors(id access.IdentityID) []access.IdentityID {
	all := []access.IdentityID{id}
	if i, _ := l.Identity(id); i == nil || i.Subcontractors == nil {
		return all
	}
	for _, e := range l.Under(id) {
		if i, ok := e.Object.(*access.Identity); ok && !e.Removed() {
			all = append(all, i.ID)
		}
	}
	return all
}

// CompareRefs orders by type, then by id.
func CompareRefs(a, b access.Ref) int {
	if c := strings.Compare(string(a.Type), string(b.Type)); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// Record returns what callers are told of an entry, but for the words that are each system's own and for what was cut
// by hand. They may change it: nothing of the ledger is in it.
func (l Ledger) Record(e *Entry) (*access.Record, error) {
	object, err := cloned(e.Object)
	if err != nil {
		return nil, err
	}
	stands := l.Standing(e.Object.Holder())
	r := &access.Record{
		Object: object, History: e.History,
		EndsAt:    access.Earliest(e.Bound, stands.End),
		Suspended: stands.Cut() || e.Removed(),
	}
	if e.Adopted != nil {
		r.AdoptedFrom = e.Adopted.From
	}
	if _, holder := l.Identity(e.Object.Holder()); holder != nil && holder.History.ReviewedAt.After(r.ReviewedAt) {
		r.ReviewedAt = holder.History.ReviewedAt
	}
	switch {
	case e.Removed():
		r.Drift = []string{"Its removal began but did not finish: it gives no access, and stays until the next " +
			"destroy or apply."}
	case stands.Broken != "":
		r.Drift = []string{"It gives no access, because " + stands.Broken + "."}
	}
	if !e.Removed() {
		tellIssued(e, r)
	}
	return r, nil
}

// tellIssued tells what was issued last. If nothing follows it, its end is the credential's, and the one that was asked
// for is kept beside it, so that no plan takes the difference for an extension.
func tellIssued(e *Entry, r *access.Record) {
	i, found := e.Newest()
	if !found {
		return
	}
	if i.RotatesAt.IsZero() && i.End(r.EndsAt).Before(r.EndsAt) {
		r.EndAsked, r.EndsAt = r.EndsAt, i.Until.UTC()
	}
	r.Issued = &access.Issued{
		At:          i.At,
		Until:       i.End(r.EndsAt),
		RotatesAt:   rotates(e, i, r.EndsAt),
		Serial:      i.Serial,
		Fingerprint: i.Fingerprint,
	}
	for _, old := range e.Issued {
		if old.Superseded {
			r.Issued.Older = access.Latest(r.Issued.Older, old.End(r.EndsAt))
		}
	}
}

// rotates returns when what was issued is due. If it ends by itself before its credential does, it has to be followed
// before that, which may be before the rotation that it was given: its end was moved since. It is due an overlap before
// its end, and never before it was issued.
func rotates(e *Entry, i Item, end time.Time) time.Time {
	c, ok := e.Credential()
	until := i.End(end)
	if !ok || !i.RotatesAt.After(until) || !until.Before(end) {
		return i.RotatesAt
	}
	if due := until.Add(-overlapOf(c)); due.After(i.At) {
		return due
	}
	return i.At
}

// cloned returns a copy that no caller holds, by writing and reading its declaration. It refuses an object whose id is
// not safe to make a path of.
func cloned(o access.Object) (access.Object, error) {
	if _, _, err := access.ParseRef(o.Ref().Type, o.Ref().ID); err != nil {
		return nil, err
	}
	text, err := access.Declaration(o)
	if err != nil {
		return nil, err
	}
	return access.ParseDeclaration(o.Ref().Type, text)
}
