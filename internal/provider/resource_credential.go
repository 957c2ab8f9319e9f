// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

var (
	_ resource.ResourceWithConfigure      = (*credentialResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*credentialResource)(nil)
	_ resource.ResourceWithIdentity       = (*credentialResource)(nil)
	_ resource.ResourceWithImportState    = (*credentialResource)(nil)
	_ resource.ResourceWithValidateConfig = (*credentialResource)(nil)
)

// credentialResource is partner_credential: how a partner proves to be an identity. What differs by kind is in kind.go.
type credentialResource struct {
	governed[credentialModel, *credentialModel]
}

// credentialModel is a credential as Terraform sees it.
type credentialModel struct {
	// IdentityID to AllowedCIDRs are arguments; so are the kinds.
	IdentityID         types.String `tfsdk:"identity_id"`
	Rotation           types.Object `tfsdk:"rotation"`
	RevokeIssuedBefore types.String `tfsdk:"revoke_issued_before"`
	AllowedCIDRs       types.Set    `tfsdk:"allowed_cidrs"`
	// RotatesAt to LastUsedAt are computed. SealedSecret and Issued are told once, by the change that issued them (or
	// System.Tell if that answer was lost); after an import they are null until the next rotation. Serial and
	// Fingerprint say whether they are still of what is in force.
	RotatesAt    types.String `tfsdk:"rotates_at"`
	SealedSecret types.String `tfsdk:"sealed_secret"`
	Issued       types.String `tfsdk:"issued"`
	Serial       types.String `tfsdk:"serial"`
	Fingerprint  types.String `tfsdk:"fingerprint"`
	Login        types.Map    `tfsdk:"login"`
	LastUsedAt   types.String `tfsdk:"last_used_at"`
	kindModel
	terms
}

var (
	// textSetType is the type of a set of texts.
	textSetType = types.SetType{ElemType: types.StringType}
	// rotationType is the type of rotation.
	rotationType = map[string]attr.Type{
		"every":   types.StringType,
		"overlap": types.StringType,
		"trigger": types.MapType{ElemType: types.StringType},
	}
)

func newCredential() resource.Resource {
	return &credentialResource{governed[credentialModel, *credentialModel]{kind: access.TypeCredential}}
}

// Schema returns the schema. It has no default, plan modifier or block: see NewServer. What may be wrong with several
// arguments together is in ValidateConfig.
func (r *credentialResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "How a partner proves to be an identity: exactly one of " + kindsInCode() +
			", best first. An identity has at most one of each kind. The provider never asks for a partner's " +
			"private key.",
		Attributes: withTerms(withIssued(withKinds(map[string]schema.Attribute{
			"identity_id": schema.StringAttribute{
				Required: true, Validators: []validator.String{identityID()},
				MarkdownDescription: "The identity: `partner_identity.NAME.id`. A change replaces the credential.",
			},
			"rotation": rotationAttribute(),
			"revoke_issued_before": schema.StringAttribute{
				Optional: true, Validators: []validator.String{moment()},
				MarkdownDescription: "For a stolen key: everything that was issued before this moment is revoked at " +
					"once, without overlap. RFC 3339, and not in the future.",
			},
			"allowed_cidrs": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				Validators: []validator.Set{notEmpty("An empty list does not say whether the credential " +
					"works from anywhere or from nowhere. Name the networks, or write null for no limit."),
					setvalidator.ValueStringsAre(network())},
				MarkdownDescription: "The networks that it may be used from, such as `203.0.113.0/24`. " +
					"Default: anywhere.",
			},
		}))),
	}
}

// ValidateConfig refuses kinds that do not go together, and trust that names nobody, or two. It is part of the short
// way of a validation, so it must say all that it says in diagnostics.
func (r *credentialResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest,
	resp *resource.ValidateConfigResponse) {
	config, ok := read[credentialModel](ctx, req.Config, &resp.Diagnostics)
	if ok {
		config.validateKind(&resp.Diagnostics)
		config.validateTrust(&resp.Diagnostics)
	}
}

// validateKind wants exactly one kind, as far as is known: an unknown object may turn out to be null.
func (m *credentialModel) validateKind(diags *diag.Diagnostics) {
	var given []string
	unknown := false
	for i, v := range m.kinds() {
		unknown = unknown || v.IsUnknown()
		if !v.IsNull() && !v.IsUnknown() {
			given = append(given, string(access.Kinds()[i]))
		}
	}
	switch {
	case len(given) > 1:
		diags.AddAttributeError(path.Root(given[1]), "More than one kind of credential",
			fmt.Sprintf("Both %s and %s are set, but a credential has exactly one kind: it ends, rotates and is "+
				"revoked as a whole. Keep the one that the partner uses, or write a partner_credential for each.",
				given[0], given[1]))
	case len(given) == 0 && !unknown:
		diags.AddError("Missing kind of credential",
			"Write exactly one of "+access.OneOf(access.Kinds())+
				": it says how the partner proves to be the identity. If the partner has an OIDC issuer of its own, "+
				"write federated = { issuer, subject, audiences }: that needs no secret.")
	case !m.Federated.IsNull() && !m.Federated.IsUnknown() && !m.Rotation.IsNull():
		diags.AddAttributeError(path.Root("rotation"), "Nothing to rotate", "A federated credential has no secret or "+
			"certificate to issue anew: the partner's issuer rotates its own keys. Remove rotation.")
	}
}

