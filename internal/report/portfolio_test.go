// SPDX-License-Identifier: MPL-2.0

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/journal"
)

// neglects are the partners of the portfolio, each with what is wrong with its access. The first three are in order.
var neglects = []struct{ name, kind, neglect string }{
	{"acme", "vendor", ""}, {"globex", "integrator", ""}, {"initech", "vendor", ""},
	{"umbrella", "processor", "owner left"},
	{"hooli", "vendor", "held"},
	{"stark", "supplier", "suspended"},
	{"wayne", "integrator", "agreement ended"},
	{"cyberdyne", "vendor", "ended"},
	{"soylent", "processor", "undeclared"},
	{"tyrell", "supplier", "drifted"},
	{"wonka", "vendor", "idle"},
	{"massive", "processor", "review overdue"},
}

// portfolio is a report on 12 partners with 36 identities, and every kind of neglect, at a fixed moment.
func portfolio() *Report {
	r := &Report{
		Title: "Partners' access to production, first quarter of 2027",
		Source: Source{
			Environment: "prod", ID: "0e5d7c1a", Place: "https://bao.example.com, namespace partners",
		},
		Inventory: &inventory.Inventory{System: "openbao", At: now, Unchecked: []inventory.Flag{inventory.Dormant}},
		Parties:   map[string]Party{},
		From:      day(-59), To: day(1), Rules: portfolioRules(),
		Gaps: []string{"Line 41 was added by somebody else at 2027-02-11T03:12:00Z: it is in the chain, and no " +
			"change made it."},
	}
	for n, p := range neglects {
		r.addPartner(n, p.name, p.kind, p.neglect)
	}
	stray := inventory.Item{
		Type: access.TypeIdentity, NativeID: "auth/userpass/users/soylent-admin", Partner: "soylent",
		CreatedAt: day(-400), LastUsedAt: day(-2),
		Status: "active", Flags: []inventory.Flag{inventory.Ungoverned},
		Why: "user soylent-admin: it bears the partner's name, and no provider made it",
		Revocation: []string{"bao delete -address='https://bao.example.com' -namespace='partners' " +
			"'auth/userpass/users/soylent-admin'"},
	}
	unknown := stray
	unknown.NativeID = "auth/token/role/legacy-vendor"
	unknown.Partner = ""
	unknown.LastUsedAt = time.Time{}
	unknown.UseUnknown = true
	unknown.Revocation = []string{"bao delete -address='https://bao.example.com' -namespace='partners' " +
		"'auth/token/roles/legacy-vendor'"}
	unknown.Why = "token role legacy-vendor: it is on a mount of partner access, and no provider made it"
	r.Inventory.Items = append(r.Inventory.Items, stray, unknown)
	slices.SortStableFunc(r.Inventory.Items, func(a, b inventory.Item) int { return cmp.Compare(a.ID, b.ID) })
	r.Lines = portfolioLines()
	r.Findings = portfolioFindings()
	return r
}

// owners are those of the portfolio; the last one left.
var owners = []string{"dana.owens@example.com", "lee.park@example.com", "sam.rivera@example.com",
	"kim.left@example.com"}

func (r *Report) addPartner(n int, name, kind, neglect string) {
	end := day(120 + 10*n)
	switch neglect {
	case "agreement ended":
		end = day(-12)
	case "ended":
		end = day(-20)
	}
	party := Party{
		Kind: kind, Contact: "noc@" + name + ".test",
		Agreement: &access.Agreement{Reference: fmt.Sprintf("MSA-2026-%03d", n+1), EndsAt: access.At(end)},
		Steps: []string{
			fmt.Sprintf("bao write -address='https://bao.example.com' -namespace='partners' "+
				"sys/policies/acl/partner-hold-%s policy='# held'", name),
			fmt.Sprintf("bao list -address='https://bao.example.com' -namespace='partners' -format=json "+
				"identity/entity/name | jq -r '.[]' | grep '^partner-%s-' | xargs -I{} bao delete "+
				"identity/entity/name/{}", name),
		},
	}
	if n%3 == 0 {
		party.RehearsedAt, party.Seconds = day(-20-n), 1.21+float64(n)/10
	}
	r.Parties[name] = party
	for k, use := range []string{"export", "billing", "support"} {
		r.addIdentity(n, k, name, use, neglect, end)
	}
}

