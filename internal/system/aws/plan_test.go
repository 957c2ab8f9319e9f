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
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// What a plan asks: each identity with its grant and its credential is read, as a refresh does. A page is one
// request. So is a user: no listing of IAM tells of keys, and one that somebody added or deactivated is to be
// seen by the next plan.
func TestAPlanAsksOncePerPageAndOncePerUser(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cloud       func(testing.TB) *realtool.Cloud
		roles, keys int
		// each is how many requests a key takes, beyond the page of its identity.
		each int
	}{
		"1,001 roles, two pages of a listing":     {ministack, 1001, 0, 0},
		"half of them keys":                       {ministack, 250, 250, 1},
		"few keys, each asked when it was used":   {ministack, 0, 10, 2},
		"versitygw, which lists no users as such": {versitygw, 0, 10, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := startLab(t, c.cloud(t), access.Secret)
			all := append(l.populate(t, access.Federated, c.roles), l.populate(t, access.Secret, c.keys)...)
			var asked atomic.Int64
			planner := l.open(func(o *Options) {
				under := o.Transport
				o.Fresh = time.Hour // the provider has a minute, in which a busy machine may not be done
				o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
					asked.Add(1)
					return under.RoundTrip(r)
				})
			})
			for _, plan := range []struct {
				is   string
				most int
			}{{"cold", len(all) + c.each*c.keys + 20}, {"nothing changed since", 20},
				{"the keys are asked for again", c.keys*max(c.each-1, 1) + 20}} {
				if plan.is == "the keys are asked for again" {
					for _, ref := range all[c.roles:] {
						if _, id, err := access.ParseRef(ref.Type, ref.ID); err == nil {
							planner.store.Forget(store.UserOf(id, 1))
						}
					}
				}
				began, before := time.Now(), asked.Load()
				planner.readAll(t, all)
				requests := asked.Load() - before
				t.Logf("%d roles and %d keys, %s: %d requests, %s", c.roles, c.keys, plan.is, requests,
					time.Since(began))
				if requests > int64(plan.most) {
					t.Errorf("%s: a plan of %d roles and %d keys is %d requests, at most %d were promised", plan.is,
						c.roles, c.keys, requests, plan.most)
				}
				planner.store.Reread() // what was read serves no more, but for what its ETag says
			}
			if c.keys > 0 {
				l.changeKeys(t, all[c.roles:])
			}
		})
	}
}

// What one reading asked of a user serves the next reading for as long as it is fresh. It was laid into that one, and
// so served twice as long.
func TestWhatWasAskedOfAUserServesForOneReadingOnly(t *testing.T) {
	t.Parallel()
	l := startLab(t, versitygw(t), access.Secret)
	s := l.newShop(t, l.open(func(o *Options) { o.Fresh = time.Hour }), time.Hour)
	k := &keys{}
	s.put(s.identity())
	s.put(s.grant("daily", s.end))
	s.put(s.key(s.end), sealing(k))
	u := store.UserOf(s.id, 1)
	look := func() (h *shelf, n *native) {
		h, err := s.store.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n, err = s.reader.nativeOf(t.Context(), h, u); err != nil {
			t.Fatal(err)
		}
		return h, n
	}
	_, first := look()
	h, second := look()
	if second != first || h.Native(u) != nil {
		t.Errorf("it is asked twice: %v; the next reading keeps it: %v", second != first, h.Native(u) != nil)
	}
}

// changeKeys claims that the next plan tells what somebody did to keys, whatever a report says that AWS
// makes every four hours.
func (l *lab) changeKeys(t testing.TB, credentials []access.Ref) {
	t.Helper()
	for n, c := range []struct{ action, status, says string }{
		{"UpdateAccessKey", "Inactive", "is inactive"}, {"CreateAccessKey", "", "has 2 access keys"},
		{"DeleteAccessKey", "", "is gone"},
	} {
		_, id, err := access.ParseRef(credentials[n].Type, credentials[n].ID)
		if err != nil {
			t.Fatal(err)
		}
		u := store.UserOf(id, 1)
		keys, err := l.admin.keysOf(t.Context(), u)
		if err != nil || len(keys) != 1 {
			t.Fatalf("%s has %v, %v", u, keys, err)
		}
		in := naming(u, "AccessKeyId", keys[0].ID, "Status", c.status)
		if c.action == "CreateAccessKey" {
			in = naming(u)
		}
		l.must(t, c.action, in)
		r, err := l.open(func(o *Options) { o.Fresh = time.Hour }).Get(t.Context(), credentials[n])
		if err != nil ||
			!strings.Contains(strings.Join(r.Drift, " "), c.says) ||
			r.Held == (c.action == "CreateAccessKey") {
			t.Errorf("after %s the next plan tells %+v, %v", c.action, r, err)
		}
	}
}

