// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// floors sets and reads the floor of the namespace. What a floor is, and how it is missed, is in store/floor.go.
type floors struct {
	*server
	store *policies
}

// Floor returns the floor; nil if there is none. The error is a FloorError if it is missed, see store.Store.Floor.
func (f *floors) Floor(ctx context.Context) (*access.FloorRecord, error) {
	r, _, err := f.store.Floor(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the floor: %w", err)
	}
	return r, nil
}

// SetFloor sets the floor, or changes it. known is the generation that the caller has seen, 0 for none: another one
// that is there is an error, and so is another stack's floor.
func (f *floors) SetFloor(ctx context.Context, floor access.Floor, stack string, known int64) (*access.FloorRecord,
	error) {
	return f.change(ctx, "set", stack, known, floor.Set)
}

// LiftFloor removes the floor on purpose, which is a generation of its own. A floor that was lifted before stays as it
// is.
func (f *floors) LiftFloor(ctx context.Context, stack string, known int64) (*access.FloorRecord, error) {
	return f.change(ctx, "lift", stack, known, access.LiftFloor)
}

// change writes what complete makes of the next record, if that says that there is something to write. The system gets
// its id first: a floor names it. A missed floor can be set again, so that is no error here.
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
