// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// Floor returns the floor.
func (s *System) Floor(ctx context.Context) (*access.FloorRecord, error) {
	l, err := s.view(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the floor: %w", err)
	}
	if l.floor.lost != nil {
		return nil, l.floor.lost
	}
	return l.floor.copied(), nil
}

// SetFloor sets the floor, or changes it.
func (s *System) SetFloor(ctx context.Context, f access.Floor, stack string, known int64) (*access.FloorRecord, error) {
	return s.changeFloor(ctx, "set", func(d *draft) (*access.FloorRecord, error) {
		next, err := access.NextFloor(d.floor.record, d.floor.lost, d.floor.mark, d.system, stack, known, d.Now)
		if err == nil {
			next.Floor = f
		}
		return next, err
	})
}

// LiftFloor removes the floor on purpose.
func (s *System) LiftFloor(ctx context.Context, stack string, known int64) (*access.FloorRecord, error) {
	return s.changeFloor(ctx, "lift", func(d *draft) (*access.FloorRecord, error) {
		there := d.floor.record
		if d.floor.lost == nil && !there.InForce() {
			return there, nil
		}
		next, err := access.NextFloor(there, d.floor.lost, d.floor.mark, d.system, stack, known, d.Now)
		if err != nil {
			return nil, err
		}
		next.Lift(there)
		return next, nil
	})
}

// changeFloor changes the floor under the lock, and returns what it is then.
func (s *System) changeFloor(ctx context.Context, act string,
	change func(*draft) (*access.FloorRecord, error)) (*access.FloorRecord, error) {
	t := &task{kind: taskFloor, floor: change}
	if err := s.submit(ctx, t); err != nil {
		return nil, fmt.Errorf("%s the floor: %w", act, err)
	}
	return t.view.floor.copied(), nil
}

// WouldHold reports whether an object would be held if it were made now.
func (s *System) WouldHold(ctx context.Context, o access.Object) (bool, error) {
	l, err := s.view(ctx)
	if err != nil {
		return false, fmt.Errorf("look for holds of %s: %w", o.Ref(), err)
	}
	return ledger.WouldHold(l.Ledger, l.holds, l.stones, o, s.now()), nil
}

// Holds returns what was cut by hand, by when each was cut last.
func (s *System) Holds(ctx context.Context) (map[string]time.Time, error) {
	l, err := s.view(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was cut by hand: %w", err)
	}
	return l.holds, nil
}

// Damaged returns the records that cannot be read.
func (s *System) Damaged(ctx context.Context) ([]access.Damage, error) {
	l, err := s.view(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for damaged records: %w", err)
	}
	var all []access.Damage
	for ref, err := range l.damaged {
		all = append(all, s.damageOf(ref, s.paths.object(ref), err))
	}
	for name, r := range l.revoked {
		if r.damage != nil {
			all = append(all, s.damageOf(access.Ref{}, s.paths.revocationFile(name), r.damage))
		}
	}
	for _, f := range l.found {
		all = append(all, access.Damage{NativeID: f.file, Why: f.file + " " + f.why})
	}
	order.Sort(all, func(a, b access.Damage) int {
		return cmp.Or(ledger.CompareRefs(a.Ref, b.Ref), cmp.Compare(a.NativeID, b.NativeID))
	})
	return all, nil
}

// damageOf returns damage of an object, or of nothing declared where the reference is zero, by the path of its
// file below the directory.
func (s *System) damageOf(ref access.Ref, path string, err error) access.Damage {
	name, relErr := filepath.Rel(s.paths.root, path)
	if relErr != nil {
		name = path
	}
	return access.Damage{Ref: ref, NativeID: filepath.ToSlash(name), Why: err.Error()}
}

// ID returns which system the directory holds.
func (s *System) ID(ctx context.Context) (string, error) {
	l, err := s.view(ctx)
	if err != nil {
		return "", fmt.Errorf("read which access system it is: %w", err)
	}
	// never begun, or emptied
	if len(l.Ledger)+len(l.damaged) == 0 && (l.system == "" || l.generation == (generation{})) {
		return "", access.ErrNoSystem
	}
	return l.system, nil
}

// ChangedAt returns when the last change was made.
func (s *System) ChangedAt(ctx context.Context) (time.Time, error) {
	l, err := s.view(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the last change was made: %w", err)
	}
	return l.changedAt, nil
}

// Generation names the generation that this process knows.
func (s *System) Generation() string {
	l, w := s.last(), s.believed()
	if l == nil || w == nil || l.generation.Number == 0 {
		return ""
	}
	return w.Name() + "/" + strconv.FormatInt(l.generation.Number, 10)
}

// Tell returns what was last issued for a credential, with what was given out.
func (s *System) Tell(ctx context.Context, ref access.Ref) (*access.Issued, error) {
	l, err := s.view(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was issued for %s: %w", ref, err)
	}
	e, err := l.entry(ref)
	if err != nil {
		return nil, fmt.Errorf("read what was issued for %s: %w", ref, err)
	}
	r, err := l.placed(&ledger.Placed{Entry: e, Tell: true})
	if err == nil && r.Issued == nil {
		err = access.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read what was issued for %s: %w", ref, err)
	}
	return r.Issued, nil
}

// Token gives out a token that ends at a moment, or with its identity. It is signed under the lock, by the keys of
// whoever publishes, of what is published.
func (s *System) Token(ctx context.Context, id access.IdentityID, until time.Time) (access.Token, error) {
	l, err := s.view(ctx)
	if err == nil && l.Ledger[id.Ref()] == nil {
		err = access.ErrNoIdentity // without making a directory that nobody declared anything in
	}
	t := &task{kind: taskToken, request: request{id: id, until: until}}
	if err == nil {
		err = s.submit(ctx, t)
	}
	if err != nil {
		return access.Token{}, fmt.Errorf("a token of %s: %w", id, err)
	}
	return t.request.token, nil
}

// Revoke makes gateways refuse a token at their next pull.
func (s *System) Revoke(ctx context.Context, token access.Token) error {
	if !token.Until.After(s.now()) {
		return nil
	}
	err := s.submit(ctx, &task{kind: taskRevoke, request: request{id: token.Identity, token: token}})
	if err != nil {
		return fmt.Errorf("revoke a token of %s: %w", token.Identity, err)
	}
	return nil
}
