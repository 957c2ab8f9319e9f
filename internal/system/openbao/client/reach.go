// SPDX-License-Identifier: MPL-2.0

package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
)

// entrance is how long the first look may take in all, so that a way that does not lead to OpenBao is
// named within half a minute.
const entrance = 20 * time.Second

// Enter makes the first look at OpenBao. All calls in it share one short patience: what is wrong with the way is known
// soon, and once. Afterwards a call has its usual patience, since a server that answered before is likely to come back.
func (c *Client) Enter(ctx context.Context, look func(context.Context) error) error {
	c.enterUntil(c.clock().Add(entrance))
	defer c.enterUntil(time.Time{})
	return look(ctx)
}

func (c *Client) enterUntil(end time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entering = end
}

// patience returns how long a call that begins now is repeated, and how long an attempt of it may take at least.
func (c *Client) patience() (repeated, attempt time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	usual := c.options.Patience
	if !c.entering.IsZero() {
		return min(usual, max(0, c.entering.Sub(c.clock()))), 0
	}
	if repeated = c.outages.Patience(usual); repeated < usual {
		attempt = c.outages.Wait(usual)
	}
	return repeated, attempt
}

// latest returns when an answer that trickles is given up: in the first look with that.
func (c *Client) latest() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return access.Earliest(c.clock().Add(slowestAnswer*c.options.Patience), c.entering)
}

// remembered returns the outage for which an attempt is not made: the server is away by what another call has just
// found, or has found since this one began.
func (k *call) remembered(ctx context.Context, now time.Time) *access.Outage {
	if k.begun.IsZero() {
		return k.client.outages.Remembered(ctx, now, k.client.options.Patience)
	}
	return k.client.outages.Since(k.begun)
}

// learn remembers from an attempt whether OpenBao is there. Where one call waited for it in vain, the others do not
// wait as long again; the first answer gives them their patience back.
func (k *call) learn(over bool) {
	o, c := k.outcome, k.client
	switch {
	case o.fate == done, o.ours && !errors.Is(o.cause, access.ErrUnavailable):
		c.outages.Answered(c.clock())
	case over && o.wide && k.outage == nil:
		k.outage = c.outages.GaveUp(k.begun, c.clock(), k.reason(), k.spent)
	}
}

// reason says what the last attempt met, as the call's error will.
func (k *call) reason() string {
	return reason(k.outcome.status, k.outcome.messages, k.client.shown(k.outcome.problem, []string{k.token}))
}

// proxyAnswer is the status by which a proxy made no connection.
type proxyAnswer int

// Error says what the proxy answered, and what to do about it. The proxy's own page is not repeated.
func (p proxyAnswer) Error() string {
	text := fmt.Sprintf("the proxy of the environment (HTTPS_PROXY) answered %d and made no connection", int(p))
	if p == http.StatusProxyAuthRequired {
		return text + ": it asks for a name and a password"
	}
	return text + ": it may not connect to this host. Allow that, or name the host in NO_PROXY"
}

// connectedThrough stops at a proxy that makes no connection.
func connectedThrough(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return proxyAnswer(answer.StatusCode)
}

// describe says what is wrong with the way to OpenBao, by errors that are known to show nothing of an answer; net/http
// prints a line that it cannot read. The first that knows the error names it.
func (k *call) describe(err error) string {
	host, connected := k.client.base.Host, k.connected.Load()
	if text := cmp.Or(describeProxy(err), describeTLS(err, host), describeOwn(err), k.describeSilence(err),
		describeName(err)); text != "" {
		return text
	}
	var op *net.OpError
	var slow net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at " + host + ": connection refused"
	case errors.Is(err, errSlow), errors.As(err, &slow) && slow.Timeout() && !connected:
		return "no answer from " + host + ": a firewall drops the packets, or the address is wrong"
	case strings.Contains(err.Error(), "malformed HTTP"): // whose text would show what came
		return "the server at " + host + " does not speak HTTP"
	case errors.As(err, &op): // without our own port, which is another one each time
		return fmt.Sprintf("%s: %s: %s", host, op.Op, op.Err)
	case connected:
		return "the connection broke"
	}
	return "no connection"
}

// describeOwn names what the client itself made of an answer; "" for the rest.
func describeOwn(err error) string {
	for _, own := range []error{errCut, errTooBig, errNoTurn} {
		if errors.Is(err, own) {
			return own.Error()
		}
	}
	return ""
}

// describeSilence names what did not answer though it was connected to, and a call that its caller
// ended; "" for the rest.
func (k *call) describeSilence(err error) string {
	switch {
	case errors.Is(err, errSlow) && k.connected.Load():
		return errSlow.Error()
	case errors.Is(err, errSlow) && k.secured.Load():
		return "the server at " + k.client.base.Host + " does not answer to TLS"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "the call was ended"
	}
	return ""
}

// describeProxy names what a proxy made of a connection; "" for errors of another kind.
func describeProxy(err error) string {
	var proxy proxyAnswer
	var op *net.OpError
	switch {
	case errors.As(err, &proxy):
		return proxy.Error()
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return "the proxy of the environment (HTTPS_PROXY) cannot be reached: " + op.Err.Error()
	}
	return ""
}

// describeName names what DNS made of a host; "" for errors of another kind.
func describeName(err error) string {
	var name *net.DNSError
	switch {
	case !errors.As(err, &name):
		return ""
	case name.IsNotFound:
		return fmt.Sprintf("the name %s has no address in DNS", name.Name)
	}
	return fmt.Sprintf("the name %s could not be looked up: %s", name.Name, name.Err)
}

