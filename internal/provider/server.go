// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"cmp"
	"context"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// NewServer returns the provider as Terraform calls it: the framework's server, with a short way for resources that
// nothing changes, which in most plans are nearly all.
//
// The framework takes each value of each resource through the schema, once to read it and about ten times more for
// defaults, plan modifiers, write-only and semantically equal values, and blocks. The governed resources have none of
// these: what they plan is decided by their ModifyPlan alone, and what they are by their Read. So the framework is
// told of no values there, and of no schema: it does nothing but call ModifyPlan or Read, which find the values in
// the context. A proposal that is the state is planned so: if ModifyPlan would move anything, it says so, and the
// call is made as it came.
func NewServer(p provider.Provider) Server {
	return &server{
		Server: providerserver.NewProtocol6(p)().(Server),
		bare:   providerserver.NewProtocol6(bareProvider{p.(*partnerProvider)})(),
		shapes: sync.OnceValue(func() map[string]shape { return shapesOf(p) }),
	}
}

type server struct {
	Server
	// bare is the framework's server for the short way.
	bare   tfprotov6.ProviderServer
	shapes func() map[string]shape
}

// Server is what Terraform asks of a provider: all that the framework serves.
type Server interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
}

// bareProvider has the governed resources of a provider, without their schemas.
type bareProvider struct{ *partnerProvider }

// Resources lists them.
func (p bareProvider) Resources(context.Context) (all []func() resource.Resource) {
	for _, newResource := range []func() resource.Resource{newIdentity, newCredential, newGrant} {
		all = append(all, func() resource.Resource {
			return bareResource{newResource().(governedResource), p.partnerProvider}
		})
	}
	return all
}

// governedResource is a governed resource, for the framework.
type governedResource interface {
	resource.ResourceWithConfigure
	resource.ResourceWithModifyPlan
	resource.ResourceWithIdentity
}

// bareResource is a governed resource without its schema. It belongs to the session of the
// provider that was configured.
type bareResource struct {
	governedResource
	provider *partnerProvider
}

func (r bareResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{}
}

func (r bareResource) Configure(ctx context.Context, _ resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.governedResource.Configure(ctx, resource.ConfigureRequest{ProviderData: r.provider.session}, resp)
}

// shape is what the values of a resource look like.
type shape struct {
	schema     schema.Schema
	attributes map[string]attr.Type
	whole      tftypes.Type
	// checked is nil where nothing but the schema says what a configuration may be.
	checked resource.ResourceWithValidateConfig
}

// shapesOf returns those of the governed resources.
func shapesOf(p provider.Provider) map[string]shape {
	ctx, all := context.Background(), map[string]shape{}
	var of provider.MetadataResponse
	p.Metadata(ctx, provider.MetadataRequest{}, &of)
	for _, newResource := range p.Resources(ctx) {
		r := newResource()
		var named resource.MetadataResponse
		r.Metadata(ctx, resource.MetadataRequest{ProviderTypeName: of.TypeName}, &named)
		if isGoverned(named.TypeName) {
			var resp resource.SchemaResponse
			r.Schema(ctx, resource.SchemaRequest{}, &resp)
			checked, _ := r.(resource.ResourceWithValidateConfig)
			all[named.TypeName] = shape{resp.Schema, attributesOf(resp.Schema), resp.Schema.Type().TerraformType(ctx),
				checked}
		}
	}
	return all
}

// sent is a value as Terraform sent it, read past the framework.
type sent struct {
	shape
	raw tftypes.Value
}

// unchanged is what the server and a resource tell each other about a call that takes the short way.
type unchanged struct {
	state sent
	// config is the configuration of a planned resource.
	config tftypes.Value
	// moved is what a planned resource answers: something is to change after all, and nothing was decided.
	moved bool
	// wrote and gone are what a resource that was read answers: another state, or that it is not there any more.
	wrote tftypes.Value
	gone  bool
}

type unchangedKey struct{}

// unchangedIn returns nil where a call takes the long way.
func unchangedIn(ctx context.Context) *unchanged {
	u, _ := ctx.Value(unchangedKey{}).(*unchanged)
	return u
}

