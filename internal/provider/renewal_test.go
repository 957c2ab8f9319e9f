// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/compare"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func review(at string) string {
	return fmt.Sprintf(`{ at = %q, by = "joe@example.com", reason = "The feed is still used daily" }`, at)
}

func TestALaterEndNeedsAReviewThatWasNotUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	april := `"2027-04-30T00:00:00Z"`
	may := `"2027-05-31T00:00:00Z"`
	first := review("2026-11-20T00:00:00Z")
	second := review("2026-11-23T00:00:00Z")
	w.run(
		resource.TestStep{Config: w.config(identity(args{"review": first}))},
		// It stood when the identity was created, and so it is used.
		refused(w.config(identity(args{"review": first, "expires_at": april})), "expiry/rolling"),
		// Applied in between, a review is unused, and moves nothing but itself.
		resource.TestStep{
			Config: w.config(identity(args{"review": second})),
			ConfigStateChecks: []statecheck.StateCheck{has(theIdentity, "history",
				text("created 2026-11-24T12:00:00Z; reviewed 2026-11-23T00:00:00Z"))},
		},
		resource.TestStep{
			PreConfig: w.passes(day), Config: w.config(identity(args{"review": second, "expires_at": april})),
			ConfigStateChecks: []statecheck.StateCheck{has(theIdentity, "history",
				text("created 2026-11-24T12:00:00Z; renewed once, 2026-11-25T12:00:00Z; reviewed "+
					"2026-11-23T00:00:00Z"))},
		},
		refused(w.config(identity(args{"review": second, "expires_at": may})), "expiry/rolling"),
	)
}

// Each quarterly review made every partner install a new certificate, though the one that it had was to end months
// before the old end anyway.
func TestARenewalDoesNotRotate(t *testing.T) {
	t.Parallel()
	for _, kind := range briefly("certificate", "ssh_certificate", "secret") {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			rotating := args{"rotation": `{ every = "480h", overlap = "48h" }`, "expires_at": `"2027-01-31T00:00:00Z"`}
			longer := args{
				"rotation":   rotating["rotation"],
				"expires_at": `"2027-02-28T00:00:00Z"`,
				"review":     review("2026-11-26T00:00:00Z"),
			}
			same := statecheck.CompareValue(compare.ValuesSame())
			other := statecheck.CompareValue(compare.ValuesDiffer())
			w.run(
				resource.TestStep{Config: w.config(identity(nil), credential(kind, rotating)),
					ConfigStateChecks: []statecheck.StateCheck{
						same.AddStateValue(theKey, path("fingerprint")),
					}},
				resource.TestStep{
					PreConfig: w.passes(5 * day), Config: w.config(identity(nil), credential(kind, longer)),
					ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectKnownValue(theKey, path("rotates_at"), text("2026-12-14T12:00:00Z"))}},
					ConfigStateChecks: []statecheck.StateCheck{
						same.AddStateValue(theKey, path("fingerprint")),
						other.AddStateValue(theKey, path("rotates_at")),
						has(theKey, "ends_at", text("2027-02-28T00:00:00Z")),
						has(theKey, "history", saying("renewed once, ")),
					},
				},
				// It follows at its rotation.
				resource.TestStep{
					PreConfig: w.passes(16 * day), Config: w.config(identity(nil), credential(kind, longer)),
					ConfigStateChecks: []statecheck.StateCheck{other.AddStateValue(theKey, path("rotates_at"))},
				},
			)
		})
	}
}

func TestAReviewOfTheIdentityCoversItsGrants(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	reviewed := identity(args{"review": review("2026-11-20T00:00:00Z")})
	later := grant(args{"expires_at": `"2027-03-20T00:00:00Z"`})
	w.run(
		resource.TestStep{Config: w.config(identity(nil), grant(nil))},
		refused(w.config(identity(nil), later), "expiry/rolling"),
		resource.TestStep{
			Config: w.config(reviewed, later),
			ConfigStateChecks: []statecheck.StateCheck{
				has(theGrant, "history", saying("renewed once, ")),
				has(theGrant, "history", saying("; reviewed 2026-11-20T00:00:00Z")),
			},
		},
		resource.TestStep{Config: w.config(reviewed, later), ConfigPlanChecks: emptyPlan()},
	)
}

