// SPDX-License-Identifier: MPL-2.0

package material

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// testAuthority is a certificate with its key.
type testAuthority struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

func (a *testAuthority) text() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Raw}))
}

// signs makes a certificate of that name, signed by a; by itself if a is nil.
func (a *testAuthority) signs(t *testing.T, name string) *testAuthority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:  x509.KeyUsageCertSign,
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
	}
	if a == nil {
		a = &testAuthority{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &testAuthority{made, key}
}

func TestAChainHasWhatAVerifierLacks(t *testing.T) {
	root := (*testAuthority)(nil).signs(t, "root")
	sub := root.signs(t, "sub")
	leaf := sub.signs(t, "leaf")
	crossed := (*testAuthority)(nil).signs(t, "other").signs(t, "root") // of a root's name, signed by another
	for name, c := range map[string]struct{ authorities, want string }{
		"a root alone":                 {root.text(), leaf.text()},
		"an intermediate":              {sub.text(), leaf.text() + sub.text()},
		"an intermediate and its root": {sub.text() + "\n" + root.text(), leaf.text() + sub.text()},
		"a root that another one signed as well": {sub.text() + crossed.text(),
			leaf.text() + sub.text() + crossed.text()},
		"nothing": {"", leaf.text()},
	} {
		if got := Chain("\n"+leaf.text()+"\n\n", c.authorities); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}
