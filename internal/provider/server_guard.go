package provider

import (
	"bytes"
	"context"
	"iter"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// guarded makes a call, unless what it hands in holds a private key. Then nothing else looks at it: every error with an attribute's
// path makes the CLI print what stands there, and many a message quotes it. What the answer says is looked through as well, since a
// system may quote what it holds.
func guarded[Request, Response any](ctx context.Context, req Request, do func(context.Context, Request) (*Response, error),
	said func(*Response) *[]*tfprotov6.Diagnostic, what string, values ...*tfprotov6.DynamicValue,
) (*Response, error) {
	for _, v := range values {
		if at, found := keyWithin(v); found {
			answer := new(Response)
			*said(answer) = []*tfprotov6.Diagnostic{privateKeyIn(argumentOf(what, at), offboardNow)}
			return answer, nil
		}
	}
	answer, err := do(ctx, req)
	if err == nil && answer != nil {
		withhold(*said(answer))
	}
	return answer, err
}

// privateKeyIn is the finding without a path, and without the value.
func privateKeyIn(where, more string) *tfprotov6.Diagnostic {
	rule, _ := guardrail.Lookup("credential/private-key")
	found := guardrail.Finding{Rule: rule, Problem: where + " holds private key material", Fix: rule.Remedy}
	return &tfprotov6.Diagnostic{Severity: tfprotov6.DiagnosticSeverityError, Summary: found.Summary(), Detail: found.Detail() + "\n" + more}
}

func argumentOf(what, at string) string {
	if at == "" {
		return "an argument of " + what
	}
	return "the argument " + at + " of " + what
}

// withhold takes the words out of diagnostics that hold a private key.
func withhold(diags []*tfprotov6.Diagnostic) {
	for _, d := range diags {
		if !material.HoldsPrivateKey(d.Summary) && !material.HoldsPrivateKey(d.Detail) && !pathHoldsKey(d.Attribute) {
			continue
		}
		rule, _ := guardrail.Lookup("credential/private-key")
		d.Summary, d.Attribute = "A message is withheld", nil
		d.Detail = "It holds private key material, from the state or from the access system. " + rule.Remedy
	}
}

func pathHoldsKey(path *tftypes.AttributePath) bool {
	if path == nil {
		return false
	}
	for _, step := range path.Steps() {
		if key, is := step.(tftypes.ElementKeyString); is && material.HoldsPrivateKey(string(key)) {
			return true
		}
	}
	return false
}

// keyWithin reports whether any text in a value holds a private key, also the key of a map, and where: the names on the way.
// It reads the encoding, so it needs no schema and misses nothing.
func keyWithin(v *tfprotov6.DynamicValue) (at string, found bool) {
	if v == nil {
		return "", false
	}
	if len(v.JSON) > 0 {
		return "", material.HoldsPrivateKey(string(v.JSON))
	}
	w := &keyWalk{decoder: msgpack.NewDecoder(bytes.NewReader(v.MsgPack))}
	if err := w.value(); err != nil {
		return "", false // nobody can read it, so nobody quotes it
	}
	return strings.Join(w.at, "."), w.found
}

// keyWalk walks the msgpack of a value until it finds a private key.
type keyWalk struct {
	decoder *msgpack.Decoder
	at      []string
	found   bool
}

func (w *keyWalk) value() error {
	code, err := w.decoder.PeekCode()
	switch {
	case err != nil:
		return err
	case msgpcode.IsString(code):
		text, err := w.decoder.DecodeString()
		w.found = material.HoldsPrivateKey(text)
		return err
	case msgpcode.IsFixedMap(code), code == msgpcode.Map16, code == msgpcode.Map32:
		return w.mapping()
	case msgpcode.IsFixedArray(code), code == msgpcode.Array16, code == msgpcode.Array32:
		n, err := w.decoder.DecodeArrayLen()
		for ; n > 0 && err == nil && !w.found; n-- {
			err = w.value()
		}
		return err
	}
	return w.decoder.Skip()
}

// mapping walks a map or an object. The members of a JSON Web Key are a private key together.
func (w *keyWalk) mapping() error {
	n, err := w.decoder.DecodeMapLen()
	names := map[string]bool{}
	for ; n > 0 && err == nil; n-- {
		var name string
		if name, err = w.decoder.DecodeString(); err != nil {
			return err
		}
		names[name] = true
		if w.found = material.HoldsPrivateKey(name) || names["kty"] && (names["d"] || names["k"]); w.found {
			return nil
		}
		w.at = append(w.at, name)
		if err = w.value(); w.found {
			return err
		}
		w.at = w.at[:len(w.at)-1]
	}
	return err
}

// ValidateProviderConfig is asked first of all.
func (s *server) ValidateProviderConfig(ctx context.Context, req *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return guarded(ctx, req, s.Server.ValidateProviderConfig, func(r *tfprotov6.ValidateProviderConfigResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"the provider's configuration", req.Config)
}

// ConfigureProvider gets what was unknown to ValidateProviderConfig.
func (s *server) ConfigureProvider(ctx context.Context, req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	return guarded(ctx, req, s.Server.ConfigureProvider, func(r *tfprotov6.ConfigureProviderResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"the provider's configuration", req.Config)
}

// ValidateResourceConfig is called twice for each resource of a plan.
func (s *server) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return guarded(ctx, req, brief(s.Server.ValidateResourceConfig), func(r *tfprotov6.ValidateResourceConfigResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"a "+req.TypeName, req.Config)
}

// PlanResourceChange gets what was unknown to ValidateResourceConfig.
func (s *server) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	return guarded(ctx, req, s.plan, func(r *tfprotov6.PlanResourceChangeResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics }, "a "+req.TypeName, req.Config)
}

// ReadResource gets nothing that somebody wrote: what is in the state is in the state.
func (s *server) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return guarded(ctx, req, s.read, func(r *tfprotov6.ReadResourceResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics }, "a "+req.TypeName)
}

// ApplyResourceChange is called for each resource that an apply changes, with what was unknown to the plan. Where it is refused,
// what was stays.
func (s *server) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	answer, err := guarded(ctx, req, brief(s.Server.ApplyResourceChange), func(r *tfprotov6.ApplyResourceChangeResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"a "+req.TypeName, req.Config)
	if err == nil && answer.NewState == nil {
		answer.NewState, answer.Private = req.PriorState, req.PlannedPrivate
	}
	return answer, err
}

// ImportResourceState gets an id that somebody wrote.
func (s *server) ImportResourceState(ctx context.Context, req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	if material.HoldsPrivateKey(req.ID) {
		return &tfprotov6.ImportResourceStateResponse{Diagnostics: []*tfprotov6.Diagnostic{privateKeyIn("the id of an import", "")}}, nil
	}
	var known *tfprotov6.DynamicValue
	if req.Identity != nil {
		known = req.Identity.IdentityData
	}
	return guarded(ctx, req, s.Server.ImportResourceState, func(r *tfprotov6.ImportResourceStateResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"an import of "+req.TypeName, known)
}

// ValidateDataResourceConfig is asked before a data source is read.
func (s *server) ValidateDataResourceConfig(ctx context.Context, req *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return guarded(ctx, req, s.Server.ValidateDataResourceConfig, func(r *tfprotov6.ValidateDataResourceConfigResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"the data source "+req.TypeName, req.Config)
}

// ReadDataSource gets what was unknown to ValidateDataResourceConfig.
func (s *server) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	return guarded(ctx, req, s.Server.ReadDataSource, func(r *tfprotov6.ReadDataSourceResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"the data source "+req.TypeName, req.Config)
}

// ValidateEphemeralResourceConfig is asked before an ephemeral resource is opened.
func (s *server) ValidateEphemeralResourceConfig(ctx context.Context, req *tfprotov6.ValidateEphemeralResourceConfigRequest) (*tfprotov6.ValidateEphemeralResourceConfigResponse, error) {
	return guarded(ctx, req, s.Server.ValidateEphemeralResourceConfig,
		func(r *tfprotov6.ValidateEphemeralResourceConfigResponse) *[]*tfprotov6.Diagnostic {
			return &r.Diagnostics
		}, "a "+req.TypeName, req.Config)
}

// OpenEphemeralResource gets what was unknown to ValidateEphemeralResourceConfig.
func (s *server) OpenEphemeralResource(ctx context.Context, req *tfprotov6.OpenEphemeralResourceRequest) (*tfprotov6.OpenEphemeralResourceResponse, error) {
	return guarded(ctx, req, s.Server.OpenEphemeralResource, func(r *tfprotov6.OpenEphemeralResourceResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"a "+req.TypeName, req.Config)
}

// ValidateListResourceConfig is asked before a query.
func (s *server) ValidateListResourceConfig(ctx context.Context, req *tfprotov6.ValidateListResourceConfigRequest) (*tfprotov6.ValidateListResourceConfigResponse, error) {
	return guarded(ctx, req, s.Server.ValidateListResourceConfig, func(r *tfprotov6.ValidateListResourceConfigResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"a list of "+req.TypeName, req.Config)
}

// ListResource answers a query.
func (s *server) ListResource(ctx context.Context, req *tfprotov6.ListResourceRequest) (*tfprotov6.ListResourceServerStream, error) {
	if at, found := keyWithin(req.Config); found {
		refused := tfprotov6.ListResourceResult{Diagnostics: []*tfprotov6.Diagnostic{privateKeyIn(argumentOf("a list of "+req.TypeName, at), "")}}
		return &tfprotov6.ListResourceServerStream{Results: func(push func(tfprotov6.ListResourceResult) bool) { push(refused) }}, nil
	}
	stream, err := s.Server.ListResource(ctx, req)
	if err != nil || stream == nil || stream.Results == nil {
		return stream, err
	}
	return &tfprotov6.ListResourceServerStream{Results: withheld(stream.Results)}, nil
}

func withheld(results iter.Seq[tfprotov6.ListResourceResult]) iter.Seq[tfprotov6.ListResourceResult] {
	return func(push func(tfprotov6.ListResourceResult) bool) {
		for r := range results {
			withhold(r.Diagnostics)
			if !push(r) {
				return
			}
		}
	}
}

// CallFunction refuses a private key. Whatever an error says, Terraform itself prints the variables and locals of the call that failed.
func (s *server) CallFunction(ctx context.Context, req *tfprotov6.CallFunctionRequest) (*tfprotov6.CallFunctionResponse, error) {
	for _, argument := range req.Arguments {
		if _, found := keyWithin(argument); found {
			return &tfprotov6.CallFunctionResponse{Error: &tfprotov6.FunctionError{Text: refusedArgument(req.Name)}}, nil
		}
	}
	return s.Server.CallFunction(ctx, req)
}

func refusedArgument(function string) string {
	d := privateKeyIn(argumentOf("the function "+function, ""), "")
	return d.Summary + ". " + strings.TrimRight(d.Detail, ".\n")
}
