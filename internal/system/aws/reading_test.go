// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/awstest"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
	"github.com/partner-access/terraform-provider-partner/internal/system/ledger"
)

// What this process writes or removes while it reads is as it wrote it, though what it reads is of before: of the ten
// changes that an apply makes at a time, each change of an identity reads everything.
func TestAReadingTakesNothingBackThatThisProcessWroteMeanwhile(t *testing.T) {
	t.Parallel()
	id := access.IdentityID{Partner: "acme", Environment: "prod", Name: "orders"}
	noted := func(p *page, value string) *page {
		next := p.Copied()
		next.Stone = ledger.Tombstone{Version: ledger.Version, Identity: id.String(), Released: []string{value}}
		return next
	}
	for name, c := range map[string]struct {
		before bool                     // the page is there before
		known  bool                     // and this process has read it
		change func(p *page) *page      // is made
		while  func(*http.Request) bool // after this request was answered, and before its answer arrives
	}{
		"a page that is made while others are listed": {false, false,
			func(p *page) *page { return noted(p, "second") }, listing},
		"a page that is changed while others are listed": {true, false,
			func(p *page) *page { return noted(p, "second") }, listing},
		"a page that is removed while others are listed": {true, false,
			func(p *page) *page { return &page{ID: p.ID, ETag: p.ETag} }, listing},
		"a page that is removed while others are read": {true, true,
			func(p *page) *page { return &page{ID: p.ID, ETag: p.ETag} },
			func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/etl.json") }},
		"a page that is changed while it is read": {true, false,
			func(p *page) *page { return noted(p, "second") },
			func(r *http.Request) bool {
				return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, store.KeyOf(id))
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := awstest.NewBucket(map[string][]byte{
				"ledger/prod/system.json":                   []byte(`{"version":1,"id":"sys"}`),
				"ledger/prod/identities/acme/prod/etl.json": []byte(`{"version":1,"identity":"acme/prod/etl"}`),
			})
			open := func() *System {
				return (&floorLab{b, t}).open("ADMIN", func(o *Options) { o.Patience, o.Transport = time.Second, b })
			}
			s := open()
			must := func(p *page, err error) *page {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			there := store.Blank(id)
			if c.before {
				there = must(open().store.Write(t.Context(), noted(there, "first")))
			}
			if c.known {
				there = must(s.store.Fetch(t.Context(), id))
			}
			under, pending := s.at.HTTP.Transport, true
			var written *page
			s.at.HTTP.Transport = carrier(func(r *http.Request) (*http.Response, error) {
				a, err := under.RoundTrip(r)
				if pending && c.while(r) {
					pending = false
					written = must(s.store.Write(t.Context(), c.change(there)))
				}
				return a, err
			})
			h, err := s.store.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for by, has := range map[string]*page{"the reading": h.Pages[id], "the last reading": s.store.Last().Pages[id],
				"the store": s.store.Cached(id)} {
				if has == nil {
					has = store.Blank(id)
				}
				if written == nil || has.ETag != written.ETag {
					t.Errorf("%s has %+v, and not what was written: %+v", by, has, written)
				}
			}
		})
	}
}

func listing(r *http.Request) bool { return r.URL.Query().Has("list-type") }
