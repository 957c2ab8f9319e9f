// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

var (
	_ resource.ResourceWithConfigure   = (*identityResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*identityResource)(nil)
	_ resource.ResourceWithIdentity    = (*identityResource)(nil)
	_ resource.ResourceWithImportState = (*identityResource)(nil)
)

// identityResource is partner_identity: one partner's non-human identity for one use case in one environment.
type identityResource struct {
	governed[identityModel, *identityModel]
}

// identityModel is an identity as Terraform sees it. LastUsedAt, EnforcedBy and Revocation are computed; Environment,
// Suspended and the depth of Subcontractors have a default, which complete fills in.
type identityModel struct {
	Partner        types.String `tfsdk:"partner"`
	Environment    types.String `tfsdk:"environment"`
	Name           types.String `tfsdk:"name"`
	Purpose        types.String `tfsdk:"purpose"`
	Ceiling        types.Set    `tfsdk:"ceiling"`
	Agreement      types.Object `tfsdk:"agreement"`
	Contact        types.String `tfsdk:"contact"`
	ParentID       types.String `tfsdk:"parent_id"`
	Subcontractors types.Object `tfsdk:"subcontractors"`
	Suspended      types.Bool   `tfsdk:"suspended"`
	ExpectedUse    types.String `tfsdk:"expected_use"`
	HoldReleased   types.String `tfsdk:"hold_released"`
	HoldReleasedBy types.String `tfsdk:"hold_released_by"`
	HoldSignature  types.String `tfsdk:"hold_released_signature"`
	LastUsedAt     types.String `tfsdk:"last_used_at"`
	EnforcedBy     types.String `tfsdk:"enforced_by"`
	Revocation     types.String `tfsdk:"revocation"`
	terms
}

var (
	agreementType      = map[string]attr.Type{"reference": types.StringType, "ends_at": types.StringType}
	subcontractorsType = map[string]attr.Type{"allowed": types.BoolType, "max_depth": types.Int64Type}
)

func newIdentity() resource.Resource {
	return &identityResource{governed[identityModel, *identityModel]{kind: access.TypeIdentity}}
}

// Schema returns the schema. It has no default, plan modifier or block: see NewServer. An argument with a default is
// optional and computed, so that a plan may say what the configuration does not.
func (r *identityResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "A partner's non-human identity for one use case in one environment. Its credentials " +
			"say how the partner proves to be it, its grants what it may do; both end with it.",
		Attributes: withTerms(map[string]schema.Attribute{
			"partner": schema.StringAttribute{
				Required: true, Validators: []validator.String{part("a partner's name"), noShadow()},
				MarkdownDescription: "The partner: the first part of the id. If the provider has a register " +
					"(`partners`), it must be one of these.",
			},
			"environment": schema.StringAttribute{
				Optional: true, Computed: true, Validators: []validator.String{part("an environment's name")},
				MarkdownDescription: "The environment: the second part of the id. Default: the provider's. Any other " +
					"must be in `guardrails.environments`.",
			},
			"name": schema.StringAttribute{
				Required: true, Validators: []validator.String{part("an identity's name")},
				MarkdownDescription: "The use case: the last part of the id.",
			},
			"purpose": schema.StringAttribute{
				Required: true, Validators: []validator.String{anyText()},
				MarkdownDescription: "What the partner needs it for, so that a reviewer can tell when it is no " +
					"longer needed.",
			},
			"ceiling": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				Validators: []validator.Set{notEmpty("An empty ceiling does not say whether everything may " +
					"be granted or nothing. Name the patterns, or write null for no ceiling."),
					setvalidator.ValueStringsAre(pattern())},
				MarkdownDescription: "Patterns that every grant of the identity must lie within. A ceiling " +
					"grants nothing.",
			},
			"agreement": agreementAttribute(),
			"contact": schema.StringAttribute{
				Optional: true, Validators: []validator.String{someText()},
				MarkdownDescription: "Whom to call at the partner, if not the register's contact.",
			},
			"parent_id": schema.StringAttribute{
				Optional: true, Validators: []validator.String{identityID()},
				MarkdownDescription: "The identity that this one hangs on. A subcontractor's identity hangs on its " +
					"partner's, ends with it and stays within its ceiling.",
			},
			"subcontractors": subcontractorsAttribute(),
			// It is computed only so that complete may plan false if the configuration leaves it out and the state has
			// true.
			"suspended": schema.BoolAttribute{
				Optional: true, Computed: true,
				MarkdownDescription: "Cuts all access of the identity at once and keeps the declaration. Default: " +
					"not suspended.",
			},
			"expected_use": schema.StringAttribute{
				Optional: true, Validators: []validator.String{span()},
				MarkdownDescription: "How long the access may go unused before it counts as dormant, if not " +
					"`guardrails.dormant_after`: a duration such as `2160h`.",
			},
			// What a value means is the system's to say, since it remembers which were used: see access.Identity.
			"hold_released": schema.StringAttribute{
				Optional: true, Validators: []validator.String{someText()},
				MarkdownDescription: "Restores what was cut by hand in the system. Write a value, such as the " +
					"incident's number, that neither an identity of this id nor, before it was made, any other of " +
					"its partner has used. Each value counts once, even after a destroy, and releases what the " +
					"identity had at its plan: not what is made with it or comes later. An adoption is the " +
					"exception: its plan has seen the cut. A value that the plan does not know, that is the moment " +
					"of the plan, or that changes while nothing of the partner is cut, is refused.",
			},
			"hold_released_by": schema.StringAttribute{
				Optional: true, Validators: []validator.String{someText()},
				MarkdownDescription: "Who restores it: an e-mail address. Needed if the release must be signed.",
			},
			"hold_released_signature": schema.StringAttribute{
				Optional: true, Validators: []validator.String{longText()},
				MarkdownDescription: "The signature of `hold_released_by`: the output of `ssh-keygen -Y sign` for " +
					"the line that the plan's error prints.",
			},
			"last_used_at": schema.StringAttribute{
				Computed: true, MarkdownDescription: "When the system last saw it used. RFC 3339, UTC; null if the " +
					"system does not know.",
			},
			"enforced_by": schema.StringAttribute{
				Computed: true, MarkdownDescription: "Who ends the identity's credentials and grants, in one line. " +
					"`partner_inventory` says it for each.",
			},
			"revocation": schema.StringAttribute{
				Computed: true, MarkdownDescription: "How to cut it by hand if Terraform is unavailable: the " +
					"command, or who has the commands. `partner_offboarding` has all that cut a partner, or one " +
					"credential alone.",
			},
		}),
	}
}

