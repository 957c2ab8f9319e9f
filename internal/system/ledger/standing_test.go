// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// An identity gives access by all that it hangs on: the earliest end counts, and whatever is cut, gone
// or in a circle cuts it.
func TestAnIdentityStandsAsAllThatItHangsOnDoes(t *testing.T) {
	t.Parallel()
	soon := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	later := soon.AddDate(0, 1, 0)
	named := func(name string) access.IdentityID {
		return access.IdentityID{Partner: "acme", Environment: "prod", Name: name}
	}
	below := func(name, parent string) *access.Identity {
		return &access.Identity{ID: named(name), ParentID: named(parent)}
	}
	above := func(name string, depth int64) *access.Identity {
		return &access.Identity{ID: named(name), Subcontractors: &access.Subcontractors{Allowed: true, MaxDepth: depth}}
	}
	paused := above("etl", 1)
	paused.Suspended = true
	for name, c := range map[string]struct {
		of     string
		chain  []*access.Identity
		cut    bool
		broken bool
		end    time.Time
	}{
		"one that stands alone": {"etl", []*access.Identity{above("etl", 0)}, false, false, soon},
		"one below another that allows it": {"sub", []*access.Identity{below("sub", "etl"), above("etl", 1)},
			false, false, soon},
		"one below another that allows none": {"sub", []*access.Identity{below("sub", "etl"), above("etl", 0)}, true,
			false, soon},
		"one below another that is suspended": {"sub", []*access.Identity{below("sub", "etl"), paused}, true, false,
			soon},
		"one that is not there":               {"sub", []*access.Identity{above("etl", 0)}, true, true, time.Time{}},
		"one below another that is not there": {"sub", []*access.Identity{below("sub", "etl")}, true, true, later},
		"one that hangs on itself by another": {"sub", []*access.Identity{below("sub", "etl"), below("etl", "sub")},
			true, true, soon},
		"one two levels down, of which one may": {"subsub",
			[]*access.Identity{below("subsub", "sub"), below("sub", "etl"), above("etl", 1)}, true, false, soon},
	} {
		l := Ledger{}
		for _, i := range c.chain {
			bound := later
			if i.ID.Name == "etl" {
				bound = soon
			}
			l[i.Ref()] = &Entry{Object: i, Bound: bound}
		}
		s := l.Standing(named(c.of))
		if s.Cut() != c.cut || (s.Broken != "") != c.broken || !s.End.Equal(c.end) {
			t.Errorf("%s: cut %v, %q, until %s", name, s.Cut(), s.Broken, s.End)
		}
	}
}

// A cut counts from after what was lifted until before its credential had gone, to the nanosecond.
func TestACutCountsBetweenWhatWasLiftedAndWhatWentAfterIt(t *testing.T) {
	t.Parallel()
	at := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	before := at.Add(-time.Nanosecond)
	after := at.Add(time.Nanosecond)
	for name, c := range map[string]struct {
		lifted, gone time.Time
		counts       bool
	}{
		"nothing was lifted, and it is there": {time.Time{}, time.Time{}, true},
		"an earlier one was lifted":           {before, time.Time{}, true},
		"it was lifted itself":                {at, time.Time{}, false},
		"a later one was lifted":              {after, time.Time{}, false},
		"its credential went afterwards":      {before, after, true},
		"its credential went at that moment":  {before, at, false},
		"its credential had gone":             {before, before, false},
	} {
		if got := counted(at, c.lifted, c.gone); got.Equal(at) != c.counts || (!c.counts && !got.IsZero()) {
			t.Errorf("%s: it counts from %s", name, got)
		}
	}
}

// A release lifts a cut of its own moment, with the key that the identity had then.
func TestAReleaseOfTheMomentOfACutLiftsIt(t *testing.T) {
	t.Parallel()
	cut := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"}
	c := &access.Credential{IdentityID: id,
		Federated: &access.FederatedTrust{Issuer: "https://login.test", Subject: "svc"}}
	l := Ledger{id.Ref(): {Object: &access.Identity{ID: id}, HoldLifted: cut}, c.Ref(): {Object: c}}
	d := NewDraft(l, cut.Add(time.Hour), nil)
	if !d.releasedWith(d.all(), c, cut) {
		t.Error("the cut that was released holds on")
	}
	if d.releasedWith(d.all(), c, cut.Add(time.Nanosecond)) {
		t.Error("the release lifts a cut that came after it")
	}
}

// An object that is made anew during its removal takes its own place: what stood there is remembered, also if the new
// one takes nothing from it.
func TestWhatIsMadeAnewDuringARemovalIsRemembered(t *testing.T) {
	t.Parallel()
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"}
	c := &access.Credential{IdentityID: id,
		Federated: &access.FederatedTrust{Issuer: "https://login.test", Subject: "svc"}}
	g := &access.Grant{IdentityID: id, Name: "daily", Resource: "orders/acme/*", Actions: []string{"read"}}
	for begun, want := range map[bool]int{false: 0, true: 1} {
		l := Ledger{}
		for _, o := range []access.Object{&access.Identity{ID: id}, c, g} {
			l[o.Ref()] = &Entry{
				Object:  o,
				Bound:   now.AddDate(1, 0, 0),
				History: access.History{UID: "u", CreatedAt: now.AddDate(0, -1, 0)},
			}
		}
		if begun {
			l[g.Ref()].RemovedAt = now.Add(-time.Hour)
		}
		d := NewDraft(l, now, nil)
		d.rememberTaken(d.Ledger[g.Ref()], g)
		if got := len(d.memory(id)); got != want {
			t.Errorf("a removal was begun: %v. %d are remembered, want %d", begun, got, want)
		}
	}
}
