// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/policy"
)

// trait is what this system does differently for one kind of credential.
type trait struct {
	// endedBy says who ends the access.
	endedBy string
	// check refuses at plan what would not be issued; nil refuses nothing.
	check func(c *access.Credential) error
	// login returns what the partner needs to log in, nothing secret in it, and nothing that a rotation changes.
	login func(c *access.Credential) map[string]string
	// doors returns the gateways that it is for.
	doors func(gw *gateways, p access.Proof) []access.Door
	// sign signs what is issued; nil where nothing is signed, and so the end can be moved.
	sign func(a *ca.Authority, c *access.Credential, from, until time.Time) (ca.Issued, error)
	// list adds what was revoked to the list that gateways have for the kind; nil where the policy
	// data alone refuses it.
	list func(r *revocations, certificate ca.Revoked)
	// listedOnly: no policy data tells of it, so that it is in force until its list says otherwise.
	listedOnly bool
}

const endedByOPA = "Open Policy Agent, at each request."

// traitOf returns what there is to know of a kind.
func traitOf(k access.Kind) trait {
	switch k {
	case access.Federated:
		return ofFederated()
	case access.Certificate:
		return ofCertificate()
	case access.SSHCertificate:
		return ofSSHCertificate()
	case access.Secret:
		return ofSecret()
	}
	return trait{endedBy: endedByOPA}
}

// ofFederated is trust in a partner's own issuer: OPA verifies its tokens by the keys that the issuer publishes. Trust
// in an AWS account is refused, since no gateway here could verify that.
func ofFederated() trait {
	return trait{
		endedBy: endedByOPA,
		check:   func(c *access.Credential) error { return access.RefuseAccount("the embedded system", c) },
		login: func(c *access.Credential) map[string]string {
			return map[string]string{
				"issuer":    c.Federated.Issuer,
				"subject":   c.Federated.Subject,
				"audiences": strings.Join(c.Federated.Audiences, " "),
			}
		},
		doors: (*gateways).doorsOfTrust,
	}
}

// ofCertificate is an X.509 certificate for TLS. The server verifies it by ca.pem and crl.pem; behind it, OPA finds the
// identity by the certificate's fingerprint.
func ofCertificate() trait {
	return trait{
		endedBy: "The server that verifies the certificate, at each handshake.",
		check:   func(c *access.Credential) error { return ca.CheckRequest(c.Certificate.CSR) },
		login: func(c *access.Credential) map[string]string {
			return map[string]string{"subject": "CN=" + c.IdentityID.CommonName(),
				"san": "URI:partner:" + c.IdentityID.String()}
		},
		doors: func(gw *gateways, p access.Proof) []access.Door {
			return []access.Door{
				door("a TLS server, by ca.pem and crl.pem",
					func(string, string) (bool, error) { return gw.tlsVerifies(p) }),
				gw.opaDoor(policy.Request{Fingerprint: p.Issued.Fingerprint}),
			}
		},
		sign: func(a *ca.Authority, c *access.Credential, from, until time.Time) (ca.Issued, error) {
			return a.SignX509(ca.X509Request{
				CSR:       c.Certificate.CSR,
				Identity:  c.IdentityID,
				NotBefore: from,
				NotAfter:  until,
			})
		},
		list: func(r *revocations, certificate ca.Revoked) { r.x509 = append(r.x509, certificate) },
	}
}

// ofSSHCertificate is a certificate for sshd. It bears its networks itself (source-address), and what is revoked stands
// in a list of serials.
func ofSSHCertificate() trait {
	return trait{
		endedBy: "sshd, at each login.",
		check:   func(c *access.Credential) error { return ca.CheckSSHKey(c.SSHCertificate.PublicKey) },
		login: func(c *access.Credential) map[string]string {
			return map[string]string{"principal": c.IdentityID.String(), "key_id": c.IdentityID.String()}
		},
		doors: func(gw *gateways, p access.Proof) []access.Door {
			return []access.Door{door("sshd, by ssh/ca.pub, ssh/revoked_keys and ssh/principals",
				func(_, path string) (bool, error) { return gw.sshdAdmits(p, path) })}
		},
		sign: func(a *ca.Authority, c *access.Credential, from, until time.Time) (ca.Issued, error) {
			return a.SignSSH(ca.SSHRequest{
				PublicKey: c.SSHCertificate.PublicKey, Identity: c.IdentityID, NotBefore: from, NotAfter: until,
				Networks: c.AllowedCIDRs,
			})
		},
		list: func(r *revocations, certificate ca.Revoked) {
			// A serial is a number of 64 bits (PROTOCOL.certkeys of OpenSSH).
			if serial, err := strconv.ParseUint(certificate.Serial, 10, 64); err == nil {
				r.ssh = append(r.ssh, serial)
			}
		},
		listedOnly: true,
	}
}

// ofSecret is a bearer token. Only its SHA-256 is published, by which OPA knows it.
func ofSecret() trait {
	return trait{
		endedBy: endedByOPA,
		login: func(*access.Credential) map[string]string {
			return map[string]string{"header": "Authorization: Bearer " + keyPrefix + "..."}
		},
		doors: func(gw *gateways, p access.Proof) []access.Door {
			sum := sha256.Sum256([]byte(p.Secret))
			return []access.Door{gw.opaDoor(policy.Request{KeyHash: hex.EncodeToString(sum[:])})}
		},
	}
}

// signedKinds returns the kinds of which a certificate is signed. Its end is signed into it, so that it can only
// be revoked, by a list.
func signedKinds() (kinds []access.Kind) {
	for _, k := range access.Kinds() {
		if traitOf(k).sign != nil {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// door returns a way in that is tried on what is published.
func door(how string, enter func(action, path string) (bool, error)) access.Door {
	return access.Door{
		How:   how,
		Note:  atNextPull,
		Enter: func(_ context.Context, action, path string) (bool, error) { return enter(action, path) },
	}
}

// opaDoor returns the way in that Open Policy Agent opens to a request.
func (gw *gateways) opaDoor(r policy.Request) access.Door {
	return door("Open Policy Agent, by policy/data.json and policy/hold.json", func(action, path string) (bool, error) {
		r.Action, r.Path = action, path
		return gw.opaAllows(r)
	})
}

// doorsOfTrust returns where a rehearsal tries a shadow's trust. It has no token of the partner's issuer, so OPA is
// asked with the claims that one would have, which the outcome says.
func (gw *gateways) doorsOfTrust(p access.Proof) []access.Door {
	trust := p.Credential.Federated
	claims := policy.Request{Issuer: trust.Issuer, Subject: trust.Subject}
	if len(trust.Audiences) > 0 {
		claims.Audience = trust.Audiences[0]
	}
	d := gw.opaDoor(claims)
	d.Note = "Nobody here can sign as the partner's issuer, so the shadow's claims were taken as verified. " +
		atNextPull
	return []access.Door{d}
}

// keyPrefix makes our API keys known to people, and to the scanners that look for leaked ones.
const keyPrefix = "partner_"
