// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"runtime/debug"
	"strings"
)

// component is a module in a bill of materials.
type component struct {
	Ref     string `json:"bom-ref"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Hashes  []hash `json:"hashes,omitempty"`
	Purl    string `json:"purl"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

// contents returns the bill of materials of a binary in CycloneDX: the modules that Go's linker says are in it, each
// with the hash that go.sum has. cyclonedx-gomod finds the same in the binary (scripts/verify compares), but writes the
// moment and a random number as well.
func contents(version string, binary []byte) ([]byte, error) {
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return nil, err
	}
	parts := []component{module("stdlib", strings.TrimPrefix(info.GoVersion, "go"), "")} // the name that scanners know
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		parts = append(parts, module(d.Path, d.Version, d.Sum))
	}
	whole := application(info.Main, version, binary)
	refs := make([]string, len(parts))
	for i, p := range parts {
		refs[i] = p.Ref
	}
	text, err := json.MarshalIndent(map[string]any{
		"$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.6",
		"version":      1,
		"metadata":     map[string]any{"component": whole},
		"components":   parts,
		"dependencies": []any{map[string]any{"ref": whole.Ref, "dependsOn": refs}},
	}, "", "  ")
	return append(text, '\n'), err
}

// application is the program itself, with the hash of its file.
func application(main debug.Module, version string, binary []byte) component {
	c := module(main.Path, "v"+version, "")
	c.Type, c.Version = "application", version
	sum := sha256.Sum256(binary)
	c.Hashes = []hash{{"SHA-256", hex.EncodeToString(sum[:])}}
	return c
}

func module(path, version, sum string) component {
	purl := "pkg:golang/" + path + "@" + version
	c := component{Ref: purl, Type: "library", Name: path, Version: version, Purl: purl}
	if text, ok := strings.CutPrefix(sum, "h1:"); ok {
		if raw, err := base64.StdEncoding.DecodeString(text); err == nil {
			c.Hashes = []hash{{"SHA-256", hex.EncodeToString(raw)}}
		}
	}
	return c
}
