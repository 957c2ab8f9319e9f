// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A line for root was added in publish/: the plan tells it, the next apply takes it away, and the journal keeps what
// was found. An older ledger that is put back beside that is refused, and named with how it is accepted.
func TestWhatSomebodyElseWritesIntoTheDirectoryIsToldHealedAndJournaled(t *testing.T) {
	thorough(t)
	t.Parallel()
	j := newJudged(t)
	identity := j.identity("orders-etl", nil)
	deploy := j.grant("orders-etl", "deploy", "ssh/deploy", `["login"]`, nil)
	first := j.apply(identity, deploy)
	if said := unwrapped(first); !strings.Contains(said, "Three private keys are not encrypted") ||
		strings.Count(said, "PARTNER_PASSPHRASE") != 1 {
		t.Errorf("the first apply without a passphrase says:\n%s", first)
	}
	root := j.partner("publish", "ssh", "principals", "root")
	if err := os.WriteFile(root, []byte("acme/prod/orders-etl\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	older := j.files(".partner", "prod", "ledger")
	if out := j.must("plan", "-no-color", "-input=false"); !strings.Contains(unwrapped(out),
		"publish/ssh/principals/root differs from what was published") {
		t.Errorf("the plan says:\n%s", out)
	}
	if _, err := os.Stat(root); err != nil {
		t.Error("the plan took the evidence away")
	}
	out := j.must("apply", "-no-color", "-input=false", "-auto-approve")
	if _, err := os.Stat(root); !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(unwrapped(out), "Somebody changed the directory, or a disk failed") {
		t.Errorf("the apply left it, or did not say so: %v\n%s", err, out)
	}
	journal, err := os.ReadFile(j.partner("journal.jsonl"))
	if err != nil ||
		!strings.Contains(string(journal), `"found":["publish/ssh/principals/root differs from what was published`) ||
		!strings.Contains(string(journal), `"generation":"`) {
		t.Errorf("the journal says: %v\n%s", err, journal)
	}
	j.must("plan", "-no-color", "-input=false", "-detailed-exitcode")
	j.apply(identity, deploy, j.grant("orders-etl", "weekly", "orders/acme/weekly/*", `["read"]`, nil))
	if err := os.RemoveAll(j.partner("ledger")); err != nil {
		t.Fatal(err)
	}
	for name, text := range older {
		path := filepath.Join(j.folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	refused, err := j.try("plan", "-no-color", "-input=false")
	if err == nil ||
		!strings.Contains(unwrapped(refused), "went back to generation") ||
		!strings.Contains(unwrapped(refused), "PARTNER_ACCEPT_GENERATION=") {
		t.Errorf("an older ledger: %v\n%s", err, refused)
	}
}
