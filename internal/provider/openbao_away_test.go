// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// dozen is a configuration of twelve identities on OpenBao.
func dozen() string {
	return `provider "partner" {
  environment = "prod"
  stack       = "partners"
  openbao     = {}
  journal     = { path = "journal.jsonl" }
}
resource "partner_identity" "many" {
  count      = 12
  partner    = "acme"
  name       = "many-${count.index}"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP of ACME"
  expires_at = "` + time.Now().UTC().AddDate(0, 0, 80).Format(time.RFC3339) + `"
}
`
}

// blackHole is an address of this machine that swallows packets: its queue is full, and nobody takes anything from it.
func blackHole(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
	for range 10 {
		conn, err := net.DialTimeout("tcp", address, 300*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Fatal("the queue takes everybody")
	return ""
}

// silent is an address that takes connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return l.Addr().String()
}

// answering is a server of plain HTTP that answers everything alike.
func answering(t *testing.T, status int, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// A wrong port cost a minute for each of twelve resources, one after the other, without a word. What is wrong with the
// way to OpenBao, or with the login, is one error within half a minute, for all of them.
func TestTwelveResourcesAndAServerThatIsAwayAreOneError(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	bao := realtool.StartBao(t)
	c := &cluster{cli: newCLI(t), bao: bao}
	c.as(bao.RootToken)
	c.write(dozen())
	c.cli.must("apply", "-auto-approve", "-no-color")
	ended := c.must("POST", "auth/token/create", map[string]any{"ttl": "1h"})["auth"].(map[string]any)
	c.must("POST", "auth/token/revoke-accessor", map[string]any{"accessor": ended["accessor"]})

	noCertificate := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(noCertificate, []byte("ca.example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	few := c.must("POST", "auth/token/create", map[string]any{"policies": []string{"default"}})["auth"].(map[string]any)

	const page = "<!DOCTYPE html>\n<html><head><title>Blocked</title></head><body>Request blocked " +
		"canaryPAGE</body></html>"
	closed := httptest.NewServer(nil)
	closed.Close()
	turns, all := make(chan struct{}, 8), sync.WaitGroup{}
	for name, f := range map[string]struct {
		env  []string
		says []string
	}{
		"a closed port": {[]string{"BAO_ADDR=" + strings.Replace(closed.URL, "http:", "https:", 1)},
			[]string{"Cannot reach OpenBao at https://127.0.0.1:", "nothing listens at"}},
		"a black hole": {[]string{"BAO_ADDR=https://" + blackHole(t)},
			[]string{"no answer from 127.0.0.1:", "a firewall drops the packets"}},
		"a silent port": {[]string{"BAO_ADDR=https://" + silent(t)}, []string{"does not answer to TLS"}},
		"a proxy that wants a password": {
			[]string{"BAO_ADDR=https://openbao.example.com:8200", "HTTPS_PROXY=http://" + answering(t, 407, "")},
			[]string{"answered 407 and made no connection: it asks for a name and a password"},
		},
		"a name without an address": {[]string{"BAO_ADDR=https://openbao.invalid:8200"},
			[]string{"openbao.invalid"}},
		"https to a port of plain HTTP": {[]string{"BAO_ADDR=https://" + answering(t, 200, "{}")},
			[]string{"speaks plain HTTP instead of TLS"}},
		"http to a port of TLS": {[]string{"BAO_ADDR=" + strings.Replace(bao.Address, "https", "http", 1)},
			[]string{"speaks TLS: write https instead of http"}},
		"an authority that nobody knows": {
			[]string{"BAO_CACERT=", "BAO_SKIP_VERIFY=true"},
			[]string{"name it with ca_cert_file or BAO_CACERT", "BAO_SKIP_VERIFY is set, but the provider ignores it"},
		},
		"a firewall's page, forbidden": {[]string{"BAO_ADDR=http://" + answering(t, 403, page)},
			[]string{"Cannot reach OpenBao", "the answer is an HTML page"}},
		"a firewall's page, fine": {[]string{"BAO_ADDR=http://" + answering(t, 200, page)},
			[]string{"the answer is an HTML page"}},
		"a standby without a leader": {[]string{"BAO_ADDR=http://" +
			answering(t, 500, `{"errors":["local node not active but active cluster node not found"]}`)},
			[]string{"a standby and knows no leader"}},
		"a token that nobody knows": {[]string{"BAO_TOKEN=s.nobodyKnowsThisOne0123"},
			[]string{"OpenBao refuses this login", "has ended, was revoked"}},
		"a token that was revoked": {[]string{"BAO_TOKEN=" + ended["client_token"].(string)},
			[]string{"OpenBao refuses this login", "has ended, was revoked"}},
		"a token without rights": {[]string{"BAO_TOKEN=" + few["client_token"].(string)},
			[]string{"This login may read too little of OpenBao", "the guide's policy plan", "BAO_NAMESPACE"}},
		"a balancer without OpenBao": {[]string{"BAO_ADDR=http://" + answering(t, 502, page)},
			[]string{"Cannot reach OpenBao", "it reaches no OpenBao behind it"}},
		"no token":   {[]string{"BAO_TOKEN="}, []string{"set BAO_TOKEN; or token, approle or jwt"}},
		"no address": {[]string{"BAO_ADDR="}, []string{"set BAO_ADDR, or address"}},
		"a file that is gone": {[]string{"BAO_CACERT=" + t.TempDir() + "/ca.pem"},
			[]string{"The file of BAO_CACERT: open ", "no such file or directory"}},
		"a file that is no certificate": {[]string{"BAO_CACERT=" + noCertificate},
			[]string{"The file of BAO_CACERT: it has no certificate in PEM"}},
		"a folder without certificates": {[]string{"BAO_CACERT=", "BAO_CAPATH=" + t.TempDir()},
			[]string{"BAO_CAPATH", "no certificate in PEM"}},
	} {
		all.Go(func() { // they mostly wait
			turns <- struct{}{}
			defer func() { <-turns }()
			c.isOneError(t, name, f.env, f.says)
		})
	}
	all.Wait()
	c.must("PUT", "sys/seal", nil)
	c.isOneError(t, "a sealed server", nil, []string{"Cannot reach OpenBao", "Vault is sealed: it must be unsealed"})
}

// isOneError plans in a folder of its own what was applied, and finds one error soon.
func (c *cluster) isOneError(t *testing.T, name string, env, says []string) {
	t.Helper()
	alone := newCLI(t)
	if err := os.CopyFS(alone.folder+"/here", os.DirFS(c.folder)); err != nil {
		t.Fatal(err)
	}
	alone.folder += "/here"
	alone.env = append(append(alone.env, c.env...), env...)
	began := time.Now()
	out, err := alone.try("plan", "-no-color")
	took := time.Since(began)
	if err == nil || strings.Count(out, "Error: ") != 1 {
		t.Errorf("%s: %d errors:\n%s", name, strings.Count(out, "Error: "), out)
	}
	flat := strings.Join(strings.Fields(strings.ReplaceAll(out, "│", "")), " ")
	for _, text := range says {
		if !strings.Contains(flat, text) {
			t.Errorf("%s: %q is not said in:\n%s", name, text, out)
		}
	}
	if strings.Contains(out, "canary") ||
		(strings.Contains(out, "partner_identity.many") && strings.Contains(out, "will be")) {
		t.Errorf("%s: it says too much:\n%s", name, out)
	}
	if took > 30*time.Second {
		t.Errorf("%s: it took %s", name, took)
	}
	t.Logf("%s: one error after %s", name, took.Round(100*time.Millisecond))
}

// A folder of certificates is trusted as the program bao trusts it, and partners are told the address of their side.
func TestAFolderOfAuthoritiesAndThePartnersAddress(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	bao := realtool.StartBao(t)
	c := &cluster{cli: newCLI(t), bao: bao}
	c.as(bao.RootToken)
	folder := t.TempDir()
	if err := os.WriteFile(folder+"/authority.pem", []byte(bao.CA), 0o600); err != nil {
		t.Fatal(err)
	}
	c.env = append(c.env, "BAO_CACERT=", "BAO_CAPATH="+folder)
	c.must("POST", "sys/auth/partner-approle",
		map[string]any{"type": "approle", "config": map[string]any{"max_lease_ttl": "17568h"}})
	c.write(strings.Replace(dozen(), "openbao     = {}",
		`openbao     = { partner_address = "https://access.example.com" }`, 1) + credential("secret", args{
		"identity_id": "partner_identity.many[0].id",
		"expires_at":  `"` + time.Now().UTC().AddDate(0, 0, 20).Format(time.RFC3339) + `"`, "rotation": "null",
	}) + "output \"handover\" {\n  sensitive = true\n  value = provider::partner::handover(partner_identity.many[0], " +
		"[partner_credential.orders], [])\n}\n")
	c.cli.must("apply", "-auto-approve", "-no-color")
	var out string
	c.output("handover", &out)
	if !strings.Contains(out, "https://access.example.com") ||
		!strings.Contains(out, "-address=https://access.example.com ") {
		t.Errorf("the handover does not name the partners' address:\n%s", out)
	}
	if plan := c.cli.must("plan", "-no-color", "-detailed-exitcode"); !strings.Contains(plan, "No changes") {
		t.Errorf("the plan after it:\n%s", plan)
	}
}

// Whoever looks for what went wrong with TF_LOG=DEBUG finds each request there, and no token and no secret.
func TestRequestsAreInTheLogWithoutSecrets(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	k := newKitCluster(t, "acme")
	k.configure(nil, "")
	log := filepath.Join(k.folder, "debug.log")
	k.env = append(k.env, "TF_LOG=DEBUG", "TF_LOG_PATH="+log)
	k.cli.must("apply", "-auto-approve", "-no-color")
	secret := k.unsealed("acme")
	k.cli.must("destroy", "-auto-approve", "-no-color")
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^.*\[DEBUG\].*: request: .*@module=partner\.openbao.*$`).
		FindAllString(string(text), -1)
	for _, want := range [][]string{
		{"method=GET", "path=auth/token/lookup-self", "status=200", "attempt=1", " ms=", "namespace=partners"},
		{"method=LIST", "path=sys/policies/detailed/acl/partner"},
		{"method=POST", "path=sys/policies/acl/partner/acme/prod/", "status=204"},
		{"method=DELETE", "path=sys/policies/acl/partner/acme/prod/", "status=204"},
	} {
		if !slices.ContainsFunc(lines, func(line string) bool {
			return !slices.ContainsFunc(want, func(field string) bool { return !strings.Contains(line, field) })
		}) {
			t.Errorf("no line of %d has %q, such as:\n%s", len(lines), want,
				strings.Join(lines[:min(3, len(lines))], "\n"))
		}
	}
	token := k.env[slices.IndexFunc(k.env, func(v string) bool { return strings.HasPrefix(v, "BAO_TOKEN=") })]
	for what, hidden := range map[string]string{"token": strings.TrimPrefix(token, "BAO_TOKEN="), "secret": secret} {
		for how, form := range forms([]byte(hidden)) {
			if strings.Contains(string(text), form) {
				t.Errorf("the log has the %s, %s", what, how)
			}
		}
	}
}
