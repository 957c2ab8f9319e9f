// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/policy"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// live is an account that somebody lends to the contract: scripts/aws-live. What is made there bears names of its own,
// each case removes what it made, and the number of requests is bounded.
type live struct {
	region, account string
	endpoints       Endpoints // none for AWS itself
	most            int64     // as many requests may be made
	asked           atomic.Int64
	carrier         http.RoundTripper
}

// open returns a system in the account with a ledger in a bucket.
func (v *live) open(edit func(*Options)) (*System, error) {
	o := Options{Region: v.region, Endpoints: v.endpoints, Transport: carrier(v.carry)}
	edit(&o)
	return Open(o)
}

func (v *live) carry(r *http.Request) (*http.Response, error) {
	if n := v.asked.Add(1); n > v.most {
		return nil, fmt.Errorf("%d requests are enough: PARTNER_AWS_LIVE_REQUESTS allows more", v.most)
	}
	return v.carrier.RoundTrip(r)
}

// vacant says why an account is not to be lent: it is another one than was named, or something of partners is in it.
func (v *live) vacant(ctx context.Context, s *System) error {
	if err := s.Enter(ctx); err != nil {
		return err
	}
	if own := s.at.accountNumber(); own != v.account {
		return fmt.Errorf("the login is of the account %s, and PARTNER_AWS_LIVE_ACCOUNT names %q: nothing was made",
			own, v.account)
	}
	for _, k := range []kind{store.Role, store.User} {
		names, err := s.at.namesAt(ctx, k, store.Root)
		if err != nil {
			return err
		}
		if len(names) > 0 {
			return fmt.Errorf("the account has %s at %s: take one in which nothing of partners is",
				strings.Join(names, ", "), store.Root)
		}
	}
	buckets, err := v.buckets(ctx, s)
	if err != nil {
		return err
	}
	if len(buckets) > 0 {
		return fmt.Errorf("the account has the buckets %s, perhaps of a run that was killed: look at them, and "+
			"remove them", strings.Join(buckets, ", "))
	}
	return nil
}

// bucketsOf begins the names of the buckets of a run.
func (v *live) bucketsOf() string { return "partner-live-" + v.account + "-" }

// buckets lists what a run made.
func (v *live) buckets(ctx context.Context, s *System) (found []string, err error) {
	a, err := s.at.Send(ctx, client.Request{Service: "s3", Region: v.region, Method: http.MethodGet, URL: v.s3()})
	if err != nil {
		return nil, err
	}
	var all struct {
		Names []string `xml:"Buckets>Bucket>Name"`
	}
	err = xml.Unmarshal(a.Body, &all)
	for _, name := range all.Names {
		if strings.HasPrefix(name, v.bucketsOf()) {
			found = append(found, name)
		}
	}
	return found, err
}

func (v *live) s3() string {
	if v.endpoints.S3 != "" {
		return strings.TrimSuffix(v.endpoints.S3, "/") + "/"
	}
	return "https://s3." + v.region + "." + policy.PartitionOf(v.region).Domain + "/"
}

// sweep removes what is below /partner/, and the buckets of the run. vacant has seen that nothing was there before.
func (v *live) sweep(ctx context.Context, s *System) (failed error) {
	s = assemble(s.at, "none", "none") // whatever ledger it is of
	for _, k := range []kind{store.Role, store.User} {
		names, err := s.at.namesAt(ctx, k, store.Root)
		failed = errors.Join(failed, err)
		for _, name := range names {
			p := principal{Kind: k, Name: name}
			d, err := s.at.describe(ctx, p)
			if p.Path = d.Path; err == nil && strings.HasPrefix(d.Path, store.Root) {
				err = s.cutter.destroy(ctx, access.IdentityID{}, p)
			}
			failed = errors.Join(failed, err)
		}
	}
	buckets, err := v.buckets(ctx, s)
	failed = errors.Join(failed, err)
	for _, name := range buckets {
		failed = errors.Join(failed, v.empty(ctx, s, name))
		_, err := s.at.Send(ctx, client.Request{
			Service: "s3",
			Region:  v.region,
			Method:  http.MethodDelete,
			URL:     v.s3() + name,
		})
		failed = errors.Join(failed, client.Gone(err))
	}
	return failed
}

