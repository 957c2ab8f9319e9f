// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

// faulty is a system that fails where a test wants it to. A hook that is nil, or returns nil, lets the call through.
type faulty struct {
	access.System
	get    func(access.Ref) error
	put    func(access.Change) error
	sent   func(context.Context, access.Change) error
	answer func(*access.Record) (*access.Record, error)
	remove func(access.Ref) error
}

func (f *faulty) Get(ctx context.Context, ref access.Ref) (*access.Record, error) {
	if f.get != nil {
		if err := f.get(ref); err != nil {
			return nil, err
		}
	}
	return f.System.Get(ctx, ref)
}

func (f *faulty) Put(ctx context.Context, c access.Change) (*access.Record, error) {
	if f.put != nil {
		if err := f.put(c); err != nil {
			return nil, err
		}
	}
	if f.sent != nil {
		if err := f.sent(ctx, c); err != nil {
			return nil, err
		}
	}
	r, err := f.System.Put(ctx, c)
	if err == nil && f.answer != nil {
		return f.answer(r)
	}
	return r, err
}

func (f *faulty) Delete(ctx context.Context, ref access.Ref, uid string) ([]access.Ref, error) {
	if f.remove != nil {
		if err := f.remove(ref); err != nil {
			return nil, err
		}
	}
	return f.System.Delete(ctx, ref, uid)
}

// faultyProviders run the real provider on a system that fails where f says.
func (w *world) faultyProviders(f *faulty) map[string]func() (tfprotov6.ProviderServer, error) {
	around := func(s access.System) access.System {
		mine := *f
		mine.System = s
		return &mine
	}
	return map[string]func() (tfprotov6.ProviderServer, error){
		"partner": served(provider.NewAround(w.clock, around)),
	}
}

func says(words string) *regexp.Regexp {
	return regexp.MustCompile(`(?s)` + strings.ReplaceAll(regexp.QuoteMeta(words), " ", `\s+`))
}

func TestWhatIsNotPermittedIsNotGone(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{access.ErrNotPermitted, access.ErrUnavailable} {
		t.Run(failure.Error(), func(t *testing.T) {
			t.Parallel()
			w, f := newWorld(t), &faulty{}
			refusing := false
			f.get = func(ref access.Ref) error {
				if refusing {
					return fmt.Errorf("read %s: %w", ref, failure)
				}
				return nil
			}
			config := w.config(identity(nil))
			resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.faultyProviders(f),
				Steps: []resource.TestStep{
					{Config: config},
					{
						PreConfig:   func() { refusing = true },
						Config:      config,
						ExpectError: says("Cannot read identity acme/prod/orders-etl"),
					},
					{PreConfig: func() { refusing = false }, Config: config, ConfigPlanChecks: emptyPlan()},
				}})
		})
	}
}

func TestAnEndLaterThanAskedIsAnErrorAndIsRevoked(t *testing.T) {
	t.Parallel()
	w, f := newWorld(t), &faulty{}
	late := true
	f.answer = func(r *access.Record) (*access.Record, error) {
		if late && r.Object.Ref().Type == access.TypeGrant {
			r.EndsAt = r.EndsAt.Add(time.Hour)
		}
		return r, nil
	}
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.faultyProviders(f), Steps: []resource.TestStep{
		{Config: w.config(identity(nil), grant(nil)), ExpectError: says("It was revoked")},
		{
			PreConfig: func() {
				w.each(func(_ access.System, r *access.Record) {
					if r.Object.Ref().Type == access.TypeGrant {
						t.Errorf("%s remains", r.Object.Ref())
					}
				})
				late = false
			},
			Config: w.config(identity(nil), grant(nil)),
		},
	}})
}

// An answer that was lost doubles nothing: the next apply adopts what its own stack left behind, with the secret.
func TestALostAnswerDoublesNothingAndLosesNoSecret(t *testing.T) {
	t.Parallel()
	w, f := newWorld(t), &faulty{}
	lost, hash := true, ""
	f.answer = func(r *access.Record) (*access.Record, error) {
		if r.Object.Ref().Type != access.TypeCredential {
			return r, nil
		}
		if lost {
			hash = r.Issued.Fingerprint
			return nil, fmt.Errorf("put %s: connection reset: %w", r.Object.Ref(), access.ErrUnavailable)
		}
		return r, nil
	}
	config := w.config(identity(nil), credential("secret", nil))
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.faultyProviders(f), Steps: []resource.TestStep{
		{Config: config, ExpectError: says("connection reset")},
		{
			PreConfig: func() { lost = false }, Config: config,
			Check: func(s *terraform.State) error {
				got := s.RootModule().Resources[theKey].Primary.Attributes
				if got["fingerprint"] != hash {
					return fmt.Errorf("the secret was made twice: %s, then %s", hash, got["fingerprint"])
				}
				opened(t, got["sealed_secret"])
				return nil
			},
		},
	}, CheckDestroy: w.nothingRemains})
}

