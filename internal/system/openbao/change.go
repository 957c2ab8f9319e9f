package openbao

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// Put creates or changes one object, and returns when OpenBao enforces it.
func (s *System) Put(ctx context.Context, change access.Change) (*access.Record, error) {
	ref := change.Object.Ref()
	r, err := s.put(ctx, change)
	if err != nil {
		return nil, fmt.Errorf("put %s: %w", ref, err)
	}
	return r, nil
}

func (s *System) put(ctx context.Context, change access.Change) (*access.Record, error) {
	if _, _, err := access.ParseRef(change.Object.Ref().Type, change.Object.Ref().ID); err != nil {
		return nil, err
	}
	if c, ok := change.Object.(*access.Credential); ok && !slices.Contains(kinds, c.Kind()) {
		return nil, fmt.Errorf("%w: OpenBao's SSH engine cannot revoke, so ssh_certificate is not offered", access.ErrUnsupported)
	}
	ctx, cancel, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	defer s.alone(change.Object.Holder())()
	is := &issuer{system: s, ctx: ctx}
	var p *putting
	err = again(ctx, func() error {
		p, err = s.tryPut(ctx, change, is)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, is.takeBack())
	}
	return s.answer(ctx, p, is)
}

// putting is a put whose policies are written.
type putting struct {
	ledger ledger.Ledger
	placed *ledger.Placed
}

func (s *System) tryPut(ctx context.Context, change access.Change, is *issuer) (*putting, error) {
	id := change.Object.Holder()
	_, isIdentity := change.Object.(*access.Identity)
	f, err := s.family(ctx, change.Object)
	if err != nil {
		return nil, err
	}
	d := f.draft(s.now(), is)
	var placed *ledger.Placed
	if err := d.Try(func() (err error) { placed, err = d.Place(change); return err }); err != nil {
		return nil, err
	}
	d.Settle()
	if isIdentity && f.documents[id] == nil {
		if err := s.unclaimed(ctx, id); err != nil {
			return nil, err
		}
	}
	held, err := s.held(ctx, f, change.Object)
	if err != nil {
		return nil, err
	}
	if err := s.writeAll(ctx, f, d, id); err != nil {
		return nil, err
	}
	if !isIdentity {
		// Whoever shortens what is above meanwhile did not see this object: look again, now that it is there.
		if err := s.sameAbove(ctx, f, id); err != nil {
			return nil, err
		}
	}
	is.keep()
	p := &putting{ledger: d.Ledger, placed: placed}
	return p, s.realize(ctx, f, d, change, held)
}

// family is what a change has to do with: the identity, all above it, and for an identity all that hangs on it.
type family struct {
	documents map[access.IdentityID]*document
	dead      []lost
}

// lost is an item that ends before its time.
type lost struct {
	credential *access.Credential
	item       ledger.Item
}

func (f *family) ledger() ledger.Ledger {
	l := ledger.Ledger{}
	for _, d := range f.documents {
		maps.Copy(l, d.entries)
	}
	return l
}

func (f *family) draft(now time.Time, is ledger.Issuer) *ledger.Draft {
	d := ledger.NewDraft(f.ledger(), now, is)
	d.Revoke = func(c *access.Credential, i ledger.Item) func() {
		before := len(f.dead)
		f.dead = append(f.dead, lost{c, i})
		return func() { f.dead = f.dead[:before] }
	}
	return d
}

// family reads what a change has to do with, from the server and not from a snapshot.
func (s *System) family(ctx context.Context, o access.Object) (*family, error) {
	f := &family{documents: map[access.IdentityID]*document{}}
	i, isIdentity := o.(*access.Identity)
	if isIdentity {
		snap, err := s.below(ctx, i.ID)
		if err != nil {
			return nil, err
		}
		for _, id := range snap {
			if err := s.add(ctx, f, id); err != nil {
				return nil, err
			}
		}
	}
	return f, s.above(ctx, f, o)
}

// add reads the document of an identity into the family.
func (s *System) add(ctx context.Context, f *family, id access.IdentityID) error {
	if f.documents[id] != nil {
		return nil
	}
	d, err := s.fetch(ctx, id)
	if err == nil && d != nil {
		f.documents[id] = d
	}
	return err
}

