// SPDX-License-Identifier: MPL-2.0

package client

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

const (
	policyDenies = `{"errors":["1 error occurred:\n\t* permission denied\n\n"]}`
	notFound     = `{"errors":[]}`
	signed       = `{"request_id":"r"}`
	page         = `<html><body>canaryBODY</body></html>`
)

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status   int
		body     string
		is       error // nil: none of those of access
		text     string
		attempts int64 // of a read; many when the patience is used up
	}{
		"a missing object is not found": {404, notFound, access.ErrNotFound,
			"GET auth/approle/role/x: status 404: refused", 1},
		"a missing accessor is not found": {404,
			`{"data":{"error":"failed to find accessor entry for it"}}`, access.ErrNotFound, "", 1},
		"a missing mount is not a missing object": {404,
			`{"errors":["no handler for route \"auth/approle/role/x\". route entry not found."]}`,
			access.ErrUnsupported, "nothing is mounted at auth/approle/", 1},
		"a missing namespace is not a missing object": {404, `{"errors":["namespace not found"]}`,
			access.ErrUnsupported, "namespace not found", 1},
		"an unknown path is not a missing object": {404,
			`{"errors":["1 error occurred:\n\t* unsupported path\n\n"]}`, access.ErrUnsupported, ": unsupported path: ",
			1},
		"another 404 of OpenBao says nothing": {404, `{"errors":["something else"]}`, nil, "something else",
			1},
		"a balancer's 404 is not a missing object": {404, page, access.ErrUnavailable,
			"the answer is an HTML page", 3},
		"a gateway's 404 is not a missing object": {404, `{"message":"canaryBODY"}`, access.ErrUnavailable,
			"not OpenBao's", 3},
		"an empty 404 is not a missing object": {404, ``, access.ErrUnavailable, "", 3},
		"an unsupported operation": {405,
			`{"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}`, access.ErrUnsupported, "", 1},
		"a balancer's 405 says nothing": {405, page, access.ErrUnavailable,
			"the answer is an HTML page", 3},
		"the policies deny": {403, policyDenies, access.ErrNotPermitted,
			"permission denied: refused", 1},
		"the token is refused": {403, `{"errors":["permission denied"]}`,
			access.ErrNotPermitted, "refuses this token: the token has ended, was revoked", 1},
		"a proxy's 401 says nothing about rights": {401, page, access.ErrUnavailable,
			"the answer is an HTML page", 3},
		"a firewall's page says nothing about rights": {403, page, access.ErrUnavailable,
			"the answer is an HTML page", 3},
		"a gateway's 403 says nothing about rights": {403, `{"message":"canaryBODY"}`, access.ErrUnavailable,
			"not OpenBao's", 3},
		"a firewall's empty 403 says nothing": {403, ``, access.ErrUnavailable, "not OpenBao's", 3},
		"bad input": {400, `{"errors":["failed to parse policy"]}`, nil,
			"status 400: failed to parse policy: refused", 1},
		"a firewall's page says nothing of the input": {400, page, access.ErrUnavailable,
			"the answer is an HTML page", 3},
		"a proxy's limit is not OpenBao's": {413, "canaryBODY", access.ErrUnavailable,
			"the answer is not OpenBao's: not answered", 3},
		"a captive portal": {511, page, access.ErrUnavailable,
			"511: the answer is an HTML page", 1},
		"too large": {413, `{"errors":["http: request body too large"]}`, nil, "",
			1},
		"an internal error is tried thrice": {500,
			`{"errors":["1 error occurred:\n\t* invalid entity metadata: x\n\n"]}`, access.ErrUnavailable,
			"500: invalid entity metadata: x: not answered", 3},
		"sealed is tried thrice": {503, `{"errors":["Vault is sealed"]}`, access.ErrUnavailable,
			"it must be unsealed, and, if it is new, first initialized", 3},
		"not initialized": {501, notFound, access.ErrUnavailable, "", 1},
		"too many requests": {429, `{"errors":["rate limit quota exceeded"]}`,
			access.ErrUnavailable, "quota exceeded: not done", many},
		"a bad gateway": {502, page, access.ErrUnavailable,
			"it reaches no OpenBao behind it", many},
		"a balancer with nothing behind it": {503, "no healthy upstream", access.ErrUnavailable,
			"it reaches no OpenBao behind it", many},
		"a balancer's limit": {429, page, access.ErrUnavailable,
			"answered itself: it limits how many requests it takes", many},
		"a balancer's own error": {500, page, access.ErrUnavailable,
			"in front of OpenBao answered itself", 3},
		"a standby without a leader": {503, `{"errors":["no active Vault instance found"]}`,
			access.ErrUnavailable, "no active Vault", many},
		"a standby without a leader, before forwarding": {500,
			`{"errors":["local node not active but active cluster node not found"]}`, access.ErrUnavailable, "not done",
			many},
		"a gateway's timeout": {504, page, access.ErrUnavailable, "", many},
		"a page instead of an answer": {200, page, access.ErrUnavailable,
			"the answer is an HTML page", many},
		"half an answer": {200, `{"data":{"canaryBODY":`, access.ErrUnavailable,
			"not JSON", many},
		"no answer in a 200": {200, ``, access.ErrUnavailable, "empty", many},
		"no answer in a 204": {204, ``, access.ErrUnavailable, "empty", many},
		"an answer of another form": {200, `{"request_id":"r","data":{"name":["canaryBODY"]}}`, nil,
			"an unexpected form", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			time, attempts := newClock(), atomic.Int64{}
			client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
				attempts.Add(1)
				time.move(aBit)
				answer(c.status, c.body)(w, nil)
			})
			client.clock = time.Now
			var out struct{ Name string }
			err := client.Get(t.Context(), "auth/approle/role/x", &out)
			if err == nil || !is(err, c.is) {
				t.Errorf("got %v, want %v", err, c.is)
			}
			if err != nil && (!strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "canary")) {
				t.Errorf("got the text %q, want %q in it and no canary", err, c.text)
			}
			var failure *Error
			if !errors.As(err, &failure) || failure.Ambiguous {
				t.Errorf("a read is never ambiguous: %+v", failure)
			}
			if unheard := c.status == 400 && strings.Contains(c.body, "errors"); c.status == 400 &&
				Unheard(err) != unheard {
				t.Errorf("a standby may not have heard of it: %v", !unheard)
			}
			if got := attempts.Load(); got != c.attempts {
				t.Errorf("%d attempts, want %d", got, c.attempts)
			}
		})
	}
}

