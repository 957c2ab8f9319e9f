// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

func TestNothingIsTouchedBeforeTheFirstChange(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Get(w.ctx(), acme.Ref()); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if all, err := w.List(w.ctx()); err != nil || len(all) != 0 {
		t.Errorf("List: %v, %v", all, err)
	}
	if _, err := w.Delete(w.ctx(), acme.Ref(), "x"); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("Delete: %v", err)
	}
	if files := w.files(""); len(files) != 0 {
		t.Errorf("files: %v", files)
	}
}

func TestWhatIsPutIsReadByTheNextProcess(t *testing.T) {
	w := newWorld(t)
	i := identity(acme, 90)
	i.Review = &access.Review{At: access.At(start.Add(-time.Hour)), By: "jane@example.com", Reason: "New"}
	put := []*access.Record{
		w.put(i), w.put(federated(acme, 60)), w.put(certificate(acme, 60)), w.put(sshCertificate(acme, 60)),
		w.put(rotating(secret(acme, 60), "720h", "48h")),
		w.put(grant(acme, "daily", "orders/acme/*", 30, "read", "list")),
	}
	w.restart()
	for _, want := range put {
		if want.Issued != nil {
			want.Issued.Text, want.Issued.Sealed = "", ""
		}
		got := w.get(want.Object.Ref())
		if diff := cmp.Diff(want, got, moments, cmpopts.EquateComparable(access.IdentityID{})); diff != "" {
			t.Errorf("%s:\n%s", want.Object.Ref(), diff)
		}
	}
	if all, err := w.List(w.ctx()); err != nil ||
		len(all) != len(put) ||
		all[0].Object.Ref().Type != access.TypeCredential {
		t.Errorf("List: %v, %v", all, err)
	}
}

var moments = cmp.Options{
	cmp.Comparer(func(a, b access.Moment) bool { return a.String() == b.String() }),
	cmp.Comparer(func(a, b access.Span) bool { return a.String() == b.String() }),
}

func TestCallersMayChangeWhatTheyHold(t *testing.T) {
	w := newWorld(t)
	i := identity(acme, 90)
	i.Ceiling = []access.Pattern{"orders/*"}
	r := w.put(i)
	i.Ceiling[0], r.Object.(*access.Identity).Purpose = "changed", "changed"
	got := w.get(acme.Ref()).Object.(*access.Identity)
	if got.Ceiling[0] != "orders/*" || got.Purpose != "Nightly order feed" {
		t.Errorf("got %+v", got)
	}
}

func TestTheUIDDecides(t *testing.T) {
	w := newWorld(t)
	first := w.put(identity(acme, 90))
	adopted := w.put(identity(acme, 90))
	if adopted.UID == first.UID || !adopted.CreatedAt.Equal(first.CreatedAt) {
		t.Errorf("adopted %+v, first %+v", adopted.History, first.History)
	}
	if _, err := w.try(identity(acme, 91), update(first)); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("update by a superseded uid: %v", err)
	}
	if _, err := w.Delete(w.ctx(), acme.Ref(), first.UID); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("delete by a superseded uid: %v", err)
	}
	if got := w.get(acme.Ref()); got.UID != adopted.UID {
		t.Errorf("uid %s, want %s", got.UID, adopted.UID)
	}
	if r := w.put(identity(acme, 80), update(adopted)); r.UID != adopted.UID {
		t.Errorf("an update gave another uid")
	}
	if _, err := w.try(grant(acme, "daily", "a/b", 1, "read"),
		func(c *access.Change) { c.UID = "unknown" }); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("update of what is not there: %v", err)
	}
}

func TestAnotherStackIsRefusedByName(t *testing.T) {
	w := newWorld(t)
	first := w.put(identity(acme, 90))
	_, err := w.try(identity(acme, 10), by("other"))
	var taken *access.OtherStackError
	if !errors.As(err, &taken) || taken.Stack != "default" || taken.Ref != acme.Ref() {
		t.Errorf("got %v", err)
	}
	if got := w.get(acme.Ref()); got.UID != first.UID || !got.EndsAt.Equal(first.EndsAt) {
		t.Errorf("it was touched: %+v", got)
	}
}

