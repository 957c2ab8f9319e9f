// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// While anything is cut by hand, each new credential is compared with all that there are: a plan of a
// thousand does not wait for it.
func TestLookingForWhatComesBackIsQuick(t *testing.T) {
	csr, err := os.ReadFile("../../guardrail/testdata/p256.csr")
	if err != nil {
		t.Fatal(err)
	}
	l := Ledger{}
	credential := func(n int) *access.Credential {
		id := access.IdentityID{Partner: fmt.Sprintf("p%d", n), Environment: "prod", Name: "etl"}
		return &access.Credential{IdentityID: id, Certificate: &access.CertificateRequest{CSR: string(csr)}}
	}
	for n := range 1000 {
		c := credential(n)
		l[c.IdentityID.Ref()] = &Entry{Object: &access.Identity{ID: c.IdentityID}}
		l[c.Ref()] = &Entry{Object: c}
	}
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	holds := Holds{"p7": now}
	fresh := credential(1000)
	fresh.Certificate = nil
	fresh.Federated = &access.FederatedTrust{Issuer: "https://login.test", Subject: "svc"}
	// Parsing the 1,000 requests would allocate some 100,000 times; a clock would judge the machine.
	if allocated := testing.AllocsPerRun(10, func() {
		if WouldHold(l, holds, nil, fresh, now) {
			t.Fatal("a key that nobody cut is held")
		}
	}); allocated > 10_000 {
		t.Errorf("it allocated %.0f times", allocated)
	}
	fresh = credential(1000)
	if !WouldHold(l, holds, nil, fresh, now) {
		t.Error("a key that was cut is not held")
	}
}

