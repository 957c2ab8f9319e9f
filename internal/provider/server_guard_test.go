// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// pastedKey is a private key as somebody pastes it, and a part of it that no message may show.
func pastedKey() (text, canary string) {
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef")))
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		base64.StdEncoding.EncodeToString(der)[:32]
}

// planted are all values of a type that have a text in one place: each string, each key of a map, however deep.
func planted(t tftypes.Type, text string) (all []tftypes.Value) {
	switch t := t.(type) {
	case tftypes.Object:
		for name, of := range t.AttributeTypes {
			for _, in := range planted(of, text) {
				values := map[string]tftypes.Value{}
				for other, of := range t.AttributeTypes {
					values[other] = tftypes.NewValue(of, nil)
				}
				values[name] = in
				all = append(all, tftypes.NewValue(t, values))
			}
		}
	case tftypes.Map:
		all = append(all, tftypes.NewValue(t, map[string]tftypes.Value{text: tftypes.NewValue(t.ElementType, nil)}))
		for _, in := range planted(t.ElementType, text) {
			all = append(all, tftypes.NewValue(t, map[string]tftypes.Value{"a": in}))
		}
	case tftypes.Set:
		for _, in := range planted(t.ElementType, text) {
			all = append(all, tftypes.NewValue(t, []tftypes.Value{in}))
		}
	case tftypes.List:
		for _, in := range planted(t.ElementType, text) {
			all = append(all, tftypes.NewValue(t, []tftypes.Value{in}))
		}
	default:
		if t.Is(tftypes.String) {
			all = append(all, tftypes.NewValue(t, text))
		} else if t.Is(tftypes.DynamicPseudoType) {
			all = append(all, tftypes.NewValue(tftypes.String, text))
		}
	}
	return all
}

