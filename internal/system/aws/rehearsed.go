// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// When a partner was rehearsed stands in the name of an object, so that the listing of the ledger tells it: rehearsed/PARTNER/MOMENT.
const (
	rehearsedKey  = "rehearsed/"
	rehearsedForm = "20060102T150405Z"
)

// rehearsedIn returns what a key says of a rehearsal.
func rehearsedIn(key string) (partner string, at time.Time, is bool) {
	text, ours := strings.CutPrefix(key, rehearsedKey)
	partner, moment, _ := strings.Cut(text, "/")
	at, err := time.Parse(rehearsedForm, moment)
	return partner, at, ours && err == nil && access.ValidPart(partner)
}

// forgetOlder removes the moments of a partner's rehearsals that are older than one.
func (s *store) forgetOlder(ctx context.Context, partner, than string) error {
	all, err := s.list(ctx, rehearsedKey+partner+"/")
	if err != nil {
		return err
	}
	for _, o := range all {
		if _, _, is := rehearsedIn(o.key); is && o.key < than {
			if err := s.remove(ctx, o.key, ""); err != nil {
				return err
			}
		}
	}
	return nil
}
