// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

var _ datasource.DataSourceWithConfigure = (*offboardingDataSource)(nil)

// offboardingDataSource is partner_offboarding: what goes with a partner, and how it is cut by hand.
type offboardingDataSource struct{ asked }

// offboardingModel is the data source as Terraform sees it: Partner is its argument, the rest is computed.
type offboardingModel struct {
	Partner  types.String `tfsdk:"partner"`
	At       types.String `tfsdk:"at"`
	Items    types.List   `tfsdk:"items"`
	Sessions types.Int64  `tfsdk:"sessions"`
	Notes    types.List   `tfsdk:"notes"`
	Steps    types.List   `tfsdk:"steps"`
}

func newOffboarding() datasource.DataSource { return &offboardingDataSource{} }

func (d *offboardingDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_offboarding"
}

// Schema returns the schema. Nothing in it is sensitive: steps name what they cut, and hold no secret, so they may be
// printed and kept on paper.
func (d *offboardingDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "What goes when a partner is offboarded, in order; what is shared or in the way; and " +
			"the commands that cut the partner off by hand, without Terraform and its state. Keep `steps` where the " +
			"people on call find them.",
		Attributes: map[string]schema.Attribute{
			"partner": schema.StringAttribute{
				Required:            true,
				Validators:          []validator.String{part("a partner"), stringvalidator.LengthAtLeast(1)},
				MarkdownDescription: "The partner.",
			},
			"at": schema.StringAttribute{Computed: true,
				MarkdownDescription: "The moment of this answer, by the system's clock. RFC 3339, UTC."},
			"items": schema.ListAttribute{
				Computed: true, ElementType: types.ObjectType{AttrTypes: itemType},
				MarkdownDescription: "What would go, in every stack, in this order: subcontractors first; of each " +
					"identity its credentials, its grants, then the identity; last, what was made by hand and has " +
					"the partner's name. As in `partner_inventory`.",
			},
			"sessions": schema.Int64Attribute{
				Computed: true,
				MarkdownDescription: "How many sessions of the partner are live. On OpenBao: its service tokens, and " +
					"those of what was made by hand, if the login may list tokens (it looks at up to 2,000 of " +
					"everybody's; batch tokens cannot be listed). Null if that is not known: `notes` says why.",
			},
			"notes": schema.ListAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "What is shared with others, in the way, made by hand, or not known, one " +
					"sentence each.",
			},
			"steps": schema.ListAttribute{
				Computed: true, ElementType: types.StringType,
				MarkdownDescription: "Complete shell commands that cut the partner off, with its live sessions if " +
					"the system can cut these. A command that cuts nothing fails. They need neither Terraform nor " +
					"its state, and contain no secret. For declared access, the policy `cut` is enough on " +
					"OpenBao and AWS.",
			},
		},
	}
}

// Read returns what goes with a partner and how it is cut. It is made to be kept: on the day that it is needed, there
// may be neither Terraform nor its state. So the steps come from the system as whole commands, with the address and the
// namespace in them: run elsewhere, they cut nothing and must say so. See TestTheKillKitCutsOnOpenBao and
// TestFourPartnersAreCutInTheirNamespaceByThePrintedText.
//
// Steps for what was made by hand come last, each from its item.
func (d *offboardingDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	m, ok := read[offboardingModel](ctx, req.Config, &resp.Diagnostics)
	if !ok {
		return
	}
	all, ok := d.takeStock(ctx, &resp.Diagnostics)
	if !ok {
		return
	}
	partner := m.Partner.ValueString()
	goes := all.Offboard(partner, d.stack, all.records)
	steps, items := []string{}, []attr.Value{}
	if can := d.system.Capabilities(); len(goes.Records) > 0 {
		steps = append(steps, can.CutByHand(partner, goes.Records)...)
		goes.Notes = append(goes.Notes, can.CutActs)
	}
	for i := range goes.Items {
		items = append(items, itemValue(&goes.Items[i]))
		if goes.Items[i].Has(inventory.Ungoverned) {
			steps = append(steps, goes.Items[i].Revocation...)
		}
	}
	var unknown string
	if m.Sessions, unknown = d.countSessions(ctx, goes); unknown != "" {
		goes.Notes = append(goes.Notes, unknown)
	}
	m.At, m.Notes, m.Steps = timeValue(all.At), textList(goes.Notes), textList(steps)
	m.Items = types.ListValueMust(types.ObjectType{AttrTypes: itemType}, items)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// countSessions returns how many sessions go along, or why that is not known. It refuses nothing: the day on which it
// matters is not the day to look for rights. See TestLiveSessionsAreCountedWhereTheLoginMay.
func (s *session) countSessions(ctx context.Context, goes inventory.Offboarding) (live types.Int64, unknown string) {
	const without = "How many sessions are live is not known"
	counter, ok := access.As[access.SessionCounter](s.system)
	if !ok {
		return types.Int64Null(), without + " here: the access system " + s.system.Capabilities().Name + " counts none."
	}
	var of []access.IdentityID
	for _, r := range goes.Records {
		if i, ok := r.Object.(*access.Identity); ok {
			of = append(of, i.ID)
		}
	}
	var strays []string
	for _, i := range goes.Items {
		if i.Has(inventory.Ungoverned) {
			strays = append(strays, i.NativeID)
		}
	}
	n, err := counter.Sessions(ctx, of, strays)
	if err != nil {
		return types.Int64Null(), fmt.Sprintf("%s: %s.", without, strings.TrimSuffix(err.Error(), "."))
	}
	return types.Int64Value(int64(n)), ""
}
