// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/signed"
	"github.com/partner-access/terraform-provider-partner/internal/signed/signedtest"
)

const home = "system-1"

var (
	ciso    = signedtest.New("ciso")
	jane    = signedtest.New("jane")
	insider = signedtest.New("insider")
	other   = signedtest.New("nobody's")
)

// deciding are settings with deciders, of which the first may decide on everything. Kinds are what has to be signed.
func deciding(kinds ...string) part {
	return set(func(s *Settings) {
		s.RequireSigned, s.System = kinds, home
		person := func(address string, key signedtest.Key, edit func(*access.Decider)) {
			d := access.Decider{
				Address: address,
				Keys:    []access.DeciderKey{{Key: key.Line()}},
				Until:   access.At(in(90)),
			}
			edit(&d)
			s.Deciders = append(s.Deciders, d)
		}
		person("ciso@example.com", ciso, func(*access.Decider) {})
		person("jane.doe@example.com", jane, func(*access.Decider) {})
		person("iv@acme.test", insider, func(*access.Decider) {})
		person("bob@example.com", signedtest.New("bob"), func(d *access.Decider) { d.Partners = []string{"globex"} })
		person("eve@example.com", signedtest.New("eve"),
			func(d *access.Decider) { d.Owners = []string{"eve@example.com"} })
		person("own@example.com", signedtest.New("own"), func(d *access.Decider) { d.DecidesOwn = true })
		person("old@example.com", signedtest.New("old"),
			func(d *access.Decider) { d.Keys[0].ValidBefore = access.At(in(-1)) })
		person("lost@example.com", signedtest.New("lost"), func(d *access.Decider) { d.Keys[0].Revoked = true })
		s.Partners = map[string]Partner{"acme": {Domains: []string{"acme.test"}}}
	})
}

// signs has a key sign, of what arrives last, the line that is made of it; edit changes what is signed.
func signs(key signedtest.Key, line func(*Context, *Subject) string, to func(*Subject, string), arrives part,
	edit ...func(*Subject)) part {
	return func(s *scenario) {
		arrives(s)
		subject := &s.subjects[len(s.subjects)-1]
		shown := *subject
		for _, e := range edit {
			e(&shown)
		}
		signs := &scenario{settings: Settings{System: home}, bygones: s.bygones}
		c := &Context{Settings: &signs.settings, Now: today, view: view{Portfolio: signs.portfolio()}}
		to(subject, key.Sign(line(c, &shown)+"\n"))
	}
}

func reviewedBy(key signedtest.Key, arrives part, edit ...func(*Subject)) part {
	return signs(key, (*Context).reviewLine,
		func(s *Subject, signature string) { s.terms().Review.Signature = signature }, arrives, edit...)
}

// waivedBy signs the one waiver of what arrives.
func waivedBy(key signedtest.Key, arrives part, edit ...func(*Subject)) part {
	return signs(key, func(c *Context, s *Subject) string {
		for slug, w := range s.terms().Waivers {
			return signed.WaiverLine(c.lined(s), s.terms(), slug, w)
		}
		panic("no waiver")
	}, func(s *Subject, signature string) {
		for slug, w := range s.terms().Waivers {
			w.Signature = signature
			s.terms().Waivers[slug] = w
		}
	}, arrives, edit...)
}

func releasedBy(key signedtest.Key, arrives part, edit ...func(*Subject)) part {
	return signs(key, func(c *Context, s *Subject) string {
		return signed.ReleaseLine(c.lined(s), s.identity().HoldReleased, s.identity().HoldReleasedBy)
	}, func(s *Subject, signature string) { s.identity().HoldReleasedSignature = signature }, arrives, edit...)
}

// extends is a grant whose end moves, on a review of yesterday by the decider for all.
func extends(by string, edits ...func(*access.Terms)) part {
	return plans(with(with(grant(etl, "daily"), until(in(60)), review(in(-1), by)), edits...),
		was(with(grant(etl, "daily"), until(in(30)))))
}

// ended has the system remember that something with a uid was removed: each later than what was before it.
func ended(o access.Object, uid string) part {
	return func(s *scenario) {
		at := in(-9).Add(time.Duration(len(s.bygones)) * time.Hour)
		s.bygones = append(s.bygones, access.Bygone{Type: o.Ref().Type, ID: o.Ref().ID, UID: uid, At: at})
	}
}

