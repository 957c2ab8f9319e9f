// SPDX-License-Identifier: MPL-2.0

package realtool

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"
)

func TestBaoAnswersItsRootTokenAndNobodyElse(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real bao")
	}
	bao := StartBao(t)
	if status, answer := bao.Call(t, bao.RootToken, "POST", "sys/mounts/kv",
		map[string]any{"type": "kv"}); status != 204 {
		t.Fatalf("mount kv: %d %v", status, answer)
	}
	if status, answer := bao.Call(t, bao.RootToken, "POST", "kv/a", map[string]any{"n": "1"}); status != 204 {
		t.Errorf("write as root: %d %v, want 204", status, answer)
	}
	status, answer := bao.Call(t, bao.RootToken, "GET", "kv/a", nil)
	if data, _ := answer["data"].(map[string]any); status != 200 || data["n"] != "1" {
		t.Errorf("read as root: %d %v, want 200 and what was written", status, answer)
	}
	if status, answer := bao.Call(t, "", "GET", "kv/a", nil); status != 403 {
		t.Errorf("read as nobody: %d %v, want 403", status, answer)
	}
	if !asksForCertificate(t, bao) {
		t.Error("the listener does not ask for a client certificate")
	}
	log, err := os.ReadFile(bao.AuditLog)
	if err != nil || !strings.Contains(string(log), `"path":"kv/a"`) {
		t.Errorf("the audit log has no line about kv/a: %v\n%s", err, log)
	}
}

// asksForCertificate says whether a client could log in by certificate, and trusts the server by the file of its CA.
func asksForCertificate(t *testing.T, bao *Bao) (asked bool) {
	t.Helper()
	text, err := os.ReadFile(bao.CAFile)
	if err != nil || string(text) != bao.CA {
		t.Fatalf("%s is not the CA: %v", bao.CAFile, err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(bao.Address, "https://"), &tls.Config{
		RootCAs:    roots,
		MinVersion: tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return &tls.Certificate{}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return asked
}

func TestABaoClusterOutlivesItsLeader(t *testing.T) {
	if testing.Short() {
		t.Skip("starts three real bao")
	}
	cluster := StartBaoCluster(t)
	leader := cluster.Leader(t)
	if status, answer := leader.Call(t, cluster.RootToken, "POST", "sys/policies/acl/p",
		map[string]any{"policy": "# p"}); status != 204 {
		t.Fatalf("write at the leader: %d %v, want 204", status, answer)
	}
	standbys := cluster.Standbys(t)
	if len(standbys) != 2 {
		t.Fatalf("%d standbys, want 2", len(standbys))
	}
	cluster.Kill(leader)
	next := cluster.Leader(t)
	if next == leader {
		t.Fatal("the leader is one that was killed")
	}
	if status, answer := next.Call(t, cluster.RootToken, "GET", "sys/policies/acl/p", nil); status != 200 {
		t.Errorf("read at the next leader: %d %v, want 200", status, answer)
	}
	if status, answer := next.Call(t, cluster.RootToken, "POST", "sys/policies/acl/q",
		map[string]any{"policy": "# q"}); status != 204 {
		t.Errorf("write at the next leader: %d %v, want 204", status, answer)
	}
}
