// SPDX-License-Identifier: MPL-2.0

package store

import (
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// A policy is taken for what its name says. The text of a partner's rehearsal, written over an identity's policy, made
// that one neither the identity's nor somebody else's.
func TestAPolicyIsTakenForWhatItsNameSays(t *testing.T) {
	text := "# " + rehearsedTitle + "\n# " + rehearsedLine + "2026-03-01T00:00:00Z\n"
	for name, beside := range map[string]bool{
		"partner/acme/rehearsed": true,
		"partner/acme/prod/etl":  false,
	} {
		s := &Snapshot[struct{}]{Rehearsed: map[string]time.Time{}, Foreign: map[access.IdentityID]bool{}}
		if got := s.beside(name, Policy{Policy: text}); got != beside {
			t.Errorf("%s is beside an identity's own: %v", name, got)
		}
		if _, rehearsed := s.Rehearsed["acme"]; rehearsed != beside {
			t.Errorf("%s says that acme was rehearsed: %v", name, rehearsed)
		}
		if id, of := IDIn(name); of {
			if s.take(id, Policy{Policy: text}); !s.Foreign[id] {
				t.Errorf("%s is not somebody else's", name)
			}
		}
	}
}
