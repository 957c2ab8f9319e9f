// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Issuer is what a system does about what it issues.
type Issuer interface {
	// Issue makes what the credential asks for at a moment, to end at another, and seals what is secret. If the change
	// fails afterwards, the system takes back what it made.
	Issue(now, end time.Time, c *access.Credential, change access.Change) (Item, error)
	// Fixed reports whether the end of an item cannot be moved any more: then it is revoked if it should end earlier.
	Fixed(Item) bool
}

// Draft is a ledger in the making: a copy of one, with what was touched, and how to take back the change at work. It is
// used by one goroutine. Several changes may be placed in one draft, each in a Try.
type Draft struct {
	// Ledger is the copy. Its entries are those of the original, and are replaced, never changed.
	Ledger
	// Now is the time of the change, by the system's clock.
	Now time.Time
	// Touched are the references that were put, marked or forgotten, whether in the end they differ or not.
	Touched map[access.Ref]bool
	// Revoke is told of each item that ends before its time; what it returns takes that back, nil if there is nothing
	// to take back. Until the system sets it, it does nothing.
	Revoke func(*access.Credential, Item) (undo func())
	// Holds are what was cut by hand, and Tombstones what is remembered. Noted are the identities whose tombstone has
	// changed.
	Holds      Holds
	Tombstones Tombstones
	Noted      map[access.IdentityID]bool
	// Others is what there is beside, if the draft is not of all; nil if it is, or if nothing beside matters.
	Others Ledger
	// Again asks for a publication though nothing changes: a removal did not come to its end with the last one.
	Again bool

	issuer Issuer
	// undo takes back what the change at work has put, the last first.
	undo []func()
}

// NewDraft returns a draft on a ledger at a moment.
func NewDraft(of Ledger, now time.Time, issuer Issuer) *Draft {
	return &Draft{
		Ledger: maps.Clone(of), Now: now, Touched: map[access.Ref]bool{}, issuer: issuer,
		Tombstones: Tombstones{}, Noted: map[access.IdentityID]bool{},
		Revoke: func(*access.Credential, Item) func() { return nil },
	}
}

// Try makes a change whole or not at all: if it returns an error, entries and tombstones are as they were before. What
// was touched stays so, which costs a comparison. It does not nest, and what [Draft.Forget] takes out is not brought
// back.
func (d *Draft) Try(change func() error) error {
	d.undo = nil
	err := change()
	if err != nil {
		for i := len(d.undo) - 1; i >= 0; i-- {
			d.undo[i]()
		}
	}
	return err
}

// Set puts an entry into the draft, in place of what stands there.
func (d *Draft) Set(e *Entry) {
	ref := e.Ref()
	before, found := d.Ledger[ref]
	d.undo = append(d.undo, func() {
		if delete(d.Ledger, ref); found {
			d.Ledger[ref] = before
		}
	})
	d.Ledger[ref], d.Touched[ref] = e, true
}

// revoke tells the system of an item that ends before its time, and keeps how to take that back.
func (d *Draft) revoke(c *access.Credential, i Item) {
	if undo := d.Revoke(c, i); undo != nil {
		d.undo = append(d.undo, undo)
	}
}

// Placed is what a put made of a change.
type Placed struct {
	Entry *Entry
	// Tell: the answer tells what was issued, also if it is not new: the caller has not heard of it.
	Tell bool
	// Fresh: something was issued.
	Fresh bool
	// Lifts: it releases what was cut by hand. Hold: it is to be held, with a mark of its own, since it is new, or
	// newly under this name or place, while something that it continues is cut.
	Lifts, Hold bool
	// Unspent: its identity names a release that no identity of its partner had used.
	Unspent bool
}

