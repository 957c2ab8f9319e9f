// SPDX-License-Identifier: MPL-2.0

// Package golden compares what tests got with files of testdata. "go test -update" writes the files anew: whoever meant
// a change reads it as a diff of the repository.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Updating reports whether golden files are to be written anew.
func Updating() bool { return *update }

// Compare compares a text with a file, byte by byte. A test that has failed writes nothing.
func Compare(t *testing.T, path, got string) {
	t.Helper()
	if *update && !t.Failed() {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run go test with -update", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what it was; where that is meant, run go test with -update:\n%s", path, diff)
	}
}

// Changed returns the lines in which a text differs from what it was: what is gone with a minus, and what is new with a
// plus. Both share as many lines, in their order, as can be.
func Changed(was, now string) string {
	before := strings.SplitAfter(was, "\n")
	after := strings.SplitAfter(now, "\n")
	shared := sharedLines(before, after)
	var b strings.Builder
	line := func(sign, text string) {
		if text != "" { // what follows the last end of a line
			b.WriteString(sign + " " + strings.TrimSuffix(text, "\n") + "\n")
		}
	}
	i, j := 0, 0
	for i < len(before) && j < len(after) {
		switch {
		case before[i] == after[j]:
			i, j = i+1, j+1
		case shared[i+1][j] >= shared[i][j+1]:
			line("-", before[i])
			i++
		default:
			line("+", after[j])
			j++
		}
	}
	for _, gone := range before[i:] {
		line("-", gone)
	}
	for _, added := range after[j:] {
		line("+", added)
	}
	return b.String()
}

// sharedLines returns, for the rests of two texts from a line of each on, how many lines they share in their order.
func sharedLines(before, after []string) [][]int {
	shared := make([][]int, len(before)+1)
	shared[len(before)] = make([]int, len(after)+1)
	for i := len(before) - 1; i >= 0; i-- {
		shared[i] = make([]int, len(after)+1)
		for j := len(after) - 1; j >= 0; j-- {
			if before[i] == after[j] {
				shared[i][j] = shared[i+1][j+1] + 1
			} else {
				shared[i][j] = max(shared[i+1][j], shared[i][j+1])
			}
		}
	}
	return shared
}

// Chance is what differs from run to run, and what stands for it in a golden file.
type Chance struct {
	what *regexp.Regexp
	by   string
}

// NewChance returns what a regular expression finds, and what stands for it; by may refer to parts of that ($1). It
// panics if the expression is none.
func NewChance(what, by string) Chance { return Chance{regexp.MustCompile(what), by} }

// Plain returns a text in which names stand for what differs from run to run, one chance after the other.
func Plain(text string, chances []Chance) string {
	for _, c := range chances {
		text = c.what.ReplaceAllString(text, c.by)
	}
	return text
}

var moments = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)

// Since returns a text in which moments stand as what lies between them and the beginning, in tens of minutes: of a
// server whose clock goes on, more is chance. A moment before the year 2000 stands for none, and stays.
func Since(begun time.Time, text string) string {
	return moments.ReplaceAllStringFunc(text, func(moment string) string {
		at, err := time.Parse(time.RFC3339Nano, moment)
		if err != nil || at.Year() < 2000 {
			return moment
		}
		return "+" + at.Sub(begun).Round(10*time.Minute).String()
	})
}
