// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func TestShorteningTheIdentityShortensAllBelow(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	sub := child(acme, "lab", 90)
	w.permit(90, 1)
	w.put(sub)
	x509 := w.put(certificate(acme, 80))
	ssh := w.put(sshCertificate(sub.ID, 80))
	w.put(secret(acme, 80))
	w.put(grant(sub.ID, "shell", "ssh/deploy", 80, "login"))

	w.permit(30, 1)
	end := start.AddDate(0, 0, 30)
	all, err := w.List(w.ctx())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if !r.EndsAt.Equal(end) {
			t.Errorf("%s ends at %s, want %s", r.Object.Ref(), r.EndsAt, end)
		}
		if c, ok := r.Object.(*access.Credential); ok && c.Secret == nil && r.Issued != nil {
			t.Errorf("%s still has %+v", r.Object.Ref(), r.Issued)
		}
	}
	w.revoked([]string{x509.Issued.Serial, ssh.Issued.Serial})
	for hash, s := range w.data().Secrets {
		if !s.EndsAt.Equal(end) {
			t.Errorf("the key %s ends at %s", hash, s.EndsAt)
		}
	}
	if line := w.read("publish/ssh/principals/deploy"); !strings.Contains(line, `expiry-time="20270131115959Z"`) {
		t.Errorf("the line of sshd is %q", line)
	}
	if again := w.put(certificate(acme, 80), update(x509)); !again.Issued.Until.Equal(end) || again.Issued.Text == "" {
		t.Errorf("the next apply issues %+v", again.Issued)
	}
}

// permit puts acme with an end and subcontractors down to a depth.
func (w *world) permit(days int, depth int64) {
	w.Helper()
	i := identity(acme, days)
	i.Subcontractors = &access.Subcontractors{Allowed: depth > 0, MaxDepth: depth}
	w.put(i, update(w.get(acme.Ref())))
}

func TestSuspensionCutsEverywhereAndIsTakenBack(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	w.put(grant(acme, "shell", "ssh/deploy", 80, "login"))
	x509 := w.put(certificate(acme, 80))
	krl := w.read("publish/ssh/revoked_keys")
	w.put(sshCertificate(acme, 80))

	suspended := identity(acme, 90)
	suspended.Suspended = true
	w.put(suspended, update(w.get(acme.Ref())))
	if got := w.get(x509.Object.Ref()); !got.Suspended || got.Issued == nil {
		t.Errorf("its credential: %+v", got)
	}
	if reason := w.crl()[x509.Issued.Serial]; reason != 6 {
		t.Errorf("the certificate is not on hold in the list: %v", w.crl())
	}
	if len(w.read("publish/ssh/revoked_keys")) <= len(krl) {
		t.Error("the SSH certificate is not in the revocation list")
	}
	if w.read("publish/ssh/principals/deploy") != "" || !w.data().Identities[acme.String()].Suspended {
		t.Error("it is still let in")
	}

	w.put(identity(acme, 90), update(w.get(acme.Ref())))
	if len(w.crl()) != 0 ||
		len(w.read("publish/ssh/revoked_keys")) != len(krl) ||
		w.read("publish/ssh/principals/deploy") == "" {
		t.Error("it was not let in again")
	}
	w.revoked(nil)
}

func TestWithdrawingSubcontractorsSuspendsTheChildren(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 90))
	w.permit(90, 2)
	lab := child(acme, "lab", 80)
	lab.Subcontractors = &access.Subcontractors{Allowed: true, MaxDepth: 1}
	w.put(lab)
	bench := child(lab.ID, "bench", 80)
	w.put(bench)
	for depth, want := range map[int64][2]bool{2: {false, false}, 1: {false, true}, 0: {true, true}} {
		w.permit(90, depth)
		if got := [2]bool{w.get(lab.Ref()).Suspended, w.get(bench.Ref()).Suspended}; got != want {
			t.Errorf("depth %d: suspended %v, want %v", depth, got, want)
		}
		if got := w.data().Identities[lab.ID.String()].Suspended; got != want[0] {
			t.Errorf("depth %d: published as suspended %v", depth, got)
		}
	}
}

// Whatever is declared, in whatever order: no end lies after anything above it, nor does anything that was issued.
func TestEndsNeverExceedWhatIsAbove(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		w := newWorld(t)
		w.dir = filepath.Join(dir, fmt.Sprint(n))
		w.restart()
		ids := []access.IdentityID{acme, {Partner: "sub", Environment: "prod", Name: "a"},
			{Partner: "sub", Environment: "prod", Name: "b"}}
		for range rapid.IntRange(3, 9).Draw(r, "changes") {
			w.wait(time.Duration(rapid.IntRange(0, 72).Draw(r, "hours")) * time.Hour)
			at := rapid.IntRange(0, 2).Draw(r, "at")
			days := rapid.IntRange(1, 60).Draw(r, "days")
			var o access.Object
			switch rapid.IntRange(0, 4).Draw(r, "what") {
			case 0, 1:
				i := identity(ids[at], days)
				if at > 0 {
					i.ParentID = ids[at-1]
				}
				i.Subcontractors = &access.Subcontractors{Allowed: true, MaxDepth: 2}
				o = i
			case 2:
				o = rotating(certificate(ids[at], days), "100h", "20h")
			case 3:
				o = secret(ids[at], days)
			case 4:
				o = grant(ids[at], "shell", "ssh/deploy", days, "login")
			}
			_, _ = w.try(o, issuing(access.Issue(rapid.IntRange(0, 2).Draw(r, "issue"))))
			w.checkEnds(r)
		}
	})
}

func (w *world) checkEnds(r *rapid.T) {
	all, err := w.List(w.ctx())
	if err != nil {
		r.Fatal(err)
	}
	ends := map[string]time.Time{}
	for _, record := range all {
		ends[record.Object.Ref().String()] = record.EndsAt
	}
	for _, record := range all {
		above := record.Object.Holder()
		if i, ok := record.Object.(*access.Identity); ok {
			above = i.ParentID
		}
		if end, found := ends[above.Ref().String()]; found && record.EndsAt.After(end) {
			r.Fatalf("%s ends at %s, what is above it at %s", record.Object.Ref(), record.EndsAt, end)
		}
		if record.Issued != nil && record.Issued.Until.After(record.EndsAt) {
			r.Fatalf("%s ends at %s, what was issued at %s", record.Object.Ref(), record.EndsAt, record.Issued.Until)
		}
	}
	for _, e := range w.cached.Ledger {
		for _, i := range e.Issued {
			if i.Serial != "" && i.Until.After(w.cached.End(e)) {
				r.Fatalf("%s: a certificate outlives it", e.Ref())
			}
		}
	}
}
