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
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

// edits returns a value with some attributes replaced.
func edits(v tftypes.Value, changes map[string]any) tftypes.Value {
	var in map[string]tftypes.Value
	if err := v.As(&in); err != nil {
		panic(err) // it is an object
	}
	out := map[string]tftypes.Value{}
	for k, e := range in {
		out[k] = e
	}
	for k, c := range changes {
		out[k] = plainValue(in[k].Type(), c)
	}
	return tftypes.NewValue(v.Type(), out)
}

// forgedPrivate is the private part of a state that says, with a fingerprint that fits, that
// everything was applied already.
func forgedPrivate(s stated, kind string) []byte {
	parts := provider.PrivateParts(s.private)
	kept := provider.KeptByName(parts["kept"])
	attributes := map[string]any{}
	if kind == "partner_grant" {
		var in map[string]tftypes.Value
		_ = s.value.As(&in)
		for _, n := range []string{"name", "purpose", "owner"} {
			var text string
			_ = in[n].As(&text)
			attributes[n] = text
		}
		forged(kind, attributes, kept)
	}
	parts["kept"], _ = json.Marshal(kept)
	out, _ := json.Marshal(parts)
	return out
}

// An apply is handed a plan that nobody made, and a state that says that all of it was applied before: it
// is judged as any other.
func TestAForgedPlanIsJudgedByItsApply(t *testing.T) {
	t.Parallel()
	const far = "2098-01-01T00:00:00Z"
	w := newWorld(t)
	states := w.protocol(alone).inForce()
	for at, kind := range believedKinds {
		wide := map[string]map[string]any{
			"partner_identity":   {"expires_at": far, "ends_at": far, "ceiling": []string{"+/*"}},
			"partner_credential": {"expires_at": far, "ends_at": far, "allowed_cidrs": []string{"0.0.0.0/0"}},
			"partner_grant":      {"expires_at": far, "ends_at": far, "resource": "+/*", "actions": []string{"admin"}},
		}[kind]
		of := states[at].value.Type()
		for how, prior := range map[string]tftypes.Value{
			"nothing":   tftypes.NewValue(of, nil),
			"the state": states[at].value,
			"all of it": edits(states[at].value, wide),
		} {
			p := w.protocol(alone)
			done, err := p.server.ApplyResourceChange(t.Context(), &tfprotov6.ApplyResourceChangeRequest{
				TypeName: kind, PriorState: p.encode(of, prior),
				PlannedState:   p.encode(of, edits(states[at].value, wide)),
				Config:         p.encode(of, plainValue(of, declared(nil)[kind])),
				PlannedPrivate: forgedPrivate(states[at], kind),
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(slugs(done.Diagnostics)) == 0 {
				t.Errorf("%s before %s: it goes through", how, kind)
			}
		}
	}
	records, err := w.system().List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.EndsAt.Year() > 2027 || strings.Contains(fmt.Sprint(r.Object), "+/*") {
			t.Errorf("the system holds %v", r)
		}
	}
}

// A state of an older run of the same system, which was written by us and is true of its time, loses no error either,
// and a destroy by it is whole.
func TestAStateOfAnOlderRunLosesNoError(t *testing.T) {
	thorough(t)
	t.Parallel()
	steps := []map[string]map[string]any{
		{"partner_grant": {"expires_at": "2027-01-15T00:00:00Z"}}, {"partner_grant": {"actions": []string{"read"}}},
		{"partner_grant": {"resource": "orders/acme/daily/x"}},
		{"partner_credential": {"allowed_cidrs": []string{"203.0.113.0/28"}}},
		{"partner_credential": {"expires_at": "2027-01-20T00:00:00Z"}},
		{"partner_identity": {"suspended": true}}, {"partner_identity": {"ceiling": []string{"orders/acme/daily/*"}}},
		{"partner_identity": {"expires_at": "2027-03-01T00:00:00Z"}},
	}
	for seed := range uint64(2) {
		dice := rand.New(rand.NewPCG(seed, 77))
		w := newWorld(t)
		arguments := map[string]map[string]any{"partner_identity": {}, "partner_credential": {}, "partner_grant": {}}
		runs := [][]stated{w.protocol(alone).inForce()}
		configs := []map[string]map[string]any{declared(nil)}
		for _, n := range dice.Perm(len(steps))[:4] {
			for kind, changed := range steps[n] {
				maps.Copy(arguments[kind], changed)
			}
			now, p := slices.Clone(runs[len(runs)-1]), w.protocol(alone)
			for at, kind := range believedKinds {
				s, refused := p.made(kind, declared(arguments)[kind], &now[at])
				if len(refused) > 0 {
					t.Fatalf("seed %d: less is refused: %v", seed, refused)
				}
				now[at] = *s
			}
			runs, configs = append(runs, now), append(configs, declared(arguments))
			w.passes(time.Hour)()
		}
		last := runs[len(runs)-1]
		for _, config := range configs {
			for _, refresh := range []bool{true, false} {
				honest := w.protocol(alone).planOf(config, last, refresh)
				for n, older := range runs {
					got := w.protocol(alone).planOf(config, older, refresh)
					if lost := slices.DeleteFunc(slices.Clone(honest),
						func(slug string) bool { return slices.Contains(got, slug) }); len(lost) > 0 {
						t.Errorf("seed %d, the state of run %d, refresh %v: lost is %v of %v", seed, n, refresh, lost,
							honest)
					}
				}
			}
		}
		errors, _ := w.protocol(alone).destroyed(runs[dice.IntN(len(runs))], dice.IntN(2) == 0)
		if left, err := w.system().List(t.Context()); err != nil || len(left)+len(errors) > 0 {
			t.Errorf("seed %d: a destroy by an older state: %v, %v, left is %d", seed, errors, err, len(left))
		}
	}
}
