// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// successor is what takes the place of acme/prod/etl under another name, with its identity.
func successor(o access.Object, terms ...func(*access.Terms)) part {
	return func(s *scenario) {
		plans(with(identity("acme/prod/feed"), terms...))(s)
		plans(o)(s)
	}
}

func relabelledCases(by string) []policy {
	const feed = "acme/prod/feed"
	daily := resource("orders/acme/daily/*")
	old := with(grant(etl, "daily"), until(in(-10))) // it ended
	cut := with(grant(etl, "daily"), until(in(40)))  // it was removed before its end
	next := func() *access.Grant { return with(grant(feed, "daily"), until(in(90))) }
	key := func(id string, days int, change func(*access.Credential)) *access.Credential {
		return with(credential(id, change), until(in(days)))
	}
	trust := trusts("https://login.acme.test", "svc", "a")
	words := can(func(c *access.Capabilities) {
		c.Does = func(_ access.Pattern, action string) []string {
			return map[string][]string{
				"read":  {"Get"},
				"fetch": {"Get"},
				"sync":  {"Get", "Put"},
				"put":   {"Put"},
			}[action]
		}
	})
	kv := can(func(c *access.Capabilities) {
		c.Reach = func(p access.Pattern, actions []string) (r access.Reach) {
			kind, name, _ := strings.Cut(strings.TrimPrefix(string(p), "secret/"), "/")
			if kinds := map[string]string{
				"data":     "secret",
				"subkeys":  "secret",
				"metadata": "names",
			}; kinds[kind] != "" {
				r.Targets = []access.Target{{Kind: kinds[kind], Path: access.Pattern("secret/" + name)}}
			}
			return r
		}
	})
	at := func(id, path string, days int) *access.Grant {
		return with(grant(id, "daily", resource(access.Pattern(path))), until(in(days)))
	}
	return []policy{
		bad("the same thing by another path", kv, remembers(at(etl, "secret/data/acme/*", 40), in(-9)),
			successor(at(feed, "secret/subkeys/acme/x", 90))),
		bad("the same thing by another path, in one plan", kv, leaves(at(etl, "secret/data/acme/x", 40)),
			successor(at(feed, "secret/subkeys/acme/*", 90))),
		bad("the same thing beside it for longer, by another path", kv, holds(at(etl, "secret/data/acme/*", 40)),
			successor(at(feed, "secret/subkeys/acme/x", 178))),
		bad("a grant that is moved to it", kv, remembers(at(etl, "secret/data/acme/*", 40), in(-9)),
			plans(identity(feed), unchanged()),
			plans(at(feed, "secret/subkeys/acme/x", 90), was(at(feed, "secret/subkeys/globex/x", 90)))),
		good("a grant that reached it by another path", kv, remembers(at(etl, "secret/data/acme/*", 40), in(-9)),
			plans(identity(feed), unchanged()),
			plans(at(feed, "secret/subkeys/acme/x", 90), was(at(feed, "secret/data/acme/x", 90)))),
		good("the names of it only", kv, remembers(at(etl, "secret/data/acme/*", 40), in(-9)),
			successor(at(feed, "secret/metadata/acme/x", 90))),
		good("another thing of the same engine", kv, remembers(at(etl, "secret/data/acme/*", 40), in(-9)),
			successor(at(feed, "secret/subkeys/other/x", 90))),
		good("something else of the partner was removed", remembers(old, in(-9)), successor(grant(feed, "weekly"))),
		good("other actions were", remembers(grant(etl, "daily", daily, actions("list")), in(-9)), successor(next())),
		good("another partner's was", remembers(grant("globex/prod/etl", "daily", daily), in(-9)), successor(next())),
		good("a review of afterwards", remembers(old, in(-9)), successor(with(next(), review(in(-1), by)))),
		good("a review of the identity covers it", remembers(old, in(-9)), successor(next(), review(in(-1), by))),
		edge(good("a review a second after the end", remembers(old, in(-9)),
			successor(with(next(), review(in(-10).Add(time.Second), by))))),
		edge(bad("a review at the end", remembers(old, in(-9)), successor(with(next(), review(in(-10), by))))),
		edge(good("a year after the removal", remembers(old, today.AddDate(-1, 0, 0)), successor(next()))),
		edge(bad("a second less than a year", remembers(old, today.AddDate(-1, 0, 0).Add(time.Second)),
			successor(next()))),
		bad("a review of before the removal", remembers(cut, in(-5)), successor(with(next(), review(in(-6), by)))),
		edge(good("a review a second after the removal", remembers(cut, in(-5)),
			successor(with(next(), review(in(-5).Add(time.Second), by))))),
		edge(good("an accident a day ago, made good to the same end", remembers(cut, in(-1)), plans(identity(etl)),
			plans(cut))),
		good("an accident made good with an earlier end", remembers(cut, in(-1)), plans(identity(etl)),
			plans(with(grant(etl, "daily"), until(in(30))))),
		edge(bad("more than a day ago it was no accident", remembers(cut, in(-1).Add(-time.Second)),
			plans(identity(etl)), plans(cut))),
		bad("an accident that ends later afterwards", remembers(cut, in(-1)), plans(identity(etl)),
			plans(with(grant(etl, "daily"), until(in(41))))),
		bad("a new name a day later", remembers(cut, in(-1)), successor(next())),
		bad("a wider reach", remembers(old, in(-9)), successor(grant(feed, "all", resource("orders/acme/*")))),
		bad("a part of the reach", remembers(grant(etl, "all", resource("orders/acme/*")), in(-9)), successor(next())),
		bad("the same key", remembers(key(etl, 40, csr("p256")), in(-9)), successor(key(feed, 60, csr("p256")))),
		bad("the same key on another line", remembers(key(etl, 40, csr("p256")), in(-9)),
			successor(key(feed, 60, sshCert("p256")))),
		bad("the same key of another partner", remembers(key("globex/prod/etl", 40, csr("p256")), in(-9)),
			successor(key(feed, 60, csr("p256")))),
		bad("the same trust", remembers(key(etl, 40, trust), in(-9)), successor(key(feed, 60, trust))),
		bad("the same recipient of another partner", remembers(key("globex/prod/etl", 40, secret(recipient)), in(-9)),
			successor(key(feed, 60, secret(recipient)))),
		good("the same recipient beside it", holds(key(etl, 40, secret(recipient))),
			successor(key(feed, 60, secret(recipient)))),
		bad("the same trust, with the port that goes without saying", remembers(key(etl, 40, trust), in(-9)),
			successor(key(feed, 60, trusts("https://login.acme.test:443/", "svc", "a")))),
		bad("the same role, with a path and in capitals", remembers(key(etl, 40, account(theirs, "")), in(-9)),
			successor(key(feed, 60, account("arn:aws:iam::444455556666:role/ops/ACME-etl", "x7")))),
		bad("taken up again with another reach", remembers(cut, in(-9)), plans(identity(feed), unchanged()),
			plans(next(), was(with(grant(feed, "daily", resource("orders/acme/weekly/*")), until(in(90)))), adopted())),
		bad("taken up again with another key", remembers(key(etl, 40, csr("p256")), in(-9)),
			plans(identity(feed), unchanged()),
			plans(key(feed, 60, csr("p256")), was(key(feed, 60, csr("p256-other"))), adopted())),
		bad("the same by another word", words, remembers(grant(etl, "daily", daily, actions("read")), in(-9)),
			successor(with(grant(feed, "daily", daily, actions("fetch")), until(in(90))))),
		bad("more than the same by another word", words, remembers(grant(etl, "daily", daily, actions("read")), in(-9)),
			successor(with(grant(feed, "daily", daily, actions("sync")), until(in(90))))),
		bad("the same by a word that means nothing any more", words,
			remembers(grant(etl, "daily", daily, actions("forgotten")), in(-9)), successor(next())),
		good("another word that does something else", words,
			remembers(grant(etl, "daily", daily, actions("read")), in(-9)),
			successor(with(grant(feed, "daily", daily, actions("put")), until(in(90))))),
		bad("the same recipient", remembers(key(etl, 40, secret(recipient)), in(-9)),
			successor(key(feed, 60, secret(recipient)))),
		good("another key", remembers(key(etl, 40, csr("p256")), in(-9)), successor(key(feed, 60, csr("p256-other")))),
		bad("a key that is put in another's place", remembers(key(etl, 40, csr("p256")), in(-9)),
			plans(identity(feed), unchanged()),
			plans(key(feed, 60, csr("p256")), was(key(feed, 60, csr("p256-other"))))),
		bad("a grant that is widened to it", remembers(cut, in(-9)), plans(identity(feed), unchanged()),
			plans(with(grant(feed, "daily"), until(in(90))),
				was(with(grant(feed, "daily", resource("orders/acme/weekly/*")), until(in(90)))))),
		bad("its waiver goes", remembers(old, in(-9)), plans(identity(feed), unchanged()),
			plans(next(), was(with(next(), waives(relabelled, "ciso@example.com", in(30)))))),
		bad("its waiver goes, on a review of before", remembers(old, in(-9)), plans(identity(feed), unchanged()),
			plans(with(next(), review(in(-11), by)),
				was(with(next(), waives(relabelled, "ciso@example.com", in(30)))))),
		bad("of a key, too", remembers(key(etl, 40, csr("p256")), in(-9)), plans(identity(feed), unchanged()),
			plans(key(feed, 60, csr("p256")),
				was(with(key(feed, 60, csr("p256")), waives(relabelled, "ciso@example.com", in(30)))))),
		good("its waiver goes, on a review of afterwards", remembers(old, in(-9)), plans(identity(feed), unchanged()),
			plans(with(next(), review(in(-1), by)), was(with(next(), waives(relabelled, "ciso@example.com", in(30)))))),
		good("its waiver goes, and it ends no later", remembers(old, in(-9)), plans(identity(feed), unchanged()),
			plans(with(next(), until(in(30))), was(with(next(), waives(relabelled, "ciso@example.com", in(30)))))),
		good("what stands as it stood", remembers(cut, in(-9)), plans(identity(feed), unchanged()),
			plans(next(), unchanged())),
		good("what this stack left behind", remembers(cut, in(-9)), plans(identity(feed), unchanged()),
			plans(next(), unchanged(), adopted())),
		good("renamed a second time, to the same end", remembers(cut, in(-9)),
			leaves(with(grant("acme/prod/mid", "daily"), until(in(40)))), successor(with(next(), until(in(40))))),
		bad("renamed a second time, to more",
			remembers(with(grant(etl, "all", resource("orders/acme/*")), until(in(40))), in(-9)),
			leaves(with(grant("acme/prod/mid", "daily"), until(in(40)))),
			successor(with(grant(feed, "all", resource("orders/acme/*")), until(in(40))))),
		bad("in one plan, to a later end", leaves(cut), successor(next())),
		good("in one plan, to the same end", leaves(cut), successor(with(next(), until(in(40))))),
		good("in one plan, with a review of a week before it was made", leaves(cut),
			successor(next(), review(in(-14), by))),
		bad("in one plan, with an older one", leaves(cut), successor(next(), review(in(-15), by))),
		bad("the identity leaves, and all under it", leaves(identity(etl)), holds(cut), successor(next())),
		bad("it has ended and is still there", holds(old), successor(next())),
		good("beside what is there", holds(cut), successor(next())),
		edge(good("beside it, for as long as a grant may live", holds(cut), successor(with(next(), until(in(177)))))),
		edge(bad("beside it, for longer", holds(cut), successor(with(next(), until(in(177).Add(time.Second)))))),
		good("beside it, for longer, with a review", holds(cut),
			successor(with(next(), until(in(178)), review(in(-1), by)))),
		warned("it has vanished, and is judged at apply", remembers(cut, in(-9)), plans(identity(feed), unchanged()),
			plans(next(), vanished())),
		bad("and is refused there", atApply(), remembers(cut, in(-9)), plans(identity(feed), unchanged()),
			plans(next(), vanished())),
	}
}
