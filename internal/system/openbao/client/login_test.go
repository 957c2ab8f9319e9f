// SPDX-License-Identifier: MPL-2.0

package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

const (
	secretID  = "canarySECRETID-6f1c"
	signedJWT = "canary.JWT.6f1c"
)

// bank gives tokens, and refuses those that have ended. Everything else is at the path "a".
type bank struct {
	mu       sync.Mutex
	clock    *clock
	life     time.Duration
	max      time.Duration // of a token and its renewals; 0: no limit
	ends     map[string]time.Time
	begins   map[string]time.Time
	logins   int
	renewals int
	looks    int
	denies   bool // by its policies
	closed   bool // no more logins
	mute     bool // renewals fail
}

func newBank(life time.Duration) *bank {
	return &bank{clock: newClock(), life: life, ends: map[string]time.Time{}, begins: map[string]time.Time{}}
}

func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	token, now := r.Header.Get("X-Vault-Token"), b.clock.Now()
	good := now.Before(b.ends[token])
	left := int(b.ends[token].Sub(now) / time.Second)
	switch path := strings.TrimPrefix(r.URL.Path, "/v1/"); {
	case strings.HasSuffix(path, "/login"):
		b.logIn(w, r)
	case path == "auth/token/renew-self" && b.mute:
		answer(500, `{"errors":["internal error"]}`)(w, r)
	case !good:
		answer(403, `{"errors":["permission denied"]}`)(w, r)
	case path == "auth/token/lookup-self":
		b.looks++
		answer(200, fmt.Sprintf(`{"request_id":"r","data":{"ttl":%d,"creation_ttl":%d,"renewable":true}}`, left,
			int(b.life.Seconds())))(w, r)
	case path == "auth/token/renew-self":
		b.renewals++
		b.ends[token] = now.Add(b.life)
		if b.max > 0 && b.ends[token].After(b.begins[token].Add(b.max)) {
			b.ends[token] = b.begins[token].Add(b.max)
		}
		b.give(w, token)
	case b.denies:
		answer(403, policyDenies)(w, r)
	default:
		answer(200, signed)(w, r)
	}
}

func (b *bank) logIn(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		panic(err)
	}
	if b.closed ||
		(body["secret_id"] != secretID && body["jwt"] != signedJWT) ||
		r.Header.Get("X-Vault-Token") != "" {
		answer(400, `{"errors":["invalid role or secret ID `+body["secret_id"]+body["jwt"]+`"]}`)(w, r)
		return
	}
	b.logins++
	b.issue(w, fmt.Sprintf("s.canaryISSUED%d", b.logins))
}

func (b *bank) issue(w http.ResponseWriter, token string) {
	b.begins[token], b.ends[token] = b.clock.Now(), b.clock.Now().Add(b.life)
	b.give(w, token)
}

func (b *bank) give(w io.Writer, token string) {
	_, _ = fmt.Fprintf(w, `{"request_id":"r","auth":{"client_token":%q,"lease_duration":%d,"renewable":true}}`, token,
		int(b.ends[token].Sub(b.clock.Now())/time.Second))
}

func (b *bank) client(t *testing.T, login Login) *Client {
	t.Helper()
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	c := clientAt(t, server.URL, func(o *Options) { o.Login = login })
	c.clock = b.clock.Now
	return c
}

func (b *bank) must(t *testing.T, err error, logins, renewals int) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if b.logins != logins || b.renewals != renewals {
		t.Fatalf("%d logins and %d renewals, want %d and %d", b.logins, b.renewals, logins, renewals)
	}
}

var role = AppRole{RoleID: "r", SecretID: secretID}

func TestManyCallsShareOneLogin(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "jwt")
	if err := os.WriteFile(file, []byte(signedJWT+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, login := range map[string]Login{
		"AppRole": role, "JWT": JWT{Role: "ci", JWT: signedJWT},
		"JWT in a file": JWT{Mount: "ci/cel", Role: "ci", File: file},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(time.Hour)
			c := b.client(t, login)
			if c.Requests() != 0 {
				t.Error("New sent something")
			}
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					if err := c.Get(t.Context(), "a", nil); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			b.must(t, nil, 1, 0)
			if c.Requests() != 51 {
				t.Errorf("%d requests", c.Requests())
			}
		})
	}
}

