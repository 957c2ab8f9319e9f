// SPDX-License-Identifier: MPL-2.0

package client

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

const given = Token("s.canaryTOKEN0123456789")

// clientOf is a client of a server on loopback that answers by the handler. Its token lasts, and it does not wait long.
func clientOf(t *testing.T, handler http.HandlerFunc, change ...func(*Options)) *Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/auth/token/lookup-self" && r.Header.Get("X-Vault-Token") == string(given) {
			_, _ = io.WriteString(w, `{"request_id":"r","data":{"ttl":0,"creation_ttl":0,"renewable":false}}`)
			return
		}
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return clientAt(t, server.URL, change...)
}

func clientAt(t *testing.T, address string, change ...func(*Options)) *Client {
	t.Helper()
	options := Options{Address: address, Login: given}
	for _, f := range change {
		f(&options)
	}
	c, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	c.firstWait = time.Millisecond
	return c
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestAnAddressThatWouldShowTheTokenIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options){
		"http outside loopback":         func(o *Options) { o.Address = "http://bao.example.com:8200" },
		"http to a name like localhost": func(o *Options) { o.Address = "http://localhost.example.com" },
		"another scheme":                func(o *Options) { o.Address = "ftp://127.0.0.1" },
		"no scheme":                     func(o *Options) { o.Address = "127.0.0.1:8200" },
		"nothing":                       func(o *Options) { o.Address = "" },
		"a password in it":              func(o *Options) { o.Address = "https://me:canarySECRET@bao.example.com" },
		"a query": func(o *Options) {
			o.Address = "https://bao.example.com/?token=canarySECRET"
		},
		"a path that climbs":      func(o *Options) { o.Address = "https://bao.example.com/a/../b" },
		"no login":                func(o *Options) { o.Login = nil },
		"an empty token":          func(o *Options) { o.Login = Token("") },
		"a token with a line end": func(o *Options) { o.Login = Token("canarySECRET\n") },
		"a token with a space":    func(o *Options) { o.Login = Token("Bearer canarySECRET") },
		"a token in quotes":       func(o *Options) { o.Login = Token(`"canarySECRET"`) },
		"two addresses": func(o *Options) {
			o.Address = "https://a.example.com:8200,https://b.example.com:8200"
		},
		"an AppRole without secret id": func(o *Options) { o.Login = AppRole{RoleID: "r"} },
		"an AppRole at a mount with ..": func(o *Options) {
			o.Login = AppRole{Mount: "../x", RoleID: "r", SecretID: "canarySECRET"}
		},
		"a JWT twice":                    func(o *Options) { o.Login = JWT{Role: "r", JWT: "canarySECRET", File: "f"} },
		"a JWT without a role":           func(o *Options) { o.Login = JWT{JWT: "canarySECRET"} },
		"a CA that is none":              func(o *Options) { o.CACertPEM = []byte("canarySECRET") },
		"a client certificate alone":     func(o *Options) { o.ClientCertPEM = []byte("canarySECRET") },
		"a namespace that climbs":        func(o *Options) { o.Namespace = "a/../b" },
		"a negative rate":                func(o *Options) { o.RequestsPerSecond = -1 },
		"a negative concurrency":         func(o *Options) { o.Concurrency = -1 },
		"a user agent of two lines":      func(o *Options) { o.UserAgent = "a\r\nX-Vault-Token: b" },
		"a negative patience":            func(o *Options) { o.Patience = -time.Second },
		"a scheme that is not loopback6": func(o *Options) { o.Address = "http://[2001:db8::1]:8200" },
	} {
		t.Run(name, func(t *testing.T) {
			options := Options{Address: "https://bao.example.com:8200", Login: given}
			change(&options)
			_, err := New(options)
			if err == nil {
				t.Fatal("accepted")
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("shows a secret: %v", err)
			}
		})
	}
}

