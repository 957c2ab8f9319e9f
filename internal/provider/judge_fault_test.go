// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// ailing is a directory with access in it, which something befalls. The configuration then asks for one grant more.
type ailing struct {
	*judged
	declared string
}

// newAiling applies first, and then writes the configuration that asks for more.
func newAiling(t *testing.T) *ailing {
	t.Helper()
	a := &ailing{judged: newJudged(t)}
	blocks := []string{
		a.identity("orders-etl", nil),
		a.credential("orders-etl", "secret", fmt.Sprintf("{ recipient = %q }", partnerRecipient), nil),
		a.grant("orders-etl", "daily", "orders/acme/daily/*", `["read"]`, nil),
		a.grant("orders-etl", "deploy", "ssh/deploy", `["login"]`, nil),
	}
	a.apply(blocks...)
	a.declared = strings.Join(blocks, "") + a.grant("orders-etl", "weekly", "orders/acme/weekly/*", `["read"]`, nil)
	a.write("provider \"partner\" { environment = \"prod\" }\n" + a.declared)
	return a
}

// everything is all that is in the directory, but for the lock and word of its holder, and the state. The journal says
// of what failed that it was tried, which is no access.
func (a *ailing) everything() map[string][]byte {
	a.t.Helper()
	files := a.files(".partner")
	maps.DeleteFunc(files, func(name string, _ []byte) bool {
		return strings.HasPrefix(filepath.Base(name), "ledger.") ||
			strings.HasPrefix(filepath.Base(name), "journal.jsonl")
	})
	state, err := os.ReadFile(filepath.Join(a.folder, "terraform.tfstate"))
	if err != nil {
		a.t.Fatal(err)
	}
	files["the resources in the state"] = []byte(fmt.Sprint(len(a.state()), bytes.Count(state, []byte(`"attributes"`))))
	return files
}

// refuses runs an apply, which must fail with one error that says these things, and leave all as it was.
func (a *ailing) refuses(t *testing.T, apply func() (string, error), says ...string) {
	t.Helper()
	before := a.everything()
	out, err := apply()
	if err == nil {
		t.Fatalf("it should have failed:\n%s", out)
	}
	if n := strings.Count(out, "Error: "); n != 1 {
		t.Errorf("%d errors, want one:\n%s", n, out)
	}
	plain := unwrapped(out)
	for _, s := range says {
		if !strings.Contains(plain, s) {
			t.Errorf("it does not say %q:\n%s", s, out)
		}
	}
	sameFiles(t, strings.Join(says, ", "), before, a.everything())
}

// unwrapped is what the CLI said, before it wrapped it.
func unwrapped(out string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", " ", "╷", " ", "╵", " ").Replace(out)), " ")
}

func (a *ailing) tryApply() (string, error) {
	return a.try("apply", "-no-color", "-input=false", "-auto-approve")
}

// recovers applies what was asked for, finds it whole, and destroys it.
func (a *ailing) recovers(t *testing.T) {
	t.Helper()
	if out := a.must("apply", "-no-color", "-input=false", "-auto-approve"); !strings.Contains(out,
		"1 added, 0 changed, 0 destroyed") {
		t.Errorf("the repaired directory should get one grant:\n%s", out)
	}
	if _, published := a.policyData(); !strings.Contains(asJSON(t, published["identities"]), "orders/acme/weekly/*") {
		t.Error("the grant is not published")
	}
	a.must("plan", "-no-color", "-detailed-exitcode")
	a.destroy()
}

func TestADirectoryThatAilsIsLeftWholeAndRecovers(t *testing.T) {
	if testing.Short() {
		t.Skip("faults, with the real CLI")
	}
	t.Parallel()
	t.Run("corrupt or newer", func(t *testing.T) { t.Parallel(); corruptOrNewer(t) })
	t.Run("locked", func(t *testing.T) { t.Parallel(); locked(t) })
	t.Run("read-only", func(t *testing.T) { t.Parallel(); readOnly(t) })
	t.Run("full", func(t *testing.T) { t.Parallel(); full(t) })
	t.Run("not a directory", func(t *testing.T) { t.Parallel(); notADirectory(t) })
}

