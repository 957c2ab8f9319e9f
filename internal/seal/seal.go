// SPDX-License-Identifier: MPL-2.0

// Package seal seals secrets to a partner's public key, so that nothing in the clear is ever kept: to age recipients
// (age-encryption.org/v1, X25519 and post-quantum) and to SSH public keys that age can use (ssh-ed25519, ssh-rsa).
//
// Its errors never repeat what they were given: it may be a private key, handed in by mistake.
package seal

import (
	"bytes"
	"errors"
	"fmt"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// Recipient is a partner's public key that secrets are sealed to. The zero Recipient is nobody.
type Recipient struct{ material.Recipient }

// Parse reads a recipient, see [material.ParseRecipient]. A key that parses can be sealed to: that is tried.
func Parse(recipient string) (Recipient, error) {
	r, err := material.ParseRecipient(recipient)
	if err != nil {
		return Recipient{}, fmt.Errorf("parse the recipient: %w", err)
	}
	if _, err := r.Age().Wrap(make([]byte, 16)); err != nil { // a point of low order, an RSA key that cannot encrypt
		return Recipient{}, errors.New("parse the recipient: nothing can be sealed to this key")
	}
	return Recipient{r}, nil
}

// Seal encrypts the secret so that only the recipient can read it, in ASCII armor. The secret stays in memory.
func (r Recipient) Seal(secret []byte) (armored string, err error) {
	if r.Age() == nil {
		return "", errors.New("seal: there is no recipient")
	}
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, r.Age())
	if err == nil {
		_, err = w.Write(secret)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = a.Close()
	}
	if err != nil {
		return "", fmt.Errorf("seal to %s: %w", r.Fingerprint(), err)
	}
	return out.String(), nil
}
