package openbao

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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
		written, err := s.tryPut(ctx, change, is)
		if written != nil { // another round goes on from what is written
			if p != nil {
				written.placed.Tell = written.placed.Tell || p.placed.Tell
			}
			p = written
			change.UID, change.Issue = p.placed.Entry.History.UID, access.IssueKeep
		}
		return err
	})
	if err = errors.Join(err, is.takeBack()); err != nil {
		if p != nil {
			err = fmt.Errorf("%w. The policy says already what is declared; apply again to finish what follows from it", err)
		}
		return nil, err
	}
	return s.answer(ctx, p, is)
}

// putting is a put whose policy is written.
type putting struct {
	ledger ledger.Ledger
	placed *ledger.Placed
}

// tryPut makes a change on what is there now. It returns a putting also with an error, once the policy is written.
func (s *System) tryPut(ctx context.Context, change access.Change, is *issuer) (*putting, error) {
	if err := is.takeBack(); err != nil { // of the round before: somebody else may have revoked it
		return nil, err
	}
	id := change.Object.Holder()
	f, err := s.family(ctx, change.Object)
	if err != nil {
		return nil, err
	}
	defer s.reread(f)
	if err := s.finishRemoval(ctx, f, change); err != nil {
		return nil, err
	}
	c, _ := change.Object.(*access.Credential)
	secrets, err := s.inventory(ctx, f, c)
	if err != nil {
		return nil, err
	}
	d := f.draft(s.now(), is)
	secrets.forget(d)
	var placed *ledger.Placed
	if err := d.Try(func() (err error) { placed, err = d.Place(change); return err }); err != nil {
		return nil, err
	}
	d.Settle()
	f.outdate(d, change, s.options.Session)
	f.dead = append(f.dead, secrets.unknown...)
	for _, serial := range is.unknown {
		f.dead = append(f.dead, lost{ID: id, Kind: access.Certificate, Serial: serial})
	}
	entities, err := s.entities(ctx, f, d, change)
	if err != nil {
		return nil, err
	}
	change.Object = placed.Entry.Object // its sets in order, as it is read later
	before := f.ledger()
	p := &putting{ledger: d.Ledger, placed: placed}
	if err := s.writeOwn(ctx, f, d, id); err != nil {
		return nil, err
	}
	is.keep(d.Ledger[change.Object.Ref()].Issued)
	if err := s.writeOthers(ctx, f, d, id); err != nil {
		return p, err
	}
	// Whoever changes what is above meanwhile did not see this object: look again, now that it is there.
	if err := s.sameAbove(ctx, f, d, id); err != nil {
		return p, err
	}
	return p, s.realize(ctx, f, d, before, change, entities)
}

// family is what a change has to do with: the identity, all above it, and for an identity all that hangs on it.
type family struct {
	documents map[access.IdentityID]*document
	dead      []lost // what the change gives up
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
		f.dead = append(f.dead, lostItem(c, f.asIssued(c, i)))
		return func() { f.dead = f.dead[:before] }
	}
	return d
}

