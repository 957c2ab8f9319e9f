// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// partner_floor: security's settings, kept in the access system itself, since whoever edits a provider block can switch
// rules off. What the settings mean is guardrail's (Settings.Under), how a system keeps them its own (access.Floored).
// Here is the resource: one per system, changed only by the stack that set it.
//
// It gives no access and takes none, so it has neither owner nor end, and does not go the way of the governed
// resources.

var (
	_ resource.ResourceWithConfigure   = (*floorResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*floorResource)(nil)
	_ resource.ResourceWithImportState = (*floorResource)(nil)
)

// floorResource is partner_floor: the settings of the rules that no configuration of the access system can loosen.
type floorResource struct{ configured }

func newFloor() resource.Resource { return &floorResource{} }

func (r *floorResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_floor"
}

// Schema returns the schema (resource_floor_schema.go).
func (r *floorResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = floorSchema()
}

// ImportState takes the one id that there is; Read does the rest.
func (r *floorResource) ImportState(ctx context.Context, req resource.ImportStateRequest,
	resp *resource.ImportStateResponse) {
	if req.ID != access.FloorID {
		resp.Diagnostics.AddError("Cannot import a floor",
			fmt.Sprintf("A system has one floor, whose id is %q.", access.FloorID))
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), req.ID)...)
}

// floored returns the system as one that holds a floor. If it is none, that is an error, and no silence: somebody would
// rely on it.
func (r *floorResource) floored(diags *diag.Diagnostics) (access.Floored, bool) {
	f, able := access.As[access.Floored](r.system)
	if !able {
		diags.AddError("This system has no floor", fmt.Sprintf("%s does not support a floor yet. Each "+
			"configuration's own settings count there.",
			r.system.Capabilities().Name))
	}
	return f, able
}

// ModifyPlan validates the floor, and says what it changes for everybody. If nothing differs, nothing moves: the digest
// decides, so another spelling is no change. The digest of what is known is planned, and so can be compared in review.
func (r *floorResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest,
	resp *resource.ModifyPlanResponse) {
	if r.session == nil {
		return
	}
	diags := &resp.Diagnostics
	state, ok := floorIn(ctx, req.State.Raw.IsNull(), req.State.Get, diags)
	if !ok {
		return
	}
	if req.Plan.Raw.IsNull() {
		diags.AddWarning("This removes the floor",
			fmt.Sprintf("From then on, only each configuration's own settings count in %s. The journal records this, "+
				"and the system remembers that it was done on purpose.", r.system.Capabilities().Place))
		return
	}
	plan, ok := floorIn(ctx, false, req.Plan.Get, diags)
	floored, able := r.floored(diags)
	if !ok || !able {
		return
	}
	f, known := plan.read(diags)
	if diags.HasError() {
		return
	}
	there, err := floored.Floor(ctx)
	r.explainFloor(there, err, f, known, diags)
	if r.locate(ctx).none {
		r.announce(ctx, diags)
	}
	plan.ID = types.StringValue(access.FloorID)
	switch {
	case !known:
		plan.Digest, plan.Generation, plan.SetAt = types.StringUnknown(), types.Int64Unknown(), types.StringUnknown()
	case state != nil && state.Digest.ValueString() == f.Digest():
		plan.Digest = state.Digest
		plan.Generation = state.Generation
		plan.SetAt = state.SetAt
	default:
		plan.Digest, plan.Generation, plan.SetAt = types.StringValue(f.Digest()), types.Int64Unknown(),
			types.StringUnknown()
	}
	diags.Append(resp.Plan.Set(ctx, plan)...)
}

