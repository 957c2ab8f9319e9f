// SPDX-License-Identifier: MPL-2.0

package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// Client sends signed requests to S3 and IAM. The SDK finds the login and signs; what is asked is so little that the
// SDK's own clients would only make the program larger. It makes nothing before its first request.
type Client struct {
	Site Site
	HTTP *http.Client
	room chan struct{} // as many as requests may be under way

	mu     sync.Mutex
	Login  aws.CredentialsProvider
	clocks map[string]clock // of each service
	away   map[string]*access.Outages
	names  map[string]bool      // the services that name their requests
	made   map[string]time.Time // the principals that were made, by their names
	lacks  map[string]error     // what IAM does not serve, by its answer
}

// clock is that of a service: by how much it is ahead of this machine's, and when it told.
type clock struct {
	ahead time.Duration
	told  time.Time
}

// New returns a client of what is at a site. It makes no request, and looks for no login.
func New(o Site) *Client {
	transport := o.Transport
	if transport == nil {
		usual := http.DefaultTransport.(*http.Transport).Clone()
		usual.MaxIdleConnsPerHost = 32
		usual.OnProxyConnectResponse = connected
		if o.Authorities != nil {
			trusted := x509.NewCertPool()
			trusted.AppendCertsFromPEM(o.Authorities)
			usual.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
		}
		transport = usual
	}
	// a signature is for one place
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{Site: o, HTTP: &http.Client{Transport: transport, CheckRedirect: stay},
		room: make(chan struct{}, o.Concurrency), Login: o.Credentials, clocks: map[string]clock{},
		away: map[string]*access.Outages{}, names: map[string]bool{},
		made: map[string]time.Time{}, lacks: map[string]error{}}
}

// Request is one that may be sent several times.
type Request struct {
	Service, Region string
	Method, URL     string
	Header          map[string]string
	Body            []byte
	// once: whether it was done matters, so that it is not repeated where the answer was lost.
	once bool
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

const (
	oneRequest = 30 * time.Second
	mostAnswer = 64 << 20
)

// Send sends a request, again where AWS is busy or cannot be reached, for as long as patience lasts.
func (c *Client) Send(ctx context.Context, r Request) (*Answer, error) {
	begun, outages := access.WallClock(), c.outages(r.Service)
	if o := outages.Remembered(ctx, begun, c.Site.Patience); o != nil {
		return nil, o.Met(fmt.Errorf("%w: %w: nothing was sent", access.ErrUnavailable, o))
	}
	patience := outages.Patience(c.Site.Patience)
	var before error // of the last round
	for round := 0; ; round++ {
		a, err := c.SendOnce(ctx, r)
		if err == nil {
			err = cmp.Or(errorOf(a), c.unnamed(r.Service, a))
		}
		if a != nil &&
			!ofAll(err) &&
			!foreign(err) { // a login that is not found is no answer of this service
			outages.Answered(access.WallClock())
		}
		if err == nil {
			return a, nil
		}
		if ctx.Err() != nil && before != nil {
			return nil, before // what came says more than that time is up
		}
		now := access.WallClock()
		spent := now.Sub(begun) > patience
		if !c.mayPass(r, err, round) ||
			ctx.Err() != nil ||
			spent ||
			outages.Since(begun) != nil {
			if ofAll(err) && ctx.Err() == nil {
				err = outages.GaveUp(begun, now, strings.TrimPrefix(err.Error(), access.ErrUnavailable.Error()+": "),
					spent).Met(err)
			}
			return a, err
		}
		before = err
		if access.Pause(ctx, time.Duration(1<<min(round, 5))*50*time.Millisecond+
			rand.N(50*time.Millisecond)) != nil { //nolint:gosec // spreads those who wait
			return nil, before
		}
	}
}

// mayPass reports whether a request that failed may succeed if it is sent again: AWS was busy; or it was signed by a
// clock that is off, which is known since its first answer; or no answer came, and a second time does no harm.
func (c *Client) mayPass(r Request, err error, round int) bool {
	var said *Error
	if !errors.As(err, &said) {
		return !r.once
	}
	return said.passing() || (round == 0 && said.ofClock() && c.off(r.Service) != 0)
}

// ofAll reports whether an error is one of a service, and not of what was asked of it.
func ofAll(err error) bool {
	var said *Error
	if errors.As(err, &said) {
		return said.passing() && said.Status != http.StatusConflict && said.Code != "RequestTimeout"
	}
	return errors.Is(err, access.ErrUnavailable) && !foreign(err)
}

// stranger is the error of an answer to one request that somebody in between gave, as a firewall does that dislikes
// what a policy says. It says nothing of what was asked, nor of whether the service is there.
type stranger struct{ error }

// Unwrap returns what it says.
func (s stranger) Unwrap() error { return s.error }

// foreign reports whether somebody in between answered.
func foreign(err error) bool { return errors.As(err, new(stranger)) }

// outages returns what is known of a service.
func (c *Client) outages(service string) *access.Outages {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away[service] == nil {
		c.away[service] = &access.Outages{}
	}
	return c.away[service]
}

// SendOnce sends it signed. An error is of the way there.
func (c *Client) SendOnce(ctx context.Context, r Request) (*Answer, error) {
	select {
	case c.room <- struct{}{}:
		defer func() { <-c.room }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", access.ErrUnavailable, ctx.Err())
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	req.Header.Set("User-Agent", c.Site.UserAgent)
	if err := c.sign(ctx, req, r); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.outages(r.Service).Wait(oneRequest))
	defer cancel()
	resp, err := c.HTTP.Do(req.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("%w: ask %s: %w", access.ErrUnavailable, req.URL.Host,
			inWords(cmp.Or(errors.Unwrap(err), err)))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return nil, fmt.Errorf("%w: read the answer of %s: %w", access.ErrUnavailable, req.URL.Host, inWords(err))
	}
	// of whatever status: else a proxy's 404 would be an object that is gone, and its 200 a key that is deleted
	if aPage.Match(body) {
		err = fmt.Errorf("%w: ask %s: status %d: the answer is an HTML page, as firewalls, proxies and login pages "+
			"send, not AWS's",
			access.ErrUnavailable, req.URL.Host, resp.StatusCode)
		if resp.StatusCode < http.StatusInternalServerError {
			err = stranger{err}
		}
		return nil, err
	}
	c.learn(r.Service, resp.Header.Get("Date"))
	return &Answer{resp.StatusCode, resp.Header, body}, nil
}

// aPage is how an answer begins that is for people.
var aPage = regexp.MustCompile(`(?is)^\x{feff}?\s*(<!--.*?-->\s*)*<(!doctype html|html|head|body)\b`)

// connected stops at a proxy that makes no connection.
func connected(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	switch answer.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusProxyAuthRequired:
		return errors.New("the proxy of the environment (HTTPS_PROXY) answered 407 and made no connection: it asks " +
			"for a name and a password")
	}
	return fmt.Errorf("the proxy of the environment (HTTPS_PROXY) answered %d and made no connection: allow it this "+
		"host, or name the host in NO_PROXY", answer.StatusCode)
}

