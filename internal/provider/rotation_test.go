// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// isDue is a plan that issues the credential anew, in place; keeps is one in which it keeps what was issued.
func isDue() resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
		plancheck.ExpectResourceAction(theKey, plancheck.ResourceActionUpdate),
		plancheck.ExpectUnknownValue(theKey, path("fingerprint")),
	}}
}

func keeps() resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectKnownValue(theKey,
		path("fingerprint"), knownvalue.NotNull())}}
}

// remembered is what the state said of the credential, to compare with later.
type remembered map[string]string

func (m remembered) remember(s *terraform.State) error {
	for k, v := range s.RootModule().Resources[theKey].Primary.Attributes {
		m[k] = v
	}
	return nil
}

// issuedAs says whether what was issued is the same as before, in each attribute that names or holds it.
func (m remembered) issuedAs(same bool) resource.TestCheckFunc {
	return func(s *terraform.State) error {
		now := s.RootModule().Resources[theKey].Primary.Attributes
		if (now["fingerprint"]+now["serial"] == m["fingerprint"]+m["serial"]) != same {
			return fmt.Errorf("it was %s %s, and is %s %s", m["fingerprint"], m["serial"], now["fingerprint"],
				now["serial"])
		}
		for _, k := range []string{"serial", "sealed_secret", "issued"} {
			if (same && now[k] != m[k]) || (now[k] == "" && m[k] != "") {
				return fmt.Errorf("%s was %q, and is %q", k, m[k], now[k])
			}
		}
		return nil
	}
}

// A suspended identity's credentials wait: no plan makes a secret for somebody who is cut, whatever is asked for. With
// the first plan after it is given back, what is due is issued.
func TestTheRotationOfASuspendedIdentityWaits(t *testing.T) {
	thorough(t)
	suspended := args{"suspended": "true"}
	for _, kind := range []string{"secret", "certificate", "ssh_certificate"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, was := newWorld(t), remembered{}
			config := func(i, k args) string { return w.config(identity(i), credential(kind, k)) }
			other := args{"owner": `"joe@example.com"`}
			w.run(
				resource.TestStep{Config: config(nil, nil), Check: was.remember},
				resource.TestStep{Config: config(suspended, nil), Check: was.issuedAs(true)},
				// Its rotation comes, and its overlap goes by: nothing happens.
				resource.TestStep{
					PreConfig:         w.passes(21 * day),
					Config:            config(suspended, nil),
					ConfigPlanChecks:  emptyPlan(),
					ConfigStateChecks: []statecheck.StateCheck{has(theKey, "status", text("suspended"))},
				},
				resource.TestStep{
					PreConfig:        w.passes(10 * day),
					Config:           config(suspended, nil),
					ConfigPlanChecks: emptyPlan(),
				},
				resource.TestStep{
					Config:           config(suspended, other),
					ConfigPlanChecks: keeps(),
					Check:            was.issuedAs(true),
				},
				// Given back, it is due.
				resource.TestStep{Config: config(nil, other), Check: was.issuedAs(true), ExpectNonEmptyPlan: true},
				resource.TestStep{Config: config(nil, other), ConfigPlanChecks: isDue(), Check: was.issuedAs(false)},
				resource.TestStep{Config: config(nil, other), ConfigPlanChecks: emptyPlan()},
			)
		})
	}
}

// What is asked for while it is suspended is not forgotten: it is due when the identity is given back.
func TestATriggerAndALaterEndOfASuspendedIdentityWait(t *testing.T) {
	thorough(t)
	suspended := args{"suspended": "true", "review": review("2026-11-23T00:00:00Z")}
	given := args{"review": review("2026-11-23T00:00:00Z")}
	brief := args{"expires_at": `"2026-12-04T00:00:00Z"`}
	longer := args{"expires_at": `"2027-03-15T00:00:00Z"`} // issued until its end
	for name, does := range map[string]struct{ before, asks args }{
		"secret":          {nil, args{"rotation": `{ every = "480h", overlap = "48h", trigger = { n = "7" } }`}},
		"certificate":     {brief, longer},
		"ssh_certificate": {brief, longer},
	} {
		before, asks := does.before, does.asks
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, was := newWorld(t), remembered{}
			config := func(i, k args) string { return w.config(identity(i), credential(name, k)) }
			w.run(
				resource.TestStep{Config: config(nil, before), Check: was.remember},
				resource.TestStep{Config: config(suspended, before)},
				resource.TestStep{
					Config:           config(suspended, asks),
					ConfigPlanChecks: keeps(),
					Check:            was.issuedAs(true),
				},
				resource.TestStep{Config: config(suspended, asks), ConfigPlanChecks: emptyPlan()},
				resource.TestStep{Config: config(given, asks), Check: was.issuedAs(true), ExpectNonEmptyPlan: true},
				resource.TestStep{Config: config(given, asks), ConfigPlanChecks: isDue(), Check: was.issuedAs(false)},
				resource.TestStep{Config: config(given, asks), ConfigPlanChecks: emptyPlan()},
			)
		})
	}
}

