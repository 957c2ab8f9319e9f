// SPDX-License-Identifier: MPL-2.0

package report

import (
	"fmt"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

var now = time.Date(2027, 3, 1, 9, 30, 0, 0, time.UTC)

// day is a moment so many days from now.
func day(n int) time.Time { return now.AddDate(0, 0, n) }

// sample is a report as an auditor would see it: three partners, one that left things behind, one that is in order.
func sample() *Report {
	return &Report{
		Title:     "Partners' access to production, first quarter of 2027",
		Inventory: &inventory.Inventory{System: "openbao", At: now, Items: sampleItems()},
		Source:    Source{Environment: "prod", ID: "5f1c", Place: "https://bao.example.com"},
		Parties: map[string]Party{ // of initech's kind the register does not say
			"acme": {Kind: "vendor", Agreement: &access.Agreement{Reference: "MSA-2026-014",
				EndsAt: access.At(day(120))},
				Steps: []string{"bao delete identity/entity/name/partner-acme-prod-export"}},
			"globex": {Kind: "integrator",
				Agreement: &access.Agreement{Reference: "DPA-77", EndsAt: access.At(day(20))}},
			"initech": {Agreement: &access.Agreement{Reference: "SOW-3", EndsAt: access.At(day(-12))}},
		},
		Judged: []string{"acme/prod/export/orders", "initech/test/load", "globex/prod/billing/secret"},
		From:   day(-59), To: day(1),
		Lines: sampleLines(),
		Gaps: []string{"Lines 12 to 14 are missing: line 15 does not chain to line 11.",
			"Nothing was written between 2027-02-03 and 2027-02-09."},
		Findings: sampleFindings(),
	}
}

func sampleItems() []inventory.Item {
	review := &access.Review{At: access.At(day(-30)), By: "dana.reviewer", Reason: "Still ships the nightly export."}
	agreement := &access.Agreement{Reference: "MSA-2026-014", EndsAt: access.At(day(120))}
	items := []inventory.Item{
		{Type: access.TypeIdentity, ID: "acme/prod/export", NativeID: "partner-acme-prod-export", Partner: "acme",
			Environment: "prod", Name: "export",
			Owner: "team-data", Purpose: "Nightly export of orders", Contact: "ops@acme.example",
			Stack:   "partners-prod",
			Ceiling: []string{"kv/data/orders/*"}, Agreement: agreement, Review: review,
			ExpiresAt: day(90), EndsAt: day(90), CreatedAt: day(-200), RenewedAt: day(-30), ReviewedAt: day(-30),
			LastUsedAt: day(-1),
			Renewals:   2, Status: "active", Flags: []inventory.Flag{inventory.Governed},
			EnforcedBy: "openbao, at the next login",
			Revocation: []string{"bao delete identity/entity/name/partner-acme-prod-export",
				"Check that the login is refused."}},
		{Type: access.TypeCredential, ID: "acme/prod/export/federated", Partner: "acme", Environment: "prod",
			Name: "export", Kind: access.Federated,
			Owner: "team-data", Stack: "partners-prod", EndsAt: day(88), ExpiresAt: day(88), CreatedAt: day(-200),
			RenewedAt: day(-30), ReviewedAt: day(-30),
			LastUsedAt: day(-1), Status: "active", Flags: []inventory.Flag{inventory.Governed},
			EnforcedBy: "openbao, at the next login",
			Revocation: []string{"bao delete auth/jwt/role/partner-acme-prod-export"}},
		{Type: access.TypeGrant, ID: "acme/prod/export/orders", Partner: "acme", Environment: "prod", Name: "export",
			Owner: "team-data",
			Stack: "partners-prod", Resource: "kv/data/orders/*", Actions: []string{"read", "list"}, EndsAt: day(25),
			ExpiresAt: day(25), CreatedAt: day(-200),
			LastUsedAt: day(-1), Status: "expiring",
			Flags:      []inventory.Flag{inventory.Governed, inventory.Drifted, inventory.Expiring},
			Drift:      []string{"The system also allows update on kv/data/orders/*."},
			EnforcedBy: "openbao, on each request", Revocation: []string{"bao policy delete partner-acme-prod-export"},
			Waivers: map[string]access.Waiver{
				"wildcard-resource": {
					Reason:   "Order paths are not known beforehand",
					Approver: "ciso",
					Until:    access.At(day(60)),
				},
				"long-lived": {Reason: "Until the new export", Approver: "ciso", Until: access.At(day(10))},
			}},
		{Type: access.TypeIdentity, ID: "globex/prod/billing", Partner: "globex", Environment: "prod", Name: "billing",
			Owner:   "team-finance",
			Purpose: "Invoices", Contact: "it@globex.example", Stack: "partners-prod", EndsAt: day(20),
			ExpiresAt: day(45), CreatedAt: day(-80),
			LastUsedAt: day(-50), Status: "expiring",
			Flags:      []inventory.Flag{inventory.Governed, inventory.Dormant, inventory.Expiring},
			EnforcedBy: "openbao, at the next login",
			Revocation: []string{"bao delete identity/entity/name/partner-globex-prod-billing"}},
		{Type: access.TypeCredential, ID: "globex/prod/billing/secret", Partner: "globex", Environment: "prod",
			Name: "billing", Kind: access.Secret,
			Owner: "team-finance", Stack: "partners-prod", EndsAt: day(20), ExpiresAt: day(20), RotatesAt: day(5),
			CreatedAt: day(-80),
			Status:    "due", Flags: []inventory.Flag{inventory.Governed, inventory.Unused, inventory.Expiring},
			EnforcedBy: "openbao, by its lease",
			Revocation: []string{"bao lease revoke -prefix auth/approle/partner-globex-prod-billing"}},
		{Type: access.TypeIdentity, ID: "initech/test/load", Partner: "initech", Environment: "test", Name: "load",
			Owner:   "left.the.company",
			Purpose: "Load tests", Stack: "partners-test", EndsAt: day(-12), ExpiresAt: day(40), CreatedAt: day(-150),
			Status: "expired",
			Flags:  []inventory.Flag{inventory.Governed, inventory.Orphaned}, EnforcedBy: "openbao, at the next login",
			Revocation: []string{"bao delete identity/entity/name/partner-initech-test-load"}},
		{Type: access.TypeCredential, NativeID: "auth/userpass/users/initech-admin", Partner: "initech",
			Kind: access.Secret, CreatedAt: day(-400),
			LastUsedAt: day(-2), Flags: []inventory.Flag{inventory.Ungoverned},
			Why: "Its name begins with that of a partner, and it may log in.",
			Import: "import {\n  to = partner_credential.initech_admin\n  id = " +
				"\"auth/userpass/users/initech-admin\"\n}",
			Revocation: []string{"bao delete auth/userpass/users/initech-admin"}},
		{Type: access.TypeGrant, NativeID: "policy/legacy-vendor", Resource: "*", Actions: []string{"sudo"},
			Flags:      []inventory.Flag{inventory.Ungoverned},
			Why:        "It reaches everything, and no stack declares it.",
			Revocation: []string{"bao policy delete legacy-vendor"}},
	}
	return items
}

func sampleLines() []journal.Line {
	actor := journal.Actor{Name: "alice", Kind: "user", Host: "laptop"}
	ci := journal.Actor{Name: "release-bot", Kind: "ci", Run: "https://ci.example/runs/881", Host: "runner-4"}
	review := &journal.Review{At: day(-30), By: "dana.reviewer", Reason: "Still ships the nightly export."}
	lines := []journal.Line{
		{
			Time:   day(-70),
			Phase:  journal.Intent,
			Verb:   journal.Create,
			Change: "c0",
			Actor:  actor,
			Type:   "identity",
			ID:     "before/the/period",
		},
		{
			Time:   day(-70),
			Phase:  journal.Done,
			Verb:   journal.Create,
			Change: "c0",
			Actor:  actor,
			Type:   "identity",
			ID:     "before/the/period",
		},
		{Time: day(-50), Phase: journal.Intent, Verb: journal.Create, Change: "c1", Actor: actor, Type: "identity",
			ID: "umbrella/prod/lab", Owner: "team-lab", EndsAt: day(30),
			After: &journal.Given{Owner: "team-lab", Ceiling: []string{"lab/umbrella/*"}}},
		{
			Time:   day(-50).Add(time.Second),
			Phase:  journal.Done,
			Verb:   journal.Create,
			Change: "c1",
			Actor:  actor,
			Type:   "identity",
			ID:     "umbrella/prod/lab",
			UID:    "u1",
			Owner:  "team-lab",
			EndsAt: day(30),
		},
		{
			Time:   day(-30),
			Phase:  journal.Intent,
			Verb:   journal.Renew,
			Change: "c2",
			Actor:  ci,
			Type:   "identity",
			ID:     "acme/prod/export",
			Owner:  "team-data",
			EndsAt: day(90),
			Review: review,
		},
		{
			Time:   day(-30).Add(2 * time.Second),
			Phase:  journal.Done,
			Verb:   journal.Renew,
			Change: "c2",
			Actor:  ci,
			Type:   "identity",
			ID:     "acme/prod/export",
			Owner:  "team-data",
			EndsAt: day(90),
			Review: review,
		},
		{Time: day(-9), Phase: journal.Intent, Verb: journal.Revoke, Change: "c3", Actor: actor, Type: "identity",
			ID:     "umbrella/prod/lab",
			Before: &journal.Given{Owner: "team-lab", Ceiling: []string{"lab/umbrella/*"}}},
		{Time: day(-9).Add(3 * time.Second), Phase: journal.Done, Verb: journal.Revoke, Change: "c3", Actor: actor,
			Type: "identity", ID: "umbrella/prod/lab",
			Swept:   []string{"credential umbrella/prod/lab/secret", "token 3f"},
			Refused: day(-9).Add(1840 * time.Millisecond), Seconds: 1.84},
		{
			Time:   day(-5),
			Phase:  journal.Intent,
			Verb:   journal.Rotate,
			Change: "c4",
			Actor:  ci,
			Type:   "credential",
			ID:     "globex/prod/billing/secret",
		},
		{
			Time:   day(-5).Add(time.Second),
			Phase:  journal.Failed,
			Verb:   journal.Rotate,
			Change: "c4",
			Actor:  ci,
			Type:   "credential",
			ID:     "globex/prod/billing/secret",
			Error:  "openbao: 503 sealed",
		},
		{Time: day(-3), Phase: journal.Found, Verb: journal.Cut, Change: "c5", Actor: actor, Type: "partner",
			ID: "globex", FoundAt: day(-4),
			Found: []string{"It was cut by hand at 2027-02-25T09:30:00Z."}},
		{
			Time:   day(-2),
			Phase:  journal.Intent,
			Verb:   journal.Suspend,
			Change: "c5",
			Actor:  actor,
			Type:   "identity",
			ID:     "globex/prod/billing",
		},
	}
	for n := range lines {
		l := &lines[n]
		l.Schema, l.Seq, l.System, l.Stack = 1, int64(n+1), "openbao", "partners-prod"
		l.Hash = fmt.Sprintf("%064x", n+1)
		if n > 0 {
			l.Previous = lines[n-1].Hash
		}
	}
	return lines
}

func sampleFindings() []Finding {
	return []Finding{
		{Rule: "drift", Level: "error", Type: "grant", ID: "acme/prod/export/orders",
			Problem:  "The system allows more than was declared.",
			Fix:      "Apply the stack partners-prod, or declare update.",
			Controls: []string{"ISO 27001 A.5.18", "SOC 2 CC6.3"}},
		{Rule: "owner-left", Level: "warning", Type: "identity", ID: "initech/test/load", Problem: "Its owner left.",
			Fix:      "Name a new owner, or remove it.",
			Controls: []string{"ISO 27001 A.5.19"}},
		{
			Rule:    "no-long-lived-secret",
			Level:   "info",
			Type:    "credential",
			ID:      "globex/prod/billing/secret",
			Problem: "A secret where federation would do.",
			Fix:     "Use federated trust.",
		},
	}
}

// hostile are values as somebody would choose them to break one rendering or another.
var hostile = []string{
	"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "=HYPERLINK(\"http://evil.example\")",
	"+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1",
	"a|b|c", "line one\nline two\r\nline three", "\u202egnirts\u202c", "\u2066x\u2069", `"quoted" and 'single'`,
	"back\\slash; semi, comma", "[link](javascript:alert(1))", "`code`",
	"# heading", "* star _under_ ~~strike~~", "END:VEVENT\r\nEND:VCALENDAR", "\x00\x07nul",
	"ünïcödé 漢字 🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥", "\xff\xfe broken", "]]><!--", "javascript:alert(1)",
	"</title></style></svg>", "&amp;&lt;", "{{.}}",
}

// hostileReport has a value in every place that somebody outside may have chosen.
func hostileReport(value string) *Report {
	return &Report{
		Title: value,
		Inventory: &inventory.Inventory{System: value, At: now, Items: []inventory.Item{{
			Type: access.Type(value), ID: value, NativeID: value, Partner: value, Environment: value, Name: value,
			Parent: value, Kind: access.Kind(value),
			Owner: value, Purpose: value, Contact: value, Stack: value, Resource: value, Actions: []string{value},
			Ceiling:   []string{value},
			Agreement: &access.Agreement{Reference: value, EndsAt: access.At(day(9))},
			Review:    &access.Review{At: access.At(day(-9)), By: value, Reason: value},
			Waivers:   map[string]access.Waiver{value: {Reason: value, Approver: value, Until: access.At(day(9))}},
			CreatedAt: day(-9), ReviewedAt: day(-9), EndsAt: day(9), Status: value,
			Flags: []inventory.Flag{inventory.Flag(value), inventory.Drifted}, Drift: []string{"drift " + value},
			EnforcedBy: value, Revocation: []string{value}, Why: value, Import: value,
			Issuer: value, Subject: value, Fingerprint: value, Audiences: []string{value}, Networks: []string{value},
			OwnerLeft: true,
		}}},
		Source: Source{Environment: value, ID: value, Place: value},
		Parties: map[string]Party{value: {Kind: value, Contact: value, Steps: []string{value}, RehearsedAt: day(-3),
			Agreement: &access.Agreement{Reference: value, EndsAt: access.At(day(9))}}},
		Rules: []Rule{{Slug: value, Title: value, Controls: []string{value}}},
		From:  day(-30), To: day(1),
		Lines: []journal.Line{{Schema: 1, Seq: 1, Time: day(-1), Phase: journal.Done, Verb: journal.Verb(value),
			Change: value, System: value, Stack: value,
			Actor: journal.Actor{Name: value, Kind: value, Run: value, Host: value}, Type: value, ID: value, UID: value,
			Owner:  value,
			Review: &journal.Review{At: day(-9), By: value, Reason: value}, Swept: []string{value}, Serial: value,
			Error: value,
			Before: &journal.Given{
				Owner:    value,
				Contact:  value,
				Purpose:  value,
				Resource: value,
				Actions:  []string{value},
				Ceiling:  []string{value},
			},
			After: &journal.Given{Owner: value + "2", Contact: value + "2",
				Trust:   &journal.Trust{Issuer: value, Subject: value, Audiences: []string{value}},
				Waivers: map[string]journal.Waiver{value: {Approver: value, Reason: value}}},
		}},
		Gaps: []string{value},
		Findings: []Finding{{
			Rule:     value,
			Level:    value,
			Type:     value,
			ID:       value,
			Problem:  value,
			Fix:      value,
			Controls: []string{value},
		}},
	}
}
