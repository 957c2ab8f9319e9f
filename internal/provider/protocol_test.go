// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"cmp"
	"slices"
	"testing"

	fwprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

// protocol is the provider as a Terraform asks it that is newer than the one of the tests.
type protocol struct {
	t       *testing.T
	server  provider.Server
	schemas *tfprotov6.GetProviderSchemaResponse
}

// knownBy is the type of a resource's identity.
var knownBy = tftypes.Object{AttributeTypes: map[string]tftypes.Type{"id": tftypes.String}}

// protocol configures a provider whose system may stand behind another one.
func (w *world) protocol(around func(access.System) access.System) *protocol {
	w.t.Helper()
	return w.protocolWith(around, nil)
}

// protocolWith has settings of the rules beside.
func (w *world) protocolWith(around func(access.System) access.System, guardrails map[string]any) *protocol {
	w.t.Helper()
	arguments := map[string]any{
		"environment": "prod",
		"stack":       cmp.Or(w.stack, "partners"),
		"embedded":    map[string]any{"directory": w.directory},
	}
	if guardrails != nil {
		arguments["guardrails"] = guardrails
	}
	p, diags := configuredBy(w.t, provider.NewAround(w.clock, around)(), arguments)
	p.well(diags)
	return p
}

// configuredBy configures a provider, and returns what is said of its block.
func configuredBy(t *testing.T, of fwprovider.Provider, arguments map[string]any) (*protocol, []*tfprotov6.Diagnostic) {
	t.Helper()
	server := provider.NewServer(of)
	p := &protocol{t: t, server: server}
	var err error
	if p.schemas, err = server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{}); err != nil {
		t.Fatal(err)
	}
	p.well(p.schemas.Diagnostics)
	answer, err := server.ConfigureProvider(t.Context(),
		&tfprotov6.ConfigureProviderRequest{TerraformVersion: "1.14.0", Config: p.value(p.schemas.Provider, arguments)})
	if err != nil {
		t.Fatal(err)
	}
	return p, answer.Diagnostics
}

func alone(s access.System) access.System { return s }

func (p *protocol) well(diags []*tfprotov6.Diagnostic) {
	p.t.Helper()
	for _, d := range diags {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			p.t.Fatalf("%s: %s", d.Summary, d.Detail)
		}
	}
}

// value is arguments as a schema has them; what is left out is null.
func (p *protocol) value(schema *tfprotov6.Schema, arguments map[string]any) *tfprotov6.DynamicValue {
	p.t.Helper()
	return p.encode(schema.ValueType(), plainValue(schema.ValueType(), arguments))
}

func (p *protocol) encode(t tftypes.Type, v tftypes.Value) *tfprotov6.DynamicValue {
	p.t.Helper()
	encoded, err := tfprotov6.NewDynamicValue(t, v)
	if err != nil {
		p.t.Fatal(err)
	}
	return &encoded
}

func plainValue(t tftypes.Type, v any) tftypes.Value {
	switch v := v.(type) {
	case map[string]any:
		values := map[string]tftypes.Value{}
		if m, ok := t.(tftypes.Map); ok {
			for name := range v {
				values[name] = plainValue(m.ElementType, v[name])
			}
			return tftypes.NewValue(t, values)
		}
		for name, of := range t.(tftypes.Object).AttributeTypes {
			values[name] = plainValue(of, v[name])
		}
		return tftypes.NewValue(t, values)
	case []string:
		var elements []tftypes.Value
		for _, e := range v {
			elements = append(elements, tftypes.NewValue(tftypes.String, e))
		}
		return tftypes.NewValue(t, elements)
	case []any:
		var elements []tftypes.Value
		for _, e := range v {
			elements = append(elements, plainValue(t.(tftypes.List).ElementType, e))
		}
		return tftypes.NewValue(t, elements)
	}
	return tftypes.NewValue(t, v)
}

// identityID is the id in what a resource is known by; "" where that is null.
func (p *protocol) identityID(known *tfprotov6.ResourceIdentityData) string {
	p.t.Helper()
	if known == nil || known.IdentityData == nil {
		return ""
	}
	v, err := known.IdentityData.Unmarshal(knownBy)
	if err != nil {
		p.t.Fatal(err)
	}
	var in map[string]tftypes.Value
	var id string
	if v.IsNull() {
		return ""
	}
	if err := v.As(&in); err != nil {
		p.t.Fatal(err)
	}
	if !in["id"].IsKnown() {
		return "unknown"
	}
	if err := in["id"].As(&id); err != nil {
		p.t.Fatal(err)
	}
	return id
}

func (p *protocol) known(id string) *tfprotov6.ResourceIdentityData {
	return &tfprotov6.ResourceIdentityData{IdentityData: p.encode(knownBy,
		plainValue(knownBy, map[string]any{"id": id}))}
}

// list asks for a list, as terraform query does.
func (p *protocol) list(kind string, include bool, limit int64, config map[string]any) []tfprotov6.ListResourceResult {
	p.t.Helper()
	schema := p.schemas.ListResourceSchemas[kind]
	valid, err := p.server.ValidateListResourceConfig(p.t.Context(),
		&tfprotov6.ValidateListResourceConfigRequest{TypeName: kind, Config: p.value(schema, config)})
	if err != nil {
		p.t.Fatal(err)
	}
	p.well(valid.Diagnostics)
	stream, err := p.server.ListResource(p.t.Context(), &tfprotov6.ListResourceRequest{
		TypeName: kind, Config: p.value(schema, config), IncludeResource: include, Limit: limit,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return slices.Collect(stream.Results)
}

// imported is what an import by the resource's identity, and the reading after it, make of an id.
func (p *protocol) imported(kind, id string) *tfprotov6.ReadResourceResponse {
	p.t.Helper()
	answer, err := p.server.ImportResourceState(p.t.Context(),
		&tfprotov6.ImportResourceStateRequest{TypeName: kind, Identity: p.known(id)})
	if err != nil {
		p.t.Fatal(err)
	}
	p.well(answer.Diagnostics)
	one := answer.ImportedResources[0]
	now, err := p.server.ReadResource(p.t.Context(),
		&tfprotov6.ReadResourceRequest{
			TypeName:        kind,
			CurrentState:    one.State,
			CurrentIdentity: one.Identity,
			Private:         one.Private,
		})
	if err != nil {
		p.t.Fatal(err)
	}
	p.well(now.Diagnostics)
	return now
}
