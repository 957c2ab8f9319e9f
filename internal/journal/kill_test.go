// SPDX-License-Identifier: MPL-2.0

//go:build unix

package journal

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process that writes as fast as it can, in several lines at once, is killed at any moment: whoever comes next goes
// on, every line that was answered is there, and all of it verifies.
func TestKilledWhileItWrites(t *testing.T) {
	if path := childPath(); path != "" {
		writeUntilKilled(path)
		return
	}
	t.Parallel()
	j := newJournal(t)
	killings := 30
	if testing.Short() {
		killings = 5
	}
	answered, waited, healings, behind := 0, 0, 0, 0
	for round := range killings {
		cmd := child(t, t.Name(), j.path, "")
		said := heard(t, cmd)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if round%3 != 0 { // else it may be killed before its first line, too
			said.first()
			waited++
		}
		time.Sleep(rand.N(90 * time.Millisecond))
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		lines := said.all()
		_ = cmd.Wait()
		if ahead(t, j) {
			behind++
		}
		healed, err := j.Append(Line{Phase: Intent, ID: "round " + strconv.Itoa(round)})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if healed != "" {
			healings++
		}
		there := map[string]bool{}
		for line := range bytes.Lines(contentOf(t, j.path)) {
			_, id, _ := bytes.Cut(line[:min(len(line), 400)], []byte(`"id":"`))
			id, _, _ = bytes.Cut(id, []byte(`"`))
			there[string(id)] = true
		}
		for id := range strings.Lines(lines) {
			id, whole := strings.CutSuffix(id, "\n")
			if whole && !there[id] {
				t.Errorf("round %d: %s was answered, and is not there", round, id)
			}
			answered++
		}
	}
	head, err := ParseHead(string(contentOf(t, j.headPath())))
	if err != nil {
		t.Fatal(err)
	}
	if v := verify(t, contentOf(t, j.path), &head); v.Problem != "" || v.Last != head {
		t.Errorf("%+v, head %v", v, head)
	}
	t.Logf("%d killings, %d lines answered, %d lines in all; %d left a line torn, %d a head that was behind", killings,
		answered, head.Seq, healings, behind)
	if answered <= waited { // however busy the machine is
		t.Error("hardly a line was written: the killings hit nothing")
	}
}

// hearing is what a process prints.
type hearing struct {
	t     *testing.T
	begun chan struct{}
	whole chan string
}

// heard listens to a process that is not started yet.
func heard(t *testing.T, cmd *exec.Cmd) hearing {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	h := hearing{t, make(chan struct{}), make(chan string, 1)}
	go func() {
		in := bufio.NewReader(out)
		begin, _ := in.ReadString('\n')
		close(h.begun)
		rest, _ := io.ReadAll(in)
		h.whole <- begin + string(rest)
	}()
	return h
}

// first waits for the first line.
func (h hearing) first() {
	h.t.Helper()
	select {
	case <-h.begun:
	case <-time.After(time.Minute):
		h.t.Fatal("it wrote nothing within a minute")
	}
}

// all returns what was printed, once the process is gone.
func (h hearing) all() string { return <-h.whole }

// ahead says whether the journal has more lines than its head says.
func ahead(t *testing.T, j *Journal) bool {
	t.Helper()
	text, err := os.ReadFile(j.headPath())
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	head, err := ParseHead(string(text))
	if err != nil {
		t.Fatalf("a killing left the head unreadable: %v", err)
	}
	lines, err := os.ReadFile(j.path)
	return err == nil && int64(bytes.Count(lines, []byte("\n"))) > head.Seq
}

// writeUntilKilled prints the id of each line that was answered.
func writeUntilKilled(path string) {
	j := Open(path, Options{})
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			length := 200 << (4 * n) // long ones, too, since only those are ever caught in the middle
			for i := 0; ; i++ {
				id := strconv.Itoa(os.Getpid()) + "." + strconv.Itoa(n) + "." + strconv.Itoa(i)
				if _, err := j.Append(Line{Phase: Intent, ID: id, Error: strings.Repeat("x", length)}); err != nil {
					_, _ = os.Stderr.WriteString(filepath.Base(path) + ": " + err.Error() + "\n")
					os.Exit(1)
				}
				_, _ = os.Stdout.WriteString(id + "\n")
			}
		})
	}
	wg.Wait()
}

// A machine that loses its power can leave any part of a write. Each prefix of a batch is healed, and so is each of the
// moments between the line and the head.
func TestEveryPrefixOfAWriteIsHealed(t *testing.T) {
	t.Parallel()
	lines, _ := chained(t, []Line{{ID: "one"}, {ID: "two"}, {ID: "three"}})
	_, head := chained(t, []Line{{ID: "one"}})
	batch := string(lines[1]) + string(lines[2])
	j := newJournal(t)
	j.options.Clock = func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
	j.must(t, "before")
	for n := range len(batch) + 1 {
		put(t, j.path, []byte(string(lines[0])+batch[:n]))
		put(t, j.headPath(), []byte(head.String()))
		if _, err := j.Append(Line{ID: "next"}); err != nil {
			t.Fatalf("after %d bytes: %v", n, err)
		}
		whole := int64(2 + strings.Count(batch[:n], "\n"))
		if n == len(lines[1])-1 || n == len(batch)-1 { // only its newline is missing
			whole++
		}
		if whole > 2 {
			whole++ // the line that tells of it
		}
		j.holds(t, whole)
	}
}
