// SPDX-License-Identifier: MPL-2.0

package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

var (
	orders = access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders-etl"}
	// longest is the longest id that there can be: 191 characters.
	longest = access.IdentityID{
		Partner:     strings.Repeat("p", 63),
		Environment: strings.Repeat("e", 63),
		Name:        strings.Repeat("n", 63),
	}
	// now is the real time: ssh-keygen and sshd have no other.
	now = time.Now().UTC().Truncate(time.Second)
)

func authority(t *testing.T) *Authority {
	t.Helper()
	a, err := Open(filepath.Join(t.TempDir(), "keys"), "", access.WallClock)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func request(t *testing.T, key crypto.Signer, template *x509.CertificateRequest) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0") // partners' old keys have to be made before they can be refused
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func edKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sshLine(t *testing.T, key crypto.Signer) string {
	t.Helper()
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(public))
}

// leaf signs a certificate for a day and parses it back.
func leaf(t *testing.T, a *Authority, id access.IdentityID) (Issued, *x509.Certificate) {
	t.Helper()
	issued, err := a.SignX509(X509Request{
		CSR: request(t, ecKey(t, elliptic.P256()), &x509.CertificateRequest{}), Identity: id, NotBefore: now,
		NotAfter: now.Add(24 * time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	return issued, parse(t, issued.Text)
}

func parse(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func write(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run is what a program prints, and whether it is content.
func run(t *testing.T, program string, args ...string) (string, bool) {
	t.Helper()
	out, err := exec.Command(realtool.Find(t, program), args...).CombinedOutput()
	return string(out), err == nil
}

func mustRun(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, ok := run(t, program, args...)
	if !ok {
		t.Fatalf("%s %s: %s", program, strings.Join(args, " "), out)
	}
	return out
}

// explained are the findings of zlint that stay, each with its reason.
var explained = map[string]string{
	"w_distribution_point_missing_ldap_or_uri": "nothing is fetched: it ties a certificate to " +
		"the lists that cut.sh adds",
	"w_root_ca_basic_constraints_path_len_constraint_field_present": "for public roots only: ours signs leaves and " +
		"nothing else",
	"e_crl_revocation_time_after_this_update": "a list begins earlier than it is made, for " +
		"gateways whose clocks are late, and says when it revoked",
}

// lint fails the test at every error and warning of zlint that nobody explained.
func lint(t *testing.T, text []byte) {
	t.Helper()
	out := mustRun(t, "zlint", write(t, "certificate.pem", text))
	var results map[string]struct{ Result, Details string }
	if err := json.Unmarshal([]byte(out), &results); err != nil {
		t.Fatalf("zlint said %q: %v", out, err)
	}
	if len(results) < 15 {
		t.Fatalf("zlint ran %d lints only", len(results))
	}
	for name, r := range results {
		switch r.Result {
		case "error", "fatal", "warn":
			if explained[name] == "" {
				t.Errorf("zlint: %s that nobody explained: %s %s", r.Result, name, r.Details)
			}
		}
	}
}
