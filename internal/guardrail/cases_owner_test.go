// SPDX-License-Identifier: MPL-2.0

package guardrail

const etl = "acme/prod/etl"

func register(partner Partner) part {
	return set(func(s *Settings) { s.Partners = map[string]Partner{"acme": partner} })
}

func ownedBy(text string, details ...detail) part {
	return plans(with(identity(etl), owner(text)), details...)
}

func domains(d ...string) part { return set(func(s *Settings) { s.OwnerDomains = d }) }

func ownerCases() map[string][]policy {
	client := set(func(s *Settings) {
		s.Partners = map[string]Partner{"acme": {Domains: []string{"acme.test"}}, "mid": {}, "sub": {}}
	})
	chain := []part{plans(identity(etl, offers(2))), plans(identity("mid/prod/etl", under(etl), offers(1)))}
	lowest := identity("sub/prod/etl", under("mid/prod/etl"))
	staff := set(func(s *Settings) { s.ActiveOwners = []string{"Jane.Doe@example.com", "team@example.com"} })
	return map[string][]policy{
		"plan/unknown": {
			good("everything is known", plans(identity(etl))),
			good("the end is unknown, which is another rule's", plans(identity(etl), unknown("expires_at"))),
			good("the ceiling may come later", plans(identity(etl), unknown("ceiling"))),
			bad("an owner that is only known at apply", ownedBy("", unknown("owner"))),
			bad("a review that is only known at apply", plans(identity(etl), unknown("review"))),
			bad("a grant's resource that is only known at apply", plans(grant(etl, "daily", resource("")), unknown("resource"))),
			bad("a release that is only known at apply", plans(identity(etl), was(identity(etl)), unknown("hold_released"))),
			bad("a grant's actions that become unknown in a change", plans(grant(etl, "daily", actions()), was(grant(etl, "daily")), unknown("actions"))),
		},
		"owner/missing": {
			good("one address", ownedBy("jane.doe@example.com")),
			good("a name is somebody, though no address", ownedBy("Jane")),
			good("an unknown owner waits", ownedBy("", unknown("owner"))),
			bad("no owner", ownedBy("")),
			bad("a blank", ownedBy(" \t")),
			bad("a credential without an owner", plans(with(credential(etl), owner("")))),
			bad("a grant that loses its owner", plans(with(grant(etl, "daily"), owner("")), was(grant(etl, "daily")))),
			warned("a missing owner that was applied before", ownedBy("", unchanged())),
		},
		"owner/not-an-address": {
			good("a person", ownedBy("jane.doe@example.com")),
			good("a tagged mailbox", ownedBy("partners+acme@ops.example.co.uk")),
			good("letters in upper case", ownedBy("Jane.Doe@Example.COM")),
			good("nobody at all is owner/missing's", ownedBy("")),
			bad("a team", ownedBy("team")),
			bad("a placeholder", ownedBy("TBD")),
			bad("a name", ownedBy("Jane")),
			bad("two addresses", ownedBy("jane@example.com, joe@example.com")),
			bad("two addresses without a mark between them", ownedBy("jane@example.com joe@example.com")),
			bad("two at signs", ownedBy("jane@joe@example.com")),
			bad("a line end", ownedBy("jane@example.com\n")),
			bad("a letter that only looks like an a", ownedBy("j\u0430ne@example.com")),
			bad("a domain without a dot", ownedBy("jane@localhost")),
			bad("an address as a domain", ownedBy("jane@127.0.0.1")),
			bad("a display name", ownedBy("Jane <jane@example.com>")),
			bad("dots that touch", ownedBy("jane..doe@example.com")),
		},
		"owner/placeholder": {
			good("a person", ownedBy("jane.doe@example.com")),
			good("a team mailbox", ownedBy("partner-access@example.com")),
			good("a person whose name begins like a placeholder", ownedBy("testa.rossi@example.com")),
			good("a test team", ownedBy("test-automation@example.com")),
			bad("noreply", ownedBy("noreply@example.com")),
			bad("no-reply in capitals", ownedBy("No-Reply@example.com")),
			bad("todo", ownedBy("todo@example.com")),
			bad("tbd with a tag", ownedBy("tbd+acme@example.com")),
			bad("test with a number", ownedBy("test2@example.com")),
			bad("nobody", ownedBy("nobody@example.com")),
			bad("changeme", plans(with(grant(etl, "daily"), owner("change.me@example.com")))),
			bad("a domain that cannot exist", ownedBy("jane@example.invalid")),
		},
		"owner/external": {
			good("one of our own", domains("example.com"), ownedBy("jane@example.com")),
			good("a domain below ours", domains("example.com"), ownedBy("jane@eu.Example.com")),
			good("any domain where none is named", ownedBy("jane@anywhere.test")),
			good("the partner has other domains", register(Partner{Domains: []string{"acme.test"}, Contact: "noc@acme.test"}), ownedBy("jane@example.com")),
			bad("another domain", domains("example.com"), ownedBy("jane@acme.test")),
			bad("a domain that only ends like ours", domains("example.com"), ownedBy("jane@evil-example.com")),
			bad("the partner's contact, with a tag", register(Partner{Contact: "noc@acme.test"}), ownedBy("noc+shift@acme.test")),
			bad("the partner's contact", register(Partner{Contact: "NOC@acme.test"}), ownedBy("noc@ACME.test")),
			bad("a domain of the partner", register(Partner{Domains: []string{"acme.test"}}), ownedBy("jane@eu.acme.test")),
			bad("a domain of the partner that is listed as ours", domains("acme.test"), register(Partner{Domains: []string{"acme.test"}}), ownedBy("jane@acme.test")),
			bad("the partner's contact, who has a name and a telephone beside", register(Partner{Contact: "Acme NOC <noc@acme.test>, +43 1 234"}), ownedBy("noc@acme.test")),
			bad("the second address of a contact, in parentheses", register(Partner{Contact: "noc@acme.test (or bob@gmail.example)"}), ownedBy("bob@gmail.example")),
			bad("the address of a contact before its brackets", register(Partner{Contact: "bob@gmail.example <noc@acme.test>"}), ownedBy("bob@gmail.example")),
			bad("the partner's contact, as a link", register(Partner{Contact: "mailto:noc@acme.test"}), ownedBy("NOC+1@acme.test")),
			good("another address than the contact's", register(Partner{Contact: "Acme NOC <noc@example.com>"}), ownedBy("jane.doe@example.com")),
			bad("of whose subcontractor it is", set(func(s *Settings) { s.Partners = map[string]Partner{"acme": {Contact: "noc@acme.test"}, "sub": {}} }),
				plans(with(identity("sub/prod/etl", under(etl)), owner("NOC+1@acme.test")))),
			bad("of the partner two above", client, chain[0], chain[1], plans(with(lowest, owner("joe@acme.test")))),
			bad("of the partner two above, which arrives last", client, plans(with(lowest, owner("joe@acme.test"))), chain[1], chain[0]),
			bad("of the partner two above, and its chain arrives upside down", client, plans(with(lowest, owner("joe@acme.test"))), chain[0], chain[1]),
			bad("of the partner three above a grant", client, chain[0], chain[1], plans(lowest), plans(with(grant("sub/prod/etl", "daily"), owner("joe@acme.test")))),
			bad("the contact that the identity above names", plans(identity(etl, contact("noc@acme.test"), offers(1))), plans(with(identity("sub/prod/etl", under(etl)), owner("noc@acme.test")))),
			bad("a grant's, the contact that is named above its identity", plans(with(grant("sub/prod/etl", "daily"), owner("noc@acme.test"))), plans(identity("sub/prod/etl", under(etl))), plans(identity(etl, contact("noc@acme.test"), offers(1)))),
			good("of a partner that stands in no chain of it", client, chain[0], plans(identity("mid/prod/etl", offers(1))), plans(with(lowest, owner("joe@acme.test")))),
			bad("the identity's own contact", plans(with(identity(etl, contact("jane@acme.test")), owner("jane@acme.test")))),
			bad("a grant owned by its identity's contact", plans(identity(etl, contact("jane@acme.test"))), plans(with(grant(etl, "daily"), owner("jane@acme.test")))),
			bad("a grant owned by its identity's contact, who has a name", plans(identity(etl, contact("Jane (jane@acme.test)"))), plans(with(grant(etl, "daily"), owner("jane@acme.test")))),
			bad("the identity of the contact arrives second", plans(with(grant(etl, "daily"), owner("jane@acme.test"))), plans(identity(etl, contact("jane@acme.test")))),
			warned("the domains were tightened after the apply", domains("example.com"), ownedBy("jane@acme.test", unchanged())),
		},
		"owner/departed": {
			good("an active owner", staff, ownedBy("jane.doe@example.com")),
			good("an active owner in other letters", staff, ownedBy("TEAM@EXAMPLE.COM")),
			good("an active owner, with a tag", staff, ownedBy("team+acme@example.com")),
			good("no directory", ownedBy("joe@example.com")),
			bad("somebody else", staff, ownedBy("joe@example.com")),
			bad("a credential of somebody else", staff, plans(with(credential(etl), owner("joe@example.com")))),
			bad("a grant that passes to somebody who left", staff, plans(with(grant(etl, "daily"), owner("joe@example.com")), was(grant(etl, "daily")))),
			warned("an owner who left after the apply", staff, ownedBy("joe@example.com", unchanged())),
			warned("an owner who left, with the access cut", staff, plans(with(identity(etl, suspended), owner("joe@example.com")), was(with(identity(etl), owner("joe@example.com"))))),
		},
		"partner/unknown": {
			good("a registered partner", register(Partner{}), plans(identity(etl))),
			good("no register", plans(identity(etl))),
			good("a grant of a registered partner", register(Partner{}), plans(grant(etl, "daily"))),
			bad("another partner", register(Partner{}), plans(identity("globex/prod/etl"))),
			bad("a slip of the pen", register(Partner{}), plans(identity("acne/prod/etl"))),
			bad("an empty register", set(func(s *Settings) { s.Partners = map[string]Partner{} }), plans(identity(etl))),
			bad("a grant that hangs on another partner's identity", register(Partner{}), plans(grant("globex/prod/etl", "daily"))),
			warned("a partner that left the register", register(Partner{}), plans(identity("globex/prod/etl"), unchanged())),
		},
		"partner/unlisted-account": {
			good("an account that the register lists", register(Partner{AWSAccounts: []string{"222233334444", "444455556666"}}), inAccount(theirs, "")),
			good("no register", inAccount(theirs, "")),
			good("an issuer", register(Partner{}), carries()),
			good("a partner that is not there is another rule's", set(func(s *Settings) { s.Partners = map[string]Partner{} }), inAccount(theirs, "")),
			bad("another account", register(Partner{AWSAccounts: []string{"444455556667"}}), inAccount(theirs, "acme-7f3")),
			bad("a partner without accounts", register(Partner{}), inAccount(theirs, "acme-7f3")),
			bad("another account whole", register(Partner{AWSAccounts: []string{"444455556667"}}), inAccount(theirAccount, "acme-7f3")),
			bad("another account than before", register(Partner{AWSAccounts: []string{"444455556667"}}),
				plans(credential(etl, account(theirs, "x7")), was(credential(etl, account("arn:aws:iam::444455556667:role/acme-etl", "x7"))))),
			warned("an account that left the register", register(Partner{}), plans(credential(etl, account(theirs, "x7")), unchanged())),
		},
		"purpose/missing": {
			good("a purpose", plans(identity(etl))),
			good("a vague one is another rule's", plans(identity(etl, purpose("x")))),
			good("a credential has none", plans(credential(etl))),
			bad("none", plans(identity(etl, purpose("")))),
			bad("a blank", plans(identity(etl, purpose(" \n ")))),
			bad("a grant without one", plans(grant(etl, "daily", because("")))),
			warned("one that was missing before", plans(identity(etl, purpose("")), unchanged())),
		},
		"purpose/vague": {
			good("a sentence", plans(identity(etl))),
			good("a sentence with a word that says nothing", plans(identity(etl, purpose("Access to the test bench in Graz")))),
			good("another script", plans(identity(etl, purpose("毎晩の注文データを基幹システムへ取り込む")))),
			edge(good("exactly twelve characters", plans(identity(etl, purpose("Order export"))))),
			edge(bad("eleven characters", plans(identity(etl, purpose("Orders feed"))))),
			good("ten characters of Japanese", plans(identity(etl, purpose("毎晩の注文データ取込")))),
			edge(good("six characters that count as two", plans(identity(etl, purpose("夜间订单同步"))))),
			edge(bad("five of them, and one that counts once", plans(identity(etl, purpose("주문데이터1"))))),
			bad("words that fit anything", plans(identity(etl, purpose("Temporary partner access")))),
			bad("the partner's name", plans(identity(etl, purpose("Acme integration access")))),
			bad("n/a", plans(grant(etl, "daily", because("n/a n/a n/a n/a")))),
			bad("signs", plans(grant(etl, "daily", because("---------------")))),
			bad("a purpose that becomes vague", plans(grant(etl, "daily", because("testing 12345")), was(grant(etl, "daily")))),
		},
	}
}
