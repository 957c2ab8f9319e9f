// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A cut by hand is a mark beside the objects, with the moment of the last cut. It is never removed: a release says in
// the identity up to when marks are lifted from it, and a mark that is newer holds. So a second cut holds whoever was
// released from the first, and no clock but the system's decides.

// Holds are what was cut by hand, by when each was cut last. The scope is a partner's name, an identity's id
// ("acme/prod/etl") or a credential's ("acme/prod/etl/secret"). They stand beside the objects, and outlive them: what
// is made anew under a held name is held.
type Holds map[string]time.Time

// newest returns when an identity was cut last, itself or with its partner; zero if it never was.
func (h Holds) newest(id access.IdentityID) time.Time {
	if partner, own := h[id.Partner], h[id.String()]; partner.After(own) {
		return partner
	}
	return h[id.String()]
}

// Of returns when the last cut was made that a release of an identity lifts: of it, of its partner, or of one of its
// credentials; zero if there is none. The mark of a sibling is none of them: what was cut there is not released here.
func (h Holds) Of(id access.IdentityID) (last time.Time) {
	for scope, at := range h {
		if scope == id.Partner ||
			scope == id.String() ||
			strings.HasPrefix(scope, id.String()+"/") {
			last = access.Latest(last, at)
		}
	}
	return last
}

// Holding reports whether a hold of an identity itself, or of its partner, is in force on it.
func (h Holds) Holding(e *Entry) bool {
	return h.newest(e.Object.Holder()).After(e.HoldLifted)
}

// Any reports whether anything of a partner was cut by hand, released or not.
func (h Holds) Any(partner string) bool {
	for scope := range h {
		if scope == partner || strings.HasPrefix(scope, partner+"/") {
			return true
		}
	}
	return false
}

// Lineage returns an identity with all that it hangs on, itself first, up to what is not there. A circle ends once
// there are more than entries.
func (l Ledger) Lineage(id access.IdentityID) []access.IdentityID {
	ids := []access.IdentityID{id}
	for i, _ := l.Identity(id); i != nil &&
		i.ParentID != (access.IdentityID{}) &&
		len(ids) <= len(l); i, _ = l.Identity(i.ParentID) {
		ids = append(ids, i.ParentID)
	}
	return ids
}

// HeldIdentity reports whether an identity was cut by hand, or anything above it.
func (l Ledger) HeldIdentity(h Holds, id access.IdentityID) bool {
	if len(h) == 0 {
		return false
	}
	return slices.ContainsFunc(l.Lineage(id), func(member access.IdentityID) bool {
		e := l[member.Ref()]
		return e != nil && h.Holding(e)
	})
}

// HeldAlone reports whether an object was cut by hand for itself, whatever becomes of its identity. The release of its
// identity lifts that, too.
func (l Ledger) HeldAlone(h Holds, o access.Object) bool {
	if o.Ref().Type == access.TypeIdentity {
		return false
	}
	_, holder := l.Identity(o.Holder())
	return holder != nil && h[o.Ref().ID].After(holder.HoldLifted)
}

// Held reports whether an object gives no access because it was cut by hand: itself, its identity, or anything above.
func (l Ledger) Held(h Holds, o access.Object) bool {
	return l.HeldAlone(h, o) || l.HeldIdentity(h, o.Holder())
}

// Tombstone is what is remembered of an identity outside of its object, so that it outlives it. A system keeps it as
// JSON, by the identity's id. While the identity is there, its own entry may know more.
type Tombstone struct {
	Version  int    `json:"version"`
	Identity string `json:"identity"`
	// Released are the values of hold_released that were applied to the identity: none lifts a hold again.
	Released []string `json:"released,omitempty"`
	// HoldLifted is up to when holds are lifted from it.
	HoldLifted time.Time `json:"hold_lifted,omitzero"`
	// HeldUnder is when the last cut was made by which the identity was held through what it hung on, when it was
	// removed; zero if it was not.
	HeldUnder time.Time `json:"held_under,omitzero"`
	// RemovedAt is when an identity of this id was removed last; zero while none was.
	RemovedAt time.Time `json:"removed_at,omitzero"`
	// Former is what was removed of identities of this id within a year.
	Former []access.Former `json:"former,omitempty"`
	// Bygone are the uids that identities of this id, and what was under them, had. They alone are no
	// reason for a tombstone.
	Bygone []access.Bygone `json:"bygone,omitempty"`
	// Damaged: it could not be read. Nobody knows which releases were used, so none lifts a hold, until it is written
	// anew with one.
	Damaged bool `json:"-"`
}

