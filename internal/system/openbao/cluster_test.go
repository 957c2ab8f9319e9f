// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

// at is a handle that talks to one node of a cluster, under a stack.
func at(t *testing.T, node *realtool.Bao, ca, root string, patience time.Duration) *System {
	t.Helper()
	c, err := client.New(client.Options{
		Address:   node.Address,
		CACertPEM: []byte(ca),
		Login:     client.Token(root),
		Patience:  patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	return Open(Options{Client: c, Bootstrap: true, Session: time.Minute, Mounts: Mounts{}})
}

// startCluster is a cluster that a lab's words work on: its server is one of the standbys.
func startCluster(t *testing.T) (*realtool.BaoCluster, *lab) {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	realtool.Find(t, "bao")
	cluster := realtool.StartBaoCluster(t)
	l := &lab{t: t, bao: cluster.Standbys(t)[0]}
	l.bao.RootToken, l.bao.CA = cluster.RootToken, cluster.CA
	return cluster, l
}

func secretOf(id access.IdentityID) *access.Credential {
	return &access.Credential{IdentityID: id, Terms: terms(time.Hour), Secret: &access.SecretRequest{Recipient: "age1"}}
}

// A rehearsal knows one address of a cluster, and says that it measured there.
func TestARehearsalOnAClusterSaysWhereItMeasured(t *testing.T) {
	cluster, l := startCluster(t)
	s := at(t, l.bao, cluster.CA, cluster.RootToken, 30*time.Second)
	if _, err := s.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, d := range s.Doors(access.Proof{Credential: secretOf(idOf("etl"))}) {
		if !strings.Contains(d.Note, "Measured at "+l.bao.Address+" alone") {
			t.Errorf("its note is %q", d.Note)
		}
	}
}

// What was written through a standby is read through it, acts on it, and is cut on it.
func TestAStandbyIsAsGoodAsTheLeader(t *testing.T) {
	cluster, l := startCluster(t)
	s := at(t, l.bao, cluster.CA, cluster.RootToken, 30*time.Second)
	l.must("POST", "sys/mounts/orders", map[string]any{"type": "kv"})
	id := idOf("etl")
	clear := ""
	change := func(o access.Object, edits ...func(*access.Change)) access.Change {
		c := access.Change{Object: o, Stack: "partners", EndsAt: o.Common().ExpiresAt.Time,
			Seal: func(secret []byte) (string, error) {
				clear = string(secret)
				return "sealed", nil
			}}
		for _, edit := range edits {
			edit(&c)
		}
		return c
	}
	put := func(o access.Object, edits ...func(*access.Change)) *access.Record {
		t.Helper()
		r, err := s.Put(t.Context(), change(o, edits...))
		if err != nil {
			t.Fatalf("put %s: %v", o.Ref(), err)
		}
		if got, err := s.Get(t.Context(), o.Ref()); err != nil ||
			got.UID != r.UID ||
			len(got.Drift) > 0 {
			t.Fatalf("%s does not read its own write: %+v, %v", o.Ref(), got, err)
		}
		return r
	}
	identity := put(identityOf("etl"))
	g := grantOf("etl")
	g.ExpiresAt = in(20 * time.Second)
	put(g)
	put(secretOf(id))
	probe := systemtest.Probe{Credential: secretOf(id), Secret: clear, Action: "read", Path: "orders/etl/1.csv"}
	within(t, "the grant works on a standby", func() bool { return l.allows(t, probe) })
	token := l.login(t, probe)
	put(identityOf("etl", suspended), func(c *access.Change) { c.UID = identity.UID })
	within(t, "a suspension acts on a standby", func() bool { return !l.may(t, token, "read", probe.Path) })
	put(identityOf("etl"), func(c *access.Change) { c.UID = identity.UID })
	within(t, "and is taken back", func() bool { return l.allows(t, probe) })
	time.Sleep(time.Until(g.ExpiresAt.Time))
	within(t, "the grant ends on a standby", func() bool { return !l.allows(t, probe) })
	if swept, err := s.Delete(t.Context(), id.Ref(), identity.UID); err != nil || len(swept) != 2 {
		t.Fatalf("delete: %v, %v", swept, err)
	}
	if _, err := s.Get(t.Context(), id.Ref()); !errors.Is(err, access.ErrNotFound) {
		t.Errorf("after the delete: %v", err)
	}
}

// within claims that something holds within two seconds.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begun := time.Now(); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Since(begun) > 2*time.Second {
			t.Fatalf("not within 2 s: %s", what)
		}
	}
}

// The leader dies in the middle of two hundred changes: each succeeds or says that it did not, the same change again
// completes, and nothing is there twice.
func TestTheLeaderDiesAmongTwoHundredChanges(t *testing.T) {
	cluster, l := startCluster(t)
	standbys := cluster.Standbys(t)
	warm := at(t, l.bao, cluster.CA, cluster.RootToken, 30*time.Second)
	if _, err := warm.Put(t.Context(),
		access.Change{Object: identityOf("warm"), Stack: "partners", EndsAt: in(time.Hour).Time}); err != nil {
		t.Fatal(err)
	}
	const identities = 50
	handles := []*System{at(t, standbys[0], cluster.CA, cluster.RootToken, 30*time.Second),
		at(t, standbys[1], cluster.CA, cluster.RootToken, 30*time.Second)}
	objects := func(n int) []access.Object {
		name := fmt.Sprintf("feed-%d", n)
		first, second := grantOf(name), grantOf(name)
		first.Name, second.Name, second.Resource = "in", "out", access.Pattern("orders/"+name+"/out/*")
		return []access.Object{identityOf(name), first, second, secretOf(idOf(name))}
	}
	var mu sync.Mutex
	done, failed := 0, 0
	apply := func(ctx context.Context) {
		var wg sync.WaitGroup
		next := make(chan int)
		for worker := range 10 {
			s := handles[worker%2]
			wg.Go(func() {
				for n := range next {
					for _, o := range objects(n) {
						c := access.Change{
							Object: o,
							Stack:  "partners",
							EndsAt: o.Common().ExpiresAt.Time,
							Seal:   func([]byte) (string, error) { return "sealed", nil },
						}
						_, err := s.Put(ctx, c)
						mu.Lock()
						if err == nil {
							done++
						} else if failed++; !errors.Is(err, access.ErrUnavailable) &&
							!errors.Is(err, access.ErrNoIdentity) {
							t.Logf("put %s: %v", o.Ref(), err)
						}
						mu.Unlock()
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
	go func() {
		for {
			mu.Lock()
			enough := done > 40
			mu.Unlock()
			if enough {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		cluster.Kill(cluster.Leader(t))
	}()
	apply(t.Context())
	t.Logf("%d succeeded, %d failed", done, failed)
	done, failed = 0, 0
	apply(t.Context()) // as the next apply does: what was made is adopted
	if failed > 0 {
		t.Errorf("%d of the changes fail when they are made again", failed)
	}
	s := at(t, standbys[1], cluster.CA, cluster.RootToken, 30*time.Second)
	all, err := s.List(t.Context())
	if err != nil || len(all) != 4*identities+1 {
		t.Fatalf("there are %d objects, want %d: %v", len(all), 4*identities+1, err)
	}
	for _, r := range all {
		got, err := s.Get(t.Context(), r.Object.Ref())
		if err != nil || len(got.Drift) > 0 {
			t.Errorf("%s: %+v, %v", r.Object.Ref(), got, err)
		}
	}
}
