// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func TestTheDefaultsAreValid(t *testing.T) {
	if errs := Defaults().Validate(); len(errs) > 0 {
		t.Error(errs)
	}
}

func TestSettingsThatCannotBe(t *testing.T) {
	lifetime := func(of access.Type, d time.Duration) func(*Settings) {
		return func(s *Settings) { s.MaxLifetime[of] = d }
	}
	level := func(slug string, l Level) func(*Settings) {
		return func(s *Settings) { s.Levels = map[string]Level{slug: l} }
	}
	for _, c := range []struct {
		name, setting, text string
		change              func(*Settings)
	}{
		{"an unknown rule", "levels", `"expiry/to-long" is no rule. The rules, nearest first: expiry/too-long, `,
			level("expiry/to-long", Warn)},
		{"an unknown rule lists all", "levels", "delegation/cycle", level("x", Warn)},
		{"a fixed rule lowered", "levels", "expiry/indefinite is fixed at deny and cannot be lowered to warn",
			level("expiry/indefinite", Warn)},
		{"a fixed rule switched off", "levels", "The rules that can be: activity/dormant",
			level("waiver/expired", Off)},
		{"no level", "levels", "no level", level("expiry/too-long", 7)},
		{"an identity over two years", "max_lifetime.identity", "17544h or less",
			lifetime(access.TypeIdentity, 731*day+1)},
		{"a credential over two years", "max_lifetime.credential", "no configuration can raise",
			lifetime(access.TypeCredential, 800*day)},
		{"a grant over a year", "max_lifetime.grant", "8784h or less", lifetime(access.TypeGrant, 366*day+1)},
		{"a grant that never lives", "max_lifetime.grant", "not a length of time over zero",
			lifetime(access.TypeGrant, 0)},
		{"a negative warning", "warn_before", "-1h", func(s *Settings) { s.WarnBefore = -time.Hour }},
		{"no review", "review_every", "0s", func(s *Settings) { s.ReviewEvery = 0 }},
		{"never dormant", "dormant_after", "0s", func(s *Settings) { s.DormantAfter = 0 }},
		{"no fixed segment", "min_fixed_segments", "less than 1", func(s *Settings) { s.MinFixedSegments = 0 }},
		{"no grant", "max_grants", "less than 1", func(s *Settings) { s.MaxGrants = -1 }},
		{"an address as a domain", "owner_domains", "not a domain",
			func(s *Settings) { s.OwnerDomains = []string{"jane@example.com"} }},
		{"no domain", "owner_domains", "it is empty", func(s *Settings) { s.OwnerDomains = []string{} }},
		{"nobody active", "active_owners", "it is empty", func(s *Settings) { s.ActiveOwners = []string{} }},
	} {
		s := Defaults()
		c.change(&s)
		errs := s.Validate()
		if len(errs) != 1 ||
			errs[0].Setting != c.setting ||
			!strings.Contains(errs[0].Problem, c.text) {
			t.Errorf("%s: %v, want %s: ...%s...", c.name, errs, c.setting, c.text)
		}
	}
	for _, ok := range []func(*Settings){
		lifetime(access.TypeIdentity, 731*day), lifetime(access.TypeGrant, 366*day), level("expiry/too-long", Off),
		level("expiry/soon", Deny),
		level("expiry/past", Deny),
	} {
		s := Defaults()
		ok(&s)
		if errs := s.Validate(); len(errs) > 0 {
			t.Error(errs)
		}
	}
}

func TestLevelsAreReadAsTheyAreWritten(t *testing.T) {
	for _, l := range []Level{Off, Warn, Deny} {
		if got, err := ParseLevel(l.String()); err != nil || got != l {
			t.Errorf("ParseLevel(%q) = %v, %v", l, got, err)
		}
	}
	if _, err := ParseLevel("error"); err == nil {
		t.Error("error is a level")
	}
}

func TestAFindingSaysRuleProblemReasonRemedyAndControls(t *testing.T) {
	s := build(plans(identity(etl, agreement(on("2027-01-31")))))
	found := s.findings()
	if len(found) != 1 {
		t.Fatalf("%d findings:\n%s", len(found), texted(found))
	}
	f := found[0]
	if got, want := f.Summary(), "expiry/outlives-agreement: the access outlives the agreement that "+
		"it rests on"; got != want {
		t.Errorf("summary %q, want %q", got, want)
	}
	want :=
		`Identity acme/prod/etl: expires_at is 2027-03-31 but agreement MSA-1 ends on 2027-01-31: the partner would keep access for 59 days without a contract. ` +
			`Without a contract the partner is bound to nothing, and nobody is answerable for what it does. ` +
			"Set expires_at to 2027-01-31T00:00:00Z or earlier, or renew the agreement first.\n" +
			`Controls: OWASP NHI1, NIST CSF 2.0 GV.SC-10, NIST 800-53 PS-7, ISO 27001 A.5.20.`
	if got := f.Detail(); got != want {
		t.Errorf("detail\n%s\nwant\n%s", got, want)
	}
}

func TestFindPrefersThePlan(t *testing.T) {
	p := build(holds(identity(etl)), holds(grant(etl, "daily"))).portfolio()
	p.Put(Subject{Object: identity(etl, suspended), Nonce: "a"})
	if s, planned, ok := p.Find(identityID(etl).Ref()); !ok ||
		!planned ||
		!s.Object.(*access.Identity).Suspended {
		t.Error("the identity is not as the plan leaves it")
	}
	if _, planned, ok := p.Find(grant(etl, "daily").Ref()); !ok || planned {
		t.Error("the grant is not as the system holds it")
	}
	if _, _, ok := p.Find(grant(etl, "weekly").Ref()); ok {
		t.Error("there is a grant that is nowhere")
	}
	if found := p.Evaluate(grant(etl, "daily").Ref(), "", Plan, today); found != nil {
		t.Error("what did not arrive is evaluated")
	}
}
