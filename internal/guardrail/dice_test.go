// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// dice draws at random what rapid need not shrink: whole plans, from one seed.
type dice struct{ *rand.Rand }

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }

func (d dice) maybe() bool { return d.IntN(2) == 0 }

func (d dice) terms() access.Terms {
	t := access.Terms{
		Owner:     pick(d, "jane@example.com", "", "TBD", "noreply@example.com", "joe@acme.test"),
		ExpiresAt: access.At(pick(d, in(-10), in(5), in(90), in(400), in(3000), on("9999-12-31"))),
	}
	if d.maybe() {
		t.Review = &access.Review{At: access.At(pick(d, in(-200), in(-5), in(0), in(5))),
			By: pick(d, "jane@example.com", "x")}
		t.Review.Decision = pick(d, "", "", access.DecisionKeep, access.DecisionNarrow, access.DecisionEnd)
		t.Review.Access, t.Review.Until, t.Review.EndNow = pick(d, "", "v1-0-0"),
			access.At(pick(d, time.Time{}, in(20))), d.IntN(4) == 0
	}
	for range d.IntN(3) {
		slug := pick(d, "expiry/too-long", "owner/missing", "scope/overlap", "nothing", "purpose/vague",
			"expiry/outlives-agreement")
		waives(slug, pick(d, "jane@example.com", "ciso@example.com", "x"), pick(d, in(-5), in(20), in(200)))(&t)
	}
	return t
}

func (d dice) pattern() access.Pattern {
	return pick(d, access.Pattern("*"), "orders/*", "orders/acme/*", "orders/acme/x", "orders/+", "+/acme/*",
		"sys/seal", "orders/globex/*")
}

func (d dice) object() access.Object {
	id := identityID(pick(d, names...))
	switch d.IntN(3) {
	case 0:
		i := &access.Identity{
			ID:        id,
			Terms:     d.terms(),
			Purpose:   pick(d, "", "test", "Nightly order feed"),
			Suspended: d.IntN(4) == 0,
		}
		for range d.IntN(3) {
			i.Ceiling = append(i.Ceiling, d.pattern())
		}
		if d.maybe() {
			i.ParentID = identityID(pick(d, names...))
		}
		if d.maybe() {
			offers(int64(d.IntN(3)))(i)
		}
		if d.maybe() {
			agreement(pick(d, in(-5), in(50), in(500)))(i)
		}
		return i
	case 1:
		c := &access.Credential{IdentityID: id, Terms: d.terms()}
		d.method(c)
		if d.maybe() {
			rotates(pick(d, "24h", "720h", "9000h"), pick(d, "1h", "48h"))(c)
		}
		from(pick(d, []string{}, []string{"0.0.0.0/0"}, []string{"10.0.0.0/8", "203.0.113.0/24"},
			[]string{"::/0"})...)(c)
		return c
	}
	return &access.Grant{
		IdentityID: id, Name: pick(d, "x", "y", "z"), Terms: d.terms(), Resource: d.pattern(),
		Actions: pick(d, []string{"read"}, []string{"*"}, []string{"read", "list", "sudo"}),
		Purpose: pick(d, "", "test", "Nightly order feed"),
	}
}

func (d dice) method(c *access.Credential) {
	switch d.IntN(4) {
	case 0:
		trusts(pick(d, "https://a.test", "http://a.test"), pick(d, "", "*", "svc"),
			pick(d, []string{}, []string{"a"}, []string{"a", "b", "*"})...)(c)
	case 1:
		csr(pick(d, "rsa1024", "p256", "sha1"))(c)
	case 2:
		sshCert(pick(d, "dsa", "ed25519", "p256"))(c)
	default:
		secret(pick(d, recipient, file("rsa1024.pub")))(c)
	}
}

