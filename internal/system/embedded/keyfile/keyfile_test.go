// SPDX-License-Identifier: MPL-2.0

package keyfile

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

func fresh() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func none() (crypto.Signer, error) { return nil, errors.New("no new key wanted") }

func mustLoad(t *testing.T, path, passphrase string, create func() (crypto.Signer, error)) *ecdsa.PrivateKey {
	t.Helper()
	key, err := Load(path, passphrase, create)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*ecdsa.PrivateKey)
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestKeyIsKeptInAPrivateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "k.pem")
	key := mustLoad(t, path, "", fresh)
	if !key.Equal(mustLoad(t, path, "", none)) {
		t.Error("another key")
	}
	if !bytes.HasPrefix(content(t, path), []byte("-----BEGIN PRIVATE KEY-----\n")) {
		t.Error("no PKCS #8 in PEM")
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir} {
		if info, err := os.Stat(name); err != nil || (runtime.GOOS != "windows" && info.Mode() != want) {
			t.Errorf("%s has mode %v, want %v (%v)", name, info.Mode(), want, err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestPassphraseEncryptsTheKeyThatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.pem")
	key := mustLoad(t, path, "", fresh)
	clear := content(t, path)
	leftover := filepath.Join(filepath.Dir(path), ".k.pem-1") // of a process that was killed
	if err := os.WriteFile(leftover, clear, 0o600); err != nil {
		t.Fatal(err)
	}
	if !key.Equal(mustLoad(t, path, "correct horse", none)) {
		t.Fatal("another key")
	}
	if _, err := os.Stat(leftover); !errors.Is(err, os.ErrNotExist) {
		t.Error("the key survives in the clear in a temporary file")
	}
	text := content(t, path)
	if bytes.Contains(text, bytes.Split(clear, []byte("\n"))[1]) || !Encrypted(text) {
		t.Error("the key is still in the clear")
	}
	if info, err := os.Stat(path); err != nil || (runtime.GOOS != "windows" && info.Mode() != 0o600) {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if !key.Equal(mustLoad(t, path, "correct horse", none)) {
		t.Error("another key after encryption")
	}
	if !bytes.Equal(content(t, path), text) {
		t.Error("an encrypted file was written again")
	}
	wants(t, path, "", "set PARTNER_PASSPHRASE")
	wants(t, path, "battery staple", "the passphrase is wrong")
}

func TestNewKeyIsEncryptedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.pem")
	key := mustLoad(t, path, "correct horse", fresh)
	if !Encrypted(content(t, path)) || !key.Equal(mustLoad(t, path, "correct horse", none)) {
		t.Error("not encrypted, or another key")
	}
}

func TestBrokenFileIsAnErrorAndStays(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         "",
		"no PEM":        "hello",
		"another block": "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
		"no key":        "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
		"cut short":     "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3Yx\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "k.pem")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			wants(t, path, "correct horse", path)
			if string(content(t, path)) != text {
				t.Error("it was overwritten")
			}
		})
	}
}

func wants(t *testing.T, path, passphrase, text string) {
	t.Helper()
	_, err := Load(path, passphrase, none)
	if err == nil ||
		!strings.Contains(err.Error(), text) ||
		strings.Contains(err.Error(), "c2VjcmV0") {
		t.Errorf("got %v, want an error with %q", err, text)
	}
}

func TestAllProcessesGetOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.pem")
	keys := make([]crypto.Signer, 16)
	errs := make([]error, len(keys))
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() { keys[i], errs[i] = Load(path, "", fresh) })
	}
	group.Wait()
	for i := range keys {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if !keys[0].(*ecdsa.PrivateKey).Equal(keys[i]) {
			t.Fatal("two keys")
		}
	}
}

func TestKeyThatCannotBeWrittenIsNotUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if key, err := Load(filepath.Join(file, "k.pem"), "", fresh); err == nil {
		t.Errorf("got %T", key)
	}
}

// The documented way back, without us: openssl reads what age opens.
func TestOthersReadTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k.pem")
	mustLoad(t, path, "", fresh)
	if out, err := exec.Command(realtool.Find(t, "openssl"), "pkey", "-in", path, "-noout",
		"-check").CombinedOutput(); err != nil {
		t.Errorf("openssl: %v\n%s", err, out)
	}
}
