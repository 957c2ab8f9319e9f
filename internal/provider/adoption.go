// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What nobody declared is imported as PARTNER/ENVIRONMENT/NAME@NATIVE_ID, and so brought under a declaration. It takes
// three steps, each of which may be the last one:
//
//  1. The import changes nothing but the state, which knows the id, and in its private part what is to be adopted
//     (kept.Adopt). It has no owner yet: by that, a state of this kind is told from any other.
//  2. The next plan judges it as new access, and says what the partner keeps and loses.
//  3. Its apply adopts it (access.Change.Adopt). If the answer is lost, the next reading knows it for what it is, by
//     Record.AdoptedFrom. See TestAnAdoptionWhoseAnswerWasLostIsKnownForWhatItIs.
//
// A destroy after the first step revokes nothing, and says so.

// adoptedAs is what is to be adopted, by its native id, and as what.
type adoptedAs struct {
	native string
	id     access.IdentityID
}

// adoptions are what this walk knows of what it adopts.
type adoptions struct {
	system access.System
	// mu guards what follows.
	mu sync.Mutex
	// adopting is what adopting would do, as it was asked first.
	adopting map[adoptedAs]*access.Adoption
	// claimed is which native id this plan adopts as what.
	claimed map[string]access.IdentityID
}

// adoption says what adopting would do. It is asked once in a walk: nothing but this walk's own apply changes it there.
// access.ErrUnsupported if the system can have nothing that nobody declared; else the errors of access.Adopter.
func (a *adoptions) adoption(ctx context.Context, id access.IdentityID, native string) (*access.Adoption, error) {
	as := adoptedAs{native, id}
	a.mu.Lock()
	known := a.adopting[as]
	a.mu.Unlock()
	if known != nil {
		return known, nil
	}
	adopter, ok := access.As[access.Adopter](a.system)
	if !ok {
		return nil, fmt.Errorf("%w: the system %s has no ungoverned access: all that it holds is declared",
			access.ErrUnsupported, a.system.Capabilities().Name)
	}
	does, err := adopter.Adoption(ctx, id, native)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.adopting[as] = does
	return does, nil
}

// claimAdoption lets one block of a plan adopt a thing, and refuses any other: the apply would make one of them, and
// fail for the other.
func (a *adoptions) claimAdoption(id access.IdentityID, native string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if by, ok := a.claimed[native]; ok && by != id {
		return fmt.Errorf("%w: %s is to be adopted as %s in the same plan", access.ErrGoverned, native, by)
	}
	a.claimed[native] = id
	return nil
}

// importUngoverned takes into the state what nobody declared: the parts of its id, who enforces it (nobody yet), and
// how to cut it by hand. It refuses what is not there, and what is declared already.
func (g *governed[M, P]) importUngoverned(ctx context.Context, text, native string,
	resp *resource.ImportStateResponse) {
	var what *access.Adoption
	id, err := access.ParseIdentityID(text)
	if err == nil {
		what, err = g.adoption(ctx, id, native)
	}
	switch {
	case isNotFound(err):
		resp.Diagnostics.AddError("Cannot import identity "+text,
			fmt.Sprintf("The system has no %s. Take it from native_id in partner_inventory.", native))
	case errors.Is(err, access.ErrGoverned):
		resp.Diagnostics.AddError("Cannot import identity "+text,
			sentence(err)+". To import declared access, give its id alone.")
	case err != nil:
		resp.Diagnostics.AddError("Cannot import identity "+text, sentence(err)+".")
	}
	if resp.Diagnostics.HasError() {
		return
	}
	for name, value := range map[string]any{
		"id": text, "partner": id.Partner, "environment": id.Environment, "name": id.Name,
		"enforced_by": "Nobody yet: it was imported, but not adopted.",
		"revocation":  strings.Join(what.Revocation, " && "),
	} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), value)...)
	}
	keep(ctx, resp.Private, kept{Adopt: native, System: g.locate(ctx).id}, &resp.Diagnostics)
}

// begun returns the uid of an identity whose adoption was begun by this stack, and the state was not told; "" if
// nothing has the id. If something else has it, it is access.ErrGoverned.
func (g *governed[M, P]) begun(ctx context.Context, ref access.Ref, native string) (uid string, err error) {
	rec, err := g.system.Get(ctx, ref)
	switch {
	case isNotFound(err):
		return "", nil
	case err != nil:
		return "", err
	case rec.AdoptedFrom != native || rec.Stack != g.stack:
		return "", fmt.Errorf("%s: %w", ref.ID, access.ErrGoverned)
	}
	return rec.UID, nil
}

// adopted reports whether what was imported to be adopted is so in the meantime: then it is read like what is imported
// by its id. If not, the reading is over: what has gone leaves the state, an import from another system is an error,
// and anything else waits for its plan.
func (g *governed[M, P]) adopted(ctx context.Context, ref access.Ref, k *kept, resp *resource.ReadResponse) bool {
	if k.System != "" {
		if err := g.belongs(k.System, g.locate(ctx), holdsIt); err != nil {
			failed(&resp.Diagnostics, "read", ref, err)
			return false
		}
	}
	uid, err := g.begun(ctx, ref, k.Adopt)
	if err == nil && uid == "" {
		_, holder, _ := access.ParseRef(ref.Type, ref.ID)
		_, err = g.adoption(ctx, holder, k.Adopt)
	}
	switch {
	case isNotFound(err):
		resp.Diagnostics.AddWarning("The identity to adopt is gone: "+ref.String(),
			fmt.Sprintf("The system no longer has %s. The plan proposes the declared identity as a new one.", k.Adopt))
		remove(ctx, resp)
	case errors.Is(err, access.ErrUnavailable), errors.Is(err, access.ErrNotPermitted):
		failed(&resp.Diagnostics, "read", ref, err)
	} // why it cannot be adopted, the plan says
	k.Adopt = ""
	return uid != ""
}

