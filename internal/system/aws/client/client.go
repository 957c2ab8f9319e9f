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

// Client sends signed requests to S3, IAM and STS. It makes nothing before its first request, not even a login. Its
// methods may be called concurrently.
//
// The SDK finds the login and signs. So little is asked that the SDK's clients of the services would only make the
// program larger.
type Client struct {
	// Site and HTTP are set by New and not changed afterwards, but by tests.
	Site Site
	HTTP *http.Client
	// room has a place for each request that may be under way; a request waits for one as long as its context allows.
	room chan struct{}

	// mu guards what follows. It is never held while something is asked.
	mu sync.Mutex
	// Login is whom requests are signed as; nil until it is first needed (see Credentials).
	Login aws.CredentialsProvider
	// clocks, by service, are as the service's last answer told the time.
	clocks map[string]clock
	// away, by service, are the outages that were met: IAM may be away while S3 answers.
	away map[string]*access.Outages
	// names are the services that were heard to name their requests (see unnamed).
	names map[string]bool
	// made is when this process made a principal, by its name: IAM may not have heard of it everywhere (see Query).
	made map[string]time.Time
	// lacks, by action, is the answer of a cloud that does not serve it.
	lacks map[string]error
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
	// A redirect is not followed: the signature is for one host, and whoever redirects would get a request that tells
	// what is granted. The answer is an error that names where it points.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{Site: o, HTTP: &http.Client{Transport: transport, CheckRedirect: stay},
		room: make(chan struct{}, o.Concurrency), Login: o.Credentials, clocks: map[string]clock{},
		away: map[string]*access.Outages{}, names: map[string]bool{},
		made: map[string]time.Time{}, lacks: map[string]error{}}
}

// Request is one request, which may be sent several times: each time it is signed anew, with the time at the service.
type Request struct {
	// Service and Region are those that the signature is for: "s3", "iam" or "sts".
	Service, Region string
	// URL is complete and encoded, with its query. Header has what is to be signed beside what the signer adds.
	Method, URL string
	Header      map[string]string
	Body        []byte
	// once: it must not be done twice, so it is not repeated if an answer was lost. CreateAccessKey is such a request:
	// nobody would ever know the first key.
	once bool
}

// Answer is what came back: the body whole, up to 64 MiB.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// The limits of one attempt: its time, and how much of an answer is read, so that no server fills this process's
// memory.
const (
	oneRequest = 30 * time.Second
	mostAnswer = 64 << 20
)

// Send sends a request, and again while AWS is busy or cannot be reached, for as long as patience lasts. An answer that
// is no success is an error; the answer itself comes with it. While an outage of the service is remembered, nothing is
// sent, unless the context insists (access.Insisting).
//
// If the context ends between two attempts, the error is that of the last attempt, which says more than that time is
// up.
func (c *Client) Send(ctx context.Context, r Request) (*Answer, error) {
	begun := access.WallClock()
	outages := c.outages(r.Service)
	if o := outages.Remembered(ctx, begun, c.Site.Patience); o != nil {
		return nil, o.Met(fmt.Errorf("%w: %w: nothing was sent", access.ErrUnavailable, o))
	}
	patience := outages.Patience(c.Site.Patience)
	var before error // of the attempt before; nil in the first round
	for round := 0; ; round++ {
		a, err := c.attempt(ctx, r, outages)
		if err == nil {
			return a, nil
		}
		stopped := ctx.Err() != nil
		if stopped && before != nil {
			return nil, before
		}
		now := access.WallClock()
		spent := now.Sub(begun) > patience
		final := !c.mayPass(r, err, round)
		othersGaveUp := outages.Since(begun) != nil // one patience is enough for all that wait beside each other
		if stopped || spent || final || othersGaveUp {
			if ofAll(err) && !stopped {
				why := strings.TrimPrefix(err.Error(), access.ErrUnavailable.Error()+": ")
				err = outages.GaveUp(begun, now, why, spent).Met(err)
			}
			return a, err
		}
		before = err
		if access.Pause(ctx, pauseAfter(round)) != nil {
			return nil, before
		}
	}
}

// attempt sends a request once, and notes whether the service answered. What a stranger says in its place is no answer
// of the service, and neither is a login that was not found, for which nothing was sent: else one of these would end an
// outage for all others (TestWhatTheServiceDidNotSayIsNoOutageAndEndsNone).
func (c *Client) attempt(ctx context.Context, r Request, outages *access.Outages) (*Answer, error) {
	a, err := c.SendOnce(ctx, r)
	if err == nil {
		err = cmp.Or(errorOf(a), c.unnamed(r.Service, a))
	}
	if a != nil && !ofAll(err) && !foreign(err) {
		outages.Answered(access.WallClock())
	}
	return a, err
}

// pauseAfter returns how long to wait after a failed attempt: 50 ms at first, twice as long after each, 1.6 s at most.
// What is added at random spreads those who wait for the same.
func pauseAfter(round int) time.Duration {
	doubled := time.Duration(1<<min(round, 5)) * 50 * time.Millisecond
	return doubled + rand.N(50*time.Millisecond) //nolint:gosec // spreads those who wait
}

