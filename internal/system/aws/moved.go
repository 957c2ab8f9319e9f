// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// stillLeft returns what is left of what an identity has adopted: nothing, once IAM has said often enough that none of the keys is there, and
// none lives on under another user.
func (s *System) stillLeft(ctx context.Context, id access.IdentityID, a *ledger.Adopted) (*ledger.Adopted, error) {
	logins := keysOfLogins(a)
	for range proofs {
		keys, err := s.keysOf(ctx, adoptedOf(id))
		if errors.Is(err, access.ErrNotPermitted) {
			return a, nil
		}
		if gone(err) != nil {
			return nil, err
		}
		if slices.ContainsFunc(keys, func(k key) bool { return slices.Contains(logins, k.ID) }) {
			return a, nil
		}
		if err := access.Pause(ctx, s.settle()/proofs); err != nil {
			return nil, err
		}
	}
	if err := s.movedKeys(ctx, adoptedOf(id), logins); errors.Is(err, access.ErrRemains) { // which is told once all else is done
		return a, nil
	} else if err != nil {
		return nil, err
	}
	left := *a
	left.Logins = nil
	return &left, nil
}

// movedKeys says that keys of a user live on under another one: somebody renamed it or, where it was adopted, moved it back.
func (s *System) movedKeys(ctx context.Context, u principal, keys []string) error {
	for _, k := range keys {
		owner, err := s.keyOwner(ctx, k)
		if err != nil {
			return err
		}
		if owner != "" && !strings.EqualFold(owner, u.Name) {
			return fmt.Errorf("%w: the access key %s of %s works on as that of the user %s, which nothing here ends. Remove the key there, or move the user back", access.ErrRemains, k, u, owner)
		}
	}
	return nil
}

// tellMoved adds to a record that keys of a user that is gone live on under another one, and reports whether they do.
func (s *System) tellMoved(ctx context.Context, w wanted, keys []string, r *access.Record) (moved bool, err error) {
	err = s.movedKeys(ctx, w.principal, keys)
	if !errors.Is(err, access.ErrRemains) {
		return false, err
	}
	r.Drift = append(r.Drift, "It is not governed any more: "+err.Error()+".")
	return true, nil
}

// keysOfLogins returns the ids of the keys with which a user was adopted.
func keysOfLogins(a *ledger.Adopted) (ids []string) {
	for _, l := range a.Left() {
		ids = append(ids, l.Name)
	}
	return ids
}
