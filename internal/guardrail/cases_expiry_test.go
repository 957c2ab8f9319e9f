// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func ending(at time.Time, details ...detail) part {
	return plans(with(identity(etl), until(at)), details...)
}

// extended is a grant that is renewed from a month ahead to two, with further terms.
func extended(terms []func(*access.Terms), details ...detail) part {
	return plans(with(with(grant(etl, "daily"), until(in(60))), terms...),
		append([]detail{was(with(grant(etl, "daily"), until(in(30))))}, details...)...)
}

// unwaived is a grant from which a waiver of a rule goes that was to end it, whose own end moves as
// well. More is of the plan.
func unwaived(slug string, waived, from, to int, more ...any) part {
	after := with(grant(etl, "daily"), until(in(to)))
	details := []detail{was(with(grant(etl, "daily"), until(in(from)), waives(slug, "ciso@example.com", in(waived))))}
	for _, m := range more {
		switch m := m.(type) {
		case func(*access.Terms):
			m(after.Common())
		case detail:
			details = append(details, m)
		}
	}
	return plans(after, details...)
}

func terms(t ...func(*access.Terms)) []func(*access.Terms) { return t }

func expiryCases() map[string][]policy {
	owns, other := "jane.doe@example.com", "ciso@example.com"
	cannot := can(func(c *access.Capabilities) {
		c.CannotEnd = func(o access.Object, end time.Time) string {
			if end.After(in(30)) {
				return "it can end nothing after a month."
			}
			return ""
		}
	})
	return map[string][]policy{
		"expiry/unknown": {
			good("a written end", ending(in(90))),
			good("another argument is unknown", ending(in(90), unknown("ceiling"))),
			good("an end in another zone",
				plans(with(identity(etl), func(t *access.Terms) {
					t.ExpiresAt, _ = access.ParseMoment("2027-03-31T00:00:00+02:00")
				}))),
			bad("timestamp()", ending(time.Time{}, unknown("expires_at"))),
			bad("timestamp() on a credential", plans(with(credential(etl), until(time.Time{})), unknown("expires_at"))),
			bad("an end that becomes unknown",
				plans(with(grant(etl, "daily"), until(time.Time{})), was(grant(etl, "daily")), unknown("expires_at"))),
		},
		"expiry/indefinite": {
			good("next spring", ending(on("2027-03-31"))),
			good("four years are too long, but an end", ending(in(4*365))),
			edge(good("exactly five years", ending(today.AddDate(5, 0, 0)))),
			edge(bad("a second over five years", ending(today.AddDate(5, 0, 0).Add(time.Second)))),
			bad("the end of the calendar", ending(on("9999-12-31"))),
			bad("2999", plans(with(credential(etl), until(on("2999-01-01"))))),
			bad("the end of the century", plans(with(grant(etl, "daily"), until(on("2099-12-31"))))),
			bad("an end that is moved out of sight",
				plans(with(grant(etl, "daily"), until(on("2099-12-31"))), was(grant(etl, "daily")))),
			warned("it was applied before", ending(on("9999-12-31"), unchanged())),
		},
		"expiry/past": {
			good("tomorrow", ending(in(1))),
			edge(good("in a second", ending(today.Add(time.Second)))),
			good("it ended and nothing changed", ending(in(-1), unchanged())),
			edge(bad("now", ending(today))),
			bad("yesterday", ending(in(-1))),
			bad("an extension that is past already",
				plans(with(identity(etl), until(in(-1))), was(with(identity(etl), until(in(-5)))))),
			bad("an adopted thing that is past", ending(in(-1), unchanged(), adopted())),
			warned("a shortening into the past ends it at once",
				plans(with(identity(etl), until(in(-1))), was(identity(etl)))),
			warned("what vanished, or is replaced, is judged at apply", ending(in(-1), vanished())),
			bad("and is refused there", atApply(), ending(in(-1), vanished())),
		},
		"expiry/too-long": {
			good("half a year", ending(in(180))),
			edge(good("an identity for exactly 366 days", ending(in(366)))),
			edge(good("a grant for exactly 184 days", plans(with(grant(etl, "daily"), until(in(184)))))),
			good("a year after the renewal", ending(in(365), unchanged(), created(in(-900)), renewed(in(-1)))),
			good("a renewal counts from now on",
				plans(with(identity(etl), until(in(366))), was(with(identity(etl), until(in(10)))), created(in(-300)))),
			edge(bad("an identity for a second more", ending(in(366).Add(time.Second)))),
			edge(bad("a grant for a second more", plans(with(grant(etl, "daily"), until(in(184).Add(time.Second)))))),
			bad("a credential for two years", plans(with(credential(etl), until(in(730))))),
			bad("a setting that is shorter", set(func(s *Settings) { s.MaxLifetime[access.TypeIdentity] = 30 * day }),
				ending(in(31))),
			bad("over the hard ceiling, though the rule is off",
				set(func(s *Settings) { s.Levels = map[string]Level{"expiry/too-long": Off} }), ending(in(732))),
			bad("over the hard ceiling, though it is waived",
				plans(with(identity(etl), until(in(732)), waives("expiry/too-long", other, in(30))))),
			edge(good("at the hard ceiling with the rule off",
				set(func(s *Settings) { s.Levels = map[string]Level{"expiry/too-long": Off} }), ending(in(731)))),
			good("waived for a month", plans(with(identity(etl), until(in(700)),
				waives("expiry/too-long", other, in(30))))),
			bad("its waiver is taken away, and with that its end",
				plans(with(grant(etl, "daily"), until(in(300))),
					was(with(grant(etl, "daily"), until(in(300)), waives("expiry/too-long", other, in(30)))))),
			good("its waiver is taken away, and it is short by itself",
				plans(with(grant(etl, "daily"), until(in(90))),
					was(with(grant(etl, "daily"), until(in(300)), waives("expiry/too-long", other, in(30)))))),
			warned("its waiver ends earlier",
				plans(with(grant(etl, "daily"), until(in(300))), was(with(grant(etl, "daily"), until(in(300)))))),
			warned("it was applied before the setting", ending(in(400), unchanged())),
		},
		"expiry/rolling": {
			good("a new end with a new review", plans(grant(etl, "x"), was(grant(etl, "x"))),
				extended(terms(review(in(-1), owns)), spent(in(-40)))),
			edge(good("a first review, a week before the object", plans(identity(etl), unchanged()),
				extended(terms(review(in(-14), owns))))),
			edge(bad("a second more than a week before", plans(identity(etl), unchanged()),
				extended(terms(review(in(-14).Add(-time.Second), owns))))),
			bad("a review of another age of the world", plans(identity(etl), unchanged()),
				extended(terms(review(on("2001-01-01"), owns)))),
			bad("a next one that is as old", plans(identity(etl), unchanged()),
				extended(terms(review(on("2002-01-01"), owns)), spent(on("2001-01-01")))),
			edge(good("a second after the last extension", plans(identity(etl), unchanged()),
				extended(terms(review(in(-20).Add(time.Second), owns)), created(in(-90)), renewed(in(-20)),
					spent(in(-40))))),
			edge(bad("of the last extension's moment", plans(identity(etl), unchanged()),
				extended(terms(review(in(-20), owns)), created(in(-90)), renewed(in(-20)), spent(in(-40))))),
			good("a review of the identity covers its grants",
				plans(with(identity(etl), review(in(-1), owns)), was(identity(etl))), extended(nil, spent(in(-40)))),
			good("an earlier end needs none",
				plans(with(grant(etl, "daily"), until(in(30))), was(with(grant(etl, "daily"), until(in(60)))))),
			good("an identity with a review of its own",
				plans(with(identity(etl), review(in(-1), owns)), was(with(identity(etl), until(in(10)))))),
			good("the identity, and its review, may still arrive", extended(nil, spent(in(-40)))),
			bad("an identity without a review", plans(identity(etl), was(with(identity(etl), until(in(10)))))),
			edge(bad("the review that was used already", plans(identity(etl), unchanged()),
				extended(terms(review(in(-40), owns)), spent(in(-40))))),
			edge(good("a review a second newer than the last one used", plans(identity(etl), unchanged()),
				extended(terms(review(in(-40).Add(time.Second), owns)), created(in(-45)), spent(in(-40))))),
			bad("the identity's review was used already",
				plans(with(identity(etl), review(in(-40), owns)), unchanged()), extended(nil, spent(in(-40)))),
			bad("the identity without a review arrives second", extended(nil), plans(identity(etl), unchanged())),
			bad("a waiver goes that ended it before", plans(identity(etl), unchanged()),
				unwaived("expiry/permanent", 20, 60, 60)),
			bad("a waiver goes that had ended it", plans(identity(etl), unchanged()),
				unwaived("expiry/too-long", -1, 300, 60)),
			bad("a waiver goes, and another one lasts longer", plans(identity(etl), unchanged()),
				unwaived("expiry/permanent", 10, 60, 60, waives("expiry/soon", other, in(30)))),
			bad("a waiver goes that set nothing aside, and no agreement ends it",
				plans(with(identity(etl), until(in(60))),
					was(with(identity(etl), until(in(60)), waives(access.OutlivesAgreement, other, in(20)))))),
			good("a waiver goes, and a review stands", plans(identity(etl), unchanged()),
				unwaived("expiry/permanent", 30, 60, 60, review(in(-1), other))),
			good("a waiver goes, and it ends no later", plans(identity(etl), unchanged()),
				unwaived("expiry/permanent", 30, 60, 30)),
			good("a waiver goes, and what it rests on ends no later", plans(identity(etl), unchanged()),
				unwaived("expiry/permanent", 30, 60, 60, func(*access.Terms) {}, endsAt(in(30)))),
			good("a waiver goes, and the agreement ends it before",
				plans(with(identity(etl), until(in(60))),
					was(with(identity(etl), until(in(60)), waives(access.OutlivesAgreement, other, in(30)))),
					endsAt(in(20)))),
			good("a waiver of another family goes", plans(identity(etl), unchanged()),
				unwaived("scope/outside-ceiling", 30, 60, 60)),
			good("a waiver is approved for longer",
				plans(with(identity(etl), until(in(60)), waives("expiry/soon", other, in(40))),
					was(with(identity(etl), until(in(60)), waives("expiry/soon", other, in(30)))))),
			bad("an adopted later end", plans(identity(etl), unchanged()), extended(nil, adopted())),
			bad("an end that was decided on is taken back", plans(identity(etl), unchanged()), takenBack()),
			bad("by a review of before that decision", plans(identity(etl), unchanged()),
				takenBack(review(in(-4), owns))),
			good("by a newer review", plans(identity(etl), unchanged()), takenBack(review(in(-1), owns))),
			bad("the identity is another stack's", foreign(identity(etl)), extended(nil)),
			good("the identity is ours, and may still arrive", holds(identity(etl)), extended(nil)),
			bad("and at apply still is", atApply(), holds(identity(etl)), extended(nil)),
		},
		"expiry/relabelled": relabelledCases(owns),
		"expiry/permanent": {
			good("young access", plans(with(identity(etl), review(in(-1), owns)),
				was(with(identity(etl), until(in(10)))))),
			good("old access, reviewed by somebody else",
				plans(with(identity(etl), review(in(-1), other)), was(with(identity(etl), until(in(10)))),
					created(in(-900)))),
			edge(good("an identity of exactly two years",
				plans(with(identity(etl), review(in(-1), owns)), was(with(identity(etl), until(in(10)))),
					created(today.AddDate(-2, 0, 0))))),
			good("old access that is not renewed", plans(identity(etl), unchanged(), created(in(-900)))),
			good("an old grant whose identity was reviewed by somebody else",
				plans(with(identity(etl), review(in(-2), other)), unchanged()),
				extended(terms(review(in(-1), owns)), created(in(-400)))),
			edge(bad("an identity of two years and a second",
				plans(with(identity(etl), review(in(-1), owns)), was(with(identity(etl), until(in(10)))),
					created(today.AddDate(-2, 0, 0).Add(-time.Second))))),
			bad("its waiver goes, on a review by the owner", plans(identity(etl), unchanged()),
				unwaived("expiry/permanent", 30, 60, 60, review(in(-1), owns), created(in(-400)))),
			good("its waiver goes, on a review by somebody else", plans(identity(etl), unchanged()),
				unwaived("expiry/permanent", 30, 60, 60, review(in(-1), other), created(in(-400)))),
			bad("by the owner, with a name", plans(identity(etl), unchanged()),
				extended(terms(review(in(-1), "Jane Doe <Jane.Doe+x@example.com>")), created(in(-400)))),
			bad("by the owner, with a stop", plans(identity(etl), unchanged()),
				extended(terms(review(in(-1), "jane.doe@example.com.")), created(in(-400)))),
			bad("by the owner, in quotes", plans(identity(etl), unchanged()),
				extended(terms(review(in(-1), `"jane.doe"@example.com (CEO)`)), created(in(-400)))),
			bad("by whom no address tells from the owner", plans(identity(etl), unchanged()),
				extended(terms(review(in(-1), "Jane")), created(in(-400)))),
			bad("by the owner, with somebody else in the comment", plans(identity(etl), unchanged()),
				extended(terms(review(in(-1), "jane.doe@example.com (or joe@example.com)")), created(in(-400)))),
			bad("by the owner, twice", plans(identity(etl), unchanged()),
				extended(terms(review(in(-1), "jane.doe@example.com, Jane.Doe@example.com")), created(in(-400)))),
			bad("by what only looks like an address", plans(identity(etl), unchanged()),
				extended(terms(review(in(-1), "@joe")), created(in(-400)))),
			good("by somebody else, in parentheses", plans(identity(etl), unchanged()),
				extended(terms(review(in(-1), "Joe Roe (joe@example.com)")), created(in(-400)))),
			good("by somebody else, with an office", plans(identity(etl), unchanged()),
				extended(terms(review(in(-1), "joe@example.com, CISO")), created(in(-400)))),
			good("by somebody else, with a name and an office", plans(identity(etl), unchanged()),
				extended(terms(review(in(-1), "Joe <joe@example.com> (CISO)")), created(in(-400)))),
			good("by somebody else, with a name", plans(identity(etl), unchanged()),
				extended(terms(review(in(-1), "Joe <joe@example.com>")), created(in(-400)))),
			bad("access that goes on beside an older one, and for longer", old(grant(etl, "daily")),
				plans(identity(etl), unchanged()),
				plans(identity("acme/prod/feed")),
				plans(with(grant("acme/prod/feed", "daily"), until(in(180)), review(in(-1), owns)))),
			good("another use case beside an older one", old(with(grant(etl, "daily"), until(in(180)))),
				plans(identity(etl), unchanged()),
				plans(identity("acme/prod/feed")),
				plans(with(grant("acme/prod/feed", "daily"), until(in(180)), review(in(-1), owns)))),
			bad("by the owner, with a tag", plans(identity(etl), unchanged()),
				extended(terms(review(in(-1), "jane.doe+reviews@example.com")), created(in(-400)))),
			edge(bad("a grant of a year and a second", plans(identity(etl), unchanged()),
				extended(terms(review(in(-1), "Jane.Doe@example.com")),
					created(today.AddDate(-1, 0, 0).Add(-time.Second))))),
			bad("a grant whose identity its owner reviewed",
				plans(with(identity(etl), review(in(-1), owns)), unchanged()), extended(nil, created(in(-400)))),
			bad("somebody else's review was used already",
				plans(with(identity(etl), review(in(-50), other)), unchanged()),
				extended(terms(review(in(-1), owns)), created(in(-400)), spent(in(-50)))),
		},
		"expiry/outlives-identity": {
			edge(good("ends with its identity", plans(identity(etl)),
				plans(with(grant(etl, "daily"), until(on("2027-03-31")))))),
			good("ends before its identity", plans(identity(etl)), plans(credential(etl))),
			good("its identity is nowhere yet", plans(grant(etl, "daily"))),
			good("both are shortened in this plan", holds(identity(etl)), holds(grant(etl, "daily")),
				plans(with(identity(etl), until(in(30))), was(identity(etl))),
				plans(with(grant(etl, "daily"), until(in(30))), was(grant(etl, "daily")))),
			edge(bad("ends a second later", plans(identity(etl)),
				plans(with(grant(etl, "daily"), until(on("2027-03-31T00:00:01Z")))))),
			bad("a credential that ends a day later", plans(identity(etl)),
				plans(with(credential(etl), until(on("2027-04-01"))))),
			bad("the identity arrives second", plans(with(grant(etl, "daily"), until(on("2027-04-01")))),
				plans(identity(etl))),
			bad("the identity is another stack's", foreign(identity(etl)),
				plans(with(grant(etl, "daily"), until(on("2027-04-01"))))),
			good("the identity is ours, and may still arrive", holds(identity(etl)),
				plans(with(grant(etl, "daily"), until(on("2027-04-01"))))),
			warned("the identity is shortened and the grant forgotten",
				plans(with(identity(etl), until(in(30))), was(identity(etl))), plans(grant(etl, "daily"), unchanged())),
			warned("another stack's grant outlives it", foreign(grant(etl, "daily")),
				plans(with(identity(etl), until(in(30))), was(identity(etl)))),
		},
		"expiry/outlives-agreement": {
			good("ends before the agreement", plans(identity(etl, agreement(on("2027-06-30"))))),
			edge(good("ends with the agreement", plans(identity(etl, agreement(on("2027-03-31")))))),
			good("no agreement", plans(identity(etl))),
			good("waived", plans(with(identity(etl, agreement(on("2027-01-31"))),
				waives("expiry/outlives-agreement", other, in(80))))),
			edge(bad("ends a second after it", plans(identity(etl, agreement(on("2027-03-30T23:59:59Z")))))),
			bad("ends after the register's",
				register(Partner{Agreement: &access.Agreement{Reference: "MSA-2", EndsAt: access.At(in(30))}}),
				plans(identity(etl))),
			bad("the register's ends before its own",
				register(Partner{Agreement: &access.Agreement{Reference: "MSA-2", EndsAt: access.At(in(30))}}),
				plans(identity(etl, agreement(on("2027-06-30"))))),
			bad("the waiver is over", plans(with(identity(etl, agreement(on("2027-01-31"))),
				waives("expiry/outlives-agreement", other, in(-1))))),
			warned("the agreement was shortened",
				plans(identity(etl, agreement(in(30))), was(identity(etl, agreement(on("2027-06-30")))))),
		},
		"expiry/outlives-parent": {
			edge(good("ends with its parent", plans(identity("acme/prod/main", offers(1))),
				plans(identity("sub/prod/etl", under("acme/prod/main"))))),
			good("hangs on nothing", plans(identity(etl))),
			good("ends before its parent", plans(identity("acme/prod/main", offers(1))),
				plans(with(identity("sub/prod/etl", under("acme/prod/main")), until(in(30))))),
			edge(bad("ends a second after its parent", plans(identity("acme/prod/main", offers(1))),
				plans(with(identity("sub/prod/etl", under("acme/prod/main")), until(on("2027-03-31T00:00:01Z")))))),
			bad("the parent arrives second", plans(identity("sub/prod/etl", under("acme/prod/main"))),
				plans(with(identity("acme/prod/main", offers(1)), until(in(30))))),
			bad("it is hung on a parent that ends earlier",
				plans(with(identity("acme/prod/main", offers(1)), until(in(30))), unchanged()),
				plans(identity("sub/prod/etl", under("acme/prod/main")), was(identity("sub/prod/etl")))),
			warned("the parent is shortened",
				plans(with(identity("acme/prod/main", offers(1)), until(in(30))),
					was(identity("acme/prod/main", offers(1)))),
				plans(identity("sub/prod/etl", under("acme/prod/main")), unchanged())),
		},
		"expiry/cannot-be-enforced": {
			good("the system ends everything", ending(in(90))),
			good("an end within its means", cannot, ending(in(20))),
			edge(good("an end just within its means", cannot, ending(in(30)))),
			bad("an end beyond its means", cannot, ending(in(31))),
			bad("a credential's", cannot, plans(with(credential(etl), until(in(31))))),
			bad("a grant that is extended beyond", cannot, extended(nil)),
			warned("it was applied before", cannot, ending(in(31), unchanged())),
		},
		"expiry/soon": {
			good("half a year ahead", ending(in(180), unchanged())),
			good("short access just begun", ending(in(8), unchanged(), created(in(-1)))),
			good("it has ended", ending(in(-1), unchanged())),
			good("its renewal makes a new quarter",
				plans(with(identity(etl), until(in(20))), was(with(identity(etl), until(in(2)))))),
			edge(good("31 days before the end of a year", ending(in(31), unchanged(), created(in(-334))))),
			edge(bad("30 days before the end of a year", ending(in(30), unchanged(), created(in(-335))))),
			edge(bad("at the last quarter of its life", ending(in(2), unchanged(), created(in(-6))))),
			bad("an hour before its end", plans(with(grant(etl, "daily"), until(today.Add(time.Hour))), unchanged())),
			bad("what it rests on ends soon", ending(in(180), unchanged(), endsAt(in(1)))),
		},
		"expiry/expired": {
			good("still running", ending(in(1), unchanged())),
			edge(good("a second before its end", ending(today.Add(time.Second), unchanged()))),
			good("created in the past is expiry/past's", ending(in(-1))),
			edge(bad("now", ending(today, unchanged()))),
			bad("ended a week ago", ending(in(-7), unchanged(), created(in(-30)))),
			bad("what it rested on has ended", ending(in(90), unchanged(), endsAt(in(-1)))),
			bad("its agreement has ended", plans(identity(etl, agreement(in(-1))), unchanged(), endsAt(in(-1)))),
		},
	}
}

// takenBack is a grant that was decided to end three days ago, and whose declaration does not say so any more.
func takenBack(then ...func(*access.Terms)) part {
	ended := with(grant(etl, "daily"),
		decides(access.DecisionEnd, grant(etl, "daily"), time.Time{}, endsNow,
			func(r *access.Review) { r.At = access.At(in(-3)) }))
	return plans(with(grant(etl, "daily"), then...), was(ended))
}
