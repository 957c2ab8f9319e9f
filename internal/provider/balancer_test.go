// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// balanced is an OpenBao with HAProxy in front of it, as the guide says: once it ends TLS and hands over nothing, once
// it hands the certificate over, once it passes TLS on.
type balanced struct {
	*cluster
	ends, handsOver, passes string // addresses of HAProxy
	listener                string // OpenBao's own for the balancer
	trusted                 *x509.CertPool
}

func newBalanced(t *testing.T) *balanced {
	t.Helper()
	behind := "127.0.0.1:" + freePort(t)
	config := strings.Replace(publishedExample(t, "openbao-balancer/listener.hcl"), "127.0.0.1:8201", behind, 1)
	b := &balanced{cluster: newCluster(t, realtool.BaoConfig(config)), listener: behind, trusted: x509.NewCertPool()}
	folder := t.TempDir()
	own := serverKeyPair(t, filepath.Join(folder, "server.pem"))
	b.trusted = own
	b.trusted.AppendCertsFromPEM([]byte(b.bao.CA))
	authority := b.must("GET", "partner-pki/cert/ca", nil)["data"].(map[string]any)["certificate"].(string)
	save := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	address := func() string { return "127.0.0.1:" + freePort(t) }
	b.ends, b.handsOver, b.passes = address(), address(), address()
	native := strings.TrimPrefix(b.bao.Address, "https://")
	shown := strings.NewReplacer("bind :8200", "bind "+b.handsOver, "/etc/haproxy/server.pem",
		filepath.Join(folder, "server.pem"),
		"/etc/haproxy/partner-pki.pem", save("partner-pki.pem", authority), "127.0.0.1:8201",
		behind).Replace(publishedExample(t, "openbao-balancer/haproxy.cfg"))
	file := save("haproxy.cfg", shown+`
listen ends
    bind `+b.ends+` ssl crt `+filepath.Join(folder, "server.pem")+` verify optional ca-file `+
		filepath.Join(folder, "partner-pki.pem")+`
    server one `+native+` ssl verify required ca-file `+b.bao.CAFile+`
listen passes
    mode tcp
    bind `+b.passes+`
    server one `+native+`
`)
	cmd := exec.Command(realtool.Find(t, "haproxy"), "-db", "-f", file)
	said := &output{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for _, at := range []string{b.ends, b.handsOver, b.passes} {
		eventually(t, "HAProxy listens", func() bool {
			conn, err := net.Dial("tcp", at)
			if err != nil {
				return false
			}
			return conn.Close() == nil
		})
	}
	return b
}

// publishedExample is the text of a file of examples/.
func publishedExample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// asked is a login as a partner makes it: where, from which address, with which certificate, and
// what it says by itself.
type asked struct {
	at, from string
	show     *tls.Certificate
	header   map[string]string
}

// in says whether a login lets in.
func (b *balanced) in(a asked, path string, body any) bool {
	b.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	scheme := "https://"
	if a.at == b.listener {
		scheme = "http://"
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, scheme+a.at+"/v1/"+path,
		bytes.NewReader(text))
	if err != nil {
		b.t.Fatal(err)
	}
	for name, value := range a.header {
		req.Header.Set(name, value)
	}
	dialer := &net.Dialer{}
	if a.from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(a.from)}
	}
	transport := &http.Transport{DialContext: dialer.DialContext,
		TLSClientConfig: &tls.Config{RootCAs: b.trusted, MinVersion: tls.VersionTLS12,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if a.show == nil {
					return &tls.Certificate{}, nil
				}
				return a.show, nil
			}}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport, Timeout: patience}).Do(req)
	if err != nil {
		b.t.Logf("%s: %v", a.at, err)
		return false
	}
	defer resp.Body.Close()
	var answer struct {
		Auth struct {
			Token string `json:"client_token"`
		}
		Errors []string
	}
	_ = json.NewDecoder(resp.Body).Decode(&answer) // a page of the balancer is no login
	b.t.Logf("%s from %q: %s %v", a.at, a.from, resp.Status, answer.Errors)
	return answer.Auth.Token != ""
}