// agreementAttribute returns the schema of agreement. The register's counts as well, and the earlier end of both.
func agreementAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "The contract that the access rests on. With a register, the earlier of the two " +
			"ends counts.",
		Attributes: map[string]schema.Attribute{
			"reference": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "Its number or name.",
				Validators:          []validator.String{someText()},
			},
			"ends_at": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "When it ends: an RFC 3339 moment.",
				Validators:          []validator.String{moment()},
			},
		},
	}
}

// subcontractorsAttribute returns the schema of subcontractors.
func subcontractorsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Whether identities of subcontractors may hang on this one. Default: they may not.",
		Attributes: map[string]schema.Attribute{
			"allowed": schema.BoolAttribute{Required: true, MarkdownDescription: "Whether they may."},
			// computed for its default, which complete plans
			"max_depth": schema.Int64Attribute{
				Optional: true, Computed: true, Validators: []validator.Int64{int64validator.Between(1, 8)},
				MarkdownDescription: "How many levels below this identity. Default 1: a subcontractor, but none " +
					"of its own.",
			},
		},
	}
}

// complete plans what the configuration leaves to the provider; given reports whether it wrote an argument itself. A
// suspension that is left out is planned as false if the state has one, so that the plan shows that access comes back:
// with null, which means the same, it would show nothing.
func (m *identityModel) complete(s *session, state *identityModel, given func(names ...string) bool) {
	if !given("environment") {
		m.Environment = types.StringValue(s.environment)
	}
	if !given("suspended") {
		m.Suspended = types.BoolNull()
		if state != nil && !state.Suspended.IsNull() {
			m.Suspended = types.BoolValue(false)
		}
	}
	if m.Subcontractors.IsNull() ||
		m.Subcontractors.IsUnknown() ||
		given("subcontractors", "max_depth") {
		return
	}
	parts := m.Subcontractors.Attributes()
	parts["max_depth"] = types.Int64Value(1)
	m.Subcontractors = types.ObjectValueMust(subcontractorsType, parts)
}

// object returns the identity that a model declares; the reader notes what of it is unknown or wrong.
func (m *identityModel) object(r *reader) access.Object {
	i := &access.Identity{
		ID: access.IdentityID{
			Partner: r.text("partner", m.Partner), Environment: r.text("environment", m.Environment),
			Name: r.text("name", m.Name),
		},
		Terms:        r.readTerms(&m.terms),
		Purpose:      r.text("purpose", m.Purpose),
		Ceiling:      r.patterns("ceiling", m.Ceiling),
		Contact:      r.text("contact", m.Contact),
		ParentID:     parsed(r, "parent_id", m.ParentID, access.ParseIdentityID),
		Suspended:    r.known("suspended", m.Suspended) && m.Suspended.ValueBool(),
		ExpectedUse:  r.span("expected_use", m.ExpectedUse),
		HoldReleased: r.text("hold_released", m.HoldReleased),

		HoldReleasedBy:        r.text("hold_released_by", m.HoldReleasedBy),
		HoldReleasedSignature: r.text("hold_released_signature", m.HoldSignature),
	}
	if v := r.object("agreement", m.Agreement); v != nil {
		i.Agreement = &access.Agreement{Reference: r.text("agreement", v["reference"]),
			EndsAt: r.moment("agreement", v["ends_at"])}
	}
	if v := r.object("subcontractors", m.Subcontractors); v != nil {
		i.Subcontractors = &access.Subcontractors{
			Allowed:  r.truth("subcontractors", v["allowed"]),
			MaxDepth: v["max_depth"].(types.Int64).ValueInt64(),
		}
	}
	return i
}

