// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// partner is what a partner hands in, and keeps: two of each, so that one can be replaced.
type partner struct {
	tls  [2]crypto.Signer
	csr  [2]string
	ssh  [2]crypto.Signer
	line [2]string
}

// newPartner returns a partner with two keys of each sort, since some cases need another one.
func newPartner(t *testing.T) *partner {
	t.Helper()
	p := &partner{}
	for i := range 2 {
		tls, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		fatal(t, err)
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, tls)
		fatal(t, err)
		_, login, err := ed25519.GenerateKey(rand.Reader)
		fatal(t, err)
		public, err := ssh.NewPublicKey(login.Public())
		fatal(t, err)
		p.tls[i], p.csr[i] = tls, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
		p.ssh[i], p.line[i] = login, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
	}
	return p
}

// fatal ends a test for an error that is none of the system's.
func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
