// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// lastUse adds when a principal was used last, or that this is not known.
func (s *System) lastUse(ctx context.Context, h *shelf, w wanted, n *native, r *access.Record) error {
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
	} else if at, told := s.reported(ctx, h, n); told {
		note(at, true)
		return nil
	}
	for _, id := range ids {
		at, told, err := s.keyUse(ctx, id)
		if err != nil {
			return err
		}
		note(at, told)
	}
	return nil
}

// keyIDs returns the keys of a principal by which it is used: the one that was issued, or those that it had when it was adopted.
func (w *wanted) keyIDs(n *native) (ids []string) {
	switch {
	case w.adopted:
		for _, k := range n.keys {
			ids = append(ids, k.ID)
		}
	case w.Kind == user && w.Key != "":
		ids = []string{w.Key}
	}
	return ids
}

// use is when a key was used last, whether that is told, and when it was asked.
type use struct {
	at    time.Time
	told  bool
	asked time.Time
}

// useServes is for how long the answer serves when a key was used last: of several uses within that time, AWS records only the first.
const useServes = 15 * time.Minute

// keyUse returns when a key was used last. Where one reading serves for a while, it is asked again only after useServes.
func (s *System) keyUse(ctx context.Context, key string) (at time.Time, told bool, err error) {
	s.mu.Lock()
	known := s.uses[key]
	s.mu.Unlock()
	if s.options.Fresh > 0 && access.WallClock().Sub(known.asked) < useServes {
		return known.at, known.told, nil
	}
	at, err = s.keyLastUsed(ctx, key)
	told = err == nil
	if err != nil && !errors.Is(err, access.ErrNotPermitted) && supported(gone(err)) != nil {
		return at, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses[key] = use{at, told, access.WallClock()}
	return at, told, nil
}
