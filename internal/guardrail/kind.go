// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"net/netip"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What rules know of each kind of credential.

// kindArguments returns the arguments of all kinds, best first. Each is called as its kind is.
func kindArguments() (names []string) {
	for _, k := range access.Kinds() {
		names = append(names, string(k))
	}
	return names
}

// unsealedKinds returns the kinds that are no secret, best first.
func unsealedKinds() []access.Kind { return slices.DeleteFunc(access.Kinds(), access.Kind.Sealed) }

// keyArguments returns the arguments that hold a key of the partner's, for which something is issued.
func keyArguments() []string {
	return slices.DeleteFunc(kindArguments(), func(name string) bool { return !access.Kind(name).Issues() })
}

// proofArguments returns the arguments that say what a credential proves its identity with: those with a key first.
func proofArguments() []string {
	keyless := slices.DeleteFunc(kindArguments(), func(name string) bool { return access.Kind(name).Issues() })
	return append(keyArguments(), keyless...)
}

// held returns the key, or the workload, that a credential proves its identity with; none where it cannot be read,
// which is refused elsewhere.
func held(c *access.Credential) []heldKey {
	var key heldKey
	var ok bool
	switch c.Kind() {
	case access.Federated:
		key, ok = workload(c.Federated)
	case access.Certificate:
		key, ok = requestKey(c.Certificate.CSR)
		key.attribute = "certificate.csr"
	case access.SSHCertificate:
		key, ok = sshKey(c.SSHCertificate.PublicKey)
		key.attribute = "ssh_certificate.public_key"
	case access.Secret:
		key, ok = recipientKey(c.Secret.Recipient)
		key.attribute, key.recipient = "secret.recipient", true
	}
	if !ok {
		return nil
	}
	return []heldKey{key}
}

// issueLimit returns how long what is issued once may live, and of what it is the limit; zero where nothing is issued.
func issueLimit(c *access.Credential) (time.Duration, string) {
	switch c.Kind() {
	case access.Certificate:
		return 90 * day, "a certificate"
	case access.SSHCertificate:
		return 30 * day, "an SSH certificate"
	case access.Secret:
		wide := func(n netip.Prefix) bool { return n.Bits() < 24 || (n.Addr().Is6() && n.Bits() < 48) }
		if len(c.AllowedCIDRs) > 0 && !slices.ContainsFunc(c.AllowedCIDRs, wide) {
			return 90 * day, "a secret from networks of /24 (IPv6: /48) or narrower"
		}
		return 30 * day, "a secret from wider networks than /24 (IPv6: /48)"
	}
	return 0, ""
}
