// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// quietTLS is a server with TLS that says nothing of who left.
func quietTLS(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// failing is a transport whose every attempt fails.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// Whoever sits in front of a wrong port has to read which of the many things it is.
func TestWhatIsWrongWithTheWayIsNamed(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(answer(200, signed))
	t.Cleanup(plain.Close)
	encrypted := quietTLS(t, answer(200, signed))
	alerting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, "\x15\x03\x01\x00\x02\x02\x0a")
		_ = conn.Close()
	}))
	t.Cleanup(alerting.Close)
	const closed = "http://127.0.0.1:1" // a port of a server that is gone may be taken by another test
	refusing := httptest.NewServer(answer(407, ""))
	t.Cleanup(refusing.Close)
	forbidding := httptest.NewServer(answer(403, page))
	t.Cleanup(forbidding.Close)
	through := func(proxy string) func(*Options) {
		return func(o *Options) {
			transport, err := o.NewTransport()
			if err != nil {
				t.Fatal(err)
			}
			at, err := url.Parse(proxy)
			if err != nil {
				t.Fatal(err)
			}
			transport.Proxy = http.ProxyURL(at)
			o.Transport = transport
		}
	}
	fails := func(err error) func(*Options) { return func(o *Options) { o.Transport = failing{err} } }
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	const far = "https://openbao.example.com:8200"
	unverified := func(err error) error { return &tls.CertificateVerificationError{Err: err} }
	ended := x509.Certificate{
		NotAfter:    time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC),
		DNSNames:    []string{"bao.internal"},
		IPAddresses: []net.IP{{10, 0, 0, 7}},
	}
	coming := x509.Certificate{NotBefore: time.Date(2999, 1, 31, 0, 0, 0, 0, time.UTC),
		NotAfter: time.Date(3000, 1, 31, 0, 0, 0, 0, time.UTC)}
	for name, c := range map[string]struct {
		address  string
		change   func(*Options)
		says     string
		patience bool // it may be better the next time
	}{
		"a closed port": {closed, nil, "nothing listens at 127.0.0.1:", true},
		"https to a port of plain HTTP": {strings.Replace(plain.URL, "http:", "https:", 1), nil,
			"speaks plain HTTP", false},
		"http to a port of TLS": {strings.Replace(encrypted.URL, "https:", "http:", 1), nil,
			"the port speaks TLS: write https instead of http", false},
		"http to a port that answers an alert": {alerting.URL, nil, "the port speaks TLS", false},
		"an authority that nobody knows":       {encrypted.URL, nil, "name it with ca_cert_file or BAO_CACERT", false},
		"an authority that has ended": {far, fails(unverified(signedBy(t, -time.Hour, false))),
			"or one that signed it, ended on ", false},
		"an authority with another key": {far, fails(unverified(signedBy(t, time.Hour, true))),
			`One of its name is trusted, but "x509: ECDSA verification failure"`, false},
		"a proxy that nobody knows": {far, through(encrypted.URL),
			"the proxy of the environment (HTTPS_PROXY) cannot be reached: tls: failed to verify certificate", false},
		"a certificate that has ended": {far,
			fails(unverified(x509.CertificateInvalidError{Cert: &ended, Reason: x509.Expired})),
			"ended on 2026-01-31T00:00:00Z: renew it, or set this machine's clock", false},
		"a certificate that has not begun": {far,
			fails(unverified(x509.CertificateInvalidError{Cert: &coming, Reason: x509.Expired})),
			"is not valid before 2999-01-31T00:00:00Z: set this machine's clock", false},
		"a certificate of another name": {far,
			fails(unverified(x509.HostnameError{Certificate: &ended, Host: "openbao.example.com"})),
			`is for "bao.internal" and "10.0.0.7": give the address by that name, or set BAO_TLS_SERVER_NAME`, false},
		"a certificate that signs nothing": {far,
			fails(unverified(x509.CertificateInvalidError{Cert: &ended, Reason: x509.NotAuthorizedToSign})),
			"not authorized to sign", false},
		"the port of the cluster": {far, fails(&net.OpError{Op: "remote error", Err: tls.AlertError(80)}),
			"give the API's (8200)", false},
		"a proxy that wants a password": {far, through(refusing.URL),
			"(HTTPS_PROXY) answered 407 and made no connection: it asks for a name and a password", false},
		"a proxy that forbids": {far, through(forbidding.URL),
			"answered 403 and made no connection: it may not connect to this host", false},
		"a proxy that is away": {far, through(closed),
			"the proxy of the environment (HTTPS_PROXY) cannot be reached", true},
		"a name without an address": {far,
			fails(dial(&net.DNSError{Name: "openbao.example.com", IsNotFound: true})),
			"openbao.example.com has no address in DNS", true},
		"a name server that is away": {far,
			fails(dial(&net.DNSError{Name: "openbao.example.com", Err: "i/o timeout", IsTimeout: true})),
			"could not be looked up: i/o timeout", true},
		"a dial that nobody answers": {far, fails(dial(timedOut{})),
			"no answer from openbao.example.com:8200: a firewall drops the packets", true},
		"TLS older than 1.2": {far, fails(&net.OpError{Op: "remote error", Err: tls.AlertError(70)}),
			"TLS older than 1.2", false},
		"TLS older than 1.2, by its choice": {far,
			fails(errors.New("tls: server selected unsupported protocol version 301")), "TLS older than 1.2", false},
		"a port of another protocol": {far,
			fails(errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP response "canary"`)),
			"does not speak HTTP", true},
		"no route": {far, fails(dial(syscall.EHOSTUNREACH)), "no route to host", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, says, patience := c, c.says, c.patience
			change := func(o *Options) { o.Patience = time.Minute } // on a busy machine a handshake takes its time
			if patience {
				change = func(o *Options) { o.Patience = 3 * time.Second }
			}
			var more []func(*Options)
			if c.change != nil {
				more = append(more, c.change)
			}
			client := clientAt(t, c.address, append(more, change)...)
			err := client.Get(t.Context(), "a", nil)
			if !is(err, access.ErrUnavailable) ||
				!strings.Contains(err.Error(), says) ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %q", err, says)
			}
			if repeated := client.Requests() > 1; repeated != patience {
				t.Errorf("asked %d times", client.Requests())
			}
		})
	}
}

// signedBy is what verifying a certificate comes to, by an authority of the right name that ends so long from now, and
// may have another key since.
func signedBy(t *testing.T, ends time.Duration, rekeyed bool) error {
	t.Helper()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "corp"}, NotBefore: time.Now().Add(-2 * time.Hour),
		NotAfter: time.Now().Add(ends),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		DNSNames:     []string{"openbao.example.com"},
		NotAfter:     time.Now().Add(time.Hour),
	}
	made := func(template *x509.Certificate, public *ecdsa.PrivateKey, key *ecdsa.PrivateKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, template, authority, public.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	var keys [2]*ecdsa.PrivateKey
	for n := range keys {
		var err error
		if keys[n], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	trusted := keys[0]
	if rekeyed {
		trusted = keys[1]
	}
	roots := x509.NewCertPool()
	roots.AddCert(made(authority, trusted, trusted))
	_, err := made(leaf, keys[0], keys[0]).Verify(x509.VerifyOptions{Roots: roots})
	return err
}

type timedOut struct{}

func (timedOut) Error() string   { return "i/o timeout" }
func (timedOut) Timeout() bool   { return true }
func (timedOut) Temporary() bool { return true }

// A black hole swallows packets, or takes a connection and says nothing.
func TestABlackHoleIsNamedWithinTheFirstLook(t *testing.T) {
	t.Parallel()
	clock := newClock()
	c := clientAt(t, "https://openbao.example.com:8200", func(o *Options) {
		o.Transport = &broken{next: nil, fails: func(int64) error {
			clock.move(dialLimit)
			return &net.OpError{Op: "dial", Net: "tcp", Err: timedOut{}}
		}}
	})
	c.clock = clock.Now
	began := clock.Now()
	err := c.Enter(t.Context(), func(ctx context.Context) error {
		if err := c.Get(ctx, "a", nil); err != nil {
			return err
		}
		return c.Get(ctx, "b", nil)
	})
	if err == nil ||
		!strings.Contains(err.Error(), "a firewall drops the packets") ||
		clock.Now().Sub(began) > entrance {
		t.Errorf("after %s: %v", clock.Now().Sub(began), err)
	}
}

// The first look as a whole is short, be it one call or many.
func TestTheFirstLookHasOnePatience(t *testing.T) {
	t.Parallel()
	clock := newClock()
	calls := 0
	c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		clock.move(aBit)
		answer(502, page)(w, r)
	})
	c.clock = clock.Now
	began := clock.Now()
	_ = c.Enter(t.Context(), func(ctx context.Context) error {
		for calls < 5 {
			calls++
			if err := c.Get(ctx, "a", nil); err == nil {
				t.Error("it was answered")
			}
		}
		return nil
	})
	if took := clock.Now().Sub(began); took > entrance+5*aBit || calls != 5 {
		t.Errorf("%d calls took %s", calls, took)
	}
}

// trickling is a transport whose answer comes byte by byte, each of which takes a bit, until the first
// look should have ended.
type trickling struct {
	clock *clock
	ends  time.Time
	ctx   context.Context
}

// RoundTrip answers.
func (t trickling) RoundTrip(req *http.Request) (*http.Response, error) {
	t.ctx = req.Context()
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(t), Request: req}, nil
}

// Read reads the next byte.
func (t trickling) Read(b []byte) (int, error) {
	if t.clock.Now().After(t.ends) {
		select {
		case <-t.ctx.Done():
			return 0, t.ctx.Err()
		case <-time.After(2 * time.Second): // nobody minds
			return 0, io.EOF
		}
	}
	t.clock.move(aBit)
	b[0] = ' '
	return 1, nil
}

// An answer that trickles held the first look for a minute: each byte gave it more time.
func TestTheFirstLookEndsWithAnAnswerThatTrickles(t *testing.T) {
	t.Parallel()
	clock := newClock()
	c := clientAt(t, "https://openbao.example.com:8200",
		func(o *Options) { o.Transport = trickling{clock: clock, ends: clock.Now().Add(entrance)} })
	c.clock = clock.Now
	err := c.Enter(t.Context(), func(ctx context.Context) error { return c.Get(ctx, "a", nil) })
	if !is(err, access.ErrUnavailable) || !strings.Contains(err.Error(), errSlow.Error()) {
		t.Errorf("got %v", err)
	}
}

// Twelve resources may not wait for the same server one after the other; and what was away for a while and answers
// again is waited for as patiently as before.
func TestWhatOneCallWaitedForInVainTheOthersDoNot(t *testing.T) {
	t.Parallel()
	clock := newClock()
	var away atomic.Bool
	var recovers atomic.Int64 // answers so many requests with 502, then well
	c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		if away.Load() || recovers.Add(-1) >= 0 {
			clock.move(aBit)
			answer(502, page)(w, r)
			return
		}
		answer(200, signed)(w, r)
	})
	c.clock = clock.Now
	took := func(call func() error, fails bool) time.Duration {
		t.Helper()
		began := clock.Now()
		if err := call(); (err != nil) != fails {
			t.Fatalf("got %v", err)
		}
		return clock.Now().Sub(began)
	}
	get := func() error { return c.Get(t.Context(), "a", nil) }
	away.Store(true)
	if d := took(get, true); d < defaultPatience-2*aBit {
		t.Errorf("the first was given up after %s", d)
	}
	sent := c.Requests()
	for range 11 {
		if d := took(get, true); d > 0 || c.Requests() != sent {
			t.Errorf("another waited %s, and sent %d requests", d, c.Requests()-sent)
		}
	}
	clock.move(aWhile)
	if d := took(get, true); d > 2*time.Second+aBit || c.Requests() == sent {
		t.Errorf("a later one waited %s, and sent %d requests", d, c.Requests()-sent)
	}
	clock.move(aWhile)
	later := &call{client: c, request: request{repeatable: true}}
	leave, err := later.turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leave()
	if d := later.attemptLimit(); d < 10*time.Second {
		t.Errorf("a server that is back and slow is given up after %s", d)
	}
	took(get, true)
	away.Store(false)
	took(get, true) // it was found away a moment ago
	clock.move(aWhile)
	took(get, false)
	recovers.Store(7)
	if d := took(get, false); d < 2*time.Second {
		t.Errorf("it was answered after %s, sooner than this test needs", d)
	}
}

// A token that OpenBao does not know is not a lack of rights, and it is said before anything is asked for.
func TestATokenThatIsNotKnownSaysSo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body  string
		login bool
	}{
		"unknown, ended or revoked":       {`{"errors":["permission denied"]}`, true},
		"one that may not look at itself": {policyDenies, false},
	} {
		client := clientAt(t, httptestURL(t, answer(403, c.body)))
		err := client.Get(t.Context(), "a", nil)
		var failure *Error
		if !errors.As(err, &failure) ||
			!is(err, access.ErrNotPermitted) ||
			failure.Login() != c.login {
			t.Errorf("%s: %v", name, err)
		}
		if says := strings.Contains(err.Error(), "refuses this token"); says != c.login {
			t.Errorf("%s: %v", name, err)
		}
		if asked := client.Requests(); c.login && asked != 1 {
			t.Errorf("%s: asked %d times", name, asked)
		}
	}
}

func httptestURL(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestEachAttemptIsToldWithoutSecrets(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []Attempt
	var asked atomic.Int64
	c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			answer(502, page)(w, r)
			return
		}
		answer(400, `{"errors":["bad canarySECRET `+string(given)+`"]}`)(w, r)
	}, func(o *Options) {
		o.Log = func(_ context.Context, a Attempt) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, a)
		}
	})
	_ = c.Put(t.Context(), "kv/canarySECRET/"+string(given), map[string]string{"secret_id": "canarySECRET"}, nil)
	if len(told) != 3 {
		t.Fatalf("told %+v", told)
	}
	for i, want := range []Attempt{
		{Method: "GET", Path: "auth/token/lookup-self", Number: 1, Status: 200},
		{Method: "POST", Path: "kv/(hidden)/(hidden)", Number: 1, Status: 502},
		{Method: "POST", Path: "kv/(hidden)/(hidden)", Number: 2, Status: 400},
	} {
		got := told[i]
		if got.Took <= 0 {
			t.Errorf("attempt %d took %s", i, got.Took)
		}
		got.Took, got.Problem = 0, ""
		if got != want {
			t.Errorf("told %+v, want %+v", got, want)
		}
	}
}
