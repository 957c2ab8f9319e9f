package embedded

import (
	"fmt"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// placed is what a put made: the entry, and whether its answer tells what was issued.
type placed struct {
	entry *entry
	tell  bool
}

// place puts the change's object into a draft.
func (s *System) place(d *draft, c access.Change) (*placed, error) {
	object, err := cloned(c.Object)
	if err != nil {
		return nil, err
	}
	before, err := d.predecessor(object.Ref(), c)
	if err != nil {
		return nil, err
	}
	if err := d.rests(object); err != nil {
		return nil, err
	}
	e := &entry{ref: object.Ref(), object: object, bound: access.Earliest(c.EndsAt, object.Common().ExpiresAt.Time).UTC()}
	reviews := d.reviews(object)
	if before == nil {
		e.history = access.Born(c.Stack, d.now, reviews...)
	} else {
		e.history = before.history.Next(before.object, object, d.now, reviews...)
		e.history.Stack = c.Stack
		if !before.removed() {
			e.issued = before.issued
		}
		if c.UID == "" {
			e.history.UID = access.NewUID()
		}
	}
	p := &placed{entry: e, tell: c.UID == ""}
	if credential, ok := e.credential(); ok {
		issued, err := s.issue(d, before, e, credential, c)
		if err != nil {
			return nil, err
		}
		p.tell = p.tell || issued
	}
	d.set(e)
	return p, nil
}

// cloned is a copy that no caller holds, of an object whose id is safe to make a path of.
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

// predecessor is what stands under the id and is to be changed or adopted; nil where the object is new. Whoever knows
// its uid may change it, and so a stack that was renamed takes it over; who does not adopts only his own stack's.
func (d *draft) predecessor(ref access.Ref, c access.Change) (*entry, error) {
	before := d.entries[ref]
	switch {
	case c.UID != "" && (before == nil || before.history.UID != c.UID):
		return nil, fmt.Errorf("uid %s: %w", c.UID, access.ErrNotFound)
	case c.UID == "" && before != nil && before.history.Stack != c.Stack:
		return nil, &access.OtherStackError{Ref: ref, Stack: before.history.Stack}
	case c.UID == "" && before != nil && before.removed():
		return nil, nil
	}
	return before, nil
}

// rests says whether what the object hangs on is there.
func (d *draft) rests(o access.Object) error {
	i, isIdentity := o.(*access.Identity)
	if !isIdentity {
		if holder, _ := d.identity(o.Holder()); holder == nil {
			return fmt.Errorf("%s: %w", o.Holder(), access.ErrNoIdentity)
		}
		return nil
	}
	for above := i.ParentID; above != (access.IdentityID{}); {
		if above == i.ID {
			return fmt.Errorf("%s would hang on itself: %w", i.ID, access.ErrUnsupported)
		}
		parent, _ := d.identity(above)
		if parent == nil {
			return fmt.Errorf("its parent %s: %w", above, access.ErrNoIdentity)
		}
		above = parent.ParentID
	}
	return nil
}

// reviews are those that cover an object: its own and its identity's.
func (d *draft) reviews(o access.Object) []*access.Review {
	reviews := []*access.Review{o.Common().Review}
	if o.Ref().Type != access.TypeIdentity {
		if holder, _ := d.identity(o.Holder()); holder != nil {
			reviews = append(reviews, holder.Review)
		}
	}
	return reviews
}

// strike marks an object as being removed, and with an identity everything under it. It returns them as they were,
// the object first.
func (d *draft) strike(ref access.Ref, uid string) ([]*entry, error) {
	if !d.has(ref, uid) {
		return nil, access.ErrNotFound
	}
	victims := []*entry{d.entries[ref]}
	if ref.Type == access.TypeIdentity {
		victims = append(victims, d.under(d.entries[ref].object.Holder())...)
	}
	for _, v := range victims {
		marked := *v
		if marked.removedAt.IsZero() {
			marked.removedAt = d.now
		}
		d.again = d.again || v.removed()
		if c, ok := v.credential(); ok {
			for _, i := range v.issued {
				d.revoke(c, i)
			}
		}
		marked.issued = evidenceOf(v.issued)
		d.set(&marked)
	}
	return victims, nil
}

// evidenceOf is what is needed to see whether items are still published, without what was given out.
func evidenceOf(items []item) []item {
	kept := slices.Clone(items)
	for i := range kept {
		kept[i].Certificate, kept[i].Sealed = "", ""
	}
	return kept
}

// under is everything that hangs on an identity, however deep, sorted.
func (l *ledger) under(id access.IdentityID) []*entry {
	taken := map[access.IdentityID]bool{id: true}
	for grown := true; grown; {
		grown = false
		for _, e := range l.entries {
			i, ok := e.object.(*access.Identity)
			if ok && !taken[i.ID] && taken[i.ParentID] {
				taken[i.ID], grown = true, true
			}
		}
	}
	var below []*entry
	for _, e := range l.entries {
		if taken[e.object.Holder()] && e.ref != id.Ref() {
			below = append(below, e)
		}
	}
	slices.SortFunc(below, func(a, b *entry) int { return compareRefs(a.ref, b.ref) })
	return below
}
