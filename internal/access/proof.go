// SPDX-License-Identifier: MPL-2.0

package access

import (
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// Proof returns what a credential proves to be its identity with: the fingerprint of the partner's key, which is the same in a request
// and on a line of SSH, or its workload. It is empty for a secret, which proves it by itself, and for what cannot be read.
func (c *Credential) Proof() string {
	switch c.Kind() {
	case Federated:
		return c.Federated.Workload()
	case Certificate:
		if r, err := material.KnownRequest(c.Certificate.CSR); err == nil {
			return r.Fingerprint()
		}
	case SSHCertificate:
		if k, err := material.ParseSSHKey(c.SSHCertificate.PublicKey); err == nil {
			return material.Fingerprint(material.KeyInfo(k.PublicKey))
		}
	}
	return ""
}

// Key returns what whoever stole the partner's key comes in by: what it proves its identity with or, of a secret, the SSH key that it is
// sealed to. It is empty where neither is told.
func (c *Credential) Key() string {
	if c.Kind() != Secret {
		return c.Proof()
	}
	if r, err := material.ParseRecipient(c.Secret.Recipient); err == nil {
		if k, is := r.SSHKey(); is {
			return material.Fingerprint(material.KeyInfo(k.PublicKey))
		}
	}
	return ""
}

// Workload returns what tells one workload from another: the issuer and the subject; of AWS the principal, and of a whole account also the
// external id, by which a vendor tells one use of it from another. It is empty where one of them is missing.
func (f *FederatedTrust) Workload() string {
	if f.Account() {
		text := "aws\n" + f.AWSPrincipal
		if p, err := ParseAWSPrincipal(f.AWSPrincipal); err == nil && p.Whole() {
			text += "\n" + f.ExternalID
		}
		return text
	}
	issuer := strings.TrimRight(strings.ToLower(f.Issuer), "/")
	if issuer == "" || f.Subject == "" {
		return ""
	}
	return issuer + "\n" + f.Subject
}
