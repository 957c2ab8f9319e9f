package provider

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Owner and end are mandatory on everything that gives access. A rehearsal gives none that outlives its apply.
func TestEveryResourceRequiresAnOwnerAndAnEnd(t *testing.T) {
	p := &partnerProvider{}
	for _, make := range p.Resources(context.Background()) {
		var meta resource.MetadataResponse
		make().Metadata(context.Background(), resource.MetadataRequest{ProviderTypeName: "partner"}, &meta)
		var resp resource.SchemaResponse
		make().Schema(context.Background(), resource.SchemaRequest{}, &resp)
		described(t, meta.TypeName, resp.Schema.Attributes)
		if meta.TypeName == "partner_rehearsal" {
			continue
		}
		for _, name := range []string{"owner", "expires_at"} {
			if a, ok := resp.Schema.Attributes[name]; !ok || !a.IsRequired() {
				t.Errorf("%s does not require %s", meta.TypeName, name)
			}
		}
	}
}

func described(t *testing.T, where string, attributes map[string]schema.Attribute) {
	t.Helper()
	for name, a := range attributes {
		if len(a.GetMarkdownDescription()) < 4 {
			t.Errorf("%s.%s has no description", where, name)
		}
		switch nested := a.(type) {
		case schema.SingleNestedAttribute:
			described(t, where+"."+name, nested.Attributes)
		case schema.MapNestedAttribute:
			described(t, where+"."+name, nested.NestedObject.Attributes)
		case schema.ListNestedAttribute:
			described(t, where+"."+name, nested.NestedObject.Attributes)
		}
	}
}

// The rules name arguments by the names that Terraform shows.
func TestTheLanguageKnowsEveryArgument(t *testing.T) {
	for kind, make := range map[access.Type]func() resource.Resource{
		access.TypeIdentity: newIdentity, access.TypeCredential: newCredential, access.TypeGrant: newGrant,
	} {
		var resp resource.SchemaResponse
		make().Schema(context.Background(), resource.SchemaRequest{}, &resp)
		known := map[string]bool{"partner": true, "environment": true, "name": true, "identity_id": true}
		for _, name := range access.Attributes(kind) {
			known[name] = true
			if _, ok := resp.Schema.Attributes[name]; !ok {
				t.Errorf("%s has no argument %s", kind, name)
			}
		}
		for name, a := range resp.Schema.Attributes {
			if (a.IsRequired() || a.IsOptional()) && !known[name] {
				t.Errorf("the language does not know %s.%s", kind, name)
			}
		}
	}
}
