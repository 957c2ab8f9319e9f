package provider_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The example for a partner gave each further partner a system, and authorities, of its own.
func TestAllPartnersOfACompanyLiveInOneSystem(t *testing.T) {
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
	get := exec.Command(os.Getenv("TF_ACC_TERRAFORM_PATH"), "get")
	get.Dir, get.Env = l.folder, l.env
	if out, err := get.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l.must("apply", "-auto-approve")
	l.must("plan", "-detailed-exitcode")
	for _, id := range []string{"acme/prod/orders-etl", "acme/prod/portal", "acme/prod/support", "globex/prod/invoices"} {
		if _, err := os.Stat(filepath.Join(l.directory, "ledger", filepath.FromSlash(id), "identity.json")); err != nil {
			t.Error(err)
		}
	}
}
