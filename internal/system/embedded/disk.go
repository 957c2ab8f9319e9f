package embedded

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// The modes of what only its owner may read, and of what gateways read under users of their own.
const (
	privateFile, privateDir = fs.FileMode(0o600), fs.FileMode(0o700)
	publicFile, publicDir   = fs.FileMode(0o644), fs.FileMode(0o755)
)

// disk is every operation that changes the directory, but for the lock and the keys. A test sets before, and so lets
// the disk be full, or the process die, at any of them.
type disk struct {
	before   func(operation, path string) error
	unsynced bool // tests that lose no power need not wait
}

func (d disk) do(operation, path string, act func() error) error {
	if d.before != nil {
		if err := d.before(operation, path); err != nil {
			return &fs.PathError{Op: operation, Path: path, Err: err}
		}
	}
	return act()
}

// mkdir makes a directory and those above it that are missing, with exactly this mode whatever the umask says, and
// makes them last.
func (d disk) mkdir(path string, mode fs.FileMode) error {
	if info, err := os.Stat(path); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
		}
		return nil
	}
	if parent := filepath.Dir(path); parent != path {
		if err := d.mkdir(parent, mode); err != nil {
			return err
		}
	}
	err := d.do("mkdir", path, func() error {
		if err := os.Mkdir(path, mode); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return os.Chmod(path, mode)
	})
	if err != nil {
		return err
	}
	return d.sync(filepath.Dir(path))
}

// write makes a new file whose content will last.
func (d disk) write(path string, content []byte, mode fs.FileMode) error {
	var f *os.File
	err := d.do("create", path, func() (err error) {
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
		return err
	})
	if err != nil {
		return err
	}
	err = d.do("write", path, func() error {
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

func (d disk) rename(from, to string) error {
	return d.do("rename", to, func() error { return os.Rename(from, to) })
}

// remove removes a file, which may be gone already.
func (d disk) remove(path string) error {
	return d.do("remove", path, func() error {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

func (d disk) removeAll(path string) error {
	return d.do("remove", path, func() error { return os.RemoveAll(path) })
}

func (d disk) flush(f *os.File) error {
	if d.unsynced {
		return nil
	}
	return f.Sync()
}

// sync makes the names in a directory last. Windows cannot, and needs not.
func (d disk) sync(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return d.do("sync", path, func() error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(d.flush(f), f.Close())
	})
}

// Outcomes of a change that failed.
const (
	nothingChanged = "Nothing was changed."
	perhapsChanged = "It may have taken effect in part: the next run of Terraform finds out what exists, publishes that, and finishes the rest."
)

// failure is an error of the store in the words of package access, with what became of the change.
type failure struct {
	kind, cause error
	outcome     string
}

func fail(err error, outcome string) error {
	if f := (*failure)(nil); err == nil || errors.As(err, &f) {
		return err
	}
	kind := access.ErrUnavailable
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		kind = access.ErrNotPermitted
	}
	return &failure{kind: kind, cause: err, outcome: outcome}
}

// Error says what failed, and what became of the change.
func (f *failure) Error() string {
	return f.kind.Error() + ": " + f.cause.Error() + ". " + f.outcome
}

// Unwrap gives the sentinel and the cause.
func (f *failure) Unwrap() []error { return []error{f.kind, f.cause} }