// A request moves the tests' clock by aBit, so that the usual patience is used up after so many.
const (
	aBit = defaultPatience / 10
	many = 10
	// aWhile is longer than others believe that a server is away.
	aWhile = 6 * time.Second
)

// A gateway in maintenance that answers 200 and JSON made a destroy say that it was done, and a grant that partners use
// one that is not found.
func TestAGatewaysSuccessIsNone(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `null`, `[]`, `{"data":{}}`, `{"status":"maintenance"}`, `{"request_id":""}`} {
		c := clientOf(t, answer(200, body))
		var got map[string]any
		for what, err := range map[string]error{
			"get": c.Get(t.Context(), "a", &got), "list": c.List(t.Context(), "a", &got),
			"put": c.Put(t.Context(), "a", nil, nil), "post": c.PostOnce(t.Context(), "a", nil, nil),
			"delete": c.Delete(t.Context(), "a"),
		} {
			var failure *Error
			if !errors.As(err, &failure) ||
				failure.Ambiguous != (what != "get" && what != "list") ||
				!is(err, access.ErrUnavailable) ||
				!strings.Contains(err.Error(), "the answer is not OpenBao's") ||
				len(got) > 0 {
				t.Errorf("%s, %s: %v, %v", body, what, err, got)
			}
		}
	}
	if err := clientOf(t, answer(204, ``)).Delete(t.Context(), "a"); err != nil {
		t.Errorf("a write is answered 204: %v", err)
	}
}

