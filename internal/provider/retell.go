// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// retell completes a reading where something was issued that the state was never told: the apply that asked for it was
// killed, or its answer was lost. Without it a secret that nobody can open would be all that is left after the overlap.
func (s *session) retell(ctx context.Context, knows func(*access.Issued) bool, r *access.Record) error {
	if r.Issued == nil || knows(r.Issued) {
		return nil
	}
	told, err := s.system.Tell(ctx, r.Object.Ref())
	if err == nil {
		r.Issued = told
	}
	return err
}
