// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// What the provider reads, in the words of package access. All of it comes from the last snapshot (store.View), but
// where a standby's delay would tell of something that nobody did; errors name what was read.

// tell adds what was given out to a record: the sealed secret, or the certificate. known are certificates that this
// process has signed, by serial; others are read from the engine.
func (ob *observer) tell(ctx context.Context, e *ledger.Entry, r *access.Record, known map[string]string) (err error) {
	i, _ := e.Newest()
	r.Issued.Sealed = i.Sealed
	if i.Serial != "" {
		if r.Issued.Text = known[i.Serial]; r.Issued.Text == "" {
			r.Issued.Text, err = ob.certs.text(ctx, i)
		}
	}
	return err
}

// Tell returns what was last issued for a credential, with what was given out; ErrNotFound if nothing was.
func (ob *observer) Tell(ctx context.Context, ref access.Ref) (*access.Issued, error) {
	snap, err := ob.store.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was issued for %s: %w", ref, err)
	}
	e := snap.Ledger[ref]
	if e == nil {
		return nil, fmt.Errorf("read what was issued for %s: %w", ref, access.ErrNotFound)
	}
	r, err := ob.record(snap.Ledger, e)
	if err == nil && r.Issued == nil {
		err = access.ErrNotFound
	}
	if err == nil {
		err = ob.tell(ctx, e, r, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("read what was issued for %s: %w", ref, err)
	}
	return r.Issued, nil
}

// Damaged returns the policies whose ledger cannot be read, sorted.
func (ob *observer) Damaged(ctx context.Context) (all []access.Damage, err error) {
	snap, err := ob.store.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for damaged records: %w", err)
	}
	for id, d := range snap.Documents {
		if d.Damage != nil {
			all = append(all, access.Damage{
				Ref:      id.Ref(),
				NativeID: "sys/policies/acl/" + store.NameOf(id),
				Why:      d.Damage.Error(),
			})
		}
	}
	order.Sort(all, func(a, b access.Damage) int { return ledger.CompareRefs(a.Ref, b.Ref) })
	return all, nil
}

// Holds returns what was cut by hand, by scope, and when each was cut last. The map is the snapshot's: do not change
// it.
func (ob *observer) Holds(ctx context.Context) (map[string]time.Time, error) {
	snap, err := ob.store.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was cut by hand: %w", err)
	}
	return snap.Holds, nil
}

// WouldHold reports whether an object would be held if it were made now: by a mark, or because the entity that it is
// for is disabled.
func (ob *observer) WouldHold(ctx context.Context, o access.Object) (bool, error) {
	snap, err := ob.store.View(ctx)
	if err != nil {
		return false, fmt.Errorf("look for holds of %s: %w", o.Ref(), err)
	}
	if ledger.WouldHold(snap.Ledger, snap.Holds, snap.Tombstones, o, ob.now()) {
		return true, nil
	}
	id := o.Holder()
	if o.Ref().Type == access.TypeIdentity || snap.Documents[id].Identity() == nil {
		return false, nil
	}
	n, err := ob.nativeOf(ctx, snap, id) // asked for the identity already
	if err != nil {
		return false, fmt.Errorf("look for holds of %s: %w", o.Ref(), err)
	}
	return n.entity.held(), nil
}

// ID returns which system the namespace holds, from the listing that everything is read by. It is ErrNoSystem if
// nothing was ever made there, and "" without an error if the id was lost.
func (ob *observer) ID(ctx context.Context) (string, error) {
	snap, err := ob.store.View(ctx)
	if err != nil {
		return "", fmt.Errorf("read which access system it is: %w", err)
	}
	if snap.System == "" && len(snap.Documents) == 0 {
		return "", access.ErrNoSystem
	}
	return snap.System, nil
}

// Rehearsed returns when each partner was rehearsed last, by its name.
func (ob *observer) Rehearsed(ctx context.Context) (map[string]time.Time, error) {
	snap, err := ob.store.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("read when partners were rehearsed: %w", err)
	}
	return maps.Clone(snap.Rehearsed), nil
}

