// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

// stated is what a state holds of a resource.
type stated struct {
	kind    string
	value   tftypes.Value
	private []byte
}

var believedKinds = []string{"partner_identity", "partner_credential", "partner_grant"}

// declared is a configuration of the three, some arguments replaced.
func declared(replaced map[string]map[string]any) map[string]map[string]any {
	all := map[string]map[string]any{
		"partner_identity": {
			"partner": "acme", "name": "orders-etl", "owner": "jane.doe@example.com",
			"purpose":    "Nightly order feed into the ERP",
			"expires_at": "2027-03-31T00:00:00Z", "ceiling": []string{"orders/acme/*"},
		},
		"partner_credential": {
			"identity_id": "acme/prod/orders-etl", "owner": "jane.doe@example.com",
			"expires_at": "2027-02-28T00:00:00Z", "allowed_cidrs": []string{"203.0.113.0/24"},
			"secret":   map[string]any{"recipient": partnerRecipient},
			"rotation": map[string]any{"every": "480h", "overlap": "48h"},
		},
		"partner_grant": {
			"identity_id": "acme/prod/orders-etl", "resource": "orders/acme/daily/*",
			"actions": []string{"read", "list"},
			"owner":   "jane.doe@example.com", "purpose": "Read the daily order files",
			"expires_at": "2027-02-28T00:00:00Z",
		},
	}
	for kind, arguments := range replaced {
		for name, v := range arguments {
			all[kind][name] = v
		}
	}
	return all
}

// proposed is what Terraform proposes: the configuration, and what it leaves to the provider as it was.
func (p *protocol) proposed(kind string, config, prior tftypes.Value) tftypes.Value {
	var given, was map[string]tftypes.Value
	if err := config.As(&given); err != nil {
		p.t.Fatal(err)
	}
	given = maps.Clone(given)
	if !prior.IsNull() {
		if err := prior.As(&was); err != nil {
			p.t.Fatal(err)
		}
	}
	for _, a := range p.schemas.ResourceSchemas[kind].Block.Attributes {
		switch {
		case !a.Computed || !given[a.Name].IsNull():
		case was != nil:
			given[a.Name] = was[a.Name]
		default:
			given[a.Name] = tftypes.NewValue(given[a.Name].Type(), tftypes.UnknownValue)
		}
	}
	return tftypes.NewValue(config.Type(), given)
}

// planOf plans a configuration of the three, after a reading if refresh, and returns the rules that refuse it.
func (p *protocol) planOf(config map[string]map[string]any, states []stated, refresh bool) (refused []string) {
	p.t.Helper()
	for at, kind := range believedKinds {
		t := p.schemas.ResourceSchemas[kind].ValueType()
		prior, private := tftypes.NewValue(t, nil), []byte(nil)
		if states != nil {
			prior, private = states[at].value, states[at].private
		}
		if refresh && !prior.IsNull() {
			now, err := p.server.ReadResource(p.t.Context(),
				&tfprotov6.ReadResourceRequest{TypeName: kind, CurrentState: p.encode(t, prior), Private: private})
			if err != nil {
				p.t.Fatal(err)
			}
			refused = append(refused, slugs(now.Diagnostics)...)
			if now.NewState != nil {
				prior, private = p.decode(t, now.NewState), now.Private
			}
			if prior.IsNull() {
				private = nil
			}
		}
		answer := p.planned(kind, config[kind], prior, private)
		if len(answer.RequiresReplace) > 0 { // as Terraform does
			refused = append(refused, slugs(answer.Diagnostics)...)
			answer = p.planned(kind, config[kind], tftypes.NewValue(t, nil), answer.PlannedPrivate)
		}
		refused = append(refused, slugs(answer.Diagnostics)...)
	}
	return refused
}

