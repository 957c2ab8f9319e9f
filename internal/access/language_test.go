// SPDX-License-Identifier: MPL-2.0

package access

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestIDsThatAreNone(t *testing.T) {
	for _, text := range []string{"", "acme", "acme/prod", "acme/prod/a/b", "acme//a", "../prod/a", "acme/prod/..",
		"Acme/prod/a", "acme/prod/a b", "acme/prod/a%2e", "acme/prod/-a", "acme/prod/оrders",
		"acme/prod/" + strings.Repeat("a", 64), "acme/prod/a\n"} {
		if id, err := ParseIdentityID(text); err == nil {
			t.Errorf("ParseIdentityID(%q) = %s, want an error", text, id)
		}
	}
	for _, text := range []string{"acme/prod/a/password", "acme/prod/a", "acme/prod/a/secret/b", "acme/prod/a/Secret"} {
		if _, _, err := parseCredentialID(text); err == nil {
			t.Errorf("parseCredentialID(%q) succeeds", text)
		}
	}
	holder, kind, err := parseCredentialID("acme/prod/orders-etl/ssh_certificate")
	if err != nil || kind != SSHCertificate || holder.Name != "orders-etl" {
		t.Error(holder, kind, err)
	}
}

func TestAGrantsNameIsMadeOfItsResourceAndActions(t *testing.T) {
	name := GrantName("orders/acme/daily/*", []string{"read", "list"})
	if name != GrantName("orders/acme/daily/*", []string{"list", "read"}) {
		t.Error("the order of the actions counts")
	}
	if name == GrantName("orders/acme/daily/*", []string{"read"}) ||
		name == GrantName("orders/acme/daily/+", []string{"read", "list"}) {
		t.Error("another grant has the same name")
	}
	for _, resource := range []Pattern{"*", "+/+", "a", Pattern(strings.Repeat("Orders~", 40)), "_/_"} {
		if name := GrantName(resource, []string{"read"}); !ValidPart(name) {
			t.Errorf("%s is named %q", resource, name)
		}
	}
}

func TestAMomentIsKeptToTheLetter(t *testing.T) {
	for _, text := range []string{"2027-03-31T00:00:00Z", "2027-03-31T02:00:00+02:00", "2027-03-31T00:00:00.000Z",
		"2027-03-31T00:00:00+00:00"} {
		m, err := ParseMoment(text)
		if err != nil || m.String() != text || m.Location() != time.UTC {
			t.Errorf("%s became %s (%v)", text, m, err)
		}
	}
	for _, text := range []string{"2027-03-31", "2027-03-31T00:00:00", "31.3.2027", "soon", "",
		"2027-02-30T00:00:00Z"} {
		if _, err := ParseMoment(text); err == nil {
			t.Errorf("%q is a moment", text)
		}
	}
}

func at(text string) Moment {
	m, err := ParseMoment(text)
	if err != nil {
		panic(err)
	}
	return m
}

func TestAnEndIsTheEarliestOfAllThatBoundsIt(t *testing.T) {
	march := at("2027-03-01T00:00:00Z")
	april := at("2027-04-01T00:00:00Z")
	may := at("2027-05-01T00:00:00Z")
	waived := func(slug string, until Moment) Terms {
		return Terms{ExpiresAt: may, Waivers: map[string]Waiver{slug: {Until: until}}}
	}
	for name, c := range map[string]struct {
		terms      Terms
		above      time.Time
		agreements []time.Time
		want       Moment
	}{
		"its own":          {terms: Terms{ExpiresAt: march}, want: march},
		"what it hangs on": {terms: Terms{ExpiresAt: may}, above: april.Time, want: april},
		"the agreement": {
			terms:      Terms{ExpiresAt: may},
			agreements: []time.Time{april.Time, march.Time},
			want:       march,
		},
		"a waiver of an expiry rule": {terms: waived("expiry/too-long", march), want: march},
		"no waiver of another rule":  {terms: waived("scope/privileged", march), want: may},
		"the waiver in place of the agreement": {
			terms:      waived(OutlivesAgreement, april),
			agreements: []time.Time{march.Time},
			want:       april,
		},
		"but still of what it hangs on": {
			terms:      waived(OutlivesAgreement, april),
			above:      march.Time,
			agreements: []time.Time{march.Time},
			want:       march,
		},
		"nothing but its own when nothing else": {terms: Terms{ExpiresAt: may}, agreements: []time.Time{{}}, want: may},
	} {
		t.Run(name, func(t *testing.T) {
			if got := End(&Identity{Terms: c.terms}, c.above, c.agreements...); !got.Equal(c.want.Time) {
				t.Errorf("ends on %s, want %s", got, c.want)
			}
		})
	}
}

