// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-version"
)

// commandLine is the CLI that the tests drive, under the name that terraform-plugin-testing gave the setting:
//
//	TF_ACC_TERRAFORM_PATH=$PWD/.tools/bin/tofu go test ./internal/provider/
//
// If it is not set, it is the terraform on the PATH or in .tools/bin, else the tofu.
const commandLine = "TF_ACC_TERRAFORM_PATH"

// errNoCLI says that there is neither.
var errNoCLI = errors.New("no terraform and no tofu: `make tools` gets one")

// cliFound is the CLI that was found.
type cliFound struct {
	openTofu bool
	version  *version.Version
}

// theCLI is found once. On OpenTofu a provider without a source is of another registry, which
// terraform-plugin-testing has to be told.
var theCLI = sync.OnceValues(func() (found cliFound, err error) {
	path := os.Getenv(commandLine)
	if path == "" {
		path = firstCLI()
	}
	if path == "" {
		return found, errNoCLI
	}
	if path, err = filepath.Abs(path); err != nil {
		return found, err
	}
	// OpenTofu warns of settings that are not there, where terraform-plugin-testing reads its version.
	const settings = "TF_CLI_CONFIG_FILE"
	if _, missing := os.Stat(os.Getenv(settings)); missing != nil {
		err = os.Unsetenv(settings)
	}
	if err != nil {
		return found, err
	}
	said, err := exec.Command(path, "version").Output()
	if err != nil {
		return found, err
	}
	kind, number, _ := strings.Cut(strings.SplitN(string(said), "\n", 2)[0], " v")
	if found.version, err = version.NewVersion(number); err != nil {
		return found, err
	}
	if found.openTofu = kind == "OpenTofu"; found.openTofu {
		err = os.Setenv("TF_ACC_PROVIDER_HOST", "registry.opentofu.org")
	}
	return found, errors.Join(err, os.Setenv(commandLine, path))
})

func firstCLI() string {
	for _, name := range []string{"terraform", "tofu"} {
		for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), filepath.Join("..", "..", ".tools", "bin")) {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && !info.IsDir() {
				return path
			}
		}
	}
	return ""
}

// needTerraform finds the CLI, and skips the test if this machine has none.
func needTerraform(t testing.TB) {
	t.Helper()
	_, err := theCLI()
	switch {
	case errors.Is(err, errNoCLI) && os.Getenv("CI") == "":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
}

// slow skips a test that runs the CLI for seconds where make test-fast is asked for: one of its kind is left there.
func slow(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("it runs the CLI for seconds")
	}
}

// newerCLI skips a test of what an older CLI has not: the page on upgrades has the versions.
func newerCLI(t testing.TB, terraform, openTofu string) {
	t.Helper()
	needTerraform(t)
	found, _ := theCLI()
	oldest := terraform
	if found.openTofu {
		oldest = openTofu
	}
	if found.version.Core().LessThan(version.Must(version.NewVersion(oldest))) {
		t.Skipf("it needs %s; this is %s", oldest, found.version)
	}
}

// onOpenTofu reports whether the CLI is OpenTofu, for the little that it does otherwise.
func onOpenTofu(t testing.TB) bool {
	t.Helper()
	found, err := theCLI()
	if err != nil {
		t.Fatal(err)
	}
	return found.openTofu
}
