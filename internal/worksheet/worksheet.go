// SPDX-License-Identifier: MPL-2.0

// Package worksheet writes what is due for review as a table that people fill in with a spreadsheet, and
// reads their decisions back.
package worksheet

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/inventory"
	"github.com/partner-access/terraform-provider-partner/internal/order"
)

// Row is one identity, credential or grant that somebody has to decide on.
type Row struct {
	ID    string
	Type  access.Type
	Owner string
	// Allows says what it gives, For what it is for.
	Allows, For string
	EndsAt      time.Time
	// LastUsed is a moment, never, or not known.
	LastUsed string
	// ReviewedAt is when somebody looked last; zero: nobody has since it was created. DueAt is when somebody has to
	// look again: before the review is too old, and before the access ends.
	ReviewedAt, DueAt time.Time
	// Widened says whether it gives more than at the last review: a date, changed, no, or not known.
	Widened string
	Flags   []string
	// Access is the digest of exactly this access, Edition which one of its id it is, and the day on which it is shown.
	Access, Edition string
}

// Options are what a worksheet is made by.
type Options struct {
	// Owner and Partner are whose access it has; "" for everybody's.
	Owner, Partner string
	// DueWithin is how soon what is on it is due; zero: everything that is in force.
	DueWithin time.Duration
	// ReviewEvery is how long a review counts.
	ReviewEvery time.Duration
	// Widened is when each object was widened last, by type and id, as far back as Since; where Since is
	// zero nothing is known.
	Widened map[string]time.Time
	Since   time.Time
	// Stacks are those whose changes are in Widened; nil: everybody's. Another stack may keep a journal of its own.
	Stacks map[string]bool
}

// Build returns the rows of what is in force and due, sorted by owner and id. The records are those
// that the inventory is of.
func Build(inv *inventory.Inventory, records []*access.Record, o Options) []Row {
	objects := map[access.Ref]*access.Record{}
	for _, r := range records {
		objects[r.Object.Ref()] = r
	}
	purposes := map[string]string{}
	for n := range inv.Items {
		if i := &inv.Items[n]; i.Type == access.TypeIdentity {
			purposes[i.ID] = i.Purpose
		}
	}
	var rows []Row
	wanted := inv.Filter(inventory.Filter{Owner: o.Owner, Partner: o.Partner})
	for n := range wanted.Items {
		i := &wanted.Items[n]
		object := objects[access.Ref{Type: i.Type, ID: i.ID}]
		if object == nil || access.IsShadow(i.Partner) || !inv.At.Before(i.EndsAt) {
			continue
		}
		r := o.row(i, object.Object)
		r.Edition = access.StampEdition(access.Edition(object.Object, object.History), inv.At)
		r.For = cmp.Or(i.Purpose, purposes[i.Holder()])
		if o.DueWithin == 0 || !r.DueAt.After(inv.At.Add(o.DueWithin)) {
			rows = append(rows, r)
		}
	}
	order.Sort(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Owner), strings.ToLower(b.Owner)), cmp.Compare(a.ID, b.ID),
			cmp.Compare(b.Type, a.Type))
	})
	return rows
}

func (o Options) row(i *inventory.Item, object access.Object) Row {
	r := Row{
		ID: i.ID, Type: i.Type, Owner: i.Owner, Allows: allows(i, object), EndsAt: i.EndsAt, ReviewedAt: i.ReviewedAt,
		LastUsed: lastUsed(i), Access: access.Digest(object),
	}
	r.DueAt = access.Earliest(i.ReviewDue(o.ReviewEvery), i.EndsAt)
	r.Widened = o.widened(i, r.Access)
	for _, f := range i.Flags {
		if f != inventory.Governed {
			r.Flags = append(r.Flags, string(f))
		}
	}
	if i.Status == access.StatusHeld || i.Status == access.StatusSuspended {
		r.Flags = append(r.Flags, i.Status)
	}
	if i.OwnerLeft {
		r.Flags = append(r.Flags, "owner left")
	}
	return r
}

// allows says what an object gives, a line for each part.
func allows(i *inventory.Item, object access.Object) string {
	var parts []string
	add := func(is bool, format string, values ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, values...))
		}
	}
	switch i.Type {
	case access.TypeIdentity:
		add(len(i.Ceiling) > 0, "at most %s", strings.Join(i.Ceiling, ", "))
		add(len(i.Ceiling) == 0, "anything that its grants give: it has no ceiling")
		add(i.Parent != "", "under %s", i.Parent)
		levels := object.(*access.Identity).Levels()
		add(levels > 0, "subcontractors, %d deep", levels)
	case access.TypeCredential:
		add(i.Issuer != "", "log in as %s of %s for %s", i.Subject, i.Issuer, strings.Join(i.Audiences, ", "))
		add(i.Issuer == "", "log in by %s %s", i.Kind, i.Fingerprint)
		add(len(i.Networks) > 0, "from %s", strings.Join(i.Networks, ", "))
		add(len(i.Networks) == 0, "from anywhere")
	case access.TypeGrant:
		add(true, "%s on %s", strings.Join(i.Actions, ", "), i.Resource)
	}
	return strings.Join(parts, "\n")
}

// The words for what is not known, and for none.
const (
	never    = "never"
	notKnown = "not known"
)

func lastUsed(i *inventory.Item) string {
	switch {
	case i.Type == access.TypeGrant:
		return notKnown // only logins are seen
	case !i.LastUsedAt.IsZero():
		return access.At(i.LastUsedAt).String()
	case i.UseUnknown:
		return notKnown
	}
	return never
}

// widened says whether an object gives more than when it was looked at last. A decision of a worksheet names the access
// that it was made on; for other reviews the journal tells.
func (o Options) widened(i *inventory.Item, digest string) string {
	seen := i.Looked()
	if r := i.Review; r != nil &&
		r.Access != "" &&
		r.Decision == access.DecisionKeep &&
		r.At.Equal(seen) {
		if r.Access == digest {
			return "no"
		}
		return "changed"
	}
	at := o.Widened[access.Ref{Type: i.Type, ID: i.ID}.String()]
	switch {
	case at.After(seen):
		return "on " + at.UTC().Format(time.DateOnly)
	case o.Since.IsZero() || o.Since.After(seen) || (o.Stacks != nil && !o.Stacks[i.Stack]):
		return notKnown
	}
	return "no"
}