func TestADeclarationIsTheSameForTheSameObject(t *testing.T) {
	a := &Grant{
		Resource: "a/b",
		Actions:  []string{"read", "list"},
		Terms:    Terms{ExpiresAt: at("2027-03-31T02:00:00+02:00")},
	}
	b := &Grant{
		Resource: "a/b",
		Actions:  []string{"list", "read"},
		Terms:    Terms{ExpiresAt: at("2027-03-31T02:00:00+02:00")},
	}
	first, err := Declaration(a)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Declaration(b)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("%s\n%s\n%v", first, second, err)
	}
	back, err := ParseDeclaration(TypeGrant, first)
	if err != nil || back.Common().ExpiresAt.String() != "2027-03-31T02:00:00+02:00" {
		t.Error(back, err)
	}
}

func TestAReviewIsUsedByACreationAndAnExtension(t *testing.T) {
	old := &Review{At: at("2026-11-01T00:00:00Z")}
	fresh := &Review{At: at("2026-12-01T00:00:00Z")}
	march := &Grant{Terms: Terms{ExpiresAt: at("2027-03-01T00:00:00Z")}}
	april := &Grant{Terms: Terms{ExpiresAt: at("2027-04-01T00:00:00Z")}}
	now := at("2026-12-02T00:00:00Z").Time
	h := Born("s", now, old)
	if !h.ReviewUsedAt.Equal(old.At.Time) {
		t.Error("creation does not use the review that stands")
	}
	h = h.Next(march, march, time.Time{}, now, fresh)
	if !h.ReviewUsedAt.Equal(old.At.Time) || !h.ReviewedAt.Equal(fresh.At.Time) || h.Renewals != 0 {
		t.Errorf("a review applied in between is unused: %+v", h)
	}
	h = h.Next(march, april, time.Time{}, now, nil, fresh)
	if !h.ReviewUsedAt.Equal(fresh.At.Time) || h.Renewals != 1 || !h.RenewedAt.Equal(now) {
		t.Errorf("an extension uses it, and counts: %+v", h)
	}
}