// asIssued is an item with the end that it has in OpenBao. Where it is superseded, a draft gives it an earlier one, which it
// has only once it is revoked.
func (f *family) asIssued(c *access.Credential, i ledger.Item) ledger.Item {
	if d := f.documents[c.IdentityID]; d != nil && d.entries[c.Ref()] != nil {
		for _, was := range d.entries[c.Ref()].Issued {
			if was.Serial == i.Serial && was.Accessor == i.Accessor {
				return was
			}
		}
	}
	return i
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
	d, err := s.fetch(ctx, id)
	if err != nil {
		return nil, err
	}
	if i := d.identity(); i != nil && (i.Subcontractors != nil || len(snap.ledger.Under(id)) > len(d.below())) {
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
	dead := slices.Clone(f.documents[id].lost())
	for _, x := range f.dead {
		e := d.Ledger[access.Ref{Type: access.TypeCredential, ID: id.String() + "/" + string(x.Kind)}]
		if x.ID == id && (e == nil || !e.Removed()) && !slices.Contains(dead, x) {
			dead = append(dead, x)
		}
	}
	return render(d.Ledger, id, dead)
}

// writeOwn writes the policy that a change is about, if all that follow can be written as well.
func (s *System) writeOwn(ctx context.Context, f *family, d *ledger.Draft, own access.IdentityID) error {
	for _, id := range f.order() {
		if _, err := f.text(d, id); err != nil {
			return err
		}
	}
	return s.writeOne(ctx, f, d, own)
}

// writeOthers writes the policies that follow from the own one.
func (s *System) writeOthers(ctx context.Context, f *family, d *ledger.Draft, own access.IdentityID) error {
	for _, id := range f.order() {
		if id == own {
			continue
		}
		if err := s.writeOne(ctx, f, d, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *System) writeOne(ctx context.Context, f *family, d *ledger.Draft, id access.IdentityID) error {
	text, err := f.text(d, id)
	if err != nil {
		return err
	}
	version := 0
	if was := f.documents[id]; was != nil {
		if was.text == text {
			return nil
		}
		version = was.version
	}
	written, err := s.write(ctx, id, text, version)
	if err == nil {
		f.documents[id] = written
	}
	return err
}

// sameAbove says errChanged where what is above an identity was changed since a family was read.
func (s *System) sameAbove(ctx context.Context, f *family, d *ledger.Draft, own access.IdentityID) error {
	for id, was := range f.documents {
		if id == own || !hangsOn(d.Ledger, own, id) {
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

// standing is an entity as it was before a change, and whether it stays cut by hand.
type standing struct {
	entity *entity
	held   bool
}

func (x standing) hold() *entity {
	if x.held {
		return x.entity
	}
	return nil
}

// entities are those that a change of an identity has to bring in line: its own, and those of all that hangs on it.
func (s *System) entities(ctx context.Context, f *family, d *ledger.Draft, change access.Change) (map[access.IdentityID]standing, error) {
	i, ok := change.Object.(*access.Identity)
	if !ok {
		return nil, nil
	}
	all := map[access.IdentityID]standing{}
	for ref, entry := range d.Ledger {
		id := entry.Object.Holder()
		if ref != id.Ref() || id != i.ID && !hangsOn(d.Ledger, id, i.ID) {
			continue
		}
		e, err := s.readEntity(ctx, id)
		if err != nil {
			return nil, err
		}
		declared := i
		if id != i.ID {
			declared = nil
		}
		_, before := f.ledger().Identity(id)
		all[id] = standing{e, stays(before, declared, e)}
	}
	if f.documents[i.ID] != nil {
		return all, nil
	}
	// It is new. What stands under its name is not ours, or was left where somebody removed the policy by hand; or somebody
	// is creating it, which begins with the policy.
	e := all[i.ID].entity
	if e == nil {
		return all, nil
	}
	if e.Metadata["managed_by"] != "terraform-provider-partner" {
		return nil, fmt.Errorf("the entity %s is there already: %w", nameOf(i.ID), access.ErrForeign)
	}
	if now, err := s.fetch(ctx, i.ID); err != nil {
		return nil, err
	} else if now != nil {
		return nil, errChanged
	}
	all[i.ID] = standing{}
	return all, s.sweepIdentity(ctx, i.ID)
}

// realize brings what follows from the policies in line with them.
func (s *System) realize(ctx context.Context, f *family, d *ledger.Draft, before ledger.Ledger, change access.Change, entities map[access.IdentityID]standing) error {
	id := change.Object.Holder()
	lower := []access.IdentityID{id}
	switch o := change.Object.(type) {
	case *access.Identity:
		for _, other := range f.order() {
			if other != id && hangsOn(d.Ledger, other, id) {
				lower = append(lower, other)
			}
		}
		for _, x := range lower {
			there := entities[x]
			if i, _ := d.Identity(x); i == nil || x != id && there.entity == nil {
				continue
			}
			if _, err := s.settleEntity(ctx, d.Ledger, x, there.entity, there.hold()); err != nil {
				return err
			}
		}
		if err := s.strip(ctx, d.Ledger, id, entities[id].entity); err != nil {
			return err
		}
		if err := s.settleEnds(ctx, d.Ledger, before, lower); err != nil {
			return err
		}
	case *access.Credential:
		if err := s.realizeCredential(ctx, d.Ledger, o); err != nil {
			return err
		}
		if err := s.leaveIssuer(ctx, before, o); err != nil {
			return err
		}
	}
	return s.bury(ctx, f, d.Ledger, lower)
}

// settleEnds writes the roles of credentials whose end was moved by a change above them.
func (s *System) settleEnds(ctx context.Context, l, before ledger.Ledger, of []access.IdentityID) error {
	for ref, e := range l {
		c, ok := e.Credential()
		was := before[ref]
		if !ok || e.Removed() || was == nil || c.Kind() == access.Secret || !slices.Contains(of, c.IdentityID) || l.End(e).Equal(before.End(was)) {
			continue
		}
		if err := s.settleRoles(ctx, c, l.End(e)); err != nil {
			return err
		}
	}
	return nil
}

// leaveIssuer removes the role that a credential had at another issuer, and the alias with it.
func (s *System) leaveIssuer(ctx context.Context, before ledger.Ledger, c *access.Credential) error {
	was := before[c.Ref()]
	if was == nil || c.Kind() != access.Federated {
		return nil
	}
	old := was.Object.(*access.Credential)
	if s.mountOf(old) == s.mountOf(c) {
		return nil
	}
	return s.sweepLogin(ctx, old)
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
	accessor, name, err := s.aliasOf(ctx, c)
	if err != nil {
		return err
	}
	if err := s.settleRoles(ctx, c, l.End(l[c.Ref()])); err != nil {
		return err
	}
	there, err := s.readEntity(ctx, c.IdentityID)
	if err != nil {
		return err
	}
	if there == nil {
		there = &entity{}
		if there.ID, err = s.settleEntity(ctx, l, c.IdentityID, nil, nil); err != nil {
			return err
		}
	}
	for _, a := range there.Aliases {
		switch {
		case a.Accessor != accessor:
		case strings.EqualFold(a.Name, name):
			return nil
		default: // there can be only one
			if err := s.client.Delete(ctx, "identity/entity-alias/id/"+a.ID); err != nil {
				return err
			}
		}
	}
	err = s.settleAlias(ctx, there.ID, accessor, name)
	if overtaken(err) {
		return errors.Join(errChanged, err)
	}
	return err
}

// aliasName is the name that a credential has where it logs in.
func aliasName(c *access.Credential) string {
	if c.Kind() == access.Certificate {
		return c.IdentityID.CommonName()
	}
	return nameOf(c.IdentityID)
}

// aliasOf is the mount that a credential logs in on, and the name that it has there.
func (s *System) aliasOf(ctx context.Context, c *access.Credential) (accessor, name string, err error) {
	switch c.Kind() {
	case access.Federated:
		accessor, err = s.issuerMount(ctx, c.Federated.Issuer)
	case access.Certificate:
		accessor, err = s.authMount(ctx, s.options.Mounts.Cert, "cert", nil)
	default:
		accessor, err = s.authMount(ctx, s.options.Mounts.AppRole, "approle", nil)
	}
	return accessor, aliasName(c), err
}

// roles are what OpenBao has to keep for a credential.
func (s *System) roles(ctx context.Context, c *access.Credential, end time.Time) ([]role, error) {
	switch c.Kind() {
	case access.Federated:
		return []role{s.federatedRole(c, end)}, nil
	case access.Certificate:
		ca, err := s.authority(ctx)
		return s.certificateRoles(c, end, ca), err
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