// Less is never refused, and never waits: a stolen key dies at once, suspended or not. Only the new one waits.
func TestAStolenKeyOfASuspendedIdentityDiesAtOnce(t *testing.T) {
	thorough(t)
	for _, kind := range []string{"secret", "certificate", "ssh_certificate"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, was := newWorld(t), remembered{}
			stolen := args{"revoke_issued_before": `"2026-11-25T00:00:00Z"`}
			config := func(suspended string, k args) string {
				return w.config(identity(args{"suspended": suspended}), credential(kind, k))
			}
			w.run(
				resource.TestStep{Config: config("true", nil), Check: was.remember},
				resource.TestStep{
					PreConfig: w.passes(day), Config: config("true", stolen),
					ConfigStateChecks: []statecheck.StateCheck{
						has(theKey, "fingerprint", knownvalue.Null()), has(theKey, "sealed_secret", knownvalue.Null()),
						has(theKey, "issued", knownvalue.Null()),
					},
				},
				resource.TestStep{Config: config("true", stolen), ConfigPlanChecks: emptyPlan()},
				resource.TestStep{Config: config("false", stolen), ExpectNonEmptyPlan: true},
				resource.TestStep{
					Config:           config("false", stolen),
					ConfigPlanChecks: isDue(),
					Check:            was.issuedAs(false),
				},
				resource.TestStep{Config: config("false", stolen), ConfigPlanChecks: emptyPlan()},
			)
		})
	}
}

// A subcontractor falls with its parent, and so do its rotations.
func TestTheRotationOfASubcontractorWaitsForItsParent(t *testing.T) {
	thorough(t)
	t.Parallel()
	w, was := newWorld(t), remembered{}
	config := func(parent string) string {
		top := block("partner_identity", "top", args{
			"partner": `"acme"`, "name": `"main"`, "owner": `"jane.doe@example.com"`,
			"purpose":    `"All that ACME does for the ERP"`,
			"expires_at": `"2027-03-31T00:00:00Z"`, "subcontractors": parent,
		}, nil)
		return w.config(top, identity(args{"parent_id": "partner_identity.top.id"}), credential("secret", nil))
	}
	const allowed, withdrawn = `{ allowed = true }`, `{ allowed = false }`
	w.run(
		resource.TestStep{Config: config(allowed), Check: was.remember},
		// In one plan its parent falls, and its rotation is due: it waits.
		resource.TestStep{
			PreConfig:        w.passes(20 * day),
			Config:           config(withdrawn),
			ConfigPlanChecks: keeps(),
			Check:            was.issuedAs(true),
		},
		resource.TestStep{
			Config:            config(withdrawn),
			ConfigPlanChecks:  emptyPlan(),
			ConfigStateChecks: []statecheck.StateCheck{has(theKey, "status", text("suspended"))},
		},
		resource.TestStep{Config: config(allowed), Check: was.issuedAs(true), ExpectNonEmptyPlan: true},
		resource.TestStep{Config: config(allowed), ConfigPlanChecks: isDue(), Check: was.issuedAs(false)},
	)
}

// What ended while it was suspended is extended like anything else, and stays without a new secret
// until it is given back.
func TestWhatEndedWhileSuspendedIsExtendedAndWaits(t *testing.T) {
	thorough(t)
	for _, kind := range []string{"secret", "certificate"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, was := newWorld(t), remembered{}
			later := args{"expires_at": `"2027-09-30T00:00:00Z"`, "review": review("2027-04-20T00:00:00Z")}
			laterCut := args{
				"expires_at": `"2027-09-30T00:00:00Z"`,
				"review":     review("2027-04-20T00:00:00Z"),
				"suspended":  "true",
			}
			key := args{"expires_at": `"2027-08-31T00:00:00Z"`}
			config := func(i, k args) string { return w.config(identity(i), credential(kind, k)) }
			w.run(
				resource.TestStep{Config: config(nil, nil), Check: was.remember},
				resource.TestStep{Config: config(args{"suspended": "true"}, nil)},
				resource.TestStep{
					PreConfig:        w.passes(150 * day),
					Config:           config(args{"suspended": "true"}, nil),
					ConfigPlanChecks: emptyPlan(),
				},
				resource.TestStep{
					Config:            config(laterCut, key),
					ConfigPlanChecks:  keeps(),
					ConfigStateChecks: []statecheck.StateCheck{has(theKey, "status", text("suspended"))},
				},
				resource.TestStep{Config: config(laterCut, key), ConfigPlanChecks: emptyPlan()},
				resource.TestStep{Config: config(later, key), ExpectNonEmptyPlan: true},
				resource.TestStep{Config: config(later, key), ConfigPlanChecks: isDue(), Check: was.issuedAs(false)},
				resource.TestStep{Config: config(later, key), ConfigPlanChecks: emptyPlan()},
			)
		})
	}
}