func corruptOrNewer(t *testing.T) {
	a := newAiling(t)
	cut := func(text []byte) []byte { return text[:len(text)/2] }
	newer := func(text []byte) []byte {
		return bytes.Replace(text, []byte(`"version": 1,`), []byte(`"version": 2,`), 1)
	}
	none := func([]byte) []byte { return nil }
	for _, c := range []struct {
		file   string
		change func([]byte) []byte
		says   string
	}{
		{"ledger/acme/prod/orders-etl/identity.json", cut, "is damaged"},
		{"ledger/acme/prod/orders-etl/credential-secret.json", cut, "is damaged"},
		{"ledger/acme/prod/orders-etl/credential-secret.json", none, "is damaged"},
		{"ledger/acme/prod/orders-etl/identity.json", newer,
			"has version 2, but this provider knows only version 1: use a newer provider"},
		{"ledger/generation.json", newer, "has version 2"},
		{"publish/generation.json", newer, "has version 2"},
	} {
		path := a.partner(filepath.FromSlash(c.file))
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		put := func(text []byte) {
			t.Helper()
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		changed := c.change(text)
		if bytes.Equal(changed, text) {
			t.Fatalf("%s was not changed", c.file)
		}
		put(changed)
		if strings.HasSuffix(c.file, "generation.json") {
			a.refuses(t, a.tryApply, c.file, c.says)
		} else if out, err := a.tryApply(); err == nil ||
			!strings.Contains(unwrapped(out), c.says) ||
			!strings.Contains(unwrapped(out), c.file) {
			t.Errorf("%s: it should be refused, and say %q:\n%s", c.file, c.says, out)
		}
		put(text)
	}
	a.recovers(t)
	copies(t)
}

// Of the two files that say what is signed each has a copy of the other: one that is gone is told, and
// made anew by the apply.
func copies(t *testing.T) {
	a := newAiling(t)
	a.must("apply", "-no-color", "-input=false", "-auto-approve")
	for _, name := range []string{"ledger/generation.json", "publish/generation.json"} {
		path := a.partner(filepath.FromSlash(name))
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if out := a.must("plan", "-no-color", "-input=false"); !strings.Contains(unwrapped(out),
			name+" is not signed, or damaged") {
			t.Errorf("the plan does not say that %s is gone:\n%s", name, out)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("a plan wrote %s", name)
		}
		a.must("apply", "-no-color", "-input=false", "-auto-approve")
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the next apply did not make it anew: %v", err)
		}
	}
	a.destroy()
}

