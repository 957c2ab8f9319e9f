package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
)

// logged is a world whose gateways wrote these lines.
func logged(t *testing.T, lines ...string) (*world, string) {
	t.Helper()
	w := newWorld(t)
	w.put(identity(acme, 90))
	w.put(secret(acme, 30))
	w.put(federated(acme, 30))
	log := filepath.Join(t.TempDir(), "use-1.jsonl")
	writeLog(t, log, lines...)
	w.options.UseLogs = []string{filepath.Join(filepath.Dir(log), "use-*.jsonl")}
	return w, log
}

func writeLog(t *testing.T, path string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func at(d time.Duration) string { return start.Add(d).Format(time.RFC3339) }

func TestTheGatewaysLogsTellWhenAccessWasLastUsed(t *testing.T) {
	first := fmt.Sprintf(`{"time": %q, "identity": "somebody/prod/else"}`, at(-time.Hour))
	ours := func(d time.Duration, kind string) string {
		return fmt.Sprintf(`{"time": %q, "identity": "acme/prod/etl", "kind": %q, "more": [1]}`, at(d), kind)
	}
	decided := func(d time.Duration, result string) string {
		return fmt.Sprintf(`{"timestamp": %q, "path": "partner/verdict", "input": {"credential": {"claims": {}}}, "result": %s}`, at(d), result)
	}
	for name, c := range map[string]struct {
		lines                    []string
		identity, key, federated time.Duration // after the start; 0: never
		unknown                  bool
	}{
		"a use":                            {[]string{first, ours(time.Hour, "secret")}, time.Hour, time.Hour, 0, false},
		"the latest of several":            {[]string{first, ours(3*time.Hour, "secret"), ours(2*time.Hour, "federated")}, 3 * time.Hour, 3 * time.Hour, 2 * time.Hour, false},
		"a decision of OPA":                {[]string{first, decided(time.Hour, `{"allow": true, "identity": "acme/prod/etl"}`)}, time.Hour, 0, time.Hour, false},
		"a refusal":                        {[]string{first, decided(time.Hour, `{"allow": false, "identity": "acme/prod/etl"}`)}, 0, 0, 0, false},
		"a decision without an identity":   {[]string{first, decided(time.Hour, `{"allow": true}`)}, 0, 0, 0, false},
		"no use, since before it was made": {[]string{first}, 0, 0, 0, false},
		"a log that begins later":          {[]string{fmt.Sprintf(`{"time": %q, "identity": "x/y/z"}`, at(time.Hour))}, 0, 0, 0, true},
		"an empty log":                     {nil, 0, 0, 0, true},
		"a kind that is none":              {[]string{first, ours(time.Hour, "voodoo")}, time.Hour, 0, 0, false},
		"a line of the future":             {[]string{first, ours(72*time.Hour, "secret")}, 0, 0, 0, false},
		"what is no JSON, and too long":    {[]string{first, "GET /", strings.Repeat("x", 3<<20), "{", "", ours(time.Hour, "secret")}, time.Hour, time.Hour, 0, false},
		"an id that climbs":                {[]string{first, fmt.Sprintf(`{"time": %q, "identity": "../../etc"}`, at(time.Hour))}, 0, 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := logged(t, c.lines...)
			w.wait(24 * time.Hour)
			for ref, d := range map[access.Ref]time.Duration{acme.Ref(): c.identity, secret(acme, 1).Ref(): c.key, federated(acme, 1).Ref(): c.federated} {
				want := time.Time{}
				if d > 0 {
					want = start.Add(d)
				}
				if r := w.get(ref); !r.LastUsedAt.Equal(want) || r.UseUnknown != c.unknown {
					t.Errorf("%s was last used at %s, want %s; unknown: %v, want %v", ref, r.LastUsedAt, want, r.UseUnknown, c.unknown)
				}
			}
		})
	}
}

func TestALogIsReadAgainWhenItGrows(t *testing.T) {
	w, log := logged(t)
	if !w.get(acme.Ref()).UseUnknown {
		t.Error("it is known from nothing")
	}
	w.wait(time.Hour)
	writeLog(t, filepath.Join(filepath.Dir(log), "use-2.jsonl"), fmt.Sprintf(`{"time": %q, "identity": "acme/prod/etl"}`, at(time.Minute)))
	if got := w.get(acme.Ref()).LastUsedAt; !got.Equal(start.Add(time.Minute)) {
		t.Errorf("last used at %s", got)
	}
	if err := os.Mkdir(filepath.Join(filepath.Dir(log), "use-3.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Get(w.ctx(), acme.Ref()); !errors.Is(err, access.ErrUnavailable) || !strings.Contains(err.Error(), "use-3.jsonl") {
		t.Errorf("what cannot be read: %v", err)
	}
}

// The real OPA writes the log that is read.
func TestOPAsOwnDecisionLogTells(t *testing.T) {
	w, log := logged(t)
	w.put(grant(acme, "daily", "orders/*", 30, "read"))
	published := filepath.Join(w.dir, "publish")
	bundle := func(name string) map[string]any {
		return map[string]any{"resource": "file://" + filepath.Join(published, name), "signing": map[string]any{"keyid": "partner"}}
	}
	settings, err := json.Marshal(map[string]any{
		"bundles": map[string]any{"partner": bundle("bundle.tar.gz"), "partner_hold": bundle("hold.tar.gz")},
		"keys":    map[string]any{"partner": map[string]any{"algorithm": "ES256", "key": w.read("publish/policy/key.pem")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "opa.json")
	writeLog(t, config, string(settings))
	input := filepath.Join(t.TempDir(), "input.json")
	writeLog(t, input, `{"credential": {"claims": {"iss": "https://login.acme.test", "sub": "svc-etl", "aud": "orders.example.com"}}, "action": "read", "path": "orders/1"}`)
	cmd := exec.Command(realtool.Find(t, "opa"), "exec", "--decision=partner/verdict", "--set=decision_logs.console=true", "--log-level=info", "--log-format=json",
		"--config-file", config, input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(log, out, 0o600); err != nil {
		t.Fatal(err)
	}
	u, err := new(useLogs).latest([]string{log}, time.Now())
	if got := u.last[federated(acme, 1).Ref()]; err != nil || time.Since(got) > time.Minute || !got.Equal(u.last[acme.Ref()]) {
		t.Errorf("last used at %s (%v), by\n%s", got, err, out)
	}
}
