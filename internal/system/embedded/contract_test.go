// SPDX-License-Identifier: MPL-2.0

package embedded

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/partner-access/terraform-provider-partner/internal/access"
	"github.com/partner-access/terraform-provider-partner/internal/realtool"
	"github.com/partner-access/terraform-provider-partner/internal/system/systemtest"
)

func TestContract(t *testing.T) {
	systemtest.Run(t, func(t *testing.T, clock *systemtest.Clock) systemtest.Harness {
		dir := filepath.Join(t.TempDir(), ".partner", "prod")
		open := func() access.System {
			s := Open(dir, Options{Clock: clock.Now, Environment: "prod"})
			s.disk.Unsynced = true // the suite cuts no power
			return s
		}
		return systemtest.Harness{
			System: open(),
			Second: open,
			Break:  func() func() { return corrupted(t, dir) },
			Allows: func(t testing.TB, p systemtest.Probe) bool { return opaAllows(t, dir, clock.Now(), p) },
			Proves: []access.Kind{access.Federated, access.Certificate, access.Secret}, // sshd has a test of its own
		}
	})
}

// corrupted makes the ledger one that nobody can read.
func corrupted(t *testing.T, dir string) (repair func()) {
	t.Helper()
	p := paths{root: dir}
	// each has a copy of the other; and both are of a newer provider
	good := map[string][]byte{p.generationFile(): nil, p.record(): nil}
	for path := range good {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		good[path] = text
		if err := os.WriteFile(path, []byte(`{"version": 2}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for path, text := range good {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// opaAllows is what OPA decides with the published policy and data, at the time of the clock.
func opaAllows(t testing.TB, dir string, now time.Time, p systemtest.Probe) bool {
	t.Helper()
	input, err := json.Marshal(map[string]any{
		"credential": presented(p),
		"action":     p.Action,
		"path":       p.Path,
		"ip":         "203.0.113.7",
	})
	if err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(dir, "publish", "policy")
	query := fmt.Sprintf("data.partner.allow with time.now_ns as %d", now.UnixNano())
	cmd := exec.Command(realtool.Find(t, "opa"), "eval", "--stdin-input", "--format", "raw", "--fail",
		"-d", filepath.Join(policy, "data.json"), "-d", filepath.Join(policy, "hold.json"), "-d",
		filepath.Join(policy, "policy.rego"), query)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("opa: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out)) == "true"
}

// presented is the credential as a gateway would hand it to OPA.
func presented(p systemtest.Probe) map[string]any {
	switch p.Credential.Kind() {
	case access.Certificate:
		block, _ := pem.Decode([]byte(p.Certificate))
		sum := sha256.Sum256(block.Bytes)
		return map[string]any{"certificate": map[string]any{"fingerprint": hex.EncodeToString(sum[:])}}
	case access.Federated:
		f := p.Credential.Federated
		return map[string]any{"claims": map[string]any{"iss": f.Issuer, "sub": f.Subject, "aud": f.Audiences[0]}}
	}
	return map[string]any{"secret": p.Secret}
}
