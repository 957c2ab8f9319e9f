// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

type object = map[string]any

// gateway is a machine with a running OPA, which pulls the bundle every second and takes it only with our signature.
type gateway struct {
	t      *testing.T
	client *http.Client
}

// gatewayConfig is the configuration of an OPA that takes bundles only with the published key.
func gatewayConfig(t *testing.T, j *judged, bundle, services object) string {
	t.Helper()
	key, err := os.ReadFile(j.published("policy/key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	hold := maps.Clone(bundle)
	bundle["signing"] = object{"keyid": "partner"}
	if hold["resource"] = "hold.tar.gz"; services == nil {
		hold["resource"] = "file://" + j.published("hold.tar.gz")
	}
	config := object{"bundles": object{"partner": bundle, "partner_hold": hold},
		"keys": object{"partner": object{"algorithm": "ES256", "key": string(key)}}}
	if services != nil {
		config["services"] = services
	}
	return j.save("opa-"+rand.Text()+".json", asJSON(t, config))
}

func newGateway(t *testing.T, j *judged) *gateway {
	t.Helper()
	return newGatewayOf(t, j, "opa")
}

// newGatewayOf runs one of the versions that scripts/tools gets.
func newGatewayOf(t *testing.T, j *judged, version string) *gateway {
	t.Helper()
	program := realtool.Find(t, version)
	folder := http.FileServer(http.Dir(j.published("")))
	publication := httptest.NewServer(folder)
	t.Cleanup(publication.Close)
	config := gatewayConfig(t, j, object{
		"service": "publication", "resource": "bundle.tar.gz",
		"polling": object{"min_delay_seconds": 1, "max_delay_seconds": 1},
	}, object{"publication": object{"url": publication.URL}})
	short, err := os.MkdirTemp("", "opa") // a socket's path may have some 100 characters only
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(short, "s")
	cmd := exec.Command(program, "run", "--server", "--addr", "unix://"+socket, "--config-file", config, "--log-level",
		"error", "--disable-telemetry")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(short)
		if t.Failed() {
			t.Logf("opa said:\n%s", &said)
		}
	})
	g := &gateway{t, &http.Client{Timeout: patience,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}}}}
	eventually(t, "OPA has taken the bundle", func() bool {
		resp, err := g.client.Get("http://opa/health?bundles")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return g
}

// request is what a gateway asks OPA about.
type request object

// reads is a request with an API key for a daily order file.
func reading(key []byte) request {
	return request{
		"credential": object{"secret": string(key)},
		"action":     "read",
		"path":       "orders/acme/daily/1.csv",
		"ip":         "203.0.113.7",
	}
}

// but is the request with one thing changed.
func (r request) but(name string, value any) request {
	other := request{}
	for k, v := range r {
		other[k] = v
	}
	other[name] = value
	return other
}

// allows asks the running OPA.
func (g *gateway) allows(r request) bool {
	g.t.Helper()
	resp, err := g.client.Post("http://opa/v1/data/partner/allow", "application/json",
		strings.NewReader(asJSON(g.t, object{"input": r})))
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Result *bool }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Result == nil {
		g.t.Fatalf("opa answered %s: %v", resp.Status, err)
	}
	return *answer.Result
}

func (g *gateway) wants(t *testing.T, requests map[string]struct {
	request
	want bool
}) {
	t.Helper()
	for what, r := range requests {
		if got := g.allows(r.request); got != r.want {
			t.Errorf("%s: allowed %v, want %v", what, got, r.want)
		}
	}
}

// takes says whether a fresh OPA takes a bundle, and if so what it decides.
func takes(t *testing.T, j *judged, bundle []byte, r request) (allowed bool, err error) {
	t.Helper()
	path := j.save("bundle-"+rand.Text()+".tar.gz", string(bundle))
	config := gatewayConfig(t, j, object{"resource": "file://" + path}, nil)
	out, ok := run(realtool.Find(t, "opa"), "exec", "--timeout=20s", "--log-level=error", "--config-file", config,
		"--decision=partner/allow",
		j.save("input-"+rand.Text()+".json", asJSON(t, r)))
	if !ok {
		return false, errors.New(out)
	}
	if warned := strings.LastIndex(out, "{\"level\""); warned >= 0 { // that the hold, which needs no key, is not signed
		_, out, _ = strings.Cut(out[warned:], "\n")
	}
	var answer struct{ Result []struct{ Result *bool } }
	if err := json.Unmarshal([]byte(out), &answer); err != nil ||
		len(answer.Result) != 1 ||
		answer.Result[0].Result == nil {
		t.Fatalf("opa answered %s: %v", out, err)
	}
	return *answer.Result[0].Result, nil
}

