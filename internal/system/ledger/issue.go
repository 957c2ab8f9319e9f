// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"fmt"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What is issued for a credential follows from a change in two steps. First, each item is judged by itself: some are
// condemned, whatever is asked (condemns). Then a table decides what becomes of the rest (decide, in verdict.go), and
// carryOut does it. Both are pure, and have a test for each row.

// atOnce is how many items of a credential may work at the same time: each that still works is one more that can be
// lost.
const atOnce = 2

// issue brings what is issued for a credential in line with a change of it, and reports whether something was issued.
// What is revoked is revoked with the draft: if the change fails, it is not.
func (d *Draft) issue(before, e *Entry, c *access.Credential, change access.Change) (issued bool, err error) {
	if !c.Kind().Issues() {
		e.Issued = nil
		return false, nil
	}
	end := d.End(e)
	a := d.ask(before, c, change, end)
	e.Issued = slices.DeleteFunc(slices.Clone(e.Issued), func(i Item) bool {
		condemned := a.condemns(flaw{stolen: c.RevokeIssuedBefore.After(i.At), outlives: d.outlives(i, end)}) != ""
		if condemned {
			d.revoke(c, i)
		}
		return condemned
	})
	d.age(c, e.Issued)
	a.newest, a.lost = d.newest(e, end, change.Known)
	return d.carryOut(a.decide().do, e, c, change, end)
}

// ask returns what a change asks of what is issued, as far as the items themselves do not matter. A new credential does
// not wait because its identity is cut: it is issued, and cut like the rest.
func (d *Draft) ask(before *Entry, c *access.Credential, change access.Change, end time.Time) asked {
	cut := before != nil && (d.Standing(c.IdentityID).Cut() || d.HeldIdentity(d.Holds, c.IdentityID))
	return asked{
		mode:         change.Issue,
		waits:        change.Wait || cut || d.HeldAlone(d.Holds, c),
		ended:        !end.After(d.Now),
		creates:      change.UID == "",
		otherRequest: before != nil && !access.SameRequest(before.Object.(*access.Credential), c),
	}
}

// newest returns how it stands with what was issued last, and whether that is another one than the caller knows of: the
// answer was lost. A caller that knows of nothing says nothing.
func (d *Draft) newest(e *Entry, end time.Time, known string) (stands standing, lost bool) {
	i, ok := e.Newest()
	if !ok {
		return none, false
	}
	if stands = over; i.End(end).After(d.Now) {
		stands = inForce
	}
	return stands, known != "" && known != i.Name()
}

// carryOut does what was decided. The new item comes before the old ones are revoked: if issuing fails, nothing was
// revoked for it.
func (d *Draft) carryOut(do act, e *Entry, c *access.Credential, change access.Change, end time.Time) (issued bool,
	err error) {
	switch do {
	case leave:
	case retireOld:
		e.Issued = d.retire(c, e.Issued)
	case makeDue:
		e.Issued = dueFrom(e.Issued, d.Now.Truncate(time.Second))
	case revokeAll:
		e.Issued = d.supersede(c, e.Issued, end, issueAlone)
	default:
		fresh, err := d.issuer.Issue(d.Now, end, c, change)
		if err != nil {
			return false, err
		}
		e.Issued = append(d.supersede(c, e.Issued, end, do), fresh)
		return true, nil
	}
	return false, nil
}

// age makes what was issued before its credential had this rotation due by it, counted from when it was issued, unless
// it is due before. If its end can be moved, it gets an end of its own as well: it dies by itself if nobody rotates it.
//
// Nothing that was said of a rotation before makes an item younger: a less frequent one counts from the next issue on.
// Otherwise, removing a rotation and adding another one would extend a key.
func (d *Draft) age(c *access.Credential, items []Item) {
	if c.Rotation == nil {
		return
	}
	for n, i := range items {
		due := c.RotatesAt(i.At)
		if i.Superseded || (!i.RotatesAt.IsZero() && !due.Before(i.RotatesAt)) {
			continue
		}
		items[n].RotatesAt = due
		if !d.issuer.Fixed(i) {
			items[n].Until = access.Earliest(i.Until, c.AgesUntil(i.At, d.Now))
		}
	}
}

