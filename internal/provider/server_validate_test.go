// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

// What is wrong with a configuration is found the short way as well: each argument of each resource, also within an
// object, takes each of these values in turn, and the framework's own server is asked beside ours.
func TestTheShortWayOfAValidationTakesWhatTheFrameworkTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	newProvider := provider.New("test", w.clock)
	ours := provider.NewServer(newProvider())
	framework := providerserver.NewProtocol6(newProvider())()
	schemas, err := ours.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	p := &protocol{t: t, server: ours, schemas: schemas}
	common := map[string]any{
		"owner": "jane.doe@example.com", "expires_at": "2027-03-31T00:00:00Z",
		"review": map[string]any{
			"at":     "2026-11-20T00:00:00Z",
			"by":     "jane.doe@example.com",
			"reason": "Still needed",
			"end":    false,
		},
		"waivers": map[string]any{"scope/wildcard": map[string]any{
			"reason":   "Until the move",
			"approver": "max@example.com",
			"until":    "2026-12-31T00:00:00Z",
		}},
	}
	with := func(arguments map[string]any) map[string]any {
		maps.Copy(arguments, common)
		return arguments
	}
	taken, refused := 0, 0
	for _, valid := range []struct {
		kind      string
		arguments map[string]any
	}{
		{"partner_identity", with(map[string]any{
			"partner": "acme", "name": "orders", "purpose": "Order feed", "ceiling": []string{"orders/acme/*"},
			"parent_id":      "globex/prod/orders",
			"agreement":      map[string]any{"reference": "MSA-1", "ends_at": "2027-12-31T00:00:00Z"},
			"subcontractors": map[string]any{"allowed": true, "max_depth": 2}, "expected_use": "720h",
		})},
		{"partner_credential", with(map[string]any{
			"identity_id": "acme/prod/orders", "allowed_cidrs": []string{"203.0.113.0/24"},
			"federated": map[string]any{
				"issuer":    "https://login.acme.test",
				"subject":   "svc-orders",
				"audiences": []string{"orders.example.com"},
			},
		})},
		{"partner_credential", with(map[string]any{
			"identity_id": "acme/prod/orders", "secret": map[string]any{"recipient": partnerRecipient},
			"rotation": map[string]any{"every": "720h", "overlap": "48h", "trigger": map[string]any{"leak": "1"}},
		})},
		{"partner_grant", with(map[string]any{
			"identity_id": "acme/prod/orders", "name": "orders", "resource": "orders/acme/*",
			"actions": []string{"read"}, "purpose": "Order files",
		})},
	} {
		kind := schemas.ResourceSchemas[valid.kind].ValueType()
		whole := plainValue(kind, valid.arguments)
		ask := func(config tftypes.Value) {
			req := &tfprotov6.ValidateResourceConfigRequest{TypeName: valid.kind, Config: p.encode(kind, config)}
			got, gotErr := ours.ValidateResourceConfig(t.Context(), req)
			want, wantErr := framework.ValidateResourceConfig(t.Context(), req)
			if gotErr != nil || wantErr != nil {
				t.Fatal(gotErr, wantErr)
			}
			if len(got.Diagnostics) == 0 {
				taken++
			} else {
				refused++
			}
			if (len(got.Diagnostics) == 0) != (len(want.Diagnostics) == 0) {
				t.Errorf("%s: %s\nis answered with %s\nand by the framework with %s", valid.kind, config,
					spoken(got.Diagnostics), spoken(want.Diagnostics))
			}
		}
		ask(whole)
		for _, other := range otherwise(t, whole) {
			ask(other)
		}
	}
	t.Logf("%d taken, %d refused", taken, refused)
	if taken < 50 || refused < 100 {
		t.Error("the configurations do not go both ways")
	}
}

// otherwise returns a value with each of its parts replaced in turn: by null, the unknown, and values
// that few arguments take.
func otherwise(t *testing.T, v tftypes.Value) (all []tftypes.Value) {
	kind := v.Type()
	all = append(all, tftypes.NewValue(kind, nil), tftypes.NewValue(kind, tftypes.UnknownValue))
	switch {
	case kind.Is(tftypes.String):
		for _, text := range []string{"", "a", "?? !!", "720h", "2027-03-31T00:00:00Z"} {
			all = append(all, tftypes.NewValue(kind, text))
		}
	case kind.Is(tftypes.Number):
		all = append(all, tftypes.NewValue(kind, 0), tftypes.NewValue(kind, 9))
	case kind.Is(tftypes.Set{}):
		for _, elements := range [][]string{{}, {""}, {"a", "*"}, {"203.0.113.0/24"}} {
			all = append(all, plainValue(kind, elements))
		}
	case kind.Is(tftypes.Object{}), kind.Is(tftypes.Map{}):
		var parts map[string]tftypes.Value
		if v.IsNull() || v.As(&parts) != nil {
			return all
		}
		for _, name := range slices.Sorted(maps.Keys(parts)) {
			for _, other := range otherwise(t, parts[name]) {
				changed := maps.Clone(parts)
				changed[name] = other
				all = append(all, tftypes.NewValue(kind, changed))
			}
		}
		if kind.Is(tftypes.Map{}) {
			all = append(all, tftypes.NewValue(kind, map[string]tftypes.Value{}))
		}
	}
	return all
}
