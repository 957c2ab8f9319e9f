// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/report"
	"github.com/partner-access/terraform-provider-partner/internal/worksheet"
)

// A review in three steps: partner_review_worksheet writes what is due as a table, people fill it in with a
// spreadsheet, and the functions decisions and worksheet_mistakes (function_decisions.go) read it back. What a table
// says is package worksheet's. A company with 500 accesses cannot edit 500 blocks each quarter; see
// TestAllAccessOfTwentyOwnersIsReviewedInOneApply.

var _ datasource.DataSourceWithConfigure = (*reviewWorksheetDataSource)(nil)

// reviewWorksheetDataSource is partner_review_worksheet: what is due for review, as a table to fill in.
type reviewWorksheetDataSource struct{ asked }

// reviewWorksheetModel is the data source as Terraform sees it: Owner, Partner and DueWithin are arguments.
type reviewWorksheetModel struct {
	Owner     types.String `tfsdk:"owner"`
	Partner   types.String `tfsdk:"partner"`
	DueWithin types.String `tfsdk:"due_within"`
	Rows      types.List   `tfsdk:"rows"`
	CSV       types.String `tfsdk:"csv"`
	Markdown  types.String `tfsdk:"markdown"`
}

var worksheetRowType = with(
	textTypes("id", "type", "allows", "for", "owner", "ends_at", "last_used", "reviewed_at", "due_at", "widened",
		"access"),
	map[string]attr.Type{"flags": textListType},
)

func newReviewWorksheet() datasource.DataSource { return &reviewWorksheetDataSource{} }

func (d *reviewWorksheetDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_review_worksheet"
}

// Schema returns the schema. A row has no column for a decision: that is what the table (csv, markdown) leaves blank.
func (d *reviewWorksheetDataSource) Schema(_ context.Context, _ datasource.SchemaRequest,
	resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "What is due for review, as a table that owners fill in with a spreadsheet: one row for " +
			"each identity, credential and grant in force, with the columns `decision`, `until` and `reason` left " +
			"blank. The function `decisions` reads it back.",
		Attributes: map[string]schema.Attribute{
			"owner": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{someText()},
				MarkdownDescription: "Only what this owner answers for.",
			},
			"partner": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{part("a partner")},
				MarkdownDescription: "Only what belongs to this partner.",
			},
			"due_within": schema.StringAttribute{
				Optional: true, Validators: []validator.String{span()},
				MarkdownDescription: "Only what is due within this time, such as `720h`: by then, the access ends, " +
					"or its newest review, or its creation, is older than `guardrails.review_every`. Default: " +
					"everything in force.",
			},
			"rows": schema.ListAttribute{
				Computed: true, ElementType: types.ObjectType{AttrTypes: worksheetRowType},
				MarkdownDescription: "The rows, sorted by owner and id: what each allows and what it is for, when it " +
					"ends, when it was last used (or `never`, or `not known`), when it was reviewed and when it is " +
					"due, whether it was widened since (a date, `changed` since the decision, `no`, or `not known`, " +
					"for example without a journal), its flags, and `access`: a digest of exactly this access, " +
					"without ends and words.",
			},
			"csv": schema.StringAttribute{Computed: true,
				MarkdownDescription: "The rows for spreadsheets (RFC 4180, UTF-8 with a byte order mark). A cell " +
					"that a spreadsheet would run begins with an apostrophe."},
			"markdown": schema.StringAttribute{Computed: true, MarkdownDescription: "The rows for an issue tracker."},
		},
	}
}

// Read makes the table, in its three forms. What was widened since the last review is the journal's to say; what it
// cannot know, since it is damaged or another stack keeps its own, is not known, and never "no".
func (d *reviewWorksheetDataSource) Read(ctx context.Context, req datasource.ReadRequest,
	resp *datasource.ReadResponse) {
	m, ok := read[reviewWorksheetModel](ctx, req.Config, &resp.Diagnostics)
	if !ok {
		return
	}
	all, ok := d.takeStock(ctx, &resp.Diagnostics)
	if !ok {
		return
	}
	lines, gaps, err := d.journal.Read()
	if err != nil {
		resp.Diagnostics.AddError("Cannot read the journal", sentence(err)+".")
		return
	}
	in := &reader{}
	o := worksheet.Options{
		Owner: in.text("owner", m.Owner), Partner: in.text("partner", m.Partner),
		DueWithin:   in.span("due_within", m.DueWithin).Duration,
		ReviewEvery: d.inForce(ctx).ReviewEvery,
	}
	o.Widened, o.Since = report.Widened(lines)
	if len(gaps) > 0 {
		o.Since = time.Time{} // what comes after the gap may have widened anything
	}
	o.Stacks = map[string]bool{d.stack: true}
	for _, l := range lines {
		o.Stacks[l.Stack] = true
	}
	rows := worksheet.Build(all.Inventory, all.records, o)
	values := make([]attr.Value, 0, len(rows))
	for _, r := range rows {
		values = append(values, worksheetRow(r))
	}
	fill(ctx, &resp.State, map[string]attr.Value{
		"owner": m.Owner, "partner": m.Partner, "due_within": m.DueWithin,
		"rows": types.ListValueMust(types.ObjectType{AttrTypes: worksheetRowType}, values),
		"csv":  types.StringValue(worksheet.CSV(rows)), "markdown": types.StringValue(worksheet.Markdown(rows, all.At)),
	}, &resp.Diagnostics)
}

// worksheetRow returns a row as an attribute.
func worksheetRow(r worksheet.Row) attr.Value {
	return types.ObjectValueMust(worksheetRowType, map[string]attr.Value{
		"id": types.StringValue(r.ID), "type": types.StringValue(string(r.Type)), "allows": types.StringValue(r.Allows),
		"for":   optionalText(r.For),
		"owner": optionalText(r.Owner), "ends_at": timeValue(r.EndsAt), "last_used": types.StringValue(r.LastUsed),
		"reviewed_at": timeValue(r.ReviewedAt),
		"due_at":      timeValue(r.DueAt), "widened": types.StringValue(r.Widened),
		"access": types.StringValue(r.Access),
		"flags":  textList(r.Flags),
	})
}