// narrowing takes an action away, by a row of a worksheet that nobody signed; edit changes what is planned.
func narrowing(edit func(*access.Grant)) part {
	before := grant(etl, "daily", actions("list", "read"))
	after := with(grant(etl, "daily", actions("read")), decides(access.DecisionNarrow, before, in(90)))
	if edit != nil {
		edit(after)
	}
	return plans(after, was(before))
}

func signedCases() map[string][]policy {
	reviews := deciding(access.SignedReview)
	waivers := deciding(access.SignedWaiver)
	releases := deciding(access.SignedRelease)
	by := "ciso@example.com"
	narrower := func(s *Subject) { s.Object = with(grant(etl, "daily"), until(in(50)), review(in(-1), by)) }
	waived := func(approver string) *access.Grant {
		return with(grant(etl, "daily"), waives("scope/outside-ceiling", approver, in(30)))
	}
	long := func(days int) *access.Grant {
		return with(grant(etl, "daily"), until(in(days)), waives("expiry/too-long", by, in(30)))
	}
	lifted := func(by string) *access.Identity {
		return identity(etl, func(i *access.Identity) { i.HoldReleased, i.HoldReleasedBy = "INC-7", by })
	}
	lifts := func(by string, details ...detail) part {
		return plans(lifted(by), append([]detail{was(identity(etl)), cut()}, details...)...)
	}
	was3 := remembers(with(grant("acme/prod/old", "daily"), until(in(3))), today.Add(-time.Hour))
	standing := func(o access.Object, edit func(access.Object)) part {
		return func(s *scenario) { plans(o, unchanged())(s); edit(o) }
	}
	return map[string][]policy{
		"review/unsigned": {
			good("nobody asks for signatures", extends(by)),
			good("signed by a decider", reviews, reviewedBy(ciso, extends(by))),
			good("signed, where nobody has to", deciding(), reviewedBy(ciso, extends(by))),
			good("signed by the address, in another spelling", reviews,
				reviewedBy(ciso, extends("CISO+reviews@example.com"))),
			good("an earlier end", reviews, plans(with(grant(etl, "daily"), until(in(10))), was(grant(etl, "daily")))),
			good("it ends at once", reviews,
				plans(with(grant(etl, "daily"), decides(access.DecisionEnd, grant(etl, "daily"), time.Time{}, endsNow)),
					was(grant(etl, "daily")))),
			good("created", reviews, plans(with(grant(etl, "daily"), review(in(-1), by)))),
			good("applied before signatures were asked for", reviews,
				plans(with(grant(etl, "daily"), review(in(-30), by)), unchanged())),
			good("other deciders sign waivers only", waivers, extends(by)),
			bad("not signed", reviews, extends(by)),
			warned("not signed, and it narrows", reviews, narrowing(nil)),
			bad("not signed, and it narrows and extends", reviews,
				narrowing(func(g *access.Grant) { g.ExpiresAt = access.At(in(170)) })),
			bad("not signed, and it narrows one thing and widens another", reviews,
				narrowing(func(g *access.Grant) { g.Resource = "orders/acme/*" })),
			bad("not signed, and it narrows nothing", reviews,
				narrowing(func(g *access.Grant) { g.Actions = []string{"list", "read"} })),
			bad("not signed, and it extends nothing", reviews,
				plans(with(grant(etl, "daily"), review(in(-1), by)), was(grant(etl, "daily")))),
			bad("no review of its own", reviews, plans(with(identity(etl), review(in(-1), by)), unchanged()),
				plans(with(grant(etl, "daily"), until(in(60))), was(with(grant(etl, "daily"), until(in(30)))))),
			bad("under another name, on the review of an identity that is new", reviews, was3,
				plans(with(identity(etl), review(in(-1), by))), plans(with(grant(etl, "daily"), until(in(60))))),
			bad("moved to what another one had, on a review of before", reviews, was3,
				plans(identity(etl), unchanged()),
				plans(with(grant(etl, "weekly", resource("orders/acme/daily/*")), until(in(60)), review(in(-1), by)),
					was(with(grant(etl, "weekly"), until(in(60)), review(in(-1), by))))),
			bad("under another name, and only then what was there leaves", reviews,
				leaves(with(grant("acme/prod/old", "daily"), until(in(3)))),
				plans(with(identity(etl), review(in(-1), by))),
				plans(with(grant(etl, "daily"), until(in(60)))), plans(identity("acme/prod/b")),
				plans(identity("acme/prod/c"))),
			bad("on a review that nobody signed, and only then what was there leaves", reviews,
				leaves(with(grant("acme/prod/old", "daily"), until(in(3)))), plans(identity(etl)),
				plans(with(grant(etl, "daily"), until(in(60)), review(in(-1), by))), plans(identity("acme/prod/b")),
				plans(identity("acme/prod/c"))),
			good("under another name, and not longer", reviews, was3, plans(with(identity(etl), review(in(-1), by))),
				plans(with(grant(etl, "daily"), until(in(3))))),
			bad("signed by an unknown key", reviews, reviewedBy(other, extends(by))),
			bad("signed by another decider than it says", reviews, reviewedBy(jane, extends(by))),
			bad("signed with a key whose time is over", reviews,
				reviewedBy(signedtest.New("old"), extends("old@example.com"))),
			bad("signed with a revoked key", reviews, reviewedBy(signedtest.New("lost"), extends("lost@example.com"))),
			bad("signed for an earlier end", reviews, reviewedBy(ciso, extends(by), narrower)),
			bad("signed for another reason", reviews, reviewedBy(ciso, extends(by), func(s *Subject) {
				s.Object = with(grant(etl, "daily"), until(in(60)), review(in(-1), by),
					func(t *access.Terms) { t.Review.Reason = "Audit" })
			})),
			bad("signed for other access", reviews, reviewedBy(ciso, extends(by), func(s *Subject) {
				s.Object = with(grant(etl, "daily", resource("orders/acme/+")), until(in(60)), review(in(-1), by))
			})),
			bad("signed for the one before under the same id", reviews,
				reviewedBy(ciso, extends(by), func(s *Subject) { s.History.UID = "0" })),
			bad("signed before the last extension", reviews,
				reviewedBy(ciso, extends(by), func(s *Subject) { s.History.Renewals-- })),
			bad("signed for another system", reviews,
				reviewedBy(ciso, plans(with(grant(etl, "daily"), review(in(-1), by))), func(s *Subject) {
					s.Object = with(grant(etl, "daily"), review(in(-1), by), owner("x@example.com"))
					s.History.UID = ""
				}),
				set(func(s *Settings) { s.System = "system-2" })),
			bad("signed, and no floor names deciders", reviewedBy(ciso, extends(by))),
			bad("it is no signature", deciding(),
				extends(by, func(t *access.Terms) { t.Review.Signature = "signed: ciso" })),
			bad("a worksheet that nobody has", reviews, extends(by, func(t *access.Terms) {
				t.Review.Signature = signed.Mark{Digest: strings.Repeat("0", 64), Key: "SHA256:x"}.String()
			})),
			bad("it takes an end back that was decided", reviews,
				plans(grant(etl, "daily"), was(with(grant(etl, "daily"),
					decides(access.DecisionEnd, grant(etl, "daily"), time.Time{}, endsNow))))),
			warned("its key was revoked since", reviews,
				standing(with(grant(etl, "daily"), review(in(-3), "lost@example.com")), func(o access.Object) {
					o.Common().Review.Signature = signedtest.New("lost").Sign("x")
				})),
		},
		"review/not-entitled": {
			good("by somebody else than the owner", reviews, reviewedBy(ciso, extends(by))),
			good("by the owner, where the decider may", reviews,
				reviewedBy(signedtest.New("own"), extends("own@example.com", owner("own@example.com")))),
			good("for an owner that they are named for", reviews, reviewedBy(signedtest.New("eve"), plans(
				with(grant(etl, "daily"), until(in(60)), review(in(-1), "eve@example.com"), owner("own@example.com")),
				was(with(grant(etl, "daily"), until(in(30)), owner("own@example.com"))))),
				set(func(s *Settings) { s.Deciders[4].Owners = []string{"own@example.com"} })),
			good("not signed, and nobody has to", deciding(), extends("jane.doe@example.com")),
			bad("by the owner", reviews, reviewedBy(jane, extends("jane.doe@example.com"))),
			bad("by the owner until this plan", reviews,
				reviewedBy(jane, extends("jane.doe@example.com", owner("x@example.com")))),
			bad("by the owner of after this plan", reviews, reviewedBy(ciso, extends(by, owner(by)))),
			bad("for another partner", reviews, reviewedBy(signedtest.New("bob"), extends("bob@example.com"))),
			bad("for another owner", reviews, reviewedBy(signedtest.New("eve"), extends("eve@example.com"))),
			bad("by somebody of the partner", reviews, reviewedBy(insider, extends("iv@acme.test"))),
			bad("by the partner's contact", reviews, plans(identity(etl, contact(by)), unchanged()),
				reviewedBy(ciso, extends(by))),
			bad("by the contact of an identity that is held and arrives last", reviews,
				holds(identity(etl, contact(by))), reviewedBy(ciso, extends(by)),
				plans(identity(etl, contact(by)), unchanged())),
			bad("by a contact two above, whose chain is held", reviews, holds(identity("mid/prod/etl", contact(by))),
				holds(identity(etl, under("mid/prod/etl"))), reviewedBy(ciso, extends(by))),
			bad("by a contact two above", reviews, plans(identity("mid/prod/etl", contact(by))),
				plans(identity(etl, under("mid/prod/etl"))), reviewedBy(ciso, extends(by))),
			bad("by somebody who has left", reviews,
				set(func(s *Settings) { s.ActiveOwners = []string{"jane.doe@example.com"} }),
				reviewedBy(ciso, extends(by))),
		},
		"waiver/unsigned": {
			good("nobody asks for signatures", plans(waived(by))),
			good("signed by a decider", waivers, waivedBy(ciso, plans(waived(by)))),
			good("signed, on what is there", waivers, waivedBy(ciso, plans(waived(by), was(grant(etl, "daily"))))),
			good("applied before", waivers, plans(waived(by), unchanged())),
			good("shortened", waivers, plans(with(grant(etl, "daily"), waives("scope/outside-ceiling", by, in(10))),
				was(waived(by)))),
			good("removed", waivers, plans(grant(etl, "daily"), was(waived(by)))),
			good("beside access that is narrowed", waivers,
				plans(waived(by), was(with(grant(etl, "daily", actions("read", "list")),
					waives("scope/outside-ceiling", by, in(30)))))),
			bad("not signed", waivers, plans(waived(by))),
			bad("lengthened", waivers, plans(with(grant(etl, "daily"), waives("scope/outside-ceiling", by, in(40))),
				was(waived(by)))),
			bad("beside access that is widened", waivers,
				plans(with(grant(etl, "daily", actions("read", "list")), waives("scope/outside-ceiling", by, in(30))),
					was(waived(by)))),
			good("of a longer life, which is extended", waivers, waivedBy(ciso, plans(long(60), was(long(50))))),
			good("of a longer life, which is shortened", waivers, plans(long(50), was(long(60)))),
			bad("of a longer life, which is extended beside it", waivers, plans(long(60), was(long(50)))),
			bad("signed for another end", waivers,
				waivedBy(ciso, plans(long(60)), func(s *Subject) { s.Object = long(50) })),
			bad("signed for another owner", waivers,
				waivedBy(ciso, plans(with(waived(by), owner("x@example.com"))),
					func(s *Subject) { s.Object = waived(by) })),
			bad("signed by an unknown key", waivers, waivedBy(other, plans(waived(by)))),
			bad("signed by another than it names", waivers, waivedBy(jane, plans(waived(by)))),
			bad("signed by the owner", waivers, waivedBy(jane, plans(waived("jane.doe@example.com")))),
			bad("signed by somebody of the partner", waivers, waivedBy(insider, plans(waived("iv@acme.test")))),
			bad("signed by the contact of its identity", waivers, plans(identity(etl, contact(by))),
				waivedBy(ciso, plans(waived(by)))),
			bad("signed by the contact of an identity that is held and arrives last", waivers,
				holds(identity(etl, contact(by))), waivedBy(ciso, plans(waived(by))),
				plans(identity(etl, contact(by)), unchanged())),
			bad("signed by a contact two above, whose chain is held", waivers,
				holds(identity("top/prod/etl", contact(by))), holds(identity("mid/prod/etl", under("top/prod/etl"))),
				holds(identity(etl, under("mid/prod/etl"))),
				waivedBy(ciso, plans(waived(by)))),
			bad("signed for another rule", waivers, waivedBy(ciso, plans(waived(by)), func(s *Subject) {
				s.Object = with(grant(etl, "daily"), waives("scope/overlap", by, in(30)))
			})),
			bad("signed for other access", waivers, waivedBy(ciso, plans(waived(by)), func(s *Subject) {
				s.Object = with(grant(etl, "daily", resource("orders/acme/+")),
					waives("scope/outside-ceiling", by, in(30)))
			})),
			bad("signed for another grant", waivers,
				waivedBy(ciso, plans(waived(by)),
					func(s *Subject) {
						s.Object = with(grant(etl, "weekly"), waives("scope/outside-ceiling", by, in(30)))
					})),
			bad("signed for another system", waivers, waivedBy(ciso, plans(waived(by))),
				set(func(s *Settings) { s.System = "system-2" })),
			good("signed for what is made anew", waivers, ended(with(grant(etl, "daily")), "7"),
				waivedBy(ciso, plans(waived(by)))),
			bad("signed for the one that was removed since", waivers, waivedBy(ciso, plans(waived(by))),
				ended(grant(etl, "daily"), "7")),
			bad("signed for the one before the one that was removed last", waivers, ended(grant(etl, "daily"), "6"),
				waivedBy(ciso, plans(waived(by))), ended(grant(etl, "daily"), "7")),
			good("of one that had another id", waivers, waivedBy(ciso, plans(waived(by))),
				ended(grant(etl, "weekly"), "7")),
			bad("signed at the creation, and made anew", waivers,
				waivedBy(ciso, plans(waived(by), was(grant(etl, "daily"))), func(s *Subject) { s.Before = nil })),
		},
		"incident/unsigned": {
			good("nobody asks for signatures", lifts("")),
			good("signed by a decider", releases, releasedBy(ciso, lifts(by))),
			good("applied before", releases, plans(lifted(""), unchanged())),
			good("nothing is lifted", releases, plans(identity(etl), was(identity(etl)), cut())),
			bad("not signed", releases, lifts(by)),
			bad("not signed, before anything is held", releases, plans(lifted(by), was(identity(etl)))),
			bad("not signed, and created", releases, plans(lifted(by))),
			bad("signed for another incident", releases, releasedBy(ciso, lifts(by), func(s *Subject) {
				s.Object = identity(etl, func(i *access.Identity) { i.HoldReleased, i.HoldReleasedBy = "INC-6", by })
			})),
			bad("signed by the contact of an identity above, which is held", releases,
				holds(identity("top/prod/etl", contact(by))), releasedBy(ciso, plans(
					identity(etl, under("top/prod/etl"),
						func(i *access.Identity) { i.HoldReleased, i.HoldReleasedBy = "INC-7", by }),
					was(identity(etl, under("top/prod/etl"))), cut()))),
			bad("signed by another than it names", releases, releasedBy(jane, lifts(by))),
			bad("signed by the owner", releases, releasedBy(jane, lifts("jane.doe@example.com"))),
			bad("nobody is named", releases, releasedBy(ciso, lifts(""))),
			bad("signed for the one before under the same id", releases,
				releasedBy(ciso, lifts(by), func(s *Subject) { s.History.UID = "0" })),
		},
	}
}