// Whatever the rules say about the rest: suspending, shortening, narrowing and destroying always go through. They are
// sent also where the system was found away a moment ago: what was narrowed was refused for five seconds then.
func TestLessAccessIsNeverRefused(t *testing.T) {
	t.Parallel()
	w, away := newWorld(t), &access.Outages{}
	f := &faulty{sent: func(ctx context.Context, c access.Change) error {
		if o := away.Remembered(ctx, access.WallClock(), time.Hour); o != nil {
			return fmt.Errorf("put %s: %w", c.Object.Ref(), o)
		}
		return nil
	}}
	config := func(i, k, g args) string {
		return w.providerBlock(tightened...) + identity(i) + credential("secret", k) + grant(g)
	}
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.faultyProviders(f), Steps: []resource.TestStep{
		{Config: w.config(identity(nil), credential("secret", nil), grant(nil))},
		{
			PreConfig: func() {
				from := access.WallClock()
				_ = away.GaveUp(from, from.Add(24*time.Hour), "no answer", true) // until long after this test
			},
			Config: config(args{"expires_at": `"2027-03-01T00:00:00Z"`},
				args{"allowed_cidrs": `["203.0.113.0/25"]`}, args{"actions": `["read"]`}),
			ConfigPlanChecks: plans(plancheck.ResourceActionUpdate, theGrant),
		},
		{
			Config: config(args{"expires_at": `"2027-03-01T00:00:00Z"`, "suspended": "true"},
				args{"expires_at": `"2027-01-28T00:00:00Z"`, "allowed_cidrs": `["203.0.113.0/25"]`},
				args{"actions": `["read"]`, "resource": `"orders/acme/daily/one"`}),
			ConfigStateChecks: []statecheck.StateCheck{has(theIdentity, "status", text("suspended")),
				has(theIdentity, "suspended", knownvalue.Bool(true))},
		},
		// Shortening to a past moment ends at once.
		{
			Config: config(args{"expires_at": `"2026-11-24T11:00:00Z"`, "suspended": "true"},
				args{"expires_at": `"2026-11-24T11:00:00Z"`, "allowed_cidrs": `["203.0.113.0/25"]`},
				args{
					"actions":    `["read"]`,
					"resource":   `"orders/acme/daily/one"`,
					"expires_at": `"2026-11-24T11:00:00Z"`,
				}),
			ConfigStateChecks: []statecheck.StateCheck{has(theIdentity, "status", text("expired")),
				has(theKey, "status", text("expired")), has(theGrant, "status", text("expired"))},
		},
	}})
}

// Somebody else shortens the identity: the system revokes the certificate at once, and the credential becomes due.
func TestAShorteningFromElsewhereMakesTheCredentialDue(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	config := w.config(identity(nil), credential("certificate", nil))
	shorter := w.config(identity(args{"expires_at": `"2026-12-05T00:00:00Z"`}), credential("certificate", nil))
	w.run(
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				w.each(func(s access.System, r *access.Record) {
					if i, ok := r.Object.(*access.Identity); ok {
						i.ExpiresAt, _ = access.ParseMoment("2026-12-05T00:00:00Z")
						if _, err := s.Put(context.Background(),
							access.Change{
								Object: i,
								Stack:  r.Stack,
								UID:    r.UID,
								EndsAt: i.ExpiresAt.Time,
							}); err != nil {
							t.Fatal(err)
						}
					}
				})
			},
			// What the system holds is in force: the later end of the block would prolong it, without a review.
			Config: config, ExpectError: regexp.MustCompile("expiry/rolling"),
		},
		resource.TestStep{
			Config:            shorter,
			ConfigPlanChecks:  resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectUnknownValue(theKey, path("issued")), plancheck.ExpectUnknownValue(theKey, path("serial"))}},
			ConfigStateChecks: []statecheck.StateCheck{has(theKey, "ends_at", text("2026-12-05T00:00:00Z"))},
		},
		resource.TestStep{Config: shorter, ConfigPlanChecks: emptyPlan()},
	)
}

