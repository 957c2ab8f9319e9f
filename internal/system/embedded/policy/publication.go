// SPDX-License-Identifier: MPL-2.0

// Package policy is what the embedded system publishes for gateways that decide with Open Policy Agent, for verifiers
// of its tokens, and for the principals of sshd: pure functions from all access to the bytes of files. Nothing in them
// is secret, and every end is in them, so that access ends at the gateway also when nobody publishes again.
package policy

import (
	"maps"
	"net/netip"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Publication is all access of one environment, at one moment.
type Publication struct {
	Environment string
	// Now is the clock of the publication: what has ended by then is left out where a file cannot judge it.
	Now time.Time
	// ValidUntil is when a copy that was not replaced since stops allowing anything. Zero allows nothing.
	ValidUntil time.Time
	Identities []Identity
	// RevokedTokens are tokens of its own that were revoked before their end, by their jti.
	RevokedTokens map[string]time.Time
	// Hold is who was cut by hand.
	Hold Hold
	// SSHDZone is the zone that sshd runs in where it is older than OpenSSH 9.1 and reads no other; nil: it reads UTC.
	SSHDZone *time.Location
}

// Identity is one identity as it is enforced. EndsAt is its effective end, and so is that of everything in it; zero
// counts as ended, as there is no access without an end.
type Identity struct {
	ID access.IdentityID
	// UID tells it from one that was there before under its id.
	UID string
	// Above is what it hangs on, its parent first.
	Above       []access.IdentityID
	EndsAt      time.Time
	Suspended   bool
	Credentials []Credential
	Grants      []Grant
}

// Credential is one proof of an identity that is in force: a trust, one issued certificate, or one API key. A rotation
// leaves several of a kind, each with its own end.
type Credential struct {
	Kind     access.Kind
	EndsAt   time.Time
	Networks []netip.Prefix
	// Trust is set for federated credentials.
	Trust *access.FederatedTrust
	// Serial, in hexadecimal, and Fingerprint, the hexadecimal SHA-256 of the DER, are set for certificates.
	Serial, Fingerprint string
	// KeyHash is the hexadecimal SHA-256 of the API key, set for secrets.
	KeyHash string
}

// Grant is one thing that an identity may do.
type Grant struct {
	Name     string
	Resource access.Pattern
	Actions  []string
	EndsAt   time.Time
}

// Files returns the files of a publication but for the principals, by their path in the publish folder. The same
// publication gives the same bytes, in whatever order its parts stand.
func Files(p Publication, s *Signer) (map[string][]byte, error) {
	data, err := Data(p)
	if err != nil {
		return nil, err
	}
	bundle, err := bundleFile("partner", s, member{"data.json", data}, member{"policy.rego", []byte(rego)})
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{
		"policy/data.json":   data,
		"policy/policy.rego": []byte(rego),
		"policy/key.pem":     s.publicPEM,
		"bundle.tar.gz":      bundle,
	}
	if files["jwks.json"], err = keySet(s); err != nil {
		return nil, err
	}
	if files["openid-configuration"], err = discovery(p.Environment); err != nil {
		return nil, err
	}
	hold, err := holdFiles(p.Hold)
	maps.Copy(files, hold)
	return files, err
}
