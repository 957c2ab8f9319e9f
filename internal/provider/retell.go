// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// retell completes a reading if something was issued that the state was never told: the apply that asked for it was
// killed, or its answer was lost. Without it, a secret that nobody can open would be all that is left after the
// overlap. See TestALostAnswerDoublesNothingAndLosesNoSecret.
//
// knows reports whether the state was told of this very thing. Only if not, the system is asked (System.Tell), since a
// listing has neither certificates nor sealed secrets.
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
