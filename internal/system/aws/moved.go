// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"fmt"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// movedKeys returns access.ErrRemains if keys of a user live on under another one: somebody renamed it or, if it was
// adopted, moved it back. IAM keeps a user's keys when it is renamed, so that the user is gone ends nothing.
func (ac *account) movedKeys(ctx context.Context, u principal, keys []string) error {
	for _, k := range keys {
		owner, err := ac.keyOwner(ctx, k)
		if err != nil {
			return err
		}
		if owner != "" && !strings.EqualFold(owner, u.Name) {
			return fmt.Errorf("%w: the access key %s of %s works on as that of the user %s, which nothing here ends. "+
				"Remove the key there, or move the user back", access.ErrRemains, k, u, owner)
		}
	}
	return nil
}

// keysOfLogins returns the ids of the keys with which a user was adopted.
func keysOfLogins(a *ledger.Adopted) (ids []string) {
	for _, l := range a.Left() {
		ids = append(ids, l.Name)
	}
	return ids
}