func TestWhatRemainsAfterADestroyIsAnErrorAndStaysInTheState(t *testing.T) {
	slow(t)
	t.Parallel()
	w, f := newWorld(t), &faulty{}
	stuck := false
	f.remove = func(ref access.Ref) error {
		if stuck {
			return fmt.Errorf("revoke %s: its entity is still there: %w", ref, access.ErrRemains)
		}
		return nil
	}
	resource.UnitTest(t, resource.TestCase{ProtoV6ProviderFactories: w.faultyProviders(f), Steps: []resource.TestStep{
		{Config: w.config(identity(nil), grant(nil))},
		{
			PreConfig:   func() { stuck = true },
			Config:      w.config(identity(nil)),
			ExpectError: says("grant acme/prod/orders-etl/orders-acme-daily"),
		},
		{
			PreConfig:        func() { stuck = false },
			Config:           w.config(identity(nil), grant(nil)),
			ConfigPlanChecks: emptyPlan(),
		},
	}})
}

func TestAPrivateKeyIsRefusedAndNeverPrinted(t *testing.T) {
	key := "-----BEGIN OPENSSH PRIVATE KEY-----\\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\\n-----END OPENSSH " +
		"PRIVATE KEY-----"
	for argument, config := range map[string]string{
		"recipient": identity(nil) +
			credential("secret", args{"secret": fmt.Sprintf(`{ recipient = "%s" }`, key)}),
		"public_key": identity(nil) +
			credential("ssh_certificate", args{"ssh_certificate": fmt.Sprintf(`{ public_key = "%s" }`, key)}),
		"csr": identity(nil) +
			credential("certificate", args{"certificate": fmt.Sprintf(`{ csr = "%s" }`, key)}),
		"purpose":    identity(args{"purpose": `"` + key + `"`}),
		"owner":      identity(args{"owner": `"` + key + `"`}),
		"partner":    identity(args{"partner": `"` + key + `"`}),
		"expires_at": identity(args{"expires_at": `"` + key + `"`}),
		"ceiling":    identity(args{"ceiling": `["` + key + `"]`}),
		"resource":   identity(nil) + grant(args{"resource": `"` + key + `"`}),
		"actions":    identity(nil) + grant(args{"actions": `["` + key + `"]`}),
		"a trigger": identity(nil) +
			credential("secret", args{"rotation": fmt.Sprintf(`{ every = "480h", trigger = { a = "%s" } }`, key)}),
		"two kinds": identity(nil) +
			credential("federated", args{"secret": fmt.Sprintf(`{ recipient = "%s" }`, key)}),
		"no rotation": identity(nil) +
			credential("federated", args{"rotation": fmt.Sprintf(`{ every = "480h", trigger = { a = "%s" } }`, key)}),
		"expected use": identity(args{"expected_use": `"` + key + `"`}),
		"actions, ssh": identity(nil) +
			grant(args{"resource": `"ssh/depot"`, "actions": `["` + key + `"]`}),
		"a waiver": identity(args{"waivers": `{ "` + key +
			`" = { reason = "x", approver = "a@example.com", until = "x" } }`}),
		"a JWK's parts": identity(nil) +
			credential("secret", args{"rotation": `{ every = "480h", trigger = { kty = "OKP", x = "x", d = "b3BlbnNzaC1rZXktdjE" } }`}),
		"a JWK's parts without its type": identity(nil) +
			credential("secret", args{"rotation": `{ every = "480h", trigger = { crv = "Ed25519", x = "x", d = "b3BlbnNzaC1rZXktdjE" } }`}),
		"a kind": `provider "partner" { 
  alias       = "other"
  environment = "prod"
  partners    = { acme = { kind = "` + key + `" } }
}
data "partner_inventory" "all" { provider = partner.other }`,
		"owner domains": `provider "partner" { 
  alias       = "other"
  environment = "prod"
  guardrails  = { owner_domains = ["` + key + `"], review_every = "` + key + `" }
}
data "partner_inventory" "all" { provider = partner.other }`,
		"a data source": "data \"partner_offboarding\" \"acme\" {\n  partner = \"" + key + "\"\n}",
		"an ephemeral":  "ephemeral \"partner_token\" \"acme\" {\n  identity_id = \"" + key + "\"\n}",
		"a function":    `output "x" { value = provider::partner::covers(file("key.pem"), "a/b") }`,
		"unknown": `resource "terraform_data" "key" { input = "` + key + `" }` + "\n" +
			identity(args{"purpose": "terraform_data.key.output"}),
	} {
		t.Run(argument, func(t *testing.T) {
			t.Parallel()
			c := newCLI(t)
			c.file("key.pem", strings.ReplaceAll(key, "\\n", "\n"))
			c.write(`provider "partner" { environment = "prod" }` + "\n" + config)
			out, err := c.try("apply", "-no-color", "-auto-approve")
			if err == nil || !strings.Contains(out, "credential/private-key") {
				t.Errorf("not refused: %v\n%s", err, out)
			}
			if _, provider, _ := strings.Cut(out, "credential/private-key"); strings.Contains(provider,
				"b3BlbnNzaC1rZXk") {
				t.Errorf("the key was printed:\n%s", out)
			}
			if argument != "unknown" && strings.Contains(out, "b3BlbnNzaC1rZXk") {
				t.Errorf("the key was printed:\n%s", out)
			}
		})
	}
}