// networks applies the networks that credentials may be used from.
func (b *balanced) networks(network string) {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.folder, "terraform.tfvars.json"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.file("terraform.tfvars.json",
		regexp.MustCompile(`"127\.0\.0\.[^"]*"`).ReplaceAllString(string(text), strconv.Quote(network)))
	b.cli.must("apply", "-auto-approve", "-no-color")
}

// The guide said what follows from how OpenBao reads what it is handed; here a balancer runs.
func TestABalancerThatEndsTLSLetsInWhatTheGuideSays(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	b := newBalanced(t)
	b.networks("127.0.0.2/32")

	var logins map[string]map[string]string
	b.output("logins", &logins)
	_, secret := b.initech()
	certificate := b.globexShows()
	federated := func(a asked) bool {
		return b.in(a, logins["acme"]["path"], map[string]any{"role": logins["acme"]["role"], "jwt": b.acmeJWT("prod")})
	}
	sealed := func(a asked) bool {
		return b.in(a, logins["initech"]["path"],
			map[string]any{"role_id": logins["initech"]["role_id"], "secret_id": secret})
	}
	cert := func(a asked) bool {
		return b.in(a, logins["globex"]["path"], map[string]any{"name": logins["globex"]["name"]})
	}
	header := base64.StdEncoding.EncodeToString(certificate.Certificate[0])
	claims := map[string]string{"Client-Cert": header, "X-Forwarded-For": "127.0.0.2"}
	home := "127.0.0.2" // the partner's network
	for name, c := range map[string]struct {
		login func(asked) bool
		asked asked
		want  bool
	}{
		"it ends TLS: federated": {federated, asked{at: b.ends, from: home}, true},
		"it ends TLS: a certificate": {cert,
			asked{at: b.ends, from: home, show: certificate}, false},
		"it ends TLS: a secret, by the balancer's address": {sealed, asked{at: b.ends, from: home}, false},
		"it hands over: federated": {federated, asked{at: b.handsOver, from: home},
			true},
		"it hands over: a certificate": {cert,
			asked{at: b.handsOver, from: home, show: certificate}, true},
		"it hands over: a certificate from another network": {cert,
			asked{at: b.handsOver, from: "127.0.0.3", show: certificate}, false},
		"it hands over: a secret": {sealed, asked{at: b.handsOver, from: home}, true},
		"it hands over: a secret from another network": {sealed, asked{at: b.handsOver, from: "127.0.0.3"},
			false},
		"it hands over: a secret from elsewhere that says where": {sealed,
			asked{at: b.handsOver, from: "127.0.0.3", header: claims}, false},
		"it hands over: a certificate that is said, and not shown": {cert,
			asked{at: b.handsOver, from: home, header: claims}, false},
		"it hands over: a stranger's certificate with the name": {cert,
			asked{at: b.handsOver, from: home, show: stranger(t, "globex/prod/invoices")}, false},
		"past it: a certificate that is said": {cert,
			asked{at: b.listener, from: home, header: claims}, false},
		"past it: a secret":       {sealed, asked{at: b.listener, from: home}, false},
		"it passes on: federated": {federated, asked{at: b.passes, from: home}, true},
		"it passes on: a certificate, by the balancer's address": {cert,
			asked{at: b.passes, from: home, show: certificate}, false},
		"no balancer: a certificate": {cert,
			asked{at: strings.TrimPrefix(b.bao.Address, "https://"), from: home, show: certificate}, true},
		"no balancer: a secret": {sealed,
			asked{at: strings.TrimPrefix(b.bao.Address, "https://"), from: home}, true},
	} {
		if got := c.login(c.asked); got != c.want {
			t.Errorf("%s: lets in: %t", name, got)
		}
	}

	b.networks("127.0.0.0/24")
	_, secret = b.initech()
	certificate = b.globexShows()
	for name, got := range map[string]bool{
		"it passes on: a certificate": cert(asked{at: b.passes, from: home, show: certificate}),
		"it ends TLS: a secret":       sealed(asked{at: b.ends, from: home}),
	} {
		if !got {
			t.Errorf("%s, with the balancer's network: is refused", name)
		}
	}
	if cert(asked{at: b.ends, from: home, show: certificate}) {
		t.Error("it ends TLS: a certificate, with the balancer's network: is let in")
	}
}
