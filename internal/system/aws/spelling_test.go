// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/awstest"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
)

// spelled is a ledger in memory whose ETags somebody in between spells in another way: what answers a method has,
// and what a listing has.
func spelled(t *testing.T, header func(method, etag string) string, listed func(etag string) string) (*System,
	*atomic.Int64) {
	t.Helper()
	b, asked := awstest.NewBucket(nil), &atomic.Int64{}
	of := regexp.MustCompile(`<ETag>&#34;(\w+)&#34;</ETag>`)
	s := (&floorLab{b, t}).open("ADMIN", func(o *Options) {
		o.Patience = time.Second
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			asked.Add(1)
			a, err := b.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			if r.URL.Query().Has("list-type") {
				text, _ := io.ReadAll(a.Body)
				text = of.ReplaceAllFunc(text, func(tag []byte) []byte {
					return []byte("<ETag>" + listed(`&#34;`+string(of.FindSubmatch(tag)[1])+`&#34;`) + "</ETag>")
				})
				a.Body = io.NopCloser(bytes.NewReader(text))
			} else if etag := a.Header.Get("Etag"); etag != "" {
				a.Header.Set("Etag", header(r.Method, etag))
			}
			return a, nil
		})
	})
	return s, asked
}

// A gateway in between makes ETags weak, and other clouds leave their quotes away: they are the same all the same. One
// that is missing never means that there is nothing.
func TestAnETagIsTheSameHoweverItIsSpelled(t *testing.T) {
	t.Parallel()
	same := func(etag string) string { return etag }
	weak := func(etag string) string { return "W/" + etag }
	bare := func(etag string) string { return strings.Trim(strings.ReplaceAll(etag, "&#34;", ""), `"`) }
	only := func(on string, spell func(string) string) func(string, string) string {
		return func(method, etag string) string {
			if method == on || on == "" {
				return spell(etag)
			}
			return etag
		}
	}
	none := func(string) string { return "" }
	for name, c := range map[string]struct {
		header func(method, etag string) string
		listed func(string) string
		lost   bool // what is there cannot be told
	}{
		"as S3 does":                  {only("", same), same, false},
		"answers are weak":            {only("", weak), same, false},
		"only reads are weak":         {only("GET", weak), same, false},
		"a listing is weak":           {only("", same), weak, false},
		"a listing has no quotes":     {only("", same), bare, false},
		"answers have no quotes":      {only("", bare), same, false},
		"a write tells none":          {only("PUT", none), same, false},
		"a listing tells none":        {only("", same), none, false},
		"neither reads nor writes do": {only("", none), same, true},
	} {
		s, asked := spelled(t, c.header, c.listed)
		i := &access.Identity{
			ID: access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"}, Purpose: "Feed",
			Terms: access.Terms{Owner: "jane.doe@example.com", ExpiresAt: access.At(time.Now().Add(time.Hour))},
		}
		r, err := s.Put(t.Context(), access.Change{Object: i, Stack: "partners", EndsAt: i.ExpiresAt.Time})
		if c.lost {
			if all, err := s.List(t.Context()); !errors.Is(err, access.ErrUnavailable) {
				t.Errorf("%s: there is something, and told are %d, %v", name, len(all), err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: create: %v", name, err)
			continue
		}
		next := *i
		next.Purpose = "Another feed"
		if _, err = s.Put(t.Context(),
			access.Change{Object: &next, Stack: "partners", EndsAt: i.ExpiresAt.Time, UID: r.UID}); err != nil {
			t.Errorf("%s: change: %v", name, err)
			continue
		}
		for round := range 2 {
			before := asked.Load()
			all, err := s.List(t.Context())
			if n := asked.Load() - before; err != nil ||
				len(all) != 1 ||
				(round == 1 && n > 1 && c.listed(`"x"`) != "") {
				t.Errorf("%s: %d are told with %d requests, %v", name, len(all), n, err)
			}
		}
	}
}

// Each service has its own clock, and refuses signatures of another time. One is an hour ahead of this machine, one
// behind: nobody is refused for that, however many ask both at once.
func TestTheClocksOfServicesMayDiffer(t *testing.T) {
	t.Parallel()
	ahead := map[string]time.Duration{"s3": -time.Hour, "iam": time.Hour}
	c := client.New(client.Site{
		Region: region, Endpoints: Endpoints{IAM: "http://127.0.0.1:1", S3: "http://127.0.0.1:1"}, Concurrency: 16,
		Patience:    3 * time.Second,
		Credentials: credentials.NewStaticCredentialsProvider("ADMIN", "secret", ""),
		Transport: carrier(func(r *http.Request) (*http.Response, error) {
			service := strings.Split(r.Header.Get("Authorization"), "/")[3]
			there := time.Now().Add(ahead[service])
			signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
			a := answering(r, http.StatusOK, "<Answer/>")
			if err != nil || there.Sub(signed).Abs() > 5*time.Minute {
				a = coded(r, http.StatusForbidden, "RequestTimeTooSkewed")
			}
			a.Header.Set("Date", there.UTC().Format(http.TimeFormat))
			return a, nil
		}),
	})
	var all sync.WaitGroup
	for n := range 64 {
		service := []string{"s3", "iam"}[n%2]
		all.Go(func() {
			if _, err := c.Send(t.Context(),
				client.Request{
					Service: service,
					Region:  region,
					Method:  http.MethodGet,
					URL:     "http://127.0.0.1:1/",
				}); err != nil {
				t.Errorf("%s: %v", service, err)
			}
		})
	}
	all.Wait()
	if now, known := c.S3Time(); !known || time.Until(now).Round(time.Minute) != -time.Hour {
		t.Errorf("it is %s, where the ledger is; that is known: %v", now, known)
	}
}
