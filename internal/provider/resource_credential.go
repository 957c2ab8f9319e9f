// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
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

// newCredential makes the resource; the framework calls it for every call of Terraform's.
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

// withIssued adds what the system says of what it issued, all of it computed. None of it is marked as sensitive:
// nothing in it is secret, and every output of it would have to be marked as well.
func withIssued(attributes map[string]schema.Attribute) map[string]schema.Attribute {
	for name, description := range map[string]string{
		"rotates_at":   "When the next rotation is due. RFC 3339, UTC; null if it does not rotate.",
		"serial":       "The serial of the certificate: hexadecimal for X.509, decimal for SSH.",
		"fingerprint":  "The SHA-256 fingerprint of what was issued.",
		"last_used_at": "When the system last saw it used. RFC 3339, UTC; null if the system does not know.",
		"sealed_secret": "The secret in ASCII armor, sealed to the recipient: only the partner can open it. Null for " +
			"other kinds, and after an import until the next rotation.",
		"issued": "What was signed: an X.509 certificate in PEM, with those between it and the root, or an " +
			"OpenSSH certificate line. Gateways have the root (`publish/ca.pem`, on OpenBao `partner-pki/cert/ca`); " +
			"Java's `keytool` needs it as well. Null for other kinds, and after an import until the next rotation.",
	} {
		attributes[name] = schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	attributes["login"] = schema.MapAttribute{
		Computed: true, ElementType: types.StringType,
		MarkdownDescription: "What the partner needs to log in. Nothing in it is secret.",
	}
	return attributes
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

// keepWriting keeps the spelling of the state where it means the same, and what only a reissue changes.
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

// move marks as unknown what the change may set anew, by the decision that the apply comes to as well (reissue).
//
// If it is issued anew, what was issued becomes unknown. If it waits for its identity, nothing is issued, and only its
// rotation moves; but what has to be revoked is gone, so an IssueReplace makes what was issued unknown, too.
func (m *credentialModel) move(c change, k kept) {
	if c.before == nil {
		m.begin(c)
		return
	}
	issue, anew, why := reissue(c, k)
	if why != "" && !anew {
		unknownAll(&m.RotatesAt) // it waits for its identity, and is due from now on
	}
	if anew || (why != "" && issue == access.IssueReplace) {
		unknownAll(&m.RotatesAt, &m.Fingerprint, &m.Status)
		if c.after.(*access.Credential).Kind().Sealed() {
			unknownAll(&m.SealedSecret)
		} else {
			unknownAll(&m.Issued, &m.Serial)
		}
		return
	}
	// below, nothing is issued
	before := c.before.(*access.Credential)
	after := c.after.(*access.Credential)
	if ages(before, after, k) {
		// what it was due by before counts on
		m.RotatesAt = timeValue(access.Earliest(timeOf(m.RotatesAt), after.RotatesAt(k.IssuedAt)))
	}
	// What is fixed was issued to its own end. If that comes before the new rotation, it cannot last until then.
	if endsBefore := after.RotatesAt(k.IssuedAt).After(k.IssuedUntil); c.fixed &&
		endsBefore &&
		rotatesOtherwise(before, after) {
		unknownAll(&m.RotatesAt) // the system says when it is due
	}
	if !access.SameTrust(before, after) {
		m.sayLogin(c)
	}
}

// issued returns how the journal calls what the state knows: the serial of a certificate, or the fingerprint of a
// secret.
func (m *credentialModel) issued() string {
	return cmp.Or(m.Serial.ValueString(), m.Fingerprint.ValueString())
}

// knows reports whether the state was told of what was issued.
func (m *credentialModel) knows(i *access.Issued) bool {
	return m.Fingerprint.ValueString() == i.Fingerprint && m.Serial.ValueString() == i.Serial
}

// restore keeps what was issued before and is still in force: the system tells it once, and the plan expected another.
// See TestASuspensionBetweenPlanAndApplyLosesNoSecret.
func (m *credentialModel) restore(state *credentialModel, seen observed) {
	if seen.Issued != nil && state.knows(seen.Issued) {
		set(&m.SealedSecret, state.SealedSecret, unknownOnly)
		set(&m.Issued, state.Issued, unknownOnly)
	}
}

// rotatesOtherwise reports whether a change gives a rotation, or another overlap.
func rotatesOtherwise(before, after *access.Credential) bool {
	return after.Rotation != nil && (before.Rotation == nil || before.Rotation.Overlap != after.Rotation.Overlap)
}

// begin says what is known of a new credential before anything is issued for it: what its kind never has is null.
func (m *credentialModel) begin(c change) {
	unknownAll(&m.RotatesAt, &m.SealedSecret, &m.Issued, &m.Serial, &m.Fingerprint, &m.LastUsedAt)
	m.sayLogin(c)
	if c.fresh {
		m.LastUsedAt = types.StringNull()
	}
	credential := c.after.(*access.Credential)
	none := types.StringNull()
	switch kind := credential.Kind(); {
	case kind == "": // it is not known yet
	case !kind.Issues():
		m.RotatesAt = none
		m.SealedSecret = none
		m.Issued = none
		m.Serial = none
		m.Fingerprint = none
	case kind.Sealed():
		m.Issued, m.Serial = none, none
	default:
		m.SealedSecret = none
	}
	if credential.Rotation == nil && c.fresh && !c.unknown["rotation"] {
		m.RotatesAt = none
	}
}

// sayLogin plans what the partner needs to log in, if the system can say it by the arguments. Later: some of it only
// the system's first change makes, such as an authority.
func (m *credentialModel) sayLogin(c change) {
	if unknownAll(&m.Login); c.words != nil && !c.words.Later {
		m.Login = textMap(c.words.Login)
	}
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

// observe writes what was issued. A certificate and a sealed secret come only with the change that issued them.
func (m *credentialModel) observe(seen observed, all extent) {
	m.terms.observe(seen, all)
	issued := seen.Issued
	if issued == nil {
		issued = &access.Issued{}
	}
	// The texts are told once: a later reading has none, and the state keeps its own as long as they are of what is in
	// force.
	told := all
	if !m.Fingerprint.IsNull() && m.knows(issued) {
		told = unknownOnly
	}
	set(&m.RotatesAt, timeValue(issued.RotatesAt), all)
	set(&m.Serial, optionalText(issued.Serial), all)
	set(&m.Fingerprint, optionalText(issued.Fingerprint), all)
	set(&m.SealedSecret, optionalText(issued.Sealed), told)
	set(&m.Issued, optionalText(issued.Text), told)
	set(&m.Login, textMap(seen.Login), all)
	set(&m.LastUsedAt, timeValue(seen.LastUsedAt), all)
}

// replaced names the arguments that make another credential: the identity and the kind, which are the id.
func (m *credentialModel) replaced(state *credentialModel) (names []string) {
	if !m.IdentityID.Equal(state.IdentityID) {
		names = append(names, "identity_id")
	}
	return append(names, m.replacedKinds(&state.kindModel)...)
}
