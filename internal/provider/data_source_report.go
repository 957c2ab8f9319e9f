package provider

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
	"github.com/partner-access/terraform-provider-partner/internal/report"
)

var _ datasource.DataSourceWithConfigure = (*reportDataSource)(nil)

// reportDataSource is partner_report: the inventory, and what changed in a period, for an auditor.
type reportDataSource struct{ asked }

type reportModel struct {
	Title    types.String `tfsdk:"title"`
	Partner  types.String `tfsdk:"partner"`
	From     types.String `tfsdk:"from"`
	To       types.String `tfsdk:"to"`
	IDs      types.Set    `tfsdk:"ids"`
	HTML     types.String `tfsdk:"html"`
	Markdown types.String `tfsdk:"markdown"`
	CSV      types.String `tfsdk:"csv"`
	Calendar types.String `tfsdk:"calendar"`
	JSON     types.String `tfsdk:"json"`
	OSCAL    types.String `tfsdk:"oscal"`
}

func newReport() datasource.DataSource { return &reportDataSource{} }

func (d *reportDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_report"
}

func (d *reportDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	form := func(about string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: about}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "What partners hold, and what was changed in a period and on whose word, for an auditor: as a page, as text, as a table, as a " +
			"calendar and for programs. It is of the moment of the plan; the changes are those of the journal.",
		Attributes: map[string]schema.Attribute{
			"title":   schema.StringAttribute{Optional: true, Validators: []validator.String{someText()}, MarkdownDescription: "Its title. Default: `Partner access in ENVIRONMENT`."},
			"partner": schema.StringAttribute{Optional: true, Validators: []validator.String{part("a partner")}, MarkdownDescription: "Only what is of this partner."},
			"from":    schema.StringAttribute{Optional: true, Validators: []validator.String{moment()}, MarkdownDescription: "The beginning of the period (RFC 3339). Default: that of the journal."},
			"to":      schema.StringAttribute{Optional: true, Validators: []validator.String{moment()}, MarkdownDescription: "The end of the period, which is not in it any more. Default: now."},
			"ids": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "The ids of the resources of this configuration whose findings to report, **through a local**, so that they are planned before.",
			},
			"html":     form("A page of its own: no script, no request, readable on a phone, in the dark and printed."),
			"markdown": form("Text for a ticket or a wiki."),
			"csv":      form("The inventory as a table (RFC 4180). A cell that a spreadsheet would run begins with an apostrophe."),
			"calendar": form("All ends as a calendar (RFC 5545), with an alarm two weeks before."),
			"json":     form("For programs, by a versioned schema."),
			"oscal":    form("Assessment results in the form of NIST's OSCAL, with the controls that each finding touches."),
		},
	}
}

func (d *reportDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	m, ok := read[reportModel](ctx, req.Config, &resp.Diagnostics)
	if !ok {
		return
	}
	r, ok := d.report(ctx, m, &resp.Diagnostics)
	if !ok {
		return
	}
	html, err := r.HTML()
	if err == nil {
		m.HTML = types.StringValue(html)
		if html, err = r.JSON(); err == nil {
			m.JSON = types.StringValue(html)
			html, err = r.OSCAL()
			m.OSCAL = types.StringValue(html)
		}
	}
	if err != nil {
		resp.Diagnostics.AddError("Cannot write the report", sentence(err)+".")
		return
	}
	m.Markdown, m.CSV, m.Calendar = types.StringValue(r.Markdown()), types.StringValue(r.CSV()), types.StringValue(r.Calendar())
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// raise is what the forms are of.
func (d *reportDataSource) report(ctx context.Context, m *reportModel, diags *diag.Diagnostics) (*report.Report, bool) {
	in := &reader{}
	out := &report.Report{
		Title: in.text("title", m.Title), From: in.moment("from", m.From).Time, To: in.moment("to", m.To).Time, Agreements: map[string]access.Agreement{}, Kinds: map[string]string{},
	}
	if out.Title == "" {
		out.Title = "Partner access in " + d.environment
	}
	if !out.To.IsZero() && !out.From.Before(out.To) {
		diags.AddError("The period is empty", fmt.Sprintf("It is from %s to %s: write an end that is later.", access.At(out.From), access.At(out.To)))
		return nil, false
	}
	all, ok := d.takeStock(ctx, diags)
	if !ok {
		return nil, false
	}
	partner := in.text("partner", m.Partner)
	out.Inventory = all.Filter(inventory.Filter{Partner: partner})
	for _, name := range slices.Sorted(maps.Keys(d.settings.Partners)) {
		out.Kinds[name] = d.settings.Partners[name].Kind
		if a := d.settings.Partners[name].Agreement; a != nil && (partner == "" || name == partner) {
			out.Agreements[name] = *a
		}
	}
	var err error
	if out.Lines, out.Gaps, err = d.journal.Read(); err != nil {
		diags.AddError("Cannot read the journal", sentence(err)+".")
		return nil, false
	}
	out.Lines = slices.DeleteFunc(out.Lines, func(l journal.Line) bool { return partner != "" && !strings.HasPrefix(l.ID, partner+"/") })
	out.Findings = d.reported(in.texts("ids", m.IDs))
	return out, true
}

// reported are the findings of this walk about some of its resources.
func (s *session) reported(ids []string) (all []report.Finding) {
	for _, f := range s.found() {
		if !slices.Contains(ids, f.Subject.ID) {
			continue
		}
		one := report.Finding{
			Rule: f.Rule.Slug, Level: f.Level.String(), Type: string(f.Subject.Type), ID: f.Subject.ID, Problem: f.Problem, Fix: f.Fix,
		}
		for _, c := range f.Rule.Controls {
			one.Controls = append(one.Controls, string(c))
		}
		all = append(all, one)
	}
	return all
}
