// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
)

const privateFile, privateDir = fs.FileMode(0o600), fs.FileMode(0o700)

// plain opens a file to write to, and makes it where it is missing. A journal that is written through a symbolic link,
// into a device or a pipe is not where its name says.
func plain(path string) (*os.File, error) {
	before, err := regular(path)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, privateFile)
	if err != nil {
		return nil, err
	}
	after, err := f.Stat()
	switch {
	case err != nil:
	case before == nil:
		err = made(f)
	case !os.SameFile(before, after):
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("somebody replaced it at the same moment")}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// regular returns the file under a name, nil where there is none, and an error where it is something else than a file.
func regular(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, &fs.PathError{
			Op:   "open",
			Path: path,
			Err:  errors.New("it is a symbolic link: name the file itself"),
		}
	case info.IsDir():
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("it is not a regular file")}
	}
	return info, nil
}

// made makes a new file private whatever the umask says, and its name last.
func made(f *os.File) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if err := f.Chmod(privateFile); err != nil {
		return err
	}
	return durable.Disk{}.Sync(filepath.Dir(f.Name()))
}

// replace puts a content in the place of a file, such that a reader, and who comes after a crash, sees the
// old one or the new one.
func replace(path string, content []byte) error { return swap(durable.Disk{}, path, content) }

// swap returns replace on a disk that need not last.
func swap(disk durable.Disk, path string, content []byte) error {
	if _, err := regular(path); err != nil {
		return err
	}
	return disk.Replace(path, path+".new", content, privateFile, nil)
}

// fail returns an error of the disk in the words of package access.
func (j *Journal) fail(err error) error {
	if err == nil ||
		errors.Is(err, access.ErrUnavailable) ||
		errors.Is(err, access.ErrNotPermitted) {
		return err
	}
	return fmt.Errorf("%w: the journal %s cannot be written: %w", durable.Kind(err), j.path, err)
}
