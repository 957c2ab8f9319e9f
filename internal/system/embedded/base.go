// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
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
	st, err := s.readStanding()
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
	l.inspectFolders(s.paths)
	l.inspectKeys(s.paths)
	l.tell()
	return l, nil
}

// finish renames into place what a generation signed and a process that died had not got to, and removes what that removes. The list
// comes first: it tells what of the rest is signed, and where that belongs.
func (s *System) finish(g generation) error {
	left := s.paths.leftStaged()
	for _, path := range []string{s.paths.sumsFile(), s.paths.sumsCopy()} {
		if err := s.placeLeft(left, g.Sums, path); err != nil {
			return fail(err, perhapsChanged)
		}
	}
	list, _, err := s.paths.readSums(g)
	if err != nil {
		return err
	}
	for name, digest := range list.files {
		if err := s.placeLeft(left, digest, s.paths.in("ledger", filepath.FromSlash(name))); err != nil {
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

// leftStaged returns the paths of the files that a process that died had staged for the ledger, by the digest that stands for each: of a
// list that is what a generation signs, of any other file what a list says.
func (p paths) leftStaged() map[string][]string {
	left := map[string][]string{}
	files, _ := os.ReadDir(p.stagedLedger()) // where there is none, nothing was left
	for _, f := range files {
		path := filepath.Join(p.stagedLedger(), f.Name())
		text, err := durable.ReadFile(path)
		if err != nil {
			continue
		}
		digest := digestOf(text)
		if strings.HasPrefix(f.Name(), filepath.Base(p.sumsFile())) {
			digest = parseSums(text).digest()
		}
		left[digest] = append(left[digest], path)
	}
	return left
}

// placeLeft renames a staged file of a digest to where it belongs, and takes it out of what is left. Where none is left, the process got
// that far before it died.
func (s *System) placeLeft(left map[string][]string, digest, to string) error {
	if len(left[digest]) == 0 {
		return nil
	}
	from := left[digest][0]
	left[digest] = left[digest][1:]
	if err := s.disk.Mkdir(filepath.Dir(to), privateDir); err != nil {
		return err
	}
	if err := s.disk.Rename(from, to); err != nil {
		return err
	}
	return s.disk.Sync(filepath.Dir(to))
}

// pin remembers the ledger as the one that cannot change, until the lock is released.
func (s *System) pin(l *book) {
	s.mu.Lock()
	s.cached, s.leading = l, true
	s.notice(l)
	s.mu.Unlock()
}

// unblock takes away a file that stands where a folder belongs: nothing could be written, and so nobody removed. A link to nowhere is an
// error: what it leads to is away, perhaps a share that gateways read, and a folder in its place would cut nobody there.
func (s *System) unblock() error {
	for _, folder := range s.paths.folders() {
		if to, ok := leadsNowhere(folder); ok {
			return fail(fmt.Errorf("%s is a link to %s, which does not exist here, but gateways may read its target: "+
				"mount that, or remove the link", folder, to), nothingChanged)
		}
		if !blocked(folder) {
			continue
		}
		if err := s.disk.Remove(folder); err != nil {
			return fail(err, nothingChanged)
		}
	}
	return nil
}

// refuseForeign refuses to publish over the publication of another system. It stands in the place of ours, which gateways go on reading, so
// that nobody would be cut; and those of the other system would read what they cannot verify.
func (s *System) refuseForeign(base *book) error {
	was, err := s.readRecord()
	if err != nil || was.System == "" || base.system == "" || was.System == base.system {
		return nil //nolint:nilerr // it is none, and made anew
	}
	text, err := durable.ReadFile(s.paths.public("policy/key.pem"))
	if err != nil {
		return nil //nolint:nilerr // so nobody signed it
	}
	if w, err := policy.ParseWitness(text); err != nil || !was.attested(w) {
		return nil //nolint:nilerr // somebody edited it
	}
	return fail(fmt.Errorf("%s is the publication of another access system, %s; this one is %s, and its gateways read another folder: mount "+
		"that, or remove what is there", s.paths.named(s.paths.publish()), was.System, base.system), nothingChanged)
}

// sweepStaged removes what a process that died left half-written.
func (s *System) sweepStaged() error {
	dirs := []string{s.paths.stagedLedger(), s.paths.stagedPublish()}
	if _, err := os.Stat(filepath.Join(s.paths.cuttingDir(), byProvider)); err == nil {
		dirs = append(dirs, s.paths.cuttingDir())
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
