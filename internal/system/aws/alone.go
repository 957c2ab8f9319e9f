// SPDX-License-Identifier: MPL-2.0

package aws

import "github.com/partner-access/terraform-provider-partner/internal/access"

// recall returns a principal as it was asked for by itself, for as long as one reading serves; nil where it was not. A new reading of the ledger does
// not ask all of them again.
func (s *store) recall(p principal) *native {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.alone[p.handle()]
	if known == nil || access.WallClock().Sub(known.asked) >= s.options.Fresh {
		return nil
	}
	return known
}

// note notes what was asked for.
func (s *store) note(p principal, n *native) *native {
	s.mu.Lock()
	defer s.mu.Unlock()
	n.asked = access.WallClock()
	s.alone[p.handle()] = n
	return n
}
