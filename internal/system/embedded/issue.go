// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// issuer issues what a draft asks for, by the keys.
type issuer struct{ *keyring }

// Fixed says that a certificate cannot be shortened: its end is signed into it.
func (issuer) Fixed(i ledger.Item) bool { return i.Serial != "" }

// Issue issues what the credential asks for. A certificate begins a little before now, for gateways whose clocks are
// late (access.Late), and its end is signed into it; a secret has no end of its own, but that of its rotation.
func (s issuer) Issue(now, end time.Time, c *access.Credential, change access.Change) (ledger.Item, error) {
	at := now.Truncate(time.Second)
	i := ledger.Item{At: at, RotatesAt: c.RotatesAt(at)}
	if c.Kind().Sealed() {
		if c.Rotation != nil {
			i.Until = c.IssueLife(at, time.Time{})
		}
		return i, sealKey(&i, change.Seal)
	}
	if err := s.open(); err != nil {
		return ledger.Item{}, fail(err, nothingChanged)
	}
	i.Until = c.IssueLife(at, end).Truncate(time.Second)
	signed, err := traitOf(c.Kind()).sign(s.authority, c, at.Add(-access.Late), i.Until)
	i.Serial = signed.Serial
	i.Fingerprint = signed.Fingerprint
	i.Certificate = signed.Text
	if err != nil {
		err = fmt.Errorf("%w. %s", err, nothingChanged)
	}
	return i, err
}

// sealKey makes an API key of 256 random bits, of which only the hash and what the partner can open are kept.
func sealKey(i *ledger.Item, seal func([]byte) (string, error)) error {
	if seal == nil {
		return errors.New("there is no key to seal the secret to")
	}
	var random [32]byte
	key := make([]byte, len(keyPrefix)+base64.RawURLEncoding.EncodedLen(len(random)))
	defer clear(key)
	defer clear(random[:])
	_, _ = rand.Read(random[:]) // it never fails, or ends the process
	copy(key, keyPrefix)
	base64.RawURLEncoding.Encode(key[len(keyPrefix):], random[:])
	sum := sha256.Sum256(key)
	sealed, err := seal(key)
	if err != nil {
		return fmt.Errorf("seal the secret: %w. %s", err, nothingChanged)
	}
	i.Sealed, i.KeyHash = sealed, hex.EncodeToString(sum[:])
	i.Fingerprint = i.KeyHash
	return nil
}
