// SPDX-License-Identifier: MPL-2.0

// Command hollow is a provider with the schemas of terraform-provider-partner and nothing behind them: what the
// framework and the protocol cost by themselves. It has none of our validators, and the framework's default settings.
// With HOLLOW_ECHO it works without the framework as well, and answers a plan's calls with what it was sent.
package main

import (
	"context"
	"log"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	partner "github.com/partner-access/terraform-provider-partner/internal/provider"
)

func main() {
	const address = "registry.terraform.io/partner-access/hollow"
	if os.Getenv("HOLLOW_ECHO") == "" {
		if err := providerserver.Serve(context.Background(), newProvider,
			providerserver.ServeOpts{Address: address}); err != nil {
			log.Fatal(err)
		}
		return
	}
	err := tf6server.Serve(address,
		func() tfprotov6.ProviderServer { return echo{providerserver.NewProtocol6(newProvider())()} })
	if err != nil {
		log.Fatal(err)
	}
}

// echo answers what a plan asks about a resource with what it was sent.
type echo struct{ tfprotov6.ProviderServer }

func (echo) ValidateResourceConfig(context.Context,
	*tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return &tfprotov6.ValidateResourceConfigResponse{}, nil
}

func (echo) UpgradeResourceState(_ context.Context,
	req *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return &tfprotov6.UpgradeResourceStateResponse{UpgradedState: &tfprotov6.DynamicValue{JSON: req.RawState.JSON}}, nil
}

func (echo) ReadResource(_ context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse,
	error) {
	return &tfprotov6.ReadResourceResponse{NewState: req.CurrentState, Private: req.Private}, nil
}

func (echo) PlanResourceChange(_ context.Context,
	req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	return &tfprotov6.PlanResourceChangeResponse{PlannedState: req.ProposedNewState, PlannedPrivate: req.PriorPrivate},
		nil
}

// hollowProvider has the schema of ours.
type hollowProvider struct{ inner provider.Provider }

func newProvider() provider.Provider {
	return hollowProvider{partner.New("hollow", access.WallClock)()}
}

func (p hollowProvider) Metadata(ctx context.Context, req provider.MetadataRequest, resp *provider.MetadataResponse) {
	p.inner.Metadata(ctx, req, resp)
}

func (p hollowProvider) Schema(ctx context.Context, req provider.SchemaRequest, resp *provider.SchemaResponse) {
	p.inner.Schema(ctx, req, resp)
}

func (p hollowProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}

func (p hollowProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (p hollowProvider) Resources(ctx context.Context) (hollow []func() resource.Resource) {
	for _, inner := range p.inner.Resources(ctx) {
		hollow = append(hollow, func() resource.Resource { return hollowResource{inner()} })
	}
	return hollow
}

// hollowResource has the schema of one of ours, and keeps what it is given.
type hollowResource struct{ inner resource.Resource }

func (r hollowResource) Metadata(ctx context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	r.inner.Metadata(ctx, req, resp)
}

func (r hollowResource) Schema(ctx context.Context, req resource.SchemaRequest, resp *resource.SchemaResponse) {
	r.inner.Schema(ctx, req, resp)
	unvalidated(resp.Schema.Attributes)
}

func (r hollowResource) Create(_ context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	known, err := tftypes.Transform(req.Plan.Raw, fill)
	if err != nil {
		resp.Diagnostics.AddError("Cannot fill in the plan", err.Error())
		return
	}
	resp.State.Raw = known
}

func (r hollowResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (r hollowResource) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.State.Raw = req.Plan.Raw
}

func (r hollowResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// fill makes an unknown value a known one: some text, since an id is referred to; else null.
func fill(_ *tftypes.AttributePath, v tftypes.Value) (tftypes.Value, error) {
	switch {
	case v.IsKnown():
		return v, nil
	case v.Type().Is(tftypes.String):
		return tftypes.NewValue(tftypes.String, "hollow"), nil
	}
	return tftypes.NewValue(v.Type(), nil), nil
}

// unvalidated takes the validators away, which are logic of ours.
func unvalidated(attributes map[string]schema.Attribute) {
	for name, a := range attributes {
		switch a := a.(type) {
		case schema.StringAttribute:
			a.Validators = nil
			attributes[name] = a
		case schema.Int64Attribute:
			a.Validators = nil
			attributes[name] = a
		case schema.SetAttribute:
			a.Validators = nil
			attributes[name] = a
		case schema.MapAttribute:
			a.Validators = nil
			attributes[name] = a
		case schema.SingleNestedAttribute:
			a.Validators = nil
			unvalidated(a.Attributes)
			attributes[name] = a
		case schema.MapNestedAttribute:
			a.Validators, a.NestedObject.Validators = nil, nil
			unvalidated(a.NestedObject.Attributes)
			attributes[name] = a
		}
	}
}
