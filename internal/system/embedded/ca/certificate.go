// SPDX-License-Identifier: MPL-2.0

package ca

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/durable"
)

// life is how long the X.509 authority itself is valid: far longer than any access that it signs may last.
const life = 10 * 365 * 24 * time.Hour

// loadCertificate returns the authority's own certificate. Where there is none, which is so at first and after a crash
// in between, the key gets a new one: certificates signed before are verified by it too, since they name the key.
func loadCertificate(path string, key crypto.Signer, clock access.Clock) (*x509.Certificate, error) {
	text, err := durable.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return addCertificate(path, key, clock())
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s is not a certificate in PEM", path)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	public, ok := certificate.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(key.Public()) {
		return nil, fmt.Errorf("%s belongs to another key than the one beside it", path)
	}
	return certificate, nil
}

// addCertificate makes the certificate of a key and puts it in place, whole or not at all.
func addCertificate(path string, key crypto.Signer, now time.Time) (*x509.Certificate, error) {
	certificate, err := selfSign(key, now)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	disk := durable.Disk{}
	if err := disk.Replace(path, filepath.Join(filepath.Dir(path), ".certificate-"+rand.Text()), text, 0o600,
		nil); err != nil {
		return nil, err
	}
	return certificate, disk.Sync(filepath.Dir(path))
}

// selfSign makes the certificate of the X.509 authority. It begins a day early, for gateways whose clocks are behind.
// It is named by its key: two authorities of one name would be confused by verifiers that choose by name. Authorities
// must name a country and an organization, and XX is the country of those that have none (CA/Browser Forum Baseline
// Requirements, 7.1.2.10.2 and 7.1.4.2).
func selfSign(key crypto.Signer, now time.Time) (*x509.Certificate, error) {
	id, err := keyID(key.Public())
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	begin := now.UTC().Truncate(time.Second).Add(-24 * time.Hour)
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject: pkix.Name{
			Country:      []string{"XX"},
			Organization: []string{"Partner access"},
			CommonName:   fmt.Sprintf("Partner access %x", id[:8]),
		},
		NotBefore:             begin,
		NotAfter:              begin.Add(life),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
		SubjectKeyId:          id,
		AuthorityKeyId:        id,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
