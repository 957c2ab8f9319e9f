// SPDX-License-Identifier: MPL-2.0

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A file that is replaced is the old one or the new one, wherever the disk gives up, and nothing is left beside it.
func TestAReplacedFileIsTheOldOneOrTheNewOne(t *testing.T) {
	for _, fault := range []string{"remove", "create", "write", "rename", ""} {
		t.Run("fails at "+fault, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			beside := filepath.Join(dir, ".new")
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			failing := fault
			d := Disk{Before: func(operation, _ string) error {
				if operation == failing {
					failing = "" // once
					return syscall.ENOSPC
				}
				return nil
			}}
			err := d.Replace(path, beside, []byte("new"), 0o600, nil)
			want := "new"
			if fault != "" {
				want = "old"
			}
			if got, _ := os.ReadFile(path); string(got) != want || errors.Is(err, syscall.ENOSPC) != (fault != "") {
				t.Errorf("it is %q after %v", got, err)
			}
			if _, err := os.Stat(beside); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something is left beside it: %v", err)
			}
		})
	}
}

// Who lays a symbolic link under the name that is written to first has nothing written through it.
func TestNothingIsWrittenThroughALink(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	beside := filepath.Join(dir, ".new")
	victim := filepath.Join(dir, "victim")
	if err := errors.Join(os.WriteFile(victim, []byte("mine"), 0o600), os.Symlink(victim, beside)); err != nil {
		t.Fatal(err)
	}
	if err := (Disk{}).Replace(path, beside, []byte("new"), 0o600, nil); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(victim); string(got) != "mine" {
		t.Errorf("it was written through: %q", got)
	}
}

// A place that refuses, because another process was faster, leaves the file of that one.
func TestWhoWasFasterKeepsTheName(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := Disk{}.Replace(path, filepath.Join(dir, ".new"), []byte("second"), 0o600, os.Link)
	if got, _ := os.ReadFile(path); !errors.Is(err, fs.ErrExist) || string(got) != "first" {
		t.Errorf("it is %q (%v)", got, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}

// A directory has exactly its mode, and each that was made is synced from above; no error of that is swallowed.
func TestADirectoryIsMadeWithThoseAboveIt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has neither")
	}
	root := t.TempDir()
	var synced []string
	d := Disk{Before: func(operation, path string) error {
		if operation == "sync" {
			synced = append(synced, path)
		}
		return nil
	}}
	deep := filepath.Join(root, "a", "b")
	if err := d.Mkdir(deep, 0o777); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(deep)
	if err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("its mode is %v (%v): the umask counts", info.Mode(), err)
	}
	if !slices.Equal(synced, []string{root, filepath.Join(root, "a")}) {
		t.Errorf("synced: %v", synced)
	}
	failing := Disk{Before: func(operation, _ string) error {
		if operation == "sync" {
			return syscall.EIO
		}
		return nil
	}}
	if err := failing.Mkdir(filepath.Join(root, "c"), 0o700); !errors.Is(err, syscall.EIO) {
		t.Errorf("a name that did not last is taken for one that does: %v", err)
	}
	if err := (Disk{}).Sync(filepath.Join(root, "nowhere")); err == nil {
		t.Error("a directory that cannot be synced is no error")
	}
}

func TestAnErrorOfTheDiskHasAKind(t *testing.T) {
	for err, want := range map[error]error{
		fs.ErrPermission: access.ErrNotPermitted, syscall.EROFS: access.ErrNotPermitted,
		syscall.EACCES: access.ErrNotPermitted,
		syscall.ENOSPC: access.ErrUnavailable, syscall.EIO: access.ErrUnavailable,
	} {
		if got := Kind(&fs.PathError{Op: "write", Path: "p", Err: err}); !errors.Is(got, want) {
			t.Errorf("%v is %v", err, got)
		}
	}
}
