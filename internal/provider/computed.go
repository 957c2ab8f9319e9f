package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A plan says of the computed values what is known: what the arguments and the system decide. What only the change itself
// decides, such as when it was made, stays unknown.

// staysActive says whether what is active is so after a change of its end: a later one takes nothing away, unless its identity
// is cut.
func (c change) staysActive() bool {
	return c.stateStatus == access.StatusActive && c.endsKnown && c.ends.After(c.stateEnds) && !c.cut
}

// begin marks the computed values of a new object, and says those that are known before it is made.
func (t *terms) begin(c change) {
	unknownAll(&t.Status, &t.EndsAt, &t.History, &t.Drift)
	if c.fresh {
		t.Drift = types.SetNull(types.StringType)
	}
}

// words are what the system says of an object by its arguments; nil where these are not known yet.
func (s *session) words(o access.Object, unknown map[string]bool) *access.Words {
	c, isCredential := o.(*access.Credential)
	if hasAny(unknown, "partner", "environment", "name", "identity_id", "resource", "federated") || isCredential && c.Kind() == "" {
		return nil
	}
	w := s.system.Capabilities().Words(o)
	return &w
}
