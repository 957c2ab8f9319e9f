// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// TestMain is also the other process of the tests that need several.
func TestMain(m *testing.M) {
	dir := os.Getenv("EMBEDDED_TEST_DIR")
	role := os.Getenv("EMBEDDED_TEST_ROLE")
	switch role {
	case "":
		code := m.Run()
		_ = os.RemoveAll(filepath.Dir(template()))
		_ = os.RemoveAll(filepath.Dir(neighbours()))
		os.Exit(code)
	case "writer":
		write(dir, os.Getenv("EMBEDDED_TEST_NAME"))
	case "holder":
		hold(dir)
	}
}

const changesEach = 12

func write(dir, name string) {
	s := Open(dir, Options{Environment: "prod", Clock: func() time.Time { return start }})
	id := access.IdentityID{Partner: "p", Environment: "prod", Name: name}
	objects := []access.Object{identity(id, 90)}
	for n := range changesEach {
		objects = append(objects, grant(id, fmt.Sprintf("g%d", n), "orders/*", 30, "read"))
	}
	for _, o := range objects {
		if _, err := s.Put(context.Background(), change(o)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("done", o.Ref())
	}
}

func hold(dir string) {
	l := newLock(paths{dir}, "the holder")
	_, err := l.try(start)
	fmt.Println("held", err)
	time.Sleep(time.Hour)
}

func process(t *testing.T, dir, role, name string) (*exec.Cmd, *output) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "EMBEDDED_TEST_DIR="+dir, "EMBEDDED_TEST_ROLE="+role, "EMBEDDED_TEST_NAME="+name)
	out := new(output)
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	return c, out
}

type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func TestEightProcessesLoseNothing(t *testing.T) {
	w := newWorld(t)
	commands, outs := make([]*exec.Cmd, 8), make([]*output, 8)
	for n := range 8 {
		commands[n], outs[n] = process(t, w.dir, "writer", "n"+strconv.Itoa(n))
	}
	for n, c := range commands {
		if err := c.Wait(); err != nil {
			t.Errorf("process %d: %v: %s", n, err, outs[n])
		}
	}
	all, err := w.List(w.ctx())
	if want := 8 * (changesEach + 1); err != nil || len(all) != want {
		t.Errorf("%d objects, want %d: %v", len(all), want, err)
	}
	for n := range 8 {
		if got := len(w.data().Identities[fmt.Sprintf("p/prod/n%d", n)].Grants); got != changesEach {
			t.Errorf("process %d: %d grants are published", n, got)
		}
	}
}

func TestWhatAKilledProcessWasToldStays(t *testing.T) {
	for round := range 6 {
		w := newWorld(t)
		c, out := process(t, w.dir, "writer", "n0")
		for strings.Count(out.String(), "done") < 1+round {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(round) * 3 * time.Millisecond)
		_ = c.Process.Kill()
		_ = c.Wait()
		all, err := w.List(w.ctx())
		if err != nil {
			t.Fatal(err)
		}
		told := strings.Count(out.String(), "done")
		if len(all) < told || len(all) > told+1 {
			t.Errorf("told of %d, there are %d", told, len(all))
		}
		if got := len(w.data().Identities["p/prod/n0"].Grants); got != len(all)-1 {
			t.Errorf("%d grants are published, the ledger has %d", got, len(all)-1)
		}
	}
}

func TestWhoWaitsInVainIsToldWhoHolds(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	c, out := process(t, w.dir, "holder", "")
	for !strings.Contains(out.String(), "held") {
		time.Sleep(time.Millisecond)
	}
	w.System = Open(w.dir, Options{Clock: w.clock, LockWait: 50 * time.Millisecond})
	_, err := w.try(grant(acme, "daily", "orders/*", 30, "read"))
	if !errors.Is(err, access.ErrUnavailable) ||
		!strings.Contains(err.Error(), "the holder (process "+strconv.Itoa(c.Process.Pid)) {
		t.Errorf("got %v", err)
	}
	if w.get(acme.Ref()).UID == "" { // a healthy ledger is read without the lock
		t.Error("not read")
	}
	ctx, cancel := context.WithTimeout(w.ctx(), 10*time.Millisecond)
	defer cancel()
	if _, err := w.Put(ctx, change(grant(acme, "daily", "orders/*", 30, "read"))); !errors.Is(err,
		context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	w.restart() // to wait longer
	w.put(grant(acme, "other", "orders/*", 30, "read"))
	if all, err := w.List(w.ctx()); err != nil || len(all) != 2 {
		t.Errorf("what was dropped was done: %v, %v", all, err)
	}
}

func TestConcurrentChangesShareAPublication(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	var publications atomic.Int64
	w.disk.Before = func(operation, path string) error {
		if operation == "rename" && filepath.Base(path) == "data.json" {
			publications.Add(1)
		}
		return nil
	}
	const changes = 60
	var wg sync.WaitGroup
	for n := range changes {
		wg.Go(func() {
			r, err := w.try(grant(acme, fmt.Sprintf("g%d", n), "orders/*", 30, "read"))
			if err != nil {
				t.Error(err)
				return
			}
			if !strings.Contains(w.read("publish/policy/data.json"), `"`+r.Object.(*access.Grant).Name+`"`) {
				t.Errorf("%s was answered before it was published", r.Object.Ref())
			}
		})
	}
	wg.Wait()
	if n := publications.Load(); n > changes/4 {
		t.Errorf("%d changes took %d publications", changes, n)
	}
}

func TestPutsAndDeletesAtTheSameTime(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			r, err := w.try(grant(acme, fmt.Sprintf("g%d", n), "orders/*", 30, "read"))
			if err == nil && n%2 == 0 {
				_, err = w.Delete(w.ctx(), r.Object.Ref(), r.UID)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(w.data().Identities[acme.String()].Grants); n != 10 {
		t.Errorf("%d grants are published", n)
	}
}

func TestACancelledChangeIsDroppedAndABegunOneFinished(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(w.ctx())
	w.disk.Before = func(operation, path string) error {
		if operation == "rename" && strings.HasSuffix(path, "generation.json") {
			cancel() // Terraform's stop signal, in the middle
		}
		return nil
	}
	if _, err := w.Put(ctx, change(identity(acme, 90))); err != nil {
		t.Errorf("what was begun was not finished: %v", err)
	}
	if _, err := w.Put(ctx, change(grant(acme, "daily", "orders/*", 30, "read"))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if all, err := w.List(w.ctx()); err != nil || len(all) != 1 {
		t.Errorf("got %v, %v", all, err)
	}
}