// locked holds the lock as another program on this machine would, first for a moment and then for good.
func locked(t *testing.T) {
	a := newAiling(t)
	lock := flock.New(a.partner("ledger", "ledger.lock"), flock.SetPermissions(0o600))
	take := func() {
		t.Helper()
		if taken, err := lock.TryLock(); !taken || err != nil {
			t.Fatalf("the lock was not free: %v", err)
		}
		word, err := json.Marshal(map[string]any{
			"pid":     4711,
			"host":    "build-7",
			"command": "a nightly job",
			"since":   "2026-11-24T01:02:03Z",
		})
		if err == nil {
			err = os.WriteFile(a.partner("ledger", "ledger.holder"), word, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	take()
	begin := time.Now()
	a.refuses(t, a.tryApply, "after 30s",
		"is still locked by a nightly job (process 4711 on build-7) since 2026-11-24T01:02:03Z", "Nothing was changed.")
	if took := time.Since(begin); took < 30*time.Second || took > 60*time.Second {
		t.Errorf("it waited %s for the lock, not 30 s", took)
	}
	released := make(chan error, 1)
	// the apply comes as far as the lock before that
	time.AfterFunc(3*time.Second, func() { released <- lock.Unlock() })
	a.must("apply", "-no-color", "-input=false", "-auto-approve")
	select {
	case err := <-released:
		if err != nil {
			t.Error(err)
		}
	default:
		t.Error("it did not wait for the lock")
	}
	a.destroy()
}

// readOnly takes away the right to write. A root's rights would go beyond that, so there the CLI
// runs as nobody special.
func readOnly(t *testing.T) {
	a := newAiling(t)
	writable := map[string]fs.FileMode{}
	err := filepath.WalkDir(a.partner(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		writable[path] = info.Mode().Perm()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	giveBack := func() {
		for path, mode := range writable {
			_ = os.Chmod(path, mode)
		}
	}
	t.Cleanup(giveBack) // or the test's folder could not be removed
	for path, mode := range writable {
		if err := os.Chmod(path, mode&^0o222); err != nil {
			t.Fatal(err)
		}
	}
	unprivilegedly := func(args ...string) (string, error) {
		var out bytes.Buffer
		cmd := a.command(append(args, "-no-color", "-input=false")...)
		cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = &out, &out, unprivileged()
		err := cmd.Run()
		return out.String(), err
	}
	if out, err := unprivilegedly("plan"); err != nil || !strings.Contains(out, "1 to add, 0 to change, 0 to destroy") {
		t.Errorf("who may only read should be able to plan: %v\n%s", err, out)
	}
	a.refuses(t, func() (string, error) { return unprivilegedly("apply", "-auto-approve") }, "permission denied",
		"This does not say whether the access exists")
	giveBack()
	a.recovers(t)
}

// full runs the provider under a limit on the size of the files that it writes (setrlimit(2), RLIMIT_FSIZE), which
// needs no root: a write beyond it fails in the middle, as it does on a full disk.
func full(t *testing.T) {
	a := newAiling(t)
	for blocks, where := range map[string]string{
		"0": "/aside-0/journal.jsonl", // the journal comes first; the others have room for the intent
		"2": "/ledger/.staged/grant-", // 1,024 octets
		"3": "/publish/.staged/",      // 1,536 octets: the ledger's new file fits, the publication's do not
	} {
		declared := a.declared
		if blocks == "2" {
			at := strings.LastIndex(declared, `["read"]`)
			// a line each in the ledger, and none in the journal
			declared = declared[:at] + strings.Replace(declared[at:], `["read"]`, `[for n in range(32) : "a${n}"]`, 1)
		}
		a.write(fmt.Sprintf("provider \"partner\" {\n  environment = \"prod\"\n  journal = { path = "+
			"\"aside-%s/journal.jsonl\" }\n}\n", blocks) + declared)
		a.leash("ulimit -f " + blocks)
		a.refuses(t, func() (string, error) {
			return a.try("apply", "-no-color", "-input=false", "-auto-approve",
				"-target=partner_grant.orders-etl-weekly")
		},
			where, syscall.EFBIG.Error(), "Nothing was changed.")
	}
	a.unleash()
	a.write("provider \"partner\" { environment = \"prod\" }\n" + a.declared)
	a.recovers(t)

	// The same on a bare disk: not even a key that was cut short may stay, since it would sign for ever.
	if err := os.RemoveAll(a.partner()); err != nil {
		t.Fatal(err)
	}
	a.leash("ulimit -f 0")
	if out, err := a.tryApply(); err == nil || strings.Count(out, "Error: ") != 1 {
		t.Errorf("the first apply on a full disk: %v\n%s", err, out)
	}
	for name, text := range a.files(".partner") {
		if len(text) > 0 || strings.Contains(name, "/keys/") {
			t.Errorf("the first apply on a full disk left %s", name)
		}
	}
	a.unleash()
	a.must("apply", "-no-color", "-input=false", "-auto-approve")
	a.destroy()
}

// notADirectory puts a file where a folder belongs. A file in the place of the ledger's folder is an error, since
// without it nobody knows what there is. In the place of any other folder it blocks nobody: a test of the
// embedded system shows that.
func notADirectory(t *testing.T) {
	a := newAiling(t)
	aside := a.partner("ledger") + ".aside"
	if err := os.Rename(a.partner("ledger"), aside); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(a.partner("ledger"), []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.refuses(t, a.tryApply, "the ledger is not authentic")
	if err := os.Remove(a.partner("ledger")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(aside, a.partner("ledger")); err != nil {
		t.Fatal(err)
	}
	a.recovers(t)
}