// Place puts the change's object into the draft: adopted, owned, resting on what is above it, with its history and what
// is issued.
//
// Errors that callers tell apart: access.ErrNotFound if the uid is another one, access.OtherStackError,
// access.ErrNoIdentity if what it rests on is not there, access.ErrUnsupported for a circle, access.ErrCutSince for a
// release that somebody's cut has overtaken, and what the Issuer returns.
func (d *Draft) Place(c access.Change) (*Placed, error) {
	object, err := cloned(c.Object)
	if err != nil {
		return nil, err
	}
	before, err := d.predecessor(object.Ref(), c)
	if err != nil {
		return nil, err
	}
	if err := d.rests(object, before); err != nil {
		return nil, err
	}
	// seconds decide nothing here: the bound is what was asked, and what enforces it rounds down
	e := &Entry{Object: object, Bound: access.Earliest(c.EndsAt, object.Common().ExpiresAt.Time).UTC()}
	if before == nil {
		d.born(e, c.Stack)
	} else {
		d.succeed(e, before, c)
	}
	e.History = e.History.Continues(c.Since, c.Spent)
	p := &Placed{Entry: e, Tell: c.UID == ""}
	switch o := object.(type) {
	case *access.Identity:
		err = d.placeIdentity(p, before, o, c)
	case *access.Credential:
		err = d.placeCredential(p, before, o, c)
	}
	if err != nil {
		return nil, err
	}
	d.Set(e)
	return p, nil
}

// placeIdentity decides whether an identity is to be held, and whether it lifts what was cut by hand. What it leaves
// comes first: a release is of the identity, and not of what it hung on.
func (d *Draft) placeIdentity(p *Placed, before *Entry, i *access.Identity, c access.Change) (err error) {
	if before == nil {
		p.Hold = d.inherit(p.Entry)
	} else {
		p.Hold = d.leavesHeld(before, i)
	}
	p.Unspent = d.unspent(p.Entry, i)
	p.Lifts, err = d.release(p.Entry, c)
	return err
}

// placeCredential issues what a credential needs, and decides whether the answer tells it: if it is new, or if the
// caller has not heard of it. For one that comes back from under a hold nothing is issued.
func (d *Draft) placeCredential(p *Placed, before *Entry, credential *access.Credential, c access.Change) (err error) {
	p.Hold = d.comesBack(before, credential) != (access.IdentityID{})
	c.Wait = c.Wait || p.Hold
	if p.Fresh, err = d.issue(before, p.Entry, credential, c); err != nil {
		return err
	}
	newest, found := p.Entry.Newest()
	unheardOf := found && c.Known != "" && c.Known != newest.Name()
	p.Tell = p.Tell || p.Fresh || unheardOf
	return nil
}

// born begins the history of a new object. If a removal under its id was begun and did not come to its end, the new
// object takes over what is remembered of the old one.
func (d *Draft) born(e *Entry, stack string) {
	e.History = access.Born(stack, d.Now, d.reviews(e.Object)...)
	if was := d.Ledger[e.Ref()]; was != nil {
		e.Former, e.Bygone = was.Former, was.Bygone
		d.rememberTaken(was, e.Object)
		d.rememberUID(e, was)
	}
}

// succeed continues the history of what stood there, with what is remembered of it. What is adopted without its uid
// gets a new one, so that a state which knew the old one cannot remove it.
func (d *Draft) succeed(e, before *Entry, c access.Change) {
	d.rememberTaken(before, e.Object)
	e.History = before.History.Next(before.Object, e.Object, e.Bound, d.Now, d.reviews(e.Object)...)
	e.History.Stack = c.Stack
	e.HoldLifted, e.Adopted = before.HoldLifted, before.Adopted
	e.Former, e.Bygone = before.Former, before.Bygone
	if !before.Removed() {
		e.Issued = before.Issued
	}
	if c.UID == "" {
		e.History.UID = access.NewUID()
		d.rememberUID(e, before)
	}
}

// predecessor returns what stands under the id and is to be changed or adopted; nil if the object is new. A caller that
// knows its uid may change it, so a stack that was renamed takes it over; a caller that does not adopts only what its
// own stack has left.
func (d *Draft) predecessor(ref access.Ref, c access.Change) (*Entry, error) {
	before := d.Ledger[ref]
	switch {
	case c.UID != "" && (before == nil || before.History.UID != c.UID):
		return nil, fmt.Errorf("uid %s: %w", c.UID, access.ErrNotFound)
	case c.UID == "" && before != nil && before.History.Stack != c.Stack:
		return nil, &access.OtherStackError{Ref: ref, Stack: before.History.Stack}
	case c.UID == "" && before != nil && before.Removed():
		return nil, nil
	}
	return before, nil
}

