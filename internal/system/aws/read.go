// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// observer tells what is declared, and what IAM has of it beyond that. It changes nothing.
type observer struct {
	at       *account
	store    *pages
	reader   *reader
	compiler *compiler
	wording  *wording
	issuers  *issuers
	finder   *finder
	reporter *reporter

	// mu guards uses, by the id of the key.
	mu   sync.Mutex
	uses map[string]use
}

// ID returns the id of the system, which its first change made; "" if it was lost, access.ErrNoSystem if there is none
// yet.
func (ob *observer) ID(ctx context.Context) (string, error) {
	h, err := ob.store.Read(ctx)
	if err != nil {
		return "", fmt.Errorf("read which system it is: %w", err)
	}
	if h.System == "" && len(h.Pages) == 0 {
		return "", access.ErrNoSystem
	}
	return h.System, nil
}

// Get returns what is kept of an object, and what IAM has beyond that; access.ErrNotFound if no page and nothing in IAM
// knows of it, and a DamagedError if something is left of it.
func (ob *observer) Get(ctx context.Context, ref access.Ref) (*access.Record, error) {
	r, err := ob.getting(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", ref, err)
	}
	return r, nil
}

// getting reads an object in one of two ways. If one reading serves for a while, it is taken from that; otherwise its
// page and those above it are read, and IAM is asked for each principal.
func (ob *observer) getting(ctx context.Context, ref access.Ref) (*access.Record, error) {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	if err := ob.at.Enter(ctx); err != nil {
		return nil, err
	}
	if ob.at.options.Fresh > 0 {
		h, err := ob.store.View(ctx)
		if err != nil {
			return nil, err
		}
		return ob.observed(ctx, h, h.Ledger, h.Holds, h.Pages[holder], ref)
	}
	f := &family{Pages: map[access.IdentityID]*page{}}
	if err := ob.store.Above(ctx, f, holder); err != nil {
		return nil, err
	}
	if f.Holds, err = ob.store.Marks(ctx); err != nil {
		return nil, err
	}
	return ob.observed(ctx, nil, f.Ledger(), f.Holds, f.Pages[holder], ref)
}

// observed returns the record of an object, with what IAM has of it beyond the declaration.
func (ob *observer) observed(ctx context.Context, h *shelf, l ledger.Ledger, holds ledger.Holds, p *page,
	ref access.Ref) (*access.Record, error) {
	if p == nil {
		_, id, err := access.ParseRef(ref.Type, ref.ID)
		if err != nil {
			return nil, err
		}
		p = store.Blank(id)
	}
	if err := p.Broken(ob.store.Where(store.KeyOf(p.ID))); err != nil {
		return nil, err
	}
	e := p.Entries[ref]
	if e == nil {
		return nil, ob.finder.lost(ctx, ref, p)
	}
	r, err := ob.wording.record(ctx, l, e)
	if err != nil {
		return nil, err
	}
	r.Held = l.Held(holds, e.Object)
	return r, ob.observe(ctx, h, l, holds, p, e, r)
}

// List returns everything that is held, of every stack, sorted by type and id. It asks IAM nothing.
func (ob *observer) List(ctx context.Context) ([]*access.Record, error) {
	if err := ob.at.Enter(ctx); err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	h, err := ob.store.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	var all []*access.Record
	for _, ref := range store.SortedRefs(h.Ledger) {
		r, err := ob.wording.record(ctx, h.Ledger, h.Ledger[ref])
		if err != nil {
			return nil, fmt.Errorf("list: %s: %w", ref, err)
		}
		r.Held = h.Ledger.Held(h.Holds, r.Object)
		all = append(all, r)
	}
	return all, nil
}

// Tell returns what was last issued for a credential, with what the partner is given; access.ErrNotFound if there is
// nothing.
func (ob *observer) Tell(ctx context.Context, ref access.Ref) (*access.Issued, error) {
	issued, err := ob.telling(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("tell what was issued for %s: %w", ref, err)
	}
	return issued, nil
}

func (ob *observer) telling(ctx context.Context, ref access.Ref) (*access.Issued, error) {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	f := &family{Pages: map[access.IdentityID]*page{}}
	if err := ob.store.Above(ctx, f, holder); err != nil {
		return nil, err
	}
	p := f.Pages[holder]
	if err := p.Broken(ob.store.Where(store.KeyOf(holder))); err != nil {
		return nil, err
	}
	e := p.Entries[ref]
	if e == nil {
		return nil, access.ErrNotFound
	}
	r, err := ob.wording.record(ctx, f.Ledger(), e)
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

// Formers returns what was removed within a year, and the uids that ended, by the time at AWS.
func (ob *observer) Formers(ctx context.Context) ([]access.Former, []access.Bygone, error) {
	h, err := ob.store.Read(ctx)
	if err == nil {
		var now time.Time
		if now, err = ob.store.Now(ctx); err == nil {
			return ledger.Formers(h.Ledger, h.Stones, now), ledger.Bygones(h.Ledger, h.Stones, now), nil
		}
	}
	return nil, nil, fmt.Errorf("read what was removed: %w", err)
}

// Whose returns what has a uid, or had it until a moment. It reads everything anew: whether a state means something is
// not decided by what is a minute old.
func (ob *observer) Whose(ctx context.Context, _ access.Ref, uid string) (access.Ref, time.Time, error) {
	h, err := ob.store.Load(ctx)
	if err == nil {
		var now time.Time
		if now, err = ob.store.Now(ctx); err == nil {
			return ledger.Whose(h.Ledger, h.Stones, uid, now)
		}
	}
	return access.Ref{}, time.Time{}, fmt.Errorf("look up the uid: %w", err)
}

// Damaged returns the pages that cannot be read, each with why, sorted.
func (ob *observer) Damaged(ctx context.Context) ([]access.Damage, error) {
	h, err := ob.store.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for damage: %w", err)
	}
	var all []access.Damage
	for id, p := range h.Pages {
		if p.Damage != nil {
			all = append(all, access.Damage{
				Ref:      id.Ref(),
				NativeID: ob.store.Where(store.KeyOf(id)),
				Why:      p.Damage.Error(),
			})
		}
	}
	order.Sort(all, func(a, b access.Damage) int { return ledger.CompareRefs(a.Ref, b.Ref) })
	return all, nil
}

// Holds returns what was cut by hand, by when each was cut last. A principal that bears partner-hold without a mark
// gets one with the next change.
func (ob *observer) Holds(ctx context.Context) (map[string]time.Time, error) {
	h, err := ob.store.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was cut by hand: %w", err)
	}
	return h.Holds, nil
}

// WouldHold reports whether an object would be held if it were made now.
func (ob *observer) WouldHold(ctx context.Context, o access.Object) (bool, error) {
	h, err := ob.store.Read(ctx)
	if err != nil {
		return false, fmt.Errorf("read what was cut by hand: %w", err)
	}
	now, err := ob.store.Now(ctx)
	return err == nil && ledger.WouldHold(h.Ledger, h.Holds, h.Stones, o, now), err
}