// explainFloor refuses what another stack set, and warns of what is lost and of what changes. A floor that is lost has
// its mark left, which says whose it was: nobody else may set it again.
func (r *floorResource) explainFloor(there *access.FloorRecord, err error, f access.Floor, known bool,
	diags *diag.Diagnostics) {
	var lost *access.FloorError
	switch {
	// the mark that is left says whose it was
	case errors.As(err, &lost) && lost.Was.Stack != "" && lost.Was.Stack != r.stack:
		unset(diags, "plan", &access.FloorStackError{Stack: lost.Was.Stack})
	case errors.As(err, &lost):
		diags.AddWarning("Cannot tell what the floor says", sentence(lost)+". This apply sets it again. Find out who "+
			"could write there.")
	case err != nil:
		diags.AddError("Cannot read the floor", sentence(err)+".")
	case there.InForce() && there.Stack != r.stack:
		unset(diags, "plan", &access.FloorStackError{Stack: there.Stack, SetBy: there.Floor.SetBy})
	// what goes or changes concerns every configuration, so each line of it is named
	case there.InForce() && known:
		before, after := there.Floor.Lines(), f.Lines()
		gone := slices.DeleteFunc(slices.Clone(before), func(line string) bool { return slices.Contains(after, line) })
		if len(gone) > 0 {
			diags.AddWarning("The floor changes for every configuration",
				fmt.Sprintf("These settings change or go: %s. The change counts from the next plan of each "+
					"configuration of %s on.", strings.Join(gone, "; "), r.system.Capabilities().Place))
		}
	}
}

// unset says why a floor was not set, or not lifted: act is the verb of the summary.
func unset(diags *diag.Diagnostics, act string, err error) {
	summary := "Cannot " + act + " the floor"
	var other *access.FloorStackError
	var changed *access.FloorChangedError
	switch {
	case errors.As(err, &other):
		diags.AddError(summary, sentence(other)+". A system has one floor. Change it there, or, if this is the same "+
			"configuration, give the provider that stack. Nothing was changed.")
	case errors.As(err, &changed):
		diags.AddError(summary, sentence(changed)+". Plan again, and look at what differs. Nothing was changed.")
	case errors.Is(err, access.ErrNotPermitted):
		diags.AddError(summary, sentence(err)+". Only the login of the floor's own configuration may change it, and "+
			"this is another login. Nothing was changed.")
	default:
		diags.AddError(summary, sentence(err)+".")
	}
}

