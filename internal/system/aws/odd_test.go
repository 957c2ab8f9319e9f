// SPDX-License-Identifier: MPL-2.0

package aws

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/client"
	"github.com/partner-access/terraform-provider-partner/internal/system/aws/store"
)

// A proxy that answers for AWS is none, be it with a page, JSON, a line or nothing: its 404 was an object that is gone,
// its 403 a lack of rights, and its 200 a key that was deleted, an account without a number, and a ledger without an
// id, with the advice to remove it.
func TestAPageOfAProxyIsNoAnswerOfAWS(t *testing.T) {
	t.Parallel()
	const typed, bare, marked = "<!DOCTYPE html>\n<html><body>Sign " +
		"in</body></html>", "\r\n <html lang=en><p>Blocked</html>", "\ufeff<!-- 1\n --><HTML></HTML>"
	for _, c := range []struct {
		status int
		text   string
	}{
		{400, "Bad Request"}, {401, ""}, {403, `{"message":"Forbidden"}`}, {404, `{"message":"no Route matched"}`},
		{404, ""}, {404, "404 page not found"}, {200, typed}, {200, bare}, {200, marked}, {204, typed}, {304, typed},
		{401, typed}, {403, bare}, {404, typed}, {404, marked}, {407, typed}, {429, typed}, {502, bare},
	} {
		s, _ := faulty(t, time.Millisecond,
			func(r *http.Request, _ int64) *http.Response { return between(r, c.status, c.text) })
		_, _, read := s.store.Get(t.Context(), "system.json", "")
		_, wrote := s.store.Put(t.Context(), "system.json", []byte("{}"), "")
		_, got := s.Get(t.Context(), access.IdentityID{Partner: "acme", Environment: "prod", Name: "etl"}.Ref())
		for what, err := range map[string]error{
			"reading an object": read, "writing one": wrote,
			"removing one":   s.store.Remove(t.Context(), "system.json", ""),
			"deleting a key": s.at.Ask(t.Context(), "DeleteAccessKey", nil, nil), "an identity": got,
		} {
			if !errors.Is(err, access.ErrUnavailable) ||
				errors.Is(err, client.ErrAbsent) ||
				errors.Is(err, access.ErrNotFound) ||
				errors.Is(err, access.ErrNotPermitted) ||
				(!strings.Contains(err.Error(), "the answer is an HTML page") &&
					!strings.Contains(err.Error(), "the answer is not AWS's")) {
				t.Errorf("%d %q: %s answers %v", c.status, c.text, what, err)
			}
		}
	}
	for _, text := range []string{"", "OK", `{"status":"ok"}`} { // of a health check, or of a gateway
		s, _ := faulty(t, time.Millisecond,
			func(r *http.Request, _ int64) *http.Response { return between(r, 200, text) })
		if err := s.at.Ask(t.Context(), "DeleteAccessKey", nil, nil); !errors.Is(err, access.ErrUnavailable) ||
			!strings.Contains(err.Error(), "the answer is not AWS's") {
			t.Errorf("200 %q: deleting a key answers %v", text, err)
		}
		s, _ = faulty(t, time.Millisecond, func(r *http.Request, _ int64) *http.Response {
			a := answering(r, 200, text)
			a.Header.Set("x-amz-request-id", "tx01")
			return a
		})
		if err := s.at.Ask(t.Context(), "DeleteAccessKey", nil, nil); (err == nil) != (text == "") {
			t.Errorf("200 %q of a cloud that names the request: deleting a key answers %v", text, err)
		}
	}
}

