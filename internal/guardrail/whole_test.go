// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func TestTheWholeOfAnIdentityIsWhatThePlanLeavesOfIt(t *testing.T) {
	wide := grant(etl, "daily", func(g *access.Grant) { g.Actions = []string{"list", "read"} })
	for name, c := range map[string]struct {
		parts       []part
		credentials int
		grants      string
		grows       bool
	}{
		"what it creates": {[]part{carries(), plans(grant(etl, "daily"))}, 1, "daily ", true},
		"what it leaves as it is": {[]part{plans(credential(etl), unchanged()),
			plans(grant(etl, "daily"), unchanged())}, 1, "daily ", false},
		"what it only narrows": {[]part{plans(grant(etl, "daily"), was(wide))}, 0, "daily ", false},
		"what it widens":       {[]part{plans(wide, was(grant(etl, "daily")))}, 0, "daily ", true},
		"what passes to somebody else": {[]part{plans(with(grant(etl, "daily"), owner("joe@example.com")),
			was(grant(etl, "daily")))}, 0, "daily ", false},
		"beside what another stack holds": {[]part{foreign(grant(etl, "weekly")), plans(grant(etl, "daily"))}, 0,
			"daily weekly ", true},
		"what may still arrive, or leave": {[]part{holds(grant(etl, "weekly")), plans(grant(etl, "daily"))}, 0,
			"daily ", true},
		"at apply what the system holds stays": {[]part{atApply(), holds(grant(etl, "weekly")),
			plans(grant(etl, "daily"))}, 0, "daily weekly ", true},
		"what is declared of what it holds": {[]part{atApply(), holds(wide), plans(grant(etl, "daily"), was(wide))},
			0, "daily ", false},
		"what is not known yet":       {[]part{plans(grant(etl, "daily"), unknown("resource"))}, 0, "", false},
		"nothing of another identity": {[]part{plans(grant("acme/prod/other", "daily"))}, 0, "", false},
		"nothing at all":              {nil, 0, "", false},
	} {
		s := build(c.parts...)
		p := s.portfolio()
		s.run(p)
		w := p.Whole(identityID(etl), s.phase)
		grants := ""
		for _, g := range w.Grants {
			grants += g.Name + " "
			if g.EndsAt.IsZero() {
				t.Errorf("%s: %s has no end", name, g.Name)
			}
		}
		if len(w.Credentials) != c.credentials || grants != c.grants || w.Grows != c.grows {
			t.Errorf("%s: %d credentials, grants %q, grows %v", name, len(w.Credentials), grants, w.Grows)
		}
	}
}
