// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	provider "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Owner and end are mandatory on everything that gives access. A rehearsal gives none that outlives its apply,
// and a floor gives none.
func TestEveryResourceRequiresAnOwnerAndAnEnd(t *testing.T) {
	p := &partnerProvider{}
	for _, make := range p.Resources(context.Background()) {
		var meta resource.MetadataResponse
		make().Metadata(context.Background(), resource.MetadataRequest{ProviderTypeName: "partner"}, &meta)
		var resp resource.SchemaResponse
		make().Schema(context.Background(), resource.SchemaRequest{}, &resp)
		described(t, meta.TypeName, resp.Schema.Attributes)
		if meta.TypeName == "partner_rehearsal" || meta.TypeName == "partner_floor" {
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

// The short way of a plan (see NewServer) leaves out what the framework does by the schema. So no schema of a governed
// resource asks for anything: defaults are its model's to complete.
func TestNothingIsPlannedByTheSchema(t *testing.T) {
	planned := regexp.MustCompile(`^(Default|PlanModifiers|WriteOnly)$`)
	var look func(where string, attributes map[string]schema.Attribute)
	look = func(where string, attributes map[string]schema.Attribute) {
		for name, a := range attributes {
			v := reflect.ValueOf(a)
			for i := range v.NumField() {
				if field := v.Type().Field(i); planned.MatchString(field.Name) && !v.Field(i).IsZero() {
					t.Errorf("%s.%s has a %s", where, name, field.Name)
				}
			}
			if custom := v.FieldByName("CustomType"); custom.IsValid() && !custom.IsZero() {
				t.Errorf("%s.%s has a type of its own, whose values may mean the same", where, name)
			}
			switch nested := a.(type) {
			case schema.SingleNestedAttribute:
				look(where+"."+name, nested.Attributes)
			case schema.MapNestedAttribute:
				look(where+"."+name, nested.NestedObject.Attributes)
			case schema.ListNestedAttribute:
				look(where+"."+name, nested.NestedObject.Attributes)
			case schema.SetNestedAttribute:
				look(where+"."+name, nested.NestedObject.Attributes)
			}
		}
	}
	for _, make := range []func() resource.Resource{newIdentity, newCredential, newGrant} {
		var meta resource.MetadataResponse
		make().Metadata(context.Background(), resource.MetadataRequest{ProviderTypeName: "partner"}, &meta)
		if !isGoverned(meta.TypeName) {
			t.Errorf("%s takes no short way", meta.TypeName)
		}
		var resp resource.SchemaResponse
		make().Schema(context.Background(), resource.SchemaRequest{}, &resp)
		look(meta.TypeName, resp.Schema.Attributes)
		if len(resp.Schema.Blocks) > 0 || resp.Schema.DeprecationMessage != "" {
			t.Errorf("%s has blocks, or is deprecated", meta.TypeName)
		}
		if _, has := make().(resource.ResourceWithConfigValidators); has {
			t.Errorf("%s has validators that the short way of a validation does not ask", meta.TypeName)
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

// A pipeline sets where it runs, as whom it logs in, and where its files are, without a change of the configuration.
// What decides about access stands in the configuration, where it is reviewed.
func TestEachArgumentThatAPipelineSetsHasAVariable(t *testing.T) {
	reviewed :=
		regexp.MustCompile(`^(guardrails|partners|worksheets|embedded\.use_logs|embedded\.sshd_time_zone|embedded\.publication_life|` +
			`aws\.(actions|endpoints)|openbao\.(bootstrap|mounts|session|approle\.mount|jwt\.mount|concurrency|requests_per_second))`)
	// their neighbours have one
	otherwise := map[string]bool{"openbao.ca_cert_pem": true, "openbao.jwt.token_file": true}
	variable := regexp.MustCompile("`((?:PARTNER|BAO|VAULT|AWS)_[A-Z_]*[A-Z])`")
	sources := sourcesOf(t)
	var look func(where string, attributes map[string]provider.Attribute)
	look = func(where string, attributes map[string]provider.Attribute) {
		for name, a := range attributes {
			at := where + name
			if reviewed.MatchString(at) {
				continue
			}
			if nested, ok := a.(provider.SingleNestedAttribute); ok {
				look(at+".", nested.Attributes)
				continue
			}
			names := variable.FindAllStringSubmatch(a.GetMarkdownDescription(), -1)
			if len(names) == 0 && !otherwise[at] {
				t.Errorf("%s names no variable of the environment", at)
			}
			for _, n := range names {
				_, short, _ := strings.Cut(n[1], "_")
				if !strings.Contains(sources, `"`+n[1]+`"`) &&
					!strings.Contains(sources, `"`+short+`"`) &&
					!strings.HasPrefix(n[1], "AWS_") {
					t.Errorf("%s names %s, which nothing reads", at, n[1])
				}
			}
		}
	}
	look("", providerSchema().Attributes)
}

// sourcesOf returns the sources of this package.
func sourcesOf(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(f, "_test.go") {
			all.Write(text)
		}
	}
	return all.String()
}
