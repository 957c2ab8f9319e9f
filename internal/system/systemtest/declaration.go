// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// declarationCases returns the cases about what is declared: that it is read back as it was written, kept in place by
// uids, and listed.
func declarationCases() []contract {
	return []contract{
		{name: "what is created is read back to the letter", run: readBack},
		{name: "the first change gives it an id, which nothing takes away", run: ownID},
		{name: "every kind of credential that is offered is issued, and no other", run: everyKind},
		{name: "an update in place keeps uid and creation", run: updateInPlace},
		{name: "an unknown uid is not found, and touched by nothing", run: unknownUID},
		{name: "without its identity nothing is created", run: withoutIdentity},
		{name: "an extension counts a renewal and uses the review", run: extension},
		{name: "what released a hold is remembered for good", run: releases},
		{name: "a list has everything of every stack, sorted", run: listAll},
		{name: "records are copies", run: copies},
	}
}

// ownID: a reading makes no id, every record bears it, and it outlives all that is kept.
func ownID(w *world) {
	w.refs()
	for _, handle := range []access.System{w.System, w.Second()} {
		if id, err := handle.ID(w.ctx()); !errors.Is(err, access.ErrNoSystem) {
			w.Errorf("an empty one has the id %q, %v", id, err)
		}
	}
	first := w.put(w.identity("first", 40))
	own, err := w.System.ID(w.ctx())
	if err != nil || own == "" {
		w.Fatalf("after the first change its id is %q, %v", own, err)
	}
	g := w.put(w.grant("first", "daily", 20))
	for _, r := range []*access.Record{first, g, w.get(first.Object.Ref()), w.list()[0]} {
		if r.System != own {
			w.Errorf("%s is told to be of the system %q, want %q", r.Object.Ref(), r.System, own)
		}
	}
	w.remove(first)
	for _, handle := range []access.System{w.System, w.Second()} {
		if id, err := handle.ID(w.ctx()); id != own || err != nil {
			w.Errorf("emptied, its id is %q, %v, want %q", id, err, own)
		}
	}
	if again := w.put(w.identity("second", 40)); again.System != own {
		w.Errorf("what is made later is of the system %q, want %q", again.System, own)
	}
}

// odd is text that breaks whatever is put together without care.
const odd = "Ürsprung \"q\" 'a' `b` \\ ${x} %{y} {{z}} <script> & ; \t日本"

// spelled returns an identity in spellings that a system might be tempted to tidy up.
func (w *world) spelled() *access.Identity {
	w.Helper()
	end := w.in(40)
	written := strings.TrimSuffix(end.Add(2*time.Hour).Format("2006-01-02T15:04:05Z"), "Z") + "+02:00"
	expires, err := access.ParseMoment(written)
	if err != nil {
		w.Fatal(err)
	}
	use, err := access.ParseSpan("48h0m")
	if err != nil {
		w.Fatal(err)
	}
	return w.identity("spelled", 40, allowing(2), func(i *access.Identity) {
		i.ExpiresAt = expires
		i.ExpectedUse = use
		i.Purpose = odd
		i.Contact = "noc@acme.test"
		i.Ceiling = []access.Pattern{"orders/acme/*", "a/+/b"}
		i.Agreement = &access.Agreement{Reference: odd, EndsAt: w.in(39)}
		i.Review = &access.Review{At: w.in(-20), By: "jane.doe@example.com", Reason: odd}
		i.Waivers = map[string]access.Waiver{"owner/external": {
			Reason:   odd,
			Approver: "ciso@example.com",
			Until:    w.in(30),
		}}
		i.HoldReleased = "INC-1"
	})
}

