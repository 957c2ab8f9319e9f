// SPDX-License-Identifier: MPL-2.0

// Package provider is what Terraform sees: the provider's configuration, its resources, data sources, functions, lists
// and the token of one run. Framework types end at the conversions; below them there are only the types of package
// access.
//
// # The way of a call
//
// Terraform starts the program anew for each walk, so a plan and its apply share nothing but state and plan file. It
// calls over gRPC, up to ten calls at a time (-parallelism), in no order that the provider is told. A call passes
// through:
//
//   - server_guard.go: refuses a private key, or text that nobody sees, before anything else looks at the value
//   - server.go: the short way for resources that a plan does not change, else the framework's own server
//   - governed*.go and plan*.go: the life of the three governed resources (identity, credential, grant), written once
//   - session.go: what all calls of one walk share: the system, the rules' portfolio, what was seen and done so far
//
// What Terraform calls in a walk, of what concerns a resource:
//
//	plan    ValidateResourceConfig, UpgradeResourceState, ReadResource (not with -refresh=false),
//	        ValidateResourceConfig again, PlanResourceChange (twice for a replacement)
//	apply   ValidateResourceConfig, PlanResourceChange and ApplyResourceChange, of what changes alone
//
// # Reading
//
// Start with plan.go (what a plan decides), then governed_apply.go (what an apply asks the system to do),
// governed_read.go and governed_delete.go. The questions that these ask have a file each:
//
//   - believed.go: what is a change compared with, the system's record or what the state was told?
//   - belongs.go: is this the access system that the state belongs to, and not a copy or another one?
//   - meaning.go: which object does a state mean if its id, arguments and uid disagree?
//   - reissue.go: does a change issue a credential anew, and what becomes of the old one?
//   - takeover.go: a creation under an id in force, as create_before_destroy makes it
//   - suspended.go: who is cut, and what may be released
//   - traffic.go: how a call waits for what another call brings
//   - meanwhile.go: what other configurations change while an apply lasts
//   - kept.go: the private part of a state
//
// What only one access system knows is in provider_embedded.go, provider_openbao.go, openbao_connect.go and
// provider_aws.go; a test holds that (TestOnlyItsOwnFilesKnowASystem).
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

// New returns a function that makes providers of a version, which read the time from a clock.
func New(version string, clock access.Clock) func() provider.Provider {
	return func() provider.Provider {
		return &partnerProvider{version: version, clock: clock, open: openDirectory}
	}
}

// partnerProvider is the provider as the framework calls it. Terraform configures it once, before it calls any
// resource, so its fields need no lock.
type partnerProvider struct {
	// version is part of the User-Agent that servers see, and of what the embedded system's lock says of its holder.
	version string
	// clock is this machine's, for the journal and the embedded system, which has no other. When access ends is decided
	// by the system's own clock (access.System.Now).
	clock access.Clock
	// open opens the embedded system; tests put another one in its place.
	open openEmbedded
	// session is what the resources get once the provider is configured; nil before, and if its configuration is
	// refused.
	session any
}

var (
	_ provider.ProviderWithEphemeralResources = (*partnerProvider)(nil)
	_ provider.ProviderWithFunctions          = (*partnerProvider)(nil)
	_ provider.ProviderWithListResources      = (*partnerProvider)(nil)
	_ provider.ProviderWithValidateConfig     = (*partnerProvider)(nil)
)

// providerModel is the provider block as Terraform sends it. The systems are exclusive: their schemas say so, and block
// takes the first that is set.
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

// Resources lists the resources: three that give access, and two that do not.
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

// Configure reads the provider's configuration, opens the access system and the journal, and makes the session that all
// calls of this walk share.
//
// All of the configuration must be known: a rule that did not know its own settings could only guess. The journal comes
// after the system, because the embedded system's directory is where it lies by default; the system asks it for the
// newest generation later, at its first load, so it is handed a function. A shared system is entered last (one or a few
// requests), so that a wrong address or login is one error and not one for each resource: see
// TestAWayThatDoesNotLeadToAWSIsOneError and TestTwelveResourcesAndAServerThatIsAwayAreOneError. A directory is opened
// when it is first needed.
//
// No resource gets a session if anything of this fails.
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
	// Every change passes the journal first: nothing else in this package holds the system without it.
	s := newSession(journaled(o.system, record, stack, p.clock), settings, stack)
	s.journal, s.collects = record, m.collects()
	resp.ResourceData = s
	resp.DataSourceData = s
	resp.EphemeralResourceData = s
	resp.ListResourceData = s
	p.session = s
}

// ValidateConfig refuses a configuration of a shared system that has no journal or no stack. Many configurations share
// such a system, so each has to say what is its own; and there is no directory that a journal would lie in by default.
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