// Empty reports whether there is nothing in it that anybody has to know. Bygone uids alone are no reason to keep it.
func (t Tombstone) Empty() bool {
	return len(t.Released) == 0 &&
		t.HoldLifted.IsZero() &&
		t.HeldUnder.IsZero() &&
		t.RemovedAt.IsZero() &&
		len(t.Former) == 0 &&
		!t.Damaged
}

// Buried returns the tombstone after an identity was removed at a moment, with what was removed of it before and then.
// It reports whether anything is to be remembered; if not, none is written. holding: something of its partner was cut
// by hand, so it matters when the identity was there.
func (t Tombstone) Buried(e *Entry, removed time.Time, holding bool, formers ...access.Former) (buried Tombstone,
	more bool) {
	had := t.Identity != "" || t.Damaged
	buried, more = t.Noting(e)
	buried.RemovedAt = removed
	if e.HeldUnder.After(buried.HeldUnder) {
		buried.HeldUnder, more = e.HeldUnder, true
	}
	buried.Former = remembered(remembered(t.Former, removed, e.Former...), removed, formers...)
	buried.Bygone = bygone(t.Bygone, removed, e.Bygone...)
	return buried, more || had || holding || len(buried.Former) > 0
}

// Tombstones are what is remembered, by the identity.
type Tombstones map[access.IdentityID]Tombstone

// Noting returns a tombstone with the releases that an identity's entry has used and up to when they lift, and whether
// that is more than it had. One that was damaged is whole then, and says what the entry says.
func (t Tombstone) Noting(e *Entry) (noted Tombstone, more bool) {
	t.Version, t.Identity, more, t.Damaged = Version, e.Object.Holder().String(), t.Damaged, false
	for _, value := range e.History.Released {
		if !slices.Contains(t.Released, value) {
			t.Released = append(slices.Clip(t.Released), value)
			more = true
		}
	}
	if e.HoldLifted.After(t.HoldLifted) {
		t.HoldLifted, more = e.HoldLifted, true
	}
	return t, more
}

