// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"maps"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// A family is what one change decides on: policies as they were just read, each with the version that a write names. A
// draft of the ledger is made on all of it at once, since an end, a suspension or a hold above acts on everything
// below.

// family is what a change has to do with: the identity, all above it, and for an identity all that hangs on it. It
// belongs to one round of one change.
type family struct {
	// documents are the policies as they were read, and as they stand once they are written.
	documents map[access.IdentityID]*store.Document
	// foreign are the identities under whose name a policy of somebody else stands, with the error that says so.
	foreign map[access.IdentityID]error
	// dead is what the change gives up. It goes into the policies before it is ended.
	dead []store.Lost
	// holds are the marks in force, asked for just now.
	holds ledger.Holds
	// stones and others are the tombstones and all other entries, of the last snapshot: what a return is judged by.
	stones ledger.Tombstones
	others ledger.Ledger
}

// ledger returns the entries of all documents, as a new map.
func (f *family) ledger() ledger.Ledger {
	l := ledger.Ledger{}
	for _, d := range f.documents {
		maps.Copy(l, d.Entries)
	}
	return l
}

// draft returns a draft on the whole family. What it revokes is only noted here: it stands in the policy as dead before
// it is ended, so whoever comes after a process that died ends it. A draft that is rolled back takes the note back.
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

// asIssued returns an item with the end that it has in OpenBao. If it is superseded, a draft gives it an earlier one,
// which it has only once it is revoked: with that, it would count as ended while it still lives.
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

// outdate gives up the sessions of those whose way to log in was changed: by another issuer, subject, audience or
// network, by an earlier end that something else of the identity outlives, or because all from before a moment is
// revoked.
//
// session is how long a login lasts. An earlier end that is further away than that needs no cut: no session reaches it.
func (f *family) outdate(d *ledger.Draft, change access.Change, session time.Duration) {
	before := f.ledger()
	for ref, e := range d.Ledger {
		c, ok := e.Credential()
		was := before[ref]
		if !ok || e.Removed() || was == nil || was.Removed() {
			continue
		}
		old := was.Object.(*access.Credential)
		outdated := !access.SameTrust(old, c)
		if c.Kind() == access.Federated { // of the other kinds, what was issued is lost, and the sessions with it
			end := d.End(e)
			shorter := end.Before(before.End(was)) && end.Before(d.Now.Add(session))
			revoked := c.RevokeIssuedBefore.After(old.RevokeIssuedBefore.Time)
			replaced := ref == change.Object.Ref() && change.Issue == access.IssueReplace
			outdated = outdated || shorter || revoked || replaced
		}
		if outdated {
			f.dead = append(f.dead, lostItem(c, ledger.Item{}))
		}
	}
}

// order returns all identities of a family, sorted, so that policies are written in the same order each time.
func (f *family) order() []access.IdentityID {
	return order.Sorted(maps.Keys(f.documents), access.IdentityID.Compare)
}

// text returns the policy of an identity after a draft, with what was lost before and what the draft loses. What an
// entry still names, that is being removed, need not be listed: its removal ends it.
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

// hangsOn reports whether an identity hangs on another, on whatever level. A circle, which only an edited policy has,
// ends after so many steps.
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

// refuse says why a change cannot be made if records are damaged: its identity gets nothing new, nor what is to hang on
// it. Less access is not refused, if the object's own record can be read. A policy of somebody else refuses everything:
// it is not ours to write over.
func (f *family) refuse(c access.Change) error {
	id := c.Object.Holder()
	if err := f.foreign[id]; err != nil {
		return err
	}
	before := f.ledger()[c.Object.Ref()]
	if i, ok := c.Object.(*access.Identity); ok && i.ParentID != (access.IdentityID{}) {
		moves := before == nil ||
			before.Removed() ||
			before.Object.(*access.Identity).ParentID != i.ParentID
		if err := f.documents[i.ParentID].Broken(); err != nil && moves {
			return err
		}
	}
	if before != nil && !before.Removed() && access.Narrows(before.Object, c.Object) {
		return nil
	}
	return f.documents[id].Broken()
}

// lostItem returns what is lost with an item; with the zero item, the sessions alone.
func lostItem(c *access.Credential, i ledger.Item) store.Lost {
	return store.Lost{ID: c.IdentityID, Kind: c.Kind(), Until: i.Until, Serial: i.Serial, Accessor: i.Accessor}
}