// Read reads what is set. A floor that was lifted leaves the state, so that the plan proposes it anew. One that is lost
// is kept with an empty digest, so that it differs, and the next apply sets it again.
func (r *floorResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	m, ok := floorIn(ctx, false, req.State.Get, &resp.Diagnostics)
	if !ok || !r.isFloorHere(ctx, "read", req.Private, &resp.Diagnostics) {
		return
	}
	floored, able := r.floored(&resp.Diagnostics)
	if !able {
		return
	}
	there, err := floored.Floor(ctx)
	var lost *access.FloorError
	switch {
	case errors.As(err, &lost):
		resp.Diagnostics.AddWarning("Cannot tell what the floor says",
			sentence(lost)+". The next apply of this configuration sets it again.")
		m.Digest = types.StringValue("")
	case err != nil:
		resp.Diagnostics.AddError("Cannot read the floor", sentence(err)+".")
		return
	case !there.InForce():
		resp.State.RemoveResource(ctx)
		return
	default:
		m.declare(there)
		keep(ctx, resp.Private, kept{System: there.System}, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// isFloorHere reports whether the system is the one whose floor the state knows; if not, an error says so. One that
// cannot be asked is met by what comes after.
func (r *floorResource) isFloorHere(ctx context.Context, act string, private keeper, diags *diag.Diagnostics) bool {
	known := keptIn(ctx, private, diags).System
	there := r.look(ctx)
	if known == "" || there.err != nil {
		return true
	}
	var elsewhere *elsewhereError
	if errors.As(r.belongs(known, there, holdsIt), &elsewhere) {
		diags.AddError("Cannot "+act+" the floor", explainElsewhere(elsewhere))
	}
	return elsewhere == nil
}

// Create sets a floor, or takes up what this stack set before. It knows of no generation, which the system compares.
func (r *floorResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	m, ok := floorIn(ctx, false, req.Plan.Get, &resp.Diagnostics)
	if ok && r.lay(ctx, m, 0, &resp.Diagnostics) {
		resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
		keep(ctx, resp.Private, kept{System: r.look(ctx).id}, &resp.Diagnostics)
	}
}

// Update changes the floor, if it is still of the generation that the state knows: else somebody changed it since the
// plan.
func (r *floorResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	m, ok := floorIn(ctx, false, req.Plan.Get, &resp.Diagnostics)
	state, read := floorIn(ctx, false, req.State.Get, &resp.Diagnostics)
	if ok &&
		read &&
		r.isFloorHere(ctx, "change", req.Private, &resp.Diagnostics) &&
		r.lay(ctx, m, state.Generation.ValueInt64(), &resp.Diagnostics) {
		resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	}
}

// lay sets the floor that a plan says, with a line of the journal before it and one after it. known is the generation
// that the state knows, 0 for none.
func (r *floorResource) lay(ctx context.Context, m *floorModel, known int64, diags *diag.Diagnostics) bool {
	floored, able := r.floored(diags)
	if !able || r.refusesChanges(diags) {
		return false
	}
	r.applies()
	f, _ := m.read(diags)
	if diags.HasError() {
		return false
	}
	var now *access.FloorRecord
	err := journal.Floored(warned(ctx, diags), r.system, r.there(ctx, floored), &f,
		func() (*access.FloorRecord, error) {
			var err error
			now, err = floored.SetFloor(ctx, f, r.stack, known)
			return now, err
		})
	if err != nil {
		unset(diags, "set", err)
		return false
	}
	r.made(now.System, diags)
	m.observe(now)
	return true
}

// there returns what is set now, for the journal; nil if that is not known. The journal is to say what was, and not to
// keep anybody from setting it right.
func (r *floorResource) there(ctx context.Context, floored access.Floored) *access.FloorRecord {
	there, err := floored.Floor(ctx)
	if err != nil {
		return nil
	}
	return there
}

// Delete lifts the floor, on purpose: the journal records it, and the system remembers it, so that nobody misses it.
// See TestAFloorThatVanishedIsAnError for one that goes otherwise.
func (r *floorResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	m, ok := floorIn(ctx, false, req.State.Get, &resp.Diagnostics)
	if !ok ||
		r.refusesChanges(&resp.Diagnostics) ||
		!r.isFloorHere(ctx, "lift", req.Private, &resp.Diagnostics) {
		return
	}
	floored, able := r.floored(&resp.Diagnostics)
	if !able {
		return
	}
	r.applies()
	err := journal.Floored(warned(ctx, &resp.Diagnostics), r.system, r.there(ctx, floored), nil,
		func() (*access.FloorRecord, error) {
			return floored.LiftFloor(ctx, r.stack, m.Generation.ValueInt64())
		})
	if err != nil {
		unset(&resp.Diagnostics, "lift", err)
	}
}

// floorIn reads a model; nil if there is none.
func floorIn(ctx context.Context, none bool, get func(context.Context, any) diag.Diagnostics,
	diags *diag.Diagnostics) (*floorModel, bool) {
	if none {
		return nil, true
	}
	m := &floorModel{}
	diags.Append(get(ctx, m)...)
	return m, !diags.HasError()
}

// sayFloorFaults puts what is wrong with a floor at its arguments: "max_lifetime.grant" is a path.
func sayFloorFaults(faults []guardrail.SettingError, diags *diag.Diagnostics) {
	for _, e := range faults {
		at := path.Empty()
		for name := range strings.SplitSeq(e.Setting, ".") {
			at = at.AtName(name)
		}
		diags.AddAttributeError(at, "Invalid floor", sentence(e)+".")
	}
}
