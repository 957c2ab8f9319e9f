// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/store"
)

// crowd puts so many identities, each with a credential and two grants.
func crowd(t testing.TB, l *lab, identities int) {
	t.Helper()
	s := l.open()
	in := func(d time.Duration) access.Terms {
		return access.Terms{Owner: "jane.doe@example.com",
			ExpiresAt: access.At(time.Now().Add(d).Truncate(time.Second))}
	}
	var wg sync.WaitGroup
	next := make(chan int)
	for range 10 {
		wg.Go(func() {
			for n := range next {
				id := access.IdentityID{
					Partner:     fmt.Sprintf("p%d", n%10),
					Environment: "prod",
					Name:        fmt.Sprintf("feed-%d", n),
				}
				c := &access.Credential{IdentityID: id, Terms: in(time.Hour)}
				var seal func([]byte) (string, error)
				if n%4 == 0 {
					c.Secret = &access.SecretRequest{Recipient: "age1"}
					seal = func([]byte) (string, error) { return "sealed", nil }
				} else {
					c.Federated = &access.FederatedTrust{
						Issuer:    issuerURL,
						Subject:   "svc-" + id.Name,
						Audiences: []string{"orders.example.com"},
					}
				}
				for _, o := range []access.Object{
					&access.Identity{ID: id, Terms: in(2 * time.Hour), Purpose: "Nightly order feed"}, c,
					&access.Grant{
						IdentityID: id,
						Name:       "in",
						Terms:      in(time.Hour),
						Resource:   access.Pattern("orders/" + id.Name + "/in/*"),
						Actions:    []string{"read"},
						Purpose:    "Read",
					},
					&access.Grant{
						IdentityID: id,
						Name:       "out",
						Terms:      in(time.Hour),
						Resource:   access.Pattern("orders/" + id.Name + "/out/*"),
						Actions:    []string{"create"},
						Purpose:    "Write",
					},
				} {
					if _, err := s.Put(t.Context(),
						access.Change{
							Object: o,
							Stack:  "partners",
							EndsAt: o.Common().ExpiresAt.Time,
							Seal:   seal,
						}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for n := range identities {
		next <- n
	}
	close(next)
	wg.Wait()
}

// away is a client whose answers each take so much longer, as of a server in another place.
func (l *lab) away(t testing.TB, distance time.Duration) *client.Client {
	t.Helper()
	o := client.Options{Address: l.bao.Address, CACertPEM: []byte(l.bao.CA), Login: client.Token(l.bao.RootToken)}
	near, err := o.NewTransport()
	if err != nil {
		t.Fatal(err)
	}
	o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
		time.Sleep(distance)
		return near.RoundTrip(r)
	})
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// planned reads everything, as a plan that changes nothing does: all at once, and then each.
func planned(t testing.TB, l *lab, distance time.Duration) (all map[access.Ref]*access.Record, requests int64) {
	t.Helper()
	c := l.away(t, distance)
	s := Open(Options{Client: c, Stack: "partners", Session: time.Minute})
	listed, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all = map[access.Ref]*access.Record{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := make(chan access.Ref)
	for range 10 {
		wg.Go(func() {
			for ref := range next {
				r, err := s.Get(t.Context(), ref)
				if err != nil {
					t.Error(err)
					continue
				}
				mu.Lock()
				all[ref] = r
				mu.Unlock()
			}
		})
	}
	for _, r := range listed {
		next <- r.Object.Ref()
	}
	close(next)
	wg.Wait()
	return all, c.Requests()
}

// oneByOne reads what a crowd is made of as a provider does whose resources are OpenBao's own objects: a request for
// each entity, alias and role, and for a policy of each grant. It returns how many.
func oneByOne(t testing.TB, l *lab, identities int, distance time.Duration) int64 {
	t.Helper()
	c := l.away(t, distance)
	aliases := map[string][]string{} // by the name of their entity's
	var listed struct {
		Info map[string]struct {
			Canonical string `json:"canonical_id"`
		} `json:"key_info"`
	}
	if err := l.away(t, 0).List(t.Context(), "identity/entity-alias/id", &listed); err != nil {
		t.Fatal(err)
	}
	for id, alias := range listed.Info {
		aliases[alias.Canonical] = append(aliases[alias.Canonical], "identity/entity-alias/id/"+id)
	}
	var paths []string
	for entity, below := range aliases {
		paths = append(append(paths, "identity/entity/id/"+entity), below...)
	}
	for n := range identities {
		id := access.IdentityID{Partner: fmt.Sprintf("p%d", n%10), Environment: "prod", Name: fmt.Sprintf("feed-%d", n)}
		policy := "sys/policies/acl/" + store.NameOf(id)
		role := "auth/partner-approle/role/" + roleOf(id)
		if n%4 > 0 {
			role = "auth/" + usualJWT(issuerURL) + "/cel/role/" + roleOf(id)
		}
		paths = append(paths, policy, policy, role)
	}
	var wg sync.WaitGroup
	next := make(chan string)
	for range 10 {
		wg.Go(func() {
			for path := range next {
				if err := c.Get(t.Context(), path, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, path := range paths {
		next <- path
	}
	close(next)
	wg.Wait()
	return c.Requests()
}

func TestReadsAreFewAndFewerInBundles(t *testing.T) {
	l := startStage(t).lab
	const identities = 60
	crowd(t, l, identities)
	bundled, few := planned(t, l, 0)
	l.must("DELETE", workflowPath, nil)
	single, many := planned(t, l, 0)
	t.Logf("%d requests in bundles, %d singly, for %d objects", few, many, len(single))
	if limit := int64(12); few > limit {
		t.Errorf("%d requests in bundles, want at most %d", few, limit)
	}
	if limit := int64(2*identities + 3*identities/4 + 55); many > limit {
		t.Errorf("%d single requests, want at most %d", many, limit)
	}
	// Terraform reads an object here and one there for a minute: one reading serves all of it.
	c := l.away(t, 0)
	walk := Open(Options{Client: c, Session: time.Minute, Fresh: time.Minute})
	for round := range 3 {
		if _, err := walk.List(t.Context()); err != nil {
			t.Fatal(err)
		}
		for ref := range single {
			if _, err := walk.Get(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
		}
		if round == 0 {
			many = c.Requests()
		} else if more := c.Requests() - many; more > 0 {
			t.Errorf("the same walk made %d requests more", more)
		}
	}
	if good := time.Until(seen(t, walk).GoodUntil); good < 30*time.Second {
		t.Errorf("what a walk has read serves for %s only", good)
	}
	if len(single) != 4*identities || len(bundled) != len(single) {
		t.Fatalf("%d and %d objects, want %d", len(single), len(bundled), 4*identities)
	}
	for ref, r := range single {
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(bundled[ref])
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is\n%s in a bundle, and singly\n%s", ref, got, want)
		}
		if len(r.Drift) > 0 {
			t.Errorf("%s drifts: %q", ref, r.Drift)
		}
	}
}

func TestTheWorkflowIsInstalledByAChangeOnceThereIsEnoughToBundle(t *testing.T) {
	l := startStage(t).lab
	there := func() bool {
		status, _ := l.bao.Call(t, l.bao.RootToken, "GET", workflowPath, nil)
		return status == http.StatusOK
	}
	crowd(t, l, worthwhile-1)
	planned(t, l, 0)
	logged, err := os.ReadFile(l.bao.AuditLog)
	if err != nil {
		t.Fatal(err)
	}
	if there() ||
		bytes.Contains(logged, []byte(workflowPath)) ||
		!bytes.Contains(logged, []byte("sys/policies/detailed/acl")) {
		t.Error("a few identities make the provider ask for the workflow")
	}
	crowd(t, l, worthwhile)
	if !there() {
		t.Error("changes do not install it")
	}
	l.must("DELETE", workflowPath, nil)
	if _, err := l.open().List(t.Context()); err != nil || there() {
		t.Errorf("a look installs it, or fails: %v", err)
	}
}

// A gateway swallows what concerns workflows: that costs one change a moment, and none its success.
func TestWhereNoWorkflowCanBeInstalledChangesGoOn(t *testing.T) {
	st := startStage(t)
	var swallowed atomic.Int64
	s := st.open(func(o *client.Options) {
		o.Patience = time.Minute // an attempt may take longer than the workflow may, as in the provider
		near := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			if !strings.Contains(r.URL.Path, workflow) {
				return near.RoundTrip(r)
			}
			swallowed.Add(1)
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
	})
	waited := 0
	for n := range worthwhile + 2 {
		before := swallowed.Load()
		if _, err := s.Put(t.Context(), st.change(identityOf(fmt.Sprintf("feed-%d", n)))); err != nil {
			t.Fatal(err)
		}
		if swallowed.Load() > before {
			waited++
		}
	}
	if waited != 1 {
		t.Errorf("%d changes waited for the workflow, want one", waited)
	}
}

func TestAnotherWorkflowOfTheNameIsLeftAlone(t *testing.T) {
	l := startStage(t).lab
	theirs := "output {\n  data = { eval_source = \"cel\" eval_type = \"map\" expression = \"{}\" }\n}\n"
	l.must("POST", workflowPath, map[string]any{"workflow": theirs +
		"flow \"f\" {\n  request \"r\" {\n    operation = \"read\"\n    path = \"sys/health\"\n  }\n}\n"})
	crowd(t, l, worthwhile)
	all, requests := planned(t, l, 0)
	if len(all) != 4*worthwhile || requests < 2*worthwhile {
		t.Errorf("%d objects with %d requests", len(all), requests)
	}
}

// What a plan of a thousand identities that changes nothing asks, each with one credential and two grants; and what it
// would ask with a request for each object.
//
//	go test ./internal/system/openbao -run - -bench Plan -benchtime 3x
func BenchmarkPlan(b *testing.B) {
	const identities = 1000
	l := startLab(b)
	crowd(b, l, identities)
	measure := func(how string, ask func(b *testing.B, distance time.Duration) int64) {
		for _, distance := range []time.Duration{0, 10 * time.Millisecond} {
			b.Run(fmt.Sprintf("%s, %s away", how, distance), func(b *testing.B) {
				var requests int64
				for b.Loop() {
					requests = ask(b, distance)
				}
				b.ReportMetric(float64(requests), "requests/op")
			})
		}
	}
	plan := func(b *testing.B, distance time.Duration) int64 {
		_, requests := planned(b, l, distance)
		return requests
	}
	measure("in bundles", plan)
	l.must("DELETE", workflowPath, nil)
	measure("singly", plan)
	measure("object by object", func(b *testing.B, distance time.Duration) int64 {
		return oneByOne(b, l, identities, distance)
	})
}

// seen is what a handle reads from now.
func seen(t *testing.T, s *System) *snapshot {
	t.Helper()
	snap, err := s.store.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snap
}
