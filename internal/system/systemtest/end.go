// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// endCases returns the cases about ends: which one is in force, and that the system enforces it by itself. Nothing is
// applied at the moment of an end.
func endCases() []contract {
	return []contract{
		{name: "the end is the earliest of own, identity's, parents' and bound", run: earliest},
		{name: "shortening above ends everything below at once", run: shortenAbove},
		{
			name:  "a certificate that outlives what is above it now is revoked",
			kinds: []access.Kind{access.Certificate},
			run:   shortenCertificate,
		},
		{name: "extending above gives back what is below its own end", run: extendAbove},
		{name: "what has ended is refused, and can still be read", run: expired},
		{name: "what a review ends is refused at once, and stays declared", run: endedByReview},
		{name: "what has ended can be extended, shortened and deleted", run: afterTheEnd},
	}
}

// earliest compares the end in force with each one that may come first. The bound is what the change asks for (EndsAt),
// which waivers and agreements make earlier than expires_at.
func earliest(w *world) {
	w.put(w.identity("top", 50, allowing(2)))
	w.put(w.child("child", "top", 40))
	w.put(w.child("long", "top", 60))
	for name, c := range map[string]struct {
		of                string
		own, bound, wants int
	}{
		"own":      {"child", 30, 30, 30},
		"identity": {"child", 45, 45, 40},
		"parent":   {"long", 70, 70, 50},
		"bound":    {"child", 30, 20, 20},
		"at-once":  {"child", 40, 40, 40},
	} {
		g := w.grant(c.of, name, c.own)
		if r := w.put(g, until(w.in(c.bound))); !r.EndsAt.Equal(w.in(c.wants).Time) {
			w.Errorf("%s: put says it ends at %s, want %s", name, r.EndsAt, w.in(c.wants))
		}
		w.ends(g.Ref(), w.in(c.wants))
	}
	w.ends(id("long").Ref(), w.in(50))
	later := w.grant("child", "unbound", 20)
	w.put(later, until(w.in(35))) // a bound later than the expiry widens nothing
	w.ends(later.Ref(), w.in(20))
}

// tree returns a top identity with a child, a grant on each, and a credential of the child of every kind offered.
func (w *world) tree(top, below int) (objects []access.Object, holders []Probe) {
	w.Helper()
	objects = []access.Object{
		w.identity("top", top, allowing(1)), w.child("child", "top", below), w.grant("top", "daily", below),
		w.grant("child", "weekly", below),
	}
	for _, o := range objects {
		w.put(o)
	}
	for _, kind := range w.System.Capabilities().Kinds {
		c := w.credential("child", kind, below)
		r := w.put(c)
		objects, holders = append(objects, c), append(holders, w.holder(c, r.Issued))
	}
	return objects, holders
}

// shortenAbove shortens the top identity of a tree. Everything below ends with it from then on. What is signed with an
// end of its own (w.fixed) is revoked at once, since nobody could shorten it; the rest works until the new end.
func shortenAbove(w *world) {
	objects, holders := w.tree(50, 40)
	for _, h := range holders {
		w.may("before", h, "weekly")
	}
	top := w.get(id("top").Ref())
	w.put(w.identity("top", 8, allowing(1)), known(top.UID))
	for _, o := range objects {
		w.ends(o.Ref(), w.in(8))
		if i := w.get(o.Ref()).Issued; i != nil && i.Until.After(w.in(8).Time) {
			w.Errorf("what was issued for %s lives until %s", o.Ref(), i.Until)
		}
	}
	for _, h := range holders {
		c := h.Credential.Kind()
		w.mayIf("after shortening", h, "weekly", !w.fixed(c))
	}
	end := w.in(8)
	w.pass(8)
	for _, h := range holders {
		w.mayNot("at the end", h, "weekly")
	}
	for _, o := range objects {
		w.ends(o.Ref(), end)
	}
}

// shortenCertificate claims that a certificate is revoked only if it would outlive what is above it, and that the next
// change issues another one, with the new end.
func shortenCertificate(w *world) {
	for _, kind := range w.signed() {
		name := "etl-" + string(kind[:3])
		i := w.put(w.identity(name, 50))
		c := w.credential(name, kind, 40)
		r := w.put(c)
		w.put(w.identity(name, 45), known(i.UID))
		if got := w.get(c.Ref()).Issued; got == nil || got.Serial != r.Issued.Serial {
			w.Errorf("%s: a shortening that does not reach it revoked it: %+v", kind, got)
		}
		w.put(w.identity(name, 30), known(i.UID))
		if got := w.get(c.Ref()).Issued; got != nil {
			w.Errorf("%s: still there after the shortening: %+v", kind, got)
		}
		again := w.put(c, known(r.UID))
		if again.Issued == nil ||
			again.Issued.Serial == r.Issued.Serial ||
			!again.Issued.Until.Equal(w.in(30).Time) {
			w.Errorf("%s: issued again as %+v", kind, again.Issued)
		}
	}
}

