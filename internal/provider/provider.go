// SPDX-License-Identifier: MPL-2.0

// Package provider is what Terraform sees: the provider's configuration and its resources. Framework types end at the
// conversions; below them there are only the types of package access.
package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// New makes providers of a version that read the time from a clock.
func New(version string, clock access.Clock) func() provider.Provider {
	return func() provider.Provider {
		return &partnerProvider{version: version, clock: clock, open: openDirectory}
	}
}

type partnerProvider struct {
	version string
	clock   access.Clock
	open    openEmbedded
	session any // what the resources get when it is configured: nil before
}

var (
	_ provider.ProviderWithEphemeralResources = (*partnerProvider)(nil)
	_ provider.ProviderWithFunctions          = (*partnerProvider)(nil)
	_ provider.ProviderWithListResources      = (*partnerProvider)(nil)
	_ provider.ProviderWithValidateConfig     = (*partnerProvider)(nil)
)

type providerModel struct {
	Environment types.String `tfsdk:"environment"`
	Stack       types.String `tfsdk:"stack"`
	Embedded    types.Object `tfsdk:"embedded"`
	OpenBao     types.Object `tfsdk:"openbao"`
	AWS         types.Object `tfsdk:"aws"`
	Journal     types.Object `tfsdk:"journal"`
	Guardrails  types.Object `tfsdk:"guardrails"`
	Partners    types.Map    `tfsdk:"partners"`
	Worksheets  types.Map    `tfsdk:"worksheets"`
}

func (p *partnerProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "partner"
	resp.Version = p.version
}

func (p *partnerProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerSchema()
}

// Resources lists the resources.
func (p *partnerProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newIdentity, newCredential, newGrant, newFloor, newRehearsal}
}

// DataSources lists the data sources.
func (p *partnerProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{newGuardrails, newInventory, newOffboarding, newReport, newReviewWorksheet}
}

// EphemeralResources lists the ephemeral resources.
func (p *partnerProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{newToken}
}

// ListResources lists what terraform query lists.
func (p *partnerProvider) ListResources(context.Context) []func() list.ListResource {
	return []func() list.ListResource{newIdentityList, newCredentialList, newGrantList}
}

// Functions lists the functions.
func (p *partnerProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{newCovers, newDecisions, newEarliest, newExplain, newHandover, newVerifyJournal,
		newWorksheetMistakes}
}

// defaultStack is the stack of a configuration that names none.
const defaultStack = "default"

// Configure reads the configuration, all of which must be known. A directory is opened when it is needed; a server is
// looked at, since everything needs it, and a way that does not lead there is to be one error.
func (p *partnerProvider) Configure(ctx context.Context, req provider.ConfigureRequest,
	resp *provider.ConfigureResponse) {
	p.session = nil
	if !req.Config.Raw.IsFullyKnown() {
		resp.Diagnostics.AddError("Unknown value in the provider's configuration", "The rules run at plan, before any "+
			"resource exists. Write values that do not depend on other resources.")
		return
	}
	m, ok := readProvider(ctx, req.Config, &resp.Diagnostics)
	if !ok {
		return
	}
	settings, ok := m.settings(&resp.Diagnostics)
	if !ok {
		return
	}
	stack := m.Stack.ValueString()
	if m.Stack.IsNull() {
		stack = defaultStack
	}
	var record *journal.Journal
	o, ok := m.block().open(p, m, opening{stack: stack,
		remembered: func(system string) int64 { return record.Newest(system) }}, &resp.Diagnostics)
	if !ok {
		return
	}
	if record, ok = m.journal(p.clock, o.directory, &resp.Diagnostics); !ok {
		return
	}
	if o.enter != nil && !o.enter(ctx, &resp.Diagnostics) {
		return
	}
	s := newSession(journaled(o.system, record, stack, p.clock), settings, stack)
	s.journal, s.collects = record, m.collects()
	resp.ResourceData = s
	resp.DataSourceData = s
	resp.EphemeralResourceData = s
	resp.ListResourceData = s
	p.session = s
}

// ValidateConfig refuses a configuration of a shared system without a journal, or without a stack: many share it, and
// each has to own its own.
func (p *partnerProvider) ValidateConfig(ctx context.Context, req provider.ValidateConfigRequest,
	resp *provider.ValidateConfigResponse) {
	m, ok := readProvider(ctx, req.Config, &resp.Diagnostics)
	if !ok {
		return
	}
	if b := m.block(); b.shared {
		m.requireJournal(b.title, &resp.Diagnostics)
		m.requireStack(b.title, &resp.Diagnostics)
	}
}
