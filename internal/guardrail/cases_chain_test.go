// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"fmt"
	"strings"
	"testing"
)

// What stands above an object is at fault by one argument of one identity: the finding names it where that one is
// judged, is refused where that one or what hangs on it changes, and is said once. Each chain is sub under mid under
// acme, and what hangs on sub.
func TestWhatStandsAboveIsAtFaultByOneArgument(t *testing.T) {
	acme := set(func(s *Settings) {
		s.Partners = map[string]Partner{"acme": {Domains: []string{"acme.test"}}, "mid": {}, "sub": {}}
	})
	top := func(details ...detail) part { return plans(identity(etl, offers(3)), details...) }
	midOf := func(text string) part {
		return plans(identity("mid/prod/etl", under(etl), offers(2), contact(text)),
			was(identity("mid/prod/etl", under(etl), offers(2), contact("noc@mid.test"))))
	}
	mid := midOf("noc@mid.test")
	sub := plans(identity("sub/prod/etl", under("mid/prod/etl"), offers(1)), unchanged())
	lowest := func(details ...detail) part {
		return plans(identity("low/prod/etl", under("sub/prod/etl")), details...)
	}
	owned := func(by string) part {
		return plans(with(grant("sub/prod/etl", "daily"), owner(by)), unchanged())
	}
	exempt := plans(with(grant("sub/prod/etl", "daily"), waives("scope/overlap", "joe@acme.test", in(30))), unchanged())
	shallow := func(before, after int64) part {
		return plans(identity("mid/prod/etl", under(etl), offers(after)),
			was(identity("mid/prod/etl", under(etl), offers(before))))
	}
	for name, want := range map[string]struct {
		slug, says string
		parts      []part
	}{
		"a contact is named that owns it": {"owner/external", "deny mid/prod/etl contact",
			[]part{top(unchanged()), sub, owned("joe@x.test"), midOf("joe@x.test")}},
		"a contact changes, and what is above was at fault": {"owner/external", "warn",
			[]part{acme, top(unchanged()), midOf("joe@x.test"), sub, owned("joe@acme.test")}},
		"a contact is removed, and what is above was at fault": {"owner/external", "warn",
			[]part{acme, top(unchanged()), midOf(""), sub, owned("joe@acme.test")}},
		"a waiver's too": {"waiver/self-approved", "warn", []part{acme, top(unchanged()), midOf(""), sub, exempt}},
		"what is between is hung there": {"owner/external", "deny mid/prod/etl parent_id",
			[]part{acme, top(unchanged()), owned("joe@acme.test"), sub,
				plans(identity("mid/prod/etl", under(etl)), was(identity("mid/prod/etl")))}},
		"what is below is hung there": {"owner/external", "deny sub/prod/etl parent_id",
			[]part{acme, top(unchanged()), owned("joe@acme.test"), mid,
				plans(identity("sub/prod/etl", under("mid/prod/etl")), was(identity("sub/prod/etl")))}},
		"a waiver was applied, and its grant's chain is hung there": {"waiver/self-approved", "deny",
			[]part{acme, top(unchanged()), exempt, sub,
				plans(identity("mid/prod/etl", under(etl)), was(identity("mid/prod/etl")))}},
		"a waiver was applied, and the approver is the contact now": {"waiver/self-approved",
			"deny mid/prod/etl contact", []part{top(unchanged()), exempt, sub, midOf("joe@acme.test")}},
		"it is hung there itself": {"owner/external", "deny mid/prod/etl owner", []part{acme, top(unchanged()),
			plans(with(identity("mid/prod/etl", under(etl)), owner("joe@acme.test")),
				was(with(identity("mid/prod/etl"), owner("joe@acme.test"))))}},
		"it is hung below it": {"owner/external", "deny sub/prod/etl owner", []part{acme, top(unchanged()), mid,
			plans(with(identity("sub/prod/etl", under("mid/prod/etl")), owner("joe@acme.test")),
				was(with(identity("sub/prod/etl"), owner("joe@acme.test"))))}},
		"it names its owner as contact": {"owner/external", "deny sub/prod/etl owner", []part{top(unchanged()), mid,
			plans(with(identity("sub/prod/etl", contact("joe@x.test")), owner("joe@x.test")),
				was(with(identity("sub/prod/etl"), owner("joe@x.test"))))}},
		"it names its reviewer as contact": {"review/by-partner", "deny sub/prod/etl", []part{top(unchanged()), mid,
			plans(with(identity("sub/prod/etl", contact("joe@x.test")), review(in(-1), "joe@x.test")),
				was(with(identity("sub/prod/etl"), review(in(-1), "joe@x.test"))))}},
		"it names its approver as contact": {"waiver/self-approved", "deny sub/prod/etl", []part{top(unchanged()), mid,
			plans(with(identity("sub/prod/etl", contact("joe@x.test")),
				waives("expiry/too-long", "joe@x.test", in(30))),
				was(with(identity("sub/prod/etl"), waives("expiry/too-long", "joe@x.test", in(30)))))}},
		"its approver owns it now": {"waiver/self-approved", "deny sub/prod/etl", []part{mid, top(unchanged()),
			plans(with(identity("sub/prod/etl"), owner("joe@x.test"), waives("expiry/too-long", "joe@x.test", in(30))),
				was(with(identity("sub/prod/etl"), waives("expiry/too-long", "joe@x.test", in(30)))))}},
		"its contact is another one, and its approver was at fault": {"waiver/self-approved", "warn sub/prod/etl",
			[]part{
				plans(with(identity("sub/prod/etl", contact("joe@x.test")), waives("expiry/too-long", "CISO", in(30))),
					was(with(identity("sub/prod/etl"), waives("expiry/too-long", "CISO", in(30)))))}},
		"its contact is another one, and its reviewer is no address": {"review/by-partner", "warn sub/prod/etl",
			[]part{domains("example.com"),
				plans(with(identity("sub/prod/etl", contact("joe@x.test")), review(in(-1), "CISO")),
					was(with(identity("sub/prod/etl"), review(in(-1), "CISO"))))}},
		"its contact is another one, and its owner was at fault": {"owner/external", "warn sub/prod/etl",
			[]part{top(unchanged()), domains("example.com"),
				plans(with(identity("sub/prod/etl", contact("joe@x.test")), owner("joe@z.test")),
					was(with(identity("sub/prod/etl"), owner("joe@z.test"))))}},
		"a waiver was applied, and nothing changes": {"waiver/self-approved", "warn",
			[]part{acme, top(unchanged()), mid, sub, exempt}},
		"a contact above is unknown": {"owner/external", "deny",
			[]part{top(unknown("contact")), mid, sub,
				plans(with(grant("sub/prod/etl", "daily"), owner("noc@mid.test")))}},
		"a contact between is unknown": {"owner/external", "deny",
			[]part{acme, top(), plans(identity("mid/prod/etl", under(etl), offers(2)), unknown("contact")), sub,
				plans(with(grant("sub/prod/etl", "daily"), owner("joe@acme.test")))}},
		"what is above is unknown": {"review/by-partner", "deny",
			[]part{plans(identity("mid/prod/etl", contact("noc@mid.test")), unknown("parent_id")), sub,
				plans(with(grant("sub/prod/etl", "daily"), review(in(-1), "noc@mid.test")))}},
		"a contact above is unknown, and a waiver": {"waiver/self-approved", "deny",
			[]part{top(unknown("contact")), mid, sub,
				plans(with(grant("sub/prod/etl", "daily"), waives("scope/overlap", "noc@mid.test", in(30))))}},
		"how deep is unknown above": {"delegation/depth", "deny",
			[]part{plans(identity(etl), unknown("subcontractors")), shallow(1, 1), sub, lowest()}},
		"how deep changes above": {"delegation/depth", "warn",
			[]part{plans(identity(etl, offers(4)), was(identity(etl, offers(3)))), shallow(1, 1), sub,
				lowest(unchanged())}},
		"how deep is lowered between, which arrives last": {"delegation/depth", "warn mid/prod/etl subcontractors",
			[]part{top(unchanged()), sub, lowest(unchanged()), shallow(2, 1)}},
	} {
		var said []string
		for _, f := range build(want.parts...).findings() {
			if f.Rule.Slug == want.slug {
				said = append(said, fmt.Sprintf("%s %s %s", f.Level, f.Subject.ID, f.Attribute))
			}
		}
		if len(said) != 1 || !strings.HasPrefix(said[0], want.says) {
			t.Errorf("%s: %s says %q, and not once %q", name, want.slug, said, want.says)
		}
	}
}
