// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// Somebody cuts the partner at 3, and a pipeline runs at 4: nothing of its access comes back before somebody says so.
func TestNoPlanRestoresWhatWasCutByHand(t *testing.T) {
	thorough(t)
	t.Parallel()
	w := newWorld(t)
	config := func(i args, blocks ...string) string {
		return w.config(append([]string{identity(i), credential("federated", nil), grant(nil)}, blocks...)...)
	}
	cut := func() {
		cmd := exec.Command("sh", filepath.Join(w.directory, "publish", "cut.sh"), "acme")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	status := func(want string) []statecheck.StateCheck {
		return []statecheck.StateCheck{has(theIdentity, "status", text(want)), has(theKey, "status", text(want)),
			has(theGrant, "status", text(want))}
	}
	released := func(value string) args { return args{"hold_released": strconv.Quote(value)} }
	w.run(
		resource.TestStep{Config: config(nil), ConfigStateChecks: status("active")},
		resource.TestStep{
			PreConfig:         cut,
			Config:            config(nil),
			ConfigPlanChecks:  emptyPlan(),
			ConfigStateChecks: status("held"),
		},
		resource.TestStep{Config: config(args{"purpose": `"Nightly order feed of the ERP"`}),
			ConfigStateChecks: status("held")},
		// the others are read anew by the next plan
		resource.TestStep{Config: config(released("INC-7")), ConfigStateChecks: status("active")[:1]},
		resource.TestStep{
			Config:            config(released("INC-7")),
			ConfigPlanChecks:  emptyPlan(),
			ConfigStateChecks: status("active"),
		},
		resource.TestStep{PreConfig: func() {
			if err := os.Remove(filepath.Join(w.directory, "hold", "acme")); err != nil {
				t.Error(err)
			}
			cut()
		}, Config: config(released("INC-7")), ConfigPlanChecks: emptyPlan(), ConfigStateChecks: status("held")},
		resource.TestStep{Config: config(nil), ConfigStateChecks: status("held")},
		resource.TestStep{Config: config(released("INC-7")), ExpectError: regexp.MustCompile(`incident/reopened`)},
		resource.TestStep{Config: config(released("INC-8")), ConfigStateChecks: status("active")[:1]},
	)
}

// What is new under a hold is made, and lets nobody in. The apply said so; the plan, at which
// somebody decides, did not.
func TestAPlanSaysWhatWillBeHeld(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	const another = `
resource "partner_identity" "stock" {
  partner       = "acme"
  name          = "stock"
  owner         = "jane.doe@example.com"
  purpose       = "Nightly stock feed into their ERP"
  expires_at    = %q
  hold_released = %s
}
resource "partner_grant" "more" {
  identity_id = partner_identity.orders.id
  resource    = "orders/acme/weekly/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the weekly order files"
  expires_at  = %q
}
`
	config := func(release string) string {
		return ordersIn(`embedded = { directory = "store" }`) + fmt.Sprintf(another, endsLater(), release, endsLater())
	}
	c.write(ordersIn(`embedded = { directory = "store" }`))
	c.must("apply", "-auto-approve", "-input=false")
	c.write(config("null"))
	if out := unframed(c.must("plan", "-input=false")); strings.Contains(out, "held") {
		t.Errorf("nothing was cut, and a hold is foretold:\n%s", out)
	}
	cut := exec.Command("sh", filepath.Join(c.folder, "store", "publish", "cut.sh"), "acme")
	if out, err := cut.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for release, says := range map[string][]string{
		"null": {"identity acme/prod/stock will be held", "grant acme/prod/orders-etl/"},
		// what is made is released by nothing
		`"INC-7"`: {"identity acme/prod/stock will be held", "grant acme/prod/orders-etl/"},
	} {
		c.write(config(release))
		out := unframed(c.must("plan", "-input=false"))
		for _, what := range says {
			if !strings.Contains(out, what) {
				t.Errorf("hold_released = %s: the plan does not say %q:\n%s", release, what, out)
			}
		}
		if !strings.Contains(out, "Its identity acme/prod/orders-etl, or one above it, was cut by hand") ||
			strings.Contains(out, "same key") {
			t.Errorf("hold_released = %s: it does not say why the grant is held:\n%s", release, out)
		}
		if n := strings.Count(out, "will be held"); n != len(says) {
			t.Errorf("hold_released = %s: the plan says %d times what will be held:\n%s", release, n, out)
		}
	}
}

// Somebody plans to give access back, and before that plan is applied somebody else cuts it or one of its credentials,
// for the first time or again.
func TestAPlanReleasesNoCutThatCameAfterIt(t *testing.T) {
	thorough(t)
	t.Parallel()
	c := newCLI(t)
	purpose := "Nightly order feed into their ERP"
	config := func(release string) {
		text := strings.Replace(ordersIn(`embedded = { directory = "store" }`), "Nightly order feed into their ERP",
			purpose, 1)
		if release != "" {
			text = strings.Replace(text, "  purpose", "  hold_released = "+strconv.Quote(release)+"\n  purpose", 1)
		}
		c.write(text + credential("federated", args{"expires_at": strconv.Quote(endsLater())}))
	}
	cut := func(what string) {
		t.Helper()
		if out, err := exec.Command("sh", filepath.Join(c.folder, "store", "publish", "cut.sh"),
			what).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	status := func() string { return c.attribute("partner_identity.orders", "status") }
	config("")
	c.must("apply", "-auto-approve", "-input=false")
	config("written ahead")
	if out, err := c.try("plan", "-input=false"); err == nil ||
		!strings.Contains(unframed(out), "a release that is written ahead") {
		t.Errorf("nothing is held: %v\n%s", err, out)
	}
	const alone = "acme/prod/orders-etl/federated" // which does not hold the identity
	for n, step := range []struct {
		before     func()
		cut        string
		unreadPlan bool
	}{
		{before: func() { cut(alone) }, cut: alone},
		{cut: "acme"},
		{before: func() { cut("acme") }, cut: "acme"},
		{before: func() { // what is held is changed, and the next plan does not read it
			purpose = "Weekly order feed into their ERP"
			config("")
			c.must("apply", "-auto-approve", "-input=false")
		}, cut: "acme", unreadPlan: true},
	} {
		if step.before != nil {
			step.before()
		}
		config("INC-" + strconv.Itoa(n))
		c.must("plan", "-input=false", "-refresh="+strconv.FormatBool(!step.unreadPlan), "-out=saved")
		cut(step.cut)
		out, err := c.try("apply", "-input=false", "saved")
		if err == nil || !strings.Contains(unframed(out), "Cut by hand after this plan") {
			t.Errorf("%d: %v\n%s", n, err, out)
		}
	}
	c.must("apply", "-auto-approve", "-input=false")
	c.must("apply", "-refresh-only", "-auto-approve", "-input=false")
	if got := status(); got != "active" {
		t.Errorf("planned anew, it is %s", got)
	}
}

// A key or a workload that was cut by hand is given to another partner, whose own credential is there already: it let
// in before, and lets nobody in afterwards.
func TestAPlanSaysThatAWorkloadWasCutElsewhere(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	federated := func(subject string) string {
		return credential("federated", args{"expires_at": strconv.Quote(endsLater()),
			"federated": fmt.Sprintf("{ issuer = \"https://login.test\", subject = %q, audiences = "+
				"[\"orders.example.com\"] }", subject)})
	}
	acme := ordersIn(`embedded = { directory = "store" }`)
	_, own, _ := strings.Cut(acme, "resource")
	own = strings.NewReplacer(`"orders" {`, `"initech" {`, "partner_identity.orders", "partner_identity.initech",
		"acme", "initech").Replace("resource" + own)
	initech := func(subject string) string {
		return own + strings.NewReplacer(`"orders" {`, `"initech" {`, "partner_identity.orders",
			"partner_identity.initech").Replace(federated(subject))
	}
	apply := func(text string) { c.write(text); c.must("apply", "-auto-approve", "-input=false") }
	apply(acme + federated("svc") + initech("own"))
	if out, err := exec.Command("sh", filepath.Join(c.folder, "store", "publish", "cut.sh"),
		"acme/prod/orders-etl/federated").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	apply(acme + initech("own"))
	for subject, held := range map[string]bool{"svc": true, "another": false} {
		c.write(acme + initech(subject))
		out := unframed(c.must("plan", "-input=false"))
		if strings.Contains(out, "credential initech/prod/orders-etl/federated will be held") != held ||
			strings.Contains(out, "same key or workload") != held {
			t.Errorf("%s:\n%s", subject, out)
		}
	}
}
