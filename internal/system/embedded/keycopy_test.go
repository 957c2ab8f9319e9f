// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// keyed is a world with a passphrase, or without one.
func keyed(t *testing.T, passphrase string) *world {
	t.Helper()
	w := newWorld(t)
	w.opened(passphrase)
	for _, id := range []access.IdentityID{acme, globex} {
		w.put(identity(id, 90))
		w.put(certificate(id, 80))
		w.put(grant(id, "daily", id.Partner+"/orders/*", 80, "read"))
	}
	return w
}

// opened is a new process with a passphrase.
func (w *world) opened(passphrase string) {
	w.System = Open(w.dir, Options{Clock: w.clock, Environment: "prod", Passphrase: passphrase})
	w.disk.Unsynced = true
}

// foreignKey is a whole key that no gateway trusts.
func foreignKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// healed are what the system noted since it was asked last.
func (w *world) healedNotes() string {
	found, _ := w.Notes()
	text := ""
	for _, h := range found {
		text += h.What + "\n"
	}
	return text
}

// A damaged signing key stopped every change of everybody, also the removals; a lost SSH key was replaced in silence by
// one that no gateway trusts.
func TestADamagedKeyBlocksNobody(t *testing.T) {
	t.Parallel()
	passphrases := []string{"", "correct horse"}
	if testing.Short() {
		passphrases = passphrases[:1] // each key derivation is slow by design
	}
	for _, passphrase := range passphrases {
		w := keyed(t, passphrase)
		kept := w.contents()
		for _, name := range keyFiles {
			foreign := foreignKey(t)
			for how, damage := range map[string]func(string) string{
				"emptied": func(string) string { return "" },
				"cut off": func(text string) string { return text[:len(text)/2] },
				"flipped": func(text string) string { return text[:len(text)-60] + "!" + text[len(text)-59:] },
				"foreign": func(string) string { return foreign },
				"gone":    nil,
			} {
				for _, at := range []string{"keys/" + name, "keys/copy/" + name} {
					if slow := passphrase != ""; slow &&
						((at != "keys/"+signingKey && at != "keys/"+sshKey) || (how != "cut off" && how != "foreign")) {
						continue
					}
					w.fill(kept)
					if damage == nil {
						if err := os.Remove(filepath.Join(w.dir, at)); err != nil {
							t.Fatal(err)
						}
					} else {
						w.write(at, damage(kept[at]))
					}
					w.opened(passphrase)
					when := fmt.Sprintf("%s, %s, passphrase %q", at, how, passphrase)
					if said := w.told(acme); !strings.Contains(said, "keys/"+name) {
						t.Errorf("%s: it is told as %q", when, said)
					}
					if _, err := w.Delete(w.ctx(), globex.Ref(), w.get(globex.Ref()).UID); err != nil {
						t.Errorf("%s: globex cannot leave: %v", when, err)
						continue
					}
					if said := w.healedNotes(); !strings.Contains(said, at) {
						t.Errorf("%s: the journal is told %q", when, said)
					}
					for _, of := range keyFiles {
						if now := w.read("keys/" + of); now != w.read("keys/copy/"+of) ||
							(passphrase == "" && now != kept["keys/"+of]) {
							t.Errorf("%s: %s is not as it was", when, of)
						}
					}
					for _, public := range []string{"publish/ca.pem", "publish/ssh/ca.pub", "publish/policy/key.pem"} {
						if w.read(public) != kept[public] {
							t.Errorf("%s: gateways are told of another key in %s", when, public)
						}
					}
					w.opened(passphrase)
					if said := w.told(acme); said != "" {
						t.Errorf("%s: afterwards it is told as %q", when, said)
					}
				}
			}
		}
	}
}

// Where both are lost, nothing takes their place, and the error says how to go on.
func TestAKeyThatIsLostWithItsCopyIsNeverReplaced(t *testing.T) {
	t.Parallel()
	w := keyed(t, "")
	kept := w.contents()
	for _, name := range []string{x509Key, sshKey, signingKey} {
		for _, copies := range []bool{true, false} { // a directory from before there were copies has none
			w.fill(kept)
			lost := []string{w.paths.key(name), w.paths.keyCopy(name)}
			if !copies {
				lost[1] = w.paths.keyCopy("")
			}
			for _, path := range lost {
				if err := os.RemoveAll(path); err != nil {
					t.Fatal(err)
				}
			}
			w.restart()
			_, err := w.Delete(w.ctx(), globex.Ref(), w.get(globex.Ref()).UID)
			if !errors.Is(err, access.ErrUnavailable) ||
				!strings.Contains(err.Error(), w.paths.key(name)) ||
				!strings.Contains(err.Error(), "keys/copy/"+name) ||
				!strings.Contains(err.Error(), "from a backup") || !strings.Contains(err.Error(), cutName) {
				t.Errorf("%s: %v", name, err)
			}
			if w.read("keys/"+name) != "" {
				t.Errorf("%s was made anew", name)
			}
			w.write("keys/"+name, kept["keys/"+name]) // from a backup
			if _, err := w.Delete(w.ctx(), globex.Ref(), w.get(globex.Ref()).UID); err != nil {
				t.Errorf("%s is restored: %v", name, err)
			}
		}
	}
}

