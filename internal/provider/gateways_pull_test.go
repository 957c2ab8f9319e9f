// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

var pullSteps = regexp.MustCompile(`(?m)^ExecStart(?:Pre)?=/usr/bin/rsync (.*)$`)

// pulled runs the steps of a published unit that copy, in their order and until one fails, and returns what that said.
func pulled(t *testing.T, unit, from, to string) (said string, ok bool) {
	t.Helper()
	text := example(t, unit, "publisher.example.com::partner/publish/", from+"/", "/srv/partner/publish/", to+"/",
		"--chown=root:root ", "")
	steps := pullSteps.FindAllStringSubmatch(text, -1)
	if steps == nil {
		t.Fatalf("%s copies nothing", unit)
	}
	for _, s := range steps {
		if said, ok = run(realtool.Find(t, "rsync"), strings.Fields(s[1])...); !ok {
			return said, false
		}
	}
	return said, true
}

// rsync takes a file for the same that has the size and the second of the one before: an end that moved, published
// twice within a second with a pull in between, never arrived. And a publisher without its publication, as where a disk
// is not mounted, emptied every gateway.
func TestThePullUnitsCopyEachChangeAndNoEmptiness(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"nginx/partner-pull.service", "sshd/partner-pull.service"} {
		t.Run(strings.Split(unit, "/")[0], func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			from := filepath.Join(folder, "publisher")
			to := filepath.Join(folder, "gateway")
			second := time.Now().Truncate(time.Second)
			publishes := func(name, text string, at time.Time) {
				path := filepath.Join(from, filepath.FromSlash(name))
				err := os.MkdirAll(filepath.Dir(path), 0o750)
				if err == nil {
					err = os.WriteFile(path, []byte(text), 0o600)
				}
				if err == nil {
					err = os.Chtimes(path, at, at)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			holds := func() string {
				// what is not there holds nothing
				text, _ := os.ReadFile(filepath.Join(to, "ssh", "principals", "depot"))
				return string(text)
			}
			if err := os.MkdirAll(to, 0o750); err != nil {
				t.Fatal(err)
			}
			publishes("generation.json", "{}", second)
			publishes("ssh/principals/depot", `restrict,expiry-time="20270227235959Z" acme/prod/feed`, second)
			if said, ok := pulled(t, unit, from, to); !ok || !strings.Contains(holds(), "20270227") {
				t.Fatalf("%s: %s", holds(), said)
			}
			publishes("ssh/principals/depot", `restrict,expiry-time="20261129120000Z" acme/prod/feed`,
				second.Add(500*time.Millisecond))
			if said, ok := pulled(t, unit, from, to); !ok || !strings.Contains(holds(), "20261129") {
				t.Errorf("an end that moved within the second does not arrive: %s: %s", holds(), said)
			}
			if err := os.RemoveAll(from); err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(from, 0o750); err != nil {
				t.Fatal(err)
			}
			if said, ok := pulled(t, unit, from, to); ok || holds() == "" {
				t.Errorf("a publisher without a publication empties the gateway: %q, %s", holds(), said)
			}
		})
	}
}