// short returns the short way of a call for a resource: nil where it has none, or Terraform sent what cannot be read,
// which the framework puts into words.
func (s *server) short(name string, state *tfprotov6.DynamicValue) *unchanged {
	of, ok := s.shapes()[name]
	if !ok || isNull(state) {
		return nil
	}
	raw, err := state.Unmarshal(of.whole)
	if err != nil {
		return nil
	}
	return &unchanged{state: sent{of, raw}}
}

// unmoved returns the short way of a plan whose proposal is the state.
func (s *server) unmoved(req *tfprotov6.PlanResourceChangeRequest) *unchanged {
	if req.PriorState == nil ||
		req.ProposedNewState == nil ||
		req.Config == nil ||
		!bytes.Equal(req.PriorState.MsgPack, req.ProposedNewState.MsgPack) {
		return nil
	}
	u := s.short(req.TypeName, req.PriorState)
	if u == nil {
		return nil
	}
	var err error
	if u.config, err = req.Config.Unmarshal(u.state.whole); err != nil {
		return nil
	}
	return u
}

// UpgradeResourceState returns the first call for each resource in a state. A state of this version is answered as it
// came: Terraform has taken out what the schema does not have, and adds what it has besides.
func (s *server) UpgradeResourceState(ctx context.Context,
	req *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	if of, ok := s.shapes()[req.TypeName]; !ok ||
		req.Version != of.schema.Version ||
		req.RawState == nil ||
		len(req.RawState.JSON) == 0 {
		return during(ctx, req, s.Server.UpgradeResourceState)
	}
	return &tfprotov6.UpgradeResourceStateResponse{UpgradedState: &tfprotov6.DynamicValue{JSON: req.RawState.JSON}}, nil
}

// plan takes the short way where the proposal is the state.
func (s *server) plan(ctx context.Context,
	req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	u := s.unmoved(req)
	if u == nil {
		return during(ctx, req, s.Server.PlanResourceChange)
	}
	short := *req
	short.Config, short.PriorState, short.ProposedNewState = nothing(), nothing(), nothing()
	answer, err := during(context.WithValue(ctx, unchangedKey{}, u), &short, s.bare.PlanResourceChange)
	if u.moved || err != nil {
		return during(ctx, req, s.Server.PlanResourceChange)
	}
	answer.PlannedState = req.ProposedNewState
	return answer, nil
}

// read returns the state as it came where the reading wrote none.
func (s *server) read(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse,
	error) {
	u := s.short(req.TypeName, req.CurrentState)
	if u == nil {
		return during(ctx, req, s.Server.ReadResource)
	}
	short := *req
	short.CurrentState = nothing()
	answer, err := during(context.WithValue(ctx, unchangedKey{}, u), &short, s.bare.ReadResource)
	switch {
	case err != nil || u.gone:
	case u.wrote.IsNull():
		answer.NewState = req.CurrentState
	default:
		var written tfprotov6.DynamicValue
		written, err = tfprotov6.NewDynamicValue(u.state.whole, u.wrote)
		answer.NewState = &written
	}
	return answer, err
}

// StopProvider interrupts what goes either way.
func (s *server) StopProvider(ctx context.Context, req *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse,
	error) {
	_, err := s.bare.StopProvider(ctx, req)
	answer, long := s.Server.StopProvider(ctx, req)
	return answer, cmp.Or(long, err)
}

func isGoverned(name string) bool {
	return name == "partner_identity" || name == "partner_credential" || name == "partner_grant"
}

// nothing returns no value, as Terraform writes it.
func nothing() *tfprotov6.DynamicValue {
	v, err := tfprotov6.NewDynamicValue(tftypes.DynamicPseudoType, tftypes.NewValue(tftypes.DynamicPseudoType, nil))
	if err != nil {
		panic(err) // the encoding of null does not depend on anything
	}
	return &v
}

func isNull(v *tfprotov6.DynamicValue) bool {
	if v == nil || len(v.MsgPack) == 0 {
		return true
	}
	null, err := v.IsNull()
	return null || err != nil
}
