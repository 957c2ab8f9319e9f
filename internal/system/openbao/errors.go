// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"errors"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// taken reports whether a mount is there already.
func taken(err error) bool { return client.Said(err, "path is already in use") }

// noIssuer reports whether the authority has nothing to sign by, because its issuer was deleted or is being changed.
func noIssuer(err error) bool { return client.Said(err, "no default issuer") }

// away reports whether what was asked for needs a mount that is gone, or an issuer that is.
func away(err error) bool { return errors.Is(err, access.ErrUnsupported) || noIssuer(err) }

// ifThere returns an error, but none of what is not there, or whose mount is not.
func ifThere(err error) error {
	if errors.Is(err, access.ErrUnsupported) {
		return nil
	}
	return client.Gone(err)
}

// ambiguous reports whether the change may have been made.
func ambiguous(err error) bool {
	var refused *client.Error
	return errors.As(err, &refused) && refused.Ambiguous
}

// permitted makes no error of what the login may not do.
func permitted(err error) error {
	if errors.Is(err, access.ErrNotPermitted) {
		return nil
	}
	return err
}
