// SPDX-License-Identifier: MPL-2.0

package store

import (
	"context"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/policy"
)

// When a partner was rehearsed is remembered in a policy of comments, which nobody has: partner/PARTNER/rehearsed. Its
// name has one part less than an identity's, and the same listing reads it. Metadata of the partner's entity would do
// as well, but writing it would change the real access.

const (
	rehearsedTitle = "When the cut of this partner was rehearsed last, by terraform-provider-partner. It gives " +
		"nothing to anybody."
	rehearsedLine = "rehearsed "
	rehearsedName = "/rehearsed"
)

// memoryOf returns the partner whose rehearsal a policy remembers, by its name.
func memoryOf(name string) (partner string, ok bool) {
	partner, ours := strings.CutPrefix(name, Prefix)
	partner, ok = strings.CutSuffix(partner, rehearsedName)
	return partner, ours && ok && access.ValidPart(partner)
}

// parseMemory returns when a partner was rehearsed, in UTC; zero if the text is not one that Rehearsed wrote.
func parseMemory(text string) time.Time {
	head, body := policy.Split(text)
	if len(head) != 2 || head[0] != rehearsedTitle || body != "" {
		return time.Time{}
	}
	at, err := access.ParseMoment(strings.TrimPrefix(head[1], rehearsedLine))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// Rehearsed writes when a partner was rehearsed, to the second. It drops the snapshot, so the next read sees it.
func (s *Store[N]) Rehearsed(ctx context.Context, partner string, at time.Time) error {
	text := policy.Render([]string{rehearsedTitle, rehearsedLine + access.At(at.Truncate(time.Second)).String()}, nil)
	if err := s.Client.Put(ctx, Folder+Prefix+partner+rehearsedName, map[string]any{"policy": text}, nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = nil
	return nil
}