// validateTrust wants an issuer with its subject and audiences, or a principal of AWS; an external id goes with the
// latter.
func (m *credentialModel) validateTrust(diags *diag.Diagnostics) {
	if m.Federated.IsNull() || m.Federated.IsUnknown() {
		return
	}
	given := m.Federated.Attributes()
	none := func(name string) bool { return given[name].IsNull() }
	at := path.Root("federated")
	byIssuer := []string{"issuer", "subject", "audiences"}
	if none("aws_principal") {
		for _, name := range byIssuer {
			if none(name) {
				diags.AddAttributeError(at, "Trust that names nobody",
					fmt.Sprintf("federated has neither %s nor aws_principal. For a workload of the partner's OIDC "+
						"issuer, write issuer, subject and audiences. For a role in the partner's own AWS account, "+
						"write aws_principal.", name))
				return
			}
		}
		if !none("external_id") {
			diags.AddAttributeError(at.AtName("external_id"), "Unused external id",
				"An external id goes with aws_principal only: an issuer's token has none. Remove it.")
		}
		return
	}
	for _, name := range byIssuer {
		if !none(name) {
			diags.AddAttributeError(at.AtName(name), "Two kinds of trust",
				fmt.Sprintf("Both aws_principal and %s are set, but a credential trusts one workload, which comes in "+
					"from its AWS account or with a token of its issuer. Keep the one that the partner uses.", name))
			return
		}
	}
}

// rotationAttribute returns the schema of rotation.
func rotationAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "How often it is issued anew; not for `federated`. What was issued ends by itself after " +
			"`every` plus `overlap`, even if Terraform never runs again.",
		Attributes: map[string]schema.Attribute{
			"every": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "How often: a duration such as `720h`.",
				Validators:          []validator.String{span()},
			},
			"overlap": schema.StringAttribute{
				Optional: true, Validators: []validator.String{overlap()},
				MarkdownDescription: "How long the old one works beside the new one, such as `48h`. Default: " +
					"not at all.",
			},
			"trigger": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Any values: when they change, it is issued anew.",
			},
		},
	}
}

// complete does nothing: no argument of a credential has a default.
func (m *credentialModel) complete(*session, *credentialModel, func(names ...string) bool) {}

// object returns the credential that a model declares; the reader notes what of it is unknown or wrong.
func (m *credentialModel) object(r *reader) access.Object {
	c := &access.Credential{
		IdentityID:         parsed(r, "identity_id", m.IdentityID, access.ParseIdentityID),
		Terms:              r.readTerms(&m.terms),
		RevokeIssuedBefore: r.moment("revoke_issued_before", m.RevokeIssuedBefore),
		AllowedCIDRs:       r.networks("allowed_cidrs", m.AllowedCIDRs),
	}
	m.readKind(r, c)
	if v := r.object("rotation", m.Rotation); v != nil {
		c.Rotation = &access.Rotation{Every: r.span("rotation", v["every"]), Overlap: r.span("rotation", v["overlap"])}
		for name, e := range r.elements("rotation", v["trigger"].(types.Map)) {
			if c.Rotation.Trigger == nil {
				c.Rotation.Trigger = map[string]string{}
			}
			c.Rotation.Trigger[name] = r.text("rotation", e)
		}
	}
	return c
}

// keepWriting keeps the spelling of the state if it means the same, and what only a reissue changes.
func (m *credentialModel) keepWriting(state *credentialModel) {
	m.terms.keepWriting(&state.terms)
	m.RevokeIssuedBefore = same(m.RevokeIssuedBefore, state.RevokeIssuedBefore)
	m.Rotation = same(m.Rotation, state.Rotation)
	m.RotatesAt = state.RotatesAt
	m.SealedSecret = state.SealedSecret
	m.Issued = state.Issued
	m.Serial = state.Serial
	m.Fingerprint = state.Fingerprint
	m.Login = state.Login
	m.LastUsedAt = state.LastUsedAt
}

// declare writes the arguments of a credential that was read. An empty trigger stays as it was written.
func (m *credentialModel) declare(o access.Object) {
	c := o.(*access.Credential)
	m.terms.declare(&c.Terms)
	m.IdentityID = types.StringValue(c.IdentityID.String())
	m.RevokeIssuedBefore = momentValue(c.RevokeIssuedBefore)
	m.AllowedCIDRs = optionalSet(c.AllowedCIDRs)
	m.declareKind(c)
	trigger := types.MapNull(types.StringType)
	if was, ok := m.Rotation.Attributes()["trigger"].(types.Map); ok {
		trigger = noneOf(was, trigger)
	}
	m.Rotation = types.ObjectNull(rotationType)
	if c.Rotation != nil {
		if len(c.Rotation.Trigger) > 0 {
			trigger = textMap(c.Rotation.Trigger)
		}
		m.Rotation = types.ObjectValueMust(rotationType, map[string]attr.Value{
			"every": spanValue(c.Rotation.Every), "overlap": spanValue(c.Rotation.Overlap), "trigger": trigger,
		})
	}
}

// replaced names the arguments that make another credential: the identity and the kind, which are the id.
func (m *credentialModel) replaced(state *credentialModel) (names []string) {
	if !m.IdentityID.Equal(state.IdentityID) {
		names = append(names, "identity_id")
	}
	return append(names, m.replacedKinds(&state.kindModel)...)
}