// readBack writes an identity whose texts, moments and spans are spelled oddly, and a grant. Whatever a system tidied
// up would be a difference in the next plan. Another handle reads the same.
func readBack(w *world) {
	before := w.now()
	i, g := w.spelled(), w.grant("spelled", "daily", 20)
	g.Actions = []string{"read", "list", "create"}
	g.Review = &access.Review{At: w.in(-10), By: "jane.doe@example.com", Reason: "Needed"}
	for _, o := range []access.Object{i, g} {
		r := w.put(o)
		if got, want := w.declaration(r.Object), w.declaration(o); got != want {
			w.Errorf("put answers the declaration\n%s\nwant\n%s", got, want)
		}
		newest := access.NewestReview(i.Review, o.Common().Review)
		w.between("created_at", r.CreatedAt, before)
		if r.Stack != ours ||
			r.Renewals != 0 ||
			!r.RenewedAt.IsZero() ||
			!r.ReviewedAt.Equal(newest) ||
			!r.ReviewUsedAt.Equal(newest) {
			w.Errorf("history of %s: %+v", o.Ref(), r.History)
		}
		w.same("get", w.get(o.Ref()), r)
		other, err := w.Second().Get(w.ctx(), o.Ref())
		if err != nil {
			w.Fatalf("get through another handle: %v", err)
		}
		w.same("get through another handle", other, r)
		if r.EnforcedBy == "" || len(r.Revocation) == 0 {
			w.Errorf("%s says neither who ends it nor how it is cut by hand: %q %q", o.Ref(), r.EnforcedBy,
				r.Revocation)
		}
	}
	w.ends(i.Ref(), i.Agreement.EndsAt)
	w.ends(g.Ref(), g.ExpiresAt)
}

// everyKind issues each kind that the system offers. A kind that it does not offer is refused by the plan
// (CheckCredential), and by a change that comes without one.
func everyKind(w *world) {
	w.put(w.identity("etl", 40))
	w.put(w.grant("etl", "daily", 40))
	for _, kind := range access.Kinds() {
		c := w.credential("etl", kind, 30,
			func(c *access.Credential) { c.AllowedCIDRs = networks("203.0.113.0/24", "2001:db8::/48") })
		if !kind.Issues() {
			c.AllowedCIDRs = nil
		}
		r, err := w.try(c)
		if !w.offers(kind) {
			w.refused("put "+string(kind), err, access.ErrUnsupported)
			w.gone(c.Ref())
			if w.System.Capabilities().CheckCredential(c) == nil {
				w.Errorf("%s is not offered, and a plan lets it pass", kind)
			}
			continue
		}
		if err != nil {
			w.Errorf("put %s: %v", kind, err)
			continue
		}
		w.same(string(kind), w.get(c.Ref()), r)
		w.ends(c.Ref(), c.ExpiresAt)
		if len(r.Login) == 0 {
			w.Errorf("%s does not say how to log in", kind)
		}
		w.issuedRight(c, r)
	}
}

// issuedRight claims that what was issued is told once, to whom asked for it.
func (w *world) issuedRight(c *access.Credential, r *access.Record) {
	w.Helper()
	kind, i := c.Kind(), r.Issued
	if !kind.Issues() {
		if i != nil {
			w.Errorf("trust issued %+v", i)
		}
		return
	}
	if i == nil || !isWhole(i, r.EndsAt) {
		w.Fatalf("%s issued %+v", kind, i)
	}
	// A secret is sealed, and has neither text nor serial; anything else has both, and is not sealed.
	isSealed := i.Sealed != ""
	isText := i.Text != "" && i.Serial != ""
	isBare := i.Text == "" && i.Serial == ""
	if secret := kind == access.Secret; secret != isSealed || secret != isBare || secret == isText {
		w.Errorf("%s issued %+v", kind, i)
	}
	if later := w.get(c.Ref()).Issued; later == nil || !isSameUntold(later, i) {
		w.Errorf("%s: get says %+v of what put issued as %+v", kind, later, i)
	}
}

// isWhole reports whether what was issued, without a rotation, says all that it has to.
func isWhole(i *access.Issued, end time.Time) bool {
	return !i.At.IsZero() &&
		!i.Until.IsZero() &&
		!i.Until.After(end) &&
		i.Fingerprint != "" &&
		i.RotatesAt.IsZero()
}

// isSameUntold reports whether a reading tells of what was issued, and not the thing itself.
func isSameUntold(later, i *access.Issued) bool {
	untold := later.Text == "" && later.Sealed == ""
	return untold &&
		later.Serial == i.Serial &&
		later.Fingerprint == i.Fingerprint &&
		later.Until.Equal(i.Until)
}

