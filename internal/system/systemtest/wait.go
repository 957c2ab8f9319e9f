// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// waitCases returns the cases about what is issued while its identity is cut: nothing is. A rotation that was asked for
// meanwhile is due once the identity goes on.
func waitCases() []contract {
	return []contract{
		{name: "a suspended identity gets nothing new, and is due when it is given back", run: waits},
		{name: "what is to be revoked of a suspended identity is revoked", run: revokedWhileCut},
		{name: "a subcontractor gets nothing new while its parent is suspended", run: waitsForParent},
		{name: "what is to wait waits, whoever is suspended", run: waitsWhenTold},
		{name: "what was issued is told again, and rotated once", run: toldAgain},
	}
}

// knowing returns a change by somebody who knows what was issued.
func knowing(i *access.Issued) func(*access.Change) {
	return func(c *access.Change) {
		if c.Known = i.Serial; c.Known == "" {
			c.Known = i.Fingerprint
		}
	}
}

// sameIssued reports whether two readings tell of the same certificate or secret.
func sameIssued(a, b *access.Issued) bool {
	return a != nil &&
		b != nil &&
		a.Serial == b.Serial &&
		a.Fingerprint == b.Fingerprint
}

// waits asks for a rotation while the identity is suspended. Nothing is made, not even a secret that nobody gets; what
// was issued is the same afterwards, and due.
func waits(w *world) {
	w.granted()
	for _, kind := range w.issuable() {
		i := w.get(id("etl").Ref())
		c := w.credential("etl", kind, 60, w.rotating(40, 20))
		first := w.put(c)
		old := w.holder(c, first.Issued)
		w.put(w.identity("etl", 90, suspended), known(i.UID))
		before := len(w.secrets)
		for _, issue := range []access.Issue{access.IssueKeep, access.IssueOverlap} {
			if r := w.put(c, known(first.UID), issuing(issue)); !sameIssued(r.Issued, first.Issued) ||
				r.Issued.Text+r.Issued.Sealed != "" {
				w.Errorf("%s, suspended: %+v became %+v", kind, first.Issued, r.Issued)
			}
		}
		if len(w.secrets) != before {
			w.Errorf("%s, suspended: a secret was made", kind)
		}
		w.mayNot("while it is suspended", old, "daily")
		w.put(w.identity("etl", 90), known(i.UID))
		if r := w.get(c.Ref()); !sameIssued(r.Issued, first.Issued) || r.Issued.RotatesAt.After(w.now()) {
			w.Errorf("%s, given back: %+v, which should be due", kind, r.Issued)
		}
		w.may("given back", old, "daily")
		r := w.put(c, known(first.UID), issuing(access.IssueOverlap))
		if sameIssued(r.Issued, first.Issued) {
			w.Errorf("%s, given back: it is not rotated", kind)
		}
		w.may("in the overlap", old, "daily")
		w.may("in the overlap", w.holder(c, r.Issued), "daily")
	}
}

// revokedWhileCut asks for a replacement while the identity is suspended: for a stolen secret, say. It is revoked,
// though nothing can be issued in its place, and stays so when the identity goes on.
func revokedWhileCut(w *world) {
	w.granted()
	for _, kind := range w.issuable() {
		i := w.get(id("etl").Ref())
		c := w.credential("etl", kind, 60, w.rotating(20, 10))
		first := w.put(c)
		old := w.holder(c, first.Issued)
		w.put(w.identity("etl", 90, suspended), known(i.UID))
		if r := w.put(c, known(first.UID), issuing(access.IssueReplace)); r.Issued != nil {
			w.Errorf("%s, suspended: it was replaced by %+v", kind, r.Issued)
		}
		w.put(w.identity("etl", 90), known(i.UID))
		w.mayNot("given back", old, "daily")
		if r := w.get(c.Ref()); r.Issued != nil {
			w.Errorf("%s, given back: %+v came from nowhere", kind, r.Issued)
		}
		r := w.put(c, known(first.UID), issuing(access.IssueOverlap))
		if r.Issued == nil {
			w.Fatalf("%s, given back: nothing is issued", kind)
		}
		w.may("given back and issued anew", w.holder(c, r.Issued), "daily")
	}
}

// waitsForParent claims the same of a subcontractor whose parent is suspended.
func waitsForParent(w *world) {
	_, holders := w.tree(50, 40)
	top := w.get(id("top").Ref())
	w.put(w.identity("top", 50, allowing(1), suspended), known(top.UID))
	for _, h := range holders {
		if !h.Credential.Kind().Issues() {
			continue
		}
		was := w.get(h.Credential.Ref())
		if r := w.put(h.Credential, known(was.UID), issuing(access.IssueOverlap)); !sameIssued(r.Issued, was.Issued) {
			w.Errorf("%s: %+v became %+v", h.Credential.Ref(), was.Issued, r.Issued)
		}
	}
	w.put(w.identity("top", 50, allowing(1)), known(top.UID))
	for _, h := range holders {
		w.may("given back", h, "weekly")
	}
}

// waitsWhenTold is for who is held: cut by hand, which a ledger does not know.
func waitsWhenTold(w *world) {
	w.granted()
	wait := func(c *access.Change) { c.Wait = true }
	for _, kind := range w.issuable() {
		c := w.credential("etl", kind, 60, w.rotating(40, 20))
		first := w.put(c)
		h := w.holder(c, first.Issued)
		if r := w.put(c, known(first.UID), issuing(access.IssueOverlap), wait); !sameIssued(r.Issued, first.Issued) ||
			r.Issued.RotatesAt.After(w.now()) {
			w.Errorf("%s: %+v became %+v, which should be the same, and due", kind, first.Issued, r.Issued)
		}
		w.may("while the new one waits", h, "daily")
		if r := w.put(c, known(first.UID), issuing(access.IssueReplace), wait); r.Issued != nil {
			w.Errorf("%s: it was replaced by %+v", kind, r.Issued)
		}
		w.mayNot("revoked, while the new one waits", h, "daily")
	}
}

// toldAgain loses the answer to a rotation. Whoever asks again, knowing only what was issued before, is told what is in
// force and gets no third one; whoever knows that one gets the next.
func toldAgain(w *world) {
	w.granted()
	for _, kind := range w.issuable() {
		c := w.credential("etl", kind, 60, w.rotating(20, 10))
		first := w.put(c)
		// and the answer is lost
		second := w.put(c, known(first.UID), issuing(access.IssueOverlap), knowing(first.Issued))
		for _, s := range []access.System{w.System, w.Second()} {
			told, err := s.Tell(w.ctx(), c.Ref())
			if err != nil || *told != *second.Issued {
				w.Errorf("%s: told %+v, %v; want %+v", kind, told, err, second.Issued)
			}
		}
		for _, issue := range []access.Issue{access.IssueOverlap, access.IssueKeep} {
			if again := w.put(c, known(first.UID), issuing(issue),
				knowing(first.Issued)); *again.Issued != *second.Issued {
				w.Errorf("%s: rotated again by who knows the first only: %+v, want %+v", kind, again.Issued,
					second.Issued)
			}
		}
		if third := w.put(c, known(first.UID), issuing(access.IssueOverlap),
			knowing(second.Issued)); sameIssued(third.Issued, second.Issued) {
			w.Errorf("%s: it was not rotated", kind)
		}
	}
	if _, err := w.System.Tell(w.ctx(), w.grant("etl", "daily", 30).Ref()); err == nil {
		w.Error("something was issued for a grant")
	}
}
