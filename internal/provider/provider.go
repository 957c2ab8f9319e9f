// Package provider is what Terraform sees: the provider's configuration and its resources. Framework types end at the
// conversions; below them there are only the types of package access.
package provider

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao"
)

// New makes providers of a version that read the time from a clock.
func New(version string, clock access.Clock) func() provider.Provider {
	return func() provider.Provider {
		return &partnerProvider{version: version, clock: clock, open: func(directory string, o embedded.Options) access.System {
			return embedded.Open(directory, o)
		}}
	}
}

type partnerProvider struct {
	version string
	clock   access.Clock
	open    func(directory string, o embedded.Options) access.System
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
	Journal     types.Object `tfsdk:"journal"`
	Guardrails  types.Object `tfsdk:"guardrails"`
	Partners    types.Map    `tfsdk:"partners"`
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
	return []func() resource.Resource{newIdentity, newCredential, newGrant, newRehearsal}
}

// DataSources lists the data sources.
func (p *partnerProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{newGuardrails, newInventory, newOffboarding, newReport}
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
	return []func() function.Function{newCovers, newEarliest, newExplain, newHandover, newVerifyJournal}
}

// Configure reads the configuration, all of which must be known. The embedded system is opened when it is needed; OpenBao is looked
// at, since everything needs it, and a way that does not lead there is to be one error.
func (p *partnerProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	if !req.Config.Raw.IsFullyKnown() {
		resp.Diagnostics.AddError("A value of the provider's configuration is not known yet", "Rules are evaluated in plan, before anything "+
			"exists. Write values that do not depend on other resources.")
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
		stack = "default"
	}
	var record *journal.Journal
	system, directory, ok := p.system(m, stack, func(system string) int64 { return record.Newest(system) }, &resp.Diagnostics)
	if !ok {
		return
	}
	if record, ok = m.journal(p.clock, directory, &resp.Diagnostics); !ok {
		return
	}
	if o, is := system.(*openbao.System); is && !enter(ctx, o, &resp.Diagnostics) {
		return
	}
	s := newSession(journaled(system, record, stack, p.clock), settings, stack)
	s.journal, s.collects = record, m.collects()
	resp.ResourceData, resp.DataSourceData, resp.EphemeralResourceData, resp.ListResourceData = s, s, s, s
}

// ValidateConfig refuses a configuration of OpenBao without a journal, or without a stack: many share a cluster, and each
// has to own its own.
func (p *partnerProvider) ValidateConfig(ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse) {
	m, ok := readProvider(ctx, req.Config, &resp.Diagnostics)
	if !ok {
		return
	}
	m.requireJournal(&resp.Diagnostics)
	if !m.OpenBao.IsNull() && m.Stack.IsNull() {
		resp.Diagnostics.AddAttributeError(path.Root("stack"), "OpenBao needs a stack", "Several configurations share one OpenBao. The stack says which "+
			"of them owns what this one makes, so that none changes another's: write stack = \"partners\", or set "+stackVariable+".")
	}
}

// system is the access system that is configured, and the directory of an embedded one.
func (p *partnerProvider) system(m *providerModel, stack string, remembered func(string) int64, diags *diag.Diagnostics) (s access.System, directory string, ok bool) {
	if !m.OpenBao.IsNull() {
		options, ok := m.openbaoOptions(p.version, stack, diags)
		if !ok {
			return nil, "", false
		}
		return openbao.Open(options), "", true
	}
	options := embedded.Options{
		Clock: p.clock, Environment: m.Environment.ValueString(), Passphrase: os.Getenv("PARTNER_PASSPHRASE"), Command: "terraform-provider-partner " + p.version,
		Remembered: remembered,
	}
	if text := os.Getenv(embedded.AcceptVariable); text != "" {
		var err error
		if options.Accept, err = strconv.ParseInt(text, 10, 64); err != nil || options.Accept < 1 {
			diags.AddError("Not a generation", embedded.AcceptVariable+" is the number of the generation of a ledger that was put back, such as 17.")
			return nil, "", false
		}
	}
	if directory, ok = m.embedded(&options, diags); !ok {
		return nil, "", false
	}
	return p.open(directory, options), directory, true
}

// embedded is where the embedded system lives, .partner/ENVIRONMENT below the working directory if nothing says where, and
// what it is told.
func (m *providerModel) embedded(options *embedded.Options, diags *diag.Diagnostics) (string, bool) {
	r := &reader{}
	directory := ""
	if v := r.object("embedded", m.Embedded); v != nil {
		directory = r.text("embedded", v["directory"])
		options.PublicationLife = r.span("embedded", v["publication_life"]).Duration
		options.UseLogs = r.list("embedded", v["use_logs"])
		if zone := r.text("embedded", v["sshd_time_zone"]); zone != "" {
			var err error
			if options.SSHDZone, err = parseZone(zone); err != nil { // it was not known when this was validated
				diags.AddAttributeError(path.Root("embedded"), "Not a time zone", sentence(err)+".")
				return "", false
			}
		}
	}
	if directory == "" {
		directory = os.Getenv(directoryVariable)
	}
	if directory == "" {
		directory = filepath.Join(".partner", m.Environment.ValueString())
	}
	absolute, err := filepath.Abs(directory)
	if err != nil {
		diags.AddAttributeError(path.Root("embedded"), "Not a directory", fmt.Sprintf("%s: %s.", directory, sentence(err)))
		return "", false
	}
	return absolute, true
}
