// SPDX-License-Identifier: MPL-2.0

//go:build unix

// Command metered stands in the place of a provider, runs it, and writes down what it used. It is told by
// BENCH_PROVIDER what to run, by BENCH_SETTINGS which variables to set for it alone, and by BENCH_USAGE where to write.
package main

import (
	"encoding/json"
	"errors"
	"log"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

func main() {
	provider := exec.Command(os.Getenv("BENCH_PROVIDER"), os.Args[1:]...)
	provider.Env = append(os.Environ(), strings.Fields(os.Getenv("BENCH_SETTINGS"))...)
	provider.Stdin = os.Stdin
	provider.Stdout = os.Stdout
	provider.Stderr = os.Stderr
	err := provider.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		log.Fatal(err)
	}
	if err := note(provider.ProcessState); err != nil {
		log.Fatal(err)
	}
	os.Exit(provider.ProcessState.ExitCode())
}

// note adds a line to the list of what was used.
func note(of *os.ProcessState) error {
	used := of.SysUsage().(*syscall.Rusage)
	peak := int64(used.Maxrss) //nolint:unconvert // its type differs between systems
	if runtime.GOOS != "darwin" {
		peak *= 1024 // getrusage(2): bytes on macOS, kilobytes elsewhere
	}
	line, err := json.Marshal(map[string]any{"cpu": of.UserTime() + of.SystemTime(), "peak": peak})
	if err != nil {
		return err
	}
	list, err := os.OpenFile(os.Getenv("BENCH_USAGE"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := list.Write(append(line, '\n')); err != nil {
		return err
	}
	return list.Close()
}
