// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// observe adds to a record what IAM has of it: whether it was cut by hand, when it was used, and what differs. h is the
// reading that it is from; nil if each principal is to be asked for as it is now.
func (ob *observer) observe(ctx context.Context, h *shelf, l ledger.Ledger, holds ledger.Holds, p *page,
	e *ledger.Entry, r *access.Record) error {
	if e.Removed() {
		return nil
	}
	if err := ob.issuers.findIssuers(ctx, p); err != nil {
		return err
	}
	for _, w := range ob.compiler.wantedOf(l, holds, p) {
		n, err := ob.reader.nativeOf(ctx, h, w.principal)
		if err != nil {
			return err
		}
		if n.held() && !p.Lifting {
			r.Held = true
		}
		if err := ob.observeBy(ctx, h, w, n, p.Lifting, e, r); err != nil {
			return err
		}
	}
	slices.Sort(r.Drift)
	r.Drift = slices.Compact(r.Drift)
	return nil
}

// observeBy adds what one principal of an identity says of a record. A grant is in all of them; a credential is told by
// those that it asked for; an identity was used when any of them was.
func (ob *observer) observeBy(ctx context.Context, h *shelf, w wanted, n *native, lifting bool, e *ledger.Entry,
	r *access.Record) error {
	switch o := e.Object.(type) {
	case *access.Grant:
		if said := w.grantDrift(n, o.Name); said != "" {
			r.Drift = append(r.Drift, said)
		}
	case *access.Credential:
		asked := func(x principal) bool { return x.Name == w.Name }
		if slices.ContainsFunc(store.PrincipalsOf(e), asked) {
			return ob.observeOwn(ctx, h, w, n, lifting, r)
		}
	case *access.Identity:
		if w.adopted {
			return ob.observeAdopted(ctx, h, w, n, lifting, r)
		}
		return ob.lastUse(ctx, h, w, n, r)
	}
	return nil
}

// observeOwn adds what IAM has of a principal to the record of the credential that it was made for. Whether its key
// lives on under another user comes first: else it would be told as cut.
func (ob *observer) observeOwn(ctx context.Context, h *shelf, w wanted, n *native, lifting bool,
	r *access.Record) error {
	n, err := ob.inFull(ctx, w, n)
	if err != nil {
		return err
	}
	if !n.there && w.Kind == store.User { // before it is told as cut
		if moved, err := ob.tellMoved(ctx, w, w.Keys(), r); moved || err != nil {
			return err
		}
	}
	if !lifting && w.cutBy(n) != "" {
		r.Held = true
	}
	r.Drift = append(r.Drift, w.drift(n)...)
	return ob.lastUse(ctx, h, w, n, r)
}

// observeAdopted adds to the record of an identity what IAM has of the user that it has adopted: which of its keys are
// left, and how to retire them. Once the user is gone, nothing of it is told, nor how to cut it.
func (ob *observer) observeAdopted(ctx context.Context, h *shelf, w wanted, n *native, lifting bool,
	r *access.Record) error {
	if !n.there && n.unread == nil {
		if moved, err := ob.tellMoved(ctx, w, w.logins, r); moved || err != nil {
			return err
		}
		r.Adopted = nil
		cut := ob.wording.cutPrincipal(w.principal)
		r.Revocation = slices.DeleteFunc(r.Revocation, func(step string) bool { return step == cut })
		return nil
	}
	n, err := ob.withKeys(ctx, w.principal, n)
	if err != nil {
		return err
	}
	if n.keys != nil && n.unread == nil {
		var there, inactive []string
		for _, k := range n.keys {
			if slices.Contains(w.logins, k.ID) {
				there = append(there, k.ID)
			}
			if k.Status == "Inactive" {
				inactive = append(inactive, k.ID)
			}
		}
		r.Adopted = ob.wording.leftLogins(w.owner, there, inactive...)
	}
	return ob.observeOwn(ctx, h, w, n, lifting, r)
}

// tellMoved adds to a record that keys of a user that is gone live on under another one, and reports whether they do.
func (ob *observer) tellMoved(ctx context.Context, w wanted, keys []string, r *access.Record) (moved bool, err error) {
	err = ob.at.movedKeys(ctx, w.principal, keys)
	if !errors.Is(err, access.ErrRemains) {
		return false, err
	}
	r.Drift = append(r.Drift, "It is not governed any more: "+err.Error()+".")
	return true, nil
}

// inFull adds to a principal what the listing does not tell, and takes a request each: its keys, its boundary, what is
// attached from elsewhere. What was read already is not asked for again.
func (ob *observer) inFull(ctx context.Context, w wanted, n *native) (*native, error) {
	n, err := ob.withKeys(ctx, w.principal, n)
	if err != nil {
		return nil, err
	}
	if n, err = ob.withBoundary(ctx, w, n); err != nil {
		return nil, err
	}
	if len(n.attached)+len(n.Groups)+len(ob.reader.strange(n)) == 0 || n.managed != nil {
		return n, nil
	}
	return ob.reader.withManaged(ctx, n)
}

// withKeys adds the keys of a user, which no listing of principals has. If they may not be read, they stay nil, and
// nothing is said of them.
func (ob *observer) withKeys(ctx context.Context, p principal, n *native) (*native, error) {
	if p.Kind != store.User || !n.there || n.keys != nil {
		return n, nil
	}
	more := *n
	if known := ob.store.Recall(p); known != nil && known.keys != nil {
		more.keys = known.keys
		return &more, nil
	}
	keys, err := ob.at.keysOf(ctx, p)
	if errors.Is(err, access.ErrNotPermitted) {
		return n, nil
	}
	if client.Gone(err) != nil {
		return nil, err
	}
	more.keys = append([]key{}, keys...)
	return ob.store.Note(p, &more), nil
}

// withBoundary asks again for the boundary of a principal that seems to have none: not every server lists it. Nothing
// is asked if none is declared.
func (ob *observer) withBoundary(ctx context.Context, w wanted, n *native) (*native, error) {
	if w.boundary == "" || n.Boundary != "" || !n.there {
		return n, nil
	}
	var may forgiving
	d, err := ob.at.describe(ctx, w.principal)
	if !may.not(err) && client.Gone(err) != nil {
		return nil, err
	}
	more := *n
	more.Boundary, more.unread = d.Boundary, cmp.Or(n.unread, may.why)
	return &more, nil
}

// lastUse adds when a principal was used last, or that this is not known: unknown is not never. A user's keys are asked
// for one by one, unless the credential report of the account tells.
func (ob *observer) lastUse(ctx context.Context, h *shelf, w wanted, n *native, r *access.Record) error {
	if !n.there {
		return nil
	}
	note := func(at time.Time, told bool) {
		r.UseUnknown = r.UseUnknown || !told
		if at.After(r.LastUsedAt) {
			r.LastUsedAt = at.UTC()
		}
	}
	ids := w.keyIDs(n)
	if len(ids) == 0 {
		note(n.lastUsed())
	} else if at, told := ob.reporter.reported(ctx, h, n); told {
		note(at, true)
		return nil
	}
	for _, id := range ids {
		at, told, err := ob.keyUse(ctx, id)
		if err != nil {
			return err
		}
		note(at, told)
	}
	return nil
}