// mayPass reports whether a request that failed may succeed if it is sent again, without doing harm:
//
//   - AWS answered that it is busy, or failed for a moment;
//   - the time in the signature was not AWS's, which its first answer told, so the next signature has the right one;
//   - no answer came, and the request may be done twice.
func (c *Client) mayPass(r Request, err error, round int) bool {
	var said *Error
	// there was no answer
	if !errors.As(err, &said) {
		return !r.once
	}
	clockLearned := round == 0 && said.ofClock() && c.off(r.Service) != 0
	return said.passing() || clockLearned
}

// ofAll reports whether an error is one of the service as a whole, and not of what was asked of it: then others that
// wait for the service need not find that out as well. A conflict (409) and a body that came too slowly
// (RequestTimeout) may pass, but concern this request alone.
func ofAll(err error) bool {
	var said *Error
	if errors.As(err, &said) {
		return said.passing() && said.Status != http.StatusConflict && said.Code != "RequestTimeout"
	}
	return errors.Is(err, access.ErrUnavailable) && !foreign(err)
}

// stranger is the error of an answer to one request that somebody in between gave, for example a firewall that dislikes
// what a policy says. It tells nothing of what was asked, nor of whether the service is there.
type stranger struct{ error }

// Unwrap returns the error as it is told, which is ErrUnavailable.
func (s stranger) Unwrap() error { return s.error }

// foreign reports whether somebody in between answered instead of AWS.
func foreign(err error) bool { return errors.As(err, new(stranger)) }

// outages returns what is known of a service; callers share it.
func (c *Client) outages(service string) *access.Outages {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away[service] == nil {
		c.away[service] = &access.Outages{}
	}
	return c.away[service]
}

// SendOnce sends a request signed, and returns what came back, whatever its status. An error is one of the way there or
// back: no room before the context ended, no login, no answer, or an answer that is a page for people.
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
	// the limit begins after the login is found, which others tell: their slowness says nothing about this service
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
	if aPage.Match(body) {
		return nil, pageFrom(req.URL.Host, resp.StatusCode)
	}
	c.learn(r.Service, resp.Header.Get("Date"))
	return &Answer{resp.StatusCode, resp.Header, body}, nil
}

// aPage is how an answer begins that is for people. It is looked for whatever the status: else a proxy's 404 would be
// an object that is gone, and its 200 a key that is deleted.
var aPage = regexp.MustCompile(`(?is)^\x{feff}?\s*(<!--.*?-->\s*)*<(!doctype html|html|head|body)\b`)

// pageFrom returns the error of a page of HTML. Below 500, somebody in between dislikes this one request; from 500 on,
// a load balancer says that the service behind it is away, which counts as an outage.
func pageFrom(host string, status int) error {
	err := fmt.Errorf("%w: ask %s: status %d: the answer is an HTML page, as firewalls, proxies and login pages "+
		"send, not AWS's", access.ErrUnavailable, host, status)
	if status < http.StatusInternalServerError {
		return stranger{err}
	}
	return err
}

// connected stops at a proxy that makes no connection. Go's own error would be the text of the status alone ("Proxy
// Authentication Required"), of which nobody knows who says it.
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

// inWords says what became of an answer that did not arrive, with what to do if that is known.
func inWords(err error) error {
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("its certificate is signed by an authority that is not trusted here, as by a proxy that "+
			"looks into TLS: name it with AWS_CA_BUNDLE: %w", err)
	case errors.Is(err, context.DeadlineExceeded):
		// not wrapped: the limit is ours, and a caller that looks for the end of its own context must not find one
		return errors.New("no answer in time")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the answer was cut off: %w", err)
	}
	return err
}

// decoded reads an answer of IAM or STS into out. What is not XML is no answer of AWS's.
func decoded(action string, a *Answer, out any) error {
	if err := xml.Unmarshal(a.Body, out); err != nil {
		return fmt.Errorf("%w: %s: the answer is not AWS's: %w", access.ErrUnavailable, action, err)
	}
	return nil
}

// sign signs a request as the provider's login, by the clock of the service: AWS refuses a signature of another time
// (RequestTimeTooSkewed). To find the login has a limit of its own, as others are asked for it.
func (c *Client) sign(ctx context.Context, req *http.Request, r Request) error {
	ctx, cancel := context.WithTimeout(ctx, oneRequest)
	defer cancel()
	login, err := c.Credentials(ctx)
	// STS takes the token of a web identity in place of a signature
	if err != nil || login == (aws.Credentials{}) {
		return err
	}
	sum := sha256.Sum256(r.Body)
	hash := hex.EncodeToString(sum[:])
	if r.Service == "s3" {
		req.Header.Set("X-Amz-Content-Sha256", hash)
	}
	// S3 is the one service whose path is signed as it is sent, encoded once (AWS Signature Version 4, canonical URI)
	return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = r.Service == "s3" }).
		SignHTTP(ctx, login, req, hash, r.Service, r.Region, access.WallClock().Add(c.off(r.Service)))
}

// Credentials returns the login, which is looked for at the first call. The provider that it is from refreshes it. Two
// that call first may both look; what the later one finds stays. An anonymous login is the zero value.
//
// ErrLogin says that there is none, or that it was not given; ErrUnavailable, that the context ended.
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
