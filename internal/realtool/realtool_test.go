// SPDX-License-Identifier: MPL-2.0

package realtool

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNginxRefusesARevokedCertificateAfterReload(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real nginx")
	}
	dir := t.TempDir()
	ca := newCA(t)
	partner := ca.issue(t, 7)
	write(t, filepath.Join(dir, "ca.pem"), ca.pem())
	write(t, filepath.Join(dir, "crl.pem"), ca.crl(t))
	nginx := StartNginx(t, NginxConf{ClientCA: filepath.Join(dir, "ca.pem"), CRL: filepath.Join(dir, "crl.pem")})

	if status, body := nginx.Get(t, partner); status != 200 || body != "CN=partner 7" {
		t.Errorf("with a certificate of the CA: %d %s, want 200 CN=partner 7", status, body)
	}
	if status, _ := nginx.Get(t, nil); status != 400 {
		t.Errorf("without a certificate: %d, want 400", status)
	}
	if status, _ := nginx.Get(t, newCA(t).issue(t, 7)); status != 400 {
		t.Errorf("with a certificate of another CA: %d, want 400", status)
	}

	write(t, filepath.Join(dir, "crl.pem"), ca.crl(t, 7))
	if status, _ := nginx.Get(t, partner); status != 200 {
		t.Errorf("revoked, before the reload: %d, want 200", status)
	}
	nginx.Reload(t)
	if status, _ := nginx.Get(t, partner); status != 400 {
		t.Errorf("revoked, after the reload: %d, want 400", status)
	}
	if status, _ := nginx.Get(t, ca.issue(t, 8)); status != 200 {
		t.Errorf("another partner, after the reload: %d, want 200", status)
	}
}

func TestSSHDAdmitsWhomThePrincipalsFileNames(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real sshd")
	}
	dir := t.TempDir()
	ca, key := sshKey(t, dir, "ca"), sshKey(t, dir, "partner")
	certificate := sshCertificate(t, ca, key, "acme/prod/orders-etl")
	server := StartSSHD(t, SSHDConf{
		TrustedUserCAKeys:        ca + ".pub",
		AuthorizedPrincipalsFile: filepath.Join(dir, "principals-%u"),
		Logins:                   []string{"deploy", "backup"},
	})
	line := func(end time.Time) string {
		return fmt.Sprintf("restrict,expiry-time=%q acme/prod/orders-etl\n", end.UTC().Format("20060102150405Z"))
	}
	for _, login := range []string{"deploy", "backup"} {
		file := filepath.Join(dir, "principals-"+login)
		if out, err := server.Run(t, login, key, certificate, "echo in"); err == nil {
			t.Errorf("%s without a principals file: got in: %s", login, out)
		}
		write(t, file, line(time.Now().Add(time.Hour)))
		if out, err := server.Run(t, login, key, certificate, "echo $USER"); err != nil || out != login+"\n" {
			t.Errorf("%s with a line that has not ended: %q, %v", login, out, err)
		}
		write(t, file, line(time.Now().Add(-time.Minute)))
		if out, err := server.Run(t, login, key, certificate, "echo in"); err == nil {
			t.Errorf("%s with a line that has ended: got in: %s", login, out)
		}
	}
	write(t, filepath.Join(dir, "principals-root"), line(time.Now().Add(time.Hour)))
	if out, err := server.Run(t, "root", key, certificate, "echo in"); err == nil {
		t.Errorf("a login that the server does not have: got in: %s", out)
	}
}

