// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

// twins ask the framework's own server beside ours, and hold every answer of a reading and a plan against its.
type twins struct {
	provider.Server
	framework tfprotov6.ProviderServer
	t         *testing.T
	types     map[string]tftypes.Type
	applies   atomic.Bool
	met       *met
}

// met is what the twins met in all commands of a test.
type met struct {
	planned, read, short, kept, refused, replaced atomic.Int64
}

func (w *world) twins(m *met) map[string]func() (tfprotov6.ProviderServer, error) {
	newProvider := provider.New("test", w.clock)
	types := map[string]tftypes.Type{}
	schemas, err := provider.NewServer(newProvider()).GetProviderSchema(w.t.Context(),
		&tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	for name, s := range schemas.ResourceSchemas {
		types[name] = s.ValueType()
	}
	return map[string]func() (tfprotov6.ProviderServer, error){"partner": func() (tfprotov6.ProviderServer, error) {
		framework := providerserver.NewProtocol6(newProvider())()
		return &twins{Server: provider.NewServer(newProvider()), framework: framework, t: w.t, types: types, met: m},
			nil
	}}
}

func (s *twins) ConfigureProvider(ctx context.Context,
	req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	if _, err := s.framework.ConfigureProvider(ctx, req); err != nil {
		return nil, err
	}
	return s.Server.ConfigureProvider(ctx, req)
}

// ApplyResourceChange changes the system behind the back of the other twin, which is asked nothing any more.
func (s *twins) ApplyResourceChange(ctx context.Context,
	req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	s.applies.Store(true)
	return s.Server.ApplyResourceChange(ctx, req)
}

func (s *twins) ValidateResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	got, err := s.Server.ValidateResourceConfig(ctx, req)
	want, wantErr := s.framework.ValidateResourceConfig(ctx, req)
	if err != nil || wantErr != nil {
		return got, errors.Join(err, wantErr)
	}
	if g, w := spoken(got.Diagnostics), spoken(want.Diagnostics); g != w {
		s.t.Errorf("validating %s answers\n%s\nand the framework\n%s", req.TypeName, g, w)
	}
	return got, nil
}

func (s *twins) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse,
	error) {
	got, err := s.Server.ReadResource(ctx, req)
	asked := *req
	asked.Private = provider.Legible(req.Private)
	want, wantErr := s.framework.ReadResource(ctx, &asked)
	if err != nil || wantErr != nil {
		return got, errors.Join(err, wantErr)
	}
	s.met.read.Add(1)
	if got.NewState == req.CurrentState {
		s.met.kept.Add(1)
	}
	s.same("reading "+req.TypeName,
		answer{req.TypeName, got.NewState, got.Private, got.NewIdentity, got.Diagnostics, ""},
		answer{req.TypeName, want.NewState, want.Private, want.NewIdentity, want.Diagnostics, ""})
	return got, nil
}

func (s *twins) PlanResourceChange(ctx context.Context,
	req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	got, err := s.Server.PlanResourceChange(ctx, req)
	if s.applies.Load() || err != nil {
		return got, err
	}
	asked := *req
	asked.PriorPrivate = provider.Legible(req.PriorPrivate)
	want, err := s.framework.PlanResourceChange(ctx, &asked)
	if err != nil {
		return got, err
	}
	s.met.planned.Add(1)
	if got.PlannedState == req.ProposedNewState {
		s.met.short.Add(1)
	}
	if len(got.RequiresReplace) > 0 {
		s.met.replaced.Add(1)
	}
	if slices.ContainsFunc(got.Diagnostics,
		func(d *tfprotov6.Diagnostic) bool { return d.Severity == tfprotov6.DiagnosticSeverityError }) {
		s.met.refused.Add(1)
	}
	s.same("planning "+req.TypeName,
		answer{req.TypeName, got.PlannedState, got.PlannedPrivate, got.PlannedIdentity, got.Diagnostics,
			fmt.Sprint(got.RequiresReplace)},
		answer{req.TypeName, want.PlannedState, want.PlannedPrivate, want.PlannedIdentity, want.Diagnostics,
			fmt.Sprint(want.RequiresReplace)})
	return got, nil
}