func (p *protocol) planned(kind string, config map[string]any, prior tftypes.Value,
	private []byte) *tfprotov6.PlanResourceChangeResponse {
	p.t.Helper()
	t := p.schemas.ResourceSchemas[kind].ValueType()
	given := plainValue(t, config)
	answer, err := p.server.PlanResourceChange(p.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: kind, PriorState: p.encode(t, prior), ProposedNewState: p.encode(t, p.proposed(kind, given, prior)),
		Config: p.encode(t, given), PriorPrivate: private,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return answer
}

func (p *protocol) decode(t tftypes.Type, v *tfprotov6.DynamicValue) tftypes.Value {
	p.t.Helper()
	value, err := v.Unmarshal(t)
	if err != nil {
		p.t.Fatal(err)
	}
	return value
}

// slugs are the errors' rules, or their whole texts where they are of none.
func slugs(diags []*tfprotov6.Diagnostic) (all []string) {
	for _, d := range diags {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			if slug, _, ok := strings.Cut(d.Summary, ": "); ok &&
				strings.Contains(slug, "/") &&
				!strings.Contains(slug, " ") {
				all = append(all, slug)
				continue
			}
			all = append(all, d.Summary+": "+d.Detail)
		}
	}
	return all
}

// inForce applies the usual configuration, and returns its state.
func (p *protocol) inForce() (states []stated) {
	p.t.Helper()
	config := declared(nil)
	for _, kind := range believedKinds {
		made, refused := p.made(kind, config[kind], nil)
		if len(refused) > 0 {
			p.t.Fatal(refused)
		}
		states = append(states, *made)
	}
	return states
}

