// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A value of hold_released is used once. The page says so, and so does an object beside it: a page of before that somebody puts back, as from a
// backup, does not make it count again.

const (
	releasedKey = "released/"
	// mostReleased is how long a value may be that the name of an object can hold. A longer one stands in the page alone.
	mostReleased = 500
)

// releasedIn returns what a key says was used, and by whom.
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

// spend writes beside the page of an identity that a value of hold_released was used.
func (s *store) spend(ctx context.Context, f *family, o access.Object) error {
	i, is := o.(*access.Identity)
	if !is || i.HoldReleased == "" || len(i.HoldReleased) > mostReleased || slices.Contains(f.spent[i.ID], i.HoldReleased) {
		return nil
	}
	key := releasedKey + i.ID.String() + "/" + base64.RawURLEncoding.EncodeToString([]byte(i.HoldReleased))
	if err := s.place(ctx, key, []byte("Used: it lifts no hold again.\n")); err != nil {
		return err
	}
	s.reread()
	return nil
}

// spending returns a page with what was used as it stands beside it.
func (h *shelf) spending(p *page) *page {
	used := h.spent[p.id]
	e := p.entries[p.id.Ref()]
	if len(used) == 0 || e == nil {
		return p
	}
	more := *e
	for _, value := range used {
		more.History = more.History.Releases(value)
	}
	if len(more.History.Released) == len(e.History.Released) {
		return p
	}
	next := p.copied()
	next.entries[p.id.Ref()] = &more
	return next
}

// bury notes what was used by identities of which there is nothing else.
func (h *shelf) bury() {
	for id, used := range h.spent {
		if h.ledger[id.Ref()] != nil {
			continue
		}
		stone := h.stones[id]
		for _, value := range used {
			if !slices.Contains(stone.Released, value) {
				stone.Released = append(slices.Clip(stone.Released), value)
			}
		}
		stone.Identity = id.String()
		h.stones[id] = stone
	}
}