func TestSSHDRefusesARevokedCertificate(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real sshd")
	}
	dir := t.TempDir()
	ca, key := sshKey(t, dir, "ca"), sshKey(t, dir, "partner")
	certificate := sshCertificate(t, ca, key, "acme")
	revoked := filepath.Join(dir, "revoked_keys")
	keygen(t, "-k", "-f", revoked)
	write(t, filepath.Join(dir, "principals"), "acme\n")
	server := StartSSHD(t, SSHDConf{
		TrustedUserCAKeys:        ca + ".pub",
		RevokedKeys:              revoked,
		AuthorizedPrincipalsFile: filepath.Join(dir, "principals"),
		Logins:                   []string{"deploy"},
	})
	if out, err := server.Run(t, "deploy", key, certificate, "echo in"); err != nil || out != "in\n" {
		t.Errorf("before the revocation: %q, %v", out, err)
	}
	keygen(t, "-k", "-f", revoked, certificate)
	if out, err := server.Run(t, "deploy", key, certificate, "echo in"); err == nil {
		t.Errorf("after the revocation: got in: %s", out)
	}
}

func keygen(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(Find(t, "ssh-keygen"),
		append([]string{"-q"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func sshKey(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	keygen(t, "-t", "ed25519", "-N", "", "-f", path)
	return path
}

func sshCertificate(t *testing.T, ca, key, principal string) string {
	t.Helper()
	keygen(t, "-s", ca, "-I", principal, "-n", principal, "-V", "+1h", key+".pub")
	return key + "-cert.pub"
}

type testCA struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newCA(t *testing.T) testCA {
	t.Helper()
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, &x509.Certificate{Subject: pkix.Name{CommonName: "test CA"}}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return testCA{certificate, key}
}

func (ca testCA) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.certificate.Raw}))
}

func (ca testCA) issue(t *testing.T, serial int64) *tls.Certificate {
	t.Helper()
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: fmt.Sprintf("partner %d", serial)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca.certificate, key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (ca testCA) crl(t *testing.T, serials ...int64) string {
	t.Helper()
	list := &x509.RevocationList{
		Number:     big.NewInt(time.Now().UnixNano()),
		ThisUpdate: time.Now().Add(-time.Minute),
		NextUpdate: time.Now().Add(time.Hour),
	}
	for _, serial := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: time.Now().Add(-time.Minute)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, ca.certificate, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
}

func TestAMissingProgramSkipsButNotInCI(t *testing.T) {
	for ci, want := range map[string]string{"": "skip", "true": "fatal"} {
		t.Setenv("CI", ci)
		double := &recorder{TB: t}
		Find(double, "no-such-program-anywhere")
		if len(double.ended) == 0 || double.ended[0] != want {
			t.Errorf("CI=%q: %v, want %s first", ci, double.ended, want)
		}
	}
}

func TestFindPrefersThisRepositorysProgram(t *testing.T) {
	root := t.TempDir()
	bin := filepath.Join(root, ".tools", "bin")
	for _, dir := range []string{bin, filepath.Join(root, "a", "b")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(root, "go.mod"), "module example\n")
	own := write(t, filepath.Join(bin, "go"), "")
	if err := os.Chmod(own, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(root, "a", "b"))
	if got := Find(t, "go"); got != own {
		t.Errorf("got %s, want %s", got, own)
	}
	if err := os.Remove(own); err != nil {
		t.Fatal(err)
	}
	if got, err := exec.LookPath("go"); err != nil || Find(t, "go") != got {
		t.Errorf("got %s, want %s of the PATH (%v)", Find(t, "go"), got, err)
	}
}

// recorder notes what would have ended a test, and goes on.
type recorder struct {
	testing.TB
	ended []string
}

func (r *recorder) Helper()      {}
func (r *recorder) Skip(...any)  { r.ended = append(r.ended, "skip") }
func (r *recorder) Fatal(...any) { r.ended = append(r.ended, "fatal") }

// Two servers were told to listen on one port: the one that came too late was believed to be ready, and two tests
// asked the same server.
func TestNoTwoTestsAreGivenOneAddress(t *testing.T) {
	t.Parallel()
	given := map[string]bool{}
	for range 500 {
		addr := freeAddr(t)
		if given[addr] {
			t.Fatalf("%s is given twice", addr)
		}
		given[addr] = true
	}
}
