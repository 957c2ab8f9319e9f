// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// today is the present moment of every case.
var today = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// in is the moment that lies some days ahead of today, or, negative, behind.
func in(days int) time.Time { return today.AddDate(0, 0, days) }

// on is a moment as it is declared: a date, or a whole moment.
func on(text string) time.Time {
	if len(text) == len(time.DateOnly) {
		text += "T00:00:00Z"
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// scenario is a plan: settings, what the system can do and holds, and what arrives, one after the other.
type scenario struct {
	settings     Settings
	capabilities access.Capabilities
	live         []*access.Record
	formers      []access.Former
	bygones      []access.Bygone
	leaving      []access.Ref
	subjects     []Subject
	phase        Phase
	now          time.Time
}

type part func(*scenario)

func build(parts ...part) *scenario {
	s := &scenario{settings: Defaults(), now: today}
	s.settings.Environment = "prod"
	s.capabilities = access.Capabilities{Name: "embedded", Kinds: access.Kinds(), KnowsLastUse: true, LogsUse: true}
	for _, p := range parts {
		p(s)
	}
	return s
}

func (s *scenario) portfolio() *Portfolio {
	p := NewPortfolio(s.settings, s.capabilities)
	p.Live(s.live, "ours")
	p.Formers(s.formers, s.bygones)
	return p
}

// findings are what the plan shows, by the order of arrival.
func (s *scenario) findings() []Finding { return s.run(s.portfolio()) }

func (s *scenario) run(p *Portfolio) []Finding {
	var all []Finding
	for i, subject := range s.subjects {
		for _, l := range s.leaving {
			if i == len(s.subjects)/2 { // some arrive before, some after
				all = append(all, p.Leave(l, s.now)...)
			}
		}
		p.Put(subject)
		all = append(all, p.Evaluate(subject.Object.Ref(), subject.Nonce, s.phase, s.now)...)
	}
	return all
}

// set changes a setting.
func set(change func(*Settings)) part { return func(s *scenario) { change(&s.settings) } }

// can changes what the system can do.
func can(change func(*access.Capabilities)) part {
	return func(s *scenario) { change(&s.capabilities) }
}

// atApply evaluates just before the changes.
func atApply() part { return func(s *scenario) { s.phase = Apply } }

type detail func(*Subject)

// plans lets an object arrive in the plan, which creates it where no detail says otherwise.
func plans(o access.Object, details ...detail) part {
	return func(s *scenario) {
		subject := Subject{Object: o, Nonce: o.Ref().String(), EndsAt: o.Common().ExpiresAt.Time}
		for _, d := range details {
			d(&subject)
		}
		s.subjects = append(s.subjects, subject)
	}
}

// was says what was last applied, a week ago.
func was(o access.Object) detail {
	return func(s *Subject) {
		s.Before = o
		if s.History.CreatedAt.IsZero() {
			s.History = access.History{UID: "1", Stack: "ours", CreatedAt: in(-7)}
			s.LastUsedAt = in(-1)
		}
	}
}

// unchanged is an object that the plan leaves as it is.
func unchanged() detail { return func(s *Subject) { was(s.Object)(s) } }

func created(at time.Time) detail  { return func(s *Subject) { s.History.CreatedAt = at } }
func renewed(at time.Time) detail  { return func(s *Subject) { s.History.RenewedAt = at } }
func looked(at time.Time) detail   { return func(s *Subject) { s.History.ReviewedAt = at } }
func spent(at time.Time) detail    { return func(s *Subject) { s.History.ReviewUsedAt = at } }
func endsAt(at time.Time) detail   { return func(s *Subject) { s.EndsAt = at } }
func lastUsed(at time.Time) detail { return func(s *Subject) { s.LastUsedAt = at } }
func cut() detail                  { return func(s *Subject) { s.Held = true } }
func adopted() detail              { return func(s *Subject) { s.Adopted = true } }
func vanished() detail             { return func(s *Subject) { s.Later = true } }
func nowhere() detail              { return func(s *Subject) { s.Nowhere = true } }
func replaces(uid string) detail   { return func(s *Subject) { s.Replaces = uid } }
func block(nonce string) detail    { return func(s *Subject) { s.Nonce = nonce } }
func drift(what ...string) detail  { return func(s *Subject) { s.Drift = what } }
func released(v ...string) detail  { return func(s *Subject) { s.Released = v } }
func unknown(names ...string) detail {
	return func(s *Subject) {
		s.Unknown = map[string]bool{}
		for _, n := range names {
			s.Unknown[n] = true
		}
	}
}

// holds is an object that the system holds of this stack, with nothing about it in the plan; foreign, of another.
func holds(o access.Object) part   { return record(o, "ours") }
func foreign(o access.Object) part { return record(o, "theirs") }

// holdsCut is what the system holds, cut by hand.
func holdsCut(o access.Object) part {
	return func(s *scenario) {
		holds(o)(s)
		s.live[len(s.live)-1].Held = true
	}
}

func record(o access.Object, stack string) part {
	return func(s *scenario) {
		s.live = append(s.live, &access.Record{
			Object: o, EndsAt: o.Common().ExpiresAt.Time,
			History: access.History{UID: "1", Stack: stack, CreatedAt: in(-7)},
		})
	}
}

// remembers is an object that was removed; leaves is one that the system holds and that the plan removes.
func remembers(o access.Object, removed time.Time, details ...detail) part {
	return func(s *scenario) {
		subject := Subject{Object: o, History: access.History{CreatedAt: in(-200)}, EndsAt: o.Common().ExpiresAt.Time}
		for _, d := range details {
			d(&subject)
		}
		f, _ := access.FormerOf(o, subject.History, subject.EndsAt, removed)
		s.formers = append(s.formers, f)
	}
}

func leaves(o access.Object) part {
	return func(s *scenario) {
		holds(o)(s)
		s.leaving = append(s.leaving, o.Ref())
	}
}

func identityID(text string) access.IdentityID {
	id, err := access.ParseIdentityID(text)
	if err != nil {
		panic(err)
	}
	return id
}

func identity(id string, changes ...func(*access.Identity)) *access.Identity {
	i := &access.Identity{
		ID:      identityID(id),
		Terms:   access.Terms{Owner: "jane.doe@example.com", ExpiresAt: access.At(on("2027-03-31"))},
		Purpose: "Nightly order feed into the ERP",
	}
	for _, c := range changes {
		c(i)
	}
	return i
}

func credential(id string, changes ...func(*access.Credential)) *access.Credential {
	c := &access.Credential{
		IdentityID: identityID(id),
		Terms:      access.Terms{Owner: "jane.doe@example.com", ExpiresAt: access.At(on("2027-01-31"))},
		Federated: &access.FederatedTrust{
			Issuer:    "https://login.acme.test",
			Subject:   "svc-" + id,
			Audiences: []string{"orders.example.com"},
		},
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

func grant(id, name string, changes ...func(*access.Grant)) *access.Grant {
	g := &access.Grant{
		IdentityID: identityID(id), Name: name,
		Terms:    access.Terms{Owner: "jane.doe@example.com", ExpiresAt: access.At(on("2027-02-28"))},
		Resource: access.Pattern("orders/" + identityID(id).Partner + "/" + name + "/*"), Actions: []string{"read"},
		Purpose: "Read the daily order files",
	}
	for _, c := range changes {
		c(g)
	}
	return g
}

// with changes the terms of any object.
func with[T access.Object](o T, changes ...func(*access.Terms)) T {
	for _, c := range changes {
		c(o.Common())
	}
	return o
}

func owner(text string) func(*access.Terms) { return func(t *access.Terms) { t.Owner = text } }
func until(at time.Time) func(*access.Terms) {
	return func(t *access.Terms) { t.ExpiresAt = access.At(at) }
}
func review(at time.Time, by string) func(*access.Terms) {
	return func(t *access.Terms) {
		t.Review = &access.Review{At: access.At(at), By: by, Reason: "Still feeds the ERP"}
	}
}
func waives(slug, approver string, until time.Time) func(*access.Terms) {
	return func(t *access.Terms) {
		if t.Waivers == nil {
			t.Waivers = map[string]access.Waiver{}
		}
		t.Waivers[slug] = access.Waiver{Reason: "Migration", Approver: approver, Until: access.At(until)}
	}
}

func purpose(text string) func(*access.Identity) {
	return func(i *access.Identity) { i.Purpose = text }
}
func ceiling(patterns ...access.Pattern) func(*access.Identity) {
	return func(i *access.Identity) { i.Ceiling = patterns }
}
func contact(text string) func(*access.Identity) {
	return func(i *access.Identity) { i.Contact = text }
}
func agreement(ends time.Time) func(*access.Identity) {
	return func(i *access.Identity) { i.Agreement = &access.Agreement{Reference: "MSA-1", EndsAt: access.At(ends)} }
}
func under(parent string) func(*access.Identity) {
	return func(i *access.Identity) { i.ParentID = identityID(parent) }
}
func offers(depth int64) func(*access.Identity) {
	return func(i *access.Identity) { i.Subcontractors = &access.Subcontractors{Allowed: true, MaxDepth: depth} }
}
func suspended(i *access.Identity) { i.Suspended = true }
func usedEvery(text string) func(*access.Identity) {
	span, err := access.ParseSpan(text)
	if err != nil {
		panic(err)
	}
	return func(i *access.Identity) { i.ExpectedUse = span }
}
func releases(incident string) func(*access.Identity) {
	return func(i *access.Identity) { i.HoldReleased = incident }
}

func trusts(issuer, subject string, audiences ...string) func(*access.Credential) {
	return func(c *access.Credential) {
		c.Federated = &access.FederatedTrust{Issuer: issuer, Subject: subject, Audiences: audiences}
	}
}
func csr(name string) func(*access.Credential) {
	return func(c *access.Credential) {
		c.Federated, c.Certificate = nil, &access.CertificateRequest{CSR: file(name + ".csr")}
	}
}
func sshCert(name string) func(*access.Credential) {
	return func(c *access.Credential) {
		c.Federated, c.SSHCertificate = nil, &access.SSHRequest{PublicKey: file(name + ".pub")}
	}
}
func secret(recipient string) func(*access.Credential) {
	return func(c *access.Credential) { c.Federated, c.Secret = nil, &access.SecretRequest{Recipient: recipient} }
}
func rotates(every, overlap string) func(*access.Credential) {
	e, errE := access.ParseSpan(every)
	o, errO := access.ParseSpan(overlap)
	if errE != nil || errO != nil {
		panic("no span")
	}
	return func(c *access.Credential) { c.Rotation = &access.Rotation{Every: e, Overlap: o} }
}
func from(networks ...string) func(*access.Credential) {
	return func(c *access.Credential) {
		for _, n := range networks {
			c.AllowedCIDRs = append(c.AllowedCIDRs, netip.MustParsePrefix(n))
		}
	}
}

const (
	recipient      = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
	otherRecipient = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"
)

func resource(p access.Pattern) func(*access.Grant) { return func(g *access.Grant) { g.Resource = p } }
func actions(a ...string) func(*access.Grant)       { return func(g *access.Grant) { g.Actions = a } }
func because(text string) func(*access.Grant)       { return func(g *access.Grant) { g.Purpose = text } }

func file(name string) string {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// outcome is what a case expects of its rule.
type outcome int

const (
	silent outcome = iota
	shows
	refuses
)

// policy is one case of a rule.
type policy struct {
	name     string
	want     outcome
	boundary bool
	parts    []part
}

// good is a plan that the rule has nothing to say of, bad one that it finds fault with at its own level, and warned
// one that it only warns of though it could refuse.
func good(name string, parts ...part) policy   { return policy{name, silent, false, parts} }
func bad(name string, parts ...part) policy    { return policy{name, refuses, false, parts} }
func warned(name string, parts ...part) policy { return policy{name, shows, false, parts} }

// edge is a case at exactly the limit.
func edge(p policy) policy {
	p.boundary = true
	return p
}

func (p policy) found(t *testing.T, slug string, off bool) (level Level, found bool) {
	t.Helper()
	s := build(p.parts...)
	folio := s.portfolio()
	if off {
		for i := range folio.rules {
			if folio.rules[i].Slug == slug {
				folio.rules[i].level, folio.rules[i].bounded = Off, false
			}
		}
	}
	for _, f := range s.run(folio) {
		if f.Rule.Slug == slug {
			level, found = max(level, f.Level), true
		}
	}
	return level, found
}