func TestOnlyWhatIsNamedReissues(t *testing.T) {
	thorough(t)
	for _, kind := range []string{"certificate", "ssh_certificate", "secret"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			stays := func(replaced args) resource.TestStep {
				return resource.TestStep{
					Config: w.config(identity(nil), credential(kind, replaced)),
					ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
						plancheck.ExpectResourceAction(theKey, plancheck.ResourceActionUpdate),
						plancheck.ExpectKnownValue(theKey, path("fingerprint"), knownvalue.NotNull()),
					}},
				}
			}
			anew := func(replaced args) resource.TestStep {
				return resource.TestStep{
					Config:           w.config(identity(nil), credential(kind, replaced)),
					ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectUnknownValue(theKey, path("fingerprint"))}},
				}
			}
			w.run(
				resource.TestStep{Config: w.config(identity(nil), credential(kind, nil))},
				stays(args{"owner": `"joe@example.com"`}),
				stays(args{"rotation": `{ every = "240h", overlap = "24h" }`}),
				anew(args{"rotation": `{ every = "240h", overlap = "24h", trigger = { incident = "7" } }`}),
				resource.TestStep{
					PreConfig: w.passes(day),
					Config: w.config(identity(nil),
						credential(kind, args{"rotation": `{ every = "240h", overlap = "24h", trigger = { incident = "7" } }`})),
					ConfigPlanChecks: emptyPlan(),
				},
				anew(args{"rotation": `{ every = "240h", overlap = "24h", trigger = { incident = "7" } }`,
					"revoke_issued_before": `"2026-11-25T00:00:00Z"`}),
				resource.TestStep{
					PreConfig: w.passes(10 * day),
					Config: w.config(identity(nil),
						credential(kind, args{"rotation": `{ every = "240h", overlap = "24h", trigger = { incident = "7" } }`, "revoke_issued_before": `"2026-11-25T00:00:00Z"`})),
					ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectUnknownValue(theKey, path("fingerprint"))}},
				},
			)
		})
	}
}

// A grant keeps its name for life, also when what it was made of changes.
func TestAGrantsNameIsFrozen(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	wider := grant(args{"actions": `["read"]`, "resource": `"orders/acme/weekly/*"`})
	w.run(
		resource.TestStep{Config: w.config(identity(nil), grant(nil)),
			ConfigStateChecks: []statecheck.StateCheck{has(theGrant, "id",
				text("acme/prod/orders-etl/orders-acme-daily-f7a306fd"))}},
		resource.TestStep{Config: w.config(identity(nil), wider),
			ConfigStateChecks: []statecheck.StateCheck{has(theGrant, "id",
				text("acme/prod/orders-etl/orders-acme-daily-f7a306fd"))}},
		// Forgotten and declared again it keeps its name, too.
		resource.TestStep{Config: w.config(identity(nil),
			"removed {\n  from = partner_grant.orders\n  lifecycle { destroy = false }\n}\n")},
		resource.TestStep{Config: w.config(identity(nil), wider),
			ConfigStateChecks: []statecheck.StateCheck{has(theGrant, "id",
				text("acme/prod/orders-etl/orders-acme-daily-f7a306fd"))}},
	)
}

// What has ended is extended, and its rotation had come in the meantime: one apply brings it back, working.
func TestASecretExtendedAfterItsEndIsIssuedAnewInTheSameApply(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	extended := w.config(
		identity(args{"expires_at": `"2027-09-30T00:00:00Z"`, "review": review("2027-04-20T00:00:00Z")}),
		credential("secret", args{"expires_at": `"2027-08-31T00:00:00Z"`}))
	w.run(
		resource.TestStep{Config: w.config(identity(nil), credential("secret", nil))},
		resource.TestStep{
			PreConfig: w.passes(150 * day), Config: w.config(identity(nil), credential("secret", nil)),
			ConfigPlanChecks:  emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{has(theKey, "status", text("expired"))},
		},
		resource.TestStep{
			Config:           extended,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectUnknownValue(theKey, path("sealed_secret"))}},
			ConfigStateChecks: []statecheck.StateCheck{has(theKey, "status", text("active")),
				has(theKey, "history", saying("renewed once, "))},
		},
		resource.TestStep{Config: extended, ConfigPlanChecks: emptyPlan()},
	)
}

