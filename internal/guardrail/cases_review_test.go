// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func reviewed(at time.Time, by string, details ...detail) part {
	return plans(with(identity(etl), review(at, by)), details...)
}

// wider is a grant that gains an action.
func wider(details ...detail) part {
	return plans(grant(etl, "daily", actions("read", "list")),
		append([]detail{was(grant(etl, "daily"))}, details...)...)
}

func reviewCases() map[string][]policy {
	owns := "jane.doe@example.com"
	narrowed := func(to access.Pattern) *access.Grant {
		return with(grant(etl, "daily", resource(to)), decides(access.DecisionNarrow, grant(etl, "daily"), in(90)))
	}
	sleeping := plans(identity(etl), unchanged(), created(in(-200)))
	idle := func(since time.Time, details ...detail) part {
		return plans(identity(etl), append([]detail{unchanged(), created(in(-200)), lastUsed(since)}, details...)...)
	}
	renewal := func(since time.Time, changes ...func(*access.Identity)) part {
		return plans(with(identity(etl, changes...), review(in(-1), owns)),
			was(with(identity(etl, changes...), until(in(10)))), created(in(-200)), lastUsed(since))
	}
	clients := set(func(s *Settings) {
		s.Partners = map[string]Partner{"acme": {Domains: []string{"acme.test"}}, "mid": {}, "sub": {}}
	})
	silent := func(since time.Time) detail { // a log stopped
		return func(s *Subject) {
			s.UseUnknown = true
			s.Unseen = access.Unseen{Since: since, Why: "gw.jsonl has had no line since 2026-01-01T00:00:00Z"}
		}
	}
	gap := func(since, again time.Time) detail { // a log has one
		return func(s *Subject) {
			s.UseUnknown = true
			s.Unseen = access.Unseen{
				Since: since,
				Until: again,
				Why:   "gw.jsonl has no line between 2026-01-01T00:00:00Z and 2026-01-09T00:00:00Z",
			}
		}
	}
	renewed := func(since time.Time, more detail) part {
		i := with(identity(etl), review(in(-1), owns))
		return plans(i, was(with(identity(etl), until(in(10)))), created(in(-200)), lastUsed(since), more)
	}
	unseen := detail(func(s *Subject) { s.UseUnknown = true })
	return map[string][]policy{
		"review/overdue": {
			good("new access", plans(identity(etl))),
			edge(good("created exactly 90 days ago", plans(identity(etl), unchanged()), wider(created(in(-90))))),
			good("reviewed a week ago", plans(identity(etl), unchanged()), wider(created(in(-200)), looked(in(-7)))),
			good("reviewed in this plan", plans(with(identity(etl), review(in(-1), owns)), was(identity(etl)),
				created(in(-200)))),
			good("its identity is reviewed in this plan",
				plans(with(identity(etl), review(in(-1), owns)), was(identity(etl))), wider(created(in(-200)))),
			edge(bad("widened 90 days and a second after its creation", plans(identity(etl), unchanged()),
				wider(created(in(-90).Add(-time.Second))))),
			bad("an identity restored long after its last review",
				plans(identity(etl), was(identity(etl, suspended)), created(in(-400)), looked(in(-91)))),
			bad("widened before the identity that nobody reviewed arrives", wider(created(in(-200))),
				plans(identity(etl), unchanged())),
			bad("widened, and what it was narrowed by was not signed", deciding(access.SignedReview),
				plans(identity(etl), unchanged()),
				plans(narrowed("orders/acme/*"), was(narrowed("orders/acme/daily/*")), created(in(-200)),
					looked(in(-1)))),
			good("widened, and nobody has to sign", deciding(), plans(identity(etl), unchanged()),
				plans(narrowed("orders/acme/*"), was(narrowed("orders/acme/daily/*")), created(in(-200)),
					looked(in(-1)))),
			warned("unchanged", sleeping),
			warned("narrowed", plans(identity(etl), unchanged()),
				plans(grant(etl, "daily"), was(grant(etl, "daily", actions("read", "list"))), created(in(-200)))),
		},
		"review/future": {
			good("last week", reviewed(in(-7), owns)),
			edge(good("now is no future", reviewed(today, owns))),
			good("none", plans(identity(etl))),
			edge(bad("in a second", reviewed(today.Add(time.Second), owns))),
			bad("tomorrow", reviewed(in(1), owns)),
			bad("a credential's", plans(with(credential(etl), review(in(1), owns)))),
			bad("a renewal's", extended(terms(review(in(1), owns)))),
		},
		"review/automatic": {
			good("yesterday", reviewed(in(-1), owns)),
			edge(good("61 seconds ago", reviewed(today.Add(-61*time.Second), owns))),
			good("the future is another rule's", reviewed(today.Add(30*time.Second), owns)),
			edge(bad("60 seconds ago", reviewed(today.Add(-60*time.Second), owns))),
			bad("now", reviewed(today, owns)),
			bad("a grant that moves on with plantimestamp()", extended(terms(review(today, owns)))),
			bad("a credential's", plans(with(credential(etl), review(today.Add(-time.Second), owns)))),
		},
		"review/by-partner": {
			good("one of our own", domains("example.com"), reviewed(in(-1), owns)),
			good("anybody where no domains are named", reviewed(in(-1), "jane")),
			good("no review", domains("example.com"), plans(identity(etl))),
			bad("another domain", domains("example.com"), reviewed(in(-1), "joe@acme.test")),
			bad("a name where domains are named", domains("example.com"), reviewed(in(-1), "Jane")),
			bad("the partner's domain", register(Partner{Domains: []string{"acme.test"}}),
				reviewed(in(-1), "joe@acme.test")),
			bad("the partner's contact, with a tag", register(Partner{Contact: "noc@acme.test"}),
				reviewed(in(-1), "NOC+night@acme.test")),
			bad("whose subcontractor it is", clients,
				plans(with(identity("sub/prod/etl", under(etl)), review(in(-1), "joe@acme.test")))),
			bad("whose subcontractor its identity is", clients, plans(identity("sub/prod/etl", under(etl))),
				plans(with(grant("sub/prod/etl", "daily"), review(in(-1), "joe@eu.acme.test")))),
			bad("of the partner two above", clients, plans(identity(etl, offers(2))),
				plans(identity("mid/prod/etl", under(etl))),
				plans(with(identity("sub/prod/etl", under("mid/prod/etl")), review(in(-1), "joe@acme.test")))),
			bad("a credential's, of the partner three above, which arrives last", clients,
				plans(with(credential("sub/prod/etl"), review(in(-1), "joe@acme.test"))),
				plans(identity("sub/prod/etl", under("mid/prod/etl"))), plans(identity("mid/prod/etl", under(etl))),
				plans(identity(etl, offers(2)))),
			good("somebody of a partner that has no part in it", clients,
				plans(with(identity("sub/prod/etl"), review(in(-1), "joe@acme.test")))),
			bad("the partner's contact, with a name", register(Partner{Contact: "noc@acme.test"}),
				reviewed(in(-1), "NOC <noc@acme.test>")),
			bad("the partner's domain, with a name", register(Partner{Domains: []string{"acme.test"}}),
				reviewed(in(-1), "Joe <joe@acme.test>")),
			bad("one of two of the partner's domain", register(Partner{Domains: []string{"acme.test"}}),
				reviewed(in(-1), "jane@example.com, joe@eu.acme.test.")),
			bad("the partner's contact", register(Partner{Contact: "noc@acme.test"}),
				plans(with(grant(etl, "daily"), review(in(-1), "noc@acme.test")))),
			bad("the contact of its identity", plans(identity(etl, contact("noc@acme.test"))),
				plans(with(grant(etl, "daily"), review(in(-1), "noc@acme.test")))),
			warned("it was applied before", domains("example.com"), reviewed(in(-1), "joe@acme.test", unchanged())),
		},
		"activity/dormant": {
			edge(good("used exactly 45 days ago", idle(in(-45)))),
			good("new", plans(identity(etl))),
			good("the system does not know", can(func(c *access.Capabilities) { c.KnowsLastUse = false }),
				idle(in(-100))),
			good("used rarely, as expected",
				plans(identity(etl, usedEvery("2400h")), unchanged(), created(in(-200)), lastUsed(in(-90)))),
			good("a credential of an identity that is used rarely",
				plans(identity(etl, usedEvery("2400h")), unchanged(), created(in(-200)), lastUsed(in(-1))),
				plans(credential(etl), unchanged(), created(in(-200)), lastUsed(in(-90)))),
			good("suspended", plans(identity(etl, suspended), unchanged(), created(in(-200)), lastUsed(in(-90)))),
			edge(bad("used a second earlier", idle(in(-45).Add(-time.Second)))),
			bad("never used", idle(time.Time{})),
			bad("a credential", plans(identity(etl), unchanged()),
				plans(credential(etl), unchanged(), created(in(-200)), lastUsed(in(-50)))),
			good("used lately, and a log stopped", idle(in(-40), silent(in(-30)))),
			good("the system does not see every use", idle(in(-90), unseen)),
			bad("a log stopped, and nobody knows", idle(in(-90), silent(in(-90)))),
			bad("a log of before stopped", idle(in(-90), silent(in(-100)))),
			bad("a log has had a gap since", idle(in(-90), gap(in(-80), in(-5)))),
			bad("it was known before a log stopped", idle(in(-90), silent(in(-5)))),
			bad("used more rarely than expected",
				plans(identity(etl, usedEvery("24h")), unchanged(), created(in(-200)), lastUsed(in(-2)))),
		},
		"activity/unused-renewal": {
			good("used yesterday", renewal(in(-1))),
			edge(good("used exactly 45 days ago", renewal(in(-45)))),
			good("used rarely, as expected", renewal(in(-90), usedEvery("2400h"))),
			good("not renewed", idle(in(-90))),
			edge(bad("used a second earlier", renewal(in(-45).Add(-time.Second)))),
			good("the system does not see every use", renewed(in(-90), unseen)),
			good("a log stopped with the last use, and nobody knows", renewed(in(-90), silent(in(-90)))),
			edge(good("a log stopped 45 days after the last use", renewed(in(-90), silent(in(-45))))),
			edge(bad("a log stopped a second later", renewed(in(-90), silent(in(-45).Add(time.Second))))),
			edge(good("a log has had a gap up to 45 days ago", renewed(in(-90), gap(in(-80), in(-45))))),
			edge(bad("it had one up to a second before", renewed(in(-90), gap(in(-80), in(-45).Add(-time.Second))))),
			bad("never used", renewal(time.Time{})),
			bad("a credential", plans(with(identity(etl), review(in(-1), owns)), was(identity(etl))),
				plans(credential(etl), was(with(credential(etl), until(in(10)))), created(in(-200)),
					lastUsed(in(-50)))),
		},
		"activity/not-logged": {
			good("the system keeps a log", plans(identity(etl))),
			good("a grant", can(func(c *access.Capabilities) { c.LogsUse = false }), plans(grant(etl, "daily"))),
			good("a credential", can(func(c *access.Capabilities) { c.LogsUse = false }), plans(credential(etl))),
			bad("a new identity", can(func(c *access.Capabilities) { c.LogsUse = false }), plans(identity(etl))),
			bad("an old one", can(func(c *access.Capabilities) { c.LogsUse = false }),
				plans(identity(etl), unchanged())),
			bad("one that is cut", can(func(c *access.Capabilities) { c.LogsUse = false }),
				plans(identity(etl, suspended), was(identity(etl)))),
		},
		"activity/drift": {
			good("nothing beyond", plans(identity(etl), unchanged())),
			good("the system holds what was applied", holds(identity(etl)), plans(identity(etl), unchanged())),
			good("the system holds less", holds(with(identity(etl), until(in(10)))), plans(identity(etl), unchanged())),
			bad("a policy beside it", plans(identity(etl), unchanged(), drift("the policy extra is attached"))),
			bad("the system holds a later end", holds(with(identity(etl), until(in(300)))),
				plans(identity(etl), unchanged())),
			bad("the system holds more actions", holds(grant(etl, "daily", actions("read", "update"))),
				plans(grant(etl, "daily"), unchanged())),
		},
		"incident/reopened": {
			good("nothing was cut", plans(identity(etl), unchanged())),
			good("released with an incident's number",
				plans(identity(etl, releases("INC-7")), was(identity(etl)), cut())),
			good("a grant of what was cut", plans(grant(etl, "daily"), unchanged(), cut())),
			good("released again, with another number",
				plans(identity(etl, releases("INC-8")), was(identity(etl, releases("INC-7"))), cut())),
			warned("what was cut is created anew, and stays cut", plans(identity(etl), unchanged(), cut(), adopted())),
			bad("released with a number of long ago",
				plans(identity(etl, releases("INC-1")), was(identity(etl, releases("INC-7"))), cut(),
					released("INC-1"))),
			bad("released with the number of before",
				plans(identity(etl, releases("INC-1")), was(identity(etl)), cut(), released("INC-1"))),
			bad("released by the clock of its plan",
				plans(identity(etl, releases(in(0).Add(-time.Second).Format(time.RFC3339))), was(identity(etl)),
					cut())),
			bad("released by a clock before anything was cut",
				plans(identity(etl, releases(in(0).Format(time.RFC3339))))),
			bad("released before anything was cut, as a counter does",
				plans(identity(etl, releases("run 812")), was(identity(etl, releases("run 811"))))),
			bad("released for the first time before anything was cut",
				plans(identity(etl, releases("2027-01-01")), was(identity(etl)))),
			good("a release of before stands", plans(identity(etl, releases("INC-7")), unchanged())),
			good("made with a release, which lifts nothing", plans(identity(etl, releases("INC-7")))),
			good("one of the partner's is held, and all are released", holdsCut(credential(etl)),
				plans(identity(etl, releases("INC-7")), was(identity(etl)))),
			good("released with a moment that somebody wrote",
				plans(identity(etl, releases(in(0).Add(-time.Hour).Format(time.RFC3339))), was(identity(etl)), cut())),
			bad("the suspension is lifted, but not the hold",
				plans(identity(etl), was(identity(etl, suspended)), cut())),
			good("a grant of what was cut is created anew", plans(grant(etl, "daily"), unchanged(), cut(), adopted())),
			warned("it stays cut", plans(identity(etl), unchanged(), cut())),
			warned("the number was applied before", plans(identity(etl, releases("INC-7")), unchanged(), cut())),
			warned("it stays cut, and is suspended too", plans(identity(etl, suspended), was(identity(etl)), cut())),
		},
		"offboarding/rehearsal-overdue": {
			good("nobody keeps rehearsals", plans(identity(etl), unchanged(), created(in(-400)))),
			edge(good("rehearsed exactly 180 days ago", rehearsed(in(-180)),
				plans(identity(etl), unchanged(), created(in(-400))))),
			good("a new partner", rehearsed(time.Time{}), plans(identity(etl))),
			good("onboarded a month ago", rehearsed(time.Time{}), plans(identity(etl), unchanged(), created(in(-30)))),
			edge(bad("rehearsed a second earlier", rehearsed(in(-180).Add(-time.Second)),
				plans(identity(etl), unchanged(), created(in(-400))))),
			bad("never rehearsed", rehearsed(time.Time{}), plans(identity(etl), unchanged(), created(in(-181)))),
			bad("a new identity of an old partner", rehearsed(time.Time{}), old(identity("acme/prod/main")),
				plans(identity(etl))),
		},
	}
}

func rehearsed(at time.Time) part {
	return set(func(s *Settings) { s.Rehearsed = map[string]time.Time{"acme": at} })
}

func old(o access.Object) part {
	return func(s *scenario) {
		holds(o)(s)
		s.live[len(s.live)-1].CreatedAt = in(-400)
	}
}
