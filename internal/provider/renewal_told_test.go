// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// renewed is one apply of a renewal: how long after the one before, what it changes of the credential, whether it
// issues anew, and what its plan says.
type renewed struct {
	after  time.Duration
	change map[string]any
	anew   bool
	says   string // of the credential; "": nothing
}

func reviewedAt(at string) map[string]any {
	return map[string]any{"at": at, "by": "joe@example.com", "reason": "The feed is still used daily"}
}

// A renewal says truly what becomes of what the partner holds: also of what had ended before, and of the one before it.
func TestARenewalTellsWhatBecomesOfWhatThePartnerHolds(t *testing.T) {
	thorough(t)
	t.Parallel()
	until := func(at string) map[string]any { return map[string]any{"expires_at": at} }
	later := func(reviewed, at string) map[string]any {
		return map[string]any{"expires_at": at, "review": reviewedAt(reviewed)}
	}
	const works, nothing, older = "works beside the new one until ", "The partner has " +
		"nothing that works", "The one before that, which was to work until "
	for name, steps := range map[string][]renewed{
		"an end with a part of a second was renewed by every plan": {
			{change: until("2026-12-05T00:00:00.5Z")},
			{after: 10 * day, change: until("2026-12-05T00:00:00.5Z")},
			{change: later("2026-12-04T00:00:00Z", "2026-12-05T00:00:00.9Z")},
			{
				after:  time.Hour,
				change: later("2026-12-04T12:30:00Z", "2026-12-05T00:00:01Z"),
				anew:   true,
				says:   works + "2026-12-05T00:00:00Z",
			},
		},
		"what ended by its rotation, and nobody was there": {
			{change: until("2027-01-15T00:00:00Z")},
			{after: 23 * day, change: later("2026-12-17T00:00:00Z", "2027-01-20T00:00:00Z"), anew: true, says: nothing},
		},
		"what ended with its credential": {
			{change: until("2026-12-01T00:00:00Z")},
			{after: 10 * day, change: later("2026-12-04T00:00:00Z", "2026-12-20T00:00:00Z"), anew: true, says: nothing},
		},
		"a renewal within the overlap of another": {
			{change: until("2026-12-01T00:00:00Z")},
			{
				after:  day,
				change: later("2026-11-25T00:00:00Z", "2026-12-03T00:00:00Z"),
				anew:   true,
				says:   works + "2026-12-01T00:00:00Z",
			},
			{
				after:  day,
				change: later("2026-11-26T00:00:00Z", "2026-12-05T00:00:00Z"),
				anew:   true,
				says:   older + "2026-12-01T00:00:00Z",
			},
		},
		"a renewal after the overlap of another": {
			{change: until("2026-12-01T00:00:00Z")},
			{
				after:  day,
				change: later("2026-11-25T00:00:00Z", "2026-12-03T00:00:00Z"),
				anew:   true,
				says:   works + "2026-12-01T00:00:00Z",
			},
			{
				after:  7 * day,
				change: later("2026-12-02T00:00:00Z", "2026-12-05T00:00:00Z"),
				anew:   true,
				says:   works + "2026-12-03T00:00:00Z: hand over the new certificate (issued) before that.",
			},
		},
		"an end moved by minutes, there and back": {
			{change: until("2026-12-01T00:00:00Z")},
			{
				after:  day,
				change: later("2026-11-25T00:00:00Z", "2026-12-01T00:05:00Z"),
				anew:   true,
				says:   works + "2026-12-01T00:00:00Z",
			},
			{
				after:  day,
				change: later("2026-11-25T00:00:00Z", "2026-12-01T00:01:00Z"),
				anew:   true,
				says:   "stops working in the same apply",
			},
			{
				after:  day,
				change: later("2026-11-27T00:00:00Z", "2026-12-01T00:05:00Z"),
				anew:   true,
				says:   works + "2026-12-01T00:01:00Z",
			},
		},
		"a rotation that is due with the renewal": {
			{change: until("2027-01-15T00:00:00Z")},
			{
				after:  20*day + time.Hour,
				change: later("2026-12-14T00:00:00Z", "2027-02-15T00:00:00Z"),
				anew:   true,
				says:   "because its rotation is due. What the partner holds " + works + "2026-12-16T12:00:00Z",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c := &core{world: w, state: map[string]held{}, shuffle: func([]string) {}}
			was := ""
			for n, s := range steps {
				w.passes(s.after)()
				issued, said := c.renew(s.change)
				if (n > 0 && (issued != was) != s.anew) ||
					(s.says == "" && said != "") ||
					!strings.Contains(said, s.says) {
					t.Errorf("step %d: issued anew %v, want %v; the plan says %q, want %q", n, issued != was, s.anew,
						said, s.says)
				}
				was = issued
			}
		})
	}
}

// renew applies a change of a certificate. It returns its fingerprint, and what the plan says of it.
func (c *core) renew(change map[string]any) (issued, said string) {
	c.world.t.Helper()
	all := declared(map[string]map[string]any{"partner_credential": {"secret": nil,
		"certificate": map[string]any{"csr": partnerCSR}}})
	maps.Copy(all["partner_credential"], change)
	config := map[string]wanted{
		"partner_identity.orders":   {"partner_identity", all["partner_identity"]},
		"partner_credential.orders": {"partner_credential", all["partner_credential"]},
	}
	var heard []string
	c.heard = func(_ string, diags []*tfprotov6.Diagnostic) {
		for _, d := range diags {
			if strings.HasPrefix(d.Summary, "The partner's credential") && !slices.Contains(heard, d.Detail) {
				heard = append(heard, d.Detail)
			}
		}
	}
	if refused := c.apply(config, false); len(refused) > 0 {
		c.world.t.Fatal(refused)
	}
	p := c.world.protocolWith(alone, nil)
	c.read(p)
	for address, want := range config {
		if !equal(p, want.kind, c.state[address].state, c.proposed(p, want, c.state[address]).PlannedState) {
			c.world.t.Errorf("the next plan changes %s", address)
		}
	}
	of := p.attributes("partner_credential", c.state["partner_credential.orders"].state)
	if err := of["fingerprint"].As(&issued); err != nil {
		c.world.t.Fatal(err)
	}
	return issued, strings.Join(heard, "\n")
}

// attributes are those of a state.
func (p *protocol) attributes(kind string, state *tfprotov6.DynamicValue) (all map[string]tftypes.Value) {
	p.t.Helper()
	if err := p.decode(p.schemas.ResourceSchemas[kind].ValueType(), state).As(&all); err != nil {
		p.t.Fatal(err)
	}
	return all
}
