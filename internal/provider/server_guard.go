// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
	"github.com/partner-access/terraform-provider-partner/internal/material"
)

// This file is the outermost door. Every value that somebody wrote passes it as it is encoded, whichever resource, data
// source, list, function or import it is for, so no list of arguments has to be kept: while three lists kept by hand
// said where to look, 25 messages about the provider block alone quoted a private key
// (TestNoPlaceOfTheSchemaPrintsAPrivateKey).
//
// A value is checked when it is validated and once more when it is used, since what was unknown at first may be a key.
// What is in the state is not checked: it was, or is the system's. But every answer's messages are looked through.

// guarded makes a call, unless what it hands in holds a private key, or a text that is not what it seems. Then nothing
// else looks at it: every error with an attribute's path makes the CLI print what stands there, and many a message
// quotes it. What the answer says is looked through as well, since a system may quote what it holds.
//
// said returns where an answer has its diagnostics, which the protocol's types do not have in common; what names the
// thing in messages, such as "a partner_grant".
func guarded[Request, Response any](ctx context.Context, req Request,
	do func(context.Context, Request) (*Response, error),
	said func(*Response) *[]*tfprotov6.Diagnostic, what string, values ...*tfprotov6.DynamicValue,
) (*Response, error) {
	for _, v := range values {
		if refused := refusedTexts(what, v); len(refused) > 0 {
			answer := new(Response)
			*said(answer) = refused
			return answer, nil
		}
	}
	answer, err := do(ctx, req)
	if err == nil && answer != nil {
		withhold(*said(answer))
		reword(*said(answer))
	}
	return answer, err
}

// refusedTexts says what is wrong with the texts, lists and numbers of a configuration, whatever the arguments are
// called. A private key is said alone and without a path; everything else at the argument that it is in.
func refusedTexts(what string, v *tfprotov6.DynamicValue) (refused []*tfprotov6.Diagnostic) {
	seen := textsOf(v)
	if seen.key != nil {
		return []*tfprotov6.Diagnostic{privateKeyIn(argumentOf(what, seen.key))}
	}
	refuse := func(at []string, summary, detail string) {
		d := &tfprotov6.Diagnostic{
			Severity: tfprotov6.DiagnosticSeverityError,
			Summary:  summary,
			Detail:   sentenceCase(argumentOf(what, at)) + detail,
		}
		if len(at) > 0 {
			d.Attribute = tftypes.NewAttributePath().WithAttributeName(at[0])
		}
		refused = append(refused, d)
	}
	for _, f := range seen.flaws {
		refuse(f.at, "Hidden characters", " holds "+f.flaw.String()+". It is invisible, and can change what "+
			"the text means or how reviewers see it. Write the text again without it.")
	}
	// left out, it would turn a limit into none: a ceiling of [null], networks of [null]
	for _, at := range seen.nulls {
		refuse(at, "An element is null", " has an element that is null, which is ambiguous. Leave it out, for example "+
			"with compact([...]), or, if there are no elements, write null for the whole argument.")
	}
	for _, n := range seen.uncountable {
		refuse(n.at, "Not a whole number",
			fmt.Sprintf(" is %s: write a whole number, such as %d.", strconv.FormatFloat(n.number, 'g', -1, 64),
				int64(max(1, min(n.number, 1000)))))
	}
	return refused
}

// privateKeyIn returns the finding of credential/private-key without a path, and without the value: with a path, the
// CLI would print the key below the error.
func privateKeyIn(where string) *tfprotov6.Diagnostic {
	rule, _ := guardrail.Lookup("credential/private-key")
	found := guardrail.Finding{Rule: rule, Problem: where + " holds private key material", Fix: rule.Remedy}
	return &tfprotov6.Diagnostic{
		Severity: tfprotov6.DiagnosticSeverityError,
		Summary:  found.Summary(),
		Detail:   found.Detail(),
	}
}

// argumentOf names an argument in a sentence: "the argument review.by of a partner_grant".
func argumentOf(what string, at []string) string {
	if len(at) == 0 {
		return "an argument of " + what
	}
	return "the argument " + strings.Join(at, ".") + " of " + what
}

