// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// What a plan asks: each identity with its grant and its credential is read, as a refresh does.
func TestAPlanAsksOncePerIdentityAndAgainOnlyForWhatChanged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cloud func(testing.TB) *realtool.Cloud
		kind  access.Kind
		many  int
		// cold and warm are the most requests.
		cold, warm int
	}{
		"1,001 roles, two pages of a listing": {ministack, access.Federated, 1001, 1020, 20},
		"keys":                                {ministack, access.Secret, 20, 3*20 + 5, 20 + 5},
		"keys on versitygw":                   {versitygw, access.Secret, 20, 7*20 + 10, 5*20 + 5}, // which lists no details
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := startLab(t, c.cloud(t), c.kind)
			ids := l.populate(t, c.kind, c.many)
			var asked atomic.Int64
			planner := l.open(func(o *Options) {
				under := o.Transport
				o.Fresh = time.Minute // as the provider has it
				o.Transport = carrier(func(r *http.Request) (*http.Response, error) { asked.Add(1); return under.RoundTrip(r) })
			})
			for _, plan := range []struct {
				is   string
				most int
			}{{"cold", c.cold}, {"nothing changed since", c.warm}} {
				began, before := time.Now(), asked.Load()
				planner.readAll(t, ids, c.kind)
				requests := asked.Load() - before
				t.Logf("%d identities, %s: %d requests, %s", c.many, plan.is, requests, time.Since(began))
				if requests > int64(plan.most) {
					t.Errorf("%s: a plan of %d identities is %d requests, at most %d were promised", plan.is, c.many, requests, plan.most)
				}
				planner.store.reread() // what was read serves no more, but for what its ETag says
			}
		})
	}
}

// readAll reads each identity with its grant and its credential, in which nothing is to differ.
func (s *System) readAll(t testing.TB, ids []access.IdentityID, kind access.Kind) {
	t.Helper()
	for _, id := range ids {
		for _, ref := range []access.Ref{id.Ref(), {Type: access.TypeGrant, ID: id.String() + "/daily"}, {Type: access.TypeCredential, ID: id.String() + "/" + string(kind)}} {
			r, err := s.Get(t.Context(), ref)
			if err != nil || len(r.Drift) > 0 || r.Held {
				t.Fatalf("%s: %v, %+v", ref, err, r)
			}
		}
	}
}

// populate makes identities with a grant and a credential each. Roles after the first are copies of it, in IAM and in the ledger: by the way of
// changes a thousand would take minutes.
func (l *lab) populate(t testing.TB, kind access.Kind, many int) []access.IdentityID {
	t.Helper()
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	var making errgroup.Group
	making.SetLimit(16)
	ids := make([]access.IdentityID, many)
	var first *page
	var text []byte
	var made *native
	for n := range ids {
		s := s
		s.id.Name = fmt.Sprintf("etl-%d", n)
		ids[n] = s.id
		if first != nil {
			making.Go(func() error { return s.copyRole(t, first, string(text), made, s.id) })
			continue
		}
		s.put(s.identity())
		s.put(s.grant("daily", s.end))
		if kind == access.Secret {
			s.put(s.key(s.end), sealing(k))
			continue
		}
		s.put(s.account("arn:aws:iam::444455556666:role/etl", "of-the-vendor", s.end))
		var err error
		if text, _, err = s.store.get(t.Context(), keyOf(s.id), ""); err != nil {
			t.Fatal(err)
		}
		if made, err = s.look(t.Context(), roleOf(s.id)); err != nil {
			t.Fatal(err)
		}
		first = parsePage(s.id, text, "")
	}
	if err := making.Wait(); err != nil {
		t.Fatal(err)
	}
	return ids
}

// copyRole makes an identity with a role that differ from others only in their names and uids.
func (s *System) copyRole(t testing.TB, from *page, text string, n *native, to access.IdentityID) error {
	names := []string{from.id.Name + ".", to.Name + ".", from.id.String(), to.String(), `"name": "` + from.id.Name + `"`, `"name": "` + to.Name + `"`}
	for _, e := range from.entries {
		names = append(names, e.History.UID, access.NewUID())
	}
	as := strings.NewReplacer(names...)
	tags := map[string]string{}
	for _, tag := range n.Tags {
		tags[tag.Key] = as.Replace(tag.Value)
	}
	role := roleOf(to)
	in := role.named("Path", role.Path, "AssumeRolePolicyDocument", n.Trust)
	addTags(in, tags)
	if err := s.ask(t.Context(), "CreateRole", in, nil); err != nil {
		return err
	}
	for name, policy := range n.policies {
		if err := s.putInline(t.Context(), role, name, policy); err != nil {
			return err
		}
	}
	_, err := s.store.put(t.Context(), keyOf(to), []byte(as.Replace(text)), "")
	return err
}