// unsigned is what OPA decides with the published policy and other data, where it is not told to look for a signature.
func unsigned(t *testing.T, j *judged, data []byte, r request) bool {
	t.Helper()
	out, ok := run(realtool.Find(t, "opa"), "eval", "--format=raw", "--data", j.published("policy/policy.rego"),
		"--data", j.published("policy/hold.json"),
		"--data", j.save("data-"+rand.Text()+".json", string(data)), "--input",
		j.save("input-"+rand.Text()+".json", asJSON(t, r)), "data.partner.allow")
	if !ok {
		t.Fatalf("opa eval: %s", out)
	}
	return strings.TrimSpace(out) == "true"
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// policyData is the published document, as it is and in Go.
func (j *judged) policyData() (text []byte, published object) {
	j.t.Helper()
	text, err := os.ReadFile(j.published("policy/data.json"))
	if err != nil {
		j.t.Fatal(err)
	}
	var d struct{ Partner struct{ Published object } }
	if err := json.Unmarshal(text, &d); err != nil {
		j.t.Fatal(err)
	}
	return text, d.Partner.Published
}

// forLonger is the document in which everything ends a day later.
func forLonger(t *testing.T, published object) []byte {
	t.Helper()
	var later func(v any)
	later = func(v any) {
		switch v := v.(type) {
		case object:
			if _, ends := v["ends_at_ns"]; ends {
				v["ends_at_ns"] = time.Now().Add(day).UnixNano()
			}
			for _, below := range v {
				later(below)
			}
		case []any:
			for _, below := range v {
				later(below)
			}
		}
	}
	later(published)
	return []byte(asJSON(t, object{"partner": object{"published": published}}))
}

// hashOf names an API key in the policy data.
func hashOf(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:])
}

