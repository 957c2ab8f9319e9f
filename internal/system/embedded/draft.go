// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"maps"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// draft is a book in the making: what ledger.Draft decides, and what this system keeps beside that.
type draft struct {
	*ledger.Draft
	base       *book // what it is a draft on
	system     string
	generation generation
	revoked    map[string]revocation
	damaged    damage
	sums       sums
	root       string
	rehearsed  map[string]time.Time
	remembers  bool // rehearsed is more than it was
	floor      floorBase
	lays       bool // the floor is another than it was
}

// draftOn returns a draft on a book, of which it copies what it may change. Whoever only looks at what would follow
// names no issuer, and nothing can be issued then.
func draftOn(b *book, now time.Time, by ledger.Issuer) *draft {
	d := &draft{
		Draft: ledger.NewDraft(b.Ledger, now, by), base: b, system: b.system, generation: b.generation,
		revoked: maps.Clone(b.revoked),
		damaged: maps.Clone(b.damaged), sums: b.sums, root: b.root,
	}
	d.Holds, d.Tombstones, d.rehearsed = b.holds, maps.Clone(b.stones), maps.Clone(b.rehearsed)
	d.floor = b.floor
	d.Revoke = d.revoke
	return d
}

// asBook returns the draft as it is.
func (d *draft) asBook() *book {
	return &book{
		Ledger: d.Ledger, system: d.system, generation: d.generation, revoked: d.revoked, holds: d.Holds,
		stones:  d.Tombstones,
		damaged: d.damaged, sums: d.sums, root: d.root, rehearsed: d.rehearsed, floor: d.floor,
	}
}

// listed returns what was revoked, sorted, without whose it was: gateways, and whoever can read their files, may know
// that a serial is revoked, and not which partner lost it.
func (d *draft) listed() (all []revocation) {
	for _, name := range slices.Sorted(maps.Keys(d.revoked)) {
		r := d.revoked[name]
		r.Identity = access.IdentityID{}
		all = append(all, r)
	}
	return all
}

// conclude draws the consequences of a change: what cannot be shortened is revoked, and what has ended is forgotten.
func (d *draft) conclude() {
	d.Settle()
	d.Prune()
	d.giveBack()
	for name, r := range d.revoked {
		if !r.Until.Add(grace).After(d.Now) {
			delete(d.revoked, name)
		}
	}
}

// grace is how long a revoked certificate stays listed after its end, for gateways whose clocks are late.
const grace = 24 * time.Hour

// revoke lists a certificate that ends before its time, until it would have ended by itself.
func (d *draft) revoke(c *access.Credential, i ledger.Item) (undo func()) {
	if i.Serial == "" || !i.Until.After(d.Now) {
		return nil
	}
	r := revocation{
		Version:  version,
		Kind:     c.Kind(),
		Serial:   i.Serial,
		Identity: c.IdentityID,
		At:       d.Now.Truncate(time.Second),
		Until:    i.Until,
	}
	if _, already := d.revoked[r.file()]; already {
		return nil
	}
	d.revoked[r.file()] = r
	return func() { delete(d.revoked, r.file()) }
}

// census returns a digest of which objects are there.
func (d *draft) census() string { return d.asBook().census() }

// refuse says why a change would give access to an identity with a damaged record, or to one that is to hang on it; nil
// where it does not. Less access is not refused, where its own record can be read.
func (d *draft) refuse(c access.Change) error {
	ref, above := c.Object.Ref(), c.Object.Holder()
	if i, ok := c.Object.(*access.Identity); ok {
		above = i.ParentID
	}
	if err := d.damaged[ref]; err != nil {
		return err
	}
	before := d.Ledger[ref]
	if before != nil && !before.Removed() && access.Narrows(before.Object, c.Object) {
		return nil
	}
	if err := d.damaged[above.Ref()]; err != nil {
		return err
	}
	if err := d.damaged.of(c.Object.Holder()); err != nil {
		return err
	}
	if before != nil &&
		ref.Type == access.TypeIdentity &&
		before.Object.(*access.Identity).ParentID == above {
		return nil // it hung there already
	}
	return d.damaged.of(above)
}

// strike begins the removal of an object, with all that is damaged below it. What is damaged is known by its name
// alone: its file goes at once, and the publication is what proves that nothing is left.
func (d *draft) strike(ref access.Ref, uid string) (victims []*ledger.Entry, err error) {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	if d.damaged[ref] == nil {
		victims, err = d.Strike(ref, uid)
	} else {
		victims, err = d.strikeDamaged(ref, holder)
	}
	if err != nil {
		return nil, err
	}
	taken := map[access.IdentityID]bool{}
	for _, v := range victims {
		if v.Ref().Type == access.TypeIdentity {
			taken[v.Object.Holder()] = true
		}
	}
	for _, other := range order.Sorted(maps.Keys(d.damaged), ledger.CompareRefs) {
		if _, of, _ := access.ParseRef(other.Type, other.ID); !taken[of] {
			continue
		}
		delete(d.damaged, other)
		lost, err := bare(other)
		if err != nil {
			return nil, err
		}
		victims = append(victims, lost)
	}
	return victims, nil
}

// strikeDamaged begins the removal of an object whose record cannot be read: it is given up, and what
// hangs on it is marked.
func (d *draft) strikeDamaged(ref access.Ref, holder access.IdentityID) ([]*ledger.Entry, error) {
	own, err := bare(ref)
	if err != nil {
		return nil, err
	}
	delete(d.damaged, ref)
	victims := []*ledger.Entry{own}
	if ref.Type == access.TypeIdentity {
		below := d.Under(holder)
		d.Mark(below)
		victims = append(victims, below...)
	}
	return victims, nil
}

// bare returns an entry of which only the name is known.
func bare(ref access.Ref) (*ledger.Entry, error) {
	o, err := access.Bare(ref)
	return &ledger.Entry{Object: o}, err
}

// giveBack gives certificates back whose record is there again.
func (d *draft) giveBack() {
	var known map[string]bool
	for name, r := range d.revoked {
		if !r.Withheld {
			continue
		}
		if known == nil {
			known = d.serials()
		}
		if known[r.Serial] {
			delete(d.revoked, name)
		}
	}
}

// serials returns those of all certificates that a record knows.
func (d *draft) serials() map[string]bool {
	known := map[string]bool{}
	for _, e := range d.Ledger {
		for _, i := range e.Issued {
			known[i.Serial] = true
		}
	}
	return known
}

// lay makes the change of a floor in a draft.
func (d *draft) lay(change func(*draft) (*access.FloorRecord, error)) error {
	next, err := change(d)
	if err != nil || next == d.floor.record {
		return err
	}
	d.floor = floorBase{record: next, mark: next.Mark()}
	d.lays = true
	return nil
}
