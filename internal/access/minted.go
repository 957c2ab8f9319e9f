// SPDX-License-Identifier: MPL-2.0

package access

import (
	"context"
	"time"
)

// Minter is a System whose privileged grants give out what lives on without them.
type Minter interface {
	// Minted says in sentences what may have been got by a grant since a moment and lives on, as far as the system
	// tells it, and how to revoke it by hand. It changes nothing: nobody can tell the partner's from others' there.
	Minted(ctx context.Context, g *Grant, since time.Time) []string
}
