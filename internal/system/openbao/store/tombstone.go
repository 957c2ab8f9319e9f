// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/policy"
)

// A tombstone (ledger Tombstone) stands in the policy partner/ID/remembered. It begins while the identity stands: each
// release that was used is in it as well, since a destroy must not make a release usable again.

// stoneOf returns the identity whose tombstone a policy is, by its name.
func stoneOf(name string) (id access.IdentityID, ok bool) {
	text, ours := strings.CutPrefix(name, Prefix)
	text, ok = strings.CutSuffix(text, TombstoneName)
	if !ours || !ok {
		return id, false
	}
	id, err := access.ParseIdentityID(text)
	return id, err == nil
}

// parseStone reads a tombstone. The error is ErrForeign if this provider did not write the text, and ErrUnsupported if
// a newer one did.
func parseStone(name, text string) (t ledger.Tombstone, err error) {
	head, _ := policy.Split(text)
	if len(head) != 2 || head[0] != TombstoneTitle {
		return t, fmt.Errorf("the policy %s: %w", name, access.ErrForeign)
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(head[1], TombstoneLine)), &t); err != nil {
		return t, fmt.Errorf("the policy %s: %w", name, err)
	}
	if t.Version > ledger.Version {
		return t, fmt.Errorf("the policy %s has version %d, but this provider knows only version %d: use a newer "+
			"provider: %w",
			name, t.Version, ledger.Version, access.ErrUnsupported)
	}
	return t, nil
}

// Remember brings the tombstone of an identity in line with its entry and, if removed is not zero, with what was
// removed of it at that moment. Removing calls it before it erases the policy, so that no release, end or reach is lost
// with a process that dies between the two.
//
// A shadow partner has none: nobody comes back as it.
func (s *Store[N]) Remember(ctx context.Context, e *ledger.Entry, removed time.Time, formers ...access.Former) error {
	id := e.Object.Holder()
	if access.IsShadow(id.Partner) {
		return nil
	}
	snap, err := s.View(ctx)
	if err != nil {
		return err
	}
	holding := snap.Holds.Any(id.Partner)
	return s.changeTombstone(ctx, id, !removed.IsZero(), func(was ledger.Tombstone) (ledger.Tombstone, bool) {
		if removed.IsZero() {
			return was.Noting(e)
		}
		return was.Buried(e, removed, holding, formers...)
	})
}

// changeTombstone changes a tombstone by check-and-set, since others may write it. change returns the next one, and
// whether there is anything to write. One that holds nothing is removed.
//
// A tombstone that a newer provider wrote is left as it is. This stops no removal, but everything else.
func (s *Store[N]) changeTombstone(ctx context.Context, id access.IdentityID, removing bool,
	change func(ledger.Tombstone) (ledger.Tombstone, bool)) error {
	name := Prefix + id.String() + TombstoneName
	return Again(ctx, func() error {
		was, version, err := s.readStone(ctx, name)
		if errors.Is(err, access.ErrUnsupported) && removing {
			return nil
		}
		if err != nil {
			return err
		}
		stone, more := change(was)
		if !more {
			return nil
		}
		if stone.Empty() {
			err := client.Gone(s.Client.Delete(ctx, Folder+name))
			if err == nil {
				s.amend(func(next *Snapshot[N]) { delete(next.Tombstones, id) })
			}
			return err
		}
		if err := s.writeStone(ctx, name, stone, version); err != nil {
			return err
		}
		s.amend(func(next *Snapshot[N]) { next.Tombstones[id] = stone })
		return nil
	})
}

// readStone reads a tombstone and its version: an empty one and 0 if there is none, a damaged one if it cannot be read,
// and ErrUnsupported if a newer provider wrote it.
func (s *Store[N]) readStone(ctx context.Context, name string) (stone ledger.Tombstone, version int, err error) {
	var there Policy
	if err := s.Client.Get(ctx, Folder+name, &there); err != nil {
		return stone, 0, client.Gone(err)
	}
	stone, err = parseStone(name, there.Policy)
	if err != nil && !errors.Is(err, access.ErrUnsupported) {
		return ledger.Tombstone{Damaged: true}, there.Version, nil
	}
	return stone, there.Version, err
}

// writeStone writes a tombstone over the version that was read, 0 for none, or fails with ErrChanged.
func (s *Store[N]) writeStone(ctx context.Context, name string, stone ledger.Tombstone, version int) error {
	text, err := json.Marshal(stone)
	if err != nil {
		return err
	}
	err = s.put(ctx, name, policy.Render([]string{TombstoneTitle, TombstoneLine + ascii(text)}, nil), version)
	if lost(err) {
		return ErrChanged
	}
	return err
}

// Prune forgets what was removed more than a year ago, whoever removed it: an identity that never comes back is in no
// other change. It is called at the end of a removal and fails silently: the next removal does what this one could not.
func (s *Store[N]) Prune(ctx context.Context) {
	snap, err := s.View(ctx)
	if err != nil {
		return
	}
	for id, stone := range snap.Tombstones {
		if now := s.Now(); stone.Aged(now) {
			holding := snap.Holds.Any(id.Partner)
			_ = s.changeTombstone(ctx, id, false,
				func(was ledger.Tombstone) (ledger.Tombstone, bool) { return was.Pruned(now, holding), was.Aged(now) })
		}
	}
}
