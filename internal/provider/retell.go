package provider

import (
	"context"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// retell completes a reading where something was issued that the state was never told: the apply that asked for it was
// killed, or its answer was lost. Without it a secret that nobody can open would be all that is left after the overlap.
func (s *session) retell(ctx context.Context, state any, r *access.Record) error {
	m, ok := state.(*credentialModel)
	if !ok || r.Issued == nil || m.Fingerprint.ValueString() == r.Issued.Fingerprint && m.Serial.ValueString() == r.Issued.Serial {
		return nil
	}
	told, err := s.system.Tell(ctx, r.Object.Ref())
	if err == nil {
		r.Issued = told
	}
	return err
}

// restore gives a plan back what the state knows of what was issued, where the plan expected something new and nothing was
// issued: the identity was suspended in between, perhaps by another stack.
func restore(plan, state any) func(observed) {
	p, ok := plan.(*credentialModel)
	s, isState := state.(*credentialModel)
	if !ok || !isState || s == nil {
		return func(observed) {}
	}
	return func(seen observed) {
		if seen.Issued == nil || s.Fingerprint.ValueString() != seen.Issued.Fingerprint || s.Serial.ValueString() != seen.Issued.Serial {
			return
		}
		set(&p.SealedSecret, s.SealedSecret, false)
		set(&p.Issued, s.Issued, false)
	}
}
