package provider

import (
	"bytes"
	"context"

	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// NewServer is the provider as Terraform calls it: the framework's server, with a short way for resources that nothing
// changes, which in most plans are nearly all.
//
// The framework takes each value of each planned resource through the schema about ten times, for defaults, plan modifiers,
// write-only and semantically equal values. The governed resources have none of these: what they plan is decided by their
// ModifyPlan alone. So where the proposal is the state, the framework is told of no proposal, as it is for a destroy, and
// does nothing but call ModifyPlan, which knows from the context that it is about to judge the state. If that would move
// anything, it says so, and the call is made as it came. A reading leaves out what it did not change in the same way.
func NewServer(p provider.Provider) Server {
	return &server{providerserver.NewProtocol6(p)().(Server)}
}

type server struct{ Server }

// Server is what Terraform asks of a provider: all that the framework serves.
type Server interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
}

// unchanged is what the server and a resource tell each other about a call that takes the short way.
type unchanged struct {
	// moved is what a planned resource answers: something is to change after all, and nothing was decided.
	moved bool
	// kept is what a resource that was read answers: it is as it was.
	kept bool
}

type unchangedKey struct{}

// unchangedIn is nil where a call takes the long way.
func unchangedIn(ctx context.Context) *unchanged {
	u, _ := ctx.Value(unchangedKey{}).(*unchanged)
	return u
}

// PlanResourceChange takes the short way where the proposal is the state.
func (s *server) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	if !isGoverned(req.TypeName) || isNull(req.PriorState) || !bytes.Equal(req.PriorState.MsgPack, req.ProposedNewState.MsgPack) {
		return during(ctx, req, s.Server.PlanResourceChange)
	}
	u, short := &unchanged{}, *req
	short.ProposedNewState = nothing()
	answer, err := during(context.WithValue(ctx, unchangedKey{}, u), &short, s.Server.PlanResourceChange)
	if u.moved || err != nil {
		return during(ctx, req, s.Server.PlanResourceChange)
	}
	answer.PlannedState = req.ProposedNewState
	return answer, nil
}

// ReadResource returns the state as it came where the reading changed nothing.
func (s *server) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	if !isGoverned(req.TypeName) {
		return during(ctx, req, s.Server.ReadResource)
	}
	u := &unchanged{}
	answer, err := during(context.WithValue(ctx, unchangedKey{}, u), req, s.Server.ReadResource)
	if err == nil && u.kept {
		answer.NewState = req.CurrentState
	}
	return answer, err
}

func isGoverned(name string) bool {
	return name == "partner_identity" || name == "partner_credential" || name == "partner_grant"
}

// nothing is no value, as Terraform writes it.
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
