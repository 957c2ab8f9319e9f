// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Remember keeps when a partner was rehearsed: in a change like any other, so that it is signed with the rest.
func (s *System) Remember(ctx context.Context, partner string, at time.Time) error {
	err := s.submit(ctx, &task{kind: taskRemember,
		rehearsed: map[string]time.Time{partner: at.UTC().Truncate(time.Second)}})
	if err != nil {
		return fmt.Errorf("remember the rehearsal of %s: %w", partner, err)
	}
	return nil
}

// Rehearsed tells when each partner was rehearsed last.
func (s *System) Rehearsed(ctx context.Context) (map[string]time.Time, error) {
	l, err := s.view(ctx)
	if err != nil {
		return nil, fmt.Errorf("read when partners were rehearsed: %w", err)
	}
	all := maps.Clone(l.rehearsed)
	if all == nil {
		all = map[string]time.Time{}
	}
	return all, nil
}

// alone does something while nobody else changes the directory.
func (s *System) alone(ctx context.Context, act func() error) error {
	return s.submit(ctx, &task{kind: taskAlone, act: act})
}

// Shell lets the printed steps run: they need nothing but what every machine has.
func (s *System) Shell(context.Context) (environment []string, clean func() error, err error) {
	if _, err := exec.LookPath("sh"); err != nil {
		return nil, nil, fmt.Errorf("%w: they need a shell, but sh is not on this machine's PATH",
			access.ErrUnsupported)
	}
	return []string{"PATH=" + os.Getenv("PATH")}, func() error { return nil }, nil
}

// Tidy takes the holds of shadow partners away that have no identity any more, and publishes without them.
func (s *System) Tidy(ctx context.Context) error {
	l, err := s.view(ctx)
	if err == nil && len(l.staleHolds()) > 0 {
		if err = s.alone(ctx, func() error { return s.removeHolds(l.staleHolds()) }); err == nil {
			_, err = s.view(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("remove the holds of shadow partners: %w", err)
	}
	return nil
}

// removeHolds takes the holds of partners away, and the folder of holds once it is empty.
func (s *System) removeHolds(partners []string) (err error) {
	for _, partner := range partners {
		err = errors.Join(err, s.disk.Remove(filepath.Join(s.paths.holds(), partner)))
	}
	if left, unread := os.ReadDir(s.paths.holds()); unread == nil && len(left) == 0 {
		err = errors.Join(err, s.disk.Remove(s.paths.holds()))
	}
	return fail(err, perhapsChanged)
}
