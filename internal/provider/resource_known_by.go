// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// knownByType is the type of what Terraform 1.12 and later calls a resource's identity: by what it is known outside of
// the configuration. Ours is the id. Terraform of before keeps none, and asks for none.
var knownByType = tftypes.Object{AttributeTypes: map[string]tftypes.Type{"id": tftypes.String}}

// IdentitySchema says by what the resource is known.
func (g *governed[M, P]) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest,
	resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{RequiredForImport: true,
			Description: fmt.Sprintf("The id of the %s.", g.kind)},
	}}
}

// knownBy writes the id as what the resource is known by. It writes the value as it is: by way of Go types it would
// cost each resource of each plan.
func knownBy(to *tfsdk.ResourceIdentity, id types.String) {
	if to == nil {
		return
	}
	if id.IsUnknown() {
		// OpenTofu 1.12 cannot plan a resource which is known by something unknown
		to.Raw = tftypes.NewValue(knownByType, nil)
		return
	}
	to.Raw = tftypes.NewValue(knownByType,
		map[string]tftypes.Value{"id": tftypes.NewValue(tftypes.String, id.ValueString())})
}

// stillKnownBy writes the id if a state of before has no identity. It never changes one: the framework refuses a plan
// that does. See TestAStateOfBeforeIsKnownByItsIDFromTheFirstReading.
func stillKnownBy(to *tfsdk.ResourceIdentity, id types.String) {
	if to != nil && to.Raw.IsFullyNull() {
		knownBy(to, id)
	}
}
