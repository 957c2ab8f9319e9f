// SPDX-License-Identifier: MPL-2.0

package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// Family is what a change has to do with: its identity, all that this hangs on and, for a change of an identity, all
// that hangs on it. It belongs to one round of one change, and nobody else uses it.
type Family struct {
	// Pages are those of the family, as they were read; a change puts what it wrote in their place. One that is nil is
	// not there.
	Pages map[access.IdentityID]*Page
	// Holds are all marks of the ledger, also of other partners.
	Holds ledger.Holds
	// Heeded is when this change marked a cut by hand that bore no time of its own (partner-hold).
	Heeded time.Time
	// stones and others are the tombstones and entries of everything there is; nil if the change has nothing to do with
	// others.
	stones ledger.Tombstones
	others ledger.Ledger
	// spent are the values of hold_released that were used, of all identities.
	spent map[access.IdentityID][]string
	// Making is what a change is of. A role that is gone is made again only by a change of its own credential,
	// which a plan tells: whoever puts an old page back, or removes a role to cut it off, is not undone by
	// somebody else's change.
	Making access.Ref
	// Removing: something goes, and that is not refused because what stays can no longer be told.
	Removing bool
}

// Ledger returns what the pages hold together, as a map of its own.
func (f *Family) Ledger() ledger.Ledger {
	l := ledger.Ledger{}
	for _, p := range f.Pages {
		maps.Copy(l, p.Entries)
	}
	return l
}

// Draft begins a change of the family, at a moment by AWS's clock.
func (f *Family) Draft(now time.Time, issuer ledger.Issuer) *ledger.Draft {
	d := ledger.NewDraft(f.Ledger(), now, issuer)
	d.Holds, d.Others = f.Holds, f.others
	maps.Copy(d.Tombstones, f.stones)
	for id, p := range f.Pages {
		if !p.Stone.Empty() {
			d.Tombstones[id] = p.Stone
		}
	}
	return d
}

// Below returns the identities of the family that hang on one, however deep, in order of their ids.
func (f *Family) Below(id access.IdentityID) (all []access.IdentityID) {
	for _, e := range f.Ledger().Under(id) {
		if i, ok := e.Object.(*access.Identity); ok {
			all = append(all, i.ID)
		}
	}
	return all
}

// FamilyOf reads what a change of an object has to do with. An identity reads everything; a credential or a grant only
// the pages up to the top, and the marks.
func (s *Store[N]) FamilyOf(ctx context.Context, o access.Object) (*Family, error) {
	f := &Family{Pages: map[access.IdentityID]*Page{}, Making: o.Ref()}
	if i, is := o.(*access.Identity); is {
		return f, s.wide(ctx, f, i)
	}
	holds, err := s.Marks(ctx)
	if err != nil {
		return nil, err
	}
	f.Holds = holds
	return f, s.Above(ctx, f, o.Holder())
}

// Beside reads what others have and had, if a credential may bring back what was cut by hand: under another identity,
// or another partner. Nothing does while nothing is cut, and what only takes away brings nothing back. One listing
// tells for all that a walk makes.
func (s *Store[N]) Beside(ctx context.Context, f *Family, change access.Change) error {
	if change.Object.Ref().Type != access.TypeCredential ||
		len(f.Holds) == 0 ||
		Lessens(f.Pages[change.Object.Holder()], change) {
		return nil
	}
	h, err := s.View(ctx)
	if err != nil {
		return err
	}
	f.stones, f.others = h.Stones, h.Ledger
	return nil
}

// wide reads everything, for a change of an identity: whatever hangs on it follows it. Beside what it hangs on now, it
// takes in what it is to hang on: a hold there would be left by the move.
func (s *Store[N]) wide(ctx context.Context, f *Family, i *access.Identity) error {
	h, err := s.Load(ctx)
	if err != nil {
		return err
	}
	f.Holds = h.Holds
	f.stones = h.Stones
	f.others = h.Ledger
	f.spent = h.spent
	for _, e := range h.Ledger.Under(i.ID) {
		f.Pages[e.Object.Holder()] = h.Pages[e.Object.Holder()]
	}
	if f.Pages[i.ID] = h.Pages[i.ID]; f.Pages[i.ID] == nil {
		f.Pages[i.ID] = Blank(i.ID)
	}
	for _, up := range []access.IdentityID{i.ParentID, parentOf(f.Pages[i.ID])} {
		for n := 0; up != (access.IdentityID{}) && n <= len(h.Pages); n++ {
			p := h.Pages[up]
			if p == nil {
				break
			}
			f.Pages[up], up = p, parentOf(p)
		}
	}
	return nil
}

