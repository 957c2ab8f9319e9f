// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func reaches(p access.Pattern) part { return plans(grant(etl, "daily", resource(p))) }

func lowered(slug string, to Level) part {
	return set(func(s *Settings) { s.Levels = map[string]Level{slug: to} })
}

func shared(p ...access.Pattern) part { return set(func(s *Settings) { s.Shared = p }) }

// many lets grants of one identity arrive, each on its own resource.
func many(id string, n int) part {
	return func(s *scenario) {
		for i := range n {
			name := "g" + strings.Repeat("x", i)
			plans(grant(id, name))(s)
		}
	}
}

func scopeCases() map[string][]policy {
	admin := can(func(c *access.Capabilities) {
		c.Reach = func(p access.Pattern, actions []string) (r access.Reach) {
			if p.Overlaps("sys/*") {
				r.System = "it is the system's own administration."
			}
			if p.Overlaps("pki/issue/*") {
				r.Privileged = "it issues certificates"
			}
			if p.Overlaps("plugin/*") {
				r.Unknown = "the engine at plugin/ is of the type magic"
			}
			if p.Overlaps("orders/none/*") {
				r.Nothing = "nothing is mounted at orders/none"
				r.Absent = true
				r.Instead = "Write orders/acme."
			}
			if p.Overlaps("kv2/acme/*") {
				r.Nothing = "kv2/ is a KV store of version 2, which has nothing at that path"
				r.Instead = "Write kv2/data/acme/*."
			}
			if p.Overlaps("secret/data/*") {
				r.Place = 2
			}
			for _, way := range []access.Pattern{"secret/data/", "secret/metadata/"} {
				if way := way + "*"; p.Overlaps(way) {
					name := strings.Join(p.Meet(way).Segments()[2:], "/")
					r.Targets = append(r.Targets, access.Target{Kind: "secret", Path: access.Pattern("secret/" + name),
						Way: func(of access.Pattern) access.Pattern {
							return access.Pattern(strings.Join(append(way.Segments()[:2], of.Segments()[1:]...), "/"))
						}})
				}
			}
			return r
		}
	})
	issuing := func(p access.Pattern, end time.Time, details ...detail) part {
		return plans(with(grant(etl, "daily", resource(p)), until(end)), details...)
	}
	words := can(func(c *access.Capabilities) {
		c.Does = func(_ access.Pattern, action string) []string {
			return map[string][]string{"read": {"Get"}, "fetch": {"Get"}, "sync": {"Get", "Put"}}[action]
		}
	})
	main, sub := "acme/prod/main", "sub/prod/etl"
	return map[string][]policy{
		"scope/wildcard-action": {
			good("read and list", plans(grant(etl, "daily", actions("read", "list")))),
			good("a word that only begins with one", plans(grant(etl, "daily", actions("admin-report", "allocate")))),
			good("no wildcard, many actions",
				plans(grant(etl, "daily", actions("read", "list", "create", "update", "delete")))),
			bad("everything", plans(grant(etl, "daily", actions("*")))),
			bad("sudo beside read", plans(grant(etl, "daily", actions("read", "sudo")))),
			bad("all", plans(grant(etl, "daily", actions("all")), was(grant(etl, "daily")))),
			bad("root and admin", plans(grant(etl, "daily", actions("root", "admin")))),
			warned("it was applied before", plans(grant(etl, "daily", actions("*")), unchanged())),
		},
		"scope/wildcard-resource": {
			edge(good("two literal segments", reaches("orders/daily/*"))),
			good("an exact path", reaches("orders")),
			good("the partner's name alone", reaches("acme/*")),
			good("the word admin in a data path", reaches("orders/admin/*")),
			edge(bad("one literal segment", reaches("orders/*"))),
			bad("everything", reaches("*")),
			bad("every login", reaches("ssh/*")),
			bad("any segment", reaches("+/acme/orders")),
			edge(good("a partner's folder in a place of two", admin, reaches("secret/data/emea/*"))),
			edge(bad("a place of two counts as one", admin, reaches("secret/data/*"))),
			good("a place that bears the partner's name", admin, reaches("secret/data/acme/*")),
			bad("three are asked for", set(func(s *Settings) { s.MinFixedSegments = 3 }), reaches("orders/daily/*")),
			bad("it is widened", plans(grant(etl, "daily", resource("orders/*")),
				was(grant(etl, "daily", resource("orders/acme/*"))))),
			warned("it was wider before", plans(grant(etl, "daily", resource("orders/+")),
				was(grant(etl, "daily", resource("orders/*"))))),
		},
		"scope/system-path": {
			good("data", admin, reaches("orders/acme/*")),
			good("a data path with the word sys", admin, reaches("orders/sys/x")),
			good("a system that says nothing of it", reaches("sys/policy/x")),
			bad("the administration", admin, reaches("sys/policies/*")),
			bad("an exact path of it", admin, reaches("sys/seal")),
			bad("a wildcard that reaches it", admin, reaches("+/policies/acl")),
			warned("it was applied before", admin, plans(grant(etl, "daily", resource("sys/seal")), unchanged())),
			bad("it is extended", admin, plans(with(grant(etl, "daily", resource("sys/seal")), until(in(60))),
				was(with(grant(etl, "daily", resource("sys/seal")), until(in(30)))))),
			warned("it is shortened", admin,
				plans(with(grant(etl, "daily", resource("sys/seal")), until(in(20))),
					was(with(grant(etl, "daily", resource("sys/seal")), until(in(30)))))),
		},
		"scope/unknown-engine": {
			good("what is known", admin, reaches("orders/acme/*")),
			good("waived", admin, plans(with(grant(etl, "daily", resource("plugin/acme/x")),
				waives("scope/unknown-engine", "ciso@example.com", in(30))))),
			good("a system that knows all of its own", reaches("plugin/acme/x")),
			bad("what is not", admin, reaches("plugin/acme/x")),
			bad("a wildcard that reaches it", admin, reaches("+/acme/x")),
			bad("it is moved there", admin,
				plans(grant(etl, "daily", resource("plugin/acme/x")), was(grant(etl, "daily")))),
			warned("it was applied before", admin, plans(grant(etl, "daily", resource("plugin/acme/x")), unchanged())),
		},
		"scope/no-mount": {
			good("what is there", admin, reaches("orders/acme/*")),
			good("waived", atApply(), admin,
				plans(with(grant(etl, "daily", resource("orders/none/x")),
					waives("scope/no-mount", "ciso@example.com", in(30)))), holds(identity(etl))),
			bad("what is not", admin, reaches("orders/none/x")),
			bad("it is moved there", admin,
				plans(grant(etl, "daily", resource("orders/none/x")), was(grant(etl, "daily")))),
			edge(warned("a warning at plan, where it is lowered", admin, lowered("scope/no-mount", Warn),
				reaches("orders/none/x"))),
			edge(bad("and refused at apply", admin, lowered("scope/no-mount", Warn), atApply(), holds(identity(etl)),
				reaches("orders/none/x"))),
			bad("a mount that has nothing at that path", admin, reaches("kv2/acme/*")),
			edge(warned("a mount that has nothing there, where it is lowered", admin, lowered("scope/no-mount", Warn),
				reaches("kv2/acme/*"))),
			edge(warned("and at apply, since no run changes that", admin, lowered("scope/no-mount", Warn), atApply(),
				holds(identity(etl)), reaches("kv2/acme/*"))),
			good("off is off", admin, lowered("scope/no-mount", Off), atApply(), holds(identity(etl)),
				reaches("orders/none/x")),
			warned("it was applied before", admin, plans(grant(etl, "daily", resource("orders/none/x")), unchanged())),
		},
		"scope/privileged": {
			edge(good("issuing for exactly 30 days", admin, issuing("pki/issue/acme", in(30)))),
			good("data for longer", admin, issuing("orders/acme/*", in(90))),
			good("the rest of what began long ago", admin,
				issuing("pki/issue/acme", in(5), unchanged(), created(in(-20)))),
			edge(bad("issuing for a second more", admin, issuing("pki/issue/acme", in(30).Add(time.Second)))),
			bad("issuing for half a year", admin, issuing("pki/issue/+", in(180))),
			bad("it becomes privileged", admin, issuing("pki/issue/acme", in(90), was(grant(etl, "daily")))),
			warned("it was applied before", admin, issuing("pki/issue/acme", in(90), unchanged())),
		},
		"scope/outside-ceiling": {
			edge(good("the whole ceiling", plans(identity(etl, ceiling("orders/acme/*"))), reaches("orders/acme/*"))),
			good("no ceiling", plans(identity(etl)), reaches("orders/other/*")),
			good("inside of one of two", plans(identity(etl, ceiling("a/b/*", "orders/acme/*"))),
				reaches("orders/acme/daily")),
			good("covered by two together", plans(identity(etl, ceiling("orders/acme/+", "orders/acme/+/*"))),
				reaches("orders/acme/*")),
			edge(bad("the folder itself lies outside of its wildcard", plans(identity(etl, ceiling("orders/acme/*"))),
				reaches("orders/acme"))),
			bad("beside it", plans(identity(etl, ceiling("orders/acme/*"))), reaches("orders/other/*")),
			bad("deeper than it", plans(identity(etl, ceiling("orders/acme/+"))), reaches("orders/acme/*")),
			bad("the identity arrives second", reaches("orders/other/*"),
				plans(identity(etl, ceiling("orders/acme/*")))),
			warned("the ceiling was narrowed", plans(identity(etl, ceiling("orders/acme/*")), was(identity(etl))),
				plans(grant(etl, "daily", resource("orders/other/*")), unchanged())),
		},
		"scope/exceeds-parent": {
			good("inside of its parent's", plans(identity(main, offers(1), ceiling("orders/acme/*"))),
				plans(identity(sub, under(main), ceiling("orders/acme/sub/*")))),
			edge(good("the same as its parent's", plans(identity(main, offers(1), ceiling("orders/acme/*"))),
				plans(identity(sub, under(main), ceiling("orders/acme/*"))))),
			good("no ceiling of its own, a grant inside", plans(identity(main, offers(1), ceiling("orders/acme/*"))),
				plans(identity(sub, under(main))), plans(grant(sub, "daily", resource("orders/acme/x")))),
			good("the parent has none", plans(identity(main, offers(1))),
				plans(identity(sub, under(main), ceiling("a/b/*")))),
			bad("a wider ceiling", plans(identity(main, offers(1), ceiling("orders/acme/*"))),
				plans(identity(sub, under(main), ceiling("orders/*")))),
			bad("a grant outside", plans(identity(main, offers(1), ceiling("orders/acme/*"))),
				plans(identity(sub, under(main))), plans(grant(sub, "daily", resource("orders/x/*")))),
			bad("the parent arrives last", plans(grant(sub, "daily", resource("orders/x/*"))),
				plans(identity(sub, under(main))), plans(identity(main, offers(1), ceiling("orders/acme/*")))),
			bad("outside of what is further up", plans(identity(main, offers(2), ceiling("orders/acme/*"))),
				plans(identity("mid/prod/etl", under(main), offers(1))),
				plans(identity(sub, under("mid/prod/etl"), ceiling("orders/x/*")))),
			bad("what stands between arrives last", plans(identity(main, offers(2), ceiling("orders/acme/*"))),
				plans(identity(sub, under("mid/prod/etl"), ceiling("orders/x/*"))),
				plans(identity("mid/prod/etl", under(main), offers(1)))),
			warned("the parent is narrowed",
				plans(identity(main, offers(1), ceiling("orders/acme/*")), was(identity(main, offers(1)))),
				plans(identity(sub, under(main), ceiling("orders/x/*")), unchanged())),
		},
		"scope/foreign-partner": {
			good("each in its own", plans(identity(etl, ceiling("orders/acme/*"))),
				plans(identity("globex/prod/etl", ceiling("orders/globex/*")))),
			good("one partner twice", plans(identity(etl, ceiling("orders/acme/*"))),
				plans(identity(main, ceiling("orders/acme/*")))),
			good("where partners may meet", shared("orders/common/*"), plans(identity(etl, ceiling("orders/common/*"))),
				plans(identity("globex/prod/etl", ceiling("orders/+/*")))),
			good("a subcontractor in its parent's", plans(identity(main, offers(1), ceiling("orders/acme/*"))),
				plans(identity(sub, under(main), ceiling("orders/acme/x/*")))),
			good("a subcontractor's grant in what is two above",
				plans(identity(main, offers(2), ceiling("orders/acme/*"))),
				plans(grant(sub, "daily", resource("orders/acme/x"))), plans(identity(sub, under("mid/prod/etl"))),
				plans(identity("mid/prod/etl", under(main), offers(1)))),
			edge(good("they touch, and share no path", plans(identity(etl, ceiling("orders/acme"))),
				plans(identity("globex/prod/etl", ceiling("orders/acme/*"))))),
			bad("one ceiling inside of the other's", plans(identity(etl, ceiling("orders/acme/*"))),
				plans(identity("globex/prod/etl", ceiling("orders/acme/x/*")))),
			bad("a grant inside of the other's ceiling", plans(identity(etl, ceiling("orders/acme/*"))),
				plans(identity("globex/prod/etl")),
				plans(grant("globex/prod/etl", "daily", resource("orders/+/daily")))),
			bad("the grant was there first", plans(identity("globex/prod/etl")),
				plans(grant("globex/prod/etl", "daily", resource("orders/+/daily"))),
				plans(identity(etl, ceiling("orders/acme/*")))),
			bad("the grant's identity arrives last",
				plans(grant("globex/prod/etl", "daily", resource("orders/+/daily"))),
				plans(identity(etl, ceiling("orders/acme/*"))), plans(identity("globex/prod/etl"))),
			bad("two grants, and no ceiling", plans(identity(etl)), plans(identity("globex/prod/etl")),
				plans(grant(etl, "daily")), plans(grant("globex/prod/etl", "daily", resource("orders/acme/daily/x")))),
			bad("a grant that is widened into another's", plans(identity(etl), unchanged()),
				plans(identity("globex/prod/etl"), unchanged()), plans(grant(etl, "daily"), unchanged()),
				plans(grant("globex/prod/etl", "daily", resource("orders/acme/*")),
					was(grant("globex/prod/etl", "daily")))),
			good("two grants where partners may meet", shared("orders/acme/*"), plans(identity(etl)),
				plans(identity("globex/prod/etl")), plans(grant(etl, "daily")),
				plans(grant("globex/prod/etl", "daily", resource("orders/acme/daily/x")))),
			good("a subcontractor's grant in its parent's", plans(identity(main, offers(1))),
				plans(identity(sub, under(main))), plans(grant(main, "daily")),
				plans(grant(sub, "daily", resource("orders/acme/daily/x")))),
			bad("the names of the other's values", admin, plans(identity(etl)),
				plans(identity("globex/prod/etl", ceiling("secret/metadata/acme/*"))), reaches("secret/data/acme/*")),
			bad("by two grants", admin, plans(identity(etl)), plans(identity("globex/prod/etl")),
				reaches("secret/data/acme/*"),
				plans(grant("globex/prod/etl", "names", resource("secret/metadata/acme/x")))),
			good("the names of others' values", admin, plans(identity(etl)), plans(identity("globex/prod/etl")),
				reaches("secret/data/acme/*"),
				plans(grant("globex/prod/etl", "names", resource("secret/metadata/globex/*")))),
			bad("names are shared, values are not", admin, shared("secret/metadata/acme/*"), plans(identity(etl)),
				plans(identity("globex/prod/etl")), reaches("secret/data/acme/*"),
				plans(grant("globex/prod/etl", "names", resource("secret/metadata/acme/x")))),
			bad("whichever comes first", admin, shared("secret/metadata/acme/*"), plans(identity(etl)),
				plans(identity("globex/prod/etl")),
				plans(grant("globex/prod/etl", "names", resource("secret/metadata/acme/x"))),
				reaches("secret/data/acme/*")),
			good("both are shared", admin, shared("secret/metadata/acme/x", "secret/data/acme/x"), plans(identity(etl)),
				plans(identity("globex/prod/etl")), reaches("secret/data/acme/*"),
				plans(grant("globex/prod/etl", "names", resource("secret/metadata/acme/x")))),
			bad("only part of it is shared", shared("orders/common/*"), plans(identity(etl, ceiling("orders/*"))),
				plans(identity("globex/prod/etl", ceiling("orders/+/x")))),
			good("nobody knows yet whose it is", plans(identity(etl, ceiling("orders/acme/*"))),
				plans(identity("globex/prod/etl", ceiling("orders/acme/*")), unknown("partner"))),
			good("nor on what it hangs", plans(identity(etl, ceiling("orders/acme/*"))),
				plans(grant("globex/prod/etl", "daily", resource("orders/acme/x")), unknown("identity_id"))),
			bad("with another stack's", foreign(identity("globex/prod/etl", ceiling("orders/acme/*"))),
				plans(identity(etl, ceiling("orders/acme/*")))),
			warned("with another stack's, applied before",
				foreign(identity("globex/prod/etl", ceiling("orders/acme/*"))),
				plans(identity(etl, ceiling("orders/acme/*")), unchanged())),
			bad("with ours at apply, which has not left", atApply(),
				holds(identity("globex/prod/etl", ceiling("orders/acme/*"))),
				plans(identity(etl, ceiling("orders/acme/*")))),
			bad("the parent lets go of one whose grant is in its own ceiling",
				plans(identity(main, offers(1), ceiling("orders/acme/*")), unchanged()),
				plans(grant(sub, "daily", resource("orders/acme/x")), unchanged()),
				plans(identity(sub), was(identity(sub, under(main))))),
			good("with ours that may be leaving", holds(identity("globex/prod/etl", ceiling("orders/acme/*"))),
				plans(identity(etl, ceiling("orders/acme/*")))),
			warned("both were applied before", plans(identity(etl, ceiling("orders/acme/*")), unchanged()),
				plans(identity("globex/prod/etl", ceiling("orders/acme/*")), unchanged())),
		},
		"scope/overlap": {
			good("different paths", plans(grant(etl, "a")), plans(grant(etl, "b"))),
			good("different actions", plans(grant(etl, "a", resource("orders/acme/*"))),
				plans(grant(etl, "b", resource("orders/acme/*"), actions("list")))),
			good("different identities", plans(grant(etl, "a", resource("orders/acme/*"))),
				plans(grant(main, "b", resource("orders/acme/*")))),
			edge(good("a folder and what is in it", plans(grant(etl, "a", resource("orders/acme"))),
				plans(grant(etl, "b", resource("orders/acme/*"))))),
			bad("the same path", plans(grant(etl, "a", resource("orders/acme/*"))),
				plans(grant(etl, "b", resource("orders/acme/*")))),
			bad("one inside of the other", plans(grant(etl, "a", resource("orders/acme/*"))),
				plans(grant(etl, "b", resource("orders/acme/x"), actions("list", "read")))),
			bad("two that cross", plans(grant(etl, "a", resource("orders/+/x"))),
				plans(grant(etl, "b", resource("orders/acme/+")))),
			bad("the longer one by another word", words, plans(grant(etl, "a", resource("orders/acme/*"))),
				plans(with(grant(etl, "b", resource("orders/acme/*"), actions("sync")), until(in(180))))),
			bad("the shorter one by another word", words,
				plans(grant(etl, "a", resource("orders/acme/*"), actions("fetch"))),
				plans(with(grant(etl, "b", resource("orders/acme/*")), until(in(180))))),
			bad("one word in another, until the same end", words, plans(grant(etl, "a", resource("orders/acme/*"))),
				plans(grant(etl, "b", resource("orders/acme/*"), actions("sync")))),
			bad("and under exchanged names", words, plans(grant(etl, "a", resource("orders/acme/*"), actions("sync"))),
				plans(grant(etl, "b", resource("orders/acme/*")))),
			bad("the longer and wider one is first by name", words,
				plans(with(grant(etl, "a", resource("orders/acme/*"), actions("sync")), until(in(180)))),
				plans(grant(etl, "b", resource("orders/acme/*")))),
			good("the shorter and wider one is first by name", words,
				plans(with(grant(etl, "a", resource("orders/acme/*"), actions("sync")), until(in(20)))),
				plans(grant(etl, "b", resource("orders/acme/*")))),
			good("another stack's word, which means nothing here", words,
				foreign(grant(etl, "a", resource("orders/acme/*"), actions("theirs"))),
				plans(grant(etl, "b", resource("orders/acme/*")))),
			good("more for a shorter time", words, plans(grant(etl, "a", resource("orders/acme/*"))),
				plans(with(grant(etl, "b", resource("orders/acme/*"), actions("sync")), until(in(20))))),
			bad("one is widened into the other", plans(grant(etl, "a", resource("orders/acme/*")), unchanged()),
				plans(grant(etl, "b", resource("orders/acme/x"), actions("list", "read")),
					was(grant(etl, "b", resource("orders/acme/x"), actions("list"))))),
			bad("with ours at apply, which has not left", atApply(), holds(identity(etl)),
				holds(grant(etl, "a", resource("orders/acme/*"))),
				plans(grant(etl, "b", resource("orders/acme/*"), actions("read", "list")))),
			good("one that takes another's place under another name, at apply", atApply(), holds(identity(etl)),
				holds(grant(etl, "a", resource("orders/acme/*"))), plans(grant(etl, "b", resource("orders/acme/*")))),
			good("two that swap what they hold", holds(grant(etl, "a")), holds(grant(etl, "b")),
				plans(grant(etl, "a", resource("orders/acme/b/*")), was(grant(etl, "a"))),
				plans(grant(etl, "b", resource("orders/acme/a/*")), was(grant(etl, "b")))),
			warned("waived on neither, applied before", plans(grant(etl, "a", resource("orders/acme/*")), unchanged()),
				plans(grant(etl, "b", resource("orders/acme/*")), unchanged())),
			good("waived on the other", plans(with(grant(etl, "a", resource("orders/acme/*")),
				waives("scope/overlap", "ciso@example.com", in(30)))),
				plans(grant(etl, "b", resource("orders/acme/*")))),
		},
		"scope/accumulation": {
			edge(good("exactly twenty", many(etl, 20))),
			good("two identities", many(etl, 20), many(main, 20)),
			good("a higher limit", set(func(s *Settings) { s.MaxGrants = 30 }), many(etl, 30)),
			edge(bad("twenty-one", many(etl, 21))),
			bad("a lower limit", set(func(s *Settings) { s.MaxGrants = 1 }), many(etl, 2)),
			bad("another stack's count too", set(func(s *Settings) { s.MaxGrants = 1 }), foreign(grant(etl, "theirs")),
				many(etl, 1)),
		},
		"separation/environment": {
			good("the provider's", plans(identity(etl))),
			good("a child of the provider's", plans(grant(etl, "daily"))),
			good("one that is named", set(func(s *Settings) { s.Environments = []string{"dr"} }),
				plans(identity("acme/dr/etl"))),
			bad("another", plans(identity("acme/dev/etl"))),
			bad("a credential of another", plans(credential("acme/dev/etl"))),
			bad("a parent in another", plans(identity(sub, under("acme/dev/main")))),
			bad("a grant of another", plans(grant("acme/dev/etl", "daily"))),
			warned("it was applied before", plans(identity("acme/dev/etl"), unchanged())),
		},
		"separation/duplicate": {
			good("one of each", plans(identity(etl)), plans(credential(etl)), plans(grant(etl, "daily"))),
			good("a replacement comes twice", plans(identity(etl), unchanged(), block("a")),
				plans(identity(etl), vanished(), block("a"))),
			good("a credential of each kind", plans(credential(etl)), plans(credential(etl, csr("p256")))),
			bad("an identity twice", plans(identity(etl), block("a")), plans(identity(etl), block("b"))),
			good("two whose names are not known yet", plans(identity(etl), block("a"), unknown("name")),
				plans(identity(etl), block("b"), unknown("name"))),
			bad("a grant twice", plans(grant(etl, "daily"), block("a")), plans(grant(etl, "daily"), block("b"))),
			bad("the new one comes first", plans(credential(etl), block("b")),
				plans(credential(etl), unchanged(), block("a"))),
			warned("both were applied before", plans(identity(etl), unchanged(), block("a")),
				plans(identity(etl), unchanged(), block("b"))),
		},
		"delegation/not-allowed": {
			good("allowed", plans(identity(main, offers(1))), plans(identity(sub, under(main)))),
			good("no parent", plans(identity(etl))),
			good("the parent is nowhere yet", plans(identity(sub, under(main)))),
			bad("not allowed", plans(identity(main)), plans(identity(sub, under(main)))),
			bad("the parent arrives second", plans(identity(sub, under(main))), plans(identity(main))),
			bad("another stack's parent", foreign(identity(main)), plans(identity(sub, under(main)))),
			bad("hung there in a change", plans(identity(main), unchanged()),
				plans(identity(sub, under(main)), was(identity(sub)))),
			warned("withdrawn", plans(identity(main), was(identity(main, offers(1)))),
				plans(identity(sub, under(main)), unchanged())),
			good("our parent may still arrive, and allow it", holds(identity(main)), plans(identity(sub, under(main)))),
			bad("and at apply still", atApply(), holds(identity(main)), plans(identity(sub, under(main)))),
		},
		"delegation/depth": {
			edge(good("one deep where one is allowed", plans(identity(main, offers(1))),
				plans(identity(sub, under(main))))),
			good("two deep where two are allowed", plans(identity(main, offers(2))),
				plans(identity("mid/prod/etl", under(main), offers(1))), plans(identity(sub, under("mid/prod/etl")))),
			good("no parent", plans(identity(main, offers(1)))),
			edge(bad("two deep where one is allowed", plans(identity(main, offers(1))),
				plans(identity("mid/prod/etl", under(main), offers(1))), plans(identity(sub, under("mid/prod/etl"))))),
			bad("what stands between arrives last", plans(identity(main, offers(1))),
				plans(identity(sub, under("mid/prod/etl"))), plans(identity("mid/prod/etl", under(main), offers(1)))),
			bad("the top arrives last", plans(identity(sub, under("mid/prod/etl"))),
				plans(identity("mid/prod/etl", under(main), offers(1))), plans(identity(main, offers(1)))),
			bad("what stands between is moved down", plans(identity(main, offers(1)), unchanged()),
				plans(identity(sub, under("mid/prod/etl")), unchanged()),
				plans(identity("mid/prod/etl", under(main), offers(1)), was(identity("mid/prod/etl", offers(1))))),
			bad("two deep under what stands between and allows one", plans(identity(main, offers(3))),
				plans(identity("mid/prod/etl", under(main), offers(1))),
				plans(identity("low/prod/etl", under("mid/prod/etl"), offers(1))),
				plans(identity(sub, under("low/prod/etl")))),
			bad("two deep under what stands between and arrives last", plans(identity(main, offers(3))),
				plans(identity(sub, under("low/prod/etl"))),
				plans(identity("low/prod/etl", under("mid/prod/etl"), offers(1))),
				plans(identity("mid/prod/etl", under(main), offers(1)))),
			warned("the depth was lowered between", plans(identity(main, offers(3)), unchanged()),
				plans(identity("mid/prod/etl", under(main), offers(1)),
					was(identity("mid/prod/etl", under(main), offers(2)))),
				plans(identity("low/prod/etl", under("mid/prod/etl"), offers(1)), unchanged()),
				plans(identity(sub, under("low/prod/etl")), unchanged())),
			warned("the depth was lowered", plans(identity(main, offers(1)), was(identity(main, offers(2)))),
				plans(identity("mid/prod/etl", under(main), offers(1)), unchanged()),
				plans(identity(sub, under("mid/prod/etl")), unchanged())),
		},
		"delegation/cycle": {
			good("a chain", plans(identity(main, offers(1))), plans(identity(sub, under(main)))),
			good("one that is undone in this plan", holds(identity(main, under(sub))),
				plans(identity(main, offers(1)), was(identity(main, under(sub)))),
				plans(identity(sub, under(main)), was(identity(sub)))),
			good("no parent", plans(identity(etl))),
			bad("under itself", plans(identity(main, under(main)))),
			bad("two under one another", plans(identity(main, under(sub))), plans(identity(sub, under(main)))),
			bad("three", plans(identity(main, under(sub))), plans(identity("mid/prod/etl", under(main))),
				plans(identity(sub, under("mid/prod/etl")))),
			warned("one that was applied", plans(identity(main, under(sub)), unchanged()),
				plans(identity(sub, under(main)), unchanged())),
		},
		"delegation/unknown-parent": {
			good("the identity is in the plan", atApply(), plans(identity(etl)), plans(grant(etl, "daily"))),
			good("the identity is in the system", atApply(), holds(identity(etl)), plans(grant(etl, "daily"))),
			good("at plan it may still arrive", plans(grant(etl, "daily"))),
			bad("a grant of which it is sure at plan", plans(grant(etl, "daily"), nowhere())),
			bad("a grant on nothing", atApply(), plans(grant(etl, "daily"))),
			bad("a credential on nothing", atApply(), plans(credential(etl))),
			bad("a parent that is nowhere", atApply(), plans(identity(sub, under(main)))),
		},
	}
}
