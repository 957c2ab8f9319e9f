// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// rotated is an access whose rotation has come, and what was issued for it.
func rotated(t *testing.T, kind access.Kind) (w *world, c *access.Credential, first *access.Record) {
	t.Helper()
	w, _ = story(t)
	switch kind {
	case access.Certificate:
		c = certificate(acme, 80)
	case access.SSHCertificate:
		c = sshCertificate(acme, 80)
	default:
		c = secret(acme, 80)
	}
	rotating(c, "240h", "48h")
	edits := []func(*access.Change){issuing(access.IssueReplace)}
	if before, err := w.Get(w.ctx(), c.Ref()); err == nil {
		edits = append(edits, update(before))
	}
	first = w.put(c, edits...)
	w.wait(10 * 24 * time.Hour)
	w.restart()
	return w, c, first
}

func nameOf(i *access.Issued) string {
	if i.Serial != "" {
		return i.Serial
	}
	return i.Fingerprint
}

// rotate is the rotation, by somebody who knows the first only.
func (w *world) rotate(ctx context.Context, c *access.Credential, first *access.Record) error {
	ch := change(c)
	ch.UID, ch.Issue, ch.Known = first.UID, access.IssueOverlap, nameOf(first.Issued)
	_, err := w.Put(ctx, ch)
	return err
}

// inForce are what gateways admit of a credential, by what names it. sshd knows the authority, and what is revoked.
func (w *world) inForce(t *testing.T, c *access.Credential) []string {
	t.Helper()
	d := w.data()
	switch c.Kind() {
	case access.Certificate:
		crl, serials := w.crl(), []string{}
		for _, one := range d.Certificates {
			if _, revoked := crl[pad(one.Serial)]; !revoked && one.Identity == acme.String() {
				serials = append(serials, pad(one.Serial))
			}
		}
		return serials
	case access.Secret:
		return slices.Collect(maps.Keys(d.Secrets))
	}
	l, err := w.view(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	var serials []string
	for _, i := range l.Ledger[c.Ref()].Issued {
		serials = append(serials, i.Serial)
	}
	return serials
}

// A revocation list is kept as long as it says the same. A certificate that has ended since is in none, and needs none:
// the destroy took it for one that remains, and failed for ever.
func TestWhatHasEndedSinceTheListWasSignedIsDestroyed(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	c := w.put(certificate(acme, 5))
	w.wait(6 * 24 * time.Hour)
	w.put(grant(acme, "daily", "orders/*", 30, "read"))
	if _, err := w.Delete(w.ctx(), c.Object.Ref(), c.UID); err != nil {
		t.Error(err)
	}
	if _, err := w.Delete(w.ctx(), acme.Ref(), w.get(acme.Ref()).UID); err != nil {
		t.Error(err)
	}
}

// A rotation that is interrupted anywhere leaves the partner what works, and never more than two; and
// the next apply goes on.
func TestAnInterruptedRotationLeavesThePartnerWhatWorks(t *testing.T) {
	if testing.Short() {
		t.Skip("it interrupts a hundred rotations")
	}
	rounds := 0
	// round interrupts the n-th operation, and says whether there was one.
	round := func(name string, kind access.Kind, n int,
		interrupt func(w *world, c *access.Credential, first *access.Record) bool) bool {
		w, c, first := rotated(t, kind)
		when := fmt.Sprintf("%s, %s, %d", name, kind, n)
		was := interrupt(w, c, first)
		w.disk.Before = nil
		holds := func(when string) {
			t.Helper()
			if live := w.inForce(t, c); len(live) > 2 || !slices.Contains(live, nameOf(first.Issued)) {
				t.Errorf("%s: in force is %v, and the partner holds %s", when, live, nameOf(first.Issued))
			}
		}
		w.restart()
		w.get(c.Ref()) // the plan of the next apply
		holds(when)
		if r := w.get(c.Ref()); nameOf(r.Issued) == nameOf(first.Issued) {
			if err := w.rotate(w.ctx(), c, first); err != nil {
				t.Errorf("%s: the next apply: %v", when, err)
			}
		}
		told, err := w.Tell(w.ctx(), c.Ref())
		if err != nil || nameOf(told) == nameOf(first.Issued) || told.Text+told.Sealed == "" {
			t.Errorf("%s: told %+v, %v", when, told, err)
		}
		holds(when + ", after the next apply")
		if live := w.inForce(t, c); len(live) != 2 || !slices.Contains(live, nameOf(told)) {
			t.Errorf("%s: in force is %v, and the partner is told %s", when, live, nameOf(told))
		}
		if was {
			rounds++
		}
		return was
	}
	for _, kind := range []access.Kind{access.Secret, access.Certificate, access.SSHCertificate} {
		for n := 1; round("killed", kind, n, func(w *world, c *access.Credential, first *access.Record) bool {
			died := w.dieAt(n)
			_ = w.rotate(w.ctx(), c, first)
			return *died
		}); n++ {
		}
		for _, operation := range []string{"create", "write", "rename"} {
			for n := 1; round("the disk full at "+operation, kind, n,
				func(w *world, c *access.Credential, first *access.Record) bool {
					count := 0
					w.disk.Before = func(op, _ string) error {
						if op == operation {
							if count++; count == n { // and then there is room again
								return syscall.ENOSPC
							}
						}
						return nil
					}
					_ = w.rotate(w.ctx(), c, first)
					return count >= n
				}); n++ {
			}
		}
		for n := range 5 {
			round("cancelled", kind, n, func(w *world, c *access.Credential, first *access.Record) bool {
				ctx, cancel := context.WithTimeout(w.ctx(), time.Duration(n*n)*100*time.Microsecond)
				defer cancel()
				_ = w.rotate(ctx, c, first)
				return true
			})
			round("answer lost", kind, n, func(w *world, c *access.Credential, first *access.Record) bool {
				if err := w.rotate(w.ctx(), c, first); err != nil {
					t.Error(err)
				}
				return w.rotate(w.ctx(), c, first) == nil // by who never heard of it
			})
		}
	}
	if t.Logf("%d rotations were interrupted", rounds); rounds < 100 {
		t.Error("too few")
	}
}

// What was issued until the end of its identity, before its own rotation: when the identity alone was prolonged, as by
// another stack, nothing was due before that rotation, and the partner was without access until then.
func TestWhatAnEndFromAboveCutShortIsDueOnceThatMoves(t *testing.T) {
	for _, c := range []*access.Credential{certificate(acme, 60), sshCertificate(acme, 60)} {
		w := newWorld(t)
		above := w.put(identity(acme, 20))
		r := w.put(rotating(c, "720h", "48h"))
		if !r.Issued.Until.Equal(start.AddDate(0, 0, 20)) || w.get(c.Ref()).Due(w.clock()) {
			t.Fatalf("%s: issued until %s: this proves nothing", c.Kind(), r.Issued.Until)
		}
		w.wait(10 * 24 * time.Hour)
		w.put(identity(acme, 80), update(above))
		if now := w.get(c.Ref()); now.Due(w.clock()) {
			t.Errorf("%s is due though it ends on %s only", c.Kind(), now.Issued.Until)
		}
		w.wait(8 * 24 * time.Hour) // the overlap before its end
		if now := w.get(c.Ref()); !now.Due(w.clock()) {
			t.Errorf("%s ends on %s, what is issued on %s, and it is due on %s", c.Kind(), now.EndsAt, now.Issued.Until,
				now.Issued.RotatesAt)
		}
	}
}
