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

// stage is a set of files that are written beside, to be renamed into place together.
type stage struct {
	disk          durable.Disk
	dir           string
	names         string
	mode, parents os.FileMode
	moves         [][2]string
	digests       []string // of what is moved
	removals      []string
}

func (st *stage) empty() bool { return len(st.moves)+len(st.removals) == 0 }

func (st *stage) remove(path string) { st.removals = append(st.removals, path) }

// replace stages the file of an entry, where it differs from what is there.
func (st *stage) replace(path string, before, after *ledger.Entry) error {
	text, err := encodeFile(after)
	if err != nil {
		return err
	}
	if before != nil {
		if old, err := encodeFile(before); err == nil && bytes.Equal(old, text) {
			return nil
		}
	}
	return st.write(path, text)
}

func (st *stage) encode(path string, v any) error {
	text, err := encodeFile(v)
	if err != nil {
		return err
	}
	return st.write(path, text)
}

func (st *stage) write(path string, content []byte) error {
	if err := st.disk.Mkdir(filepath.Dir(path), st.parents); err != nil {
		return err
	}
	if err := st.disk.Mkdir(st.dir, privateDir); err != nil {
		return err
	}
	beside := filepath.Join(st.dir, st.names+filepath.Base(path)+"-"+access.NewUID())
	if err := st.disk.Write(beside, content, st.mode); err != nil {
		return err
	}
	st.moves, st.digests = append(st.moves, [2]string{beside, path}), append(st.digests, digestOf(content))
	return nil
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
		if err := st.disk.Rename(m[0], m[1]); err != nil {
			return err
		}
		dirs[filepath.Dir(m[1])] = true
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		if err := st.disk.Sync(dir); err != nil {
			return err
		}
	}
	return nil
}
