// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"errors"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// What OpenBao's errors mean to this package. OpenBao has no codes beside the status, so some are known by their text;
// the tests run against the real server, and would fail with another text.

// taken reports whether a mount is there already.
func taken(err error) bool { return client.Said(err, "path is already in use") }

// noIssuer reports whether the authority has nothing to sign by, because its issuer was deleted or is being changed
// (internal/builtin/logical/pki/storage.go: "no default issuer currently configured").
func noIssuer(err error) bool { return client.Said(err, "no default issuer") }

// away reports whether what was asked for needs a mount that is gone, or an issuer that is. Then nothing can be made or
// issued there, and nobody logs in by it either: what takes away goes on.
func away(err error) bool { return errors.Is(err, access.ErrUnsupported) || noIssuer(err) }

// ifThere returns an error, but none of what is not there, or whose mount is not.
func ifThere(err error) error {
	if errors.Is(err, access.ErrUnsupported) {
		return nil
	}
	return client.Gone(err)
}

// ambiguous reports whether the change may have been made, so that it has to be read back.
func ambiguous(err error) bool {
	var refused *client.Error
	return errors.As(err, &refused) && refused.Ambiguous
}

// permitted returns an error, but none of what the login may not do: for what is only looked at if it may.
func permitted(err error) error {
	if errors.Is(err, access.ErrNotPermitted) {
		return nil
	}
	return err
}
