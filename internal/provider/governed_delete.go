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

// Deleting a governed resource. A destroy that says "done" has cut: an error is returned whenever nobody knows whether
// the access lives, and the resource then stays in the state. The system itself revokes, verifies that nothing remains,
// and only then forgets the object.

// Delete revokes what a state means, and what hangs on it. It touches only the uid that the state knows: another one
// under the id is a creation of this very run (create_before_destroy), or somebody else's.
//
// Not found is success, since something before has revoked it: an identity that was destroyed first takes its
// credentials and grants along.
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
	// by this machine's clock, for the log alone; the journal measures for itself
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
	// a creation of this run took the id first, and left what the old object had until now
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

// mayRevoke reports whether the access system that is asked is the one that the state belongs to; if not, an error says
// so. What was only planned to be adopted has nothing to revoke: it is forgotten, and stays as it was.
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

// saysNothingToRevoke reports whether a state means nothing that could be revoked, and says what to do then. It is an
// error and not success: the access that somebody meant may live under another id.
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

// warnSwept names what was revoked with an object because it hung on it, of other stacks, too.
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

// revoke revokes what a state means, and returns what that was and what went with it; access.ErrNotFound if it is gone.
//
// It tries the state's uid first, which needs no reading. If the state's own system does not hold that, either this run
// has put another object in its place, which must stay, or somebody may have edited the uid or the id: then the object
// that is meant by the rest of the state is revoked. Only if there is none, it is gone.
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
