// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

const (
	theIdentity = "partner_identity.orders"
	theGrant    = "partner_grant.orders"
	theKey      = "partner_credential.orders"
	day         = 24 * time.Hour
)

func has(address, attribute string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, path(attribute), value)
}

func path(attribute string) tfjsonpath.Path { return tfjsonpath.New(attribute) }

func text(s string) knownvalue.Check { return knownvalue.StringExact(s) }

// saying is a text with these words in it.
func saying(words string) knownvalue.Check { return knownvalue.StringRegexp(says(words)) }

func plans(action plancheck.ResourceActionType, address string) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

func emptyPlan() resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}
}

// refused is a step whose plan is refused with the rule.
func refused(config, slug string) resource.TestStep {
	return resource.TestStep{Config: config, PlanOnly: true, ExpectError: regexp.MustCompile(regexp.QuoteMeta(slug))}
}

func TestAccessIsCreatedReadAndPlansEmptyAgain(t *testing.T) {
	t.Parallel()
	for _, kind := range briefly("federated", "certificate", "ssh_certificate", "secret") {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			config := w.config(identity(nil), credential(kind, nil), grant(nil))
			w.run(
				resource.TestStep{
					Config: config,
					ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
						plancheck.ExpectKnownValue(theIdentity, path("id"), text("acme/prod/orders-etl")),
						plancheck.ExpectKnownValue(theIdentity, path("ends_at"), text("2027-03-31T00:00:00Z")),
						plancheck.ExpectKnownValue(theKey, path("id"), text("acme/prod/orders-etl/"+kind)),
						plancheck.ExpectKnownValue(theGrant, path("ends_at"), text("2027-02-28T00:00:00Z")),
					}},
					ConfigStateChecks: []statecheck.StateCheck{
						has(theIdentity, "status", text("active")),
						has(theIdentity, "history", text("created 2026-11-24T12:00:00Z")),
						has(theKey, "status", text("active")),
						has(theGrant, "drift", knownvalue.Null()),
					},
				},
				resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
			)
		})
	}
}

func TestAFaithfulConfigurationPlansEmptyAfterImport(t *testing.T) {
	t.Parallel()
	for _, kind := range briefly("federated", "certificate", "ssh_certificate", "secret") {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			// Arguments of every sort, written in ways that are not canonical: they must come back to the letter.
			config := w.config(
				identity(args{
					"expires_at": `"2027-03-31T02:00:00+02:00"`, "ceiling": `["orders/acme/*", "ssh/deploy"]`,
					"contact":      `"noc@acme.test"`,
					"agreement":    `{ reference = "MSA-1", ends_at = "2027-06-30T00:00:00.000Z" }`,
					"expected_use": `"2160h0m"`, "subcontractors": `{ allowed = true }`,
					"review": `{ at = "2026-11-20T01:00:00+01:00", by = "joe@example.com", reason = "Still feeds the ERP" }`,
				}),
				credential(kind, nil), grant(nil))
			steps := []resource.TestStep{{Config: config}}
			for _, address := range []string{theIdentity, theKey, theGrant} {
				steps = append(steps, resource.TestStep{
					Config: config, ResourceName: address, ImportState: true,
					ImportStateKind: resource.ImportBlockWithID,
				}, resource.TestStep{
					ResourceName: address, ImportState: true, ImportStateVerify: true,
					// false, so that a plan is empty whether it is written or not
					ImportStateVerifyIgnore: []string{"sealed_secret", "issued", "suspended"},
				})
			}
			w.run(steps...)
		})
	}
}

// Forgetting and declaring again resets nothing, because the history lives in the system.
func TestForgettingAndDeclaringAgainKeepsTheHistory(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	config := w.config(identity(nil), grant(nil))
	created := []statecheck.StateCheck{
		has(theIdentity, "history", saying("created 2026-11-24T12:00:00Z")),
		has(theGrant, "history", saying("created 2026-11-24T12:00:00Z")),
	}
	w.run(
		resource.TestStep{Config: config, ConfigStateChecks: created},
		resource.TestStep{Config: w.config(`removed {
  from = partner_identity.orders
  lifecycle { destroy = false }
}
removed {
  from = partner_grant.orders
  lifecycle { destroy = false }
}`)},
		resource.TestStep{PreConfig: w.passes(day), Config: config, ConfigStateChecks: created},
		resource.TestStep{Config: config, ConfigPlanChecks: emptyPlan()},
		refused(w.config(identity(args{"expires_at": `"2027-04-30T00:00:00Z"`}), grant(nil)), "expiry/rolling"),
	)
}

func TestAnAdoptedLaterEndIsJudgedAsAnExtension(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	w.run(
		resource.TestStep{Config: w.config(identity(nil))},
		resource.TestStep{Config: w.config(`removed {
  from = partner_identity.orders
  lifecycle { destroy = false }
}`)},
		refused(w.config(identity(args{"expires_at": `"2027-04-30T00:00:00Z"`})), "expiry/rolling"),
	)
}

