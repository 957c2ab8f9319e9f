// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// The short way of a validation. The framework converts the whole schema for each attribute that it validates, and
// Terraform validates each resource twice (at the beginning, and as it plans). Here, each validator is asked once, by
// way of a schema that was read once. The framework is asked only if anything is to be said, and then says all of it,
// so that the texts and their order are its own. See TestTheShortWayOfAValidationTakesWhatTheFrameworkTakes.

// validate takes the short way if nothing is wrong with a configuration, and has the framework say what is, otherwise.
func (s *server) validate(ctx context.Context,
	req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	if of, ok := s.shapes()[req.TypeName]; ok && of.takes(ctx, req.Config) {
		return &tfprotov6.ValidateResourceConfigResponse{}, nil
	}
	return during(ctx, req, s.Server.ValidateResourceConfig)
}

// takes reports whether nothing is wrong with a configuration: it can be read, no validator says anything, and neither
// does the resource's own check. False says only that the framework has to look.
func (s shape) takes(ctx context.Context, config *tfprotov6.DynamicValue) bool {
	if isNull(config) {
		return false
	}
	raw, err := config.Unmarshal(s.whole)
	if err != nil || !raw.IsKnown() {
		return false
	}
	var parts map[string]tftypes.Value
	if raw.As(&parts) != nil {
		return false
	}
	values := make(map[string]attr.Value, len(parts))
	for name, kind := range s.attributes {
		if values[name], err = kind.ValueFromTerraform(ctx, parts[name]); err != nil {
			return false
		}
	}
	v := validation{ctx, tfsdk.Config{Schema: s.schema, Raw: raw}}
	if !v.passAll(path.Empty(), s.schema.Attributes, values) {
		return false
	}
	if s.checked == nil {
		return true
	}
	var resp resource.ValidateConfigResponse
	s.checked.ValidateConfig(ctx, resource.ValidateConfigRequest{Config: v.config}, &resp)
	return len(resp.Diagnostics) == 0
}

// validation is one look at a configuration.
type validation struct {
	ctx    context.Context //nolint:containedctx // it lives as long as the call
	config tfsdk.Config
}

// passAll reports whether nothing is to be said of any of these attributes.
func (v validation) passAll(at path.Path, attributes map[string]schema.Attribute, values map[string]attr.Value) bool {
	for name, a := range attributes {
		if !v.passes(at.AtName(name), a, values[name]) {
			return false
		}
	}
	return true
}

// passes reports whether nothing is to be said of an attribute. It is false for a type of attribute that it does not
// know: the framework does.
func (v validation) passes(at path.Path, a schema.Attribute, value attr.Value) bool {
	if value == nil || !isPlain(a, value) {
		return false
	}
	switch a := a.(type) {
	case schema.StringAttribute:
		return silent(a.Validators, func(is validator.String) diag.Diagnostics {
			var resp validator.StringResponse
			is.ValidateString(v.ctx, validator.StringRequest{
				Path:           at,
				PathExpression: at.Expression(),
				Config:         v.config,
				ConfigValue:    value.(types.String),
			}, &resp)
			return resp.Diagnostics
		})
	case schema.Int64Attribute:
		return silent(a.Validators, func(is validator.Int64) diag.Diagnostics {
			var resp validator.Int64Response
			is.ValidateInt64(v.ctx, validator.Int64Request{
				Path:           at,
				PathExpression: at.Expression(),
				Config:         v.config,
				ConfigValue:    value.(types.Int64),
			}, &resp)
			return resp.Diagnostics
		})
	case schema.SetAttribute:
		return silent(a.Validators, func(is validator.Set) diag.Diagnostics {
			var resp validator.SetResponse
			is.ValidateSet(v.ctx, validator.SetRequest{
				Path:           at,
				PathExpression: at.Expression(),
				Config:         v.config,
				ConfigValue:    value.(types.Set),
			}, &resp)
			return resp.Diagnostics
		})
	case schema.BoolAttribute:
		return len(a.Validators) == 0
	case schema.MapAttribute:
		return len(a.Validators) == 0
	case schema.SingleNestedAttribute:
		return len(a.Validators) == 0 && v.passObject(at, a.Attributes, value.(types.Object))
	case schema.MapNestedAttribute:
		return len(a.Validators)+len(a.NestedObject.Validators) == 0 &&
			v.passEach(at, a.NestedObject.Attributes, value.(types.Map))
	}
	return false
}

// isPlain reports whether nothing is to be said of an attribute before its validators look: it is not missing, not set
// if only the provider sets it, and none of those that the framework warns of or takes away.
func isPlain(a schema.Attribute, value attr.Value) bool {
	missing := a.IsRequired() && value.IsNull()
	readOnly := a.IsComputed() && !a.IsOptional()
	return !missing &&
		(value.IsNull() || !readOnly) &&
		!a.IsWriteOnly() &&
		a.GetDeprecationMessage() == ""
}

// passObject reports whether nothing is to be said of the attributes of an object. If it is null or unknown, it has
// none.
func (v validation) passObject(at path.Path, attributes map[string]schema.Attribute, o types.Object) bool {
	return o.IsNull() || o.IsUnknown() || v.passAll(at, attributes, o.Attributes())
}

// passEach reports whether nothing is to be said of any of the objects of a map. An object that is null or unknown is
// left to the framework.
func (v validation) passEach(at path.Path, attributes map[string]schema.Attribute, objects types.Map) bool {
	for key, o := range objects.Elements() {
		if o.IsNull() ||
			o.IsUnknown() ||
			!v.passAll(at.AtMapKey(key), attributes, o.(types.Object).Attributes()) {
			return false
		}
	}
	return true
}

// silent reports whether none of the validators has anything to say, not even a warning.
func silent[V any](validators []V, ask func(V) diag.Diagnostics) bool {
	return !slices.ContainsFunc(validators, func(v V) bool { return len(ask(v)) > 0 })
}
