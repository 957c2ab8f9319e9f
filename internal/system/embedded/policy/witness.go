// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"

	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/keyfile"
)

// attested begins what the key signs of the ledger, so that no such signature is one of a bundle or a token: those
// begin with a header in base64.
const attested = "partner ledger\n"

// Attest signs a text of the ledger, which nobody but this system reads.
func (s *Signer) Attest(text []byte) (string, error) {
	sum := sha256.Sum256(append([]byte(attested), text...))
	signature, err := s.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	return base64.StdEncoding.EncodeToString(signature), err
}

// PublicPEM returns the public key.
func (s *Signer) PublicPEM() []byte { return s.publicPEM }

// Witness tells what the key signed from what it did not.
type Witness struct{ key *ecdsa.PublicKey }

var errNoWitness = errors.New("is not a public key of the curve P-256")

// ParseWitness reads a public key in PEM.
func ParseWitness(text []byte) (Witness, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return Witness{}, errNoWitness
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	public, ok := key.(*ecdsa.PublicKey)
	if err != nil || !ok {
		return Witness{}, errNoWitness
	}
	return Witness{public}, nil
}

// WitnessOf returns the public key of the text of a file with a signing key.
func WitnessOf(text []byte, passphrase string) (Witness, error) {
	key, err := keyfile.Parse(text, passphrase)
	if err != nil {
		return Witness{}, err
	}
	public, ok := key.Public().(*ecdsa.PublicKey)
	if !ok {
		return Witness{}, errNoWitness
	}
	return Witness{public}, nil
}

// Is reports whether it is this public key.
func (w Witness) Is(public crypto.PublicKey) bool { return w.key != nil && w.key.Equal(public) }

// Name names the key.
func (w Witness) Name() string {
	der, err := x509.MarshalPKIXPublicKey(w.key)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:8])
}

// Attested reports whether the key signed a text of the ledger.
func (w Witness) Attested(text []byte, signature string) bool {
	der, err := base64.StdEncoding.DecodeString(signature)
	sum := sha256.Sum256(append([]byte(attested), text...))
	return err == nil && w.key != nil && ecdsa.VerifyASN1(w.key, sum[:], der)
}
