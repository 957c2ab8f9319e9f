package provider_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// commandLine is the CLI that the tests drive, under the name that terraform-plugin-testing gave the setting:
//
//	TF_ACC_TERRAFORM_PATH=$PWD/.tools/bin/tofu go test ./internal/provider/
//
// If it is not set, it is the terraform on the PATH or in .tools/bin, else the tofu.
const commandLine = "TF_ACC_TERRAFORM_PATH"

// errNoCLI says that there is neither.
var errNoCLI = errors.New("no terraform and no tofu: `make tools` gets one")

// theCLI is found once. On OpenTofu a provider without a source is of another registry, which terraform-plugin-testing has to be told.
var theCLI = sync.OnceValues(func() (openTofu bool, err error) {
	path := os.Getenv(commandLine)
	if path == "" {
		path = firstCLI()
	}
	if path == "" {
		return false, errNoCLI
	}
	if path, err = filepath.Abs(path); err != nil {
		return false, err
	}
	// OpenTofu warns of settings that are not there, where terraform-plugin-testing reads its version.
	const settings = "TF_CLI_CONFIG_FILE"
	if _, missing := os.Stat(os.Getenv(settings)); missing != nil {
		err = os.Unsetenv(settings)
	}
	if err != nil {
		return false, err
	}
	said, err := exec.Command(path, "version").Output()
	if err != nil {
		return false, err
	}
	openTofu = strings.HasPrefix(string(said), "OpenTofu v")
	if openTofu {
		err = os.Setenv("TF_ACC_PROVIDER_HOST", "registry.opentofu.org")
	}
	return openTofu, errors.Join(err, os.Setenv(commandLine, path))
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

// onOpenTofu reports whether the CLI is OpenTofu, for the little that it does otherwise.
func onOpenTofu(t testing.TB) bool {
	t.Helper()
	openTofu, err := theCLI()
	if err != nil {
		t.Fatal(err)
	}
	return openTofu
}
