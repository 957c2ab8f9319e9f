// SPDX-License-Identifier: MPL-2.0

// Package realtool finds the real programs that judge our access in tests, and starts real servers among them on
// loopback. It is support for tests: nothing else imports it.
//
// A program that is missing skips the test, and fails it in CI: there nothing may be skipped.
package realtool

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Tick is how far time(2) may be behind: it tells the kernel's last tick, and nginx, openssl and sshd ask it. A tick
// takes 10 ms at most (time(7)).
const Tick = 10 * time.Millisecond

const (
	patience = 20 * time.Second // how long a server may take to become ready
	interval = 10 * time.Millisecond
)

// Find returns the path of a program: the one in .tools/bin of this repository, else the one on the PATH.
func Find(t testing.TB, name string) string {
	t.Helper()
	if root := repository(); root != "" {
		path := filepath.Join(root, ".tools", "bin", name)
		if executable(path) {
			return path
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	missing(t, "no "+name+" in .tools/bin or on the PATH: `make tools` gets it")
	return ""
}

// missing ends a test that this machine cannot run.
func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// repository returns the folder of go.mod above the working directory, which in a test is its package's folder.
func repository() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// server is a running program and what it printed.
type server struct {
	cmd    *exec.Cmd
	log    string
	exited chan struct{}
}

// start runs a server that stays in the foreground, prints to the file log, and ends with the test.
func start(t testing.TB, cmd *exec.Cmd, log string) *server {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", filepath.Base(cmd.Path), err)
	}
	s := &server{cmd: cmd, log: log, exited: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // killed by stop, or its log tells
		close(s.exited)
	}()
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(cmd.Path), s.said())
		}
	})
	return s
}

// stop kills the server and all its children.
func (s *server) stop() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // gone already is fine
	<-s.exited
}

// said returns what a server has logged so far, or why that cannot be read.
func (s *server) said() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(text))
}

// until polls a claim until it holds; false when patience or the server ended first.
func (s *server) until(claim func() bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if claim() {
			return true
		}
		select {
		case <-s.exited:
			return false
		case <-time.After(interval):
		}
	}
	return false
}

// freeAddr returns a loopback address that nobody listened on a moment ago, and that no other test is given
// until this one ends, in whatever process: a server that came too late would be taken for one that is ready,
// since the other one answers.
func freeAddr(t testing.TB) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		held, err := net.ListenPacket("udp", l.Addr().String()) // no server of ours speaks UDP
		_ = l.Close()
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = held.Close() })
		return l.Addr().String()
	}
}

// startOnFreeAddr tries again on another port when somebody took the first one in between.
func startOnFreeAddr(t testing.TB, begin func(addr string) *server, ready func(addr string) bool) (*server, string) {
	t.Helper()
	for attempt := 1; ; attempt++ {
		addr := freeAddr(t)
		s := begin(addr)
		if s.until(func() bool { return ready(addr) }) {
			return s, addr
		}
		s.stop()
		if attempt == 3 {
			t.Fatalf("%s does not get ready on %s; it said:\n%s", filepath.Base(s.cmd.Path), addr, s.said())
		}
	}
}

// write writes a file with the mode 0600, and returns its path.
func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