func TestAnAddressThatIsSafeIsAccepted(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"https://bao.example.com", "https://bao.example.com:8200/", "https://gate.example.com/openbao/",
		"http://127.0.0.1:8200", "http://localhost:8200", "http://[::1]:8200", "http://127.9.9.9",
	} {
		if _, err := New(Options{Address: address, Login: given}); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// Whoever copies an address from a browser, or out of quotes, is told what to leave out; nothing of it is repeated.
func TestAnAddressThatIsNoneIsToldWhatToWrite(t *testing.T) {
	t.Parallel()
	for address, says := range map[string]string{
		"https://bao.example.com:8200/v1": "without it", "https://bao.example.com/ui/": "without it",
		"https://gate.example.com/openbao/v1/": "without it",
		"https://bao.example.com:8200\n":       "white space or quotes",
		`"https://bao.example.com"`:            "white space or quotes",
		"bao.example.com":                      "https:// is missing", "bao.example.com:8200": "https:// is missing",
		"127.0.0.1:8200": "https:// is missing", "unix:///run/bao.sock": "unix socket",
		"https://2001:db8::7:8200": "in brackets", "https://bao.example.com:82000": "ports are 1 to 65535",
	} {
		if _, err := New(Options{Address: address, Login: given}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want it to say %q", address, err, says)
		}
	}
}

func TestAPathThatWouldNotArriveAsItIsIsNotSent(t *testing.T) {
	t.Parallel()
	c := clientOf(t, answer(200, signed))
	for _, path := range []string{"", "/", "/sys", "a//b", "a/../b", "..", "a/.", "a b", "a%2e", "a?b=c", "a#b",
		"a/b//", "é", "a\nb", `a\b`} {
		err := c.Get(t.Context(), path, nil)
		var failure *Error
		if !errors.As(err, &failure) ||
			failure.Ambiguous ||
			!strings.HasSuffix(err.Error(), "nothing was sent") {
			t.Errorf("%q: %v", path, err)
		}
	}
	if c.Requests() != 0 {
		t.Errorf("%d requests were sent", c.Requests())
	}
}

func TestACallCarriesWhatOpenBaoNeedsAndNothingElse(t *testing.T) {
	t.Parallel()
	var seen *http.Request
	var body []byte
	c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Clone(r.Context())
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, `{"request_id":"r","data":{"version":3},"auth":null}`)
	}, func(o *Options) { o.Namespace = "partners"; o.UserAgent = "terraform-provider-partner/1.2.3" })
	var out struct{ Version int }
	if err := c.Put(t.Context(), "sys/policies/acl/acme~@:=,+*-._/x", map[string]int{"cas": 2}, &out); err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{
		"X-Vault-Token": string(given), "X-Vault-Namespace": "partners", "X-Vault-Request": "true",
		"User-Agent": "terraform-provider-partner/1.2.3", "Content-Type": "application/json",
	} {
		if got := seen.Header.Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
	if seen.Method != "POST" ||
		seen.URL.Path != "/v1/sys/policies/acl/acme~@:=,+*-._/x" ||
		string(body) != `{"cas":2}` ||
		out.Version != 3 {
		t.Errorf("sent %s %s %s, got %+v", seen.Method, seen.URL, body, out)
	}
	if err := c.List(t.Context(), "sys/policies/acl/", nil); err != nil ||
		seen.Method != "LIST" ||
		seen.URL.RawQuery != "" {
		t.Errorf("list: %v, %s %s", err, seen.Method, seen.URL)
	}
}

func TestOutGetsTheDataOrTheWholeAnswerOrStaysAsItWas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"data":                 {200, `{"request_id":"r","name":"outer","data":{"name":"inner"}}`, "inner"},
		"no data":              {200, `{"request_id":"r","name":"outer"}`, "outer"},
		"data that is null":    {200, `{"request_id":"r","name":"outer","data":null}`, "outer"},
		"an answer of no body": {204, ``, "before"},
	} {
		t.Run(name, func(t *testing.T) {
			out := struct{ Name string }{"before"}
			if err := clientOf(t, answer(c.status, c.body)).Put(t.Context(), "a", nil, &out); err != nil ||
				out.Name != c.want {
				t.Errorf("got %q, %v; want %q", out.Name, err, c.want)
			}
		})
	}
}

