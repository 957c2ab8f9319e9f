// SPDX-License-Identifier: MPL-2.0

package report

import (
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
)

// The report's unit: one identity with its credentials and grants. What somebody can do is seen only if the three stand
// together.

// Standing says what an identity can do now.
type Standing string

// The standings, the gravest first.
const (
	// Undeclared: nobody declared it, so that nobody knows what it can do.
	Undeclared Standing = "undeclared"
	// CanAct: it can log in and is granted something.
	CanAct Standing = "can act"
	// Held: it was cut by hand.
	Held Standing = "held"
	// Suspended: its declaration cuts it for a time.
	Suspended Standing = "suspended"
	// Idle: it is in force, and has no credential or no grant in force.
	Idle Standing = "cannot act"
	// Ended: its end has passed.
	Ended Standing = "ended"
)

// Slug returns the standing as a word for machines.
func (s Standing) Slug() string { return strings.ReplaceAll(string(s), " ", "-") }

// holding is one identity with all that belongs to it.
type holding struct {
	// Holder is the identity's id, or the native name of what nobody declared.
	Holder, Partner, System string
	// Identity is nil if only what belonged to it is left.
	Identity            *inventory.Item
	Credentials, Grants []*inventory.Item
	Standing            Standing
}

// Items returns all items of the holding, the identity first.
func (h *holding) Items() []*inventory.Item {
	var all []*inventory.Item
	if h.Identity != nil {
		all = append(all, h.Identity)
	}
	return slices.Concat(all, h.Credentials, h.Grants)
}

// EndsAt returns the identity's end, or the last one of what is left without it; zero for none.
func (h *holding) EndsAt() time.Time {
	if h.Identity != nil {
		return h.Identity.EndsAt
	}
	var last time.Time
	for _, i := range h.Items() {
		if i.EndsAt.After(last) {
			last = i.EndsAt
		}
	}
	return last
}

// holdings returns the inventory's items by the identity that they belong to, in the inventory's order. What nobody
// declared has no id: each is a holding of its own. One id in two systems is two holdings.
func (r *Report) holdings() []*holding {
	known := map[string]*holding{}
	var all []*holding
	for n := range r.Inventory.Items {
		i := &r.Inventory.Items[n]
		key := i.System + " " + i.Holder()
		h := known[key]
		if h == nil || i.ID == "" {
			h = &holding{Holder: i.Holder(), Partner: i.Partner, System: i.System}
			all = append(all, h)
		}
		switch {
		case i.ID == "":
			h.Holder, h.Identity = label(i), i
			continue
		case i.Type == access.TypeCredential:
			h.Credentials = append(h.Credentials, i)
		case i.Type == access.TypeGrant:
			h.Grants = append(h.Grants, i)
		default:
			h.Identity = i
		}
		known[key] = h
	}
	for _, h := range all {
		h.Standing = h.stands(r.now())
	}
	return all
}

// stands says what the identity can do at a moment. If that is in doubt, it can act. A credential without a known end,
// and a login from before an adoption, count as able to act (see TestAHoldingStandsAsItsPartsDo).
func (h *holding) stands(now time.Time) Standing {
	if s, decided := identityStands(h.Identity, now); decided {
		return s
	}
	logins, held := h.logins(now)
	switch {
	case logins == 0 && held > 0:
		return Held
	case logins == 0 || !slices.ContainsFunc(h.Grants, func(g *inventory.Item) bool { return !over(g, now) }):
		return Idle
	}
	return CanAct
}

// identityStands says what an identity can do, where that follows from itself, whatever hangs on it.
func identityStands(i *inventory.Item, now time.Time) (s Standing, decided bool) {
	switch {
	case i == nil:
		return s, false
	case i.ID == "":
		return Undeclared, true
	case over(i, now):
		return Ended, true
	case i.Status == access.StatusHeld:
		return Held, true
	case i.Status == access.StatusSuspended:
		return Suspended, true
	}
	return s, false
}

// logins counts the ways in that are open, and the credentials that were cut by hand.
func (h *holding) logins(now time.Time) (open, held int) {
	if h.Identity != nil {
		open = h.Identity.Logins
	}
	for _, c := range h.Credentials {
		switch {
		case over(c, now):
		case c.Status == access.StatusHeld:
			held++
		case c.Status != access.StatusSuspended:
			open++
		}
	}
	return open, held
}

// over reports whether an item's end has passed. What has no end is never over.
func over(i *inventory.Item, now time.Time) bool { return !i.EndsAt.IsZero() && !i.EndsAt.After(now) }