func TestAnUnknownValueWaitsForApplyAndIsRefusedBeforeTheChange(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	later := func(value string) string {
		return fmt.Sprintf("resource \"terraform_data\" \"later\" { input = %s }\n", value)
	}
	w.run(
		refused(w.config(later(`"jane@example.com"`), identity(args{"owner": "terraform_data.later.output"})),
			"plan/unknown"),
		refused(w.config(later(`"2027-03-31T00:00:00Z"`), identity(args{"expires_at": "terraform_data.later.output"})),
			"expiry/unknown"),
		refused(w.config(later(`["read"]`), identity(nil), grant(args{"actions": "terraform_data.later.output"})),
			"plan/unknown"),
		resource.TestStep{
			Config:      w.config(later(`"test"`), identity(args{"purpose": "terraform_data.later.output"})),
			ExpectError: regexp.MustCompile("purpose/vague"),
		},
		resource.TestStep{
			PreConfig: func() { _ = w.nothingRemains(nil) },
			Config: w.config(strings.Replace(later(`"Nightly order feed to the warehouse"`), "later", "fine", 1),
				identity(args{"purpose": "terraform_data.fine.output"})),
		},
	)
}

func TestLiteralIdsNeedNoOrderAtPlan(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	w.run(
		resource.TestStep{Config: w.config(identity(nil),
			grant(args{"identity_id": `"acme/prod/orders-etl"`, "depends_on": "[partner_identity.orders]"}))},
		resource.TestStep{
			Config: w.config(identity(args{"ceiling": `["orders/acme/*"]`}),
				grant(args{"identity_id": `"acme/prod/orders-etl"`})),
		},
		refused(w.config(identity(args{"ceiling": `["orders/acme/*"]`}),
			grant(args{"identity_id": `"acme/prod/orders-etl"`, "resource": `"orders/other/*"`})),
			"scope/outside-ceiling"),
	)
}

func TestAGrantOfAnIdentityThatIsNowhereIsRefusedBeforeAnythingIsChanged(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	w.run(resource.TestStep{
		Config:      w.config(grant(args{"identity_id": `"acme/prod/nobody"`})),
		ExpectError: regexp.MustCompile(`delegation/unknown-parent|identity does not\s+exist`),
	})
	_ = w.nothingRemains(nil)
}

func TestTwoBlocksOfOneIDAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run(refused(w.config(identity(nil), strings.Replace(identity(nil), `"orders" {`, `"again" {`, 1)),
		"separation/duplicate"))
}

func TestShorteningAnIdentityEndsAllBelowInTheSameApply(t *testing.T) {
	slow(t)
	t.Parallel()
	w := newWorld(t)
	short := w.config(identity(args{"expires_at": `"2026-12-10T00:00:00Z"`}), credential("certificate", nil),
		grant(nil))
	w.run(
		resource.TestStep{Config: w.config(identity(nil), credential("certificate", nil), grant(nil))},
		resource.TestStep{
			Config: short,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(theKey, plancheck.ResourceActionUpdate),
				plancheck.ExpectResourceAction(theGrant, plancheck.ResourceActionUpdate),
				plancheck.ExpectUnknownValue(theKey, path("issued")),
			}},
			ConfigStateChecks: []statecheck.StateCheck{
				has(theKey, "ends_at", text("2026-12-10T00:00:00Z")),
				has(theGrant, "ends_at", text("2026-12-10T00:00:00Z")),
			},
		},
		resource.TestStep{Config: short, ConfigPlanChecks: emptyPlan()},
	)
}
