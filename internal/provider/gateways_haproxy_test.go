// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// exampleHAProxy is HAProxy with the example, before a server of the test.
type exampleHAProxy struct {
	t               *testing.T
	config, address string
	roots           *x509.CertPool
	running         *exec.Cmd
	said            *output
}

func newExampleHAProxy(t *testing.T, j *judged, behind string) *exampleHAProxy {
	t.Helper()
	h := &exampleHAProxy{t: t, address: "127.0.0.1:" + freePort(t)}
	folder := filepath.Dir(j.save("haproxy/server.pem", ""))
	h.roots = serverKeyPair(t, filepath.Join(folder, "server.pem"))
	h.config = j.save("haproxy/haproxy.cfg",
		uncommented(t, "tcp-request connection expect-proxy",
			example(t, "haproxy/haproxy.cfg", "/srv/partner/publish", j.published(""), "bind :443", "bind "+h.address,
				"/etc/haproxy/server.pem", filepath.Join(folder, "server.pem"), "127.0.0.1:8080", behind,
				"verify required",
				"verify required alpn h2,http/1.1",
				"src 192.0.2.0/28", "src "+theBalancer)))
	h.reload()
	return h
}

// reload starts it, or a new process that takes over from the one before, as a reload does.
func (h *exampleHAProxy) reload() {
	h.t.Helper()
	args, before := []string{"-db", "-f", h.config}, h.said
	if before != nil {
		args = append(args, "-sf", fmt.Sprint(h.running.Process.Pid))
	}
	h.running = exec.Command(realtool.Find(h.t, "haproxy"), args...)
	h.said = background(h.t, h.running)
	if before != nil {
		eventually(h.t, "the HAProxy of before takes no connection",
			func() bool { return strings.Contains(before.String(), "Proxy partners stopped") })
	}
}

// ask asks in a connection of its own, with headers that would be somebody else's.
func (h *exampleHAProxy) ask(c *tls.Certificate) (int, error) {
	return newConnection(h.address, h.roots, c, "http/1.1").ask("X-Serial", "X_Serial", "x_partner", "X_Ip", "X-IP",
		"X.Partner", "x.serial")
}

// connection is one connection to a gateway: who asks in it after it was closed gets an error.
type connection struct {
	address string
	client  *http.Client
}

// newConnection is made by its first request, in a protocol: http/1.1 or h2.
func newConnection(address string, roots *x509.CertPool, c *tls.Certificate, protocol string) *connection {
	settings := &tls.Config{
		RootCAs: roots, NextProtos: []string{protocol}, ServerName: "127.0.0.1",
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c, nil },
	}
	made := false
	transport := &http.Transport{ForceAttemptHTTP2: protocol == "h2", TLSClientConfig: settings,
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if made {
				return nil, errors.New("the connection was closed")
			}
			made = true
			conn, err := (&tls.Dialer{Config: settings}).DialContext(ctx, network, addr)
			if err == nil && conn.(*tls.Conn).ConnectionState().NegotiatedProtocol != protocol {
				err = errors.New("the server does not speak " + protocol)
			}
			return conn, err
		}}
	return &connection{address, &http.Client{Timeout: patience, Transport: transport}}
}

// ask asks for a path of the orders, with headers ("Name: value"); one without a value belongs to somebody else.
func (c *connection) ask(headers ...string) (int, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet,
		"https://"+c.address+"/stock/acme/daily/1.csv", nil)
	if err != nil {
		return 0, err
	}
	for _, header := range headers {
		name, value, given := strings.Cut(header, ": ")
		if !given {
			value = "of somebody else"
		}
		req.Header[name] = []string{value}
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode, err
}

// admits reports whether a request is answered in the connection.
func (c *connection) admits() bool {
	status, err := c.ask()
	return err == nil && status == http.StatusOK
}

// isKeptOpen reports whether the connection answers more than one request.
func (c *connection) isKeptOpen() bool {
	first := c.admits()
	return first && c.admits()
}

