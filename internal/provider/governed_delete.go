// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Delete revokes, and verifies that nothing remains. It touches only the uid that the state knows.
func (g *governed[M, P]) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	ctx, leave := g.traffic.enter(ctx)
	defer leave()
	g.applies()
	state, ok := read[M](ctx, req.State, &resp.Diagnostics)
	if !ok {
		return
	}
	ref := g.meant(state)
	k := keptIn(ctx, req.Private, &resp.Diagnostics).of(P(state).common())
	if !g.mayRevoke(ctx, ref, &k, &resp.Diagnostics) {
		return
	}
	g.loadBeforeRemoval(ctx)
	asked := access.WallClock()
	defer g.restock()
	ref, swept, err := g.revoke(ctx, state, ref, k, &resp.Diagnostics)
	gone := isNotFound(err)
	switch {
	case saysNothingToRevoke(ref, err, &resp.Diagnostics):
		return
	case err != nil && !gone:
		failed(&resp.Diagnostics, "revoke", ref, err)
		return
	case gone && g.isDone(ref):
		g.retire(ctx, ref, &resp.Diagnostics)
	}
	g.removed(append(slices.Clone(swept), ref)...)
	// Delete returns when the system was seen to refuse it.
	tflog.Info(ctx, "revoked, and seen to be refused",
		map[string]any{"ref": ref.String(), "seconds": access.WallClock().Sub(asked).Seconds()})
	warnSwept(ref, swept, &resp.Diagnostics)
	g.warnMinted(ctx, append(swept, ref), &resp.Diagnostics)
}

// mayRevoke reports whether the system that is asked is the one that the state belongs to. What was only planned to be
// adopted has nothing to revoke: it is forgotten.
func (g *governed[M, P]) mayRevoke(ctx context.Context, ref access.Ref, k *kept, diags *diag.Diagnostics) bool {
	if k.Adopt != "" && k.System != "" {
		if err := g.refuseElsewhere(ctx, k.System, holdsIt); err != nil {
			failed(diags, "revoke", ref, err)
			return false
		}
	}
	if k.Adopt != "" && !g.forgetUngoverned(ctx, ref, k, diags) {
		return false
	}
	// one that cannot be asked: the revocation meets it as well, and has the words for it
	if there := g.look(ctx); there.err == nil {
		if err := g.isHome(ctx, ref, *k, there); err != nil {
			failed(diags, "revoke", ref, err)
			return false
		}
	}
	return true
}

// saysNothingToRevoke reports whether a state means nothing that could be revoked, and says what to do. That is an
// error: a destroy that is done has cut.
func saysNothingToRevoke(ref access.Ref, err error, diags *diag.Diagnostics) bool {
	switch {
	case errors.Is(err, errUntold):
		diags.AddError("Cannot revoke "+ref.String(), "The state does not say what it means: its private part is "+
			"missing or was edited. This stack may not touch another one with the same id. Run terraform apply "+
			"-refresh-only first, or import it again. If it is gone, forget it: terraform state rm. Nothing was "+
			"changed.")
	case errors.Is(err, errReplaced):
		diags.AddError("Cannot revoke "+ref.String(), "The one that the state means is gone. Another one of this "+
			"stack is in force under the same id, and stays in force. If you mean that one, run terraform apply "+
			"-refresh-only, then terraform import. If not, forget the old one: terraform state rm. Nothing was "+
			"changed.")
	default:
		return false
	}
	return true
}

// warnSwept names what went with what was revoked.
func warnSwept(ref access.Ref, swept []access.Ref, diags *diag.Diagnostics) {
	if len(swept) == 0 {
		return
	}
	var others []string
	for _, s := range swept {
		others = append(others, s.String())
	}
	diags.AddWarning("Other access was revoked with "+ref.String(), "These depended on it, and were revoked with it: "+
		strings.Join(others, ", ")+".")
}

// revoke revokes what a state means, and says what that was.
func (g *governed[M, P]) revoke(ctx context.Context, state *M, ref access.Ref, k kept,
	diags *diag.Diagnostics) (access.Ref, []access.Ref, error) {
	if uid := k.History.UID; uid != "" {
		swept, err := g.system.Delete(warned(ctx, diags), ref, uid)
		if !isNotFound(err) {
			return ref, swept, err
		}
		if elsewhere := g.refuseElsewhere(ctx, k.System, lacksIt); elsewhere != nil {
			return ref, nil, elsewhere
		}
		if g.isDone(ref) { // this run has put another one in its place
			return ref, nil, err
		}
	}
	rec, ref, err := g.resolve(ctx, state, ref, k, diags)
	if err != nil {
		return ref, nil, g.notInOlder(ctx, state, k, err)
	}
	swept, err := g.system.Delete(warned(ctx, diags), ref, rec.UID)
	return ref, swept, err
}