// above adds an object's identity and all that it hangs on.
func (s *System) above(ctx context.Context, f *family, o access.Object) error {
	id := o.Holder()
	if err := s.add(ctx, f, id); err != nil {
		return err
	}
	i, isIdentity := o.(*access.Identity)
	if !isIdentity {
		i = f.documents[id].identity()
	}
	for depth := 0; i != nil && i.ParentID != (access.IdentityID{}) && depth < rounds; depth++ {
		up := i.ParentID
		if err := s.add(ctx, f, up); err != nil {
			return err
		}
		i = f.documents[up].identity()
	}
	return nil
}

// below are the identities that hang on one, however deep.
func (s *System) below(ctx context.Context, id access.IdentityID) ([]access.IdentityID, error) {
	snap, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	d := snap.documents[id]
	if i := d.identity(); len(snap.ledger.Under(id)) > len(d.below()) || i != nil && i.Subcontractors != nil {
		if snap, err = s.load(ctx); err != nil { // there are some, or may be more: look again
			return nil, err
		}
	}
	var all []access.IdentityID
	for _, e := range snap.ledger.Under(id) {
		if i, ok := e.Object.(*access.Identity); ok {
			all = append(all, i.ID)
		}
	}
	return all, nil
}

// below are the identity's own credentials and grants.
func (d *document) below() []*ledger.Entry {
	if d == nil {
		return nil
	}
	return d.entries.Under(d.id)
}

