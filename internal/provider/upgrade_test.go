// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/golden"
)

const (
	upgrades  = "testdata/upgrade" // one folder for each version: what it was applied from, its state, its directory
	changelog = "../../CHANGELOG.md"
	stateFile = "terraform.tfstate"
	somewhere = "/srv/partner-access" // stands in a kept state for the folder of the test that wrote it
)

// heading is a version's line in the changelog; a release has a date in place of "Unreleased".
var heading = regexp.MustCompile(`(?m)^## (\d+\.\d+\.\d+) \((.+)\)$`)

// Whoever upgrades plans nothing: what each version wrote, the state and the embedded directory, is read by this
// one with an empty plan. With -update the version that is not released yet is written anew; those that are
// released stay for ever.
func TestWhatEveryVersionWroteIsReadWithAnEmptyPlan(t *testing.T) {
	thorough(t)
	text, err := os.ReadFile(changelog)
	if err != nil {
		t.Fatal(err)
	}
	versions := heading.FindAllStringSubmatch(string(text), -1)
	if len(versions) == 0 {
		t.Fatal("the changelog names no version")
	}
	for _, v := range versions {
		t.Run(v[1], func(t *testing.T) {
			folder := filepath.Join(upgrades, v[1])
			if golden.Updating() && v[2] == "Unreleased" {
				written(t, folder)
				return
			}
			t.Parallel()
			readAfterAnUpgrade(t, folder)
		})
	}
}

// readAfterAnUpgrade plans over a copy of what a version wrote, a day later.
func readAfterAnUpgrade(t *testing.T, folder string) {
	l := newLab(t)
	copied(t, filepath.Join(folder, "directory"), l.directory)
	state := kept(t, filepath.Join(folder, stateFile))
	if err := os.WriteFile(filepath.Join(l.folder, stateFile), state, 0o600); err != nil {
		t.Fatal(err)
	}
	if missing := slices.DeleteFunc([]string{"partner_identity", "partner_credential", "partner_grant", "partner_floor",
		"partner_rehearsal"},
		func(kind string) bool { return slices.Contains(kindsIn(t, state), kind) }); len(missing) > 0 {
		t.Errorf("the state holds no %v", missing)
	}
	l.write(string(kept(t, filepath.Join(folder, "main.tf"))))
	l.passes(day)()
	said, err := l.terraform("plan", "-detailed-exitcode")
	if err != nil {
		t.Errorf("the plan is not empty: %v %v", err, said)
	}
	for _, d := range said {
		t.Errorf("an upgrade says %s: %s", d.Summary, d.Detail)
	}
}

// written applies the example of this version, and keeps what it wrote. Its keys are encrypted with a
// passphrase that nobody has.
func written(t *testing.T, folder string) {
	t.Setenv("PARTNER_PASSPHRASE", rand.Text())
	l := newLab(t)
	l.write(string(kept(t, filepath.Join(folder, "main.tf"))))
	l.must("apply", "-auto-approve")
	if err := os.RemoveAll(filepath.Join(folder, "directory")); err != nil {
		t.Fatal(err)
	}
	copied(t, l.directory, filepath.Join(folder, "directory"))
	// it names the machine; internal/journal reads older lines
	journal, err := filepath.Glob(filepath.Join(folder, "directory", "journal.jsonl*"))
	if err != nil || len(journal) == 0 {
		t.Fatalf("no journal: %v", err)
	}
	for _, file := range journal {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	state := bytes.ReplaceAll(kept(t, filepath.Join(l.folder, stateFile)), []byte(l.directory), []byte(somewhere))
	if err := os.WriteFile(filepath.Join(folder, stateFile), state, 0o600); err != nil {
		t.Fatal(err)
	}
}

func kindsIn(t *testing.T, state []byte) (kinds []string) {
	t.Helper()
	var in struct{ Resources []struct{ Type string } }
	if err := json.Unmarshal(state, &in); err != nil {
		t.Fatal(err)
	}
	for _, r := range in.Resources {
		kinds = append(kinds, r.Type)
	}
	return kinds
}

func kept(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// copied copies a folder. Git keeps no modes: a key that anybody may read is drift.
func copied(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	keys, err := filepath.Glob(filepath.Join(to, "keys", "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	copies, err := filepath.Glob(filepath.Join(to, "keys", "copy", "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(keys, copies...) {
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
