// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// A page of before is put back, as where a bucket is restored. What it names and IAM has no more somebody removed: it
// does not come back by anybody's change, nor does a key of which only IAM still knows go on beside a new one.
func TestAnOldPageGivesNothingBack(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	v := l.newVendor(t, "444455556666", "acme-etl")
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	trust := s.put(s.account(v.principal("acme-etl"), "", s.end))
	key := s.put(s.key(s.end), sealing(k))
	page, _, err := s.store.Get(t.Context(), store.KeyOf(s.id), "")
	if err != nil {
		t.Fatal(err)
	}
	restore := func() {
		t.Helper()
		if err := s.store.Place(t.Context(), store.KeyOf(s.id), page); err != nil {
			t.Fatal(err)
		}
		s.System = l.open()
	}
	s.put(s.key(s.end), sealing(k), knowing(key.UID), func(c *access.Change) { c.Issue = access.IssueOverlap })
	second := k.newest()
	restore()
	s.put(s.key(s.end), sealing(k), knowing(key.UID), func(c *access.Change) { c.Issue = access.IssueOverlap })
	if l.may(t, l.as(second), "read", s.file("daily")) || l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Error("the key that the old page does not know goes on, or the new one is not held")
	}
	s.put(s.identity(func(i *access.Identity) { i.HoldReleased = "CHG-1" }), knowing(i.UID))
	if l.may(t, l.as(second), "read", s.file("daily")) || !l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Error("released, the new key does not work, or the other one does")
	}
	for _, r := range []*access.Record{trust, key} {
		if _, err := s.Delete(t.Context(), r.Object.Ref(), r.UID); err != nil {
			t.Fatal(err)
		}
	}
	restore()
	s.put(s.grant("weekly", s.end))
	s.put(s.identity(func(i *access.Identity) { i.Purpose = "Another" }), knowing(i.UID))
	if l.assume(t, v.as, trust.Login["role_arn"], trust.Login["external_id"]) != nil {
		t.Error("the role that was removed is back")
	}
	for _, secret := range k.open {
		if l.may(t, l.as(secret), "read", s.file("daily")) {
			t.Error("a key that was removed is back")
		}
	}
	if said := s.drift(trust.Object); said == "" {
		t.Error("it is not told that the role is gone")
	}
	if r := s.put(trust.Object, knowing(trust.UID)); !r.Held ||
		l.assume(t, v.as, trust.Login["role_arn"], trust.Login["external_id"]) != nil {
		t.Error("the role that was removed is back with its credential")
	}
	s.put(s.identity(func(i *access.Identity) { i.HoldReleased = "CHG-2" }), knowing(i.UID))
	if l.assume(t, v.as, trust.Login["role_arn"], trust.Login["external_id"]) == nil {
		t.Error("what was released is not back")
	}
}

// What the ledger says of itself is damaged. Nothing is the less cut for that, and whoever came in with the external id
// that follows from it still does.
func TestLessActsWhereTheLedgerHasLostItsID(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	v := l.newVendor(t, "444455556666", "acme-etl")
	s := l.newShop(t, l.open(), time.Hour)
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	weekly := s.put(s.grant("weekly", s.end))
	trust := s.put(s.account(v.principal("acme-etl"), "", s.end))
	if err := s.store.Place(t.Context(), store.SystemKey, []byte(`{"version":1`)); err != nil {
		t.Fatal(err)
	}
	s.System = l.open()
	if _, err := s.Delete(t.Context(), weekly.Object.Ref(), weekly.UID); err != nil {
		t.Error(err)
	}
	session := l.assume(t, v.as, trust.Login["role_arn"], trust.Login["external_id"])
	if session == nil ||
		!l.may(t, session, "read", s.file("daily")) ||
		l.may(t, session, "read", s.file("weekly")) {
		t.Error("the partner does not come in, or reads what was removed")
	}
	if id, err := s.ID(t.Context()); id != "" || err != nil {
		t.Errorf("its id is %q, %v", id, err)
	}
	s.put(s.identity(func(i *access.Identity) { i.Suspended = true }), knowing(i.UID))
	if l.may(t, session, "read", s.file("daily")) {
		t.Error("the partner reads while it is suspended")
	}
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); err != nil {
		t.Error(err)
	}
	if all, err := s.reader.all(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("left are %v, %v", all, err)
	}
}

// A ledger without access whose system.json is damaged is nobody's: what was made there would bear no id.
func TestNothingBeginsInALedgerThatDoesNotSayWhichItIs(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s := l.newShop(t, l.open(), time.Hour)
	if err := s.store.Place(t.Context(), store.SystemKey, []byte(`{"version":1`)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Put(t.Context(),
			access.Change{Object: s.identity(), Stack: "partners", EndsAt: s.end}); !errors.Is(err, store.ErrNameless) {
			t.Errorf("it answers %v", err)
		}
	}
}

