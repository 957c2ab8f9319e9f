// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/provider"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/system/embedded"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// floorWalk lets random configurations ask for random access over one system, whose floor is another one each time.
type floorWalk struct {
	t         *testing.T
	open      func() access.System // as security sees it now
	arguments map[string]any       // by which a provider block names the system
	dice      *rand.Rand
	place     string                            // begins every pattern
	around    func(access.System) access.System // what stands in the place of that system; nil: itself
}

func (w *floorWalk) one(of ...any) any { return of[w.dice.IntN(len(of))] }

func (w *floorWalk) floored() access.Floored {
	floored, ok := access.As[access.Floored](w.open())
	if !ok {
		w.t.Fatal("the system holds no floor")
	}
	return floored
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// someFloor is a floor that says something of some settings.
func (w *floorWalk) someFloor() access.Floor {
	f := access.Floor{SetBy: "ciso@example.com"}
	span := func(n int) access.Span {
		s, err := access.ParseSpan(fmt.Sprintf("%dh", 24*n))
		if err != nil {
			w.t.Fatal(err)
		}
		return s
	}
	if w.dice.IntN(3) > 0 {
		f.MaxLifetime = map[access.Type]access.Span{access.TypeGrant: span(10 + w.dice.IntN(90)),
			access.TypeIdentity: span(100 + w.dice.IntN(200))}
	}
	if w.dice.IntN(2) == 0 {
		f.MaxWaiver = span(1 + w.dice.IntN(40))
	}
	if w.dice.IntN(2) == 0 {
		f.Unwaivable = []string{"scope/wildcard-resource"}
	}
	if w.dice.IntN(2) == 0 {
		f.MinFixedSegments = 2 + w.dice.IntN(3)
	}
	if w.dice.IntN(2) == 0 {
		f.OwnerDomains = w.one([]string{"example.com"}, []string{"example.com"}, []string{"eu.example.com"}).([]string)
	}
	if w.dice.IntN(2) == 0 {
		f.Environments = w.one([]string{"prod"}, []string{"prod", "stage"}, []string{"prod", "dev"},
			[]string{"dev"}).([]string)
	}
	if w.dice.IntN(4) == 0 {
		f.Partners = map[string]access.FloorPartner{w.one("acme", "globex").(string): {
			Agreement: &access.Agreement{Reference: "C-1",
				EndsAt: access.At(access.WallClock().Add(days(5 + w.dice.IntN(100))))},
		}}
	}
	return f // levels of rules are not named: each setting brings along the rules by which it is kept
}

// someProvider is a provider block, which may be looser than any floor.
func (w *floorWalk) someProvider() map[string]any {
	block := map[string]any{
		"environment": w.one("prod", "prod", "prod", "stage", "dev"),
		"stack":       "partners",
		"journal":     map[string]any{"path": filepath.Join(w.t.TempDir(), "journal.jsonl")},
	}
	for name, value := range w.arguments {
		block[name] = value
	}
	rules := map[string]any{}
	for name, values := range map[string][]any{
		"max_lifetime": {map[string]any{"grant": "8000h", "identity": "16000h"}, map[string]any{"grant": "240h"}},
		"owner_domains": {[]string{"example.com"}, []string{"example.org", "example.com"},
			[]string{"eu.example.com"}},
		"environments":       {[]string{"dev", "stage"}, []string{"stage"}},
		"min_fixed_segments": {1, 0, 4},
		"levels": {
			map[string]any{"expiry/too-long": "off", "scope/wildcard-resource": "off", "owner/external": "warn"},
			map[string]any{"expiry/outlives-agreement": "off"},
		},
	} {
		if w.dice.IntN(5) == 0 {
			rules[name] = values[w.dice.IntN(len(values))]
		}
	}
	block["guardrails"] = rules
	if w.dice.IntN(4) == 0 {
		block["partners"] = map[string]any{"acme": map[string]any{"kind": "vendor",
			"agreement": map[string]any{"reference": "C-2",
				"ends_at": access.At(access.WallClock().Add(days(300))).String()}}}
	}
	return block
}

// someAccess is an identity and a grant, which may be more than any floor lets.
func (w *floorWalk) someAccess(name string) map[string]map[string]any {
	on := func(n int) string { return access.At(access.WallClock().Add(days(n))).String() }
	waivers := func() any {
		if w.dice.IntN(3) > 0 {
			return nil
		}
		until := on(1 + w.dice.IntN(80))
		rule := w.one("expiry/too-long", "scope/wildcard-resource", "owner/external").(string)
		return map[string]any{rule: map[string]any{
			"reason":   "The migration runs until spring",
			"approver": "cto@example.com",
			"until":    until,
		}}
	}
	owner := w.one("jane.doe@example.com", "jane.doe@example.com", "bob@eu.example.com", "bob@eu.example.com",
		"eve@example.org")
	return map[string]map[string]any{
		"partner_identity": {
			"partner":    "acme",
			"name":       name,
			"owner":      owner,
			"purpose":    "Nightly order feed into the ERP",
			"expires_at": on(60 + w.dice.IntN(200)),
			"waivers":    waivers(),
		},
		"partner_grant": {
			"identity_id": "", "resource": w.place +
				w.one("orders/*", "orders/"+name+"/*", "orders/"+name+"/daily/*", "orders/"+name+"/daily/*",
					"orders/"+name+"/daily/in/*").(string), "actions": []string{"read"}, "owner": owner,
			"purpose": "Read the daily order files", "expires_at": on(1 + w.dice.IntN(100)), "waivers": waivers(),
		},
	}
}

// asked configures a provider; nil where it refuses the block itself.
func (w *floorWalk) asked(block map[string]any) *protocol {
	w.t.Helper()
	around := w.around
	if around == nil {
		around = alone
	}
	p, diags := configuredBy(w.t, provider.NewAround(access.WallClock, around)(), block)
	if len(slugs(diags)) > 0 {
		return nil
	}
	return p
}

// made plans and applies one resource from what it was, and returns what it is then, or why it is refused.
func (p *protocol) made(kind string, config map[string]any, was *stated) (*stated, []string) {
	p.t.Helper()
	t := p.schemas.ResourceSchemas[kind].ValueType()
	prior, private := tftypes.NewValue(t, nil), []byte(nil)
	if was != nil {
		prior, private = was.value, was.private
	}
	planned := p.planned(kind, config, prior, private)
	if refused := slugs(planned.Diagnostics); len(refused) > 0 {
		return was, refused
	}
	done, err := p.server.ApplyResourceChange(p.t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: kind, PriorState: p.encode(t, prior), PlannedState: planned.PlannedState,
		Config: p.encode(t, plainValue(t, config)), PlannedPrivate: planned.PlannedPrivate,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if refused := slugs(done.Diagnostics); len(refused) > 0 {
		return was, refused
	}
	return &stated{kind, p.decode(t, done.NewState), done.Private}, nil
}

// removed destroys one resource, and returns why that is refused.
func (p *protocol) removed(s *stated) []string {
	p.t.Helper()
	t := p.schemas.ResourceSchemas[s.kind].ValueType()
	none := p.encode(t, tftypes.NewValue(t, nil))
	planned, err := p.server.PlanResourceChange(p.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: s.kind, PriorState: p.encode(t, s.value), ProposedNewState: none, Config: none,
		PriorPrivate: s.private,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if refused := slugs(planned.Diagnostics); len(refused) > 0 {
		return refused
	}
	done, err := p.server.ApplyResourceChange(p.t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: s.kind, PriorState: p.encode(t, s.value), PlannedState: none, Config: none,
		PlannedPrivate: planned.PlannedPrivate,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return slugs(done.Diagnostics)
}

// tries lets a configuration ask for access, and returns what of it is made.
func (w *floorWalk) tries(block map[string]any, name string) (p *protocol, config map[string]map[string]any,
	states []*stated) {
	w.t.Helper()
	if p = w.asked(block); p == nil {
		return nil, nil, nil
	}
	config = w.someAccess(name)
	config["partner_grant"]["identity_id"] = fmt.Sprintf("acme/%s/%s", block["environment"], name)
	for _, kind := range []string{"partner_identity", "partner_grant"} {
		s, refused := p.made(kind, config[kind], nil)
		if len(refused) > 0 {
			return p, config, states
		}
		states = append(states, s)
	}
	return p, config, states
}

// forbidden says what a record is that a floor does not let: judged here from the words of the floor, by no rule.
func forbidden(f access.Floor, r *access.Record) (all []string) {
	terms := r.Object.Common()
	waived := func(rule string) (until time.Time, ok bool) {
		x, ok := terms.Waivers[rule]
		return x.Until.Time, ok && !slices.Contains(f.Unwaivable, rule)
	}
	add := func(format string, values ...any) { all = append(all, fmt.Sprintf(format, values...)) }
	partner := strings.Split(r.Object.Ref().ID, "/")[0]
	environment := strings.Split(r.Object.Ref().ID, "/")[1]
	for rule, x := range terms.Waivers {
		if most := f.MaxWaiver.Duration; most > 0 && x.Until.Sub(r.CreatedAt) > most+time.Minute {
			add("its waiver of %s lasts over %s", rule, most)
		}
	}
	if most := f.MaxLifetime[r.Object.Ref().Type].Duration; most > 0 && r.EndsAt.Sub(r.CreatedAt) > most+time.Minute {
		if until, ok := waived("expiry/too-long"); !ok || r.EndsAt.After(until) {
			add("it lives for %s, and %s is the most", r.EndsAt.Sub(r.CreatedAt), most)
		}
	}
	if g, ok := r.Object.(*access.Grant); ok && f.MinFixedSegments > 0 {
		if fixed := strings.Count(string(g.Resource), "/"); fixed < f.MinFixedSegments {
			if _, ok := waived("scope/wildcard-resource"); !ok {
				add("%s has %d fixed segments of %d", g.Resource, fixed, f.MinFixedSegments)
			}
		}
	}
	if f.OwnerDomains != nil {
		_, domain, _ := strings.Cut(terms.Owner, "@")
		if !slices.ContainsFunc(f.OwnerDomains,
			func(d string) bool { return domain == d || strings.HasSuffix(domain, "."+d) }) {
			if _, ok := waived("owner/external"); !ok {
				add("%s owns it", terms.Owner)
			}
		}
	}
	if f.Environments != nil && !slices.Contains(f.Environments, environment) {
		add("it is of %s", environment)
	}
	if f.Partners != nil {
		p, known := f.Partners[partner]
		if !known {
			add("%s is not in the register", partner)
		} else if p.Agreement != nil && r.EndsAt.After(p.Agreement.EndsAt.Time) {
			add("it ends %s, after the agreement", r.EndsAt)
		}
	}
	return all
}

// of returns what the system holds of one identity's name.
func (w *floorWalk) of(name string) (all []*access.Record) {
	w.t.Helper()
	there, err := w.open().List(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range there {
		if strings.Split(r.Object.Ref().ID, "/")[2] == name {
			all = append(all, r)
		}
	}
	return all
}

// goes walks: under each floor some configurations ask for access, and what is made before it is made less.
func (w *floorWalk) goes(floors, configurations int) {
	ctx := w.t.Context()
	made, refused, without, reduced := 0, 0, 0, 0
	for n := range floors {
		f := w.someFloor()
		// Before the floor: some access, some of which it would forbid, by a configuration that
		// says nothing of the rules.
		old := fmt.Sprintf("old-%d", n)
		block := w.someProvider()
		block["environment"], block["guardrails"], block["partners"] = "prod", nil, nil
		p, config, before := w.tries(block, old)
		for _, r := range w.of(old) {
			without += len(forbidden(f, r))
		}
		if _, err := w.floored().SetFloor(ctx, f, "security", 0); err != nil {
			w.t.Fatal(err)
		}
		for c := range configurations {
			name := fmt.Sprintf("new-%d-%d", n, c)
			_, _, states := w.tries(w.someProvider(), name)
			got := w.of(name)
			for _, r := range got {
				if no := forbidden(f, r); len(no) > 0 {
					w.t.Errorf("floor %d, configuration %d: %s is made, and %v; floor %+v", n, c, r.Object.Ref(), no, f)
				}
			}
			made += len(got)
			refused += 2 - len(got)
			if len(states) != len(got) {
				w.t.Errorf("%d states, and %d objects", len(states), len(got))
			}
		}
		// Less goes through under any floor and any configuration of that system and environment.
		if len(before) == 2 && p != nil {
			loose := w.someProvider()
			loose["environment"] = "prod"
			if p := w.asked(loose); p != nil {
				config["partner_grant"]["expires_at"] = access.At(access.WallClock().Add(12 * time.Hour)).String()
				config["partner_identity"]["suspended"] = true
				for at, kind := range []string{"partner_identity", "partner_grant"} {
					s, why := p.made(kind, config[kind], before[at])
					if len(why) > 0 {
						w.t.Errorf("floor %d: less of a %s is refused: %v", n, kind, why)
					}
					before[at] = s
				}
				for at := range before {
					if why := p.removed(before[len(before)-1-at]); len(why) > 0 {
						w.t.Errorf("floor %d: a removal is refused: %v", n, why)
					}
				}
				if left := w.of(old); len(left) > 0 {
					w.t.Errorf("floor %d: of %s is left %v", n, old, left[0].Object.Ref())
				}
				reduced++
			}
		}
		if _, err := w.floored().LiftFloor(ctx, "security", 0); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Logf("%d floors: %d made and %d refused under them, %d faults without them, %d reduced", floors, made, refused,
		without, reduced)
	if made < floors/4 ||
		refused < floors/4 ||
		without < floors/4 ||
		reduced < floors/4 {
		w.t.Error("the walk proves little")
	}
}

// Whatever a configuration says, nothing that the floor forbids comes to be, on either system; and whatever it
// says, less goes through.
func TestNoConfigurationGetsWhatTheFloorForbidsOnEmbedded(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(t.TempDir(), ".partner")
	w := &floorWalk{
		t: t, dice: rand.New(rand.NewPCG(23, 3)),
		open: func() access.System {
			return embedded.Open(directory, embedded.Options{Clock: access.WallClock, Environment: "prod"})
		},
		arguments: map[string]any{"embedded": map[string]any{"directory": directory}},
	}
	floors := 40
	if testing.Short() {
		floors = 8
	}
	w.goes(floors, 5)
}

func TestNoConfigurationGetsWhatTheFloorForbidsOnOpenBao(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	bao := realtool.StartBao(t)
	if status, answer := bao.Call(t, bao.RootToken, "POST", "sys/mounts/orders",
		map[string]any{"type": "kv"}); status > 299 {
		t.Fatal(answer)
	}
	by, err := client.New(client.Options{
		Address:   bao.Address,
		CACertPEM: []byte(bao.CA),
		Login:     client.Token(bao.RootToken),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &floorWalk{
		t: t, dice: rand.New(rand.NewPCG(23, 4)),
		open: func() access.System { return openbao.Open(openbao.Options{Client: by, Stack: "security"}) },
		arguments: map[string]any{"openbao": map[string]any{
			"address":     bao.Address,
			"ca_cert_pem": bao.CA,
			"token":       bao.RootToken,
			"bootstrap":   true,
		}},
	}
	w.goes(20, 4)
}
