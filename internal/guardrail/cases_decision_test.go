// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// decides is a decision of a worksheet on the access of an object, made yesterday by another than the owner.
func decides(decision access.Decision, on access.Object, until time.Time,
	edits ...func(*access.Review)) func(*access.Terms) {
	return func(t *access.Terms) {
		t.Review = &access.Review{
			At: access.At(in(-1)), By: "ciso@example.com", Reason: "Looked at in the fourth quarter",
			Decision: decision, Access: access.Digest(on), Until: access.At(until),
		}
		for _, edit := range edits {
			edit(t.Review)
		}
	}
}

func endsNow(r *access.Review) { r.EndNow = true }

func decisionCases() map[string][]policy {
	keep := access.DecisionKeep
	narrow := access.DecisionNarrow
	end := access.DecisionEnd
	none := time.Time{}
	daily := func(changes ...func(*access.Grant)) *access.Grant {
		return with(grant(etl, "daily", changes...), until(in(30)))
	}
	both := actions("read", "list")
	// moves is the grant in a plan that brings a decision and moves its end to a day.
	moves := func(to int, decision func(*access.Terms), changes ...func(*access.Grant)) part {
		return plans(with(daily(changes...), until(in(to)), decision), was(daily()))
	}
	return map[string][]policy{
		"review/void": {
			good("decided on what there is", moves(60, decides(keep, daily(), in(60)))),
			good("no worksheet's", plans(with(daily(), review(in(-1), "ciso@example.com")), was(daily(both)))),
			good("decided on what is created", plans(with(daily(), decides(keep, daily(), in(60))))),
			good("narrowed in the same plan",
				plans(with(daily(), decides(narrow, daily(both), in(60))), was(daily(both)))),
			good("another owner and end are the same access",
				plans(with(daily(), decides(keep, grant(etl, "daily"), in(60))), was(daily()))),
			good("it was applied before the access was widened", func() part {
				o := with(daily(both), decides(keep, daily(), in(60)))
				return plans(o, was(with(daily(both), decides(keep, daily(), in(60)))))
			}()),
			bad("the access was widened since",
				plans(with(daily(both), until(in(60)), decides(keep, daily(), in(60))), was(daily(both)))),
			bad("the access was narrowed since",
				plans(with(daily(), until(in(60)), decides(keep, daily(both), in(60))), was(daily()))),
			bad("the same plan widens it", plans(with(daily(both), decides(keep, daily(), in(60))), was(daily()))),
			bad("decided on another grant", moves(60, decides(keep, grant(etl, "hourly"), in(60)))),
			bad("created wider than decided on", plans(with(daily(both), decides(keep, daily(), in(60))))),
			bad("a credential with another key",
				plans(with(credential(etl), decides(keep,
					credential(etl, func(c *access.Credential) { c.Federated.Subject = "svc-other" }), in(60))),
					was(credential(etl)))),
			bad("an identity whose ceiling was opened",
				plans(with(identity(etl), decides(keep, identity(etl, ceiling("orders/acme/*")), in(60))),
					was(identity(etl)))),
		},
		"review/decided-otherwise": {
			edge(good("kept until just then", moves(60, decides(keep, daily(), in(60))))),
			good("kept, and ends earlier", moves(20, decides(keep, daily(), in(60)))),
			good("kept without a date, and stays as it is", moves(30, decides(keep, daily(), none))),
			good("narrowed and extended", plans(with(daily(), until(in(60)), decides(narrow, daily(both), in(60))),
				was(daily(both)))),
			good("to be narrowed, and not extended", moves(30, decides(narrow, daily(), in(60)))),
			good("ended where it is declared", moves(30, decides(end, daily(), none, endsNow))),
			good("no worksheet's", moves(60, review(in(-1), "ciso@example.com"))),
			bad("decided to end, and still declared", moves(30, decides(end, daily(), none))),
			bad("decided to end, and created", plans(with(daily(), decides(end, daily(), none)))),
			edge(bad("extended a second beyond the date",
				plans(with(daily(), until(in(60).Add(time.Second)), decides(keep, daily(), in(60))), was(daily())))),
			bad("extended without a date", moves(60, decides(keep, daily(), none))),
			bad("to be narrowed, and extended as it is", moves(60, decides(narrow, daily(), in(60)))),
			bad("kept, and ended", moves(30, decides(keep, daily(), in(60), endsNow))),
			warned("decided to end, applied in some way", func() part {
				o := with(daily(), decides(end, daily(), none))
				return plans(o, was(with(daily(), decides(end, daily(), none))))
			}()),
		},
	}
}

// Whatever somebody writes beside a decision, nothing is extended but what it was made on, until when it
// says, and only if it keeps.
func TestNoDecisionExtendsBeyondWhatWasDecided(t *testing.T) {
	extensions := 0
	d := dice{rand.New(rand.NewPCG(23, 3))}
	rounds := 20_000
	if testing.Short() {
		rounds = 4_000
	}
	for range rounds {
		some := func() *access.Grant {
			return grant(etl, "daily", actions(pick(d, []string{"read"}, []string{"list"},
				[]string{"read", "list"})...),
				resource(pick[access.Pattern](d, "orders/acme/daily/*", "orders/acme/*")))
		}
		before, after, on := some(), some(), some()
		before.ExpiresAt, after.ExpiresAt = access.At(in(30)), access.At(in(pick(d, 10, 30, 60, 90)))
		v := &access.Review{
			At: access.At(in(pick(d, -400, -3, -1, 2))), By: "ciso@example.com", Reason: "Looked at",
			Access:   access.Digest(on),
			Decision: pick(d, "", access.DecisionKeep, access.DecisionNarrow, access.DecisionEnd),
			EndNow:   d.IntN(4) == 0,
			Until:    access.At(pick(d, time.Time{}, in(20), in(60), in(90))),
		}
		after.Review = v
		refused := slices.ContainsFunc(build(plans(identity(etl), unchanged()), plans(after, was(before))).findings(),
			func(f Finding) bool { return f.Level == Deny })
		if refused || !access.Extends(before, after, time.Time{}) {
			continue
		}
		extensions++
		switch {
		case v.Decision == access.DecisionEnd, v.EndNow:
			t.Fatalf("what was decided to end is extended: %+v", v)
		case v.Access != access.Digest(before), access.Widened(before, after, "actions"),
			access.Widened(before, after, "resource"):
			t.Fatalf("other access than was decided on is extended: %+v", v)
		case v.Until.IsZero(), after.ExpiresAt.After(v.Until.Time), v.At.After(today):
			t.Fatalf("it is extended beyond what was decided: %+v", v)
		case v.Decision == access.DecisionNarrow && access.Digest(after) == access.Digest(before):
			t.Fatalf("what was to be narrowed is extended as it is: %+v", v)
		}
	}
	if extensions < rounds/400 {
		t.Errorf("%d extensions: the property says nothing", extensions)
	}
}
