// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// behindGateway is a server behind a gateway that remembers what it was asked, as it was written.
type behindGateway struct {
	*httptest.Server
	mu      sync.Mutex
	asked   string
	headers http.Header
	size    int64 // of all bodies
}

func newBehind(t *testing.T) *behindGateway {
	b := &behindGateway{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		size, _ := io.Copy(io.Discard, r.Body)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.asked = r.RequestURI
		b.headers = r.Header
		b.size += size
	}))
	t.Cleanup(b.Close)
	return b
}

// took returns what arrived since it was asked last.
func (b *behindGateway) took() (uri string, headers http.Header) {
	b.mu.Lock()
	defer b.mu.Unlock()
	uri, headers, b.asked, b.headers = b.asked, b.headers, "", nil
	return uri, headers
}

// uploaded returns how many bytes arrived in all.
func (b *behindGateway) uploaded() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size
}

// answered is the status that a gateway answers to a request that no client library would write.
func answered(t *testing.T, address string, roots *x509.CertPool, c *tls.Certificate, request string) int {
	t.Helper()
	conn, err := tls.Dial("tcp", address,
		&tls.Config{
			RootCAs:      roots,
			MinVersion:   tls.VersionTLS12,
			ServerName:   "127.0.0.1",
			Certificates: []tls.Certificate{*c},
		})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// The server behind nginx was given the path as the client wrote it, and OPA was asked about another one: what nginx
// had made of it. And names beyond ASCII were refused, since the question was read as Latin-1.
func TestTheServerBehindNginxGetsThePathThatWasJudged(t *testing.T) {
	t.Parallel()
	for nginx, opa := range map[string]string{"nginx": "opa", "nginx-1.18": "opa-0.70"} {
		t.Run(nginx, func(t *testing.T) {
			t.Parallel()
			j := newJudged(t)
			w := newWorkload(t, "stock-feed", newKey(t), nil)
			j.apply(w.blocks(j, nil, args{"allowed_cidrs": `["127.0.0.1/32", "198.51.100.7/32"]`}),
				j.grant("stock-feed", "daily", "stock/acme/daily/*", `["read"]`, nil),
				j.grant("stock-feed", "manifest", "stock/acme/manifest", `["read"]`, nil),
				j.grant("stock-feed", "inbox", "stock/acme/inbox/*", `["write"]`, nil))
			log := filepath.Join(j.folder, "nginx.jsonl")
			if err := os.WriteFile(log, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			behind := newBehind(t)
			balancers := "127.0.0.1:" + freePort(t)
			server := exampleNginxBefore(t, j, nginx, opa, log, strings.TrimPrefix(behind.URL, "http://"),
				func(text, listens string) string {
					text = uncommented(t, "listen|set_real_ip_from|real_ip_header",
						strings.Replace(text, "192.0.2.0/28", theBalancer, 1))
					return strings.Replace(text, listens+" ssl proxy_protocol", balancers+" ssl proxy_protocol", 1)
				})
			shows := w.presents(j)
			for _, c := range []proxied{
				{theBalancer, "198.51.100.7", 200, ""}, {theBalancer, "203.0.113.9", 403, ""},
				{theBalancer, "2001:db8::7", 403, ""}, {theBalancer, "", 0, ""},
				{theBalancer, "::ffff:198.51.100.7", 200, ""}, {"127.0.0.4", "198.51.100.7", 403, ""},
				{"127.0.0.4", "127.0.0.1", 403, ""},
			} {
				c.check(t, balancers, server.Roots, shows, behind)
			}
			for path, want := range map[string]struct {
				status int
				gets   string // what the server behind is asked, decoded once
			}{
				"/stock/acme/daily/1.csv":                     {200, "/stock/acme/daily/1.csv"},
				"/stock/acme/weekly/..%2fdaily/1.csv":         {200, "/stock/acme/daily/1.csv"},
				"/stock/acme/weekly/%2e%2e/daily/1.csv":       {200, "/stock/acme/daily/1.csv"},
				"/stock/globex%2f..%2facme/daily//1.csv":      {200, "/stock/acme/daily/1.csv"},
				"//stock/./acme///daily/1.csv":                {200, "/stock/acme/daily/1.csv"},
				"/stock/acme/daily/1.csv?from=/../../weekly":  {200, "/stock/acme/daily/1.csv?from=/../../weekly"},
				"/stock/acme/daily/M%C3%A4rz%202027.csv":      {200, "/stock/acme/daily/März 2027.csv"},
				"/stock/acme/daily/%C3%85rhus/%C3%A0":         {200, "/stock/acme/daily/Århus/à"},
				"/stock/acme/daily/%E6%97%A5%E6%9C%AC.csv":    {200, "/stock/acme/daily/日本.csv"},
				"/stock/acme/manifest":                        {200, "/stock/acme/manifest"},
				"/stock/acme/manifest%20":                     {403, ""},
				"/stock/acme/manifest%C2%A0":                  {403, ""},
				"/stock/acme/manifest/":                       {403, ""},
				"/STOCK/acme/daily/1.csv":                     {403, ""},
				"/stock/acme/daily/%252e%252e/weekly/1.csv":   {403, ""},
				"/stock/acme/daily/..;/weekly/1.csv":          {403, ""},
				`/stock/acme/daily/..\weekly\1.csv`:           {403, ""},
				"/stock/acme/daily/1.csv%2500.jpg":            {403, ""},
				"/stock/acme/daily/1.csv%23/../../weekly":     {403, ""},
				"/stock/acme/daily/%ff.csv":                   {403, ""},
				"/stock/acme/daily/%c0%ae%c0%ae/weekly/1.csv": {403, ""},
				"/stock/acme/daily/%EF%BC%8E%EF%BC%8E/x":      {403, ""},
				"/stock/acme/daily/1.csv%00":                  {400, ""},
				"/stock/acme/daily/1.csv%0aX-Method:%20GET":   {400, ""},
				"/../../stock/acme/daily/1.csv":               {400, ""},
			} {
				status := answered(t, server.Addr, server.Roots, shows,
					"GET "+path+" HTTP/1.1\r\nHost: orders.example.com\r\nConnection: close\r\n\r\n")
				asked, headers := behind.took()
				got, err := url.PathUnescape(asked)
				if status != want.status || err != nil || got != want.gets {
					t.Errorf("%s: %d, and the server behind is asked %q, want %d and %q", path, status, asked,
						want.status, want.gets)
				}
				if strings.Contains(strings.ToLower(asked), "%2e") || strings.Contains(strings.ToLower(asked), "%2f") {
					t.Errorf("%s: the server behind has to decode dots and slashes: %s", path, asked)
				}
				if who := headers["X-Partner"]; status == 200 && fmt.Sprint(who) != "[CN=acme/prod/stock-feed]" {
					t.Errorf("%s: the server behind is told %v", path, who)
				}
			}
			const refused, granted = "/stock/acme/weekly/1.csv", "/stock/acme/daily/1.csv"
			const most = 2 << 20
			upload := strings.Repeat("x", most)
			for how, headers := range map[string]string{"at once": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", most,
				upload),
				"in chunks": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", most, upload)} {
				before := behind.uploaded()
				status := answered(t, server.Addr, server.Roots, shows,
					"PUT /stock/acme/inbox/1.csv HTTP/1.1\r\nHost: orders.example.com\r\nConnection: close\r\n"+headers)
				if got := behind.uploaded() - before; status != 200 || got != most {
					t.Errorf("an upload %s: %d, and %d bytes arrive", how, status, got)
				}
			}
			behind.took()
			lines := "Host: orders.example.com\r\nConnection: close, X-Serial, X-Path, X-Method, X-Partner\r\n"
			for what, c := range map[string]struct {
				request string
				status  int
			}{
				"headers of the question": {"GET " + refused + " HTTP/1.1\r\n" + lines + "X-Path: " + granted +
					"\r\nX-Serial: 01\r\nX-Method: GET\r\nX_Path: " + granted + "\r\n\r\n", 403},
				"the method in a header": {"PUT " + granted + " HTTP/1.1\r\n" + lines +
					"X-Method: GET\r\nX-HTTP-Method-Override: GET\r\nContent-Length: 0\r\n\r\n", 403},
				"a body that asks again": {"PUT " + granted + " HTTP/1.1\r\n" + lines +
					"Content-Length: 44\r\n\r\nGET " + granted + " HTTP/1.1\r\n\r\n    ", 403},
				"HTTP/1.0": {"GET " + granted + " HTTP/1.0\r\n\r\n", 200},
				"HEAD":     {"HEAD " + granted + " HTTP/1.1\r\n" + lines + "\r\n", 200},
				"a whole address": {"GET https://elsewhere.example.com" + granted + " HTTP/1.1\r\n" + lines +
					"\r\n", 200},
				"a whole address, not": {"GET https://elsewhere.example.com" + refused + " HTTP/1.1\r\n" + lines +
					"\r\n", 403},
				"who it says it is": {"GET " + granted + " HTTP/1.1\r\n" + lines +
					"X-Partner: CN=globex\r\nX_Partner: CN=globex\r\n\r\n", 200},
				"a method in small": {"get " + granted + " HTTP/1.1\r\n" + lines + "\r\n", 400},
			} {
				status := answered(t, server.Addr, server.Roots, shows, c.request)
				asked, headers := behind.took()
				if status != c.status || (asked != "") != (status == 200) {
					t.Errorf("%s: %d, want %d; the server behind is asked %q", what, status, c.status, asked)
				}
				if who := fmt.Sprint(headers["X-Partner"], headers["X_partner"]); status == 200 &&
					who != "[CN=acme/prod/stock-feed] []" {
					t.Errorf("%s: the server behind is told %s", what, who)
				}
			}
		})
	}
}
