// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"errors"
	"io/fs"

	"github.com/partner-access/terraform-provider-partner/internal/durable"
)

// The modes of what only its owner may read, and of what gateways read under users of their own.
const (
	privateFile, privateDir = fs.FileMode(0o600), fs.FileMode(0o700)
	publicFile, publicDir   = fs.FileMode(0o644), fs.FileMode(0o755)
)

// Outcomes of a change that failed.
const (
	nothingChanged = "Nothing was changed."
	perhapsChanged = "The change may have taken effect in part. The next run of Terraform finds out what exists, " +
		"publishes that, and finishes the rest."
)

// failure is an error of the store in the words of package access, with what became of the change.
type failure struct {
	kind, cause error
	outcome     string
}

// fail returns an error with its kind, in the words of package access, and what became of the change; nil where there
// is none. What failed first knows best: an error that says so already stays as it is.
func fail(err error, outcome string) error {
	if f := (*failure)(nil); err == nil || errors.As(err, &f) {
		return err
	}
	return &failure{kind: durable.Kind(err), cause: err, outcome: outcome}
}

// Error says what failed, and what became of the change.
func (f *failure) Error() string {
	return f.kind.Error() + ": " + f.cause.Error() + ". " + f.outcome
}

// Unwrap gives the sentinel and the cause.
func (f *failure) Unwrap() []error { return []error{f.kind, f.cause} }
