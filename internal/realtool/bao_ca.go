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
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// loopbackCA vouches for servers on loopback, for as long as a test may take.
type loopbackCA struct {
	pem, file   string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// newLoopbackCA makes a CA and writes its certificate to ca.pem.
func newLoopbackCA(t testing.TB, dir string) *loopbackCA {
	t.Helper()
	ca := &loopbackCA{}
	ca.certificate, ca.key = ca.sign(t, &x509.Certificate{
		Subject:               pkix.Name{CommonName: "loopback CA"},
		IsCA:                  true,
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
	})
	ca.pem = asPEM("CERTIFICATE", ca.certificate.Raw)
	ca.file = write(t, filepath.Join(dir, "ca.pem"), ca.pem)
	return ca
}

// sign issues a certificate for a new key and a day. A CA that has no certificate yet signs its own so.
func (ca *loopbackCA) sign(t testing.TB, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	parent, signer := ca.certificate, ca.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

// serverCertificate writes server.pem and server.key for a server on 127.0.0.1.
func (ca *loopbackCA) serverCertificate(t testing.TB, dir string) {
	t.Helper()
	certificate, key := ca.sign(t, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "server"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "server.pem"), asPEM("CERTIFICATE", certificate.Raw))
	write(t, filepath.Join(dir, "server.key"), asPEM("PRIVATE KEY", secret))
}

// client trusts the CA and nobody else, and leaves no connection open after the test.
func (ca *loopbackCA) client(t testing.TB) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(ca.certificate)
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 16,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Timeout: patience, Transport: transport}
}

func asPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