// A line is what somebody signs: nothing that stands in a reason, an address or an id may make of one
// decision another's line.
func TestNoTwoDecisionsHaveOneLine(t *testing.T) {
	on := signed.Subject{
		Ref:     access.Ref{Type: access.TypeGrant, ID: "acme/prod/etl/daily"},
		Edition: "e1-0",
		Access:  "v1-0-0",
	}
	at := access.At(today)
	odd := []string{"", "a", `a" by "b`, "a\nb", "a\\nb", "a b", "a\u00a0b", "a\u202eb", "é", "e\u0301", "a'b", "$(a)",
		"%s", "\x00", "\u2028"}
	seen := map[string][2]string{}
	for _, by := range odd {
		for _, reason := range odd {
			line := signed.ReviewLine(on, &access.Review{At: at, By: by, Reason: reason}, today)
			if before, twice := seen[line]; twice {
				t.Errorf("%q and %q have one line", before, [2]string{by, reason})
			}
			seen[line] = [2]string{by, reason}
			for _, r := range line {
				if r < ' ' || r > '~' {
					t.Errorf("%q has %q in it", line, r)
				}
			}
		}
	}
}

// inSheet is a review that says it is a row of a signed worksheet, and the worksheet, which the settings have.
func inSheet(key signedtest.Key, edit func(*signed.Sheet, *access.Review)) part {
	return func(s *scenario) {
		deciding(access.SignedReview)(s)
		before := with(grant(etl, "daily"), until(in(30)))
		after := with(grant(etl, "daily"), until(in(60)))
		plans(after, was(before))(s)
		subject := &s.subjects[len(s.subjects)-1]
		row := access.Review{
			At:       access.At(in(-1)),
			By:       "ciso@example.com",
			Reason:   "Needed",
			Decision: access.DecisionKeep,
			Access:   access.Digest(before),
			Until:    access.At(in(60)),
		}
		sheet := signed.Sheet{File: "q4.csv", Content: []byte("the rows"), Rows: map[string]signed.Row{
			after.Ref().ID: {Review: row, Edition: access.StampEdition(access.Edition(before, subject.History),
				in(-3))},
		}}
		sheet.Signature = key.Sign(string(sheet.Content))
		mark, err := sheet.Mark()
		if err != nil {
			panic(err)
		}
		row.Signature = mark.String()
		edit(&sheet, &row)
		after.Review = &row
		s.settings.Sheets = []signed.Sheet{sheet}
	}
}