// Another stack suspends the identity after the plan: the system issues nothing, and the state keeps what it has.
func TestASuspensionBetweenPlanAndApplyLosesNoSecret(t *testing.T) {
	thorough(t)
	t.Parallel()
	w, f, was := newWorld(t), &faulty{}, remembered{}
	suspend := false
	f.put = func(c access.Change) error {
		if suspend && c.Object.Ref().Type == access.TypeCredential {
			suspend = false
			w.suspendElsewhere(true)
		}
		return nil
	}
	config := w.config(identity(nil), credential("secret", nil))
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.faultyProviders(f), Steps: []resource.TestStep{
		{Config: config, Check: was.remember},
		{
			PreConfig: func() { suspend = true; w.passes(20 * day)() }, Config: config, ConfigPlanChecks: isDue(),
			Check: was.issuedAs(true), ExpectNonEmptyPlan: true,
		},
		{
			PreConfig:        func() { w.suspendElsewhere(false) },
			Config:           config,
			ConfigPlanChecks: isDue(),
			Check:            was.issuedAs(false),
		},
	}})
}

// suspendElsewhere is another stack at work.
func (w *world) suspendElsewhere(suspended bool) {
	w.each(func(s access.System, r *access.Record) {
		if i, ok := r.Object.(*access.Identity); ok {
			i.Suspended = suspended
			if _, err := s.Put(context.Background(),
				access.Change{Object: i, Stack: r.Stack, UID: r.UID, EndsAt: r.EndsAt}); err != nil {
				w.t.Error(err)
			}
		}
	})
}

// A rotation was carried out, and its answer never arrived: the partner's old one works, the error says so, the next
// refresh tells what was issued, and nothing is issued twice.
func TestARotationWhoseAnswerWasLostIsToldLater(t *testing.T) {
	thorough(t)
	for _, kind := range []string{"secret", "certificate", "ssh_certificate"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, f, was := newWorld(t), &faulty{}, remembered{}
			lost, issued := false, ""
			f.answer = func(r *access.Record) (*access.Record, error) {
				if lost && r.Object.Ref().Type == access.TypeCredential {
					issued = r.Issued.Fingerprint
					return nil, fmt.Errorf("put %s: connection reset: %w", r.Object.Ref(), access.ErrUnavailable)
				}
				return r, nil
			}
			told := func(s *terraform.State) error {
				now := s.RootModule().Resources[theKey].Primary.Attributes
				if now["fingerprint"] != issued || now["sealed_secret"]+now["issued"] == "" {
					return fmt.Errorf("%s was issued, and the state has %q", issued, now)
				}
				return errors.Join(was.issuedAs(false)(s), w.works(2))
			}
			config := w.config(identity(nil), credential(kind, nil))
			resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.faultyProviders(f),
				Steps: []resource.TestStep{
					{Config: config, Check: was.remember},
					{
						PreConfig:   func() { lost = true; w.passes(20 * day)() },
						Config:      config,
						ExpectError: says("what the partner holds still works"),
					},
					{PreConfig: func() { lost = false }, Config: config, ConfigPlanChecks: emptyPlan(), Check: told},
				}})
		})
	}
}

// works claims that so many things that were issued for the credential are in force.
func (w *world) works(want int) error {
	files, err := filepath.Glob(filepath.Join(w.directory, "ledger", "acme", "prod", "orders-etl", "credential-*.json"))
	if err != nil || len(files) != 1 {
		return fmt.Errorf("the ledger has %v: %w", files, err)
	}
	var entry struct{ Issued []any }
	text, err := os.ReadFile(files[0])
	if err == nil {
		err = json.Unmarshal(text, &entry)
	}
	if err == nil && len(entry.Issued) != want {
		err = fmt.Errorf("%d things work that were issued, want %d", len(entry.Issued), want)
	}
	return err
}

// The system ends it earlier than asked: the access stays. It ends what it issued later: what was given is revoked.
func TestWhatWasIssuedForLongerThanAskedIsRevoked(t *testing.T) {
	thorough(t)
	t.Parallel()
	w, f := newWorld(t), &faulty{}
	off := -time.Hour
	f.answer = func(r *access.Record) (*access.Record, error) {
		if r.Issued != nil {
			r.Issued.Until = r.Issued.Until.Add(off)
		}
		return r, nil
	}
	config := w.config(identity(nil), credential("secret", nil))
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.faultyProviders(f), Steps: []resource.TestStep{
		{Config: config, Check: func(*terraform.State) error { off = time.Hour; return nil }},
		{PreConfig: w.passes(20 * day), Config: config, ExpectError: says("A later end than declared")},
		{PreConfig: func() {
			off = 0
			w.each(func(_ access.System, r *access.Record) {
				if r.Object.Ref().Type == access.TypeCredential {
					t.Errorf("%s remains", r.Object.Ref())
				}
			})
		}, Config: config},
		{Config: config, ConfigPlanChecks: emptyPlan()},
	}})
}
