// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// What a plan asks: each identity with its grant and its role is read, as a refresh does.
func TestAPlanAsksOncePerIdentityAndAgainOnlyForWhatChanged(t *testing.T) {
	t.Parallel()
	many := 40
	if more, err := strconv.Atoi(os.Getenv("PARTNER_IDENTITIES")); err == nil {
		many = more
	}
	l := startLab(t, ministack(t), access.Federated)
	s := l.newShop(t, l.open(), time.Hour)
	var making errgroup.Group
	making.SetLimit(8)
	ids := make([]access.IdentityID, many)
	for n := range ids {
		making.Go(func() error {
			s := s
			s.id.Name = fmt.Sprintf("etl-%d", n)
			ids[n] = s.id
			for _, o := range []access.Object{s.identity(), s.grant("daily", s.end), s.account("arn:aws:iam::444455556666:role/etl", "", s.end)} {
				if _, err := s.Put(t.Context(), access.Change{Object: o, Stack: "partners", EndsAt: s.end}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := making.Wait(); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	planner := l.open(func(o *Options) {
		under := o.Transport
		o.Fresh = time.Hour
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) { asked.Add(1); return under.RoundTrip(r) })
	})
	plan := func() (requests int64, took time.Duration) {
		began, before := time.Now(), asked.Load()
		for _, id := range ids {
			for _, ref := range []access.Ref{id.Ref(), {Type: access.TypeGrant, ID: id.String() + "/daily"}, {Type: access.TypeCredential, ID: id.String() + "/federated"}} {
				r, err := planner.Get(t.Context(), ref)
				if err != nil || len(r.Drift) > 0 || r.Held {
					t.Fatalf("%s: %v, %+v", ref, err, r)
				}
			}
		}
		return asked.Load() - before, time.Since(began)
	}
	cold, took := plan()
	t.Logf("%d identities, cold: %d requests, %s", many, cold, took)
	if cold > int64(many)+20 {
		t.Errorf("a cold plan of %d identities is %d requests", many, cold)
	}
	planner.store.seen = nil // what was read serves no more, but for what its ETag says
	warm, took := plan()
	t.Logf("%d identities, nothing changed since: %d requests, %s", many, warm, took)
	if warm > 20 {
		t.Errorf("a plan where nothing changed is %d requests", warm)
	}
}