// extendAbove claims that what ended with its identity has its own end back if the identity is extended. That is the
// identity's renewal and not the grant's.
func extendAbove(w *world) {
	i := w.put(w.identity("etl", 10))
	g := w.grant("etl", "daily", 20)
	w.put(g)
	w.ends(g.Ref(), w.in(10))
	w.put(w.identity("etl", 30), known(i.UID))
	w.ends(g.Ref(), w.in(20))
	if r := w.get(g.Ref()); r.Renewals != 0 {
		w.Errorf("the grant counts the identity's renewal: %+v", r.History)
	}
}

// expired lets a grant end before the credential, and then the credential. Each is refused to the second, while the
// other goes on, and a record of what has ended can be read until it is removed.
func expired(w *world) {
	w.put(w.identity("etl", 50))
	short := w.grant("etl", "daily", 5)
	long := w.grant("etl", "weekly", 30)
	want := w.put(short)
	w.put(long)
	var holders []Probe
	for _, kind := range w.System.Capabilities().Kinds {
		c := w.credential("etl", kind, 10)
		holders = append(holders, w.holder(c, w.put(c).Issued))
	}
	for _, h := range holders {
		w.may("before its end", h, "daily")
	}
	w.pass(5)
	for _, h := range holders {
		w.mayNot("after the grant's end", h, "daily")
		w.may("under another grant", h, "weekly")
	}
	w.same("after its end", w.get(short.Ref()), want)
	w.pass(5)
	for _, h := range holders {
		w.mayNot("after the credential's end", h, "weekly")
		if r := w.get(h.Credential.Ref()); r.EndsAt.After(w.now()) {
			w.Errorf("%s ends at %s", h.Credential.Ref(), r.EndsAt)
		}
	}
}

// afterTheEnd extends, shortens into the past, and removes what has ended. None of it is "not found".
func afterTheEnd(w *world) {
	i := w.put(w.identity("etl", 5))
	g := w.grant("etl", "daily", 5)
	r := w.put(g)
	w.pass(6)
	g.ExpiresAt = w.in(20)
	i = w.put(w.identity("etl", 30), known(i.UID))
	r = w.put(g, known(r.UID))
	w.ends(g.Ref(), g.ExpiresAt)
	if r.Renewals != 1 || i.Renewals != 1 {
		w.Errorf("histories %+v and %+v", i.History, r.History)
	}
	past := w.in(-1)
	g.ExpiresAt = past
	w.put(g, known(r.UID)) // less access is never refused
	w.ends(g.Ref(), past)
	w.remove(w.get(g.Ref()))
	w.gone(g.Ref())
}

// endedByReview ends a grant, then each credential and then an identity by the decision of a worksheet. All
// stay declared, and go.
func endedByReview(w *world) {
	w.put(w.identity("top", 50, allowing(1)))
	w.put(w.child("child", "top", 40))
	w.pass(2)
	ends := func(o access.Object, known func(*access.Change)) {
		o.Common().Review = &access.Review{
			At:       w.in(-1),
			By:       "jane.doe@example.com",
			Reason:   "Not needed",
			Decision: access.DecisionEnd,
			Access:   access.Digest(o),
			EndNow:   true,
		}
		w.put(o, known)
		w.ends(o.Ref(), w.in(-1))
	}
	daily := w.grant("child", "daily", 30)
	weekly := w.grant("child", "weekly", 30)
	first := w.put(daily)
	w.put(weekly)
	var holders []Probe
	for _, kind := range w.System.Capabilities().Kinds {
		c := w.credential("child", kind, 20)
		r := w.put(c)
		h := w.holder(c, r.Issued)
		w.may("before", h, "daily")
		holders = append(holders, h)
	}
	ends(daily, known(first.UID))
	for _, h := range holders {
		w.mayNot("after its grant was ended", h, "daily")
		w.may("under another grant", h, "weekly")
	}
	last := len(holders) - 1
	ends(holders[last].Credential, known(w.get(holders[last].Credential.Ref()).UID))
	w.mayNot("after it was ended itself", holders[last], "weekly")
	ends(w.identity("top", 50, allowing(1)), known(w.get(id("top").Ref()).UID))
	for _, h := range holders {
		w.mayNot("after what it hangs on was ended", h, "weekly")
	}
	top := w.get(id("top").Ref())
	w.remove(w.get(id("child").Ref()))
	w.remove(top)
	w.gone(id("top").Ref())
}
