// SPDX-License-Identifier: MPL-2.0

package ca

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			if info.Mode().Perm() != 0o700 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			return nil
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		text, err := os.ReadFile(path)
		files[d.Name()] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func same(a, b *Authority) bool {
	return bytes.Equal(a.CertificatePEM(), b.CertificatePEM()) && bytes.Equal(a.SSHPublicKey(), b.SSHPublicKey())
}

func TestKeysStayWithTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	first, err := Open(dir, "", access.WallClock)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Open(dir, "", access.WallClock)
	if err != nil || !same(first, second) {
		t.Fatalf("another authority was opened: %v", err)
	}
	contents(t, dir)
	other, err := Open(filepath.Join(t.TempDir(), "keys"), "", access.WallClock)
	if err != nil || same(first, other) {
		t.Fatalf("two directories share an authority: %v", err)
	}
}

func TestPassphraseEncryptsAlsoWhatWasPlain(t *testing.T) {
	if testing.Short() {
		t.Skip("a passphrase is meant to take long")
	}
	dir := filepath.Join(t.TempDir(), "keys")
	plain, err := Open(dir, "", access.WallClock)
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := Open(dir, "correct horse", access.WallClock)
	if err != nil || !same(plain, encrypted) {
		t.Fatalf("encrypting made another authority: %v", err)
	}
	for name, text := range contents(t, dir) {
		if strings.Contains(text, "PRIVATE KEY") ||
			(strings.HasSuffix(name, ".key") && !strings.HasPrefix(text, "-----BEGIN AGE ENCRYPTED FILE-----")) {
			t.Errorf("%s is not encrypted", name)
		}
	}
	if _, err := Open(dir, "", access.WallClock); err == nil ||
		(!strings.Contains(err.Error(), "passphrase") && !strings.Contains(err.Error(), "PASSPHRASE")) {
		t.Errorf("without passphrase: %v", err)
	}
	if _, err := Open(dir, "wrong horse", access.WallClock); err == nil ||
		strings.Contains(err.Error(), "wrong horse") ||
		strings.Contains(err.Error(), "correct horse") {
		t.Errorf("with a wrong one: %v", err)
	} else {
		t.Log(err)
	}
	again, err := Open(dir, "correct horse", access.WallClock)
	if err != nil || !same(plain, again) {
		t.Errorf("with the right one: %v", err)
	}
}

func TestALostCertificateIsMadeAgainAndServesWhatWasSigned(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	a, err := Open(dir, "", access.WallClock)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := a.SignX509(X509Request{
		CSR:       request(t, ecKey(t, elliptic.P256()), &x509.CertificateRequest{}),
		Identity:  orders,
		NotBefore: now,
		NotAfter:  now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "x509.pem")); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir, "", access.WallClock)
	if err != nil || same(a, again) {
		t.Fatalf("no new certificate: %v", err)
	}
	mustRun(t, "openssl", "verify", "-CAfile", write(t, "ca.pem", again.CertificatePEM()),
		write(t, "leaf.pem", []byte(issued.Text)))
}

func TestDamagedKeysAreNeverReplaced(t *testing.T) {
	foreign := filepath.Join(t.TempDir(), "keys")
	if _, err := Open(foreign, "", access.WallClock); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"x509.key": "", "ssh.key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"x509.pem": contents(t, foreign)["x509.pem"],
	} {
		dir := filepath.Join(t.TempDir(), "keys")
		if _, err := Open(dir, "", access.WallClock); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, "", access.WallClock); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("damaged %s: %v", name, err)
		}
		if contents(t, dir)[name] != text {
			t.Errorf("damaged %s was replaced", name)
		}
	}
}

func TestTheClockOfTheSystemSaysWhenAnAuthorityBegins(t *testing.T) {
	begin := time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)
	a, err := Open(filepath.Join(t.TempDir(), "keys"), "", func() time.Time { return begin })
	if err != nil {
		t.Fatal(err)
	}
	if c := parse(t, string(a.CertificatePEM())); c.NotBefore.After(begin) ||
		c.NotAfter.Sub(begin) < 9*365*24*time.Hour ||
		!c.IsCA ||
		c.MaxPathLen != 0 ||
		!c.MaxPathLenZero {
		t.Errorf("from %s to %s", c.NotBefore, c.NotAfter)
	}
}
