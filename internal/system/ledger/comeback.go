// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"maps"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What was cut by hand stays cut in another place, too: an identity that was held by what it hung on, and hangs on something else now,
// and a key or a workload that comes back under another identity. Each gets a mark of its own.

// all returns everything that there is, as far as the draft knows.
func (d *Draft) all() Ledger {
	all := maps.Clone(d.Others)
	if all == nil {
		all = Ledger{}
	}
	maps.Copy(all, d.Ledger)
	return all
}

// lifted returns up to when holds are lifted from an identity, also from one that is gone.
func (d *Draft) lifted(all Ledger, id access.IdentityID) time.Time {
	at := d.Tombstones[id].HoldLifted
	if e := all[id.Ref()]; e != nil {
		at = access.Latest(at, e.HoldLifted)
	}
	return at
}

// cutAt returns when the last cut was made that is in force on an identity, itself or above it; zero: it is not held.
func (d *Draft) cutAt(all Ledger, id access.IdentityID) (last time.Time) {
	for _, member := range all.Lineage(id) {
		at := access.Latest(d.Holds.newest(member), d.Tombstones[member].HeldUnder)
		if at.After(d.lifted(all, member)) {
			last = access.Latest(last, at)
		}
	}
	return last
}

// heldUnder returns when the last cut was made by which an identity is held through what it hangs on; zero: through nothing.
func (d *Draft) heldUnder(e *Entry) time.Time {
	i, ok := e.Object.(*access.Identity)
	if !ok || i.ParentID == (access.IdentityID{}) || len(d.Holds) == 0 {
		return time.Time{}
	}
	return d.cutAt(d.all(), i.ParentID)
}

// leavesHeld reports whether a change takes an identity out from under what is held.
func (d *Draft) leavesHeld(before *Entry, i *access.Identity) bool {
	return before.Object.(*access.Identity).ParentID != i.ParentID && !d.heldUnder(before).IsZero()
}

// comesBack returns the identity under which somebody cut what a credential newly proves to be its identity with; zero where nobody did,
// or it was released since.
func (d *Draft) comesBack(before *Entry, c *access.Credential) (from access.IdentityID) {
	proof := c.Proof()
	if len(d.Holds) == 0 || proof == "" {
		return from
	}
	if before != nil && !before.Removed() && before.Object.(*access.Credential).Proof() == proof {
		return from
	}
	all := d.all()
	lifted := d.lifted(all, c.IdentityID)
	cut := func(o access.Object, removed time.Time) bool {
		other, ok := o.(*access.Credential)
		if !ok || other.Ref() == c.Ref() {
			return false
		}
		at := d.cutAt(all, other.IdentityID)
		if own := d.Holds[other.Ref().ID]; own.After(d.lifted(all, other.IdentityID)) {
			at = access.Latest(at, own)
		}
		inTime := removed.IsZero() || at.Before(removed.Add(time.Second))
		return at.After(lifted) && inTime && other.Proof() == proof // requests are slow to read, and few are of who was cut
	}
	for _, e := range all {
		if cut(e.Object, e.RemovedAt) {
			return e.Object.Holder()
		}
	}
	for _, f := range Formers(all, d.Tombstones, d.Now) {
		if cut(f.Object, f.RemovedAt) {
			return f.Object.Holder()
		}
	}
	return from
}