// Get returns what OpenBao holds under a reference, with what differs from the declaration. It is ErrNotFound if there
// is nothing, and ErrDamaged if something is there and its record is not.
func (ob *observer) Get(ctx context.Context, ref access.Ref) (*access.Record, error) {
	r, err := ob.get(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", ref, err)
	}
	return r, nil
}

// get returns a record once what it tells no longer may be a standby's delay: one that is behind would tell of drift
// that nobody made. So a record with drift is read again for as long as our own last write is that young.
func (ob *observer) get(ctx context.Context, ref access.Ref) (*access.Record, error) {
	_, holder, err := access.ParseRef(ref.Type, ref.ID)
	if err != nil {
		return nil, err
	}
	snap, err := ob.store.View(ctx)
	if err != nil {
		return nil, err
	}
	e := snap.Ledger[ref]
	if e == nil {
		if snap, err = ob.store.Reload(ctx, holder); err != nil { // a standby may not have heard of it yet
			return nil, err
		}
		if e = snap.Ledger[ref]; e == nil {
			return nil, ob.lostRecord(ctx, snap, ref)
		}
	}
	for {
		r, err := ob.record(snap.Ledger, e)
		if err == nil {
			err = ob.observe(ctx, snap, e, r)
		}
		if err != nil || len(r.Drift) == 0 || !ob.store.MayBeStale(ctx, holder) {
			return r, err
		}
		if err := access.Pause(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
		snap.Forget(holder)
	}
}

// Formers returns what was removed within a year, and the uids that ended.
func (ob *observer) Formers(ctx context.Context) ([]access.Former, []access.Bygone, error) {
	snap, err := ob.store.View(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read what was removed: %w", err)
	}
	return ledger.Formers(snap.Ledger, snap.Tombstones, ob.now()),
		ledger.Bygones(snap.Ledger, snap.Tombstones, ob.now()), nil
}

// Whose returns what has a uid, or had it and until when. It reads everything anew: a snapshot may be of before it was
// given.
func (ob *observer) Whose(ctx context.Context, of access.Ref, uid string) (access.Ref, time.Time, error) {
	_, holder, err := access.ParseRef(of.Type, of.ID)
	var snap *snapshot
	if err == nil {
		_, err = ob.store.Reload(ctx, holder)
	}
	if err == nil {
		snap, err = ob.store.Load(ctx)
	}
	if err != nil {
		return access.Ref{}, time.Time{}, fmt.Errorf("look up the uid: %w", err)
	}
	return ledger.Whose(snap.Ledger, snap.Tombstones, uid, ob.now())
}

// List returns everything that is held, of every stack, sorted by type and id. What differs from the declaration, and a
// cut by hand without a mark, is in it only if the server bundles requests (see bundle.go).
func (ob *observer) List(ctx context.Context) ([]*access.Record, error) {
	records, err := ob.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	return records, nil
}

// list returns all records. What is native, and so the drift, is looked at only if a bundle has brought it: to ask for
// each identity would take a request for every object.
func (ob *observer) list(ctx context.Context) ([]*access.Record, error) {
	look := ob.store.Load
	if ob.options.Fresh > 0 {
		look = ob.store.View
	}
	snap, err := look(ctx)
	if err != nil {
		return nil, err
	}
	var records []*access.Record
	for _, ref := range snap.Refs() {
		r, err := ob.record(snap.Ledger, snap.Ledger[ref])
		if err == nil {
			r.Held = snap.Ledger.Held(snap.Holds, r.Object)
		}
		if err == nil && snap.Known(snap.Ledger[ref].Object.Holder()) != nil {
			err = ob.observe(ctx, snap, snap.Ledger[ref], r)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ref, err)
		}
		records = append(records, r)
	}
	return records, nil
}

// record returns what callers are told of an entry, in this system's words, without asking OpenBao.
func (ob *observer) record(l ledger.Ledger, e *ledger.Entry) (*access.Record, error) {
	r, err := l.Record(e)
	if err == nil {
		r.Words, r.Revocation = ob.words.words(r.Object), ob.words.cutByHand(l, r.Object)
		r.System = ob.store.ID()
	}
	return r, err
}
