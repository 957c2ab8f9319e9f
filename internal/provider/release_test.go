// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

const snapshot = "0.1.0-snapshot"

// A release is the same bytes whoever builds it, from whichever folder; Terraform and OpenTofu install it from a
// mirror; and it is signed as registries and sha256sum read it.
func TestASnapshotReleaseIsReproducibleInstalledAndVerified(t *testing.T) {
	thorough(t)
	needTerraform(t)
	first := filepath.Join(t.TempDir(), "release")
	again := filepath.Join(t.TempDir(), "release")
	releaseOf(t, filepath.Join("..", ".."), first)
	releaseOf(t, checkedOut(t), again)
	sums := readSums(t, first)
	if other := readSums(t, again); sums != other {
		t.Errorf("two builds differ:\n%s\n%s", sums, other)
	}
	archive := "terraform-provider-partner_" + snapshot + "_" + runtime.GOOS + "_" + runtime.GOARCH + ".zip"
	t.Run("is what it says", func(t *testing.T) { releaseHolds(t, filepath.Join(first, archive)) })
	t.Run("has a valid bill", func(t *testing.T) { billIsValid(t, filepath.Join(first, archive+".cdx.json")) })
	t.Run("signed", func(t *testing.T) { releaseIsSigned(t, first) })
	// by the CLI that tests drive
	t.Run("installed", func(t *testing.T) { releaseIsInstalled(t, filepath.Join(first, archive)) })
}

