// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// core does what Terraform's core does with a configuration: it reads, plans all in a random order, and then applies in
// another provider process what is to be removed, replaced, changed and made. It is for thousands of applies.
type core struct {
	world      *world
	guardrails map[string]any
	state      map[string]held // by address
	shuffle    func([]string)
	heard      func(address string, diags []*tfprotov6.Diagnostic) // what each plan says, where somebody listens
}

// held is what a state has of a resource.
type held struct {
	kind    string
	state   *tfprotov6.DynamicValue
	private []byte
}

// wanted is a resource of a configuration.
type wanted struct {
	kind      string
	arguments map[string]any
}

// planned is what is to be done with a resource.
type plannedChange struct {
	remove, create bool
	plan           *tfprotov6.PlanResourceChangeResponse
}

// apply plans a configuration and applies it. It returns the summaries of what refused it: at plan nothing is changed
// then, at apply what came before is.
func (c *core) apply(config map[string]wanted, createFirst bool) (refused []string) {
	p := c.world.protocolWith(alone, c.guardrails)
	c.read(p)
	changes := map[string]plannedChange{}
	for _, address := range c.order(config, true) {
		change, errs := c.plan(p, address, config)
		refused = append(refused, errs...)
		changes[address] = change
	}
	if len(refused) > 0 {
		return refused
	}
	p = c.world.protocolWith(alone, c.guardrails)
	remove := func() {
		for _, address := range slices.Backward(c.order(config, false)) {
			if changes[address].remove && len(refused) == 0 {
				refused = append(refused, c.remove(p, address)...)
			}
		}
	}
	if !createFirst {
		remove()
	}
	for _, address := range c.order(config, false) {
		if want, ok := config[address]; ok &&
			len(refused) == 0 &&
			(!createFirst || !changes[address].remove) {
			refused = append(refused, c.put(p, address, want)...)
		}
	}
	if !createFirst || len(refused) > 0 {
		return refused
	}
	remove()
	for _, address := range c.order(config, false) { // what is replaced
		if want, ok := config[address]; ok && len(refused) == 0 && changes[address].remove {
			refused = append(refused, c.put(p, address, want)...)
		}
	}
	return refused
}

// order is all addresses, of state and configuration, those of identities before what refers to them.
func (c *core) order(config map[string]wanted, random bool) []string {
	all := slices.Collect(maps.Keys(config))
	for address := range c.state {
		if _, ok := config[address]; !ok {
			all = append(all, address)
		}
	}
	slices.Sort(all)
	if random {
		c.shuffle(all)
	}
	slices.SortStableFunc(all, func(a, b string) int {
		rank := func(address string) int {
			_, stays := config[address]
			if !stays && random {
				return 0 // removals come whenever
			}
			if strings.HasPrefix(address, "partner_identity") {
				return 0
			}
			return 1
		}
		return rank(a) - rank(b)
	})
	return all
}

func (c *core) null(p *protocol, kind string) *tfprotov6.DynamicValue {
	t := p.schemas.ResourceSchemas[kind].ValueType()
	return p.encode(t, tftypes.NewValue(t, nil))
}

// read refreshes the state.
func (c *core) read(p *protocol) {
	for _, address := range slices.Sorted(maps.Keys(c.state)) {
		h := c.state[address]
		now, err := p.server.ReadResource(p.t.Context(),
			&tfprotov6.ReadResourceRequest{TypeName: h.kind, CurrentState: h.state, Private: h.private})
		if err != nil {
			p.t.Fatal(err)
		}
		p.well(now.Diagnostics)
		if c.isNull(p, h.kind, now.NewState) {
			delete(c.state, address)
			continue
		}
		c.state[address] = held{h.kind, now.NewState, now.Private}
	}
}

func (c *core) isNull(p *protocol, kind string, v *tfprotov6.DynamicValue) bool {
	value, err := v.Unmarshal(p.schemas.ResourceSchemas[kind].ValueType())
	if err != nil {
		p.t.Fatal(err)
	}
	return value.IsNull()
}

