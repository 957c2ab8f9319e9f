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

// This file is the server that Terraform speaks to: the framework's, with a short way in front of it. The other
// server_*.go files are what else stands in front of the framework: server_guard.go refuses keys and hidden text,
// server_validate.go is the short way of a validation, server_call.go lets go of what a call carried, and
// server_private.go and server_packed.go write the private part of a state shorter than the framework does.
//
// In a plan of 3,000 resources that changed nothing, the framework's passes over the schema took most of the provider's
// time, and the contexts that it keeps most of its memory. TestShortWayAnswersAsTheFrameworkDoes compares every answer
// of the short way with the framework's own.

// NewServer returns the provider as Terraform calls it: the framework's server, with a short way for resources that
// nothing changes, which in most plans are nearly all.
//
// The framework takes each value of each resource through the schema, once to read it and about ten times more for
// defaults, plan modifiers, write-only and semantically equal values, and blocks (fwserver.PlanResourceChange). The
// governed resources have none of these: what they plan is decided by their ModifyPlan alone, and what they are by
// their Read; TestNothingIsPlannedByTheSchema holds that. So the framework is told of no values there, and of no
// schema: it does nothing but call ModifyPlan or Read, which find the values in the context.
//
// A proposal that is the state is planned as the state. If ModifyPlan would move anything all the same, it says so in
// unchanged.moved, decides nothing, and the call is made again as it came.
func NewServer(p provider.Provider) Server {
	return &server{
		Server: providerserver.NewProtocol6(p)().(Server),
		bare:   providerserver.NewProtocol6(bareProvider{p.(*partnerProvider)})(),
		shapes: sync.OnceValue(func() map[string]shape { return shapesOf(p) }),
	}
}

// server is safe for concurrent use: Terraform makes its calls side by side.
type server struct {
	// Server is the framework's server for the whole way.
	Server
	// bare is the framework's server for the short way: the same provider, with governed resources that have no schema.
	bare tfprotov6.ProviderServer
	// shapes returns the types of the governed resources' values, by the resource's name. They are worked out once, at
	// the first call, since they are the same for every resource.
	shapes func() map[string]shape
}

// Server is what Terraform asks of a provider: all that the framework serves.
type Server interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
}

// bareProvider has the governed resources of a provider, without their schemas.
type bareProvider struct{ *partnerProvider }

// Resources lists the governed resources only: nothing else takes the short way.
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

// bareResource is a governed resource without its schema. It belongs to the session of the provider that was
// configured: the bare server is never configured itself, so that there is one session, one listing and one portfolio.
type bareResource struct {
	governedResource
	provider *partnerProvider
}

// Schema returns a schema of nothing, so the framework has nothing to walk.
func (r bareResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{}
}

// Configure hands over the session of the provider that was configured; nil before that.
func (r bareResource) Configure(ctx context.Context, _ resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.governedResource.Configure(ctx, resource.ConfigureRequest{ProviderData: r.provider.session}, resp)
}

// shape is what the values of a resource look like, in the framework's words and in the protocol's.
type shape struct {
	schema     schema.Schema
	attributes map[string]attr.Type
	whole      tftypes.Type
	// checked is the resource's own check of a configuration; nil if nothing but the schema says what one may be.
	checked resource.ResourceWithValidateConfig
}

// shapesOf returns the shapes of the governed resources, by name.
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

// sent is a value as Terraform sent it, read past the framework. It is a source of read, like a tfsdk.State.
type sent struct {
	shape
	raw tftypes.Value
}

// unchanged is what the server and a resource tell each other about a call that takes the short way. It is made for one
// call, is in that call's context, and is touched by nobody else.
type unchanged struct {
	// state is what Terraform sent: the prior state of a plan, or the current one of a reading.
	state sent
	// config is the configuration of a planned resource: complete asks it what is given.
	config tftypes.Value
	// moved is what a planned resource answers: something is to change after all, and nothing was decided.
	moved bool
	// wrote and gone are what a resource that was read answers: another state (null: the one that came), or that it is
	// not there any more.
	wrote tftypes.Value
	gone  bool
}

// unchangedKey is under what an unchanged is in a context.
type unchangedKey struct{}

// unchangedIn returns what a call of the short way carries; nil on the whole way.
func unchangedIn(ctx context.Context) *unchanged {
	u, _ := ctx.Value(unchangedKey{}).(*unchanged)
	return u
}

// short returns the short way of a call for a resource. It is nil if the resource has none, if there is no state, or if
// Terraform sent what cannot be read: the framework puts that into words.
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

// unmoved returns the short way of a plan whose proposal is the state, byte for byte; nil if it is not. Terraform makes
// the proposal of the configuration, and of the state for what is computed (objchange.ProposedNew), so this is what a
// block looks like that nobody edited. It always sends all three; whoever else speaks the protocol may not (see
// TestAPlanWithoutProposalOrConfigurationIsAnswered).
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

// UpgradeResourceState is the first call for each resource in a state. A state of this version is answered as it came:
// Terraform has taken out what the schema does not have (stripRemovedStateAttributes), and adds what it has besides.
// See TestAStateOfAnotherReleaseIsRead.
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

// plan takes the short way if the proposal is the state. If the resource would move after all, or the call itself
// fails, it is made again on the whole way: until then, ModifyPlan has put nothing into the portfolio.
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

// read takes the short way for every state that can be read, and answers the state as it came unless the reading wrote
// one.
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

// StopProvider interrupts what goes either way. Terraform calls it if somebody presses Ctrl-C.
func (s *server) StopProvider(ctx context.Context, req *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse,
	error) {
	_, err := s.bare.StopProvider(ctx, req)
	answer, long := s.Server.StopProvider(ctx, req)
	return answer, cmp.Or(long, err)
}

// isGoverned reports whether a resource is one of the three that give access.
func isGoverned(name string) bool {
	return name == "partner_identity" || name == "partner_credential" || name == "partner_grant"
}

// nothing returns null, as Terraform writes it if a value has no type.
func nothing() *tfprotov6.DynamicValue {
	v, err := tfprotov6.NewDynamicValue(tftypes.DynamicPseudoType, tftypes.NewValue(tftypes.DynamicPseudoType, nil))
	if err != nil {
		panic(err) // the encoding of null does not depend on anything
	}
	return &v
}

// isNull reports whether a value is null, missing or unreadable: none of these takes the short way.
func isNull(v *tfprotov6.DynamicValue) bool {
	if v == nil || len(v.MsgPack) == 0 {
		return true
	}
	null, err := v.IsNull()
	return null || err != nil
}
