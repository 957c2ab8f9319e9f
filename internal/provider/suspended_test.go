// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	attributes "github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/guardrail"
)

// Who is cut is decided by what the plan leaves in place, with all above it, and by a hold of the system's.
func TestWhoIsCut(t *testing.T) {
	top := access.IdentityID{Partner: "acme", Environment: "prod", Name: "main"}
	below := access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders-etl"}
	allowed := &access.Subcontractors{Allowed: true, MaxDepth: 1}
	for name, c := range map[string]struct {
		parent, identity *access.Identity
		held, want       bool
	}{
		"nobody": {parent: &access.Identity{ID: top, Subcontractors: allowed},
			identity: &access.Identity{ID: below, ParentID: top}},
		"the identity": {identity: &access.Identity{ID: below, Suspended: true}, want: true},
		"its parent": {
			parent:   &access.Identity{ID: top, Subcontractors: allowed, Suspended: true},
			identity: &access.Identity{ID: below, ParentID: top},
			want:     true,
		},
		"whose parent lets nobody": {
			parent:   &access.Identity{ID: top},
			identity: &access.Identity{ID: below, ParentID: top},
			want:     true,
		},
		"who is held":         {identity: &access.Identity{ID: below}, held: true, want: true},
		"who has not arrived": {},
		"a circle":            {identity: &access.Identity{ID: below, ParentID: below, Subcontractors: allowed}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(&mute{}, guardrail.Settings{}, "partners")
			for _, i := range []*access.Identity{c.parent, c.identity} {
				if i != nil {
					s.portfolio.Put(guardrail.Subject{Object: i})
				}
			}
			credential := issuedCredential(access.Secret)
			credential.IdentityID = below
			if got := s.cut(credential, kept{Held: c.held}); got != c.want {
				t.Errorf("cut %v, want %v", got, c.want)
			}
		})
	}
}

// A release that was made anew after its end is used up and lifts nothing: nobody heard of that.
func TestAReleaseThatGivesNothingBackIsTold(t *testing.T) {
	t.Parallel()
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders"}
	with := func(release string) *access.Identity { return &access.Identity{ID: id, HoldReleased: release} }
	for name, c := range map[string]struct {
		before, after access.Object
		want          string
	}{
		"one that is new":       {nil, with("INC-1"), "anything new of it is cut"},
		"a new release":         {with("INC-1"), with("INC-2"), `hold_released = "INC-2" is used up`},
		"the first release":     {with(""), with("INC-1"), `hold_released = "INC-1" is used up`},
		"the release of before": {with("INC-1"), with("INC-1"), ""},
		"none":                  {with("INC-1"), with(""), ""},
		"a grant":               {nil, &access.Grant{IdentityID: id}, ""},
	} {
		var said diag.Diagnostics
		tellHeld(c.before, c.after, &said)
		text := ""
		for _, d := range said {
			text += d.Detail()
		}
		if (c.want == "") != (text == "") || !strings.Contains(text, c.want) {
			t.Errorf("%s: it says %q, want %q", name, text, c.want)
		}
	}
}

// A release with a space behind it is refused where it is new. One that stands there is in the way of
// nothing, and of no destroy.
func TestUnseenSpaceInAReleaseIsRefusedWhereItIsNew(t *testing.T) {
	t.Parallel()
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders"}
	with := func(release string) *access.Identity { return &access.Identity{ID: id, HoldReleased: release} }
	for name, c := range map[string]struct {
		before, after access.Object
		want          string
	}{
		"on a new identity":      {nil, with("INC-7 "), `write "INC-7"`},
		"in place of a used one": {with("INC-7"), with("INC-7 "), `write "INC-7"`},
		"within":                 {with(""), with("INC\u20037"), `write "INC 7"`},
		"one that stands there":  {with("INC-7 "), with("INC-7 "), ""},
		"it is taken away":       {with("INC-7 "), with(""), ""},
		"none":                   {nil, with("INC 7"), ""},
		"a grant":                {nil, &access.Grant{IdentityID: id}, ""},
	} {
		var said diag.Diagnostics
		refuseUnseenSpace(guardrail.Subject{Before: c.before, Object: c.after}, &said)
		if said.HasError() != (c.want != "") ||
			(said.HasError() && !strings.Contains(said.Errors()[0].Detail(), c.want)) {
			t.Errorf("%s: it says %v, want %q", name, said, c.want)
		}
	}
	var schema resource.SchemaResponse
	newIdentity().Schema(t.Context(), resource.SchemaRequest{}, &schema)
	var said validator.StringResponse
	for _, v := range schema.Schema.Attributes["hold_released"].(attributes.StringAttribute).Validators {
		v.ValidateString(t.Context(), validator.StringRequest{ConfigValue: types.StringValue("INC-7 ")}, &said)
	}
	if said.Diagnostics.HasError() { // a destroy validates what stands there
		t.Errorf("it is refused at validate: %v", said.Diagnostics)
	}
}

// A release that the partner had used gives nothing back. Only where it is new does the plan promise that.
func TestThePlanOfAnAdoptionSaysWhichReleaseCounts(t *testing.T) {
	t.Parallel()
	a := &access.Adoption{Logins: []string{"x"}, Held: true, Spent: []string{"INC-1"}}
	for release, says := range map[types.String]string{
		types.StringNull():         "and stays cut.",
		types.StringValue("INC-1"): "and stays cut: this partner used that value of hold_released before",
		types.StringValue("INC-2"): "hold_released restores it",
	} {
		if text := adoptionText("identity/entity/id/1", a, release); !strings.Contains(text, says) {
			t.Errorf("%s: it does not say %q:\n%s", release, says, text)
		}
	}
}
