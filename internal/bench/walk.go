// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

// walk is one configured provider in one walk of Terraform, without Terraform: the calls that it would make.
type walk struct {
	server tfprotov6.ProviderServer
	types  map[string]tftypes.Type
	schema map[string]*tfprotov6.Schema
}

// held is what Terraform keeps of a resource.
type held struct {
	state   *tfprotov6.DynamicValue
	private []byte
}

// startWalk configures a provider in this process, as Terraform does at the beginning of a plan or an apply.
func startWalk(ctx context.Context, newProvider func() frameworkprovider.Provider, configuration map[string]any) (*walk,
	error) {
	w := &walk{
		server: provider.NewServer(newProvider()),
		types:  map[string]tftypes.Type{},
		schema: map[string]*tfprotov6.Schema{},
	}
	schemas, err := w.server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return nil, err
	}
	for name, s := range schemas.ResourceSchemas {
		w.types[name], w.schema[name] = s.ValueType(), s
	}
	t := schemas.Provider.ValueType()
	config, err := encode(t, valueOf(t, configuration))
	if err != nil {
		return nil, err
	}
	answer, err := w.server.ConfigureProvider(ctx,
		&tfprotov6.ConfigureProviderRequest{TerraformVersion: "1.11.4", Config: config})
	if err != nil {
		return nil, err
	}
	return w, failure(answer.Diagnostics)
}

// create plans and applies a new resource.
func (w *walk) create(ctx context.Context, b *block) (held, error) {
	t := w.types[b.resource()]
	config := valueOf(t, b.arguments)
	plan, err := w.plan(ctx, b, tftypes.NewValue(t, nil), config, held{})
	if err != nil {
		return held{}, err
	}
	before, err := encode(t, tftypes.NewValue(t, nil))
	if err != nil {
		return held{}, err
	}
	encoded, err := encode(t, config)
	if err != nil {
		return held{}, err
	}
	answer, err := w.server.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: b.resource(), PriorState: before, Config: encoded, PlannedState: plan.state,
		PlannedPrivate: plan.private,
	})
	if err != nil {
		return held{}, err
	}
	return held{answer.NewState, answer.Private}, failure(answer.Diagnostics)
}

// plan proposes what Terraform would: the configuration, and where it says nothing of what is computed, the state or,
// of a new resource, the unknown.
func (w *walk) plan(ctx context.Context, b *block, before, config tftypes.Value, h held) (held, error) {
	t := w.types[b.resource()]
	declared := map[string]tftypes.Value{}
	was := map[string]tftypes.Value{}
	if err := config.As(&declared); err != nil {
		return held{}, err
	}
	if err := before.As(&was); err != nil {
		return held{}, err
	}
	proposed := maps.Clone(declared) // As hands out the value's own map
	for _, a := range w.schema[b.resource()].Block.Attributes {
		if a.Computed && proposed[a.Name].IsNull() {
			proposed[a.Name] = tftypes.NewValue(a.ValueType(), tftypes.UnknownValue)
			if !before.IsNull() {
				proposed[a.Name] = was[a.Name]
			}
		}
	}
	req := &tfprotov6.PlanResourceChangeRequest{TypeName: b.resource(), PriorPrivate: h.private}
	var errs [3]error
	req.PriorState, errs[0] = encode(t, before)
	req.Config, errs[1] = encode(t, config)
	if next := tftypes.NewValue(t, proposed); next.Equal(before) {
		// two writings of a map here may differ in their order; Terraform's do not
		req.ProposedNewState = req.PriorState
	} else {
		req.ProposedNewState, errs[2] = encode(t, next)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return held{}, err
	}
	answer, err := w.server.PlanResourceChange(ctx, req)
	if err != nil {
		return held{}, err
	}
	return held{answer.PlannedState, answer.PlannedPrivate}, failure(answer.Diagnostics)
}

// each does something to all blocks, the identities first, and so many at a time.
func (w *world) each(parallel int, do func(at int, b *block) error) error {
	errs := make([]error, len(w.blocks))
	for _, identities := range []bool{true, false} {
		var wg sync.WaitGroup
		next := make(chan int)
		for range parallel {
			wg.Go(func() {
				for at := range next {
					errs[at] = do(at, w.blocks[at])
				}
			})
		}
		for at, b := range w.blocks {
			if _, hangs := b.arguments["identity_id"]; hangs != identities {
				next <- at
			}
		}
		close(next)
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

func encode(t tftypes.Type, v tftypes.Value) (*tfprotov6.DynamicValue, error) {
	encoded, err := tfprotov6.NewDynamicValue(t, v)
	return &encoded, err
}

// valueOf returns arguments as a value of a type.
func valueOf(t tftypes.Type, v any) tftypes.Value {
	switch v := v.(type) {
	case []string:
		var elements []tftypes.Value
		for _, e := range v {
			elements = append(elements, tftypes.NewValue(tftypes.String, e))
		}
		return tftypes.NewValue(t, elements)
	case map[string]any:
		values := map[string]tftypes.Value{}
		switch t := t.(type) {
		case tftypes.Object:
			for name, of := range t.AttributeTypes {
				values[name] = valueOf(of, v[name])
			}
		case tftypes.Map:
			for key, e := range v {
				values[key] = valueOf(t.ElementType, e)
			}
		}
		return tftypes.NewValue(t, values)
	case *block:
		return tftypes.NewValue(t, v.id)
	}
	return tftypes.NewValue(t, v)
}

// failure returns the first error among diagnostics.
func failure(diags []*tfprotov6.Diagnostic) error {
	for _, d := range diags {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			return fmt.Errorf("%s: %s", d.Summary, d.Detail)
		}
	}
	return nil
}