// empty removes what is in a bucket.
func (v *live) empty(ctx context.Context, s *System, name string) error {
	for {
		a, err := s.at.Send(ctx, client.Request{
			Service: "s3",
			Region:  v.region,
			Method:  http.MethodGet,
			URL:     v.s3() + name + "?list-type=2",
		})
		if err != nil {
			return client.Gone(err)
		}
		var page struct {
			Keys []string `xml:"Contents>Key"`
		}
		if err := xml.Unmarshal(a.Body, &page); err != nil || len(page.Keys) == 0 {
			return err
		}
		for _, key := range page.Keys {
			at := (&url.URL{Path: key}).EscapedPath()
			if _, err := s.at.Send(ctx, client.Request{
				Service: "s3",
				Region:  v.region,
				Method:  http.MethodDelete,
				URL:     v.s3() + name + "/" + at,
			}); client.Gone(err) != nil {
				return err
			}
		}
	}
}

// startLive lends an account, and gives it back as it was.
func startLive(t testing.TB, v *live, edit func(*Options)) *System {
	t.Helper()
	s, err := v.open(func(o *Options) { o.Ledger = "s3://" + v.bucketsOf() + "none/none"; edit(o) })
	if err == nil {
		err = v.vacant(t.Context(), s)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		v.most += 10_000
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		if err := v.sweep(ctx, s); err != nil {
			t.Errorf("NOT CLEAN: %v", err)
		}
	})
	return s
}

// The script asks a real account what this asks a server: it takes none that has something of partners, nor another
// than was named, and leaves it as it was.
func TestAnAccountIsLentOnlyEmptyAndIsGivenBackSo(t *testing.T) {
	t.Parallel()
	l := startLab(t, ministack(t), access.Federated)
	v := &live{
		region:    region,
		account:   l.cloud.Access,
		endpoints: Endpoints{IAM: l.cloud.IAM, STS: l.cloud.STS, S3: l.cloud.S3},
		most:      1000,
		carrier:   http.DefaultTransport,
	}
	as := func(o *Options) { o.Credentials, o.Patience = l.admin.Login, 3*time.Second }
	s, err := v.open(func(o *Options) { o.Ledger = "s3://" + l.bucket("ledger") + "/prod"; as(o) })
	if err != nil {
		t.Fatal(err)
	}
	if err := v.vacant(t.Context(), s); err != nil {
		t.Fatalf("an empty account is refused: %v", err)
	}
	other := &live{
		region:    region,
		account:   "999988887777",
		endpoints: v.endpoints,
		most:      1000,
		carrier:   http.DefaultTransport,
	}
	if err := other.vacant(t.Context(), s); err == nil || !strings.Contains(err.Error(), l.cloud.Access) {
		t.Errorf("another account than was named: %v", err)
	}
	t.Run("run", func(t *testing.T) {
		startLive(t, v, as)
		lab := &lab{t: t, cloud: l.cloud, kinds: []access.Kind{access.Secret}, admin: l.admin, lent: v}
		lab.fill(t)
		shop, k := lab.newShop(t, lab.open(), time.Hour), &keys{}
		shop.put(shop.identity())
		shop.put(shop.grant("daily", shop.end))
		shop.put(shop.account("arn:aws:iam::444455556666:role/etl", "", shop.end))
		shop.put(shop.key(shop.end), sealing(k))
		if !lab.may(t, lab.as(k.newest()), "read", shop.file("daily")) {
			t.Error("the key does not read")
		}
		if err := v.vacant(t.Context(), s); err == nil || !strings.Contains(err.Error(), "partner.acme.prod.etl") {
			t.Errorf("an account with something of a partner's: %v", err)
		}
	})
	if err := v.vacant(t.Context(), s); err != nil {
		t.Errorf("after it there is still something: %v", err)
	}
	l.s3(t, l.admin, http.MethodPut, v.bucketsOf()+"left", "")
	if err := v.vacant(t.Context(), s); err == nil || !strings.Contains(err.Error(), "left") {
		t.Errorf("a bucket that a killed run left: %v", err)
	}
	v.most = v.asked.Load() + 1
	if err := v.vacant(t.Context(), s); err == nil || !strings.Contains(err.Error(), "PARTNER_AWS_LIVE_REQUESTS") {
		t.Errorf("more requests than are allowed: %v", err)
	}
}