// answer is what a server says to a reading or a plan.
type answer struct {
	kind     string
	value    *tfprotov6.DynamicValue
	private  []byte
	knownBy  *tfprotov6.ResourceIdentityData
	diags    []*tfprotov6.Diagnostic
	replaces string
}

func (s *twins) same(what string, got, want answer) {
	differences, err := s.decoded(s.types[got.kind], got.value).Diff(s.decoded(s.types[got.kind], want.value))
	if err != nil {
		s.t.Error(err)
	}
	for _, d := range differences {
		s.t.Errorf("%s answers %s", what, d)
	}
	if g, w := s.beside(got), s.beside(want); g != w {
		s.t.Errorf("%s answers\n%s\nand the framework\n%s", what, g, w)
	}
}

func (s *twins) decoded(t tftypes.Type, v *tfprotov6.DynamicValue) tftypes.Value {
	if v == nil {
		return tftypes.NewValue(t, nil)
	}
	value, err := v.Unmarshal(t)
	if err != nil {
		s.t.Error(err)
	}
	return value
}

// beside is what an answer has beside its value.
func (s *twins) beside(a answer) string {
	known := tftypes.NewValue(knownBy, nil)
	if a.knownBy != nil {
		known = s.decoded(knownBy, a.knownBy.IdentityData)
	}
	return strings.Join([]string{known.String(), privately(s.t, a.private), spoken(a.diags), a.replaces}, "\n")
}

func spoken(diags []*tfprotov6.Diagnostic) string {
	var all []string
	for _, d := range diags {
		all = append(all, fmt.Sprint(d.Severity, d.Attribute, d.Summary, d.Detail))
	}
	return strings.Join(all, "\n")
}

// privately is private state without the nonce, which is random.
func privately(t *testing.T, text []byte) string {
	if len(text) == 0 {
		return ""
	}
	parts := provider.PrivateParts(text)
	if parts == nil {
		t.Errorf("the private part is %s", text)
	}
	var all []string
	for key, v := range parts {
		var part any
		if err := json.Unmarshal(v, &part); err != nil {
			t.Error(err)
		}
		if memo, ok := part.(map[string]any); ok {
			delete(memo, "nonce")
		}
		all = append(all, fmt.Sprint(key, part))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// The short way answers as the framework's own server does, whatever happens to the access: every reading and every
// plan of these steps is asked of both.
func TestShortWayAnswersAsTheFrameworkDoes(t *testing.T) {
	t.Parallel()
	for _, kind := range briefly("secret", "federated", "certificate", "ssh_certificate") {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, m := newWorld(t), &met{}
			all := func(i, c, g args) string { return w.config(identity(i), credential(kind, c), grant(g)) }
			later := args{"expires_at": `"2027-04-30T00:00:00Z"`, "review": review("2026-11-20T00:00:00Z")}
			renamed := args{"expires_at": later["expires_at"], "review": later["review"], "name": `"orders-feed"`}
			resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.twins(m), Steps: []resource.TestStep{
				{Config: all(nil, nil, nil)},
				{Config: all(nil, nil, nil)},
				{Config: all(nil, nil, args{"purpose": `"Read the daily and the weekly order files"`})},
				{Config: all(nil, nil, args{"expires_at": `"2027-02-28T01:00:00+01:00"`})},
				{Config: all(args{"suspended": "true"}, nil, nil)},
				{Config: all(nil, nil, nil)},
				{PreConfig: w.passes(7 * day), Config: all(later, nil, nil)},
				refused(all(args{"expires_at": `"2037-04-30T00:00:00Z"`}, nil, nil), "expiry/indefinite"),
				{PreConfig: w.passes(14 * day), Config: all(later, nil, nil)}, // the credential is due
				{PreConfig: func() { w.erase("grant") }, Config: all(later, nil, nil)},
				{Config: all(renamed, nil, nil)},
				{PreConfig: w.passes(60 * day), RefreshState: true, ExpectNonEmptyPlan: true},
				{PreConfig: w.passes(60 * day), RefreshState: true, ExpectNonEmptyPlan: true}, // all has ended
			}})
			t.Logf("%d plans, %d the short way, %d replaced, %d refused; %d readings, %d kept", m.planned.Load(),
				m.short.Load(), m.replaced.Load(), m.refused.Load(), m.read.Load(), m.kept.Load())
			if m.short.Load() < 20 ||
				m.kept.Load() < 20 ||
				m.replaced.Load() == 0 ||
				m.refused.Load() == 0 ||
				m.planned.Load()-m.short.Load() < 10 {
				t.Error("the steps do not go all ways")
			}
		})
	}
}

