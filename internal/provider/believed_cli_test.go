// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

// edits changes each instance of the state by hand: its attributes, and the provider's private part of it.
func (c *cli) edits(change func(kind string, attributes, kept map[string]any)) {
	c.t.Helper()
	c.editsNamed(func(kind, _ string, attributes, kept map[string]any) { change(kind, attributes, kept) })
}

// editsNamed is edits of instances that are told by the names of their blocks as well.
func (c *cli) editsNamed(change func(kind, name string, attributes, kept map[string]any)) {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.folder, "terraform.tfstate"))
	if err != nil {
		c.t.Fatal(err)
	}
	state := map[string]any{}
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber()
	if err := numbers.Decode(&state); err != nil {
		c.t.Fatal(err)
	}
	for _, r := range state["resources"].([]any) {
		r := r.(map[string]any)
		instance := r["instances"].([]any)[0].(map[string]any)
		private, err := base64.StdEncoding.DecodeString(instance["private"].(string))
		if err != nil {
			c.t.Fatal(err)
		}
		parts := provider.PrivateParts(private)
		kept := provider.KeptByName(parts["kept"])
		if kept == nil {
			c.t.Fatalf("the private part is %s", private)
		}
		change(r["type"].(string), r["name"].(string), instance["attributes"].(map[string]any), kept)
		parts["kept"], _ = json.Marshal(kept)
		private, _ = json.Marshal(parts)
		instance["private"] = base64.StdEncoding.EncodeToString(private)
	}
	if text, err = json.Marshal(state); err != nil {
		c.t.Fatal(err)
	}
	c.file("terraform.tfstate", string(text))
}

// forged makes the state say that everything until 2098 was applied already, with a fingerprint that fits.
func forged(kind string, attributes, kept map[string]any) {
	const far = "2098-01-01T00:00:00Z"
	attributes["expires_at"], attributes["ends_at"] = far, far
	if kind != "partner_grant" {
		return
	}
	attributes["resource"], attributes["actions"] = "+/*", []string{"read", "update"}
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders-etl"}
	end := access.Moment{}
	if m, err := access.ParseMoment(far); err == nil {
		end = m
	}
	applied, _ := access.Declaration(&access.Grant{
		IdentityID: id, Name: attributes["name"].(string), Resource: "+/*", Actions: []string{"read", "update"},
		Purpose: attributes["purpose"].(string),
		Terms:   access.Terms{Owner: attributes["owner"].(string), ExpiresAt: end},
	})
	sum := sha256.Sum256(applied)
	kept["applied"], kept["print"] = json.RawMessage(applied), base64.RawStdEncoding.EncodeToString(sum[:9])
}

// attackState attacks by the state, on either system: the provider's block is given.
func attackState(t *testing.T, c *cli, provider string) {
	usual := access.At(time.Now().Add(60 * day)).String()
	earlier := access.At(time.Now().Add(50 * day)).String()
	declare := func(ends, resource, actions, more string) {
		c.write(provider + fmt.Sprintf(`
resource "partner_identity" "orders" {
  partner    = "acme"
  name       = "orders-etl"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP of ACME"
  expires_at = %q
  %s
}

resource "partner_grant" "daily" {
  identity_id = partner_identity.orders.id
  name        = "daily"
  resource    = %q
  actions     = %s
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = %q
}
`, min(ends, usual), more, resource, actions, ends))
	}
	declare(usual, "orders/acme/daily/*", `["read", "update"]`, "")
	c.must("apply", "-auto-approve")
	honest := c.files()["terraform.tfstate"]

	declare("2098-01-01T00:00:00Z", "+/*", `["read", "update"]`, "")
	for _, how := range [][]string{{"plan"}, {"plan", "-refresh=false"}, {"apply", "-auto-approve"},
		{"apply", "-auto-approve", "-refresh=false"},
		{"apply", "-auto-approve", "-replace=partner_grant.daily"}} {
		c.file("terraform.tfstate", string(honest))
		c.edits(forged)
		out, err := c.try(how...)
		for _, slug := range []string{"expiry/indefinite", "expiry/rolling", "scope/wildcard-resource"} {
			if err == nil || !strings.Contains(out, slug) {
				t.Errorf("terraform %s goes through without %s (%v):\n%s", strings.Join(how, " "), slug, err, out)
			}
		}
	}
	c.file("terraform.tfstate", string(honest))
	declare(usual, "orders/acme/daily/*", `["read", "update"]`, "")
	if out, err := c.try("plan", "-detailed-exitcode"); err != nil {
		t.Errorf("the attack has left something in the system: %v\n%s", err, out)
	}

	for name, lie := range map[string]func(kind string, attributes, kept map[string]any){
		"of everything until 2098": forged,
		"of much less": func(_ string, attributes, _ map[string]any) {
			attributes["expires_at"], attributes["owner"] = access.At(time.Now().Add(day)).String(), "nobody"
		},
		"without its private part": func(_ string, _, kept map[string]any) { clear(kept) },
		"with a private part that is none": func(_ string, _, kept map[string]any) {
			kept["history"], kept["held"] = "x", "y"
		},
		"of ends that are none": func(_ string, attributes, _ map[string]any) {
			attributes["expires_at"], attributes["ends_at"], attributes["status"] = "never", "never", "due"
		},
	} {
		c.edits(lie)
		declare(earlier, "orders/acme/daily/*", `["read"]`, "suspended = true")
		if out, err := c.try("apply", "-auto-approve"); err != nil {
			t.Errorf("less is refused with a state %s: %v\n%s", name, err, out)
		}
		if out, err := c.try("destroy", "-auto-approve"); err != nil || !strings.Contains(out, "2 destroyed") {
			t.Errorf("destroying is refused with a state %s: %v\n%s", name, err, out)
		}
		declare(usual, "orders/acme/daily/*", `["read", "update"]`, "")
		c.must("apply", "-auto-approve")
	}
	c.edits(func(_ string, _, kept map[string]any) { clear(kept) })
	if out, err := c.try("destroy", "-auto-approve", "-refresh=false"); err != nil ||
		!strings.Contains(out, "2 destroyed") {
		t.Errorf("destroying without a refresh is refused with a state without its private part: %v\n%s", err, out)
	}
	declare(usual, "orders/acme/daily/*", `["read", "update"]`, "")
	if out := c.must("plan"); !strings.Contains(out, "2 to add") {
		t.Errorf("something was left:\n%s", out)
	}
}

// An edited state said that +/* until 2098 was applied, and that was then applied with an ordinary
// refresh: all rules warned.
func TestWhatAnEditedStateSaysWasAppliedIsJudged(t *testing.T) {
	thorough(t)
	t.Parallel()
	attackState(t, newCLI(t), `
provider "partner" {
  environment = "prod"
  guardrails  = { owner_domains = ["example.com"] }
}
`)
}

func TestWhatAnEditedStateSaysWasAppliedIsJudgedOnOpenBao(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	c := newCluster(t)
	attackState(t, c.cli, c.bare())
}
