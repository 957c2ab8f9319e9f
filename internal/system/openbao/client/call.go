// SPDX-License-Identifier: MPL-2.0

package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

const (
	maxAnswer     = 200 << 20 // bytes
	slowestAnswer = 2         // times the patience, for one that trickles

	firstWait   = 200 * time.Millisecond // then twice as long each time
	longestWait = 5 * time.Second
	fewRepeats  = 2       // of failures that are seldom transient
	manyRepeats = 1 << 30 // patience ends before

	tolerated = time.Second // of difference between two clocks
	// slowAnswer says less about the server's clock than a quick one before it: the date in it may be
	// from its begin or its end.
	slowAnswer = 2 * time.Second
)

var (
	errSlow   = errors.New("no answer in time")
	errCut    = errors.New("the answer was cut off")
	errTooBig = errors.New("the answer is larger than 200 MB")
	errNoTurn = errors.New("too many requests were waiting")
	errAway   = errors.New("another call has just waited in vain")
)

// request is what a call asks for. path is below /v1/, in the client's namespace, and has been checked to arrive as it
// is. token is "" for what is asked without a login.
type request struct {
	method, path string
	body         []byte
	token        string
	repeatable   bool // also when it may have been done
	// writes: it changes something, so that nobody knows what is there if its answer is lost.
	writes bool
}

// call is a request and its attempts so far. One goroutine makes them, one after another; only what httptrace notes
// comes from others.
type call struct {
	request
	client   *Client
	begun    time.Time // its first attempt; zero before
	deadline time.Time
	patience time.Duration
	least    time.Duration // that an attempt may take, also where patience ends before
	sent     time.Time     // the last attempt; zero where it did not get its turn
	attempts int
	few      int           // how many of the attempts were worth only a few
	pause    time.Duration // before the next attempt
	spent    bool          // patience has ended

	secured   atomic.Bool // the last attempt got as far as TLS
	connected atomic.Bool // the last attempt got a connection, so that it may have been sent
	answer    []byte
	outcome   outcome        // of the last attempt
	maybe     bool           // an attempt may have been carried out without an answer
	outage    *access.Outage // that the last attempt met
}

// send makes the attempts of a request, until one is answered for good or patience ends. A nil error is success, and
// out has the answer; out may be nil.
func (c *Client) send(ctx context.Context, r request, out any) *Error {
	k := &call{request: r, client: c}
	req, err := k.httpRequest(ctx)
	if err != nil {
		return r.unsent("the request is invalid")
	}
	attempts := retryablehttp.Client{ // one for each call, so that its functions know the call
		HTTPClient:   &http.Client{Transport: k, CheckRedirect: stay},
		RetryMax:     manyRepeats,
		CheckRetry:   k.again,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return k.pause },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	if resp, err := attempts.Do(req); err == nil {
		_ = resp.Body.Close() // nothing in it: RoundTrip has read it
	}
	if failure := k.failure(ctx); failure != nil {
		return failure
	}
	if decode(k.answer, out) != nil { // whose error could show the answer
		return &Error{
			Method:    r.method,
			Path:      r.path,
			problem:   "the answer has an unexpected form",
			fate:      unanswered,
			Ambiguous: r.writes,
		}
	}
	return nil
}

// stay follows no redirect: the token goes nowhere else.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// httpRequest returns the request of a call. OpenBao still reads the headers that are named for Vault, which is where
// it comes from.
func (k *call) httpRequest(ctx context.Context) (*retryablehttp.Request, error) {
	var body any // of no type when there is none, as retryablehttp wants it
	if k.body != nil {
		body = k.body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, k.method, k.client.base.String()+"/v1/"+k.path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", k.client.options.UserAgent)
	req.Header.Set("X-Vault-Request", "true")
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if k.token != "" {
		req.Header.Set("X-Vault-Token", k.token)
	}
	if k.client.options.Namespace != "" {
		req.Header.Set("X-Vault-Namespace", k.client.options.Namespace)
	}
	return req, nil
}

// RoundTrip makes one attempt: it waits for its turn, and reads the answer to its end, so that one which is cut off
// counts as lost. It is the call's [http.RoundTripper].
func (k *call) RoundTrip(req *http.Request) (*http.Response, error) {
	k.connected.Store(false)
	k.secured.Store(false)
	k.answer = nil
	k.sent = time.Time{}
	leave, err := k.turn(req.Context())
	if err != nil {
		return nil, err
	}
	defer leave()

	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	limit := k.attemptLimit()
	tooSlow := time.AfterFunc(limit, func() { cancel(errSlow) })
	defer tooSlow.Stop()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeStart: func() { k.secured.Store(true) },
		GotConn:           func(httptrace.GotConnInfo) { k.connected.Store(true) },
	})

	k.client.count.Add(1)
	k.sent = k.client.clock()
	resp, err := k.client.transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, because(ctx, err)
	}
	defer resp.Body.Close()
	k.connected.Store(true)
	k.client.compare(resp.Header.Get("Date"), k.sent)
	latest := k.client.latest()
	body := progress{resp.Body, func() { tooSlow.Reset(min(limit, latest.Sub(k.client.clock()))) }}
	k.answer, err = io.ReadAll(io.LimitReader(body, k.client.largest+1))
	switch {
	case err != nil && errors.Is(because(ctx, err), errSlow):
		return nil, errSlow
	case err != nil:
		return nil, errCut
	case int64(len(k.answer)) > k.client.largest:
		return nil, errTooBig
	}
	resp.Body = io.NopCloser(bytes.NewReader(nil))
	return resp, nil
}

