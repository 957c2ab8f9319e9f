// SPDX-License-Identifier: MPL-2.0

package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// X509Request asks for a client certificate of an identity.
type X509Request struct {
	// CSR is the partner's PKCS #10 request in PEM, from which only the public key is taken.
	CSR string
	// Identity is who the certificate is of.
	Identity access.IdentityID
	// NotBefore and NotAfter are when it begins and ends, to the second.
	NotBefore, NotAfter time.Time
}

// SignX509 signs a client certificate (RFC 5280). The identity is in it twice: whole as the URI partner:IDENTITY of the
// subject alternative name, and as the common name, see [access.IdentityID.CommonName].
func (a *Authority) SignX509(r X509Request) (Issued, error) {
	issued, err := a.signX509(r)
	if err != nil {
		return Issued{}, fmt.Errorf("sign a certificate for %s: %w", r.Identity, err)
	}
	return issued, nil
}

func (a *Authority) signX509(r X509Request) (Issued, error) {
	public, err := requestedKey(r.CSR)
	if err != nil {
		return Issued{}, err
	}
	begin, end, err := period(r.NotBefore, r.NotAfter)
	if err != nil {
		return Issued{}, err
	}
	if end.After(a.certificate.NotAfter) {
		return Issued{}, fmt.Errorf("it would end at %s, after the authority itself at %s", moment(end),
			moment(a.certificate.NotAfter))
	}
	id, err := keyID(public)
	if err != nil {
		return Issued{}, err
	}
	serial, err := newSerial()
	if err != nil {
		return Issued{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: r.Identity.CommonName()},
		NotBefore:    begin,
		NotAfter:     end,
		// all that goes with clientAuth (RFC 5280, 4.2.1.12), RSA too
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		SubjectKeyId:          id,
		URIs:                  []*url.URL{{Scheme: "partner", Opaque: r.Identity.String()}},
		CRLDistributionPoints: []string{distributionPoint(r.Identity)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.x509)
	if err != nil {
		return Issued{}, err
	}
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	sum := sha256.Sum256(der)
	return Issued{
		Text:        material.Chain(string(leaf), string(a.CertificatePEM())),
		Serial:      fmt.Sprintf("%032x", serial),
		Fingerprint: hex.EncodeToString(sum[:]),
	}, nil
}

// CheckRequest returns an error where SignX509 would not sign for a request.
func CheckRequest(csr string) error {
	_, err := requestedKey(csr)
	return err
}

// requestedKey returns the public key of a request that its private key has signed.
func requestedKey(text string) (crypto.PublicKey, error) {
	request, err := material.ParseRequest(text)
	if err != nil {
		return nil, err
	}
	return request.PublicKey, checkKey(request.PublicKey)
}

// minRSABits is what OpenSSL and OpenSSH take at least (SSH_RSA_MINIMUM_MODULUS_SIZE).
const minRSABits = 1024

// checkKey refuses keys that no certificate is made for, and those that no gateway would take. Whether a key is too
// weak is for a rule to say, which a waiver can set aside.
func checkKey(public crypto.PublicKey) error {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSABits {
			return fmt.Errorf("the RSA key has %d bits, which no gateway takes: use 3072 or more", k.N.BitLen())
		}
		return nil
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return nil
	}
	return errors.New("the kind of key is not supported: use ECDSA, Ed25519 or RSA")
}

// period returns a certificate's period to the second, never longer than asked.
func period(notBefore, notAfter time.Time) (begin, end time.Time, err error) {
	begin, end = notBefore.UTC().Truncate(time.Second), notAfter.UTC().Truncate(time.Second)
	if begin.Unix() < 0 {
		return begin, end, fmt.Errorf("it would begin at %s, before there were certificates", moment(begin))
	}
	if !begin.Before(end) {
		return begin, end, fmt.Errorf("it would end at %s, not after its beginning at %s", moment(end), moment(begin))
	}
	return begin, end, nil
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// subjectPublicKey returns the BIT STRING of a SubjectPublicKeyInfo (RFC 5280, 4.1).
func subjectPublicKey(der []byte) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, err
	}
	return info.Key.Bytes, nil
}