// addIdentity adds an identity with a credential and, but for some, a grant; the third of each partner
// has another credential.
func (r *Report) addIdentity(n, k int, partner, use, neglect string, agreement time.Time) {
	id := strings.Join([]string{partner, "prod", use}, "/")
	terms := inventory.Item{
		Partner: partner, Environment: "prod", Name: use, Owner: owners[(n+k)%3],
		Stack:     []string{"partners-prod", "partners-emea"}[n%2],
		ExpiresAt: day(60 + 7*n + k), EndsAt: day(60 + 7*n + k), CreatedAt: day(-300 + 5*n + k),
		ReviewedAt: day(-20 - n), LastUsedAt: day(-1 - k),
		Status: access.StatusActive, Flags: []inventory.Flag{inventory.Governed},
	}
	if terms.EndsAt.After(agreement) {
		terms.EndsAt = agreement
	}
	identity := terms
	identity.Type, identity.ID, identity.NativeID = access.TypeIdentity, id, "partner-"+strings.ReplaceAll(id, "/", "-")
	identity.Purpose = map[string]string{
		"export":  "Nightly export of orders",
		"billing": "Invoices of each month",
		"support": "Support of the order system",
	}[use]
	identity.Contact = "noc@" + partner + ".test"
	identity.Ceiling = []string{"secret/data/" + partner + "/*"}
	identity.EnforcedBy = "OpenBao, at each request."
	identity.Agreement = &access.Agreement{Reference: fmt.Sprintf("MSA-2026-%03d", n+1), EndsAt: access.At(agreement)}
	identity.Review = &access.Review{
		At:     access.At(terms.ReviewedAt),
		By:     "rae.visor@example.com",
		Reason: "Still needed for " + use,
	}
	identity.ReviewDueAt, identity.RenewedAt, identity.Renewals = terms.ReviewedAt.AddDate(0, 0, 90), terms.ReviewedAt,
		int64(1+k)
	credential := terms
	credential.Type = access.TypeCredential
	credential.ID = id + "/federated"
	credential.Kind = access.Federated
	credential.EnforcedBy = "OpenBao, at the next login."
	credential.Issuer = "https://login." + partner + ".test"
	credential.Subject = "svc-" + use
	credential.Audiences = []string{"bao.example.com"}
	if k == 2 {
		credential.ID = id + "/certificate"
		credential.Kind = access.Certificate
		credential.Issuer = ""
		credential.Subject = ""
		credential.Audiences = nil
		credential.Fingerprint, credential.RotatesAt = fmt.Sprintf("SHA256:%042d+w", 7919*(n+1)), day(20+n)
	}
	if k < 2 {
		credential.Networks = []string{fmt.Sprintf("203.0.113.%d/28", 16*n), "2001:db8::/48"}
	}
	grant := terms
	grant.Type = access.TypeGrant
	grant.ID = id + "/read-" + use
	grant.Purpose = identity.Purpose
	grant.Resource = "secret/data/" + partner + "/" + use + "/*"
	grant.Actions = []string{"read"}
	grant.EnforcedBy = "OpenBao, at each request."
	grant.LastUsedAt = time.Time{}
	if k == 1 {
		grant.Actions, grant.EndsAt = []string{"list", "read"}, terms.EndsAt.AddDate(0, 0, -30)
	}
	parts := []*inventory.Item{&identity, &credential, &grant}
	neglected(neglect, k, parts)
	for _, i := range parts {
		// Some have no grant: the portfolio has about a hundred objects.
		if i.Type == access.TypeGrant && ((neglect == "idle" && k > 0) || (n%4 == 3 && k == 1)) {
			continue
		}
		r.Inventory.Items = append(r.Inventory.Items, *i)
		if n < 9 {
			r.Judged = append(r.Judged, i.ID)
		}
	}
}

