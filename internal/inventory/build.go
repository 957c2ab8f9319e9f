// SPDX-License-Identifier: MPL-2.0

package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/order"
	"github.com/partner-access/terraform-provider-partner/internal/signed"
)

// Options are what an inventory is judged by.
type Options struct {
	// System is the system's name. KnowsLastUse: it knows when access was last used. Surveyed: what nobody
	// declared was looked for.
	System                 string
	KnowsLastUse, Surveyed bool
	// WarnBefore is how long before its end an item is expiring, DormantAfter after how long without use it is dormant.
	WarnBefore, DormantAfter time.Duration
	// ReviewEvery is how long a review counts; zero: reviews are not asked for.
	ReviewEvery time.Duration
	// Departed says whether an owner has left; nil: nobody knows.
	Departed func(owner string) bool
	// Partners are known by name, beside those that have an identity: a stray is theirs by its names.
	Partners []string
}

// Build returns the inventory of what a system holds at a moment of its clock.
func Build(records []*access.Record, strays []access.Stray, at time.Time, o Options) *Inventory {
	b := &builder{
		Options: o,
		at:      at,
		names:   map[string]bool{},
		by:      map[access.Ref]*access.Record{},
		below:   map[access.IdentityID]map[access.Type]int{},
		parents: map[access.IdentityID]bool{},
	}
	for _, p := range o.Partners {
		b.names[p] = true
	}
	for _, r := range records {
		b.take(r)
	}
	inv := &Inventory{System: o.System, At: at, OwnersUnknown: o.Departed == nil, ReviewEvery: o.ReviewEvery}
	if !o.Surveyed {
		inv.Unchecked = append(inv.Unchecked, Ungoverned)
	}
	if !o.KnowsLastUse {
		inv.Unchecked = append(inv.Unchecked, Dormant)
	}
	for _, r := range records {
		inv.Items = append(inv.Items, b.item(r))
	}
	for _, s := range strays {
		inv.Items = append(inv.Items, b.stray(s))
	}
	order.Sort(inv.Items, func(x, y Item) int {
		return cmp.Or(cmp.Compare(x.ID, y.ID), cmp.Compare(rank(x.Type), rank(y.Type)),
			cmp.Compare(x.NativeID, y.NativeID))
	})
	return inv
}

// rank puts an identity before what it has.
func rank(t access.Type) int {
	return slices.Index([]access.Type{access.TypeIdentity, access.TypeCredential, access.TypeGrant}, t)
}

type builder struct {
	Options
	at    time.Time
	by    map[access.Ref]*access.Record
	below map[access.IdentityID]map[access.Type]int // of what is in force, how many of each type
	names map[string]bool                           // of partners

	parents map[access.IdentityID]bool // what others hang on
}

func (b *builder) take(r *access.Record) {
	b.by[r.Object.Ref()] = r
	holder := r.Object.Holder()
	if !access.IsShadow(holder.Partner) {
		b.names[holder.Partner] = true
	}
	if b.below[holder] == nil {
		b.below[holder] = map[access.Type]int{}
	}
	if i, ok := r.Object.(*access.Identity); ok {
		b.parents[i.ParentID] = true
	}
	if b.at.Before(r.EndsAt) {
		b.below[holder][r.Object.Ref().Type]++
		if len(r.Adopted) > 0 { // the partner logs in by these
			b.below[holder][access.TypeCredential]++
		}
	}
}

// signatures returns the fingerprints of the keys that the decisions on an object were signed with; nil where none was.
func signatures(terms *access.Terms) map[string]string {
	keys := map[string]string{}
	note := func(what, signature string) {
		if mark, err := signed.MarkOf(signature); err == nil {
			keys[what] = mark.Key
		}
	}
	if terms.Review != nil {
		note("review", terms.Review.Signature)
	}
	for rule, w := range terms.Waivers {
		note(rule, w.Signature)
	}
	if len(keys) == 0 {
		return nil
	}
	return keys
}

