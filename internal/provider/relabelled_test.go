// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"maps"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// feedOf is an identity of a name with a credential and a grant, which all end at one moment.
func feedOf(label, name, end string, more args) string {
	of := args{"identity_id": "partner_identity." + label + ".id", "expires_at": quoted(end)}
	i := args{"name": quoted(name), "expires_at": quoted(end)}
	for k, v := range more {
		i[k] = v
	}
	return relabel(label, identity(i)) + relabel(label, credential("federated", of)) + relabel(label, grant(of))
}

func relabel(label, block string) string {
	return regexp.MustCompile(`"orders" \{`).ReplaceAllString(block, `"`+label+`" {`)
}

const (
	march = "2027-03-31T00:00:00Z"
	may   = "2027-05-20T00:00:00Z"
	july  = "2027-07-31T00:00:00Z"
)

// An identity whose name was computed from the month renewed itself three times, without a review: each was
// another object, and new.
func TestAComputedNameRenewsNothing(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	w.run(
		resource.TestStep{Config: w.config(feedOf("orders", "feed-1", march, nil))},
		resource.TestStep{
			PreConfig:   w.passes(60 * day),
			Config:      w.config(feedOf("orders", "feed-2", july, nil)),
			ExpectError: regexp.MustCompile(`expiry/relabelled`),
		},
		refused(w.config(feedOf("orders", "feed-2", july, args{"review": review("2026-11-10T00:00:00Z")})),
			"expiry/relabelled"),
		// Renamed, and to end as before: nothing lasts longer.
		resource.TestStep{Config: w.config(feedOf("orders", "feed-2", march, nil))},
		resource.TestStep{Config: w.config(feedOf("orders", "feed-2", march, nil)), ConfigPlanChecks: emptyPlan()},
		// Somebody looked.
		resource.TestStep{PreConfig: w.passes(2 * day),
			Config: w.config(feedOf("orders", "feed-3", may, args{"review": review("2027-01-24T00:00:00Z")}))},
		// That review is of before this one.
		resource.TestStep{
			PreConfig:   w.passes(40 * day),
			Config:      w.config(feedOf("orders", "feed-4", july, args{"review": review("2027-01-24T00:00:00Z")})),
			ExpectError: regexp.MustCompile(`expiry/relabelled`),
		},
		resource.TestStep{Config: w.config(feedOf("orders", "feed-3", may,
			args{"review": review("2027-01-24T00:00:00Z")})), ConfigPlanChecks: emptyPlan()},
	)
}

// Nothing of it was in the plan any more: it was removed by one apply, and was back under another name, or the same, by
// a later one. What was an accident is put right within a day.
func TestWhatWasRemovedComesBackOnlyWithAReview(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	none := resource.TestStep{Config: w.config("")}
	first := feedOf("orders", "feed", march, nil)
	second := feedOf("again", "feed-2", may, nil)
	w.run(
		resource.TestStep{Config: w.config(first)},
		none,
		refused(w.config(second), "expiry/relabelled"),
		refused(w.config(feedOf("orders", "feed", may, nil)), "expiry/relabelled"),
		resource.TestStep{PreConfig: w.passes(day), Config: w.config(first)},
		none,
		resource.TestStep{
			PreConfig:   w.passes(day + 1e9),
			Config:      w.config(first),
			PlanOnly:    true,
			ExpectError: regexp.MustCompile(`expiry/relabelled`),
		},
		refused(w.config(second), "expiry/relabelled"),
		// The key alone, the reach alone, and a part of the reach are enough.
		refused(w.config(relabel("x", identity(nil))+
			relabel("x", credential("federated", args{"identity_id": "partner_identity.x.id"}))), "expiry/relabelled"),
		refused(w.config(relabel("x", identity(nil))+
			relabel("x", grant(args{
				"identity_id": "partner_identity.x.id",
				"resource":    `"orders/acme/daily/1"`,
				"actions":     `["read"]`,
			}))), "expiry/relabelled"),
		// Another key and another reach are another matter.
		resource.TestStep{Config: w.config(relabel("x", identity(nil)) + relabel("x", credential("federated", args{
			"identity_id": "partner_identity.x.id",
			"federated":   `{ issuer = "https://login.acme.test", subject = "svc-invoices", audiences = ["orders.example.com"] }`,
		})) + relabel("x", grant(args{"identity_id": "partner_identity.x.id", "resource": `"invoices/acme/*"`})))},
		resource.TestStep{Config: w.config(feedOf("again", "feed-2", may,
			args{"review": review("2026-11-26T00:00:00Z")}))},
	)
}

