// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func newJournal(t *testing.T) *Journal {
	t.Helper()
	return Open(filepath.Join(t.TempDir(), "below", "journal.jsonl"), Options{})
}

func (j *Journal) must(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if healed, err := j.Append(Line{Phase: Intent, Verb: Create, ID: id}); err != nil || healed != "" {
			t.Fatalf("append %s: %q, %v", id, healed, err)
		}
	}
}

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func contentOf(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// holds claims that a journal has so many lines, and is whole.
func (j *Journal) holds(t *testing.T, lines int64) {
	t.Helper()
	head, err := ParseHead(string(contentOf(t, j.headPath())))
	if err != nil {
		t.Fatal(err)
	}
	if v := verify(t, contentOf(t, j.path), &head); v.Problem != "" ||
		v.Lines != lines ||
		v.Last != head {
		t.Fatalf("want %d lines up to %v, got %+v", lines, head, v)
	}
}

func TestAJournalIsPrivateAndGoesOnInAnotherProcess(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	j.must(t, "one", "two")
	again := Open(j.Path(), Options{})
	again.must(t, "three")
	j.must(t, "four")
	j.holds(t, 4)
	for path, mode := range map[string]fs.FileMode{
		j.path:               0o600,
		j.headPath():         0o600,
		j.lock.Path():        0o600,
		filepath.Dir(j.path): fs.ModeDir | 0o700,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v %v, want %v", path, info.Mode(), err, mode)
		}
	}
}

func TestOpeningTouchesNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	Open(filepath.Join(folder, "below", "journal.jsonl"), Options{})
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("%v %v", entries, err)
	}
}

func TestManyWriteAtOnce(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for n := range writers {
		mine := j
		if n%2 == 0 {
			mine = Open(j.path, Options{}) // the lock is on the open file: another one stands for another process
		}
		wg.Go(func() {
			for i := range each {
				if healed, err := mine.Append(Line{ID: strconv.Itoa(n) + "/" + strconv.Itoa(i)}); err != nil ||
					healed != "" {
					t.Errorf("%q %v", healed, err)
				}
			}
		})
	}
	wg.Wait()
	j.holds(t, writers*each)
	for n := range writers { // each writer's lines are in the order in which they were written
		at := 0
		for i := range each {
			mark := []byte(`"id":"` + strconv.Itoa(n) + "/" + strconv.Itoa(i) + `"`)
			found := bytes.Index(contentOf(t, j.path), mark)
			if found < at {
				t.Errorf("line %s of writer %d is at %d, after %d", mark, n, found, at)
			}
			at = found
		}
	}
}

func TestWhatAProcessLeftThatDiedIsHealed(t *testing.T) {
	t.Parallel()
	lines, _ := chained(t, []Line{{ID: "one"}, {ID: "two"}, {ID: "three"}, {ID: "four"}})
	for what, c := range map[string]struct {
		after, torn string // what stands after line two, and what of it is kept aside
		lines       int64
		says        string
	}{
		"nothing":                       {"", "", 2, ""},
		"a head that is a line behind":  {string(lines[2]), "", 3, "has lines after line 2"},
		"a head that is a batch behind": {string(lines[2]) + string(lines[3]), "", 4, "has lines after line 2"},
		"half a line":                   {string(lines[2][:77]), string(lines[2][:77]), 2, "After line 2 of"},
		"one byte":                      {"{", "{", 2, "1 bytes that are not a line"},
		"a line and a half": {string(lines[2]) + string(lines[3][:99]), string(lines[3][:99]), 3,
			"After line 3 of"},
		"a whole line without its newline": {strings.TrimSuffix(string(lines[2]), "\n"), "", 3,
			"has lines after line 2"},
		"zeros, as after a loss of power": {strings.Repeat("\x00", 5000), strings.Repeat("\x00", 5000), 2,
			"5000 bytes"},
		"more zeros than are read at first": {strings.Repeat("\x00", 50000), strings.Repeat("\x00", 50000), 2,
			"50000 bytes"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			j := newJournal(t)
			j.options.Clock = func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
			j.must(t, "before") // for its directory
			put(t, j.path, []byte(string(lines[0])+string(lines[1])+c.after))
			_, head := chained(t, []Line{{ID: "one"}, {ID: "two"}})
			put(t, j.headPath(), []byte(head.String()))
			healed, err := j.Append(Line{ID: "next"})
			if err != nil || !strings.Contains(healed, c.says) || (c.says == "") != (healed == "") {
				t.Fatalf("healed %q, %v", healed, err)
			}
			if c.lines > 2 { // what the head did not count is told, shown, and kept in the journal
				var found Line
				text := bytes.SplitAfter(contentOf(t, j.path), []byte("\n"))[c.lines]
				if err := json.Unmarshal(text, &found); err != nil ||
					found.Phase != Found ||
					found.Verb != Tamper ||
					!strings.Contains(found.Found[0], `"id":"three"`) {
					t.Errorf("%v: %s", err, text)
				}
				if !strings.Contains(healed, `"id":"three"`) {
					t.Errorf("the line is not shown: %s", healed)
				}
				c.lines++
			}
			j.holds(t, c.lines+1)
			kept, err := os.ReadFile(j.tornPath())
			if (c.torn == "") != errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("%s %v", kept, err)
			}
			if c.torn != "" && !bytes.Contains(kept, []byte(base64Of(c.torn))) {
				t.Errorf("what was cut off is not kept: %s", kept)
			}
			j.must(t, "and on")
			j.holds(t, c.lines+2)
		})
	}
}

