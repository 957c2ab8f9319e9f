// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// handoverFunction is handover(identity, credentials, grants).
type handoverFunction struct{}

// handedIdentity, handedCredential and handedGrant are the parts of the resources that a partner is told. Each is known
// once the resource is made: so nothing is told that was not read back.
type (
	handedIdentity struct {
		ID      types.String `tfsdk:"id"`
		Owner   types.String `tfsdk:"owner"`
		Purpose types.String `tfsdk:"purpose"`
		EndsAt  types.String `tfsdk:"ends_at"`
		Status  types.String `tfsdk:"status"`
	}
	handedCredential struct {
		ID         types.String `tfsdk:"id"`
		IdentityID types.String `tfsdk:"identity_id"`
		Owner      types.String `tfsdk:"owner"`
		kindModel
		Rotation     types.Object `tfsdk:"rotation"`
		AllowedCIDRs types.Set    `tfsdk:"allowed_cidrs"`
		EndsAt       types.String `tfsdk:"ends_at"`
		RotatesAt    types.String `tfsdk:"rotates_at"`
		Issued       types.String `tfsdk:"issued"`
		SealedSecret types.String `tfsdk:"sealed_secret"`
		Login        types.Map    `tfsdk:"login"`
		Status       types.String `tfsdk:"status"`
	}
	handedGrant struct {
		ID         types.String `tfsdk:"id"`
		IdentityID types.String `tfsdk:"identity_id"`
		Resource   types.String `tfsdk:"resource"`
		Actions    types.Set    `tfsdk:"actions"`
		Purpose    types.String `tfsdk:"purpose"`
		EndsAt     types.String `tfsdk:"ends_at"`
		Status     types.String `tfsdk:"status"`
	}
)

func newHandover() function.Function { return handoverFunction{} }

func (handoverFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "handover"
}

// Definition returns what it takes and returns. The types name a part of each resource's attributes: Terraform converts
// an object with more of them, so whole resources can be passed.
func (handoverFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	list := func(name, description string, of map[string]attr.Type) function.Parameter {
		return function.ListParameter{
			Name:                name,
			MarkdownDescription: description,
			ElementType:         types.ObjectType{AttrTypes: of},
		}
	}
	resp.Definition = function.Definition{
		Summary: "What to send to a partner",
		MarkdownDescription: "What to send to a partner for one identity, in Markdown: where to connect and how to " +
			"log in, the certificate or the sealed block and the line that opens it, what the partner may do where, " +
			"when each part ends, and whom to call. Nothing in it is secret. It shows what was read back from the " +
			"access system, so it is known only once everything is applied. An output of it needs `sensitive = " +
			"true`, which keeps the long text out of every plan: `terraform output -raw` prints it. Needs Terraform " +
			"1.8 or OpenTofu 1.7.",
		Parameters: []function.Parameter{
			function.ObjectParameter{
				Name:                "identity",
				MarkdownDescription: "The identity: `partner_identity.NAME`.",
				AttributeTypes:      handedIdentityType,
			},
			list("credentials", "The credentials that the partner is to use: `[partner_credential.NAME]`.",
				handedCredentialType),
			list("grants", "The grants that the partner is to know of: `[partner_grant.NAME]`.", handedGrantType),
		},
		Return: function.StringReturn{},
	}
}

var (
	handedIdentityType = textTypes("id", "owner", "purpose", "ends_at", "status")
	handedGrantType    = with(textTypes("id", "identity_id", "resource", "purpose", "ends_at", "status"),
		map[string]attr.Type{"actions": textSetType})

	handedCredentialType = with(with(textTypes("id", "identity_id", "owner", "ends_at", "rotates_at", "issued",
		"sealed_secret", "status"), kindTypes), map[string]attr.Type{
		"rotation":      types.ObjectType{AttrTypes: rotationType},
		"allowed_cidrs": textSetType,
		"login":         types.MapType{ElemType: types.StringType},
	})
)

// textTypes returns the types of attributes that are texts.
func textTypes(names ...string) map[string]attr.Type {
	all := map[string]attr.Type{}
	for _, name := range names {
		all[name] = types.StringType
	}
	return all
}

// with adds types of attributes to others, and returns these.
func with(all, more map[string]attr.Type) map[string]attr.Type {
	for name, kind := range more {
		all[name] = kind
	}
	return all
}

// Run returns the text. It refuses what is not of the identity: a partner must not be sent what is another one's.
func (handoverFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	known, err := areKnown(ctx, req.Arguments)
	if err != nil {
		resp.Error = err
		return
	}
	if !known {
		resp.Error = resp.Result.Set(ctx, types.StringUnknown())
		return
	}
	var h handover
	if resp.Error = req.Arguments.Get(ctx, &h.identity, &h.credentials, &h.grants); resp.Error != nil {
		return
	}
	for _, c := range h.credentials {
		if !c.IdentityID.Equal(h.identity.ID) {
			resp.Error = notOfIdentity(1, "credential", c.ID, h.identity.ID)
			return
		}
	}
	for _, g := range h.grants {
		if !g.IdentityID.Equal(h.identity.ID) {
			resp.Error = notOfIdentity(2, "grant", g.ID, h.identity.ID)
			return
		}
	}
	resp.Error = resp.Result.Set(ctx, h.markdown())
}

// areKnown reports whether all that was handed in is known. Terraform asks only then; OpenTofu 1.7 asks in a first plan
// too, where the lists hold resources that are still to be made. See TestAHandoverOfWhatIsStillToBeMadeIsNotKnown.
func areKnown(ctx context.Context, handed function.ArgumentsData) (bool, *function.FuncError) {
	var identity types.Object
	var credentials, grants types.List
	if err := handed.Get(ctx, &identity, &credentials, &grants); err != nil {
		return false, err
	}
	for _, v := range []attr.Value{identity, credentials, grants} {
		value, err := v.ToTerraformValue(ctx)
		if err != nil {
			return false, function.NewFuncError(err.Error())
		}
		if !value.IsFullyKnown() {
			return false, nil
		}
	}
	return true, nil
}

// notOfIdentity returns the error for what belongs to another identity. argument is the place of the list, from 0 on.
func notOfIdentity(argument int64, what string, id, identity types.String) *function.FuncError {
	return function.NewArgumentFuncError(argument,
		fmt.Sprintf("The %s %s does not belong to the identity %s, so its partner would get what is meant for "+
			"another one. Pass only those with identity_id = %q.", what, id.ValueString(), identity.ValueString(),
			identity.ValueString()))
}