// A word that the configuration has lost belongs to a grant that stays. The other one goes all the same.
func TestAGrantIsRemovedWhereAnotherCannotBeTold(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	words, err := policy.NewWords(region, map[string][]string{"fetch": {"s3:GetObject"}})
	if err != nil {
		t.Fatal(err)
	}
	s := l.newShop(t, l.open(func(o *Options) { o.Words = words }), time.Hour)
	k := &keys{}
	s.put(s.identity())
	own := s.grant("weekly", s.end)
	own.Actions = []string{"fetch"}
	s.put(own)
	g := s.put(s.grant("daily", s.end))
	s.put(s.key(s.end), sealing(k))
	if holder := l.as(k.newest()); !l.may(t, holder, "read", s.file("daily")) ||
		!l.may(t, holder, "read", s.file("weekly")) {
		t.Fatal("the grants do not act")
	}
	s.System = l.open()
	if _, err := s.Delete(t.Context(), g.Object.Ref(), g.UID); err != nil {
		t.Fatal(err)
	}
	if l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Error("what was removed reads")
	}
	if said := s.drift(s.key(s.end)); said == "" {
		t.Error("it is not told that the other one gives nothing")
	}
}

// Sealing fails when the key is there already: nothing of it is left.
func TestAKeyThatCannotBeSealedIsNotLeftBehind(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s := l.newShop(t, l.open(), time.Hour)
	s.put(s.identity())
	s.put(s.grant("daily", s.end))
	seals := 0
	failing := func([]byte) (string, error) {
		if seals++; seals > 1 {
			return "", errors.New("no room")
		}
		return "sealed", nil
	}
	if _, err := s.Put(t.Context(),
		access.Change{Object: s.key(s.end), Stack: "partners", EndsAt: s.end, Seal: failing}); err == nil ||
		seals != 2 {
		t.Fatalf("put answers %v after %d seals", err, seals)
	}
	if all, err := s.reader.all(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("left is %v, %v", all, err)
	}
}

// The boundary of the configuration is another one now, and may not be set: that stops what gives,
// and not what takes away.
func TestLessActsWhereTheBoundaryMayNotBeSet(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	i := s.put(s.identity())
	s.put(s.grant("weekly", s.end))
	g := s.put(s.grant("daily", s.end))
	s.put(s.key(s.end), sealing(k))
	s.System = l.forbidding("PutUserPermissionsBoundary")
	s.at.options.Boundary = "arn:aws:iam::" + l.cloud.Access + ":policy/partner-boundary"
	more := s.grant("deep", s.end)
	if _, err := s.Put(t.Context(), access.Change{Object: more, Stack: "partners", EndsAt: s.end}); !errors.Is(err,
		access.ErrNotPermitted) {
		t.Errorf("a new grant answers %v", err)
	}
	holder := l.as(k.newest())
	if _, err := s.Delete(t.Context(), more.Ref(), uidIn(t, s, more)); err != nil {
		t.Error(err)
	}
	if _, err := s.Delete(t.Context(), g.Object.Ref(), g.UID); err != nil {
		t.Error(err)
	}
	if l.may(t, holder, "read", s.file("daily")) ||
		l.may(t, holder, "read", s.place+"orders/acme/deep/1.csv") ||
		!l.may(t, holder, "read", s.file("weekly")) {
		t.Error("what was removed reads, or what stays does not")
	}
	s.put(s.identity(func(i *access.Identity) { i.Suspended = true }), knowing(i.UID))
	if l.may(t, holder, "read", s.file("weekly")) {
		t.Error("the key reads while its identity is suspended")
	}
	_, err := s.Put(t.Context(), access.Change{Object: s.identity(), Stack: "partners", EndsAt: s.end, UID: i.UID})
	if !errors.Is(err, access.ErrNotPermitted) || l.may(t, holder, "read", s.file("weekly")) {
		t.Errorf("it is given back without the boundary: %v", err)
	}
}

func uidIn(t *testing.T, s shop, o access.Object) string {
	t.Helper()
	r, err := s.Get(t.Context(), o.Ref())
	if err != nil {
		t.Fatal(err)
	}
	return r.UID
}

// A release is used once, also by whoever puts a page of before it back, or removes it.
func TestAReleaseIsUsedOnceThoughItsPageIsOfBefore(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	s.put(s.key(s.end), sealing(k))
	page, _, err := s.store.Get(t.Context(), store.KeyOf(s.id), "")
	if err != nil {
		t.Fatal(err)
	}
	cut := func() {
		t.Helper()
		l.must(t, "PutUserPolicy", naming(store.UserOf(s.id, 1), "PolicyName", holdPolicy, "PolicyDocument", holding))
	}
	released := func(i *access.Identity) { i.HoldReleased = "INC 7/ä" }
	cut()
	if r := s.put(s.identity(released), knowing(i.UID)); r.Held ||
		!l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Fatal("the release gives nothing back")
	}
	cut()
	if err := s.store.Place(t.Context(), store.KeyOf(s.id), page); err != nil {
		t.Fatal(err)
	}
	s.System = l.open(func(o *Options) { o.Fresh = time.Hour })
	if r, err := s.Get(t.Context(), s.id.Ref()); err != nil || !slices.Contains(r.Released, "INC 7/ä") {
		t.Errorf("the plan does not know that it was used: %+v, %v", r, err)
	}
	if r := s.put(s.identity(released), knowing(i.UID)); !r.Held ||
		l.may(t, l.as(k.newest()), "read", s.file("daily")) {
		t.Errorf("a release counts twice: held %v", r.Held)
	}
	if err := s.store.Remove(t.Context(), store.KeyOf(s.id), ""); err != nil {
		t.Fatal(err)
	}
	s.System = l.open()
	if r := s.put(s.identity(released)); !r.Held {
		t.Error("a release counts twice where the page of it is gone")
	}
}
