// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// ID returns the id of the system, which its first change made.
func (s *System) ID(ctx context.Context) (string, error) {
	h, err := s.read(ctx)
	if err != nil {
		return "", fmt.Errorf("read which system it is: %w", err)
	}
	if h.system == "" && len(h.pages) == 0 {
		return "", access.ErrNoSystem
	}
	return h.system, nil
}

// Now returns the time at AWS, by the Date header of S3's last answer.
func (s *System) Now(ctx context.Context) (time.Time, error) {
	if now, known := s.now(); known {
		return now, nil
	}
	if _, err := s.store.list(ctx, heldKey); err != nil {
		return time.Time{}, fmt.Errorf("ask AWS what time it is: %w", err)
	}
	now, known := s.now()
	if !known {
		return time.Time{}, fmt.Errorf("%w: ask AWS what time it is: the answer of %s has no Date that can be read", access.ErrUnavailable, s.options.Ledger)
	}
	return now, nil
}

// read returns everything, as it was read a moment ago where one reading serves for long, else as it is.
func (s *System) read(ctx context.Context) (*shelf, error) {
	if s.options.Fresh > 0 {
		return s.store.view(ctx)
	}
	return s.store.load(ctx)
}

// Get returns what is kept of an object, and what IAM has beyond that.
func (s *System) Get(ctx context.Context, ref access.Ref) (*access.Record, error) {
	r, err := s.getting(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", ref, err)
	}
	return r, nil
}

func (s *System) getting(ctx context.Context, ref access.Ref) (*access.Record, error) {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	if err := s.Enter(ctx); err != nil {
		return nil, err
	}
	if s.options.Fresh > 0 {
		h, err := s.store.view(ctx)
		if err != nil {
			return nil, err
		}
		return s.observed(ctx, h, h.ledger, h.holds, h.pages[holder], ref)
	}
	f := &family{pages: map[access.IdentityID]*page{}}
	if err := s.above(ctx, f, holder); err != nil {
		return nil, err
	}
	if f.holds, err = s.store.marks(ctx); err != nil {
		return nil, err
	}
	return s.observed(ctx, nil, f.ledger(), f.holds, f.pages[holder], ref)
}

// observed returns the record of an object, with what IAM has of it beyond the declaration.
func (s *System) observed(ctx context.Context, h *shelf, l ledger.Ledger, holds ledger.Holds, p *page, ref access.Ref) (*access.Record, error) {
	if p == nil {
		_, id, err := access.ParseRef(ref.Type, ref.ID)
		if err != nil {
			return nil, err
		}
		p = blank(id)
	}
	if err := p.broken(s.store.where(keyOf(p.id))); err != nil {
		return nil, err
	}
	e := p.entries[ref]
	if e == nil {
		return nil, s.lost(ctx, ref, p)
	}
	r, err := s.record(ctx, l, e)
	if err != nil {
		return nil, err
	}
	r.Held = l.Held(holds, e.Object)
	return r, s.observe(ctx, h, l, holds, p, e, r)
}

// record returns what callers are told of an entry, in this system's words.
func (s *System) record(ctx context.Context, l ledger.Ledger, e *ledger.Entry) (*access.Record, error) {
	r, err := l.Record(e)
	if err != nil {
		return nil, err
	}
	r.Words, r.Revocation = s.words(r.Object), s.revocation(l, r.Object, e)
	r.Adopted = s.leftLogins(r.Object.Holder(), keysOfLogins(e.Adopted))
	r.System, err = s.store.identified(ctx)
	return r, err
}

// List returns everything that is held, of every stack, sorted by type and id.
func (s *System) List(ctx context.Context) ([]*access.Record, error) {
	if err := s.Enter(ctx); err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	h, err := s.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	var all []*access.Record
	for _, ref := range sortedRefs(h.ledger) {
		r, err := s.record(ctx, h.ledger, h.ledger[ref])
		if err != nil {
			return nil, fmt.Errorf("list: %s: %w", ref, err)
		}
		r.Held = h.ledger.Held(h.holds, r.Object)
		all = append(all, r)
	}
	return all, nil
}

// Tell returns what was last issued for a credential, with what the partner is given.
func (s *System) Tell(ctx context.Context, ref access.Ref) (*access.Issued, error) {
	issued, err := s.telling(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("tell what was issued for %s: %w", ref, err)
	}
	return issued, nil
}

func (s *System) telling(ctx context.Context, ref access.Ref) (*access.Issued, error) {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	f := &family{pages: map[access.IdentityID]*page{}}
	if err := s.above(ctx, f, holder); err != nil {
		return nil, err
	}
	p := f.pages[holder]
	if err := p.broken(s.store.where(keyOf(holder))); err != nil {
		return nil, err
	}
	e := p.entries[ref]
	if e == nil {
		return nil, access.ErrNotFound
	}
	r, err := s.record(ctx, f.ledger(), e)
	if err != nil {
		return nil, err
	}
	if r.Issued == nil {
		return nil, access.ErrNotFound
	}
	i, _ := e.Newest()
	r.Issued.Sealed = i.Sealed
	return r.Issued, nil
}

// Formers returns what was removed within a year, and the uids that ended.
func (s *System) Formers(ctx context.Context) ([]access.Former, []access.Bygone, error) {
	h, err := s.read(ctx)
	if err == nil {
		var now time.Time
		if now, err = s.Now(ctx); err == nil {
			return ledger.Formers(h.ledger, h.stones, now), ledger.Bygones(h.ledger, h.stones, now), nil
		}
	}
	return nil, nil, fmt.Errorf("read what was removed: %w", err)
}