// No place in anything that the provider takes makes it print a private key. What takes texts is asked of the provider
// itself, so a new argument, resource or function is tried as well. While three lists kept by hand said where to look,
// 25 messages about the provider block alone quoted the key.
func TestNoPlaceOfTheSchemaPrintsAPrivateKey(t *testing.T) {
	t.Parallel()
	p := newWorld(t).protocol(alone)
	key, canary := pastedKey()
	places := 0
	each := func(what string, of tftypes.Type, calls ...func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic) {
		t.Helper()
		for _, v := range planted(of, key) {
			places++
			for n, call := range calls {
				said := call(p.encode(of, v))
				if len(said) != 1 ||
					!strings.HasPrefix(said[0].Summary, "credential/private-key") ||
					said[0].Attribute != nil {
					t.Errorf("%s, call %d: not refused, or not alone, or with a path: %+v at %s", what, n, said, v)
				}
				for _, d := range said {
					if shown := fmt.Sprintf("%+v", d); strings.Contains(shown, canary) {
						t.Errorf("%s, call %d: the key is shown: %s", what, n, shown)
					}
				}
			}
		}
	}
	ctx := t.Context()
	each("the provider", p.schemas.Provider.ValueType(), func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
		r, _ := p.server.ValidateProviderConfig(ctx, &tfprotov6.ValidateProviderConfigRequest{Config: config})
		return r.Diagnostics
	}, func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
		r, _ := p.server.ConfigureProvider(ctx, &tfprotov6.ConfigureProviderRequest{Config: config})
		return r.Diagnostics
	})
	for name, schema := range p.schemas.ResourceSchemas {
		of := schema.ValueType()
		null := p.encode(of, tftypes.NewValue(of, nil))
		each(name, of, func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
			r, _ := p.server.ValidateResourceConfig(ctx,
				&tfprotov6.ValidateResourceConfigRequest{TypeName: name, Config: config})
			return r.Diagnostics
		}, func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
			r, _ := p.server.PlanResourceChange(ctx,
				&tfprotov6.PlanResourceChangeRequest{
					TypeName:         name,
					Config:           config,
					ProposedNewState: config,
					PriorState:       null,
				})
			return r.Diagnostics
		}, func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic { // also where nothing is to change
			r, _ := p.server.PlanResourceChange(ctx,
				&tfprotov6.PlanResourceChangeRequest{
					TypeName:         name,
					Config:           config,
					ProposedNewState: config,
					PriorState:       config,
				})
			return r.Diagnostics
		}, func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
			r, _ := p.server.ApplyResourceChange(ctx,
				&tfprotov6.ApplyResourceChangeRequest{
					TypeName:     name,
					Config:       config,
					PlannedState: config,
					PriorState:   null,
				})
			if r.NewState != null {
				t.Errorf("%s: an apply that was refused changed the state", name)
			}
			return r.Diagnostics
		})
	}
	for name, schema := range p.schemas.DataSourceSchemas {
		each(name, schema.ValueType(), func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
			r, _ := p.server.ValidateDataResourceConfig(ctx,
				&tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: config})
			return r.Diagnostics
		}, func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
			r, _ := p.server.ReadDataSource(ctx, &tfprotov6.ReadDataSourceRequest{TypeName: name, Config: config})
			return r.Diagnostics
		})
	}
	for name, schema := range p.schemas.EphemeralResourceSchemas {
		each(name, schema.ValueType(), func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
			r, _ := p.server.ValidateEphemeralResourceConfig(ctx,
				&tfprotov6.ValidateEphemeralResourceConfigRequest{TypeName: name, Config: config})
			return r.Diagnostics
		}, func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
			r, _ := p.server.OpenEphemeralResource(ctx,
				&tfprotov6.OpenEphemeralResourceRequest{TypeName: name, Config: config})
			return r.Diagnostics
		})
	}
	for name, schema := range p.schemas.ListResourceSchemas {
		each("list "+name, schema.ValueType(), func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
			r, _ := p.server.ValidateListResourceConfig(ctx,
				&tfprotov6.ValidateListResourceConfigRequest{TypeName: name, Config: config})
			return r.Diagnostics
		}, func(config *tfprotov6.DynamicValue) (said []*tfprotov6.Diagnostic) {
			r, _ := p.server.ListResource(ctx, &tfprotov6.ListResourceRequest{TypeName: name, Config: config})
			for one := range r.Results {
				said = append(said, one.Diagnostics...)
			}
			return said
		})
	}
	for name, f := range p.schemas.Functions {
		parameters := f.Parameters
		if f.VariadicParameter != nil {
			parameters = append(parameters, f.VariadicParameter)
		}
		for at, parameter := range parameters {
			each("function "+name, parameter.Type, func(argument *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
				var given []*tfprotov6.DynamicValue
				for _, other := range parameters[:at] {
					given = append(given, p.encode(other.Type, planted(other.Type, "x")[0]))
				}
				r, _ := p.server.CallFunction(ctx,
					&tfprotov6.CallFunctionRequest{Name: name, Arguments: append(given, argument)})
				if r.Error == nil || r.Error.FunctionArgument != nil {
					return nil
				}
				return []*tfprotov6.Diagnostic{{Summary: r.Error.Text}}
			})
		}
	}
	if places < 150 {
		t.Errorf("only %d places were tried", places)
	}
	t.Logf("%d places", places)
}

// Nor are the pieces of one in the elements of a list, none of which is a key by itself, whatever their order.
func TestAPrivateKeyInPiecesIsRefused(t *testing.T) {
	t.Parallel()
	p := newWorld(t).protocol(alone)
	schema := p.schemas.ResourceSchemas["partner_grant"]
	_, first := pastedKey()
	for _, pieces := range [][]string{{first[:16], first[16:] + strings.Repeat("a", 16)},
		{"read", first[:28], first[28:] + strings.Repeat("Z9", 10)}} {
		r, err := p.server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{
			TypeName: "partner_grant", Config: p.value(schema, map[string]any{"actions": pieces}),
		})
		if err != nil ||
			len(r.Diagnostics) != 1 ||
			!strings.HasPrefix(r.Diagnostics[0].Summary, "credential/private-key") {
			t.Errorf("%v: %+v, %v", pieces, r.Diagnostics, err)
		}
	}
}

