// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"reflect"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Between Terraform's values and the models, which are structs of the framework's values. The framework's own Get and
// Set look at each field's tag with a regular expression that they compile anew, which for thousands of resources was
// most of what reading and writing cost; these look at a model's type once.

// source is what a model can be read from: a configuration, a plan or a state of the framework, or what was read past
// it.
type source interface {
	tfsdk.Config | tfsdk.Plan | tfsdk.State | sent
}

// read reads a configuration, plan or state into a model. It fails only if schema and model differ, which is a defect.
func read[M any, S source](ctx context.Context, from S, diags *diag.Diagnostics) (*M, bool) {
	m := new(M)
	if err := decode(ctx, reflect.ValueOf(m).Elem(), from); err != nil {
		diags.AddError("Cannot read what Terraform sent", sentence(err)+". This is a defect of the provider: "+
			"please report it. Nothing was changed.")
		return m, false
	}
	return m, true
}

// decode sets each field of a model from the attribute of its name. An error is a fault of the provider: its schema and
// its model differ. Unknown and null values are values here.
func decode(ctx context.Context, m reflect.Value, from any) error {
	kinds, raw := valueIn(from)
	if raw.IsNull() || !raw.IsKnown() {
		return fmt.Errorf("there is no object for %s", m.Type())
	}
	var attributes map[string]tftypes.Value
	if err := raw.As(&attributes); err != nil {
		return err
	}
	fields := fieldsOf(m.Type())
	if len(attributes) != len(fields) {
		return fmt.Errorf("%s has %d fields for %d attributes", m.Type(), len(fields), len(attributes))
	}
	for name, index := range fields {
		kind, ok := kinds[name]
		if !ok {
			return fmt.Errorf("there is no attribute %s for %s", name, m.Type())
		}
		value, err := kind.ValueFromTerraform(ctx, attributes[name])
		if err != nil {
			return err
		}
		field, a := m.FieldByIndex(index), reflect.ValueOf(value)
		if !a.Type().AssignableTo(field.Type()) {
			return fmt.Errorf("%s has no field for the attribute %s", m.Type(), name)
		}
		field.Set(a)
	}
	return nil
}

// valueIn returns the types of the attributes of a source, by name, and its value.
func valueIn(from any) (map[string]attr.Type, tftypes.Value) {
	switch f := from.(type) {
	case tfsdk.Config:
		return attributesOf(f.Schema), f.Raw
	case tfsdk.Plan:
		return attributesOf(f.Schema), f.Raw
	case tfsdk.State:
		return attributesOf(f.Schema), f.Raw
	case sent:
		return f.attributes, f.raw
	}
	panic(fmt.Sprintf("provider: %T is no source", from))
}

// typed is a schema, of whatever kind: a resource's, a data source's, a list's.
type typed interface{ Type() attr.Type }

// attributesOf returns the types of a schema's attributes.
func attributesOf(schema typed) map[string]attr.Type {
	return schema.Type().(attr.TypeWithAttributeTypes).AttributeTypes()
}

// readState reads the state of a resource, on either way: from where Terraform put it, or from where the server did.
func readState[M any](ctx context.Context, state tfsdk.State, diags *diag.Diagnostics) (*M, bool) {
	if u := unchangedIn(ctx); u != nil {
		return read[M](ctx, u.state, diags)
	}
	return read[M](ctx, state, diags)
}

// given returns a function that says which arguments a configuration has: by a name, or by that of an object and a name
// within it, as in given("subcontractors", "max_depth"). What is unknown is given.
func given(config tftypes.Value) func(names ...string) bool {
	return func(names ...string) bool {
		at := config
		for _, name := range names {
			var parts map[string]tftypes.Value
			if at.IsKnown() && at.As(&parts) != nil {
				return false
			}
			at = parts[name]
		}
		return !at.IsNull()
	}
}

// writeState writes a model as the state of what was read, on either way.
func writeState[M any](ctx context.Context, resp *resource.ReadResponse, model *M) {
	if u := unchangedIn(ctx); u != nil {
		write(ctx, &u.wrote, u.state.attributes, model, &resp.Diagnostics)
		return
	}
	write(ctx, &resp.State.Raw, attributesOf(resp.State.Schema), model, &resp.Diagnostics)
}

// write writes a model into a plan or a state, with the types of its schema's attributes. A computed value may be
// unknown in a plan, and never in a state.
func write[M any](ctx context.Context, to *tftypes.Value, kinds map[string]attr.Type, model *M,
	diags *diag.Diagnostics) {
	m := reflect.ValueOf(model).Elem()
	attributes := map[string]attr.Value{}
	for name, index := range fieldsOf(m.Type()) {
		attributes[name] = m.FieldByIndex(index).Interface().(attr.Value)
	}
	object, d := types.ObjectValue(kinds, attributes)
	diags.Append(d...)
	if d.HasError() {
		return
	}
	raw, err := object.ToTerraformValue(ctx)
	if err != nil {
		diags.AddError("Cannot hand Terraform what was read",
			sentence(err)+". This is a defect of the provider: please report it.")
		return
	}
	*to = raw
}

// fieldsOf returns a model's fields by the name of their attribute, those of embedded structs included. It works them
// out once for each type.
func fieldsOf(t reflect.Type) map[string][]int {
	if known, ok := modelFields.Load(t); ok {
		return known.(map[string][]int)
	}
	found := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("tfsdk"); name != "" {
			found[name] = f.Index
		}
	}
	modelFields.Store(t, found)
	return found
}

// modelFields are what fieldsOf has found: map[string][]int by reflect.Type. What two calls work out at once is the
// same.
var modelFields sync.Map