// explainAdoption says what becomes of what is to be adopted, or why it cannot be, and reports whether the plan goes
// on.
func (g *governed[M, P]) explainAdoption(ctx context.Context, plan, state *M, native string,
	diags *diag.Diagnostics) bool {
	ref := access.Ref{Type: g.kind, ID: P(state).common().ID.ValueString()}
	if names := P(plan).replaced(state); len(names) > 0 {
		diags.AddAttributeError(path.Root(names[0]), "The import names another identity: "+ref.String(),
			fmt.Sprintf("The import adopts %s as %s, but the block declares another id. Write the same id in both.",
				native, ref.ID))
		return false
	}
	_, id, err := access.ParseRef(ref.Type, ref.ID)
	var a *access.Adoption
	if err == nil {
		a, err = g.adoption(ctx, id, native)
	}
	if err == nil {
		err = g.claimAdoption(id, native)
	}
	if err != nil {
		failed(diags, "adopt", ref, err)
		return false
	}
	diags.AddWarning("This adopts undeclared access: "+ref.String(), adoptionText(native, a, P(plan).release()))
	return P(plan).release().IsNull() || a.Held || !g.releasesAhead(ctx, ref, native, diags)
}

// releasesAhead refuses a release of what nobody has cut: it would lift a cut that somebody makes before the adoption.
// An adoption that was begun may have been released by that very value.
func (g *governed[M, P]) releasesAhead(ctx context.Context, ref access.Ref, native string,
	diags *diag.Diagnostics) bool {
	if uid, err := g.begun(ctx, ref, native); err != nil || uid != "" {
		return false
	}
	diags.AddAttributeError(path.Root("hold_released"), "Nothing is to be released: "+ref.String(),
		fmt.Sprintf("Nobody has cut %s by hand, so this would lift a cut that is made before the apply. Leave "+
			"hold_released out.", native))
	return true
}

// adoptionText says what adopting does: what the partner keeps, and what it loses. If nobody can log in as it any more,
// nothing is kept, and the identity is made in its place. Whether a cut by hand stays is said last. See
// TestThePlanOfAnAdoptionSaysWhatTheApplyDoes.
func adoptionText(native string, a *access.Adoption, release types.String) string {
	var text strings.Builder
	fmt.Fprintf(&text, "The apply brings %s under this declaration. From then on, the partner may do only what the "+
		"identity's grants allow, and nothing until they are applied.\n\n", native)
	say := func(what string, names []string) {
		if len(names) > 0 {
			fmt.Fprintf(&text, "%s: %s.\n", what, strings.Join(names, ", "))
		}
	}
	say("It keeps how the partner logs in", a.Logins)
	say("It loses the policies", a.Policies)
	say("It leaves the groups", a.Groups)
	text.WriteString(a.Sessions)
	if len(a.Logins) == 0 {
		text.Reset()
		fmt.Fprintf(&text, "Nobody can log in as %s any more. The apply removes it, and creates the declared identity "+
			"in its place.", native)
	}
	switch {
	case a.Held && slices.Contains(a.Spent, release.ValueString()):
		text.WriteString(" It was cut by hand, and stays cut: this partner used that value of hold_released before, " +
			"and each counts once.")
	case a.Held && !release.IsNull():
		text.WriteString(" It was cut by hand, and hold_released restores it.")
	case a.Held:
		text.WriteString(" It was cut by hand, and stays cut.")
	}
	return text.String()
}

// explainLeft warns, in each plan, of ways to log in that an identity has from before its adoption: no apply removes
// them, so nobody must forget them.
func explainLeft(ref access.Ref, k kept, diags *diag.Diagnostics) {
	if len(k.Adopted) > 0 {
		diags.AddWarning("An old login still works: "+ref.String(), strings.Join(k.Adopted, "\n"))
	}
}

// forgetUngoverned says of what was imported and never adopted that it goes on, and how to end it by hand. It reports
// whether there is something to revoke all the same: its adoption was begun, so it is known by its uid, which k gets.
func (g *governed[M, P]) forgetUngoverned(ctx context.Context, ref access.Ref, k *kept, diags *diag.Diagnostics) bool {
	uid, err := g.begun(ctx, ref, k.Adopt)
	if err != nil && !errors.Is(err, access.ErrGoverned) {
		failed(diags, "revoke", ref, err)
		return false
	}
	// Under the id stands what this stack declared itself, and the state means something else by it: to say that
	// nothing was revoked would sound as if the partner had nothing.
	if rec, held := g.system.Get(ctx, ref); errors.Is(err, access.ErrGoverned) &&
		held == nil &&
		rec.Stack == g.stack {
		failed(diags, "revoke", ref, fmt.Errorf("the state was to adopt %s, but this stack already holds %w. Import "+
			"it by its id, or forget this one: terraform state rm", k.Adopt, err))
		return false
	}
	if uid == "" {
		text := fmt.Sprintf("It was imported, but never adopted. %s still has its access, and the inventory lists it "+
			"as ungoverned.", k.Adopt)
		if _, id, err := access.ParseRef(ref.Type, ref.ID); err == nil {
			if a, err := g.adoption(ctx, id, k.Adopt); err == nil {
				text += " To end it by hand: " + strings.Join(a.Revocation, " && ")
			}
		}
		diags.AddWarning("Nothing was revoked: "+ref.String(), text)
	}
	k.History.UID = uid
	return uid != ""
}
