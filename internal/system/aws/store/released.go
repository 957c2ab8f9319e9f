// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A value of hold_released is used once. The page says so, and so does an object beside it: a page of before that
// somebody puts back, as from a backup, does not make it count again.

const (
	releasedKey = "released/"
	// mostReleased is how long a value may be that the name of an object can hold. A longer one
	// stands in the page alone.
	mostReleased = 500
)

// releasedIn returns which value a key says was used, and by whom; false if it is no such key.
func releasedIn(key string) (id access.IdentityID, value string, is bool) {
	text, ours := strings.CutPrefix(key, releasedKey)
	at := strings.LastIndex(text, "/")
	if !ours || at < 0 {
		return id, "", false
	}
	id, err := access.ParseIdentityID(text[:at])
	if err != nil {
		return id, "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(text[at+1:])
	return id, string(raw), err == nil
}

// Spend writes beside the page of an identity that a value of hold_released was used. It comes after the page: a
// process that dies in between has used it all the same, since the page says so, too.
func (s *Store[N]) Spend(ctx context.Context, f *Family, o access.Object) error {
	i, is := o.(*access.Identity)
	if !is ||
		i.HoldReleased == "" ||
		len(i.HoldReleased) > mostReleased ||
		slices.Contains(f.spent[i.ID], i.HoldReleased) {
		return nil
	}
	key := releasedKey + i.ID.String() + "/" + base64.RawURLEncoding.EncodeToString([]byte(i.HoldReleased))
	if err := s.Place(ctx, key, []byte("Used: it lifts no hold again.\n")); err != nil {
		return err
	}
	s.Reread()
	return nil
}
