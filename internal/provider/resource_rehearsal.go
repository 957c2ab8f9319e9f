// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
	"github.com/partner-access/terraform-provider-partner/internal/rehearsal"
)

// partner_rehearsal: the cut of a partner, tried on a shadow of it (package rehearsal). It gives no access that
// outlives its apply, so it has neither owner nor end. What stays is the moment, which the system remembers, and the
// journal's lines. See TestARehearsalOnTheEmbeddedSystemTouchesNothingReal.

var _ resource.ResourceWithConfigure = (*rehearsalResource)(nil)

// rehearsalResource is partner_rehearsal: the cut of a partner, tried on a shadow of it.
type rehearsalResource struct{ configured }

// rehearsalModel is a rehearsal as Terraform sees it. Triggers mean nothing but that they change; all below are
// computed.
type rehearsalModel struct {
	Partner     types.String  `tfsdk:"partner"`
	Triggers    types.Map     `tfsdk:"triggers"`
	ID          types.String  `tfsdk:"id"`
	RehearsedAt types.String  `tfsdk:"rehearsed_at"`
	Seconds     types.Float64 `tfsdk:"seconds"`
	Results     types.List    `tfsdk:"results"`
}

// resultType is the type of what came of one way in.
var resultType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"kind": types.StringType, "how": types.StringType, "admitted": types.BoolType, "refused_at": types.StringType,
	"seconds": types.Float64Type, "session_seconds": types.Float64Type, "note": types.StringType,
}}

func newRehearsal() resource.Resource { return &rehearsalResource{} }

func (r *rehearsalResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_rehearsal"
}

// Schema returns the schema. Another partner is another rehearsal; other triggers run it again in place.
func (r *rehearsalResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A rehearsal of a partner's offboarding. The apply creates a shadow partner with a " +
			"credential of each kind that the partner holds, logs in with each, cuts the shadow by the steps that " +
			"`partner_offboarding` prints, measures the seconds until it is refused, and removes it. A shell runs " +
			"the steps; on OpenBao, they need the program `bao`, on AWS `aws`. The partner's own access is not " +
			"changed. The system remembers the rehearsal: see `offboarding/rehearsal-overdue`.\n\nIt gives no " +
			"access, so it has neither owner nor end. It rehearses what the partner holds at apply: let it depend on " +
			"the partner's resources. Destroying it removes only what a killed rehearsal of this stack left.",
		Attributes: map[string]schema.Attribute{
			"partner": schema.StringAttribute{
				Required: true, Validators: []validator.String{part("a partner's name"), noShadow()},
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
				MarkdownDescription: "The partner. It must hold a credential that is in force.",
			},
			"triggers": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Any values. Whenever they change, the rehearsal runs again, in place.",
			},
			"id": schema.StringAttribute{
				Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
				MarkdownDescription: "The partner.",
			},
			"rehearsed_at": schema.StringAttribute{
				Computed: true, MarkdownDescription: "When the partner was rehearsed last, as the system remembers " +
					"it. RFC 3339, UTC.",
			},
			"seconds": schema.Float64Attribute{
				Computed: true, MarkdownDescription: "How many seconds the slowest refusal took, from the start of " +
					"the first step, open sessions included.",
			},
			"results": schema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "The result of each way in.",
				NestedObject: schema.NestedAttributeObject{Attributes: resultAttributes()},
			},
		},
	}
}

// resultAttributes returns the schema of what came of one way in.
func resultAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"kind": schema.StringAttribute{Computed: true, MarkdownDescription: "The kind of the credential."},
		"how":  schema.StringAttribute{Computed: true, MarkdownDescription: "How the shadow logged in."},
		"admitted": schema.BoolAttribute{Computed: true,
			MarkdownDescription: "Whether it got in before the cut. If not, `note` says why it was not tried."},
		"refused_at": schema.StringAttribute{Computed: true,
			MarkdownDescription: "When it was first refused, by the system's clock. RFC 3339, UTC."},
		"seconds": schema.Float64Attribute{Computed: true,
			MarkdownDescription: "How many seconds that was after the start of the first step."},
		"session_seconds": schema.Float64Attribute{
			Computed: true, MarkdownDescription: "How long a session lasted that was open before; null if the system " +
				"judges each request anew.",
		},
		"note": schema.StringAttribute{Computed: true,
			MarkdownDescription: "What was not tried and why, and what the seconds do not show; null if there is " +
				"nothing to say."},
	}
}

// Create rehearses. The state is written only if everything was refused: a rehearsal that failed is to be done again.
func (r *rehearsalResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	m, ok := read[rehearsalModel](ctx, req.Plan, &resp.Diagnostics)
	if ok && r.rehearse(ctx, m, &resp.Diagnostics) {
		resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
		keep(ctx, resp.Private, kept{System: r.locate(ctx).id}, &resp.Diagnostics)
	}
}

// settling is how long the system may take to know everywhere of a rehearsal. Until then, that it has not heard of one
// does not mean that it has forgotten it.
const settling = time.Minute