const (
	speaksHTTP = "the port speaks plain HTTP instead of TLS: give the port that speaks TLS"
	speaksTLS  = "the port speaks TLS: write https instead of http"
	tooOldTLS  = "the port speaks only TLS older than 1.2, which is broken: make it speak TLS 1.2 or later"
)

// describeAlert says why the other side ended a handshake, by its alert (RFC 8446, 6.2); "" for others.
func describeAlert(err error, host string) string {
	var alert *net.OpError
	if !errors.As(err, &alert) || alert.Op != "remote error" { // crypto/tls calls an alert so that was received
		return ""
	}
	switch said := alert.Err.Error(); {
	case strings.Contains(said, "certificate"):
		return host + " wants a client certificate that it trusts: set client_cert_file and client_key_file (" + said +
			")"
	case strings.Contains(said, "internal error"): // as OpenBao's cluster port does
		return "the server at " + host +
			" refuses such a connection: if this is the port for OpenBao's nodes (8201), give the API's (8200)"
	}
	return ""
}

// describeTLS says why two sides have no TLS with each other; "" for errors of another kind.
func describeTLS(err error, host string) string {
	var noTLS tls.RecordHeaderError
	var untrusted *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		return speaksHTTP
	case errors.As(err, &noTLS):
		return "the server at " + host + " does not speak TLS"
	case errors.As(err, &untrusted) && errors.As(err, &authority):
		return "the certificate of " + host +
			" is signed by an authority that is not trusted here: name it with ca_cert_file or BAO_CACERT" +
			namesake(authority)
	case errors.As(err, &untrusted):
		return describeCertificate(untrusted, host)
	}
	if text := describeAlert(err, host); text != "" {
		return text
	}
	switch {
	case strings.HasSuffix(err.Error(), "TLS handshake timeout"):
		return "the server at " + host + " does not answer to TLS"
	case strings.Contains(err.Error(), `malformed HTTP response "\x15\x03`): // an alert
		return speaksTLS
	case strings.Contains(err.Error(), "protocol version"): // an alert, or what the server chose
		return tooOldTLS
	}
	return ""
}

// namesake says why an authority is not the one that is trusted under its name, such as one that was made
// anew; "" if none is.
func namesake(unknown x509.UnknownAuthorityError) string {
	_, hint, found := strings.Cut(unknown.Error(), "possibly because of ")
	if !found {
		return ""
	}
	return ". One of its name is trusted, but " + strings.TrimSuffix(hint, ")")
}

// describeCertificate says what is wrong with a server's certificate that a known authority signed, and what to do.
func describeCertificate(err *tls.CertificateVerificationError, host string) string {
	var invalid x509.CertificateInvalidError
	var other x509.HostnameError
	switch {
	case errors.As(err, &invalid) &&
		invalid.Reason == x509.Expired &&
		invalid.Cert.NotAfter.Before(access.WallClock()):
		return fmt.Sprintf("the certificate of %s, or one that signed it, ended on %s: renew it, or set this "+
			"machine's clock", host, access.At(invalid.Cert.NotAfter))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the certificate of %s, or one that signed it, is not valid before %s: set this machine's "+
			"clock", host, access.At(invalid.Cert.NotBefore))
	case errors.As(err, &other) && other.Certificate != nil:
		if names := namesOf(other.Certificate); names != "" {
			return fmt.Sprintf("the certificate of %s is for %s: give the address by that name, or set "+
				"BAO_TLS_SERVER_NAME", host, names)
		}
		return fmt.Sprintf("the certificate of %s is for no name: issue it for that name", host)
	}
	return err.Error()
}

// namesOf returns the first names that a certificate is for.
func namesOf(c *x509.Certificate) string {
	var names []string
	for _, name := range c.DNSNames {
		names = append(names, fmt.Sprintf("%q", name))
	}
	for _, ip := range c.IPAddresses {
		names = append(names, fmt.Sprintf("%q", ip))
	}
	return strings.Join(names[:min(len(names), 4)], " and ")
}

// permanent says whether it is no better the next time: two sides of TLS do not accept each other,
// or a proxy has said no.
func permanent(err error) bool {
	var proxy proxyAnswer
	var untrusted *tls.CertificateVerificationError
	var notTLS tls.RecordHeaderError
	var alert tls.AlertError
	for _, kind := range []any{&proxy, &untrusted, &notTLS, &alert} {
		if errors.As(err, kind) {
			return true
		}
	}
	switch describeTLS(err, "") {
	case speaksHTTP, speaksTLS, tooOldTLS:
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" // how an alert of the other side is reported
}

// wrongScheme says whether an answer is that of a port which speaks TLS to who does not.
func (k *call) wrongScheme(o outcome) bool {
	return o.status == http.StatusBadRequest && !o.ours && k.client.base.Scheme == "http" &&
		(strings.Contains(string(k.answer), "HTTP request to an HTTPS server") ||
			strings.Contains(string(k.answer), "plain HTTP request was sent to HTTPS port"))
}

// page says whether an answer is one of HTML, as firewalls and balancers write it.
func (k *call) page() bool {
	start := strings.ToLower(strings.TrimSpace(string(k.answer[:min(len(k.answer), 1000)])))
	return strings.HasPrefix(start, "<!doctype html") ||
		strings.HasPrefix(start, "<html") ||
		strings.Contains(start, "<head>") ||
		strings.Contains(start, "<body")
}

const aPage = "the answer is an HTML page, as firewalls, proxies and login pages send, not OpenBao's"
