// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// base returns the ledger as the lock's holder finds it. From here on nobody else changes it.
func (s *System) base() (*book, error) {
	raw, err := s.paths.readGeneration()
	if err != nil {
		return nil, err
	}
	h, err := s.paths.readHolds()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	l := s.cached
	s.mu.Unlock()
	if l == nil || l.raw != raw || !maps.Equal(l.holds, h) {
		if l, err = s.load(h); err != nil {
			return nil, err
		}
	} else if err := s.sweepStaged(); err != nil {
		return nil, err
	}
	s.pin(l)
	return l, nil
}

// load reads the ledger under the lock, and first finishes what a process that died left of a change.
func (s *System) load(h ledger.Holds) (*book, error) {
	st, err := s.standing()
	if err != nil {
		return nil, err
	}
	if st.was.Generation.Number < st.generation.Number {
		if err := s.finish(st.generation); err != nil {
			return nil, err
		}
	}
	if err := s.sweepStaged(); err != nil {
		return nil, err
	}
	l, err := s.paths.readLedger(st, h)
	if err == nil {
		err = s.inspect(l, st.was)
	}
	if err != nil {
		return nil, err
	}
	l.inspectKeys(s.paths)
	l.tell()
	return l, nil
}

// finish renames into place what a generation signed and a process that died had not got to, and removes what that removes.
func (s *System) finish(g generation) error {
	left, err := os.ReadDir(s.paths.stagedLedger())
	if err != nil {
		return nil //nolint:nilerr // nothing was left
	}
	staged := map[string][]string{} // paths, by the digest
	for _, f := range left {
		path := filepath.Join(s.paths.stagedLedger(), f.Name())
		text, err := os.ReadFile(path)
		switch {
		case err != nil:
		case strings.HasPrefix(f.Name(), filepath.Base(s.paths.sums())):
			digest := parseSums(text).digest()
			staged[digest] = append(staged[digest], path)
		default:
			staged[digestOf(text)] = append(staged[digestOf(text)], path)
		}
	}
	place := func(digest, to string) error {
		if len(staged[digest]) == 0 {
			return nil
		}
		from := staged[digest][0]
		staged[digest] = staged[digest][1:]
		if err := s.disk.Mkdir(filepath.Dir(to), privateDir); err != nil {
			return err
		}
		if err := s.disk.Rename(from, to); err != nil {
			return err
		}
		return s.disk.Sync(filepath.Dir(to))
	}
	for _, path := range []string{s.paths.sums(), s.paths.sumsCopy()} {
		if err := place(g.Sums, path); err != nil {
			return fail(err, perhapsChanged)
		}
	}
	list, _, err := s.paths.readSums(g)
	if err != nil {
		return err
	}
	for name, digest := range list.files {
		if err := place(digest, s.paths.in("ledger", filepath.FromSlash(name))); err != nil {
			return fail(err, perhapsChanged)
		}
	}
	for _, name := range list.removed {
		if err := s.disk.Remove(s.paths.in("ledger", filepath.FromSlash(name))); err != nil {
			return fail(err, perhapsChanged)
		}
	}
	return nil
}

// pin remembers the ledger as the one that cannot change, until the lock is released.
func (s *System) pin(l *book) {
	s.mu.Lock()
	s.cached, s.leading = l, true
	s.mu.Unlock()
}

// sweepStaged removes what a process that died left half-written.
func (s *System) sweepStaged() error {
	dirs := []string{s.paths.stagedLedger(), s.paths.stagedPublish()}
	if _, err := os.Stat(filepath.Join(s.paths.cutting(), byProvider)); err == nil {
		dirs = append(dirs, s.paths.cutting())
	}
	for _, dir := range dirs {
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			if err := s.disk.RemoveAll(dir); err != nil {
				return fail(err, nothingChanged)
			}
		}
	}
	return nil
}
