// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

var _ datasource.DataSourceWithConfigure = (*guardrailsDataSource)(nil)

// guardrailsDataSource is partner_guardrails: the settings in force, and every finding of the configuration.
type guardrailsDataSource struct{ asked }

// guardrailsModel is the data source as Terraform sees it: IDs is its argument, the rest is computed.
type guardrailsModel struct {
	IDs      types.Set    `tfsdk:"ids"`
	Settings types.Object `tfsdk:"settings"`
	Levels   types.Map    `tfsdk:"levels"`
	Origins  types.Map    `tfsdk:"origins"`
	Floor    types.Object `tfsdk:"floor"`
	Findings types.List   `tfsdk:"findings"`
}

var (
	settingsType = map[string]attr.Type{
		"environment": types.StringType, "environments": textSetType, "owner_domains": textSetType,
		"active_owners": textSetType, "shared": textSetType,
		"max_lifetime": types.MapType{ElemType: types.StringType}, "warn_before": types.StringType,
		"review_every":  types.StringType,
		"dormant_after": types.StringType, "min_fixed_segments": types.Int64Type, "max_grants": types.Int64Type,
	}
	floorToldType = with(textTypes("set_by", "stack", "set_at", "digest", "problem"), map[string]attr.Type{
		"generation": types.Int64Type, "says": types.ListType{ElemType: types.StringType},
	})
	findingType = map[string]attr.Type{
		"rule": types.StringType, "level": types.StringType, "type": types.StringType, "id": types.StringType,
		"attribute": types.StringType, "problem": types.StringType, "fix": types.StringType,
	}
)

func newGuardrails() datasource.DataSource { return &guardrailsDataSource{} }

func (d *guardrailsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_guardrails"
}

// Schema returns the schema. The ids have to come through a local: that makes Terraform read the data source after it
// has planned the resources, and still in the plan. If a data source depends directly on a resource with planned
// changes, Terraform reads it at apply (https://developer.hashicorp.com/terraform/language/data-sources).
func (d *guardrailsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The rules' settings in force, and every finding of this configuration. Pass the ids of " +
			"the resources **through a local**, so that Terraform reads this after it has planned all of them.",
		Attributes: map[string]schema.Attribute{
			"ids": schema.SetAttribute{
				Required: true, ElementType: types.StringType,
				MarkdownDescription: "The ids of the identities, credentials and grants whose findings to return, " +
					"through a local.",
			},
			"settings": schema.ObjectAttribute{
				Computed: true, AttributeTypes: settingsType,
				MarkdownDescription: "The settings in force, defaults included.",
			},
			"levels": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "The level in force of every rule, by slug.",
			},
			"origins": schema.MapAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Where each setting comes from: `default`, `configuration` (this provider " +
					"block), or `floor`. Levels that differ from the defaults are listed as `levels.SLUG`.",
			},
			"floor": schema.ObjectAttribute{
				Computed: true, AttributeTypes: floorToldType,
				MarkdownDescription: "The floor of the access system: `set_by`, `stack`, `generation`, `set_at`, " +
					"`digest`, and `says`, a line for each setting. Null if there is none. `problem` says why the " +
					"floor cannot be known; then everything that would give more access is refused.",
			},
			"findings": schema.ListAttribute{
				Computed: true, ElementType: types.ObjectType{AttrTypes: findingType},
				MarkdownDescription: "The findings in this plan, sorted by id and rule: `rule`, `level` (`deny` " +
					"refuses), `type`, `id`, `attribute`, `problem`, `fix`.",
			},
		},
	}
}

// Read returns the settings in force, the floor, and the findings that the plan has made so far of some resources.
func (d *guardrailsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	m, ok := read[guardrailsModel](ctx, req.Config, &resp.Diagnostics)
	if !ok {
		return
	}
	r := &reader{}
	wanted := r.texts("ids", m.IDs)
	// the floor is read even if no resource was planned, since the settings in force are under it
	footing, err := d.stand(ctx)
	if err != nil {
		resp.Diagnostics.AddError("Cannot read the floor", sentence(err)+".")
		return
	}
	m.Settings, m.Levels = settingsValue(footing.settings), levelsValue(footing.settings)
	m.Origins, m.Floor = textMap(footing.settings.Origins(d.written)), floorTold(footing)
	findings := []attr.Value{}
	for _, f := range d.found() {
		if slices.Contains(wanted, f.Subject.ID) {
			findings = append(findings, types.ObjectValueMust(findingType, map[string]attr.Value{
				"rule": types.StringValue(f.Rule.Slug), "level": types.StringValue(f.Level.String()),
				"type": types.StringValue(string(f.Subject.Type)),
				"id":   types.StringValue(f.Subject.ID), "attribute": types.StringValue(f.Attribute),
				"problem": types.StringValue(f.Problem), "fix": types.StringValue(f.Fix),
			}))
		}
	}
	m.Findings = types.ListValueMust(types.ObjectType{AttrTypes: findingType}, findings)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// floorTold says what floor there is: null for none; only its problem if nobody knows what it says.
func floorTold(f footing) types.Object {
	switch {
	case f.lost != nil:
		return types.ObjectValueMust(floorToldType, map[string]attr.Value{
			"set_by": types.StringNull(), "stack": types.StringNull(), "generation": types.Int64Null(),
			"set_at": types.StringNull(), "digest": types.StringNull(),
			"says": types.ListNull(types.StringType), "problem": types.StringValue(sentence(f.lost) + "."),
		})
	case f.floor == nil:
		return types.ObjectNull(floorToldType)
	}
	return types.ObjectValueMust(floorToldType, map[string]attr.Value{
		"set_by": types.StringValue(f.floor.Floor.SetBy), "stack": types.StringValue(f.floor.Stack),
		"generation": types.Int64Value(f.floor.Generation),
		"set_at":     timeValue(f.floor.SetAt), "digest": types.StringValue(f.floor.Floor.Digest()),
		"says": textList(f.floor.Floor.Lines()), "problem": types.StringNull(),
	})
}

// settingsValue returns the settings as an attribute, with lengths in hours.
func settingsValue(s guardrail.Settings) types.Object {
	lifetimes := map[string]string{}
	for t, d := range s.MaxLifetime {
		lifetimes[string(t)] = access.Hours(d)
	}
	return types.ObjectValueMust(settingsType, map[string]attr.Value{
		"environment": types.StringValue(s.Environment), "environments": textSet(s.Environments),
		"owner_domains": textSet(s.OwnerDomains),
		"active_owners": textSet(s.ActiveOwners), "shared": textSet(s.Shared), "max_lifetime": textMap(lifetimes),
		"warn_before":        types.StringValue(access.Hours(s.WarnBefore)),
		"review_every":       types.StringValue(access.Hours(s.ReviewEvery)),
		"dormant_after":      types.StringValue(access.Hours(s.DormantAfter)),
		"min_fixed_segments": types.Int64Value(int64(s.MinFixedSegments)),
		"max_grants":         types.Int64Value(int64(s.MaxGrants)),
	})
}

// levelsValue returns the level of every rule, also of those that no setting names.
func levelsValue(s guardrail.Settings) types.Map {
	levels := map[string]string{}
	for _, r := range guardrail.Catalogue() {
		// settings name only those that differ from the catalogue
		level, set := s.Levels[r.Slug]
		if !set {
			level = r.Level
		}
		levels[r.Slug] = level.String()
	}
	return textMap(levels)
}