// A row counts as it stands in a worksheet that was signed byte by byte, for what it was made of, by whoever signed it.
func TestARowCountsAsItWasSigned(t *testing.T) {
	edits := func(edit func(*signed.Row)) func(*signed.Sheet, *access.Review) {
		return func(sheet *signed.Sheet, _ *access.Review) {
			for id, row := range sheet.Rows {
				edit(&row)
				sheet.Rows[id] = row
			}
		}
	}
	says := func(edit func(*access.Review)) func(*signed.Sheet, *access.Review) {
		return func(_ *signed.Sheet, r *access.Review) { edit(r) }
	}
	asIs := says(func(*access.Review) {})
	for name, c := range map[string]struct {
		key  signedtest.Key
		edit func(*signed.Sheet, *access.Review)
		want string
	}{
		"as it was signed": {ciso, asIs, ""},
		"another date": {ciso, says(func(r *access.Review) { r.Until = access.At(in(90)) }),
			"until is"},
		"another decision": {ciso, says(func(r *access.Review) { r.Decision = "" }), "the decision is"},
		"another reason":   {ciso, says(func(r *access.Review) { r.Reason = "Audit" }), "the reason is"},
		"other access": {ciso,
			says(func(r *access.Review) { r.Access = access.Digest(grant(etl, "daily", actions("list"))) }),
			"access is"},
		"decided before it was made": {ciso, says(func(r *access.Review) { r.At = access.At(in(-4)) }),
			"the worksheet was made on"},
		"decided a month after": {ciso,
			edits(func(r *signed.Row) { r.Edition = r.Edition[:3] + "20261001" + r.Edition[11:] }),
			"the worksheet was made on"},
		"by another than its signer": {ciso, says(func(r *access.Review) { r.By = "own@example.com" }),
			"ciso@example.com signed it"},
		"the row is not in it": {ciso, func(s *signed.Sheet, _ *access.Review) { s.Rows = nil },
			"decides nothing on it"},
		"the row is of another object": {ciso, edits(func(r *signed.Row) { r.Access = access.Digest(identity(etl)) }),
			"decides nothing on it"},
		"it has no editions": {ciso, edits(func(r *signed.Row) { r.Edition = "" }), "no edition beside it"},
		"the edition of another object": {ciso, edits(func(r *signed.Row) {
			r.Edition = access.StampEdition(access.NewEdition(grant(etl, "x"), home, "")[7:], in(-3))
		}), "edition"},
		"it was changed": {ciso, func(s *signed.Sheet, r *access.Review) {
			s.Content = []byte("other rows")
			mark, _ := s.Mark()
			r.Signature = mark.String()
		}, "changed after it was signed"},
		"it lies under another digest": {ciso,
			func(s *signed.Sheet, _ *access.Review) { s.Content = []byte("other rows") }, "not among worksheets"},
		"an unknown key": {other, asIs, "no decider's"},
		"the key of another in its name": {ciso, says(func(r *access.Review) {
			r.Signature = strings.Replace(r.Signature, "SHA256:", "SHA256:x", 1)
		}), "not among worksheets"},
	} {
		var said []string
		for _, f := range build(plans(identity(etl), unchanged()), inSheet(c.key, c.edit)).findings() {
			if f.Rule.Slug == "review/unsigned" {
				said = append(said, f.Problem)
			}
		}
		if all := strings.Join(said, "\n"); (c.want == "" && all != "") || !strings.Contains(all, c.want) {
			t.Errorf("%s: %q, want %q", name, all, c.want)
		}
	}
}

