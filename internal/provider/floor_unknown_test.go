// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// floorless stands before a system whose floor cannot be known.
type floorless struct {
	access.System
	why error
}

func (f *floorless) Unwrap() access.System { return f.System }

func (f *floorless) Floor(context.Context) (*access.FloorRecord, error) { return nil, f.why }

func (f *floorless) SetFloor(context.Context, access.Floor, string, int64) (*access.FloorRecord, error) {
	return nil, f.why
}

func (f *floorless) LiftFloor(context.Context, string, int64) (*access.FloorRecord, error) {
	return nil, f.why
}

// Where nobody knows what the floor says, since it was lost or since the login may not look, what gives more access is
// refused, also as a token. What gives less goes through, and so does what gives nothing.
func TestWhereTheFloorIsNotKnownOnlyLessGoesThrough(t *testing.T) {
	t.Parallel()
	for summary, why := range map[string]error{
		"Cannot tell what the floor says":      &access.FloorError{Where: "there", Problem: "is gone"},
		"Cannot tell whether there is a floor": fmt.Errorf("read the floor: %w", access.ErrNotPermitted),
	} {
		w := newWorld(t)
		p := w.protocol(alone)
		identity := map[string]any{"hold_released": "INC-7", "waivers": map[string]any{
			"scope/wildcard-resource": map[string]any{
				"reason":   "Migration",
				"approver": "ciso@example.com",
				"until":    "2027-01-15T00:00:00Z",
			},
		}}
		var states []stated
		for _, kind := range believedKinds {
			made, refused := p.made(kind, declared(map[string]map[string]any{"partner_identity": identity})[kind], nil)
			if len(refused) > 0 {
				t.Fatal(refused)
			}
			states = append(states, *made)
		}
		lost := func() *protocol {
			return w.protocol(func(s access.System) access.System { return &floorless{s, why} })
		}
		for what, c := range map[string]struct {
			at    int
			edits map[string]any
			gives bool
		}{
			"what lifted a hold is taken away": {0,
				map[string]any{"hold_released": nil, "waivers": identity["waivers"]}, false},
			"a waiver is taken away": {0, map[string]any{"hold_released": "INC-7"}, false},
			"it is suspended": {0,
				map[string]any{"hold_released": "INC-7", "waivers": identity["waivers"], "suspended": true}, false},
			"another hold is lifted": {0,
				map[string]any{"hold_released": "INC-8", "waivers": identity["waivers"]}, true},
			"a narrower network": {1, map[string]any{"allowed_cidrs": []string{"203.0.113.0/28"}}, false},
			"fewer actions":      {2, map[string]any{"actions": []string{"read"}}, false},
			"another action": {2, map[string]any{"actions": []string{"read", "list", "delete"}},
				true},
		} {
			kind := believedKinds[c.at]
			answer := lost().planned(kind, declared(map[string]map[string]any{kind: c.edits})[kind], states[c.at].value,
				states[c.at].private)
			if said := strings.Join(slugs(answer.Diagnostics), "\n"); strings.Contains(said, summary) != c.gives ||
				(said != "") != c.gives {
				t.Errorf("%s, %s: %q", summary, what, said)
			}
		}
		token := lost()
		schema := token.schemas.EphemeralResourceSchemas["partner_token"]
		opened, err := token.server.OpenEphemeralResource(t.Context(), &tfprotov6.OpenEphemeralResourceRequest{
			TypeName: "partner_token", Config: token.value(schema,
				map[string]any{"identity_id": "acme/prod/orders-etl"}),
		})
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(slugs(opened.Diagnostics), "\n"); !strings.Contains(said, summary) {
			t.Errorf("%s: a token: %q", summary, said)
		}
	}
}