// The configuration says less than the state, or something else than a plan: what was given is left out and has a
// default, what changed is ignored, has another address, is tainted, is not known yet, or is imported.
func TestShortWayAnswersAsTheFrameworkDoesWhereTheProposalHidesSomething(t *testing.T) {
	thorough(t)
	t.Parallel()
	w, m := newWorld(t), &met{}
	all := func(i args, g string, more ...string) string {
		return w.config(append([]string{identity(i), credential("federated", nil), g}, more...)...)
	}
	given := args{"subcontractors": "{ allowed = true, max_depth = 3 }", "suspended": "true", "environment": `"prod"`}
	less := args{"subcontractors": "{ allowed = true }"}
	ignoring := strings.TrimSuffix(identity(args{"suspended": "true",
		"purpose": `"Something else that the ERP is fed with"`}), "}\n") +
		"  lifecycle {\n    ignore_changes = [suspended, purpose, subcontractors]\n  }\n}\n"
	renamed := strings.Replace(grant(nil), `"orders" {`, `"daily" {`, 1)
	moved := "moved {\n  from = partner_grant.orders\n  to = partner_grant.daily\n}\n"
	later := args{"subcontractors": "{ allowed = true }", "purpose": "terraform_data.purpose.output"}
	fed := func(what string) string {
		return fmt.Sprintf("resource \"terraform_data\" \"purpose\" {\n  input = %q\n}\n", what)
	}
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.twins(m), Steps: []resource.TestStep{
		{Config: all(given, grant(nil))},
		{Config: all(less, grant(nil))},
		{Config: all(less, grant(nil)), ConfigPlanChecks: emptyPlan(), ConfigStateChecks: []statecheck.StateCheck{
			has(theIdentity, "suspended", knownvalue.Bool(false)),
			has(theIdentity, "subcontractors",
				knownvalue.ObjectPartial(map[string]knownvalue.Check{"max_depth": knownvalue.Int64Exact(1)})),
		}},
		{Config: w.config(ignoring, credential("federated", nil), grant(nil)), ConfigPlanChecks: emptyPlan()},
		{Config: all(less, renamed, moved), ConfigPlanChecks: emptyPlan()},
		{Config: all(less, renamed), Taint: []string{"partner_grant.daily"}},
		{Config: all(later, renamed, fed("Nightly order feed into the ERP"))},
		{Config: all(later, renamed, fed("Nightly order feed into the ERP")), ConfigPlanChecks: emptyPlan()},
		{Config: all(later, renamed, fed("Nightly order feed into ACME's ERP"))},
		{ResourceName: theIdentity, ImportState: true, ImportStateVerify: true},
	}})
	t.Logf("%d plans, %d the short way; %d readings, %d kept", m.planned.Load(), m.short.Load(), m.read.Load(),
		m.kept.Load())
	if m.short.Load() < 20 || m.planned.Load()-m.short.Load() < 10 {
		t.Error("the steps do not go both ways")
	}
}

// Terraform always sends a proposal and a configuration; whoever else speaks the protocol may not, and gets an answer.
func TestAPlanWithoutProposalOrConfigurationIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	null, err := tfprotov6.NewDynamicValue(tftypes.DynamicPseudoType, tftypes.NewValue(tftypes.DynamicPseudoType, nil))
	if err != nil {
		t.Fatal(err)
	}
	for name, req := range map[string]tfprotov6.PlanResourceChangeRequest{
		"no proposal":      {TypeName: "partner_identity", PriorState: &null, Config: &null},
		"no configuration": {TypeName: "partner_identity", PriorState: &null, ProposedNewState: &null},
	} {
		if answer, err := provider.NewServer(provider.New("test", w.clock)()).PlanResourceChange(t.Context(),
			&req); answer == nil || err != nil {
			t.Errorf("%s: %v, %v", name, answer, err)
		}
	}
}
