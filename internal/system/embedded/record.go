// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// record returns what callers are told of an entry. They may change it: nothing of the ledger is in it. If a record of
// its identity is damaged, it gives no access, and says why.
func (l *book) record(e *ledger.Entry) (*access.Record, error) {
	r, err := l.Record(e)
	if err == nil {
		r.System = l.system
		if damaged := l.damaged.of(e.Object.Holder()); damaged != nil {
			r.Suspended = true
			r.Drift = append(r.Drift, "It gives no access, because "+damaged.Error()+".")
		}
		if i, ok := e.Object.(*access.Identity); ok {
			r.Drift = append(r.Drift, l.drifts[i.ID]...)
		}
		r.Held = l.Held(l.holds, e.Object)
		r.Words, r.Revocation = words(l.root, r.Object), cutByHand(l.root, r.Object)
	}
	return r, err
}

// records returns what callers are told of all entries, in no order.
func (l *book) records() ([]*access.Record, error) {
	all := make([]*access.Record, 0, len(l.Ledger))
	for _, e := range l.Ledger {
		r, err := l.record(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Ref(), err)
		}
		all = append(all, r)
	}
	return all, nil
}

// entry returns what the ledger holds under a reference.
func (l *book) entry(ref access.Ref) (*ledger.Entry, error) {
	if err := l.damaged[ref]; err != nil {
		return nil, err
	}
	if e := l.Ledger[ref]; e != nil {
		return e, nil
	}
	return nil, access.ErrNotFound
}

// placed returns the answer to a put: what stands there after the whole batch, with what was issued if the caller is to
// be told of it. Somebody else in the batch may have changed what is above it.
func (l *book) placed(p *ledger.Placed) (*access.Record, error) {
	e := p.Entry
	if now := l.Ledger[e.Ref()]; now != nil && now.History.UID == e.History.UID {
		e = now
	}
	r, err := l.record(e)
	if err == nil && r.Issued != nil && p.Tell {
		i, _ := e.Newest()
		r.Issued.Text, r.Issued.Sealed = i.Certificate, i.Sealed
	}
	return r, err
}
