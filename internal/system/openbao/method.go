// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// method is a kind of credential: by which auth method of OpenBao one logs in with it, and what is kept there. Its
// values are certificates, secrets and federation; credentials hands each call to one of them.
type method interface {
	// mount returns the path of the auth method, without auth/ before it.
	mount(c *access.Credential) string
	// aliasOf returns the name that an identity has there.
	aliasOf(id access.IdentityID) string
	// enter returns the accessor of the auth method, which is made if it is missing and the configuration says so.
	// known: the credential logs in there already, so how the method is configured is drift and no error.
	enter(ctx context.Context, c *access.Credential, known bool) (accessor string, err error)
	// roles returns what has to be kept for a credential that ends at a moment, and for what was issued for it. It
	// makes what they need, such as an authority. They are written whole, in this order.
	roles(ctx context.Context, c *access.Credential, end time.Time, issued []ledger.Item) ([]role, error)
	// named does what is left to do once the roles are written.
	named(ctx context.Context, at *site, id access.IdentityID) error
	// paths returns where a credential's roles are.
	paths(c *access.Credential) []string
	// entrance returns which of them lets in: without it, nobody logs in by the credential.
	entrance(c *access.Credential) string
	// everywhere returns where the roles of an identity may be, whatever was declared.
	everywhere(id access.IdentityID, mounts map[string]mounted) []string
	// tellLogin adds to what a partner is told how it logs in: nothing secret, and nothing that a rotation changes.
	// shell is the part of a command that says where OpenBao is.
	tellLogin(c *access.Credential, shell string, told map[string]string)
}
