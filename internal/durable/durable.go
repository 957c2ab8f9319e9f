// SPDX-License-Identifier: MPL-2.0

// Package durable changes files such that whoever comes after a crash finds what was there before or what was meant to
// be, and says which of the errors of package access an error of the disk is. Nothing that a disk answers is swallowed:
// a name that did not last is a key or a record that is gone after a loss of power.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// atOnce is how many files and directories are waited for together.
const atOnce = 16

// Disk is every operation that changes files. Its zero value is the disk itself.
type Disk struct {
	// Before is asked before each operation. A test sets it, and so lets the disk be full, or the
	// process die, at any of them.
	Before func(operation, path string) error
	// Unsynced does not wait for the disk: for what need not last, and for tests that lose no power.
	Unsynced bool
}

// Do makes an operation that no other method makes.
func (d Disk) Do(operation, path string, act func() error) error {
	if d.Before != nil {
		if err := d.Before(operation, path); err != nil {
			return &fs.PathError{Op: operation, Path: path, Err: err}
		}
	}
	return act()
}

// Mkdir makes a directory and those above it that are missing, with exactly this mode whatever the umask says, and
// makes them last.
func (d Disk) Mkdir(path string, mode fs.FileMode) error {
	if info, err := os.Stat(path); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
		}
		return nil
	}
	if parent := filepath.Dir(path); parent != path {
		if err := d.Mkdir(parent, mode); err != nil {
			return err
		}
	}
	err := d.Do("mkdir", path, func() error {
		if err := os.Mkdir(path, mode); err != nil {
			if errors.Is(err, fs.ErrExist) { // another process was faster, and sets its mode
				return nil
			}
			return err
		}
		return os.Chmod(path, mode)
	})
	if err != nil {
		return err
	}
	return d.Sync(filepath.Dir(path))
}

// ReadFile reads a regular file. Anything else is an error, as a folder is: to read a pipe or a
// device may wait for ever.
func ReadFile(path string) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	}
	return os.ReadFile(path)
}

// Write writes a file whose content lasts. Its name does once its directory is synced.
func (d Disk) Write(path string, content []byte, mode fs.FileMode) error {
	return d.write(path, content, mode, os.O_TRUNC)
}

func (d Disk) write(path string, content []byte, mode fs.FileMode, flag int) error {
	var f *os.File
	err := d.Do("create", path, func() (err error) {
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|flag, mode)
		return err
	})
	if err != nil {
		return err
	}
	err = d.Do("write", path, func() error {
		if _, err := f.Write(content); err != nil {
			return err
		}
		if err := f.Chmod(mode); err != nil && runtime.GOOS != "windows" {
			return err
		}
		return d.flush(f)
	})
	return errors.Join(err, f.Close())
}

// Replace puts a content in the place of a file: a reader, and who comes after a crash, sees the old one or the new
// one. It is written to beside first, where it must not be under another name: what lies there is what a process left
// that died, or a symbolic link that somebody laid. place gives it its name; nil: whatever has that name gives way.
//
// Whether the new name outlives a loss of power is decided by a Sync of the directory.
func (d Disk) Replace(path, beside string, content []byte, mode fs.FileMode, place func(from, to string) error) error {
	if err := d.Remove(beside); err != nil {
		return err
	}
	err := d.write(beside, content, mode, os.O_EXCL)
	switch {
	case err != nil:
	case place != nil:
		err = d.Do("rename", path, func() error { return place(beside, path) })
	default:
		if err = d.Rename(beside, path); err == nil {
			return nil
		}
	}
	return errors.Join(err, d.Remove(beside)) // a failure leaves it, and a place that links
}

// Rename gives a file another name, in the place of whatever had that: also of a directory, which no rename of a file
// replaces, and which is none of ours where a file belongs.
func (d Disk) Rename(from, to string) error {
	if info, err := os.Lstat(to); err == nil && info.IsDir() {
		if err := d.RemoveAll(to); err != nil {
			return err
		}
	}
	return d.Do("rename", to, func() error { return os.Rename(from, to) })
}

// Remove removes a file, which may be gone already.
func (d Disk) Remove(path string) error {
	return d.Do("remove", path, func() error {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// RemoveAll removes a directory and all in it, which may be gone already.
func (d Disk) RemoveAll(path string) error {
	return d.Do("remove", path, func() error { return os.RemoveAll(path) })
}

// Sync makes the names in a directory last. Windows cannot, and needs not.
func (d Disk) Sync(path string) error { return d.SyncAll(path) }

// SyncAll makes the contents of files last, and the names in directories. It waits for them together: a disk takes
// hardly longer for twenty than for one.
func (d Disk) SyncAll(paths ...string) error {
	return d.Do("sync", paths[0], func() error {
		var all errgroup.Group
		all.SetLimit(atOnce)
		for _, path := range paths {
			all.Go(func() error { return d.sync(path) })
		}
		return all.Wait()
	})
}

func (d Disk) sync(path string) error {
	how := os.O_RDONLY
	if runtime.GOOS == "windows" {
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			return err
		}
		how = os.O_RDWR // FlushFileBuffers asks for the right to write
	}
	f, err := os.OpenFile(path, how, 0)
	if err != nil {
		return err
	}
	return errors.Join(d.flush(f), f.Close())
}

func (d Disk) flush(f *os.File) error {
	if d.Unsynced {
		return nil
	}
	return f.Sync()
}

// Kind returns which of the errors of package access an error of the disk is: somebody has to give a right, or
// something else is in the way.
func Kind(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return access.ErrNotPermitted
	}
	return access.ErrUnavailable
}
