package openbao

import (
	"errors"
	"net/http"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// said says whether OpenBao refused with a text.
func said(err error, text string) bool {
	var refused *client.Error
	if !errors.As(err, &refused) {
		return false
	}
	for _, m := range refused.Messages {
		if strings.Contains(m, text) {
			return true
		}
	}
	return false
}

// taken: a mount is there already.
func taken(err error) bool { return said(err, "path is already in use") }

// unheard: what may be the answer of a standby that has not heard of a mount, role or entity yet.
func unheard(err error) bool {
	var refused *client.Error
	return errors.Is(err, access.ErrNotFound) || errors.Is(err, access.ErrUnsupported) ||
		errors.As(err, &refused) && refused.Status == http.StatusBadRequest && !refused.Conflict()
}

// noIssuer: the authority has nothing to sign by, because its issuer was deleted or is being changed.
func noIssuer(err error) bool { return said(err, "no default issuer") }

// away: what was asked for needs a mount that is gone, or an issuer that is.
func away(err error) bool { return errors.Is(err, access.ErrUnsupported) || noIssuer(err) }

// ambiguous: the change may have been made.
func ambiguous(err error) bool {
	var refused *client.Error
	return errors.As(err, &refused) && refused.Ambiguous
}

// gone makes no error of what is not there.
func gone(err error) error {
	if errors.Is(err, access.ErrNotFound) {
		return nil
	}
	return err
}
