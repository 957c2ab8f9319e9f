// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

var _ datasource.DataSourceWithConfigure = (*inventoryDataSource)(nil)

// inventoryDataSource is partner_inventory: everything that partners hold in the system, of every stack.
type inventoryDataSource struct{ asked }

// inventoryModel is the data source as Terraform sees it: its filters are arguments, the rest is computed.
type inventoryModel struct {
	filters
	Flags      types.Set    `tfsdk:"flags"`
	System     types.String `tfsdk:"system"`
	At         types.String `tfsdk:"at"`
	Counts     types.Map    `tfsdk:"counts"`
	NotChecked types.List   `tfsdk:"not_checked"`
	Reviews    types.Object `tfsdk:"reviews"`
	Items      types.List   `tfsdk:"items"`
}

// filters are what an inventory and the lists of terraform query are narrowed by. Null narrows nothing.
type filters struct {
	Partner       types.String `tfsdk:"partner"`
	Environment   types.String `tfsdk:"environment"`
	Owner         types.String `tfsdk:"owner"`
	ExpiresBefore types.String `tfsdk:"expires_before"`
}

// wanted returns the filters as package inventory takes them. Flags differ in type, so each caller adds its own.
func (f *filters) wanted(r *reader) inventory.Filter {
	return inventory.Filter{
		Partner: r.text("partner", f.Partner), Environment: r.text("environment", f.Environment),
		Owner:         r.text("owner", f.Owner),
		ExpiresBefore: r.moment("expires_before", f.ExpiresBefore).Time,
	}
}

var (
	textListType = types.ListType{ElemType: types.StringType}
	itemType     = map[string]attr.Type{
		"type": types.StringType, "id": types.StringType, "native_id": types.StringType,
		"partner": types.StringType, "environment": types.StringType, "name": types.StringType,
		"parent_id": types.StringType, "kind": types.StringType,
		"owner": types.StringType, "purpose": types.StringType, "contact": types.StringType, "stack": types.StringType,
		"resource": types.StringType, "actions": textListType, "ceiling": textListType,
		"agreement": types.ObjectType{AttrTypes: agreementType}, "review": types.ObjectType{AttrTypes: reviewType},
		"expires_at": types.StringType, "ends_at": types.StringType, "rotates_at": types.StringType,
		"created_at": types.StringType,
		"renewed_at": types.StringType, "reviewed_at": types.StringType, "last_used_at": types.StringType,
		"renewals": types.Int64Type,
		"status":   types.StringType, "flags": textListType, "drift": textListType, "enforced_by": types.StringType,
		"revocation": textListType,
		"why":        types.StringType, "import": types.StringType, "declaration": types.StringType,
	}
)

func newInventory() datasource.DataSource { return &inventoryDataSource{} }

func (d *inventoryDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_inventory"
}

// Schema returns the schema. The items have no nested attributes (a list of objects), so the framework takes them as
// one value.
func (d *inventoryDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	filter := func(about string, validators ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: about, Validators: validators}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Everything that partners hold in the access system, in every stack, managed here or " +
			"not: who owns it, what it reaches, when it ends, when it was last used, how to cut it, and what is " +
			"wrong with it. It shows the moment of the plan, not what the same apply changes.",
		Attributes: map[string]schema.Attribute{
			"partner":        filter("Only what belongs to this partner.", part("a partner")),
			"environment":    filter("Only what is in this environment.", part("an environment")),
			"owner":          filter("Only what this owner answers for."),
			"expires_before": filter("Only what ends before this moment (RFC 3339).", moment()),
			"flags": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				Validators: []validator.Set{setvalidator.ValueStringsAre(stringvalidator.OneOf(flagNames()...))},
				MarkdownDescription: "Only what has one of these flags: `governed` (made by this provider), " +
					"`ungoverned` (declared by nobody), `orphaned` (its owner left, or what it hangs on is gone), " +
					"`drifted`, `dormant` (not used for `dormant_after`), `unused` (a credential without a grant, a " +
					"grant without a credential, an identity with neither, or never used for that long), `expiring`.",
			},
			"system": schema.StringAttribute{Computed: true,
				MarkdownDescription: "The access system: `embedded`, `openbao` or `aws`."},
			"at": schema.StringAttribute{Computed: true,
				MarkdownDescription: "The moment of the inventory, by the system's clock. RFC 3339, UTC."},
			"counts": schema.MapAttribute{
				Computed:    true,
				ElementType: types.Int64Type,
				MarkdownDescription: "How many items have each flag, by flag. Null, and not zero, if nobody looked " +
					"for it: see `not_checked`.",
			},
			"not_checked": schema.ListAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "The flags that this system cannot be searched for: `ungoverned` on the " +
					"embedded system, where anything undeclared is `drifted`; `dormant`, and whether something was " +
					"ever used, if the system does not know of its use.",
			},
			"reviews": schema.ObjectAttribute{
				Computed: true, AttributeTypes: progressType,
				MarkdownDescription: "How far the review of these items is, by `guardrails.review_every`. Of those " +
					"in force (`of`): for how many the newest review, or the creation, still counts (`reviewed`), " +
					"for how many it does not (`overdue`), and how many have a signed review of their own " +
					"(`signed`). `lapsed` is how many have ended by themselves.",
			},
			"items": schema.ListAttribute{
				Computed: true, ElementType: types.ObjectType{AttrTypes: itemType},
				MarkdownDescription: "The items, ungoverned ones first, then by id. Each has what the resources " +
					"have, `type` (`identity`, `credential`, `grant`), `flags`, `import` (a block that brings it " +
					"under Terraform), and, if ungoverned, `native_id` and `why`. On AWS, it then has `declaration`, " +
					"too: resource blocks for what its policies allow, with owner, purpose and end left to fill in. " +
					"A comment names what no block says, such as a denial or a boundary, which may make the old " +
					"access narrower. What an item does not have is null.",
			},
		},
	}
}

