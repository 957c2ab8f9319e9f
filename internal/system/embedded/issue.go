package embedded

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
)

// backdate lets a certificate begin before it is signed, for gateways whose clocks are late.
const backdate = time.Minute

// keyPrefix makes our API keys known to people, and to the scanners that look for leaked ones.
const keyPrefix = "partner_"

// atOnce is how many items of a credential may work at the same time.
const atOnce = 2

// issue brings what is issued for a credential in line with a change of it, and says whether something was issued. What
// is revoked is revoked with the draft.
func (s *System) issue(d *draft, before, e *entry, c *access.Credential, change access.Change) (issued bool, err error) {
	if c.Kind() == access.Federated {
		e.issued = nil
		return false, nil
	}
	end, mode := d.end(e), change.Issue
	same := before == nil || access.SameRequest(before.object.(*access.Credential), c)
	e.issued = slices.DeleteFunc(slices.Clone(e.issued), func(i item) bool {
		dead := c.RevokeIssuedBefore.After(i.At) || i.Serial != "" && i.Until.After(end) || mode == access.IssueKeep && !same
		if dead {
			d.revoke(c, i)
		}
		return dead
	})
	newest, found := e.newest()
	kept := found && (change.UID != "" || newest.end(end).After(d.now))
	if mode == access.IssueKeep && (kept || !end.After(d.now)) {
		return false, nil
	}
	issued = end.After(d.now)
	var fresh item
	if issued {
		if fresh, err = s.make(d.now, end, c, change); err != nil {
			return false, err
		}
	}
	e.issued = d.supersede(c, e.issued, end, mode != access.IssueReplace)
	if issued {
		e.issued = append(e.issued, fresh)
	}
	return issued, nil
}

// supersede is what is left of the old items beside a new one. With overlap, an old secret works for the rotation's
// overlap, and an old certificate until its own end; but no more than one of them.
func (d *draft) supersede(c *access.Credential, old []item, end time.Time, overlap bool) []item {
	var left []item
	for _, i := range old {
		if !i.Superseded && i.KeyHash != "" {
			i.Until = access.Earliest(i.Until, d.now.Add(overlapOf(c)))
		}
		i.Superseded = true
		if overlap && i.end(end).After(d.now) {
			left = append(left, i)
		} else {
			d.revoke(c, i)
		}
	}
	for ; len(left) >= atOnce; left = left[1:] {
		d.revoke(c, left[0])
	}
	return left
}

func overlapOf(c *access.Credential) time.Duration {
	if c.Rotation == nil {
		return 0
	}
	return c.Rotation.Overlap.Duration
}

// make issues what the credential asks for.
func (s *System) make(now, end time.Time, c *access.Credential, change access.Change) (item, error) {
	at := now.Truncate(time.Second)
	i := item{At: at, RotatesAt: c.RotatesAt(at)}
	if c.Kind() == access.Secret {
		if c.Rotation != nil {
			i.Until = c.IssueLife(at, time.Time{})
		}
		return i, i.sealKey(change.Seal)
	}
	if err := s.open(); err != nil {
		return item{}, fail(err, nothingChanged)
	}
	i.Until = c.IssueLife(at, end).Truncate(time.Second)
	var signed ca.Issued
	var err error
	if c.Kind() == access.Certificate {
		signed, err = s.authority.SignX509(ca.X509Request{
			CSR: c.Certificate.CSR, Identity: c.IdentityID, NotBefore: at.Add(-backdate), NotAfter: i.Until,
		})
	} else {
		signed, err = s.authority.SignSSH(ca.SSHRequest{
			PublicKey: c.SSHCertificate.PublicKey, Identity: c.IdentityID,
			NotBefore: at.Add(-backdate), NotAfter: i.Until, Networks: c.AllowedCIDRs,
		})
	}
	i.Serial, i.Fingerprint, i.Certificate = signed.Serial, signed.Fingerprint, signed.Text
	if err != nil {
		err = fmt.Errorf("%w. %s", err, nothingChanged)
	}
	return i, err
}

// sealKey makes an API key of 256 random bits, of which only the hash and what the partner can open are kept.
func (i *item) sealKey(seal func([]byte) (string, error)) error {
	if seal == nil {
		return errors.New("there is nothing to seal the secret with")
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