func TestAConflictIsKnown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"check-and-set parameter set to -1 on existing entry":               true,
		"check-and-set parameter 1 did not match the current version 2":     true,
		"failed to parse policy: path \"check-and-set parameter\" is wrong": false,
	} {
		err := clientOf(t, answer(400, `{"errors":[`+quoted(text)+`]}`)).PostOnce(t.Context(), "a", nil, nil)
		var failure *Error
		if !errors.As(err, &failure) || failure.Conflict() != want || failure.Ambiguous {
			t.Errorf("%s: %+v", text, failure)
		}
	}
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }

func TestTheWaitThatTheServerAsksForIsKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header string
		want   time.Duration
	}{
		"seconds": {"4", 4 * time.Second}, "a date": {"Tue, 24 Nov 2026 12:00:07 GMT", 7 * time.Second},
		"a date that is over": {"Tue, 24 Nov 2026 11:00:00 GMT", 0}, "nothing": {"", 0}, "nonsense": {"-4 or so", 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := retryAfter(c.header, newClock().Now()); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	c := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
	})
	err := c.Get(t.Context(), "a", nil)
	if !is(err, access.ErrUnavailable) ||
		!strings.Contains(err.Error(), "asks to wait 1h") ||
		c.Requests() != 2 {
		t.Errorf("a wait longer than the patience must end the call at once: %v after %d requests", err, c.Requests())
	}
}

func TestEachWaitIsLongerAndBounded(t *testing.T) {
	t.Parallel()
	for attempts, most := range []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond,
		1600 * time.Millisecond, 3200 * time.Millisecond, longestWait, longestWait} {
		for range 50 {
			if wait := backoff(firstWait, attempts); wait < most/2 || wait > most {
				t.Fatalf("after %d attempts: %s, want %s or up to half of it less", attempts, wait, most)
			}
		}
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var leaked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Add(1) }))
	defer other.Close()
	host := strings.TrimPrefix(other.URL, "http://")
	for name, c := range map[string]struct {
		status    int
		to        string
		attempts  int64
		ambiguous bool
		text      string
	}{
		"by a standby to its leader":     {307, other.URL + "/v1/a/b?x=canaryQUERY", many, true, host},
		"by a standby to the balancer":   {307, "/v1/a/b", many, true, "redirect"},
		"for good to another host":       {301, other.URL + "/v1/a/b", 1, false, host},
		"to another host by 308":         {308, other.URL, 1, false, host},
		"to a cleaned path":              {307, "/v1/b", 1, false, "another path"},
		"to another scheme of this host": {302, "https://HOST/v1/a/b", 1, false, "to https://"},
		"to nowhere":                     {302, "", 1, false, "to nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			time, attempts := newClock(), atomic.Int64{}
			client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
				attempts.Add(1)
				time.move(aBit)
				if c.to != "" {
					w.Header().Set("Location", strings.ReplaceAll(c.to, "HOST", r.Host))
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, page)
			})
			client.clock = time.Now
			err := client.Put(t.Context(), "a/b", nil, nil)
			var failure *Error
			if !errors.As(err, &failure) ||
				!is(err, access.ErrUnavailable) ||
				failure.Ambiguous != c.ambiguous ||
				attempts.Load() != c.attempts {
				t.Errorf("got %v after %d attempts", err, attempts.Load())
			}
			if err == nil ||
				!strings.Contains(err.Error(), c.text) ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("got the text %v", err)
			}
			attempts.Store(0)
			time.move(aWhile) // until what the first call found is not believed any more
			err = client.PostOnce(t.Context(), "a/b", nil, nil)
			if !errors.As(err, &failure) ||
				failure.Ambiguous != c.ambiguous ||
				attempts.Load() != 1 {
				t.Errorf("once: got %v after %d attempts", err, attempts.Load())
			}
		})
	}
	if leaked.Load() != 0 {
		t.Error("the other host was asked")
	}
}
