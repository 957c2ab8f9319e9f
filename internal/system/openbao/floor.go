// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// floors is the floor of the namespace.
type floors struct {
	*server
	store *policies
}

// Floor returns the floor.
func (f *floors) Floor(ctx context.Context) (*access.FloorRecord, error) {
	r, _, err := f.store.Floor(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the floor: %w", err)
	}
	return r, nil
}

// SetFloor sets the floor, or changes it.
func (f *floors) SetFloor(ctx context.Context, floor access.Floor, stack string, known int64) (*access.FloorRecord,
	error) {
	return f.change(ctx, "set", stack, known, floor.Set)
}

// LiftFloor removes the floor on purpose.
func (f *floors) LiftFloor(ctx context.Context, stack string, known int64) (*access.FloorRecord, error) {
	return f.change(ctx, "lift", stack, known, access.LiftFloor)
}

// change writes what complete makes of the next record, where it says that there is something to write.
func (f *floors) change(ctx context.Context, act, stack string, known int64,
	complete access.FloorChange) (now *access.FloorRecord, err error) {
	err = store.Again(ctx, func() error {
		if err := f.store.Identify(ctx); err != nil {
			return err
		}
		there, version, err := f.store.Floor(ctx)
		var lost *access.FloorError
		if err != nil && !errors.As(err, &lost) {
			return err
		}
		snap, err := f.store.View(ctx)
		if err != nil {
			return err
		}
		if now, err = access.NextFloor(there, lost, snap.Floor.FloorMark, snap.System, stack, known,
			f.now()); err != nil {
			return err
		}
		if !complete(there, now) {
			now = there
			return nil
		}
		return f.store.WriteFloor(ctx, now, version)
	})
	if err != nil {
		return nil, fmt.Errorf("%s the floor: %w", act, err)
	}
	return now, nil
}
