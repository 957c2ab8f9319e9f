package provider

import (
	"context"
	"fmt"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// source is a configuration, a plan or a state.
type source interface {
	tfsdk.Config | tfsdk.Plan | tfsdk.State
}

// read reads a configuration, plan or state into a model, whose fields are all values of the framework. The framework's own
// Get and Set look at each field's tag with a regular expression that they compile anew, which for thousands of resources is
// most of what reading and writing cost.
func read[M any, S source](ctx context.Context, from S, diags *diag.Diagnostics) (*M, bool) {
	m := new(M)
	if err := decode(ctx, reflect.ValueOf(m).Elem(), from); err != nil {
		diags.AddError("What Terraform sent cannot be read", sentence(err)+". This is a fault of the provider: please report it. Nothing was changed.")
		return m, false
	}
	return m, true
}

func decode(ctx context.Context, m reflect.Value, from any) error {
	t, raw := valueIn(from)
	value, err := t.ValueFromTerraform(ctx, raw)
	if err != nil {
		return err
	}
	object, ok := value.(types.Object)
	if !ok || object.IsNull() || object.IsUnknown() {
		return fmt.Errorf("there is no object for %s", m.Type())
	}
	attributes, fields := object.Attributes(), fieldsOf(m.Type())
	if len(attributes) != len(fields) {
		return fmt.Errorf("%s has %d fields for %d attributes", m.Type(), len(fields), len(attributes))
	}
	for name, index := range fields {
		field, a := m.FieldByIndex(index), reflect.ValueOf(attributes[name])
		if !a.IsValid() || !a.Type().AssignableTo(field.Type()) {
			return fmt.Errorf("%s has no field for the attribute %s", m.Type(), name)
		}
		field.Set(a)
	}
	return nil
}

func valueIn(from any) (attr.Type, tftypes.Value) {
	switch f := from.(type) {
	case tfsdk.Config:
		return f.Schema.Type(), f.Raw
	case tfsdk.Plan:
		return f.Schema.Type(), f.Raw
	case tfsdk.State:
		return f.Schema.Type(), f.Raw
	}
	panic(fmt.Sprintf("provider: %T is no source", from))
}

// written is a model as a plan or a state has it.
func written[M any](ctx context.Context, schema interface{ Type() attr.Type }, model *M, diags *diag.Diagnostics) (tftypes.Value, bool) {
	m := reflect.ValueOf(model).Elem()
	attributes := map[string]attr.Value{}
	for name, index := range fieldsOf(m.Type()) {
		attributes[name] = m.FieldByIndex(index).Interface().(attr.Value)
	}
	object, d := types.ObjectValue(schema.Type().(attr.TypeWithAttributeTypes).AttributeTypes(), attributes)
	diags.Append(d...)
	if d.HasError() {
		return tftypes.Value{}, false
	}
	raw, err := object.ToTerraformValue(ctx)
	if err != nil {
		diags.AddError("What was read cannot be written", sentence(err)+". This is a fault of the provider: please report it.")
	}
	return raw, err == nil
}

// writePlan and writeState write a model where it belongs.
func writePlan[M any](ctx context.Context, to *tfsdk.Plan, model *M, diags *diag.Diagnostics) {
	if raw, ok := written(ctx, to.Schema, model, diags); ok {
		to.Raw = raw
	}
}

func writeState[M any](ctx context.Context, to *tfsdk.State, model *M, diags *diag.Diagnostics) {
	if raw, ok := written(ctx, to.Schema, model, diags); ok {
		to.Raw = raw
	}
}

// fieldsOf are a model's fields by the name of their attribute.
func fieldsOf(t reflect.Type) map[string][]int {
	found := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("tfsdk"); name != "" {
			found[name] = f.Index
		}
	}
	return found
}
