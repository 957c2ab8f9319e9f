// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// planRemoval refuses to plan that something of another access system is revoked: not found there would be taken for
// gone. It says what goes along, and has the rules look at what would go on from it under another name.
//
// A system that cannot be asked stops no removal here. The removal meets that as well, and has the words for it.
func (g *governed[M, P]) planRemoval(ctx context.Context, req resource.ModifyPlanRequest,
	resp *resource.ModifyPlanResponse) {
	k := keptIn(ctx, req.Private, &resp.Diagnostics)
	there := g.locate(ctx)
	// what was imported to be adopted, or was never told, is looked for by Delete
	if k.History.UID == "" || there.err != nil {
		return
	}
	state, ok := read[M](ctx, req.State, &resp.Diagnostics)
	if !ok {
		return
	}
	ref := access.Ref{Type: g.kind, ID: P(state).common().ID.ValueString()}
	if err := g.isHome(ctx, ref, k, there); err != nil {
		failed(&resp.Diagnostics, "plan to revoke", ref, err)
		return
	}
	g.explainRemoval(ctx, ref, &resp.Diagnostics)
	g.leave(ctx, ref, &resp.Diagnostics)
}

// explainRemoval names the subcontractors that go with an identity, whoever declared them: the reviewer of this plan
// may not see their configurations. If the system cannot be read, the removal says it when it is made.
func (s *session) explainRemoval(ctx context.Context, ref access.Ref, diags *diag.Diagnostics) {
	id, err := access.ParseIdentityID(ref.ID)
	if ref.Type != access.TypeIdentity || err != nil || s.load(ctx) != nil {
		return
	}
	var below []string
	for _, sub := range s.portfolio.Below(id) {
		below = append(below, fmt.Sprintf("%s (stack %q, owner %s)", sub.Object.Ref(), sub.History.Stack,
			sub.Object.Common().Owner))
	}
	if len(below) > 0 {
		diags.AddWarning("Subcontractors go with "+ref.String(), "They hang on it, and are revoked with it, along "+
			"with everything of theirs: "+strings.Join(below, ", ")+". To keep one, give it another parent first.")
	}
}
