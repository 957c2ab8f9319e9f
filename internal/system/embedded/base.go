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

// base returns the ledger as the lock's holder finds it. From here on nobody else changes it. It is read anew only if
// its generation or the holds are others than those of the one that was read last: a batch costs two small reads then,
// and not one of each object.
func (co *committer) base() (*book, error) {
	raw, err := co.paths.readGeneration()
	if err != nil {
		return nil, err
	}
	h, err := co.paths.readHolds()
	if err != nil {
		return nil, err
	}
	l := co.cache.last()
	if l == nil || l.raw != raw || !maps.Equal(l.holds, h) {
		if l, err = co.load(h); err != nil {
			return nil, err
		}
	} else if err := co.sweepStaged(); err != nil {
		return nil, err
	}
	co.cache.pin(l)
	return l, nil
}

// load reads the ledger under the lock, and first finishes what a process that died left of a change.
func (co *committer) load(h ledger.Holds) (*book, error) {
	st, err := co.signatures.readStanding()
	if err != nil {
		return nil, err
	}
	if st.was.Generation.Number < st.generation.Number {
		if err := co.finish(st.generation); err != nil {
			return nil, err
		}
	}
	if err := co.sweepStaged(); err != nil {
		return nil, err
	}
	l, err := co.paths.readLedger(st, h)
	if err == nil {
		err = co.observer.inspect(l, st.was)
	}
	if err != nil {
		return nil, err
	}
	l.inspectFolders(co.paths)
	l.inspectKeys(co.paths)
	l.tell()
	return l, nil
}

// finish renames into place what a generation signed and a process that died had not got to, and removes what that
// removes. The list comes first: it tells what of the rest is signed, and where that belongs.
func (at *directory) finish(g generation) error {
	left := at.paths.leftStaged()
	for _, path := range []string{at.paths.sumsFile(), at.paths.sumsCopy()} {
		if err := at.placeLeft(left, g.Sums, path); err != nil {
			return fail(err, perhapsChanged)
		}
	}
	list, _, err := at.paths.readSums(g)
	if err != nil {
		return err
	}
	for name, digest := range list.files {
		if err := at.placeLeft(left, digest, at.paths.in("ledger", filepath.FromSlash(name))); err != nil {
			return fail(err, perhapsChanged)
		}
	}
	for _, name := range list.removed {
		if err := at.disk.Remove(at.paths.in("ledger", filepath.FromSlash(name))); err != nil {
			return fail(err, perhapsChanged)
		}
	}
	return nil
}

// leftStaged returns the paths of the files that a process that died had staged for the ledger, by the digest that
// stands for each: of a list that is what a generation signs, of any other file what a list says.
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

// placeLeft renames a staged file of a digest to where it belongs, and takes it out of what is left. Where none is
// left, the process got that far before it died.
func (at *directory) placeLeft(left map[string][]string, digest, to string) error {
	if len(left[digest]) == 0 {
		return nil
	}
	from := left[digest][0]
	left[digest] = left[digest][1:]
	if err := at.disk.Mkdir(filepath.Dir(to), privateDir); err != nil {
		return err
	}
	if err := at.disk.Rename(from, to); err != nil {
		return err
	}
	return at.disk.Sync(filepath.Dir(to))
}

// unblock takes away a file that stands where a folder belongs: nothing could be written, and so nobody removed. A
// link to nowhere is an error: what it leads to is away, perhaps a share that gateways read, and a folder in its place
// would cut nobody there.
func (at *directory) unblock() error {
	for _, folder := range at.paths.folders() {
		if to, ok := leadsNowhere(folder); ok {
			return fail(fmt.Errorf("%s is a link to %s, which does not exist here, but gateways may read its target: "+
				"mount that, or remove the link", folder, to), nothingChanged)
		}
		if !blocked(folder) {
			continue
		}
		if err := at.disk.Remove(folder); err != nil {
			return fail(err, nothingChanged)
		}
	}
	return nil
}

// refuseForeign refuses to publish over the publication of another system. It stands in the place of
// ours, which gateways go on reading, so that nobody would be cut; and those of the other system would
// read what they cannot verify.
func (co *committer) refuseForeign(base *book) error {
	was, err := co.readRecord()
	if err != nil ||
		was.System == "" ||
		base.system == "" ||
		was.System == base.system {
		return nil //nolint:nilerr // it is none, and made anew
	}
	text, err := durable.ReadFile(co.paths.public("policy/key.pem"))
	if err != nil {
		return nil //nolint:nilerr // so nobody signed it
	}
	if w, err := policy.ParseWitness(text); err != nil || !was.attested(w) {
		return nil //nolint:nilerr // somebody edited it
	}
	return fail(fmt.Errorf("%s is the publication of another access system, %s; this one is %s, and its gateways "+
		"read another folder: mount that, or remove what is there", co.paths.named(co.paths.publish()), was.System,
		base.system), nothingChanged)
}

// sweepStaged removes what a process that died left half-written.
func (at *directory) sweepStaged() error {
	dirs := []string{at.paths.stagedLedger(), at.paths.stagedPublish()}
	if _, err := os.Stat(filepath.Join(at.paths.cuttingDir(), byProvider)); err == nil {
		dirs = append(dirs, at.paths.cuttingDir())
	}
	for _, dir := range dirs {
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			if err := at.disk.RemoveAll(dir); err != nil {
				return fail(err, nothingChanged)
			}
		}
	}
	return nil
}
