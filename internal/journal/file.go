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
)

const privateFile, privateDir = fs.FileMode(0o600), fs.FileMode(0o700)

// plain opens a file to write to, and makes it where it is missing. A journal that is written through a symbolic link, into
// a device or a pipe is not where its name says.
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
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("it was replaced at the same moment")}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// regular is the file under a name, nil where there is none, and an error where it is something else than a file.
func regular(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.New("it is a symbolic link: name the file itself")}
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
	return syncDir(filepath.Dir(f.Name()))
}

// mkdir makes a directory and those above it that are missing, with exactly this mode whatever the umask says.
func mkdir(path string, mode fs.FileMode) error {
	if info, err := os.Stat(path); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
		}
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := mkdir(parent, mode); err != nil {
			return err
		}
	}
	err := os.Mkdir(path, mode)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was faster
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(path, mode); err != nil {
		return err
	}
	return syncDir(parent)
}

// syncDir makes the names in a directory last. Windows cannot, and needs not.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// replace puts a content in the place of a file, such that a reader, and who comes after a crash, sees the old one or the
// new one.
func replace(path string, content []byte) error { return swap(path, content, true) }

// swap is replace, of which a crash may leave nothing where it need not last.
func swap(path string, content []byte, lasts bool) error {
	if _, err := regular(path); err != nil {
		return err
	}
	beside := path + ".new"
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // it would be what a process left that died, or a symbolic link that somebody laid
	}
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, privateFile)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil && lasts {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(beside, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	return nil
}

// fail is an error of the disk in the words of package access.
func (j *Journal) fail(err error) error {
	if err == nil || errors.Is(err, access.ErrUnavailable) || errors.Is(err, access.ErrNotPermitted) {
		return err
	}
	kind := access.ErrUnavailable
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		kind = access.ErrNotPermitted
	}
	return fmt.Errorf("%w: the journal %s cannot be written: %w", kind, j.path, err)
}
