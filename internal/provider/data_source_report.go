// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/report"
)

var _ datasource.DataSourceWithConfigure = (*reportDataSource)(nil)

// reportDataSource is partner_report: the inventory, and what changed in a period, for an auditor.
type reportDataSource struct{ asked }

// reportModel is the data source as Terraform sees it: Title to Include are arguments, the rest are its forms.
type reportModel struct {
	Title    types.String `tfsdk:"title"`
	Partner  types.String `tfsdk:"partner"`
	Owner    types.String `tfsdk:"owner"`
	From     types.String `tfsdk:"from"`
	To       types.String `tfsdk:"to"`
	IDs      types.Set    `tfsdk:"ids"`
	Include  types.List   `tfsdk:"include"`
	HTML     types.String `tfsdk:"html"`
	Markdown types.String `tfsdk:"markdown"`
	CSV      types.String `tfsdk:"csv"`
	Calendar types.String `tfsdk:"calendar"`
	JSON     types.String `tfsdk:"json"`
	OSCAL    types.String `tfsdk:"oscal"`
}

func newReport() datasource.DataSource { return &reportDataSource{} }

func (d *reportDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_report"
}

// Schema returns the schema. The forms are texts and no files: Terraform writes those, where the configuration says.
func (d *reportDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	form := func(about string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: about}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "For an auditor: what partners hold, and what changed in a period and on whose review. " +
			"It shows the moment of the plan; the changes come from the journal. The forms are large: write them to " +
			"files, and output none of them.",
		Attributes: map[string]schema.Attribute{
			"title": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{someText()},
				MarkdownDescription: "Its title. Default: `Partner access in ENVIRONMENT`.",
			},
			"partner": schema.StringAttribute{
				Optional: true, Validators: []validator.String{part("a partner")},
				MarkdownDescription: "Show only this partner: its access, its subcontractors' access, its " +
					"rehearsals, and, from the journal, what it once had.",
			},
			"owner": schema.StringAttribute{
				Optional: true, Validators: []validator.String{someText()},
				MarkdownDescription: "Show only the identities in which this owner answers for something: the " +
					"identity, a credential or a grant.",
			},
			"from": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{moment()},
				MarkdownDescription: "The beginning of the period (RFC 3339). Default: the beginning of the journal.",
			},
			"to": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{moment()},
				MarkdownDescription: "The end of the period (RFC 3339), which is not part of it. Default: now.",
			},
			"ids": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "The ids of this configuration's resources whose findings to report, **through " +
					"a local**, so that they are planned first. For all others, the report says that the rules were " +
					"not applied.",
			},
			"include": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "The `json` of reports on other systems or environments, to make one report of " +
					"all. The page says which reports it holds, how old they are, and their SHA-256. The same system " +
					"twice is an error.",
			},
			"html": form("A page that is readable on a phone, in the dark and on paper. It runs no script and " +
				"loads nothing."),
			"markdown": form("Text for a ticket or a wiki."),
			"csv": form("The inventory as a table (RFC 4180). A cell that a spreadsheet would run begins with " +
				"an apostrophe."),
			"calendar": form("The ends of all identities and agreements as a calendar (RFC 5545), with an alarm two " +
				"weeks before each."),
			"json": form("For programs, by the schema " + report.SchemaID + ". The page names its SHA-256."),
			"oscal": form("Assessment results in the form of NIST's OSCAL, with the controls that each " +
				"finding touches."),
		},
	}
}

