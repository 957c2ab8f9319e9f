// SPDX-License-Identifier: MPL-2.0

package material

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"

	"golang.org/x/crypto/ssh"
)

// Fingerprint returns the SHA-256 of an encoded key, as ssh-keygen writes one.
func Fingerprint(encoded []byte) string {
	sum := sha256.Sum256(encoded)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// KeyInfo returns an SSH key as a SubjectPublicKeyInfo, which is what a request has: one key in two forms is one key.
// Of a key that has no such form it returns the SSH one.
func KeyInfo(key ssh.PublicKey) []byte {
	if plain, ok := key.(ssh.CryptoPublicKey); ok {
		if der, err := x509.MarshalPKIXPublicKey(plain.CryptoPublicKey()); err == nil {
			return der
		}
	}
	return key.Marshal()
}
