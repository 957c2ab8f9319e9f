// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// The configurations in examples/gateways run here as they are published, but for addresses, paths
// and how often they pull.

// example is a published configuration with some of its texts replaced, each of which must be in it.
func example(t *testing.T, name string, replaced ...string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "examples", "gateways", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for n := 0; n < len(replaced); n += 2 {
		if !strings.Contains(text, replaced[n]) {
			t.Fatalf("%s has no %q to replace", name, replaced[n])
		}
		text = strings.ReplaceAll(text, replaced[n], replaced[n+1])
	}
	return text
}

// freePort is a port of loopback that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// output is what a running program printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// background runs a program until the end of the test.
func background(t *testing.T, cmd *exec.Cmd) *output {
	t.Helper()
	said := &output{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%.4000s", filepath.Base(cmd.Path), said)
		}
	})
	return said
}

var (
	pulls   = regexp.MustCompile(`(min|max)_delay_seconds: \d+`)
	command = regexp.MustCompile(`(?m)^# opa (run .*)$`)
	block0  = regexp.MustCompile(`(?s)      -----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n`)
)

// exampleOPA runs a version of OPA as the head of the example says, on a port of its own, and returns the address and
// what it says: with the example, its log of decisions.
func exampleOPA(t *testing.T, j *judged, version string) (address string, said *output) {
	t.Helper()
	publication := httptest.NewServer(http.FileServer(http.Dir(j.published(""))))
	t.Cleanup(publication.Close)
	key, err := os.ReadFile(j.published("policy/key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	text := example(t, "opa/opa.yaml", "https://publisher.example.com/partner/publish", publication.URL)
	text = pulls.ReplaceAllString(text, "${1}_delay_seconds: 1")
	indented := "      " + strings.ReplaceAll(strings.TrimSpace(string(key)), "\n", "\n      ") + "\n"
	text = block0.ReplaceAllLiteralString(text, indented)
	address = "127.0.0.1:" + freePort(t)
	found := command.FindStringSubmatch(text)
	if found == nil {
		t.Fatal("the example does not say how OPA is run")
	}
	folder := filepath.Dir(j.save(version+"/opa.yaml", text))
	j.save(version+"/mask.rego", example(t, "opa/mask.rego"))
	cmd := exec.Command(realtool.Find(t, version),
		strings.Fields(strings.Replace(found[1], "127.0.0.1:8181", address, 1))...)
	cmd.Dir = folder
	said = background(t, cmd)
	eventually(t, version+" has taken the bundles", func() bool {
		resp, err := http.Get("http://" + address + "/health?bundles")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return address, said
}

// stranger has made a certificate by himself, with a name that is a partner's.
func stranger(t *testing.T, name string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter:    time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// orders is the server behind the gateways: it says which path it was asked for.
func ordersServer(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "orders of "+r.URL.Path)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// The example asked OPA about the path /decide, so that every granted request was a 403; and its log of use counted
// whoever came with a certificate that he had made himself.
func TestTheNginxExampleAdmitsWhatIsGrantedAndLogsIt(t *testing.T) {
	t.Parallel()
	for nginx, opa := range map[string]string{"nginx": "opa", "nginx-1.18": "opa-0.70"} {
		t.Run(nginx, func(t *testing.T) {
			t.Parallel()
			j := newJudged(t)
			w := newWorkload(t, "stock-feed", newKey(t), nil)
			log := filepath.Join(j.folder, "nginx.jsonl")
			applied := func(suspended string) {
				j.write(fmt.Sprintf("provider \"partner\" {\n  environment = \"prod\"\n  embedded = { use_logs = "+
					"[%q] }\n}\n", log) +
					w.blocks(j, args{"suspended": suspended}, args{"allowed_cidrs": `["127.0.0.0/8"]`}) +
					j.grant("stock-feed", "daily", "stock/acme/daily/*", `["read"]`, nil))
				j.must("apply", "-no-color", "-input=false", "-auto-approve")
			}
			if err := os.WriteFile(log, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			applied("false")
			server := exampleNginx(t, j, nginx, opa, log)

			self := stranger(t, "acme/prod/stock-feed")
			used := func() string {
				j.must("apply", "-refresh-only", "-no-color", "-input=false", "-auto-approve")
				at, _ := j.state()["partner_identity.stock-feed"]["last_used_at"].(string)
				return at
			}
			for what, asks := range map[string]struct {
				by           *tls.Certificate
				method, path string
				status       int
			}{
				"a path that is not granted": {w.presents(j), "GET", "/stock/acme/weekly/1.csv",
					403},
				"a path that climbs out": {w.presents(j), "GET",
					"/stock/acme/daily/%2e%2e/weekly/1.csv", 403},
				"a method that is not granted": {w.presents(j), "PUT", "/stock/acme/daily/1.csv", 403},
				"a method that nobody has": {w.presents(j), "PATCH", "/stock/acme/daily/1.csv",
					403},
				"a path that would be a header of the question": {w.presents(j), "GET",
					"/stock/acme/daily/1%0d%0aX-Method:%20GET", 400},
				"the question itself":                {w.presents(j), "GET", "/decide", 404},
				"a stranger with the partner's name": {self, "GET", "/stock/acme/daily/1.csv", 400},
				"nobody":                             {nil, "GET", "/stock/acme/daily/1.csv", 400},
			} {
				if status, body := server.Ask(t, asks.by, asks.method, asks.path); status != asks.status {
					t.Errorf("%s: %d %q, want %d", what, status, body, asks.status)
				}
			}
			if at := used(); at != "" {
				t.Errorf("nobody was let in, and the state says that it was used at %s", at)
			}
			resumesNothing(t, server.Addr, server.Roots, w.presents(j))
			if status, body := server.Ask(t, w.presents(j), "GET", "/stock//acme/daily/x/../1.csv"); status != 200 {
				t.Errorf("what is granted: %d %q", status, body)
			}
			if at, err := time.Parse(time.RFC3339, used()); err != nil || time.Since(at) > time.Minute {
				t.Errorf("it was used just now, and the state says %s, %v", at, err)
			}

			protocols := []string{"http/1.1"}
			if nginx == "nginx" {
				protocols = append(protocols, "h2")
			}
			opened := map[string]*connection{}
			for _, protocol := range protocols {
				opened[protocol] = newConnection(server.Addr, server.Roots, w.presents(j), protocol)
				if !opened[protocol].isKeptOpen() {
					t.Errorf("a connection of %s is not kept open: this proves nothing", protocol)
				}
			}
			applied("true")
			eventually(t, "OPA refuses what was suspended", func() bool {
				status, _ := server.Ask(t, w.presents(j), "GET", "/stock/acme/daily/1.csv")
				return status == 403
			})
			for protocol, c := range opened { // kept open, and judged at each request
				if status, err := c.ask(); err != nil || status != 403 {
					t.Errorf("in a connection of %s that was open before: %d, %v", protocol, status, err)
				}
			}
			revoked := w.presents(j)
			j.apply()
			server.Reload(t) // as the pull unit does
			if status, _ := server.Ask(t, revoked, "GET", "/stock/acme/daily/1.csv"); status != 400 {
				t.Errorf("nginx answers %d to a certificate that was revoked", status)
			}
		})
	}
}

// exampleNginx runs the example with decide.py and OPA behind it.
func exampleNginx(t *testing.T, j *judged, nginx, opa, log string) *realtool.Nginx {
	t.Helper()
	return exampleNginxBefore(t, j, nginx, opa, log, ordersServer(t))
}

// exampleNginxBefore runs the example before a server of one's own, edited if need be.
func exampleNginxBefore(t *testing.T, j *judged, nginx, opa, log, behind string,
	edits ...func(text, listens string) string) *realtool.Nginx {
	t.Helper()
	address, _ := exampleOPA(t, j, opa)
	port := freePort(t)
	decide := exec.Command(realtool.Find(t, "python3"), "../../examples/gateways/nginx/decide.py")
	decide.Env = append(os.Environ(), "DECIDE_PORT="+port, "OPA_URL=http://"+address+"/v1/data/partner/verdict")
	background(t, decide)
	eventually(t, "decide.py listens", func() bool {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return realtool.StartNginxOf(t, nginx, func(listens, dir string) string {
		text := example(t, "nginx/nginx.conf", "listen 443", "listen "+listens, "/srv/partner/publish", j.published(""),
			"/etc/nginx/tls", dir,
			"127.0.0.1:8080", behind, "127.0.0.1:9090", "127.0.0.1:"+port, "/var/log/partner/nginx.jsonl", log)
		for _, edit := range edits {
			text = edit(text, listens)
		}
		if nginx == "nginx" {
			// as many write it; the example is HTTP/1.1
			text = strings.Replace(text, "listen "+listens+" ssl", "listen "+listens+" ssl http2", 1)
		}
		if nginx == "nginx-1.18" {
			text = regexp.MustCompile(`(?m)^ *keepalive_time .*$`).ReplaceAllString(text, "") // the guide says so
		}
		return text
	})
}

// The decision log that the guide recommends had the partner's key in each line.
func TestTheOPAExampleLogsDecisionsAndNoKey(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	log := filepath.Join(j.folder, "decisions.jsonl")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	j.write(fmt.Sprintf("provider \"partner\" {\n  environment = \"prod\"\n  embedded = { use_logs = [%q] }\n}\n",
		log) +
		j.identity("orders-etl", nil) +
		j.credential("orders-etl", "secret", fmt.Sprintf("{ recipient = %q }", partnerRecipient), nil) +
		j.grant("orders-etl", "daily", "orders/acme/daily/*", `["read"]`, nil))
	j.must("apply", "-no-color", "-input=false", "-auto-approve")
	secret := opened(t, j.attribute("partner_credential.orders-etl-secret", "sealed_secret"))
	for _, version := range []string{"opa-0.70", "opa-1.4", "opa"} {
		address, said := exampleOPA(t, j, version)
		for _, path := range []string{"orders/acme/daily/1.csv", "orders/acme/weekly/1.csv"} {
			asked := object{"input": reading(secret).but("path", path)}
			resp, err := http.Post("http://"+address+"/v1/data/partner/verdict", "application/json",
				strings.NewReader(asJSON(t, asked)))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
		}
		for name, more := range map[string]object{
			"headers": {"headers": object{"authorization": []string{"Bearer " + string(secret)}},
				"path": "orders/acme/daily/1.csv"},
			"query":   {"url": "/orders?key=" + string(secret), "a/b~c": string(secret)},
			"another": {"credential": object{"key": string(secret)}, "x": []object{{"y": string(secret)}}},
			"basic 0": {"headers": object{"Authorization": "Basic " + base64.StdEncoding.EncodeToString(secret)}},
			"basic 1": {"headers": object{"Proxy-Authorization": "Basic " +
				base64.StdEncoding.EncodeToString(append([]byte(":"), secret...))}},
			"basic 2": {"headers": object{"AUTHORIZATION": "basic " +
				base64.StdEncoding.EncodeToString(append([]byte("a:"), secret...))}},
			"escaped": {"cookie": "key=" + strings.Replace(string(secret), "_", "%5F", 1)},
		} {
			resp, err := http.Post("http://"+address+"/v1/data/partner/reason", "application/json",
				strings.NewReader(asJSON(t, object{"input": more})))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_ = resp.Body.Close()
		}
		resp, err := http.Get("http://" + address + "/v1/data/partner/reason?input=" +
			url.QueryEscape(asJSON(t, object{"credential": object{"secret": string(secret)}})))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		eventually(t, version+" logs what is sent otherwise",
			func() bool { return strings.Count(said.String(), `"path":"partner/reason"`) == 8 })
		eventually(t, version+" logs both decisions",
			func() bool { return strings.Count(said.String(), `"path":"partner/verdict"`) == 2 })
		random := strings.TrimPrefix(string(secret), "partner_")
		for shift := range 3 { // what is the same wherever it begins
			encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(":", shift) + random))[4:40]
			if strings.Contains(said.String(), encoded) {
				t.Errorf("%s logs the key in base64", version)
			}
		}
		if strings.Contains(said.String(), random) || !strings.Contains(said.String(), `"secret":"masked"`) {
			t.Errorf("%s logs the key, or does not say that it is masked: %s", version, said)
		}
		if err := os.WriteFile(log, []byte(said.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		j.must("apply", "-refresh-only", "-no-color", "-input=false", "-auto-approve")
		if at := j.attribute("partner_credential.orders-etl-secret", "last_used_at"); at == "" {
			t.Errorf("the log of %s does not tell of the use", version)
		}
	}
}

// resumesNothing claims that each connection shows its certificate anew. A session that is resumed was verified
// when it began: its partner was let in after the certificate's end, again and again, since each resumption
// gives the next ticket.
func resumesNothing(t *testing.T, address string, roots *x509.CertPool, c *tls.Certificate) {
	t.Helper()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		settings := &tls.Config{
			RootCAs: roots, MinVersion: tls.VersionTLS12, MaxVersion: version, ServerName: "127.0.0.1",
			Certificates:       []tls.Certificate{*c},
			ClientSessionCache: tls.NewLRUClientSessionCache(1),
		}
		for range 3 {
			conn, err := tls.Dial("tcp", address, settings)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: orders.example.com\r\nConnection: close\r\n\r\n")
			answer, _ := io.ReadAll(conn) // with it come the tickets
			_ = conn.Close()
			if state := conn.ConnectionState(); state.DidResume || !bytes.HasPrefix(answer, []byte("HTTP/1.1 ")) {
				t.Errorf("%s: resumed %v, answered %.40q", tls.VersionName(version), state.DidResume, answer)
			}
		}
	}
}

// serverKeyPair writes a server's certificate and key into one file, and returns a pool that trusts it.
func serverKeyPair(t *testing.T, path string) *x509.CertPool {
	t.Helper()
	c := stranger(t, "gateway")
	secret, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	text := slices.Concat(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}