// admits reports whether a certificate is let in.
func (h *exampleHAProxy) admits(c *tls.Certificate) bool {
	status, err := h.ask(c)
	return err == nil && status == http.StatusOK
}

// HAProxy reads the same files as nginx. It looks at a certificate when a connection begins: one that was kept open,
// and asked in each minute, went on after the certificate's end for as long as its partner liked.
func TestTheHAProxyExampleAdmitsUntilTheEndOrTheCut(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	w := newWorkload(t, "stock-feed", newKey(t), nil)
	stays := newWorkload(t, "stays", newKey(t), nil)
	ends := newWorkload(t, "ends", newKey(t), nil)
	j.apply(w.blocks(j, nil, nil), stays.blocks(j, nil, nil))

	behind := newBehind(t)
	proxy := newExampleHAProxy(t, j, strings.TrimPrefix(behind.URL, "http://"))
	eventually(t, "HAProxy lets in what is declared", func() bool { return proxy.admits(w.presents(j)) })
	_, h := behind.took()
	if serial := j.attribute(w.address(),
		"serial"); !strings.EqualFold(strings.TrimLeft(h.Get("X-Serial"), "0"),
		strings.TrimLeft(strings.ReplaceAll(serial, ":", ""), "0")) ||
		len(h.Values("X-Serial")) != 1 || h.Get("X-Partner") != "acme/prod/stock-feed" {
		t.Errorf("the server behind is told %v, and the serial is %s", h, serial)
	}
	for name, values := range h {
		if strings.Contains(strings.Join(values, " "), "of somebody else") {
			t.Errorf("the server behind is told by the client that its %s is %s", name, values)
		}
	}
	if status, err := newConnection(proxy.address, proxy.roots, w.presents(j), "http/1.1").ask("Connection: Upgrade",
		"Upgrade: websocket", "Sec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ=="); err != nil ||
		status != http.StatusForbidden {
		t.Errorf("what outlives an end and a cut, a web socket: %d, %v", status, err)
	}
	resumesNothing(t, proxy.address, proxy.roots, w.presents(j))
	for _, c := range []proxied{
		{theBalancer, "198.51.100.7", 200, "198.51.100.7"}, {theBalancer, "2001:db8::7", 200, "2001:db8::7"},
		{theBalancer, "", 0, ""},
		{"127.0.0.4", "198.51.100.7", 0, ""}, {"127.0.0.4", "", 200, "127.0.0.4"},
	} {
		c.check(t, proxy.address, proxy.roots, w.presents(j), behind)
	}
	if status, err := proxy.ask(stranger(t, "acme/prod/stock-feed")); err == nil {
		t.Errorf("a stranger with the partner's name: %d", status)
	}

	revoked := w.presents(j)
	refused := func(when string, opened ...*connection) {
		t.Helper()
		proxy.reload()
		eventually(t, "HAProxy refuses "+when, func() bool { return !proxy.admits(revoked) })
		eventually(t, "HAProxy lets the other one in", func() bool { return proxy.admits(stays.presents(j)) })
		for _, c := range opened {
			eventually(t, "HAProxy ends what was open "+when, func() bool { return !c.admits() })
		}
	}
	opened := []*connection{newConnection(proxy.address, proxy.roots, revoked, "http/1.1"),
		newConnection(proxy.address, proxy.roots, revoked, "h2")}
	for _, c := range opened {
		if !c.isKeptOpen() {
			t.Error("a connection is not kept open: this proves nothing")
		}
	}
	if out, err := exec.Command("sh", j.published("cut.sh"), "acme/prod/stock-feed").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	refused("what was cut by hand", opened...)
	end := j.shortly()
	j.apply(stays.blocks(j, nil, nil), ends.blocks(j, args{"partner": `"globex"`}, args{"expires_at": stamp(end)}))
	refused("what was revoked")
	var open []ending
	for _, protocol := range []string{"http/1.1", "h2"} {
		open = append(open, ending{"a connection that is kept open, " + protocol, end,
			newConnection(proxy.address, proxy.roots, ends.presents(j), protocol).admits})
	}
	endByThemselves(t, open...)
}