// One API key was kept for eleven months, by a month more every month. The moment from which its life counts is when it
// was issued, not when it was extended last.
func TestMonthlyExtensionsDoNotKeepOneKey(t *testing.T) {
	thorough(t)
	t.Parallel()
	w, was := newWorld(t), remembered{}
	config := func(at, ends string, more args) string {
		all := args{
			"expires_at":    strconv.Quote(ends),
			"allowed_cidrs": `["203.0.0.0/16"]`,
			"review":        at,
			"rotation":      "",
		}
		maps.Copy(all, more)
		return w.config(identity(nil), credential("secret", all))
	}
	w.run(
		resource.TestStep{Config: config("", "2026-12-23T00:00:00Z", args{}), Check: was.remember},
		resource.TestStep{
			PreConfig:   w.passes(25 * day),
			Config:      config(review("2026-12-18T00:00:00Z"), "2027-01-17T00:00:00Z", args{}),
			ExpectError: regexp.MustCompile(`credential/no-rotation`),
		},
		// With a rotation from now on it may stay: what is issued has an end of its own, and is due.
		resource.TestStep{
			Config: config(review("2026-12-18T00:00:00Z"), "2027-01-17T00:00:00Z",
				args{"rotation": `{ every = "480h", overlap = "48h" }`}),
			Check: was.issuedAs(true), ExpectNonEmptyPlan: true,
		},
		resource.TestStep{
			Config: config(review("2026-12-18T00:00:00Z"), "2027-01-17T00:00:00Z",
				args{"rotation": `{ every = "480h", overlap = "48h" }`}),
			ConfigPlanChecks: isDue(), Check: was.issuedAs(false),
		},
	)
}

// A tainted credential is planned like a new one, and it is kept where its identity is taken up again: a key that was
// extended so every month lived on.
func TestATaintedKeyThatIsKeptHasItsAge(t *testing.T) {
	thorough(t)
	t.Parallel()
	w, was := newWorld(t), remembered{}
	key := func(of, ends, review string) string {
		return strings.Replace(credential("secret", args{
			"identity_id": of, "expires_at": strconv.Quote(ends), "allowed_cidrs": `["203.0.0.0/16"]`, "rotation": "",
			"review": review,
		}), "{\n", "{\n  lifecycle {\n    create_before_destroy = true\n  }\n", 1)
	}
	const forget = "removed {\n  from = partner_identity.orders\n  lifecycle { destroy = false }\n}\n"
	const above = "partner_identity.orders.id" // so that Terraform takes the identity up first
	first := "2026-12-23T00:00:00Z"
	looked := review("2026-12-18T00:00:00Z")
	w.run(
		resource.TestStep{Config: w.config(identity(nil), key(above, first, "")), Check: was.remember},
		resource.TestStep{Config: w.config(forget, key(`"acme/prod/orders-etl"`, first, ""))},
		resource.TestStep{
			PreConfig: w.passes(25 * day), Taint: []string{theKey},
			Config:      w.config(identity(nil), key(above, "2027-01-17T00:00:00Z", looked)),
			ExpectError: regexp.MustCompile(`credential/no-rotation`),
		},
		resource.TestStep{
			Taint:  []string{theKey},
			Config: w.config(identity(nil), key(above, first, "")),
			Check:  was.issuedAs(true),
		},
	)
}