// Read makes the report, and writes it in all its forms at once, so that all are of one moment.
func (d *reportDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	m, ok := read[reportModel](ctx, req.Config, &resp.Diagnostics)
	if !ok {
		return
	}
	r, ok := d.report(ctx, m, &resp.Diagnostics)
	if !ok {
		return
	}
	if err := m.render(r); err != nil {
		resp.Diagnostics.AddError("Cannot write the report", sentence(err)+".")
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// render writes the report in all its forms.
func (m *reportModel) render(r *report.Report) error {
	for _, form := range []struct {
		to     *types.String
		render func() (string, error)
	}{{&m.HTML, r.HTML}, {&m.JSON, r.JSON}, {&m.OSCAL, r.OSCAL}, {&m.Markdown, r.Markdown}} {
		text, err := form.render()
		if err != nil {
			return err
		}
		*form.to = types.StringValue(text)
	}
	m.CSV, m.Calendar = types.StringValue(r.CSV()), types.StringValue(r.Calendar())
	return nil
}

// report returns what the forms are of: the inventory of the moment, what the journal says of the period, the findings
// of this walk, and other systems' reports. It is narrowed to a partner or an owner last, when all is in it.
func (d *reportDataSource) report(ctx context.Context, m *reportModel, diags *diag.Diagnostics) (*report.Report, bool) {
	in := &reader{}
	can := d.system.Capabilities()
	out := &report.Report{
		Title: in.text("title", m.Title), From: in.moment("from", m.From).Time, To: in.moment("to", m.To).Time,
		Source: report.Source{
			Environment: d.environment,
			Place:       can.Place,
			ID:          d.locate(ctx).id,
			Floor:       d.floorInAWord(ctx),
		}, Rules: d.rules(),
	}
	if out.Title == "" {
		out.Title = "Partner access in " + d.environment
	}
	// without an end, it is the moment of the inventory, which is after every beginning
	if !out.To.IsZero() && !out.From.Before(out.To) {
		diags.AddError("The period is empty",
			fmt.Sprintf("It is from %s to %s: write an end that is later.", access.At(out.From), access.At(out.To)))
		return nil, false
	}
	all, ok := d.takeStock(ctx, diags)
	if !ok {
		return nil, false
	}
	out.Inventory = all.Filter(inventory.Filter{})
	if out.Parties, ok = d.parties(ctx, all, diags); !ok {
		return nil, false
	}
	var err error
	if out.Lines, out.Gaps, err = d.journal.Read(); err != nil {
		diags.AddError("Cannot read the journal", sentence(err)+".")
		return nil, false
	}
	// findings come from this walk, and so only of resources that were planned before
	out.Judged, out.Findings = d.reported(in.texts("ids", m.IDs))
	for n, text := range in.list("include", m.Include) {
		if err := out.Include(text); err != nil {
			diags.AddAttributeError(path.Root("include").AtListIndex(n), "Cannot include a report",
				sentence(err)+". Write the json of a partner_report on another system.")
			return nil, false
		}
	}
	out.Narrow(in.text("partner", m.Partner), in.text("owner", m.Owner))
	return out, true
}

// parties returns what is known of the partners: the register, how each is cut, and when that was rehearsed. Partners
// come from both, the register and the system: who is registered may hold nothing, and who holds something may not be
// registered.
func (d *reportDataSource) parties(ctx context.Context, all *stock, diags *diag.Diagnostics) (map[string]report.Party,
	bool) {
	parties := map[string]report.Party{}
	for name, p := range d.inForce(ctx).Partners {
		// the register under the floor: what a floor adds to it counts
		parties[name] = report.Party{Kind: p.Kind, Contact: p.Contact, Agreement: p.Agreement}
	}
	for _, r := range all.records {
		name := r.Object.Holder().Partner
		party, known := parties[name]
		// a shadow is a rehearsal's, and nobody's partner; a partner's steps are the same for each of its records
		if (known && party.Steps != nil) || access.IsShadow(name) {
			continue
		}
		party.Steps = d.system.Capabilities().CutByHand(name, all.Offboard(name, d.stack, all.records).Records)
		parties[name] = party
	}
	rehearser, able := access.As[access.Rehearser](d.system)
	if !able {
		return parties, true
	}
	rehearsed, err := rehearser.Rehearsed(ctx)
	if err != nil {
		diags.AddError("Cannot read when cuts were rehearsed", sentence(err)+". Nothing was changed.")
		return nil, false
	}
	for name, at := range rehearsed {
		party := parties[name]
		party.RehearsedAt = at
		parties[name] = party
	}
	return parties, true
}

// rules returns the rules that are in force, with the controls that they serve. A rule that is off serves none.
func (s *session) rules() (all []report.Rule) {
	for _, r := range guardrail.Catalogue() {
		if s.known().Level(r) == guardrail.Off {
			continue
		}
		all = append(all, report.Rule{Slug: r.Slug, Title: r.Title, Controls: controlsOf(r)})
	}
	return all
}

// controlsOf returns the names of the controls that a rule serves.
func controlsOf(r guardrail.Rule) (names []string) {
	for _, c := range r.Controls {
		names = append(names, string(c))
	}
	return names
}

// reported returns the findings of this walk about some of its resources, and which of them the rules were applied to.
// Of the others, the report says that the rules were not.
func (s *session) reported(ids []string) (judged []string, all []report.Finding) {
	for _, f := range s.found() {
		if slices.Contains(ids, f.Subject.ID) {
			all = append(all, report.Finding{
				Rule: f.Rule.Slug, Level: f.Level.String(), Type: string(f.Subject.Type), ID: f.Subject.ID,
				Problem: f.Problem, Fix: f.Fix,
				Controls: controlsOf(f.Rule),
			})
		}
	}
	return s.judged(ids), all
}
