// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"fmt"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// A state tells which object it means by a uid. So that one of an object that was replaced or removed since is told
// apart from one that was never given to anything, which somebody wrote there, the ledger remembers for a year the uids
// that ended: with the identity while that stays, and in its tombstone afterwards.

// mostBygone is how many uids are remembered of one identity. What is left out then ended longest ago.
const mostBygone = 200

// bygone returns what of a memory is younger than a year, with more.
func bygone(memory []access.Bygone, now time.Time, more ...access.Bygone) []access.Bygone {
	kept := slices.DeleteFunc(slices.Clone(memory), func(b access.Bygone) bool {
		return b.Forgotten(now) || slices.ContainsFunc(more, func(m access.Bygone) bool { return m.UID == b.UID })
	})
	kept = append(kept, more...)
	order.Sort(kept, func(a, b access.Bygone) int { return a.At.Compare(b.At) })
	return kept[max(0, len(kept)-mostBygone):]
}

// past returns the uid of an entry as one that ends at a moment.
func past(e *Entry, now time.Time) access.Bygone {
	return access.Bygone{Type: e.Ref().Type, ID: e.Ref().ID, UID: e.History.UID, At: now.UTC().Truncate(time.Second)}
}

// Ended returns the uids of entries that go together, by their identities.
func Ended(victims []*Entry, now time.Time) map[access.IdentityID][]access.Bygone {
	ended := map[access.IdentityID][]access.Bygone{}
	for _, e := range victims {
		ended[e.Object.Holder()] = append(ended[e.Object.Holder()], past(e, now))
	}
	return ended
}

// Taking returns an entry that remembers uids which end with it.
func (e *Entry) Taking(ended []access.Bygone, now time.Time) *Entry {
	taking := *e
	taking.Bygone = bygone(e.Bygone, now, ended...)
	return &taking
}

// rememberUID remembers the uid of an entry in whose place another one is put.
func (d *Draft) rememberUID(e, before *Entry) {
	if e.Ref().Type == access.TypeIdentity {
		e.Bygone = bygone(e.Bygone, d.Now, past(before, d.Now))
		return
	}
	d.rememberUIDs(e.Object.Holder(), past(before, d.Now))
}

// rememberUIDs remembers uids that end: with the identity, or where that is gone in the tombstone that it has.
func (d *Draft) rememberUIDs(id access.IdentityID, more ...access.Bygone) {
	if e := d.Ledger[id.Ref()]; e != nil {
		changed := *e
		changed.Bygone = bygone(e.Bygone, d.Now, more...)
		d.Set(&changed)
		return
	}
	before, had := d.Tombstones[id]
	if !had || before.Damaged {
		return
	}
	stone := before
	stone.Bygone = bygone(before.Bygone, d.Now, more...)
	d.setStone(id, stone)
}

// Bygones returns the uids that ended and are not forgotten yet.
func Bygones(l Ledger, t Tombstones, now time.Time) (all []access.Bygone) {
	for _, e := range l {
		all = append(all, e.Bygone...)
	}
	for _, stone := range t {
		all = append(all, stone.Bygone...)
	}
	return slices.DeleteFunc(all, func(b access.Bygone) bool { return b.Forgotten(now) })
}

// Whose returns what has a uid, or had it until a moment, which is zero while it has; ErrNotFound where it was never
// given, or is forgotten.
func Whose(l Ledger, t Tombstones, uid string, now time.Time) (ref access.Ref, until time.Time, err error) {
	err = fmt.Errorf("the uid %q: %w", uid, access.ErrNotFound)
	for _, e := range l {
		if e.History.UID == uid {
			return e.Ref(), time.Time{}, nil
		}
	}
	for _, b := range Bygones(l, t, now) {
		if b.UID == uid && b.At.After(until) {
			ref, until, err = b.Ref(), b.At, nil
		}
	}
	return ref, until, err
}
