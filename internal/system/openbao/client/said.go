// SPDX-License-Identifier: MPL-2.0

package client

import (
	"errors"
	"net/http"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Said reports whether OpenBao refused with a text.
func Said(err error, text string) bool {
	var refused *Error
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

// Unheard reports whether an error may be the answer of a standby that has not heard of a mount, role or entity yet.
func Unheard(err error) bool {
	var refused *Error
	return errors.Is(err, access.ErrNotFound) || errors.Is(err, access.ErrUnsupported) ||
		(errors.As(err, &refused) &&
			refused.ours &&
			refused.Status == http.StatusBadRequest &&
			!refused.Conflict())
}

// Gone returns an error, but none of what is not there.
func Gone(err error) error {
	if errors.Is(err, access.ErrNotFound) {
		return nil
	}
	return err
}