func (b *builder) item(r *access.Record) Item {
	ref := r.Object.Ref()
	holder := r.Object.Holder()
	terms := r.Object.Common()
	i := Item{
		Type: ref.Type, ID: ref.ID, Partner: holder.Partner, Environment: holder.Environment, Name: holder.Name,
		Owner: terms.Owner, Stack: r.Stack, Review: terms.Review, Waivers: terms.Waivers, Signed: signatures(terms),
		ExpiresAt: terms.ExpiresAt.Time, EndsAt: r.EndsAt, CreatedAt: r.CreatedAt, RenewedAt: r.RenewedAt,
		ReviewedAt: r.ReviewedAt,
		LastUsedAt: r.LastUsedAt, Renewals: r.Renewals, Status: r.Status(b.at, b.WarnBefore),
		Drift: slices.Sorted(slices.Values(slices.Concat(r.Drift, r.Adopted))), EnforcedBy: r.EnforcedBy,
		Revocation: r.Revocation, Import: importBlock(ref),
	}
	i.OwnerLeft = b.Departed != nil && b.Departed(terms.Owner)
	i.UseUnknown = !b.KnowsLastUse || r.UseUnknown
	i.Logins = len(r.Adopted)
	switch o := r.Object.(type) {
	case *access.Identity:
		i.Purpose = o.Purpose
		i.Contact = o.Contact
		i.Agreement = o.Agreement
		i.ReviewDueAt = i.ReviewDue(b.ReviewEvery)
		for _, p := range o.Ceiling {
			i.Ceiling = append(i.Ceiling, string(p))
		}
		if o.ParentID != (access.IdentityID{}) {
			i.Parent = o.ParentID.String()
		}
	case *access.Credential:
		i.Kind = o.Kind()
		i.credential(o)
		if r.Issued != nil {
			i.RotatesAt = r.Issued.RotatesAt
		}
	case *access.Grant:
		i.Purpose, i.Resource, i.Actions = o.Purpose, string(o.Resource), slices.Sorted(slices.Values(o.Actions))
	}
	if access.IsShadow(holder.Partner) { // nobody is to look after it, or to declare it
		i.Flags, i.Import, i.Why = []Flag{Governed}, "", ofRehearsal
		return i
	}
	i.Flags = b.flags(r, &i)
	return i
}

// credential says whom a credential trusts, and from where.
func (i *Item) credential(c *access.Credential) {
	i.Fingerprint = c.KeyFingerprint()
	for _, network := range c.AllowedCIDRs {
		i.Networks = append(i.Networks, network.String())
	}
	slices.Sort(i.Networks)
	if c.Federated != nil {
		i.Issuer, i.Subject, i.Audiences = c.Federated.Named()
	}
}

// ofRehearsal says what a twin is that a listing meets.
const ofRehearsal = "It belongs to a rehearsal that is running or was killed. It reaches nothing of the partner's, " +
	"ends by itself, and goes with the next rehearsal of its stack"

// flags returns what there is to know about an object, in the order of the constants.
func (b *builder) flags(r *access.Record, i *Item) []Flag {
	flags := []Flag{Governed}
	add := func(is bool, flag Flag) {
		if is {
			flags = append(flags, flag)
		}
	}
	add(b.orphaned(r, i), Orphaned)
	add(len(r.Drift)+len(r.Adopted) > 0, Drifted)
	rests := b.rests(r)
	add(rests && !r.LastUsedAt.IsZero(), Dormant)
	add(b.at.Before(r.EndsAt) && (b.useless(r) || (rests && r.LastUsedAt.IsZero())), Unused)
	add(i.Status == access.StatusExpiring || (b.at.Before(r.EndsAt) &&
		r.EndsAt.Sub(b.at) <= b.WarnBefore &&
		i.Status != access.StatusActive), Expiring)
	return flags
}

