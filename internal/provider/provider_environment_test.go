// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// quarter is an end that every rule of the catalogue takes, for a CLI on the machine's own clock.
func quarter() args {
	return args{"expires_at": `"` + time.Now().UTC().AddDate(0, 0, 80).Format(time.RFC3339) + `"`}
}

func TestPipelineSaysWhereAConfigurationIsApplied(t *testing.T) {
	t.Parallel()
	c, orders := newCLI(t), identity(quarter())
	c.env = append(c.env, "PARTNER_ENVIRONMENT=stage", "PARTNER_STACK=nightly", "PARTNER_EMBEDDED_DIRECTORY=elsewhere",
		"PARTNER_JOURNAL_PATH=log/changes.jsonl")
	c.write("provider \"partner\" {}\n" + orders)
	c.must("apply", "-auto-approve", "-no-color")
	if out := c.must("show", "-no-color"); !strings.Contains(out, `"acme/stage/orders-etl"`) {
		t.Errorf("the environment is not that of PARTNER_ENVIRONMENT:\n%s", out)
	}
	if len(c.files("elsewhere")) == 0 {
		t.Error("nothing lies in PARTNER_EMBEDDED_DIRECTORY")
	}
	text, err := os.ReadFile(filepath.Join(c.folder, "log", "changes.jsonl"))
	if err != nil || !strings.Contains(string(text), `"stack":"nightly"`) {
		t.Errorf("the journal at PARTNER_JOURNAL_PATH does not name the stack of PARTNER_STACK: %v\n%s", err, text)
	}

	c.write("provider \"partner\" {\n  environment = \"stage\"\n  stack = \"nightly\"\n  embedded = { directory = " +
		"\"elsewhere\" }\n" +
		"  journal = { path = \"log/changes.jsonl\" }\n}\n" + orders)
	c.env = append(c.env, "PARTNER_ENVIRONMENT=prod", "PARTNER_STACK=other", "PARTNER_EMBEDDED_DIRECTORY=nowhere",
		"PARTNER_JOURNAL_PATH=none.jsonl")
	c.must("destroy", "-auto-approve", "-no-color")
	for _, name := range []string{"nowhere", "none.jsonl"} {
		if _, err := os.Stat(filepath.Join(c.folder, name)); err == nil {
			t.Errorf("%s was made, though the configuration says another place", name)
		}
	}
}

// Whoever sets the variables of a pipeline pastes a key into the wrong one: the plan printed it as the directory, and
// the journal kept it as who ran the pipeline.
func TestAKeyInAVariableIsNotShown(t *testing.T) {
	t.Parallel()
	key := strings.ReplaceAll(newPrivateKey(t), "\n", "\\n")
	for _, variable := range []string{"PARTNER_EMBEDDED_DIRECTORY", "PARTNER_JOURNAL_PATH", "PARTNER_STACK",
		"BAO_NAMESPACE"} {
		c := newCLI(t)
		c.write("provider \"partner\" { environment = \"prod\" }\n" + identity(quarter()))
		c.env = append(c.env, variable+"="+key)
		out, err := c.try("plan", "-no-color")
		if err == nil ||
			!strings.Contains(out, variable) ||
			strings.Count(out, "Error: ") != 1 ||
			strings.Contains(out, key[40:60]) {
			t.Errorf("%s: %v\n%s", variable, err, out)
		}
	}
	c := newCLI(t)
	c.write("provider \"partner\" { environment = \"prod\" }\n" + identity(quarter()))
	c.env = append(c.env, "GITHUB_ACTIONS=true", "GITHUB_ACTOR="+key, "GITHUB_TRIGGERING_ACTOR="+key)
	c.must("apply", "-auto-approve")
	if text := string(c.files(".partner")[".partner/prod/journal.jsonl"]); text == "" ||
		strings.Contains(text, "PRIVATE") {
		t.Errorf("the journal has the key: %s", text)
	}
}

// newPrivateKey is one in PEM.
func newPrivateKey(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestProviderNeedsANamedEnvironment(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.write("provider \"partner\" {}\n" + identity(quarter()))
	for variable, says := range map[string]string{
		"PARTNER_ENVIRONMENT=":        "Missing environment",
		"PARTNER_ENVIRONMENT=Prod EU": "Invalid PARTNER_ENVIRONMENT",
	} {
		c.env = append(c.env, variable)
		if out, err := c.try("plan", "-no-color"); err == nil ||
			!strings.Contains(out, says) ||
			strings.Count(out, "Error: ") != 1 {
			t.Errorf("%s: %v\n%s", variable, err, out)
		}
	}
}

// A saved plan says in which environment its identities are, and holds no variable of a pipeline. An apply that is run
// for another environment is refused by the CLI itself, as the id would change under what was reviewed.
func TestPlanOfOneEnvironmentIsNotAppliedInAnother(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	c.env = append(c.env, "PARTNER_ENVIRONMENT=stage", "PARTNER_EMBEDDED_DIRECTORY=partner")
	c.write("provider \"partner\" {}\n" + identity(quarter()))
	c.must("plan", "-out=saved", "-no-color")
	c.env = append(c.env, "PARTNER_ENVIRONMENT=prod")
	if out, err := c.try("apply", "-no-color", "saved"); err == nil || !strings.Contains(out, "acme/prod/orders-etl") {
		t.Errorf("%v\n%s", err, out)
	}
	for name, text := range c.files("partner") {
		if strings.Contains(string(text), "orders-etl") {
			t.Errorf("%s says that something was made", name)
		}
	}
}

func TestPipelineLogsInToOpenBao(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]struct {
		login     string
		variables []string
		path      string
		sends     map[string]string
		lacks     string
	}{
		"an AppRole": {"approle = {}",
			[]string{"PARTNER_OPENBAO_ROLE_ID=one-role", "PARTNER_OPENBAO_SECRET_ID=not-to-tell"},
			"/v1/auth/approle/login", map[string]string{"role_id": "one-role", "secret_id": "not-to-tell"},
			"PARTNER_OPENBAO_ROLE_ID"},
		"a signed token": {"jwt = {}", []string{"PARTNER_OPENBAO_ROLE=governs", "PARTNER_OPENBAO_JWT=not-to-tell"},
			"/v1/auth/jwt/login", map[string]string{"role": "governs", "jwt": "not-to-tell"}, "PARTNER_OPENBAO_JWT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			sent := map[string]string{}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if r.URL.Path == given.path {
					_ = json.NewDecoder(r.Body).Decode(&sent)
				}
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"errors":["this one is not let in"]}`))
			}))
			defer server.Close()
			c := newCLI(t)
			c.write("provider \"partner\" {\n  openbao = { " + given.login + " }\n}\n" + identity(quarter()))
			c.env = append(c.env, "BAO_ADDR="+server.URL, "PARTNER_ENVIRONMENT=prod", "PARTNER_STACK=partners",
				"PARTNER_JOURNAL_PATH=journal.jsonl")
			if out, err := c.try("plan", "-no-color"); err == nil ||
				!strings.Contains(out, given.lacks) ||
				strings.Count(out, "Error: ") != 1 {
				t.Errorf("without the variables: %v\n%s", err, out)
			}
			c.env = append(c.env, given.variables...)
			out, err := c.try("plan", "-no-color")
			if err == nil || strings.Contains(out, "not-to-tell") {
				t.Errorf("%v\n%s", err, out)
			}
			mu.Lock()
			defer mu.Unlock()
			if !maps.Equal(sent, given.sends) {
				t.Errorf("the login sent %v, want %v\n%s", sent, given.sends, out)
			}
		})
	}
}
