// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// methodList is OpenBao's verb for the names below a path.
const methodList = "LIST"

// Client asks one OpenBao. Its methods may be used at the same time.
type Client struct {
	options   Options
	base      *url.URL
	transport http.RoundTripper
	clock     access.Clock
	firstWait time.Duration // before the first repetition; tests make it short
	largest   int64         // answer, in bytes; tests make it small

	turns chan struct{} // as many as there may be requests at a time
	pace  *rate.Limiter
	count atomic.Int64

	login  chan struct{} // held while the ticket is looked at or renewed
	ticket ticket

	mu     sync.Mutex
	hidden []string // what no text may show
	skew   time.Duration
	timed  bool

	entering time.Time // until when the first look may take; zero when there is none
	outages  access.Outages
}

// New makes a client. It checks the options and sends nothing: the login is made with the first call.
func New(options Options) (*Client, error) {
	options = options.withDefaults()
	if err := options.check(); err != nil {
		return nil, err
	}
	base, err := options.base()
	if err != nil {
		return nil, err
	}
	// The error of a proxy that cannot be read would print its password, with the first call.
	if _, err := http.ProxyFromEnvironment(&http.Request{URL: base}); err != nil {
		return nil, errors.New("the proxy in the environment is not a URL")
	}
	transport := options.Transport
	own, err := options.NewTransport()
	if err != nil {
		return nil, err
	}
	if transport == nil {
		transport = own
	}
	pace := rate.NewLimiter(rate.Inf, 1)
	if options.RequestsPerSecond > 0 {
		pace.SetLimit(rate.Limit(options.RequestsPerSecond))
	}
	return &Client{
		options:   options,
		base:      base,
		transport: transport,
		clock:     access.WallClock,
		firstWait: options.FirstWait,
		largest:   maxAnswer,
		turns:     make(chan struct{}, options.Concurrency),
		pace:      pace,
		login:     make(chan struct{}, 1),
		hidden:    options.Login.secrets(),
	}, nil
}

// Get reads a path. As with every call, out gets the answer's data, or the whole answer where that has no data; an
// answer without a body leaves it as it was, and out may be nil.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	return c.do(ctx, request{method: http.MethodGet, path: path, repeatable: true}, nil, out)
}

// List reads the names below a path. None are [access.ErrNotFound], because OpenBao answers so.
func (c *Client) List(ctx context.Context, path string, out any) error {
	return c.do(ctx, request{method: methodList, path: path, repeatable: true}, nil, out)
}

// Put writes what may be written twice with the same result. It is repeated when its answer is lost.
func (c *Client) Put(ctx context.Context, path string, in, out any) error {
	return c.do(ctx, request{method: http.MethodPost, path: path, repeatable: true, writes: true}, in, out)
}

// PostOnce writes what must not be written twice. It is repeated only when it certainly was not done; otherwise its
// error is Ambiguous, and the caller reads back.
func (c *Client) PostOnce(ctx context.Context, path string, in, out any) error {
	return c.do(ctx, request{method: http.MethodPost, path: path, writes: true}, in, out)
}

// Delete removes what is at a path.
func (c *Client) Delete(ctx context.Context, path string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: path, repeatable: true, writes: true}, nil, nil)
}

// Address returns where OpenBao is.
func (c *Client) Address() string { return c.base.String() }

// Namespace returns which part of OpenBao is talked to, empty for the root.
func (c *Client) Namespace() string { return c.options.Namespace }

// Requests returns how many requests were sent, with repetitions and the client's own login.
func (c *Client) Requests() int64 { return c.count.Load() }

// Skew returns how far the server's clock is ahead of ours, by its last answer: to a second or so, and 0
// when they may be within a second of each other.
func (c *Client) Skew() (d time.Duration, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew, c.timed
}

// do makes a call with the client's token, and once more when that token turns out to have ended.
func (c *Client) do(ctx context.Context, r request, in, out any) error {
	if !canonical(strings.TrimSuffix(r.path, "/")) {
		return r.unsent("the server would not get this path unchanged")
	}
	if in != nil {
		body, err := json.Marshal(in)
		if err != nil {
			return r.unsent("the request's content is not JSON") // err could show it
		}
		r.body = body
	}
	maybe := false
	for again := false; ; again = true {
		token, err := c.token(ctx)
		if err != nil {
			return err
		}
		r.token = token
		failure := c.send(ctx, r, out)
		if failure == nil {
			return nil
		}
		failure.Ambiguous = failure.Ambiguous || maybe
		if again || !failure.mayBeLogin() || !c.ended(ctx, token) {
			return failure
		}
		maybe = failure.Ambiguous
	}
}

var segment = regexp.MustCompile(`^[A-Za-z0-9._~:@=,+*-]+$`)

// canonical says whether a path reaches the server as it is. Others are refused, because escaping does not help: ".."
// and an empty segment climb or vanish on the way.
func canonical(path string) bool {
	return !slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool {
		return s == "." || s == ".." || !segment.MatchString(s)
	})
}

// decode fills out from an answer that is known to be JSON.
func decode(answer []byte, out any) error {
	if out == nil || len(answer) == 0 {
		return nil
	}
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(answer, &envelope); err != nil {
		return err
	}
	if len(envelope.Data) > 0 && string(envelope.Data) != "null" {
		answer = envelope.Data
	}
	return json.Unmarshal(answer, out)
}

// hide remembers what no text may show.
func (c *Client) hide(secrets ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, secret := range secrets {
		if secret != "" && !slices.Contains(c.hidden, secret) {
			c.hidden = append(c.hidden, secret)
		}
	}
}

// shown returns a text without what it may not show.
func (c *Client) shown(text string, more []string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, secret := range slices.Concat(c.hidden, more) {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "(hidden)")
		}
	}
	return text
}

// String names the client without its secrets, which formatting it would show otherwise.
func (c *Client) String() string { return fmt.Sprintf("OpenBao at %s", c.base) }

// GoString does the same for %#v.
func (c *Client) GoString() string { return c.String() }
