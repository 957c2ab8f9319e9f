// SPDX-License-Identifier: MPL-2.0

package openbao

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/system/openbao/client"
)

// fault is one way in which a call goes wrong.
type fault struct {
	name string
	// done: the server has carried it out.
	done bool
	// status and body are the answer in place of the server's.
	status int
	body   string
	// err: what the client hears in place of an answer.
	err error
	// cut: the server's own answer breaks off.
	cut bool
}

var faults = []fault{
	{name: "500 before", status: 500, body: `{"errors":["internal error"]}`},
	{name: "502 before", status: 502, body: "bad gateway"},
	{name: "503 before", status: 503, body: `{"errors":["upstream is away"]}`},
	{name: "429 before", status: 429, body: `{"errors":["rate limit quota exceeded"]}`},
	{name: "reset before", err: errReset},
	{name: "timeout before", err: os.ErrDeadlineExceeded},
	{name: "502 after", done: true, status: 502, body: "bad gateway"},
	{name: "503 after", done: true, status: 503, body: "upstream is away"},
	{name: "504 after", done: true, status: 504, body: "gateway timeout"},
	{name: "reset after", done: true, err: errReset},
	{name: "timeout after", done: true, err: os.ErrDeadlineExceeded},
	{name: "a body that is cut", done: true, cut: true, err: errReset},
}

var errReset = errors.New("connection reset by peer")

// ailing lets so many in a hundred calls go wrong, in ways that a seed decides.
func ailing(percent int, seed uint64, failed *atomic.Int64) func(*client.Options) {
	return func(o *client.Options) {
		o.Patience, o.FirstWait = 8*time.Second, 2*time.Millisecond // the server is near, and 20,000 calls go wrong
		inner := o.Transport
		var mu sync.Mutex
		dice := rand.New(rand.NewPCG(seed, 1))
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			ails := dice.IntN(100) < percent
			f := faults[dice.IntN(len(faults))]
			mu.Unlock()
			if !ails {
				return inner.RoundTrip(r)
			}
			failed.Add(1)
			return f.carry(r, inner)
		})
	}
}

func (f fault) carry(r *http.Request, inner http.RoundTripper) (*http.Response, error) {
	if f.done {
		resp, err := inner.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		if f.cut {
			resp.Body = struct {
				io.Reader
				io.Closer
			}{io.LimitReader(resp.Body, 10), resp.Body}
			if resp.StatusCode != http.StatusNoContent {
				return resp, nil
			}
		}
		_ = resp.Body.Close()
	}
	if f.err != nil {
		return nil, f.err
	}
	return &http.Response{
		StatusCode: f.status, Header: http.Header{}, Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(f.body)),
	}, nil
}

// Every fifth call goes wrong, before or after it is carried out. Each life, made again where it failed as Terraform
// would, ends well: one of everything while it lasts, the secret that was told last logs in, and nothing is left.
func TestTwoHundredLivesOnAnAilingServer(t *testing.T) {
	shared := startStage(t)
	const servers, lives = 4, 200 // several, since a listing has all certificates that ever were
	var failed atomic.Int64
	for server := range servers {
		t.Run(fmt.Sprintf("server %d", server), func(t *testing.T) {
			t.Parallel()
			st := startStageOf(t, shared)
			st.complete(t, "first", kinds...) // the mounts: they are made once
			var wg sync.WaitGroup
			next := make(chan int)
			for range 8 {
				wg.Go(func() {
					for n := range next {
						failed.Add(st.ailingLife(t, n))
					}
				})
			}
			for n := server; n < lives; n += servers {
				next <- n
			}
			close(next)
			wg.Wait()
		})
	}
	t.Cleanup(func() {
		t.Logf("%d calls went wrong", failed.Load())
		if failed.Load() < lives*20 {
			t.Error("the calls did not ail")
		}
	})
}

// ailingLife is one life. It returns how many calls went wrong.
func (st *stage) ailingLife(t *testing.T, n int) int64 {
	var failed atomic.Int64
	l := &life{st: st, t: t, name: fmt.Sprintf("ailing-%03d-life", n), uids: map[access.Ref]*access.Record{}}
	s := st.open(ailing(20, uint64(n), &failed))
	for _, step := range lifecycle() {
		var err error
		for range 25 {
			if err = step.do(l, s); err == nil {
				break
			}
			// it was done, and the answer lost
			if errors.Is(err, access.ErrNotFound) && strings.HasPrefix(step.name, "destroy") {
				delete(l.uids, l.credential(access.Secret).Ref())
				err = nil
				break
			}
			st.silent(t, err)
		}
		if err != nil {
			t.Errorf("life %d: %s: %v", n, step.name, err)
			return failed.Load()
		}
		if step.name == "resume" {
			l.exactlyOne(fmt.Sprintf("life %d, after %s", n, step.name))
			st.toldLast(t, l, n)
		}
	}
	if left := st.traces(t, idOf(l.name)); len(left) > 0 {
		t.Errorf("life %d: there is still\n%s", n, strings.Join(left, "\n"))
	}
	if live := l.live(); len(live) > 0 {
		t.Errorf("life %d: the certificates %v live", n, live)
	}
	return failed.Load()
}

// toldLast claims that the secret which the partner was told last logs in: no answer that was lost took it along.
func (st *stage) toldLast(t *testing.T, l *life, n int) {
	c := l.credential(access.Secret)
	if token := st.login(t, st.holder(c, l.uids[c.Ref()])); token == "" || !st.reads(t, token, l.name) {
		t.Errorf("life %d: the secret does not log in", n)
	}
}

// silent claims that an error says no secret.
func (st *stage) silent(t *testing.T, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, secret := range append([]string{st.bao.RootToken}, st.secrets...) {
		if strings.Contains(err.Error(), secret) {
			t.Error("an error says a secret")
		}
	}
}
