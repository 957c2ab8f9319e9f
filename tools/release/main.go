// SPDX-License-Identifier: MPL-2.0

// Command release writes the files of a release: an archive for each machine, what is in it, and the checksums of all.
// Two runs on one commit write the same bytes, whoever runs them and wherever.
//
//	go run ./tools/release [-targets linux_amd64,...] [-commit SHA -builder URL] VERSION FOLDER
//
// With a commit and a builder it also says where the archives come from.
package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	name     = "terraform-provider-partner"
	machines = "darwin_amd64,darwin_arm64,freebsd_amd64,freebsd_arm64," +
		"linux_amd64,linux_arm64,windows_amd64,windows_arm64"
)

// version is what registries take: a semantic version without a v.
var version = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

func main() {
	log.SetFlags(0)
	log.SetPrefix("release: ")
	targets := flag.String("targets", machines, "the machines to build for")
	from := origin{}
	flag.StringVar(&from.commit, "commit", "", "the commit that is checked out")
	flag.StringVar(&from.builder, "builder", "", "the URL of what builds it: a workflow")
	flag.Parse()
	if (from.commit == "") != (from.builder == "") {
		log.Fatal("-commit and -builder go together")
	}
	if flag.NArg() != 2 || !version.MatchString(flag.Arg(0)) {
		log.Fatal("usage: release [-targets OS_ARCH,...] VERSION FOLDER, with a version such as 1.2.0")
	}
	if err := write(flag.Arg(0), flag.Arg(1), strings.Split(*targets, ","), from); err != nil {
		log.Fatal(err)
	}
}

// write writes all files of a version into a folder that has none yet: what lay there before would
// be signed with the rest.
func write(version, folder string, targets []string, from origin) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	there, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		return fmt.Errorf("%s holds something: name a new folder", folder)
	}
	prefix := name + "_" + version
	manifest, err := os.ReadFile("terraform-registry-manifest.json")
	if err != nil {
		return err
	}
	files := map[string][]byte{prefix + "_manifest.json": manifest}
	for _, target := range targets {
		binary, err := build(version, target)
		if err != nil {
			return err
		}
		if files[prefix+"_"+target+".zip"], err = archive(version, target, binary); err != nil {
			return err
		}
		if files[prefix+"_"+target+".zip.cdx.json"], err = contents(version, binary); err != nil {
			return err
		}
	}
	if from.commit != "" {
		if files[prefix+"_provenance.json"], err = provenance(version, targets, from, files); err != nil {
			return err
		}
	}
	files[prefix+"_SHA256SUMS"] = sums(files)
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(folder, file), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// build returns the provider for one machine. Neither the folder nor the state of the checkout is in it.
func build(version, target string) ([]byte, error) {
	system, arch, ok := strings.Cut(target, "_")
	if !ok {
		return nil, fmt.Errorf("%q is no machine such as linux_amd64", target)
	}
	folder, err := os.MkdirTemp("", "release")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	binary := filepath.Join(folder, name)
	cmd := exec.Command("go", append(command(version), "-o", binary, ".")...)
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build for %s: %w\n%s", target, err, out)
	}
	return os.ReadFile(binary)
}

// buildFlags are how everything of the project is compiled, one flag a line beside comments. The
// makefile reads them too.
//
//go:embed build-flags
var buildFlags string

// command is how each machine's program is built.
func command(version string) []string {
	args := []string{"build"}
	for flag := range strings.Lines(buildFlags) {
		if !strings.HasPrefix(flag, "#") {
			args = append(args, strings.TrimSpace(flag))
		}
	}
	return append(args, "-buildvcs=false", "-ldflags", "-s -w -X main.version="+version)
}

// archive returns the zip that registries hand out. Its files are of the first day that a zip can say.
func archive(version, target string, binary []byte) ([]byte, error) {
	license, err := os.ReadFile("LICENSE")
	if err != nil {
		return nil, err
	}
	program := name + "_v" + version
	if strings.HasPrefix(target, "windows_") {
		program += ".exe"
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, file := range []struct {
		name    string
		mode    os.FileMode
		content []byte
	}{{"LICENSE", 0o644, license}, {program, 0o755, binary}} {
		header := &zip.FileHeader{
			Name:     file.name,
			Method:   zip.Deflate,
			Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC),
		}
		header.SetMode(file.mode)
		w, err := z.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(file.content); err != nil {
			return nil, err
		}
	}
	err = z.Close()
	return b.Bytes(), err
}

// sums returns the checksums as sha256sum reads them.
func sums(files map[string][]byte) []byte {
	var lines []string
	for file, content := range files {
		lines = append(lines, fmt.Sprintf("%x  %s\n", sha256.Sum256(content), file))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) })
	return []byte(strings.Join(lines, ""))
}
