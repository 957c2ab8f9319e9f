// SPDX-License-Identifier: MPL-2.0

package access

import (
	"strings"
	"time"
)

// OutlivesAgreement is the slug of the rule whose waiver lets the waiver's until stand in place of the agreement's end.
const OutlivesAgreement = "expiry/outlives-agreement"

// End returns when an object ends: the earliest of its own expiry, the end of what it hangs on (above: its identity's
// or its parent's; zero where there is none), the end of the agreements that it rests on, the until of each waiver of
// an expiry rule on it, and a review that ends it. This is what an access system has to enforce: to the second, since
// no certificate knows a part of one, and what is signed would always end a little before what was asked for.
func End(o Object, above time.Time, agreements ...time.Time) time.Time {
	terms := o.Common()
	end := Earliest(Declared(o), above)
	if _, waived := terms.Waivers[OutlivesAgreement]; !waived {
		end = Earliest(append(agreements, end)...)
	}
	for slug, w := range terms.Waivers {
		if strings.HasPrefix(slug, "expiry/") {
			end = Earliest(end, w.Until.Time)
		}
	}
	return end.Truncate(time.Second)
}

// waived returns the end that an object was given, with those that waivers of expiry rules set. Where that of the
// agreement goes, the agreement ends it.
func waived(o Object) time.Time {
	end := Declared(o)
	for slug, w := range o.Common().Waivers {
		if strings.HasPrefix(slug, "expiry/") && slug != OutlivesAgreement {
			end = Earliest(end, w.Until.Time)
		}
	}
	return end
}

// Dropped returns the end that an object had by waivers of expiry rules which a change takes away;
// zero: none is taken away.
func Dropped(before, after Object) (end time.Time) {
	kept := after.Common().Waivers
	for slug, w := range before.Common().Waivers {
		if _, stays := kept[slug]; !stays && strings.HasPrefix(slug, "expiry/") {
			end = Earliest(end, w.Until.Time)
		}
	}
	return end
}

// Declared returns the end that an object was given by those who decide on it: its expiry, or the
// review that ends it before.
func Declared(o Object) time.Time {
	terms := o.Common()
	if r := terms.Review; r != nil && r.EndNow {
		return Earliest(terms.ExpiresAt.Time, r.At.Time)
	}
	return terms.ExpiresAt.Time
}

// AgreementEnds returns the ends of an identity's own agreement and of the register's, zero where there is none.
func AgreementEnds(i *Identity, registered *Agreement) []time.Time {
	var ends []time.Time
	for _, a := range []*Agreement{i.Agreement, registered} {
		if a != nil {
			ends = append(ends, a.EndsAt.Time)
		}
	}
	return ends
}
