// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
)

// cli drives the real CLI with the real binary of the provider, in a folder of its own.
type cli struct {
	t      testing.TB
	folder string
	env    []string
}

// built is the provider's binary, built once.
var built = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "partner-provider")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(folder, "terraform-provider-partner"), "../..")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return folder, nil
})

// TestMain spares CPU: a garbage collector tuned for long lives takes a tenth of what the CLI does. The provider has
// the same setting by itself, see main.go; here it also runs in this process.
func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" {
		_ = os.Setenv("GOGC", "400") // for what is started from here
		debug.SetGCPercent(400)
	}
	if tools, err := filepath.Abs("../../.tools/bin"); err == nil { // the steps that a rehearsal runs want bao there
		_ = os.Setenv("PATH", tools+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	code := m.Run()
	if folder, err := built(); err == nil {
		_ = os.RemoveAll(folder)
	}
	os.Exit(code)
}

func newCLI(t testing.TB) *cli {
	t.Helper()
	needTerraform(t)
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	settings := filepath.Join(folder, "cli.tfrc")
	text := fmt.Sprintf("provider_installation {\n  dev_overrides { \"partner-access/partner\" = %q }\n  "+
		"direct {}\n}\n", binary)
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &cli{t: t, folder: folder,
		env: append(os.Environ(), "TF_CLI_CONFIG_FILE="+settings, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1",
			// keys for both ends, at each of the provider's four starts in an apply: an eighth of its time
			"TF_DISABLE_PLUGIN_TLS=1",
			"PARTNER_PASSPHRASE=")}
}

// write writes the configuration.
func (c *cli) write(text string) {
	c.t.Helper()
	const head = "terraform {\n  required_providers {\n    partner = { source = \"partner-access/partner\" }\n  }\n}\n"
	c.file("main.tf", head+text)
}

// file writes one file of the configuration.
func (c *cli) file(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.folder, name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// command is one run of the CLI, not yet started.
func (c *cli) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Getenv(commandLine), args...)
	cmd.Dir, cmd.Env = c.folder, c.env
	return cmd
}

// try runs the CLI and returns all that it printed.
func (c *cli) try(args ...string) (string, error) {
	var out bytes.Buffer
	cmd := c.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// must runs the CLI, which has to succeed.
func (c *cli) must(args ...string) string {
	c.t.Helper()
	out, err := c.try(args...)
	if err != nil {
		c.t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// files are the contents of all files below a folder of the run's.
func (c *cli) files(below ...string) map[string][]byte {
	c.t.Helper()
	found := map[string][]byte{}
	root := filepath.Join(append([]string{c.folder}, below...)...)
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, c.folder+string(filepath.Separator))] = text
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		c.t.Fatal(err)
	}
	return found
}