// A passphrase that is set later encrypts the copies as well, and what is put back of the keys undoes it for nobody.
func TestAPassphraseEncryptsTheCopiesToo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it derives some thirty keys, each slow by design")
	}
	w := keyed(t, "")
	clear := w.contents()
	more := 0
	change := func() error {
		more++
		_, err := w.try(grant(acme, fmt.Sprint("more-", more), fmt.Sprintf("acme/more-%d/*", more), 30, "read"))
		return err
	}
	encrypted := func(when string) {
		t.Helper()
		err := filepath.WalkDir(w.paths.keys(), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()]; info.Mode().Perm() != want {
				t.Errorf("%s: %s has the mode %v", when, path, info.Mode())
			}
			if text, _ := os.ReadFile(path); bytes.Contains(text, []byte("PRIVATE KEY")) {
				t.Errorf("%s: %s is in the clear", when, path)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	w.opened("correct horse")
	if err := change(); err != nil {
		t.Fatal(err)
	}
	encrypted("set later")
	right := w.contents()
	for _, name := range []string{x509Key, sshKey, signingKey} {
		for _, at := range []string{"keys/" + name, "keys/copy/" + name} {
			w.write(at, clear["keys/"+name])
			w.opened("correct horse")
			if err := change(); err != nil {
				t.Errorf("%s from before the passphrase: %v", at, err)
			}
			encrypted(at + " from before the passphrase")
		}
	}
	w.write("keys/copy/"+sshKey, clear["keys/"+sshKey])
	w.opened("")
	if err := change(); err == nil ||
		!strings.Contains(err.Error(), "PARTNER_PASSPHRASE") ||
		w.read("keys/"+sshKey) == clear["keys/"+sshKey] {
		t.Errorf("a copy in the clear was taken where no passphrase is set: %v", err)
	}
	// Back to another passphrase.
	w.fill(clear)
	w.opened("another")
	if err := change(); err != nil {
		t.Fatal(err)
	}
	old := w.contents()
	w.fill(right)
	w.write("keys/"+signingKey, old["keys/"+signingKey])
	w.write("keys/"+x509Key, old["keys/"+x509Key])
	w.opened("correct horse")
	if err := change(); err != nil {
		t.Errorf("keys from before the passphrase was changed: %v", err)
	}
	w.opened("another")
	if err := change(); err == nil {
		t.Error("the old passphrase opens them")
	}
}

// A restored backup, or somebody in a hurry, left a private key that everybody on the machine could
// read, and nobody was told.
func TestAPrivateKeyThatOthersMayReadIsToldAndClosed(t *testing.T) {
	t.Parallel()
	w := keyed(t, "")
	for _, at := range []string{"keys/" + signingKey, "keys/copy/" + sshKey} {
		path := filepath.Join(w.dir, at)
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		w.opened("")
		if said := w.told(acme); !strings.Contains(said, at+" can be read or changed by anybody") {
			t.Errorf("%s: it is told as %q", at, said)
		}
		w.put(grant(acme, "daily", "acme/orders/*", 79, "read"))
		if said := w.healedNotes(); !strings.Contains(said, at+" could be read or changed by anybody") {
			t.Errorf("%s: the journal is told %q", at, said)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != privateFile {
			t.Errorf("%s: its mode is %v, %v", at, info.Mode(), err)
		}
		if said := w.told(acme); said != "" {
			t.Errorf("%s: afterwards is told %q", at, said)
		}
	}
	// A group that the directory was given to on purpose is none of our business.
	if err := os.Chmod(filepath.Join(w.dir, "keys", signingKey), 0o640); err != nil {
		t.Fatal(err)
	}
	if said := w.told(acme); said != "" {
		t.Errorf("of a group is told %q", said)
	}
}