// orphaned reports whether its owner left, or what it hangs on is gone, or ended before it.
func (b *builder) orphaned(r *access.Record, item *Item) bool {
	if item.OwnerLeft {
		return true
	}
	above := r.Object.Holder().Ref()
	if i, ok := r.Object.(*access.Identity); ok {
		if i.ParentID == (access.IdentityID{}) {
			return false
		}
		above = i.ParentID.Ref()
	}
	upper := b.by[above]
	return upper == nil || (!b.at.Before(upper.EndsAt) && b.at.Before(r.Object.Common().ExpiresAt.Time))
}

// mayRest returns for how long an object may go unused: as its identity declares, or as the inventory was told.
func (b *builder) mayRest(r *access.Record) time.Duration {
	if holder := b.by[r.Object.Holder().Ref()]; holder != nil {
		if i, ok := holder.Object.(*access.Identity); ok && i.ExpectedUse.Duration > 0 {
			return i.ExpectedUse.Duration
		}
	}
	return b.DormantAfter
}

// rests reports whether an object could be used, and was not for longer than it may rest.
func (b *builder) rests(r *access.Record) bool {
	if !b.KnowsLastUse ||
		r.UseUnknown ||
		r.Suspended ||
		r.Held ||
		r.Object.Ref().Type == access.TypeGrant ||
		!b.at.Before(r.EndsAt) {
		return false
	}
	since := r.CreatedAt
	if r.LastUsedAt.After(since) {
		since = r.LastUsedAt
	}
	return b.at.Sub(since) > b.mayRest(r)
}

// useless reports whether it is a credential that may do nothing, a grant that nobody can log in for, an
// identity with neither.
func (b *builder) useless(r *access.Record) bool {
	has := b.below[r.Object.Holder()]
	switch r.Object.Ref().Type {
	case access.TypeCredential:
		return has[access.TypeGrant] == 0
	case access.TypeGrant:
		return has[access.TypeCredential] == 0
	}
	return has[access.TypeGrant] == 0 &&
		has[access.TypeCredential] == 0 &&
		!b.parents[r.Object.Holder()]
}

func (b *builder) stray(s access.Stray) Item {
	i := Item{
		Type: access.TypeIdentity, NativeID: s.NativeID, Partner: b.partner(s.Names), Status: access.StatusActive,
		CreatedAt:  s.CreatedAt,
		LastUsedAt: s.LastUsedAt, UseUnknown: s.LastUsedAt.IsZero(), Flags: []Flag{Ungoverned},
		Revocation: s.Revocation,
		Why:        fmt.Sprintf("%s %s: %s", s.Kind, strings.Join(s.Names, ", "), s.Why),
	}
	partner := cmp.Or(i.Partner, "PARTNER")
	i.Declaration = declaration(&s, partner)
	if s.Adoptable {
		i.Import = fmt.Sprintf("import {\n  to = partner_identity.%s\n  id = \"%s/ENVIRONMENT/NAME@%s\"\n}\n",
			label(s.NativeID), partner, s.NativeID)
	}
	return i
}

// partner returns whose a stray is by its names: the one partner whose name is a word in them; ""
// where none is, or several.
func (b *builder) partner(names []string) string {
	found := ""
	for _, name := range names {
		for partner := range b.names {
			if !access.HasWord(name, partner) || partner == found {
				continue
			}
			if found != "" {
				return ""
			}
			found = partner
		}
	}
	return found
}

// importBlock brings an object under Terraform, which changes nothing of it.
func importBlock(ref access.Ref) string {
	return fmt.Sprintf("import {\n  to = partner_%s.%s\n  id = %q\n}\n", ref.Type, label(ref.ID), ref.ID)
}

func isLetter(c rune) bool { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') }

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

// label makes the name of a resource of an id: each id has its own.
func label(id string) string {
	var out strings.Builder
	for n, c := range id {
		switch {
		case isLetter(c), isDigit(c) && n > 0, c == '-':
			out.WriteRune(c)
		case c == '/':
			out.WriteByte('_')
		default:
			fmt.Fprintf(&out, "_%x_", c)
		}
	}
	return out.String()
}
