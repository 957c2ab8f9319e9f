// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// judged is a folder with the real CLI and the provider's real binary, on the real clock, whose publication
// real servers judge by. Every moment in its configuration is counted from its beginning, so that writing it
// again changes nothing.
type judged struct {
	*cli
	began time.Time
	took  time.Duration // how long the last apply took
}

func newJudged(t *testing.T) *judged {
	t.Helper()
	if testing.Short() {
		t.Skip("real servers, the real CLI and the real clock")
	}
	return &judged{cli: newCLI(t), began: time.Now()}
}

// published is the path of a published file.
func (j *judged) published(name string) string {
	return j.partner("publish", filepath.FromSlash(name))
}

// apply puts a configuration of these blocks in force.
func (j *judged) apply(blocks ...string) string {
	j.t.Helper()
	j.write("provider \"partner\" { environment = \"prod\" }\n" + strings.Join(blocks, ""))
	begin := time.Now()
	out := j.must("apply", "-no-color", "-input=false", "-auto-approve")
	j.took = time.Since(begin)
	return out
}

// destroy ends everything, and returns when nothing is left.
func (j *judged) destroy() {
	j.t.Helper()
	j.must("destroy", "-no-color", "-input=false", "-auto-approve")
	if left := j.state(); len(left) > 0 {
		j.t.Errorf("after the destroy the state still has %d resources", len(left))
	}
}

// phase is a part of a test, with a name of its own.
func (j *judged) phase(name string, do func(t *testing.T)) {
	whole := j.t.(*testing.T)
	defer func() { j.t = whole }()
	whole.Run(name, func(t *testing.T) {
		j.t = t
		do(t)
	})
}

// shortly is an end that leaves time for one more apply, and for a look at what works before it.
func (j *judged) shortly() time.Time {
	return time.Now().Add(4*j.took + 5*time.Second).Truncate(time.Second)
}

// stamp writes a moment into a configuration.
func stamp(t time.Time) string { return strconv.Quote(t.UTC().Format(time.RFC3339)) }

// identity is a block with its name as its label.
func (j *judged) identity(name string, replaced args) string {
	return block("partner_identity", name, args{
		"partner": `"acme"`, "name": strconv.Quote(name), "owner": `"jane.doe@example.com"`,
		"purpose": `"Nightly order feed into the ERP"`, "expires_at": stamp(j.began.Add(60 * day)),
	}, replaced)
}

// credential is a block labelled NAME-KIND, of what the partner gave for that kind.
func (j *judged) credential(name, kind, given string, replaced args) string {
	usual := args{
		"identity_id": "partner_identity." + name + ".id", "owner": `"jane.doe@example.com"`,
		"expires_at": stamp(j.began.Add(20 * day)), kind: given,
	}
	if kind != "federated" {
		usual["allowed_cidrs"], usual["rotation"] = `["203.0.113.0/24"]`, `{ every = "480h", overlap = "48h" }`
	}
	return block("partner_credential", name+"-"+kind, usual, replaced)
}

// grant is a block labelled NAME-LABEL.
func (j *judged) grant(name, label, resource, actions string, replaced args) string {
	return block("partner_grant", name+"-"+label, args{
		"identity_id": "partner_identity." + name + ".id", "resource": strconv.Quote(resource), "actions": actions,
		"owner": `"jane.doe@example.com"`, "purpose": `"Read the daily order files"`,
		"expires_at": stamp(j.began.Add(20 * day)),
	}, replaced)
}

// state is what the CLI remembers: the attributes of every resource, by its address.
func (c *cli) state() map[string]map[string]any {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.folder, "terraform.tfstate"))
	if os.IsNotExist(err) || (err == nil && len(text) == 0) {
		return nil
	}
	var file struct {
		Resources []struct {
			Type, Name string
			Instances  []struct{ Attributes map[string]any }
		}
	}
	if err == nil {
		err = json.Unmarshal(text, &file)
	}
	if err != nil {
		c.t.Fatalf("read the state: %v", err)
	}
	found := map[string]map[string]any{}
	for _, r := range file.Resources {
		for _, i := range r.Instances {
			found[r.Type+"."+r.Name] = i.Attributes
		}
	}
	return found
}

