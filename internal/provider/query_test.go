// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-version"
)

// querying is the first Terraform with terraform query.
const querying = "1.14.0"

// What is listed is written as a configuration that imports it and plans nothing more. CI's CLI has no query yet:
// there, the command is refused, as the docs say. TF_ACC_TERRAFORM_PATH picks one that has it.
func TestAQueryListsWhatIsThereAndWritesItsImport(t *testing.T) {
	c := newCLI(t)
	t.Parallel()
	found, _ := theCLI()
	if found.openTofu || found.version.Core().LessThan(version.Must(version.NewVersion(querying))) {
		if out, err := c.try("query"); err == nil {
			t.Errorf("%s has query, and the docs say that it begins with %s:\n%s", found.version, querying, out)
		}
		return
	}
	settings := "provider \"partner\" {\n  environment = \"prod\"\n  guardrails = { owner_domains = " +
		"[\"example.com\"] }\n}\n"
	c.write(settings + identity(nil) + grant(nil))
	c.must("apply", "-auto-approve")
	c.write(settings)
	if err := os.Remove(filepath.Join(c.folder, "terraform.tfstate")); err != nil {
		t.Fatal(err)
	}
	c.file("what.tfquery.hcl", `
list "partner_identity" "all" {
  provider = partner
  config {
    partner = "acme"
  }
}
list "partner_grant" "ends" {
  provider         = partner
  include_resource = true
  limit            = 500
  config {
    expires_before = "2030-01-01T00:00:00Z"
  }
}
`)
	listed := c.must("query", "-no-color", "-generate-config-out=adopted.tf")
	for _, want := range []string{"list.partner_identity.all", "id=acme/prod/orders-etl ", "list.partner_grant.ends",
		"id=acme/prod/orders-etl/"} {
		if !strings.Contains(listed, want) {
			t.Errorf("%q is not listed:\n%s", want, listed)
		}
	}
	if out := c.must("apply", "-no-color", "-auto-approve"); !strings.Contains(out,
		"2 imported, 0 added, 0 changed, 0 destroyed") {
		t.Errorf("the written configuration is not only imported:\n%s", out)
	}
	c.must("plan", "-detailed-exitcode")
}
