// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

var (
	_ resource.ResourceWithConfigure   = (*grantResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*grantResource)(nil)
	_ resource.ResourceWithIdentity    = (*grantResource)(nil)
	_ resource.ResourceWithImportState = (*grantResource)(nil)
)

// grantResource is partner_grant: what an identity may do.
type grantResource struct {
	governed[grantModel, *grantModel]
}

// grantModel is a grant as Terraform sees it. Name may be null: then the grant is called by its id alone.
type grantModel struct {
	IdentityID types.String `tfsdk:"identity_id"`
	Name       types.String `tfsdk:"name"`
	Resource   types.String `tfsdk:"resource"`
	Actions    types.Set    `tfsdk:"actions"`
	Purpose    types.String `tfsdk:"purpose"`
	terms
}

func newGrant() resource.Resource {
	return &grantResource{governed[grantModel, *grantModel]{kind: access.TypeGrant}}
}

// Schema returns the schema. It has no default, plan modifier or block: see NewServer.
func (r *grantResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "What an identity may do: actions on the paths of one pattern, for a purpose, " +
			"until an end.",
		Attributes: withTerms(map[string]schema.Attribute{
			"identity_id": schema.StringAttribute{
				Required: true, Validators: []validator.String{identityID()},
				MarkdownDescription: "The identity that may do it: `partner_identity.NAME.id`. A change " +
					"replaces the grant.",
			},
			"name": schema.StringAttribute{
				Optional: true, Computed: true, Validators: []validator.String{part("a grant's name")},
				MarkdownDescription: "The last part of the id. If it is null, the id gets a name from the resource " +
					"and the actions at creation, and keeps it.",
			},
			"resource": schema.StringAttribute{
				Required: true, Validators: []validator.String{pattern()},
				MarkdownDescription: "A pattern of paths: whole segments separated by `/`; `+` is exactly one " +
					"segment, `*` at the end is one or more. On the embedded system, `ssh/LOGIN` is a login of sshd. " +
					"On AWS, it is an ARN.",
			},
			"actions": schema.SetAttribute{
				Required: true, ElementType: types.StringType,
				Validators: []validator.Set{notEmpty("A grant of no action gives nothing. Name at least " +
					"one, such as read, or remove the block."), setvalidator.ValueStringsAre(action())},
				MarkdownDescription: "What may be done there, such as `read`. On `ssh/LOGIN`: `login`, `login-pty` " +
					"or `login-forward`.",
			},
			"purpose": schema.StringAttribute{
				Required: true, Validators: []validator.String{anyText()},
				MarkdownDescription: "What the partner needs it for, so that a reviewer can tell when it is no " +
					"longer needed.",
			},
		}),
	}
}

// complete makes the id of a grant that is given no name. The id has its name then, which no plan prints twice.
//
// The name is frozen: it is made of the resource and the actions at creation, and a grant that exists keeps its own,
// whatever it gives now. Otherwise a wider pattern would be another grant, and would replace the old one. See
// TestAGrantsNameIsFrozen.
func (m *grantModel) complete(s *session, state *grantModel, given func(names ...string) bool) {
	if given("name") {
		return
	}
	name := types.StringUnknown()
	switch m.Name = types.StringNull(); {
	case state != nil:
		m.Name = state.Name
		name = state.called()
	case !m.called().IsUnknown():
		name = types.StringValue(s.grantName(m))
	}
	if m.ID = types.StringUnknown(); !m.IdentityID.IsUnknown() && !name.IsUnknown() {
		m.ID = types.StringValue(m.IdentityID.ValueString() + "/" + name.ValueString())
	}
}

// called returns the name of a grant: the one that it is given, else the one in its id, else the one made of what it
// gives. It is unknown if that is.
func (m *grantModel) called() types.String {
	if !m.Name.IsNull() {
		return m.Name
	}
	if name, ok := strings.CutPrefix(m.ID.ValueString(), m.IdentityID.ValueString()+"/"); ok {
		return types.StringValue(name)
	}
	r := &reader{}
	reach := parsed(r, "resource", m.Resource, access.ParsePattern)
	actions := r.texts("actions", m.Actions)
	if len(r.unknown) > 0 {
		return types.StringUnknown()
	}
	return types.StringValue(access.GrantName(reach, actions))
}

// grantName returns the name of a grant that is given none: the one under which this stack left the same grant behind
// (a lost state, a renamed block), else one made of its resource and actions.
func (s *session) grantName(m *grantModel) string {
	g := m.object(&reader{}).(*access.Grant)
	if left, ok := s.leftBehind(g); ok {
		return left
	}
	return access.GrantName(g.Resource, g.Actions)
}

// object returns the grant that a model declares; the reader notes what of it is unknown or wrong.
func (m *grantModel) object(r *reader) access.Object {
	return &access.Grant{
		IdentityID: parsed(r, "identity_id", m.IdentityID, access.ParseIdentityID),
		Name:       r.text("name", m.called()),
		Resource:   parsed(r, "resource", m.Resource, access.ParsePattern),
		Actions:    r.texts("actions", m.Actions),
		Purpose:    r.text("purpose", m.Purpose),
		Terms:      r.readTerms(&m.terms),
	}
}

// keepWriting keeps the spelling of the state if it means the same, and the state's computed values. A pattern and an
// action have one spelling.
func (m *grantModel) keepWriting(state *grantModel) { m.terms.keepWriting(&state.terms) }

// move does nothing: a grant has no computed values of its own.
func (m *grantModel) move(change, kept) {}

// declare writes the arguments of a grant that was read. A grant that is called by its id alone stays so; an import
// writes the name only if it is not the one that the id would get.
func (m *grantModel) declare(o access.Object) {
	g := o.(*access.Grant)
	m.terms.declare(&g.Terms)
	imported := m.Resource.IsNull()
	m.IdentityID = types.StringValue(g.IdentityID.String())
	if !m.Name.IsNull() || (imported && g.Name != access.GrantName(g.Resource, g.Actions)) {
		m.Name = types.StringValue(g.Name)
	}
	m.Resource = types.StringValue(string(g.Resource))
	m.Actions = textSet(g.Actions)
	m.Purpose = types.StringValue(g.Purpose)
}

// restore does nothing: nothing is issued for a grant.
func (m *grantModel) restore(*grantModel, observed) {}

// replaced names the arguments that make another grant: the identity and the name, which are the id. Reach is not among
// them: a grant is widened and narrowed in place, and judged by that.
func (m *grantModel) replaced(state *grantModel) (names []string) {
	if !m.IdentityID.Equal(state.IdentityID) {
		names = append(names, "identity_id")
	}
	if !m.called().Equal(state.called()) {
		names = append(names, "name")
	}
	return names
}
