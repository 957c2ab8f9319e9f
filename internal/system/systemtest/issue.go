// SPDX-License-Identifier: MPL-2.0

package systemtest

import (
	"errors"
	"slices"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// issueCases returns the cases about what is issued: how long it lives, when it is issued anew, and when the one before
// it dies. What "dies" means is asked of the enforcement.
func issueCases() []contract {
	return []contract{
		{name: "what was issued is kept until it is asked for anew", run: keep},
		{name: "a certificate whose own end is now earlier is issued anew, and the old one revoked",
			run: shorterCertificate},
		{name: "another key or recipient is issued for at once", run: anotherRequest},
		{
			name:  "with overlap the old secret works beside the new one, then dies",
			kinds: []access.Kind{access.Secret},
			run:   overlap,
		},
		{name: "at most two secrets live at a time", kinds: []access.Kind{access.Secret}, run: twoLive},
		{name: "replacing revokes the old one at once", run: replaceAtOnce},
		{name: "what is issued beside the old one leaves it alone, until that is retired", run: besideThenRetired},
		{name: "what was issued before a moment is revoked at once", run: issuedBefore},
		{name: "what was issued before its credential had a rotation is due by its age", run: rotatedLater},
		{name: "what was issued dies by itself when nobody rotates", run: diesByItself},
		{name: "a secret that cannot be sealed grants nothing", kinds: []access.Kind{access.Secret}, run: sealingFails},
		{name: "no record says the clear secret", kinds: []access.Kind{access.Secret}, run: neverClear},
	}
}

// issuable returns the kinds that the system offers of which something is issued.
func (w *world) issuable() []access.Kind {
	return slices.DeleteFunc(slices.Clone(w.System.Capabilities().Kinds),
		func(k access.Kind) bool { return !k.Issues() })
}

// signed returns those of which a certificate is issued.
func (w *world) signed() []access.Kind {
	return slices.DeleteFunc(w.issuable(), access.Kind.Sealed)
}

// granted makes an identity with a grant named daily.
func (w *world) granted() {
	w.Helper()
	w.put(w.identity("etl", 90))
	w.put(w.grant("etl", "daily", 80))
}

// keep changes a credential's owner: the partner's certificate or secret is not touched. Its rotation is due from when
// it was issued, and it lives for the overlap beyond that.
func keep(w *world) {
	w.granted()
	for _, kind := range w.issuable() {
		c := w.credential("etl", kind, 60, w.rotating(20, 5))
		first := w.put(c)
		if !first.Issued.RotatesAt.Equal(first.Issued.At.Add(20*w.Unit)) ||
			!first.Issued.Until.Equal(first.Issued.At.Add(25*w.Unit)) {
			w.Errorf("%s is due at %s and lives until %s, issued at %s", kind, first.Issued.RotatesAt,
				first.Issued.Until, first.Issued.At)
		}
		w.pass(1)
		c.Owner = "john.roe@example.com"
		second := w.put(c, known(first.UID))
		if second.Issued == nil ||
			second.Issued.Serial != first.Issued.Serial ||
			second.Issued.Fingerprint != first.Issued.Fingerprint ||
			!second.Issued.At.Equal(first.Issued.At) {
			w.Errorf("%s: %+v became %+v", kind, first.Issued, second.Issued)
		}
	}
}

// shorterCertificate moves a credential's end forward. What is signed with an end of its own cannot be shortened, so
// another one is issued, and the old one is refused at once.
func shorterCertificate(w *world) {
	w.granted()
	for _, kind := range w.signed() {
		c := w.credential("etl", kind, 60)
		first := w.put(c)
		old := w.holder(c, first.Issued)
		c.ExpiresAt = w.in(30)
		second := w.put(c, known(first.UID))
		if second.Issued == nil ||
			second.Issued.Serial == first.Issued.Serial ||
			!second.Issued.Until.Equal(c.ExpiresAt.Time) ||
			second.Issued.Text == "" {
			w.Fatalf("%s: %+v became %+v", kind, first.Issued, second.Issued)
		}
		w.mayNot("with the old one", old, "daily")
		w.may("with the new one", w.holder(c, second.Issued), "daily")
	}
}

// anotherRequest declares another key or recipient, as after a theft. The old one is refused at once, without a
// rotation and without an overlap.
func anotherRequest(w *world) {
	w.granted()
	for _, kind := range w.issuable() {
		c := w.credential("etl", kind, 60)
		first := w.put(c)
		old := w.holder(c, first.Issued)
		old.Credential = w.credential("etl", kind, 60)
		w.ask(c, kind, 1)
		second := w.put(c, known(first.UID))
		if second.Issued == nil ||
			second.Issued.Fingerprint == first.Issued.Fingerprint ||
			second.Issued.Text+second.Issued.Sealed == "" {
			w.Fatalf("%s: %+v became %+v", kind, first.Issued, second.Issued)
		}
		w.mayNot("with the old one", old, "daily")
		w.may("with the new one", w.holder(c, second.Issued), "daily")
	}
}

// overlap rotates a secret. Both let in for the overlap, and only the new one afterwards, although nothing is applied
// at that moment.
func overlap(w *world) {
	w.granted()
	c := w.credential("etl", access.Secret, 60, w.rotating(20, 5))
	first := w.put(c)
	old := w.holder(c, first.Issued)
	early := 2 // earlier than it is due, so that nothing else ends the old one
	if w.fixed(access.Secret) {
		early = 20 // else it would outlive the overlap, until its own end
	}
	w.pass(early)
	second := w.put(c, known(first.UID), issuing(access.IssueOverlap))
	if second.Issued.Fingerprint == first.Issued.Fingerprint ||
		second.Issued.Sealed == "" ||
		!second.Issued.At.After(first.Issued.At) {
		w.Errorf("rotated from %+v to %+v", first.Issued, second.Issued)
	}
	fresh := w.holder(c, second.Issued)
	w.may("in the overlap", old, "daily")
	w.may("in the overlap", fresh, "daily")
	w.pass(5)
	w.mayNot("after the overlap", old, "daily")
	w.may("after the overlap", fresh, "daily")
}

// twoLive rotates more often than overlaps end. Only the last two secrets let in: rotating often must not pile up ways
// in.
func twoLive(w *world) {
	w.granted()
	c := w.credential("etl", access.Secret, 60, w.rotating(20, 10))
	r := w.put(c)
	holders := []Probe{w.holder(c, r.Issued)}
	for range 3 {
		w.pass(1)
		r = w.put(c, known(r.UID), issuing(access.IssueOverlap))
		holders = append(holders, w.holder(c, r.Issued))
	}
	for n, h := range holders {
		w.mayIf("of four in the overlap", h, "daily", n >= len(holders)-2)
	}
}

// A creation under an id in force issues anew beside what the partner holds. If it replaces that, the deletion of the
// old object retires it; if not, it lives as long as it would have.
func besideThenRetired(w *world) {
	w.granted()
	for _, kind := range w.issuable() {
		c := w.credential("etl", kind, 60, w.rotating(40, 2))
		first := w.put(c)
		old := w.holder(c, first.Issued)
		w.pass(1)
		second := w.put(c, issuing(access.IssueBeside))
		fresh := w.holder(c, second.Issued)
		if sameIssued(second.Issued, first.Issued) ||
			second.UID == first.UID ||
			second.Issued.Text+second.Issued.Sealed == "" {
			w.Errorf("%s: %+v became %+v", kind, first.Issued, second.Issued)
		}
		w.may(string(kind)+", the new one", fresh, "daily")
		w.pass(3) // the overlap
		w.may(string(kind)+", the old one, after what would be its overlap", old, "daily")
		third := w.put(c, known(second.UID), issuing(access.IssueRetire))
		if !sameIssued(third.Issued, second.Issued) {
			w.Errorf("%s: retiring issued %+v after %+v", kind, third.Issued, second.Issued)
		}
		w.pass(3)
		w.mayNot(string(kind)+", the old one, retired", old, "daily")
		w.may(string(kind)+", the new one, beside a retired one", fresh, "daily")
	}
}

// replaceAtOnce replaces what was issued, of which somebody knows that it was stolen: no overlap.
func replaceAtOnce(w *world) {
	w.granted()
	for _, kind := range w.issuable() {
		c := w.credential("etl", kind, 60, w.rotating(20, 10))
		first := w.put(c)
		old := w.holder(c, first.Issued)
		w.pass(1)
		second := w.put(c, known(first.UID), issuing(access.IssueReplace))
		if second.Issued == nil ||
			second.Issued.Serial+second.Issued.Fingerprint == first.Issued.Serial+first.Issued.Fingerprint {
			w.Fatalf("%s: %+v became %+v", kind, first.Issued, second.Issued)
		}
		w.mayNot("with the old one", old, "daily")
		w.may("with the new one", w.holder(c, second.Issued), "daily")
	}
}

// issuedBefore revokes everything that was issued before a moment, also what lives in an overlap.
func issuedBefore(w *world) {
	w.granted()
	for _, kind := range w.issuable() {
		c := w.credential("etl", kind, 60, w.rotating(20, 10))
		first := w.put(c)
		holders := []Probe{w.holder(c, first.Issued)}
		w.pass(1)
		second := w.put(c, known(first.UID), issuing(access.IssueOverlap))
		holders = append(holders, w.holder(c, second.Issued))
		w.pass(1)
		c.RevokeIssuedBefore = access.At(w.now().Truncate(time.Second))
		third := w.put(c, known(first.UID), issuing(access.IssueOverlap))
		if third.Issued == nil || third.Issued.At.Before(c.RevokeIssuedBefore.Time) {
			w.Fatalf("%s: after the revocation there is %+v", kind, third.Issued)
		}
		for _, h := range holders {
			w.mayNot("with what was issued before", h, "daily")
		}
		w.may("with the new one", w.holder(c, third.Issued), "daily")
	}
}

// stillRotates claims that what was issued before is still what is issued, and when it is due.
func (w *world) stillRotates(r *access.Record, issued *access.Issued, due time.Time) {
	w.Helper()
	if !sameIssued(r.Issued, issued) || !r.Issued.RotatesAt.Equal(due) {
		w.Errorf("%s: issued was %+v, and is %+v; due should be %s", r.Object.Ref(), issued, r.Issued, due)
	}
}

// A rotation that is added later counts from when the thing was issued: else whoever adds and extends
// keeps one key for ever.
func rotatedLater(w *world) {
	w.granted()
	for _, kind := range w.issuable() {
		c := w.credential("etl", kind, 60)
		first := w.put(c)
		if !first.Issued.RotatesAt.IsZero() {
			w.Errorf("%s: what does not rotate is due at %s", kind, first.Issued.RotatesAt)
		}
		w.pass(3)
		w.rotating(2, 1)(c)
		second := w.put(c, known(first.UID))
		w.stillRotates(second, first.Issued, first.Issued.At.Add(2*w.Unit))
		if !second.Due(w.now()) {
			w.Errorf("%s: %+v is not due", kind, second.Issued)
		}
		if r := w.get(c.Ref()); !r.Due(w.now()) {
			w.Errorf("%s: it was not kept that it is due: %+v", kind, r.Issued)
		}
		w.may("with what is due", w.holder(c, first.Issued), "daily")
		// Less often, not at all, and again: what it was due by counts on. More often: by that.
		for _, rotation := range []func(*access.Credential){w.rotating(40, 1),
			func(c *access.Credential) { c.Rotation = nil }, w.rotating(30, 1)} {
			rotation(c)
			r := w.put(c, known(first.UID))
			w.stillRotates(r, first.Issued, second.Issued.RotatesAt)
			if r.Issued.Until.After(second.Issued.Until) {
				w.Errorf("%s: with the rotation %+v, %+v became %+v", kind, c.Rotation, second.Issued, r.Issued)
			}
		}
		anew := w.put(c, known(first.UID), issuing(access.IssueReplace))
		w.rotating(4, 1)(c)
		r := w.put(c, known(first.UID))
		w.stillRotates(r, anew.Issued, anew.Issued.At.Add(4*w.Unit))
		if r.Issued.Until.After(anew.Issued.Until) {
			w.Errorf("%s: with a more frequent rotation, %+v became %+v", kind, anew.Issued, r.Issued)
		}
	}
}

// diesByItself lets a rotation pass unheeded. What was issued works until rotation and overlap are over, and not
// beyond, although its credential goes on.
func diesByItself(w *world) {
	w.granted()
	for _, kind := range w.issuable() {
		c := w.credential("etl", kind, 60, w.rotating(6, 2))
		h := w.holder(c, w.put(c).Issued)
		w.pass(7)
		w.may("when it is overdue", h, "daily")
		w.pass(1)
		w.mayNot("after rotation and overlap", h, "daily")
	}
}

// sealingFails has the sealing fail, first of a new secret and then of a replacement. A secret that nobody could open
// is not in force, and the one before it stays.
func sealingFails(w *world) {
	w.granted()
	broken := func(c *access.Change) {
		c.Seal = func([]byte) (string, error) { return "", errors.New("the recipient's key is odd") }
	}
	c := w.credential("etl", access.Secret, 60)
	if _, err := w.try(c, broken); err == nil {
		w.Error("a secret that nobody can read was granted")
	}
	w.gone(c.Ref())
	r := w.put(c)
	h := w.holder(c, r.Issued)
	c.Owner = "john.roe@example.com"
	if _, err := w.try(c, known(r.UID), issuing(access.IssueReplace), broken); err == nil {
		w.Error("a secret that nobody can read was granted")
	}
	w.same("after the failure", w.get(c.Ref()), r)
	if got := w.get(c.Ref()).Issued; got == nil || got.Fingerprint != r.Issued.Fingerprint {
		w.Errorf("the failure left %+v", got)
	}
	w.may("with the secret of before", h, "daily")
}

// neverClear looks for the secrets in everything that a system answers. The harness opens what was sealed, so it knows
// them.
func neverClear(w *world) {
	w.granted()
	c := w.credential("etl", access.Secret, 60, w.rotating(20, 5))
	r := w.put(c)
	w.unspoken("the answer of put", r)
	w.unspoken("the answer of a rotation", w.put(c, known(r.UID), issuing(access.IssueOverlap)))
	w.unspoken("get", w.get(c.Ref()))
	for _, r := range w.list() {
		w.unspoken("list", r)
	}
	first, second := w.secrets[0], w.secrets[1]
	if first == second || len(first) < 32 {
		w.Error("secrets repeat, or are short")
	}
}
