// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAReaderIsToldWhatHoldsAndWhereItDoesNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j := Open(path, Options{})
	if lines, gaps, err := j.Read(); err != nil ||
		len(lines) > 0 ||
		len(gaps) != 1 ||
		!strings.Contains(gaps[0], "no journal") {
		t.Errorf("before the first change: %v, %q, %v", lines, gaps, err)
	}
	for _, id := range []string{"a", "b", "c"} {
		if _, err := j.Append(Line{Phase: Done, Verb: Create, Type: "identity", ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	whole, gaps, err := j.Read()
	if err != nil || len(whole) != 3 || whole[2].ID != "c" || len(gaps) > 0 {
		t.Fatalf("%v, %q, %v", whole, gaps, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		text string
		head bool
		want int
		gap  string
	}{
		{"a line was changed", strings.Replace(string(text), `"id":"b"`, `"id":"x"`, 1), true, 1, "line 2"},
		{"the end is cut off", string(text[:strings.LastIndex(strings.TrimSpace(string(text)), "\n")+1]), true, 2,
			"cut off at the end"},
		{"the head is gone", string(text), false, 3, "head"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if !c.head {
			if err := os.Remove(path + ".head"); err != nil {
				t.Fatal(err)
			}
		}
		lines, gaps, err := j.Read()
		if err != nil ||
			len(lines) != c.want ||
			len(gaps) != 1 ||
			!strings.Contains(gaps[0], c.gap) {
			t.Errorf("%s: %d lines, %q, %v", c.name, len(lines), gaps, err)
		}
	}
}

// Another system that shares the journal fills it: what this one's generation was is found before
// that, however long ago.
func TestTheNewestGenerationIsFoundBeforeWhatOthersWrote(t *testing.T) {
	t.Parallel()
	j := Open(filepath.Join(t.TempDir(), "journal.jsonl"), Options{})
	lines := []Line{{Phase: Done, Verb: Create, Type: "identity", ID: "a", Generation: "ours/41"}}
	for len(lines) < 3<<10 {
		lines = append(lines, Line{
			Phase:      Done,
			Verb:       Create,
			Type:       "identity",
			ID:         "b",
			Generation: "theirs/9",
			Found:      []string{strings.Repeat("x", 1<<10)},
		})
	}
	if _, err := j.Append(lines...); err != nil {
		t.Fatal(err)
	}
	for system, want := range map[string]int64{"ours": 41, "theirs": 9, "nobody": 0, "s": 0} {
		if got := j.Newest(system); got != want {
			t.Errorf("%s: generation %d, want %d", system, got, want)
		}
	}
}
