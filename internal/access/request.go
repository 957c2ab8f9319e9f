// SPDX-License-Identifier: MPL-2.0

package access

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// What credentials ask for is compared by what it means: one key in two spellings is one key.

// OtherRequest names what two credentials ask for differently, if what was issued for the first does not
// serve the second: another key or recipient, or other networks if what is issued carries them. It is empty
// if they ask for the same.
func OtherRequest(b, a *Credential) string {
	if b.Kind() != a.Kind() {
		return "another kind of credential"
	}
	if differs := a.row().differs; differs != nil {
		return differs(b, a)
	}
	return ""
}

// SameRequest reports whether what was issued for one credential serves the other.
func SameRequest(b, a *Credential) bool { return OtherRequest(b, a) == "" }

// SameTrust reports whether two credentials are logged in with in the same way: by the same issuer, subject and
// audiences, and from the same networks.
func SameTrust(b, a *Credential) bool {
	return sameWorkload(b.Federated, a.Federated) && sameNetworks(b.AllowedCIDRs, a.AllowedCIDRs)
}

// sameWorkload compares byte by byte, as tokens are, but for the order of the audiences.
func sameWorkload(b, a *FederatedTrust) bool {
	if b == nil || a == nil {
		return b == a
	}
	return b.Issuer == a.Issuer &&
		b.Subject == a.Subject &&
		subset(a.Audiences, b.Audiences) &&
		subset(b.Audiences, a.Audiences) &&
		sameAccount(b, a)
}

// sameAccount reports whether two trusts are in the same principal of AWS, who has to say the same.
func sameAccount(b, a *FederatedTrust) bool {
	return b.AWSPrincipal == a.AWSPrincipal && b.ExternalID == a.ExternalID
}

func sameNetworks(b, a []netip.Prefix) bool {
	return slices.Equal(MergeNetworks(b), MergeNetworks(a))
}

// sameCSR reports whether two requests are of one key.
func sameCSR(b, a *CertificateRequest) bool {
	same, _ := compareCSR(b, a)
	return same
}

// noWeakerCSR reports whether two requests are of one key, and the second is not signed with a broken
// digest unless the first is.
func noWeakerCSR(b, a *CertificateRequest) bool {
	same, weaker := compareCSR(b, a)
	return same && !weaker
}

// compareCSR reports whether two requests are of one key, by its SubjectPublicKeyInfo (RFC 2986, 4.1), and whether the
// second is signed with a broken digest where the first was not. What cannot be read is of no key.
func compareCSR(b, a *CertificateRequest) (same, weaker bool) {
	if b == nil || a == nil || b.CSR == a.CSR {
		return (b == nil) == (a == nil), false
	}
	was, errBefore := material.KnownRequest(b.CSR)
	is, errAfter := material.KnownRequest(a.CSR)
	same = errBefore == nil && errAfter == nil && bytes.Equal(was.Info, is.Info)
	return same, is.Digest != "" && was.Digest == ""
}

func sameSSHKey(b, a *SSHRequest) bool {
	if b == nil || a == nil || b.PublicKey == a.PublicKey {
		return (b == nil) == (a == nil)
	}
	was, errBefore := material.ParseSSHKey(b.PublicKey)
	is, errAfter := material.ParseSSHKey(a.PublicKey)
	return errBefore == nil && errAfter == nil && was.Line() == is.Line()
}

func sameRecipient(b, a *SecretRequest) bool {
	if b == nil || a == nil || b.Recipient == a.Recipient {
		return (b == nil) == (a == nil)
	}
	was, errBefore := material.ParseRecipient(b.Recipient)
	is, errAfter := material.ParseRecipient(a.Recipient)
	return errBefore == nil && errAfter == nil && was.String() == is.String()
}
