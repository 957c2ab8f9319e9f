// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"errors"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// keyIDs returns the keys of a principal by which it is used: the one that was issued, or those that it has if it was
// adopted. None for a role, whose use IAM tells itself.
func (w *wanted) keyIDs(n *native) (ids []string) {
	switch {
	case w.adopted:
		for _, k := range n.keys {
			ids = append(ids, k.ID)
		}
	case w.Kind == store.User && w.Key != "":
		ids = []string{w.Key}
	}
	return ids
}

// use is when a key was used last, whether that is told, and when it was asked.
type use struct {
	at    time.Time
	told  bool
	asked time.Time
}

// useServes is for how long the answer serves when a key was used last: of several uses within that time, AWS records
// only the first (AWS IAM, GetAccessKeyLastUsed and the credential report).
const useServes = 15 * time.Minute

// keyUse returns when a key was used last, and whether that is told. If one reading serves for a while, it is asked
// again only after useServes; otherwise each time.
func (ob *observer) keyUse(ctx context.Context, key string) (at time.Time, told bool, err error) {
	ob.mu.Lock()
	known := ob.uses[key]
	ob.mu.Unlock()
	if ob.at.options.Fresh > 0 && access.WallClock().Sub(known.asked) < useServes {
		return known.at, known.told, nil
	}
	at, err = ob.at.keyLastUsed(ctx, key)
	told = err == nil
	if err != nil &&
		!errors.Is(err, access.ErrNotPermitted) &&
		client.Supported(client.Gone(err)) != nil {
		return at, false, err
	}
	ob.mu.Lock()
	defer ob.mu.Unlock()
	ob.uses[key] = use{at, told, access.WallClock()}
	return at, told, nil
}
