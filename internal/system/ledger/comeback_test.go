// SPDX-License-Identifier: MPL-2.0

package ledger

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// While anything is cut by hand, each new credential is compared with all that there are: a plan of a thousand does not wait for it.
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
		if WouldHold(l, holds, nil, fresh) {
			t.Fatal("a key that nobody cut is held")
		}
	}); allocated > 10_000 {
		t.Errorf("it allocated %.0f times", allocated)
	}
	fresh = credential(1000)
	if !WouldHold(l, holds, nil, fresh) {
		t.Error("a key that was cut is not held")
	}
}

// A mark says when it was written last. Whoever cut a second time, after the credential was destroyed, gave its workload back to anybody else.
func TestWhatWasCutTwiceStaysCut(t *testing.T) {
	t.Parallel()
	cutFirst := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	removed, cutAgain := cutFirst.Add(time.Hour), cutFirst.Add(2*time.Hour)
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"}
	credential := func(of access.IdentityID) *access.Credential {
		return &access.Credential{IdentityID: of, Federated: &access.FederatedTrust{Issuer: "https://login.test", Subject: "svc"}}
	}
	gone := credential(id)
	for name, c := range map[string]struct {
		atRemoval, later Holds
		lifted           time.Time
		held             bool
	}{
		"it alone":                    {Holds{gone.Ref().ID: cutFirst}, Holds{gone.Ref().ID: cutAgain}, time.Time{}, true},
		"its identity":                {Holds{id.String(): cutFirst}, Holds{id.String(): cutAgain}, time.Time{}, true},
		"its partner":                 {Holds{"acme": cutFirst}, Holds{"acme": cutAgain}, time.Time{}, true},
		"it, and then its partner":    {Holds{gone.Ref().ID: cutFirst}, Holds{gone.Ref().ID: cutFirst, "acme": cutAgain}, time.Time{}, true},
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
		for _, o := range []access.Object{&access.Identity{ID: id}, gone, &access.Grant{IdentityID: id, Name: "daily", Resource: "orders/acme/*"}} {
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

// An identity that was there before a cut of another one, and is made anew, is not held. What it brings back with it is, and the plan says so.
func TestWhatComesBackWithAnIdentityOfBeforeIsForetold(t *testing.T) {
	t.Parallel()
	cut := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	named := func(partner, name string) access.IdentityID {
		return access.IdentityID{Partner: partner, Environment: "prod", Name: name}
	}
	credential := func(of access.IdentityID) *access.Credential {
		return &access.Credential{IdentityID: of, Federated: &access.FederatedTrust{Issuer: "https://login.test", Subject: "svc"}}
	}
	was := credential(named("acme", "etl"))
	l := Ledger{was.IdentityID.Ref(): {Object: &access.Identity{ID: was.IdentityID}}, was.Ref(): {Object: was}}
	stones := Tombstones{named("acme", "older"): {RemovedAt: cut.Add(time.Hour)}}
	for of, foretold := range map[access.IdentityID]bool{
		named("acme", "older"): true, named("globex", "new"): true,
		named("acme", "new"): false, // its identity is held, or released
	} {
		if got := WouldHold(l, Holds{was.Ref().ID: cut}, stones, credential(of)); got != foretold {
			t.Errorf("%s: foretold %v", of, got)
		}
	}
}
