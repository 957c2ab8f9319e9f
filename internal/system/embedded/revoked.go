// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded/ca"
)

// revocation is a certificate, or a token of our own, that was revoked before its natural end. It
// outlives its identity.
type revocation struct {
	Version  int               `json:"version"`
	Kind     access.Kind       `json:"kind"`
	Serial   string            `json:"serial"`
	Identity access.IdentityID `json:"identity"`
	At       time.Time         `json:"at"`
	Until    time.Time         `json:"until"`
	// Withheld: nobody revoked it, but its record cannot be read. It is given back with the record.
	Withheld bool `json:"withheld,omitzero"`
	// damage is why the file cannot be read; nil where it can.
	damage error
}

func (r revocation) file() string { return string(r.Kind) + "-" + r.Serial + ".json" }

// tokenKind is what the file of a revoked token says in the place of a kind of credentials.
const tokenKind access.Kind = "token"

// revocations are what the two lists say.
type revocations struct {
	x509 []ca.Revoked
	ssh  []uint64
}

// add lists what was issued in the list for its kind. What no list tells of is refused by the policy data alone.
func (r *revocations) add(kind access.Kind, certificate ca.Revoked) {
	if list := traitOf(kind).list; list != nil {
		list(r, certificate)
	}
}

// digest returns of what the lists say, and who signs them; the moment of a hold is of no matter.
func (r revocations) digest(a *ca.Authority) (string, error) {
	x509 := slices.Clone(r.x509)
	for i := range x509 {
		if x509[i].Hold {
			x509[i].At = time.Time{}
		}
	}
	text, err := json.Marshal([]any{a.CertificatePEM(), a.SSHPublicKey(), x509, r.ssh})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}
