// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// When a partner was rehearsed stands in the name of an object, so that the listing of the ledger tells it:
// rehearsed/PARTNER/MOMENT.
const (
	RehearsedKey  = "rehearsed/"
	RehearsedForm = "20060102T150405Z"
)

// rehearsedIn returns which partner's rehearsal a key is of, and when that was; false if it is of none.
func rehearsedIn(key string) (partner string, at time.Time, is bool) {
	text, ours := strings.CutPrefix(key, RehearsedKey)
	partner, moment, _ := strings.Cut(text, "/")
	at, err := time.Parse(RehearsedForm, moment)
	return partner, at, ours && err == nil && access.ValidPart(partner)
}

// ForgetOlder removes the moments of a partner's rehearsals that are older than one; than is the whole key of that.
func (s *Store[N]) ForgetOlder(ctx context.Context, partner, than string) error {
	all, err := s.List(ctx, RehearsedKey+partner+"/")
	if err != nil {
		return err
	}
	for _, o := range all {
		if _, _, is := rehearsedIn(o.Key); is && o.Key < than {
			if err := s.Remove(ctx, o.Key, ""); err != nil {
				return err
			}
		}
	}
	return nil
}