// A gateway in maintenance answers 200 or 204. An object was removed by that, and a mark of a cut written, so that who
// was cut came back; an answer that is no list was a ledger in which nobody is, and nothing cut.
func TestASuccessOfAGatewayIsNoneOfS3(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before  func(*System) error
		unheard []string // what cannot be told from the answer of a cloud that names no request
	}{
		"AWS": {before: func(s *System) error { s.at.Site.Endpoints.S3 = ""; return nil }},
		"a cloud that answered before": {
			before: func(s *System) error { _, err := s.store.List(t.Context(), ""); return err },
		},
		"a cloud at first": {before: func(*System) error { return nil }, unheard: []string{"read", "remove"}},
	} {
		for _, said := range []struct {
			status     int
			text, etag string
		}{{200, "", ""}, {204, "", ""}, {200, "<status>ok</status>", ""}, {200, `{"status":"ok"}`, `W/"18-x"`}} {
			maintained := false
			s, _ := faulty(t, time.Millisecond, func(r *http.Request, _ int64) *http.Response {
				if !maintained {
					return nil
				}
				a := between(r, said.status, said.text)
				a.Header.Set("Etag", said.etag)
				return a
			})
			if err := c.before(s); err != nil {
				t.Fatal(err)
			}
			maintained = true
			_, listed := s.store.List(t.Context(), "")
			_, _, read := s.store.Get(t.Context(), "system.json", "")
			for what, err := range map[string]error{
				"list": listed, "read": read,
				"mark":   s.store.Mark(t.Context(), "acme/prod/etl"),
				"remove": s.store.Remove(t.Context(), "system.json", ""),
			} {
				unheard := slices.Contains(c.unheard, what) || (len(c.unheard) > 0 && what == "mark" && said.etag != "")
				if !unheard && (!errors.Is(err, access.ErrUnavailable) || errors.Is(err, client.ErrAbsent)) {
					t.Errorf("%s, %d %q: %s answers %v", name, said.status, said.text, what, err)
				}
			}
		}
	}
}

// trickles is an answer that goes on until nobody waits for it.
type trickles struct{ ctx context.Context }

func (b trickles) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func (trickles) Close() error { return nil }

// The first look took a minute where an answer trickled; and what is no answer of AWS was "EOF".
func TestTheFirstLookAtAWSEndsSoonAndSaysWhatItSaw(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(r *http.Request) *http.Response
		says   string
	}{
		"an answer that trickles": {func(r *http.Request) *http.Response {
			a := between(r, 200, "")
			a.Body = trickles{r.Context()}
			return a
		}, "no answer in time"},
		"an answer that is cut off": {func(r *http.Request) *http.Response {
			a := between(r, 200, "")
			a.Body = io.NopCloser(io.MultiReader(strings.NewReader("<Get"), cutOff{}))
			return a
		}, "the answer was cut off"},
		"an answer that is empty": {func(r *http.Request) *http.Response { return between(r, 200, "") },
			"the answer is not AWS's"},
		"a page for people": {func(r *http.Request) *http.Response { return between(r, 200, "<html></html>") },
			"the answer is an HTML page"},
		"JSON": {func(r *http.Request) *http.Response { return between(r, 200, `{"data":{}}`) },
			"the answer is not AWS's"},
		"somewhere else": {func(r *http.Request) *http.Response {
			a := between(r, 307, "")
			a.Header.Set("Location", "https://sso.example.com/login?to="+url.QueryEscape(r.URL.String()))
			return a
		}, "it points to https://sso.example.com, which is not followed"},
	} {
		s, _ := faulty(t, 300*time.Millisecond, func(r *http.Request, _ int64) *http.Response {
			if formOf(r).Get("Action") != "GetCallerIdentity" {
				return coded(r, 403, "AccessDenied")
			}
			return c.answer(r)
		})
		s.at.Site.Endpoints.STS = "http://127.0.0.1:1"
		begun := time.Now()
		err := s.Enter(t.Context())
		if err == nil ||
			!strings.Contains(err.Error(), c.says) ||
			strings.Contains(err.Error(), "to=") ||
			time.Since(begun) > 3*firstLook {
			t.Errorf("%s: after %s: %v", name, time.Since(begun), err)
		}
	}
}

