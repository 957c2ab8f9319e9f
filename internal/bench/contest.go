// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/provider"
)

const (
	partnerAddress = "registry.terraform.io/partner-access/partner"
	hollowAddress  = "registry.terraform.io/partner-access/hollow"
)

// ourSettings are those that main of our provider chooses for itself: they tell what is owed to them, and what to us.
const ourSettings = "TF_LOG_SDK=OFF TF_LOG_SDK_FRAMEWORK=OFF TF_LOG_SDK_PROTO=OFF GOGC=400 GOMEMLIMIT=365MiB"

// contest is one command of Terraform, run by rivals.
type contest struct {
	what      string
	terraform string
	arguments []string
	rivals    []*rival // ours, hollow, hollow with our settings, echo, terraform_data
	// fresh: every run begins with nothing.
	fresh bool
}

// rival is one provider in a contest.
type rival struct {
	name, dir, binary string
	// settings are variables for the provider's process alone.
	settings string
	runs     []run
}

// run is what one run took.
type run struct {
	took time.Duration
	// cpu is what all processes used; providerCPU what those of the provider did, and peak is the most memory that one
	// of them held.
	cpu, providerCPU time.Duration
	peak             int64
}

// newContest sets up a directory for each rival: the same world as its configuration, and a terraform.rc that finds its
// binary.
func newContest(o options, dir, what string, w *world, arguments ...string) (*contest, error) {
	c := &contest{what: what, terraform: o.terraform, arguments: append(arguments, "-input=false", "-no-color")}
	for at, r := range []struct{ name, binary, settings, configuration string }{
		{"this provider", "terraform-provider-partner", "", w.partnerConfiguration(partnerAddress)},
		{"hollow provider", "terraform-provider-hollow", "", w.partnerConfiguration(hollowAddress)},
		{"hollow, with our settings", "terraform-provider-hollow", ourSettings, w.partnerConfiguration(hollowAddress)},
		{"echo", "terraform-provider-hollow", ourSettings + " HOLLOW_ECHO=1", w.partnerConfiguration(hollowAddress)},
		{"terraform_data", "", "", w.dataConfiguration()},
	} {
		rival := &rival{name: r.name, dir: filepath.Join(dir, strconv.Itoa(at)), settings: r.settings}
		if r.binary != "" {
			rival.binary = filepath.Join(o.binaries, r.binary)
		}
		if err := rival.setUp(o, r.configuration); err != nil {
			return nil, err
		}
		c.rivals = append(c.rivals, rival)
	}
	return c, nil
}

// setUp writes the configuration, and a CLI configuration in which metered stands in the providers' place.
func (r *rival) setUp(o options, configuration string) error {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	overrides := ""
	for address, name := range map[string]string{partnerAddress: "partner", hollowAddress: "hollow"} {
		dir := filepath.Join(r.dir, "metered", name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := os.Symlink(filepath.Join(o.binaries, "metered"),
			filepath.Join(dir, "terraform-provider-"+name)); err != nil {
			return err
		}
		overrides += fmt.Sprintf("    %q = %q\n", address, dir)
	}
	cli := "provider_installation {\n  dev_overrides {\n" + overrides + "  }\n  direct {}\n}\n"
	return errors.Join(
		os.WriteFile(filepath.Join(r.dir, "main.tf"), []byte(configuration), 0o600),
		os.WriteFile(filepath.Join(r.dir, "terraform.rc"), []byte(cli), 0o600),
	)
}

// planContest returns a plan of what is there already, and as it is declared.
func planContest(ctx context.Context, o options, dir string) (*contest, error) {
	w, err := newWorld(o.planned, filepath.Join(dir, "access"), access.WallClock())
	if err != nil {
		return nil, err
	}
	c, err := newContest(o, dir, fmt.Sprintf("no-op plan of %d resources", o.planned), w, "plan", "-detailed-exitcode")
	if err != nil {
		return nil, err
	}
	all, walk, err := applied(ctx, provider.New("bench", access.WallClock), w)
	if err != nil {
		return nil, err
	}
	hollow := func() ([]byte, error) { return w.partnerState(walk, all, hollowAddress) }
	for at, state := range []func() ([]byte, error){
		func() ([]byte, error) { return w.partnerState(walk, all, partnerAddress) },
		hollow, hollow, hollow, w.dataState,
	} {
		text, err := state()
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(c.rivals[at].dir, "terraform.tfstate"), text, 0o600); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// applyContest returns an apply where nothing is yet.
func applyContest(o options, dir string) (*contest, error) {
	w, err := newWorld(o.applied, "access", access.WallClock())
	if err != nil {
		return nil, err
	}
	c, err := newContest(o, dir, fmt.Sprintf("first apply of %d resources", o.applied), w, "apply", "-auto-approve")
	if err != nil {
		return nil, err
	}
	c.fresh = true
	// an apply cannot be answered so
	c.rivals = slices.DeleteFunc(c.rivals, func(r *rival) bool { return r.name == "echo" })
	return c, nil
}

// runOne runs Terraform once for a rival, and returns how long that took, the CPU of all processes, and what metered
// noted of the provider. An apply begins with nothing.
func (c *contest) runOne(ctx context.Context, r *rival) (run, error) {
	usage := filepath.Join(r.dir, "usage")
	leftovers := []string{usage}
	if c.fresh {
		leftovers = append(leftovers, filepath.Join(r.dir, "access"), filepath.Join(r.dir, "terraform.tfstate"),
			filepath.Join(r.dir, "terraform.tfstate.backup"))
	}
	for _, path := range leftovers {
		if err := os.RemoveAll(path); err != nil {
			return run{}, err
		}
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, c.terraform, c.arguments...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = r.dir, &said, &said
	cmd.Env = append(environment(), "TF_CLI_CONFIG_FILE="+filepath.Join(r.dir, "terraform.rc"),
		"BENCH_PROVIDER="+r.binary, "BENCH_SETTINGS="+r.settings,
		"BENCH_USAGE="+usage)
	took := stopwatch()
	if err := cmd.Run(); err != nil {
		return run{}, fmt.Errorf("%s, %s: %w\n%s", c.what, r.name, err, said.Bytes()[:min(said.Len(), 4000)])
	}
	of := run{took: took(), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	return of, of.read(usage)
}

// read adds up what the processes of the provider used.
func (r *run) read(usage string) error {
	list, err := os.ReadFile(usage)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines := bufio.NewScanner(bytes.NewReader(list))
	for lines.Scan() {
		var process struct {
			CPU  time.Duration `json:"cpu"`
			Peak int64         `json:"peak"`
		}
		if err := json.Unmarshal(lines.Bytes(), &process); err != nil {
			return err
		}
		r.providerCPU += process.CPU
		r.peak = max(r.peak, process.Peak)
	}
	return lines.Err()
}

// environment returns ours without what changes how Terraform, its providers or Go behave.
func environment() []string {
	clean := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "TF_") ||
			strings.HasPrefix(v, "PARTNER_") ||
			strings.HasPrefix(v, "GOGC=") ||
			strings.HasPrefix(v, "GOMEMLIMIT=") || strings.HasPrefix(v, "GODEBUG=") ||
			strings.HasPrefix(v, "GOMAXPROCS=")
	})
	return append(clean, "CHECKPOINT_DISABLE=1")
}

// terraformVersion returns the first line of terraform version.
func terraformVersion(ctx context.Context, terraform string) (string, error) {
	out, err := exec.CommandContext(ctx, terraform, "version").Output()
	if err != nil {
		return "", fmt.Errorf("run %s: %w", terraform, err)
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return first, nil
}
