// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"errors"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// withoutSTS is a handle for which nobody answers at STS.
func (l *lab) withoutSTS() *System {
	return l.open(func(o *Options) {
		o.Patience = 100 * time.Millisecond
		o.Endpoints.STS = "http://127.0.0.1:1"
	})
}

// STS only says whose account it is. IAM says so as well, by what is in it.
func TestLessActsWhereSTSIsOutOfReach(t *testing.T) {
	t.Parallel()
	cloud := ministack(t)
	l := startLab(t, cloud, access.Federated)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	if _, err := l.withoutSTS().Put(t.Context(),
		access.Change{Object: s.identity(), Stack: "partners", EndsAt: s.end}); !errors.Is(err, access.ErrUnavailable) {
		t.Errorf("the first change of an account that nobody knows answers %v", err)
	}
	i := s.put(s.identity())
	s.put(s.grant("weekly", s.end))
	g := s.put(s.grant("daily", s.end))
	s.put(s.account("arn:aws:iam::444455556666:role/etl", "", s.end))
	s.put(s.key(s.end), sealing(k))
	holder := l.as(k.newest())
	s.System = l.withoutSTS()
	if all, err := s.List(t.Context()); err != nil || len(all) != 5 {
		t.Errorf("the plan lists %d, %v", len(all), err)
	}
	if r, err := s.Get(t.Context(), s.id.Ref()); err != nil || len(r.Drift) > 0 {
		t.Errorf("the plan reads %+v, %v", r, err)
	}
	if _, err := s.Delete(t.Context(), g.Object.Ref(), g.UID); err != nil {
		t.Error(err)
	}
	if l.may(t, holder, "read", s.file("daily")) || !l.may(t, holder, "read", s.file("weekly")) {
		t.Error("what was removed reads, or what stays does not")
	}
	s.put(s.identity(func(i *access.Identity) { i.Suspended = true }), knowing(i.UID))
	if l.may(t, holder, "read", s.file("weekly")) {
		t.Error("the key reads while its identity is suspended")
	}
	there := startLab(t, cloud.In("999988887777"), access.Federated) // with a copy of the ledger
	strange := there.withoutSTS()
	copies, err := s.store.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range copies {
		text, _, err := s.store.Get(t.Context(), o.Key, "")
		if err == nil {
			err = strange.store.Place(t.Context(), o.Key, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := strange.Delete(t.Context(), s.id.Ref(), i.UID); err == nil || errors.Is(err, access.ErrNotFound) {
		t.Errorf("in an account that has nothing of it, and that nobody knows, it answers %v", err)
	}
	if _, err := s.Delete(t.Context(), s.id.Ref(), i.UID); err != nil {
		t.Error(err)
	}
	if all, err := s.reader.all(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("left is %v, %v", all, err)
	}
}

// Whoever may not write the trust of a role can still cut it: that is what is left to do where it is to be another's.
func TestANarrowerTrustActsWhereItMayNotBeWritten(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	v := l.newVendor(t, "444455556666", "acme-etl")
	s := l.newShop(t, l.open(), time.Hour)
	s.put(s.identity())
	s.put(s.grant("daily", s.end))
	until := s.end.Add(-5 * time.Minute)
	c := s.put(s.account(v.principal("acme-etl"), "", until))
	session := l.assume(t, v.as, c.Login["role_arn"], c.Login["external_id"])
	s.System = l.forbidding("UpdateAssumeRolePolicy")
	sooner := until.Add(-time.Minute)
	later := until.Add(time.Minute)
	s.put(s.account(v.principal("acme-etl"), "", sooner), knowing(c.UID)) // partner-end ends it
	if !l.may(t, session, "read", s.file("daily")) {
		t.Error("a sooner end cuts at once")
	}
	if _, err := s.Put(t.Context(),
		access.Change{
			Object: s.account(v.principal("acme-etl"), "", later),
			Stack:  "partners",
			EndsAt: later,
			UID:    c.UID,
		}); !errors.Is(err, access.ErrNotPermitted) {
		t.Errorf("a later end answers %v", err)
	}
	if !l.may(t, session, "read", s.file("daily")) {
		t.Error("a later end cuts at once")
	}
	other := s.account(v.principal("acme-etl"), "another", sooner)
	if _, err := s.Put(t.Context(),
		access.Change{Object: other, Stack: "partners", EndsAt: sooner, UID: c.UID}); !errors.Is(err,
		access.ErrNotPermitted) {
		t.Errorf("another external id answers %v", err)
	}
	if l.may(t, session, "read", s.file("daily")) {
		t.Error("whom the declaration trusts no more reads")
	}
	s.System = l.open()
	r := s.put(other, knowing(c.UID))
	if session := l.assume(t, v.as, r.Login["role_arn"], "another"); session == nil ||
		!l.may(t, session, "read", s.file("daily")) {
		t.Error("with the right to write it the trust is not what is declared")
	}
}
