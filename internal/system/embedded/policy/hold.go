package policy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Hold is who was cut by hand. It is published as a small bundle of its own, so that cut.sh can write another one at any
// moment, whatever else was published since. It is not signed: nobody could add to it then without our key, and who can put
// another one in its place could as well put back the last one, from before the cut, whose signature is as good.
type Hold struct {
	// Held are partners, identities and credentials on hold, by their names and ids: all that these have, and what hangs on
	// them.
	Held []string
	// Released are identities of such partners that are not on hold with them any more.
	Released []string
}

const holdFormat = 2

// The files that say who is on hold, by their path in the publish folder.
const (
	HoldText   = "policy/hold.json"
	HoldBundle = "hold.tar.gz"
)

// The document of policy/hold.json.
type (
	holdDocument struct {
		Hold held `json:"partner_hold"`
	}
	held struct {
		Format   int             `json:"format"`
		Held     map[string]bool `json:"held"`
		Released map[string]bool `json:"released"`
	}
)

// Text is what HoldText says: a line for each that is on hold or released, which a shell can add and take away.
func (h Hold) Text() []byte {
	var out strings.Builder
	section := func(names []string) {
		for _, name := range slices.Sorted(slices.Values(names)) {
			fmt.Fprintf(&out, "%q:true,\n", name)
		}
	}
	fmt.Fprintf(&out, "{\"partner_hold\":{\"format\":%d,\"held\":{\n", holdFormat)
	section(h.Held)
	out.WriteString("\"\":false},\"released\":{\n")
	section(h.Released)
	out.WriteString("\"\":false}}}\n")
	return []byte(out.String())
}

// HoldFiles are the files that say who is on hold. The same text gives the same bytes.
func HoldFiles(h Hold) (map[string][]byte, error) {
	text := h.Text()
	bundle, err := bundleFile("partner_hold", nil, member{"data.json", text})
	if err != nil {
		return nil, err
	}
	return map[string][]byte{HoldText: text, HoldBundle: bundle}, nil
}

// HoldsMore reports whether a text holds all that a hold does, and releases nobody else.
func HoldsMore(h Hold, text []byte) bool {
	var d holdDocument
	if json.Unmarshal(text, &d) != nil || d.Hold.Format != holdFormat {
		return false
	}
	for _, name := range h.Held {
		if !d.Hold.Held[name] {
			return false
		}
	}
	for name, is := range d.Hold.Released {
		if is && !slices.Contains(h.Released, name) {
			return false
		}
	}
	return true
}

// Unpack is a file of a bundle.
func Unpack(bundle []byte, name string) ([]byte, error) {
	zip, err := gzip.NewReader(bytes.NewReader(bundle))
	if err != nil {
		return nil, fmt.Errorf("unpack the bundle: %w", err)
	}
	for files := tar.NewReader(zip); ; {
		f, err := files.Next()
		if err != nil {
			return nil, fmt.Errorf("unpack the bundle: %s: %w", name, err)
		}
		if f.Name == name {
			return io.ReadAll(io.LimitReader(files, 1<<26))
		}
	}
}
