// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"crypto/dsa" //nolint:staticcheck // only to say that such a key is weak
	"crypto/ecdsa"
	"crypto/rsa"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// What credentials prove themselves with, as rules compare it: one print for one key, in whatever form it was handed
// in. What cannot be parsed has no key here, and is refused by validation instead.

// heldKey is what a credential proves to be its identity with, or is sealed to.
type heldKey struct {
	// print tells it from every other, attribute is where it stands.
	print, attribute string
	// prior: it was held until this plan. recipient: secrets are sealed to it, and it proves nothing.
	prior, recipient bool
	// algorithm is RSA, DSA or a curve, and bits its size; "" where it is of no known weakness.
	algorithm string
	bits      int
	// digest is the broken digest that a request is signed with.
	digest string
}

// name returns what a text calls it: its fingerprint, or the workload.
func (k heldKey) name() string {
	if issuer, subject, trust := strings.Cut(k.print, "\n"); trust {
		return say("the workload %s of %s", shown(subject), shown(issuer))
	}
	return "the key " + k.print
}

// keysOf returns the keys of a credential as it is planned and as it was. What does not parse is none.
func keysOf(s *Subject) []heldKey {
	after, ok := s.Object.(*access.Credential)
	if !ok {
		return nil
	}
	keys := held(after)
	if before, ok := s.Before.(*access.Credential); ok {
		for _, k := range held(before) {
			k.prior = true
			keys = append(keys, k)
		}
	}
	return keys
}

// workload returns what trust in an issuer or an AWS principal rests on, as a key: two identities that trust the same
// workload cannot be told apart either.
func workload(f *access.FederatedTrust) (heldKey, bool) {
	key := heldKey{attribute: "federated", print: f.Workload()}
	return key, key.print != ""
}

// recipientKey returns the key that secrets are sealed to. An SSH key as recipient has the print that it has as a
// credential.
func recipientKey(text string) (heldKey, bool) {
	recipient, err := material.ParseRecipient(text)
	if err != nil {
		return sshKey(text) // a key that age cannot seal to may be weak all the same
	}
	if key, ok := recipient.SSHKey(); ok {
		return heldSSH(key.PublicKey), true
	}
	return heldKey{print: material.Fingerprint([]byte(recipient.String()))}, true
}

// requestKey returns the key of a certificate request, with the broken digest that it is signed with, if it is.
func requestKey(text string) (heldKey, bool) {
	request, err := material.KnownRequest(text)
	if err != nil {
		return heldKey{}, false
	}
	key := publicKey(request.PublicKey, request.Info)
	key.digest = request.Digest
	return key, true
}

// sshKey returns the key of a line as authorized_keys has it.
func sshKey(text string) (heldKey, bool) {
	parsed, err := material.ParseSSHKey(text)
	if err != nil {
		return heldKey{}, false
	}
	return heldSSH(parsed.PublicKey), true
}

// heldSSH returns an SSH key by the same print as the key of a certificate: one key in two forms is one key.
func heldSSH(parsed ssh.PublicKey) heldKey {
	var public any
	if plain, ok := parsed.(ssh.CryptoPublicKey); ok {
		public = plain.CryptoPublicKey()
	}
	return publicKey(public, material.KeyInfo(parsed))
}

// publicKey returns the key of its encoding: the same key has the same fingerprint in a CSR as on an SSH line.
func publicKey(public any, encoded []byte) heldKey {
	key := heldKey{print: material.Fingerprint(encoded)}
	switch k := public.(type) {
	case *rsa.PublicKey:
		key.algorithm, key.bits = "RSA", k.N.BitLen()
	case *dsa.PublicKey:
		key.algorithm, key.bits = "DSA", k.P.BitLen()
	case *ecdsa.PublicKey:
		key.algorithm, key.bits = k.Curve.Params().Name, k.Curve.Params().BitSize
	}
	return key
}

// weakness says what is weak in a key or in the request that it came with; "" where nothing is known.
func (k heldKey) weakness() string {
	switch {
	case k.algorithm == "DSA":
		return say("a DSA key of %d bits", k.bits)
	case k.algorithm == "RSA" && k.bits < 2048:
		return say("an RSA key of %d bits; 2048 is the least", k.bits)
	case k.algorithm != "RSA" && k.bits > 0 && k.bits < 256:
		return say("a key on the curve %s of %d bits; 256 is the least", k.algorithm, k.bits)
	case k.digest != "":
		return say("a request signed with %s; SHA-256 is the least", k.digest)
	}
	return ""
}