// A mark says when it was written last. Whoever cut a second time, after the credential was destroyed, gave its
// workload back to anybody else.
func TestWhatWasCutTwiceStaysCut(t *testing.T) {
	t.Parallel()
	cutFirst := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	removed := cutFirst.Add(time.Hour)
	cutAgain := cutFirst.Add(2 * time.Hour)
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"}
	credential := func(of access.IdentityID) *access.Credential {
		return &access.Credential{IdentityID: of,
			Federated: &access.FederatedTrust{Issuer: "https://login.test", Subject: "svc"}}
	}
	gone := credential(id)
	for name, c := range map[string]struct {
		atRemoval, later Holds
		lifted           time.Time
		held             bool
	}{
		"it alone": {Holds{gone.Ref().ID: cutFirst}, Holds{gone.Ref().ID: cutAgain}, time.Time{},
			true},
		"its identity": {Holds{id.String(): cutFirst}, Holds{id.String(): cutAgain}, time.Time{}, true},
		"its partner":  {Holds{"acme": cutFirst}, Holds{"acme": cutAgain}, time.Time{}, true},
		"it, and then its partner": {Holds{gone.Ref().ID: cutFirst},
			Holds{gone.Ref().ID: cutFirst, "acme": cutAgain}, time.Time{}, true},
		"and it was released":         {Holds{"acme": cutFirst}, Holds{"acme": cutFirst}, cutFirst, false},
		"by the clock of another one": {Holds{}, Holds{"acme": removed}, time.Time{}, true},
		"and the mark was taken away": {Holds{"acme": cutFirst}, Holds{"initech": cutFirst}, time.Time{}, false},
		"only after it was destroyed": {Holds{}, Holds{"acme": cutAgain}, time.Time{}, false},
	} {
		history := access.History{UID: "u", CreatedAt: cutFirst.Add(-time.Hour)}
		entry := func(o access.Object) *Entry {
			return &Entry{Object: o, History: history, Bound: cutAgain.AddDate(1, 0, 0)}
		}
		l := Ledger{}
		for _, o := range []access.Object{&access.Identity{ID: id}, gone,
			&access.Grant{IdentityID: id, Name: "daily", Resource: "orders/acme/*"}} {
			l[o.Ref()] = entry(o)
		}
		d := NewDraft(l, removed, nil)
		d.Holds = c.atRemoval
		if _, err := d.Strike(gone.Ref(), "u"); err != nil {
			t.Fatal(err)
		}
		d.Forget(gone.Ref())
		text, err := d.Ledger[id.Ref()].MarshalJSON() // as a system keeps it
		kept := &Entry{}
		if err == nil {
			err = kept.UnmarshalJSON(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		kept.HoldLifted = c.lifted
		next := NewDraft(Ledger{id.Ref(): kept}, cutAgain.Add(time.Hour), nil)
		next.Holds = c.later
		for _, partner := range []string{"acme", "globex"} {
			of := access.IdentityID{Partner: partner, Environment: "prod", Name: "other"}
			if from := next.comesBack(nil, credential(of)); (from == id) != c.held {
				t.Errorf("%s: what %s brings is of %s", name, of, from)
			}
		}
	}
}

// An identity that was there before a cut of another one, and is made anew, is not held. What it brings back with it
// is, and the plan says so.
func TestWhatComesBackWithAnIdentityOfBeforeIsForetold(t *testing.T) {
	t.Parallel()
	cut := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	named := func(partner, name string) access.IdentityID {
		return access.IdentityID{Partner: partner, Environment: "prod", Name: name}
	}
	credential := func(of access.IdentityID) *access.Credential {
		return &access.Credential{IdentityID: of,
			Federated: &access.FederatedTrust{Issuer: "https://login.test", Subject: "svc"}}
	}
	was := credential(named("acme", "etl"))
	l := Ledger{was.IdentityID.Ref(): {Object: &access.Identity{ID: was.IdentityID}}, was.Ref(): {Object: was}}
	stones := Tombstones{named("acme", "older"): {RemovedAt: cut.Add(time.Hour)}}
	for of, foretold := range map[access.IdentityID]bool{
		named("acme", "older"): true, named("globex", "new"): true,
		named("acme", "new"): false, // its identity is held, or released
	} {
		if got := WouldHold(l, Holds{was.Ref().ID: cut}, stones, credential(of), cut); got != foretold {
			t.Errorf("%s: foretold %v", of, got)
		}
	}
}

// A stolen SSH key opens what is sealed to it: cut, it holds a secret for it too. A recipient whose secret was cut says
// nothing of the next one.
func TestAStolenKeyIsNoRecipient(t *testing.T) {
	t.Parallel()
	cut := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	key, err := os.ReadFile("../../guardrail/testdata/ed25519.pub")
	if err != nil {
		t.Fatal(err)
	}
	leaked := access.IdentityID{Partner: "acme", Environment: "prod", Name: "leaked"}
	next := access.IdentityID{Partner: "acme", Environment: "prod", Name: "next"}
	login := &access.Credential{IdentityID: leaked, SSHCertificate: &access.SSHRequest{PublicKey: string(key)}}
	sealed := func(of access.IdentityID) *access.Credential {
		return &access.Credential{IdentityID: of, Secret: &access.SecretRequest{Recipient: string(key)}}
	}
	for scope, held := range map[string]bool{login.Ref().ID: true, sealed(leaked).Ref().ID: false} {
		l := Ledger{login.Ref(): {Object: login}, sealed(leaked).Ref(): {Object: sealed(leaked)}}
		for _, id := range []access.IdentityID{leaked, next} {
			l[id.Ref()] = &Entry{Object: &access.Identity{ID: id}}
		}
		if got := WouldHold(l, Holds{scope: cut}, nil, sealed(next), cut.Add(time.Hour)); got != held {
			t.Errorf("%s is cut, and a secret for the key is held: %v", scope, got)
		}
	}
}

// A release counts for what its identity had. What was cut under a sibling, and comes afterwards, is held; what was
// there, and was released, is not.
func TestAReleaseLiftsNoCutOfASiblingsKey(t *testing.T) {
	t.Parallel()
	cut := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	named := func(name string) access.IdentityID {
		return access.IdentityID{Partner: "acme", Environment: "prod", Name: name}
	}
	credential := func(of access.IdentityID) *access.Credential {
		return &access.Credential{IdentityID: of,
			Federated: &access.FederatedTrust{Issuer: "https://login.test", Subject: "svc"}}
	}
	leaked := credential(named("leaked"))
	own := credential(named("own"))
	for name, c := range map[string]struct {
		holds, later Holds
		had, held    bool
	}{
		"its partner was cut, and it had another key": {Holds{"acme": cut}, nil, false, true},
		"it was cut itself, after the sibling": {Holds{leaked.IdentityID.String(): cut,
			own.IdentityID.String(): cut.Add(time.Hour)}, nil, false, true},
		"it had the key, and was released with it": {Holds{leaked.Ref().ID: cut, own.Ref().ID: cut.Add(time.Hour)},
			nil, true, false},
		"the key was cut under it again": {Holds{leaked.Ref().ID: cut},
			Holds{own.Ref().ID: cut.Add(3 * time.Hour)}, true, true},
	} {
		l := Ledger{leaked.Ref(): {Object: leaked}}
		for _, id := range []access.IdentityID{leaked.IdentityID, own.IdentityID} {
			l[id.Ref()] = &Entry{Object: &access.Identity{ID: id},
				History: access.History{UID: "u", CreatedAt: cut.AddDate(0, -1, 0)}}
		}
		d := NewDraft(l, cut.Add(2*time.Hour), nil)
		d.Holds = c.holds
		if c.had {
			f, _ := access.FormerOf(own, access.History{CreatedAt: cut}, cut.AddDate(1, 0, 0), cut.Add(2*time.Hour))
			l[own.IdentityID.Ref()].Former = []access.Former{f}
		}
		if _, err := d.Place(access.Change{
			Object: &access.Identity{ID: own.IdentityID, HoldReleased: "INC-1"},
			UID:    "u",
			Cuts:   access.CutsSeen{Last: cut.Add(3 * time.Hour)},
		}); err != nil {
			t.Fatal(err)
		}
		maps.Copy(d.Holds, c.later)
		from := d.comesBack(nil, own)
		if alone := d.HeldAlone(d.Holds, own); (alone || from != access.IdentityID{}) != c.held {
			t.Errorf("%s: held alone %v, as of %s", name, alone, from)
		}
	}
}

// A release lifts no cut that whoever decided on it had not seen, and one of an identity that is made lifts nothing.
func TestAReleaseLiftsOnlyWhatWasSeen(t *testing.T) {
	t.Parallel()
	seen := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"}
	for scope, later := range map[string]bool{
		"acme": true, id.String(): true, id.String() + "/federated": true, "acme/prod/other": false,
		"acme/prod/etl-2": false, "initech": false,
	} {
		for at, refused := range map[time.Time]bool{seen: false, seen.Add(time.Nanosecond): later} {
			d := NewDraft(Ledger{id.Ref(): {Object: &access.Identity{ID: id},
				History: access.History{UID: "u", CreatedAt: seen}}}, seen.Add(time.Hour), nil)
			d.Holds = Holds{scope: at}
			release := access.Change{
				Object: &access.Identity{ID: id, HoldReleased: "INC-1"},
				UID:    "u",
				Cuts:   access.CutsSeen{Last: seen},
			}
			err := d.Try(func() error { _, err := d.Place(release); return err })
			if errors.Is(err, access.ErrCutSince) != refused || (err != nil && !refused) {
				t.Errorf("%s cut at %s: %v", scope, at, err)
			}
			if held := d.HeldIdentity(d.Holds, id); held != (refused && !strings.HasSuffix(scope, "/federated")) {
				t.Errorf("%s cut at %s: held %v", scope, at, held)
			}
		}
	}
	d := NewDraft(Ledger{}, seen.Add(time.Hour), nil)
	d.Holds = Holds{"acme": seen}
	p, err := d.Place(access.Change{Object: &access.Identity{ID: id, HoldReleased: "INC-1"}})
	if err != nil ||
		p.Lifts ||
		!d.HeldIdentity(d.Holds, id) ||
		!slices.Contains(p.Entry.History.Released, "INC-1") {
		t.Errorf("made with a release, it lifts %v, used %q, %v", p.Lifts, p.Entry.History.Released, err)
	}
}
