// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	defaultConcurrency = 10
	defaultPatience    = 30 * time.Second
	defaultUserAgent   = "terraform-provider-partner"

	// of one connection, so that an address that swallows packets leaves time for another try
	dialLimit      = 10 * time.Second
	handshakeLimit = 10 * time.Second
	idleLimit      = 90 * time.Second
)

// Options say where OpenBao is and how it is to be asked. Address and Login are needed.
type Options struct {
	Address   string // https://host:port; http:// on loopback only
	Namespace string

	CACertPEM                   []byte // trust exactly these; empty: the system's roots
	ClientCertPEM, ClientKeyPEM []byte // for TLS; both or neither
	ServerName                  string // that the server's certificate has; empty: the host of the address

	Login     Login  // how the client gets its token
	UserAgent string // terraform-provider-partner/VERSION

	Concurrency       int           // at most so many requests at a time; 0: 10
	RequestsPerSecond float64       // 0: no limit
	Patience          time.Duration // how long a call is repeated in all; 0: 30 s
	FirstWait         time.Duration // before the first repetition, then twice as long each time; 0: 200 ms

	// Log is told of each attempt; nil: nobody is.
	Log func(context.Context, Attempt)

	// Transport carries the requests; nil: the one of NewTransport. A test wraps faults around that one.
	Transport http.RoundTripper
}

// withDefaults returns the options with what was left out.
func (o Options) withDefaults() Options {
	if o.Concurrency == 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.Patience == 0 {
		o.Patience = defaultPatience
	}
	if o.FirstWait == 0 {
		o.FirstWait = firstWait
	}
	if o.UserAgent == "" {
		o.UserAgent = defaultUserAgent
	}
	return o
}

// check refuses options with which no request could be sent. It asks nothing.
func (o Options) check() error {
	switch {
	case o.Login == nil:
		return errors.New("no login: a token, an AppRole or a JWT is needed")
	case o.Concurrency < 0:
		return fmt.Errorf("concurrency %d: it must be at least 1", o.Concurrency)
	case math.IsNaN(o.RequestsPerSecond) ||
		math.IsInf(o.RequestsPerSecond, 0) ||
		o.RequestsPerSecond < 0:
		return fmt.Errorf("requests per second %v: it must be a number above 0, or 0 for no limit", o.RequestsPerSecond)
	case o.Patience < 0 || o.FirstWait < 0:
		return fmt.Errorf("patience %s, first wait %s: they must be positive", o.Patience, o.FirstWait)
	case o.Namespace != "" && !canonical(strings.TrimSuffix(o.Namespace, "/")):
		return fmt.Errorf("namespace %q is not a path: write it as bao namespace list has it, such as partners/prod",
			o.Namespace)
	case !headerText.MatchString(o.UserAgent):
		return errors.New("the user agent contains characters that are not allowed in a header")
	}
	return o.Login.check()
}

// headerText is what can be sent as the value of a header.
var headerText = regexp.MustCompile(`^[\x21-\x7e]+( [\x21-\x7e]+)*$`)

// base returns the address below which the API's paths are.
func (o Options) base() (*url.URL, error) {
	if o.Address == "" {
		return nil, errors.New("no address of OpenBao: set BAO_ADDR, or address in openbao, such as " +
			"https://openbao.example.com:8200")
	}
	base, err := url.Parse(o.Address)
	if err != nil || base.Host == "" || base.Opaque != "" {
		// The text of err would print the address, and with it a password that somebody put in.
		return nil, errors.New("the address is not a URL such as https://openbao.example.com:8200" +
			meantAddress(o.Address))
	}
	if strings.ContainsAny(o.Address, ",;") || strings.Count(o.Address, "://") > 1 {
		return nil, errors.New("the address has several addresses: give one, such as a balancer's, or a name that " +
			"leads to all nodes")
	}
	prefix := strings.Trim(base.Path, "/")
	for _, err := range []error{checkPort(base.Port()), checkBare(base), checkScheme(base),
		checkPrefix(base.Path, prefix)} {
		if err != nil {
			return nil, err
		}
	}
	return &url.URL{Scheme: base.Scheme, Host: base.Host, Path: strings.TrimSuffix("/"+prefix, "/")}, nil
}

