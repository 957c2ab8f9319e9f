// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

var errDead = errors.New("the process is dead")

// dieAt lets every operation from the n-th on fail, as if the process had died there; half of a file may be written.
func (w *world) dieAt(n int) (died *bool) {
	died = new(bool)
	count := 0
	w.disk.Before = func(operation, path string) error {
		if count++; count >= n {
			if operation == "write" && !*died {
				_ = os.WriteFile(path, []byte(`{"vers`), 0o600)
			}
			*died = true
			return errDead
		}
		return nil
	}
	return died
}

// story is what the crash tests repeat: a world with an access that is about to change.
func story(t *testing.T) (*world, *access.Record) {
	t.Helper()
	w := newWorld(t)
	if err := copyTree(template(), w.dir); err != nil {
		t.Fatal(err)
	}
	return w, w.get(certificate(acme, 80).Ref())
}

// template is the directory of the story, made once.
var template = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "embedded-story")
	if err != nil {
		panic(err)
	}
	dir = filepath.Join(dir, "prod")
	s := Open(dir, Options{Clock: func() time.Time { return start }, Environment: "prod"})
	for _, o := range []access.Object{
		identity(acme, 90), grant(acme, "shell", "ssh/deploy", 80, "login"), sshCertificate(acme, 80),
		certificate(acme, 80),
	} {
		if _, err := s.Put(context.Background(), change(o)); err != nil {
			panic(err)
		}
	}
	return dir
})

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(from, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, name), info.Mode().Perm())
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, info.Mode().Perm())
	})
}

func TestAfterADeathAnywhereThePublicationFollowsTheLedger(t *testing.T) {
	acts := map[string]func(*world, *access.Record) error{
		"put": func(w *world, _ *access.Record) error {
			_, err := w.try(grant(acme, "daily", "orders/*", 30, "read"))
			return err
		},
		"shorten": func(w *world, _ *access.Record) error {
			_, err := w.try(identity(acme, 10), update(w.get(acme.Ref())))
			return err
		},
		"reissue": func(w *world, r *access.Record) error {
			_, err := w.try(r.Object, update(r), issuing(access.IssueReplace))
			return err
		},
		"delete": func(w *world, _ *access.Record) error {
			_, err := w.Delete(w.ctx(), acme.Ref(), w.get(acme.Ref()).UID)
			return err
		},
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			step := 1
			if testing.Short() {
				step = 3
			}
			for n := 1; ; n += step {
				w, r := story(t)
				old := w.published()
				died := w.dieAt(n)
				err := act(w, r)
				if !*died {
					t.Logf("fewer than %d points", n)
					break
				}
				if err == nil && name != "delete" && n < 5 {
					t.Errorf("at operation %d: no error", n)
				}
				if err != nil && strings.Contains(err.Error(), nothingChanged) {
					same(t, old, w.published())
				}
				w.restart()
				w.recovered(t, fmt.Sprintf("at operation %d", n))
				finish(t, w, name, act, r)
			}
		})
	}
}

// published are the files that gateways see.
func (w *world) published() map[string]string {
	files := w.files("publish")
	maps.DeleteFunc(files, func(name, _ string) bool {
		return strings.HasPrefix(name, ".staged") || strings.HasPrefix(name, ".cutting")
	})
	return files
}

// finish repeats an act after the death, as the next apply does.
func finish(t *testing.T, w *world, name string, act func(*world, *access.Record) error, r *access.Record) {
	t.Helper()
	if _, err := w.Get(w.ctx(), acme.Ref()); name == "delete" && errors.Is(err, access.ErrNotFound) {
		return
	}
	if err := act(w, r); err != nil {
		t.Errorf("the next apply: %v", err)
	}
	w.recovered(t, "after the next apply")
	for _, dir := range []string{w.paths.stagedLedger(), w.paths.stagedPublish()} {
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("left %v", left)
		}
	}
}

// recovered checks that one read brings the publication in line with the ledger, and that nothing half-written is left.
func (w *world) recovered(t *testing.T, when string) {
	t.Helper()
	all, err := w.List(w.ctx())
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	published, crl := w.data(), w.crl()
	grants, certificates := 0, 0
	for _, r := range all {
		if len(r.Drift) > 0 {
			continue // being removed
		}
		switch o := r.Object.(type) {
		case *access.Identity:
			if i, found := published.Identities[o.ID.String()]; !found || !i.EndsAt.Equal(r.EndsAt) {
				t.Errorf("%s: %s ends at %s, published %+v", when, o.ID, r.EndsAt, i)
			}
		case *access.Grant:
			grants++
		case *access.Credential:
			if o.Certificate != nil && r.Issued != nil {
				certificates++
				if _, found := published.Certificates[r.Issued.Fingerprint]; !found {
					t.Errorf("%s: a certificate is not published", when)
				}
				if _, revoked := crl[r.Issued.Serial]; revoked {
					t.Errorf("%s: the certificate in force is revoked", when)
				}
			}
			if r.Issued != nil && r.Issued.Until.After(r.EndsAt) {
				t.Errorf("%s: %s outlives its end", when, o.Ref())
			}
		}
	}
	if n := len(published.Identities[acme.String()].Grants); n != grants {
		t.Errorf("%s: %d grants are published, the ledger has %d", when, n, grants)
	}
	if n := len(published.Certificates); n != certificates {
		t.Errorf("%s: %d certificates are published, the ledger has %d", when, n, certificates)
	}
}

