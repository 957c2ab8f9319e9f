// SPDX-License-Identifier: MPL-2.0

package access

import (
	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// How kinds differ for the language stands here: in a row of traits, Issues and Sealed. CONTRIBUTING
// lists the other places.

// Kind is the kind of a credential.
type Kind string

// The kinds of credentials, best first.
const (
	Federated      Kind = "federated"       // trust in the partner's own OIDC issuer: no secret at all
	Certificate    Kind = "certificate"     // X.509, signed from the partner's CSR
	SSHCertificate Kind = "ssh_certificate" // OpenSSH, signed from the partner's public key
	Secret         Kind = "secret"          // made by the system, sealed to the partner's key
)

// Kinds lists every kind of credential, best first. Not inlined: that would add 8 kB to the binary.
//
//go:noinline
func Kinds() (all []Kind) {
	for _, t := range traits {
		all = append(all, t.kind)
	}
	return all
}

// Issues reports whether a system issues something for such a credential, which can be lost, stolen and rotated.
// Federated trust is in what the partner has already. A kind that is not known yet ("") may be one that issues.
func (k Kind) Issues() bool { return k != Federated }

// Sealed reports whether what is issued is secret, and kept only as the partner can open it. What others
// issue anybody may read.
func (k Kind) Sealed() bool { return k == Secret }

// Plural returns what a sentence calls credentials of the kind: "SSH certificates".
func (k Kind) Plural() string {
	if t := traitOf(k); t != nil {
		return t.plural
	}
	return "credentials of no kind"
}

// trait is how one kind of credential differs from the others. A nil function says nothing. Those of two credentials
// get the one before a change and the one after it, both of this kind; widens gets any two.
type trait struct {
	kind Kind
	// plural is what a sentence calls credentials of the kind.
	plural string
	// is reports whether a credential is of the kind, and begin makes it one that asks for nothing yet.
	is    func(c *Credential) bool
	begin func(c *Credential)
	// handedIn is the fingerprint of what the partner handed in, proof what it proves its identity with, and stolen
	// what a thief of the partner's key comes in by.
	handedIn, proof, stolen func(c *Credential) string
	// differs names what is asked for differently, where what was issued before does not serve any more.
	differs func(before, after *Credential) string
	widens  func(before, after *Credential) bool
}

// traits has a row for each kind, best first.
var traits = []*trait{{
	kind: Federated, plural: "federated credentials",
	is:    func(c *Credential) bool { return c.Federated != nil },
	begin: func(c *Credential) { c.Federated = &FederatedTrust{} },
	proof: workloadOf, stolen: workloadOf,
	widens: func(before, after *Credential) bool { return widenedTrust(before.Federated, after.Federated) },
}, {
	kind: Certificate, plural: "certificates",
	is:       func(c *Credential) bool { return c.Certificate != nil },
	begin:    func(c *Credential) { c.Certificate = &CertificateRequest{} },
	handedIn: requestedKey, proof: requestedKey, stolen: requestedKey,
	differs: func(before, after *Credential) string {
		return unless(sameCSR(before.Certificate, after.Certificate), "another key")
	},
	widens: func(before, after *Credential) bool { return !noWeakerCSR(before.Certificate, after.Certificate) },
}, {
	kind: SSHCertificate, plural: "SSH certificates",
	is:    func(c *Credential) bool { return c.SSHCertificate != nil },
	begin: func(c *Credential) { c.SSHCertificate = &SSHRequest{} },
	handedIn: func(c *Credential) string { // as ssh-keygen -l prints it
		if k, err := material.ParseSSHKey(c.SSHCertificate.PublicKey); err == nil {
			return ssh.FingerprintSHA256(k.PublicKey)
		}
		return ""
	},
	proof: sshKeyOf, stolen: sshKeyOf,
	differs: func(before, after *Credential) string {
		if !sameSSHKey(before.SSHCertificate, after.SSHCertificate) {
			return "another key"
		}
		// The certificate carries them, as its source-address.
		return unless(sameNetworks(before.AllowedCIDRs, after.AllowedCIDRs), "other networks")
	},
	widens: func(before, after *Credential) bool { return !sameSSHKey(before.SSHCertificate, after.SSHCertificate) },
}, {
	kind: Secret, plural: "secrets",
	is:    func(c *Credential) bool { return c.Secret != nil },
	begin: func(c *Credential) { c.Secret = &SecretRequest{} },
	handedIn: func(c *Credential) string {
		if r, err := material.ParseRecipient(c.Secret.Recipient); err == nil {
			return r.Fingerprint()
		}
		return ""
	},
	stolen: func(c *Credential) string { // it proves nothing, but whoever has the SSH key opens what is sealed to it
		if r, err := material.ParseRecipient(c.Secret.Recipient); err == nil {
			if k, is := r.SSHKey(); is {
				return material.Fingerprint(material.KeyInfo(k.PublicKey))
			}
		}
		return ""
	},
	differs: func(before, after *Credential) string {
		return unless(sameRecipient(before.Secret, after.Secret), "another recipient")
	},
	widens: func(before, after *Credential) bool { return !sameRecipient(before.Secret, after.Secret) },
}}

// traitOf returns the row of a kind; nil where there is none of that name.
func traitOf(k Kind) *trait {
	for _, t := range traits {
		if t.kind == k {
			return t
		}
	}
	return nil
}

// row returns the row of a credential's kind; one that says nothing where no kind is set. Not inlined: that would
// add 24 kB to the binary.
//
//go:noinline
func (c *Credential) row() *trait {
	for _, t := range traits {
		if t.is(c) {
			return t
		}
	}
	return &trait{}
}

// Kind returns the kind of the credential; "" where none is set.
func (c *Credential) Kind() Kind { return c.row().kind }

// KeyFingerprint returns the SHA-256 of the public key that the partner handed in, or, for a secret, of the recipient
// that the secret is sealed to. It returns "" for a federated credential, and for a key that cannot be read.
func (c *Credential) KeyFingerprint() string { return c.say(c.row().handedIn) }

// Proof returns what a credential proves its identity with: the fingerprint of the partner's key, which is the
// same in a request and on a line of SSH, or its workload. It is empty for a secret, which is proof by itself, and
// for what cannot be read.
func (c *Credential) Proof() string { return c.say(c.row().proof) }

// Key returns what a thief of the partner's key gets in with: the credential's proof or, for a secret, the SSH key that
// it is sealed to. It is empty if neither is known.
func (c *Credential) Key() string { return c.say(c.row().stolen) }

func (c *Credential) say(what func(*Credential) string) string {
	if what == nil {
		return ""
	}
	return what(c)
}

func workloadOf(c *Credential) string { return c.Federated.Workload() }

// requestedKey returns the fingerprint of the key that a request asks to have signed.
func requestedKey(c *Credential) string {
	if r, err := material.KnownRequest(c.Certificate.CSR); err == nil {
		return r.Fingerprint()
	}
	return ""
}

// sshKeyOf returns the fingerprint of an SSH key as that of a request has it: one key in two forms is one key.
func sshKeyOf(c *Credential) string {
	if k, err := material.ParseSSHKey(c.SSHCertificate.PublicKey); err == nil {
		return material.Fingerprint(material.KeyInfo(k.PublicKey))
	}
	return ""
}

// unless returns a text where something does not hold, and "" where it does.
func unless(holds bool, text string) string {
	if holds {
		return ""
	}
	return text
}