// inWords says what became of an answer that did not arrive.
func inWords(err error) error {
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("its certificate is signed by an authority that is not trusted here, as by a proxy that "+
			"looks into TLS: name it with AWS_CA_BUNDLE: %w", err)
	case errors.Is(err, context.DeadlineExceeded): // not wrapped: the limit is ours, and nobody interrupted it
		return errors.New("no answer in time")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the answer was cut off: %w", err)
	}
	return err
}

// decoded reads an answer of IAM or STS.
func decoded(action string, a *Answer, out any) error {
	if err := xml.Unmarshal(a.Body, out); err != nil {
		return fmt.Errorf("%w: %s: the answer is not AWS's: %w", access.ErrUnavailable, action, err)
	}
	return nil
}

// sign signs a request as the provider's login, which others than the service tell: that has its time of its own.
func (c *Client) sign(ctx context.Context, req *http.Request, r Request) error {
	ctx, cancel := context.WithTimeout(ctx, oneRequest)
	defer cancel()
	login, err := c.Credentials(ctx)
	if err != nil || login == (aws.Credentials{}) { // STS takes a token for the login
		return err
	}
	sum := sha256.Sum256(r.Body)
	hash := hex.EncodeToString(sum[:])
	if r.Service == "s3" {
		req.Header.Set("X-Amz-Content-Sha256", hash)
	}
	return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = r.Service == "s3" }).
		SignHTTP(ctx, login, req, hash, r.Service, r.Region, access.WallClock().Add(c.off(r.Service)))
}

// Credentials returns the login, from where the SDK finds it.
func (c *Client) Credentials(ctx context.Context) (aws.Credentials, error) {
	c.mu.Lock()
	login := c.Login
	c.mu.Unlock()
	if login == nil {
		var err error
		if login, err = c.FindLogin(ctx); err != nil {
			return aws.Credentials{}, fmt.Errorf("%w: %w", access.ErrLogin, err)
		}
		c.mu.Lock()
		c.Login = login
		c.mu.Unlock()
	}
	if _, anonymous := login.(aws.AnonymousCredentials); anonymous {
		return aws.Credentials{}, nil
	}
	credentials, err := login.Retrieve(ctx)
	if err != nil && ctx.Err() != nil {
		return credentials, fmt.Errorf("%w: %w", access.ErrUnavailable, err)
	}
	if err != nil {
		return credentials, fmt.Errorf("%w: no credentials for AWS were found: %w", access.ErrLogin, err)
	}
	return credentials, nil
}

// nearlyEqual is within how much two clocks are taken for one: the header tells whole seconds.
const nearlyEqual = 2 * time.Second

// learn notes what time it is at a service.
func (c *Client) learn(service, date string) {
	there, err := http.ParseTime(date)
	if err != nil {
		return
	}
	here := access.WallClock()
	ahead := there.Sub(here)
	if ahead.Abs() <= nearlyEqual {
		ahead = 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clocks[service] = clock{ahead, here}
}

// off returns by how much the clock of a service is ahead of this machine's: a signature of another time is not taken.
func (c *Client) off(service string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clocks[service].ahead
}

// S3Time returns the time at S3, by whose clock the marks of the ledger tell when something was cut, too; false where
// it was told long ago, or never.
func (c *Client) S3Time() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	here, there := access.WallClock(), c.clocks["s3"]
	return here.Add(there.ahead).UTC(), !there.told.IsZero() && here.Sub(there.told) < time.Minute
}