// less is the object with some of its access taken away.
func (d dice) less(o access.Object) access.Object {
	text, err := access.Declaration(o)
	if err != nil {
		panic(err)
	}
	smaller, err := access.ParseDeclaration(o.Ref().Type, text)
	if err != nil {
		panic(err)
	}
	terms := smaller.Common()
	if d.maybe() {
		terms.ExpiresAt = access.At(terms.ExpiresAt.AddDate(0, 0, -d.IntN(500)))
	}
	for slug, w := range terms.Waivers {
		switch d.IntN(3) {
		case 0:
			delete(terms.Waivers, slug)
			if strings.HasPrefix(slug, "expiry/") { // its until was an end
				terms.ExpiresAt = access.At(access.Earliest(terms.ExpiresAt.Time, w.Until.Time))
			}
		case 1:
			w.Until = access.At(w.Until.AddDate(0, 0, -30))
			terms.Waivers[slug] = w
		}
	}
	switch s := smaller.(type) {
	case *access.Identity:
		d.lessIdentity(s)
	case *access.Credential:
		d.lessCredential(s)
	case *access.Grant:
		if d.maybe() {
			s.Actions = s.Actions[:1]
		}
		if d.maybe() && strings.HasSuffix(string(s.Resource), "*") {
			s.Resource = access.Pattern(strings.TrimSuffix(string(s.Resource), "*") + pick(d, "q", "q/*", "+"))
		}
	}
	return smaller
}

func (d dice) lessIdentity(i *access.Identity) {
	i.Suspended = i.Suspended || d.maybe()
	if len(i.Ceiling) > 1 && d.maybe() {
		i.Ceiling = i.Ceiling[:1]
	} else if len(i.Ceiling) == 0 && d.maybe() {
		i.Ceiling = []access.Pattern{d.pattern()}
	}
	if i.Subcontractors != nil && d.maybe() {
		i.Subcontractors.MaxDepth--
	}
	if d.maybe() {
		i.Subcontractors = nil
	}
	if i.Agreement != nil && d.maybe() {
		i.Agreement.EndsAt = access.At(i.Agreement.EndsAt.AddDate(0, 0, -60))
	} else if i.Agreement == nil && d.maybe() {
		agreement(in(10))(i)
	}
}

func (d dice) lessCredential(c *access.Credential) {
	if f := c.Federated; f != nil && len(f.Audiences) > 1 {
		f.Audiences = f.Audiences[:1]
	}
	if len(c.AllowedCIDRs) == 0 && d.maybe() {
		from("0.0.0.0/0")(c)
	} else if len(c.AllowedCIDRs) > 1 && d.maybe() {
		c.AllowedCIDRs = c.AllowedCIDRs[:1]
	}
	switch {
	case c.Rotation == nil && d.maybe():
		rotates("48h", "48h")(c)
	case c.Rotation != nil && d.maybe():
		rotates("12h", "1h")(c)
	}
	if d.maybe() {
		c.RevokeIssuedBefore = access.At(today)
	}
}

func (d dice) settings() Settings {
	s := Defaults()
	s.Environment = "prod"
	s.MaxGrants, s.MinFixedSegments, s.ReviewEvery = 1+d.IntN(3), 1+d.IntN(4), time.Duration(1+d.IntN(100))*day
	if d.maybe() {
		s.OwnerDomains = []string{"example.com"}
	}
	if d.maybe() {
		s.ActiveOwners = []string{"joe@example.com"}
	}
	if d.maybe() {
		s.Partners = map[string]Partner{"acme": {Domains: []string{"acme.test"},
			Agreement: &access.Agreement{EndsAt: access.At(pick(d, in(-5), in(50)))}}}
	}
	s.Rehearsed = map[string]time.Time{}
	s.Levels = map[string]Level{}
	for _, r := range Catalogue() {
		if d.maybe() {
			s.Levels[r.Slug] = pick(d, Off, Warn, Deny, Deny)
		}
	}
	return s
}

func (d dice) capabilities() access.Capabilities {
	return access.Capabilities{
		Name: "embedded", Kinds: access.Kinds(), KnowsLastUse: d.maybe(), LogsUse: d.maybe(),
		Reach: func(access.Pattern, []string) access.Reach {
			return access.Reach{
				System: pick(d, "", "the system's own"), Privileged: pick(d, "", "it signs"),
				Unknown: pick(d, "", "a plugin"),
				Nothing: pick(d, "", "not there"), Place: d.IntN(3),
			}
		},
		CannotEnd: func(access.Object, time.Time) string { return pick(d, "", "it has no clock") },
	}
}