// keepWriting keeps the spelling of the state if it means the same, and the state's computed values.
func (m *identityModel) keepWriting(state *identityModel) {
	m.terms.keepWriting(&state.terms)
	m.Agreement = same(m.Agreement, state.Agreement)
	m.ExpectedUse = same(m.ExpectedUse, state.ExpectedUse)
	m.LastUsedAt = state.LastUsedAt
	m.EnforcedBy = state.EnforcedBy
	m.Revocation = state.Revocation
}

// move marks the status as unknown if the change may move it: a suspension, a release, and another parent do.
func (m *identityModel) move(c change, _ kept) {
	if c.before == nil {
		m.begin(c)
		return
	}
	before := c.before.(*access.Identity)
	after := c.after.(*access.Identity)
	if before.Suspended != after.Suspended ||
		before.HoldReleased != after.HoldReleased ||
		before.ParentID != after.ParentID {
		unknownAll(&m.Status)
	}
}

// begin says what is known of a new identity before it is made: who will enforce it, and how it is cut, say the
// system's words.
func (m *identityModel) begin(c change) {
	unknownAll(&m.LastUsedAt, &m.EnforcedBy, &m.Revocation)
	if c.fresh {
		m.LastUsedAt = types.StringNull()
	}
	if c.words != nil {
		m.EnforcedBy, m.Revocation = types.StringValue(c.words.EnforcedBy), types.StringValue(c.words.Cut)
	}
}

// declare writes the arguments of an identity that was read. A suspension that the configuration never wrote stays null
// as long as there is none: after an import there is no name either, and it is written as false.
func (m *identityModel) declare(o access.Object) {
	i := o.(*access.Identity)
	// null and false mean the same, and keep the spelling that the state has
	if unsaid := m.Suspended.IsNull() && !m.Name.IsNull(); i.Suspended || !unsaid {
		m.Suspended = types.BoolValue(i.Suspended)
	}
	m.terms.declare(&i.Terms)
	m.Partner, m.Environment, m.Name = types.StringValue(i.ID.Partner), types.StringValue(i.ID.Environment),
		types.StringValue(i.ID.Name)
	m.Purpose = types.StringValue(i.Purpose)
	m.Ceiling = optionalSet(i.Ceiling)
	m.Contact = optionalText(i.Contact)
	m.ParentID = optionalText(i.ParentID.String())
	m.ExpectedUse = spanValue(i.ExpectedUse)
	m.HoldReleased = optionalText(i.HoldReleased)
	m.HoldReleasedBy, m.HoldSignature = optionalText(i.HoldReleasedBy), optionalText(i.HoldReleasedSignature)
	m.Agreement = types.ObjectNull(agreementType)
	if a := i.Agreement; a != nil {
		m.Agreement = types.ObjectValueMust(agreementType,
			map[string]attr.Value{"reference": types.StringValue(a.Reference), "ends_at": momentValue(a.EndsAt)})
	}
	m.Subcontractors = types.ObjectNull(subcontractorsType)
	if s := i.Subcontractors; s != nil {
		m.Subcontractors = types.ObjectValueMust(subcontractorsType,
			map[string]attr.Value{"allowed": types.BoolValue(s.Allowed), "max_depth": types.Int64Value(s.MaxDepth)})
	}
}

// observe writes the computed values.
func (m *identityModel) observe(seen observed, all extent) {
	m.terms.observe(seen, all)
	set(&m.LastUsedAt, timeValue(seen.LastUsedAt), all)
	set(&m.EnforcedBy, types.StringValue(seen.EnforcedBy), all)
	set(&m.Revocation, optionalText(seen.Cut), all)
}

func (m *identityModel) release() types.String { return m.HoldReleased }

// restore does nothing: nothing is issued for an identity.
func (m *identityModel) restore(*identityModel, observed) {}

// replaced names the arguments that make another identity: the three parts of its id. Their order does not matter.
func (m *identityModel) replaced(state *identityModel) (names []string) {
	for name, pair := range map[string][2]types.String{
		"partner": {m.Partner, state.Partner}, "environment": {m.Environment, state.Environment},
		"name": {m.Name, state.Name},
	} {
		if !pair[0].Equal(pair[1]) {
			names = append(names, name)
		}
	}
	return names
}