// neglected does to an identity, its credential and its grant what makes the partner's access neglected.
func neglected(neglect string, k int, parts []*inventory.Item) {
	all := func(change func(*inventory.Item)) {
		for _, i := range parts {
			change(i)
		}
	}
	identity, credential, grant := parts[0], parts[1], parts[2]
	switch neglect {
	case "owner left":
		if k == 2 { // of one identity only the grant's owner left
			parts = parts[2:]
		}
		all(func(i *inventory.Item) {
			i.Owner, i.OwnerLeft, i.Flags = owners[3], true, append(slices.Clone(i.Flags), inventory.Orphaned)
		})
	case "held":
		if k == 2 { // only its credential was cut
			credential.Status = access.StatusHeld
			return
		}
		all(func(i *inventory.Item) { i.Status = access.StatusHeld })
	case "suspended":
		if k > 0 {
			all(func(i *inventory.Item) { i.Status = access.StatusSuspended })
		}
	case "agreement ended":
		if k < 2 { // they ended with the agreement
			all(func(i *inventory.Item) { i.Status = access.StatusExpired })
			return
		}
		// held by an older provider, which did not know of agreements
		all(func(i *inventory.Item) { i.EndsAt = i.ExpiresAt })
	case "ended":
		all(func(i *inventory.Item) { i.Status = access.StatusExpired })
	case "drifted":
		if k == 0 {
			grant.Flags = append(slices.Clone(grant.Flags), inventory.Drifted)
			grant.Drift = []string{"Its policy also allows update on secret/data/tyrell/export/*."}
			return
		}
		identity.Flags = append(slices.Clone(identity.Flags), inventory.Dormant)
		identity.LastUsedAt = day(-200)
		credential.LastUsedAt = time.Time{}
		credential.UseUnknown = true
	case "idle":
		all(func(i *inventory.Item) {
			i.Flags = append(slices.Clone(i.Flags), inventory.Unused)
			i.LastUsedAt = time.Time{}
		})
	case "review overdue":
		all(func(i *inventory.Item) {
			i.ReviewedAt = time.Time{}
			i.RenewedAt = time.Time{}
			i.Review = nil
		})
		identity.ReviewDueAt = identity.CreatedAt.AddDate(0, 0, 90)
		identity.Renewals = 0
		if k == 1 {
			all(func(i *inventory.Item) {
				i.EndsAt, i.Status, i.Flags = day(9), access.StatusExpiring,
					append(slices.Clone(i.Flags), inventory.Expiring)
			})
		}
		identity.Waivers = map[string]access.Waiver{"review/overdue": {
			Reason:   "The reviewer is on leave",
			Approver: "ciso@example.com",
			Until:    access.At(day(14)),
		}}
	case "undeclared":
		if k == 0 { // a subcontractor of acme
			identity.Parent = "acme/prod/export"
		}
	}
}

func portfolioRules() []Rule {
	return []Rule{
		{"owner/unknown", "The owner is gone",
			[]string{"OWASP NHI1", "NIST CSF 2.0 PR.AA-01", "CSA CCM v4 IAM-03", "CIS v8 5.5"}},
		{"review/overdue", "Nobody has looked at the access for too long",
			[]string{"NIST CSF 2.0 PR.AA-05", "CIS v8 5.5", "CSA CCM v4 IAM-08", "PCI DSS 4.0.1 7.2.4"}},
		{"scope/whole-root", "The grant reaches everything below a root",
			[]string{"OWASP NHI5", "NIST CSF 2.0 PR.AA-05", "ISO 27001 A.5.18", "NIST 800-53 AC-6"}},
		{"expiry/outlives-agreement", "Access outlives its agreement",
			[]string{"OWASP NHI1", "NIST CSF 2.0 GV.SC-10", "ISO 27001 A.5.20", "CIS v8 15.7"}},
		{"credential/no-rotation", "A credential is never issued anew",
			[]string{"OWASP NHI7", "ISO 27001 A.5.17", "NIST 800-53 IA-5"}},
		{"activity/drift", "The system holds more than was declared",
			[]string{"OWASP NHI5", "CIS v8 5.1", "ISO 27001 A.5.22"}},
	}
}

