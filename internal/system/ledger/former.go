// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// What was removed is remembered for a year, with its identity while that stays and in its tombstone afterwards: the
// same access under a new name goes on from it, and is not new. Without this, a computed name would be a way around
// every longest life and every review.

// mostFormers is how many credentials, and how many grants, are remembered of one identity. What was removed longest
// ago is left out. Each type has its own limit: otherwise, whoever makes and removes five hundred grants pushes an
// older key out of memory (TestNoGrantPushesAKeyOutOfMemoryAndNoKeyAGrant).
const mostFormers = 500

// Formers returns what is remembered at a moment, of all identities, sorted by reference and then by when it was
// removed.
func Formers(l Ledger, t Tombstones, now time.Time) []access.Former {
	var all []access.Former
	for _, e := range l {
		all = append(all, remembered(e.Former, now)...)
	}
	for _, stone := range t {
		all = append(all, remembered(stone.Former, now)...)
	}
	order.Sort(all, func(a, b access.Former) int {
		return cmp.Or(CompareRefs(a.Object.Ref(), b.Object.Ref()), a.RemovedAt.Compare(b.RemovedAt))
	})
	return all
}

// remembered returns what of a memory is younger than a year, with more in place of what was the same access.
func remembered(memory []access.Former, now time.Time, more ...access.Former) []access.Former {
	kept := slices.DeleteFunc(slices.Clone(memory), func(f access.Former) bool {
		return f.Forgotten(now) || slices.ContainsFunc(more, f.Same)
	})
	kept = append(kept, more...)
	if len(kept) > mostFormers {
		order.Sort(kept, func(a, b access.Former) int { return b.RemovedAt.Compare(a.RemovedAt) })
		// no grant pushes out a key, and no key a grant
		count := map[access.Type]int{}
		kept = slices.DeleteFunc(kept, func(f access.Former) bool {
			count[f.Object.Ref().Type]++
			return count[f.Object.Ref().Type] > mostFormers
		})
	}
	return kept
}

// former returns what is to be remembered of an entry that goes, or that a change takes something from; false if it
// never gave access, or is a shadow's. Its end is the declared one: a removal that was begun does not shorten how long
// it was decided for.
func (d *Draft) former(e *Entry) (access.Former, bool) {
	gone := e.RemovedAt
	if gone.IsZero() {
		gone = d.Now
	}
	h := e.History
	if holder := d.Ledger[e.Object.Holder().Ref()]; holder != nil && holder.History.ReviewedAt.After(h.ReviewedAt) {
		h.ReviewedAt = holder.History.ReviewedAt
	}
	f, remembered := access.FormerOf(e.Object, h, d.declaredEnd(e), gone)
	if c, ok := e.Object.(*access.Credential); ok && len(d.Holds) > 0 {
		f.HeldAt = d.cutOn(d.all(), c, time.Time{})
	}
	return f, remembered &&
		!h.CreatedAt.IsZero() &&
		!access.IsShadow(e.Object.Holder().Partner) &&
		d.wasActive(f)
}

// declaredEnd returns when an entry ends, with all above it, also if a removal of some of that was begun.
func (l Ledger) declaredEnd(e *Entry) time.Time {
	end := e.Bound
	for id, depth := e.Object.Holder(), 0; depth <= len(l); depth++ {
		above := l[id.Ref()]
		if above == nil {
			break
		}
		end = access.Earliest(end, above.Bound)
		i, ok := above.Object.(*access.Identity)
		if !ok || i.ParentID == (access.IdentityID{}) {
			break
		}
		id = i.ParentID
	}
	return end
}

// wasActive reports whether access was ever given by something that goes: a credential gives none without a grant, and
// a grant none without a way to log in. What never gave access has no age, so nothing continues it. A login from before
// an adoption is a way to log in.
func (d *Draft) wasActive(f access.Former) bool {
	holder := f.Object.Holder()
	last := access.Earliest(f.EndsAt, f.RemovedAt)
	meets := func(t access.Type, began, ended time.Time) bool {
		return t != f.Object.Ref().Type && !began.After(last) && !ended.Before(f.History.CreatedAt)
	}
	for _, e := range d.Ledger {
		if e.Object.Holder() != holder {
			continue
		}
		if e.Ref().Type == access.TypeIdentity {
			if e.Adopted != nil && f.Object.Ref().Type == access.TypeGrant {
				return true
			}
			continue
		}
		ended := d.declaredEnd(e)
		if e.Removed() {
			ended = access.Earliest(ended, e.RemovedAt)
		}
		if meets(e.Ref().Type, e.History.CreatedAt, ended) {
			return true
		}
	}
	return slices.ContainsFunc(d.memory(holder), func(other access.Former) bool {
		return meets(other.Object.Ref().Type, other.History.CreatedAt, access.Earliest(other.EndsAt, other.RemovedAt))
	})
}