// dueFrom makes the newest item due from a moment on, unless it is due before.
func dueFrom(items []Item, at time.Time) []Item {
	for n := range items {
		if !items[n].Superseded {
			items[n].RotatesAt = access.Earliest(items[n].RotatesAt, at)
		}
	}
	return items
}

// outlives reports whether an item has an end of its own after the one that it should have, and cannot be shortened.
func (d *Draft) outlives(i Item, end time.Time) bool { return d.issuer.Fixed(i) && i.Until.After(end) }

// TakesAway reports whether a change of a credential ends it earlier, ends what was issued for it, whatever comes in
// its place, or makes it less in another way. That is never refused, also if nothing can be issued: then it may Wait.
func (l Ledger) TakesAway(change access.Change) bool {
	c, ok := change.Object.(*access.Credential)
	before := l[change.Object.Ref()]
	if !ok || before == nil || before.Removed() {
		return false
	}
	stolen := func(i Item) bool { return c.RevokeIssuedBefore.After(i.At) }
	return change.EndsAt.Before(l.End(before)) ||
		slices.ContainsFunc(before.Issued, stolen) ||
		access.Narrows(before.Object, c)
}

// Without returns the sentence that a change took away, and why nothing was issued in the place of that.
func Without(err error) string {
	return fmt.Sprintf("What was issued is revoked, but nothing could be issued in its place: %v.", err)
}

// retire ends what was issued before the newest item: a secret whose end can be moved after the overlap, the rest at
// once.
func (d *Draft) retire(c *access.Credential, items []Item) []Item {
	var left []Item
	for _, i := range items {
		if i.Superseded {
			i.Until = access.Earliest(i.Until, d.Now.Add(overlapOf(c)))
			if d.issuer.Fixed(i) || !i.Until.After(d.Now) {
				d.revoke(c, i)
				continue
			}
		}
		left = append(left, i)
	}
	return left
}

// supersede returns what is left of the old items beside a new one, and revokes the others. With overlap, an old secret
// works for the rotation's overlap, and what is fixed until its own end. If there would be more than atOnce with the
// new one, the oldest go.
func (d *Draft) supersede(c *access.Credential, old []Item, end time.Time, do act) []Item {
	overlap := do != issueAlone
	var left []Item
	for _, i := range old {
		if !i.Superseded && !d.issuer.Fixed(i) && do != issueBeside {
			i.Until = access.Earliest(i.Until, d.Now.Add(overlapOf(c)))
		}
		i.Superseded = true
		if overlap && i.End(end).After(d.Now) {
			left = append(left, i)
		} else {
			d.revoke(c, i)
		}
	}
	for ; len(left) >= atOnce; left = left[1:] {
		d.revoke(c, left[0])
	}
	return left
}

// overlapOf returns for how long an old item works beside a new one; 0 without a rotation.
func overlapOf(c *access.Credential) time.Duration {
	if c.Rotation == nil {
		return 0
	}
	return c.Rotation.Overlap.Duration
}

// Settle draws the consequences of a change for all credentials: what cannot be shortened and would outlive what is
// above it now is revoked; what has ended by itself is forgotten.
func (d *Draft) Settle() {
	for _, e := range d.Ledger {
		if c, ok := e.Credential(); ok && len(e.Issued) > 0 && !e.Removed() {
			if kept := d.outlasting(c, e, d.End(e)); len(kept) < len(e.Issued) {
				changed := *e
				changed.Issued = kept
				d.Set(&changed)
			}
		}
	}
}

// outlasting returns the items of a credential that still count, and revokes what would outlive its end. What was
// issued last is kept although it has ended: a plan has to see that it is due.
func (d *Draft) outlasting(c *access.Credential, e *Entry, end time.Time) []Item {
	var kept []Item
	for _, i := range e.Issued {
		switch {
		case d.outlives(i, end):
			d.revoke(c, i)
		case i.Superseded && !i.End(end).After(d.Now):
		default:
			kept = append(kept, i)
		}
	}
	return kept
}
