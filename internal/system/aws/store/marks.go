// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// Marks returns what was cut by hand, by the marks that stand beside the pages: the moment is when S3 wrote the mark.
// It always asks. A change decides by it, and a mark that is a minute old may be the one that matters.
func (s *Store[N]) Marks(ctx context.Context) (ledger.Holds, error) {
	all, err := s.List(ctx, HeldKey)
	if err != nil {
		return nil, err
	}
	holds := ledger.Holds{}
	for _, o := range all {
		holds[strings.TrimPrefix(o.Key, HeldKey)] = o.modified
	}
	return holds, nil
}

// Mark marks that something was cut by hand, now, by S3's clock: what is made anew under its name is held. scope is a
// partner's name, or the id of an identity or a credential. No mark of a partner is ever removed; a release says up to
// when marks are lifted.
func (s *Store[N]) Mark(ctx context.Context, scope string) error {
	defer s.Reread()
	return s.Place(ctx, HeldKey+scope, []byte("Cut by hand.\n"))
}