// rewritten is a bundle with another text in one of its files.
func rewritten(t *testing.T, bundle []byte, name string, change func(string) string) []byte {
	t.Helper()
	unzip, err := gzip.NewReader(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	to, from := tar.NewWriter(zip), tar.NewReader(unzip)
	changed := false
	for {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimPrefix(header.Name, "/") == name {
			after := change(string(text))
			changed = after != string(text)
			text = []byte(after)
		}
		header.Size = int64(len(text))
		if err := errors.Join(to.WriteHeader(header), second(to.Write(text))); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(to.Close(), zip.Close()); err != nil || !changed {
		t.Fatalf("%s in the bundle: changed %v, %v", name, changed, err)
	}
	return out.Bytes()
}

func second(_ int, err error) error { return err }

// noProviderIsAlive fails where a provider that the CLI started still runs.
func noProviderIsAlive(t *testing.T, pids string) {
	t.Helper()
	text, err := os.ReadFile(pids)
	if err != nil || len(text) == 0 {
		t.Fatalf("no provider left its process id: %v", err)
	}
	for _, line := range strings.Fields(string(text)) {
		var pid int
		if _, err := fmt.Sscan(line, &pid); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the provider "+line+" has ended", func() bool { return syscall.Kill(pid, 0) != nil })
	}
}

func TestOPAAllowsWhatIsGrantedUntilItsEnd(t *testing.T) {
	t.Parallel()
	j := newJudged(t)
	pids := j.leash("")
	const trust = `{ issuer = "https://login.acme.test", subject = "svc-orders", audiences = ["orders.example.com", "backup.example.com"] }`
	const rotated = `{ every = "480h", overlap = "%s", trigger = { n = "%d" } }`
	recipient := fmt.Sprintf("{ recipient = %q }", partnerRecipient)
	daily := func(name string, replaced args) string {
		return j.grant(name, "daily", "orders/acme/daily/*", `["read", "list"]`, replaced)
	}
	// orders has all that lasts; of each of the others one thing ends soon.
	config := func(n int, overlap string, grant, key, who args) string {
		return j.identity("orders-etl", nil) + daily("orders-etl", nil) +
			j.credential("orders-etl", "federated", trust, nil) +
			j.credential("orders-etl", "secret", recipient, args{"rotation": fmt.Sprintf(rotated, overlap, n)}) +
			j.identity("brief-grant", nil) + j.credential("brief-grant", "secret", recipient, nil) +
			daily("brief-grant", grant) +
			j.grant("brief-grant", "weekly", "orders/acme/weekly/*", `["read"]`, nil) +
			j.identity("brief-key", nil) + j.credential("brief-key", "secret", recipient, key) +
			daily("brief-key", nil) +
			j.identity("brief-stay", who) + j.credential("brief-stay", "secret", recipient, nil) +
			daily("brief-stay", nil)
	}
	key := func(name string) []byte {
		return opened(t, j.attribute("partner_credential."+name+"-secret", "sealed_secret"))
	}

	j.apply(config(1, "48h", nil, nil, nil))
	g := newGateway(t, j)
	first := key("orders-etl")
	grantKey := key("brief-grant")
	briefKey := key("brief-key")
	stayKey := key("brief-stay")
	claims := func(issuer, subject string, audience any) request {
		return reading(nil).but("credential", object{"claims": object{"iss": issuer, "sub": subject, "aud": audience}})
	}
	type asked = map[string]struct {
		request
		want bool
	}
	g.wants(t, asked{
		"what is granted":          {reading(first), true},
		"the other action":         {reading(first).but("action", "list"), true},
		"a deeper path":            {reading(first).but("path", "orders/acme/daily/2026/11/24.csv"), true},
		"an action that is not":    {reading(first).but("action", "write"), false},
		"a path that is not":       {reading(first).but("path", "orders/acme/weekly/1.csv"), false},
		"the folder itself":        {reading(first).but("path", "orders/acme/daily"), false},
		"a climbing path":          {reading(first).but("path", "orders/acme/daily/../weekly/1.csv"), false},
		"another network":          {reading(first).but("ip", "198.51.100.7"), false},
		"no address":               {reading(first).but("ip", nil), false},
		"another key":              {reading(append([]byte("x"), first...)), false},
		"the hash of the key":      {reading([]byte(hashOf(first))), false},
		"no credential":            {reading(nil).but("credential", object{}), false},
		"another identity's grant": {reading(grantKey).but("path", "orders/acme/weekly/1.csv"), true},
		"a token of the workload":  {claims("https://login.acme.test", "svc-orders", "orders.example.com"), true},
		"a token for several": {claims("https://login.acme.test", "svc-orders",
			[]string{"else.example.com", "backup.example.com"}), true},
		"a token for somebody else":   {claims("https://login.acme.test", "svc-orders", "else.example.com"), false},
		"a token for nobody":          {claims("https://login.acme.test", "svc-orders", []string{}), false},
		"a token of another workload": {claims("https://login.acme.test", "svc-other", "orders.example.com"), false},
		"a token of another issuer":   {claims("https://login.evil.test", "svc-orders", "orders.example.com"), false},
	})

	j.phase("tampered", func(t *testing.T) {
		bundle, err := os.ReadFile(j.published("bundle.tar.gz"))
		if err != nil {
			t.Fatal(err)
		}
		writing := reading(first).but("action", "write")
		if ok, err := takes(t, j, bundle, reading(first)); !ok || err != nil {
			t.Errorf("the bundle as it is published: %v, %v", ok, err)
		}
		wider := func(text string) string {
			return strings.ReplaceAll(text, `"actions":["list","read"]`, `"actions":["list","read","write"]`)
		}
		open := func(string) string { return "package partner\n\ndefault allow := true\n" }
		for name, tampered := range map[string][]byte{
			"wider data":     rewritten(t, bundle, "data.json", wider),
			"an open policy": rewritten(t, bundle, "policy.rego", open),
			"no signature": rewritten(t, bundle, ".signatures.json",
				func(string) string { return `{"signatures":[]}` }),
		} {
			if ok, err := takes(t, j, tampered, writing); err == nil {
				t.Errorf("OPA took a bundle with %s, and answered %v", name, ok)
			}
		}
		// Without the signature, the tampered data would have given what was not granted.
		text, _ := j.policyData()
		if unsigned(t, j, text, writing) || !unsigned(t, j, []byte(wider(string(text))), writing) {
			t.Error("the tampering changes nothing: it proves nothing")
		}
	})

	end := j.shortly()
	j.phase("rotated and ended", func(t *testing.T) {
		at := args{"expires_at": stamp(end)}
		overlap := time.Until(j.shortly()).Round(time.Second)
		j.apply(config(2, overlap.String(), at, at, at))
		second := key("orders-etl")
		if bytes.Equal(first, second) {
			t.Fatal("the rotation made no new key")
		}
		_, published := j.policyData()
		old, _ := published["secrets"].(object)[hashOf(first)].(object)
		oldEnds, err := time.Parse(time.RFC3339Nano, fmt.Sprint(old["ends_at"]))
		if err != nil || oldEnds.After(time.Now().Add(overlap)) {
			t.Fatalf("the old key ends at %v, %v", old, err)
		}
		eventually(t, "OPA knows the new key", func() bool { return g.allows(reading(second)) })
		noProviderIsAlive(t, pids)
		asks := func(r request) func() bool { return func() bool { return g.allows(r) } }
		endByThemselves(t,
			ending{"the old key", oldEnds, asks(reading(first))},
			ending{"the grant", end, asks(reading(grantKey))},
			ending{"the credential", end, asks(reading(briefKey))},
			ending{"the identity", end, asks(reading(stayKey))},
		)
		g.wants(t, asked{
			"the new key":                        {reading(second), true},
			"the other grant of the ended grant": {reading(grantKey).but("path", "orders/acme/weekly/1.csv"), true},
			"federation, beside the ended key": {claims("https://login.acme.test", "svc-orders",
				"orders.example.com"), true},
		})
		// It was the ends that ended it: the same data with later ends allows it all.
		text, published := j.policyData()
		longer := forLonger(t, published)
		for what, r := range map[string]request{
			"the old key":    reading(first),
			"the grant":      reading(grantKey),
			"the credential": reading(briefKey),
			"the identity":   reading(stayKey),
		} {
			if unsigned(t, j, text, r) || !unsigned(t, j, longer, r) {
				t.Errorf("%s is refused for another reason than its end", what)
			}
		}
	})

	j.phase("destroyed", func(t *testing.T) {
		second := key("orders-etl")
		federated := claims("https://login.acme.test", "svc-orders", "orders.example.com")
		older, err := os.ReadFile(j.published("bundle.tar.gz"))
		if err != nil {
			t.Fatal(err)
		}
		j.destroy()
		eventually(t, "OPA refuses the key", func() bool { return !g.allows(reading(second)) })
		g.wants(t, asked{"the key": {reading(second), false}, "the token": {federated, false}})
		newer, err := os.ReadFile(j.published("bundle.tar.gz"))
		if err != nil {
			t.Fatal(err)
		}
		for what, r := range map[string]request{"the key": reading(second), "the token": federated} {
			if ok, err := takes(t, j, newer, r); ok || err != nil {
				t.Errorf("%s, in the last bundle: %v, %v", what, ok, err)
			}
			// Who is fed the bundle of before still admits it, until its valid_until.
			if ok, err := takes(t, j, older, r); !ok || err != nil {
				t.Errorf("%s, in the bundle of before: %v, %v", what, ok, err)
			}
		}
		_, published := j.policyData()
		for _, name := range []string{"identities", "secrets", "certificates", "serials", "trust"} {
			if left, _ := published[name].(object); len(left) > 0 || published[name] == nil {
				t.Errorf("destroyed, and the policy data still has %s: %v", name, published[name])
			}
		}
	})
}
