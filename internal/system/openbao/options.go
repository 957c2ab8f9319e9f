// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// Mounts are where the engines and auth methods are mounted, without auth/ before the latter. "" stands for the usual
// one.
type Mounts struct {
	AppRole, Cert, PKI string
	// JWT is the auth method of each OIDC issuer, by the issuer as it is declared. Issuers that it does not name have
	// one of their own, see jwtMount.
	JWT map[string]string
}

// defaultMounts returns the mounts of a configuration that names none.
func defaultMounts() Mounts {
	return Mounts{AppRole: "partner-approle", Cert: "partner-cert", PKI: "partner-pki"}
}

// Options are what a System may be told. Client is needed; a System never changes them.
type Options struct {
	Client *client.Client
	Mounts Mounts
	// Bootstrap lets it make the mounts that it misses, with what belongs into them. A plan makes none all the same.
	Bootstrap bool
	// Session is how long a login lasts. Default: 10 minutes.
	Session time.Duration
	// Stack is whose identities are read ahead in bundles. "": everybody's.
	Stack string
	// PartnerAddress is where partners find OpenBao. Default: where the client does.
	PartnerAddress string
	// Fresh is for how long at least one reading serves: a plan of thousands takes a minute, in which it asks for
	// everything three times. What this process changes is read again at once. Default: as long as listingShare in
	// package store says.
	Fresh time.Duration
}