func sentenceCase(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// withhold takes the words out of diagnostics that hold a private key. See TestAMessageThatQuotesAPrivateKeyIsWithheld.
func withhold(diags []*tfprotov6.Diagnostic) {
	for _, d := range diags {
		if !material.HoldsPrivateKey(d.Summary) &&
			!material.HoldsPrivateKey(d.Detail) &&
			!pathHoldsKey(d.Attribute) {
			continue
		}
		rule, _ := guardrail.Lookup("credential/private-key")
		d.Summary, d.Attribute = "A message is withheld", nil
		d.Detail = "It contains private key material, from the state or from the access system. " + rule.Remedy
	}
}

// reword says in this provider's words what the framework says of an argument that is null and may not be.
func reword(diags []*tfprotov6.Diagnostic) {
	for _, d := range diags {
		if at := mustBeSet.FindStringSubmatch(d.Detail); at != nil {
			d.Summary, d.Detail = "An argument is null",
				"The argument "+at[1]+" is null, and it has no default. Write a value."
		}
	}
}

// mustBeSet matches the framework's text (1.19, fwserver/attribute_validation.go). If that changes, its own text is
// shown.
var mustBeSet = regexp.MustCompile(`^Must set a configuration value for the (\S+) attribute as the provider has marked it as required\.`)

// pathHoldsKey reports whether the key of a map on a path is a private key: the CLI prints the path of a diagnostic.
func pathHoldsKey(path *tftypes.AttributePath) bool {
	if path == nil {
		return false
	}
	for _, step := range path.Steps() {
		if key, ok := step.(tftypes.ElementKeyString); ok && material.HoldsPrivateKey(string(key)) {
			return true
		}
	}
	return false
}

// ValidateProviderConfig is asked first of all.
func (s *server) ValidateProviderConfig(ctx context.Context,
	req *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return guarded(ctx, req, s.Server.ValidateProviderConfig,
		func(r *tfprotov6.ValidateProviderConfigResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"the provider's configuration", req.Config)
}

// ConfigureProvider gets what was unknown to ValidateProviderConfig.
func (s *server) ConfigureProvider(ctx context.Context,
	req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	return guarded(ctx, req, s.Server.ConfigureProvider,
		func(r *tfprotov6.ConfigureProviderResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"the provider's configuration", req.Config)
}

// ValidateResourceConfig is called twice for each resource of a plan.
func (s *server) ValidateResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return guarded(ctx, req, s.validate,
		func(r *tfprotov6.ValidateResourceConfigResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"a "+req.TypeName, req.Config)
}

// PlanResourceChange gets what was unknown to ValidateResourceConfig.
func (s *server) PlanResourceChange(ctx context.Context,
	req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	mended := *req
	mended.PriorPrivate = legible(req.PriorPrivate)
	answer, err := guarded(ctx, &mended, s.plan,
		func(r *tfprotov6.PlanResourceChangeResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"a "+req.TypeName, req.Config)
	if err == nil {
		answer.PlannedPrivate = shortened(answer.PlannedPrivate)
	}
	return answer, err
}

// ReadResource gets nothing that somebody wrote: what is in the state is in the state. So only its answer is looked
// through.
func (s *server) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse,
	error) {
	mended := *req
	mended.Private = legible(req.Private)
	answer, err := guarded(ctx, &mended, s.read,
		func(r *tfprotov6.ReadResourceResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics }, "a "+req.TypeName)
	if err == nil {
		answer.Private = shortened(answer.Private)
	}
	return answer, err
}

// ApplyResourceChange is called for each resource that an apply changes, with what was unknown to the plan. If it is
// refused here, the framework was never asked, and the answer itself has to hold the state that was: an empty one would
// say that the resource is gone.
func (s *server) ApplyResourceChange(ctx context.Context,
	req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	mended := *req
	mended.PlannedPrivate = legible(req.PlannedPrivate)
	answer, err := guarded(ctx, &mended, brief(s.Server.ApplyResourceChange),
		func(r *tfprotov6.ApplyResourceChangeResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"a "+req.TypeName, req.Config)
	if err == nil && answer.NewState == nil {
		answer.NewState = req.PriorState
		answer.Private = mended.PlannedPrivate
	}
	if err == nil {
		answer.Private = shortened(answer.Private)
	}
	return answer, err
}

// ImportResourceState gets an id that somebody wrote.
func (s *server) ImportResourceState(ctx context.Context,
	req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	if material.HoldsPrivateKey(req.ID) {
		refused := []*tfprotov6.Diagnostic{privateKeyIn("the id of an import")}
		return &tfprotov6.ImportResourceStateResponse{Diagnostics: refused}, nil
	}
	var known *tfprotov6.DynamicValue
	if req.Identity != nil {
		known = req.Identity.IdentityData
	}
	return guarded(ctx, req, s.Server.ImportResourceState,
		func(r *tfprotov6.ImportResourceStateResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"an import of "+req.TypeName, known)
}

// ValidateDataResourceConfig is asked before a data source is read.
func (s *server) ValidateDataResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return guarded(ctx, req, s.Server.ValidateDataResourceConfig,
		func(r *tfprotov6.ValidateDataResourceConfigResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"the data source "+req.TypeName, req.Config)
}

// ReadDataSource gets what was unknown to ValidateDataResourceConfig.
func (s *server) ReadDataSource(ctx context.Context,
	req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	return guarded(ctx, req, s.Server.ReadDataSource,
		func(r *tfprotov6.ReadDataSourceResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"the data source "+req.TypeName, req.Config)
}

// ValidateEphemeralResourceConfig is asked before an ephemeral resource is opened.
func (s *server) ValidateEphemeralResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateEphemeralResourceConfigRequest) (*tfprotov6.ValidateEphemeralResourceConfigResponse, error) {
	return guarded(ctx, req, s.Server.ValidateEphemeralResourceConfig,
		func(r *tfprotov6.ValidateEphemeralResourceConfigResponse) *[]*tfprotov6.Diagnostic {
			return &r.Diagnostics
		}, "a "+req.TypeName, req.Config)
}

// OpenEphemeralResource gets what was unknown to ValidateEphemeralResourceConfig.
func (s *server) OpenEphemeralResource(ctx context.Context,
	req *tfprotov6.OpenEphemeralResourceRequest) (*tfprotov6.OpenEphemeralResourceResponse, error) {
	return guarded(ctx, req, s.Server.OpenEphemeralResource,
		func(r *tfprotov6.OpenEphemeralResourceResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"a "+req.TypeName, req.Config)
}

// ValidateListResourceConfig is asked before a query.
func (s *server) ValidateListResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateListResourceConfigRequest) (*tfprotov6.ValidateListResourceConfigResponse, error) {
	return guarded(ctx, req, s.Server.ValidateListResourceConfig,
		func(r *tfprotov6.ValidateListResourceConfigResponse) *[]*tfprotov6.Diagnostic { return &r.Diagnostics },
		"a list of "+req.TypeName, req.Config)
}

// ListResource answers a query.
func (s *server) ListResource(ctx context.Context,
	req *tfprotov6.ListResourceRequest) (*tfprotov6.ListResourceServerStream, error) {
	if said := refusedTexts("a list of "+req.TypeName, req.Config); len(said) > 0 {
		refused := tfprotov6.ListResourceResult{Diagnostics: said}
		return &tfprotov6.ListResourceServerStream{Results: func(push func(tfprotov6.ListResourceResult) bool) {
			push(refused)
		}}, nil
	}
	stream, err := s.Server.ListResource(ctx, req)
	if err != nil || stream == nil || stream.Results == nil {
		return stream, err
	}
	return &tfprotov6.ListResourceServerStream{Results: withheld(stream.Results)}, nil
}

// withheld takes the private keys out of the diagnostics of each result that a list pushes.
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

// CallFunction refuses a private key. Whatever an error says, Terraform itself prints the variables and locals of the
// call that failed. OpenTofu sends null as a value without anything in it, which the framework takes for a fault.
func (s *server) CallFunction(ctx context.Context, req *tfprotov6.CallFunctionRequest) (*tfprotov6.CallFunctionResponse,
	error) {
	for i, argument := range req.Arguments {
		if argument == nil || (len(argument.MsgPack) == 0 && len(argument.JSON) == 0) {
			req.Arguments[i] = nothing()
			continue
		}
		if textsOf(argument).key != nil {
			return &tfprotov6.CallFunctionResponse{Error: &tfprotov6.FunctionError{Text: refusedArgument(req.Name)}},
				nil
		}
	}
	resp, err := s.Server.CallFunction(ctx, req)
	if resp != nil && resp.Error != nil {
		resp.Error.Text = strings.TrimRight(resp.Error.Text, ".") // Terraform sets a stop itself
	}
	return resp, err
}

// refusedArgument returns the finding as one text, which is all that the error of a function has.
func refusedArgument(function string) string {
	d := privateKeyIn(argumentOf("the function "+function, nil))
	return d.Summary + ". " + strings.TrimRight(d.Detail, ".\n")
}