// attribute is a text that the state has of a resource.
func (c *cli) attribute(address, name string) string {
	c.t.Helper()
	value, ok := c.state()[address][name].(string)
	if !ok || value == "" {
		c.t.Fatalf("the state has no %s of %s", name, address)
	}
	return value
}

// save writes a file beside the configuration, in a folder that the CLI does not read.
func (c *cli) save(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.folder, "partner-side", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

// run is what a real program prints, and whether it is content.
func run(program string, args ...string) (string, bool) {
	out, err := exec.Command(program, args...).CombinedOutput()
	return string(out), err == nil
}

// patience is how long a test waits for what must come, where no end says when.
const patience = 30 * time.Second

// eventually polls a claim until it holds.
func eventually(t testing.TB, what string, claim func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !claim(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %s, not yet: %s", patience, what)
		}
	}
}

// ending is access that a judge admits before its end, and refuses from it on.
type ending struct {
	what  string
	ends  time.Time
	admit func() bool
}

// endByThemselves asks the judges again and again until everything is refused: each must be admitted at first, never
// refused before its end, and never admitted after it. Nothing else happens meanwhile, and no provider is running.
func endByThemselves(t *testing.T, all ...ending) {
	t.Helper()
	seen, ended := map[string]bool{}, map[string]bool{}
	for len(ended) < len(all) {
		for _, e := range all {
			if ended[e.what] {
				continue
			}
			asked := time.Now()
			admitted := e.admit()
			answered := time.Now()
			switch {
			case admitted && !asked.Before(e.ends.Add(realtool.Tick)):
				t.Fatalf("%s: admitted %s after its end", e.what, asked.Sub(e.ends))
			case admitted:
				seen[e.what] = true
			case !seen[e.what]:
				t.Fatalf("%s: not even admitted at first, %s before its end", e.what, e.ends.Sub(asked))
			case answered.Before(e.ends):
				t.Fatalf("%s: refused %s before its end", e.what, e.ends.Sub(answered))
			default:
				ended[e.what] = true
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// leash makes the CLI start the provider through a shell, which notes its process id and does first what it is told. It
// returns the file of the ids.
func (c *cli) leash(first string) (pids string) {
	c.t.Helper()
	binary, err := built()
	if err != nil {
		c.t.Fatal(err)
	}
	pids = c.save("pids", "")
	script := c.save("leash/terraform-provider-partner",
		fmt.Sprintf("#!/bin/sh\necho $$ >>%q\n%s\nexec %q \"$@\"\n", pids, first,
			filepath.Join(binary, "terraform-provider-partner")))
	if err := os.Chmod(script, 0o700); err != nil {
		c.t.Fatal(err)
	}
	c.use(filepath.Dir(script))
	return pids
}

// unleash goes back to the provider itself.
func (c *cli) unleash() {
	c.t.Helper()
	binary, err := built()
	if err != nil {
		c.t.Fatal(err)
	}
	c.use(binary)
}

// use makes the CLI take the provider from a folder.
func (c *cli) use(folder string) {
	c.t.Helper()
	text := fmt.Sprintf("provider_installation {\n  dev_overrides { \"partner-access/partner\" = %q }\n  "+
		"direct {}\n}\n", folder)
	if err := os.WriteFile(filepath.Join(c.folder, "cli.tfrc"), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// sameFiles fails for every file that is not what it was.
func sameFiles(t *testing.T, when string, before, after map[string][]byte) {
	t.Helper()
	for _, name := range slices.Sorted(keysOf(before, after)) {
		was, had := before[name]
		is, has := after[name]
		switch {
		case !has:
			t.Errorf("%s: %s is gone", when, name)
		case !had:
			t.Errorf("%s: %s is new", when, name)
		case !bytes.Equal(was, is):
			t.Errorf("%s: %s has changed", when, name)
		}
	}
}

// keysOf are the keys of either map.
func keysOf[V any](maps ...map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		for _, m := range maps {
			for k := range m {
				if !seen[k] && !yield(k) {
					return
				}
				seen[k] = true
			}
		}
	}
}