func TestATokenIsRenewedInItsLastThird(t *testing.T) {
	t.Parallel()
	b := newBank(30 * time.Minute)
	c := b.client(t, role)
	b.must(t, c.Get(t.Context(), "a", nil), 1, 0)
	b.clock.move(19 * time.Minute)
	b.must(t, c.Get(t.Context(), "a", nil), 1, 0)
	b.clock.move(2 * time.Minute)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { _ = c.Get(t.Context(), "a", nil) })
	}
	all.Wait()
	b.must(t, c.Get(t.Context(), "a", nil), 1, 1)
	b.clock.move(19 * time.Minute)
	b.must(t, c.Get(t.Context(), "a", nil), 1, 1)
}

func TestATokenThatLastsDoesWithoutItsRenewal(t *testing.T) {
	t.Parallel()
	b := newBank(time.Hour)
	c := b.client(t, role)
	b.must(t, c.Get(t.Context(), "a", nil), 1, 0)
	b.mute = true
	b.clock.move(45 * time.Minute)
	b.must(t, c.Get(t.Context(), "a", nil), 1, 0)
	tried := c.Requests()
	b.must(t, c.Get(t.Context(), "a", nil), 1, 0)
	if more := c.Requests() - tried; more != 1 {
		t.Errorf("%d requests for a call right after a renewal that failed", more)
	}
	b.mute = false
	b.clock.move(time.Minute)
	b.must(t, c.Get(t.Context(), "a", nil), 1, 1)
	b.mute = true
	b.clock.move(61 * time.Minute)
	if err := c.Get(t.Context(), "a", nil); !is(err, access.ErrUnavailable) {
		t.Errorf("with a token that has ended: %v", err)
	}
}

func TestATokenThatIsAtItsMaximumIsReplaced(t *testing.T) {
	t.Parallel()
	b := newBank(30 * time.Minute)
	b.max = 30 * time.Minute
	c := b.client(t, role)
	b.must(t, c.Get(t.Context(), "a", nil), 1, 0)
	b.clock.move(25 * time.Minute)
	b.must(t, c.Get(t.Context(), "a", nil), 2, 1)
	b.must(t, c.Get(t.Context(), "a", nil), 2, 1)

	b.clock.move(25 * time.Minute)
	b.closed = true // the old token is used as long as it lasts
	b.must(t, c.Get(t.Context(), "a", nil), 2, 2)
	before := c.Requests()
	b.must(t, c.Get(t.Context(), "a", nil), 2, 2)
	if c.Requests() != before+1 {
		t.Error("it tried to log in again before the token ended")
	}
	b.clock.move(6 * time.Minute)
	if err := c.Get(t.Context(), "a", nil); !is(err, access.ErrNotPermitted) ||
		!strings.HasPrefix(err.Error(), "log in to OpenBao: POST auth/approle/login: status 400") {
		t.Errorf("got %v", err)
	}
}

func TestAGivenTokenIsRenewedAndUsedToItsEnd(t *testing.T) {
	t.Parallel()
	b := newBank(30 * time.Minute)
	b.max = 40 * time.Minute
	b.begins[string(given)], b.ends[string(given)] = b.clock.Now(), b.clock.Now().Add(30*time.Minute)
	c := b.client(t, given)
	b.must(t, c.Get(t.Context(), "a", nil), 0, 0)
	b.clock.move(21 * time.Minute)
	b.must(t, c.Get(t.Context(), "a", nil), 0, 1)
	b.clock.move(15 * time.Minute)
	b.must(t, c.Get(t.Context(), "a", nil), 0, 2)
	b.must(t, c.Get(t.Context(), "a", nil), 0, 2)
	b.clock.move(5 * time.Minute)
	if err := c.Get(t.Context(), "a", nil); !is(err, access.ErrNotPermitted) || b.logins != 0 {
		t.Errorf("got %v after %d logins", err, b.logins)
	}
}

