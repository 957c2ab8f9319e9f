// SPDX-License-Identifier: MPL-2.0

package keyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// workFactor is log2 of scrypt's N: with r = 8 and p = 1 the strongest of the OWASP Password Storage Cheat Sheet's
// choices. It costs a quarter of a second at each start and 128 MB for that moment.
const workFactor = 17

var (
	errEncrypted = errors.New("is encrypted: set PARTNER_PASSPHRASE")
	errWrong     = errors.New("does not open with PARTNER_PASSPHRASE: the passphrase is wrong, or the file is damaged")
)

// Encrypted reports whether the text of a key file is encrypted.
func Encrypted(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(text), []byte(armor.Header))
}

// encrypt returns a text under a passphrase, as age -p -a writes it.
func encrypt(clear []byte, passphrase string) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	recipient.SetWorkFactor(workFactor)
	var out bytes.Buffer
	text := armor.NewWriter(&out)
	w, err := age.Encrypt(text, recipient)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	_, err = w.Write(clear)
	if err = errors.Join(err, w.Close(), text.Close()); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return out.Bytes(), nil
}

// decrypt returns the text that encrypt was given; errEncrypted without a passphrase, errWrong with another one.
func decrypt(text []byte, passphrase string) ([]byte, error) {
	if passphrase == "" {
		return nil, errEncrypted
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(bytes.TrimSpace(text))), identity)
	if err != nil {
		return nil, errWrong
	}
	clear, err := io.ReadAll(r)
	if err != nil {
		return nil, errWrong
	}
	return clear, nil
}
