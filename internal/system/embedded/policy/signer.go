// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"

	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/keyfile"
)

// Signer signs bundles and tokens with ES256 (RFC 7518, section 3.4). The key stands behind crypto.Signer, so that one
// in a KMS or a token can take its place.
type Signer struct {
	key       crypto.Signer
	jose      jose.Signer
	public    jose.JSONWebKey
	publicPEM []byte
}

// OpenSigner loads the key in signing.pem of the folder of keys, or creates it.
func OpenSigner(keysDir, passphrase string) (*Signer, error) {
	key, err := keyfile.Load(filepath.Join(keysDir, "signing.pem"), passphrase, func() (crypto.Signer, error) {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	})
	if err != nil {
		return nil, err
	}
	return newSigner(key)
}

// newSigner returns the signer of a key of P-256, for ES256 (RFC 7518, 3.4).
func newSigner(key crypto.Signer) (*Signer, error) {
	public, ok := key.Public().(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		return nil, errors.New("the signing key is not of the curve P-256")
	}
	id, err := thumbprint(public)
	if err != nil {
		return nil, fmt.Errorf("name the signing key: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: cryptosigner.Opaque(repeatable{key})},
		new(jose.SignerOptions).WithHeader("kid", id))
	if err != nil {
		return nil, fmt.Errorf("use the signing key: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("write the public signing key: %w", err)
	}
	return &Signer{
		key:       repeatable{key},
		jose:      signer,
		public:    jose.JSONWebKey{Key: public, KeyID: id, Algorithm: string(jose.ES256), Use: "sig"},
		publicPEM: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
	}, nil
}

// thumbprint names a key by itself (RFC 7638).
func thumbprint(public *ecdsa.PublicKey) (string, error) {
	key := jose.JSONWebKey{Key: public}
	sum, err := key.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

// KeyID returns the RFC 7638 thumbprint of the key, which signatures and jwks.json name it by.
func (s *Signer) KeyID() string { return s.public.KeyID }

// sign makes a compact JWS (RFC 7515).
func (s *Signer) sign(payload []byte) (string, error) {
	signed, err := s.jose.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// repeatable signs without randomness where the key can (RFC 6979, as crypto/ecdsa does when given none), so that an
// unchanged publication is an unchanged file.
type repeatable struct{ crypto.Signer }

// Sign signs a digest: the same one twice alike, where the key is here.
func (r repeatable) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, local := r.Signer.(*ecdsa.PrivateKey); local {
		random = nil
	}
	return r.Signer.Sign(random, digest, opts)
}