// Spent returns the values of hold_released that were applied to identities of a partner, also to removed ones, sorted.
func Spent(l Ledger, t Tombstones, partner string) (values []string) {
	for id, stone := range t {
		if id.Partner == partner {
			values = append(values, stone.Released...)
		}
	}
	for _, e := range l {
		if e.Ref().Type == access.TypeIdentity && e.Object.Holder().Partner == partner {
			values = append(values, e.History.Released...)
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// inherit gives a new identity what was remembered under its id, and what its partner has used: a value that released
// somebody before releases nobody who is made later.
//
// It reports whether the new one is to be held. While anything of its partner is, all that is new of it is as well: a
// rename, or a copy of a block, would give back what was cut. A cut of another identity from before this one was
// removed did not hold it then, and does not now.
func (d *Draft) inherit(e *Entry) bool {
	id, all := e.Object.Holder(), d.all()
	e.History.Released = Spent(all, d.Tombstones, id.Partner)
	e.HoldLifted = d.lifted(all, id)
	stone := d.Tombstones[id]
	hold := stone.HeldUnder.After(e.HoldLifted)
	there := stone.RemovedAt // it was, until then
	if was := d.Ledger[id.Ref()]; was != nil {
		hold = hold || was.HeldUnder.After(e.HoldLifted)
		there = access.Latest(there, was.RemovedAt)
	}
	return hold || d.holdsOther(all, id, there)
}

// holdsOther reports whether another identity of a partner is held by a cut of after a moment.
func (d *Draft) holdsOther(all Ledger, id access.IdentityID, after time.Time) bool {
	for scope, at := range d.Holds {
		holder, ok := holderOf(scope)
		if !ok || holder.Partner != id.Partner || holder == id {
			continue
		}
		if at.After(after) && at.After(d.lifted(all, holder)) {
			return true
		}
	}
	return false
}

// WouldHold reports whether an object would be held if it were made at a moment. What is there is judged as it is. It
// changes nothing of what it is given, and is quick where nothing is cut, which is nearly always.
func WouldHold(l Ledger, h Holds, t Tombstones, o access.Object, now time.Time) bool {
	if len(h) == 0 {
		return false
	}
	d := NewDraft(l, now, nil)
	d.Holds, d.Tombstones = h, maps.Clone(t)
	switch o := o.(type) {
	case *access.Identity:
		return d.wouldHoldIdentity(o)
	case *access.Credential:
		return l.Held(h, o) || d.wouldHoldCredential(o)
	}
	return l.Held(h, o)
}

// wouldHoldIdentity reports whether an identity would be held: one that is there, as it stands; a new one, by itself or
// by what it hangs on.
func (d *Draft) wouldHoldIdentity(i *access.Identity) bool {
	if before := d.Ledger[i.Ref()]; before != nil && !before.Removed() {
		return d.Held(d.Holds, i)
	}
	e := &Entry{Object: i}
	hold := d.inherit(e)
	hasParent := i.ParentID != (access.IdentityID{})
	return hold || d.Holds.Holding(e) || (hasParent && d.HeldIdentity(d.Holds, i.ParentID))
}

// wouldHoldCredential reports whether a credential would be held though nothing above it is: it proves its identity
// with what was cut under another one, or it was cut itself before its identity went.
func (d *Draft) wouldHoldCredential(c *access.Credential) bool {
	comesWithIdentity := d.Ledger[c.IdentityID.Ref()] == nil
	if from := d.comesBack(d.Ledger[c.Ref()], c); from != (access.IdentityID{}) {
		heldAnyway := comesWithIdentity &&
			from.Partner == c.IdentityID.Partner &&
			d.inherit(&Entry{Object: &access.Identity{ID: c.IdentityID}})
		// otherwise its identity is held, or released with it
		if !heldAnyway {
			return true
		}
	}
	return comesWithIdentity && d.Holds[c.Ref().ID].After(d.Tombstones[c.IdentityID].HoldLifted)
}

// holderOf returns the identity that a scope is, or is of; false if it is a partner's.
func holderOf(scope string) (id access.IdentityID, ok bool) {
	parts := strings.SplitN(scope, "/", 4)
	if len(parts) < 3 {
		return id, false
	}
	id, err := access.ParseIdentityID(strings.Join(parts[:3], "/"))
	return id, err == nil
}

// unspent reports whether an identity names a release that counts. A new identity's history already has what its whole
// partner used.
func (d *Draft) unspent(e *Entry, i *access.Identity) bool {
	return i.HoldReleased != "" &&
		!slices.Contains(e.History.Released, i.HoldReleased) &&
		!d.Tombstones[i.ID].Damaged
}

// release applies a value of hold_released to an identity, and reports whether it lifts what was cut by hand. It lifts
// no cut that came after its plan looked (ErrCutSince): whoever decided on it had not seen that one.
//
// One that is made lifts nothing: whoever planned that saw no access that was cut, and Terraform does not hand on what
// its plan knew. The value counts as used all the same.
func (d *Draft) release(e *Entry, c access.Change) (lifts bool, err error) {
	i, _ := e.Object.(*access.Identity)
	if i.HoldReleased == "" || slices.Contains(e.History.Released, i.HoldReleased) {
		return false, nil
	}
	last, stone := d.Holds.Of(i.ID), d.Tombstones[i.ID]
	lifts = c.UID != "" && !stone.Damaged
	if lifts && last.After(e.HoldLifted) && last.After(c.Cuts.Last) {
		return false, fmt.Errorf("%w, at %s", access.ErrCutSince, access.At(last))
	}
	e.History = e.History.Releases(i.HoldReleased)
	if lifts {
		e.HoldLifted = access.Latest(e.HoldLifted, last, stone.HeldUnder)
	}
	d.remember(e, time.Time{})
	return lifts, nil
}

// remember notes in the tombstone of an identity what its entry has and, if it was removed, what was removed of it.
// Nothing is kept of a shadow: nobody comes back as one.
func (d *Draft) remember(e *Entry, removed time.Time, formers ...access.Former) {
	id := e.Object.Holder()
	if access.IsShadow(id.Partner) { // nobody comes back as it
		return
	}
	before, had := d.Tombstones[id]
	stone, more := before.Noting(e)
	if !removed.IsZero() {
		stone, more = before.Buried(e, removed, d.Holds.Any(id.Partner), formers...)
	}
	if !more && !had {
		return
	}
	d.setStone(id, stone)
}

// setStone puts a tombstone into the draft, in place of what was there.
func (d *Draft) setStone(id access.IdentityID, stone Tombstone) {
	before, had := d.Tombstones[id]
	d.Tombstones[id], d.Noted[id] = stone, true
	d.undo = append(d.undo, func() {
		if d.Tombstones[id] = before; !had {
			delete(d.Tombstones, id)
		}
	})
}