// updateInPlace changes everything that does not make another object. The uid, the creation and the count of renewals
// stay, since no end moved to a later moment.
func updateInPlace(w *world) {
	first := w.put(w.identity("etl", 40))
	g := w.grant("etl", "daily", 30)
	firstGrant := w.put(g)
	w.pass(1)
	changed := w.identity("etl", 35, func(i *access.Identity) {
		i.Owner = "john.roe@example.com"
		i.Purpose = "Another feed altogether"
		i.Contact = "noc@acme.test"
	})
	second := w.put(changed, known(first.UID))
	if second.UID != first.UID ||
		!second.CreatedAt.Equal(first.CreatedAt) ||
		second.Renewals != 0 ||
		w.declaration(second.Object) != w.declaration(changed) {
		w.Errorf("before %+v, after %+v", first.History, second.History)
	}
	w.same("get", w.get(changed.Ref()), second)
	g.Resource = access.Pattern(w.Place + "orders/acme/weekly/*")
	g.Actions = []string{"read"}
	if r := w.put(g, known(firstGrant.UID)); r.UID != firstGrant.UID ||
		w.declaration(w.get(g.Ref()).Object) != w.declaration(g) {
		w.Errorf("the grant became %+v", r)
	}
}

// unknownUID changes and removes with uids that the system does not know, as from an old state: not found, and nothing
// is touched.
func unknownUID(w *world) {
	i := w.identity("etl", 40)
	r := w.put(i)
	stale := access.NewUID()
	_, err := w.try(w.identity("etl", 30), known(stale))
	w.refused("put with another uid", err, access.ErrNotFound)
	_, err = w.System.Delete(w.ctx(), i.Ref(), stale)
	w.refused("delete with another uid", err, access.ErrNotFound)
	_, err = w.try(w.grant("etl", "daily", 30), known(stale))
	w.refused("put of nothing with a uid", err, access.ErrNotFound)
	w.same("after them", w.get(i.Ref()), r)
	w.gone(w.grant("etl", "daily", 30).Ref())
}

// withoutIdentity creates each type below an identity that is not there. Nothing is left of it, not even a record.
func withoutIdentity(w *world) {
	for _, o := range []access.Object{w.grant("nobody", "daily", 10), w.child("child", "nobody", 10)} {
		_, err := w.try(o)
		w.refused("put "+o.Ref().String(), err, access.ErrNoIdentity)
		w.gone(o.Ref())
	}
	for _, kind := range w.System.Capabilities().Kinds {
		c := w.credential("nobody", kind, 10)
		_, err := w.try(c)
		w.refused("put "+c.Ref().String(), err, access.ErrNoIdentity)
		w.gone(c.Ref())
	}
	if refs := w.refs(); len(refs) > 0 {
		w.Errorf("there is %v", refs)
	}
}

// extension: a later end counts a renewal and uses the newest review, also the identity's; nothing else does.
func extension(w *world) {
	review := func(units int) *access.Review {
		return &access.Review{At: w.in(units), By: "jane.doe@example.com", Reason: "Needed"}
	}
	first, second, third := review(-9), review(-5), review(-3)
	w.put(w.identity("etl", 60))
	g := w.grant("etl", "daily", 20)
	g.Review = first
	r := w.put(g)
	// renewed puts the grant, and claims how often it was renewed by then, and which review was used last.
	renewed := func(when string, renewals int64, used *access.Review) *access.Record {
		w.Helper()
		r := w.put(g, known(r.UID))
		if r.Renewals != renewals || !r.ReviewUsedAt.Equal(used.At.Time) {
			w.Errorf("%s: %+v", when, r.History)
		}
		return r
	}
	w.pass(1)

	g.Review = second
	r = renewed("looked at, and not extended", 0, first)
	if !r.RenewedAt.IsZero() || !r.ReviewedAt.Equal(second.At.Time) {
		w.Errorf("after a review: %+v", r.History)
	}
	before := w.now()
	g.ExpiresAt = w.in(30)
	r = renewed("extended", 1, second)
	w.between("renewed_at", r.RenewedAt, before)
	w.ends(g.Ref(), g.ExpiresAt)
	extended := r.RenewedAt
	w.pass(1)
	g.ExpiresAt = w.in(10)
	if r = renewed("shortened", 1, second); !r.RenewedAt.Equal(extended) {
		w.Errorf("after a shortening: %+v", r.History)
	}
	i := w.identity("etl", 60, func(i *access.Identity) { i.Review = third })
	w.put(i, known(w.get(i.Ref()).UID)) // covers the grant too
	if at := w.get(g.Ref()).ReviewedAt; !at.Equal(third.At.Time) {
		w.Errorf("the identity's review at %s left the grant's at %s", third.At, at)
	}
	g.ExpiresAt = w.in(25)
	r = renewed("extended on the identity's review", 2, third)
	w.same("get", w.get(g.Ref()), r)
	g.Waivers = map[string]access.Waiver{"expiry/permanent": {
		Reason:   "Migration",
		Approver: "ciso@example.com",
		Until:    w.in(15),
	}}
	renewed("ended by a waiver", 2, third)
	g.Waivers = nil
	if r = w.put(g, known(r.UID)); r.Renewals != 3 {
		w.Errorf("after a waiver was taken away that ended it: %+v", r.History)
	}
	w.ends(g.Ref(), g.ExpiresAt)
}