// lies are what an edited state says.
var lies = []string{"", "2098-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "+/*", "orders/*", "admin", "x", "expired",
	"due", "87600h", "acme/prod/other", "\"", "globex",
	"https://evil.test", "0.0.0.0/0"}

// edited is a state with some leaves changed, of its values and of its private parts.
func edited(t *testing.T, dice *rand.Rand, states []stated, foreign [][]byte) []stated {
	out := slices.Clone(states)
	for range 1 + dice.IntN(4) {
		s := &out[dice.IntN(len(out))]
		switch dice.IntN(3) {
		case 0:
			s.private = editedPrivate(t, dice, s.private, foreign)
		default:
			var leaves []string
			_ = tftypes.Walk(s.value, func(at *tftypes.AttributePath, _ tftypes.Value) (bool, error) {
				leaves = append(leaves, at.String())
				return true, nil
			})
			slices.Sort(leaves) // a map is walked in no order
			target := leaves[1+dice.IntN(len(leaves)-1)]
			changed, err := tftypes.Transform(s.value,
				func(at *tftypes.AttributePath, v tftypes.Value) (tftypes.Value, error) {
					if at.String() != target || !v.IsKnown() {
						return v, nil
					}
					switch {
					case v.Type().Is(tftypes.String):
						return tftypes.NewValue(tftypes.String, lies[dice.IntN(len(lies))]), nil
					case v.Type().Is(tftypes.Bool):
						return tftypes.NewValue(tftypes.Bool, dice.IntN(2) == 0), nil
					case v.Type().Is(tftypes.Number):
						return tftypes.NewValue(tftypes.Number, dice.Int64N(50)-5), nil
					case v.Type().Is(tftypes.Set{ElementType: tftypes.String}) && dice.IntN(2) == 0:
						return tftypes.NewValue(v.Type(),
							[]tftypes.Value{tftypes.NewValue(tftypes.String, lies[dice.IntN(len(lies))])}), nil
					}
					return tftypes.NewValue(v.Type(), nil), nil
				})
			if err == nil && !changed.IsNull() {
				s.value = changed
			}
		}
	}
	return out
}

func editedPrivate(t *testing.T, dice *rand.Rand, private []byte, foreign [][]byte) []byte {
	switch dice.IntN(6) {
	case 0:
		return nil
	case 1:
		return foreign[dice.IntN(len(foreign))]
	case 2:
		none := []string{`{"kept": "bm9uc2Vuc2U="}`, `{"kept": "nonsense!"}`, `{"kept": nonsense}`, `{"kept": null}`,
			`{"kept": []}`, `[]`, `{"kept": ["x"]}`, `{"kept": ["x", "y", "z", 7]}`,
			`{"kept": ["x", 7, "", "", "s", {}, {}]}`,
			`{"kept": ["x", 7, "", "", {"history": 7}]}`, "\x01", "\x01 cut short"}
		return []byte(none[dice.IntN(len(none))])
	}
	parts := provider.PrivateParts(private)
	kept := provider.KeptByName(parts["kept"])
	if kept == nil {
		return private
	}
	values := []any{true, false, "", "x", "2098-01-01T00:00:00Z", "2020-01-01T00:00:00Z", []string{"x"}, nil, 7}
	names := []string{"system", "applied", "print", "issued_at", "issued_until", "due", "held", "drift", "last_used_at",
		"use_unknown", "adopt", "adopted", "history"}
	if dice.IntN(2) == 0 {
		kept[names[dice.IntN(len(names))]] = values[dice.IntN(len(values))]
	} else if h, ok := kept["history"].(map[string]any); ok {
		names = []string{"uid", "stack", "created_at", "renewed_at", "renewals", "reviewed_at", "review_used_at",
			"released"}
		h[names[dice.IntN(len(names))]] = values[dice.IntN(len(values))]
	}
	parts["kept"], _ = json.Marshal(kept)
	parts["memo"] = json.RawMessage(`{"nonce": "x", "uid": "x"}`)
	out, err := json.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever somebody writes into a state, no error of the honest plan is lost, and nothing that takes away is
// refused: with and without a refresh. An edited state turned every rule into a warning, since what was last
// applied came from there.
func TestAStateEditedIn500WaysLosesNoErrorAndRefusesNoReduction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	states := w.protocol(alone).inForce()
	var foreign [][]byte
	for _, s := range states {
		foreign = append(foreign, s.private)
	}
	const far, soon = "2098-01-01T00:00:00Z", "2027-01-15T00:00:00Z"
	wide := map[string]map[string]any{
		"partner_identity": {"expires_at": far, "owner": "nobody", "ceiling": nil, "purpose": "test"},
		"partner_credential": {
			"expires_at":    far,
			"allowed_cidrs": []string{"0.0.0.0/0"},
			"rotation":      map[string]any{"every": "87600h"},
		},
		"partner_grant": {"expires_at": far, "resource": "+/*", "actions": []string{"admin"}},
	}
	plans := map[string]map[string]map[string]any{
		"all is widened":  wide,
		"the grant's end": {"partner_grant": {"expires_at": "2027-03-20T00:00:00Z"}},
		"nothing":         nil,
		"a suspension":    {"partner_identity": {"suspended": true}},
		"ends earlier": {
			"partner_identity":   {"expires_at": soon},
			"partner_credential": {"expires_at": soon},
			"partner_grant":      {"expires_at": soon},
		},
		"fewer actions":       {"partner_grant": {"actions": []string{"read"}, "resource": "orders/acme/daily/x"}},
		"a narrower network":  {"partner_credential": {"allowed_cidrs": []string{"203.0.113.0/28"}}},
		"a narrower ceiling":  {"partner_identity": {"ceiling": []string{"orders/acme/daily/*"}}},
		"a shorter rotation ": {"partner_credential": {"rotation": map[string]any{"every": "240h", "overlap": "24h"}}},
	}
	honestly := map[string][]string{}
	names, refusals := slices.Sorted(maps.Keys(plans)), 0
	ways := uint64(500)
	if testing.Short() {
		ways = 60
	}
	for seed := range ways {
		dice := rand.New(rand.NewPCG(seed, 15))
		for _, name := range []string{"all is widened", names[dice.IntN(len(names))]} {
			refresh, config := dice.IntN(2) == 0, declared(plans[name])
			honest, ok := honestly[fmt.Sprint(name, refresh)]
			if !ok {
				honest = w.protocol(alone).planOf(config, states, refresh)
				honestly[fmt.Sprint(name, refresh)] = honest
			}
			got := w.protocol(alone).planOf(config, edited(t, dice, states, foreign), refresh)
			refusals += len(honest)
			for _, slug := range honest {
				if !slices.Contains(got, slug) {
					t.Errorf("seed %d, %s, refresh %v: %s is lost; %v", seed, name, refresh, slug, got)
				}
			}
			if len(honest) == 0 && len(got) > 0 {
				t.Errorf("seed %d, %s, refresh %v: refused: %v", seed, name, refresh, got)
			}
		}
	}
	if refusals < int(ways) {
		t.Errorf("the honest plans were refused by %d rules only", refusals)
	}
}

// destroyed destroys the three as Terraform does, and returns what is said: errors, and what the refresh
// dropped with a warning.
func (p *protocol) destroyed(states []stated, refresh bool) (errors, dropped []string) {
	p.t.Helper()
	return p.destroyedOf(states[:len(believedKinds)], refresh)
}

// destroyedOf destroys some, the last one first.
func (p *protocol) destroyedOf(states []stated, refresh bool) (errors, dropped []string) {
	p.t.Helper()
	for at := len(states) - 1; at >= 0; at-- {
		kind := states[at].kind
		t := p.schemas.ResourceSchemas[kind].ValueType()
		prior, private := states[at].value, states[at].private
		if refresh {
			now, err := p.server.ReadResource(p.t.Context(),
				&tfprotov6.ReadResourceRequest{TypeName: kind, CurrentState: p.encode(t, prior), Private: private})
			if err != nil {
				p.t.Fatal(err)
			}
			errors = append(errors, slugs(now.Diagnostics)...)
			if now.NewState != nil {
				prior, private = p.decode(t, now.NewState), now.Private
			}
			if prior.IsNull() {
				for _, d := range now.Diagnostics {
					dropped = append(dropped, d.Summary)
				}
				continue
			}
		}
		errors = append(errors, p.removed(&stated{kind, prior, private})...)
	}
	return errors, dropped
}

// Whatever somebody writes into a state, ids and uids too: a destroy that does not fail has left nothing.
func TestADestroyOfAStateEditedIn200WaysLeavesNothingUnsaid(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	ways, cut, failed := uint64(200), 0, 0
	if testing.Short() {
		ways = 40
	}
	var foreign [][]byte
	for seed := range ways {
		dice := rand.New(rand.NewPCG(seed, 152))
		states := w.protocol(alone).inForce()
		before := foreign
		for _, s := range states {
			foreign = append(foreign, s.private)
		}
		lying := edited(t, dice, states, foreign[max(0, len(foreign)-9):])
		errors, dropped := w.protocol(alone).destroyed(lying, dice.IntN(2) == 0)
		left, err := w.system().List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// One of a former object in its place is no lie that can be told: it is said which goes on.
		said := slices.ContainsFunc(dropped,
			func(s string) bool { return strings.HasPrefix(s, "The state means another one") }) && len(before) > 0
		switch {
		case len(errors) > 0:
			failed++
		case len(left) > 0 && !said:
			t.Errorf("seed %d: nothing is said of an error, and left is %v; dropped %v", seed, left[0].Object.Ref(),
				dropped)
		case len(left) == 0:
			cut++
		}
		if errors, _ := w.protocol(alone).destroyed(states, true); len(errors) > 0 {
			t.Fatalf("seed %d: the honest state: %v", seed, errors)
		}
	}
	if cut < int(ways)/2 || (failed == 0 && !testing.Short()) { // an error is rare among so few
		t.Errorf("%d destroys cut all, %d failed", cut, failed)
	}
}
