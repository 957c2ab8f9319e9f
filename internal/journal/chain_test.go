// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// aLine is any line that could be written, with texts that try to look like the end of one.
func aLine() *rapid.Generator[Line] {
	text := rapid.OneOf(rapid.String(),
		rapid.SampledFrom([]string{"", `","hash":"`, "\n", `"}`, "a\x00b", "ä€", `"previous":""`}))
	return rapid.Custom(func(t *rapid.T) Line {
		l := Line{
			Phase:  rapid.SampledFrom([]Phase{Intent, Done, Failed}).Draw(t, "phase"),
			Verb:   rapid.SampledFrom([]Verb{Create, Renew, Revoke}).Draw(t, "verb"),
			Change: text.Draw(t, "change"), Type: "grant", ID: text.Draw(t, "id"), Owner: text.Draw(t, "owner"),
			Error: text.Draw(t, "error"),
			Actor: Actor{Name: text.Draw(t, "name"), Kind: "user"}, Swept: rapid.SliceOfN(text, 0, 3).Draw(t, "swept"),
		}
		if rapid.Bool().Draw(t, "reviewed") {
			l.Review = &Review{By: text.Draw(t, "by"), Reason: text.Draw(t, "reason")}
		}
		return l
	})
}

// chained is a journal of the lines, each by itself.
func chained(t interface{ Fatal(...any) }, lines []Line) (journal [][]byte, head Head) {
	for _, l := range lines {
		text, next, err := head.seal(l, time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		journal, head = append(journal, text), next
	}
	return journal, head
}

func verify(t interface{ Fatal(...any) }, journal []byte, head *Head) Verdict {
	v, err := Verify(bytes.NewReader(journal), head)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAnythingThatIsDoneToAJournalIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines, head := chained(t, rapid.SliceOfN(aLine(), 2, 8).Draw(t, "lines"))
		whole := slices.Concat(lines...)
		if v := verify(t, whole, &head); v.Problem != "" ||
			v.Last != head ||
			v.Lines != int64(len(lines)) {
			t.Fatalf("a whole journal: %+v", v)
		}
		at := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
		other := rapid.IntRange(0, len(lines)-1).Filter(func(n int) bool { return n != at }).Draw(t, "other line")
		is := func(what string, journal []byte) {
			if v := verify(t, journal, &head); v.Problem == "" {
				t.Fatalf("%s is not found: line %d, other line %d", what, at, other)
			}
		}

		changed := bytes.Clone(whole)
		where := rapid.IntRange(0, len(whole)-1).Draw(t, "byte")
		changed[where] ^= byte(rapid.IntRange(1, 255).Draw(t, "how"))
		is(fmt.Sprintf("a changed byte at %d", where), changed)
		if v := verify(t, changed, nil); v.Problem == "" { // the head is not even needed
			t.Fatalf("without a head, a changed byte at %d is not found", where)
		}
		is("an inserted byte", slices.Insert(bytes.Clone(whole), where, changed[where]))
		is("a removed byte", slices.Delete(bytes.Clone(whole), where, where+1))
		is("a truncated journal", whole[:where])
		is("a dropped line", slices.Concat(slices.Delete(slices.Clone(lines), at, at+1)...))
		if at < len(lines)-1 {
			is("a line twice", slices.Concat(slices.Insert(slices.Clone(lines), at, lines[at])...))
		}
		swapped := slices.Clone(lines)
		swapped[at], swapped[other] = swapped[other], swapped[at]
		is("two lines in each other's place", slices.Concat(swapped...))
		moved := slices.Insert(slices.Delete(slices.Clone(lines), at, at+1), other, lines[at])
		is("a line that was moved", slices.Concat(moved...))
		forged, _ := chained(t, append(make([]Line, at), make([]Line, len(lines)-at)...))
		is("a journal that was written anew", slices.Concat(forged...))
	})
}

func TestAVerdictSaysWhatWasDone(t *testing.T) {
	t.Parallel()
	lines, head := chained(t, []Line{{ID: "one"}, {ID: "two"}, {ID: "three"}, {ID: "four"}})
	behind := Head{}
	if first, err := ParseHead("2 " +
		string(lines[1][len(lines[1])-hashLength-len(hashEnds):len(lines[1])-len(hashEnds)]) + "\n"); err == nil {
		behind = first
	}
	for what, c := range map[string]struct {
		journal [][]byte
		head    *Head
		lines   int64
		problem string
	}{
		"whole":              {lines, &head, 4, ""},
		"empty":              {nil, &Head{}, 0, ""},
		"without a head":     {lines[:2], nil, 2, ""},
		"with a head behind": {lines, &behind, 4, ""},
		"cut off":            {lines[:3], &head, 3, "it ends after line 3, but its head says that 4 were written"},
		"nothing left":       {nil, &head, 0, "it ends after line 0"},
		"changed": {[][]byte{lines[0], bytes.Replace(lines[1], []byte("two"), []byte("2ND"), 1)}, nil, 1,
			"line 2 was changed"},
		"dropped": {[][]byte{lines[0], lines[2]}, nil, 1,
			"line 2 is number 3: the lines before it were dropped"},
		"doubled": {[][]byte{lines[0], lines[0]}, nil, 1,
			"line 2 is number 1: it was moved, or is there twice"},
		"torn":                  {[][]byte{lines[0], lines[1][:40]}, nil, 1, "line 2 was cut off in the middle"},
		"something else":        {[][]byte{[]byte("hello\n")}, nil, 0, "line 1 was changed: it is not a line"},
		"written anew up to it": {forgedAs(t, "1st", "two"), &behind, 1, "line 2 has another hash than the head says"},
		"written anew": {[][]byte{forgedAs(t, "1st")[0], lines[1]}, nil, 1,
			"line 2 does not follow the line before"},
	} {
		v := verify(t, slices.Concat(c.journal...), c.head)
		if !strings.HasPrefix(v.Problem, c.problem) || (c.problem == "") != (v.Problem == "") {
			t.Errorf("%s: %q, want %q", what, v.Problem, c.problem)
		}
		if v.Lines != c.lines && what != "written anew up to it" {
			t.Errorf("%s: %d lines hold, want %d", what, v.Lines, c.lines)
		}
	}
}

func forgedAs(t *testing.T, ids ...string) [][]byte {
	t.Helper()
	var lines []Line
	for _, id := range ids {
		lines = append(lines, Line{ID: id})
	}
	journal, _ := chained(t, lines)
	return journal
}

func TestAHeadIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	_, head := chained(t, []Line{{ID: "one"}})
	for _, h := range []Head{{}, head} {
		if got, err := ParseHead(h.String()); err != nil || got != h {
			t.Errorf("%q: %v, %v", h, got, err)
		}
	}
	for _, text := range []string{"", "1", "1 \n", "0 " + head.Hash + "\n", "01 " + head.Hash + "\n", "1 " + head.Hash,
		head.String() + "\n", "x y\n"} {
		if h, err := ParseHead(text); err == nil {
			t.Errorf("%q is read as %v", text, h)
		}
	}
}