// readAll reads each identity with its grant and its credential, in which nothing is to differ.
func (s *System) readAll(t testing.TB, credentials []access.Ref) {
	t.Helper()
	for _, credential := range credentials {
		_, id, err := access.ParseRef(credential.Type, credential.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range []access.Ref{id.Ref(), {Type: access.TypeGrant, ID: id.String() + "/daily"}, credential} {
			r, err := s.Get(t.Context(), ref)
			if err != nil || len(r.Drift) > 0 || r.Held {
				t.Fatalf("%s: %v, %+v", ref, err, r)
			}
		}
	}
}

// populate makes identities with a grant and a credential each, and returns these. Those after the first are copies of
// it, in IAM and in the ledger: by the way of changes a thousand would take minutes.
func (l *lab) populate(t testing.TB, kind access.Kind, many int) []access.Ref {
	t.Helper()
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	var making errgroup.Group
	making.SetLimit(16)
	made := make([]access.Ref, many)
	var first original
	for n := range made {
		s := s
		s.id.Name = fmt.Sprintf("%s-%d", kind, n)
		made[n] = access.Ref{Type: access.TypeCredential, ID: s.id.String() + "/" + string(kind)}
		if n > 0 {
			making.Go(func() error { return s.copy(t, first, s.id) })
			continue
		}
		s.put(s.identity())
		s.put(s.grant("daily", s.end))
		first.principal = store.RoleOf(s.id)
		if kind == access.Secret {
			s.put(s.key(s.end), sealing(k))
			first.principal = store.UserOf(s.id, 1)
		} else {
			s.put(s.account("arn:aws:iam::444455556666:role/etl", "of-the-vendor", s.end))
		}
		text, etag, err := s.store.Get(t.Context(), store.KeyOf(s.id), "")
		if err != nil {
			t.Fatal(err)
		}
		first.text, first.page = string(text), store.ParsePage(s.id, text, etag)
		if first.native, err = s.reader.look(t.Context(), first.principal); err != nil {
			t.Fatal(err)
		}
	}
	if err := making.Wait(); err != nil {
		t.Fatal(err)
	}
	return made
}

// original is an identity with its principal, of which copies are made.
type original struct {
	page      *page
	text      string
	principal principal
	native    *native
}

// copy makes an identity with a principal that differ from others only in their names, uids and keys.
func (s *System) copy(t testing.TB, from original, to access.IdentityID) error {
	id := from.page.ID
	names := []string{id.Name + ".", to.Name + ".", id.String(), to.String(), `"name": "` + id.Name + `"`,
		`"name": "` + to.Name + `"`}
	for _, e := range from.page.Entries {
		names = append(names, e.History.UID, access.NewUID())
	}
	as := strings.NewReplacer(names...)
	tags := map[string]string{}
	for _, tag := range from.native.Tags {
		tags[tag.Key] = as.Replace(tag.Value)
	}
	p := from.principal
	p.Name = as.Replace(p.Name)
	in := naming(p, "Path", p.Path)
	if p.Kind == store.Role {
		in["AssumeRolePolicyDocument"] = from.native.Trust
	}
	addTags(in, tags)
	if err := s.at.Ask(t.Context(), "Create"+string(p.Kind), in, nil); err != nil {
		return err
	}
	for name, policy := range from.native.policies {
		if err := s.at.putInline(t.Context(), p, name, policy); err != nil {
			return err
		}
	}
	text := as.Replace(from.text)
	for _, k := range from.native.keys {
		var out struct {
			ID string `xml:"CreateAccessKeyResult>AccessKey>AccessKeyId"`
		}
		if err := s.at.Ask(t.Context(), "CreateAccessKey", naming(p), &out); err != nil {
			return err
		}
		text = strings.ReplaceAll(text, k.ID, out.ID)
	}
	_, err := s.store.Put(t.Context(), store.KeyOf(to), []byte(text), "")
	return err
}