func portfolioFindings() []Finding {
	controls := map[string][]string{}
	for _, rule := range portfolioRules() {
		controls[rule.Slug] = rule.Controls
	}
	var all []Finding
	add := func(rule, level string, kind access.Type, id, problem, fix string) {
		all = append(all, Finding{
			Rule:     rule,
			Level:    level,
			Type:     string(kind),
			ID:       id,
			Problem:  problem,
			Fix:      fix,
			Controls: controls[rule],
		})
	}
	for _, use := range []string{"export", "billing", "support"} {
		add("review/overdue", "warn", access.TypeIdentity, "massive/prod/"+use,
			"It was created on 2026-06-28 and never reviewed.",
			"Look whether the partner still needs it, and record it: review = { at, by, reason }.")
		add("credential/no-rotation", "warn", access.TypeCredential, "globex/prod/"+use+"/federated",
			"It was issued 260 days ago.", "Write rotation = { every, overlap }.")
	}
	add("owner/unknown", "deny", access.TypeIdentity, "umbrella/prod/export",
		"kim.left@example.com is not in active_owners.", "Name an owner who is there.")
	add("owner/unknown", "deny", access.TypeIdentity, "umbrella/prod/billing",
		"kim.left@example.com is not in active_owners.", "Name an owner who is there.")
	add("expiry/outlives-agreement", "deny", access.TypeIdentity, "wayne/prod/support",
		"It ends on 2027-06-13, and MSA-2026-007 ended on 2027-02-17.",
		"End it with the agreement, or renew the agreement.")
	add("activity/drift", "warn", access.TypeGrant, "tyrell/prod/export/read-export", "Its policy also allows update.",
		"Apply the stack partners-emea.")
	return all
}

