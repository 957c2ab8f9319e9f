// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// elsewhere is a run whose system can be exchanged for one that keeps nothing, and for one that holds the same ids.
type elsewhere struct {
	*cli
	provider          string
	ours, none, other func()
	// made reports whether something was made where there is no system.
	made func() bool
}

// asksElsewhere tries what reads, adopts, gives out tokens or applies a saved plan, on a system
// that is not the state's.
func (e elsewhere) asksElsewhere() {
	t := e.t
	config := ordersIn(e.provider)
	e.other()
	e.write(config)
	e.must("apply", "-auto-approve", "-state=theirs.tfstate")
	e.ours()
	e.must("apply", "-auto-approve")

	changed := strings.ReplaceAll(config, "jane.doe@", "john.roe@")
	e.write(changed)
	e.must("plan", "-out=change.bin")
	e.must("plan", "-out=replace.bin", "-replace=partner_grant.orders")
	e.must("plan", "-out=destroy.bin", "-destroy")
	before := e.must("state", "list")
	saved := string(e.files()["terraform.tfstate"])
	elsewhere := regexp.MustCompile(`he state belongs to the access system [A-Z2-7]{26}, but (the one|there is none) in `)
	for where, there := range map[string]func(){"nowhere": e.none, "another system": e.other} {
		there()
		for _, plan := range []string{"change.bin", "replace.bin", "destroy.bin"} {
			e.file("terraform.tfstate", saved) // else the plan is stale
			out, err := e.try("apply", plan)
			if err == nil || !elsewhere.MatchString(unframed(out)) {
				t.Errorf("%s: the saved %s is applied: %v\n%s", where, plan, err, out)
			}
			if regexp.MustCompile(`[1-9]\d* (destroyed|changed|added)|complete after`).MatchString(unframed(out)) {
				t.Errorf("%s: the saved %s says that it did something:\n%s", where, plan, out)
			}
			if after := string(e.files()["terraform.tfstate"]); strings.Count(after, `"mode": "managed"`) != 2 {
				t.Errorf("%s: the saved %s has changed the state:\n%s", where, plan, after)
			}
		}
	}
	if after := e.must("state", "list"); after != before {
		t.Errorf("the state had\n%s and has\n%s", before, after)
	}

	// A token of what the other system holds under the same id is no token of what the state means.
	e.write(changed + `
ephemeral "partner_token" "it" { identity_id = "acme/prod/orders-etl" }
`)
	for where, there := range map[string]func(){"nowhere": e.none, "another system": e.other} {
		there()
		for _, how := range [][]string{{"plan"}, {"plan", "-refresh=false"}} {
			if out, err := e.try(how...); err == nil || !elsewhere.MatchString(unframed(out)) {
				t.Errorf("%s: %v goes through: %v\n%s", where, how, err, out)
			}
		}
	}

	// Without a state, what is not there is not imported, given out, or listed in silence.
	e.none()
	e.write(config)
	if out, err := e.try("import", "-state=none.tfstate", "partner_identity.orders",
		"acme/prod/orders-etl"); err == nil || !strings.Contains(unframed(out), "Cannot import") ||
		!strings.Contains(unframed(out), "There is no access system") {
		t.Errorf("nothing is imported: %v\n%s", err, out)
	}
	e.write(strings.SplitAfter(config, "\n}\n")[0] + `
ephemeral "partner_token" "it" { identity_id = "acme/prod/orders-etl" }
`)
	if out, err := e.try("plan", "-state=none.tfstate"); err == nil || strings.Contains(out, "No changes") {
		t.Errorf("a token of nobody is given out: %v\n%s", err, out)
	}
	e.write(strings.SplitAfter(config, "\n}\n")[0] + `
data "partner_report" "all" {
  from = "2026-01-01T00:00:00Z"
  to   = "2026-02-01T00:00:00Z"
}
`)
	if out, err := e.try("plan", "-state=none.tfstate"); err == nil &&
		!strings.Contains(unframed(out), "There is no access system") {
		t.Errorf("a report of nothing says nothing of it:\n%s", out)
	}
	if e.made() {
		t.Error("something was made where there is no system")
	}

	// What is imported from the other system belongs to that one.
	e.other()
	e.write(config)
	e.must("import", "-state=imported.tfstate", "partner_identity.orders", "acme/prod/orders-etl")
	e.ours()
	for _, how := range [][]string{{"plan", "-state=imported.tfstate"},
		{"destroy", "-auto-approve", "-state=imported.tfstate"}} {
		if out, err := e.try(how...); err == nil || !elsewhere.MatchString(unframed(out)) {
			t.Errorf("what was imported elsewhere: %v: %v\n%s", how, err, out)
		}
	}
	if out := e.must("destroy", "-auto-approve"); !strings.Contains(out, "2 destroyed") {
		t.Errorf("%s", out)
	}
	e.other()
	if out := e.must("destroy", "-auto-approve", "-state=theirs.tfstate"); !strings.Contains(out, "2 destroyed") {
		t.Errorf("%s", out)
	}
}

