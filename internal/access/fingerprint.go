// SPDX-License-Identifier: MPL-2.0

package access

import (
	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// KeyFingerprint returns the SHA-256 of the public key that the partner handed in, or, for a secret, of the recipient that
// the secret is sealed to. It returns "" for a federated credential, and for a key that cannot be read.
func (c *Credential) KeyFingerprint() string {
	switch c.Kind() {
	case Certificate:
		if r, err := material.KnownRequest(c.Certificate.CSR); err == nil {
			return r.Fingerprint()
		}
	case SSHCertificate:
		if k, err := material.ParseSSHKey(c.SSHCertificate.PublicKey); err == nil {
			return ssh.FingerprintSHA256(k.PublicKey)
		}
	case Secret:
		if r, err := material.ParseRecipient(c.Secret.Recipient); err == nil {
			return r.Fingerprint()
		}
	}
	return ""
}
