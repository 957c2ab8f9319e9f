// SPDX-License-Identifier: MPL-2.0

package guardrail

import (
	"slices"
	"strings"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// Whole is all that hangs on one identity, as a system has to hold it: one policy of AWS has room for only so much of
// it (access.Capabilities, CheckWhole).
type Whole struct {
	Credentials []*access.Credential
	Grants      []access.Granted
	// Grows: the plan creates some of it, or widens it or its end.
	Grows bool
}

// sized are the arguments that say how much a system has to keep. An owner, a purpose or a review is none of it.
var sized = append(proofArguments(), "resource", "actions", "expires_at")

// Whole returns what hangs on an identity, sorted: what has arrived in the plan, and what other stacks hold. At apply
// also what the system alone holds, since it stays. At plan, what the system holds for this stack and has not arrived
// is left out: it may be leaving. What is not known yet is left out as well.
func (p *Portfolio) Whole(id access.IdentityID, phase Phase) (w Whole) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	f := p.families[id]
	if f == nil {
		return Whole{}
	}
	all := slices.Clone(f.planned)
	for _, e := range f.live {
		if phase == Apply || e.stack != p.stack {
			all = append(all, e)
		}
	}
	order.Sort(all, func(a, b *entry) int { return strings.Compare(a.ref.ID, b.ref.ID) })
	for _, e := range all {
		if len(e.Unknown) == 0 && w.add(e) {
			w.Grows = w.Grows || (e.seq > 0 && e.enters(sized, phase))
		}
	}
	return w
}

// add takes in a credential or a grant, and reports whether the entry is one.
func (w *Whole) add(e *entry) bool {
	if c := e.credential(); c != nil {
		w.Credentials = append(w.Credentials, c)
		return true
	}
	if g := e.grant(); g != nil {
		w.Grants = append(w.Grants, access.Granted{Grant: g, EndsAt: e.end()})
		return true
	}
	return false
}
