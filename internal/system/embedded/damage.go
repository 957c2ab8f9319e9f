// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"errors"
	"io/fs"
	"maps"
	"syscall"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// damage are the objects whose files cannot be read, and why. Their identities publish nothing, and
// everybody else goes on.
type damage map[access.Ref]error

// harms reports whether a file that cannot be read is damage of its own object. Where the machine has no more of
// something, or the disk hangs, nothing is known of any file.
func harms(err error) bool {
	return errors.Is(err, access.ErrDamaged) ||
		errors.Is(err, fs.ErrPermission) ||
		errors.Is(err, syscall.EIO) ||
		noFile(err)
}

// noFile reports whether what lies in the place of a file is none: a directory, or a link to itself.
func noFile(err error) bool { return errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ELOOP) }

// damagedBy returns an error of a file as damage of it.
func damagedBy(path string, err error) error {
	if d := (*access.DamagedError)(nil); errors.As(err, &d) {
		return d
	}
	if f := (*failure)(nil); errors.As(err, &f) {
		err = f.cause
	}
	return &access.DamagedError{Record: path, Problem: err}
}

// of returns a damaged record of an identity; nil where all are whole.
func (x damage) of(id access.IdentityID) error {
	if len(x) == 0 {
		return nil
	}
	for _, ref := range order.Sorted(maps.Keys(x), ledger.CompareRefs) {
		if _, holder, err := access.ParseRef(ref.Type, ref.ID); err == nil && holder == id {
			return x[ref]
		}
	}
	return nil
}