func TestNoMoreRequestsAtATimeThanAllowed(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	var once sync.Once
	three := make(chan struct{})
	c := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if n == 3 {
			// without a limit, more come until then
			once.Do(func() { time.AfterFunc(50*time.Millisecond, func() { close(three) }) })
		}
		<-three
		_, _ = io.WriteString(w, signed)
	}, func(o *Options) { o.Concurrency = 3 })
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if err := c.Get(t.Context(), "a", nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most.Load() != 3 {
		t.Errorf("%d requests at a time, want 3", most.Load())
	}
	if c.Requests() != 31 { // and one for the token
		t.Errorf("%d requests were counted", c.Requests())
	}
}

func TestNoMoreRequestsPerSecondThanAllowed(t *testing.T) {
	t.Parallel()
	c := clientOf(t, answer(200, signed), func(o *Options) { o.RequestsPerSecond = 100 })
	began := time.Now()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := c.Get(t.Context(), "a", nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took < 190*time.Millisecond {
		t.Errorf("21 requests in %s, want at least 200 ms", took)
	}
}

func TestWaitingForATurnDoesNotUseUpPatience(t *testing.T) {
	t.Parallel()
	var seen sync.Map
	c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		if _, again := seen.LoadOrStore(r.URL.Path, true); !again {
			w.WriteHeader(502)
			return
		}
		_, _ = io.WriteString(w, signed)
	}, func(o *Options) { o.RequestsPerSecond = 50; o.Patience = 300 * time.Millisecond })
	var all sync.WaitGroup
	for i := range 20 { // 20 wait 400 ms for their first attempt, and as long for the next
		all.Go(func() {
			if err := c.Get(t.Context(), fmt.Sprint("a/", i), nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(answer(200, signed))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c := clientAt(t, server.URL)
	for range 20 {
		if err := c.Get(t.Context(), "a", nil); err != nil {
			t.Fatal(err)
		}
	}
	if connections.Load() != 1 {
		t.Errorf("%d connections for 20 calls", connections.Load())
	}
}

func TestSkewIsTheServersClockAgainstOurs(t *testing.T) {
	t.Parallel()
	for ahead, want := range map[time.Duration]time.Duration{
		0: 0, time.Second: 0, -time.Second: 0, time.Minute: time.Minute, -time.Hour: -time.Hour,
	} {
		ours := newClock()
		c := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", ours.Now().Add(ahead).Format(http.TimeFormat))
			_, _ = io.WriteString(w, signed)
		})
		c.clock = ours.Now
		if _, known := c.Skew(); known {
			t.Error("known before the first answer")
		}
		if err := c.Get(t.Context(), "a", nil); err != nil {
			t.Fatal(err)
		}
		if got, known := c.Skew(); !known || (got-want).Abs() > time.Second {
			t.Errorf("a server %s ahead: got %s, %v", ahead, got, known)
		} else if want == 0 && got != 0 {
			t.Errorf("a server %s ahead: got %s, want 0", ahead, got)
		}
	}
}

func TestASlowAnswerMovesNoSkewThatIsKnown(t *testing.T) {
	t.Parallel()
	ours, c := newClock(), clientOf(t, answer(200, signed))
	c.clock = ours.Now
	date := func() string { return ours.Now().Add(5 * time.Second).Format(http.TimeFormat) }
	for n, takes := range []time.Duration{20 * time.Second, 0, 20 * time.Second} {
		sent := ours.Now()
		ours.move(takes)
		c.compare(date(), sent)
		if got, _ := c.Skew(); n > 0 && (got-5*time.Second).Abs() > time.Second {
			t.Errorf("after answer %d of a server 5 s ahead: %s", n+1, got)
		}
	}
}

func is(err error, sentinel error) bool {
	for _, other := range []error{access.ErrNotFound, access.ErrNotPermitted, access.ErrUnavailable,
		access.ErrUnsupported} {
		if errors.Is(err, other) != (other == sentinel) { //nolint:errorlint // the sentinel itself is compared
			return false
		}
	}
	return true
}
