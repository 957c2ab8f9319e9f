// SPDX-License-Identifier: MPL-2.0

// Package ca is the pair of authorities of the embedded system: an X.509 one (RFC 5280), which signs client
// certificates and revocation lists, and an OpenSSH one (PROTOCOL.certkeys, PROTOCOL.krl), which signs user
// certificates and writes key revocation lists.
//
// From what a partner hands in, it takes the public key and nothing else.
package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/keyfile"
)

// Authority signs what the embedded system issues. It holds its keys behind [crypto.Signer], so that a key that never
// leaves a KMS or a token can take their place. It may be used concurrently.
type Authority struct {
	certificate *x509.Certificate
	x509        crypto.Signer
	ssh         ssh.Signer
}

// Issued is what an authority signed.
type Issued struct {
	// Text is the PEM chain, leaf first and without the root, or the certificate as one line without its newline.
	Text string
	// Serial is 32 lower-case hexadecimal digits (X.509), or a decimal number (SSH).
	Serial string
	// Fingerprint is the SHA-256 of the DER certificate in lower-case hexadecimal digits (X.509), or SHA256:… of the
	// certified public key as ssh-keygen prints it (SSH).
	Fingerprint string
}

// Open loads the keys in a directory, or creates them where there are none. With a passphrase they are kept encrypted,
// and plain keys found there are encrypted in place. The caller holds the lock of the directory above. The clock tells
// when an authority begins that is created now.
func Open(keysDir, passphrase string, clock access.Clock) (*Authority, error) {
	a, err := open(keysDir, passphrase, clock)
	if err != nil {
		return nil, fmt.Errorf("open the authority: %w", err)
	}
	return a, nil
}

// open does what Open does, without what its errors begin with.
func open(keysDir, passphrase string, clock access.Clock) (*Authority, error) {
	x509Key, err := keyfile.Load(filepath.Join(keysDir, "x509.key"), passphrase, newECDSA)
	if err != nil {
		return nil, err
	}
	sshKey, err := keyfile.Load(filepath.Join(keysDir, "ssh.key"), passphrase, newEd25519)
	if err != nil {
		return nil, err
	}
	certificate, err := loadCertificate(filepath.Join(keysDir, "x509.pem"), x509Key, clock)
	if err != nil {
		return nil, err
	}
	sshSigner, err := ssh.NewSignerFromSigner(sshKey)
	if err != nil {
		return nil, err
	}
	return &Authority{certificate: certificate, x509: x509Key, ssh: sshSigner}, nil
}

func newECDSA() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func newEd25519() (crypto.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

// CertificatePEM returns the certificate of the X.509 authority.
func (a *Authority) CertificatePEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// SSHPublicKey returns the public key of the SSH authority, as a line for sshd's TrustedUserCAKeys.
func (a *Authority) SSHPublicKey() []byte { return ssh.MarshalAuthorizedKey(a.ssh.PublicKey()) }

// keyID returns a key identifier by method 1 of RFC 7093: the leftmost 160 bits of the SHA-256 of
// the subject public key.
func keyID(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	bits, err := subjectPublicKey(der)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(bits)
	return sum[:20], nil
}

// newSerial returns a random serial number of 128 bits whose first octet is not zero, so that every tool writes it as
// the same 32 digits. RFC 5280, 4.1.2.2 allows 20 octets; a set top bit costs a 17th.
func newSerial() (*big.Int, error) {
	octets := make([]byte, 16)
	for octets[0] == 0 {
		if _, err := rand.Read(octets); err != nil {
			return nil, err
		}
	}
	return new(big.Int).SetBytes(octets), nil
}