// cutOff is where a connection broke.
type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// A removal is not believed where nobody can tell whose account it is, and what to do about that is said.
func TestAnAccountThatCannotBeToldIsSaidWithTheWayOut(t *testing.T) {
	t.Parallel()
	s, _ := faulty(t, time.Millisecond, func(r *http.Request, _ int64) *http.Response {
		switch {
		case r.Method == http.MethodPost:
			return answering(r, http.StatusForbidden,
				"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>")
		case strings.HasSuffix(r.URL.Path, store.SystemKey):
			a := answering(r, http.StatusOK, `{"version":1,"id":"sys","account":"111122223333"}`)
			a.Header.Set("Etag", `"1"`)
			return a
		}
		return nil
	})
	s.at.Site.Endpoints.STS = "http://127.0.0.1:1"
	err := s.finder.atHome(t.Context())
	if !errors.Is(err, store.ErrElsewhere) ||
		!strings.Contains(err.Error(), "111122223333") ||
		!strings.Contains(err.Error(), "Allow it sts:GetCallerIdentity, or correct endpoints.sts") {
		t.Errorf("it is told as %v", err)
	}
}

// Behind a proxy that looks into TLS, AWS's own programs worked with AWS_CA_BUNDLE, and the provider did not; and what
// a proxy said was "Proxy Authentication Required", of whom nobody knew.
func TestTheWayToAWSIsNamed(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w,
			"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>")
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	garbage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "no gzip at all")
	}))
	t.Cleanup(garbage.Close)
	for name, c := range map[string]struct {
		sts         string
		authorities []byte
		proxy       int // the status of a proxy; 0: none
		says        string
	}{
		"an authority that is named":     {server.URL, ca, 0, ""},
		"an authority that nobody knows": {server.URL, nil, 0, "name it with AWS_CA_BUNDLE"},
		"another name": {strings.Replace(server.URL, "127.0.0.1", "localhost", 1), ca, 0,
			"certificate is valid for"},
		"a proxy that wants a password": {"https://sts.example.com", ca, 407,
			"(HTTPS_PROXY) answered 407 and made no connection: it asks for a name and a password"},
		"a proxy that forbids": {"https://sts.example.com", ca, 403,
			"answered 403 and made no connection: allow it this host"},
		"a name without an address": {"https://sts.invalid", ca, 0, "lookup sts.invalid"},
		"what calls itself gzip":    {garbage.URL, nil, 0, "gzip: invalid header"},
		"http where the port speaks TLS": {strings.Replace(server.URL, "https", "http", 1), nil, 0,
			"status 400: the answer is not AWS's"},
		"https where it speaks plain": {strings.Replace(garbage.URL, "http", "https", 1), nil, 0,
			"server gave HTTP response to HTTPS client"},
		"a port on which nobody listens": {"https://127.0.0.1:1", nil, 0, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(Options{
				Region: "us-east-1", Ledger: "s3://ledger/prod",
				Endpoints:   Endpoints{IAM: "http://127.0.0.1:1", STS: c.sts, S3: "http://127.0.0.1:1"},
				Authorities: c.authorities, Patience: 300 * time.Millisecond,
				Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "canarySECRET"}, nil
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			usual := s.at.HTTP.Transport.(*http.Transport)
			usual.Proxy = nil
			if strings.HasSuffix(c.sts, ".invalid") { // whatever this machine's resolver says
				usual.DialContext = func(context.Context, string, string) (net.Conn, error) {
					return nil, &net.DNSError{Err: "no such host", Name: "sts.invalid", IsNotFound: true}
				}
			}
			if c.proxy != 0 {
				proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(c.proxy)
				}))
				t.Cleanup(proxy.Close)
				at, err := url.Parse(proxy.URL)
				if err != nil {
					t.Fatal(err)
				}
				usual.Proxy = http.ProxyURL(at)
			}
			err = s.Enter(t.Context())
			if (c.says == "" && err != nil) || (c.says != "" && (err == nil ||
				!strings.Contains(err.Error(), c.says) ||
				strings.Contains(err.Error(), "canary"))) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}
