// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// Who is cut is decided by what the plan leaves in place, with all above it, and by a hold of the system's.
func TestWhoIsCut(t *testing.T) {
	top := access.IdentityID{Partner: "acme", Environment: "prod", Name: "main"}
	below := access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders-etl"}
	allowed := &access.Subcontractors{Allowed: true, MaxDepth: 1}
	for name, c := range map[string]struct {
		parent, identity *access.Identity
		held, want       bool
	}{
		"nobody":                   {parent: &access.Identity{ID: top, Subcontractors: allowed}, identity: &access.Identity{ID: below, ParentID: top}},
		"the identity":             {identity: &access.Identity{ID: below, Suspended: true}, want: true},
		"its parent":               {parent: &access.Identity{ID: top, Subcontractors: allowed, Suspended: true}, identity: &access.Identity{ID: below, ParentID: top}, want: true},
		"whose parent lets nobody": {parent: &access.Identity{ID: top}, identity: &access.Identity{ID: below, ParentID: top}, want: true},
		"who is held":              {identity: &access.Identity{ID: below}, held: true, want: true},
		"who has not arrived":      {},
		"a circle":                 {identity: &access.Identity{ID: below, ParentID: below, Subcontractors: allowed}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(&mute{}, guardrail.Settings{}, "partners")
			for _, i := range []*access.Identity{c.parent, c.identity} {
				if i != nil {
					s.portfolio.Put(guardrail.Subject{Object: i})
				}
			}
			credential := issuedCredential(access.Secret)
			credential.IdentityID = below
			if got := s.cut(credential, kept{Held: c.held}); got != c.want {
				t.Errorf("cut %v, want %v", got, c.want)
			}
		})
	}
}
