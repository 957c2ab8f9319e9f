// SPDX-License-Identifier: MPL-2.0

package realtool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Bao is a running OpenBao server, unsealed and with an audit log, that nobody else knows. Its listener asks for a
// client certificate and goes on without one. It has no secrets engines and no auth methods: mount what a test needs.
type Bao struct {
	Address   string // https://127.0.0.1:port
	CA        string // the certificate, in PEM, that vouches for the server
	CAFile    string // a file with it
	RootToken string
	AuditLog  string // a file with one JSON object a line; "auditfile/" is its path in sys/audit

	server *server
	client *http.Client
	dir    string
}

// BaoOption changes how a server is started.
type BaoOption func(*baoConfig)

// baoConfig is what differs between servers: the storage, which may depend on where the server listens, and lines that
// a test adds.
type baoConfig struct {
	storage func(addr string) string
	extra   string
}

// BaoConfig adds lines to the server's configuration file.
func BaoConfig(lines string) BaoOption { return func(c *baoConfig) { c.extra += lines + "\n" } }

// newBaoConfig returns the configuration of a server on a storage, with what options change.
func newBaoConfig(storage func(addr string) string, options []BaoOption) baoConfig {
	c := baoConfig{storage: storage}
	for _, option := range options {
		option(&c)
	}
	return c
}

// StartBao starts OpenBao until the end of the test. What it stores is in memory and gone then.
func StartBao(t testing.TB, options ...BaoOption) *Bao {
	t.Helper()
	b := newBao(t, newLoopbackCA(t, t.TempDir()))
	b.start(t, newBaoConfig(func(string) string { return `storage "inmem" {}` }, options))
	b.unseal(t, b.initialize(t))
	b.await(t, "active", func() bool { return b.health() == http.StatusOK })
	return b
}

// newBao returns a server that is not started yet, with a certificate of the CA.
func newBao(t testing.TB, ca *loopbackCA) *Bao {
	t.Helper()
	dir := t.TempDir()
	ca.serverCertificate(t, dir)
	return &Bao{CA: ca.pem, CAFile: ca.file, AuditLog: filepath.Join(dir, "audit.log"), client: ca.client(t), dir: dir}
}

// start runs the server, and returns when it answers.
func (b *Bao) start(t testing.TB, config baoConfig) {
	t.Helper()
	program := Find(t, "bao")
	begin := func(addr string) *server {
		b.Address = "https://" + addr
		file := write(t, filepath.Join(b.dir, "bao.hcl"), b.config(config, addr, freeAddr(t)))
		cmd := exec.Command(program, "server", "-config", file)
		cmd.Dir = b.dir
		cmd.Env = append(withoutBao(os.Environ()), "HOME="+b.dir)
		return start(t, cmd, filepath.Join(b.dir, "bao.log"))
	}
	b.server, _ = startOnFreeAddr(t, begin, func(string) bool { return b.health() != 0 })
}

// config returns the configuration file. The audit log is in the folder that the server runs in, since all nodes of a
// cluster have to name it alike.
func (b *Bao) config(config baoConfig, addr, clusterAddr string) string {
	return fmt.Sprintf(`%[1]s
api_addr     = "https://%[2]s"
cluster_addr = "https://%[3]s"
listener "tcp" {
  address         = %[2]q
  cluster_address = %[3]q
  tls_cert_file   = %[4]q
  tls_key_file    = %[5]q
}
audit "file" "auditfile" {
  options = { file_path = "audit.log" }
}
%[6]s`, config.storage(addr), addr, clusterAddr, filepath.Join(b.dir, "server.pem"), filepath.Join(b.dir, "server.key"),
		config.extra)
}

// withoutBao drops the variables that would make the server work in another way than configured.
func withoutBao(environ []string) []string {
	var out []string
	for _, variable := range environ {
		if !strings.HasPrefix(variable, "BAO_") && !strings.HasPrefix(variable, "VAULT_") {
			out = append(out, variable)
		}
	}
	return out
}

// initialize makes the server's root token and the key that unseals it.
func (b *Bao) initialize(t testing.TB) (key string) {
	t.Helper()
	status, answer := b.Call(t, "", "POST", "sys/init", map[string]any{"secret_shares": 1, "secret_threshold": 1})
	b.RootToken, _ = answer["root_token"].(string)
	keys, _ := answer["keys"].([]any)
	if status != http.StatusOK || b.RootToken == "" || len(keys) != 1 {
		t.Fatalf("initialize bao: %d %v", status, answer)
	}
	key, _ = keys[0].(string)
	return key
}

// unseal unseals a server with its one key share.
func (b *Bao) unseal(t testing.TB, key string) {
	t.Helper()
	if status, answer := b.Call(t, "", "POST", "sys/unseal", map[string]any{"key": key}); status != http.StatusOK {
		t.Fatalf("unseal bao: %d %v", status, answer)
	}
}

// await waits until a claim holds, and fails the test with what the server logged if it does not.
func (b *Bao) await(t testing.TB, state string, claim func() bool) {
	t.Helper()
	if !b.server.until(claim) {
		t.Fatalf("bao does not get %s; it said:\n%s", state, b.server.said())
	}
}

// health returns 200 for a server that is active, 429 for a standby, 503 sealed, 501 not
// initialized, 0 without an answer.
func (b *Bao) health() int {
	status, _, err := b.ask("", "GET", "sys/health", nil)
	if err != nil {
		return 0
	}
	return status
}

// Run runs a program as an administrator does, with the bao CLI on its PATH and logged in.
func (b *Bao) Run(t testing.TB, name string, args ...string) {
	t.Helper()
	b.RunAs(t, b.RootToken, name, args...)
}

// RunAs runs a program with the bao CLI on its PATH, and logged in with a token.
func (b *Bao) RunAs(t testing.TB, token, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "BAO_ADDR="+b.Address, "BAO_TOKEN="+token, "BAO_CACERT="+b.CAFile,
		"PATH="+filepath.Dir(Find(t, "bao"))+":"+os.Getenv("PATH"), "HOME="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// Call asks as the holder of the token, "" for nobody, and follows redirects. The answer is nil where the server sent
// none. No answer at all ends the test.
func (b *Bao) Call(t testing.TB, token, method, path string, body any) (status int, answer map[string]any) {
	t.Helper()
	status, answer, err := b.ask(token, method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return status, answer
}

// ask sends a request as bao's command line would, and returns the status and the JSON of the answer. The error is of
// transport only: a refusal is a status.
func (b *Bao) ask(token, method, path string, body any) (status int, answer map[string]any, err error) {
	var sent io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		sent = bytes.NewReader(text)
	}
	if method == "LIST" { // the same, and repeated by itself where the server has just closed the connection
		method, path = "GET", path+"?list=true"
	}
	req, err := http.NewRequest(method, b.Address+"/v1/"+path, sent)
	if err != nil {
		return 0, nil, err
	}
	if token != "" {
		req.Header.Set("X-Vault-Token", token)
	}
	if method == "PATCH" {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil && !errors.Is(err, io.EOF) {
		return 0, nil, fmt.Errorf("its answer %d is no JSON: %w", resp.StatusCode, err)
	}
	return resp.StatusCode, answer, nil
}
