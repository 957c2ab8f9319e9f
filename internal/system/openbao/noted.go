// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"slices"
	"sync"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// What a change heals. A change brings everything in line with the declaration, so what somebody did by hand would be
// gone without a trace: it is noted for the journal. It compares what it reads anyway, so this costs next to no
// request.

// notes are what changes found that was not as it had been left, until the journal takes them.
type notes struct {
	mu     sync.Mutex
	healed []access.Healed
}

// Notes returns what was found and healed since it was asked last. Plans told it as drift before, so there are no
// warnings.
func (n *notes) Notes() (healed []access.Healed, warnings [][2]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	healed, n.healed = n.healed, nil
	return healed, nil
}

// Generation returns none: OpenBao counts versions of each policy, and none of the whole.
func (*notes) Generation() string { return "" }

// note adds what a change has healed. It is called once the change is made: one that failed has healed nothing for
// certain.
func (n *notes) note(found []access.Healed) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.healed = append(n.healed, found...)
}

// finds are what one change found, each once, in however many rounds.
type finds []access.Healed

// add adds what differs of an object, if it is not among the finds yet.
func (f *finds) add(ref access.Ref, drift ...string) {
	for _, what := range drift {
		if h := (access.Healed{Ref: ref, What: what}); !slices.Contains(*f, h) {
			*f = append(*f, h)
		}
	}
}

// met adds what a change finds that is not as it was left, of an object and of all that it brings in line with it: for
// an identity, what hangs on it. entities are those that were read for that already.
//
// What hangs on something that this process has just changed is left out: it may be on its way to be brought in line.
// So is what cannot be read: the change says if it needs that, and a removal, which does not, goes through (see
// TestARemovalThatCannotCompareGoesThrough).
func (ob *observer) met(ctx context.Context, f *family, ref access.Ref, entities map[access.IdentityID]*entity,
	all *finds) {
	l := f.ledger()
	snap := store.SnapshotOf[native](f.documents, l, f.holds)
	for other, e := range l {
		id := e.Object.Holder()
		_, follows := entities[id]
		if e.Removed() ||
			(other != ref && (other != id.Ref() || !follows)) ||
			ob.store.WroteAny(l.Lineage(id)[1:]) {
			continue
		}
		if text, err := edited(snap, id); err == nil && text != "" {
			all.add(id.Ref(), text)
		}
		n, err := ob.toCompare(ctx, snap, e, entities)
		if err != nil {
			continue
		}
		if drift, err := ob.tampered(ctx, snap, e, n); err == nil {
			all.add(other, drift...)
		}
	}
}

// toCompare reads what of an object is compared with what was left; nil for a grant, of which nothing stands beside the
// policy. An identity that adopted nothing is compared by its entity alone. What is the same for all certificates is
// taken from the last snapshot, if it is known there.
func (ob *observer) toCompare(ctx context.Context, snap *snapshot, e *ledger.Entry,
	entities map[access.IdentityID]*entity) (*native, error) {
	there, read := entities[e.Object.Holder()]
	switch {
	case e.Ref().Type == access.TypeGrant:
		return nil, nil
	case read && len(adoptedPaths(e)) == 0:
		return &native{entity: there}, nil
	}
	if last, err := ob.store.View(ctx); err != nil {
		return nil, err
	} else if common := last.Known(access.IdentityID{}); common != nil {
		snap.Note(access.IdentityID{}, common)
	}
	return ob.nativeOf(ctx, snap, e.Object.Holder())
}