// plan plans one resource.
func (c *core) plan(p *protocol, address string, config map[string]wanted) (plannedChange, []string) {
	was, ok := c.state[address]
	want, stays := config[address]
	if !stays {
		null := c.null(p, was.kind)
		answer, err := p.server.PlanResourceChange(p.t.Context(), &tfprotov6.PlanResourceChangeRequest{
			TypeName: was.kind, PriorState: was.state, ProposedNewState: null, Config: null, PriorPrivate: was.private,
		})
		if err != nil {
			p.t.Fatal(err)
		}
		return plannedChange{remove: true}, summaries(answer.Diagnostics)
	}
	answer := c.proposed(p, want, was)
	if c.heard != nil {
		c.heard(address, answer.Diagnostics)
	}
	refused := summaries(answer.Diagnostics)
	if ok && len(answer.RequiresReplace) > 0 && len(refused) == 0 {
		again := c.proposed(p, want, held{kind: want.kind, private: answer.PlannedPrivate})
		return plannedChange{true, true, again}, summaries(again.Diagnostics)
	}
	return plannedChange{create: !ok, plan: answer}, refused
}

// proposed asks for the plan of a resource, with the state's values where the configuration has none.
func (c *core) proposed(p *protocol, want wanted, was held) *tfprotov6.PlanResourceChangeResponse {
	schema := p.schemas.ResourceSchemas[want.kind]
	t := schema.ValueType()
	prior := c.null(p, want.kind)
	before := map[string]tftypes.Value{}
	if was.state != nil {
		prior = was.state
		value, err := prior.Unmarshal(t)
		if err == nil {
			err = value.As(&before)
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
	values := map[string]tftypes.Value{}
	if err := plainValue(t, want.arguments).As(&values); err != nil {
		p.t.Fatal(err)
	}
	for _, a := range schema.Block.Attributes {
		switch {
		case !a.Computed || !values[a.Name].IsNull():
		case was.state != nil:
			values[a.Name] = before[a.Name]
		default:
			values[a.Name] = tftypes.NewValue(a.ValueType(), tftypes.UnknownValue)
		}
	}
	answer, err := p.server.PlanResourceChange(p.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: want.kind, PriorState: prior, Config: p.value(schema, want.arguments), PriorPrivate: was.private,
		ProposedNewState: p.encode(t, tftypes.NewValue(t, values)),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return answer
}

// remove applies a removal.
func (c *core) remove(p *protocol, address string) []string {
	was, ok := c.state[address]
	if !ok {
		return nil
	}
	null := c.null(p, was.kind)
	answer, err := p.server.ApplyResourceChange(p.t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: was.kind, PriorState: was.state, PlannedState: null, Config: null, PlannedPrivate: was.private,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.well(answer.Diagnostics) // less is never refused
	delete(c.state, address)
	return nil
}

// put plans a resource again, as an apply does, and applies it.
func (c *core) put(p *protocol, address string, want wanted) []string {
	was := c.state[address]
	plan := c.proposed(p, want, was)
	if refused := summaries(plan.Diagnostics); len(refused) > 0 {
		return refused
	}
	prior := was.state
	if prior == nil {
		prior = c.null(p, want.kind)
	}
	if equal(p, want.kind, prior, plan.PlannedState) {
		return nil
	}
	answer, err := p.server.ApplyResourceChange(p.t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: want.kind, PriorState: prior, PlannedState: plan.PlannedState,
		Config:         p.value(p.schemas.ResourceSchemas[want.kind], want.arguments),
		PlannedPrivate: plan.PlannedPrivate,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	if !c.isNull(p, want.kind, answer.NewState) {
		c.state[address] = held{want.kind, answer.NewState, answer.Private}
	}
	return summaries(answer.Diagnostics)
}

func equal(p *protocol, kind string, a, b *tfprotov6.DynamicValue) bool {
	t := p.schemas.ResourceSchemas[kind].ValueType()
	one, err := a.Unmarshal(t)
	other, failed := b.Unmarshal(t)
	if err != nil || failed != nil {
		p.t.Fatal(err, failed)
	}
	return one.Equal(other)
}

// summaries are what is an error.
func summaries(diags []*tfprotov6.Diagnostic) (all []string) {
	for _, d := range diags {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			all = append(all, d.Summary+": "+d.Detail)
		}
	}
	return all
}
