// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func TestExactlyTheseFilesArePublished(t *testing.T) {
	w, _ := story(t)
	want := []string{
		"bundle.tar.gz", "ca.pem", "crl.pem", "cut.sh", "cut/acme.txt", "generation.json",
		"hold.tar.gz", "jwks.json", "openid-configuration", "policy/data.json", "policy/hold.json", "policy/key.pem",
		"policy/policy.rego", "ssh/ca.pub", "ssh/principals/deploy", "ssh/revoked_keys",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(w.files("publish")))); diff != "" {
		t.Error(diff)
	}
}

func TestGatewaysMayReadThePublicationAndNothingElse(t *testing.T) {
	w, _ := story(t)
	for _, dir := range []string{".", "publish", "publish/ssh", "publish/ssh/principals", "publish/policy"} {
		w.mode(dir, 0o755)
	}
	for _, dir := range []string{"ledger", "ledger/acme", "ledger/acme/prod/etl", "keys", "publish/.staged"} {
		w.mode(dir, 0o700)
	}
	for name := range w.files("publish") {
		w.mode("publish/"+name, 0o644)
	}
	for name := range w.files("ledger") {
		w.mode("ledger/"+name, 0o600)
	}
	for name := range w.files("keys") {
		w.mode("keys/"+name, 0o600)
	}
}

func (w *world) mode(name string, want os.FileMode) {
	w.Helper()
	info, err := os.Stat(filepath.Join(w.dir, name))
	if err != nil {
		w.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want {
		w.Errorf("%s is %o, want %o", name, got, want)
	}
}

func TestAPlanOnAHealthyDirectoryWritesNothing(t *testing.T) {
	w, r := story(t)
	before := w.files("")
	w.restart()
	w.disk.Before = func(operation, path string) error {
		t.Errorf("%s %s", operation, path)
		return nil
	}
	w.get(r.Object.Ref())
	if _, err := w.List(w.ctx()); err != nil {
		t.Error(err)
	}
	same(t, before, w.files(""))
}

func TestUnchangedFilesAreNotRewritten(t *testing.T) {
	for _, again := range []bool{false, true} {
		w, _ := story(t)
		w.put(grant(acme, "hourly", "orders/*", 30, "read"))
		before := w.files("publish")
		if again {
			w.restart()
		}
		w.put(grant(acme, "daily", "orders/*", 30, "read"))
		for name, text := range w.files("publish") {
			changes := name == "generation.json" ||
				name == "policy/data.json" ||
				name == "bundle.tar.gz" ||
				(again && (strings.HasSuffix(name, "crl.pem") ||
					strings.HasPrefix(name, "cut/") ||
					strings.HasSuffix(name, "ssh/revoked_keys")))
			if text != before[name] && !changes {
				t.Errorf("%s was rewritten", name)
			}
		}
	}
}

func TestAPublicationIsRenewedInTheSecondHalfOfItsLife(t *testing.T) {
	w, r := story(t)
	crl := w.read("publish/crl.pem")
	w.wait(89 * 24 * time.Hour)
	w.restart()
	w.get(r.Object.Ref())
	if w.read("publish/crl.pem") != crl {
		t.Error("renewed too early")
	}
	w.wait(2 * 24 * time.Hour)
	w.restart()
	w.get(r.Object.Ref())
	if w.read("publish/crl.pem") == crl {
		t.Error("not renewed")
	}
}

func TestAnotherLedgerUnderTheSameNumberIsNoticed(t *testing.T) {
	w, r := story(t)
	other := &world{TB: t, dir: w.dir, elapsed: w.elapsed}
	other.restart()
	other.get(r.Object.Ref())
	w.put(identity(acme, 50), update(w.get(acme.Ref())))
	if got := other.get(acme.Ref()); !got.EndsAt.Equal(start.AddDate(0, 0, 50)) {
		t.Errorf("another process sees %s", got.EndsAt)
	}
}

func TestSystemSaysWhatItCannotDo(t *testing.T) {
	c := newWorld(t).Capabilities()
	for _, test := range []struct {
		resource string
		action   string
		good     bool
	}{
		{"ssh/deploy", "login", true},
		{"ssh/deploy", "login-pty", true},
		{"ssh/deploy", "read", false},
		{"ssh/Deploy", "login", false},
		{"ssh/deploy/x", "read", true},
		{"ssh", "read", true},
		{"orders/acme/*", "read", true},
	} {
		if err := c.CheckGrant(grant(acme, "g", test.resource, 1, test.action)); (err == nil) != test.good {
			t.Errorf("%s on %s: %v", test.action, test.resource, err)
		}
	}
	for pattern, reaches := range map[access.Pattern]bool{
		"ssh/root":   true,
		"ssh/+":      true,
		"*":          true,
		"+/root":     true,
		"ssh/deploy": false,
		"ssh/root/x": false,
	} {
		if r := c.Reach(pattern, nil); (r.System != "") != reaches {
			t.Errorf("%s: %q", pattern, r.System)
		}
	}
	privileged := func(p access.Pattern, actions ...string) bool { return c.Reach(p, actions).Privileged != "" }
	if privileged("ssh/deploy", "login") ||
		!privileged("ssh/+", "login", "login-pty") ||
		privileged("a/b", "login-pty") {
		t.Error("what is privileged is not")
	}
	if c.CannotEnd(nil, start) != "" ||
		c.CannotEnd(nil, time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)) == "" ||
		c.CannotEnd(nil, time.Time{}) == "" {
		t.Error("ends that cannot be enforced")
	}
}

// Whoever takes a file out of the ledger finds the access gone from the publication too, with the next process that
// looks: no access exists that the ledger does not know.
func TestWhatIsTakenOutOfTheLedgerByHandIsNotPublishedAnyMore(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	g := w.put(grant(acme, "daily", "orders/acme/daily/*", 30, "read"))
	if !strings.Contains(w.read("publish/policy/data.json"), `"daily"`) {
		t.Fatal("the grant was never published")
	}
	if err := os.Remove(w.paths.object(g.Object.Ref())); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if _, err := w.Get(w.ctx(), g.Object.Ref()); !errors.Is(err, access.ErrNotFound) {
		t.Fatal(err)
	}
	if strings.Contains(w.read("publish/policy/data.json"), `"daily"`) {
		t.Error("it is still published")
	}
}

// A process that was killed while it made the keys may have left one in the clear.
func TestKeysThatWereInTheMakingAreSwept(t *testing.T) {
	w := newWorld(t)
	left := filepath.Join(w.paths.keys(), ".signing.pem-1234")
	if err := os.MkdirAll(w.paths.keys(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.put(identity(acme, 90))
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}
