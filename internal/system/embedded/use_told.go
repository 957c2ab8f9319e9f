// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// tell puts into a record when it was last used, as of now. The ledger says by which kinds of
// credential an identity is used.
func (u *uses) tell(r *access.Record, l ledger.Ledger, now time.Time) {
	id := r.Object.Holder()
	switch o := r.Object.(type) {
	case *access.Credential:
		r.LastUsedAt = u.since(r.CreatedAt, id, o.Kind())
		r.UseUnknown, r.Unseen = u.isUnknown(r.CreatedAt, r.LastUsedAt, id, o.Kind(), now)
	case *access.Identity:
		r.LastUsedAt = u.since(r.CreatedAt, id, "")
		r.UseUnknown = true
		var unknown []access.Unseen
		for _, kind := range access.Kinds() {
			e, found := l[access.Ref{Type: access.TypeCredential, ID: id.String() + "/" + string(kind)}]
			if !found {
				continue
			}
			r.UseUnknown = false
			created := e.History.CreatedAt
			if is, unseen := u.isUnknown(created, u.since(created, id, kind), id, kind, now); is {
				unknown = append(unknown, unseen)
			}
		}
		if len(unknown) > 0 {
			r.UseUnknown, r.Unseen = true, unknown[0]
			for _, unseen := range unknown[1:] {
				r.Unseen = both(r.Unseen, unseen)
			}
		}
	}
}

// since returns the last use after a moment; zero where the logs tell of none.
func (u *uses) since(created time.Time, id access.IdentityID, kind access.Kind) time.Time {
	last := access.Latest(u.last[use{id.String(), kind}], u.last[use{id.CommonName(), kind}])
	if last.Before(created.Truncate(time.Second)) {
		return time.Time{} // it was somebody else's, of before
	}
	return last
}

func (t *told) stopped(now time.Time) bool {
	return !t.newest.IsZero() && now.Sub(t.newest) > stopsAfter
}

func (t *told) silence(name string) string {
	return fmt.Sprintf("%s has had no line since %s", name, access.At(t.newest))
}

// unseen returns since when and until when the log was silent for too long after a moment; zero where it was not.
func (t *told) unseen(name string, after, now time.Time) (u access.Unseen) {
	for n := 0; n < len(t.gaps); n += 2 {
		// it was over at some moment of its last hour
		if from, to := t.gaps[n], t.gaps[n+1]; to.Add(-time.Hour).After(after) {
			u = access.Unseen{
				Since: access.Earliest(u.Since, from),
				Until: to,
				Why:   fmt.Sprintf("%s has no line between %s and %s", name, access.At(from), access.At(to)),
			}
		}
	}
	if t.stopped(now) {
		u = access.Unseen{Since: access.Earliest(u.Since, t.newest), Why: t.silence(name)}
	}
	return u
}

// both returns two silences as one, from the beginning of the earlier to the end of the later, for the
// reason of the earlier.
func both(a, b access.Unseen) access.Unseen {
	if b.Since.Before(a.Since) {
		a, b = b, a
	}
	if !a.Until.IsZero() {
		a.Until = access.Latest(a.Until, b.Until)
	}
	if b.Until.IsZero() {
		a.Until = b.Until
	}
	return a
}

// isAmbiguous reports whether a line may be of a use since a moment by a credential of a kind: it tells no
// time, or not by which kind.
func (u *uses) isAmbiguous(id access.IdentityID, kind access.Kind, since time.Time) bool {
	return slices.ContainsFunc([]string{id.String(), id.CommonName()}, func(name string) bool {
		return u.untimed[use{name, kind}] || u.untimed[use{name, ""}] || u.vague[name].After(since)
	})
}

// isUnknown reports whether a credential of a kind may have been used since though no line says so, and up to when
// every use was seen. One gateway says nothing of another's: there has to be a log that speaks of that kind, and each
// that does has to go on, without a gap.
func (u *uses) isUnknown(created, used time.Time, id access.IdentityID, kind access.Kind, now time.Time) (unknown bool,
	unseen access.Unseen) {
	if u.isAmbiguous(id, kind, access.Latest(used, created)) {
		return true, access.Unseen{}
	}
	speaks, late := false, false
	for _, name := range slices.Sorted(maps.Keys(u.told)) {
		log := u.told[name]
		first, ofThis := log.first[kind]
		if !ofThis {
			continue
		}
		late = late || (used.IsZero() && first.After(created))
		if silence := log.unseen(name, access.Latest(used, created), now); unseen.Why == "" {
			unseen = silence
		} else if silence.Why != "" {
			unseen = both(unseen, silence)
		}
		speaks = speaks || !used.IsZero() || !log.last[kind].Before(created.Truncate(time.Second))
	}
	if late || !speaks { // before its first line, nobody saw
		unseen.Since, unseen.Until = time.Time{}, time.Time{}
	}
	return late || !speaks || unseen.Why != "", unseen
}