func TestWhatMerelyReducesIsNotWidened(t *testing.T) {
	every := Span{Duration: 720 * time.Hour}
	overlap := Span{Duration: 48 * time.Hour}
	waived := func(until, approver string) Object {
		return &Grant{Terms: Terms{Waivers: map[string]Waiver{"scope/overlap": {Approver: approver, Until: at(until)}}}}
	}
	ending := func(until string) Object {
		g := &Grant{Terms: Terms{ExpiresAt: at("2028-01-01T00:00:00Z")}}
		if until != "" {
			g.Waivers = map[string]Waiver{"expiry/too-long": {Until: at(until)}}
		}
		return g
	}
	for name, c := range map[string]struct {
		before, after Object
		attribute     string
		widened       bool
	}{
		"an earlier end": {&Grant{Terms: Terms{ExpiresAt: at("2027-03-02T00:00:00Z")}},
			&Grant{Terms: Terms{ExpiresAt: at("2027-03-01T00:00:00Z")}}, "expires_at", false},
		"the same end elsewhere": {&Grant{Terms: Terms{ExpiresAt: at("2027-03-01T00:00:00Z")}},
			&Grant{Terms: Terms{ExpiresAt: at("2027-03-01T01:00:00+01:00")}}, "expires_at", false},
		"a later end": {&Grant{Terms: Terms{ExpiresAt: at("2027-03-01T00:00:00Z")}},
			&Grant{Terms: Terms{ExpiresAt: at("2027-03-02T00:00:00Z")}}, "expires_at", true},
		"fewer actions": {&Grant{Actions: []string{"read", "list"}}, &Grant{Actions: []string{"list"}},
			"actions", false},
		"another action": {&Grant{Actions: []string{"read"}}, &Grant{Actions: []string{"list"}}, "actions",
			true},
		"a narrower pattern":   {&Grant{Resource: "a/*"}, &Grant{Resource: "a/b/+"}, "resource", false},
		"a sideways pattern":   {&Grant{Resource: "a/*"}, &Grant{Resource: "b/*"}, "resource", true},
		"a first ceiling":      {&Identity{}, &Identity{Ceiling: []Pattern{"a/*"}}, "ceiling", false},
		"a ceiling taken away": {&Identity{Ceiling: []Pattern{"a/*"}}, &Identity{}, "ceiling", true},
		"suspending":           {&Identity{}, &Identity{Suspended: true}, "suspended", false},
		"resuming":             {&Identity{Suspended: true}, &Identity{}, "suspended", true},
		"withdrawing subcontractors": {&Identity{Subcontractors: &Subcontractors{Allowed: true, MaxDepth: 2}},
			&Identity{}, "subcontractors", false},
		"deeper subcontractors": {&Identity{Subcontractors: &Subcontractors{Allowed: true, MaxDepth: 1}},
			&Identity{Subcontractors: &Subcontractors{Allowed: true, MaxDepth: 2}}, "subcontractors", true},
		"rotating more often": {&Credential{Rotation: &Rotation{Every: every}},
			&Credential{Rotation: &Rotation{Every: overlap}}, "rotation", false},
		"rotating at all": {&Credential{}, &Credential{Rotation: &Rotation{Every: every}}, "rotation",
			false},
		"not rotating any more": {&Credential{Rotation: &Rotation{Every: every}}, &Credential{}, "rotation", true},
		"revoking what was issued": {&Credential{}, &Credential{RevokeIssuedBefore: at("2027-03-01T00:00:00Z")},
			"revoke_issued_before", false},
		"a first agreement": {&Identity{}, &Identity{Agreement: &Agreement{}}, "agreement", false},
		"a release taken away": {&Identity{
			HoldReleased:          "INC-7",
			HoldReleasedBy:        "a",
			HoldReleasedSignature: "s",
		}, &Identity{}, "hold_released", false},
		"who released is taken away": {&Identity{HoldReleasedBy: "a"}, &Identity{}, "hold_released_by", false},
		"another release": {&Identity{HoldReleased: "INC-7"}, &Identity{HoldReleased: "INC-8"},
			"hold_released", true},
		"a signature taken away": {&Identity{HoldReleasedSignature: "s"}, &Identity{}, "hold_released_signature",
			false},
		"an agreement taken away": {&Identity{Agreement: &Agreement{}}, &Identity{}, "agreement", true},
		"a waiver taken away":     {waived("2027-03-01T00:00:00Z", "a"), &Grant{}, "waivers", false},
		"a waiver for shorter": {waived("2027-03-01T00:00:00Z", "a"), waived("2027-02-01T00:00:00Z", "a"),
			"waivers", false},
		"a waiver for longer": {waived("2027-03-01T00:00:00Z", "a"), waived("2027-03-02T00:00:00Z", "a"),
			"waivers", true},
		"a waiver by another": {waived("2027-03-01T00:00:00Z", "a"), waived("2027-02-01T00:00:00Z", "b"),
			"waivers", true},
		"a waiver":                 {&Grant{}, waived("2027-03-01T00:00:00Z", "a"), "waivers", true},
		"an end that a waiver set": {ending("2027-03-01T00:00:00Z"), ending(""), "expires_at", true},
		"an end that a waiver moves": {ending("2027-03-01T00:00:00Z"), ending("2027-03-02T00:00:00Z"), "expires_at",
			true},
		"an end that a waiver sets": {ending(""), ending("2027-03-01T00:00:00Z"), "expires_at", false},
		"another owner": {&Grant{Terms: Terms{Owner: "a"}}, &Grant{Terms: Terms{Owner: "b"}}, "owner",
			true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Widened(c.before, c.after, c.attribute); got != c.widened {
				t.Errorf("widened = %v", got)
			}
			if Widened(c.after, c.after, c.attribute) || Lessens(c.after, c.after) {
				t.Error("no change counts as widened, or as less")
			}
			same, waiverGone := name == "the same end elsewhere", name == "an end that a waiver set"
			if got := Lessens(c.before, c.after); got != (!c.widened && !same || waiverGone) {
				t.Errorf("lessens = %v", got)
			}
		})
	}
}

func TestAHistoryIsALine(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 12, 0, 0, 0, time.UTC) }
	for want, h := range map[string]History{
		"created 2026-11-01T12:00:00Z":                                {CreatedAt: day(1)},
		"created 2026-11-01T12:00:00Z; reviewed 2026-11-02T12:00:00Z": {CreatedAt: day(1), ReviewedAt: day(2)},
		"created 2026-11-01T12:00:00Z; renewed once, 2026-11-03T12:00:00Z; reviewed 2026-11-02T12:00:00Z": {
			CreatedAt:  day(1),
			ReviewedAt: day(2),
			Renewals:   1,
			RenewedAt:  day(3),
		},
		"created 2026-11-01T12:00:00Z; renewed 2 times, last 2026-11-04T12:00:00Z; reviewed 2026-11-03T12:00:00Z": {
			CreatedAt:  day(1),
			ReviewedAt: day(3),
			Renewals:   2,
			RenewedAt:  day(4),
		},
	} {
		if got := HistoryLine(h); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// 90m was shown as 1h3.
func TestALengthOfTimeIsWrittenAsItIsRead(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"720h": 720 * time.Hour, "1h30m": 90 * time.Minute, "10m": 10 * time.Minute,
		"1h0m30s": time.Hour + 30*time.Second, "30s": 30 * time.Second,
		"10h": 10 * time.Hour, "0s": 0,
	} {
		if got := Hours(d); got != want {
			t.Errorf("Hours(%d) = %q, want %q", d, got, want)
		}
		if s, err := ParseSpan(Hours(d)); d > 0 && (err != nil || s.Duration != d) {
			t.Errorf("%q is read as %v, %v", Hours(d), s.Duration, err)
		}
	}
}
