// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"maps"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What was cut by hand stays cut in another place, too: an identity that was held by what it hung on, and hangs on
// something else now, and a key or a workload that comes back under another identity. Each gets a mark of its own
// (Placed.Hold).
//
// A mark tells of its last cut alone. So three moments are compared everywhere here: when it was cut, up to when that
// was lifted, and when what was cut had gone, since a cut of after that is of something else.

// all returns everything that there is, as far as the draft knows: its own entries before those beside it.
func (d *Draft) all() Ledger {
	all := maps.Clone(d.Others)
	if all == nil {
		all = Ledger{}
	}
	maps.Copy(all, d.Ledger)
	return all
}

// lifted returns up to when holds are lifted from an identity, also from one that is gone; zero if none was.
func (d *Draft) lifted(all Ledger, id access.IdentityID) time.Time {
	at := d.Tombstones[id].HoldLifted
	if e := all[id.Ref()]; e != nil {
		at = access.Latest(at, e.HoldLifted)
	}
	return at
}

// cutAt returns when the last cut was made that is in force on an identity, itself or above it; zero if it is not held.
// If before is not zero, only cuts of before that count.
func (d *Draft) cutAt(all Ledger, id access.IdentityID, before time.Time) (last time.Time) {
	for _, member := range all.Lineage(id) {
		var leaving time.Time
		if e := all[member.Ref()]; e != nil {
			leaving = e.HeldUnder
		}
		for _, at := range []time.Time{d.Holds[member.Partner], d.Holds[member.String()],
			d.Tombstones[member].HeldUnder, leaving} {
			last = access.Latest(last, counted(at, d.lifted(all, member), before))
		}
	}
	return last
}

// cutOn returns the same of a credential, which may have been cut alone.
func (d *Draft) cutOn(all Ledger, c *access.Credential, before time.Time) time.Time {
	return access.Latest(d.cutAt(all, c.IdentityID, before),
		counted(d.Holds[c.Ref().ID], d.lifted(all, c.IdentityID), before))
}

// counted returns the moment of a cut if it counts, and otherwise zero: it came after the last one that was lifted, and
// before what was cut had gone; zero for what is not gone. To the nanosecond, a release of the moment of a cut lifts it
// (TestACutCountsBetweenWhatWasLiftedAndWhatWentAfterIt).
func counted(at, lifted, before time.Time) time.Time {
	if !at.After(lifted) || (!before.IsZero() && !at.Before(before)) {
		return time.Time{}
	}
	return at
}

// heldUnder returns when the last cut was made by which an identity is held through what it hangs on; zero: through
// nothing.
func (d *Draft) heldUnder(e *Entry) time.Time {
	i, ok := e.Object.(*access.Identity)
	if !ok || i.ParentID == (access.IdentityID{}) || len(d.Holds) == 0 {
		return time.Time{}
	}
	return d.cutAt(d.all(), i.ParentID, time.Time{})
}

// leavesHeld reports whether a change takes an identity out from under what is held.
func (d *Draft) leavesHeld(before *Entry, i *access.Identity) bool {
	return before.Object.(*access.Identity).ParentID != i.ParentID && !d.heldUnder(before).IsZero()
}

// releasedWith reports whether a credential's key or workload, that was cut elsewhere at a moment, was released under
// the identity that now has it. A release counts for what the identity had: what was cut under another one, and comes
// later, is held.
func (d *Draft) releasedWith(all Ledger, c *access.Credential, at time.Time) bool {
	lifted := d.lifted(all, c.IdentityID)
	if at.After(lifted) {
		return false
	}
	same := func(o access.Object) bool {
		other, ok := o.(*access.Credential)
		return ok && other.Key() == c.Key()
	}
	for ref, e := range all {
		if e.Object.Holder() == c.IdentityID && !d.Holds[ref.ID].After(lifted) && same(e.Object) {
			return true
		}
	}
	return slices.ContainsFunc(d.memory(c.IdentityID), func(f access.Former) bool {
		return f.HeldAt.IsZero() && !f.RemovedAt.Before(at) && same(f.Object)
	})
}

// comesBack returns the identity under which somebody cut what a credential newly proves to be its identity with, or
// has its secrets sealed to; zero if nobody did, or it was released since. A credential that keeps its key brings
// nothing back.
func (d *Draft) comesBack(before *Entry, c *access.Credential) (from access.IdentityID) {
	key := c.Key()
	if len(d.Holds) == 0 || key == "" {
		return from
	}
	if before != nil && !before.Removed() && before.Object.(*access.Credential).Key() == key {
		return from
	}
	all := d.all()
	for _, e := range all {
		if d.cutWith(all, c, key, access.Former{Object: e.Object}) {
			return e.Object.Holder()
		}
	}
	for _, f := range Formers(all, d.Tombstones, d.Now) {
		if d.cutWith(all, c, key, f) {
			return f.Object.Holder()
		}
	}
	return from
}

// cutWith reports whether the key of a credential was cut on another one, and was not released since. f is that other
// one; if it is not removed, only its object is set.
func (d *Draft) cutWith(all Ledger, c *access.Credential, key string, f access.Former) bool {
	other, ok := f.Object.(*access.Credential)
	if !ok || other.Ref() == c.Ref() {
		return false
	}
	var gone time.Time // what was cut under its id afterwards was something else
	if !f.RemovedAt.IsZero() {
		gone = f.RemovedAt.Add(time.Second)
	}
	at := d.cutOn(all, other, gone)
	// of a mark only the last cut is known, which may be of after it went
	if at.IsZero() && !d.cutOn(all, other, time.Time{}).IsZero() {
		at = counted(f.HeldAt, d.lifted(all, other.IdentityID), time.Time{})
	}
	// requests are slow to read, and few are of who was cut
	return !at.IsZero() && other.Proof() == key && !d.releasedWith(all, c, at)
}