// writeAll writes the policies that a draft changes, the own one first.
func (s *System) writeAll(ctx context.Context, f *family, d *ledger.Draft, own access.IdentityID) error {
	ids := map[access.IdentityID]bool{own: true}
	for id := range f.documents {
		ids[id] = true
	}
	order := slices.SortedFunc(maps.Keys(ids), access.IdentityID.Compare)
	slices.SortStableFunc(order, func(a, b access.IdentityID) int { return boolean(a != own) - boolean(b != own) })
	texts := map[access.IdentityID]string{}
	for _, id := range order { // all of them can be written, or none is
		text, err := render(d.Ledger, id)
		if err != nil {
			return err
		}
		texts[id] = text
	}
	for _, id := range order {
		version := 0
		if was := f.documents[id]; was != nil {
			if was.text == texts[id] {
				continue
			}
			version = was.version
		}
		written, err := s.write(ctx, id, texts[id], version)
		if err != nil {
			return err
		}
		f.documents[id] = written
	}
	return nil
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sameAbove says errChanged where what is above an identity was changed since a family was read.
func (s *System) sameAbove(ctx context.Context, f *family, own access.IdentityID) error {
	for id, was := range f.documents {
		if id == own {
			continue
		}
		now, err := s.fetch(ctx, id)
		if err != nil {
			return err
		}
		if now == nil || now.version != was.version {
			return errChanged
		}
	}
	return nil
}

// held says whether an identity was cut by hand, and is not released by the change.
func (s *System) held(ctx context.Context, f *family, o access.Object) (bool, error) {
	i, isIdentity := o.(*access.Identity)
	before := f.documents[o.Holder()].identity()
	if !isIdentity || before == nil || f.ledger().Standing(i.ID).Cut() {
		return false, nil
	}
	e, err := s.readEntity(ctx, i.ID)
	if err != nil || e == nil || !e.Disabled {
		return false, err
	}
	return i.HoldReleased == "" || i.HoldReleased == before.HoldReleased, nil
}

// realize brings what follows from the policies in line with them.
func (s *System) realize(ctx context.Context, f *family, d *ledger.Draft, change access.Change, held bool) error {
	id := change.Object.Holder()
	switch o := change.Object.(type) {
	case *access.Identity:
		if _, err := s.settleEntity(ctx, d.Ledger, id, held); err != nil {
			return err
		}
		for other := range f.documents {
			if other == id || !hangsOn(d.Ledger, other, id) {
				continue
			}
			e, err := s.readEntity(ctx, other)
			if err != nil {
				return err
			}
			if e == nil || e.Disabled == d.Standing(other).Cut() {
				continue
			}
			if _, err := s.settleEntity(ctx, d.Ledger, other, false); err != nil {
				return err
			}
		}
	case *access.Credential:
		if err := s.realizeCredential(ctx, d.Ledger, o); err != nil {
			return err
		}
	}
	return s.bury(ctx, d.Ledger, f.dead)
}

func hangsOn(l ledger.Ledger, id, on access.IdentityID) bool {
	i, _ := l.Identity(id)
	for depth := 0; i != nil && depth < rounds; depth++ {
		if i.ParentID == on {
			return true
		}
		i, _ = l.Identity(i.ParentID)
	}
	return false
}

// realizeCredential lets who logs in with a credential be its identity.
func (s *System) realizeCredential(ctx context.Context, l ledger.Ledger, c *access.Credential) error {
	e := l[c.Ref()]
	accessor, name, err := s.aliasOf(ctx, c)
	if err != nil {
		return err
	}
	if err := s.settleRoles(ctx, c, l.End(e)); err != nil {
		return err
	}
	there, err := s.readEntity(ctx, c.IdentityID)
	if err != nil {
		return err
	}
	if there == nil {
		id, err := s.settleEntity(ctx, l, c.IdentityID, false)
		if err != nil {
			return err
		}
		there = &entity{ID: id}
	}
	if a := there.onMount(accessor); a != nil && a.Name == name {
		return nil
	} else if a != nil {
		if err := s.client.Delete(ctx, "identity/entity-alias/id/"+a.ID); err != nil {
			return err
		}
	}
	return s.settleAlias(ctx, there.ID, accessor, name)
}

// aliasOf is the mount that a credential logs in on, and the name that it has there.
func (s *System) aliasOf(ctx context.Context, c *access.Credential) (accessor, name string, err error) {
	switch c.Kind() {
	case access.Federated:
		accessor, err = s.issuerMount(ctx, c.Federated.Issuer)
		return accessor, nameOf(c.IdentityID), err
	case access.Certificate:
		accessor, err = s.authMount(ctx, s.options.Mounts.Cert, "cert", nil)
		return accessor, c.IdentityID.CommonName(), err
	default:
		accessor, err = s.authMount(ctx, s.options.Mounts.AppRole, "approle", nil)
		return accessor, nameOf(c.IdentityID), err
	}
}

// roles are what OpenBao has to keep for a credential.
func (s *System) roles(ctx context.Context, c *access.Credential, end time.Time) ([]role, error) {
	switch c.Kind() {
	case access.Federated:
		return []role{s.federatedRole(c, end)}, nil
	case access.Certificate:
		return s.certificateRoles(ctx, c, end)
	default:
		return []role{s.secretRole(c)}, nil
	}
}

// settleRoles writes the roles of a credential.
func (s *System) settleRoles(ctx context.Context, c *access.Credential, end time.Time) error {
	roles, err := s.roles(ctx, c, end)
	if err != nil {
		return err
	}
	at, err := s.site(ctx)
	if err != nil {
		return err
	}
	for _, r := range roles {
		if err := s.settled(ctx, at, func() error { return s.client.Put(ctx, r.path, r.body, nil) }); err != nil {
			return err
		}
	}
	if c.Kind() == access.Secret {
		// The role's id is what the alias is named by. It is set once: a POST of the same is refused by some versions.
		return s.settled(ctx, at, func() error {
			return s.client.Put(ctx, s.appRole(c.IdentityID)+"/role-id", map[string]any{"role_id": nameOf(c.IdentityID)}, nil)
		})
	}
	return nil
}

// bury ends what was issued and is not to live on, and every session that may have been opened with it.
func (s *System) bury(ctx context.Context, l ledger.Ledger, dead []lost) error {
	certificates := false
	of := map[access.IdentityID]bool{}
	for _, x := range dead {
		if !x.item.Until.IsZero() && !x.item.Until.After(s.now()) {
			continue
		}
		of[x.credential.IdentityID] = true
		var err error
		if x.item.Serial != "" {
			certificates = true
			err = s.revokeSerial(ctx, x.item.Serial)
		} else {
			err = s.destroy(ctx, x.credential.IdentityID, x.item.Accessor)
		}
		if err != nil {
			return err
		}
	}
	if certificates {
		if err := s.pushCRL(ctx); err != nil {
			return err
		}
	}
	for id := range of {
		if err := s.cutSessions(ctx, l, id); err != nil {
			return err
		}
	}
	return nil
}

// answer is what a put says: what was issued is told in it, and only in it.
func (s *System) answer(ctx context.Context, p *putting, is *issuer) (*access.Record, error) {
	e := p.placed.Entry
	if now := p.ledger[e.Ref()]; now != nil {
		e = now
	}
	r, err := s.record(p.ledger, e)
	if err != nil || r.Issued == nil || !p.placed.Tell {
		return r, err
	}
	i, _ := e.Newest()
	r.Issued.Sealed = i.Sealed
	if i.Serial != "" {
		if r.Issued.Text = is.texts[i.Serial]; r.Issued.Text == "" {
			r.Issued.Text, err = s.text(ctx, i.Serial)
		}
	}
	return r, err
}