// A worksheet stays beside the configuration. Something that vanished, or is replaced, is made anew beside it, and gets
// nothing by it; where it would last longer by it than what it goes on from, the row is of another object.
func TestARowIsNoHindranceToMakingAnew(t *testing.T) {
	anew := func(s *scenario) {
		last := &s.subjects[len(s.subjects)-1]
		last.Before, last.History = nil, access.History{}
	}
	asIs := func(*signed.Sheet, *access.Review) {}
	for name, c := range map[string]struct {
		parts []part
		want  bool
	}{
		"it vanished":              {[]part{inSheet(ciso, asIs), anew}, false},
		"it vanished, unknown key": {[]part{inSheet(other, asIs), anew}, true},
		"it was removed, to be longer": {[]part{remembers(with(grant(etl, "daily"), until(in(30))), in(-3)),
			inSheet(ciso, asIs), anew}, true},
	} {
		refused := slices.ContainsFunc(build(append([]part{plans(identity(etl), unchanged())},
			c.parts...)...).findings(), func(f Finding) bool {
			return f.Rule.Slug == "review/unsigned" && f.Level == Deny
		})
		if refused != c.want {
			t.Errorf("%s: refused %v", name, refused)
		}
	}
}

// Whatever is signed, and whatever is written beside it: what is extended is just what somebody signed.
func TestNothingIsExtendedBeyondWhatWasSigned(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(23, 2))}
	extended := 0
	for range 1_500 {
		some := func() *access.Grant {
			return with(grant(etl, "daily", actions(pick(d, []string{"read"}, []string{"list"})...)),
				until(in(pick(d, 30, 60, 61))),
				review(in(pick(d, -1, -2)), pick(d, "ciso@example.com", "jane.doe@example.com")))
		}
		before, after, seen := some(), some(), some()
		before.Review, before.ExpiresAt = nil, access.At(in(30))
		if d.IntN(3) > 0 {
			copied := *after
			seen = &copied
		}
		uid := pick(d, "1", "1", "0")
		arrives := reviewedBy(pick(d, ciso, ciso, jane, other), plans(after, was(before)),
			func(s *Subject) { s.Object, s.History.UID = seen, uid })
		refused := slices.ContainsFunc(build(deciding(access.SignedReview), plans(identity(etl), unchanged()),
			arrives).findings(), func(f Finding) bool { return f.Level == Deny })
		if refused || !access.Extends(before, after, time.Time{}) {
			continue
		}
		extended++
		if access.Digest(after) != access.Digest(seen) ||
			!after.ExpiresAt.Equal(seen.ExpiresAt.Time) ||
			!after.Review.At.Equal(seen.Review.At.Time) ||
			after.Review.By != seen.Review.By ||
			uid != "1" ||
			after.Review.By != "ciso@example.com" {
			t.Fatalf("signed was %+v, and extended is %+v", seen, after)
		}
	}
	if extended < 50 {
		t.Errorf("%d extended: the property says nothing", extended)
	}
}