// Read asks when the system remembers that the partner was rehearsed. What it has forgotten leaves the state, and is
// done again. A system that cannot rehearse any more says nothing about it.
func (r *rehearsalResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	m, ok := read[rehearsalModel](ctx, req.State, &resp.Diagnostics)
	if !ok {
		return
	}
	if !r.isHere(ctx, "read when it was rehearsed", m.Partner.ValueString(), req.Private, &resp.Diagnostics) {
		return
	}
	rehearser, able := access.As[access.Rehearser](r.system)
	if !able {
		return
	}
	all, err := rehearser.Rehearsed(ctx)
	if err != nil {
		resp.Diagnostics.AddError("Cannot read when "+m.Partner.ValueString()+" was rehearsed", sentence(err)+".")
		return
	}
	at, remembered := all[m.Partner.ValueString()]
	now, err := r.system.Now(ctx)
	switch {
	case err != nil:
		resp.Diagnostics.AddError("Cannot read the clock of the access system", sentence(err)+".")
		return
	case now.Sub(timeOf(m.RehearsedAt)) < settling:
		return
	case !remembered:
		resp.State.RemoveResource(ctx)
		return
	}
	m.RehearsedAt = timeValue(at)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// Update rehearses again, for other triggers.
func (r *rehearsalResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	m, ok := read[rehearsalModel](ctx, req.Plan, &resp.Diagnostics)
	if ok && r.rehearse(ctx, m, &resp.Diagnostics) {
		resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
	}
}

// isHere reports whether the system is the one that was rehearsed in; if not, an error says so. One that cannot be
// asked is met by what comes after. See TestARehearsalIsOfItsSystem.
func (r *rehearsalResource) isHere(ctx context.Context, act, partner string, private keeper,
	diags *diag.Diagnostics) bool {
	there := r.look(ctx)
	if there.err != nil {
		return true
	}
	var elsewhere *elsewhereError
	if errors.As(r.belongs(keptIn(ctx, private, diags).System, there, holdsIt), &elsewhere) {
		diags.AddError(fmt.Sprintf("Cannot %s: %s", act, partner), explainElsewhere(elsewhere))
	}
	return elsewhere == nil
}

// Delete removes what a rehearsal left that was killed. That there was a rehearsal stays true. That nothing can be
// removed now is a warning: a shadow reaches nothing, and ends by itself.
func (r *rehearsalResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	if r.collects {
		return
	}
	m, ok := read[rehearsalModel](ctx, req.State, &resp.Diagnostics)
	if !ok || !r.isHere(ctx, "remove what a rehearsal may have left", m.Partner.ValueString(), req.Private,
		&resp.Diagnostics) {
		return
	}
	r.applies()
	r.rehearsing.Lock()
	defer r.rehearsing.Unlock()
	defer r.restock()
	twins := rehearsal.Rehearsal{System: r.system, Stack: r.stack, Environment: r.environment}
	if err := twins.Sweep(warned(ctx, &resp.Diagnostics)); err != nil {
		resp.Diagnostics.AddWarning("A rehearsal may have left something behind",
			sentence(err)+". It reaches nothing of the partner's, and ends by itself ten minutes after it was created.")
	}
}

// rehearse rehearses, and reports whether everything was refused. It takes one partner at a time, since each begins by
// removing what an earlier one left, and would remove what another one is trying.
func (r *rehearsalResource) rehearse(ctx context.Context, m *rehearsalModel, diags *diag.Diagnostics) bool {
	if r.refusesChanges(diags) {
		return false
	}
	r.applies()
	r.rehearsing.Lock()
	defer r.rehearsing.Unlock()
	defer r.restock()
	ctx = warned(ctx, diags)
	partner := m.Partner.ValueString()
	var out rehearsal.Outcome
	err := journal.Rehearsed(ctx, r.system, partner, func() (time.Time, float64, error) {
		var err error
		out, err = rehearsal.Rehearsal{System: r.system, Stack: r.stack, Environment: r.environment}.Run(ctx, partner)
		return out.Refused(), out.Slowest(), err
	})
	if err != nil {
		unrehearsed(diags, partner, err)
		return false
	}
	m.ID, m.RehearsedAt, m.Seconds = m.Partner, timeValue(out.At), types.Float64Value(out.Slowest())
	m.Results = resultsValue(out.Results)
	// what was not tried is not known to work: a rehearsal must not look better than it was
	for _, result := range out.Results {
		if !result.Admitted {
			diags.AddWarning(fmt.Sprintf("A rehearsal of %s did not try everything", partner),
				fmt.Sprintf("%s: %s", result.Kind, result.Note))
		}
	}
	return true
}

// unrehearsed says why there was no rehearsal, or what it found. In each case the partner's own access was not touched.
func unrehearsed(diags *diag.Diagnostics, partner string, err error) {
	const untouched = " The partner's own access was not touched."
	summary := "The offboarding of " + partner + " was not rehearsed"
	switch {
	case errors.Is(err, rehearsal.ErrNothing):
		diags.AddAttributeError(path.Root("partner"), summary, fmt.Sprintf("%s has no credential in force, so there "+
			"is nothing to rehearse. Let this depend on the partner's resources (depends_on), or remove it.", partner))
	case errors.Is(err, access.ErrUnsupported):
		diags.AddError(summary, sentence(err)+"."+untouched)
	default:
		diags.AddError(summary, sentence(err)+"."+untouched+" Until a rehearsal succeeds, assume that the steps "+
			"do not work.")
	}
}

// resultsValue returns what came of the ways in. Seconds are null for one that was never refused or not tried.
func resultsValue(results []rehearsal.Result) types.List {
	values := []attr.Value{}
	for _, r := range results {
		took := types.Float64Null()
		session := types.Float64PointerValue(r.Session)
		if !r.Refused.IsZero() {
			took = types.Float64Value(r.Seconds)
		}
		values = append(values, types.ObjectValueMust(resultType.AttrTypes, map[string]attr.Value{
			"kind": types.StringValue(string(r.Kind)), "how": types.StringValue(r.How),
			"admitted":   types.BoolValue(r.Admitted),
			"refused_at": timeValue(r.Refused), "seconds": took, "session_seconds": session,
			"note": optionalText(r.Note),
		}))
	}
	return types.ListValueMust(resultType, values)
}
