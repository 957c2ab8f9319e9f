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

// write writes a model into a plan or a state, of a schema.
func write[M any](ctx context.Context, to *tftypes.Value, schema interface{ Type() attr.Type }, model *M, diags *diag.Diagnostics) {
	m := reflect.ValueOf(model).Elem()
	attributes := map[string]attr.Value{}
	for name, index := range fieldsOf(m.Type()) {
		attributes[name] = m.FieldByIndex(index).Interface().(attr.Value)
	}
	object, d := types.ObjectValue(schema.Type().(attr.TypeWithAttributeTypes).AttributeTypes(), attributes)
	diags.Append(d...)
	if d.HasError() {
		return
	}
	raw, err := object.ToTerraformValue(ctx)
	if err != nil {
		diags.AddError("What was read cannot be written", sentence(err)+". This is a fault of the provider: please report it.")
		return
	}
	*to = raw
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