// Read returns what partners hold, of every stack. A count that nobody looked for is null, and not zero: "none" would
// be taken for an answer.
func (d *inventoryDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	m, ok := read[inventoryModel](ctx, req.Config, &resp.Diagnostics)
	if !ok {
		return
	}
	r := &reader{}
	wanted := m.wanted(r)
	wanted.Flags = setOf(r, "flags", m.Flags, func(s string) (inventory.Flag, error) { return inventory.Flag(s), nil })
	all, ok := d.takeStock(ctx, &resp.Diagnostics)
	if !ok {
		return
	}
	listed := all.Filter(wanted)
	m.System, m.At = types.StringValue(listed.System), timeValue(listed.At)
	counts, items := map[string]attr.Value{}, []attr.Value{}
	for flag, n := range listed.Count() {
		// nobody looked, so zero would be a claim
		counts[string(flag)] = types.Int64Null()
		if listed.Checked(flag, n) {
			counts[string(flag)] = types.Int64Value(int64(n))
		}
	}
	for i := range listed.Items {
		items = append(items, itemValue(&listed.Items[i]))
	}
	// every attribute of the schema, since fill writes the whole state
	fill(ctx, &resp.State, map[string]attr.Value{
		"partner": m.Partner, "environment": m.Environment, "owner": m.Owner, "expires_before": m.ExpiresBefore,
		"flags":  m.Flags,
		"system": m.System, "at": m.At, "counts": types.MapValueMust(types.Int64Type, counts),
		"not_checked": types.ListValueMust(types.StringType, texts(listed.Unchecked)),
		"reviews":     progressValue(listed.Progress()),
		"items":       types.ListValueMust(types.ObjectType{AttrTypes: itemType}, items),
	}, &resp.Diagnostics)
}

var progressType = map[string]attr.Type{
	"of":       types.Int64Type,
	"reviewed": types.Int64Type,
	"overdue":  types.Int64Type,
	"lapsed":   types.Int64Type,
	"signed":   types.Int64Type,
}

// progressValue returns how far the review is, as an attribute.
func progressValue(p inventory.Progress) types.Object {
	values := map[string]attr.Value{}
	for name, n := range map[string]int{
		"of":       p.Of,
		"reviewed": p.Reviewed,
		"overdue":  p.Overdue,
		"lapsed":   p.Lapsed,
		"signed":   p.Signed,
	} {
		values[name] = types.Int64Value(int64(n))
	}
	return types.ObjectValueMust(progressType, values)
}

// fill writes a state of all its values, as they are. To set a model looks at each of thousands of items several times,
// which was a quarter of the time that the whole inventory took. See
// TestTheInventoryOfThousandsTakesLessThanTwoSeconds.
func fill(ctx context.Context, state *tfsdk.State, values map[string]attr.Value, diags *diag.Diagnostics) {
	raw := map[string]tftypes.Value{}
	for name, v := range values {
		value, err := v.ToTerraformValue(ctx)
		if err != nil {
			diags.AddError("Cannot write "+name, sentence(err)+". This is a defect of the provider: please report it.")
			return
		}
		raw[name] = value
	}
	state.Raw = tftypes.NewValue(state.Schema.Type().TerraformType(ctx), raw)
}

// flagNames returns all flags, for the validator of the filter.
func flagNames() (names []string) {
	for _, f := range inventory.Flags() {
		names = append(names, string(f))
	}
	return names
}

// itemValue returns an item as an attribute: what it does not have is null.
func itemValue(i *inventory.Item) attr.Value {
	agreement := types.ObjectNull(agreementType)
	review := reviewValue(i.Review, types.ObjectNull(reviewType))
	if i.Agreement != nil {
		agreement = types.ObjectValueMust(agreementType,
			map[string]attr.Value{"reference": types.StringValue(i.Agreement.Reference),
				"ends_at": momentValue(i.Agreement.EndsAt)})
	}
	return types.ObjectValueMust(itemType, map[string]attr.Value{
		"type": types.StringValue(string(i.Type)), "id": optionalText(i.ID), "native_id": optionalText(i.NativeID),
		"partner": optionalText(i.Partner), "environment": optionalText(i.Environment), "name": optionalText(i.Name),
		"parent_id": optionalText(i.Parent), "kind": optionalText(string(i.Kind)),
		"owner": optionalText(i.Owner), "purpose": optionalText(i.Purpose), "contact": optionalText(i.Contact),
		"stack":    optionalText(i.Stack),
		"resource": optionalText(i.Resource), "actions": textList(i.Actions), "ceiling": textList(i.Ceiling),
		"agreement": agreement, "review": review,
		"expires_at": timeValue(i.ExpiresAt), "ends_at": timeValue(i.EndsAt), "rotates_at": timeValue(i.RotatesAt),
		"created_at": timeValue(i.CreatedAt),
		"renewed_at": timeValue(i.RenewedAt), "reviewed_at": timeValue(i.ReviewedAt),
		"last_used_at": timeValue(i.LastUsedAt),
		"renewals":     types.Int64Value(i.Renewals), "status": types.StringValue(i.Status),
		"flags": types.ListValueMust(types.StringType, texts(i.Flags)), "drift": textList(i.Drift),
		"enforced_by": optionalText(i.EnforcedBy), "revocation": textList(i.Revocation), "why": optionalText(i.Why),
		"import":      optionalText(i.Import),
		"declaration": optionalText(i.Declaration),
	})
}