// portfolioLines are a journal of schema 2: what was there before each change, and after it.
func portfolioLines() []journal.Line {
	alice := journal.Actor{Name: "alice", Kind: "user", Host: "laptop-7"}
	bot := journal.Actor{Name: "release-bot", Kind: "ci", Run: "https://ci.example/runs/881", Host: "runner-4"}
	review := &journal.Review{At: day(-21), By: "rae.visor@example.com", Reason: "Still ships the nightly export"}
	given := func(resource string, end time.Time, actions ...string) *journal.Given {
		return &journal.Given{Owner: owners[0], Resource: resource, Actions: actions, ExpiresAt: end, EndsAt: end}
	}
	var lines []journal.Line
	add := func(at time.Time, verb journal.Verb, who journal.Actor, kind access.Type, id string,
		before, after *journal.Given, more func(*journal.Line)) {
		intent := journal.Line{
			Time:   at,
			Phase:  journal.Intent,
			Verb:   verb,
			Change: fmt.Sprintf("c%03d", len(lines)),
			Actor:  who,
			Type:   string(kind),
			ID:     id,
			Before: before,
			After:  after,
			Owner:  owners[0],
		}
		if after != nil {
			intent.EndsAt = after.EndsAt
		}
		done := intent
		done.Time = at.Add(time.Second)
		done.Phase = journal.Done
		done.Before = nil
		if more != nil {
			more(&done)
		}
		intent.Review = done.Review
		if done.Phase == journal.Found {
			lines = append(lines, done)
			return
		}
		lines = append(lines, intent)
		if done.Phase != journal.Intent {
			lines = append(lines, done)
		}
	}
	refused := func(seconds float64, swept ...string) func(*journal.Line) {
		return func(l *journal.Line) { l.Refused, l.Seconds, l.Swept = l.Time, seconds, swept }
	}
	add(day(-90), journal.Create, bot, access.TypeIdentity, "oscorp/prod/lab", nil,
		&journal.Given{
			Owner:     owners[1],
			Ceiling:   []string{"secret/data/oscorp/*"},
			ExpiresAt: day(40),
			EndsAt:    day(40),
		}, nil)
	add(day(-50), journal.Create, bot, access.TypeGrant, "acme/prod/export/read-export", nil,
		given("secret/data/acme/export/*", day(60), "read"), nil)
	add(day(-48), journal.Change, bot, access.TypeGrant, "globex/prod/billing/read-billing",
		given("secret/data/globex/billing/2026/*", day(40), "read"),
		given("secret/data/globex/billing/*", day(40), "list", "read"),
		func(l *journal.Line) { l.Review = review })
	add(day(-47), journal.Change, alice, access.TypeCredential, "initech/prod/export/federated",
		&journal.Given{AllowedCIDRs: []string{"203.0.113.0/24"}, EndsAt: day(75)},
		&journal.Given{AllowedCIDRs: []string{"203.0.113.32/28"}, EndsAt: day(75)}, nil)
	add(day(-21), journal.Renew, bot, access.TypeIdentity, "acme/prod/export",
		&journal.Given{Owner: owners[0], EndsAt: day(-10), ExpiresAt: day(-10)},
		&journal.Given{Owner: owners[0], EndsAt: day(60), ExpiresAt: day(60)},
		func(l *journal.Line) { l.Review = review })
	add(day(-20), journal.Rotate, bot, access.TypeCredential, "acme/prod/support/certificate",
		&journal.Given{Trust: &journal.Trust{Key: "SHA256:old"}},
		&journal.Given{Trust: &journal.Trust{Key: "SHA256:new"}},
		func(l *journal.Line) { l.Serial = "4f:1a" })
	add(day(-15), journal.Suspend, alice, access.TypeIdentity, "stark/prod/billing", &journal.Given{Owner: owners[0]},
		&journal.Given{Owner: owners[0], Suspended: true}, refused(0.94))
	add(day(-14), journal.Rehearse, bot, "partner", "acme", nil, nil, refused(1.62))
	add(day(-9), journal.Revoke, alice, access.TypeIdentity, "oscorp/prod/lab",
		&journal.Given{Owner: owners[1], Ceiling: []string{"secret/data/oscorp/*"}, EndsAt: day(40)}, nil,
		refused(1.84, "credential oscorp/prod/lab/secret", "grant oscorp/prod/lab/read"))
	add(day(-8), journal.Cut, alice, "partner", "hooli", nil, nil, func(l *journal.Line) {
		l.Phase, l.FoundAt, l.Found = journal.Found, day(-8),
			[]string{"hooli/prod/billing and hooli/prod/export were cut by hand at 2027-02-21T09:30:00Z."}
	})
	add(day(-5), journal.Rotate, bot, access.TypeCredential, "globex/prod/support/certificate", nil, nil,
		func(l *journal.Line) {
			l.Phase = journal.Failed
			l.Error = "openbao: 503 sealed. Nothing was changed"
		})
	add(day(-2), journal.Change, alice, access.TypeGrant, "tyrell/prod/billing/read-billing",
		given("secret/data/tyrell/billing/*", day(90), "read"), given("secret/data/tyrell/billing/*", day(80), "read"),
		func(l *journal.Line) { l.Phase = journal.Intent })
	for n := range lines {
		l := &lines[n]
		l.Schema, l.Seq, l.System, l.Stack = 2, int64(n+1), "openbao", "partners-prod"
		l.Hash = fmt.Sprintf("%064x", n+1)
	}
	return lines
}
