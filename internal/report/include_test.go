// SPDX-License-Identifier: MPL-2.0

package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// another is a report of another system, three days older, in which the same names are used.
func another(t *testing.T) string {
	t.Helper()
	r := sample()
	r.Source = Source{Environment: "test", ID: "other", Place: ".partner/test"}
	r.Inventory.System, r.Inventory.At, r.Inventory.Unchecked = "embedded", day(-3),
		[]inventory.Flag{inventory.Ungoverned}
	r.Inventory.Items = slices.DeleteFunc(r.Inventory.Items, func(i inventory.Item) bool { return i.ID == "" })
	content, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// One report over several systems holds what each of them holds, and says which they are.
func TestIncludedReportsAreHeldAndNamed(t *testing.T) {
	r := sample()
	alone := len(r.Inventory.Items)
	content := another(t)
	if err := r.Include(content); err != nil {
		t.Fatal(err)
	}
	if n := len(r.Inventory.Items); n != alone+6 {
		t.Errorf("%d items", n)
	}
	for form, out := range renderings(t, r) {
		if form != "oscal" &&
			form != "json" &&
			!strings.Contains(strings.ReplaceAll(out, `\`, ""), "test (embedded)") {
			t.Errorf("%s does not name the other system", form)
		}
	}
	page := html(t, r)
	for _, want := range []string{
		"included, SHA-256", Digest(content), "in test (embedded)",
		"What changed in test (embedded) since 2027-02-26 09:30: its report is 3 days old.",
		"Nobody looked in test (embedded) for logins that nobody declared.",
		`<b class="number-of">2</b> <span class="tile-name">Undeclared</span>`,
		"at least: nobody looked for them in test (embedded)",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := len(changesIn(r, cut)); n != 2 {
		t.Errorf("%d cuts", n)
	}
	// What one of them did not look for, and the other does not have, is not none.
	bare := &Report{Title: "All", Inventory: &inventory.Inventory{System: "openbao", At: now}}
	if err := bare.Include(content); err != nil {
		t.Fatal(err)
	}
	if out := text(t, bare); !strings.Contains(out,
		"| Needs attention: ungoverned (nobody declared it: no owner, no end) | not checked |") {
		t.Errorf("what was not looked for in one system reads none:\n%.2000s", out)
	}
	if n := len(r.Findings); n != 6 {
		t.Errorf("%d findings", n)
	}
}

// What was rendered is read again as it was.
func TestAnIncludedReportLosesNothing(t *testing.T) {
	r := portfolio()
	content, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	empty := &Report{
		Title:     "All",
		Inventory: &inventory.Inventory{System: "embedded", At: now},
		From:      r.From,
		To:        r.To,
		Source:    Source{Environment: "hub"},
	}
	if err := empty.Include(content); err != nil {
		t.Fatal(err)
	}
	was, is := r.figures(), empty.figures()
	for n := range was {
		if was[n].Number() != is[n].Number() {
			t.Errorf("%s: %s became %s", was[n].Slug, was[n].Number(), is[n].Number())
		}
	}
	for n, g := range r.groups() {
		if got := empty.groups()[n]; len(got.Changes) != len(g.Changes) {
			t.Errorf("%s: %d became %d", g.Slug, len(g.Changes), len(got.Changes))
		}
	}
	if r.decommissioned() != empty.decommissioned() ||
		r.rehearsal() != empty.rehearsal() ||
		len(r.countReviews().Done) != len(empty.countReviews().Done) {
		t.Errorf("%s %s", empty.decommissioned(), empty.rehearsal())
	}
}

func TestWhatCannotBeIncluded(t *testing.T) {
	own, err := sample().JSON()
	if err != nil {
		t.Fatal(err)
	}
	for want, content := range map[string]string{
		"already holds": own,
		"no JSON":       "<html>",
		"version":       `{"version": 9}`,
		"which system":  `{"version": 1}`,
	} {
		r := sample()
		if err := r.Include(content); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if len(r.Inventory.Items) != len(sample().Inventory.Items) {
			t.Errorf("%s: something was taken in", want)
		}
	}
	r := sample()
	if err := r.Include(another(t)); err != nil {
		t.Fatal(err)
	}
	if err := r.Include(another(t)); err == nil {
		t.Error("the same report was included twice")
	}
}

// A partner's report keeps its rehearsals, its subcontractors and what was cut of both.
func TestAPartnersReportKeepsWhatIsTheirs(t *testing.T) {
	r := portfolio()
	r.Lines = append(r.Lines, journal.Line{Time: day(-1), Phase: journal.Done, Verb: journal.Revoke, Change: "sub",
		Type: "identity", ID: "subbed/prod/x",
		Before: &journal.Given{ParentID: "acme/prod/export"}})
	r.Narrow("acme", "")
	var holders []string
	for _, h := range r.holdings() {
		holders = append(holders, h.Holder)
	}
	if want := []string{"acme/prod/billing", "acme/prod/export", "acme/prod/support",
		"soylent/prod/export"}; !slices.Equal(slices.Sorted(slices.Values(holders)), want) {
		t.Errorf("%v", holders)
	}
	if len(changesIn(r, rehearsed)) != 1 || len(changesIn(r, cut)) != 1 {
		t.Errorf("%d rehearsals, %d cuts", len(changesIn(r, rehearsed)), len(changesIn(r, cut)))
	}
	page := html(t, r)
	for _, bad := range []string{"globex", "oscorp", "umbrella"} {
		if strings.Contains(page, bad) {
			t.Errorf("%s is on the page", bad)
		}
	}
	if !strings.Contains(page, "Only the access of acme and of its subcontractors is shown.") ||
		!strings.Contains(page, "refused after 1.62 s") {
		t.Error("the page does not say what it shows, or not the rehearsal")
	}
	for _, s := range r.sources() {
		if !s.Since.Equal(day(-90)) {
			t.Errorf("the journal begins at %v", s.Since)
		}
	}
}

func TestAnOwnersReportHoldsWholeIdentities(t *testing.T) {
	r := portfolio()
	r.Narrow("", "KIM.left@example.com")
	if n := len(r.holdings()); n != 3 {
		t.Errorf("%d identities", n)
	}
	for _, h := range r.holdings() {
		if h.Partner != "umbrella" || len(h.left()) == 0 {
			t.Errorf("%s is there", h.Holder)
		}
	}
}

// Unknown is never 0: with nothing looked at, no number says so.
func TestUnknownNeverReadsZero(t *testing.T) {
	r := &Report{Inventory: &inventory.Inventory{
		System:        "embedded",
		At:            now,
		Unchecked:     inventory.Flags(),
		OwnersUnknown: true,
	}, Rules: portfolioRules()}
	r.Inventory.Items = []inventory.Item{{
		Type:        access.TypeCredential,
		ID:          "a/prod/x/secret",
		Partner:     "a",
		Environment: "prod",
		Name:        "x",
		UseUnknown:  true,
		EndsAt:      day(3),
	}}
	all := renderings(t, r)
	for form, wants := range map[string][]string{
		"html": {"not known: nobody looked for them", "last used: not known", "<p class=\"none\">Not checked.</p>",
			"not checked</div>", "no journal was read", "None is known.",
			`id="figure-ended" class="tile unknown"><b class="number-of">?</b>`,
			"The record is not whole: no journal was read.", "<b>Cuts by hand in the period:</b> ?.",
			`Cut <span class="number">?</span>`, `Gaps <span class="number">?</span>`,
			`<p class="none">Not known: no journal was read.</p>`,
			"service providers: not known: no journal was read."},
		"md": {"| Undeclared | ? | not known: nobody looked for them |", "| Owner left | ? |", "last used not known",
			"Not checked.", "| 0 of 1 |",
			"| Ended in this period | ? | not known: no journal was read |", "| None is known. | 0 of 0 | ? |",
			"### Cut (?)\n\nNot known: no journal was read.", "### Gaps (?)\n\nNot known:"},
		"json": {`"unknown": "nobody looked for them"`, `"verdict": "not checked"`},
		"csv":  {",true,"},
	} {
		for _, want := range wants {
			if !strings.Contains(all[form], want) {
				t.Errorf("%s does not say %q", form, want)
			}
		}
	}
	for _, wrong := range []string{"last used: never", "the journal is whole", "no partner left",
		"None of 1 objects needs"} {
		if strings.Contains(all["html"]+all["md"], wrong) {
			t.Errorf("unknown reads %q", wrong)
		}
	}
}

func TestAHoldingStandsAsItsPartsDo(t *testing.T) {
	item := func(kind access.Type, status string, end time.Time) *inventory.Item {
		return &inventory.Item{Type: kind, ID: "x", Status: status, EndsAt: end}
	}
	active, ended := day(9), day(-9)
	for _, c := range []struct {
		name   string
		h      holding
		logins int
		want   Standing
	}{
		{"in force", holding{
			Identity:    item("identity", "active", active),
			Credentials: []*inventory.Item{item("credential", "active", active)},
			Grants:      []*inventory.Item{item("grant", "active", active)},
		}, 0, CanAct},
		{"its moment has come", holding{Identity: item("identity", "active", now)}, 0, Ended},
		{"its grant ended", holding{
			Identity:    item("identity", "active", active),
			Credentials: []*inventory.Item{item("credential", "active", active)},
			Grants:      []*inventory.Item{item("grant", "expired", ended)},
		}, 0, Idle},
		{"no credential", holding{Identity: item("identity", "active", active),
			Grants: []*inventory.Item{item("grant", "active", active)}}, 0, Idle},
		{"a login from before it was adopted",
			holding{Identity: item("identity", "active", active),
				Grants: []*inventory.Item{item("grant", "active", active)}}, 1, CanAct},
		{"held", holding{
			Identity:    item("identity", "held", active),
			Credentials: []*inventory.Item{item("credential", "held", active)},
			Grants:      []*inventory.Item{item("grant", "active", active)},
		}, 0, Held},
		{"its only credential held", holding{
			Identity:    item("identity", "active", active),
			Credentials: []*inventory.Item{item("credential", "held", active)},
			Grants:      []*inventory.Item{item("grant", "active", active)},
		}, 0, Held},
		{"one of two held", holding{
			Identity:    item("identity", "active", active),
			Credentials: []*inventory.Item{item("credential", "held", active), item("credential", "active", active)},
			Grants:      []*inventory.Item{item("grant", "active", active)},
		}, 0, CanAct},
		{"suspended", holding{Identity: item("identity", "suspended", active)}, 0, Suspended},
		{"nobody declared it", holding{Identity: &inventory.Item{Type: "identity", NativeID: "x"}}, 0, Undeclared},
		{"its identity is gone", holding{Credentials: []*inventory.Item{item("credential", "due", time.Time{})},
			Grants: []*inventory.Item{item("grant", "active", active)}}, 0, CanAct},
	} {
		if c.h.Identity != nil {
			c.h.Identity.Logins = c.logins
		}
		if got := c.h.stands(now); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestTheDirectionOfAChange(t *testing.T) {
	base := func(change func(*journal.Given)) *journal.Given {
		g := &journal.Given{Resource: "orders/acme/*", Actions: []string{"read"}, EndsAt: day(30),
			Ceiling: []string{"orders/acme/*"}, AllowedCIDRs: []string{"203.0.113.0/24"},
			Trust: &journal.Trust{Issuer: "https://a", Subject: "s"}}
		change(g)
		return g
	}
	same := base(func(*journal.Given) {})
	for name, c := range map[string]struct {
		verb journal.Verb
		is   *journal.Given
		want string
	}{
		"another action": {journal.Change,
			base(func(g *journal.Given) { g.Actions = []string{"read", "write"} }), widened},
		"another resource": {journal.Change, base(func(g *journal.Given) { g.Resource = "orders/*" }),
			widened},
		"a part of it": {journal.Change, base(func(g *journal.Given) { g.Resource = "orders/acme/in/*" }),
			narrowed},
		"a wider ceiling": {journal.Change, base(func(g *journal.Given) { g.Ceiling = nil }), widened},
		"a larger network": {journal.Change,
			base(func(g *journal.Given) { g.AllowedCIDRs = []string{"203.0.112.0/23"} }), widened},
		"the network in two halves": {journal.Change,
			base(func(g *journal.Given) { g.AllowedCIDRs = []string{"203.0.113.0/25", "203.0.113.128/25"} }), other},
		"what is no network": {journal.Change,
			base(func(g *journal.Given) { g.AllowedCIDRs = []string{"elsewhere"} }), widened},
		"any network": {journal.Change, base(func(g *journal.Given) { g.AllowedCIDRs = nil }), widened},
		"a smaller network": {journal.Change,
			base(func(g *journal.Given) { g.AllowedCIDRs = []string{"203.0.113.9/32"} }), narrowed},
		"somebody else": {journal.Change,
			base(func(g *journal.Given) { g.Trust = &journal.Trust{Issuer: "https://a", Subject: "other"} }), widened},
		"a later end": {journal.Renew, base(func(g *journal.Given) { g.EndsAt = day(60) }), renewed},
		"a later end, and an action": {journal.Renew,
			base(func(g *journal.Given) { g.EndsAt, g.Actions = day(60), []string{"write"} }), widened},
		"an earlier end": {journal.Change, base(func(g *journal.Given) { g.EndsAt = day(3) }), narrowed},
		"another owner":  {journal.Change, base(func(g *journal.Given) { g.Owner = "b" }), other},
		"issued anew":    {journal.Rotate, same, rotated},
		"nobody knows":   {journal.Change, nil, other},
	} {
		ch := &change{Line: journal.Line{Phase: journal.Done, Verb: c.verb, Before: same, After: c.is}, Outcome: "done"}
		if got := ch.sort(); got != c.want {
			t.Errorf("%s is %s, not %s", name, got, c.want)
		}
	}
}

// Two systems held an identity of one id, and both cut it in the period.
func TestWhatTwoSystemsCutIsCountedInBoth(t *testing.T) {
	at := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	r := &Report{Inventory: &inventory.Inventory{System: "embedded", At: at}}
	for _, source := range []string{"", "prod (aws)"} {
		r.changed = append(r.changed, &change{
			Asked: at, Outcome: string(journal.Done), Source: source,
			Line: journal.Line{Verb: journal.Revoke, Phase: journal.Done, Type: "identity", ID: "acme/prod/etl"},
		})
	}
	if all := r.cuts(nil); len(all) != 2 {
		t.Errorf("%d are counted of 2", len(all))
	}
}