func TestATokenThatEndedEarlyIsReplacedOnceAndTheCallRepeated(t *testing.T) {
	t.Parallel()
	b := newBank(time.Hour)
	c := b.client(t, role)
	b.must(t, c.Get(t.Context(), "a", nil), 1, 0)
	clear(b.ends) // revoked
	b.must(t, c.PostOnce(t.Context(), "a", nil, nil), 2, 0)

	clear(b.ends)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := c.Get(t.Context(), "a", nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	b.must(t, nil, 3, 0)
}

func TestAPlain403IsNoReasonToLogIn(t *testing.T) {
	t.Parallel()
	b := newBank(time.Hour)
	c := b.client(t, role)
	b.denies = true
	for range 3 {
		if err := c.Get(t.Context(), "a", nil); !is(err, access.ErrNotPermitted) {
			t.Errorf("got %v", err)
		}
	}
	b.must(t, nil, 1, 0)
	if c.Requests() != 4 {
		t.Errorf("%d requests", c.Requests())
	}
}

func TestAServerThatRefusesEveryTokenIsNotAskedForever(t *testing.T) {
	t.Parallel()
	logins := 0
	c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/login") {
			logins++
			_, _ = io.WriteString(w, `{"request_id":"r","auth":{"client_token":"s.canaryISSUED","lease_duration":60,"renewable":true}}`)
			return
		}
		answer(403, `{"errors":["permission denied"]}`)(w, r)
	}, func(o *Options) { o.Login = role })
	if err := c.Get(t.Context(), "a", nil); !is(err, access.ErrNotPermitted) || logins != 2 {
		t.Errorf("got %v after %d logins", err, logins)
	}
}

func TestALoginThatFindsNothingIsNotAMissingObject(t *testing.T) {
	t.Parallel()
	for _, a := range []http.HandlerFunc{answer(404, notFound), answer(404, `{"errors":["no handler for route"]}`),
		answer(400, `{"errors":["x"]}`),
		answer(403, policyDenies), answer(200, signed), answer(200, `{"request_id":"r","auth":{"client_token":""}}`),
		answer(200, `{"request_id":"r","auth":{"client_token":"a\nb"}}`)} {
		err := clientOf(t, a, func(o *Options) { o.Login = role }).Delete(t.Context(), "a")
		var failure *Error
		if !is(err, access.ErrNotPermitted) ||
			!strings.HasPrefix(err.Error(), "log in to OpenBao: ") ||
			!errors.As(err, &failure) ||
			failure.Ambiguous {
			t.Errorf("got %v", err)
		}
	}
	err := clientOf(t, answer(200, signed),
		func(o *Options) { o.Login = JWT{Role: "r", File: "/nonexistent/jwt"} }).Delete(t.Context(), "a")
	if err == nil || !strings.Contains(err.Error(), "/nonexistent/jwt") {
		t.Errorf("got %v", err)
	}
}

// Everything that the client knows is repeated by a hostile server in every place that is shown.
func TestNoTextShowsASecret(t *testing.T) {
	t.Parallel()
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.HasSuffix(r.URL.Path, "/login") && strings.Contains(r.URL.Path, "good") {
			_, _ = io.WriteString(w, `{"request_id":"r","auth":{"client_token":"s.canaryISSUED","lease_duration":60,"renewable":true}}`)
			return
		}
		var fields map[string]string
		_ = json.Unmarshal(body, &fields)
		said := []string{r.Header.Get("X-Vault-Token")}
		for _, value := range fields {
			said = append(said, "the value "+value+" is wrong")
		}
		w.WriteHeader(400)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": said})
	}
	file := filepath.Join(t.TempDir(), "jwt")
	if err := os.WriteFile(file, []byte(signedJWT), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, login := range []Login{
		given, role, AppRole{Mount: "good", RoleID: "r", SecretID: secretID},
		JWT{Role: "r", JWT: signedJWT}, JWT{Mount: "good", Role: "r", File: file}, JWT{Role: "r", File: file},
	} {
		c := clientOf(t, echo, func(o *Options) { o.Login = login })
		err := c.PostOnce(t.Context(), "a", map[string]string{"secret_id": "canaryNEW", "token": "canaryOTHER"}, nil)
		if err == nil {
			t.Fatal("accepted")
		}
		failure := new(Error)
		if !errors.As(err, &failure) {
			t.Fatal(err)
		}
		for _, text := range []string{err.Error(), strings.Join(failure.Messages, " "),
			fmt.Sprintf("%v %+v %#v", c, c, c), fmt.Sprintf("%v %+v %#v %s", login, login, login, login),
			fmt.Sprintf("%+v", c.options)} {
			if strings.Contains(text, "canary") {
				t.Errorf("%T: shows a secret: %s", login, text)
			}
		}
	}
}
