// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// Writing the policies of a family, and ending what they say is to end. A policy names what is lost before it ends
// (dead), and stops naming it once it has ended (bury): in between, a process may die anywhere, and whoever writes the
// identity next has the list.

// writeOwn writes the policy that a change is about. It renders all that follow first, so that nothing is written if
// one of them would not fit: otherwise the own policy would be of after the change, and the others of before.
func (w *writer) writeOwn(ctx context.Context, f *family, d *ledger.Draft, own access.IdentityID) error {
	for _, id := range f.order() {
		if _, err := f.text(d, id); err != nil {
			return err
		}
	}
	return w.writeOne(ctx, f, d, own)
}

// writeOthers writes the policies that follow from the own one.
func (w *writer) writeOthers(ctx context.Context, f *family, d *ledger.Draft, own access.IdentityID) error {
	for _, id := range f.order() {
		if id == own {
			continue
		}
		if err := w.writeOne(ctx, f, d, id); err != nil {
			return err
		}
	}
	return nil
}

// writeOne writes a policy if it says something else now, over the version that the draft was made from (0: there was
// none). It is ErrChanged if another process wrote it meanwhile: the caller drafts again.
func (w *writer) writeOne(ctx context.Context, f *family, d *ledger.Draft, id access.IdentityID) error {
	text, err := f.text(d, id)
	if err != nil {
		return err
	}
	version := 0
	if was := f.documents[id]; was != nil {
		if was.Text == text {
			return nil
		}
		version = was.Version
	}
	written, err := w.store.Write(ctx, id, text, version)
	if err == nil {
		f.documents[id] = written
	}
	return err
}

// sameAbove returns store.ErrChanged if what is above an identity was changed since a family was read: it may have been
// cut or shortened by whoever did not see yet that this identity hangs on it.
func (w *writer) sameAbove(ctx context.Context, f *family, d *ledger.Draft, own access.IdentityID) error {
	for id, was := range f.documents {
		if id == own || !hangsOn(d.Ledger, own, id) {
			continue
		}
		now, err := w.store.Fetch(ctx, id)
		if err != nil {
			return err
		}
		if now == nil || now.Version != was.Version {
			return store.ErrChanged
		}
	}
	return nil
}

// writer reads the policies that a change has to do with, writes them, and finishes what they say is to end.
type writer struct {
	*server
	store    *policies
	creds    *credentials
	certs    *certificates
	entities *entities
	adopter  *adopter
}

// familyOf reads what a change has to do with, from the server and not from a snapshot: the object's identity and all
// above it, and for an identity all that hangs on it. The marks are asked for anew as well, but for a grant, which
// itself is never marked.
func (w *writer) familyOf(ctx context.Context, o access.Object) (*family, error) {
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

// add reads the document of an identity into the family, if it is not there yet.
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
	for depth := 0; i != nil &&
		i.ParentID != (access.IdentityID{}) &&
		depth < store.Rounds; depth++ {
		up := i.ParentID
		if err := w.add(ctx, f, up); err != nil {
			return err
		}
		i = f.documents[up].Identity()
	}
	return nil
}

// below returns the identities that hang on one, however deep. They are found in the snapshot, which is read anew if
// there are some, or its entries say that there may be more.
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

// bury ends what is lost, and every session that may have been opened with it, and then forgets it. What has ended by
// itself is only forgotten.
//
// One list of revoked certificates serves all of them. Sessions end after the login does: a session that was opened
// with what is lost in between ends, too.
func (w *writer) bury(ctx context.Context, f *family, l ledger.Ledger, ids []access.IdentityID) error {
	g := &grave{signed: map[access.IdentityID]bool{}, sessions: map[access.IdentityID]bool{}}
	for _, id := range ids {
		for _, x := range f.documents[id].Pending() {
			if !x.Until.IsZero() && !x.Until.After(w.now()) {
				continue
			}
			if err := w.endLost(ctx, l, id, x, g); err != nil {
				return err
			}
		}
	}
	if err := w.shutSigned(ctx, g); err != nil {
		return err
	}
	for _, id := range ids {
		if g.sessions[id] {
			if err := w.entities.cutSessions(ctx, l, id); err != nil {
				return err
			}
		}
		if err := w.buried(ctx, f, id); err != nil {
			return err
		}
	}
	return nil
}

// grave is what is lost of some identities, and what follows from that.
type grave struct {
	// serials are those of the certificates that are lost.
	serials []string
	// signed are the identities of which a certificate is lost, sessions those whose sessions are to end.
	signed, sessions map[access.IdentityID]bool
	// unlisted says that what was signed can be told revoked in no list, since its mount or issuer is gone.
	unlisted bool
}

// endLost ends one thing that is lost, and notes what is yet to follow.
func (w *writer) endLost(ctx context.Context, l ledger.Ledger, id access.IdentityID, x store.Lost, g *grave) error {
	if x.Entity != "" {
		return w.adopter.takeOver(ctx, l, id, x.Entity)
	}
	g.sessions[id] = true
	if x.Serial != "" {
		g.serials = append(g.serials, x.Serial)
		g.signed[id] = true
	}
	return g.orUnlisted(w.creds.end(ctx, id, x.Serial, x.Accessor))
}

// orUnlisted notes that a list is away, and returns any other error.
func (g *grave) orUnlisted(err error) error {
	if away(err) {
		g.unlisted = true
		return nil
	}
	return err
}

// shutSigned makes the auth method refuse what was signed. If no list can say that, it removes the roles instead:
// nobody logs in by these until they are applied again.
func (w *writer) shutSigned(ctx context.Context, g *grave) error {
	if len(g.serials) > 0 {
		if err := g.orUnlisted(w.certs.pushRevoked(ctx, g.serials...)); err != nil {
			return err
		}
	}
	if !g.unlisted {
		return nil
	}
	for id := range g.signed {
		if err := w.client.Delete(ctx, "auth/"+w.options.Mounts.Cert+"/certs/"+roleOf(id)); client.Gone(err) != nil &&
			!away(err) {
			return err
		}
	}
	return nil
}

// buried takes what has ended out of a policy, by its lines. If somebody changed the policy meanwhile, it takes them
// out of what is there now: these lines are true in whatever it says.
func (w *writer) buried(ctx context.Context, f *family, id access.IdentityID) error {
	done := f.documents[id].Pending()
	if len(done) == 0 {
		return nil
	}
	d := f.documents[id]
	return store.Again(ctx, func() (err error) {
		text := d.Text
		for _, x := range done {
			text = strings.ReplaceAll(text, "# "+x.Line()+"\n", "")
		}
		if text == d.Text {
			return nil
		}
		written, err := w.store.Write(ctx, id, text, d.Version)
		if errors.Is(err, store.ErrChanged) {
			now, failed := w.store.Fetch(ctx, id)
			if failed != nil {
				return failed
			}
			if now == nil {
				return nil
			}
			d = now
		} else if err == nil {
			f.documents[id] = written
		}
		return err
	})
}
