package openbao

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// Holds are what was cut by hand, by when each was cut last.
func (ob *observer) Holds(ctx context.Context) (map[string]time.Time, error) {
	snap, err := ob.store.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was cut by hand: %w", err)
	}
	return snap.Holds, nil
}

var _ access.Warden = (*System)(nil)

// WouldHold reports whether an object would be held if it were made now: by a mark, or because the entity that it is for is disabled.
func (ob *observer) WouldHold(ctx context.Context, o access.Object) (bool, error) {
	snap, err := ob.store.View(ctx)
	if err != nil {
		return false, fmt.Errorf("look for holds of %s: %w", o.Ref(), err)
	}
	if ledger.WouldHold(snap.Ledger, snap.Holds, snap.Tombstones, o) {
		return true, nil
	}
	id := o.Holder()
	if o.Ref().Type == access.TypeIdentity || snap.Documents[id].Identity() == nil {
		return false, nil
	}
	n, err := ob.native(ctx, snap, id) // asked for the identity already
	if err != nil {
		return false, fmt.Errorf("look for holds of %s: %w", o.Ref(), err)
	}
	return n.entity.held(), nil
}

// keepHold lets a hold outlive an entity that somebody disabled without a mark.
func (es *entities) keepHold(ctx context.Context, l ledger.Ledger, e *ledger.Entry, there *entity) error {
	id := e.Object.Holder()
	if !there.held() || access.IsShadow(id.Partner) {
		return nil
	}
	holds, err := es.store.Marks(ctx, l, e.Object)
	if err != nil || holds.Holding(e) {
		return err
	}
	return es.store.Mark(ctx, id.String())
}

// shut removes the login of a credential that was cut by hand, where a change, or somebody, made it again.
func (cs *credentials) shut(ctx context.Context, c *access.Credential) error {
	err := client.Gone(cs.client.Delete(ctx, cs.shutting(c)))
	if errors.Is(err, access.ErrUnsupported) {
		return nil
	}
	return err
}
