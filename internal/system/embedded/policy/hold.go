// SPDX-License-Identifier: MPL-2.0

package policy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Hold is who was cut by hand. It is published as a small bundle of its own, so that cut.sh can write another
// one at any moment, whatever else was published since. It is not signed: nobody could add to it then without
// our key, and who can put another one in its place could as well put back the last one, from before the cut,
// whose signature is as good.
type Hold struct {
	// Held are partners, identities and credentials on hold, by their names and ids: all that these have,
	// and what hangs on them.
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

// Text returns what HoldText says: a line for each that is on hold or released, which a shell can add and take away.
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

// holdFiles returns the files that say who is on hold. The same text gives the same bytes.
func holdFiles(h Hold) (map[string][]byte, error) {
	text := h.Text()
	bundle, err := bundleFile("partner_hold", nil, member{"data.json", text})
	if err != nil {
		return nil, err
	}
	return map[string][]byte{HoldText: text, HoldBundle: bundle}, nil
}

// Says reports whether a text says what a hold says, in whatever order: cut.sh writes who was cut last first.
func (h Hold) Says(text []byte) bool {
	lines := func(text []byte) []string { return slices.Sorted(strings.Lines(string(text))) }
	return slices.Equal(lines(h.Text()), lines(text))
}

// untar returns the last file of a name; nil where there is none.
func untar(archive io.Reader, name string) (found []byte, err error) {
	files := tar.NewReader(archive)
	for {
		f, err := files.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err == nil && f.Name == name {
			found, err = io.ReadAll(io.LimitReader(files, mostText))
		}
		if err != nil {
			return nil, err
		}
	}
}

// Unpack returns a file of a bundle, which has nothing but its own end behind it.
func Unpack(bundle []byte, name string) (found []byte, err error) {
	zip, err := gzip.NewReader(bytes.NewReader(bundle))
	if err != nil {
		return nil, fmt.Errorf("unpack the bundle: %w", err)
	}
	if found, err = untar(zip, name); err != nil {
		return nil, fmt.Errorf("unpack the bundle: %w", err)
	}
	rest, err := io.ReadAll(io.LimitReader(zip, mostText))
	if err == nil && (len(bytes.Trim(rest, "\x00")) > 0 || found == nil) {
		err = errors.New("it has more in it, or less")
	}
	if err != nil {
		return nil, fmt.Errorf("unpack the bundle: %w", err)
	}
	return found, nil
}

// mostText is the most that is read of a file in a bundle.
const mostText = 1 << 26