func releaseOf(t *testing.T, checkout, folder string) {
	t.Helper()
	cmd := exec.Command("go", "run", "./tools/release", "-targets", runtime.GOOS+"_"+runtime.GOARCH,
		"-commit", "0123456789abcdef0123456789abcdef01234567", "-builder", "https://example.com/workflow", snapshot,
		folder)
	cmd.Dir = checkout
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// checkedOut is a copy of what is checked out here, in another folder and without its history.
func checkedOut(t *testing.T) string {
	t.Helper()
	root, folder := filepath.Join("..", ".."), t.TempDir()
	for _, part := range []string{"go.mod", "go.sum", "main.go", "LICENSE", "terraform-registry-manifest.json"} {
		text, err := os.ReadFile(filepath.Join(root, part))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, part), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{"internal", filepath.Join("tools", "release")} {
		if err := os.CopyFS(filepath.Join(folder, part), os.DirFS(filepath.Join(root, part))); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func readSums(t *testing.T, folder string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "terraform-provider-partner_"+snapshot+"_SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// releaseHolds looks into an archive: the binary of the version, the license, and in its bill of materials what
// Go says of the binary.
func releaseHolds(t *testing.T, archive string) {
	folder, names := t.TempDir(), []string{}
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, file := range z.File {
		names = append(names, fmt.Sprintf("%s %o", file.Name, file.Mode().Perm()))
		in, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(in)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, file.Name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	program := "terraform-provider-partner_v" + snapshot
	if size := z.File[len(z.File)-1].UncompressedSize64; size >= 28e6 {
		t.Errorf("the binary has %d bytes, and 28 MB are the limit", size)
	}
	if want := []string{"LICENSE 644", program + " 755"}; !slices.Equal(names, want) {
		t.Errorf("the archive holds %v, want %v", names, want)
	}
	said, err := exec.Command("go", "version", "-m", filepath.Join(folder, program)).Output()
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		Format     string `json:"bomFormat"`
		Components []struct{ Name, Version string }
	}
	text, err := os.ReadFile(archive + ".cdx.json")
	if err == nil {
		err = json.Unmarshal(text, &bill)
	}
	if err != nil || bill.Format != "CycloneDX" {
		t.Fatalf("no bill of materials: %v", err)
	}
	listed := map[string]bool{}
	for _, c := range bill.Components {
		listed[c.Name+" "+c.Version] = true
	}
	deps := 0
	for line := range strings.Lines(string(said)) {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "dep" {
			deps++
			if !listed[words[1]+" "+words[2]] {
				t.Errorf("the bill of materials lacks %s %s", words[1], words[2])
			}
		}
	}
	if deps == 0 || len(listed) != deps+1 {
		t.Errorf("%d modules and the standard library are in the binary, and %d components in the bill of materials",
			deps, len(listed))
	}
}

// billIsValid asks the schema of CycloneDX, which refuses a bill with a word that it does not know.
func billIsValid(t *testing.T, bill string) {
	path := filepath.Dir(realtool.Find(t, "cyclonedx-python")) + string(os.PathListSeparator) + os.Getenv("PATH")
	asks := func(bill string) (string, error) {
		cmd := exec.Command(filepath.Join("..", "..", "scripts", "valid-bill"), bill)
		cmd.Env = append(os.Environ(), "PATH="+path)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := asks(bill); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(bill)
	if err != nil {
		t.Fatal(err)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.cdx.json")
	if err := os.WriteFile(wrong, []byte(strings.Replace(string(text), `"type": "library"`, `"type": "book"`, 1)),
		0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := asks(wrong); err == nil || !strings.Contains(out, "'book' is not one of") {
		t.Errorf("a component that is a book is valid: %v\n%s", err, out)
	}
}

// releaseIsSigned signs with a key of this test, as the signing job does with its own, and verifies as a user does.
func releaseIsSigned(t *testing.T, folder string) {
	gpg := realtool.Find(t, "gpg")
	home, err := os.MkdirTemp("/tmp", "gpg") // its agent's socket has to have a short path
	if err != nil {
		t.Fatal(err)
	}
	run := func(command string, args ...string) ([]byte, error) {
		cmd := exec.Command(command, args...)
		cmd.Dir, cmd.Env = folder, append(os.Environ(), "GNUPGHOME="+home)
		return cmd.CombinedOutput()
	}
	t.Cleanup(func() {
		_, _ = run("gpgconf", "--kill", "all")
		_ = os.RemoveAll(home)
	})
	must := func(command string, args ...string) {
		t.Helper()
		if out, err := run(command, args...); err != nil {
			t.Fatalf("%s %v: %v\n%s", command, args, err, out)
		}
	}
	must(gpg, "--batch", "--passphrase", "", "--quick-generate-key", "release@example.com", "rsa3072", "sign", "1d")
	sign, err := filepath.Abs(filepath.Join("..", "..", "scripts", "sign"))
	if err != nil {
		t.Fatal(err)
	}
	must(sign, ".", "release@example.com")
	verify, err := filepath.Abs(filepath.Join("..", "..", "scripts", "verify"))
	if err != nil {
		t.Fatal(err)
	}
	must(verify, ".")
	manifest := filepath.Join(folder, "terraform-provider-partner_"+snapshot+"_manifest.json")
	if err := os.WriteFile(manifest, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(sign, ".", "release@example.com"); err == nil {
		t.Errorf("what fits no checksum is signed:\n%s", out)
	}
	if out, err := run(verify, "."); err == nil || !strings.Contains(string(out), "is not what") {
		t.Errorf("a file that fits no checksum is verified: %v\n%s", err, out)
	}
}

// releaseIsInstalled installs an archive from a mirror of the file system, and applies with it.
func releaseIsInstalled(t *testing.T, archive string) {
	c := newCLI(t)
	text, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	mirror := filepath.Join(c.folder, "mirror")
	for _, registry := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		folder := filepath.Join(mirror, registry, "partner-access", "partner")
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(archive)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.file("cli.tfrc", fmt.Sprintf("provider_installation {\n  filesystem_mirror { path = %q }\n}\n", mirror))
	c.file("main.tf", "terraform {\n  required_providers {\n    partner = {\n      source  = "+
		"\"partner-access/partner\"\n      version = \""+snapshot+
		"\"\n    }\n  }\n}\nprovider \"partner\" {\n  environment = \"prod\"\n}\n"+identity(quarter()))
	if out := c.must("init", "-no-color"); !strings.Contains(out, snapshot) {
		t.Errorf("it does not say that it installs %s:\n%s", snapshot, out)
	}
	c.must("apply", "-auto-approve", "-no-color")
	c.must("plan", "-detailed-exitcode", "-no-color")
	c.must("destroy", "-auto-approve", "-no-color")
}