// A saved plan is applied where the runner has another volume; an import and a token look where nothing is.
func TestNoSavedPlanImportOrTokenIsOfAnotherDirectory(t *testing.T) {
	newerCLI(t, "1.10.0", "1.11.0") // it asks for a token, which is ephemeral
	slow(t)
	t.Parallel()
	c := newCLI(t)
	in := func(name string) func() {
		return func() {
			link := filepath.Join(c.folder, "store")
			if err := os.Remove(link); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if err := os.Symlink(name, link); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"ours", "none", "other"} {
		if err := os.Mkdir(filepath.Join(c.folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere{
		cli: c, provider: `embedded = { directory = "store" }`, ours: in("ours"), none: in("none"), other: in("other"),
		made: func() bool { return len(c.files("none")) > 0 },
	}.asksElsewhere()
}

func TestNoSavedPlanImportOrTokenIsOfAnotherNamespace(t *testing.T) {
	newerCLI(t, "1.10.0", "1.11.0") // it asks for a token, which is ephemeral
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	bao, c := realtool.StartBao(t), newCLI(t)
	c.env = append(c.env, "BAO_ADDR="+bao.Address, "BAO_CACERT="+bao.CAFile, "BAO_TOKEN="+bao.RootToken)
	for _, name := range []string{"ours", "none", "other"} {
		if status, answer := bao.Call(t, bao.RootToken, "POST", "sys/namespaces/"+name,
			map[string]any{}); status >= 300 {
			t.Fatalf("%d %v", status, answer)
		}
		if status, answer := bao.Call(t, bao.RootToken, "POST", name+"/sys/mounts/orders",
			map[string]any{"type": "kv"}); status >= 300 {
			t.Fatalf("%d %v", status, answer)
		}
	}
	in := func(name string) func() { return func() { c.env = append(c.env, "BAO_NAMESPACE="+name) } }
	elsewhere{
		cli: c, provider: "stack = \"partners\"\n  openbao = {}\n  journal = { path = \"journal.jsonl\" }",
		ours: in("ours"), none: in("none"), other: in("other"),
		made: func() bool {
			_, answer := bao.Call(t, bao.RootToken, "LIST", "none/sys/policies/detailed/acl/partner", nil)
			return strings.Contains(fmt.Sprint(answer), "partner/")
		},
	}.asksElsewhere()
}

// A list of a directory that is not there read as if partners held nothing.
func TestAListOfNoSystemSaysSo(t *testing.T) {
	t.Parallel()
	p := newWorld(t).protocol(alone)
	said := false
	for _, result := range p.list("partner_identity", false, 10, nil) {
		for _, d := range result.Diagnostics {
			said = said ||
				(d.Severity == tfprotov6.DiagnosticSeverityWarning && d.Summary == "There is no access system")
		}
	}
	if !said {
		t.Error("it says nothing of it")
	}
}
