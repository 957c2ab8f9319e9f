// SPDX-License-Identifier: MPL-2.0

package journal

import (
	"math"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// verbOf says what a change does, by what is there before. Where it does several things, it is the first of these: who
// reads the journal asks first when access was cut and given back, then who let it live on.
func verbOf(before *access.Record, change access.Change) Verb {
	if before == nil {
		if change.UID != "" {
			return Change // the caller knows it, and this process does not: the system decides
		}
		return Create
	}
	switch {
	case suspends(before, change):
		return Suspend
	case givesBack(before, change):
		return Resume
	case access.Extends(before.Object, change.Object, change.EndsAt) || change.EndsAt.After(before.Asked()):
		return Renew
	case issues(before, change):
		return Rotate
	}
	return Change
}

func suspends(before *access.Record, change access.Change) bool {
	was, is, ok := identities(before, change)
	return ok && is.Suspended && !was.Suspended
}

// givesBack reports whether a change ends a suspension, or releases what was cut by hand.
func givesBack(before *access.Record, change access.Change) bool {
	was, is, ok := identities(before, change)
	if !ok {
		return false
	}
	resumed := was.Suspended && !is.Suspended
	released := before.Held && is.HoldReleased != was.HoldReleased
	return resumed || released
}

func identities(before *access.Record, change access.Change) (was, is *access.Identity, ok bool) {
	is, _ = change.Object.(*access.Identity)
	was, _ = before.Object.(*access.Identity)
	return was, is, is != nil && was != nil
}

// issues reports whether a change issues a credential anew.
func issues(before *access.Record, change access.Change) bool {
	is, _ := change.Object.(*access.Credential)
	was, _ := before.Object.(*access.Credential)
	if is == nil || was == nil || !is.Kind().Issues() {
		return false
	}
	return (change.Issue != access.IssueKeep && change.Issue != access.IssueRetire) ||
		before.Issued == nil ||
		!access.SameRequest(was, is)
}

// review returns the one that stands for an object: the newer of its own and its identity's, if that covers
// more than the identity.
func (g *governed) review(o access.Object) *Review {
	own := o.Common().Review
	g.mu.Lock()
	if holder, ok := g.seen[o.Holder().Ref()]; ok {
		if its := holder.Object.Common().Review; !its.Own() &&
			(own == nil || (its != nil && its.At.After(own.At.Time))) {
			own = its
		}
	}
	g.mu.Unlock()
	return reviewOf(own)
}

// seconds returns a length of time to the millisecond, rounded up: nothing takes no time at all.
func seconds(d time.Duration) float64 {
	return math.Ceil(float64(d)/float64(time.Millisecond)) / 1000
}