// Whose says what has a uid, or had it.
func (s *System) Whose(ctx context.Context, _ access.Ref, uid string) (access.Ref, time.Time, error) {
	h, err := s.store.load(ctx)
	if err == nil {
		var now time.Time
		if now, err = s.Now(ctx); err == nil {
			return ledger.Whose(h.ledger, h.stones, uid, now)
		}
	}
	return access.Ref{}, time.Time{}, fmt.Errorf("look up the uid: %w", err)
}

// Damaged returns the pages that cannot be read.
func (s *System) Damaged(ctx context.Context) ([]access.Damage, error) {
	h, err := s.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for damage: %w", err)
	}
	var all []access.Damage
	for id, p := range h.pages {
		if p.damage != nil {
			all = append(all, access.Damage{Ref: id.Ref(), NativeID: s.store.where(keyOf(id)), Why: p.damage.Error()})
		}
	}
	order.Sort(all, func(a, b access.Damage) int { return ledger.CompareRefs(a.Ref, b.Ref) })
	return all, nil
}

// Holds returns what was cut by hand, by when each was cut last. A principal that bears partner-hold and no mark yet is one from now on.
func (s *System) Holds(ctx context.Context) (map[string]time.Time, error) {
	h, err := s.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was cut by hand: %w", err)
	}
	return h.holds, nil
}

// WouldHold reports whether an object would be held if it were made now.
func (s *System) WouldHold(ctx context.Context, o access.Object) (bool, error) {
	h, err := s.read(ctx)
	if err != nil {
		return false, fmt.Errorf("read what was cut by hand: %w", err)
	}
	now, err := s.Now(ctx)
	return err == nil && ledger.WouldHold(h.ledger, h.holds, h.stones, o, now), err
}

// observe adds to a record what IAM has of it: whether it was cut by hand, when it was used, and what differs.
func (s *System) observe(ctx context.Context, h *shelf, l ledger.Ledger, holds ledger.Holds, p *page, e *ledger.Entry, r *access.Record) error {
	if e.Removed() {
		return nil
	}
	if err := s.findIssuers(ctx, p); err != nil {
		return err
	}
	own := principalsOf(e)
	for _, w := range s.wantedOf(l, holds, p) {
		n, err := s.nativeOf(ctx, h, w.principal)
		if err != nil {
			return err
		}
		if n.held() && !p.lifting {
			r.Held = true
		}
		switch o := e.Object.(type) {
		case *access.Credential:
			if slices.ContainsFunc(own, func(x principal) bool { return x.Name == w.Name }) {
				err = s.observeOwn(ctx, h, w, n, p.lifting, r)
			}
		case *access.Grant:
			if said := w.grantDrift(n, o.Name); said != "" {
				r.Drift = append(r.Drift, said)
			}
		case *access.Identity:
			if w.adopted {
				err = s.observeAdopted(ctx, h, w, n, p.lifting, r)
			} else {
				err = s.lastUse(ctx, h, w, n, r)
			}
		}
		if err != nil {
			return err
		}
	}
	slices.Sort(r.Drift)
	r.Drift = slices.Compact(r.Drift)
	return nil
}

// observeOwn adds what IAM has of a principal to the record of the credential that it was made for.
func (s *System) observeOwn(ctx context.Context, h *shelf, w wanted, n *native, lifting bool, r *access.Record) error {
	n, err := s.inFull(ctx, w, n)
	if err != nil {
		return err
	}
	if !n.there && w.Kind == user { // before it is told as cut
		if moved, err := s.tellMoved(ctx, w, w.keys(), r); moved || err != nil {
			return err
		}
	}
	if !lifting && w.cutBy(n) != "" {
		r.Held = true
	}
	r.Drift = append(r.Drift, w.drift(n)...)
	return s.lastUse(ctx, h, w, n, r)
}

// inFull adds to a principal what the listing does not tell, and takes a request each.
func (s *System) inFull(ctx context.Context, w wanted, n *native) (*native, error) {
	n, err := s.withKeys(ctx, w.principal, n)
	if err != nil {
		return nil, err
	}
	if n, err = s.withBoundary(ctx, w, n); err != nil {
		return nil, err
	}
	if len(n.attached)+len(n.Groups)+len(s.strange(n)) == 0 || n.managed != nil {
		return n, nil
	}
	return s.withManaged(ctx, n)
}

// withKeys adds the keys of a user, which no listing of principals has.
func (s *System) withKeys(ctx context.Context, p principal, n *native) (*native, error) {
	if p.Kind != user || !n.there || n.keys != nil {
		return n, nil
	}
	more := *n
	if known := s.store.recall(p); known != nil && known.keys != nil {
		more.keys = known.keys
		return &more, nil
	}
	keys, err := s.keysOf(ctx, p)
	if errors.Is(err, access.ErrNotPermitted) {
		return n, nil
	}
	if gone(err) != nil {
		return nil, err
	}
	more.keys = append([]key{}, keys...)
	return s.store.note(p, &more), nil
}

// withBoundary asks again for the boundary of a principal that seems to have none: not every server lists it.
func (s *System) withBoundary(ctx context.Context, w wanted, n *native) (*native, error) {
	if w.boundary == "" || n.Boundary != "" || !n.there {
		return n, nil
	}
	var may forgiving
	d, err := s.describe(ctx, w.principal)
	if !may.not(err) && gone(err) != nil {
		return nil, err
	}
	more := *n
	more.Boundary, more.unread = d.Boundary, cmp.Or(n.unread, may.why)
	return &more, nil
}