// releases claims that each value of hold_released that was ever applied is remembered once, so that none lifts a
// second cut.
func releases(w *world) {
	i := w.identity("etl", 40)
	r := w.put(i)
	for _, value := range []string{"INC-1", "INC-1", "INC-2", ""} {
		i.HoldReleased = value
		r = w.put(i, known(r.UID))
	}
	if got := w.get(i.Ref()).Released; !slices.Equal(got, []string{"INC-1", "INC-2"}) ||
		!slices.Equal(r.Released, got) {
		w.Errorf("remembered are %v, and put answers %v", got, r.Released)
	}
}

// listAll claims that a list is complete, whoever owns what is in it, sorted, and the same through every handle.
func listAll(w *world) {
	if all := w.list(); len(all) > 0 {
		w.Fatalf("a new store has %v", w.refs())
	}
	want := map[access.Ref]*access.Record{}
	for n, name := range []string{"zeta", "alpha", "a", "alpha-b"} {
		stack := []string{ours, theirs}[n%2]
		for _, o := range []access.Object{w.identity(name, 40), w.grant(name, "weekly", 30),
			w.grant(name, "daily", 30)} {
			want[o.Ref()] = w.put(o, by(stack))
		}
	}
	for _, s := range []access.System{w.System, w.Second()} {
		all, err := s.List(w.ctx())
		if err != nil {
			w.Fatal(err)
		}
		if len(all) != len(want) {
			w.Errorf("%d records, want %d", len(all), len(want))
		}
		for _, r := range all {
			w.same("list", r, want[r.Object.Ref()])
		}
		if !slices.IsSortedFunc(all, func(a, b *access.Record) int { return compare(a.Object.Ref(), b.Object.Ref()) }) {
			w.Errorf("unsorted: %v", w.refs())
		}
	}
}

// compare orders by type, then by id.
func compare(a, b access.Ref) int {
	if c := strings.Compare(string(a.Type), string(b.Type)); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// copies spoils what it handed in and what it was handed. The system's own records stay as they are.
func copies(w *world) {
	i := w.spelled()
	want := w.declaration(i)
	answers := []*access.Record{w.put(i)}
	spoil := func(i *access.Identity) {
		i.Owner, i.Ceiling[0], i.Agreement.Reference, i.Review.By = "mallory@example.com", "*", "none",
			"mallory@example.com"
		i.Waivers["expiry/too-long"] = access.Waiver{}
	}
	spoil(i)
	answers = append(answers, w.get(i.Ref()), w.list()[0])
	for _, r := range answers {
		spoil(r.Object.(*access.Identity))
		r.UID, r.Stack = "spoiled", "spoiled"
		for n := range r.Revocation {
			r.Revocation[n] = "spoiled"
		}
	}
	r := w.get(i.Ref())
	if w.declaration(r.Object) != want ||
		r.UID == "spoiled" ||
		slices.Contains(r.Revocation, "spoiled") {
		w.Errorf("a caller changed what the system holds: %s", w.declaration(r.Object))
	}
	if _, err := w.System.Get(w.ctx(), access.Ref{Type: access.TypeGrant, ID: i.ID.String() + "/none"}); !errors.Is(err,
		access.ErrNotFound) {
		w.Errorf("get of nothing: %v", err)
	}
}
