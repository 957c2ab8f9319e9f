// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// method is a kind of credential: by which auth method of OpenBao one logs in with it, and what is kept there.
type method interface {
	// mount returns the path of the auth method, without auth/ before it, and aliasOf the name that
	// an identity has there.
	mount(c *access.Credential) string
	aliasOf(id access.IdentityID) string
	// enter returns the accessor of the auth method, which is made where it is missing and the configuration says so.
	// known: the credential logs in there already.
	enter(ctx context.Context, c *access.Credential, known bool) (accessor string, err error)
	// roles returns what has to be kept for a credential, and for what was issued for it. named is called
	// once they are written.
	roles(ctx context.Context, c *access.Credential, end time.Time, issued []ledger.Item) ([]role, error)
	named(ctx context.Context, at *site, id access.IdentityID) error
	// paths returns where a credential's roles are, and entrance which of them lets in. everywhere returns where those
	// of an identity may be, whatever was declared.
	paths(c *access.Credential) []string
	entrance(c *access.Credential) string
	everywhere(id access.IdentityID, mounts map[string]mounted) []string
	// tellLogin adds to what a partner is told how it logs in.
	tellLogin(c *access.Credential, shell string, told map[string]string)
}
