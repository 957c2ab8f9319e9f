// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// stage is a set of files that are written beside, to be renamed into place together. It remembers what failed first
// and writes nothing after that, so whoever fills it looks at err once, before it is settled and enacted.
//
// The order is write, settle, enact: all content is on the disk before the first name changes, so no name ever leads to
// half a file, also after a loss of power. Several stages are settled at once, which costs one wait for the disk, and
// enacted one after another, which is the order that a reader sees.
type stage struct {
	disk          durable.Disk
	dir           string
	names         string // what the names of files beside begin with
	mode, parents os.FileMode
	moves         []move
	removals      []string
	err           error
}

// move is a file that was written beside, with where it belongs and the digest of what is in it.
type move struct{ from, to, digest string }

func (st *stage) empty() bool { return len(st.moves)+len(st.removals) == 0 }

func (st *stage) remove(path string) { st.removals = append(st.removals, path) }

// replace stages the file of an entry, where it differs from what is there.
func (st *stage) replace(path string, before, after *ledger.Entry) {
	if before != nil {
		old, err := encodeFile(before)
		text, failed := encodeFile(after)
		if err == nil && failed == nil && bytes.Equal(old, text) {
			return
		}
	}
	st.encode(path, after)
}

// encode stages a value of the ledger as a file.
func (st *stage) encode(path string, v any) {
	text, err := encodeFile(v)
	if st.err == nil {
		st.err = err
	}
	st.write(path, text)
}

// write stages a file.
func (st *stage) write(path string, content []byte) {
	beside := filepath.Join(st.dir, st.names+filepath.Base(path)+"-"+access.NewUID())
	if st.err == nil {
		st.err = st.disk.Mkdir(filepath.Dir(path), st.parents)
	}
	if st.err == nil {
		st.err = st.disk.Mkdir(st.dir, privateDir)
	}
	if st.err == nil {
		// settle waits for it
		st.err = durable.Disk{Before: st.disk.Before, Unsynced: true}.Write(beside, content, st.mode)
	}
	if st.err == nil {
		st.moves = append(st.moves, move{from: beside, to: path, digest: digestOf(content)})
	}
}

// settle makes what was written beside last, with its names: after a loss of power either none of it is in its place,
// or what is there is whole, and the rest is found beside.
func settle(stages ...*stage) error {
	var paths []string
	for _, st := range stages {
		if st.err != nil {
			return st.err
		}
		for _, m := range st.moves {
			paths = append(paths, m.from)
		}
		if len(st.moves) > 0 && !slices.Contains(paths, st.dir) {
			paths = append(paths, st.dir)
		}
	}
	if len(paths) == 0 {
		return nil
	}
	return stages[0].disk.SyncAll(paths...)
}

// enact removes and renames, and makes it last. Removals come first: they take access away.
func (st *stage) enact() error {
	dirs := map[string]bool{}
	for _, path := range st.removals {
		if err := st.disk.RemoveAll(path); err != nil { // somebody may have laid a directory there
			return err
		}
		dirs[filepath.Dir(path)] = true
	}
	for _, m := range st.moves {
		if err := st.disk.Rename(m.from, m.to); err != nil {
			return err
		}
		dirs[filepath.Dir(m.to)] = true
	}
	if len(dirs) == 0 {
		return nil
	}
	return st.disk.SyncAll(slices.Sorted(maps.Keys(dirs))...)
}

// weed removes what nobody signed, but for what is written in its place.
func (st *stage) weed(planted []string) {
	for _, path := range planted {
		if !slices.ContainsFunc(st.moves, func(m move) bool { return m.to == path }) {
			st.remove(path)
		}
	}
}
