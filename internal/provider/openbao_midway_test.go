// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// failing is a way to OpenBao that works until it is told to fail, or until so many writes went through.
type failing struct {
	*httptest.Server
	left   atomic.Int64 // writes until it fails by itself
	vain   atomic.Int64 // requests that it failed
	failed atomic.Pointer[http.HandlerFunc]
}

// newFailing puts a way that may fail in front of a real OpenBao.
func newFailing(t *testing.T, bao *realtool.Bao) *failing {
	t.Helper()
	proxy, f := towards(t, bao), &failing{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		left := f.left.Load()
		if r.Method == http.MethodPost || r.Method == http.MethodDelete {
			left = f.left.Add(-1)
		}
		if fails := f.failed.Load(); fails != nil && left < 0 {
			f.vain.Add(1)
			(*fails)(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(f.CloseClientConnections)
	t.Cleanup(f.Close)
	return f
}

// towards returns a proxy to an OpenBao.
func towards(t testing.TB, bao *realtool.Bao) *httputil.ReverseProxy {
	t.Helper()
	to, err := url.Parse(bao.Address)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(bao.CA))
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 100}
	return proxy
}

// after lets it fail once so many writes went through.
func (f *failing) after(writes int64, how http.HandlerFunc) {
	f.left.Store(writes)
	f.vain.Store(0)
	f.failed.Store(&how)
}

func (f *failing) heal() { f.failed.Store(nil) }

// breaks ends the connection without an answer, as a server does that has died.
func breaks(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// score is a configuration of so many identities with a grant each.
func score(n int) string {
	end := access.At(time.Now().Add(60 * 24 * time.Hour)).String()
	return fmt.Sprintf(`provider "partner" {
  environment = "prod"
  stack       = "partners"
  openbao     = {}
  journal     = { path = "journal.jsonl" }
}
resource "partner_identity" "many" {
  count      = %[1]d
  partner    = "acme"
  name       = "many-${count.index}"
  owner      = "jane.doe@example.com"
  purpose    = "Nightly order feed into the ERP of ACME"
  expires_at = %[2]q
}
resource "partner_grant" "many" {
  count       = %[1]d
  identity_id = partner_identity.many[count.index].id
  resource    = "orders/acme/many-${count.index}/*"
  actions     = ["read"]
  owner       = "jane.doe@example.com"
  purpose     = "Read the daily order files"
  expires_at  = %[2]q
}
`, n, end)
}

// A server that begins to fail in the middle of an apply cost each resource a wait and a long error of its own.
// One request waits; one error says why; the others say in a line what they left. The next run finishes, and
// nothing is there twice.
func TestAServerThatFailsInTheMiddleIsOneLongError(t *testing.T) {
	if testing.Short() {
		t.Skip("it needs a real OpenBao")
	}
	t.Parallel()
	bao := realtool.StartBao(t)
	for name, c := range map[string]struct {
		how  http.HandlerFunc
		says string
		act  string // in which it fails
	}{
		"it dies": {breaks, "connection reset by peer", "apply"},
		"it is sealed": {answers(http.StatusServiceUnavailable, `{"errors":["Vault is sealed"]}`),
			"it must be unsealed", "destroy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failsInTheMiddle(t, bao, strings.ReplaceAll(name, " ", "-"), c.act, c.how, c.says)
		})
	}
}

func failsInTheMiddle(t *testing.T, bao *realtool.Bao, namespace, act string, how http.HandlerFunc, says string) {
	const identities = 16
	r := &reached{cluster: &cluster{cli: newCLI(t), bao: bao}}
	r.as(bao.RootToken)
	r.must("POST", "sys/namespaces/"+namespace, nil)
	r.must("POST", namespace+"/sys/mounts/orders", object{"type": "kv"})
	way := newFailing(t, bao)
	r.env = append(r.env, "BAO_ADDR="+way.URL, "BAO_NAMESPACE="+namespace)
	r.write(score(identities))
	entities := func() int {
		data, _ := r.must("LIST", namespace+"/identity/entity/name", nil)["data"].(map[string]any)
		names, _ := data["keys"].([]any)
		return len(names)
	}
	dies := func(after int64) []diagnostic {
		t.Helper()
		way.after(after, how)
		defer way.heal()
		began := time.Now()
		out, err := r.try(act, "-json", "-auto-approve", "-parallelism=4") // so that most come when it was found
		if took, vain := time.Since(began), way.vain.Load(); err == nil ||
			vain > 80 ||
			took > 2*time.Minute {
			t.Errorf("%v after %d requests in vain, and %s", err, vain, took)
		} else {
			t.Logf("%d requests in vain in %s", vain, took)
		}
		return isOneLongError(t, out, says)
	}
	if act == "apply" {
		dies(identities)
	}
	r.cli.must("apply", "-auto-approve")
	r.cli.must("plan", "-detailed-exitcode")
	if n := entities(); n != identities {
		t.Errorf("there are %d entities, want %d", n, identities)
	}
	if act == "destroy" {
		namesWhatIsLeft(t, r, dies(identities/2))
	}
	r.cli.must("destroy", "-auto-approve")
	if n := entities(); n != 0 {
		t.Errorf("after the destroy there are %d entities", n)
	}
}

// namesWhatIsLeft finds each grant that was not revoked in an error that says so.
func namesWhatIsLeft(t *testing.T, r *reached, errs []diagnostic) {
	t.Helper()
	left := slices.DeleteFunc(strings.Fields(r.cli.must("state", "list")),
		func(a string) bool { return !strings.HasPrefix(a, "partner_grant.") })
	if len(left) == 0 {
		t.Error("it was destroyed before it failed")
	}
	for _, address := range left {
		_, n, _ := strings.Cut(strings.TrimSuffix(address, "]"), "[")
		if !slices.ContainsFunc(errs, func(d diagnostic) bool {
			return strings.HasPrefix(d.Summary, "Cannot revoke grant acme/prod/many-"+n+"/") &&
				strings.Contains(d.Detail, "The access may still work.")
		}) {
			t.Errorf("%s is not cut, and nothing says so", address)
		}
	}
}

// isOneLongError finds in what an apply printed that one error says why, and the others what they left.
func isOneLongError(t *testing.T, out, says string) (errs []diagnostic) {
	t.Helper()
	var long []string
	for line := range strings.SplitSeq(out, "\n") {
		var event struct{ Diagnostic diagnostic }
		if json.Unmarshal([]byte(line), &event) != nil || event.Diagnostic.Severity != "error" {
			continue
		}
		errs = append(errs, event.Diagnostic)
		detail := event.Diagnostic.Detail
		if strings.Contains(detail, says) && strings.Contains(detail, "run the same command again") {
			long = append(long, detail)
		} else if !strings.HasPrefix(detail, "For the same reason as ") || len(detail) > 300 {
			t.Errorf("%s\n%s", event.Diagnostic.Summary, detail)
		}
	}
	if len(long) != 1 || len(errs) < 3 {
		t.Errorf("of %d errors %d say why:\n%s", len(errs), len(long), strings.Join(long, "\n"))
	}
	t.Logf("%d errors: %s", len(errs), errs[len(errs)-1].Detail)
	return errs
}
