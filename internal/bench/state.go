// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"

	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// A state file, version 4.
type stateFile struct {
	Version   int             `json:"version"`
	Terraform string          `json:"terraform_version"`
	Serial    int             `json:"serial"`
	Lineage   string          `json:"lineage"`
	Outputs   map[string]any  `json:"outputs"`
	Resources []stateResource `json:"resources"`
}

// stateResource is a resource block in the state.
type stateResource struct {
	Mode      string          `json:"mode"`
	Type      string          `json:"type"`
	Name      string          `json:"name"`
	Provider  string          `json:"provider"`
	Instances []stateInstance `json:"instances"`
}

// stateInstance is what a block has made.
type stateInstance struct {
	Version      int      `json:"schema_version"`
	Attributes   any      `json:"attributes"`
	Sensitive    []any    `json:"sensitive_attributes"`
	Private      []byte   `json:"private,omitempty"`
	Dependencies []string `json:"dependencies,omitempty"`
}

// instance is a resource as an apply left it.
type instance struct {
	attributes any
	private    []byte
}

// applied creates all of a world, through the provider itself, and returns what it left in the state. Terraform takes
// minutes for that: it is left out.
func applied(ctx context.Context, newProvider func() frameworkprovider.Provider, w *world) ([]held, *walk, error) {
	walk, err := startWalk(ctx, newProvider, w.provider)
	if err != nil {
		return nil, nil, err
	}
	const parallel = 200 // the embedded system commits together what comes together
	all := make([]held, len(w.blocks))
	err = w.each(parallel, func(at int, b *block) (err error) {
		all[at], err = walk.create(ctx, b)
		return err
	})
	return all, walk, err
}

// partnerState returns the state of our resources, under a provider's address. The private part is only ours: another
// provider keeps none, and the framework could not read how ours is packed.
func (w *world) partnerState(walk *walk, all []held, address string) ([]byte, error) {
	instances := make([]instance, len(w.blocks))
	for at, b := range w.blocks {
		value, err := all[at].state.Unmarshal(walk.types[b.resource()])
		if err != nil {
			return nil, err
		}
		attributes, err := plain(value)
		if err != nil {
			return nil, err
		}
		instances[at] = instance{attributes: attributes}
		if address == partnerAddress {
			instances[at].private = all[at].private
		}
	}
	return w.state(address, (*block).resource, instances)
}

// dataState returns the state of the same shape in terraform_data.
func (w *world) dataState() ([]byte, error) {
	instances := make([]instance, len(w.blocks))
	for at, b := range w.blocks {
		value, kind := untyped(b.arguments)
		dynamic := map[string]any{"value": value, "type": kind}
		instances[at].attributes = map[string]any{
			"id":               b.id,
			"input":            dynamic,
			"output":           dynamic,
			"triggers_replace": nil,
		}
	}
	return w.state("terraform.io/builtin/terraform", func(*block) string { return "terraform_data" }, instances)
}

// state returns a state file as if a Terraform had written it long ago (1.5.0): each of today's reads that.
func (w *world) state(address string, resource func(*block) string, instances []instance) ([]byte, error) {
	f := stateFile{Version: 4, Terraform: "1.5.0", Serial: 1, Lineage: "bench", Outputs: map[string]any{}}
	for at, b := range w.blocks {
		i := stateInstance{Attributes: instances[at].attributes, Private: instances[at].private, Sensitive: []any{}}
		if identity, hangs := b.arguments["identity_id"].(*block); hangs {
			i.Dependencies = []string{resource(identity) + "." + identity.name}
		}
		f.Resources = append(f.Resources, stateResource{
			Mode: "managed", Type: resource(b), Name: b.name, Provider: fmt.Sprintf("provider[%q]", address),
			Instances: []stateInstance{i},
		})
	}
	return json.MarshalIndent(f, "", "  ")
}

// plain returns a value as the state file writes it.
func plain(v tftypes.Value) (any, error) {
	if v.IsNull() {
		return nil, nil
	}
	switch {
	case v.Type().Is(tftypes.String):
		var text string
		return &text, v.As(&text)
	case v.Type().Is(tftypes.Bool):
		var b bool
		return &b, v.As(&b)
	case v.Type().Is(tftypes.Number):
		var n big.Float
		err := v.As(&n)
		return json.Number(n.Text('f', -1)), err
	case v.Type().Is(tftypes.Object{}), v.Type().Is(tftypes.Map{}):
		parts := map[string]tftypes.Value{}
		if err := v.As(&parts); err != nil {
			return nil, err
		}
		all := map[string]any{}
		for name, part := range parts {
			var err error
			if all[name], err = plain(part); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	var elements []tftypes.Value
	if err := v.As(&elements); err != nil {
		return nil, err
	}
	all := make([]any, len(elements))
	for at, e := range elements {
		var err error
		if all[at], err = plain(e); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// untyped returns an argument as a literal in a configuration: its value, and the type that Terraform gives it.
func untyped(v any) (value, kind any) {
	switch v := v.(type) {
	case *block:
		return v.id, "string"
	case []string:
		kinds := make([]string, len(v))
		for at := range kinds {
			kinds[at] = "string"
		}
		return v, []any{"tuple", kinds}
	case map[string]any:
		values, kinds := map[string]any{}, map[string]any{}
		for name, part := range v {
			values[name], kinds[name] = untyped(part)
		}
		return values, []any{"object", kinds}
	}
	return v, "string"
}
