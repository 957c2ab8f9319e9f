// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// theBalancer is an address of this machine, as the examples have it of a balancer.
const theBalancer = "127.0.0.3"

// uncommented is an example with the lines that it offers behind a balancer: those that begin as a pattern
// says, without their mark.
func uncommented(t *testing.T, lines, text string) string {
	t.Helper()
	marked := regexp.MustCompile(`(?m)^( *)#(` + lines + `)`)
	if !marked.MatchString(text) {
		t.Fatalf("no line of the example is %s", lines)
	}
	return marked.ReplaceAllString(text, "$1$2")
}

// proxied is a connection to a gateway from an address of this machine, which says in the PROXY protocol whose
// it is, if said is not ""; and the status that the gateway answers, 0 for none, with the address that the
// server behind it is told.
type proxied struct {
	from, said string
	status     int
	told       string
}

// check connects, as a client that says something else of its address. What the partner's networks are compared with
// has to be its own address: the balancer's, or one that the partner chose, would let in from everywhere.
func (b proxied) check(t *testing.T, gateway string, roots *x509.CertPool, c *tls.Certificate, behind *behindGateway) {
	t.Helper()
	_, _ = behind.took()
	if status := b.asks(t, gateway, roots, c); status != b.status {
		t.Errorf("from %s, said to be from %q: %d, want %d", b.from, b.said, status, b.status)
	}
	if _, headers := behind.took(); fmt.Sprint(headers.Values("X-Ip")) != fmt.Sprint([]string{b.told}) && b.told != "" {
		t.Errorf("from %s, said to be from %q: the server behind is told %q", b.from, b.said, headers.Values("X-Ip"))
	}
}

func (b proxied) asks(t *testing.T, gateway string, roots *x509.CertPool, c *tls.Certificate) (status int) {
	t.Helper()
	var plain net.Conn
	eventually(t, "the gateway takes connections", func() (connected bool) {
		var err error
		dialer := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(b.from)}}
		plain, err = dialer.DialContext(context.Background(), "tcp", gateway)
		return err == nil
	})
	defer func() { _ = plain.Close() }()
	_ = plain.SetDeadline(time.Now().Add(patience))
	if b.said != "" {
		family, to := "TCP4", "192.0.2.1"
		if strings.Contains(b.said, ":") {
			family, to = "TCP6", "2001:db8::1"
		}
		_, _ = fmt.Fprintf(plain, "PROXY %s %s %s 4711 443\r\n", family, b.said, to)
	}
	conn := tls.Client(plain, &tls.Config{
		RootCAs:      roots,
		MinVersion:   tls.VersionTLS12,
		ServerName:   "127.0.0.1",
		Certificates: []tls.Certificate{*c},
	})
	_, _ = io.WriteString(conn, "GET /stock/acme/daily/1.csv HTTP/1.1\r\nHost: orders.example.com\r\nX-Ip: "+
		"203.0.113.9\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