// memory returns what is remembered of an identity, in its entry and in its tombstone.
func (d *Draft) memory(id access.IdentityID) []access.Former {
	memory := d.Tombstones[id].Former
	if e := d.Ledger[id.Ref()]; e != nil {
		memory = append(slices.Clip(memory), e.Former...)
	}
	return memory
}

// recall remembers what was removed of an identity: with it, or in its tombstone if its own record is lost or gone.
func (d *Draft) recall(id access.IdentityID, more ...access.Former) {
	e := d.Ledger[id.Ref()]
	if e == nil {
		d.engrave(id, more)
		return
	}
	changed := *e
	changed.Former = remembered(e.Former, d.Now, more...)
	d.Set(&changed)
}

// engrave adds to a tombstone. One that cannot be read stays what it is: written anew, it would no longer say that
// nobody knows which releases were used.
func (d *Draft) engrave(id access.IdentityID, more []access.Former) {
	before := d.Tombstones[id]
	if before.Damaged {
		return
	}
	stone := before
	stone.Version, stone.Identity, stone.Former = Version, id.String(), remembered(before.Former, d.Now, more...)
	d.setStone(id, stone)
}

// rememberTaken remembers what an object was, if a change takes its key, its trust or some of its reach from it, or
// puts it in the place of one whose removal was begun. Under its id it is the same object; what it gave may come back
// under another.
func (d *Draft) rememberTaken(before *Entry, after access.Object) {
	if before == nil || (!before.Removed() && !takesAway(before.Object, after)) {
		return
	}
	if f, ok := d.former(before); ok {
		d.recall(after.Holder(), f)
	}
}

// takesAway reports whether a change takes from an object what it proved to be its identity with, or where it reached.
func takesAway(before, after access.Object) bool {
	switch b := before.(type) {
	case *access.Credential:
		a := after.(*access.Credential)
		return !access.SameRequest(b, a) || (b.Federated != nil && !b.Federated.SameWorkload(a.Federated))
	case *access.Grant:
		a := after.(*access.Grant)
		return !a.Resource.Contains(b.Resource) ||
			slices.ContainsFunc(b.Actions, func(action string) bool { return !slices.Contains(a.Actions, action) })
	}
	return false
}

// Parting returns what is to be remembered of entries that go together, by their identities. All are looked at before
// any goes: a credential was active because of a grant that goes with it.
func (d *Draft) Parting(victims ...*Entry) map[access.IdentityID][]access.Former {
	formers := map[access.IdentityID][]access.Former{}
	for _, e := range victims {
		if f, ok := d.former(e); ok {
			formers[e.Object.Holder()] = append(formers[e.Object.Holder()], f)
		}
	}
	return formers
}

// Forget takes out of the ledger what was verified to be gone, and remembers what has to outlive it: of an identity in
// its tombstone, of anything else with its identity. References that are not there are passed over.
func (d *Draft) Forget(refs ...access.Ref) {
	var victims []*Entry
	for _, ref := range refs {
		if e := d.Ledger[ref]; e != nil {
			victims = append(victims, e)
		}
	}
	formers := d.Parting(victims...)
	ended := Ended(victims, d.Now)
	for _, e := range victims {
		if id := e.Object.Holder(); e.Ref().Type == access.TypeIdentity {
			d.remember(e.Taking(ended[id], d.Now), d.Now, formers[id]...)
			delete(formers, id)
			delete(ended, id)
		}
		delete(d.Ledger, e.Ref())
		d.Touched[e.Ref()] = true
	}
	for id, more := range formers {
		d.recall(id, more...)
	}
	for id, more := range ended {
		d.rememberUIDs(id, more...)
	}
}

// Prune forgets what was removed more than a year ago, and with it tombstones that hold nothing else.
func (d *Draft) Prune() {
	for id, stone := range d.Tombstones {
		if !stone.Aged(d.Now) {
			continue
		}
		stone = stone.Pruned(d.Now, d.Holds.Any(id.Partner))
		if d.Tombstones[id] = stone; stone.Empty() {
			delete(d.Tombstones, id)
		}
		d.Noted[id] = true
	}
}

// Aged reports whether something in a tombstone is to be forgotten.
func (t Tombstone) Aged(now time.Time) bool {
	return slices.ContainsFunc(t.Former, func(f access.Former) bool { return f.Forgotten(now) })
}

// Pruned returns the tombstone without what is to be forgotten. While something of its partner is cut by hand, it goes
// on to say when the identity was removed: that decides whether a cut is older than it (see inherit).
func (t Tombstone) Pruned(now time.Time, holding bool) Tombstone {
	t.Former, t.Bygone = remembered(t.Former, now), bygone(t.Bygone, now)
	if len(t.Former) == 0 && !holding {
		t.RemovedAt = time.Time{}
	}
	return t
}