// Above reads an identity and all that it hangs on, as the pages have it in force.
func (s *Store[N]) Above(ctx context.Context, f *Family, id access.IdentityID) error {
	return s.Climb(ctx, f, id, parentOf)
}

// Climb reads an identity and what is above it, as parent says, until it meets what the family has. So a circle, which
// no draft makes but somebody may have written by hand, ends.
func (s *Store[N]) Climb(ctx context.Context, f *Family, id access.IdentityID,
	parent func(*Page) access.IdentityID) error {
	for id != (access.IdentityID{}) && f.Pages[id] == nil {
		p, err := s.Fetch(ctx, id)
		if err != nil {
			return err
		}
		f.Pages[id], id = p, parent(p)
	}
	return nil
}

// parentOf returns the identity above a page's; the zero one if there is none, or its removal was begun.
func parentOf(p *Page) access.IdentityID {
	if p == nil {
		return access.IdentityID{}
	}
	if i := p.Identity(); i != nil {
		return i.ParentID
	}
	return access.IdentityID{}
}

// Drafted returns a page as a draft leaves it, with the principals that it asks for and those that it had: they go from
// the page only once they are seen to be gone from IAM.
func Drafted(p *Page, d *ledger.Draft) *Page {
	next := p.Copied()
	next.Entries = ledger.Ledger{}
	next.Stone = d.Tombstones[p.ID]
	for ref, e := range d.Ledger {
		if e.Object.Holder() == p.ID {
			next.Entries[ref] = e
		}
	}
	stay := map[string]bool{}
	for _, e := range next.Entries {
		for _, x := range PrincipalsOf(e) {
			stay[x.Name] = stay[x.Name] || !e.Removed()
			if !next.Has(x) {
				next.Principals = append(next.Principals, x)
			}
		}
	}
	grants := slices.ContainsFunc(SortedRefs(next.Entries),
		func(ref access.Ref) bool { return ref.Type == access.TypeGrant && !next.Entries[ref].Removed() })
	// what we are about to take away must not look as if somebody had cut it by hand
	for n, x := range next.Principals {
		next.Principals[n].Built = x.Built && stay[x.Name]
		next.Principals[n].Granted = x.Granted && grants
	}
	order.Sort(next.Principals, func(a, b Principal) int { return compareNames(a.Name, b.Name) })
	return next
}

// compareNames sorts names that end in numbers as the numbers: a shorter name is before a longer one.
func compareNames(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) }

// PrincipalsOf returns the principals that an entry asks for: the role of a federated credential, a user for each key
// that still counts, the user that an identity has adopted. A grant asks for none.
func PrincipalsOf(e *ledger.Entry) (all []Principal) {
	if len(e.Adopted.Left()) > 0 {
		return []Principal{AdoptedOf(e.Object.Holder())}
	}
	c, ok := e.Credential()
	if !ok {
		return nil
	}
	if c.Kind() == access.Federated {
		return []Principal{RoleOf(c.IdentityID)}
	}
	for _, i := range e.Issued {
		all = append(all, Principal{Kind: User, Name: i.Accessor, Path: FolderOf(c.IdentityID)})
	}
	return all
}

// Same returns client.ErrChanged if a page that something was brought in line with, or one above it, is another one
// now. Whoever writes IAM asks this last: of two processes, the one that wrote an older policy over a newer one finds
// out, and does it again.
func (s *Store[N]) Same(ctx context.Context, f *Family, id access.IdentityID) error {
	if len(f.Pages[id].Principals) == 0 && len(f.Below(id)) == 0 {
		return nil
	}
	for n := 0; id != (access.IdentityID{}) && n <= len(f.Pages); n++ {
		p := f.Pages[id]
		if p == nil {
			return nil
		}
		if now, err := s.Fetch(ctx, id); err != nil {
			return err
		} else if now.ETag != p.ETag {
			return client.ErrChanged
		}
		id = parentOf(p)
	}
	return nil
}

// Lessens reports whether a change only takes away: then it matters to nobody that what is above it cannot be read.
func Lessens(p *Page, change access.Change) bool {
	e := p.Entries[change.Object.Ref()]
	return e != nil &&
		!e.Removed() &&
		change.Issue == access.IssueKeep &&
		access.Narrows(e.Object, change.Object)
}