// What is done to a rotation makes no key younger: it is due by the most frequent one that it ever had, through what is
// written less often, removed, added again, suspended, or forgotten by the state.
func TestNothingThatIsDoneToARotationMakesAKeyYounger(t *testing.T) {
	thorough(t)
	for _, kind := range []string{"secret", "certificate"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, was := newWorld(t), remembered{}
			rotation := func(every string) string {
				if every == "" {
					return ""
				}
				return `{ every = "` + every + `", overlap = "24h" }`
			}
			config := func(every string, of args) string {
				return w.config(identity(of), credential(kind,
					args{"rotation": rotation(every), "expires_at": `"2026-12-23T00:00:00Z"`}))
			}
			suspended := args{"suspended": "true"}
			due := func(at string) []statecheck.StateCheck {
				return []statecheck.StateCheck{has(theKey, "rotates_at", text(at))}
			}
			w.run(
				resource.TestStep{
					Config:            config("480h", nil),
					Check:             was.remember,
					ConfigStateChecks: due("2026-12-14T12:00:00Z"),
				},
				resource.TestStep{
					Config:            config("600h", nil),
					Check:             was.issuedAs(true),
					ConfigStateChecks: due("2026-12-14T12:00:00Z"),
				},
				resource.TestStep{Config: config("", nil), Check: was.issuedAs(true)},
				resource.TestStep{
					Config:            config("600h", nil),
					Check:             was.issuedAs(true),
					ConfigStateChecks: due("2026-12-14T12:00:00Z"),
				},
				resource.TestStep{Config: config("600h", nil), ConfigPlanChecks: emptyPlan()},
				resource.TestStep{
					PreConfig:         w.passes(5 * day),
					Config:            config("240h", nil),
					Check:             was.issuedAs(true),
					ConfigStateChecks: due("2026-12-04T12:00:00Z"),
				},
				resource.TestStep{Config: config("240h", nil), ConfigPlanChecks: emptyPlan()},
				resource.TestStep{
					PreConfig: w.passes(day),
					Config:    config("240h", suspended),
					Check:     was.issuedAs(true),
				},
				resource.TestStep{
					PreConfig:         w.passes(3 * day),
					Config:            config("480h", suspended),
					Check:             was.issuedAs(true),
					ConfigStateChecks: due("2026-12-04T12:00:00Z"),
				},
				resource.TestStep{
					PreConfig:          w.passes(day),
					Config:             config("480h", nil),
					ExpectNonEmptyPlan: true,
					Check:              was.issuedAs(true),
				},
				resource.TestStep{Config: config("480h", nil), ConfigPlanChecks: isDue(), Check: was.issuedAs(false)},
				resource.TestStep{Config: config("480h", nil), ConfigPlanChecks: emptyPlan()},
			)
		})
	}
}

// A rotation that was added later never became due: the same key for 359 days. On every kind it counts from when the
// thing was issued, and is decided when it is read.
func TestARotationThatIsAddedLaterComesDue(t *testing.T) {
	thorough(t)
	for _, kind := range []string{"secret", "certificate", "ssh_certificate"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, was := newWorld(t), remembered{}
			config := func(rotation string) string {
				return w.config(identity(nil),
					credential(kind, args{"rotation": rotation, "expires_at": `"2026-12-23T00:00:00Z"`}))
			}
			const rotates = `{ every = "480h", overlap = "48h" }`
			w.run(
				resource.TestStep{Config: config(""), Check: was.remember},
				resource.TestStep{
					PreConfig: w.passes(10 * day), Config: config(rotates), ConfigPlanChecks: keeps(),
					Check: was.issuedAs(true),
					ConfigStateChecks: []statecheck.StateCheck{has(theKey, "rotates_at", text("2026-12-14T12:00:00Z")),
						has(theKey, "status", text("active"))},
				},
				resource.TestStep{Config: config(rotates), ConfigPlanChecks: emptyPlan()},
				resource.TestStep{
					PreConfig:        w.passes(10 * day),
					Config:           config(rotates),
					ConfigPlanChecks: isDue(),
					Check:            was.issuedAs(false),
				},
				resource.TestStep{Config: config(rotates), ConfigPlanChecks: emptyPlan()},
			)
		})
	}
}
