// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// An edited line in the middle was found by whoever reads all of it, and DESIGN said by every change: the next one
// looked at the end only.
func TestAnEditedOlderLineIsFoundByTheNextChange(t *testing.T) {
	t.Parallel()
	for what, edit := range map[string]func(t *testing.T, path string){
		"in its place": func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			at := bytes.Index(contentOf(t, path), []byte(`"id":"two"`))
			if _, err := f.WriteAt([]byte(`"id":"TWO"`), int64(at)); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		},
		"in a copy": func(t *testing.T, path string) {
			put(t, path+".copy", bytes.Replace(contentOf(t, path), []byte(`"id":"two"`), []byte(`"id":"TWO"`), 1))
			if err := os.Rename(path+".copy", path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, backdated := range []bool{false, true} {
			j := newJournal(t)
			j.must(t, "one", "two", "three", "four")
			before, err := os.Stat(j.path)
			if err != nil {
				t.Fatal(err)
			}
			aTickLater(t, j)
			edit(t, j.path)
			if backdated {
				if err := os.Chtimes(j.path, time.Time{}, before.ModTime()); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := j.Append(Line{ID: "five"}); !errors.Is(err, ErrTampered) ||
				!strings.Contains(err.Error(), "line 2 was changed") {
				t.Errorf("%s, backdated %t: %v", what, backdated, err)
			}
		}
	}
}

// aTickLater waits until the kernel's clock of files has moved on since the last line: what is written within one tick
// of it has the same time.
func aTickLater(t *testing.T, j *Journal) {
	t.Helper()
	last, err := os.Stat(j.path)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		put(t, j.path+".tick", nil)
		now, err := os.Stat(j.path + ".tick")
		if err != nil || time.Now().After(deadline) {
			t.Fatal("the clock of files stands still", err)
		}
		if now.ModTime().After(last.ModTime()) {
			return
		}
	}
}

// What nobody touched is not read: a change costs the same whatever the length of the journal.
func TestALongJournalIsNotReadWhereNobodyTouchedIt(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	j.must(t, "one", "two")
	f, err := os.Open(j.path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head, err := ParseHead(string(contentOf(t, j.headPath())))
	if err != nil || !j.untouched(f, head) {
		t.Fatal("it is read after each of its own lines", err)
	}
	if err := os.Chmod(j.path, 0o640); err != nil { // a stranger's touch that changes no line
		t.Fatal(err)
	}
	aTickLater(t, j)
	if err := os.Chmod(j.path, 0o600); err != nil {
		t.Fatal(err)
	}
	if j.untouched(f, head) {
		t.Error("a touch is not seen")
	}
	j.must(t, "three")
	if head, err = ParseHead(string(contentOf(t, j.headPath()))); err != nil || !j.untouched(f, head) {
		t.Error("it was read once, and would be read again", err)
	}
	// a stamp that is lost or damaged only costs time
	for _, stamp := range []string{"", "hello\n", strings.Replace(string(contentOf(t, j.stampPath())), "3 ", "4 ", 1)} {
		put(t, j.stampPath(), []byte(stamp))
		if j.untouched(f, head) {
			t.Errorf("%q fits", stamp)
		}
		j.must(t, "on")
		if head, err = ParseHead(string(contentOf(t, j.headPath()))); err != nil {
			t.Fatal(err)
		}
	}
}

// notary is a key that only its holder has.
type notary struct{ closed bool }

func (n *notary) Notarize(text []byte) string {
	if n.closed {
		return ""
	}
	return "signed:" + digest(text)
}

func (n *notary) Notarized(text []byte, signature string) (has, signed bool) {
	return true, signature == "signed:"+digest(text)
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Who edited an older line and wrote a stamp that fits was not found by any change. Beside a system with a
// key that takes the key.
func TestAForgedStampHasEveryLineRead(t *testing.T) {
	t.Parallel()
	forge := func(t *testing.T, j *Journal, signature string) {
		t.Helper()
		aTickLater(t, j)
		put(t, j.path, bytes.Replace(contentOf(t, j.path), []byte(`"id":"two"`), []byte(`"id":"TWO"`), 1))
		f, err := os.Open(j.path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		head, err := ParseHead(string(contentOf(t, j.headPath())))
		if err != nil {
			t.Fatal(err)
		}
		text, err := stampText(f, head)
		if err != nil {
			t.Fatal(err)
		}
		put(t, j.stampPath(), []byte(text+signature))
	}
	for _, forged := range []string{"", "\n", "signed:" + digest(nil) + "\n", "old"} {
		j := newJournal(t)
		j.notary = &notary{}
		j.must(t, "one", "two", "three", "four")
		if forged == "old" {
			_, forged, _ = strings.Cut(string(contentOf(t, j.stampPath())), "\n")
		}
		forge(t, j, forged)
		if _, err := j.Append(Line{ID: "five"}); !errors.Is(err, ErrTampered) ||
			!strings.Contains(err.Error(), "line 2 was changed") {
			t.Errorf("with the signature %q: %v", forged, err)
		}
	}
	j := newJournal(t) // a key that no change has opened yet signs nothing: the next one reads, and nothing is refused
	closed := &notary{closed: true}
	j.notary = closed
	j.must(t, "one", "two")
	closed.closed = false
	j.must(t, "three")
	f, err := os.Open(j.path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if head, err := ParseHead(string(contentOf(t, j.headPath()))); err != nil || !j.untouched(f, head) {
		t.Error("a signed stamp does not fit", err)
	}
}
