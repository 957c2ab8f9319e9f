package openbao

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// writer reads the policies that a change has to do with, writes them, and finishes what they say is to end.
type writer struct {
	*server
	store    *policies
	creds    *credentials
	certs    *certificates
	entities *entities
	adopter  *adopter
}

// family is what a change has to do with: the identity, all above it, and for an identity all that hangs on it.
type family struct {
	documents map[access.IdentityID]*store.Document
	foreign   map[access.IdentityID]error // where a policy of somebody else stands
	dead      []store.Lost                // what the change gives up
	// holds are the marks in force; stones and others are what is remembered, of a moment ago.
	holds  ledger.Holds
	stones ledger.Tombstones
	others ledger.Ledger
}

func (f *family) ledger() ledger.Ledger {
	l := ledger.Ledger{}
	for _, d := range f.documents {
		maps.Copy(l, d.Entries)
	}
	return l
}

func (f *family) draft(now time.Time, is ledger.Issuer) *ledger.Draft {
	d := ledger.NewDraft(f.ledger(), now, is)
	d.Holds = f.holds
	d.Tombstones = maps.Clone(f.stones)
	d.Others = f.others
	d.Revoke = func(c *access.Credential, i ledger.Item) func() {
		before := len(f.dead)
		f.dead = append(f.dead, lostItem(c, f.asIssued(c, i)))
		return func() { f.dead = f.dead[:before] }
	}
	return d
}

// asIssued is an item with the end that it has in OpenBao. Where it is superseded, a draft gives it an earlier one, which it
// has only once it is revoked.
func (f *family) asIssued(c *access.Credential, i ledger.Item) ledger.Item {
	if d := f.documents[c.IdentityID]; d != nil && d.Entries[c.Ref()] != nil {
		for _, was := range d.Entries[c.Ref()].Issued {
			if was.Serial == i.Serial && was.Accessor == i.Accessor {
				return was
			}
		}
	}
	return i
}

// family reads what a change has to do with, from the server and not from a snapshot.
func (w *writer) family(ctx context.Context, o access.Object) (*family, error) {
	was, err := w.store.View(ctx)
	if err != nil {
		return nil, err
	}
	f := &family{
		documents: map[access.IdentityID]*store.Document{}, foreign: map[access.IdentityID]error{},
		holds: maps.Clone(was.Holds), stones: was.Tombstones, others: was.Ledger,
	}
	i, isIdentity := o.(*access.Identity)
	if isIdentity {
		snap, err := w.below(ctx, i.ID)
		if err != nil {
			return nil, err
		}
		for _, id := range snap {
			if err := w.add(ctx, f, id); err != nil {
				return nil, err
			}
		}
	}
	if err := w.above(ctx, f, o); err != nil || o.Ref().Type == access.TypeGrant {
		return f, err
	}
	now, err := w.store.Marks(ctx, f.ledger(), o)
	maps.Copy(f.holds, now)
	return f, err
}

// add reads the document of an identity into the family.
func (w *writer) add(ctx context.Context, f *family, id access.IdentityID) error {
	if f.documents[id] != nil {
		return nil
	}
	d, err := w.store.Fetch(ctx, id)
	if errors.Is(err, access.ErrForeign) {
		f.foreign[id] = err // nobody hangs on it, and nobody is harmed by it
		return nil
	}
	if err == nil && d != nil {
		f.documents[id] = d
	}
	return err
}

// above adds an object's identity and all that it hangs on.
func (w *writer) above(ctx context.Context, f *family, o access.Object) error {
	id := o.Holder()
	if err := w.add(ctx, f, id); err != nil {
		return err
	}
	i, isIdentity := o.(*access.Identity)
	if !isIdentity {
		i = f.documents[id].Identity()
	}
	for depth := 0; i != nil && i.ParentID != (access.IdentityID{}) && depth < store.Rounds; depth++ {
		up := i.ParentID
		if err := w.add(ctx, f, up); err != nil {
			return err
		}
		i = f.documents[up].Identity()
	}
	return nil
}

// below are the identities that hang on one, however deep.
func (w *writer) below(ctx context.Context, id access.IdentityID) ([]access.IdentityID, error) {
	snap, err := w.store.View(ctx)
	if err != nil {
		return nil, err
	}
	d, err := w.store.Fetch(ctx, id)
	if err != nil && !errors.Is(err, access.ErrForeign) {
		return nil, err
	}
	if i := d.Identity(); i != nil && (i.Subcontractors != nil || len(snap.Ledger.Under(id)) > len(d.Below())) {
		if snap, err = w.store.Load(ctx); err != nil { // there are some, or may be more: look again
			return nil, err
		}
	}
	var all []access.IdentityID
	for _, e := range snap.Ledger.Under(id) {
		if i, ok := e.Object.(*access.Identity); ok {
			all = append(all, i.ID)
		}
	}
	return all, nil
}

// outdate gives up the sessions of those whose way to log in was changed: by another issuer, subject, audience or network,
// by an earlier end that something else of the identity outlives, or because all from before a moment is revoked.
func (f *family) outdate(d *ledger.Draft, change access.Change, session time.Duration) {
	before := f.ledger()
	for ref, e := range d.Ledger {
		c, ok := e.Credential()
		was := before[ref]
		if !ok || e.Removed() || was == nil || was.Removed() {
			continue
		}
		old := was.Object.(*access.Credential)
		end := d.End(e)
		shorter := c.Kind() == access.Federated && end.Before(before.End(was)) && end.Before(d.Now.Add(session))
		revoked := c.Kind() == access.Federated && c.RevokeIssuedBefore.After(old.RevokeIssuedBefore.Time)
		replaced := c.Kind() == access.Federated && ref == change.Object.Ref() && change.Issue == access.IssueReplace
		if shorter || revoked || replaced || !access.SameTrust(old, c) {
			f.dead = append(f.dead, lostItem(c, ledger.Item{}))
		}
	}
}

// order is all identities of a family.
func (f *family) order() []access.IdentityID {
	return slices.SortedFunc(maps.Keys(f.documents), access.IdentityID.Compare)
}

// text is the policy of an identity after a draft. What an entry still names, that is being removed, need not be listed.
func (f *family) text(d *ledger.Draft, id access.IdentityID) (string, error) {
	dead := slices.Clone(f.documents[id].Pending())
	for _, x := range f.dead {
		e := d.Ledger[access.Ref{Type: access.TypeCredential, ID: id.String() + "/" + string(x.Kind)}]
		if x.ID == id && (e == nil || !e.Removed()) && !slices.Contains(dead, x) {
			dead = append(dead, x)
		}
	}
	return store.Render(d.Ledger, id, dead, f.documents[id].Kept())
}

func hangsOn(l ledger.Ledger, id, on access.IdentityID) bool {
	i, _ := l.Identity(id)
	for depth := 0; i != nil && depth < store.Rounds; depth++ {
		if i.ParentID == on {
			return true
		}
		i, _ = l.Identity(i.ParentID)
	}
	return false
}