func TestADestroyEndsTheHistory(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	w.run(
		resource.TestStep{Config: w.config(identity(nil))},
		resource.TestStep{Config: w.providerBlock() + "output \"nothing\" { value = 1 }"},
		resource.TestStep{
			PreConfig: w.passes(day), Config: w.config(identity(args{"expires_at": `"2027-04-30T00:00:00Z"`})),
			ConfigPlanChecks: plans(plancheck.ResourceActionCreate, theIdentity),
			ConfigStateChecks: []statecheck.StateCheck{has(theIdentity, "history",
				text("created 2026-11-25T12:00:00Z"))},
		},
	)
}

func TestAfterItsEndAnObjectStaysAsExpiredUntilItIsExtended(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	config := w.config(identity(nil), grant(nil))
	w.run(
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: w.passes(100 * day), Config: config, ConfigPlanChecks: emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{has(theGrant, "status", text("expired")),
				has(theIdentity, "status", text("expiring"))},
		},
		resource.TestStep{
			Config: w.config(identity(nil), grant(args{
				"expires_at": `"2027-03-30T00:00:00Z"`,
				"review":     `{ at = "2027-03-01T00:00:00Z", by = "joe@example.com", reason = "Still needed for the ERP" }`,
			})),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(theGrant, plancheck.ResourceActionUpdate),
				plancheck.ExpectUnknownValue(theGrant, path("history")),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				has(theGrant, "status", text("active")),
				has(theGrant, "history", text("created 2026-11-24T12:00:00Z; renewed once, 2027-03-04T12:00:00Z; "+
					"reviewed 2027-03-01T00:00:00Z")),
			},
		},
	)
}

// Also when the system has already removed it: it is never silently created again.
func TestWhatTheSystemRemovedAfterItsEndStaysAsExpired(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	config := w.config(identity(nil), grant(nil))
	w.run(
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() { w.passes(100 * day)(); w.erase("grant") }, Config: config,
			ConfigPlanChecks:  emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{has(theGrant, "status", text("expired"))},
		},
		resource.TestStep{
			Config: w.config(identity(nil), grant(args{
				"expires_at": `"2027-03-30T00:00:00Z"`,
				"review":     `{ at = "2027-03-01T00:00:00Z", by = "joe@example.com", reason = "Still needed for the ERP" }`,
			})),
			ConfigPlanChecks:  plans(plancheck.ResourceActionUpdate, theGrant),
			ConfigStateChecks: []statecheck.StateCheck{has(theGrant, "status", text("active"))},
		},
	)
}

// A stack that was renamed can still change what it made, and takes it over with that.
func TestARenamedStackTakesOverWhatItChanges(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	renamed := strings.Replace(w.config(identity(args{"owner": `"joe@example.com"`})), `stack = "partners"`,
		`stack = "alliances"`, 1)
	w.run(
		resource.TestStep{Config: w.config(identity(nil))},
		resource.TestStep{Config: renamed},
		resource.TestStep{Config: renamed, ConfigPlanChecks: emptyPlan(), Check: func(*terraform.State) error {
			w.each(func(_ access.System, r *access.Record) {
				if r.Stack != "alliances" {
					t.Errorf("%s belongs to the stack %q", r.Object.Ref(), r.Stack)
				}
			})
			return nil
		}},
	)
}

func TestWhatVanishedBeforeItsEndIsProposedAgain(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	config := w.config(identity(nil), grant(nil))
	w.run(
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() { w.erase("grant") }, Config: config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(theGrant, plancheck.ResourceActionCreate),
				plancheck.ExpectResourceAction(theIdentity, plancheck.ResourceActionNoop),
			}},
		},
	)
}

// erase removes an object of the identity by hand.
func (w *world) erase(prefix string) {
	w.t.Helper()
	w.each(func(s access.System, r *access.Record) {
		if string(r.Object.Ref().Type) == prefix {
			if _, err := s.Delete(context.Background(), r.Object.Ref(), r.UID); err != nil {
				w.t.Fatal(err)
			}
		}
	})
}

func (w *world) each(do func(access.System, *access.Record)) {
	w.t.Helper()
	s := w.system()
	records, err := s.List(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range records {
		do(s, r)
	}
}

func TestAnotherUIDUnderAKnownIDCountsAsNotFoundAndIsNeverTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := w.config(identity(nil))
	w.run(
		resource.TestStep{Config: config},
		resource.TestStep{
			// Somebody deletes the identity and makes one of the same id, in another stack.
			PreConfig: func() {
				w.each(func(s access.System, r *access.Record) {
					if _, err := s.Delete(context.Background(), r.Object.Ref(), r.UID); err != nil {
						t.Fatal(err)
					}
					if _, err := s.Put(context.Background(),
						access.Change{Object: r.Object, Stack: "others", EndsAt: r.EndsAt}); err != nil {
						t.Fatal(err)
					}
				})
			},
			Config: config, ExpectError: regexp.MustCompile(`belongs to the stack\s+"others"`),
		},
	)
	remaining := 0
	w.each(func(_ access.System, r *access.Record) {
		remaining++
		if r.Stack != "others" {
			t.Errorf("%s belongs to the stack %q", r.Object.Ref(), r.Stack)
		}
	})
	if remaining != 1 {
		t.Errorf("%d objects are left, want the one of the other stack", remaining)
	}
}