// progress tells when something came. A large answer may take its time, as long as it does not stand still.
type progress struct {
	io.Reader
	came func()
}

// Read tells too.
func (p progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if n > 0 {
		p.came()
	}
	return n, err
}

// because returns the reason why a context was cancelled by us, else the error.
func because(ctx context.Context, err error) error {
	if context.Cause(ctx) == errSlow { //nolint:errorlint // never wrapped: it is what we cancelled with
		return errSlow
	}
	return err
}

// turn waits until a request may be sent. The wait does not use up the call's patience: a thousand calls may queue.
func (k *call) turn(ctx context.Context) (leave func(), err error) {
	queued := k.client.clock()
	select {
	case k.client.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave = func() { <-k.client.turns }
	if err := k.client.pace.Wait(ctx); err != nil {
		leave()
		if ctx.Err() == nil {
			return nil, errNoTurn
		}
		return nil, ctx.Err()
	}
	now := k.client.clock()
	if k.outage = k.remembered(ctx, now); k.outage != nil {
		leave()
		return nil, errAway
	}
	if k.begun.IsZero() {
		k.patience, k.least = k.client.patience()
		k.begun, k.deadline = now, now.Add(k.patience)
	} else {
		k.deadline = k.deadline.Add(now.Sub(queued))
	}
	return leave, nil
}

// attemptLimit returns how long this attempt may take to be answered: what patience is left, of which one that can be
// repeated leaves half for another try. In an outage that is not enough for a server that is back, and slow.
func (k *call) attemptLimit() time.Duration {
	limit := k.deadline.Sub(k.client.clock())
	if k.repeatable {
		limit = min(limit, k.patience/2)
	}
	return max(limit, k.least)
}

// again decides whether another attempt is made. It is the CheckRetry of the call.
func (k *call) again(ctx context.Context, resp *http.Response, err error) (bool, error) {
	k.outcome = k.judge(resp, err)
	k.maybe = k.maybe || k.outcome.fate == unanswered
	k.log(ctx)
	worthwhile := ctx.Err() == nil && k.worthwhile()
	k.learn(!worthwhile && ctx.Err() == nil)
	return worthwhile, nil // an error here would only hide the outcome
}

// worthwhile says whether the last outcome allows another attempt, in time, and sets the pause before it.
func (k *call) worthwhile() bool {
	o := k.outcome
	switch {
	case o.fate == done, o.repeats == never:
		return false
	case !k.repeatable && o.fate != notSent && o.fate != notBegun:
		return false
	case o.repeats == few && k.few == fewRepeats:
		return false
	}
	if o.repeats == few {
		k.few++
	}
	k.pause = max(o.wait, backoff(k.client.firstWait, k.attempts))
	k.attempts++
	k.spent = k.client.clock().Add(k.pause).After(k.deadline)
	return !k.spent && k.client.outages.Since(k.begun) == nil
}

// backoff returns the wait after so many attempts: twice as long each time, and less by up to half, so that callers
// that failed together do not come back together.
func backoff(first time.Duration, attempts int) time.Duration {
	wait := first
	for range attempts {
		wait = min(2*wait, longestWait)
	}
	return wait/2 + rand.N(wait/2+1) //nolint:gosec // spreads those who wait
}

// compare notes how far the server's clock is from ours, by the second that it wrote into an answer: that was between
// sent and now, some time within that second.
func (c *Client) compare(date string, sent time.Time) {
	second, err := http.ParseTime(date)
	if err != nil {
		return
	}
	least := second.Sub(c.clock())
	most := second.Add(time.Second).Sub(sent)
	skew := (least + most) / 2
	if least <= tolerated && most >= -tolerated {
		skew = 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.timed || c.clock().Sub(sent) < slowAnswer {
		c.skew, c.timed = skew, true
	}
}
