// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// family is what a change has to do with: its identity, all that this hangs on and, for a change of an identity, all that hangs on it.
type family struct {
	pages map[access.IdentityID]*page
	holds ledger.Holds
	// heeded is when this change marked a cut by hand that bore no time.
	heeded time.Time
	stones ledger.Tombstones
	others ledger.Ledger
	// spent are the values of hold_released that were used, of all.
	spent map[access.IdentityID][]string
	// making is what a change is of. A role that is gone is made again only by a change of its own credential, which a plan tells: whoever
	// puts an old page back, or removes a role to cut it off, is not undone by somebody else's change.
	making access.Ref
	// removing: something goes, and that is not refused because what stays can no longer be told.
	removing bool
}

// ledger returns what the pages hold together.
func (f *family) ledger() ledger.Ledger {
	l := ledger.Ledger{}
	for _, p := range f.pages {
		maps.Copy(l, p.entries)
	}
	return l
}

// draft begins a change of them.
func (f *family) draft(now time.Time, issuer ledger.Issuer) *ledger.Draft {
	d := ledger.NewDraft(f.ledger(), now, issuer)
	d.Holds, d.Others = f.holds, f.others
	maps.Copy(d.Tombstones, f.stones)
	for id, p := range f.pages {
		if !p.stone.Empty() {
			d.Tombstones[id] = p.stone
		}
	}
	return d
}

// below returns the identities that hang on one, however deep, in order.
func (f *family) below(id access.IdentityID) (all []access.IdentityID) {
	for _, e := range f.ledger().Under(id) {
		if i, ok := e.Object.(*access.Identity); ok {
			all = append(all, i.ID)
		}
	}
	return all
}

// familyOf reads what a change of an object has to do with.
func (s *store) familyOf(ctx context.Context, o access.Object) (*family, error) {
	f := &family{pages: map[access.IdentityID]*page{}, making: o.Ref()}
	if i, is := o.(*access.Identity); is {
		return f, s.wide(ctx, f, i)
	}
	holds, err := s.marks(ctx)
	if err != nil {
		return nil, err
	}
	f.holds = holds
	return f, s.above(ctx, f, o.Holder())
}

// beside reads what others have and had, where a credential may bring back what was cut by hand. One listing tells for all that a walk makes.
func (s *store) beside(ctx context.Context, f *family, change access.Change) error {
	if change.Object.Ref().Type != access.TypeCredential || len(f.holds) == 0 || lessens(f.pages[change.Object.Holder()], change) {
		return nil
	}
	h, err := s.view(ctx)
	if err != nil {
		return err
	}
	f.stones, f.others = h.stones, h.ledger
	return nil
}

// wide reads everything, for a change of an identity: whatever hangs on it follows it.
func (s *store) wide(ctx context.Context, f *family, i *access.Identity) error {
	h, err := s.load(ctx)
	if err != nil {
		return err
	}
	f.holds, f.stones, f.others, f.spent = h.holds, h.stones, h.ledger, h.spent
	for _, e := range h.ledger.Under(i.ID) {
		f.pages[e.Object.Holder()] = h.pages[e.Object.Holder()]
	}
	if f.pages[i.ID] = h.pages[i.ID]; f.pages[i.ID] == nil {
		f.pages[i.ID] = blank(i.ID)
	}
	for _, up := range []access.IdentityID{i.ParentID, parentOf(f.pages[i.ID])} {
		for n := 0; up != (access.IdentityID{}) && n <= len(h.pages); n++ {
			p := h.pages[up]
			if p == nil {
				break
			}
			f.pages[up], up = p, parentOf(p)
		}
	}
	return nil
}

// above reads an identity and all that it hangs on.
func (s *store) above(ctx context.Context, f *family, id access.IdentityID) error {
	return s.climb(ctx, f, id, parentOf)
}

// climb reads an identity and what is above it, until it meets what the family has.
func (s *store) climb(ctx context.Context, f *family, id access.IdentityID, parent func(*page) access.IdentityID) error {
	for id != (access.IdentityID{}) && f.pages[id] == nil {
		p, err := s.fetch(ctx, id)
		if err != nil {
			return err
		}
		f.pages[id], id = p, parent(p)
	}
	return nil
}

func parentOf(p *page) access.IdentityID {
	if p == nil {
		return access.IdentityID{}
	}
	if i := p.identity(); i != nil {
		return i.ParentID
	}
	return access.IdentityID{}
}

// drafted returns a page as a draft leaves it, with the principals that it asks for and those that it had.
func drafted(p *page, d *ledger.Draft) *page {
	next := p.copied()
	next.entries, next.stone = ledger.Ledger{}, d.Tombstones[p.id]
	for ref, e := range d.Ledger {
		if e.Object.Holder() == p.id {
			next.entries[ref] = e
		}
	}
	stay := map[string]bool{}
	for _, e := range next.entries {
		for _, x := range principalsOf(e) {
			stay[x.Name] = stay[x.Name] || !e.Removed()
			if !next.has(x) {
				next.principals = append(next.principals, x)
			}
		}
	}
	grants := slices.ContainsFunc(sortedRefs(next.entries), func(ref access.Ref) bool { return ref.Type == access.TypeGrant && !next.entries[ref].Removed() })
	for n, x := range next.principals { // what we are about to remove nobody cut by hand
		next.principals[n].Built, next.principals[n].Granted = x.Built && stay[x.Name], x.Granted && grants
	}
	order.Sort(next.principals, func(a, b principal) int { return compareNames(a.Name, b.Name) })
	return next
}

// compareNames sorts names that end in numbers.
func compareNames(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) }

// principalsOf returns the principals that an entry asks for.
func principalsOf(e *ledger.Entry) (all []principal) {
	if len(e.Adopted.Left()) > 0 {
		return []principal{adoptedOf(e.Object.Holder())}
	}
	c, ok := e.Credential()
	if !ok {
		return nil
	}
	if c.Kind() == access.Federated {
		return []principal{roleOf(c.IdentityID)}
	}
	for _, i := range e.Issued {
		all = append(all, principal{Kind: user, Name: i.Accessor, Path: folderOf(c.IdentityID)})
	}
	return all
}

// same says errChanged where a page that something was brought in line with is another one now.
func (s *store) same(ctx context.Context, f *family, id access.IdentityID) error {
	if len(f.pages[id].principals) == 0 && len(f.below(id)) == 0 {
		return nil
	}
	for n := 0; id != (access.IdentityID{}) && n <= len(f.pages); n++ {
		p := f.pages[id]
		if p == nil {
			return nil
		}
		if now, err := s.fetch(ctx, id); err != nil {
			return err
		} else if now.etag != p.etag {
			return errChanged
		}
		id = parentOf(p)
	}
	return nil
}

// lessens reports whether a change only takes away: then it matters to nobody that what is above it cannot be read.
func lessens(p *page, change access.Change) bool {
	e := p.entries[change.Object.Ref()]
	return e != nil && !e.Removed() && change.Issue == access.IssueKeep && access.Narrows(e.Object, change.Object)
}