// A rename without moved creates first, adopting, and then deletes the old address: the new uid survives.
func TestARenameWithoutMovedDeletesNothing(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	renamed := block("partner_identity", "renamed", args{
		"partner": `"acme"`, "name": `"orders-etl"`, "owner": `"jane.doe@example.com"`,
		"purpose": `"Nightly order feed into the ERP"`, "expires_at": `"2027-03-31T00:00:00Z"`,
	}, nil)
	w.run(
		resource.TestStep{Config: w.config(identity(nil))},
		resource.TestStep{Config: w.config(renamed)},
		resource.TestStep{Config: w.config(renamed),
			Check: resource.TestCheckResourceAttr("partner_identity.renamed", "status", "active")},
		resource.TestStep{Config: w.config(renamed), ConfigPlanChecks: emptyPlan()},
	)
}

func TestDestroyingAnIdentitySweepsWhatStandsUnderIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: w.providers(),
		Steps: []resource.TestStep{{
			Config: w.config(identity(nil)),
			Check: func(*terraform.State) error {
				id, _ := access.ParseIdentityID("acme/prod/orders-etl")
				ends := dawn.Add(30 * day)
				_, err := w.system().Put(context.Background(), access.Change{
					Object: &access.Grant{
						IdentityID: id, Name: "by-hand", Resource: "orders/acme/x", Actions: []string{"read"},
						Purpose: "made by another stack",
						Terms:   access.Terms{Owner: "joe@example.com", ExpiresAt: access.At(ends)},
					},
					Stack: "others", EndsAt: ends,
				})
				return err
			},
		}},
		CheckDestroy: w.nothingRemains,
	})
}

// The same moment in another zone, and another order, are no change.
func TestWhatMeansTheSameIsNoChange(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	w.run(
		resource.TestStep{Config: w.config(
			identity(args{"ceiling": `["orders/acme/*", "files/acme/*"]`, "expected_use": `"720h"`}),
			credential("secret", nil), grant(nil))},
		resource.TestStep{
			Config: w.config(
				identity(args{
					"expires_at":   `"2027-03-31T02:00:00+02:00"`,
					"ceiling":      `["files/acme/*", "orders/acme/*"]`,
					"expected_use": `"30h0m"`,
					"suspended":    "false",
				}),
				credential("secret", args{"rotation": `{ every = "28800m", overlap = "48h" }`}),
				grant(args{"actions": `["list", "read"]`})),
			ConfigPlanChecks: plans(plancheck.ResourceActionUpdate, theIdentity), // expected_use did change
		},
		resource.TestStep{ // that it is not suspended may be said, or not
			Config: w.config(
				identity(args{"ceiling": `["orders/acme/*", "files/acme/*"]`, "expected_use": `"1800m"`}),
				credential("secret", nil), grant(nil)),
			ConfigPlanChecks:  emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{has(theIdentity, "suspended", knownvalue.Bool(false))},
		},
		resource.TestStep{
			Config: w.config(
				identity(args{
					"expires_at":   `"2027-03-30T19:00:00-05:00"`,
					"ceiling":      `["orders/acme/*", "files/acme/*"]`,
					"expected_use": `"1800m"`,
				}),
				credential("secret", args{"expires_at": `"2027-02-28T01:00:00+01:00"`}), grant(nil)),
			ConfigPlanChecks: emptyPlan(),
		},
	)
}

func TestAComputedValueMovesOnlyWhereThePlanMovesIt(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	same := func(address string, attributes ...string) (checks []plancheck.PlanCheck) {
		for _, a := range attributes {
			checks = append(checks, plancheck.ExpectKnownValue(address, path(a), knownvalue.NotNull()))
		}
		return checks
	}
	w.run(
		resource.TestStep{Config: w.config(identity(nil), credential("secret", nil), grant(nil))},
		resource.TestStep{
			PreConfig: w.passes(day),
			Config: w.config(identity(args{"owner": `"joe@example.com"`}),
				credential("secret", args{"owner": `"joe@example.com"`}),
				grant(args{"purpose": `"Read the files of the day"`})),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: append(append(
				same(theIdentity, "status", "ends_at", "history", "enforced_by", "revocation"),
				same(theKey, "status", "sealed_secret", "fingerprint", "rotates_at")...),
				same(theGrant, "status", "ends_at")...)},
		},
	)
}
