// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// fault is what goes wrong with one request. It gets the real handler, for the faults that follow a commit.
type fault func(w http.ResponseWriter, r *http.Request, commit func())

func status(code int, body string) fault {
	return func(w http.ResponseWriter, _ *http.Request, commit func()) {
		commit()
		w.Header().Set("Location", "https://leader.example.com/v1/a")
		answer(code, body)(w, nil)
	}
}

func reset(w http.ResponseWriter, _ *http.Request, commit func()) {
	commit()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func cut(w http.ResponseWriter, _ *http.Request, commit func()) {
	commit()
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"data":{}}`) // good as it is, but announced longer
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func garbage(w http.ResponseWriter, _ *http.Request, commit func()) {
	commit()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, "canaryBODY is not HTTP\r\n\r\n")
	_ = conn.Close()
}

func slow(_ http.ResponseWriter, r *http.Request, commit func()) {
	commit()
	_, _ = io.Copy(io.Discard, r.Body) // or the server would not notice that the client has left
	<-r.Context().Done()
}

func slowBody(w http.ResponseWriter, r *http.Request, commit func()) {
	_, _ = io.Copy(io.Discard, r.Body)
	commit()
	w.Header().Set("Content-Length", "100")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

var faults = map[string]struct {
	fault   fault
	certain bool // that it was not done, so that one which must not be repeated is
	before  bool // cannot happen after a commit
	refuses bool // no more attempt of one that must not be repeated, though it was not done
}{
	"429": {
		fault:   status(429, `{"errors":["rate limit quota exceeded"]}`),
		certain: true,
		before:  true,
	},
	"a standby before forwarding": {
		fault:   status(500, `{"errors":["local node not active but active cluster node not found"]}`),
		certain: true,
		before:  true,
	},
	"sealed":                     {fault: status(503, `{"errors":["Vault is sealed"]}`), before: true, refuses: true},
	"500":                        {fault: status(500, `{"errors":["internal error"]}`)},
	"502":                        {fault: status(502, page)},
	"503 of a balancer":          {fault: status(503, page)},
	"503 of a standby":           {fault: status(503, `{"errors":["no active Vault instance found"]}`)},
	"504":                        {fault: status(504, page)},
	"307":                        {fault: status(307, ``)},
	"a reset":                    {fault: reset},
	"a cut answer":               {fault: cut},
	"an answer that is not HTTP": {fault: garbage},
	"an answer that is not JSON": {fault: status(200, page)},
	"an empty answer":            {fault: status(200, ``)},
	"no answer in time":          {fault: slow},
	"half an answer in time":     {fault: slowBody},
}

func TestOneFaultBeforeOrAfterTheCommit(t *testing.T) {
	t.Parallel()
	for name, f := range faults {
		for _, after := range []bool{false, true} {
			if after && f.before {
				continue
			}
			t.Run(fmt.Sprintf("%s, after the commit %v", name, after), func(t *testing.T) {
				t.Parallel()
				var commits, attempts atomic.Int64
				commit := func() { commits.Add(1) }
				client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
					switch {
					case attempts.Add(1) > 1:
						commit()
						answer(200, signed)(w, r)
					case after:
						f.fault(w, r, commit)
					default:
						f.fault(w, r, func() {})
					}
				}, func(o *Options) { o.Patience = 400 * time.Millisecond })

				for what, call := range map[string]func() error{
					"put":    func() error { return client.Put(t.Context(), "a", map[string]int{"x": 1}, nil) },
					"delete": func() error { return client.Delete(t.Context(), "a") },
					"get":    func() error { return client.Get(t.Context(), "a", nil) },
				} {
					commits.Store(0)
					attempts.Store(0)
					if err := call(); err != nil || attempts.Load() != 2 || commits.Load() == 0 {
						t.Errorf("%s: %v after %d attempts", what, err, attempts.Load())
					}
				}

				commits.Store(0)
				attempts.Store(0)
				err := client.PostOnce(t.Context(), "a", map[string]int{"x": 1}, nil)
				var failure *Error
				switch {
				case commits.Load() > 1:
					t.Errorf("done %d times", commits.Load())
				case f.certain:
					if err != nil || commits.Load() != 1 {
						t.Errorf("once: %v, done %d times, want done", err, commits.Load())
					}
				case !errors.As(err, &failure) ||
					failure.Ambiguous == f.refuses ||
					!is(err, access.ErrUnavailable) ||
					attempts.Load() != 1:
					t.Errorf("once: %v after %d attempts", err, attempts.Load())
				case !f.refuses && !strings.HasSuffix(err.Error(), "it may have been done: look whether it was"):
					t.Errorf("once: the text %v does not say it", err)
				case strings.Contains(err.Error(), "canary"):
					t.Errorf("once: shows the answer: %v", err)
				}
			})
		}
	}
}

// broken fails some requests before they reach the server.
type broken struct {
	next  http.RoundTripper
	fails func(n int64) error
	n     atomic.Int64
}

func (b *broken) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := b.fails(b.n.Add(1)); err != nil {
		return nil, err
	}
	return b.next.RoundTrip(r)
}

func TestWhatWasNotSentIsRepeatedAlwaysAndSaysSo(t *testing.T) {
	t.Parallel()
	refusal := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	var sent atomic.Int64
	handler := func(w http.ResponseWriter, _ *http.Request) { sent.Add(1); answer(200, signed)(w, nil) }
	c := clientOf(t, handler, func(o *Options) {
		o.Transport = &broken{next: http.DefaultTransport, fails: func(n int64) error {
			if n == 2 || n == 3 { // the first is the login
				return refusal
			}
			return nil
		}}
	})
	if err := c.PostOnce(t.Context(), "a", nil, nil); err != nil || sent.Load() != 1 {
		t.Errorf("got %v, sent %d times", err, sent.Load())
	}

	clock := newClock()
	c = clientOf(t, handler, func(o *Options) {
		o.Transport = &broken{next: http.DefaultTransport, fails: func(n int64) error {
			clock.move(aBit)
			if n > 1 {
				return refusal
			}
			return nil
		}}
	})
	c.clock = clock.Now
	err := c.PostOnce(t.Context(), "a", nil, nil)
	var failure *Error
	if !errors.As(err, &failure) || failure.Ambiguous || !is(err, access.ErrUnavailable) ||
		!strings.HasSuffix(err.Error(), "connection refused: nothing was sent") || c.Requests() != 1+many {
		t.Errorf("got %v after %d requests", err, c.Requests())
	}
}

func TestAServerThatIsNotTrustedIsNotAskedTwice(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(answer(200, signed))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would note that we left
	server.StartTLS()
	defer server.Close()
	c := clientAt(t, server.URL)
	err := c.Get(t.Context(), "a", nil)
	if !is(err, access.ErrUnavailable) ||
		!strings.Contains(err.Error(), "signed by an authority that is not trusted here") ||
		!strings.HasSuffix(err.Error(), "nothing was sent") || c.Requests() != 1 {
		t.Errorf("got %v after %d requests", err, c.Requests())
	}
}

func TestACallThatIsEndedEndsAtOnceAndSaysWhatMayHaveBeenDone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handler   func(stop func()) http.HandlerFunc
		ambiguous bool
	}{
		"while the server works": {func(stop func()) http.HandlerFunc {
			return func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				stop()
				<-r.Context().Done()
			}
		}, true},
		"while it waits to repeat what may have been done": {func(stop func()) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(502)
				time.AfterFunc(10*time.Millisecond, stop)
			}
		}, true},
		"while it waits to repeat what was not done": {func(stop func()) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "20")
				w.WriteHeader(429)
				time.AfterFunc(10*time.Millisecond, stop)
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			client := clientOf(t, c.handler(stop))
			client.firstWait = time.Minute
			began := time.Now()
			client.options.Patience = 5 * time.Minute
			err := client.Put(ctx, "a", nil, nil)
			var failure *Error
			if !errors.As(err, &failure) ||
				failure.Ambiguous != c.ambiguous ||
				!errors.Is(err, context.Canceled) ||
				!is(err, access.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	c := clientOf(t, answer(200, signed))
	if err := c.Put(ended, "a", nil, nil); !errors.Is(err, context.Canceled) ||
		!strings.HasSuffix(err.Error(), "nothing was sent") {
		t.Errorf("ended before it began: %v", err)
	}
}

func TestAnAnswerWithoutEndIsGivenUp(t *testing.T) {
	t.Parallel()
	block := strings.Repeat(" ", 1<<10)
	c := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			if _, err := io.WriteString(w, block); err != nil {
				return
			}
		}
	})
	c.largest = 99 << 10
	if err := c.Get(t.Context(), "a", nil); !is(err, access.ErrUnavailable) ||
		!strings.Contains(err.Error(), "larger than 200 MB") ||
		c.Requests() != 2 {
		t.Errorf("got %v after %d requests", err, c.Requests())
	}
}

func TestALargeAnswerMayTakeItsTimeAsLongAsItMoves(t *testing.T) {
	t.Parallel()
	pieces := time.NewTicker(100 * time.Millisecond)
	defer pieces.Stop()
	c := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 12 { // longer than the second after which one that stands still is given up
			<-pieces.C
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = io.WriteString(w, signed)
	}, func(o *Options) { o.Patience = 2 * time.Second })
	if err := c.Get(t.Context(), "a", nil); err != nil || c.Requests() != 2 {
		t.Errorf("got %v after %d requests", err, c.Requests())
	}
}

// A later answer does not make it known what became of an earlier attempt.
func TestALostAnswerIsNotForgotten(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]http.HandlerFunc{
		"then not permitted": answer(403, policyDenies), "then too many": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(429)
		}, "then a conflict": answer(400,
			`{"errors":["check-and-set parameter 1 did not match the current version 2"]}`),
	} {
		var attempts atomic.Int64
		c := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			if attempts.Add(1) == 1 {
				w.WriteHeader(502)
				return
			}
			then(w, r)
		})
		err := c.Put(t.Context(), "a", nil, nil)
		var failure *Error
		if !errors.As(err, &failure) || !failure.Ambiguous || attempts.Load() != 2 {
			t.Errorf("%s: %v after %d attempts", name, err, attempts.Load())
		}
	}
}