// rests returns an error if what the object hangs on is not there. If the object is there and gets less, that does not
// matter: what hangs on something that is gone or cannot be read gives nothing, and less is never refused
// (TestLessOfASubcontractorActsThoughThePageOfItsPartnerIsDamaged, in aws).
func (d *Draft) rests(o access.Object, before *Entry) error {
	less := before != nil && !before.Removed() && access.Narrows(before.Object, o)
	unknown := func(id access.IdentityID) bool { return less && d.Ledger[id.Ref()] == nil }
	if i, ok := o.(*access.Identity); ok {
		return d.restsOnParents(i, unknown)
	}
	if holder, _ := d.Identity(o.Holder()); holder == nil && !unknown(o.Holder()) {
		return fmt.Errorf("%s: %w", o.Holder(), access.ErrNoIdentity)
	}
	return nil
}

// restsOnParents follows an identity's parents to the top, and refuses a circle. unknown says of which missing one that
// does not matter.
func (d *Draft) restsOnParents(i *access.Identity, unknown func(access.IdentityID) bool) error {
	for above := i.ParentID; above != (access.IdentityID{}); {
		if above == i.ID {
			return fmt.Errorf("%s would hang on itself: %w", i.ID, access.ErrUnsupported)
		}
		parent, _ := d.Identity(above)
		if parent == nil && unknown(above) {
			return nil
		}
		if parent == nil {
			return fmt.Errorf("its parent %s: %w", above, access.ErrNoIdentity)
		}
		above = parent.ParentID
	}
	return nil
}

// reviews returns those that cover an object: its own and its identity's, unless that one is a decision about the
// identity alone.
func (d *Draft) reviews(o access.Object) []*access.Review {
	reviews := []*access.Review{o.Common().Review}
	if o.Ref().Type != access.TypeIdentity {
		if holder, _ := d.Identity(o.Holder()); holder != nil && !holder.Review.Own() {
			reviews = append(reviews, holder.Review)
		}
	}
	return reviews
}

// Strike marks an object as being removed, and with an identity everything under it. It returns them as they were, the
// object first; access.ErrNotFound if there is none of the uid.
func (d *Draft) Strike(ref access.Ref, uid string) ([]*Entry, error) {
	if !d.Has(ref, uid) {
		return nil, access.ErrNotFound
	}
	victims := []*Entry{d.Ledger[ref]}
	if ref.Type == access.TypeIdentity {
		victims = append(victims, d.Under(d.Ledger[ref].Object.Holder())...)
	}
	d.Mark(victims)
	return victims, nil
}

// Mark marks entries as being removed, and revokes what was issued for them. How they are held through what is above
// them is noted first: that may be among them, and goes, too. A removal that was begun before keeps its moment.
func (d *Draft) Mark(victims []*Entry) {
	for n, v := range victims {
		if under := d.heldUnder(v); under.After(v.HeldUnder) { // before what is above them goes
			was := *v
			was.HeldUnder, victims[n] = under, &was
		}
	}
	for _, v := range victims {
		marked := *v
		if marked.RemovedAt.IsZero() {
			marked.RemovedAt = d.Now
		}
		d.Again = d.Again || v.Removed()
		if c, ok := v.Credential(); ok {
			for _, i := range v.Issued {
				d.revoke(c, i)
			}
		}
		marked.Issued = evidenceOf(v.Issued)
		d.Set(&marked)
	}
}

// evidenceOf returns what is needed to verify that items are not in force, without what was given out.
func evidenceOf(items []Item) []Item {
	kept := slices.Clone(items)
	for i := range kept {
		kept[i].Certificate, kept[i].Sealed = "", ""
	}
	return kept
}