func TestATamperedJournalChangesNothingUntilSomebodyLooked(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		tamper func(t *testing.T, j *Journal, lines [][]byte)
		says   string
	}{
		"a line cut off": {func(t *testing.T, j *Journal, lines [][]byte) {
			put(t, j.path, bytes.Join(lines[:2], nil))
		}, "it ends after line 2, but its head says that 3 were written"},
		"all lines cut off": {func(t *testing.T, j *Journal, _ [][]byte) {
			put(t, j.path, nil)
		}, "it ends after line 0"},
		"the last line cut off in the middle": {func(t *testing.T, j *Journal, lines [][]byte) {
			put(t, j.path, append(bytes.Join(lines[:2], nil), lines[2][:50]...))
		}, "line 3 was cut off in the middle"},
		"the journal removed": {func(t *testing.T, j *Journal, _ [][]byte) {
			if err := os.Remove(j.path); err != nil {
				t.Fatal(err)
			}
		}, "it is gone, but its head says that 3 lines were written"},
		"the head removed": {func(t *testing.T, j *Journal, _ [][]byte) {
			if err := os.Remove(j.headPath()); err != nil {
				t.Fatal(err)
			}
		}, "its head, journal.jsonl.head, is gone"},
		"the head written over": {func(t *testing.T, j *Journal, _ [][]byte) {
			put(t, j.headPath(), []byte("hello\n"))
		}, "its head, journal.jsonl.head, cannot be read"},
		"the last line changed": {func(t *testing.T, j *Journal, lines [][]byte) {
			put(t, j.path, bytes.Join([][]byte{lines[0], lines[1],
				bytes.Replace(lines[2], []byte("three"), []byte("THREE"), 1)}, nil))
		}, "line 3 was changed: its hash does not fit its text"},
		"another journal in its place": {func(t *testing.T, j *Journal, _ [][]byte) {
			put(t, j.path, bytes.Join(forgedAs(t, "a", "b", "c"), nil))
		}, "line 3 has another hash than the head says"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			j := newJournal(t)
			j.must(t, "one", "two", "three")
			c.tamper(t, j, bytes.SplitAfter(contentOf(t, j.path), []byte("\n")))
			before := folderOf(t, j)
			for range 2 {
				_, err := j.Append(Line{ID: "four"})
				if !errors.Is(err, ErrTampered) || !errors.Is(err, access.ErrUnavailable) {
					t.Fatal(err)
				}
				for _, words := range []string{c.says, j.path,
					"The provider changes nothing more until somebody has looked", "move both away together",
					"journal.path"} {
					if !strings.Contains(err.Error(), words) {
						t.Errorf("it does not say %q: %v", words, err)
					}
				}
			}
			if after := folderOf(t, j); after != before {
				t.Errorf("it was changed:\n%s\nnow:\n%s", before, after)
			}
			// What the error says to do.
			for _, path := range []string{j.path, j.headPath()} {
				if err := os.Rename(path, path+".evidence"); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
			}
			j.must(t, "a new one")
			j.holds(t, 1)
		})
	}
}

// folderOf is all files of a journal and what they hold.
func folderOf(t *testing.T, j *Journal) string {
	t.Helper()
	var b strings.Builder
	entries, err := os.ReadDir(filepath.Dir(j.path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b.WriteString(e.Name() + ": " + string(contentOf(t, filepath.Join(filepath.Dir(j.path), e.Name()))) + "\n")
	}
	return b.String()
}

func TestWhatIsNoFileToWriteToIsRefused(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		lay  func(path string) error
		says string
	}{
		"a directory": {func(path string) error { return os.Mkdir(path, 0o700) }, "is a directory"},
		"a symbolic link": {func(path string) error { return os.Symlink("elsewhere", path) },
			"it is a symbolic link"},
		"a link to a device": {func(path string) error { return os.Symlink("/dev/full", path) },
			"it is a symbolic link"},
	} {
		for _, name := range []string{"journal.jsonl", "journal.jsonl.head", "journal.jsonl.lock"} {
			t.Run(what+" as "+name, func(t *testing.T) {
				t.Parallel()
				folder := t.TempDir()
				if err := c.lay(filepath.Join(folder, name)); err != nil {
					t.Fatal(err)
				}
				_, err := Open(filepath.Join(folder, "journal.jsonl"), Options{}).Append(Line{ID: "one"})
				if !errors.Is(err, access.ErrUnavailable) || !strings.Contains(err.Error(), c.says) {
					t.Fatal(err)
				}
				if _, err := os.Stat(filepath.Join(folder, "elsewhere")); err == nil {
					t.Error("it was written to where the link leads")
				}
			})
		}
	}
	if _, err := Open("/dev/full", Options{}).Append(Line{}); err == nil {
		t.Error("a device is written to")
	}
	file := filepath.Join(t.TempDir(), "file")
	put(t, file, nil)
	if _, err := Open(filepath.Join(file, "journal.jsonl"), Options{}).Append(Line{}); !errors.Is(err,
		access.ErrUnavailable) {
		t.Errorf("below a file: %v", err)
	}
}

func TestWhoWaitsInVainSaysSo(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	j.must(t, "one")
	other := flock.New(j.lock.Path())
	if taken, err := other.TryLock(); !taken || err != nil {
		t.Fatal(err)
	}
	j.options.LockWait = 20 * time.Millisecond
	if _, err := j.Append(Line{}); !errors.Is(err, access.ErrUnavailable) ||
		!strings.Contains(err.Error(), "after 20ms another process still has") {
		t.Error(err)
	}
	if err := other.Unlock(); err != nil {
		t.Fatal(err)
	}
	j.must(t, "two")
	j.holds(t, 2)
}