// It was made before the old one was removed: beside what is there it is another use case, and the one after it is not.
func TestMadeBeforeTheOldOneGoesIsNoWayAround(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	beside := func(end string) string {
		of := args{"identity_id": "partner_identity.b.id", "expires_at": quoted(end)}
		other := args{"federated": `{ issuer = "https://login.acme.test", subject = "svc-2", audiences = ["orders.example.com"] }`}
		maps.Copy(other, of)
		return relabel("b", identity(args{"name": `"feed-2"`, "expires_at": quoted(july)})) +
			relabel("b", credential("federated", other)) + relabel("b", grant(of))
	}
	old := feedOf("a", "feed-1", march, nil)
	third := feedOf("c", "feed-3", july, nil)
	w.run(
		resource.TestStep{Config: w.config(old)},
		// In one plan with the removal, whichever is first.
		refused(w.config(beside(july)), "expiry/relabelled"),
		// Longer than the partner may reach there without anybody looking.
		resource.TestStep{
			PreConfig:   w.passes(30 * day),
			Config:      w.config(old, beside(july)),
			PlanOnly:    true,
			ExpectError: regexp.MustCompile(`expiry/relabelled`),
		},
		resource.TestStep{Config: w.config(old, beside(may))},
		resource.TestStep{PreConfig: w.passes(5 * day), Config: w.config(beside(may))},
		refused(w.config(beside(may), third), "expiry/relabelled"),
		resource.TestStep{Config: w.config(beside(may)), ConfigPlanChecks: emptyPlan()},
	)
}

// The plan did not know whom it trusts: the rule waits, and refuses before anything is made.
func TestAnUnknownTrustIsJudgedAtApply(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	hidden := `resource "terraform_data" "subject" { input = "svc-orders" }
` + identity(args{"name": `"feed-2"`}) + credential("federated", args{
		"federated": `{ issuer = "https://login.acme.test", subject = terraform_data.subject.output, audiences = ["orders.example.com"] }`,
	})
	w.run(
		resource.TestStep{Config: w.config(feedOf("a", "feed", march, nil))},
		resource.TestStep{Config: w.config("")},
		resource.TestStep{
			PreConfig:   w.passes(2 * day),
			Config:      w.config(hidden),
			ExpectError: regexp.MustCompile(`expiry/relabelled`),
		},
		resource.TestStep{Config: w.config("")},
	)
	records, err := w.system().List(t.Context())
	if err != nil || len(records) > 0 {
		t.Errorf("made were %v, %v", records, err)
	}
}

// A moved block, a new label and a replacement are the same object.
func TestTheSameObjectIsNotRelabelled(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	moved := ""
	for _, kind := range []string{"identity", "credential", "grant"} {
		moved += "moved {\n  from = partner_" + kind + ".orders\n  to = partner_" + kind + ".moved\n}\n"
	}
	w.run(
		resource.TestStep{Config: w.config(feedOf("orders", "feed", march, nil))},
		resource.TestStep{
			PreConfig:        w.passes(10 * day),
			Config:           w.config(feedOf("moved", "feed", march, nil), moved),
			ConfigPlanChecks: emptyPlan(),
		},
		resource.TestStep{Config: w.config(feedOf("moved", "feed", may,
			args{"review": review("2026-12-04T00:00:00Z")}))},
		resource.TestStep{
			PreConfig: w.passes(10 * day),
			Taint:     []string{"partner_grant.moved", "partner_credential.moved"},
			Config:    w.config(feedOf("moved", "feed", may, args{"review": review("2026-12-04T00:00:00Z")})),
		},
	)
}

// Reviews of 2001 to 2004 renewed four times: each was newer than the one before it.
func TestOldReviewsRenewNothing(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	w.run(
		resource.TestStep{Config: w.config(identity(nil))},
		refused(w.config(identity(args{"expires_at": quoted(may), "review": review("2001-01-01T00:00:00Z")})),
			"expiry/rolling"),
		refused(w.config(identity(args{"expires_at": quoted(may), "review": review("2026-11-17T11:59:59Z")})),
			"expiry/rolling"),
		resource.TestStep{PreConfig: w.passes(10 * day),
			Config: w.config(identity(args{"expires_at": quoted(may), "review": review("2026-11-17T12:00:00Z")}))},
		refused(w.config(identity(args{"expires_at": quoted(july), "review": review("2026-12-04T11:00:00Z")})),
			"expiry/rolling"),
		resource.TestStep{PreConfig: w.passes(day),
			Config: w.config(identity(args{"expires_at": quoted(july), "review": review("2026-12-04T12:00:01Z")}))},
	)
}