func TestNothingHangsOnNothing(t *testing.T) {
	w := newWorld(t)
	for _, o := range []access.Object{federated(acme, 10), grant(acme, "daily", "a/b", 10, "read"),
		child(acme, "lab", 10)} {
		if _, err := w.try(o); !errors.Is(err, access.ErrNoIdentity) {
			t.Errorf("%s: %v", o.Ref(), err)
		}
	}
	w.put(identity(acme, 90))
	lab := child(acme, "lab", 90)
	w.put(lab)
	loop := identity(acme, 90)
	loop.ParentID = lab.ID
	if _, err := w.try(loop); err == nil {
		t.Error("a cycle of parents was put")
	}
}

func TestHistoryCountsRenewalsAndReviews(t *testing.T) {
	w := newWorld(t)
	w.put(identity(acme, 300))
	g := w.put(grant(acme, "daily", "a/b", 30, "read"))
	w.wait(24 * time.Hour)
	i := identity(acme, 300)
	i.Review = &access.Review{At: access.At(w.clock()), By: "jane@example.com", Reason: "Still used"}
	w.put(i, update(w.get(acme.Ref())))
	if got := w.get(g.Object.Ref()); !got.ReviewedAt.Equal(w.clock()) || !got.ReviewUsedAt.IsZero() {
		t.Errorf("the review of the identity does not cover its grant, or was used: %+v", got.History)
	}
	w.wait(time.Hour)
	renewed := w.put(grant(acme, "daily", "a/b", 60, "read"), update(g))
	if renewed.Renewals != 1 ||
		!renewed.RenewedAt.Equal(w.clock()) ||
		!renewed.ReviewUsedAt.Equal(i.Review.At.Time) {
		t.Errorf("renewed: %+v", renewed.History)
	}
	adopted := w.put(grant(acme, "daily", "a/b", 90, "read"))
	if adopted.Renewals != 2 || !adopted.CreatedAt.Equal(g.CreatedAt) {
		t.Errorf("an adopted later end is no renewal: %+v", adopted.History)
	}
}

func TestADestroyEndsTheHistory(t *testing.T) {
	w := newWorld(t)
	first := w.put(identity(acme, 90))
	if _, err := w.Delete(w.ctx(), acme.Ref(), first.UID); err != nil {
		t.Fatal(err)
	}
	w.wait(time.Hour)
	if again := w.put(identity(acme, 95)); again.Renewals != 0 || !again.CreatedAt.Equal(w.clock()) {
		t.Errorf("born again: %+v", again.History)
	}
}

// What somebody else has changed since is judged before anything is, under the lock; what this process
// changed itself is known.
func TestAChangeIsJudgedOnceMoreWhereSomebodyElseCameBetween(t *testing.T) {
	w := newWorld(t)
	other := Open(w.dir, Options{Clock: w.clock, Environment: "prod", LockWait: 5 * time.Second})
	var seen uint64
	var asked int
	var now []*access.Record
	refusal := errors.New("no")
	var answer error
	again := func(c *access.Change) {
		c.Seen = seen
		c.Again = func(records []*access.Record, mark uint64) error {
			asked, now, seen = asked+1, records, mark
			return answer
		}
	}
	w.put(identity(acme, 90), again)
	w.put(certificate(acme, 60), again)
	if asked != 0 {
		t.Fatalf("its own changes were judged %d times", asked)
	}
	bolt := access.IdentityID{Partner: "bolt", Environment: "prod", Name: "etl"}
	if _, err := other.Put(w.ctx(), change(identity(bolt, 90))); err != nil {
		t.Fatal(err)
	}
	answer = refusal
	reads := grant(acme, "daily", "orders/acme/*", 30, "read")
	if _, err := w.try(reads, again); !errors.Is(err, refusal) || asked != 1 || len(now) != 3 {
		t.Errorf("refused: %v, judged %d times by %d records", err, asked, len(now))
	}
	if _, err := w.Get(w.ctx(), reads.Ref()); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("what was refused: %v", err)
	}
	w.put(reads, again)
	if asked != 1 {
		t.Error("what was judged by the newest is judged once more")
	}
	for _, r := range now {
		if r.Object.Ref() == bolt.Ref() {
			if _, err := other.Delete(w.ctx(), bolt.Ref(), r.UID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := w.List(w.ctx()); err != nil { // what is read is no judgement
		t.Fatal(err)
	}
	if _, err := w.try(grant(acme, "weekly", "orders/acme/weekly/*", 30, "read"), again); !errors.Is(err, refusal) ||
		asked != 2 ||
		len(now) != 3 {
		t.Errorf("after a removal: %v, judged %d times by %d records", err, asked, len(now))
	}
}