// checkPort refuses a port that there is not; "" is that of the scheme.
func checkPort(port string) error {
	if port == "" {
		return nil
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("the address has the port %s: ports are 1 to 65535", port)
	}
	return nil
}

// checkBare refuses what an address has beside scheme, host and path. It does not repeat the address, which may contain
// a password.
func checkBare(base *url.URL) error {
	if base.User != nil ||
		base.RawQuery != "" ||
		base.ForceQuery ||
		base.Fragment != "" {
		return errors.New("the address may have no user, password, query or fragment")
	}
	return nil
}

// checkScheme refuses whatever would send the token over the network in clear.
func checkScheme(base *url.URL) error {
	switch {
	case base.Scheme == "https", base.Scheme == "http" && loopback(base.Hostname()):
		return nil
	case base.Scheme == "http":
		return fmt.Errorf("http to %s would send the token in clear: https is needed outside loopback", base.Host)
	default:
		return fmt.Errorf("address with scheme %q: https is needed", base.Scheme)
	}
}

// checkPrefix refuses a path that people copy from their browser or from the API's documentation (/ui, /v1). Any other
// one is taken for the prefix of a proxy.
func checkPrefix(path, prefix string) error {
	first, _, _ := strings.Cut(prefix, "/")
	switch {
	case prefix == "":
		return nil
	case first == "ui", prefix == "v1", strings.HasSuffix(prefix, "/v1"):
		return fmt.Errorf("the address ends with %q, which is OpenBao's user interface or API: write the address "+
			"without it", path)
	case !canonical(prefix):
		return fmt.Errorf("the path %q of the address is not canonical", path)
	}
	return nil
}

// meantAddress says what is wrong with a text that is no address, and repeats nothing of it.
func meantAddress(text string) string {
	bare := strings.Trim(text, " \t\r\n\"'<>")
	switch {
	case bare != text:
		return ": it has white space or quotes around it"
	case strings.HasPrefix(text, "unix:"):
		return ": a unix socket does not work"
	case !strings.Contains(text, "://"):
		return ": https:// is missing in front"
	case strings.Count(text, ":") > 2 && !strings.Contains(text, "["):
		return ": write an IPv6 address in brackets, such as https://[2001:db8::7]:8200"
	}
	return ""
}

// loopback reports whether a host is this machine. The name localhost is believed.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// NewTransport returns the transport that a client with these options uses: it trusts what they say, and
// keeps its connections.
//
// It speaks HTTP/1.1: with HTTP/2 all calls share one connection, and stall together when the node at its end dies.
func (o Options) NewTransport() (*http.Transport, error) {
	trust := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.ServerName}
	if len(o.CACertPEM) > 0 {
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(o.CACertPEM) {
			return nil, errors.New("the CA certificate is not a PEM certificate")
		}
	}
	if len(o.ClientCertPEM) > 0 || len(o.ClientKeyPEM) > 0 {
		own, err := tls.X509KeyPair(o.ClientCertPEM, o.ClientKeyPEM)
		if err != nil {
			return nil, errors.New("the client certificate and its key are not a PEM pair that belongs together")
		}
		trust.Certificates = []tls.Certificate{own}
	}
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	o = o.withDefaults()
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialLimit}).DialContext,
		TLSClientConfig:     trust,
		TLSHandshakeTimeout: handshakeLimit,
		MaxIdleConns:        o.Concurrency,
		MaxIdleConnsPerHost: o.Concurrency,
		IdleConnTimeout:     idleLimit,
		Protocols:           http1,

		OnProxyConnectResponse: connectedThrough,
	}, nil
}
