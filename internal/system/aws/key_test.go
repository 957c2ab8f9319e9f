// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
)

// keys keeps what is sealed, as the partner does who can open it.
type keys struct {
	mu   sync.Mutex
	open []string
}

func (k *keys) seal(secret []byte) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.open = append(k.open, string(secret))
	return "-----BEGIN AGE ENCRYPTED FILE-----", nil
}

func (k *keys) newest() string { return k.open[len(k.open)-1] }

func sealing(k *keys) func(*access.Change) { return func(c *access.Change) { c.Seal = k.seal } }

func (s shop) key(end time.Time) *access.Credential {
	return &access.Credential{
		IdentityID: s.id,
		Terms:      s.terms(end),
		Secret:     &access.SecretRequest{Recipient: "ssh-ed25519 AAAA"},
	}
}

func TestAKeyEndsToTheSecondAndSoDoesAPresignedURLOfIt(t *testing.T) {
	t.Parallel()
	l := startLab(t, versitygw(t), access.Secret)
	s, k := l.newShop(t, l.open(), time.Hour), &keys{}
	s.put(s.identity())
	g := s.grant("daily", s.end)
	g.Actions = append(g.Actions, "write")
	s.put(g)
	end := time.Now().Add(6 * time.Second).Truncate(time.Second)
	key := s.key(end)
	s.put(key, sealing(k))
	for _, o := range []access.Object{key, s.identity()} {
		if r, err := s.Get(t.Context(), o.Ref()); err != nil ||
			!r.LastUsedAt.IsZero() ||
			r.UseUnknown {
			t.Errorf("%s was never used, and is told as %+v, %v", o.Ref(), r, err)
		}
	}
	before := time.Now().Add(-time.Second)
	holder := l.as(k.newest())
	if !l.may(t, holder, "read", s.file("daily")) {
		t.Fatal("the key does not work")
	}
	for _, o := range []access.Object{key, s.identity()} {
		if r, err := s.Get(t.Context(), o.Ref()); err != nil ||
			r.LastUsedAt.Before(before) ||
			r.UseUnknown {
			t.Errorf("%s was used a moment ago, and is told as %+v, %v", o.Ref(), r, err)
		}
	}
	l.endsAt(t, holder, s.file("daily"), end)
}

// endsAt claims that what somebody is doing ends at a moment, within a second: a request, a URL that was presigned for
// an hour, and the next part of an upload.
func (l *lab) endsAt(t testing.TB, holder *account, arn string, end time.Time) {
	t.Helper()
	upload, etag := l.begin(t, holder, arn+".new")
	presigned := l.presigned(t, holder, arn)
	var all sync.WaitGroup
	for what, ask := range map[string]func() int{
		"a request": func() int {
			return l.s3(t, holder, http.MethodGet, strings.TrimPrefix(arn, "arn:aws:s3:::"), "")
		},
		"a presigned URL": func() int { return fetch(t, presigned) },
		"the next part of an upload": func() int {
			return l.s3(t, holder, http.MethodPut, upload+"&partNumber=2", "more")
		},
	} {
		all.Go(func() {
			status, asked := 0, 0
			var last time.Time // when the last one began that was done
			for ; status != http.StatusForbidden && time.Since(end) < 5*time.Second; asked++ {
				began := time.Now()
				if status = ask(); status != http.StatusOK && status != http.StatusForbidden {
					t.Errorf("%s answers %d", what, status)
					return
				}
				if status == http.StatusOK {
					last = began
				}
				time.Sleep(2 * time.Millisecond)
			}
			late := time.Since(end)
			t.Logf("%s is refused %s after the end, at the %dth time", what, late.Round(time.Millisecond), asked)
			// however long a busy machine takes to answer
			if etag == "" ||
				asked < 3 ||
				late < 0 ||
				status != http.StatusForbidden ||
				last.Sub(end) > time.Second {
				t.Errorf("%s: refused %s after the end, asked %d times; the last that was done began %s after it", what,
					late, asked, last.Sub(end))
			}
		})
	}
	all.Wait()
}

// begin begins an upload in parts, and uploads the first. It returns where the next goes.
func (l *lab) begin(t testing.TB, c *account, arn string) (next, etag string) {
	t.Helper()
	path := strings.TrimPrefix(arn, "arn:aws:s3:::")
	ask := func(method, query, text string) *client.Answer {
		a, err := c.SendOnce(t.Context(),
			client.Request{
				Service: "s3",
				Region:  region,
				Method:  method,
				URL:     l.cloud.S3 + "/" + path + "?" + query,
				Body:    []byte(text),
			})
		if err != nil || a.Status != http.StatusOK {
			t.Fatalf("%s %s: %+v, %v", method, query, a, err)
		}
		return a
	}
	var begun struct {
		ID string `xml:"UploadId"`
	}
	if err := xml.Unmarshal(ask(http.MethodPost, "uploads=", "").Body, &begun); err != nil {
		t.Fatal(err)
	}
	query := "uploadId=" + begun.ID
	return path + "?" + query, ask(http.MethodPut, query+"&partNumber=1", "some").Header.Get("Etag")
}

// presigned returns a URL that reads an object for an hour.
func (l *lab) presigned(t testing.TB, c *account, arn string) string {
	t.Helper()
	login, err := c.Credentials(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet,
		l.cloud.S3+"/"+strings.TrimPrefix(arn, "arn:aws:s3:::")+"?X-Amz-Expires=3600", nil)
	if err != nil {
		t.Fatal(err)
	}
	url, _, err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
		PresignHTTP(context.Background(), login, req, "UNSIGNED-PAYLOAD", "s3", region, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

func fetch(t testing.TB, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// Nothing that travels or is kept has a key in it, but what IAM itself answers, once.
func TestNoKeyIsInTheLedgerOrInAnyRequest(t *testing.T) {
	t.Parallel()
	l := startLab(t, versitygw(t), access.Secret)
	var sent bytes.Buffer
	var mu sync.Mutex
	system := l.open(func(o *Options) {
		under := o.Transport
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			mu.Lock()
			sent.WriteString(r.URL.String())
			sent.Write(body)
			_ = r.Header.Write(&sent)
			mu.Unlock()
			r.Body = io.NopCloser(bytes.NewReader(body))
			return under.RoundTrip(r)
		})
	})
	s, k := l.newShop(t, system, time.Hour), &keys{}
	i := s.put(s.identity())
	s.put(s.grant("daily", s.end))
	c := s.put(s.key(s.end), sealing(k))
	s.put(s.key(s.end), sealing(k), knowing(c.UID), func(c *access.Change) { c.Issue = access.IssueOverlap })
	kept := bytes.NewBuffer(sent.Bytes())
	all, err := system.store.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		text, _, err := system.store.Get(t.Context(), o.Key, "")
		if err != nil {
			t.Fatal(err)
		}
		kept.Write(text)
	}
	for _, r := range []any{i, c} {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		kept.Write(text)
	}
	if !strings.Contains(kept.String(), "BEGIN AGE") || len(k.open) < 4 {
		t.Fatalf("what was sealed is not in the ledger, or too little was: %d", len(k.open))
	}
	for _, text := range k.open {
		var o opened
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			t.Fatal(err)
		}
		for _, spelling := range []string{o.SecretAccessKey,
			base64.StdEncoding.EncodeToString([]byte(o.SecretAccessKey))} {
			if strings.Contains(kept.String(), spelling) {
				t.Error("a secret key is where it is not to be")
			}
		}
	}
}
