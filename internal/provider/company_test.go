// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// everything is a call of the example's module that says all that a partner may need.
const everything = `
module "everything" {
  source     = "./.."
  partner    = "globex"
  owner      = "jane.doe@example.com"
  expires_at = "2027-04-30T00:00:00Z"
  networks   = ["198.51.100.0/24"]
  contact    = "desk@globex.test"
  agreement  = { reference = "MSA-2025-202/2", ends_at = "2027-05-31T00:00:00Z" }
  review     = { at = "2026-11-20T09:00:00Z", by = "john.roe@example.com", reason = "Needed for the fair" }

  identities = {
    fair = {
      purpose        = "test"
      waivers        = { "purpose/vague" = { reason = "The name is being agreed on", approver = "jane.doe@example.com", until = "2027-01-15T00:00:00Z" } }
      ceiling        = ["stock/globex/*"]
      owner          = "john.roe@example.com"
      expires_at     = "2027-03-31T00:00:00Z"
      networks       = ["203.0.113.0/24"]
      contact        = "fair@globex.test"
      agreement      = { reference = "SOW-7", ends_at = "2027-04-15T00:00:00Z" }
      review         = { at = "2026-11-21T09:00:00Z", by = "jane.doe@example.com", reason = "The fair comes in March" }
      subcontractors = { allowed = true, max_depth = 1 }
      expected_use   = "2160h"
      suspended      = false
      hold_released  = "INC-7"
      secret         = "RECIPIENT"
      federated      = { issuer = "https://login.globex.test", subject = "fair", audiences = ["stock.example.com"] }

      rotation             = { secret = { every = "360h", overlap = "24h", trigger = { incident = "INC-7" } } }
      revoke_issued_before = { secret = "2026-11-01T00:00:00Z" }
      credential_waivers   = { secret = { "credential/static-secret" = { reason = "Their tool knows nothing else", approver = "jane.doe@example.com", until = "2027-01-15T00:00:00Z" } } }

      grants = {
        stands = {
          resource   = "stock/globex/stands/*"
          actions    = ["read"]
          purpose    = "test"
          waivers    = { "purpose/vague" = { reason = "The name is being agreed on", approver = "jane.doe@example.com", until = "2027-01-15T00:00:00Z" } }
          owner      = "john.roe@example.com"
          expires_at = "2027-02-28T00:00:00Z"
        }
      }
    }
  }
}

output "all" {
  value = merge(module.everything.ids, module.everything.credential_ids, module.everything.grant_ids)
}
`

// The example for a partner took a fifth of what a partner can need: the rest was a fork.
func TestThePartnersModuleTakesAllThatAPartnerCanNeed(t *testing.T) {
	thorough(t)
	l := newCompany(t)
	recipient, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(everything, "RECIPIENT", recipient.Recipient().String(), 1)
	if err := os.WriteFile(filepath.Join(l.folder, "everything.tf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l.get()
	l.must("apply", "-auto-approve")
	l.must("plan", "-detailed-exitcode")
	show := exec.Command(os.Getenv(commandLine), "output", "-json", "all")
	show.Dir, show.Env = l.folder, l.env
	out, err := show.Output()
	var all map[string]string
	if err != nil || json.Unmarshal(out, &all) != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if want := map[string]string{
		"fair": "globex/prod/fair", "fair/secret": "globex/prod/fair/secret",
		"fair/federated": "globex/prod/fair/federated", "fair/stands": "globex/prod/fair/stands",
	}; !maps.Equal(all, want) {
		t.Errorf("the ids are %v", all)
	}
	r, err := l.system().Get(t.Context(), access.Ref{Type: access.TypeIdentity, ID: "globex/prod/fair"})
	if err != nil {
		t.Fatal(err)
	}
	i := r.Object.(*access.Identity)
	if i.Owner != "john.roe@example.com" ||
		i.Contact != "fair@globex.test" ||
		i.Agreement.Reference != "SOW-7" ||
		i.Review.By != "jane.doe@example.com" ||
		len(i.Waivers) != 1 {
		t.Errorf("the identity is %+v", i)
	}
}

// newCompany is the example's company, on a world's system.
func newCompany(t *testing.T) *lab {
	t.Helper()
	needTerraform(t)
	t.Parallel()
	l := newLab(t)
	if err := os.CopyFS(l.folder, os.DirFS("../../examples/partner-module")); err != nil {
		t.Fatal(err)
	}
	l.folder = filepath.Join(l.folder, "company")
	where := fmt.Sprintf("provider \"partner\" {\n  embedded = { directory = %q }\n}\n", l.directory)
	if err := os.WriteFile(filepath.Join(l.folder, "world_override.tf"), []byte(where), 0o600); err != nil {
		t.Fatal(err)
	}
	return l
}

// get installs the modules.
func (l *lab) get() {
	l.t.Helper()
	get := exec.Command(os.Getenv(commandLine), "get")
	get.Dir, get.Env = l.folder, l.env
	if out, err := get.CombinedOutput(); err != nil {
		l.t.Fatalf("%v: %s", err, out)
	}
}

// The example for a partner gave each further partner a system, and authorities, of its own.
func TestAllPartnersOfACompanyLiveInOneSystem(t *testing.T) {
	l := newCompany(t)
	l.get()
	l.must("apply", "-auto-approve")
	l.must("plan", "-detailed-exitcode")
	if rows := sheetOf(t, filepath.Join(l.folder, "reviews", "acme.csv")); len(rows) != 11 {
		t.Errorf("the worksheet of the example has %d rows", len(rows))
	}
	r, err := l.system().Get(t.Context(), access.Ref{Type: access.TypeGrant, ID: "acme/prod/orders-etl/daily"})
	if err != nil ||
		r.Object.Common().Review == nil ||
		access.At(r.EndsAt).String() != "2027-05-15T00:00:00Z" {
		t.Errorf("the decision of the worksheet is not taken: %+v (%v)", r, err)
	}
	for _, id := range []string{"acme/prod/orders-etl", "acme/prod/portal", "acme/prod/support", "globex/prod/invoices",
		"initech/prod/order-monitor"} {
		if _, err := os.Stat(filepath.Join(l.directory, "ledger", filepath.FromSlash(id),
			"identity.json")); err != nil {
			t.Error(err)
		}
	}
}

// sheetOf reads the rows of a worksheet, its head left out.
func sheetOf(t *testing.T, file string) [][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}