func TestAFullDiskLeavesEverythingAsItWas(t *testing.T) {
	for _, operation := range []string{"create", "write", "mkdir"} {
		for n := 1; ; n++ {
			w, r := story(t)
			before := w.files("")
			count, failed := 0, false
			w.disk.Before = func(op, _ string) error {
				if op == operation {
					if count++; count >= n {
						failed = true
						return syscall.ENOSPC
					}
				}
				return nil
			}
			_, err := w.try(r.Object, update(r), issuing(access.IssueReplace))
			if !failed {
				break
			}
			if !errors.Is(err, access.ErrUnavailable) ||
				!errors.Is(err, syscall.ENOSPC) ||
				!strings.Contains(err.Error(), nothingChanged) {
				t.Errorf("%s %d: %v", operation, n, err)
			}
			same(t, before, w.files(""))
			w.disk.Before = nil // somebody makes room
			if _, err := w.try(r.Object, update(r), issuing(access.IssueReplace)); err != nil {
				t.Errorf("%s %d: with room again: %v", operation, n, err)
			}
		}
	}
}

func TestAReadOnlyDirectoryIsReadAndNotChanged(t *testing.T) {
	w, r := story(t)
	w.restart()
	w.disk.Before = func(string, string) error { return syscall.EROFS }
	w.get(r.Object.Ref())
	_, err := w.try(grant(acme, "daily", "orders/*", 30, "read"))
	if !errors.Is(err, access.ErrNotPermitted) || !strings.Contains(err.Error(), nothingChanged) {
		t.Errorf("got %v", err)
	}
	w.wait(20 * 24 * time.Hour) // the publication ages, and cannot be renewed
	w.System = Open(w.dir, Options{Clock: w.clock})
	w.disk.Before = func(string, string) error { return syscall.EROFS }
	w.get(r.Object.Ref())
}

func TestStrayFilesAreLeftAlone(t *testing.T) {
	w, r := story(t)
	for _, name := range []string{"ledger/README", "ledger/acme/prod/etl/identity.json.orig",
		"ledger/acme/prod/etl/grant-UPPER.json", "ledger/revoked/notes.txt", "publish/README"} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte("not ours"), 0o600); err != nil &&
			!errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	w.restart()
	w.put(r.Object, update(r))
	w.put(grant(acme, "daily", "orders/*", 30, "read"))
	if w.read("publish/README") != "not ours" || w.read("ledger/README") != "not ours" {
		t.Error("a stray file was touched")
	}
}

func TestAFileThatIsMissingIsToldAndPublishedAgain(t *testing.T) {
	w, r := story(t)
	for _, name := range []string{"crl.pem", "policy/data.json", "ssh/principals/deploy"} {
		if err := os.Remove(filepath.Join(w.dir, "publish", name)); err != nil {
			t.Fatal(err)
		}
		w.restart()
		if drift := w.get(acme.Ref()).Drift; len(drift) != 1 ||
			!strings.Contains(drift[0], "publish/"+name+" is gone") {
			t.Errorf("it is told as %q", drift)
		}
		if w.read("publish/"+name) != "" {
			t.Errorf("a plan published %s", name)
		}
		w.put(identity(acme, 90), update(w.get(acme.Ref())))
		if w.read("publish/"+name) == "" {
			t.Errorf("%s is not back", name)
		}
		if drift := w.get(acme.Ref()).Drift; len(drift) != 0 {
			t.Errorf("healed, it is told as %q", drift)
		}
	}
	w.get(r.Object.Ref())
}

func TestOneThatFailsDoesNotFailTheOthers(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	w.disk.Before = func(operation, path string) error { // one object cannot be written, whoever is with it
		if operation == "create" && strings.Contains(path, "grant-bad") {
			return syscall.EIO
		}
		return nil
	}
	errs := make(chan error)
	for n := range 6 {
		go func() {
			name := fmt.Sprintf("good%d", n)
			if n == 3 {
				name = "bad"
			}
			_, err := w.try(grant(acme, name, "orders/*", 30, "read"))
			errs <- err
		}()
	}
	failed := 0
	for range 6 {
		if err := <-errs; err != nil {
			failed++
		}
	}
	if n := len(w.data().Identities[acme.String()].Grants); failed != 1 || n != 5 {
		t.Errorf("%d failed, %d are published", failed, n)
	}
}

func TestLostKeysAreNotReplacedInSilence(t *testing.T) {
	w, r := story(t)
	if err := os.RemoveAll(w.paths.keys()); err != nil {
		t.Fatal(err)
	}
	before := w.files("")
	w.restart()
	w.get(r.Object.Ref())
	for _, c := range []access.Object{grant(acme, "daily", "orders/*", 30, "read"), sshCertificate(acme, 80)} {
		_, err := w.try(c, issuing(access.IssueReplace))
		if !errors.Is(err, access.ErrUnavailable) || !strings.Contains(err.Error(), "keys are missing") {
			t.Errorf("got %v", err)
		}
	}
	same(t, before, w.files(""))
}

func TestAWrongPassphraseChangesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("a passphrase is meant to take long")
	}
	w := newWorld(t)
	w.System = Open(w.dir, Options{Clock: w.clock, Passphrase: "right"})
	w.put(identity(acme, 90))
	before := w.files("")
	w.System = Open(w.dir, Options{Clock: w.clock, Passphrase: "wrong"})
	w.get(acme.Ref())
	if _, err := w.try(grant(acme, "daily", "orders/*", 30, "read")); !errors.Is(err, access.ErrUnavailable) ||
		!strings.Contains(err.Error(), nothingChanged) {
		t.Errorf("got %v", err)
	}
	same(t, before, w.files(""))
}
