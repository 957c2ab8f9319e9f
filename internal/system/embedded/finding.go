// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"path/filepath"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// finding is a file that is not as this system left it.
type finding struct {
	// file is its path below the directory, with why after it a sentence without its stop.
	file, why string
	// identity is whose it is; zero where it is of nobody.
	identity access.IdentityID
}

// ofKeys reports whether it is of the keys.
func (f finding) ofKeys() bool { return strings.HasPrefix(f.file, "keys/") }

func (st *standing) find(p paths, path, why string) {
	st.found = append(st.found, finding{file: p.named(path), why: why})
}

// named returns the path of a file below the directory.
func (p paths) named(path string) string {
	name, err := filepath.Rel(p.root, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(name)
}

func (f finding) String() string { return f.file + " " + f.why + "." }

// standing is what a directory says of itself, as far as it is signed.
type standing struct {
	raw generation // as generation.json has it
	// generation is the newest one that is signed, and what the ledger is believed to be.
	generation generation
	// was is the record of the publication; zero where it is not authentic.
	was published
	// found is what is not as this system left it.
	found []finding
}
