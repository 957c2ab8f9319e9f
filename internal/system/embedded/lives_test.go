// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

// Three hundred random lives on a clock that the test moves. After every step a running OPA is asked with all that the
// partner ever held.
func TestThreeHundredRandomLives(t *testing.T) {
	lives := 150
	if testing.Short() {
		lives = 5
	}
	for n := range 2 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			systemtest.Lives(t, lives, 1, uint64(time.Now().UnixNano()),
				func(t *testing.T, clock *systemtest.Clock) systemtest.Harness {
					dir := filepath.Join(t.TempDir(), ".partner", "prod")
					s := Open(dir, Options{Clock: clock.Now, Environment: "prod"})
					s.disk.Unsynced = true
					o := startOPA(t)
					return systemtest.Harness{
						System: s, Proves: []access.Kind{access.Federated, access.Certificate, access.Secret},
						AllowsAll: func(t testing.TB, probes []systemtest.Probe) []bool {
							return o.allows(t, dir, clock, probes)
						},
					}
				})
		})
	}
}

// opa is a running OPA that is told the publication before it is asked.
type opa struct {
	client *http.Client
	told   []byte
}

func startOPA(t *testing.T) *opa {
	t.Helper()
	short, err := os.MkdirTemp("", "opa") // a socket's path may have some 100 characters only
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(short, "s")
	cmd := exec.Command(realtool.Find(t, "opa"), "run", "--server", "--addr", "unix://"+socket, "--log-level", "error")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(short)
	})
	o := &opa{client: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context,
		_, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		resp, err := o.client.Get("http://opa/health")
		if err == nil {
			_ = resp.Body.Close()
			return o
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func (o *opa) send(t testing.TB, method, path, contentType string, body []byte, answer any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://opa/v1/"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := o.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil || resp.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %s %s, %v", method, path, resp.Status, &text, err)
	}
	if answer != nil {
		if err := json.Unmarshal(text.Bytes(), answer); err != nil {
			t.Fatalf("%s: %v", &text, err)
		}
	}
}

// allows asks all at once, at the time of the clock.
func (o *opa) allows(t testing.TB, dir string, clock *systemtest.Clock, probes []systemtest.Probe) []bool {
	t.Helper()
	policy := filepath.Join(dir, "publish", "policy")
	published, err := os.ReadFile(filepath.Join(policy, "data.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(published, o.told) {
		if o.told == nil {
			rego, err := os.ReadFile(filepath.Join(policy, "policy.rego"))
			if err != nil {
				t.Fatal(err)
			}
			o.send(t, "PUT", "policies/partner", "text/plain", rego, nil)
			hold, err := os.ReadFile(filepath.Join(policy, "hold.json")) // nobody is cut by hand here
			if err != nil {
				t.Fatal(err)
			}
			var h map[string]json.RawMessage
			if err := json.Unmarshal(hold, &h); err != nil {
				t.Fatal(err)
			}
			o.send(t, "PUT", "data/partner_hold", "application/json", h["partner_hold"], nil)
		}
		o.told = published
		var d struct {
			Partner struct{ Published json.RawMessage }
		}
		if err := json.Unmarshal(published, &d); err != nil {
			t.Fatal(err)
		}
		o.send(t, "PUT", "data/partner/published", "application/json", d.Partner.Published, nil)
	}
	var inputs []map[string]any
	for _, p := range probes {
		inputs = append(inputs, map[string]any{
			"credential": presented(p),
			"action":     p.Action,
			"path":       p.Path,
			"ip":         "203.0.113.7",
		})
	}
	query, err := json.Marshal(map[string]any{
		"query": fmt.Sprintf("x := [d | some p in input; d := data.partner.allow with input as p with "+
			"time.now_ns as %d]", clock.Now().UnixNano()), "input": inputs,
	})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Result []struct{ X []bool } }
	o.send(t, "POST", "query", "application/json", query, &answer)
	if len(answer.Result) != 1 || len(answer.Result[0].X) != len(probes) {
		t.Fatalf("opa answers %+v to %d questions", answer, len(probes))
	}
	return answer.Result[0].X
}