// A key that a system or a state holds is not shown either.
func TestAMessageThatQuotesAPrivateKeyIsWithheld(t *testing.T) {
	t.Parallel()
	p := newWorld(t).protocol(alone)
	key, canary := pastedKey()
	r, err := p.server.ImportResourceState(t.Context(),
		&tfprotov6.ImportResourceStateRequest{TypeName: "partner_grant", ID: key})
	if err != nil ||
		len(r.Diagnostics) != 1 ||
		strings.Contains(fmt.Sprintf("%+v", r.Diagnostics[0]), canary) {
		t.Errorf("import: %+v, %v", r.Diagnostics, err)
	}
	identity := p.schemas.ResourceSchemas["partner_identity"]
	state := p.value(identity, map[string]any{"id": "acme/prod/" + key, "partner": "acme", "name": key})
	read, err := p.server.ReadResource(t.Context(),
		&tfprotov6.ReadResourceRequest{TypeName: "partner_identity", CurrentState: state})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range read.Diagnostics {
		if strings.Contains(fmt.Sprintf("%+v", d), canary) {
			t.Errorf("read: %+v", d)
		}
	}
}

// What nobody sees is refused in every text, also in the keys of maps, and the message names it without showing it.
func TestNoTextHoldsWhatNobodySees(t *testing.T) {
	t.Parallel()
	p := newWorld(t).protocol(alone)
	ctx := t.Context()
	each := func(what string, of tftypes.Type, exempt int,
		call func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic) {
		t.Helper()
		taken := 0
		for _, v := range planted(of, "orders\u200betl") {
			// A map's key stands before no value here, which is said beside it.
			said := slices.DeleteFunc(call(p.encode(of, v)), func(d *tfprotov6.Diagnostic) bool {
				return d.Summary == "An element is null" && !strings.Contains(fmt.Sprintf("%+v", d), "\u200b")
			})
			if len(said) != 1 ||
				said[0].Summary != "Hidden characters" ||
				!strings.Contains(said[0].Detail, "a zero-width space (U+200B) as its character 7") {
				taken++
			} else if strings.Contains(fmt.Sprintf("%+v", said[0]), "\u200b") || said[0].Attribute == nil {
				t.Errorf("%s: shown, or without a place: %+v", what, said[0])
			}
		}
		if taken != exempt {
			t.Errorf("%s: %d texts may hold it, want %d: the files of partners, which their own parsers read", what,
				taken, exempt)
		}
	}
	each("the provider", p.schemas.Provider.ValueType(), 1,
		func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
			r, _ := p.server.ValidateProviderConfig(ctx, &tfprotov6.ValidateProviderConfigRequest{Config: config})
			return r.Diagnostics
		})
	for name, schema := range p.schemas.ResourceSchemas {
		each(name, schema.ValueType(), map[string]int{"partner_credential": 3}[name],
			func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
				r, _ := p.server.ValidateResourceConfig(ctx,
					&tfprotov6.ValidateResourceConfigRequest{TypeName: name, Config: config})
				return r.Diagnostics
			})
	}
	for name, schema := range p.schemas.DataSourceSchemas {
		each(name, schema.ValueType(), 0, func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
			r, _ := p.server.ValidateDataResourceConfig(ctx,
				&tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: config})
			return r.Diagnostics
		})
	}
	for name, schema := range p.schemas.EphemeralResourceSchemas {
		each(name, schema.ValueType(), 0, func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
			r, _ := p.server.ValidateEphemeralResourceConfig(ctx,
				&tfprotov6.ValidateEphemeralResourceConfigRequest{TypeName: name, Config: config})
			return r.Diagnostics
		})
	}
	for name, schema := range p.schemas.ListResourceSchemas {
		each("list "+name, schema.ValueType(), 0, func(config *tfprotov6.DynamicValue) []*tfprotov6.Diagnostic {
			r, _ := p.server.ValidateListResourceConfig(ctx,
				&tfprotov6.ValidateListResourceConfigRequest{TypeName: name, Config: config})
			return r.Diagnostics
		})
	}
}
