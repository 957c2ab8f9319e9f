// SPDX-License-Identifier: MPL-2.0

//go:build unix

package journal

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// asChild is the environment variable that makes this test binary the process that a test needs beside it.
const asChild = "PARTNER_JOURNAL_CHILD"

// child runs the test of a name in a process of its own, in which childPath is where the journal is.
func child(t *testing.T, test, path, limit string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", limit+` exec "$0" "$@"`, os.Args[0], "-test.run=^"+test+"$",
		"-test.timeout=60s")
	cmd.Env = append(os.Environ(), asChild+"="+path)
	return cmd
}

func childPath() string { return os.Getenv(asChild) }

// A disk is full in the middle of a line, at any byte of it: RLIMIT_FSIZE fails a write there, as a full disk does. The
// line is then refused, and nothing of it stays.
func TestAFullDiskRefusesTheLineAndLeavesTheJournalWhole(t *testing.T) {
	if path := childPath(); path != "" {
		_, err := Open(path, Options{}).Append(Line{ID: "one more", Error: strings.Repeat("x", 700)})
		if !errors.Is(err, syscall.EFBIG) || !errors.Is(err, access.ErrUnavailable) {
			t.Fatalf("the full disk said %v", err)
		}
		return
	}
	t.Parallel()
	for _, blocks := range []int{0, 1, 2} { // of 512 bytes; the journal has two lines of some 330
		j := newJournal(t)
		j.must(t, "one", "two")
		before := folderOf(t, j)
		out, err := child(t, t.Name(), j.path, "ulimit -f "+strconv.Itoa(blocks)+";").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if after := folderOf(t, j); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		j.must(t, "three")
		j.holds(t, 3)
	}
}

func TestWhatMayNotBeWrittenIsNotPermitted(t *testing.T) {
	if path := childPath(); path != "" {
		if err := syscall.Setuid(65534); err != nil && os.Getuid() == 0 {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}).Append(Line{}); !errors.Is(err, access.ErrNotPermitted) {
			t.Fatalf("it was answered with %v", err)
		}
		return
	}
	t.Parallel()
	folder, err := os.MkdirTemp("", "journal") // the test's own folder can be entered by nobody else
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(folder, 0o700); _ = os.RemoveAll(folder) })
	j := Open(filepath.Join(folder, "journal.jsonl"), Options{})
	j.must(t, "one")
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := child(t, t.Name(), j.path, "")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
